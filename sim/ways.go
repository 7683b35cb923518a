package sim

import (
	"math"
	"slices"

	"tideway/geo"
)

// The quickest way between two segments by A* (Hart, Nilsson, Raphael, A formal
// basis for the heuristic determination of minimum cost paths, 1968) with bounds
// by landmarks and the triangle inequality (Goldberg, Harrelson, Computing the
// shortest path: A* search meets graph theory, 2005), measured again when travel
// times are renewed. The ways are as quick as those of Dijkstra's algorithm.

const (
	landmarks = 8
	roundingS = 1e-2 // more than single precision takes off a time of a day
)

// waymark holds the times between a segment and the landmarks, for a vehicle
// that may go everywhere; infinite where there is no way.
type waymark struct {
	fromS, toS [landmarks]float32 // from the landmark, to the landmark
}

// bound returns a time below which nobody gets from w to goal.
func (w *waymark) bound(goal *waymark) float64 {
	most := float32(0)
	for l := range landmarks {
		if d := goal.fromS[l] - w.fromS[l]; d > most && d < math.MaxFloat32 {
			most = d
		}
		if d := w.toS[l] - goal.toS[l]; d > most && d < math.MaxFloat32 {
			most = d
		}
	}
	return max(0, float64(most)-roundingS)
}

// wayNode is what a search knows of a segment.
type wayNode struct {
	costS  float64
	boundS float64 // below what is still needed to the goal
	from   geo.SegmentID
	stamp  int32 // round in which it was reached; below 0: and settled
}

type heapItem struct {
	keyS float64
	seg  geo.SegmentID
}

func (a heapItem) before(b heapItem) bool {
	return a.keyS < b.keyS || a.keyS == b.keyS && a.seg < b.seg
}

// pathfinder is what one thread needs to search.
type pathfinder struct {
	g     *guide
	nodes []wayNode // by segment
	round int32     // of nodes
	heap  []heapItem
	goal  *waymark
}

func (g *guide) newPathfinder() *pathfinder {
	return &pathfinder{g: g, nodes: make([]wayNode, len(g.timeS))}
}

// shortest returns the quickest way between two segments for a vehicle of kind
// k; nil: none. Several threads may ask at a time.
func (g *guide) shortest(from, to geo.SegmentID, k *kind) []geo.SegmentID {
	f := <-g.finders
	defer func() { g.finders <- f }()
	return f.shortest(from, to, k)
}

func (f *pathfinder) shortest(from, to geo.SegmentID, k *kind) []geo.SegmentID {
	f.begin(&f.g.bounds[to])
	f.reach(from, geo.NoSegment, 0)
	w, timeS := f.g.ways, f.g.timeS
	for len(f.heap) > 0 {
		at := f.pop().seg
		n := &f.nodes[at]
		if n.stamp < 0 {
			continue
		}
		if n.stamp = -n.stamp; at == to {
			return f.trace(to)
		}
		arcs := w.from(at)
		for i := range arcs {
			if a := &arcs[i]; k.ignore && a.allow != 0 || a.allow.Has(k.class) {
				f.reach(a.to, at, n.costS+timeS[a.to]+a.costS)
			}
		}
	}
	return nil
}

// begin starts a search towards goal; nil: in all directions.
func (f *pathfinder) begin(goal *waymark) {
	if f.round++; f.round == math.MaxInt32 {
		clear(f.nodes)
		f.round = 1
	}
	f.heap, f.goal = f.heap[:0], goal
}

// reach notes a way to s unless a better one is known.
func (f *pathfinder) reach(s, from geo.SegmentID, costS float64) {
	n := &f.nodes[s]
	switch {
	case n.stamp == -f.round || n.stamp == f.round && n.costS <= costS:
		return
	case n.stamp == f.round:
		n.costS, n.from = costS, from
	case f.goal == nil:
		*n = wayNode{costS, 0, from, f.round}
	default:
		*n = wayNode{costS, f.g.bounds[s].bound(f.goal), from, f.round}
	}
	item := heapItem{costS + n.boundS, s}
	f.heap = append(f.heap, item)
	h := f.heap
	i := len(h) - 1
	for i > 0 {
		up := (i - 1) / 4
		if !item.before(h[up]) {
			break
		}
		h[i] = h[up]
		i = up
	}
	h[i] = item
}

