package api

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/gofiber/fiber/v2"

	"tideway/api/wire"
	"tideway/scenarios"
)

// scenarioDocument stands for a scenario document in the OpenAPI document. Its
// decoder is scenarios.Parse, which names every problem by its place.
type scenarioDocument struct{}

// Schema describes the document's frame; the operations and their arguments are
// in docs/scenarios.md.
func (scenarioDocument) Schema(huma.Registry) *huma.Schema {
	text := &huma.Schema{Type: huma.TypeString}
	return &huma.Schema{Type: huma.TypeObject, Required: []string{"name", "changes"}, AdditionalProperties: false,
		Description: "A scenario: operations in order. docs/scenarios.md is its manual.",
		Properties: map[string]*huma.Schema{
			"name": text, "about": text, "base": text,
			"tags":    {Type: huma.TypeArray, Items: text},
			"extends": {Type: huma.TypeArray, Items: text, Description: "Ids of scenarios whose changes come first."},
			"changes": {Type: huma.TypeArray, Items: &huma.Schema{Type: huma.TypeObject, Required: []string{"op"}, AdditionalProperties: true,
				Properties: map[string]*huma.Schema{"id": text, "op": text, "why": text}}},
		}}
}

func (s *Server) listScenarios(ctx context.Context, _ *none) (*answer[wire.ScenarioList], error) {
	ids, err := s.opt.Twin.Scenarios(ctx)
	if err != nil {
		return nil, err
	}
	out := wire.ScenarioList{Scenarios: []wire.Scenario{}}
	for _, id := range ids {
		one, err := s.scenario(ctx, id)
		if err != nil {
			return nil, err
		}
		one.Document = nil
		out.Scenarios = append(out.Scenarios, one)
	}
	return reply(out), nil
}

func (s *Server) scenario(ctx context.Context, id string) (wire.Scenario, error) {
	d, created, err := s.opt.Twin.Scenario(ctx, id)
	if err != nil {
		return wire.Scenario{}, lost(err, "scenario", id)
	}
	return wire.Scenario{ID: id, Name: d.Name, About: d.About, Base: d.Base, CreatedAt: created.UTC(), Changes: len(d.Changes), Document: d.Canonical()}, nil
}

func (s *Server) getScenario(ctx context.Context, in *byID) (*answer[wire.Scenario], error) {
	id, err := pathID(in.ID)
	if err != nil {
		return nil, err
	}
	one, err := s.scenario(ctx, id)
	if err != nil {
		return nil, err
	}
	return reply(one), nil
}

// pair names two scenarios.
type pair struct {
	ID    string `path:"id"`
	Other string `path:"other" doc:"The scenario it is compared with."`
}

func (s *Server) diffScenarios(ctx context.Context, in *pair) (*answer[wire.ScenarioDiff], error) {
	from, _, err := s.opt.Twin.Scenario(ctx, in.ID)
	if err != nil {
		return nil, lost(err, "scenario", in.ID)
	}
	to, _, err := s.opt.Twin.Scenario(ctx, in.Other)
	if err != nil {
		return nil, lost(err, "scenario", in.Other)
	}
	text := append([]string{}, scenarios.Diff(from, to)...)
	return reply(wire.ScenarioDiff{From: in.ID, To: in.Other, Same: len(text) == 0, Text: text}), nil
}

// timed returns a context that ends after the time a request has.
func (s *Server) timed(c *fiber.Ctx) (context.Context, context.CancelFunc) {
	return context.WithTimeout(c.UserContext(), s.opt.Timeout)
}

// checkScenario serves POST /v1/scenarios/validate.
func (s *Server) checkScenario(c *fiber.Ctx) error {
	ctx, cancel := s.timed(c)
	defer cancel()
	d, err := scenarios.Parse(bodyOf(c))
	if err != nil {
		return err
	}
	found, err := s.opt.Twin.CheckScenario(ctx, d)
	if err != nil {
		return lost(err, "scenario", "extends")
	}
	return c.JSON(wire.ScenarioCheck{ID: d.ID(), Changes: append([]string{}, found.Changes...), Warnings: append([]string{}, found.Warnings...)})
}

// addScenario serves POST /v1/scenarios.
func (s *Server) addScenario(c *fiber.Ctx) error {
	ctx, cancel := s.timed(c)
	defer cancel()
	d, err := scenarios.Parse(bodyOf(c))
	if err != nil {
		return err
	}
	id, err := s.opt.Twin.AddScenario(ctx, d)
	if err != nil {
		return lost(err, "scenario", "extends")
	}
	stored, err := s.scenario(ctx, id)
	if err != nil {
		return err
	}
	c.Set(fiber.HeaderLocation, wire.PathScenarios+"/"+id)
	c.Status(http.StatusCreated)
	return c.JSON(stored)
}

