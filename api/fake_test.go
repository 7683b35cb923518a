package api

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"math"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/paulmach/orb"

	"tideway/forecast"
	"tideway/geo"
	"tideway/internal/fault"
	"tideway/live"
	"tideway/scenarios"
	"tideway/scenarios/report"
	"tideway/unit"
)

// noon is the instant that the fake twin's clock stands at.
var noon = time.Date(2026, 3, 20, 12, 0, 0, 0, time.UTC)

// gridCity makes a city of at least n segments on a square grid, with a signal,
// two zones, loops on every fifth segment, and two air stations.
func gridCity(t testing.TB, n int) *geo.City {
	t.Helper()
	d := &geo.Draft{Name: "Gridville", TimeZone: "Europe/Rome", Frame: geo.LocalFrame(orb.Point{11.34, 44.49})}
	side := 2
	for 4*side*(side-1) < n {
		side++
	}
	at := func(i, j int) geo.NodeID { return geo.NodeID(i*side + j) }
	for i := range side {
		for j := range side {
			d.Nodes = append(d.Nodes, geo.Node{ID: fmt.Sprintf("n%d_%d", i, j), XY: orb.Point{float64(j) * 200, float64(i) * 200}, Control: geo.ControlSignal})
		}
	}
	road := func(a, b geo.NodeID) {
		s := geo.SegmentID(len(d.Segments))
		shape := orb.LineString{d.Nodes[a].XY, d.Nodes[b].XY}
		d.Segments = append(d.Segments, geo.Segment{ID: fmt.Sprintf("-%d#/%d", a, b), Name: "Via " + d.Nodes[a].ID, From: a, To: b, Class: geo.Secondary,
			Length: 200, Limit: 50 * unit.KMH, Capacity: 1800 * unit.VPH, Shape: shape})
		d.Lanes = append(d.Lanes, geo.Lane{Segment: s, Length: 200, Width: 3.2, Limit: 50 * unit.KMH, Allow: geo.MotorClasses, Shape: shape})
	}
	for i := range side {
		for j := range side {
			if j+1 < side {
				road(at(i, j), at(i, j+1))
				road(at(i, j+1), at(i, j))
			}
			if i+1 < side {
				road(at(i, j), at(i+1, j))
				road(at(i+1, j), at(i, j))
			}
		}
	}
	d.Signals = []geo.Signal{{ID: "s1", Groups: 1, Plan: 0}}
	d.Plans = []geo.Plan{{ID: "day", Cycle: time.Minute, Stages: []geo.Stage{
		{Name: "go", Duration: 40 * time.Second, Min: 5 * time.Second, Max: 50 * time.Second, States: []geo.SignalState{geo.Protected}},
		{Name: "stop", Duration: 20 * time.Second, Min: 20 * time.Second, Max: 20 * time.Second, States: []geo.SignalState{geo.Red}}}}}
	d.Movements = []geo.Movement{{From: 0, To: 2, Node: d.Segments[0].To, Limit: 10, Length: 8, Signal: 0, Group: 0, Allow: geo.MotorClasses, Shape: orb.LineString{{0, 0}, {1, 1}}}}
	width := float64(side) * 200
	box := func(x0, x1 float64) orb.MultiPolygon {
		ring := orb.Ring{{x0, -50}, {x1, -50}, {x1, width}, {x0, width}, {x0, -50}}
		for i := range ring {
			ring[i] = geo.RoundLonLat(d.Frame.LonLat(ring[i]))
		}
		return orb.MultiPolygon{{ring}}
	}
	d.Zones = []geo.Zone{{ID: "west", Name: "West", Kind: "statistical", Population: 1200, Area: box(-50, width/2)}, {ID: "east/1", Name: "Est", Kind: "statistical", Population: -1, Area: box(width/2, width)}}
	for s := 0; s < len(d.Segments); s += 5 {
		mid := d.Frame.LonLat(geo.PointAlong(d.Segments[s].Shape, 100))
		d.Sensors = append(d.Sensors, geo.Sensor{ID: fmt.Sprintf("loop %d", s), LonLat: mid, Heading: -1, Segment: geo.SegmentID(s), Lane: geo.NoLane, At: 100,
			Measures: []geo.Measure{{Quantity: geo.Speed, Interval: time.Minute}, {Quantity: geo.Flow, Interval: time.Minute}}, Match: geo.Match{Confidence: 1}})
	}
	for k, id := range []string{"air 1", "air 2"} {
		d.Sensors = append(d.Sensors, geo.Sensor{ID: id, LonLat: d.Frame.LonLat(orb.Point{float64(k) * 100, 50}), Heading: -1, Segment: geo.NoSegment, Lane: geo.NoLane,
			Measures: []geo.Measure{{Quantity: geo.NO2, Interval: time.Hour}}})
	}
	c, err := d.Build()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// plausible makes a forecast of every segment and station, different for every
// seq.
func plausible(c *geo.City, seq uint64) *forecast.Forecast {
	n, horizons := c.Segments.Len(), []time.Duration{15 * time.Minute, 30 * time.Minute, 45 * time.Minute, time.Hour}
	f := &forecast.Forecast{City: c, Seq: seq, IssuedAt: noon.Add(time.Duration(seq) * time.Minute)}
	nan := float32(math.NaN())
	f.Roads = forecast.Roads{Horizons: horizons, Now: make([]forecast.RoadNow, n), Speed: forecast.NewBands(n, 4), FlowVPH: make([]float32, 4*n), LOS: make([]forecast.LOS, 4*n),
		ModelOf: make([]uint8, n), Models: []string{"profile+ar1"}}
	for i := range n {
		wobble := float32((i*37+int(seq)*11)%400) / 10
		now := forecast.RoadNow{Source: forecast.Source(i % 5), SpeedKMH: 10 + wobble, FreeFlowKMH: 50, TypicalKMH: 32.5, FlowVPH: nan, Confidence: .75, Onset: -1, Clear50: -1, Clear90: 20 * time.Minute}
		if i%5 == 0 {
			now.At, now.Age, now.FlowVPH = f.IssuedAt.Add(-30*time.Second), 30*time.Second, 600+wobble
		}
		now.LOS, now.Incident = forecast.SpeedLOS(unit.Speed(now.SpeedKMH), 50), i%7 == 3
		if i%11 == 10 {
			now.SpeedKMH, now.LOS = nan, 0
		}
		f.Roads.Now[i] = now
		for h := range horizons {
			v := 12 + wobble + float32(h)
			f.Roads.Speed.Set(i, h, forecast.Point{Value: v, Lo50: v - 2, Hi50: v + 2, Lo90: v - 6, Hi90: v + 6, PCongested: .125})
			f.Roads.FlowVPH[i*4+h], f.Roads.LOS[i*4+h] = 500, forecast.SpeedLOS(unit.Speed(v), 50)
		}
	}
	f.Groups = []forecast.Group{stationGroup(c, f.IssuedAt)}
	air := forecast.NewBands(1, 3)
	for z := range c.Zones.All() {
		f.Zones = append(f.Zones, forecast.ZoneOutlook{Zone: z, Segments: 3, SpeedRatio: []float32{.5, .55, .6, .6, .7}, PCongested: []float32{.3, .3, .2, .2, nan},
			Air: []forecast.ZoneAir{{Quantity: geo.NO2, Source: forecast.Imputed, Now: 31, Horizons: []time.Duration{time.Hour, 2 * time.Hour, 3 * time.Hour}, Bands: air}}})
	}
	return f
}

func stationGroup(c *geo.City, at time.Time) forecast.Group {
	g := forecast.Group{Quantity: geo.NO2, Interval: time.Hour, Origin: at.Truncate(time.Hour), Horizons: []time.Duration{time.Hour, 2 * time.Hour, 3 * time.Hour}, Model: "profile"}
	for i, s := range c.Sensors.All() {
		if sensorKind(s) == "air" {
			g.Series = append(g.Series, forecast.SeriesRow{Sensor: i, Last: 40.5, Age: time.Hour, Source: forecast.Observed})
		}
	}
	g.Series[len(g.Series)-1].Last = float32(math.NaN())
	g.Bands, g.UsesSky = forecast.NewBands(len(g.Series), 3), []bool{true, true, false}
	return g
}

// fakeTwin holds its answers in memory.
type fakeTwin struct {
	mu       sync.Mutex
	city     *geo.City
	forecast *forecast.Forecast
	air      fakeAir
	notify   map[int]func()
	next     int
	batches  []*live.Batch
	docs     map[string]*scenarios.Document
	order    []string
	runs     map[string]scenarios.Run
	notReady error
	putErr   error
	thrown   any
	reports  atomic.Int32  // drawn
	enter    chan struct{} // closed by Skill when it was entered
	hold     chan struct{} // Skill waits for it
}

func newFakeTwin(t testing.TB, segments int) *fakeTwin {
	c := gridCity(t, segments)
	return &fakeTwin{city: c, forecast: plausible(c, 1), notify: map[int]func(){}, docs: map[string]*scenarios.Document{}, runs: map[string]scenarios.Run{}}
}

func (f *fakeTwin) with(do func()) {
	f.mu.Lock()
	do()
	var calls []func()
	for _, n := range f.notify {
		calls = append(calls, n)
	}
	f.mu.Unlock()
	for _, call := range calls {
		call()
	}
}

func (f *fakeTwin) publish(seq uint64) { f.with(func() { f.forecast = plausible(f.city, seq) }) }

func (f *fakeTwin) City() *geo.City {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.city
}

func (f *fakeTwin) Ready() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.notReady
}