// pop takes the first item of the heap, which has four children to a node.
func (f *pathfinder) pop() heapItem {
	h := f.heap
	top, last := h[0], len(h)-1
	item := h[last]
	h = h[:last]
	f.heap = h
	if last == 0 {
		return top
	}
	i := 0
	for {
		c := 4*i + 1
		if c >= last {
			break
		}
		for d := c + 1; d < min(c+4, last); d++ {
			if h[d].before(h[c]) {
				c = d
			}
		}
		if !h[c].before(item) {
			break
		}
		h[i] = h[c]
		i = c
	}
	h[i] = item
	return top
}

func (f *pathfinder) trace(to geo.SegmentID) []geo.SegmentID {
	n := 0
	for s := to; s != geo.NoSegment; s = f.nodes[s].from {
		n++
	}
	way := make([]geo.SegmentID, n)
	for s := to; s != geo.NoSegment; s = f.nodes[s].from {
		n--
		way[n] = s
	}
	return way
}

// survey places the landmarks, each as far from the others as can be without
// traffic, and measures the times from and to them. Cost: two searches through
// the city a landmark.
func (g *guide) survey() {
	g.bounds = make([]waymark, len(g.timeS))
	g.reverse = g.ways.reversed()
	nearest := make([]float64, len(g.timeS))
	for s := range nearest {
		nearest[s] = math.Inf(1)
	}
	for l := range landmarks {
		if len(nearest) > 0 {
			g.marks[l] = geo.SegmentID(farthest(nearest))
			g.measure(l)
		}
		for s := range nearest {
			nearest[s] = min(nearest[s], float64(g.bounds[s].fromS[l]))
		}
	}
	g.stale = false
}

// measure renews the times from and to landmark l.
func (g *guide) measure(l int) {
	f := <-g.finders
	defer func() { g.finders <- f }()
	f.flood(g.ways, g.marks[l], func(a, b geo.SegmentID) float64 { return g.timeS[b] })
	for s := range g.bounds {
		g.bounds[s].fromS[l] = f.distance(s)
	}
	f.flood(g.reverse, g.marks[l], func(a, b geo.SegmentID) float64 { return g.timeS[a] })
	for s := range g.bounds {
		g.bounds[s].toS[l] = f.distance(s)
	}
}

// refresh measures all landmarks again if travel times have been renewed.
func (g *guide) refresh() {
	for l := range landmarks {
		if g.stale && len(g.bounds) > 0 {
			g.measure(l)
		}
	}
	g.stale = false
}

// farthest returns the place of the largest finite distance, or of the first
// infinite one when all others are landmarks.
func farthest(d []float64) int {
	at := 0
	for s, x := range d {
		if !math.IsInf(x, 1) && x > d[at] || math.IsInf(d[at], 1) && !math.IsInf(x, 1) {
			at = s
		}
	}
	return at
}

// distance is what the last flood found; infinite where it did not get.
func (f *pathfinder) distance(s int) float32 {
	if n := &f.nodes[s]; n.stamp == -f.round {
		return float32(n.costS)
	}
	return float32(math.Inf(1))
}

// flood reaches every segment from one, with the times of steps along w.
func (f *pathfinder) flood(w *wayGraph, from geo.SegmentID, timeS func(a, b geo.SegmentID) float64) {
	f.begin(nil)
	f.reach(from, geo.NoSegment, 0)
	for len(f.heap) > 0 {
		at := f.pop().seg
		n := &f.nodes[at]
		if n.stamp < 0 {
			continue
		}
		n.stamp = -n.stamp
		for _, a := range w.from(at) {
			if a.allow != 0 {
				f.reach(a.to, at, n.costS+timeS(at, a.to)+a.costS)
			}
		}
	}
}

// reversed returns the graph with every step the other way round.
func (w *wayGraph) reversed() *wayGraph {
	n := len(w.start) - 1
	r := &wayGraph{start: make([]int32, n+1), arcs: make([]wayArc, len(w.arcs))}
	for _, a := range w.arcs {
		r.start[a.to+1]++
	}
	for b := range n {
		r.start[b+1] += r.start[b]
	}
	next := slices.Clone(r.start)
	for s := range geo.SegmentID(n) {
		for _, a := range w.from(s) {
			r.arcs[next[a.to]] = wayArc{s, a.allow, a.costS}
			next[a.to]++
		}
	}
	return r
}