type runInput struct{ Body wire.RunRequest }

// started is the answer of a run that was taken on.
type started struct {
	Location string `header:"Location" doc:"Where the run can be followed."`
	Body     wire.Run
}

func (s *Server) startRun(ctx context.Context, in *runInput) (*started, error) {
	r := scenarios.Request{Scenarios: in.Body.Scenarios, Replications: in.Body.Replications, Poisson: in.Body.Poisson}
	if in.Body.MostReplications > 0 {
		r.Most = in.Body.MostReplications
	}
	if in.Body.BeginS != nil {
		r.Begin = seconds(*in.Body.BeginS)
	}
	if in.Body.EndS != nil {
		r.End = seconds(*in.Body.EndS)
	}
	if in.Body.Seed != nil {
		r.Seed = *in.Body.Seed
	}
	run, err := s.opt.Twin.Submit(ctx, r)
	if err != nil {
		return nil, lost(err, "scenario", in.Body.Scenarios[0])
	}
	return &started{wire.PathRuns + "/" + run.ID, wireRun(run)}, nil
}

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }

func (s *Server) listRuns(ctx context.Context, _ *none) (*answer[wire.RunList], error) {
	runs, err := s.opt.Twin.Runs(ctx)
	if err != nil {
		return nil, err
	}
	out := wire.RunList{Runs: []wire.Run{}}
	for _, r := range runs {
		out.Runs = append(out.Runs, wireRun(r))
	}
	return reply(out), nil
}

func (s *Server) getRun(ctx context.Context, in *byID) (*answer[wire.Run], error) {
	run, err := s.opt.Twin.Run(ctx, in.ID)
	if err != nil {
		return nil, lost(err, "run", in.ID)
	}
	return reply(wireRun(run)), nil
}

func (s *Server) cancelRun(ctx context.Context, in *byID) (*answer[wire.Run], error) {
	run, err := s.opt.Twin.Cancel(ctx, in.ID)
	if err != nil {
		return nil, lost(err, "run", in.ID)
	}
	return reply(wireRun(run)), nil
}

func wireRun(r scenarios.Run) wire.Run {
	out := wire.Run{ID: r.ID, Kind: r.Request.Kind(), State: wire.RunState(r.State), Scenarios: append([]string{}, r.Request.Scenarios...), BeginS: r.Request.Begin.Seconds(), EndS: r.Request.End.Seconds(),
		Replications: r.Request.Replications, Seed: r.Request.Seed, CityVersion: r.Base, Engine: r.Engine, Done: r.Done, Total: r.Total, SubmittedAt: r.Submitted.UTC(), Error: r.Error}
	if !r.Started.IsZero() {
		t := r.Started.UTC()
		out.StartedAt = &t
	}
	if !r.Ended.IsZero() {
		t := r.Ended.UTC()
		out.EndedAt = &t
	}
	if r.State == scenarios.Done && r.Request.Goal == nil {
		out.Comparison = r.ID
	}
	return out
}

func (s *Server) listComparisons(ctx context.Context, _ *none) (*answer[wire.ComparisonList], error) {
	runs, err := s.opt.Twin.Runs(ctx)
	if err != nil {
		return nil, err
	}
	out := wire.ComparisonList{Comparisons: []wire.Comparison{}}
	for _, r := range runs {
		if r.State != scenarios.Done || r.Request.Goal != nil {
			continue
		}
		c, err := s.opt.Twin.Comparison(ctx, r.ID)
		if err != nil {
			return nil, err
		}
		out.Comparisons = append(out.Comparisons, wireComparison(r, c))
	}
	return reply(out), nil
}

// finished returns a run with what it found.
func (s *Server) finished(ctx context.Context, id string) (scenarios.Run, *scenarios.Comparison, error) {
	run, err := s.opt.Twin.Run(ctx, id)
	if err != nil {
		return run, nil, lost(err, "run", id)
	}
	if run.State != scenarios.Done {
		return run, nil, newProblem(http.StatusNotFound, "run %s is %s: there is nothing to compare", id, run.State)
	}
	if run.Request.Goal != nil {
		return run, nil, newProblem(http.StatusNotFound, "run %s is an optimisation and compared nothing", id)
	}
	c, err := s.opt.Twin.Comparison(ctx, id)
	return run, c, lost(err, "comparison", id)
}