func (f *fakeTwin) Forecast() *forecast.Forecast {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.forecast
}

func (f *fakeTwin) Subscribe(notify func()) (cancel func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	id := f.next
	f.next++
	f.notify[id] = notify
	return func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		delete(f.notify, id)
	}
}

func (f *fakeTwin) Put(_ context.Context, b *live.Batch) (live.Answer, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.putErr != nil {
		return live.Answer{}, f.putErr
	}
	f.batches = append(f.batches, b)
	a := live.Answer{Accepted: b.Len()}
	for i, s := range b.Sensor {
		if _, ok := f.city.Sensors.Find(b.Sensors[s]); !ok {
			a.Accepted--
			a.Rejected++
			a.Reasons = append(a.Reasons, live.ReasonAt{Index: i, Sensor: b.Sensors[s], Reason: live.UnknownSensor})
			a.ByReason = map[live.Reason]int{live.UnknownSensor: a.Rejected}
		}
	}
	return a, nil
}

func (f *fakeTwin) AddSensors(_ context.Context, s []geo.Sensor) ([]geo.Sensor, error) {
	var bad fault.List
	for i := range s {
		if _, known := f.City().Sensors.Find(s[i].ID); known {
			bad.Addf(fmt.Sprintf("sensors[%d]", i), s[i].ID, "exists already")
		}
		s[i].Segment, s[i].Match = 0, geo.Match{Confidence: .9, Why: "nearest"}
	}
	return s, bad.Err("adding sensors")
}

