package main

import (
	"context"
	"fmt"
	"slices"
	"time"

	"tideway/bench/sim"
	"tideway/geo"
	"tideway/internal/rng"
	"tideway/internal/usage"
	"tideway/scenarios"
	engine "tideway/sim"
)

// experiment compares plan changes of a case: plan n has some signals' greens
// shifted by up to 6 s and their offsets moved.
func experiment(c sim.Case, o options, poisson bool) (*scenarios.Experiment, error) {
	city, d, err := c.Load(o.seed)
	if err != nil {
		return nil, err
	}
	e := &scenarios.Experiment{Base: scenarios.BaseCase(scenarios.Base{City: city, Demand: d}), Period: period(c), Seed: o.seed, Replications: o.runs,
		Poisson: poisson, Threads: o.jobs, Engine: engine.Version}
	e.Period.StuckAfter = 300 * time.Second
	for n := range o.plans {
		alt := scenarios.BaseCase(scenarios.Base{City: changed(city, uint64(n)), Demand: d})
		alt.ID = fmt.Sprint("plan", n)
		e.Alternatives = append(e.Alternatives, alt)
	}
	return e, nil
}

func changed(city *geo.City, n uint64) *geo.City {
	dice := rng.New(n, 7, rng.Signals)
	p := city.Patch()
	for _, s := range city.Signals.All() {
		plan := city.Plans.At(s.Plan)
		plan.Kind, plan.Stages = geo.FixedTime, slices.Clone(plan.Stages)
		var green []int
		for k := range plan.Stages {
			st := &plan.Stages[k]
			if st.Min, st.Max = st.Duration, st.Duration; scenarios.IsGreenStage(*st) {
				green = append(green, k)
			}
		}
		a, b := &plan.Stages[green[dice.IntN(len(green))]], &plan.Stages[green[dice.IntN(len(green))]]
		if shift := time.Duration(dice.IntN(7)) * time.Second; a != b && a.Duration-shift >= scenarios.MinGreen {
			a.Duration, b.Duration = a.Duration-shift, b.Duration+shift
			a.Min, a.Max, b.Min, b.Max = a.Duration, a.Duration, b.Duration, b.Duration
		}
		plan.Offset = (plan.Offset + time.Duration(dice.IntN(11))*time.Second) % plan.Cycle
		p.SetPlan(plan)
	}
	return p.City()
}

// variance reports what common random numbers gain: the variance ratio of the
// delay difference, median over plan changes.
func variance(ctx context.Context, c sim.Case, o options) error {
	for _, poisson := range []bool{true, false} {
		e, err := experiment(c, o, poisson)
		if err != nil {
			return err
		}
		found, err := e.Compare(ctx, nil)
		if err != nil {
			return err
		}
		var ratios []float64
		for _, a := range found.Alternatives {
			ratios = append(ratios, float64(a.KPIs[0].VarianceRatio))
		}
		slices.Sort(ratios)
		departures := map[bool]string{true: "Poisson", false: "frozen "}[poisson]
		fmt.Printf("%-10s %s departures, %d plans x %d replications: variance ratio of the delay difference, median %.2f, quartiles %.2f and %.2f\n",
			c.Name, departures, o.plans, o.runs, scenarios.Median(ratios), scenarios.Quantile(ratios, 0.25), scenarios.Quantile(ratios, 0.75))
	}
	return nil
}

// timing reports how long one comparison takes.
func timing(ctx context.Context, c sim.Case, o options) error {
	e, err := experiment(c, o, false)
	if err != nil {
		return err
	}
	begin, cpu := time.Now(), usage.CPU()
	found, err := e.Compare(ctx, nil)
	if err != nil {
		return err
	}
	fmt.Printf("%s: base and %d scenarios x %d replications in %.2f s wall, %.2f CPU-s on %d threads (%d indicators each)\n", c.Name, o.plans, o.runs,
		time.Since(begin).Seconds(), (usage.CPU() - cpu).Seconds(), o.jobs, len(found.Alternatives[0].KPIs))
	return nil
}