func (s *Server) getComparison(ctx context.Context, in *byID) (*answer[wire.Comparison], error) {
	run, c, err := s.finished(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	return reply(wireComparison(run, c)), nil
}

func wireComparison(r scenarios.Run, c *scenarios.Comparison) wire.Comparison {
	out := wire.Comparison{ID: r.ID, Run: r.ID, CityVersion: c.City, Engine: c.Engine, Seed: c.Seed, Replications: c.Replications, CPUS: c.CPUS, WallS: c.WallS,
		CreatedAt: r.Ended.UTC(), Base: wire.Side(c.Base), Alternatives: []wire.Alternative{}}
	for _, a := range c.Alternatives {
		one := wire.Alternative{Scenario: a.Scenario, Name: a.Name, Side: wire.Side(a.Side), Identical: a.Identical,
			Changes: append([]string{}, a.Changes...), Warnings: append([]string{}, a.Warnings...), KPIs: []wire.KPI{}, Places: []wire.PlaceKPI{}}
		for _, k := range a.KPIs {
			one.KPIs = append(one.KPIs, wireKPI(k))
		}
		for _, p := range a.Places {
			one.Places = append(one.Places, wirePlaceKPI(p))
		}
		one.Air = wireAirDiff(a.Air)
		out.Alternatives = append(out.Alternatives, one)
	}
	return out
}

func wireAirDiff(a *scenarios.AirDiff) *wire.AirDiff {
	if a == nil {
		return nil
	}
	num := func(n scenarios.Number) *float64 { return wire.Num(float64(n)) }
	out := &wire.AirDiff{Fleet: a.Fleet, WeightedBy: a.Weighted, Zones: []wire.ZoneAir{}}
	for _, z := range a.Zones {
		out.Zones = append(out.Zones, wire.ZoneAir{Zone: z.Zone, Population: num(z.Population), BaseNO2: num(z.BaseNO2), AltNO2: num(z.AltNO2), DiffNO2: num(z.DiffNO2),
			LoNO2: num(z.LoNO2), HiNO2: num(z.HiNO2), BasePM25: num(z.BasePM25), AltPM25: num(z.AltPM25), Better: string(z.Better)})
	}
	return out
}

func wirePlaceKPI(p scenarios.PlaceKPI) wire.PlaceKPI {
	num := func(n scenarios.Number) *float64 { return wire.Num(float64(n)) }
	return wire.PlaceKPI{Kind: p.Kind, ID: p.ID, Signal: p.Signal, KPI: p.KPI, Unit: p.Unit, LowerIsBetter: p.Lower, Base: num(p.Base), Alt: num(p.Alt), Diff: num(p.Diff),
		Lo95: num(p.Lo95), Hi95: num(p.Hi95), Better: string(p.Better), BaseLOS: p.BaseLOS, AltLOS: p.AltLOS}
}

func wireKPI(k scenarios.KPI) wire.KPI {
	num := func(n scenarios.Number) *float64 { return wire.Num(float64(n)) }
	return wire.KPI{KPI: k.KPI, Unit: k.Unit, LowerIsBetter: k.Lower, Base: num(k.Base), Alt: num(k.Alt), Diff: num(k.Diff), Lo95: num(k.Lo95), Hi95: num(k.Hi95),
		P: num(k.P), PHolm: num(k.PHolm), VarianceRatio: num(k.VarianceRatio), Better: string(k.Better), Test: k.Test,
		BaseMedian: num(k.BaseMedian), AltMedian: num(k.AltMedian), Bimodal: k.Bimodal}
}

// getComparisonMap serves GET /v1/comparisons/{id}/segments.
func (s *Server) getComparisonMap(c *fiber.Ctx) error {
	ctx, cancel := s.timed(c)
	defer cancel()
	id, err := pathID(c.Params("id"))
	if err != nil {
		return err
	}
	_, found, err := s.finished(ctx, id)
	if err != nil {
		return err
	}
	return newEncoded("application/json", func() []byte { return comparisonMap(id, found) }).send(c, "private, no-cache")
}

// comparisonMap encodes the columns by hand: 60 000 numbers an alternative.
func comparisonMap(id string, c *scenarios.Comparison) []byte {
	b := appendString([]byte(`{"id":`), id)
	b = append(appendString(append(b, `,"city_version":`...), c.City), `,"alternatives":[`...)
	for i, a := range c.Alternatives {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(appendString(append(b, `{"scenario":`...), a.Scenario), ',')
		var d scenarios.SegmentDiff
		if a.Segments != nil {
			d = *a.Segments
		}
		for k, col := range [][]float32{d.BaseSpeedKMH, d.AltSpeedKMH, d.BaseDelayS, d.AltDelayS, d.BaseFlowVPH, d.AltFlowVPH} {
			if k > 0 {
				b = append(b, ',')
			}
			b = appendColumn(b, diffColumns[k], len(col), 2, func(i int) float32 { return col[i] })
		}
		b = append(b, '}')
	}
	return append(b, "]}"...)
}

var diffColumns = [...]string{"base_speed_kmh", "alt_speed_kmh", "base_delay_s", "alt_delay_s", "base_flow_vph", "alt_flow_vph"}

func itoa(i int) string { return strconv.Itoa(i) }