func (f *fakeTwin) Values(_ context.Context, sensor string, q geo.Quantity, interval time.Duration, from, to time.Time) ([]float32, error) {
	if from.Truncate(interval) != from || to.Truncate(interval) != to {
		return nil, fmt.Errorf("range %v to %v is off the grid of %v", from, to, interval)
	}
	out := make([]float32, to.Sub(from)/interval)
	for i := range out {
		if out[i] = float32(30 + i%10); i%50 == 49 {
			out[i] = float32(math.NaN())
		}
	}
	return out, nil
}

func (f *fakeTwin) Typical(ctx context.Context, s live.Series, from, to time.Time) ([]float32, error) {
	return f.Values(ctx, "", s.Quantity, s.Interval, from, to)
}

func (f *fakeTwin) Stats() live.Stats { return live.Stats{Accepted: 7} }

func (f *fakeTwin) Skill() forecast.Skill {
	f.mu.Lock()
	thrown, enter, hold := f.thrown, f.enter, f.hold
	f.mu.Unlock()
	if thrown != nil {
		panic(thrown)
	}
	if hold != nil {
		enter <- struct{}{}
		<-hold
	}
	return forecast.Skill{Until: noon, Days: 7, Rows: []forecast.SkillRow{
		{Model: "profile", Quantity: geo.Speed, Interval: time.Minute, Horizon: time.Hour, Scope: forecast.ByAll, N: 10, MAE: 2.5, RMSE: math.NaN()},
		{Model: "profile", Quantity: geo.Speed, Horizon: time.Hour, Scope: forecast.ByHour, ID: "07"}}}
}

