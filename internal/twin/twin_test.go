package twin_test

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"tideway/geo"
	"tideway/geo/synth"
	"tideway/internal/leak"
	"tideway/internal/twin"
	"tideway/live"
	"tideway/scenarios"
	"tideway/sim/demand"
)

func TestMain(m *testing.M) {
	if url := os.Getenv(workerOf); url != "" {
		beWorker(url)
		return
	}
	leak.Main(m)
}

// noon is where the clock of these tests stands: nothing moves it but advance.
var noon = time.Date(2026, 3, 18, 4, 0, 0, 0, time.UTC)

func start(t *testing.T, dir string, city *geo.City, d *demand.Demand) *twin.Twin {
	t.Helper()
	tw, err := twin.Start(t.Context(), twin.Options{City: city, Dir: dir, Demand: d, Period: twin.Period{End: 5 * time.Minute},
		Now: func() time.Time { return noon }, Tick: time.Hour, Report: func(err error) { t.Log(err) }})
	if err != nil {
		t.Fatal(err)
	}
	return tw
}

func smallCity(t *testing.T) *geo.City {
	t.Helper()
	city, err := synth.City(synth.Options{Segments: 80, Seed: 3})
	if err != nil {
		t.Fatal(err)
	}
	return city
}

// trips sends a car every two seconds from one segment onto the next two.
func trips(city *geo.City) *demand.Demand {
	d := &demand.Demand{Types: []demand.VehicleType{demand.NewType("car", geo.Car)}}
	for s := range geo.SegmentID(city.Segments.Len()) {
		if route := ahead(city, s, 3); len(route) == 3 {
			id := demand.RouteID(len(d.Routes))
			d.Routes = append(d.Routes, demand.Route{ID: fmt.Sprint(s), Segments: route})
			for k := range 10 {
				d.Trips = append(d.Trips, demand.Trip{ID: fmt.Sprintf("%d.%d", s, k), Route: id, From: route[0], To: route[2],
					Depart: time.Duration(k) * 20 * time.Second, Lane: demand.LaneBest, ArriveAt: -1, Key: uint64(s)<<8 | uint64(k)})
			}
		}
	}
	slices.SortStableFunc(d.Trips, func(a, b demand.Trip) int { return cmp.Compare(a.Depart, b.Depart) })
	return d
}

// ahead follows the first movement of each segment's lanes, n segments in all.
func ahead(city *geo.City, s geo.SegmentID, n int) (route []geo.SegmentID) {
	for len(route) < n {
		route = append(route, s)
		first, lanes := city.LanesOf(s)
		next := geo.NoSegment
		for l := first; l < first+geo.LaneID(lanes) && next == geo.NoSegment; l++ {
			if m := city.MovementsFrom(l); len(m) > 0 {
				next = city.Lanes.At(city.Movements.At(m[0]).To).Segment
			}
		}
		if next == geo.NoSegment {
			break
		}
		s = next
	}
	return route
}

func batch(city *geo.City, key string, value float64) *live.Batch {
	b := &live.Batch{Client: key}
	for i, s := range city.Sensors.All() {
		for _, m := range s.Measures {
			if m.Quantity == geo.Speed {
				b.Sensors = append(b.Sensors, s.ID)
				b.Add(uint32(len(b.Sensors)-1), m.Quantity, noon.Add(-m.Interval).Truncate(m.Interval), m.Interval, value+float64(i%5))
			}
		}
	}
	return b
}

func TestReadingsSurviveARestartAndAreForecast(t *testing.T) {
	city, dir := smallCity(t), t.TempDir()
	tw := start(t, dir, city, nil)
	b := batch(city, "first", 31)
	answer, err := tw.Put(t.Context(), b)
	if err != nil || answer.Accepted != b.Len() {
		t.Fatalf("%+v, %v", answer, err)
	}
	if f := tw.Forecast(); f == nil || len(f.Roads.Now) != city.Segments.Len() {
		t.Fatal("no forecast for every segment")
	}
	stop(t, tw)
	tw = start(t, dir, city, nil)
	defer stop(t, tw)
	again, err := tw.Put(t.Context(), batch(city, "first", 31))
	if err != nil || again.Accepted != answer.Accepted || again.Duplicates != 0 {
		t.Errorf("the repeated batch got %+v, %v; its first answer was %+v", again, err, answer)
	}
	twice, err := tw.Put(t.Context(), batch(city, "second", 31))
	if err != nil || twice.Duplicates != b.Len() {
		t.Errorf("the same readings under another key: %+v, %v", twice, err)
	}
}

