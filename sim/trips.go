package sim

import (
	"math"
	"slices"
	"time"

	"tideway/geo"
	"tideway/internal/fault"
	"tideway/internal/rng"
	"tideway/sim/demand"
)

// tripStatus is how far a trip got, with what is known only at its end.
type tripStatus struct {
	state    TripState
	released uint16
	rerouted bool
	stops    int32
	inS      float64 // insertion, since Input.Begin; NaN before
	outS     float64
	lossS    float64
	waitS    float64
	stoppedS float64
	drivenM  float64
	startM   float64
}

// scheduled is a trip and its position in the demand (trips added later count on).
type scheduled struct {
	demand.Trip
	source int
}

// haltPlan is a planned stop on a vehicle's route.
type haltPlan struct {
	at           int32 // position on the route
	lane         int
	beginM, endM float64
	ticks        int64
	until        time.Duration
}

// insertion holds who waits to depart: trips by time, and per segment those
// whose time has come.
type insertion struct {
	next    int // first trip whose time has not come
	waiting int // trips not yet inserted
	due     [][]int32
	active  []geo.SegmentID     // segments with due trips, in order of the first
	full    uint64              // lanes of the segment in hand on which a vehicle found no room in this step
	ready   map[int32]*readyWay // by trip whose turn it is to depart
	lost    []*readyWay         // those that have to be found
}

// Add schedules further trips. They must not depart before the engine's time;
// their types and routes are those of Input.Demand. It returns every problem
// and then adds nothing.
func (e *Engine) Add(trips ...demand.Trip) error {
	var bad fault.List
	for i := range trips {
		if trips[i].Depart < e.Time() {
			bad.Addf("trip", trips[i].ID, "departs at %v, but it is %v already", trips[i].Depart, e.Time())
		}
	}
	if err := bad.Err("adding trips"); err != nil {
		return err
	}
	return e.addTrips(trips)
}

func (e *Engine) addTrips(trips []demand.Trip) error {
	var bad fault.List
	for i := range trips {
		e.checkTrip(&trips[i], &bad)
	}
	if err := bad.Err("reading trips"); err != nil {
		return err
	}
	var fresh []scheduled
	trips = slices.Clone(trips)
	for i := range trips {
		if trips[i].Key == 0 {
			trips[i].Key = rng.Hash(trips[i].ID)
		}
	}
	for i := range trips {
		switch t := &trips[i]; {
		case t.Depart < e.in.Begin:
			e.totals.dropped++
		case e.in.End == 0 || t.Depart < e.in.End:
			fresh = append(fresh, scheduled{*t, e.totals.given + i})
		}
	}
	e.totals.given += len(trips)
	e.mergeTrips(fresh)
	return nil
}

// compareDeparture orders trips by time, then by key and id, so that the order
// in which they are listed does not matter.
func compareDeparture(a, b *demand.Trip) int {
	switch {
	case a.Depart != b.Depart:
		return sign(a.Depart < b.Depart)
	case a.ID != b.ID:
		return sign(a.ID < b.ID)
	}
	return 0
}

func sign(less bool) int {
	if less {
		return -1
	}
	return 1
}

// mergeTrips puts new trips behind those whose time has come, in order.
func (e *Engine) mergeTrips(fresh []scheduled) {
	from := e.queue.next
	e.trips = append(e.trips, fresh...)
	tail := e.trips[from:]
	slices.SortStableFunc(tail, func(a, b scheduled) int { return compareDeparture(&a.Trip, &b.Trip) })
	for range fresh {
		e.status = append(e.status, tripStatus{inS: math.NaN(), outS: math.NaN()})
	}
	e.queue.waiting += len(fresh)
	e.totals.scheduled += len(fresh)
	if e.queue.due == nil {
		e.queue.due = make([][]int32, e.net.city.Segments.Len())
		e.queue.ready = map[int32]*readyWay{}
	}
}