func (f *fakeTwin) Models() []forecast.ModelInfo {
	return []forecast.ModelInfo{{Role: forecast.Serving, Quantity: geo.Speed, Card: forecast.Card{Name: "profile", Version: "ab", From: noon.AddDate(0, 0, -7), Until: noon, Interval: time.Minute,
		Scores: []forecast.CardScore{{Step: 15, MAE: 2, Baseline: 3}}}}}
}

func (f *fakeTwin) Training() *forecast.Progress {
	return &forecast.Progress{What: "network speed every 1m0s", Done: .25}
}

func (f *fakeTwin) Rollback(_ context.Context, q geo.Quantity, interval time.Duration) error {
	if q != geo.Speed || interval != time.Minute {
		return fs.ErrNotExist
	}
	return nil
}

func (f *fakeTwin) CheckScenario(_ context.Context, d *scenarios.Document) (*scenarios.Case, error) {
	var bad fault.List
	for i, c := range d.Changes {
		for _, id := range c.Select.ID {
			_, segment := f.City().Segments.Find(id)
			_, signal := f.City().Signals.Find(id)
			if !segment && !signal {
				bad.Addf(fmt.Sprintf("changes[%d].select.id", i), id, "is not in the city")
			}
		}
	}
	return &scenarios.Case{ID: d.ID(), City: f.City(), Changes: []string{"closed a road"}}, bad.Err("applying scenario")
}

func (f *fakeTwin) EvaluateSignal(ctx context.Context, q scenarios.SignalQuestion) (*scenarios.SignalAnswer, error) {
	base := func(context.Context) (scenarios.Base, error) { return scenarios.Base{City: f.City()}, nil }
	return scenarios.NewLab(scenarios.Options{Base: base}).EvaluateSignal(ctx, q)
}

func (f *fakeTwin) AddScenario(ctx context.Context, d *scenarios.Document) (string, error) {
	if _, err := f.CheckScenario(ctx, d); err != nil {
		return "", err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if _, known := f.docs[d.ID()]; !known {
		f.order = append([]string{d.ID()}, f.order...)
	}
	f.docs[d.ID()] = d
	return d.ID(), nil
}

func (f *fakeTwin) Scenario(_ context.Context, id string) (*scenarios.Document, time.Time, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	d, ok := f.docs[id]
	if !ok {
		return nil, time.Time{}, fmt.Errorf("scenario %s: %w", id, fs.ErrNotExist)
	}
	return d, noon, nil
}

func (f *fakeTwin) Scenarios(context.Context) ([]string, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.order), nil
}

func (f *fakeTwin) Submit(_ context.Context, r scenarios.Request) (scenarios.Run, error) {
	for _, id := range r.Scenarios {
		if _, _, err := f.Scenario(context.Background(), id); err != nil {
			return scenarios.Run{}, err
		}
	}
	origin := scenarios.Origin{Base: f.City().Version, Demand: "d", Engine: "e"}
	run := scenarios.Run{ID: scenarios.RunID(origin, r), State: scenarios.Queued, Request: r, Origin: origin, Total: 4, Submitted: noon}
	f.with(func() { f.runs[run.ID] = run })
	return run, nil
}

