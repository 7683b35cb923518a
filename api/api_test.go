package api

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"tideway/api/client"
	"tideway/api/wire"
	"tideway/internal/leak"
	"tideway/scenarios"
)

// fasthttp keeps a clock for the process, and the caretaker of a stopped server
// sleeps its last ten seconds out.
func TestMain(m *testing.M) {
	leak.Main(m, goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.updateServerDate.func1"),
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.(*workerPool).Start.func2"))
}

// connect starts a service over a small fake twin and returns a client of it.
func connect(t *testing.T) (*fakeTwin, *client.Client) {
	t.Helper()
	twin := newFakeTwin(t, 20)
	_, base := serve(t, Options{Twin: twin})
	c := client.New(base, "", transport(t))
	wait(t, c)
	return twin, c
}

func transport(t testing.TB) *http.Transport {
	tr := &http.Transport{}
	t.Cleanup(tr.CloseIdleConnections)
	return tr
}

// wait returns when the service has taken over the first forecast: its stream
// tells, so nobody needs to sleep.
func wait(t testing.TB, c *client.Client) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	for c.Ready(ctx) != nil {
		if ctx.Err() != nil {
			t.Fatal("never ready")
		}
	}
}

func status(err error) int {
	var p *wire.Problem
	if errors.As(err, &p) {
		return p.Status
	}
	return 0
}

func TestTheCityCanBeRead(t *testing.T) {
	twin, c := connect(t)
	ctx := t.Context()
	city, err := c.City(ctx)
	if err != nil || city.Name != "Gridville" || city.TimeZone != "Europe/Rome" || city.Counts.Segments != twin.city.Segments.Len() {
		t.Fatalf("city %+v, %v", city, err)
	}
	if city.Bounds[0] >= city.Bounds[2] || city.Bounds[1] >= city.Bounds[3] {
		t.Errorf("bounds %v", city.Bounds)
	}
	list, err := c.Segments(ctx)
	if err != nil || len(list.Segments) != city.Counts.Segments {
		t.Fatalf("%d segments, %v", len(list.Segments), err)
	}
	for _, want := range list.Segments {
		got, err := c.Segment(ctx, want.ID)
		if err != nil || got.ID != want.ID || got.LengthM != 200 || got.LimitKMH != 50 {
			t.Fatalf("segment %q: %+v, %v", want.ID, got, err)
		}
	}
	if s := list.Segments[0]; len(s.Sensors) != 1 || s.Sensors[0] != "loop 0" || len(s.Shape) != 2 || *s.CapacityVPH != 1800 {
		t.Errorf("segment %+v", s)
	}
	zones, err := c.Zones(ctx)
	if err != nil || len(zones.Zones) != 2 || *zones.Zones[0].Population != 1200 || zones.Zones[1].Population != nil {
		t.Fatalf("zones %+v, %v", zones, err)
	}
	if z, err := c.Zone(ctx, "east/1"); err != nil || z.Name != "Est" || z.Segments == 0 {
		t.Errorf("zone %+v, %v", z, err)
	}
	if s, err := c.Signal(ctx, "s1"); err != nil || len(s.Plans) != 1 || s.Plans[0].Stages[0].States != "G" || s.Plans[0].CycleS != 60 || len(s.Segments) != 1 {
		t.Errorf("signal %+v, %v", s, err)
	}
	if s, err := c.Sensor(ctx, "air 1"); err != nil || !s.Station || len(s.Latest) != 1 || *s.Latest[0].Value != 40.5 {
		t.Errorf("sensor %+v, %v", s, err)
	}
	if _, err := c.Segment(ctx, "nowhere"); status(err) != http.StatusNotFound {
		t.Errorf("unknown segment: %v", err)
	}
}

