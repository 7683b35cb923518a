package demand

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"
	"time"

	"github.com/paulmach/orb"
	"github.com/paulmach/orb/planar"

	"tideway/geo"
	"tideway/internal/fault"
	"tideway/internal/rng"
	"tideway/unit"
)

// Matrix is travel between zones, in vehicles per row, spread over the day by
// profiles. Expand turns it into trips.
type Matrix struct {
	Types    []VehicleType
	Profiles []Profile
	Rows     []Flow
}

// Profile is how a quantity spreads over time: weights of consecutive steps
// from Begin. Weights need not sum to 1.
type Profile struct {
	ID     string
	Begin  time.Duration // since the demand's zero
	Step   time.Duration
	Weight []float64
}

// End returns the end of the last step.
func (p Profile) End() time.Duration {
	return p.Begin + time.Duration(len(p.Weight))*p.Step
}

// Flow is the traffic of one type from zone to zone.
type Flow struct {
	From, To geo.ZoneID
	Type     TypeID  // position in Matrix.Types
	Profile  int     // position in Matrix.Profiles
	Vehicles float64 // over the whole profile
}

// Connector is a segment on which trips of a zone begin and end, with its
// share of them.
type Connector struct {
	Segment geo.SegmentID
	Weight  float64
}

// Connectors returns, per zone, the segments whose midpoint lies in it and that
// are no through roads (motorway, trunk), open to cars, and joined to others at
// both ends; each weighs its length over its limit, so that long and quiet
// streets begin more trips. A zone may have none.
func Connectors(city *geo.City) [][]Connector {
	out := make([][]Connector, city.Zones.Len())
	for z, zone := range city.Zones.All() {
		for _, s := range inside(city, zone.Area) {
			seg := city.Segments.At(s)
			if seg.Class > geo.Trunk && city.Open(s, geo.Car) && joined(city, s) {
				out[z] = append(out[z], Connector{s, seg.Length.M() / seg.Limit.MPS()})
			}
		}
	}
	return out
}

// inside is City.InPolygon for many areas: it carries the area into the plane
// and asks the index, instead of carrying every segment out to lon/lat.
func inside(city *geo.City, area orb.MultiPolygon) (out []geo.SegmentID) {
	area = area.Clone()
	for _, polygon := range area {
		for _, ring := range polygon {
			for i, q := range ring {
				ring[i] = city.Frame.XY(q)
			}
		}
	}
	city.InBox(area.Bound(), func(s geo.SegmentID) bool {
		if planar.MultiPolygonContains(area, city.Midpoint(s)) {
			out = append(out, s)
		}
		return true
	})
	slices.Sort(out)
	return out
}

// joined reports whether a car can enter s and leave it.
func joined(city *geo.City, s geo.SegmentID) bool {
	first, n := city.LanesOf(s)
	var in, out bool
	for l := first; l < first+geo.LaneID(n); l++ {
		for _, m := range city.MovementsFrom(l) {
			out = out || city.Movements.At(m).Allow.Has(geo.Car)
		}
		for _, m := range city.MovementsInto(l) {
			in = in || city.Movements.At(m).Allow.Has(geo.Car)
		}
	}
	return in && out
}

// Check returns what keeps the matrix from being expanded in the city, all
// problems at once.
func (m *Matrix) Check(city *geo.City) error {
	var bad fault.List
	for _, p := range m.Profiles {
		var sum float64
		for i, w := range p.Weight {
			if !(w >= 0) || math.IsInf(w, 0) {
				bad.Addf("profile", p.ID, "weight of step %d is %v, expected 0 or more", i+1, w)
			}
			sum += w
		}
		if p.Step <= 0 || p.Begin < 0 || !(sum > 0) {
			bad.Addf("profile", p.ID, "begins at %v, has steps of %v and weights that sum to %v, expected steps and sum above 0", p.Begin, p.Step, sum)
		}
	}
	for i, f := range m.Rows {
		if int(f.From) >= city.Zones.Len() || int(f.To) >= city.Zones.Len() || int(f.Type) >= len(m.Types) || f.Profile < 0 || f.Profile >= len(m.Profiles) {
			bad.Addf("matrix row "+strconv.Itoa(i+1), "", "refers to zone %d, zone %d, type %d or profile %d, which do not exist", f.From, f.To, f.Type, f.Profile)
		}
		if !(f.Vehicles >= 0) || math.IsInf(f.Vehicles, 0) {
			bad.Addf("matrix row "+strconv.Itoa(i+1), "", "has %v vehicles, expected 0 or more", f.Vehicles)
		}
	}
	return bad.Err("checking the matrix")
}

// Expansion says how a matrix becomes trips.
type Expansion struct {
	Seed       uint64
	Begin, End time.Duration // departures within [Begin, End); End 0: all of the profiles
	Scale      unit.Share    // of all flows; 0: 1
	Prefix     string        // of trip ids
}