func (f *fakeTwin) Run(_ context.Context, id string) (scenarios.Run, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	r, ok := f.runs[id]
	if !ok {
		return r, fmt.Errorf("run %s: %w", id, fs.ErrNotExist)
	}
	return r, nil
}

func (f *fakeTwin) Runs(context.Context) (out []scenarios.Run, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, r := range f.runs {
		out = append(out, r)
	}
	return out, nil
}

func (f *fakeTwin) set(id string, state scenarios.State, done int) {
	f.with(func() {
		r := f.runs[id]
		r.State, r.Done, r.Started = state, done, noon
		if state.Ended() {
			r.Ended = noon.Add(time.Minute)
		}
		f.runs[id] = r
	})
}

func (f *fakeTwin) Cancel(ctx context.Context, id string) (scenarios.Run, error) {
	if _, err := f.Run(ctx, id); err != nil {
		return scenarios.Run{}, err
	}
	f.set(id, scenarios.Cancelled, 1)
	return f.Run(ctx, id)
}

func (f *fakeTwin) Comparison(_ context.Context, run string) (*scenarios.Comparison, error) {
	n := f.City().Segments.Len()
	return &scenarios.Comparison{City: f.City().Version, Engine: "e", Seed: 1, Replications: 2, Alternatives: []scenarios.Alternative{{Scenario: f.order[0], Name: "closure",
		KPIs:     []scenarios.KPI{{KPI: "delay", Unit: "s", Lower: true, Base: 40, Alt: 38, Diff: -2, Lo95: -3, Hi95: -1, VarianceRatio: scenarios.Number(math.NaN()), Better: scenarios.Better, Test: "t"}},
		Segments: &scenarios.SegmentDiff{BaseSpeedKMH: make([]float32, n), AltSpeedKMH: make([]float32, n), BaseDelayS: make([]float32, n), AltDelayS: make([]float32, n), BaseFlowVPH: make([]float32, n), AltFlowVPH: make([]float32, n)}}}}, nil
}

func (f *fakeTwin) Rebase(ctx context.Context, id string) (*scenarios.Document, []fault.Problem, error) {
	d, _, err := f.Scenario(ctx, id)
	return d, []fault.Problem{{Where: "changes[0] c1", ID: "s1", Text: "cycle_s is 90, expected 60"}}, err
}

func (f *fakeTwin) Recommend(ctx context.Context, ids []string, deadline time.Duration, replications int) (scenarios.Run, error) {
	return f.Submit(ctx, scenarios.Request{Scenarios: ids, Deadline: deadline, Replications: replications, Volume: 1.1})
}

func (f *fakeTwin) Optimisation(_ context.Context, run string) (*scenarios.Optimisation, error) {
	if run == "absent" {
		return nil, fmt.Errorf("run %s: %w", run, fs.ErrNotExist)
	}
	return &scenarios.Optimisation{Verdict: scenarios.Improved, BaseDelayS: 40, PlanDelayS: 30, Diff: scenarios.SecondsBetween{Mean: -10, Lo95: -12, Hi95: -8},
		Document: &scenarios.Document{Name: "plans"}}, nil
}

func (f *fakeTwin) Report(ctx context.Context, run string, out io.Writer) error {
	c, err := f.Comparison(ctx, run)
	if err != nil {
		return err
	}
	f.reports.Add(1)
	return report.Write(out, report.Input{Comparison: c, City: f.City()})
}

// serve runs a server on loopback until the test ends and returns its address.
func serve(t testing.TB, o Options) (*Server, string) {
	t.Helper()
	o.Grace = time.Minute // on a busy machine a request may take longer than the default
	s, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	ln := listen(t)
	done := make(chan error, 1)
	go func() { done <- s.Serve(ln) }()
	t.Cleanup(func() {
		if err := s.Shutdown(); err != nil {
			t.Errorf("shutdown: %v", err)
		}
		if err := <-done; err != nil {
			t.Errorf("serve: %v", err)
		}
	})
	return s, "http://" + ln.Addr().String()
}

func listen(t testing.TB) net.Listener {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return ln
}