func stop(t *testing.T, tw *twin.Twin) {
	t.Helper()
	if err := tw.Stop(); err != nil {
		t.Error(err)
	}
}

// await follows a run to its end.
func await(t *testing.T, tw *twin.Twin, run scenarios.Run, changed <-chan struct{}) scenarios.Run {
	t.Helper()
	for !run.State.Ended() {
		<-changed
		var err error
		if run, err = tw.Run(t.Context(), run.ID); err != nil {
			t.Fatal(err)
		}
	}
	return run
}

func TestAScenarioIsRunThroughTheQueue(t *testing.T) {
	city := smallCity(t)
	base := city.Version
	tw := start(t, t.TempDir(), city, trips(city))
	defer stop(t, tw)
	changed := make(chan struct{}, 1)
	defer tw.Subscribe(func() {
		select {
		case changed <- struct{}{}:
		default:
		}
	})()
	doc, err := scenarios.Parse([]byte(`{"name":"slower","changes":[{"op":"segment.setSpeed","select":{"all":true},"factor":0.5}]}`))
	if err != nil {
		t.Fatal(err)
	}
	id, err := tw.AddScenario(t.Context(), doc)
	if err != nil {
		t.Fatal(err)
	}
	run, err := tw.Submit(t.Context(), scenarios.Request{Scenarios: []string{id}, Replications: 2})
	if err != nil {
		t.Fatal(err)
	}
	run = await(t, tw, run, changed)
	c, err := tw.Comparison(t.Context(), run.ID)
	if err != nil {
		t.Fatalf("run %+v: %v", run, err)
	}
	seen := false
	for _, k := range c.Alternatives[0].KPIs {
		if strings.HasPrefix(k.KPI, "travel_time") {
			seen = true
			if float64(k.Diff) <= 0 {
				t.Errorf("half the speed changes %s by %v", k.KPI, k.Diff)
			}
		}
	}
	if !seen {
		t.Errorf("no travel time among %+v", c.Alternatives[0].KPIs)
	}
	var page bytes.Buffer
	if err := tw.Report(t.Context(), run.ID, &page); err != nil || !strings.Contains(page.String(), "Queue and delay over time") || strings.Contains(page.String(), "left out:") {
		t.Errorf("the report: %v, %d bytes", err, page.Len())
	}
	hint, err := tw.Recommend(t.Context(), []string{id}, time.Hour, 3)
	if err != nil {
		t.Fatal(err)
	}
	hint = await(t, tw, hint, changed)
	if c, err = tw.Comparison(t.Context(), hint.ID); err != nil || hint.Request.Volume != 1 {
		t.Fatalf("recommendation %+v: %v", hint, err)
	}
	if list, best := scenarios.Rank(c); best != "" || list[0].Name != scenarios.DoNothing {
		t.Errorf("half the speed is recommended: %+v", list)
	}
	if rebuilt, err := city.Draft().Build(); err != nil || rebuilt.Version != base || city.Version != base {
		t.Errorf("the base changed: %v", err)
	}
}

func TestAddedSensorsKeepTheHistoryOfTheOthers(t *testing.T) {
	city := smallCity(t)
	tw := start(t, t.TempDir(), city, nil)
	defer stop(t, tw)
	b := batch(city, "k", 30)
	if _, err := tw.Put(t.Context(), b); err != nil {
		t.Fatal(err)
	}
	at := city.Frame.LonLat(city.Midpoint(0))
	loop := geo.Sensor{ID: "new", LonLat: at, Heading: city.Heading(0), Segment: geo.NoSegment, Lane: geo.NoLane,
		Measures: []geo.Measure{{Quantity: geo.Speed, Interval: 5 * time.Minute}}}
	if _, err := tw.AddSensors(t.Context(), []geo.Sensor{loop, loop}); err == nil {
		t.Error("the same id twice was taken")
	}
	matched, err := tw.AddSensors(t.Context(), []geo.Sensor{loop})
	if err != nil || len(matched) != 1 || matched[0].Segment == geo.NoSegment {
		t.Fatalf("%+v, %v", matched, err)
	}
	if tw.City().Version == city.Version || tw.City().Sensors.Len() != city.Sensors.Len()+1 {
		t.Error("the city did not gain the sensor")
	}
	end := time.UnixMilli(b.EndMS[0])
	interval := time.Duration(b.Interval[0]) * time.Second
	v, err := tw.Values(context.Background(), b.Sensors[0], geo.Speed, interval, end.Add(-interval), end)
	if err != nil || len(v) != 1 || v[0] != 30 {
		t.Errorf("history after the change: %v, %v", v, err)
	}
}
