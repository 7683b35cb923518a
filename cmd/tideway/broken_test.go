package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"tideway/api/client"
	"tideway/api/wire"
	"tideway/geo"
	"tideway/geo/synth"
	"tideway/internal/twin"
)

// TestBrokenInputsOfTheService sends the running service one broken thing after
// another. Each gets a clear answer that names the place, a good batch is taken
// right after it, and at the end, after a restart, every acknowledged reading
// is there.
func TestBrokenInputsOfTheService(t *testing.T) {
	city, err := synth.City(synth.Options{Segments: 80, Seed: 5})
	if err != nil {
		t.Fatal(err)
	}
	dir, now := t.TempDir(), time.Date(2026, 3, 18, 9, 0, 0, 0, time.UTC)
	o := twin.Options{City: city, Dir: dir, Now: func() time.Time { return now }, Tick: time.Hour}
	c, base, stop := service(t, o)
	good := &goodReadings{client: c, sensor: speedSensor(t, city), next: now.Add(-20 * time.Hour)}
	at := now.Add(-time.Hour).Format(time.RFC3339)
	reading := func(more string) string { return fmt.Sprintf(`{"readings":[{"at":%q,%s}]}`, at, more) }
	for _, b := range []struct {
		name, kind, body string
		status           int    // 200: the reading is refused on its own
		want             string // in the answer: reason and place
	}{
		{"malformed JSON", "application/json", `{"readings":[{"sensor":"a" "quantity":`, 400, "byte 27 (line 1)"},
		{"text instead of JSON", "application/json", `hello`, 400, "list of readings was expected"},
		{"a list cut off", "application/json", `{"readings":[{"sensor":"a","quantity":"speed","at":"` + at + `","value":1},{"sens`, 200, "malformed"},
		{"no JSON at all", "application/json", ``, 400, "list of readings was expected"},
		{"malformed NDJSON", "application/x-ndjson", "{\n", 400, "line 1"},
		{"wrong content type", "text/html", `{}`, 415, "text/html"},
		{"no content type", "", `{}`, 415, "application/json"},
		{"columns that are none", "application/vnd.tideway.columns", "rubbish", 400, `starts with \"rubb\"`},
		{"columns of unequal length", "application/vnd.tideway.columns+json", `{"sensors":["a"],"sensor":[0,0],"quantity":[0],"value":[1]}`, 400, "has 2 elements, value has 1"},
		{"unknown sensor", "application/json", reading(`"sensor":"nowhere","quantity":"speed","value":30`), 200, `"sensor":"nowhere","reason":"unknown_sensor"`},
		{"quantity of no sensor", "application/json", reading(`"sensor":"` + good.sensor + `","quantity":"no2","value":30`), 200, "unknown_quantity"},
		{"unknown quantity", "application/json", reading(`"sensor":"` + good.sensor + `","quantity":"sped","value":30`), 200, "unknown_quantity"},
		{"wrong unit", "application/json", reading(`"sensor":"` + good.sensor + `","quantity":"speed","value":30,"unit":"ug/m3"`), 200, "unit"},
		{"NaN", "application/json", reading(`"sensor":"` + good.sensor + `","quantity":"speed","value":NaN`), 400, `\"N\" found where a value was expected`},
		{"null", "application/json", reading(`"sensor":"` + good.sensor + `","quantity":"speed","value":null`), 200, "not_a_number"},
		{"a number too large", "application/json", reading(`"sensor":"` + good.sensor + `","quantity":"speed","value":1e999`), 200, "not_a_number"},
		{"negative flow", "application/json", reading(`"sensor":"` + good.sensor + `","quantity":"flow","value":-4`), 200, `"reason":"range"`},
		{"a time that is none", "application/json", `{"readings":[{"sensor":"` + good.sensor + `","quantity":"speed","at":"tomorrow","value":30}]}`, 200, `"reason":"time"`},
		{"the future", "application/json", `{"readings":[{"sensor":"` + good.sensor + `","quantity":"speed","at":"2031-01-01T00:00:00Z","value":30}]}`, 200, `"reason":"future"`},
		{"too late", "application/json", `{"readings":[{"sensor":"` + good.sensor + `","quantity":"speed","at":"2021-01-01T00:00:00Z","value":30}]}`, 200, `"reason":"late"`},
	} {
		t.Run(b.name, func(t *testing.T) {
			status, answer := post(t, base, b.kind, []byte(b.body))
			if status != b.status || !strings.Contains(answer, b.want) {
				t.Errorf("status %d, expected %d with %q: %s", status, b.status, b.want, answer)
			}
			good.send(t)
		})
	}
	good.repeat(t)
	t.Run("a body of 100 MB", func(t *testing.T) {
		status, answer := postStream(t, base, "application/json", 100<<20)
		if status != http.StatusRequestEntityTooLarge || !strings.Contains(answer, "send it in parts") {
			t.Errorf("status %d: %s", status, answer)
		}
		good.send(t)
	})
	t.Run("sensors with one id", func(t *testing.T) {
		twice := wire.NewSensor{ID: "new", Lon: city.Sensors.At(0).LonLat.Lon(), Lat: city.Sensors.At(0).LonLat.Lat(), Measures: []wire.Measure{{Quantity: "speed", IntervalS: 300}}}
		_, err := c.AddSensors(t.Context(), []wire.NewSensor{twice, twice})
		if problem := (*wire.Problem)(nil); !errors.As(err, &problem) || problem.Status != 422 || !strings.Contains(fmt.Sprint(problem.Detail, problem.Errors), "new") {
			t.Errorf("%v", err)
		}
		good.send(t)
	})
	t.Run("a scenario with two mistakes", func(t *testing.T) {
		_, err := c.CheckScenario(t.Context(), []byte("name: x\nchanges:\n  - {op: segment.close, select: {id: [nowhere]}}\n  - {op: signal.adjust, select: {id: [nobody]}, offset_s: 3}\n"))
		if problem := (*wire.Problem)(nil); !errors.As(err, &problem) || len(problem.Errors) != 2 || problem.Errors[1].Location != "changes[1] c2 (signal.adjust)" {
			t.Errorf("%v", err)
		}
		good.send(t)
	})
	stop()
	o.Now = func() time.Time { return now.Add(time.Minute) }
	good.client, _, stop = service(t, o)
	good.there(t)
	stop()
}

