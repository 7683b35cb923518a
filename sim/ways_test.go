package sim

import (
	"math"
	"testing"
	"time"

	"pgregory.net/rapid"

	"tideway/geo"
	"tideway/internal/netdraw"
	"tideway/sim/demand"
)

// TestWaysAreTheQuickest compares the directed search with a search in all
// directions, at random travel times.
func TestWaysAreTheQuickest(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := netdraw.City(drawing(t))
		d := &demand.Demand{Types: []demand.VehicleType{demand.NewType("car", geo.Car)}}
		e, err := New(Input{City: c, Demand: d, End: time.Minute})
		if err != nil {
			t.Fatal(err)
		}
		g := e.prepareGuide()
		for s := range g.timeS {
			g.timeS[s] *= rapid.Float64Range(1, 20).Draw(t, "slower")
		}
		g.stale = true
		g.refresh()
		from := geo.SegmentID(rapid.IntRange(0, c.Segments.Len()-1).Draw(t, "from"))
		f := g.newPathfinder()
		f.flood(g.ways, from, func(_, b geo.SegmentID) float64 { return g.timeS[b] })
		want := make([]float64, len(g.timeS))
		for s := range want {
			want[s] = math.Inf(1)
			if n := &f.nodes[s]; n.stamp == -f.round {
				want[s] = n.costS
			}
		}
		for s := range want {
			way := g.shortest(from, geo.SegmentID(s), &e.kinds[0])
			if got := g.costOf(way); math.Abs(got-want[s]) > 1e-9*got && (way != nil || !math.IsInf(want[s], 1)) {
				t.Fatalf("from %d to %d: %v s by %v, the quickest takes %v s", from, s, got, way, want[s])
			}
		}
	})
}

func (g *guide) costOf(way []geo.SegmentID) float64 {
	sum := 0.0
	for i := 1; i < len(way); i++ {
		a := way[i-1]
		step := math.Inf(1)
		for _, arc := range g.ways.from(a) {
			if arc.to == way[i] {
				step = g.timeS[way[i]] + arc.costS
			}
		}
		sum += step
	}
	return sum
}

// TestAClosedOriginHoldsUpNobody lets a car depart from a bus lane that is full:
// it never can, and the bus behind it need not wait for it.
func TestAClosedOriginHoldsUpNobody(t *testing.T) {
	p := netdraw.City("a--b--c").Patch()
	p.SetAllow(0, geo.Classes(geo.Bus))
	c := p.City()
	d := &demand.Demand{Types: []demand.VehicleType{demand.NewType("car", geo.Car), demand.NewType("bus", geo.Bus)}}
	to := geo.SegmentID(c.Segments.Len() - 1)
	for s := range c.Segments.All() {
		if s != 0 && c.Segments.At(s).From == c.Segments.At(0).To && c.Segments.At(s).To != c.Segments.At(0).From {
			to = s
		}
	}
	for i, kind := range []demand.TypeID{0, 1} {
		d.Trips = append(d.Trips, demand.Trip{ID: string(rune('a' + i)), Type: kind, Route: demand.NoRoute, From: 0, To: to, ArriveAt: -1})
	}
	e, err := New(Input{City: c, Demand: d, End: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	e.Step()
	if e.totals.noRoute != 1 || e.totals.inserted != 1 {
		t.Fatalf("%d without a way, %d inserted, want the car and the bus", e.totals.noRoute, e.totals.inserted)
	}
}
