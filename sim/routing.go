package sim

import (
	"slices"
	"time"

	"tideway/geo"
	"tideway/internal/rng"
	"tideway/sim/demand"
)

// guide finds ways for trips without a route, and around closures: the
// quickest way at the travel times seen lately. Times are renewed every
// Input.Guide as a moving average of what vehicles needed.
type guide struct {
	ways  *wayGraph
	timeS []float64 // by segment
	vehS  []float64 // by segment: vehicle-seconds and metres driven since the last renewal
	distM []float64
	next  int64 // tick of the next renewal

	costS []float64
	from  []geo.SegmentID
	stamp []int32
	round int32
	heap  []heapItem
}

type heapItem struct {
	costS float64
	seg   geo.SegmentID
}

// wayGraph lists for every segment which segments follow and who may go there.
type wayGraph struct {
	start []int32
	to    []geo.SegmentID
	allow []geo.ClassSet
	costS []float64 // added by the junction
}

func newWayGraph(n *network) *wayGraph {
	segs := n.city.Segments.Len()
	next := make([]map[geo.SegmentID]int, segs)
	lists := make([][]geo.SegmentID, segs)
	allow := make([][]geo.ClassSet, segs)
	cost := make([][]float64, segs)
	for m := range n.ways {
		l := &n.links[n.ways[m].entry]
		a, b := n.tracks[l.from].seg, n.tracks[l.lane].seg
		inner := 0.0
		mv := n.city.Movements.At(geo.MovementID(m))
		inner = float64(mv.Length) / float64(mv.Limit)
		if next[a] == nil {
			next[a] = map[geo.SegmentID]int{}
		}
		i, known := next[a][b]
		if !known {
			i = len(lists[a])
			next[a][b] = i
			lists[a], allow[a], cost[a] = append(lists[a], b), append(allow[a], 0), append(cost[a], inner)
		}
		allow[a][i] |= l.allow
		cost[a][i] = min(cost[a][i], inner)
	}
	g := &wayGraph{start: make([]int32, segs+1)}
	for a := range segs {
		g.to, g.allow, g.costS = append(g.to, lists[a]...), append(g.allow, allow[a]...), append(g.costS, cost[a]...)
		g.start[a+1] = int32(len(g.to))
	}
	return g
}

func (e *Engine) prepareGuide() *guide {
	g := &e.guide
	if g.ways != nil {
		return g
	}
	n := e.net.city.Segments.Len()
	g.ways = newWayGraph(e.net)
	g.timeS, g.vehS, g.distM = make([]float64, n), make([]float64, n), make([]float64, n)
	g.costS, g.from, g.stamp = make([]float64, n), make([]geo.SegmentID, n), make([]int32, n)
	for s, seg := range e.net.city.Segments.All() {
		g.timeS[s] = float64(seg.Length) / float64(seg.Limit)
	}
	return g
}

// guideEvery is how often travel times are renewed when Input.Guide is 0.
const guideEvery = 5 * time.Minute

// renewGuide takes in what segments took since the last renewal: the mean speed
// seen counts half, what was known before half.
func (e *Engine) renewGuide() {
	g := &e.guide
	if g.ways == nil || e.tick < g.next {
		return
	}
	every := e.in.Guide
	if every == 0 {
		every = guideEvery
	}
	g.next = e.tick + max(1, int64(every/e.step))
	vehS, distM := make([]float64, len(g.timeS)), make([]float64, len(g.timeS))
	for t := range e.tally.tracks {
		c, s := &e.tally.tracks[t], e.net.tracks[t].seg
		vehS[s] += c.vehS
		distM[s] += c.distM
	}
	for s := range g.timeS {
		dv, dd := vehS[s]-g.vehS[s], distM[s]-g.distM[s]
		if dv < 0 || dd < 0 { // an interval was closed meanwhile
			dv, dd = vehS[s], distM[s]
		}
		g.vehS[s], g.distM[s] = vehS[s], distM[s]
		seg := e.net.city.Segments.At(geo.SegmentID(s))
		free := float64(seg.Length) / float64(seg.Limit)
		seen := free
		if dv > 0 {
			seen = max(free, float64(seg.Length)/max(dd/dv, 0.5))
		}
		g.timeS[s] += 0.5 * (seen - g.timeS[s])
	}
}

