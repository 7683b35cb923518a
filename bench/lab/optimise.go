package main

import (
	"context"
	"fmt"
	"time"

	"tideway/bench/sim"
	"tideway/internal/usage"
	"tideway/scenarios"
	engine "tideway/sim"
)

// unseen is the first SUMO seed of the judge; the engine's own streams are
// others whatever its seeds are.
const unseen = 9001

// optimise searches plans for a case and has SUMO judge base and answer.
func optimise(ctx context.Context, c sim.Case, o options) error {
	j, err := newJudge(c, o.jobs)
	if err != nil {
		return err
	}
	defer j.close()
	base, err := j.delays(ctx, nil, unseen, o.seeds)
	if err != nil {
		return err
	}
	for i := range o.searches {
		if err := optimiseOnce(ctx, c, o, j, base, o.seed+uint64(1000*i)); err != nil {
			return err
		}
	}
	return nil
}

func optimiseOnce(ctx context.Context, c sim.Case, o options, j *judge, base []float64, seed uint64) error {
	begin := usage.CPU()
	city, d, err := c.Load(seed)
	if err != nil {
		return err
	}
	s := scenarios.Study{Base: scenarios.BaseCase(scenarios.Base{City: city, Demand: d}), Period: period(c), Seed: seed, Budget: o.budget,
		Spent: usage.CPU, Threads: o.jobs}
	found, err := s.Optimise(ctx)
	if err != nil {
		return err
	}
	cpu := usage.CPU() - begin
	answer, err := scenarios.Apply(found.Document, scenarios.Base{City: city, Demand: d})
	if err != nil {
		return err
	}
	alt, err := j.delays(ctx, answer.City, unseen, o.seeds)
	if err != nil {
		return err
	}
	v := scenarios.Pair(base, alt)
	fmt.Printf("%-12s seed %5d budget %5.1f CPU-s: %-9s engine %6.2f -> %6.2f [%.2f, %.2f]  SUMO %6.2f -> %6.2f  diff %.2f [%.2f, %.2f] %+.1f %%  (%d simulations, %.1f CPU-s)\n", c.Name, seed, o.budget.Seconds(),
		found.Verdict, found.BaseDelayS, found.PlanDelayS, float64(found.Diff.Lo95), float64(found.Diff.Hi95), v.Base, v.Alt, v.Diff, v.Lo, v.Hi, 100*v.Diff/v.Base, found.Evaluations, cpu.Seconds())
	return nil
}

// period is the case's hour, as SUMO's judge has it.
func period(c sim.Case) engine.Input {
	return engine.Input{Begin: c.Begin, End: c.End, Step: time.Second}
}
