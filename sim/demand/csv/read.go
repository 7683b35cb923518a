package csv

import (
	"cmp"
	"io/fs"
	"math"
	"slices"
	"strconv"
	"strings"

	"tideway/geo"
	"tideway/internal/fault"
	"tideway/internal/rng"
	"tideway/sim/demand"
	"tideway/unit"
)

// Read returns the demand in a folder, resolved against the city: trips in
// order of departure, every route and type checked against the network. Files
// that are not there are empty tables. The error lists every problem with file
// and line.
func Read(fsys fs.FS, city *geo.City) (*demand.Demand, error) {
	r := newReader(city)
	r.readTypes(fsys)
	eachRow(fsys, RouteFile, &r.bad, routeHeader, r.route)
	eachRow(fsys, TripFile, &r.bad, []string{"trip_id", "type_id", "depart_s"}, r.trip)
	eachRow(fsys, StopFile, &r.bad, []string{"trip_id", "lane_id", "end_m"}, r.stop)
	if err := r.bad.Err("reading demand"); err != nil {
		return nil, err
	}
	slices.SortStableFunc(r.out.Trips, func(a, b demand.Trip) int { return cmp.Compare(a.Depart, b.Depart) })
	return &r.out, nil
}

// ReadMatrix returns the matrix in a folder; its error lists every problem.
func ReadMatrix(fsys fs.FS, city *geo.City) (*demand.Matrix, error) {
	r := newReader(city)
	r.readTypes(fsys)
	eachRow(fsys, ProfileFile, &r.bad, []string{"profile_id", "begin_s", "end_s", "weight"}, r.profile)
	eachRow(fsys, MatrixFile, &r.bad, []string{"from_zone", "to_zone", "type_id", "profile_id", "vehicles"}, r.flow)
	if err := r.bad.Err("reading matrix"); err != nil {
		return nil, err
	}
	r.matrix.Types = r.out.Types
	return &r.matrix, r.matrix.Check(city)
}

type reader struct {
	city     *geo.City
	bad      fault.List
	out      demand.Demand
	matrix   demand.Matrix
	types    map[string]demand.TypeID
	routes   map[string]demand.RouteID
	trips    map[string]int
	profiles map[string]int
	links    *demand.Links
	checked  map[[2]uint32]bool
}

func newReader(city *geo.City) *reader {
	return &reader{city: city, types: map[string]demand.TypeID{}, routes: map[string]demand.RouteID{}, trips: map[string]int{}, profiles: map[string]int{},
		links: demand.NewLinks(city), checked: map[[2]uint32]bool{}}
}

func (r *reader) readTypes(fsys fs.FS) {
	eachRow(fsys, TypeFile, &r.bad, []string{"type_id", "class"}, r.vehicleType)
}

// define records id in a map of ids, and a problem when it is empty or taken.
func define[V any](t *table, ids map[string]V, id string, v V) {
	if _, twice := ids[id]; twice || id == "" {
		t.addf(id, "id is empty or already used above")
	}
	ids[id] = v
}

func (r *reader) vehicleType(t *table) {
	id := t.text("type_id")
	class, err := geo.ParseClass(t.text("class"))
	if err != nil {
		t.addf(id, "%v", err)
	}
	v := demand.NewType(id, class)
	v.IgnoreAllow = t.number(id, "ignore_allow", 0, 0, 1) == 1
	v.Length = unit.Length(t.number(id, "length_m", v.Length.M(), 1e-3, 1e4))
	v.MinGap = unit.Length(t.number(id, "min_gap_m", v.MinGap.M(), 0, 1e4))
	v.MaxSpeed = unit.Speed(t.number(id, "max_speed_mps", v.MaxSpeed.MPS(), 1e-3, 1e3))
	v.Accel = unit.Acceleration(t.number(id, "accel_mps2", v.Accel.MPS2(), 1e-3, 1e3))
	v.Decel = unit.Acceleration(t.number(id, "decel_mps2", v.Decel.MPS2(), 1e-3, 1e3))
	v.EmergencyDecel = unit.Acceleration(t.number(id, "emergency_decel_mps2", max(v.EmergencyDecel, v.Decel).MPS2(), 1e-3, 1e3))
	v.Sigma = t.number(id, "sigma", v.Sigma, 0, 1)
	v.Tau = t.duration(id, "tau_s", v.Tau)
	v.SpeedFactor = t.number(id, "speed_factor", v.SpeedFactor, 1e-3, 1e3)
	v.SpeedDev = t.number(id, "speed_dev", v.SpeedDev, 0, 1e3)
	v.SpeedMin, v.SpeedMax = t.number(id, "speed_min", v.SpeedMin, 0, 1e3), t.number(id, "speed_max", v.SpeedMax, 0, 1e3)
	v.Impatience = t.number(id, "impatience", v.Impatience, -1, 1)
	v.ActionStep = t.duration(id, "action_step_s", v.ActionStep)
	v.Emission = t.text("emission")
	v.PassengerWeight = t.number(id, "persons", v.PassengerWeight, 0, 1e4)
	define(t, r.types, id, demand.TypeID(len(r.out.Types)))
	r.out.Types = append(r.out.Types, v)
}

func (r *reader) route(t *table) {
	id := t.text("route_id")
	segments := r.segments(t, id, "segments")
	if len(segments) == 0 {
		t.addf(id, "route has no known segments")
	}
	define(t, r.routes, id, demand.RouteID(len(r.out.Routes)))
	r.out.Routes = append(r.out.Routes, demand.Route{ID: id, Segments: segments})
}

func (r *reader) segments(t *table, id, column string) (out []geo.SegmentID) {
	for _, name := range strings.Fields(t.text(column)) {
		if s := r.segment(t, id, column, name); s != geo.NoSegment {
			out = append(out, s)
		}
	}
	return out
}