func TestStateForecastAndCongestionAgree(t *testing.T) {
	twin, c := connect(t)
	ctx := t.Context()
	state, err := c.State(ctx)
	if err != nil {
		t.Fatal(err)
	}
	ahead, err := c.Forecasts(ctx)
	if err != nil || len(ahead.Horizons) != 4 || ahead.Horizons[1].Minutes != 30 {
		t.Fatalf("forecasts %+v, %v", ahead, err)
	}
	all, err := c.Congestion(ctx)
	if err != nil || len(all.Segments) != twin.city.Segments.Len() {
		t.Fatalf("%d records, %v", len(all.Segments), err)
	}
	shapes, err := c.StateGeoJSON(ctx)
	if err != nil || len(shapes.Features) != len(all.Segments) {
		t.Fatalf("%d features, %v", len(shapes.Features), err)
	}
	equal := func(what string, i int, a, b *float64) {
		if (a == nil) != (b == nil) || a != nil && *a != *b {
			t.Errorf("segment %d: %s is %v here and %v there", i, what, wire.Value(a), wire.Value(b))
		}
	}
	for i, r := range all.Segments {
		equal("speed", i, r.SpeedKMH, state.Segments.SpeedKMH[i])
		equal("speed", i, r.SpeedKMH, shapes.Features[i].Properties.SpeedKMH)
		equal("flow", i, r.FlowVPH, state.Segments.FlowVPH[i])
		equal("age", i, r.AgeS, state.Segments.AgeS[i])
		if r.LOS != state.Segments.LOS[i:i+1] || r.Source != wire.Sources()[state.Segments.Source[i]] || shapes.Features[i].Properties.Segment != r.Segment {
			t.Errorf("segment %d: %+v", i, r)
		}
		for h, f := range r.Forecast {
			equal("forecast", i, f.SpeedKMH, ahead.Horizons[h].SpeedKMH[i])
			equal("upper bound", i, f.Hi90KMH, ahead.Horizons[h].Hi90KMH[i])
			if !f.At.Equal(ahead.Horizons[h].At) || f.LOS != ahead.Horizons[h].LOS[i:i+1] {
				t.Errorf("segment %d: %+v", i, f)
			}
		}
	}
	one, err := c.CongestionOf(ctx, all.Segments[3].Segment)
	if err != nil || one.Segment != all.Segments[3].Segment || !one.Incident {
		t.Errorf("one record: %+v, %v", one, err)
	}
	some, err := c.Congestion(ctx, all.Segments[4].Segment, all.Segments[2].Segment)
	if err != nil || len(some.Segments) != 2 || some.Segments[0].Segment != all.Segments[2].Segment {
		t.Errorf("two records: %+v, %v", some, err)
	}
	inside, err := c.CongestionInZone(ctx, "west")
	if zone, _ := c.Zone(ctx, "west"); err != nil || len(inside.Segments) != zone.Segments {
		t.Errorf("%d records in a zone of %d segments, %v", len(inside.Segments), zone.Segments, err)
	}
	if _, err := c.Congestion(ctx, "nowhere"); status(err) != http.StatusNotFound {
		t.Errorf("unknown segment: %v", err)
	}
}

func TestZonesAndAir(t *testing.T) {
	_, c := connect(t)
	ctx := t.Context()
	z, err := c.CongestionOfZone(ctx, "east/1")
	if err != nil || *z.SpeedRatio != .5 || *z.TravelTimeIndex != 2 || z.LOS != "D" || len(z.Forecast) != 4 || z.Forecast[3].CongestedShare != nil {
		t.Errorf("zone %+v, %v", z, err)
	}
	air, err := c.Air(ctx)
	if err != nil || len(air.Stations) != 2 || *air.Stations[0].Values[0].Value != 40.5 || *air.Stations[0].Values[0].AgeS != 3660 { // since 11:00, at 12:01
		t.Fatalf("air %+v, %v", air, err)
	}
	if ahead := air.Stations[0].Values[0].Forecast; ahead[1].Weather != "given" || ahead[2].Weather != "" {
		t.Errorf("weather given for two of three hours: %+v", ahead)
	}
	if silent := air.Stations[1].Values[0]; silent.Value != nil || silent.ObservedAt != nil || len(silent.Forecast) != 3 {
		t.Errorf("a station that never reported: %+v", silent)
	}
	if a, err := c.AirOfZone(ctx, "west"); err != nil || a.Values[0].Source != wire.Imputed || *a.Values[0].Value != 31 {
		t.Errorf("air of a zone: %+v, %v", a, err)
	}
}

