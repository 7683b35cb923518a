package air

import (
	"context"
	"math"
	"slices"

	"tideway/internal/parallel"
)

// boostConfig shapes an ensemble of regression trees.
type boostConfig struct {
	Trees    int
	Leaves   int     // of a tree, at most
	MinLeaf  int     // rows in a leaf, at least
	Rate     float64 // share of a leaf's quantile that is added
	Rows     float64 // share of rows a tree sees
	Columns  float64 // share of features a tree sees
	Quantile float64 // to estimate; .5: the median, least absolute error
	Smooth   float64 // splits are shrunk as if so many rows pulled to zero
	Seed     uint64
}

// node is an inner node (feature >= 0: left when the value is at most the
// threshold or missing and missLeft) or a leaf.
type node struct {
	feature     int32
	left, right int32
	threshold   float32
	value       float32
	missLeft    bool
}

// forest is a boosted ensemble: base plus the sum of the leaves reached
// (Friedman 2001, with quantile loss: pseudo-residuals are signs, leaves the
// quantile of what is left).
type forest struct {
	base  float32
	trees [][]node
}

// predict returns the value at a row of features.
func (f *forest) predict(x []float32) float32 {
	sum := f.base
	for _, t := range f.trees {
		i := int32(0)
		for t[i].feature >= 0 {
			n := &t[i]
			v := x[n.feature]
			if v <= n.threshold || v != v && n.missLeft {
				i = n.left
			} else {
				i = n.right
			}
		}
		sum += t[i].value
	}
	return sum
}

// maxBins is the number of bins of a feature: 0 for missing, the rest hold
// about equal numbers of rows.
const maxBins = 64

// binned is a matrix of features cut into bins, row-major.
type binned struct {
	rows, columns int
	bin           []uint8
	cuts          [][]float32 // per feature: upper ends of bins 1, 2, ...
}

// cutInto bins a row-major matrix.
func cutInto(x []float32, columns, threads int) *binned {
	rows := len(x) / columns
	b := &binned{rows: rows, columns: columns, bin: make([]uint8, len(x)), cuts: make([][]float32, columns)}
	parallel.ForShards(threads, columns, 4, func(s parallel.Shard) {
		for c := s.Begin; c < s.End; c++ {
			b.cuts[c] = cutsOf(x, c, columns)
		}
	})
	parallel.ForShards(threads, rows, 4096, func(s parallel.Shard) {
		for i := s.Begin * columns; i < s.End*columns; i++ {
			b.bin[i] = b.binOf(i%columns, x[i])
		}
	})
	return b
}

// binOf returns the bin of a value of a column.
func (b *binned) binOf(column int, v float32) uint8 {
	if v != v {
		return 0
	}
	k, _ := slices.BinarySearch(b.cuts[column], v)
	return uint8(1 + k)
}

// cutSample bounds the values that cuts are taken from.
const cutSample = 20000

// cutsOf returns at most maxBins-2 ascending cuts of a column, so that values
// fall into at most maxBins-1 bins.
func cutsOf(x []float32, column, columns int) []float32 {
	rows := len(x) / columns
	var v []float32
	for r, step := 0, max(1, rows/cutSample); r < rows; r += step {
		if y := x[r*columns+column]; y == y {
			v = append(v, y)
		}
	}
	slices.Sort(v)
	var cuts []float32
	for k := 1; k < maxBins-1 && len(v) > 0; k++ {
		c := v[k*len(v)/(maxBins-1)]
		if (len(cuts) == 0 || c > cuts[len(cuts)-1]) && c < v[len(v)-1] {
			cuts = append(cuts, c)
		}
	}
	return cuts
}

// cell sums the pseudo-residuals of the rows in a bin.
type cell struct {
	sum float32
	n   int32
}

// grower grows the trees of one forest.
type grower struct {
	cfg  boostConfig
	x    *binned
	left []float32 // what the forest does not explain yet, per row
	sign []float32
	rng  stream
	rows []int32 // of the training set
	bag  []int32 // rows of the current tree, grouped by leaf
	swap []int32
	cols []int32
	pool [][]cell
}

// leaf is a leaf that may still be split.
type leaf struct {
	node       int32
	begin, end int // in bag
	hist       []cell
	gain       float64
	column     int32 // position in cols
	bin        uint8
	missLeft   bool
}

