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
	costS float64
	from  geo.SegmentID
	stamp int32 // round in which it was reached; below 0: and settled
}

type heapItem struct {
	keyS float64
	seg  geo.SegmentID
}

func (a heapItem) before(b heapItem) bool {
	return a.keyS < b.keyS || a.keyS == b.keyS && a.seg < b.seg
}

// shortest returns the quickest way between two segments at the times of the
// guide; nil: none.
func (g *guide) shortest(from, to geo.SegmentID, k *kind) []geo.SegmentID {
	g.begin(&g.bounds[to])
	g.reach(from, geo.NoSegment, 0)
	w := g.ways
	for len(g.heap) > 0 {
		at := g.pop().seg
		n := &g.nodes[at]
		if n.stamp < 0 {
			continue
		}
		if n.stamp = -n.stamp; at == to {
			return g.trace(to)
		}
		for i := w.start[at]; i < w.start[at+1]; i++ {
			if a := w.allow[i]; k.ignore && a != 0 || a.Has(k.class) {
				next := w.to[i]
				g.reach(next, at, n.costS+g.timeS[next]+w.costS[i])
			}
		}
	}
	return nil
}

// begin starts a search towards goal; nil: in all directions.
func (g *guide) begin(goal *waymark) {
	if g.round++; g.round == math.MaxInt32 {
		clear(g.nodes)
		g.round = 1
	}
	g.heap, g.goal = g.heap[:0], goal
}

// reach notes a way to s unless a better one is known.
func (g *guide) reach(s, from geo.SegmentID, costS float64) {
	n := &g.nodes[s]
	if n.stamp == -g.round || n.stamp == g.round && n.costS <= costS {
		return
	}
	*n = wayNode{costS, from, g.round}
	key := costS
	if g.goal != nil {
		key += g.bounds[s].bound(g.goal)
	}
	g.heap = append(g.heap, heapItem{key, s})
	h := g.heap
	for i := len(h) - 1; i > 0; {
		up := (i - 1) / 4
		if !h[i].before(h[up]) {
			break
		}
		h[i], h[up] = h[up], h[i]
		i = up
	}
}

// pop takes the first item of the heap, which has four children to a node.
func (g *guide) pop() heapItem {
	h := g.heap
	top, last := h[0], len(h)-1
	item := h[last]
	h = h[:last]
	g.heap = h
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

func (g *guide) trace(to geo.SegmentID) []geo.SegmentID {
	var way []geo.SegmentID
	for s := to; s != geo.NoSegment; s = g.nodes[s].from {
		way = append(way, s)
	}
	slices.Reverse(way)
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
	g.flood(g.ways, g.marks[l], func(a, b geo.SegmentID) float64 { return g.timeS[b] })
	for s := range g.bounds {
		g.bounds[s].fromS[l] = g.distance(s)
	}
	g.flood(g.reverse, g.marks[l], func(a, b geo.SegmentID) float64 { return g.timeS[a] })
	for s := range g.bounds {
		g.bounds[s].toS[l] = g.distance(s)
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
func (g *guide) distance(s int) float32 {
	if n := &g.nodes[s]; n.stamp == -g.round {
		return float32(n.costS)
	}
	return float32(math.Inf(1))
}

// flood reaches every segment from one, with the times of steps along w.
func (g *guide) flood(w *wayGraph, from geo.SegmentID, timeS func(a, b geo.SegmentID) float64) {
	g.begin(nil)
	g.reach(from, geo.NoSegment, 0)
	for len(g.heap) > 0 {
		at := g.pop().seg
		n := &g.nodes[at]
		if n.stamp < 0 {
			continue
		}
		n.stamp = -n.stamp
		for i := w.start[at]; i < w.start[at+1]; i++ {
			if w.allow[i] != 0 {
				g.reach(w.to[i], at, n.costS+timeS(at, w.to[i])+w.costS[i])
			}
		}
	}
}

// reversed returns the graph with every step the other way round.
func (w *wayGraph) reversed() *wayGraph {
	n := len(w.start) - 1
	r := &wayGraph{start: make([]int32, n+1), to: make([]geo.SegmentID, len(w.to)), allow: make([]geo.ClassSet, len(w.to)), costS: make([]float64, len(w.to))}
	for _, b := range w.to {
		r.start[b+1]++
	}
	for b := range n {
		r.start[b+1] += r.start[b]
	}
	next := slices.Clone(r.start)
	for a := range n {
		for i := w.start[a]; i < w.start[a+1]; i++ {
			b := w.to[i]
			r.to[next[b]], r.allow[next[b]], r.costS[next[b]] = geo.SegmentID(a), w.allow[i], w.costS[i]
			next[b]++
		}
	}
	return r
}
