package scenarios

import (
	"math"
	"slices"
	"strings"
	"time"

	"tideway/geo"
	"tideway/internal/rng"
	"tideway/sim/demand"
)

// Trips says which trips a demand change works on; empty lists select all.
// Lines of public transport (classes bus, tram, rail and trips with planned
// stops) are left alone unless their class or type is named.
type Trips struct {
	Class    []string `json:"class,omitempty" doc:"Classes of vehicles."`
	Type     []string `json:"type,omitempty" doc:"Ids of vehicle types."`
	FromZone []string `json:"from_zone,omitempty" doc:"Ids of zones of origin."`
	ToZone   []string `json:"to_zone,omitempty" doc:"Ids of zones of destination."`
}

// filter returns a test for trips, or false after a problem.
func (b *builder) filter(t Trips, w *Window) (func(*demand.Trip) bool, bool) {
	before := b.bad.Len()
	classes := b.classes(t.Class)
	types := make([]bool, len(b.demand.Types))
	for _, id := range t.Type {
		at := slices.IndexFunc(b.demand.Types, func(v demand.VehicleType) bool { return v.ID == id })
		if at < 0 {
			b.problem(id, "is not a vehicle type of the demand")
			continue
		}
		types[at] = true
	}
	from, to := b.inZones(t.FromZone), b.inZones(t.ToZone)
	named := len(t.Class)+len(t.Type) > 0
	lines := geo.Classes(geo.Bus, geo.Tram, geo.Rail)
	return func(trip *demand.Trip) bool {
		class := b.demand.Types[trip.Type].Class
		switch {
		case !w.has(trip.Depart) || strings.HasPrefix(b.demand.Types[trip.Type].ID, incidentVehicle) && len(t.Type) == 0:
			return false
		case !named && (lines.Has(class) || len(trip.Stops) > 0):
			return false
		case len(t.Class) > 0 && !classes.Has(class), len(t.Type) > 0 && !types[trip.Type]:
			return false
		}
		first, last := ends(b.demand, trip)
		return (from == nil || from[first]) && (to == nil || to[last])
	}, b.bad.Len() == before
}

// ends returns the first and last segment of a trip.
func ends(d *demand.Demand, t *demand.Trip) (first, last geo.SegmentID) {
	if t.Route == demand.NoRoute {
		return t.From, t.To
	}
	r := d.Routes[t.Route].Segments
	return r[0], r[len(r)-1]
}

// inZones returns which segments lie in one of the zones; nil without zones.
func (b *builder) inZones(ids []string) map[geo.SegmentID]bool {
	if len(ids) == 0 {
		return nil
	}
	in := map[geo.SegmentID]bool{}
	for _, id := range ids {
		z, ok := b.city.Zones.Find(id)
		if !ok {
			b.problem(id, "is not a zone of city %s", b.city.Name)
			continue
		}
		for _, s := range b.city.InPolygon(b.city.Zones.At(z).Area) {
			in[s] = true
		}
	}
	return in
}

// ScaleDemand multiplies trips.
type ScaleDemand struct {
	Factor float64 `json:"factor" doc:"0 to 10; 1 changes nothing."`
	Trips
}

// apply thins or multiplies the trips of every relation (type, first and last
// segment) evenly over time: the trips of a relation, in order of departure,
// are counted with the factor as step, so that the number is exact within one
// per relation and a kept trip keeps its key and thereby its luck.
func (a *ScaleDemand) apply(b *builder, c *Change) {
	if !(a.Factor >= 0 && a.Factor <= 10) {
		b.problem("", "factor is %v, expected 0 to 10", a.Factor)
		return
	}
	chosen, ok := b.filter(a.Trips, c.Window)
	if !ok || a.Factor == 1 {
		return
	}
	before, hit := len(b.demand.Trips), 0
	out := make([]demand.Trip, 0, int(float64(before)*math.Max(1, a.Factor)))
	counted := map[relation]float64{}
	gaps := nextDepartures(b.demand)
	for i := range b.demand.Trips {
		t := &b.demand.Trips[i]
		if !chosen(t) {
			out = append(out, *t)
			continue
		}
		hit++
		r := relationOf(b.demand, t)
		at, known := counted[r]
		if !known {
			at = rng.Unit(rng.Mix(r.key()))
		}
		counted[r] = at + a.Factor
		for k := range int(math.Floor(at+a.Factor) - math.Floor(at)) {
			out = append(out, copyOf(t, k, gaps[i]))
		}
	}
	if hit == 0 {
		b.problem("", "selects no trip of %d", before)
		return
	}
	b.replaceTrips(out)
	b.say("%d selected trips times %v: %d trips become %d", hit, a.Factor, before, len(out))
}

