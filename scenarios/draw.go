package scenarios

import (
	"fmt"
	"slices"
	"time"

	"tideway/geo"
	"tideway/internal/rng"
	"tideway/sim/demand"
)

// DrawDepartures returns a demand whose departures are one draw of a Poisson
// process per relation (type, first and last segment) with the given demand as
// its rate: every trip is taken Poisson(1) times, departing somewhere between
// itself and the next of its relation, so that counts per relation are Poisson
// with the given number as mean. The draw of a trip depends on the seed and its
// key alone: base and alternatives share it as far as they share trips. Lines
// of public transport (bus, tram, rail, planned stops) keep their timetable.
func DrawDepartures(d *demand.Demand, seed uint64) *demand.Demand {
	out := *d
	out.Trips = make([]demand.Trip, 0, len(d.Trips)+len(d.Trips)/16)
	lines := geo.Classes(geo.Bus, geo.Tram, geo.Rail)
	gaps := nextDepartures(d)
	for i := range d.Trips {
		t := &d.Trips[i]
		if len(t.Stops) > 0 || lines.Has(d.Types[t.Type].Class) {
			out.Trips = append(out.Trips, *t)
			continue
		}
		draw := rng.New(seed, t.Key, rng.Volume)
		for k := range draw.Poisson(1) {
			c := *t
			if k > 0 {
				c.ID = fmt.Sprintf("%s+%d", t.ID, k)
				c.Key = rng.Mix(t.Key + uint64(k)*0x9e3779b97f4a7c15)
			}
			c.Depart += time.Duration(draw.Float64() * float64(gaps[i])).Truncate(time.Millisecond)
			out.Trips = append(out.Trips, c)
		}
	}
	slices.SortStableFunc(out.Trips, func(x, y demand.Trip) int { return int(x.Depart - y.Depart) })
	return &out
}
