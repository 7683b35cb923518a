package sim_test

import (
	"testing"
	"time"

	"tideway/geo"
	"tideway/internal/netdraw"
	"tideway/sim"
)

// TestWhoHasWaitedMindsThoseBehindTheNextJunction: a driver who has stood where
// he gives way does not merge in front of one who comes fast, though that one is
// still on the street before the last; one who turns off before is nobody to mind.
func TestWhoHasWaitedMindsThoseBehindTheNextJunction(t *testing.T) {
	c := netdraw.City("a====>===x====>===b====>===z\n         |        |\n         |        ^\n         |        |\n         q        s")
	waited := func(to string) float64 {
		d := column(c, exact(), "xb", "bz", 4, 2*time.Second) // the side street waits for these
		for k, trip := range []struct {
			from, to string
			depart   time.Duration
		}{{"sb", "bz", 5 * time.Second}, {"ax", to, 16 * time.Second}} {
			one := column(c, exact(), trip.from, trip.to, 1, time.Second).Trips[0]
			one.ID, one.Depart = []string{"side", "far"}[k], trip.depart
			d.Trips = append(d.Trips, one)
		}
		r := run(t, sim.Input{City: c, Demand: d, End: 2 * time.Minute})
		for _, x := range r.Trips {
			if d.Trips[x.Trip].ID == "side" {
				return x.WaitingS
			}
		}
		t.Fatal("the vehicle from the side street has no result")
		return 0
	}
	if through, off := waited("bz"), waited("xq"); off == 0 || through < off+15 {
		t.Errorf("with one who comes from the street before the last it waits %.0f s, with one who turns off there %.0f s", through, off)
	}
}

// allWay is a crossing at which everybody stops, and one vehicle on each of two
// streets that get there alike.
func allWay(t *testing.T) sim.Input {
	d := netdraw.City("      b\n      |\n      |\n      |\n      |\n      |\na-----x-----c\n      |\n      |\n      |\n      |\n      |\n      d").Draft()
	for m := range d.Movements {
		d.Movements[m].Right = geo.AllWayStop
		for k := range d.Conflicts[m] {
			d.Conflicts[m][k].Yield = true
		}
	}
	c, err := d.Build()
	if err != nil {
		t.Fatal(err)
	}
	both := column(c, exact(), "ax", "xc", 1, time.Second)
	other := column(c, exact(), "-xd", "-bx", 1, time.Second).Trips[0]
	other.ID = "other"
	both.Trips = append(both.Trips, other)
	return sim.Input{City: c, Demand: both, End: 2 * time.Minute}
}

// TestOneOfTwoEqualsGoes: two who stop at an all-way stop at the same time do not
// wait for each other.
func TestOneOfTwoEqualsGoes(t *testing.T) {
	s := run(t, allWay(t)).Summary
	if s.Completed != 2 || s.MeanStops != 1 || s.MeanWaitingTimeS > 4 {
		t.Errorf("%d of 2 arrive after %.1f stops and %.1f s of waiting, expected both, 1 and at most 4", s.Completed, s.MeanStops, s.MeanWaitingTimeS)
	}
}