// Expand returns the trips of a matrix: in every step of a flow's profile a
// Poisson number with the flow's mean, at uniformly random times, from and to
// segments drawn by the connectors' weights. Every step of every flow draws
// from its own stream, so a trip depends on no other flow, on no other step,
// and a larger Scale adds trips to the same ones. Flows from or to a zone
// without connectors, and within a zone of a single segment, are returned as
// problems.
func (m *Matrix) Expand(city *geo.City, ends [][]Connector, e Expansion) (*Demand, error) {
	if err := m.Check(city); err != nil {
		return nil, err
	}
	x := expander{m: m, e: e, city: city, ends: make([]picker, len(ends))}
	if x.e.Scale == 0 {
		x.e.Scale = 1
	}
	for z := range ends {
		x.ends[z] = newPicker(ends[z])
	}
	for _, f := range m.Rows {
		x.flow(f)
	}
	if err := x.bad.Err("expanding the matrix"); err != nil {
		return nil, err
	}
	slices.SortFunc(x.trips, func(a, b Trip) int {
		return cmp.Or(cmp.Compare(a.Depart, b.Depart), cmp.Compare(a.ID, b.ID))
	})
	return &Demand{Types: m.Types, Trips: x.trips}, nil
}

type expander struct {
	m     *Matrix
	e     Expansion
	city  *geo.City
	ends  []picker
	bad   fault.List
	trips []Trip
}

// picker draws segments in proportion to their weights.
type picker struct {
	segments   []geo.SegmentID
	cumulative []float64
}

func newPicker(list []Connector) picker {
	var p picker
	var sum float64
	for _, c := range list {
		if c.Weight > 0 && !math.IsInf(c.Weight, 0) {
			sum += c.Weight
			p.segments, p.cumulative = append(p.segments, c.Segment), append(p.cumulative, sum)
		}
	}
	return p
}

func (p picker) draw(s *rng.Stream) geo.SegmentID {
	at := s.Float64() * p.cumulative[len(p.cumulative)-1]
	i, _ := slices.BinarySearch(p.cumulative, at)
	return p.segments[min(i, len(p.segments)-1)]
}

func (x *expander) flow(f Flow) {
	from, to := x.ends[f.From], x.ends[f.To]
	id := x.city.Zones.At(f.From).ID + ">" + x.city.Zones.At(f.To).ID
	if len(from.segments) == 0 || len(to.segments) == 0 || len(from.segments) == 1 && slices.Equal(from.segments, to.segments) {
		if f.Vehicles > 0 {
			x.bad.Addf("matrix", id, "no pair of different streets inside the zones can begin and end its trips")
		}
		return
	}
	p := x.m.Profiles[f.Profile]
	var sum float64
	for _, w := range p.Weight {
		sum += w
	}
	id += "/" + x.m.Types[f.Type].ID
	key := rng.Hash(id + "/" + p.ID)
	for i, w := range p.Weight {
		begin := p.Begin + time.Duration(i)*p.Step
		if w == 0 || begin+p.Step <= x.e.Begin || x.e.End > 0 && begin >= x.e.End {
			continue
		}
		x.step(f, id, rng.Mix(key+uint64(begin)), begin, p.Step, f.Vehicles*w/sum*float64(x.e.Scale))
	}
}

// step adds the trips of one flow in one step of its profile. Exponential gaps
// on the scale of expected vehicles, not of time: a larger mean passes the same
// points and then more.
func (x *expander) step(f Flow, id string, key uint64, begin, length time.Duration, mean float64) {
	gaps := rng.New(x.e.Seed, key, rng.Volume)
	for n, at := 0, gaps.Exponential(); at < mean; n, at = n+1, at+gaps.Exponential() {
		s := rng.New(x.e.Seed, key+uint64(n), rng.Departure)
		t := Trip{Type: f.Type, Route: NoRoute, Lane: LaneBest, Pos: PosBase, Speed: SpeedMax, ArriveAt: -1,
			Depart: (begin + time.Duration(s.Float64()*float64(length))).Truncate(time.Millisecond)}
		if t.Depart < x.e.Begin || x.e.End > 0 && t.Depart >= x.e.End {
			continue
		}
		t.From, t.To = x.ends[f.From].draw(&s), x.ends[f.To].draw(&s)
		for t.To == t.From {
			t.From, t.To = x.ends[f.From].draw(&s), x.ends[f.To].draw(&s)
		}
		t.ID = fmt.Sprintf("%s%s/%d.%d", x.e.Prefix, id, begin/time.Second, n)
		t.Key = rng.Hash(t.ID)
		x.trips = append(x.trips, t)
	}
}
