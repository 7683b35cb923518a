package demand

import (
	"tideway/geo"
	"tideway/internal/fault"
)

// Links answers which segments follow each other, and for whom: what readers
// check routes against. Build it once per city; reading it is safe from
// several goroutines.
type Links struct {
	city *geo.City
	who  map[[2]geo.SegmentID]geo.ClassSet
}

// NewLinks derives the links of a city from its movements: a class may go from
// one segment to the next when a movement and both its lanes admit it.
func NewLinks(city *geo.City) *Links {
	l := &Links{city: city, who: make(map[[2]geo.SegmentID]geo.ClassSet, city.Movements.Len())}
	for _, m := range city.Movements.All() {
		from, to := city.Lanes.At(m.From), city.Lanes.At(m.To)
		l.who[[2]geo.SegmentID{from.Segment, to.Segment}] |= m.Allow & from.Allow & to.Allow
	}
	return l
}

// Check records at where what keeps a vehicle of a type from driving a route:
// an end of the network between two segments, or segments closed to its class.
func (l *Links) Check(route Route, t VehicleType, where string, bad *fault.List) {
	seg := func(i int) string { return l.city.Segments.At(route.Segments[i]).ID }
	for i, s := range route.Segments {
		if i > 0 {
			who, joined := l.who[[2]geo.SegmentID{route.Segments[i-1], s}]
			switch {
			case !joined:
				bad.Addf(where, route.ID, "no movement leads from segment %q to %q", seg(i-1), seg(i))
				continue
			case !t.IgnoreAllow && !who.Has(t.Class):
				bad.Addf(where, route.ID, "no movement from segment %q to %q admits class %s of type %q", seg(i-1), seg(i), t.Class, t.ID)
				continue
			}
		} else if !t.IgnoreAllow && !l.city.Open(s, t.Class) {
			bad.Addf(where, route.ID, "segment %q is closed to class %s of type %q", seg(i), t.Class, t.ID)
		}
	}
}
