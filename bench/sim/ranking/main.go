// Command ranking lets SUMO and the engine rank random signal plans: splits
// scaled by 0.5 to 1.7, random offsets, plan 0 the given one. It prints the mean
// delay (time loss and departure delay over all vehicles) of every plan in both,
// Spearman's rank correlation and the regret of the engine's choice; and the
// same for SUMO with other seeds in the engine's place, which is as well as
// anything can do.
package main

import (
	"context"
	"encoding/xml"
	"flag"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"time"

	bench "tideway/bench/sim"
	"tideway/geo"
	"tideway/sim"
	"tideway/sim/demand"
)

func main() {
	name := flag.String("case", "cologne3", "case")
	plans := flag.Int("plans", 16, "plans")
	seeds := flag.Int("seeds", 5, "seeds per plan")
	spare := flag.Int("spare", 5, "other seeds per plan with which SUMO is compared to itself")
	step := flag.Duration("step", time.Second, "step of the engine")
	flag.Parse()
	if err := rank(*name, *plans, *seeds, *spare, *step); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
}

func rank(name string, plans, seeds, spare int, step time.Duration) error {
	c, city, d, err := bench.Open(name)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "ranking")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	var ours, theirs, others []float64
	for p := range plans {
		varied := bench.Vary(city, p)
		a, err := mean(seeds, func(s int) (float64, error) { return ourDelay(c, varied, d, uint64(s+1), step) })
		if err != nil {
			return err
		}
		b, err := mean(seeds, func(s int) (float64, error) { return sumoDelay(c, varied, dir, s+1) })
		if err != nil {
			return err
		}
		o, err := mean(spare, func(s int) (float64, error) { return sumoDelay(c, varied, dir, s+1001) })
		if err != nil {
			return err
		}
		ours, theirs, others = append(ours, a), append(theirs, b), append(others, o)
		fmt.Printf("%s plan %2d engine %7.2f s  SUMO %7.2f s  SUMO, other seeds %7.2f s\n", name, p, a, b, o)
	}
	fmt.Printf("%s: Spearman %.3f, regret %.1f %%", name, spearman(ours, theirs), regret(ours, theirs))
	if spare > 0 {
		fmt.Printf("; SUMO against itself %.3f, %.1f %%", spearman(others, theirs), regret(others, theirs))
	}
	fmt.Println()
	return nil
}

func mean(n int, of func(int) (float64, error)) (float64, error) {
	sum := 0.0
	for i := range n {
		x, err := of(i)
		if err != nil {
			return 0, err
		}
		sum += x
	}
	return sum / math.Max(1, float64(n)), nil
}

// regret is how much worse the plan is that the estimate takes for the best, in
// per cent of the best.
func regret(estimate, truth []float64) float64 {
	return (truth[argmin(estimate)]/slices.Min(truth) - 1) * 100
}

func argmin(v []float64) int { return slices.Index(v, slices.Min(v)) }

func ourDelay(c bench.Case, city *geo.City, d *demand.Demand, seed uint64, step time.Duration) (float64, error) {
	r, err := sim.Run(context.Background(), sim.Input{City: city, Demand: d, Begin: c.Begin, End: c.End, UntilClear: true, StuckAfter: 300 * time.Second, Seed: seed, Threads: 1, Step: step}, nil)
	if err != nil {
		return 0, err
	}
	return r.Summary.MeanDelayS, nil
}

func sumoDelay(c bench.Case, city *geo.City, dir string, seed int) (float64, error) {
	trips := filepath.Join(dir, "trips.xml")
	if err := c.SUMO(city, dir, seed, "--tripinfo-output", trips); err != nil {
		return 0, err
	}
	b, err := os.ReadFile(trips)
	if err != nil {
		return 0, err
	}
	var list struct {
		Trips []struct {
			Loss   float64 `xml:"timeLoss,attr"`
			DelayS float64 `xml:"departDelay,attr"`
		} `xml:"tripinfo"`
	}
	if err := xml.Unmarshal(b, &list); err != nil {
		return 0, err
	}
	sum := 0.0
	for _, t := range list.Trips {
		sum += t.Loss + t.DelayS
	}
	return sum / float64(len(list.Trips)), nil
}

// spearman is the correlation of the ranks.
func spearman(a, b []float64) float64 {
	x, y := ranks(a), ranks(b)
	n := float64(len(a))
	d := 0.0
	for i := range x {
		d += (x[i] - y[i]) * (x[i] - y[i])
	}
	return 1 - 6*d/(n*(n*n-1))
}

func ranks(v []float64) []float64 {
	order := make([]int, len(v))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(i, j int) int {
		if v[i] < v[j] {
			return -1
		}
		return 1
	})
	out := make([]float64, len(v))
	for rank, i := range order {
		out[i] = float64(rank)
	}
	return out
}
