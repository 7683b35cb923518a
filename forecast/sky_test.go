package forecast

import (
	"context"
	"math/rand/v2"
	"testing"
	"time"

	"tideway/geo"
)

// markedSkies marks every hour: measured ones by the hour they end, given ones
// by the negative of when they were given, in hours.
type markedSkies struct{}

func mark(t time.Time) float32 { return float32(t.Unix() / 3600) }

func hoursOf(from, to time.Time, wind func(end time.Time) float32) (out []SkyHour) {
	for end := from.Add(time.Hour); !end.After(to); end = end.Add(time.Hour) {
		h := UnknownSky
		h[SkyWind] = wind(end)
		out = append(out, h)
	}
	return out
}

func (markedSkies) Measured(_ context.Context, from, to time.Time) ([]SkyHour, error) {
	return hoursOf(from, to, mark), nil
}

func (markedSkies) Given(from, to, until time.Time) []SkyHour {
	return hoursOf(from, to, func(time.Time) float32 { return -mark(until) })
}

// watcher is a learner and model that looks at the skies of its windows.
type watcher struct {
	t     *testing.T
	until time.Time // of what is given after the origin; zero: until the origin
	seen  int
}

func (*watcher) Name() string                { return "watcher" }
func (*watcher) Takes(*Panel) (bool, string) { return true, "" }
func (*watcher) Card() Card                  { return Card{Name: "watcher", Version: "1"} }

// Fit sees what was measured, also after an origin: that is what it learns from.
func (m *watcher) Fit(_ context.Context, in Training) (Model, error) {
	w := NewWindow(len(in.Panel.Series), 12, in.Steps)
	for origin := 40; origin+in.Steps[len(in.Steps)-1] < in.Panel.Steps(); origin += 7 {
		in.Window(w, origin)
		if n := len(w.Sky.Hours); n != 24+1+72 || !w.SkyTold(len(w.Steps)-1) {
			m.t.Fatalf("%d hours around %v", n, w.Origin)
		}
		for i, h := range w.Sky.Hours {
			if end := w.Sky.First.Add(time.Duration(i) * time.Hour); h[SkyWind] != mark(end) {
				m.t.Fatalf("training at %v has %v for %v", w.Origin, h, end)
			}
		}
	}
	return m, nil
}

// Predict sees what was measured until the origin and, of later, what had been
// given by then.
func (m *watcher) Predict(w *Window, _ int, out *Rows) {
	copy(out.Value, w.Ahead)
	until := m.until
	if until.IsZero() {
		until = w.Origin
	}
	for i, h := range w.Sky.Hours {
		end, want := w.Sky.First.Add(time.Duration(i)*time.Hour), -mark(until)
		if !end.After(w.Origin) {
			want = mark(end)
		}
		if h[SkyWind] != want {
			m.t.Fatalf("at %v the hour that ends %v is %v, want %v", w.Origin, end, h[SkyWind], want)
		}
		m.seen++
	}
	out.UsesSky[0] = true
}

// A model is judged, calibrated and asked with the weather that had been given
// by the time it speaks: what came later is not seen.
func TestTheWeatherAheadIsThatGivenByThen(t *testing.T) {
	draft := chain(t, 4, 2, time.Hour).Draft()
	for i := range draft.Sensors {
		draft.Sensors[i].Measures = []geo.Measure{{Quantity: geo.NO2, Interval: time.Hour}}
	}
	city, err := draft.Build()
	if err != nil {
		t.Fatal(err)
	}
	start := time.Date(2024, 3, 4, 0, 0, 0, 0, time.UTC)
	m := &memory{first: start.Add(time.Hour), interval: time.Hour, values: map[string][]float32{}}
	for i, id := range []string{"v0/no2", "v1/no2"} {
		m.values[id] = commute(rand.New(rand.NewPCG(uint64(i), 1)), NewCalendar(city.TimeZone, nil), m.first, time.Hour, 41*24)
	}
	spy := &watcher{t: t}
	r, err := New(Options{City: city, History: m, Learners: []Learner{spy}, Skies: markedSkies{}, Trial: true, Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	now := start.AddDate(0, 0, 40)
	if _, err := r.Tick(t.Context(), snapshotAt(city, now, 1)); err != nil || spy.seen > 0 {
		t.Fatalf("the baseline is told the weather: %v", err)
	}
	if _, err := r.Learn(t.Context(), snapshotAt(city, now, 1)); err != nil || spy.seen == 0 {
		t.Fatalf("judged without weather: %v", err)
	}
	later := now.Add(40 * time.Minute)
	spy.until, spy.seen = later, 0
	snap := snapshotAt(city, later, 2)
	f, err := r.Tick(t.Context(), snap)
	if err != nil || spy.seen != 24+1+72 {
		t.Fatalf("%d hours were seen, %v", spy.seen, err)
	}
	if g := f.Groups[0]; len(g.UsesSky) != len(g.Horizons) || !g.UsesSky[0] || g.UsesSky[1] {
		t.Errorf("weather is used for %v", g.UsesSky)
	}
}
