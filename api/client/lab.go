package client

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"tideway/api/wire"
)

// SeriesQuery asks for a part of a history; zero values take the service's
// defaults.
type SeriesQuery struct {
	Quantity string
	From, To time.Time
	Points   int
}

func (q SeriesQuery) encode() string {
	v := url.Values{}
	if q.Quantity != "" {
		v.Set("quantity", q.Quantity)
	}
	if !q.From.IsZero() {
		v.Set("from", q.From.UTC().Format(time.RFC3339))
	}
	if !q.To.IsZero() {
		v.Set("to", q.To.UTC().Format(time.RFC3339))
	}
	if q.Points > 0 {
		v.Set("points", strconv.Itoa(q.Points))
	}
	return "?" + v.Encode()
}

// SegmentSeries returns history and forecast of a segment.
func (c *Client) SegmentSeries(ctx context.Context, segment string, q SeriesQuery) (wire.Series, error) {
	return get[wire.Series](ctx, c, fill(wire.PathSegmentSeries, segment)+q.encode())
}

// SensorSeries returns history and forecast of a sensor.
func (c *Client) SensorSeries(ctx context.Context, sensor string, q SeriesQuery) (wire.Series, error) {
	return get[wire.Series](ctx, c, fill(wire.PathSensorSeries, sensor)+q.encode())
}

// SegmentTypical returns a typical day of a segment; date is a local day such
// as 2026-03-20, "" for today.
func (c *Client) SegmentTypical(ctx context.Context, segment, quantity, date string) (wire.Typical, error) {
	v := url.Values{"quantity": {quantity}}
	if date != "" {
		v.Set("date", date)
	}
	return get[wire.Typical](ctx, c, fill(wire.PathSegmentTypical, segment)+"?"+v.Encode())
}

// Scenarios lists the stored scenarios, newest first, without documents.
func (c *Client) Scenarios(ctx context.Context) (wire.ScenarioList, error) {
	return get[wire.ScenarioList](ctx, c, wire.PathScenarios)
}

// Scenario returns a stored scenario with its document.
func (c *Client) Scenario(ctx context.Context, id string) (wire.Scenario, error) {
	return get[wire.Scenario](ctx, c, fill(wire.PathScenario, id))
}

// AddScenario stores a document in JSON or YAML.
func (c *Client) AddScenario(ctx context.Context, document []byte) (wire.Scenario, error) {
	return decode[wire.Scenario](c.do(ctx, http.MethodPost, wire.PathScenarios, documentHeader(document), bytes.NewReader(document)))
}

// CheckScenario checks a document without storing it.
func (c *Client) CheckScenario(ctx context.Context, document []byte) (wire.ScenarioCheck, error) {
	return decode[wire.ScenarioCheck](c.do(ctx, http.MethodPost, wire.PathScenarioCheck, documentHeader(document), bytes.NewReader(document)))
}

func documentHeader(document []byte) http.Header {
	if b := bytes.TrimSpace(document); len(b) > 0 && b[0] == '{' {
		return http.Header{"Content-Type": {"application/json"}}
	}
	return http.Header{"Content-Type": {"application/yaml"}}
}

// DiffScenarios tells how to differs from from.
func (c *Client) DiffScenarios(ctx context.Context, from, to string) (wire.ScenarioDiff, error) {
	return get[wire.ScenarioDiff](ctx, c, fill(wire.PathScenarioDiff, from, to))
}

// StartRun asks for a run.
func (c *Client) StartRun(ctx context.Context, r wire.RunRequest) (wire.Run, error) {
	return call[wire.Run](ctx, c, http.MethodPost, wire.PathRuns, r)
}

// Runs lists all runs, newest first.
func (c *Client) Runs(ctx context.Context) (wire.RunList, error) {
	return get[wire.RunList](ctx, c, wire.PathRuns)
}

