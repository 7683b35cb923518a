package scenarios

import (
	"context"
	"testing"
	"time"

	"tideway/sim"
)

func TestLabOptimisesAndGoesOnAfterACancel(t *testing.T) {
	r, ctx := newRig(t), t.Context()
	r.o.Simulate, r.o.Threads = bowl(0.5), 1
	goal := Request{Goal: &Goal{Evaluations: 150}, Seed: 3}
	run, err := r.Submit(ctx, goal)
	if err != nil || run.Total != 170 || run.Request.Kind() != "optimisation" {
		t.Fatalf("%+v, %v", run, err)
	}
	if _, err := r.Optimisation(ctx, run.ID); err == nil {
		t.Error("an optimisation before its end was found")
	}
	// Cancelled after 90 simulations, then asked for again.
	n := 0
	r.o.Simulate = func(ctx context.Context, in sim.Input, p func(sim.Progress)) (*sim.Result, error) {
		if n++; n == 90 {
			if _, err := r.Cancel(context.WithoutCancel(ctx), run.ID); err != nil {
				t.Error(err)
			}
		}
		return bowl(0.5)(ctx, in, p)
	}
	if err := r.Work(ctx, []byte(r.queue.jobs[0]), 1); err != nil {
		t.Fatal(err)
	}
	if run, _ = r.Run(ctx, run.ID); run.State != Cancelled || n > 100 {
		t.Errorf("%+v after %d simulations", run, n)
	}
	var first *Document
	if err := load(ctx, r.o.Runs, bestKey(run.ID), &first); err != nil || len(first.Changes) == 0 {
		t.Fatalf("nothing was kept: %v", err)
	}
	if run, err = r.Submit(ctx, goal); err != nil || len(r.queue.jobs) != 2 {
		t.Fatal(run, err)
	}
	if err := r.Work(ctx, []byte(r.queue.jobs[1]), 1); err != nil {
		t.Fatal(err)
	}
	o, err := r.Optimisation(ctx, run.ID)
	if err != nil || o.Verdict != Improved || len(o.Document.Changes) != 1 {
		t.Fatalf("%+v, %v", o, err)
	}
	if d, _, err := r.Scenario(ctx, o.Document.ID()); err != nil || len(d.Changes) != 1 {
		t.Errorf("the plans found are no scenario: %v", err)
	}
	for _, bad := range []Request{{Goal: &Goal{}}, {Goal: &Goal{Evaluations: 10, Signals: []string{"ghost"}}}, {Goal: &Goal{Evaluations: 10}, Scenarios: []string{"x"}}} {
		if _, err := r.Submit(ctx, bad); err == nil {
			t.Errorf("%+v was taken", bad)
		}
	}
}

func TestRecommendationKeepsItsDeadline(t *testing.T) {
	r, ctx := newRig(t), t.Context()
	better, worse := r.add(t, longerGreen), r.add(t, `{"op":"demand.scale","factor":2}`)
	run, err := r.Submit(ctx, Request{Scenarios: []string{worse, better}, Replications: 200, Volume: 1.2, Deadline: 10 * time.Second})
	if err != nil || run.Request.Kind() != "recommendation" {
		t.Fatal(run, err)
	}
	if err := r.Work(ctx, []byte(r.queue.jobs[0]), 1); err != nil {
		t.Fatal(err)
	}
	c, err := r.Comparison(ctx, run.ID)
	if err != nil || c.Replications < 2 || c.Replications > 100 {
		t.Fatalf("%+v, %v", c, err)
	}
	list, best := Rank(c)
	if best != better || len(list) != 3 || list[0].Scenario != better {
		t.Errorf("recommended %q of %+v", best, list)
	}
}

func TestRankPrefersDoingNothingToLuck(t *testing.T) {
	alt := func(id string, delay, lo, hi float64, v Verdict, stuck float64) Alternative {
		return Alternative{Scenario: id, Side: Side{GridlockShare: stuck}, KPIs: []KPI{{Base: 50, Alt: Number(delay), Diff: Number(delay - 50), Lo95: Number(lo), Hi95: Number(hi), Better: v}}}
	}
	c := &Comparison{Alternatives: []Alternative{alt("lucky", 45, -12, 2, Unclear, 0), alt("stuck", 30, -22, -18, Better, 0.5), alt("bad", 60, 5, 15, Worse, 0)}}
	list, best := Rank(c)
	if best != "" || list[0].Scenario != "lucky" || list[1].Name != DoNothing || list[3].Scenario != "stuck" {
		t.Errorf("recommended %q of %+v", best, list)
	}
	c.Alternatives = append(c.Alternatives, alt("good", 47, -4, -2, Better, 0))
	if _, best := Rank(c); best != "good" {
		t.Errorf("recommended %q", best)
	}
}
