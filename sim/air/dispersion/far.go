package dispersion

import (
	"math"

	"tideway/internal/parallel"
	"tideway/unit"
)

// directPairs is the number of link-receptor pairs up to which every pair is
// integrated; above, far links are seen as rectangles.
const directPairs = 4 << 20

// points are far sources as columns.
type points struct{ x, y, mass []float64 }

// gather makes p the points of the given nodes.
func (p *points) gather(t *tree, nodes []int32, masses [][4]float64) {
	p.x, p.y, p.mass = p.x[:0], p.y[:0], p.mass[:0]
	for _, n := range nodes {
		for c, m := range masses[n] {
			x, y := t.nodes[n].place(c)
			p.x, p.y, p.mass = append(p.x, x), append(p.y, y), append(p.mass, m)
		}
	}
}

// masses are the four masses of every node for the elements' own emissions.
func (t *tree) masses() [][4]float64 {
	out := make([][4]float64, len(t.nodes))
	for i := range t.nodes {
		out[i] = t.deposit(&t.nodes[i], func(e int32) float64 { return t.elements[e].mass })
	}
	return out
}

// far adds to the chore's receptors what its sources cause, seen through a tree.
func (k *kernel) far(threads int, c chore) {
	t := newTree(c.sources)
	masses := t.masses()
	all := tiles(c.rows, c.xs, c.ys)
	parallel.ForShards(threads, len(all), tileShard, func(sh parallel.Shard) {
		var p plan
		var plume, around points
		for i := sh.Begin; i < sh.End; i++ {
			at := &all[i]
			t.plan(k, at, farReach, &p)
			plume.gather(t, p.plume, masses)
			around.gather(t, p.around, masses)
			for _, r := range at.rows {
				x, y := c.xs[r], c.ys[r]
				sum := k.near(x, y, t.elements, p.near) + k.inside(x, y, &plume) + k.outside(x, y, &around)
				c.out[r] += unit.Concentration(math.Max(sum, 0)) * grams
			}
		}
	})
}

// tileShard is the number of tiles one task handles.
const tileShard = 16

func (k *kernel) near(x, y float64, elements []element, list []int32) float64 {
	sum := 0.0
	for _, i := range list {
		e := &elements[i]
		sum += e.mass * k.mean(x-e.x, y-e.y, -e.hx, -e.hy, &fast)
	}
	return sum
}

func (k *kernel) inside(x, y float64, p *points) float64 {
	sum := 0.0
	px, py, m := p.x, p.y[:len(p.x)], p.mass[:len(p.x)]
	for i := range px {
		sum += m[i] * k.at(x-px[i], y-py[i])
	}
	return sum
}

func (k *kernel) outside(x, y float64, p *points) float64 {
	sum := 0.0
	px, py, m := p.x, p.y[:len(p.x)], p.mass[:len(p.x)]
	for i := range px {
		dx, dy := x-px[i], y-py[i]
		sum += m[i] * k.meander(dx, dx*dx+dy*dy)
	}
	return sum
}
