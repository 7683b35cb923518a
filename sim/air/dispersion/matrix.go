package dispersion

import (
	"math"

	"tideway/internal/fault"
	"tideway/internal/parallel"
	"tideway/unit"
)

// Matrix is the source–receptor matrix of one class of weather: what every
// receptor gets from a unit of emission of every link. Near links have an
// entry each, far links share the points of rectangles, so it stays sparse (a
// few hundred entries a receptor) and a changed plan is one product. It is
// immutable and safe for concurrent use.
type Matrix struct {
	links, receptors int
	blocks           []block
	parts            []part
}

// part is one kind of sources with its tree: it turns rates into the masses
// that the blocks' columns refer to.
type part struct {
	tree   *tree
	length []float64 // of each element, m
	begin  int       // first column: elements first, then four points a node
}

// block is a tile's dense rows: coefficients of the same columns, s/m³.
type block struct {
	rows    []int32
	columns []int32
	coef    []float32 // row-major
}

// NewMatrix builds the matrix of one hour of weather on at most threads
// goroutines (0: all cores). The links' rates are ignored.
func NewMatrix(threads int, links Links, rec Receptors, met Met) (*Matrix, error) {
	if err := check(links, rec, met); err != nil {
		return nil, err
	}
	a := newAir(met)
	xs, ys := a.turned(rec)
	m := &Matrix{links: links.Len(), receptors: rec.Len()}
	levels := byHeight(rec)
	begin := 0
	for _, s := range a.kinds(links) {
		p := newPart(s, begin)
		begin += p.columns()
		m.parts = append(m.parts, p)
		spreads := newSpreads(&a, s.source)
		for _, h := range levels {
			all := tiles(h.rows, xs, ys)
			k := newKernel(&a, h.z, spreads)
			blocks := make([]block, len(all))
			parallel.ForShards(threads, len(all), tileShard, func(sh parallel.Shard) {
				var pl plan
				for i := sh.Begin; i < sh.End; i++ {
					p.tree.plan(k, &all[i], farReach, &pl)
					blocks[i] = k.block(p, &all[i], &pl, xs, ys)
				}
			})
			m.blocks = append(m.blocks, blocks...)
		}
	}
	return m, nil
}

func newPart(s kind, begin int) part {
	t := newTree(s)
	p := part{tree: t, begin: begin, length: make([]float64, len(t.elements))}
	for i, e := range t.elements {
		p.length[i] = 2 * math.Hypot(e.hx, e.hy)
	}
	return p
}

func (p part) columns() int { return len(p.tree.elements) + 4*len(p.tree.nodes) }

// block evaluates the kernel between a tile's receptors and what it sums.
func (k *kernel) block(p part, at *tile, pl *plan, xs, ys []float64) block {
	b := block{rows: at.rows}
	n := len(pl.near) + 4*(len(pl.plume)+len(pl.around))
	b.columns = make([]int32, 0, n)
	for _, e := range pl.near {
		b.columns = append(b.columns, int32(p.begin)+e)
	}
	first := int32(p.begin + len(p.tree.elements))
	for _, list := range [...][]int32{pl.plume, pl.around} {
		for _, i := range list {
			for c := range int32(4) {
				b.columns = append(b.columns, first+4*i+c)
			}
		}
	}
	b.coef = make([]float32, 0, n*len(at.rows))
	for _, r := range at.rows {
		b.coef = k.row(b.coef, p.tree, pl, xs[r], ys[r])
	}
	return b
}

func (k *kernel) row(to []float32, t *tree, pl *plan, x, y float64) []float32 {
	for _, i := range pl.near {
		e := &t.elements[i]
		to = append(to, float32(k.mean(x-e.x, y-e.y, -e.hx, -e.hy, &fast)))
	}
	for _, i := range pl.plume {
		for c := range 4 {
			px, py := t.nodes[i].place(c)
			to = append(to, float32(k.at(x-px, y-py)))
		}
	}
	for _, i := range pl.around {
		for c := range 4 {
			px, py := t.nodes[i].place(c)
			dx, dy := x-px, y-py
			to = append(to, float32(k.meander(dx, dx*dx+dy*dy)))
		}
	}
	return to
}

