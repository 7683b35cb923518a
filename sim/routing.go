package sim

import (
	"slices"

	"tideway/geo"
	"tideway/internal/rng"
	"tideway/sim/demand"
)

// guide finds ways for trips without a route, and around closures: the
// quickest way at the travel times seen lately, renewed every Input.Guide.
type guide struct {
	ways  *wayGraph
	timeS []float64 // by segment
	seen  seenSpeeds
	next  int64 // tick of the next renewal

	order   *hierarchy
	times   []*wayTimes      // by vehicle type; those who may take the same steps share one
	finders chan *pathfinder // idle ones of one for every thread
}

// wayGraph lists for every segment which segments follow and who may go there.
type wayGraph struct {
	start []int32
	arcs  []wayArc
}

// wayArc leads onto a segment.
type wayArc struct {
	to    geo.SegmentID
	allow geo.ClassSet
	costS float64 // added by the junction
}

// from returns the arcs that leave a segment.
func (w *wayGraph) from(s geo.SegmentID) []wayArc { return w.arcs[w.start[s]:w.start[s+1]] }

// minorS is what giving way where no signal stands adds to the time of a way: SUMO's
// default weights.minor-penalty.
const minorS = 1.5

func newWayGraph(n *network) *wayGraph {
	segs := n.city.Segments.Len()
	lists := make([][]wayArc, segs)
	for m := range n.ways {
		l := &n.links[n.ways[m].entry]
		a, b := n.tracks[l.from].seg, n.tracks[l.lane].seg
		mv := n.city.Movements.At(geo.MovementID(m))
		inner := float64(mv.Length) / float64(mv.Limit)
		if l.group < 0 && isMinor(l.right) {
			inner += minorS
		}
		i := slices.IndexFunc(lists[a], func(x wayArc) bool { return x.to == b })
		if i < 0 {
			i = len(lists[a])
			lists[a] = append(lists[a], wayArc{to: b, costS: inner})
		}
		arc := &lists[a][i]
		arc.allow |= l.allow
		arc.costS = min(arc.costS, inner)
	}
	g := &wayGraph{start: make([]int32, segs+1)}
	for a := range segs {
		g.arcs = append(g.arcs, lists[a]...)
		g.start[a+1] = int32(len(g.arcs))
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
	g.timeS, g.next = make([]float64, n), e.tick+e.guideTicks()
	g.seen = seenSpeeds{make([]float64, n), make([]int32, n), e.tick}
	for s, seg := range e.net.city.Segments.All() {
		g.timeS[s] = segmentS(seg, float64(seg.Limit))
	}
	g.order = newHierarchy(e.net.city, g.ways)
	g.finders = make(chan *pathfinder, e.threads)
	for range e.threads {
		g.finders <- newPathfinder(g.order)
	}
	for i := range e.kinds {
		g.addTimes(&e.kinds[i])
	}
	return g
}

// addTimes gives the next vehicle type its times: those of a type before it that
// may take the same steps, if there is one.
func (g *guide) addTimes(k *kind) {
	open := make([]bool, len(g.ways.arcs))
	for i := range open {
		allow := g.ways.arcs[i].allow
		open[i] = k.ignore && allow != 0 || allow.Has(k.class)
	}
	for _, w := range g.times {
		if slices.Equal(w.open, open) {
			g.times = append(g.times, w)
			return
		}
	}
	g.times = append(g.times, &wayTimes{open: open, stale: true})
}

// age makes the times along the hierarchy be worked out anew when somebody asks.
func (g *guide) age() {
	for _, w := range g.times {
		w.stale = true
	}
}

// refresh works out the times for a vehicle type if travel times have been
// renewed.
func (g *guide) refresh(id demand.TypeID) {
	if w := g.times[id]; w.stale {
		w.renew(g.order, g.ways, g.timeS)
	}
}

// shortest returns the quickest way between two segments for a vehicle of a type
// whose times are fresh; nil: none. Several threads may ask at a time.
func (g *guide) shortest(from, to geo.SegmentID, id demand.TypeID) []geo.SegmentID {
	f := <-g.finders
	defer func() { g.finders <- f }()
	return f.shortest(g.times[id], from, to)
}

// findRoute returns a way for a trip over its intermediate places, nil when
// there is none. A trip whose given route is closed keeps its ends. Several
// threads may ask at a time.
func (e *Engine) findRoute(t *demand.Trip) []geo.SegmentID {
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
	if !e.openFor(from, &e.kinds[t.Type]) {
		return nil
	}
	for _, goal := range append(slices.Clone(via), to) {
		if goal == way[len(way)-1] {
			continue
		}
		leg := e.guide.shortest(way[len(way)-1], goal, t.Type)
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
