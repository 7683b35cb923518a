package sim

import (
	"context"
	"math"
	"testing"
	"time"

	"tideway/internal/testdata"
	"tideway/sim"
)

// reference is SUMO 1.15's mean over its seeds (frozen routes where there are
// any): travel time, time loss and departure delay in seconds.
var reference = map[string][3]float64{
	"cologne1":    {67.93, 45.12, 13.4},
	"cologne3":    {77.02, 39.38, 2.23},
	"cologne8":    {128.73, 62.48, 4.6},
	"ingolstadt1": {54.82, 33.79, 7.19},
	"grid4x4":     {206.56, 94.55, 0.14},
	"bologna":     {386.92, 254.59, 18.98},
}

// TestFidelity holds the means over two seeds to SUMO's: travel time within 5 %,
// time loss within 10 %.
func TestFidelity(t *testing.T) {
	testdata.Dir(t, "sumo")
	for _, c := range Cases {
		want, ok := reference[c.Name]
		if !ok || testing.Short() && c.Name == "bologna" {
			continue
		}
		t.Run(c.Name, func(t *testing.T) {
			t.Parallel()
			const seeds = 2
			var travel, loss float64
			for seed := range seeds {
				s := c.run(t, uint64(seed+1))
				if s.Completed != s.Scheduled || s.Gridlocked || float64(s.Released) > 0.01*float64(s.Scheduled) {
					t.Fatalf("did not clear: %+v", s)
				}
				travel += s.MeanTravelTimeS / seeds
				loss += s.MeanTimeLossS / seeds
			}
			t.Logf("travel time %.1f s (%+.1f %%), time loss %.1f s (%+.1f %%)", travel, (travel/want[0]-1)*100, loss, (loss/want[1]-1)*100)
			if math.Abs(travel/want[0]-1) > 0.05 || math.Abs(loss/want[1]-1) > 0.10 {
				t.Errorf("travel time %.1f s, SUMO %.1f s; time loss %.1f s, SUMO %.1f s", travel, want[0], loss, want[1])
			}
		})
	}
}

func (c Case) run(t *testing.T, seed uint64) sim.Summary {
	city, d, err := c.Load(1)
	if err != nil {
		t.Fatal(err)
	}
	r, err := sim.Run(context.Background(), sim.Input{City: city, Demand: d, Begin: c.Begin, End: c.End, UntilClear: true,
		StuckAfter: 300 * time.Second, Seed: seed, Threads: 1}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return r.Summary
}
