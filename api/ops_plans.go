package api

import (
	"bytes"
	"context"
	"encoding/json"
	"math"
	"net/http"
	"time"

	"github.com/gofiber/fiber/v2"

	"tideway/api/wire"
	"tideway/geo/sumo"
	"tideway/scenarios"
)

// planRoutes are the verbs of the lab beyond storing and comparing.
func (s *Server) planRoutes() {
	add(s, op("forkScenario", post, wire.PathScenarioFork, "Scenarios", "Store a scenario that goes on from another", 400, 404, 413, 422), s.forkScenario)
	add(s, op("rebaseScenario", post, wire.PathScenarioRebase, "Scenarios", "Pin a scenario to the city in force and list every conflict", 404, 422), s.rebaseScenario)
	s.addRaw(op("exportScenario", get, wire.PathScenarioSUMO, "Scenarios", "The signal plans of a scenario as a SUMO additional file", 404, 422), wire.TypeXML, nil, s.exportScenario)
	add(s, op("evaluateSignal", post, wire.PathSignalEvaluate, "Scenarios", "How a signal would do with a changed plan, worked out at once", 400, 404, 413, 422, 503), s.evaluateSignal)
	begin := op("startOptimisation", post, wire.PathOptimisations, "Runs", "Search better signal plans, never worse than those in force", 400, 413, 422)
	begin.DefaultStatus = http.StatusAccepted
	add(s, begin, s.startOptimisation)
	add(s, op("getOptimisation", get, wire.PathOptimisation, "Runs", "What a search found", 404), s.getOptimisation)
	ask := op("startRecommendation", post, wire.PathRecommendations, "Runs", "Rank scenarios for the next hour against doing nothing, within a deadline", 400, 404, 413, 422)
	ask.DefaultStatus = http.StatusAccepted
	add(s, ask, s.startRecommendation)
	add(s, op("getRecommendation", get, wire.PathRecommendation, "Runs", "The ranking", 404), s.getRecommendation)
}

type forkInput struct {
	ID   string `path:"id"`
	Body wire.Fork
}

func (s *Server) forkScenario(ctx context.Context, in *forkInput) (*answer[wire.Scenario], error) {
	if _, _, err := s.opt.Twin.Scenario(ctx, in.ID); err != nil {
		return nil, lost(err, "scenario", in.ID)
	}
	changes := in.Body.Changes
	if changes == nil {
		changes = []json.RawMessage{}
	}
	text, err := json.Marshal(map[string]any{"name": in.Body.Name, "about": in.Body.About, "extends": []string{in.ID}, "changes": changes})
	if err != nil {
		return nil, err
	}
	d, err := scenarios.Parse(text)
	if err != nil {
		return nil, err
	}
	id, err := s.opt.Twin.AddScenario(ctx, d)
	if err != nil {
		return nil, lost(err, "scenario", "extends")
	}
	one, err := s.scenario(ctx, id)
	if err != nil {
		return nil, err
	}
	return reply(one), nil
}

func (s *Server) rebaseScenario(ctx context.Context, in *byID) (*answer[wire.Rebased], error) {
	d, conflicts, err := s.opt.Twin.Rebase(ctx, in.ID)
	if err != nil {
		return nil, lost(err, "scenario", in.ID)
	}
	out := wire.Rebased{ID: d.ID(), Base: d.Base, Stored: len(conflicts) == 0, Conflicts: []wire.Conflict{}, Document: d.Canonical()}
	for _, c := range conflicts {
		out.Conflicts = append(out.Conflicts, wire.Conflict{Location: c.Where, ID: c.ID, Message: c.Text})
	}
	return reply(out), nil
}

// exportScenario serves GET /v1/scenarios/{id}/plans.add.xml.
func (s *Server) exportScenario(c *fiber.Ctx) error {
	ctx, cancel := s.timed(c)
	defer cancel()
	id, err := pathID(c.Params("id"))
	if err != nil {
		return err
	}
	d, _, err := s.opt.Twin.Scenario(ctx, id)
	if err != nil {
		return lost(err, "scenario", id)
	}
	found, err := s.opt.Twin.CheckScenario(ctx, d)
	if err != nil {
		return err
	}
	var b bytes.Buffer
	dropped, err := sumo.WritePlans(&b, found.City)
	if err == nil {
		err = sumo.Lost(s.opt.Twin.City(), found.City, dropped)
	}
	if err != nil {
		return err
	}
	c.Set(fiber.HeaderContentType, wire.TypeXML)
	return c.Send(b.Bytes())
}

