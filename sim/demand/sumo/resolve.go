package sumo

import (
	"slices"

	"tideway/geo"
	"tideway/internal/rng"
	"tideway/sim/demand"
)

// resolve turns names into ids, draws from distributions, and checks every
// pair of type and route once.
func (r *reader) resolve() {
	r.expand()
	r.dropDistributionNames()
	links := demand.NewLinks(r.city)
	checked := map[checkKey]bool{}
	trips := make([]demand.Trip, 0, len(r.wanted))
	for i := range r.wanted {
		w := &r.wanted[i]
		if !r.resolveType(w) || !r.resolveRoute(w) || w.failed {
			continue
		}
		if k := (checkKey{w.trip.Type, w.trip.Route}); w.trip.Route != demand.NoRoute && !checked[k] {
			checked[k] = true
			links.Check(r.out.Routes[w.trip.Route], r.out.Types[w.trip.Type], w.at.String()+": "+w.trip.ID, &r.bad)
		}
		trips = append(trips, w.trip)
	}
	slices.SortStableFunc(trips, func(a, b demand.Trip) int {
		switch {
		case a.Depart < b.Depart:
			return -1
		case a.Depart > b.Depart:
			return 1
		}
		return 0
	})
	r.out.Trips = trips
}

type checkKey struct {
	typ   demand.TypeID
	route demand.RouteID
}

// dropDistributionNames replaces the names in distributions by their members,
// and adds SUMO's default type when somebody uses it.
func (r *reader) dropDistributionNames() {
	for _, w := range r.wanted {
		if _, ok := r.types[defaultType]; !ok && w.typ == defaultType {
			r.out.Types = append(r.out.Types, demand.NewType(defaultType, geo.Car))
			r.types[defaultType] = typeEntry{members: []demand.TypeID{demand.TypeID(len(r.out.Types) - 1)}, weights: []float64{1}}
			break
		}
	}
	flatten(r, r.types, "vehicle type")
	flatten(r, r.routes, "route")
	for i := range r.wanted {
		if e := r.wanted[i].inline; e != nil && len(e.names) > 0 {
			*e = lookUp(r, r.routes, r.wanted[i].trip.ID, *e, "route")
		}
	}
}

func flatten[ID any](r *reader, table map[string]entry[ID], what string) {
	for _, name := range sortedKeys(table) {
		if e := table[name]; len(e.names) > 0 {
			table[name] = lookUp(r, table, name, e, what)
		}
	}
}

// lookUp replaces the names of a distribution, which stand for plain types or
// routes, by their members.
func lookUp[ID any](r *reader, table map[string]entry[ID], id string, e entry[ID], what string) entry[ID] {
	members := make([]ID, 0, len(e.weights))
	weights := make([]float64, 0, len(e.weights))
	for i, name := range e.names {
		m, ok := table[name]
		if !ok || len(m.members) != 1 || len(m.names) > 0 {
			r.bad.Addf(e.at.String(), id, "distribution names %q, which is no %s", name, what)
			continue
		}
		w := e.weights[i]
		if w == ownWeight {
			w = m.weights[0]
		}
		members, weights = append(members, m.members[0]), append(weights, w)
	}
	e.members, e.weights = append(members, e.members...), append(weights, e.weights[len(e.names):]...)
	e.names = nil
	return e
}

func (r *reader) resolveType(w *wanted) bool {
	e, ok := r.types[w.typ]
	if !ok {
		r.bad.Addf(w.at.String(), w.trip.ID, "vehicle type %q is not defined", w.typ)
		return false
	}
	t, ok := draw(r.seed, w.trip.Key, rng.TypeChoice, e)
	if !ok {
		r.bad.Addf(w.at.String(), w.trip.ID, "vehicle type %q has no type of positive probability", w.typ)
		return false
	}
	w.trip.Type = t
	return true
}

func (r *reader) resolveRoute(w *wanted) bool {
	e, ok := entry[demand.RouteID]{}, false
	switch {
	case w.inline != nil:
		e, ok = *w.inline, true
	case w.trip.Route != demand.NoRoute:
		e, ok = routeEntry{members: []demand.RouteID{w.trip.Route}, weights: []float64{1}}, true
	case w.route != "":
		if e, ok = r.routes[w.route]; !ok {
			r.bad.Addf(w.at.String(), w.trip.ID, "route %q is not defined", w.route)
			return false
		}
	}
	if !ok {
		return r.resolveEnds(w)
	}
	route, ok := draw(r.seed, w.trip.Key, rng.RouteChoice, e)
	if !ok {
		r.bad.Addf(w.at.String(), w.trip.ID, "no route of positive probability")
		return false
	}
	if r.broken[route] {
		return false // recorded where the route was read
	}
	return r.useRoute(w, route)
}

func draw[ID any](seed, key uint64, purpose rng.Purpose, e entry[ID]) (id ID, ok bool) {
	if len(e.members) == 1 {
		return e.members[0], true
	}
	s := rng.New(seed, key, purpose)
	n := s.Pick(e.weights)
	if n < 0 {
		return id, false
	}
	return e.members[n], true
}

// useRoute completes a trip that follows a route.
func (r *reader) useRoute(w *wanted, route demand.RouteID) bool {
	chain := r.out.Routes[route].Segments
	w.trip.Route, w.trip.From, w.trip.To, w.trip.Via = route, chain[0], chain[len(chain)-1], nil
	w.trip.Stops = append(slices.Clone(r.halts[route]), w.trip.Stops...)
	r.place(w)
	return r.haltsOnRoute(w, chain)
}

// haltsOnRoute checks that the stops lie along the route in order.
func (r *reader) haltsOnRoute(w *wanted, chain []geo.SegmentID) bool {
	at, pos := 0, -1.0
	for _, h := range w.trip.Stops {
		s := r.city.Lanes.At(h.Lane).Segment
		for at < len(chain) && (chain[at] != s || h.End.M() < pos) {
			at, pos = at+1, -1
		}
		if at == len(chain) {
			r.bad.Addf(w.at.String(), w.trip.ID, "stop %q on lane %q is not on the rest of its route", h.Stop, r.city.LaneName(h.Lane))
			return false
		}
		pos = h.End.M()
	}
	return true
}

// resolveEnds completes a trip that the simulation routes: its stops are
// passed in order.
func (r *reader) resolveEnds(w *wanted) bool {
	if w.trip.From == geo.NoSegment || w.trip.To == geo.NoSegment {
		if !w.failed {
			r.bad.Addf(w.at.String(), w.trip.ID, "has neither a route nor both from and to edges")
		}
		return false
	}
	for _, h := range w.trip.Stops {
		w.trip.Via = append(slices.Clip(w.trip.Via), r.city.Lanes.At(h.Lane).Segment)
	}
	r.place(w)
	return r.endsOpen(w)
}

func (r *reader) endsOpen(w *wanted) bool {
	t := r.out.Types[w.trip.Type]
	for _, s := range []geo.SegmentID{w.trip.From, w.trip.To} {
		if !t.IgnoreAllow && !r.city.Open(s, t.Class) {
			r.bad.Addf(w.at.String(), w.trip.ID, "segment %q is closed to class %s of type %q", r.city.Segments.At(s).ID, t.Class, t.ID)
			return false
		}
	}
	return true
}

// place resolves positions on the first and the last segment.
func (r *reader) place(w *wanted) {
	if w.trip.Pos == demand.PosGiven {
		r.departAt(w, w.trip.From)
	}
	w.trip.ArriveAt = r.arrivalAt(w, w.trip.To)
}