func speedSensor(t *testing.T, city *geo.City) string {
	for _, s := range city.Sensors.All() {
		for _, m := range s.Measures {
			if m.Quantity == geo.Speed {
				return s.ID
			}
		}
	}
	t.Fatal("no sensor measures speeds")
	return ""
}

// goodReadings sends a batch of one reading each time and remembers what was
// acknowledged.
type goodReadings struct {
	client *client.Client
	sensor string
	next   time.Time
	sent   []time.Time
}

func (g *goodReadings) send(t *testing.T) {
	t.Helper()
	v := 30 + float64(len(g.sent)%5)
	a, err := g.client.PutReadings(t.Context(), fmt.Sprint("good ", len(g.sent)), []wire.Reading{{Sensor: g.sensor, Quantity: "speed", At: g.next, Value: &v}})
	if err != nil || a.Accepted != 1 {
		t.Errorf("a good reading after it: %+v, %v", a, err)
		return
	}
	g.sent, g.next = append(g.sent, g.next), g.next.Add(5*time.Minute)
}

// repeat sends the first batch again, by its name and as another one.
func (g *goodReadings) repeat(t *testing.T) {
	t.Helper()
	v := 30.
	first := []wire.Reading{{Sensor: g.sensor, Quantity: "speed", At: g.sent[0], Value: &v}}
	if a, err := g.client.PutReadings(t.Context(), "good 0", first); err != nil || a.Accepted != 1 || a.Duplicates != 0 {
		t.Errorf("the same batch again gets the first answer: %+v, %v", a, err)
	}
	if a, err := g.client.PutReadings(t.Context(), "other", append(first, first...)); err != nil || a.Accepted != 0 || a.Duplicates != 2 {
		t.Errorf("known readings are duplicates: %+v, %v", a, err)
	}
}

// there checks that every acknowledged reading is in the history once.
func (g *goodReadings) there(t *testing.T) {
	t.Helper()
	s, err := g.client.SensorSeries(t.Context(), g.sensor, client.SeriesQuery{Quantity: "speed", From: g.sent[0].Add(-time.Minute), To: g.next, Points: 2000})
	if err != nil {
		t.Fatal(err)
	}
	at := map[time.Time]float64{}
	for _, p := range s.Points {
		if p.Value != nil {
			at[p.At.UTC()] = *p.Value
		}
	}
	for i, when := range g.sent {
		if v, ok := at[when]; !ok || v != 30+float64(i%5) {
			t.Errorf("reading %d of %s: %v, present %t", i, when, v, ok)
		}
	}
	if len(at) != len(g.sent) {
		t.Errorf("%d values in the history, %d were acknowledged", len(at), len(g.sent))
	}
}

// postStream sends a body of n spaces without holding it.
func postStream(t *testing.T, base, kind string, n int64) (status int, answer string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, base+wire.PathReadings, io.LimitReader(spaces{}, n))
	if err != nil {
		t.Fatal(err)
	}
	req.ContentLength = n
	req.Header.Set("Content-Type", kind)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	raw, _ := io.ReadAll(resp.Body)
	return resp.StatusCode, string(raw)
}

type spaces struct{}

func (spaces) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = ' '
	}
	return len(p), nil
}

func post(t *testing.T, base, kind string, body []byte) (status int, answer string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, base+wire.PathReadings, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if kind != "" {
		req.Header.Set("Content-Type", kind)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	raw, _ := io.ReadAll(resp.Body)
	return resp.StatusCode, string(raw)
}
