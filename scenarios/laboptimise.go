package scenarios

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"tideway/geo"
	"tideway/internal/fault"
	"tideway/sim"
	"tideway/sim/demand"
)

// bestKey holds the best plans that a search has found so far, across attempts
// and submissions: who goes on with the search begins there.
func bestKey(run string) string { return run + ".best" }

// optimise searches better plans. What a worker that died, or a submission that
// was cancelled, had found is where it begins.
func (w *work) optimise(ctx context.Context) (*Optimisation, error) {
	ctx, w.stop = context.WithCancelCause(ctx)
	defer w.stop(nil)
	s, err := w.study(ctx)
	if err != nil {
		return nil, err
	}
	begin, cpu := w.lab.o.Now(), w.lab.o.CPU()
	o, err := s.Optimise(ctx)
	if cause := context.Cause(ctx); cause != nil {
		return nil, cause
	}
	if err != nil {
		return nil, err
	}
	o.WallS, o.CPUS = w.lab.o.Now().Sub(begin).Seconds(), (w.lab.o.CPU() - cpu).Seconds()
	if o.Verdict == Improved {
		_, err = w.lab.AddScenario(ctx, o.Document)
	}
	return o, err
}

// study is the search that the request describes.
func (w *work) study(ctx context.Context) (*Study, error) {
	base, err := w.base(ctx)
	if err != nil {
		return nil, err
	}
	q := w.run.Request
	s := &Study{Base: BaseCase(base), Period: w.lab.o.Period, Seed: q.Seed, Evaluations: q.Goal.Evaluations, Validation: q.Replications, Limits: q.Goal.Limits, Threads: w.lab.o.Threads}
	s.Period.Begin, s.Period.End = q.Begin, q.End
	if s.Signals, err = pickSignals(base.City, q.Goal.Signals); err != nil {
		return nil, err
	}
	run := w.lab.o.Simulate
	if run == nil {
		run = sim.Run
	}
	s.Simulate = func(ctx context.Context, in sim.Input, _ func(sim.Progress)) (*sim.Result, error) {
		w.simulated(ctx)
		return run(ctx, in, simulated(func() { w.tick(ctx, nil) }))
	}
	s.Progress = func(p SearchProgress) { _ = put(ctx, w.lab.o.Runs, bestKey(w.run.ID), p.Best) } // the next one may get through
	s.Starts, err = w.earlier(ctx, base)
	return s, err
}

// simulated counts a simulation that begins.
func (w *work) simulated(ctx context.Context) {
	w.mu.Lock()
	steps := Steps{Done: min(w.note.Done+1, w.note.Total), Total: w.note.Total}
	w.mu.Unlock()
	w.tick(ctx, &steps)
}

// earlier returns the plans that an earlier attempt had found.
func (w *work) earlier(ctx context.Context, base Base) ([][]geo.Plan, error) {
	var d Document
	switch err := load(ctx, w.lab.o.Runs, bestKey(w.run.ID), &d); {
	case errors.Is(err, fs.ErrNotExist):
		return nil, nil
	case err != nil:
		return nil, err
	}
	c, err := Apply(&d, base)
	if err != nil {
		return nil, nil // the base has moved: the search begins anew
	}
	return [][]geo.Plan{PlansInForce(c.City)}, nil
}

// PlansInForce returns the plan of every signal that has one: what a search
// can begin from.
func PlansInForce(city *geo.City) (out []geo.Plan) {
	for _, s := range city.Signals.All() {
		if s.Plan != geo.NoPlan {
			out = append(out, city.Plans.At(s.Plan))
		}
	}
	return out
}

// pickSignals returns nil for all.
func pickSignals(city *geo.City, ids []string) (out []geo.SignalID, err error) {
	var bad fault.List
	for _, id := range ids {
		s, ok := city.Signals.Find(id)
		if !ok {
			bad.Addf("signals", id, "is not a signal of city %s", city.Name)
		}
		out = append(out, s)
	}
	return out, bad.Err("choosing signals")
}

// atVolume scales the demand of private traffic.
func atVolume(base Base, volume float64) *demand.Demand {
	b := newBuilder(base)
	(&ScaleDemand{Factor: volume}).apply(b, &Change{Op: OpScale})
	return b.demand
}

// Optimisation returns what a finished search found. A run that did not get
// that far is an error that wraps fs.ErrNotExist.
func (l *Lab) Optimisation(ctx context.Context, run string) (*Optimisation, error) {
	r, err := l.record(ctx, run)
	if err != nil {
		return nil, err
	}
	var end ending
	if err := load(ctx, l.o.Results, r.job(), &end); err != nil {
		return nil, fmt.Errorf("optimisation of run %s: %w", run, err)
	}
	if end.Optimisation == nil {
		return nil, fmt.Errorf("run %s is %s and found no plans: %w", run, end.State, fs.ErrNotExist)
	}
	return end.Optimisation, nil
}

// Rebase carries a stored scenario over to the base in force: it returns the
// scenario pinned there and every conflict. Without conflicts it is stored.
func (l *Lab) Rebase(ctx context.Context, id string) (*Document, []fault.Problem, error) {
	d, _, err := l.Scenario(ctx, id)
	if err != nil {
		return nil, nil, err
	}
	base, err := l.o.Base(ctx)
	if err != nil {
		return nil, nil, err
	}
	flat, err := Flatten(d, func(id string) (*Document, error) {
		under, _, err := l.Scenario(ctx, id)
		return under, err
	})
	if err != nil {
		return nil, nil, err
	}
	out, conflicts, err := Rebase(flat, base)
	if err == nil && len(conflicts) == 0 {
		_, err = l.AddScenario(ctx, out)
	}
	return out, conflicts, err
}