// boost fits a forest to y on the given rows of x.
func boost(ctx context.Context, cfg boostConfig, x *binned, y []float32, rows []int32) (*forest, error) {
	g := &grower{cfg: cfg, x: x, left: make([]float32, x.rows), sign: make([]float32, x.rows), rng: stream{cfg.Seed}, rows: rows}
	g.bag, g.swap = make([]int32, 0, len(rows)), make([]int32, len(rows))
	f := &forest{}
	for _, r := range rows {
		g.left[r] = y[r]
	}
	f.base = g.quantile(rows, 1)
	for _, r := range rows {
		g.left[r] -= f.base
	}
	for range cfg.Trees {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		t := g.grow()
		f.trees = append(f.trees, t)
		for _, r := range rows {
			g.left[r] -= walk(t, x, r)
		}
	}
	for _, t := range f.trees {
		unbin(t, x)
	}
	return f, nil
}

// walk returns a tree's value at a binned row; thresholds still hold bins.
func walk(t []node, x *binned, r int32) float32 {
	row := x.bin[int(r)*x.columns : (int(r)+1)*x.columns]
	i := int32(0)
	for t[i].feature >= 0 {
		n := &t[i]
		b := row[n.feature]
		if b == 0 && n.missLeft || b != 0 && float32(b) <= n.threshold {
			i = n.left
		} else {
			i = n.right
		}
	}
	return t[i].value
}

// unbin replaces bins by the upper ends of their values.
func unbin(t []node, x *binned) {
	for i := range t {
		if n := &t[i]; n.feature >= 0 {
			n.threshold = x.cuts[n.feature][int(n.threshold)-1]
		}
	}
}

// grow grows one tree, the leaf with the largest gain first.
func (g *grower) grow() []node {
	g.sample()
	tree := []node{{feature: -1}}
	open := []leaf{g.open(0, 0, len(g.bag), nil)}
	for len(open) < g.cfg.Leaves {
		best := 0
		for i := range open {
			if open[i].gain > open[best].gain {
				best = i
			}
		}
		if !(open[best].gain > 0) {
			break
		}
		a, b := g.split(&tree, open[best])
		open[best] = a
		open = append(open, b)
	}
	for _, l := range open {
		tree[l.node].value = g.quantile(g.bag[l.begin:l.end], g.cfg.Rate)
		g.pool = append(g.pool, l.hist)
	}
	return tree
}

// sample draws the rows and features of the next tree and the signs to fit.
func (g *grower) sample() {
	g.bag, g.cols = g.bag[:0], g.cols[:0]
	for _, r := range g.rows {
		if g.rng.float() < g.cfg.Rows {
			g.bag = append(g.bag, r)
		}
	}
	for c := range g.x.columns {
		if g.rng.float() < g.cfg.Columns && len(g.x.cuts[c]) > 0 {
			g.cols = append(g.cols, int32(c))
		}
	}
	up, down := float32(g.cfg.Quantile), float32(g.cfg.Quantile-1)
	for _, r := range g.bag {
		g.sign[r] = down
		if g.left[r] > 0 {
			g.sign[r] = up
		}
	}
}

// open makes a leaf of bag rows; hist nil: counted here.
func (g *grower) open(at int32, begin, end int, hist []cell) leaf {
	l := leaf{node: at, begin: begin, end: end, hist: hist}
	if hist == nil {
		l.hist = g.count(begin, end)
	}
	if end-begin >= 2*g.cfg.MinLeaf {
		g.bestSplit(&l)
	}
	return l
}

// blank returns a zeroed histogram.
func (g *grower) blank() []cell {
	n := len(g.cols) * maxBins
	for len(g.pool) > 0 {
		h := g.pool[len(g.pool)-1]
		g.pool = g.pool[:len(g.pool)-1]
		if cap(h) >= n {
			h = h[:n]
			clear(h)
			return h
		}
	}
	return make([]cell, n, g.x.columns*maxBins)
}

// count sums the signs of bag rows by feature and bin.
func (g *grower) count(begin, end int) []cell {
	h := g.blank()
	for _, r := range g.bag[begin:end] {
		row, s := g.x.bin[int(r)*g.x.columns:(int(r)+1)*g.x.columns], g.sign[r]
		for k, c := range g.cols {
			b := &h[k*maxBins+int(row[c]&(maxBins-1))]
			b.sum += s
			b.n++
		}
	}
	return h
}