type optimisationInput struct{ Body wire.OptimisationRequest }

// Defaults of what clients leave out.
const (
	defaultEvaluations  = 200
	defaultReplications = 30
)

func (s *Server) startOptimisation(ctx context.Context, in *optimisationInput) (*started, error) {
	q := in.Body
	r := scenarios.Request{Replications: q.Validation, Goal: &scenarios.Goal{Signals: q.Signals, Evaluations: q.Evaluations,
		Limits: scenarios.Limits{MinGreen: seconds(q.MinGreenS), MinCycle: seconds(q.MinCycleS), MaxCycle: seconds(q.MaxCycleS), KeepCycles: q.KeepCycles}}}
	if q.Evaluations == 0 {
		r.Goal.Evaluations = defaultEvaluations
	}
	if q.BeginS != nil {
		r.Begin = seconds(*q.BeginS)
	}
	if q.EndS != nil {
		r.End = seconds(*q.EndS)
	}
	if q.Seed != nil {
		r.Seed = *q.Seed
	}
	run, err := s.opt.Twin.Submit(ctx, r)
	if err != nil {
		return nil, err
	}
	return &started{wire.PathRuns + "/" + run.ID, wireRun(run)}, nil
}

func (s *Server) getOptimisation(ctx context.Context, in *byID) (*answer[wire.Optimisation], error) {
	o, err := s.opt.Twin.Optimisation(ctx, in.ID)
	if err != nil {
		return nil, lost(err, "optimisation", in.ID)
	}
	num := func(n scenarios.Number) *float64 { return wire.Num(float64(n)) }
	out := wire.Optimisation{ID: in.ID, Verdict: o.Verdict, BaseDelayS: o.BaseDelayS, PlanDelayS: o.PlanDelayS, DiffS: num(o.Diff.Mean), Lo95S: num(o.Diff.Lo95), Hi95S: num(o.Diff.Hi95),
		Evaluations: o.Evaluations, CPUS: o.CPUS, WallS: o.WallS, Changes: append([]string{}, o.Changes...)}
	if o.Verdict == scenarios.Improved {
		out.Scenario = o.Document.ID()
	}
	return reply(out), nil
}

type recommendationInput struct{ Body wire.RecommendationRequest }

func (s *Server) startRecommendation(ctx context.Context, in *recommendationInput) (*started, error) {
	n := in.Body.Replications
	if n == 0 {
		n = defaultReplications
	}
	run, err := s.opt.Twin.Recommend(ctx, in.Body.Scenarios, seconds(in.Body.DeadlineS).Round(time.Millisecond), n)
	if err != nil {
		return nil, lost(err, "scenario", in.Body.Scenarios[0])
	}
	return &started{wire.PathRuns + "/" + run.ID, wireRun(run)}, nil
}

func (s *Server) getRecommendation(ctx context.Context, in *byID) (*answer[wire.Recommendation], error) {
	run, c, err := s.finished(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	if run.Request.Kind() != "recommendation" {
		return nil, newProblem(http.StatusNotFound, "run %s is a %s, not a recommendation", in.ID, run.Request.Kind())
	}
	list, recommended := scenarios.Rank(c)
	num := func(n scenarios.Number) *float64 { return wire.Num(float64(n)) }
	out := wire.Recommendation{ID: run.ID, BeginS: run.Request.Begin.Seconds(), EndS: run.Request.End.Seconds(), Volume: math.Max(run.Request.Volume, 0),
		Replications: c.Replications, Recommended: recommended, Ranking: []wire.Ranked{}}
	for _, r := range list {
		out.Ranking = append(out.Ranking, wire.Ranked{Scenario: r.Scenario, Name: r.Name, DelayS: num(r.Delay), DiffS: num(r.Diff), Lo95S: num(r.Lo95), Hi95S: num(r.Hi95), Better: string(r.Better)})
	}
	return reply(out), nil
}
