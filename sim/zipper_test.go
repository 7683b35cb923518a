package sim_test

import (
	"math"
	"testing"
	"time"

	"tideway/geo"
	"tideway/internal/netdraw"
	"tideway/sim"
)

// zipper is a street and a side street that merge with equal rights, and two
// columns of n vehicles that come at the same times.
func zipper(t *testing.T, n int, headway time.Duration) sim.Input {
	d := netdraw.City("a------->------x---->---z\n               |\n               ^\n               |\n               |\n               |\n               |\n               s").Draft()
	for m := range d.Movements {
		d.Movements[m].Right = geo.EqualRight
		for k := range d.Conflicts[m] {
			d.Conflicts[m][k].Yield = true
		}
	}
	c, err := d.Build()
	if err != nil {
		t.Fatal(err)
	}
	both := column(c, exact(), "ax", "xz", n, headway)
	for _, trip := range column(c, exact(), "sx", "xz", n, headway).Trips {
		trip.ID = "s" + trip.ID
		both.Trips = append(both.Trips, trip)
	}
	return sim.Input{City: c, Demand: both, End: 20 * time.Minute, UntilClear: true}
}

// TestZipper: where two lanes merge and each gives way to the other, drivers let
// each other in while they drive: below the capacity of the lane behind nobody
// stands.
func TestZipper(t *testing.T) {
	s := run(t, zipper(t, 60, 6*time.Second)).Summary
	if s.Completed != 120 || s.MeanWaitingTimeS > 0 || s.MeanTimeLossS > 6 {
		t.Errorf("%d of 120 arrive, waiting %.1f s, losing %.1f s; expected all, 0 and at most 6", s.Completed, s.MeanWaitingTimeS, s.MeanTimeLossS)
	}
}

// TestZipperOverCapacity: with more than the lane behind can take all arrive,
// and nobody drives into the one let in before him.
func TestZipperOverCapacity(t *testing.T) {
	in := zipper(t, 100, 2*time.Second)
	e, err := sim.New(in)
	if err != nil {
		t.Fatal(err)
	}
	behind, _ := in.City.Segments.Find("xz")
	for !e.Done() {
		e.Step()
		before := math.Inf(1)
		e.Vehicles(func(s sim.Sample) { // of a lane the first one first
			if s.Segment != behind {
				return
			}
			if before-s.PosM < 5 {
				t.Fatalf("at %v two vehicles are %.2f m apart, their length is 5 m", e.Time(), before-s.PosM)
			}
			before = s.PosM
		})
	}
	if n := e.Result().Summary.Completed; n != 200 {
		t.Errorf("%d of 200 arrive", n)
	}
}
