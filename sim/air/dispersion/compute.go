package dispersion

import (
	"math"

	"tideway/internal/parallel"
	"tideway/unit"
)

// element is a straight piece of road in wind coordinates: x downwind, y to
// the left of it.
type element struct {
	x, y, hx, hy float64 // centre and half vector, m
	mass         float64 // emission rate × length, g/s
}

// kind groups sources whose kernels are the same.
type kind struct {
	source
	elements []element
	link     []int32 // the link of each element
}

// maxKinds bounds the kernels of one hour. Links whose heights and spreads
// differ more finely than that are rounded to steps of a few per cent.
const maxKinds = 64

// kinds sorts the links by source kind, in the order in which the kinds
// appear. Links of zero length are left out.
func (a *air) kinds(links Links) []kind {
	var out []kind
	for step := 0.0; step == 0 || len(out) > maxKinds; step = 2*step + .02 {
		out = a.rounded(links, step)
	}
	return out
}

func (a *air) rounded(links Links, step float64) []kind {
	var out []kind
	at := map[source]int{}
	for i := range links.Len() {
		e := a.element(links, i)
		if e.hx == 0 && e.hy == 0 {
			continue
		}
		s := source{roundTo(links.HeightM[i], step), roundTo(links.SigmaZ0M[i], step)}
		j, ok := at[s]
		if !ok {
			j = len(out)
			at[s] = j
			out = append(out, kind{source: s})
		}
		out[j].elements = append(out[j].elements, e)
		out[j].link = append(out[j].link, int32(i))
	}
	return out
}

// roundTo rounds a length to the nearest power of 1+step; 0 leaves it.
func roundTo(v, step float64) float64 {
	if step == 0 || v < .01 {
		return v
	}
	return math.Pow(1+step, math.Round(math.Log(v)/math.Log1p(step)))
}

func (a *air) element(l Links, i int) element {
	x0, y0 := a.turn(l.X0M[i], l.Y0M[i])
	x1, y1 := a.turn(l.X1M[i], l.Y1M[i])
	e := element{x: (x0 + x1) / 2, y: (y0 + y1) / 2, hx: (x1 - x0) / 2, hy: (y1 - y0) / 2}
	e.mass = 2 * math.Hypot(e.hx, e.hy) * l.RateGMS[i]
	return e
}

// turn rotates a point into wind coordinates.
func (a *air) turn(x, y float64) (along, across float64) {
	return x*a.cosW + y*a.sinW, y*a.cosW - x*a.sinW
}

// turned returns the receptors in wind coordinates.
func (a *air) turned(rec Receptors) (xs, ys []float64) {
	xs, ys = make([]float64, rec.Len()), make([]float64, rec.Len())
	for i := range xs {
		xs[i], ys[i] = a.turn(rec.XM[i], rec.YM[i])
	}
	return xs, ys
}

// heightRows is the receptors of one height.
type heightRows struct {
	z    float64
	rows []int32
}

// byHeight groups the receptors by height, in the order in which heights
// appear; more than maxKinds heights are rounded.
func byHeight(rec Receptors) []heightRows {
	var out []heightRows
	for step := 0.0; step == 0 || len(out) > maxKinds; step = 2*step + .02 {
		out = roundedHeights(rec, step)
	}
	return out
}

func roundedHeights(rec Receptors, step float64) []heightRows {
	var out []heightRows
	at := map[float64]int{}
	for i, z := range rec.ZM {
		z = roundTo(z, step)
		j, ok := at[z]
		if !ok {
			j = len(out)
			at[z] = j
			out = append(out, heightRows{z: z})
		}
		out[j].rows = append(out[j].rows, int32(i))
	}
	return out
}

// Compute returns the concentration that the links cause at every receptor in
// one hour of weather, in the receptors' order. Up to four million pairs every
// pair is integrated, to about 0.1 %; above, far links are summed as areas, to
// about 1 %. All problems of the input are reported together. The result does
// not depend on threads (0: all cores).
func Compute(threads int, links Links, rec Receptors, met Met) ([]unit.Concentration, error) {
	if links.Len()*rec.Len() > directPairs {
		return compute(links, rec, met, func(k *kernel, c chore) { k.far(threads, c) })
	}
	return compute(links, rec, met, func(k *kernel, c chore) { k.direct(threads, c, &fast) })
}

// Exact is Compute with every pair's integral carried to convergence: what
// Compute is measured against. It costs some hundred times as much.
func Exact(threads int, links Links, rec Receptors, met Met) ([]unit.Concentration, error) {
	return compute(links, rec, met, func(k *kernel, c chore) { k.direct(threads, c, &fine) })
}

// chore is one kind of sources and the receptors of one height.
type chore struct {
	sources kind
	rows    []int32
	xs, ys  []float64 // all receptors in wind coordinates
	out     []unit.Concentration
}

func compute(links Links, rec Receptors, met Met, do func(*kernel, chore)) ([]unit.Concentration, error) {
	if err := check(links, rec, met); err != nil {
		return nil, err
	}
	a := newAir(met)
	xs, ys := a.turned(rec)
	out := make([]unit.Concentration, rec.Len())
	levels := byHeight(rec)
	for _, s := range a.kinds(links) {
		spreads := newSpreads(&a, s.source)
		for _, h := range levels {
			do(newKernel(&a, h.z, spreads), chore{s, h.rows, xs, ys, out})
		}
	}
	return out, nil
}

// receptorShard is the number of receptors one task handles.
const receptorShard = 256

// grams is one g/m³.
const grams unit.Concentration = 1e-3

// direct integrates every pair.
func (k *kernel) direct(threads int, c chore, acc *accuracy) {
	parallel.ForShards(threads, len(c.rows), receptorShard, func(sh parallel.Shard) {
		for _, i := range c.rows[sh.Begin:sh.End] {
			sum := 0.0
			for j := range c.sources.elements {
				e := &c.sources.elements[j]
				sum += e.mass * k.mean(c.xs[i]-e.x, c.ys[i]-e.y, -e.hx, -e.hy, acc)
			}
			c.out[i] += unit.Concentration(sum) * grams
		}
	})
}