func TestReadingsAreJudgedOneByOne(t *testing.T) {
	twin, c := connect(t)
	ctx, v := t.Context(), 42.0
	got, err := c.PutReadings(ctx, "batch-1", []wire.Reading{{Sensor: "loop 0", Quantity: "speed", At: noon, Value: &v}, {Sensor: "ghost", Quantity: "speed", At: noon, Value: &v}})
	if err != nil || got.Accepted != 1 || got.Rejected != 1 || got.Reasons[0] != (wire.IngestReason{Index: 1, Sensor: "ghost", Reason: "unknown_sensor"}) {
		t.Fatalf("answer %+v, %v", got, err)
	}
	if b := twin.batches[0]; b.Client != "/batch-1" {
		t.Errorf("batch is named %q", b.Client)
	}
	if _, err := c.PutBody(ctx, "", "application/json", []byte(`{"readings":[`)); status(err) != http.StatusBadRequest {
		t.Errorf("malformed JSON: %v", err)
	}
	if _, err := c.PutBody(ctx, "", "image/png", []byte("x")); status(err) != http.StatusUnsupportedMediaType {
		t.Errorf("wrong content type: %v", err)
	}
	if _, err := c.PutReadings(ctx, "", nil); err != nil {
		t.Errorf("after broken bodies the service must go on: %v", err)
	}
}

func TestASensorIsAddedOrEveryProblemNamed(t *testing.T) {
	_, c := connect(t)
	m := []wire.Measure{{Quantity: "speed", IntervalS: 60}}
	got, err := c.AddSensors(t.Context(), []wire.NewSensor{{ID: "new", Lon: 11.34, Lat: 44.49, Measures: m}})
	if err != nil || len(got.Sensors) != 1 || got.Sensors[0].Segment == "" || got.Sensors[0].Confidence != .9 {
		t.Fatalf("added %+v, %v", got, err)
	}
	_, err = c.AddSensors(t.Context(), []wire.NewSensor{{ID: "loop 0", Measures: m}, {ID: "loop 5", Measures: m}})
	var p *wire.Problem
	if !errors.As(err, &p) || p.Status != http.StatusUnprocessableEntity || len(p.Errors) != 2 || p.Errors[1].Location != "sensors[1]" || p.Errors[1].Value != "loop 5" {
		t.Errorf("two known sensors: %+v", p)
	}
	_, err = c.AddSensors(t.Context(), []wire.NewSensor{{ID: "", Lon: 181, Measures: []wire.Measure{{Quantity: "speeed"}}}})
	if !errors.As(err, &p) || p.Status != http.StatusUnprocessableEntity || len(p.Errors) != 3 {
		t.Errorf("a wrong sensor: %+v", p)
	}
}

func TestHistoryIsThinnedAndForecastFollows(t *testing.T) {
	twin, c := connect(t)
	segment := twin.city.Segments.At(0).ID
	s, err := c.SegmentSeries(t.Context(), segment, client.SeriesQuery{Quantity: "speed", From: noon.Add(-100 * time.Minute), To: noon, Points: 10})
	if err != nil || len(s.Points) != 10 || len(s.Forecast) != 4 || s.IntervalS != 60 {
		t.Fatalf("series %+v, %v", s, err)
	}
	if p := s.Points[0]; *p.Value != 34.5 || *p.Min != 30 || *p.Max != 39 || !p.At.Equal(noon.Add(-90*time.Minute)) {
		t.Errorf("first point %+v: want the mean of 30 to 39", p)
	}
	s, err = c.SensorSeries(t.Context(), "air 1", client.SeriesQuery{Quantity: "no2"})
	if err != nil || len(s.Points) != 24 || s.Points[0].Min != nil || len(s.Forecast) != 3 || s.Unit != "ug/m3" {
		t.Errorf("station %+v, %v", s, err)
	}
	day, err := c.SegmentTypical(t.Context(), segment, "speed", "2026-03-29")
	if err != nil || len(day.Points) != 23*60 {
		t.Errorf("the day clocks go forward has %d minutes, %v", len(day.Points), err)
	}
	for _, q := range []client.SeriesQuery{{Quantity: "mood"}, {From: noon, To: noon.Add(-time.Hour)}, {From: noon.AddDate(-30, 0, 0)}} {
		if _, err := c.SegmentSeries(t.Context(), segment, q); status(err) != http.StatusUnprocessableEntity {
			t.Errorf("%+v: %v", q, err)
		}
	}
	if _, err := c.SensorSeries(t.Context(), "air 1", client.SeriesQuery{Quantity: "speed"}); status(err) != http.StatusNotFound {
		t.Errorf("a quantity it does not measure: %v", err)
	}
}

