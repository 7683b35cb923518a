package main

import (
	"context"
	"fmt"
	"slices"
	"time"

	"tideway/bench/sim"
	"tideway/geo"
	"tideway/internal/parallel"
	"tideway/scenarios"
	engine "tideway/sim"
)

// control puts every signal of a case under max-pressure control and reports
// the delay in the engine, base and controlled, over seeds.
func control(ctx context.Context, c sim.Case, o options) error {
	city, d, err := c.Load(o.seed)
	if err != nil {
		return err
	}
	base := scenarios.Base{City: city, Demand: d}
	doc, err := scenarios.Parse([]byte(`{"name":"control","changes":[{"op":"signal.setControl","select":{"all":true},"control":"max_pressure"}]}`))
	if err != nil {
		return err
	}
	controlled, err := scenarios.Apply(doc, base)
	if err != nil {
		return err
	}
	cities := []*geo.City{city, controlled.City}
	var delays [2][]float64
	for side, at := range cities {
		seeds := make([]uint64, o.runs)
		for i := range seeds {
			seeds[i] = o.seed + uint64(i)
		}
		delays[side], err = parallel.MapErr(ctx, o.jobs, seeds, func(ctx context.Context, seed uint64) (float64, error) {
			in := period(c)
			in.StuckAfter = 300 * time.Second
			in.City, in.Demand, in.Seed, in.Threads = at, d, seed, 1
			r, err := engine.Run(ctx, in, nil)
			if err != nil {
				return 0, err
			}
			return r.Summary.MeanDelayS, nil
		})
		if err != nil {
			return err
		}
	}
	v := scenarios.Pair(delays[0], delays[1])
	middle, worst := scenarios.Median(delays[1]), slices.Max(delays[1])
	fmt.Printf("%-12s base %6.2f s, max-pressure %6.2f s (diff %.2f [%.2f, %.2f]); median %.2f, worst seed %.2f = %.2f x median, %d seeds\n",
		c.Name, v.Base, v.Alt, v.Diff, v.Lo, v.Hi, middle, worst, worst/middle, v.N)
	return nil
}