// bestSplit finds the cut of a leaf with the largest gain.
func (g *grower) bestSplit(l *leaf) {
	smooth := g.cfg.Smooth
	for k := range g.cols {
		h := l.hist[k*maxBins : (k+1)*maxBins]
		var all cell
		for _, b := range h {
			all.sum, all.n = all.sum+b.sum, all.n+b.n
		}
		total, n := float64(all.sum), float64(all.n)
		base := total * total / (n + smooth)
		for _, missLeft := range [2]bool{false, true} {
			if missLeft && h[0].n == 0 {
				break
			}
			var a, na float64
			if missLeft {
				a, na = float64(h[0].sum), float64(h[0].n)
			}
			for b := 1; b <= len(g.x.cuts[g.cols[k]]); b++ {
				a, na = a+float64(h[b].sum), na+float64(h[b].n)
				if na < float64(g.cfg.MinLeaf) {
					continue
				}
				if n-na < float64(g.cfg.MinLeaf) {
					break
				}
				if gain := a*a/(na+smooth) + (total-a)*(total-a)/(n-na+smooth) - base; gain > l.gain {
					l.gain, l.column, l.bin, l.missLeft = gain, int32(k), uint8(b), missLeft
				}
			}
		}
	}
}

// split parts a leaf; the larger child's histogram is the difference.
func (g *grower) split(tree *[]node, l leaf) (leaf, leaf) {
	c := g.cols[l.column]
	mid := g.part(l, c)
	at := int32(len(*tree))
	*tree = append(*tree, node{feature: -1}, node{feature: -1})
	(*tree)[l.node] = node{feature: c, left: at, right: at + 1, threshold: float32(l.bin), missLeft: l.missLeft}
	small, big := [2]int{l.begin, mid}, [2]int{mid, l.end}
	swapped := mid-l.begin > l.end-mid
	if swapped {
		small, big = big, small
	}
	less := g.count(small[0], small[1])
	for i := range less {
		l.hist[i].sum -= less[i].sum
		l.hist[i].n -= less[i].n
	}
	a, b := less, l.hist
	if swapped {
		a, b = b, a
	}
	return g.open(at, l.begin, mid, a), g.open(at+1, mid, l.end, b)
}

// part moves the rows that go left to the front, keeping their order.
func (g *grower) part(l leaf, c int32) int {
	mid, right := l.begin, g.swap[:0]
	for i := l.begin; i < l.end; i++ {
		r := g.bag[i]
		b := g.x.bin[int(r)*g.x.columns+int(c)]
		if b == 0 && l.missLeft || b != 0 && b <= l.bin {
			g.bag[mid] = r
			mid++
		} else {
			right = append(right, r)
		}
	}
	copy(g.bag[mid:], right)
	return mid
}

// quantile returns the quantile of what is left of rows, times rate.
func (g *grower) quantile(rows []int32, rate float64) float32 {
	if len(rows) == 0 {
		return 0
	}
	v := make([]float32, len(rows))
	for i, r := range rows {
		v[i] = g.left[r]
	}
	return float32(rate) * selectQuantile(v, g.cfg.Quantile)
}

// selectQuantile returns the lower empirical q-quantile; it reorders v.
func selectQuantile(v []float32, q float64) float32 {
	k := min(len(v)-1, int(math.Floor(q*float64(len(v)))))
	lo, hi := 0, len(v)-1
	for lo < hi {
		pivot, i, j := v[lo+(hi-lo)/2], lo, hi
		for i <= j {
			for v[i] < pivot {
				i++
			}
			for v[j] > pivot {
				j--
			}
			if i <= j {
				v[i], v[j] = v[j], v[i]
				i, j = i+1, j-1
			}
		}
		switch {
		case k <= j:
			hi = j
		case k >= i:
			lo = i
		default:
			return v[k]
		}
	}
	return v[k]
}

// stream is a SplitMix64 stream of random numbers (Steele et al. 2014).
type stream struct{ state uint64 }

func (s *stream) next() uint64 {
	s.state += 0x9E3779B97F4A7C15
	z := s.state
	z = (z ^ z>>30) * 0xBF58476D1CE4E5B9
	z = (z ^ z>>27) * 0x94D049BB133111EB
	return z ^ z>>31
}

// float returns the next number in [0, 1).
func (s *stream) float() float64 { return float64(s.next()>>11) / (1 << 53) }
