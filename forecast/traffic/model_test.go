package traffic

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"tideway/forecast"
	"tideway/geo"
	"tideway/internal/usage"
	"tideway/live"
)

// town is a training set: sensors along one road whose speeds dip in the
// morning and drift, the residual moving from sensor to sensor.
func town(sensors, days int, interval time.Duration, seed uint64) forecast.Training {
	slots, cal := forecast.Slots(interval), forecast.NewCalendar(nil, nil)
	p := &forecast.Panel{Quantity: geo.Speed, Interval: interval, First: time.Date(2024, 3, 4, 0, 0, 0, 0, time.UTC).Add(interval)}
	p.Moments = cal.Grid(p.First, interval, days*slots)
	p.Values, p.Series = make([]float32, sensors*len(p.Moments)), make([]live.Series, sensors)
	rng := rand.New(rand.NewPCG(seed, 1))
	drift := make([]float64, sensors)
	for i := range p.Moments {
		hour := 24 * float64(i%slots) / float64(slots)
		for s := range sensors {
			from := drift[(s+1)%sensors]
			drift[s] = .7*drift[s] + .25*from + 2*rng.NormFloat64()
			p.Values[s*len(p.Moments)+i] = float32(math.Max(3, 90-30*math.Exp(-(hour-8)*(hour-8)/3)+drift[s]+rng.NormFloat64()))
		}
	}
	return training(p, cal)
}

func training(p *forecast.Panel, cal forecast.Calendar) forecast.Training {
	n := len(p.Series)
	var arcs []forecast.Arc
	at := make([]geo.SegmentID, n)
	for s := range n {
		at[s] = geo.SegmentID(s)
		if s > 0 {
			arcs = append(arcs, forecast.Arc{From: geo.SegmentID(s - 1), To: geo.SegmentID(s), Distance: 300})
		}
	}
	g, err := forecast.NewGraph(n, arcs, 800)
	if err != nil {
		panic(err)
	}
	profile, loo := forecast.FitProfile(p, forecast.DefaultProfile(p.Interval), 1, 0)
	return forecast.Training{Panel: p, Usual: loo, Profile: profile, Steps: []int{1, 2, 4}, Links: forecast.NewLinks(g, at), Threads: 1, Calendar: cal}
}

// quick is a configuration that trains in a blink.
func quick() *Learner {
	cfg := DefaultConfig()
	cfg.Width, cfg.MaxRows = 32, 1<<13
	return &Learner{Config: cfg}
}

func fitted(t testing.TB, in forecast.Training) *Model {
	t.Helper()
	m, err := quick().Fit(context.Background(), in)
	if err != nil {
		t.Fatal(err)
	}
	return m.(*Model)
}

func predicted(m *Model, in *forecast.Training, origin, threads int) *forecast.Rows {
	w := forecast.NewWindow(len(in.Panel.Series), 24, in.Steps)
	out := forecast.NewRows(w.Rows, len(in.Steps))
	in.Window(w, origin)
	m.Predict(w, threads, out)
	return out
}

func same(a, b *forecast.Rows) bool {
	cols := func(r *forecast.Rows) [][]float32 { return [][]float32{r.Value, r.Lo90, r.Lo50, r.Hi50, r.Hi90} }
	for k, col := range cols(a) {
		for i, v := range col {
			if math.Float32bits(v) != math.Float32bits(cols(b)[k][i]) {
				return false
			}
		}
	}
	return true
}

func TestTwiceTheSameBitsOnAnyNumberOfThreads(t *testing.T) {
	in := town(20, 5, 15*time.Minute, 3)
	a := fitted(t, in)
	in.Threads = 3
	b := fitted(t, in)
	if a.Card().Version != b.Card().Version || !same(predicted(a, &in, 400, 1), predicted(b, &in, 400, 3)) {
		t.Fatalf("versions %s and %s", a.Card().Version, b.Card().Version)
	}
}

func TestSavedAndReadAgainTheSameBits(t *testing.T) {
	in := town(20, 4, 15*time.Minute, 5)
	m := fitted(t, in)
	var file, again bytes.Buffer
	if _, err := m.WriteTo(&file); err != nil {
		t.Fatal(err)
	}
	back, err := ReadModel(bytes.NewReader(file.Bytes()))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := back.WriteTo(&again); err != nil || !bytes.Equal(file.Bytes(), again.Bytes()) {
		t.Fatalf("the file changed: %v", err)
	}
	for _, origin := range []int{100, 200, 380} {
		if !same(predicted(m, &in, origin, 1), predicted(back, &in, origin, 1)) {
			t.Fatalf("forecasts at %d differ", origin)
		}
	}
}

func FuzzReadModel(f *testing.F) {
	cfg := quick()
	cfg.Config.Width, cfg.Config.Nets = 16, 1
	m, err := cfg.Fit(context.Background(), town(3, 3, time.Hour, 1))
	if err != nil {
		f.Fatal(err)
	}
	var file bytes.Buffer
	if _, err := m.(*Model).WriteTo(&file); err != nil {
		f.Fatal(err)
	}
	f.Add(file.Bytes())
	f.Add(file.Bytes()[:len(file.Bytes())/2])
	f.Add([]byte(magic))
	f.Fuzz(func(t *testing.T, data []byte) {
		if m, err := ReadModel(bytes.NewReader(data)); err == nil {
			_ = m.Card()
		}
	})
}

// errorOf is the mean absolute error over the origins of the last day.
func errorOf(in *forecast.Training, predict func(origin int) *forecast.Rows) float64 {
	sum, n := 0.0, 0.0
	steps := in.Panel.Steps()
	for origin := steps - forecast.Slots(in.Panel.Interval); origin+4 < steps; origin++ {
		out := predict(origin)
		for row := range len(in.Panel.Series) {
			for k, s := range in.Steps {
				if e := math.Abs(float64(out.Value[row*len(in.Steps)+k] - in.Truth(row, origin, s))); e == e {
					sum, n = sum+e, n+1
				}
			}
		}
	}
	return sum / n
}

