package sumo

import (
	"math"
	"strconv"
	"strings"
	"time"

	"tideway/geo"
	"tideway/internal/rng"
	"tideway/sim/demand"
	"tideway/unit"
)

// vehicle reads a vehicle or trip.
func (r *reader) vehicle(element string) error {
	id := r.idOf(element)
	w := wanted{at: r.here()}
	if old, twice := r.ids[id]; twice {
		r.addf(id, "vehicle is already defined at %v", old)
	}
	r.ids[id] = w.at
	depart, ok := r.departure(id)
	if !ok {
		return r.s.skip()
	}
	w.trip.Depart = depart
	if err := r.journey(id, &w); err != nil {
		return err
	}
	r.want(id, w)
	return nil
}

// want queues a vehicle to be resolved.
func (r *reader) want(id string, w wanted) {
	w.trip.ID, w.trip.Key = id, rng.Hash(id)
	r.wanted = append(r.wanted, w)
}

// journey reads what vehicles, trips and flows share: attributes and children.
func (r *reader) journey(id string, w *wanted) error {
	w.typ, w.trip.Route = defaultType, demand.NoRoute
	if text, ok := r.s.attr("type"); ok {
		w.typ = r.shared(text)
	}
	if text, ok := r.s.attr("route"); ok {
		w.route = r.shared(text)
	}
	r.departRules(id, &w.trip)
	r.ends(id, w)
	w.arrival = "max"
	if text, ok := r.s.attr("arrivalPos"); ok {
		w.arrival = r.shared(text)
	}
	return r.inside(id, w)
}

// inside reads the route and the stops in the element just started.
func (r *reader) inside(id string, w *wanted) error {
	return r.children(func(name string) (err error) {
		switch name {
		case "route":
			w.trip.Route, err = r.inlineRoute(id)
			return err
		case "routeDistribution":
			e, err := r.routeDistribution(id)
			w.inline = &e
			return err
		case "stop":
			if h, ok := r.halt(id); ok {
				w.trip.Stops = append(w.trip.Stops, h)
			}
		}
		return r.s.skip()
	})
}

// shared returns the text as a string, the same one for equal texts.
func (r *reader) shared(text []byte) string {
	if s, ok := r.strings[string(text)]; ok {
		return s
	}
	s := string(text)
	r.strings[s] = s
	return s
}

func (r *reader) ends(id string, w *wanted) {
	w.trip.From, w.trip.To = geo.NoSegment, geo.NoSegment
	edge := func(name string) geo.SegmentID {
		text, ok := r.s.attr(name)
		if !ok {
			return geo.NoSegment
		}
		s, found := r.city.Segments.Find(string(text))
		if !found {
			r.addf(id, "%s edge %q is not in the city", name, clip(text))
			w.failed = true
			return geo.NoSegment
		}
		return s
	}
	w.trip.From, w.trip.To = edge("from"), edge("to")
	if via, ok := r.s.attr("via"); ok {
		var sound bool
		w.trip.Via, sound = r.segments(id, via)
		w.failed = w.failed || !sound
	}
}

var (
	laneRules  = map[string]demand.DepartLane{"first": demand.LaneFirst, "best": demand.LaneBest, "free": demand.LaneFree, "allowed": demand.LaneAllowed, "random": demand.LaneRandom}
	posRules   = map[string]demand.DepartPos{"base": demand.PosBase, "free": demand.PosFree, "random": demand.PosRandom, "last": demand.PosLast, "random_free": demand.PosRandomFree}
	speedRules = map[string]demand.DepartSpeed{"max": demand.SpeedMax, "desired": demand.SpeedDesired, "speedLimit": demand.SpeedLimit, "random": demand.SpeedRandom, "last": demand.SpeedLast, "avg": demand.SpeedAvg}
)

// departRules reads where and how fast a vehicle enters. SUMO's defaults are
// the first lane, the begin of the lane and standstill.
func (r *reader) departRules(id string, t *demand.Trip) {
	t.Lane = rule(r, id, "departLane", laneRules, func(v float64) (demand.DepartLane, bool) {
		t.LaneAt = int(v)
		return demand.LaneIndex, v >= 0 && v < 100 && v == float64(int(v))
	})
	t.Pos = rule(r, id, "departPos", posRules, func(v float64) (demand.DepartPos, bool) {
		t.PosAt = unit.Length(v)
		return demand.PosGiven, v > -1e6 && v < 1e6
	})
	t.Speed = rule(r, id, "departSpeed", speedRules, func(v float64) (demand.DepartSpeed, bool) {
		t.SpeedAt = unit.Speed(v)
		return demand.SpeedGiven, v >= 0 && v < 1e3
	})
}

// rule reads an attribute that is a word or a number; absent is the zero rule.
func rule[T any](r *reader, id, name string, words map[string]T, number func(float64) (T, bool)) (zero T) {
	text, ok := r.s.attr(name)
	if !ok {
		return zero
	}
	if w, ok := words[string(text)]; ok {
		return w
	}
	v, err := strconv.ParseFloat(string(text), 64)
	if err == nil {
		if w, ok := number(v); ok {
			return w
		}
	}
	r.addf(id, "%s is %q, expected a number or one of %s", name, clip(text), strings.Join(sortedKeys(words), " "))
	return zero
}

// arrivalAt resolves an arrival position on the last segment of the journey;
// one beyond its end means the end, as in SUMO.
func (r *reader) arrivalAt(w *wanted, last geo.SegmentID) unit.Length {
	length := r.lengthOf(last)
	switch w.arrival {
	case "max":
		return -1
	case "random":
		s := rng.New(r.seed, w.trip.Key, rng.Place)
		return unit.Length(s.Between(0, length))
	}
	v, err := strconv.ParseFloat(w.arrival, 64)
	if err != nil || math.IsNaN(v) {
		r.bad.Addf(w.at.String(), w.trip.ID, "arrivalPos is %q, expected max, random or a number", clip([]byte(w.arrival)))
		return -1
	}
	return unit.Length(fromEnd(math.Min(v, length), length))
}

// departAt turns a departure position counted from the end into one from the
// begin of the first segment.
func (r *reader) departAt(w *wanted, first geo.SegmentID) {
	length := r.lengthOf(first)
	if at := w.trip.PosAt.M(); math.Abs(at) > length {
		r.bad.Addf(w.at.String(), w.trip.ID, "departPos is %g m, but the first lane is %g m long", at, length)
	} else if at < 0 {
		w.trip.PosAt = unit.Length(at + length)
	}
}

// departure reads the time at which a vehicle wants to start.
func (r *reader) departure(id string) (depart time.Duration, ok bool) {
	text, has := r.s.attr("depart")
	if !has {
		r.addf(id, "has no depart time")
		return 0, false
	}
	switch string(text) {
	case "triggered", "containerTriggered":
		r.skipped["vehicle that departs "+string(text)]++
		return 0, false
	}
	return r.time(id, "depart")
}