func TestSkillAndModels(t *testing.T) {
	_, c := connect(t)
	skill, err := c.Skill(t.Context(), "all")
	if err != nil || len(skill.Scores) != 1 || *skill.Scores[0].MAE != 2.5 || skill.Scores[0].RMSE != nil {
		t.Errorf("skill %+v, %v", skill, err)
	}
	if skill, err = c.Skill(t.Context(), "hour"); err != nil || len(skill.Scores) != 1 || skill.Scores[0].ID != "07" {
		t.Errorf("skill by hour %+v, %v", skill, err)
	}
	if _, err = c.Skill(t.Context(), "mood"); status(err) != http.StatusUnprocessableEntity {
		t.Errorf("unknown scope: %v", err)
	}
	if m, err := c.Models(t.Context()); err != nil || m.Models[0].Role != "serving" || *m.Models[0].Scores[0].MAE != 2 || m.Training.Done != .25 {
		t.Errorf("models %+v, %v", m, err)
	}
	if m, err := c.RollBackModel(t.Context(), wire.ModelRollback{Quantity: "speed", IntervalS: 60}); err != nil || m.Models[0].Role != "serving" {
		t.Errorf("rolled back to %+v, %v", m, err)
	}
	for _, bad := range []struct {
		ask  wire.ModelRollback
		want int
	}{{wire.ModelRollback{Quantity: "speed", IntervalS: 300}, http.StatusNotFound}, {wire.ModelRollback{Quantity: "mood", IntervalS: 60}, http.StatusUnprocessableEntity},
		{wire.ModelRollback{Quantity: "speed"}, http.StatusUnprocessableEntity}} {
		if _, err := c.RollBackModel(t.Context(), bad.ask); status(err) != bad.want {
			t.Errorf("rolling back %+v: %v, expected %d", bad.ask, err, bad.want)
		}
	}
}

// closure is a scenario document that closes a segment.
func closure(name, segment string) []byte {
	return []byte(`{"name":"` + name + `","changes":[{"op":"segment.close","select":{"id":["` + segment + `"]}}]}`)
}

func TestAScenarioFromDocumentToComparison(t *testing.T) {
	twin, c := connect(t)
	ctx := t.Context()
	doc := closure("works", twin.city.Segments.At(1).ID)
	check, err := c.CheckScenario(ctx, doc)
	if err != nil || len(check.Changes) != 1 {
		t.Fatalf("check %+v, %v", check, err)
	}
	stored, err := c.AddScenario(ctx, doc)
	if err != nil || stored.ID != check.ID || stored.Changes != 1 || !strings.Contains(string(stored.Document), "segment.close") {
		t.Fatalf("stored %+v, %v", stored, err)
	}
	yaml := "name: works in YAML\nchanges:\n- op: segment.close\n  select: {id: ['" + twin.city.Segments.At(2).ID + "']}\n"
	other, err := c.AddScenario(ctx, []byte(yaml))
	if err != nil {
		t.Fatal(err)
	}
	if list, err := c.Scenarios(ctx); err != nil || len(list.Scenarios) != 2 || list.Scenarios[0].ID != other.ID || list.Scenarios[0].Document != nil {
		t.Errorf("list %+v, %v", list, err)
	}
	if d, err := c.DiffScenarios(ctx, stored.ID, other.ID); err != nil || d.Same || len(d.Text) == 0 {
		t.Errorf("diff %+v, %v", d, err)
	}
	run, err := c.StartRun(ctx, wire.RunRequest{Scenarios: []string{stored.ID}, Replications: 2})
	if err != nil || run.State != wire.RunQueued {
		t.Fatalf("run %+v, %v", run, err)
	}
	if _, err := c.Comparison(ctx, run.ID); status(err) != http.StatusNotFound {
		t.Errorf("a comparison before the end: %v", err)
	}
	var states []wire.RunState
	end, err := c.FollowRun(ctx, run.ID, func(r wire.Run) {
		states = append(states, r.State)
		switch r.State {
		case wire.RunQueued:
			twin.set(run.ID, scenarios.Running, 1)
		case wire.RunRunning:
			twin.set(run.ID, scenarios.Done, 4)
		}
	})
	if err != nil || end.State != wire.RunDone || end.Done != 4 || len(states) != 3 {
		t.Fatalf("followed %v to %+v, %v", states, end, err)
	}
	found, err := c.Comparison(ctx, end.Comparison)
	if err != nil || *found.Alternatives[0].KPIs[0].Diff != -2 || found.Alternatives[0].KPIs[0].VarianceRatio != nil {
		t.Errorf("comparison %+v, %v", found, err)
	}
	if m, err := c.ComparisonMap(ctx, end.Comparison); err != nil || len(m.Alternatives[0].AltDelayS) != twin.city.Segments.Len() {
		t.Errorf("map %+v, %v", m, err)
	}
	if all, err := c.Comparisons(ctx); err != nil || len(all.Comparisons) != 1 {
		t.Errorf("comparisons %+v, %v", all, err)
	}
}