func (e *Engine) checkTrip(t *demand.Trip, bad *fault.List) {
	d, c := e.in.Demand, e.net.city
	if int(t.Type) >= len(d.Types) {
		bad.Addf("trip", t.ID, "has type %d of %d", t.Type, len(d.Types))
	}
	bound := func(s geo.SegmentID, what string) {
		if int(s) >= c.Segments.Len() {
			bad.Addf("trip", t.ID, "%s segment %d does not exist", what, s)
		}
	}
	if t.Route == demand.NoRoute {
		bound(t.From, "origin")
		bound(t.To, "destination")
		for _, s := range t.Via {
			bound(s, "via")
		}
	} else if int(t.Route) >= len(d.Routes) {
		bad.Addf("trip", t.ID, "has route %d of %d", t.Route, len(d.Routes))
	} else if len(d.Routes[t.Route].Segments) == 0 {
		bad.Addf("trip", t.ID, "has route %q without segments", d.Routes[t.Route].ID)
	}
	for _, h := range t.Stops {
		if int(h.Lane) >= c.Lanes.Len() {
			bad.Addf("trip", t.ID, "stops on lane %d, which does not exist", h.Lane)
		}
	}
}

// origin is the segment a trip departs from.
func (e *Engine) origin(t *demand.Trip) geo.SegmentID {
	if t.Route == demand.NoRoute {
		return t.From
	}
	return e.in.Demand.Routes[t.Route].Segments[0]
}

// planHalts places a trip's stops on its route, in order; those that do not lie
// ahead on it are left out.
func (e *Engine) planHalts(t *demand.Trip, path []geo.SegmentID, from int) []haltPlan {
	if len(t.Stops) == 0 {
		return nil
	}
	var out []haltPlan
	at := from
	lastEnd := -1.0
	for _, h := range t.Stops {
		lane := e.net.city.Lanes.At(h.Lane)
		i := at
		if i < len(path) && path[i] == lane.Segment && float64(h.End) <= lastEnd {
			i++
		}
		for i < len(path) && path[i] != lane.Segment {
			i++
		}
		if i == len(path) {
			continue
		}
		end := min(float64(h.End), float64(lane.Length))
		out = append(out, haltPlan{at: int32(i), lane: lane.Index, beginM: float64(h.Begin), endM: end,
			ticks: int64((h.Duration + e.step - 1) / e.step), until: h.Until})
		at, lastEnd = i, end
	}
	return out
}

func (e *Engine) nextHalt(id carID) *haltPlan {
	list := e.halts[id]
	if n := int(e.cars[id].halt); n < len(list) {
		return &list[n]
	}
	return nil
}

// serve lets a vehicle stand at its planned stop: it has stopped when it stands
// within the stop's stretch, and goes on when its time is over. It reports
// whether it goes on.
func (e *Engine) serve(v *veh, t trackID) (goesOn bool) {
	c := &e.cars[v.id]
	h := e.nextHalt(v.id)
	if v.flags&stopped != 0 {
		c.stoppedS += e.dt
		c.dwell--
		if c.dwell > 0 || h != nil && h.until > e.Time() {
			return false
		}
		c.halt++
		v.flags &^= stopped
		v.waitS = 0
		return true
	}
	if h == nil || h.at != c.at || v.speedMPS > haltMPS || v.posM < h.beginM-epsM {
		return false
	}
	if int(e.net.tracks[t].lane) != h.lane {
		return false
	}
	v.flags |= stopped
	v.flags &^= standing | newStop
	c.dwell = h.ticks
	return false
}

// renew works out what lies ahead of the vehicles that left a stop in this step.
// Outlooks are shared, so it is nothing for the shards.
func (e *Engine) renew() {
	for s := range e.movers {
		m := &e.movers[s]
		for _, p := range m.left {
			if i := indexOf(e.road[p.track], p.id); i >= 0 { // else it has arrived
				v := &e.road[p.track][i]
				e.relook(v, &e.cars[p.id])
				e.settle(v, &e.net.tracks[p.track])
			}
		}
		m.left = m.left[:0]
	}
}

// luckOf keys the streams of a trip.
func (e *Engine) luckOf(t *demand.Trip, p rng.Purpose) uint64 { return rng.Key(e.in.Seed, t.Key, p) }
