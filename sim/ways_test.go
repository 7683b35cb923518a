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