func TestAScenarioIsRefusedWithEveryProblem(t *testing.T) {
	_, c := connect(t)
	_, err := c.AddScenario(t.Context(), []byte(`{"name":"x","changes":[{"op":"segment.close","select":{"id":["a"]}},{"op":"segment.close","select":{"id":["b"]}}]}`))
	var p *wire.Problem
	if !errors.As(err, &p) || p.Status != http.StatusUnprocessableEntity || len(p.Errors) != 2 || p.Errors[1].Value != "b" {
		t.Errorf("unknown segments: %+v", p)
	}
	if _, err = c.AddScenario(t.Context(), []byte(`{"name":"x","changes":[{"op":"segment.paint"}],"colour":1}`)); status(err) != http.StatusUnprocessableEntity {
		t.Errorf("unknown operation and field: %v", err)
	}
	if _, err = c.StartRun(t.Context(), wire.RunRequest{Scenarios: []string{"none"}}); status(err) != http.StatusNotFound {
		t.Errorf("run of an unknown scenario: %v", err)
	}
	if _, err = c.CancelRun(t.Context(), "none"); status(err) != http.StatusNotFound {
		t.Errorf("cancel of an unknown run: %v", err)
	}
}

func TestARunCanBeCancelled(t *testing.T) {
	twin, c := connect(t)
	stored, err := c.AddScenario(t.Context(), closure("works", twin.city.Segments.At(1).ID))
	if err != nil {
		t.Fatal(err)
	}
	run, err := c.StartRun(t.Context(), wire.RunRequest{Scenarios: []string{stored.ID}})
	if err != nil {
		t.Fatal(err)
	}
	if run, err = c.CancelRun(t.Context(), run.ID); err != nil || run.State != wire.RunCancelled || run.EndedAt == nil {
		t.Errorf("cancelled %+v, %v", run, err)
	}
	if end, err := c.FollowRun(t.Context(), run.ID, nil); err != nil || end.State != wire.RunCancelled {
		t.Errorf("following an ended run: %+v, %v", end, err)
	}
}

func TestMetricsTellWhatHappened(t *testing.T) {
	twin := newFakeTwin(t, 20)
	_, base := serve(t, Options{Twin: twin})
	tr := transport(t)
	c := client.New(base, "", tr)
	wait(t, c)
	v := 1.0
	if _, err := c.PutReadings(t.Context(), "", []wire.Reading{{Sensor: "ghost", Quantity: "speed", At: noon, Value: &v}}); err != nil {
		t.Fatal(err)
	}
	_, _ = c.Segment(t.Context(), "nowhere")
	resp, err := (&http.Client{Transport: tr}).Get(base + wire.PathMetrics)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, _ := io.ReadAll(resp.Body)
	for _, want := range []string{
		`tideway_readings_total{outcome="rejected"} 1`,
		`tideway_readings_rejected_total{reason="unknown_sensor"} 1`,
		`tideway_http_requests_total{code="404",method="GET",route="/v1/segments/:id"} 1`,
		`tideway_snapshot_seq 1`,
		`tideway_feed_accepted_total 7`,
		`tideway_http_in_flight 1`,
		"go_goroutines",
	} {
		if !strings.Contains(string(text), want) {
			t.Errorf("metrics lack %s", want)
		}
	}
}