// findRoute returns a way for a trip over its intermediate places, nil when
// there is none. A trip whose given route is closed keeps its ends.
func (e *Engine) findRoute(t *demand.Trip, k *kind) []geo.SegmentID {
	e.prepareGuide()
	from, to, via := t.From, t.To, t.Via
	if t.Route != demand.NoRoute {
		segs := e.in.Demand.Routes[t.Route].Segments
		from, to, via = segs[0], segs[len(segs)-1], nil
		if !e.reroutes(t) {
			return nil
		}
		for _, h := range t.Stops {
			via = append(via, e.net.city.Lanes.At(h.Lane).Segment)
		}
	}
	way := []geo.SegmentID{from}
	if !e.openFor(from, k) {
		return nil
	}
	for _, goal := range append(slices.Clone(via), to) {
		if goal == way[len(way)-1] {
			continue
		}
		leg := e.shortest(way[len(way)-1], goal, k)
		if leg == nil {
			return nil
		}
		way = append(way, leg[1:]...)
	}
	return way
}

// reroutes reports whether the driver looks for a way around.
func (e *Engine) reroutes(t *demand.Trip) bool {
	share := float64(e.in.Reroute)
	return share == 0 || rng.Unit(rng.At(rng.Key(e.in.Seed, t.Key, rng.RouteChoice), 1)) < share
}

func (e *Engine) openFor(s geo.SegmentID, k *kind) bool {
	first, n := e.net.city.LanesOf(s)
	for l := range n {
		if e.net.tracks[int(first)+l].open(k) {
			return true
		}
	}
	return false
}

// shortest returns the quickest way between two segments by Dijkstra's
// algorithm (A note on two problems in connexion with graphs, 1959); ties go to
// the smaller segment. nil: none.
func (e *Engine) shortest(from, to geo.SegmentID, k *kind) []geo.SegmentID {
	g := &e.guide
	g.round++
	g.heap = g.heap[:0]
	g.reach(from, geo.NoSegment, 0)
	for len(g.heap) > 0 {
		top := g.pop()
		if top.costS > g.costS[top.seg] {
			continue
		}
		if top.seg == to {
			return g.trace(to)
		}
		for i := g.ways.start[top.seg]; i < g.ways.start[top.seg+1]; i++ {
			if a := g.ways.allow[i]; k.ignore && a != 0 || a.Has(k.class) {
				next := g.ways.to[i]
				g.reach(next, top.seg, top.costS+g.timeS[next]+g.ways.costS[i])
			}
		}
	}
	return nil
}

func (g *guide) reach(s, from geo.SegmentID, costS float64) {
	if g.stamp[s] == g.round && g.costS[s] <= costS {
		return
	}
	g.stamp[s], g.costS[s], g.from[s] = g.round, costS, from
	g.heap = append(g.heap, heapItem{costS, s})
	h := g.heap
	for i := len(h) - 1; i > 0; {
		up := (i - 1) / 2
		if !h[i].before(h[up]) {
			break
		}
		h[i], h[up] = h[up], h[i]
		i = up
	}
}

func (a heapItem) before(b heapItem) bool {
	return a.costS < b.costS || a.costS == b.costS && a.seg < b.seg
}

func (g *guide) pop() heapItem {
	h := g.heap
	top := h[0]
	last := len(h) - 1
	h[0] = h[last]
	h = h[:last]
	for i := 0; ; {
		c := 2*i + 1
		if c >= last {
			break
		}
		if c+1 < last && h[c+1].before(h[c]) {
			c++
		}
		if !h[c].before(h[i]) {
			break
		}
		h[i], h[c] = h[c], h[i]
		i = c
	}
	g.heap = h
	return top
}

func (g *guide) trace(to geo.SegmentID) []geo.SegmentID {
	var way []geo.SegmentID
	for s := to; s != geo.NoSegment; s = g.from[s] {
		way = append(way, s)
	}
	slices.Reverse(way)
	return way
}

// routeOpen reports whether a vehicle of a type can drive a route of the
// demand: every segment and some movement between each two are open to it.
func (e *Engine) routeOpen(r demand.RouteID, id demand.TypeID) bool {
	key := [2]uint32{uint32(r), uint32(id)}
	if open, ok := e.openRoutes[key]; ok {
		return open
	}
	open := e.checkRoute(e.in.Demand.Routes[r].Segments, &e.kinds[id])
	if e.openRoutes == nil {
		e.openRoutes = map[[2]uint32]bool{}
	}
	e.openRoutes[key] = open
	return open
}

func (e *Engine) checkRoute(segs []geo.SegmentID, k *kind) bool {
	for i, s := range segs {
		if !e.openFor(s, k) {
			return false
		}
		if i+1 < len(segs) && !e.joined(s, segs[i+1], k) {
			return false
		}
	}
	return true
}

// joined reports whether a movement from s to next is open to k.
func (e *Engine) joined(s, next geo.SegmentID, k *kind) bool {
	first, n := e.net.city.LanesOf(s)
	for l := range n {
		t := &e.net.tracks[int(first)+l]
		for q := t.out; q < t.outEnd; q++ {
			link := &e.net.links[q]
			if e.net.tracks[link.lane].seg == next && link.admits(k.class, k.ignore) {
				return true
			}
		}
	}
	return false
}
