package synth_test

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"testing"
	"time"

	"tideway/geo"
	"tideway/geo/synth"
)

func city(t testing.TB, segments int, seed uint64) *geo.City {
	t.Helper()
	c, err := synth.City(synth.Options{Segments: segments, Seed: seed})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestSizesAreMet(t *testing.T) {
	for _, n := range []int{60, 100, 250, 600, 1000, 2500, 10_000} {
		c := city(t, n, 1)
		if got := float64(c.Segments.Len()); math.Abs(got/float64(n)-1) > 0.02 {
			t.Errorf("size %d gives %v segments", n, got)
		}
		if share := c.LargestSCC(); share != 1 {
			t.Errorf("size %d: %v of the segments can reach each other", n, share)
		}
		loops, signals := 0, c.Signals.Len()
		for _, s := range c.Sensors.All() {
			if s.Segment != geo.NoSegment {
				loops++
			}
		}
		t.Logf("size %d: %d segments, %d lanes, %d movements, %d signals, %d zones, %d sensors of which %d loops, %d stops",
			n, c.Segments.Len(), c.Lanes.Len(), c.Movements.Len(), signals, c.Zones.Len(), c.Sensors.Len(), loops, c.Stops.Len())
	}
}

func TestEqualOptionsGiveEqualCities(t *testing.T) {
	for i := range 12 {
		n, seed := 60+37*i, uint64(i)
		a, b, other := city(t, n, seed), city(t, n, seed), city(t, n, seed+1)
		if a.Version != b.Version || a.Version == other.Version {
			t.Errorf("size %d, seed %d: versions %s, %s, other seed %s", n, seed, a.Version, b.Version, other.Version)
		}
		if share := a.LargestSCC(); share != 1 {
			t.Errorf("size %d, seed %d: %v of the segments can reach each other", n, seed, share)
		}
		checkSignals(t, a)
	}
}

// checkSignals: every group gets green in every plan, no two movements that
// meet are both protected, every signal has a plan at every time of the week.
func checkSignals(t testing.TB, c *geo.City) {
	for id, p := range c.Plans.All() {
		green := make([]time.Duration, c.Signals.At(p.Signal).Groups)
		for _, st := range p.Stages {
			for g, s := range st.States {
				if s.IsGreen() {
					green[g] += st.Duration
				}
			}
			for _, m := range c.MovementsOf(p.Signal) {
				for _, x := range c.Conflicts(m) {
					a, b := c.Movements.At(m), c.Movements.At(x.Foe)
					if st.States[a.Group] == geo.Protected && st.States[b.Group] == geo.Protected {
						t.Fatalf("plan %s, %s: %s and %s are both protected", c.PlanName(id), st.Name, c.MovementName(m), c.MovementName(x.Foe))
					}
				}
			}
		}
		for g, d := range green {
			if d < 6*time.Second {
				t.Fatalf("plan %s: group %d has %v of green", c.PlanName(id), g, d)
			}
		}
	}
	for s := range geo.SignalID(c.Signals.Len()) {
		if n := len(c.PlansOf(s)); n != 4 {
			t.Fatalf("signal %s has %d plans", c.Signals.At(s).ID, n)
		}
	}
}

// Along a street towards the centre the morning plan lets a platoon through:
// green begins at the next signal when the platoon arrives.
func TestMorningGreenWaveLeadsInwards(t *testing.T) {
	c := city(t, 1000, 3)
	pairs := 0
	for _, n := range c.Nodes.All() {
		outer, okOuter := c.Plans.Find(n.ID + "/am")
		column, row, _ := strings.Cut(n.ID, "D")
		j, err := strconv.Atoi(row)
		inner, okInner := c.Plans.Find(fmt.Sprintf("D%d/am", j-3))
		if column != "" || err != nil || j-3 < 10 || !okOuter || !okInner { // north of the centre line
			continue
		}
		pairs++
		a, b := c.Plans.At(outer), c.Plans.At(inner)
		gap := ((b.Offset-a.Offset)%a.Cycle + a.Cycle) % a.Cycle
		if travel := 3 * 140 / (47 / 3.6); math.Abs(gap.Seconds()-travel) > 1.01 {
			t.Errorf("green begins at D%d %v after D%d, the platoon takes %.1f s", j-3, gap, j, travel)
		}
	}
	if pairs == 0 {
		t.Error("no pair of neighbouring signals was found")
	}
}

func TestZonesHoldTheirStreets(t *testing.T) {
	c := city(t, 600, 2)
	var people float64
	for _, z := range c.Zones.All() {
		in := c.InPolygon(z.Area)
		if len(in) == 0 {
			t.Errorf("zone %s (%s) holds no segment", z.ID, z.Kind)
		}
		if z.Population > 0 {
			people += z.Population
		}
	}
	if people < 5000 || people > 200_000 {
		t.Errorf("%v people", people)
	}
}

func TestSizesOutOfRangeAreRefused(t *testing.T) {
	for _, n := range []int{-1, 59, 100_001} {
		if _, err := synth.City(synth.Options{Segments: n}); err == nil {
			t.Errorf("size %d was accepted", n)
		}
	}
}

func BenchmarkCity10000(b *testing.B) {
	for b.Loop() {
		city(b, 10_000, 1)
	}
}
