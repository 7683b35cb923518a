package sim_test

import (
	"math"
	"testing"
	"time"

	"tideway/geo"
	"tideway/internal/netdraw"
	"tideway/sim"
)

// TestABlockedTurnBlocksItsLane: where one turn of a lane is backed up into the
// junction, nobody gets past to the other one.
func TestABlockedTurnBlocksItsLane(t *testing.T) {
	c := netdraw.City("a---->-----x---->---b\n           v\n           M---q\n           |\n           |\n           s")
	id, ok := c.Signals.Find("M")
	if !ok {
		t.Fatal("the drawing has no signal M")
	}
	p := c.Patch()
	plan := c.Plans.At(c.Signals.At(id).Plan)
	plan.Kind, plan.Cycle = geo.FixedTime, time.Hour
	red := make([]geo.SignalState, c.Signals.At(id).Groups)
	for g := range red {
		red[g] = geo.Red
	}
	plan.Stages = []geo.Stage{{Duration: time.Hour, Min: time.Hour, Max: time.Hour, States: red}}
	p.SetPlan(plan)
	c = p.City()
	short := exact()
	short.Length, short.MinGap = 2, 0.5 // so that several stand in the junction
	d := column(c, short, "ax", "Ms", 14, 3*time.Second)
	past := column(c, short, "ax", "xb", 3, 3*time.Second)
	for i := range past.Trips {
		past.Trips[i].ID = "past" + past.Trips[i].ID
		past.Trips[i].Depart += time.Minute
	}
	d.Trips = append(d.Trips, past.Trips...)
	r := run(t, sim.Input{City: c, Demand: d, End: 5 * time.Minute, Sample: sim.Sampling{Every: 200 * time.Second}})
	tail, front := math.Inf(1), 0.0 // inside the junction
	for _, x := range r.Samples {
		switch {
		case x.Movement == geo.NoMovement:
		case d.Trips[x.Trip].To == past.Trips[0].To:
			front = max(front, x.PosM)
		default:
			tail = min(tail, x.PosM-2)
		}
	}
	if math.IsInf(tail, 1) || front > tail {
		t.Errorf("a vehicle for the open turn stands %.1f m inside the junction, the last one for the blocked turn ends at %.1f m", front, tail)
	}
}