// relation is who goes from where to where.
type relation struct {
	typ      demand.TypeID
	from, to geo.SegmentID
}

func relationOf(d *demand.Demand, t *demand.Trip) relation {
	from, to := ends(d, t)
	return relation{t.Type, from, to}
}

func (r relation) key() uint64 { return uint64(r.typ)<<48 ^ uint64(r.from)<<24 ^ uint64(r.to) }

// nextDepartures returns, per trip, the time until the next of its relation
// departs; at most ten minutes, which also stands where none follows.
func nextDepartures(d *demand.Demand) []time.Duration {
	gaps := make([]time.Duration, len(d.Trips))
	next := map[relation]time.Duration{}
	for i := len(d.Trips) - 1; i >= 0; i-- {
		t := &d.Trips[i]
		r := relationOf(d, t)
		gaps[i] = 10 * time.Minute
		if at, ok := next[r]; ok {
			gaps[i] = min(gaps[i], at-t.Depart)
		}
		next[r] = t.Depart
	}
	return gaps
}

// copyOf returns the trip itself (k = 0) or a further one like it, which
// departs somewhere before the next of the relation and has luck of its own.
func copyOf(t *demand.Trip, k int, gap time.Duration) demand.Trip {
	if k == 0 {
		return *t
	}
	c := *t
	c.Key = rng.Mix(t.Key + uint64(k)*0x9e3779b97f4a7c15)
	c.ID = t.ID + "+" + string(rune('0'+k))
	c.Depart += time.Duration(rng.Unit(rng.Mix(c.Key)) * float64(gap)).Truncate(time.Millisecond)
	return c
}

// replaceTrips gives the case a demand of its own, in order of departure.
func (b *builder) replaceTrips(trips []demand.Trip) {
	d := *b.demand
	slices.SortStableFunc(trips, func(x, y demand.Trip) int { return int(x.Depart - y.Depart) })
	d.Trips = trips
	b.demand = &d
}

// ShiftDemand moves departures.
type ShiftDemand struct {
	ByS   float64  `json:"by_s" doc:"Seconds later; negative: earlier."`
	Share *float64 `json:"share,omitempty" doc:"Share of the selected trips that move, 0 to 1; all when left out."`
	Trips
}

func (a *ShiftDemand) apply(b *builder, c *Change) {
	share := 1.0
	if a.Share != nil {
		share = *a.Share
	}
	if !(share >= 0 && share <= 1) || !(math.Abs(a.ByS) <= 86400) {
		b.problem("", "by_s %v and share %v, expected up to a day and 0 to 1", a.ByS, share)
		return
	}
	chosen, ok := b.filter(a.Trips, c.Window)
	if !ok {
		return
	}
	trips := slices.Clone(b.demand.Trips)
	moved := 0
	for i := range trips {
		if t := &trips[i]; chosen(t) && rng.Unit(rng.Mix(t.Key)) < share {
			t.Depart = max(0, t.Depart+time.Duration(a.ByS*float64(time.Second)))
			moved++
		}
	}
	if moved == 0 && share > 0 {
		b.problem("", "selects no trip of %d", len(trips))
		return
	}
	b.replaceTrips(trips)
	b.say("%d trips depart %v s later", moved, a.ByS)
}
