package sumo

import (
	"math"
	"strconv"

	"tideway/geo"
	"tideway/sim/demand"
	"tideway/unit"
)

// namedRoute reads a route that vehicles refer to by id.
func (r *reader) namedRoute() error {
	e := routeEntry{at: r.here()}
	id := r.idOf("route")
	route, weight, err := r.route(id)
	e.members, e.weights = []demand.RouteID{route}, []float64{weight}
	r.defineRoute(id, e)
	return err
}

func (r *reader) defineRoute(id string, e routeEntry) {
	if old, twice := r.routes[id]; twice {
		r.bad.Addf(e.at.String(), id, "route is already defined at %v", old.at)
		return
	}
	r.routes[id] = e
}

// route reads the route element just started, under the given id.
func (r *reader) route(id string) (demand.RouteID, float64, error) {
	weight := r.number(id, "probability", 1, 0, math.MaxFloat64)
	edges, _ := r.s.attr("edges")
	segments, ok := r.segments(id, edges)
	if ok && len(segments) == 0 {
		r.addf(id, "route has no edges")
		ok = false
	}
	n := demand.RouteID(len(r.out.Routes))
	r.out.Routes = append(r.out.Routes, demand.Route{ID: id, Segments: segments})
	r.broken[n] = !ok
	halts, err := r.haltsInside(id)
	if len(halts) > 0 {
		r.halts[n] = halts
	}
	return n, weight, err
}

// inlineRoute reads a route inside a vehicle. Equal ones are shared; the first
// vehicle names it, as in SUMO, with "!".
func (r *reader) inlineRoute(vehicle string) (demand.RouteID, error) {
	edges, _ := r.s.attr("edges")
	if n, ok := r.byEdges[string(edges)]; ok {
		more := demand.RouteID(len(r.out.Routes))
		halts, err := r.haltsInside(vehicle)
		if len(halts) == 0 {
			return n, err
		}
		r.out.Routes = append(r.out.Routes, demand.Route{ID: "!" + vehicle, Segments: r.out.Routes[n].Segments})
		r.halts[more], r.broken[more] = halts, r.broken[n]
		return more, err
	}
	text := string(edges)
	n, _, err := r.route("!" + vehicle)
	if len(r.halts[n]) == 0 {
		r.byEdges[text] = n
	}
	return n, err
}

// routeDistribution reads the distribution just started; id names it in
// problems and its unnamed routes.
func (r *reader) routeDistribution(id string) (routeEntry, error) {
	e := routeEntry{at: r.here()}
	e.names, e.weights = r.members(id, "routes")
	var own []demand.RouteID
	var ownWeights []float64
	err := r.children(func(name string) error {
		if name != "route" {
			return r.s.skip()
		}
		if ref, ok := r.s.attr("refId"); ok {
			e.names = append(e.names, string(ref))
			e.weights = append(e.weights, r.number(id, "probability", ownWeight, 0, math.MaxFloat64))
			return r.s.skip()
		}
		at, given := r.here(), ""
		if text, ok := r.s.attr("id"); ok {
			given = string(text)
		}
		n, weight, err := r.route(given)
		if given != "" {
			r.defineRoute(given, routeEntry{members: []demand.RouteID{n}, weights: []float64{weight}, at: at})
		} else {
			r.out.Routes[n].ID = "!" + id + "#" + strconv.Itoa(len(own)+1)
		}
		own, ownWeights = append(own, n), append(ownWeights, weight)
		return err
	})
	// Routes in place go last: members are the names' and then these.
	e.members, e.weights = own, append(e.weights, ownWeights...)
	if len(e.weights) == 0 {
		r.bad.Addf(e.at.String(), id, "routeDistribution has no routes")
	}
	return e, err
}

// haltsInside reads the stops among the children of the element just started.
func (r *reader) haltsInside(id string) (out []demand.Halt, err error) {
	err = r.children(func(name string) error {
		if name == "stop" {
			if h, ok := r.halt(id); ok {
				out = append(out, h)
			}
		}
		return r.s.skip()
	})
	return out, err
}

// halt reads the stop element just started: at a bus stop of the city, or on a
// stretch of a lane.
func (r *reader) halt(id string) (h demand.Halt, ok bool) {
	before := r.bad.Len()
	duration, hasDuration := r.time(id, "duration")
	until, hasUntil := r.time(id, "until")
	h.Duration, h.Until = duration, until
	if !hasDuration && !hasUntil {
		r.addf(id, "stop has neither duration nor until")
	}
	if name, at := r.s.attr("busStop"); at {
		r.haltAtStop(id, string(name), &h)
	} else if name, at := r.s.attr("lane"); at {
		r.haltOnLane(id, string(name), &h)
	} else {
		r.addf(id, "stop names neither busStop nor lane")
	}
	return h, r.bad.Len() == before
}

func (r *reader) haltAtStop(id, name string, h *demand.Halt) {
	s, ok := r.city.Stops.Find(name)
	if !ok {
		r.addf(id, "bus stop %q is not in the city", name)
		return
	}
	stop := r.city.Stops.At(s)
	h.Lane, h.Begin, h.End, h.Stop = stop.Lane, stop.Begin, stop.End, name
}

func (r *reader) haltOnLane(id, name string, h *demand.Halt) {
	lane, ok := r.city.Lanes.Find(name)
	if !ok {
		r.addf(id, "lane %q is not in the city", name)
		return
	}
	length := r.city.Lanes.At(lane).Length.M()
	end := fromEnd(r.number(id, "endPos", length, -length, length), length)
	// SUMO's default begin lies twice its position tolerance of 0.1 m before the end.
	begin := fromEnd(r.number(id, "startPos", math.Max(0, end-0.2), -length, length), length)
	if begin >= end {
		r.addf(id, "stop lies from %g m to %g m, expected begin before end", begin, end)
	}
	h.Lane, h.Begin, h.End = lane, unit.Length(begin), unit.Length(end)
}

// fromEnd turns a negative position into one from the begin of a lane.
func fromEnd(pos, length float64) float64 {
	if pos < 0 {
		return math.Max(0, pos+length)
	}
	return pos
}

// lengthOf is the length against which positions on a segment are counted:
// that of its first lane.
func (r *reader) lengthOf(s geo.SegmentID) float64 {
	lane, _ := r.city.LanesOf(s)
	return r.city.Lanes.At(lane).Length.M()
}