// Entries returns the number of coefficients stored.
func (m *Matrix) Entries() int {
	n := 0
	for i := range m.blocks {
		n += len(m.blocks[i].coef)
	}
	return n
}

// Apply returns the concentrations that emission rates (g/(m·s), one per link,
// as in Links.RateGMS) cause, in the receptors' order, on at most threads
// goroutines (0: all cores).
func (m *Matrix) Apply(threads int, rateGMS []float64) ([]unit.Concentration, error) {
	if len(rateGMS) != m.links {
		var bad fault.List
		bad.Addf("rates", "", "%d rates, expected one for each of %d links", len(rateGMS), m.links)
		return nil, bad.Err("dispersion")
	}
	mass := m.masses(threads, rateGMS)
	out := make([]unit.Concentration, m.receptors)
	for begin := 0; begin < len(m.blocks); {
		// Blocks of one part and height touch every receptor at most once, but
		// those of different parts share receptors: one group after another.
		end := m.group(begin)
		parallel.ForShards(threads, end-begin, blockShard, func(sh parallel.Shard) {
			var v []float32
			for i := begin + sh.Begin; i < begin+sh.End; i++ {
				v = m.blocks[i].apply(mass, v, out)
			}
		})
		begin = end
	}
	for i, c := range out {
		out[i] = max(c, 0)
	}
	return out, nil
}

// blockShard is the number of blocks one task handles.
const blockShard = 64

// group returns the end of the blocks from begin on that belong to one part.
func (m *Matrix) group(begin int) int {
	last := m.partOf(begin)
	end := begin
	for end < len(m.blocks) && m.partOf(end) == last {
		end++
	}
	return end
}

// partOf is the part of a block: every block has at least one column, since the
// root of a tree is seen by every tile one way or another.
func (m *Matrix) partOf(i int) int {
	c := int(m.blocks[i].columns[0])
	p := 0
	for p+1 < len(m.parts) && c >= m.parts[p+1].begin {
		p++
	}
	return p
}

// masses are the emissions in g/s of all columns.
func (m *Matrix) masses(threads int, rate []float64) []float32 {
	if len(m.parts) == 0 {
		return nil
	}
	last := m.parts[len(m.parts)-1]
	out := make([]float32, last.begin+last.columns())
	for _, p := range m.parts {
		of := func(e int32) float64 { return rate[p.tree.link[e]] * p.length[e] }
		for e := range p.length {
			out[p.begin+e] = float32(of(int32(e)))
		}
		first := p.begin + len(p.length)
		parallel.ForShards(threads, len(p.tree.nodes), receptorShard, func(sh parallel.Shard) {
			for i := sh.Begin; i < sh.End; i++ {
				for c, v := range p.tree.deposit(&p.tree.nodes[i], of) {
					out[first+4*i+c] = float32(v)
				}
			}
		})
	}
	return out
}

// apply adds the block's product to out; v is scratch.
func (b *block) apply(mass, v []float32, out []unit.Concentration) []float32 {
	v = v[:0]
	for _, c := range b.columns {
		v = append(v, mass[c])
	}
	n := len(v)
	for i, r := range b.rows {
		out[r] += unit.Concentration(dot(b.coef[i*n:(i+1)*n], v)) * grams
	}
	return v
}

// dot sums in four lanes, which the processor can overlap.
func dot(a, b []float32) float64 {
	var s0, s1, s2, s3 float64
	b = b[:len(a)]
	i := 0
	for ; i+4 <= len(a); i += 4 {
		s0 += float64(a[i] * b[i])
		s1 += float64(a[i+1] * b[i+1])
		s2 += float64(a[i+2] * b[i+2])
		s3 += float64(a[i+3] * b[i+3])
	}
	for ; i < len(a); i++ {
		s0 += float64(a[i] * b[i])
	}
	return s0 + s1 + (s2 + s3)
}
