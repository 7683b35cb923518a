package dispersion

import (
	"math"
	"slices"
)

// Far from a receptor many short roads look like one smooth area. A tree of
// rectangles in wind coordinates holds the elements; each rectangle stands in
// for its elements by four points at the Gauss positions of its extent, with
// masses that keep the total, the centre and the mixed moment. The masses are
// linear in the emissions, so one geometry serves every scenario.

// node is a rectangle of the tree: the elements begin to end and, unless it is
// a leaf, its children.
type node struct {
	x, y, w, h float64 // centre and half extents of the elements inside, their lengths included
	begin, end int32
	child      [4]int32 // 0: none (the root is nobody's child)
}

func (n *node) leaf() bool { return n.child == [4]int32{} }

// tree is the rectangles over a kind's elements, which it sorts and cuts.
type tree struct {
	nodes    []node
	elements []element
	link     []int32
}

const (
	leafElements = 4     // rectangles with no more are not divided
	longest      = 100.0 // m; half length to which elements are cut, so that rectangles stay compact
	maxDepth     = 24
	maxPieces    = 1000 // of one link: roads of more than 200 km are cut more coarsely
)

func newTree(k kind) *tree {
	t := &tree{}
	for i, e := range k.elements {
		t.cut(e, k.link[i])
	}
	t.nodes = append(t.nodes, node{end: int32(len(t.elements))})
	t.divide(0, 0)
	return t
}

// cut adds an element in pieces of at most twice longest.
func (t *tree) cut(e element, link int32) {
	n := int(min(max(1, math.Ceil(math.Hypot(e.hx, e.hy)/longest)), maxPieces))
	for i := range n {
		s := (float64(2*i+1)/float64(n) - 1)
		t.elements = append(t.elements, element{e.x + s*e.hx, e.y + s*e.hy, e.hx / float64(n), e.hy / float64(n), e.mass / float64(n)})
		t.link = append(t.link, link)
	}
}

// divide bounds node i and splits it in up to four at the middle of its extent.
func (t *tree) divide(i, depth int) {
	n := &t.nodes[i]
	t.bound(n)
	if n.end-n.begin <= leafElements || depth == maxDepth {
		return
	}
	x, y := n.x, n.y
	begin, end := n.begin, n.end
	// A rectangle much longer one way is halved that way only.
	cutX, cutY := n.w*2 >= n.h, n.h*2 >= n.w
	quarter := func(e *element) int {
		q := 0
		if cutX && e.x > x {
			q |= 1
		}
		if cutY && e.y > y {
			q |= 2
		}
		return q
	}
	t.sort(begin, end, quarter)
	made := 0
	for from := begin; from < end; {
		q := quarter(&t.elements[from])
		to := from
		for to < end && quarter(&t.elements[to]) == q {
			to++
		}
		if from == begin && to == end {
			return // all centres coincide
		}
		t.nodes = append(t.nodes, node{begin: from, end: to})
		c := len(t.nodes) - 1
		t.nodes[i].child[made] = int32(c)
		made++
		from = to
	}
	for _, c := range t.nodes[i].child[:made] {
		t.divide(int(c), depth+1)
	}
}

// sort orders the elements of a range by quarter, keeping their order otherwise.
func (t *tree) sort(begin, end int32, quarter func(*element) int) {
	at := make([]int32, 0, end-begin)
	for i := begin; i < end; i++ {
		at = append(at, i)
	}
	slices.SortStableFunc(at, func(a, b int32) int { return quarter(&t.elements[a]) - quarter(&t.elements[b]) })
	es, ls := make([]element, len(at)), make([]int32, len(at))
	for i, a := range at {
		es[i], ls[i] = t.elements[a], t.link[a]
	}
	copy(t.elements[begin:end], es)
	copy(t.link[begin:end], ls)
}

func (t *tree) bound(n *node) {
	x0, x1, y0, y1 := math.Inf(1), math.Inf(-1), math.Inf(1), math.Inf(-1)
	for _, e := range t.elements[n.begin:n.end] {
		ax, ay := math.Abs(e.hx), math.Abs(e.hy)
		x0, x1, y0, y1 = math.Min(x0, e.x-ax), math.Max(x1, e.x+ax), math.Min(y0, e.y-ay), math.Max(y1, e.y+ay)
	}
	n.x, n.y = (x0+x1)/2, (y0+y1)/2
	n.w, n.h = math.Max((x1-x0)/2, 1), math.Max((y1-y0)/2, 1)
}

// place returns the position of point c (0 to 3) of the node.
func (n *node) place(c int) (x, y float64) {
	return n.x + sign(c&1)*n.w*gauss2, n.y + sign(c>>1)*n.h*gauss2
}

func sign(bit int) float64 { return float64(2*bit - 1) }

// deposit returns the masses of the four points for elements of the given
// masses (by position in t.elements).
func (t *tree) deposit(n *node, mass func(int32) float64) (out [4]float64) {
	aw, ah := 1/(n.w*gauss2), 1/(n.h*gauss2)
	for i := n.begin; i < n.end; i++ {
		e := &t.elements[i]
		u, v := (e.x-n.x)*aw, (e.y-n.y)*ah
		uv := u*v + e.hx*e.hy/3*aw*ah
		m := mass(i) / 4
		out[0] += m * (1 - u - v + uv)
		out[1] += m * (1 + u - v - uv)
		out[2] += m * (1 - u + v - uv)
		out[3] += m * (1 + u + v + uv)
	}
	return out
}
