package dispersion

import (
	"math"
	"time"

	"tideway/internal/parallel"
)

// Ages returns for every receptor the mean time since release of what the
// links contribute, x/U_e weighted by contribution, in the receptors' order:
// what the chemistry between road and receptor needs. A receptor that gets
// nothing has age 0. It is exact to a few per cent (one point per link or far
// rectangle).
func Ages(threads int, links Links, rec Receptors, met Met) ([]time.Duration, error) {
	if err := check(links, rec, met); err != nil {
		return nil, err
	}
	a := newAir(met)
	xs, ys := a.turned(rec)
	weight, seconds := make([]float64, rec.Len()), make([]float64, rec.Len())
	levels := byHeight(rec)
	for _, s := range a.kinds(links) {
		t := newTree(s)
		masses := t.masses()
		spreads := newSpreads(&a, s.source)
		for _, h := range levels {
			k := newKernel(&a, h.z, spreads)
			all := tiles(h.rows, xs, ys)
			parallel.ForShards(threads, len(all), tileShard, func(sh parallel.Shard) {
				var v visit
				for i := sh.Begin; i < sh.End; i++ {
					v.gather(k, t, masses, &all[i])
					for _, r := range all[i].rows {
						w, s := k.aged(spreads, xs[r], ys[r], &v.all)
						weight[r] += w
						seconds[r] += s
					}
				}
			})
		}
	}
	out := make([]time.Duration, rec.Len())
	for i, w := range weight {
		if w > 0 {
			out[i] = time.Duration(seconds[i] / w * float64(time.Second))
		}
	}
	return out, nil
}

// visit is one tile's sources, all as points.
type visit struct {
	plan plan
	far  points
	all  points
}

func (v *visit) gather(k *kernel, t *tree, masses [][4]float64, at *tile) {
	t.plan(k, at, farReach, &v.plan)
	v.all.gather(t, v.plan.plume, masses)
	v.far.gather(t, v.plan.around, masses)
	v.all.x = append(v.all.x, v.far.x...)
	v.all.y = append(v.all.y, v.far.y...)
	v.all.mass = append(v.all.mass, v.far.mass...)
	for _, i := range v.plan.near {
		e := &t.elements[i]
		n := 4.0 // pieces of a link that may pass close by
		for s := .5 / n; s < 1; s += 1 / n {
			v.all.x = append(v.all.x, e.x+(2*s-1)*e.hx)
			v.all.y = append(v.all.y, e.y+(2*s-1)*e.hy)
			v.all.mass = append(v.all.mass, e.mass/n)
		}
	}
}

// aged sums contributions and contributions times their age.
func (k *kernel) aged(s *spreads, x, y float64, p *points) (weight, seconds float64) {
	for i, m := range p.mass {
		dx, dy := x-p.x[i], y-p.y[i]
		c := m * k.at(dx, dy)
		r := math.Max(math.Hypot(dx, dy), minDistance)
		j, _ := locate(clamp(r, maxDistance))
		weight += c
		seconds += c * r / s.plume[j].u
	}
	return weight, seconds
}
