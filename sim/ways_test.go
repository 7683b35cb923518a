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

// TestWaysAreTheQuickest compares ways with a search in all directions, at random
// travel times that are renewed once, for cars and for buses, which may go where
// cars may not.
func TestWaysAreTheQuickest(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := netdraw.City(drawing(t)).Patch()
		for range rapid.IntRange(0, 3).Draw(t, "bus lanes") {
			p.SetAllow(geo.LaneID(rapid.IntRange(0, p.City().Lanes.Len()-1).Draw(t, "lane")), geo.Classes(geo.Bus))
		}
		c := p.City()
		d := &demand.Demand{Types: []demand.VehicleType{demand.NewType("car", geo.Car), demand.NewType("bus", geo.Bus)}}
		e, err := New(Input{City: c, Demand: d, End: time.Minute})
		if err != nil {
			t.Fatal(err)
		}
		g := e.prepareGuide()
		for range 2 {
			for s := range g.timeS {
				g.timeS[s] *= rapid.Float64Range(1, 20).Draw(t, "slower")
			}
			g.age()
			from := geo.SegmentID(rapid.IntRange(0, c.Segments.Len()-1).Draw(t, "from"))
			for id := range e.kinds {
				g.refresh(demand.TypeID(id))
				g.checkWays(t, from, demand.TypeID(id), &e.kinds[id])
			}
		}
	})
}

// checkWays compares the ways from a segment to all with the quickest.
func (g *guide) checkWays(t *rapid.T, from geo.SegmentID, id demand.TypeID, k *kind) {
	for s, want := range g.quickestS(from, k) {
		way := g.shortest(from, geo.SegmentID(s), id)
		if math.IsInf(want, 1) && way == nil {
			continue
		}
		if got := g.costOf(way, k); math.Abs(got-want) > 1e-5*want || way[0] != from || way[len(way)-1] != geo.SegmentID(s) {
			t.Fatalf("from %d to %d: %v s by %v, the quickest takes %v s", from, s, got, way, want)
		}
	}
}

// quickestS returns the times from a segment to all, after Bellman and Ford.
func (g *guide) quickestS(from geo.SegmentID, k *kind) []float64 {
	timeS := make([]float64, len(g.timeS))
	for s := range timeS {
		timeS[s] = math.Inf(1)
	}
	timeS[from] = 0
	for again := true; again; {
		again = false
		for s := range timeS {
			for _, a := range g.ways.from(geo.SegmentID(s)) {
				if x := timeS[s] + a.costS + g.timeS[a.to]; a.allow.Has(k.class) && x < timeS[a.to] {
					timeS[a.to], again = x, true
				}
			}
		}
	}
	return timeS
}

// costOf returns what a way takes; infinite when one of its steps is none.
func (g *guide) costOf(way []geo.SegmentID, k *kind) float64 {
	sum := 0.0
	for i := 1; i < len(way); i++ {
		step := math.Inf(1)
		for _, a := range g.ways.from(way[i-1]) {
			if a.to == way[i] && a.allow.Has(k.class) {
				step = g.timeS[way[i]] + a.costS
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