func (r *reader) segment(t *table, id, column, name string) geo.SegmentID {
	s, ok := r.city.Segments.Find(name)
	if !ok {
		t.addf(id, "%s: segment %q is not in the city", column, clip(name))
		return geo.NoSegment
	}
	return s
}

func (r *reader) typeID(t *table, id string) demand.TypeID {
	n, ok := r.types[t.text("type_id")]
	if !ok {
		t.addf(id, "type %q is not in %s", clip(t.text("type_id")), TypeFile)
	}
	return n
}

func (r *reader) trip(t *table) {
	id := t.text("trip_id")
	before := r.bad.Len()
	trip := demand.Trip{ID: id, Type: r.typeID(t, id), Depart: t.duration(id, "depart_s", 0), Route: demand.NoRoute, ArriveAt: -1, Key: rng.Hash(id)}
	trip.Via = r.segments(t, id, "via")
	t.readRules(&trip)
	trip.ArriveAt = unit.Length(t.number(id, "arrive_at_m", -1, 0, 1e6))
	if text := t.text("stream"); text != "" {
		key, err := strconv.ParseUint(text, 16, 64)
		if err != nil {
			t.addf(id, "stream is %q, expected up to 16 hexadecimal digits", clip(text))
		}
		trip.Key = key
	}
	r.way(t, &trip)
	define(t, r.trips, id, len(r.out.Trips))
	if r.bad.Len() == before {
		r.check(t, trip)
	}
	r.out.Trips = append(r.out.Trips, trip)
}

// way resolves the route, or the two ends of a trip that has none.
func (r *reader) way(t *table, trip *demand.Trip) {
	if name := t.text("route_id"); name != "" {
		route, ok := r.routes[name]
		if !ok {
			t.addf(trip.ID, "route %q is not in %s", clip(name), RouteFile)
			return
		}
		trip.Route = route
		if chain := r.out.Routes[route].Segments; len(chain) > 0 {
			trip.From, trip.To = chain[0], chain[len(chain)-1]
		}
		return
	}
	trip.From = r.segment(t, trip.ID, "from_segment", t.text("from_segment"))
	trip.To = r.segment(t, trip.ID, "to_segment", t.text("to_segment"))
}

// check compares the trip with the network; equal pairs of type and route once.
func (r *reader) check(t *table, trip demand.Trip) {
	typ := r.out.Types[trip.Type]
	if trip.Route == demand.NoRoute {
		for _, s := range []geo.SegmentID{trip.From, trip.To} {
			if !typ.IgnoreAllow && !r.city.Open(s, typ.Class) {
				t.addf(trip.ID, "segment %q is closed to class %s of type %q", r.city.Segments.At(s).ID, typ.Class, typ.ID)
			}
		}
		return
	}
	if k := [2]uint32{uint32(trip.Type), uint32(trip.Route)}; !r.checked[k] {
		r.checked[k] = true
		r.links.Check(r.out.Routes[trip.Route], typ, t.where()+": "+trip.ID, &r.bad)
	}
}

func (r *reader) stop(t *table) {
	id := t.text("trip_id")
	trip, ok := r.trips[id]
	if !ok {
		t.addf(id, "trip is not in %s", TripFile)
		return
	}
	lane, ok := r.city.Lanes.Find(t.text("lane_id"))
	if !ok {
		t.addf(id, "lane %q is not in the city", clip(t.text("lane_id")))
		return
	}
	h := demand.Halt{Lane: lane, Begin: unit.Length(t.number(id, "begin_m", 0, 0, 1e6)), End: unit.Length(t.number(id, "end_m", 0, 0, 1e6)),
		Duration: t.duration(id, "duration_s", 0), Until: t.duration(id, "until_s", 0), Stop: t.text("bus_stop")}
	if h.End <= h.Begin {
		t.addf(id, "stop lies from %g m to %g m, expected begin before end", h.Begin.M(), h.End.M())
	}
	stops := &r.out.Trips[trip].Stops
	*stops = append(*stops, h)
}

func (r *reader) profile(t *table) {
	id := t.text("profile_id")
	begin, end := t.duration(id, "begin_s", 0), t.duration(id, "end_s", 0)
	weight := t.number(id, "weight", 0, 0, math.MaxFloat64)
	n, known := r.profiles[id]
	if !known {
		n = len(r.matrix.Profiles)
		r.profiles[id] = n
		r.matrix.Profiles = append(r.matrix.Profiles, demand.Profile{ID: id, Begin: begin, Step: end - begin})
	}
	p := &r.matrix.Profiles[n]
	if begin != p.End() || end-begin != p.Step || p.Step <= 0 {
		t.addf(id, "step from %v to %v, expected one of %v from %v", begin, end, p.Step, p.End())
	}
	p.Weight = append(p.Weight, weight)
}

func (r *reader) flow(t *table) {
	from, to := t.text("from_zone"), t.text("to_zone")
	id := from + ">" + to
	f := demand.Flow{From: r.zone(t, id, from), To: r.zone(t, id, to), Type: r.typeID(t, id), Vehicles: t.number(id, "vehicles", 0, 0, 1e9)}
	n, ok := r.profiles[t.text("profile_id")]
	if !ok {
		t.addf(id, "profile %q is not in %s", clip(t.text("profile_id")), ProfileFile)
	}
	f.Profile = n
	r.matrix.Rows = append(r.matrix.Rows, f)
}

func (r *reader) zone(t *table, id, name string) geo.ZoneID {
	z, ok := r.city.Zones.Find(name)
	if !ok {
		t.addf(id, "zone %q is not in the city", clip(name))
	}
	return z
}