// Run returns a run.
func (c *Client) Run(ctx context.Context, id string) (wire.Run, error) {
	return get[wire.Run](ctx, c, fill(wire.PathRun, id))
}

// CancelRun ends a run that has not ended.
func (c *Client) CancelRun(ctx context.Context, id string) (wire.Run, error) {
	return call[wire.Run](ctx, c, http.MethodDelete, fill(wire.PathRun, id), nil)
}

// Comparisons lists what finished runs found, newest first.
func (c *Client) Comparisons(ctx context.Context) (wire.ComparisonList, error) {
	return get[wire.ComparisonList](ctx, c, wire.PathComparisons)
}

// Comparison returns what a run found.
func (c *Client) Comparison(ctx context.Context, id string) (wire.Comparison, error) {
	return get[wire.Comparison](ctx, c, fill(wire.PathComparison, id))
}

// ComparisonMap returns what a run found per segment.
func (c *Client) ComparisonMap(ctx context.Context, id string) (wire.ComparisonMap, error) {
	return get[wire.ComparisonMap](ctx, c, fill(wire.PathComparisonMap, id))
}

// ForkScenario stores a scenario that goes on from another.
func (c *Client) ForkScenario(ctx context.Context, id string, f wire.Fork) (wire.Scenario, error) {
	return call[wire.Scenario](ctx, c, http.MethodPost, fill(wire.PathScenarioFork, id), f)
}

// RebaseScenario pins a scenario to the city in force and returns every conflict.
func (c *Client) RebaseScenario(ctx context.Context, id string) (wire.Rebased, error) {
	return call[wire.Rebased](ctx, c, http.MethodPost, fill(wire.PathScenarioRebase, id), nil)
}

// ScenarioPlans returns the signal plans of a scenario as a SUMO additional file.
func (c *Client) ScenarioPlans(ctx context.Context, id string) ([]byte, error) {
	return c.file(ctx, fill(wire.PathScenarioSUMO, id))
}

// EvaluateSignal works out how a signal would do with a changed plan.
func (c *Client) EvaluateSignal(ctx context.Context, id string, e wire.SignalEdit) (wire.SignalEvaluation, error) {
	return call[wire.SignalEvaluation](ctx, c, http.MethodPost, fill(wire.PathSignalEvaluate, id), e)
}

// StartOptimisation asks for better signal plans.
func (c *Client) StartOptimisation(ctx context.Context, r wire.OptimisationRequest) (wire.Run, error) {
	return call[wire.Run](ctx, c, http.MethodPost, wire.PathOptimisations, r)
}

// Optimisation returns what a search found.
func (c *Client) Optimisation(ctx context.Context, id string) (wire.Optimisation, error) {
	return get[wire.Optimisation](ctx, c, fill(wire.PathOptimisation, id))
}

// StartRecommendation asks which of some scenarios is best for the next hour.
func (c *Client) StartRecommendation(ctx context.Context, r wire.RecommendationRequest) (wire.Run, error) {
	return call[wire.Run](ctx, c, http.MethodPost, wire.PathRecommendations, r)
}

// Recommendation returns the ranking.
func (c *Client) Recommendation(ctx context.Context, id string) (wire.Recommendation, error) {
	return get[wire.Recommendation](ctx, c, fill(wire.PathRecommendation, id))
}

// Report returns what a run found as one HTML page.
func (c *Client) Report(ctx context.Context, id string) ([]byte, error) {
	return c.file(ctx, fill(wire.PathReport, id))
}

// ReportCSV returns the indicators of a comparison as CSV.
func (c *Client) ReportCSV(ctx context.Context, id string) ([]byte, error) {
	return c.file(ctx, fill(wire.PathReportCSV, id))
}

// file gets an answer that is not JSON.
func (c *Client) file(ctx context.Context, path string) ([]byte, error) {
	resp, err := c.do(ctx, http.MethodGet, path, http.Header{}, nil)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	return io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
}
