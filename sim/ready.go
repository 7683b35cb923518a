package sim

import (
	"math"

	"tideway/geo"
	"tideway/internal/parallel"
	"tideway/sim/demand"
)

// readyWay is the way of a trip that is about to depart, or had no room to: it
// tries in every step, so what was worked out is kept.
type readyWay struct {
	trip  int32
	found bool            // it has been looked for
	until int64           // tick up to which it holds: the renewal of travel times
	segs  []geo.SegmentID // nil: there is none
	looks []lookID        // what lies ahead on it; none before it was first asked for
}

// openRoute reports whether a trip has a route that is open.
func (e *Engine) openRoute(t *demand.Trip) bool {
	return t.Route != demand.NoRoute && e.routeOpen(t.Route, t.Type)
}

// ready returns what is kept of the way of trip i. The route of one whose route
// is open holds for good.
func (e *Engine) ready(i int32, open bool) *readyWay {
	until := int64(math.MaxInt64)
	if !open {
		until = e.prepareGuide().next
	}
	w := e.queue.ready[i]
	if w == nil || w.until != until {
		if !open {
			e.guide.refresh(e.trips[i].Type)
		}
		w = &readyWay{trip: i, until: until}
		e.queue.ready[i] = w
	}
	return w
}

// find looks for the way if nobody has.
func (e *Engine) find(w *readyWay, open bool) {
	if w.found {
		return
	}
	t := &e.trips[w.trip].Trip
	if w.found = true; open {
		w.segs = e.in.Demand.Routes[t.Route].Segments
	} else {
		w.segs = e.findRoute(t)
	}
}

// findWays looks on all threads for the ways of the trips that are about to
// depart: the first of every queue and the second, whose turn it is when the
// first has left, and those behind who were asked before travel times were
// renewed; in the first step all. One thread finds them when they are needed:
// that saves those of seconds whose turn comes after the renewal.
func (e *Engine) findWays() {
	if e.threads == 1 {
		return
	}
	q := &e.queue
	q.lost = q.lost[:0]
	for _, s := range q.active {
		due := q.due[s]
		if e.shutIn(due[0]) {
			continue
		}
		for n, i := range due {
			if n >= 2 && e.tick > 1 && q.ready[i] == nil {
				break
			}
			if t := &e.trips[i].Trip; e.status[i].state != Impossible && !e.openRoute(t) {
				if w := e.ready(i, false); !w.found {
					q.lost = append(q.lost, w)
				}
			}
		}
	}
	e.over(len(q.lost), 1, e.seek)
}

func (e *Engine) findShard(s parallel.Shard) {
	for _, w := range e.queue.lost[s.Begin:s.End] {
		e.find(w, false)
	}
}