func TestNetworksBeatTheFadingResidual(t *testing.T) {
	in := town(30, 8, 15*time.Minute, 7)
	part := in
	part.Panel = in.Panel.Head(7 * 96)
	part.Usual = nil
	for row := range len(in.Panel.Series) {
		part.Usual = append(part.Usual, in.Usual[row*8*96:row*8*96+7*96]...)
	}
	cfg := quick()
	cfg.Config.MaxRows = 1 << 15
	m, err := cfg.Fit(context.Background(), part)
	if err != nil {
		t.Fatal(err)
	}
	decay := forecast.FitDecay(part.Panel, part.Usual, 30, 1)
	network := errorOf(&in, func(o int) *forecast.Rows { return predicted(m.(*Model), &in, o, 1) })
	baseline := errorOf(&in, func(o int) *forecast.Rows {
		w, out := forecast.NewWindow(30, 24, in.Steps), forecast.NewRows(30, 3)
		in.Window(w, o)
		decay.Predict(w, 1, out)
		return out
	})
	if network > .98*baseline {
		t.Fatalf("error %.3f, fading residual %.3f: what moves along the road was not learned", network, baseline)
	}
}

func TestPoisonedInputsGiveFiniteForecasts(t *testing.T) {
	in := town(12, 4, 15*time.Minute, 11)
	clean := fitted(t, in)
	poisons := map[string]func(v []float32){
		"nothing measured":  func(v []float32) { fillWith(v, float32(math.NaN())) },
		"a constant sensor": func(v []float32) { fillWith(v[:len(v)/12], 50) },
		"an hour of zeros":  func(v []float32) { fillWith(v[300:304], 0) },
		"one sensor left":   func(v []float32) { fillWith(v[len(v)/12:], float32(math.NaN())) },
		"only zeros":        func(v []float32) { fillWith(v, 0) },
	}
	for name, poison := range poisons {
		t.Run(name, func(t *testing.T) {
			bad := in
			panel := *in.Panel
			bad.Panel, panel.Values = &panel, slices.Clone(in.Panel.Values)
			poison(panel.Values)
			bad.Profile, bad.Usual = forecast.FitProfile(bad.Panel, forecast.DefaultProfile(panel.Interval), 1, 0)
			finite(t, "trained on it", predicted(fitted(t, bad), &bad, 350, 1), true)
			bad.Profile, bad.Usual = in.Profile, in.Usual
			finite(t, "served with it", predicted(clean, &bad, 350, 1), false)
		})
	}
}

func fillWith(v []float32, x float32) {
	for i := range v {
		v[i] = x
	}
}

// finite fails on infinite values, and on missing ones unless profiles may be
// unknown.
func finite(t *testing.T, what string, r *forecast.Rows, unknown bool) {
	t.Helper()
	for i, v := range r.Value {
		if math.IsInf(float64(v), 0) || v != v && !unknown {
			t.Fatalf("%s: value %v", what, v)
		}
		for _, half := range []float32{r.Lo90[i], r.Lo50[i], r.Hi50[i], r.Hi90[i]} {
			if !(half >= 0) || math.IsInf(float64(half), 0) {
				t.Fatalf("%s: half-width %v", what, half)
			}
		}
	}
}

func TestTakesOnlyWhatItCanLearnFrom(t *testing.T) {
	l := New()
	for _, c := range []struct {
		days     int
		interval time.Duration
		quantity geo.Quantity
		want     bool
	}{{3, 15 * time.Minute, geo.Speed, true}, {1, 15 * time.Minute, geo.Flow, false}, {9, 15 * time.Minute, geo.NO2, false}, {9, 3 * time.Hour, geo.Flow, false}} {
		p := &forecast.Panel{Quantity: c.quantity, Interval: c.interval, Moments: make([]forecast.Moment, c.days*forecast.Slots(c.interval)), Series: make([]live.Series, 1)}
		if got, why := l.Takes(p); got != c.want || !got && why == "" {
			t.Errorf("%+v: %v, %q", c, got, why)
		}
	}
}

func TestTrainingEndsWhenCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	in := town(20, 4, 15*time.Minute, 2)
	calls := 0
	in.Progress = func(float64) { calls++; cancel() }
	if _, err := quick().Fit(ctx, in); !errors.Is(err, context.Canceled) || calls != 1 {
		t.Fatalf("%v after %d reports", err, calls)
	}
}

// BenchmarkPredict is one cycle of 10 000 sensors and 12 horizons on one core,
// features included.
func BenchmarkPredict(b *testing.B) {
	for _, nets := range []int{2} {
		b.Run(fmt.Sprint(nets, " networks"), func(b *testing.B) {
			in := town(10000, 3, 30*time.Minute, 1)
			in.Steps = []int{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}
			cfg := DefaultConfig()
			cfg.Nets, cfg.MaxRows, cfg.Passes = nets, 1<<13, 1
			m, err := (&Learner{Config: cfg}).Fit(context.Background(), in)
			if err != nil {
				b.Fatal(err)
			}
			w := forecast.NewWindow(10000, 24, in.Steps)
			out := forecast.NewRows(10000, 12)
			in.Window(w, 100)
			before, n := usage.CPU(), 0
			for b.Loop() {
				m.Predict(w, 1, out)
				n++
			}
			b.ReportMetric((usage.CPU()-before).Seconds()*1000/float64(n), "cpu-ms/op")
		})
	}
}
