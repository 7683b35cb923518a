package air

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"tideway/internal/testdata"
)

// invent returns stations whose PM2.5 follows yesterday's value and the wind.
func invent(stations, hours int, seed uint64) *Data {
	r := stream{seed}
	d := &Data{First: time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC), Hours: hours}
	wind, air := make([]float32, hours), 80.0
	for s := range stations {
		st := Station{ID: fmt.Sprintf("s%d", s), First: d.First}
		for c := range st.Columns {
			st.Columns[c] = make([]float32, hours)
			for i := range st.Columns[c] {
				st.Columns[c][i] = missing
			}
		}
		for i := range hours {
			if s == 0 {
				wind[i] = float32(2 + 1.5*math.Sin(float64(i)/40) + r.float())
			}
			air = math.Max(2, .9*air+.1*(150-40*float64(wind[i]))+10*(r.float()-.5))
			st.Columns[PM25][i], st.Columns[NO2][i] = float32(air), float32(air/2+5*math.Cos(float64(i%24)/4))
			st.Columns[WindSpeed][i], st.Columns[Temperature][i], st.Columns[DewPoint][i] = wind[i], 10, 5
			if r.float() < .02 {
				st.Columns[PM25][i] = missing
			}
		}
		d.Stations = append(d.Stations, st)
	}
	return d
}

func fitted(t testing.TB, d *Data, end int, cfg Config) *Model {
	t.Helper()
	m, err := Fit(t.Context(), d, end, cfg)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func forecasts(t testing.TB, m *Model, d *Data, origin int) []Point {
	t.Helper()
	f, err := m.On(d)
	if err != nil {
		t.Fatal(err)
	}
	out := make([]Point, len(d.Stations)*len(m.cfg.Steps))
	f.Predict(origin, out)
	return out
}

func clone(d *Data) *Data {
	out := *d
	out.Stations = slices.Clone(d.Stations)
	for i := range out.Stations {
		for c := range out.Stations[i].Columns {
			out.Stations[i].Columns[c] = slices.Clone(d.Stations[i].Columns[c])
		}
	}
	return &out
}

func TestNothingAfterTheOriginIsRead(t *testing.T) {
	d := invent(1, 1500, 1)
	const end, origin = 1300, 1400
	for _, ahead := range []bool{false, true} {
		m := fitted(t, d, end, Config{Target: PM25, Steps: []int{24}, Ahead: ahead})
		want := forecasts(t, m, d, origin)
		other := clone(d)
		r := stream{7}
		for s := range other.Stations {
			for c := range other.Stations[s].Columns {
				from := origin + 1
				if ahead && Column(c) > O3 {
					from = origin + 24 + 1 // weather is known up to the last target hour
				}
				for i := from; i < d.Hours; i++ {
					other.Stations[s].Columns[c][i] = float32(900 * r.float())
				}
			}
		}
		if got := forecasts(t, m, other, origin); !slices.Equal(got, want) {
			t.Errorf("weather ahead %v: forecasts moved with the future: %v, want %v", ahead, got, want)
		}
		again := fitted(t, other, end, Config{Target: PM25, Steps: []int{24}, Ahead: ahead})
		if !bytes.Equal(bytesOf(t, again), bytesOf(t, m)) {
			t.Errorf("weather ahead %v: the fit read beyond its end", ahead)
		}
	}
}

func bytesOf(t testing.TB, m *Model) []byte {
	t.Helper()
	var b bytes.Buffer
	if _, err := m.WriteTo(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestReplayIntervalsAdaptToThePastOnly(t *testing.T) {
	d := invent(2, 1300, 2)
	const end, cut = 1000, 1150
	m := fitted(t, d, end, Config{Target: PM25, Steps: []int{1, 24}})
	run := func(d *Data) (out []Prediction) {
		r := Replay{Data: d, Model: m, Train: end, Predictions: func(p Prediction) error { out = append(out, p); return nil }}
		if _, err := r.Run(t.Context()); err != nil {
			t.Fatal(err)
		}
		return out
	}
	other := clone(d)
	for i := cut + 1; i < d.Hours; i++ {
		other.Stations[1].Columns[PM25][i] = 500
	}
	a, b := run(d), run(other)
	for i := range a {
		if a[i].Origin <= cut && a[i] != b[i] {
			t.Fatalf("forecast %+v became %+v when later values changed", a[i], b[i])
		}
	}
}

func TestSameModelOnAnyNumberOfThreads(t *testing.T) {
	d := invent(2, 800, 3)
	cfg := Config{Target: NO2, Steps: []int{6}, Threads: 1}
	one := bytesOf(t, fitted(t, d, 780, cfg))
	cfg.Threads = 3
	if !bytes.Equal(one, bytesOf(t, fitted(t, d, 780, cfg))) {
		t.Error("models differ")
	}
}

func TestModelsSurviveTheirFileBitForBit(t *testing.T) {
	d := invent(2, 800, 4)
	m := fitted(t, d, 700, Config{Target: PM25, Steps: []int{1, 24}, Ahead: true})
	file := bytesOf(t, m)
	back, err := ReadModel(bytes.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(forecasts(t, back, d, 750), forecasts(t, m, d, 750)) || !bytes.Equal(bytesOf(t, back), file) {
		t.Error("the model read back forecasts otherwise")
	}
	for _, at := range []int{0, len(magic) + 2, len(file) / 2, len(file) - 1} {
		bad := slices.Clone(file)
		bad[at] ^= 4
		if _, err := ReadModel(bytes.NewReader(bad)); err == nil {
			t.Errorf("byte %d changed and nobody noticed", at)
		}
		if _, err := ReadModel(bytes.NewReader(file[:at])); err == nil {
			t.Errorf("a file cut at %d was accepted", at)
		}
	}
}

func TestPoisonedValuesGiveFiniteOrderedForecasts(t *testing.T) {
	d := invent(2, 800, 5)
	m := fitted(t, d, 700, Config{Target: PM25, Steps: []int{1, 24}, Ahead: true})
	for _, v := range []float32{missing, 0, 1e30, -1e30, float32(math.Inf(1)), float32(math.Inf(-1))} {
		other := clone(d)
		for s := range other.Stations {
			for c := range other.Stations[s].Columns {
				for i := 500; i < d.Hours; i++ {
					other.Stations[s].Columns[c][i] = v
				}
			}
		}
		for _, p := range forecasts(t, m, other, 750) {
			if !finite(p.Value) || !finite(p.Lo90) || !finite(p.Hi90) || p.Lo90 < 0 || p.Lo90 > p.Value || p.Value > p.Hi90 {
				t.Errorf("values of %v give %+v", v, p)
			}
		}
	}
}

func TestEncodingAllocatesNothing(t *testing.T) {
	d := invent(2, 400, 8)
	v := newView(d, NO2)
	e := newEncoder(v, 300, true)
	row := make([]float32, e.columns)
	if n := testing.AllocsPerRun(100, func() { e.fill(row, v, 1, 310, 24) }); n > 0 {
		t.Errorf("%v allocations a row", n)
	}
	seen := map[string]bool{}
	for _, name := range e.names {
		if seen[name] || strings.Contains(name, "%") {
			t.Errorf("feature name %q", name)
		}
		seen[name] = true
	}
}

func BenchmarkForecast(b *testing.B) {
	d := invent(2, 800, 8)
	m := fitted(b, d, 700, Config{Target: NO2, Steps: []int{24}, Ahead: true})
	f, err := m.On(d)
	if err != nil {
		b.Fatal(err)
	}
	out := make([]Point, 2)
	for b.Loop() {
		f.Predict(720, out)
	}
}

func TestFitSaysWhatIsWrong(t *testing.T) {
	d := invent(1, 1200, 6)
	for want, cfg := range map[string]Config{
		"ascending": {Target: PM25, Steps: []int{24, 3}}, "none given": {Target: PM25}, "no pollutant": {Target: Rain, Steps: []int{1}}, "to learn": {Target: CO, Steps: []int{1}},
	} {
		if _, err := Fit(t.Context(), d, 1100, cfg); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v, want %q", cfg, err, want)
		}
	}
	if _, err := Fit(t.Context(), d, 5000, Config{Target: PM25, Steps: []int{1}}); err == nil {
		t.Error("a fit beyond the data was accepted")
	}
	ctx, stop := context.WithCancel(t.Context())
	stop()
	if _, err := Fit(ctx, d, 1150, Config{Target: PM25, Steps: []int{1}}); err == nil {
		t.Error("a cancelled fit was accepted")
	}
}

func TestForestLearnsTheMedian(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := stream{rapid.Uint64().Draw(t, "seed")}
		const n = 2000
		x, y, rows := make([]float32, n), make([]float32, n), make([]int32, n)
		for i := range n {
			x[i], rows[i] = float32(r.float()), int32(i)
			y[i] = float32(10*math.Floor(4*float64(x[i])) + r.float())
			if r.float() < .1 {
				y[i] += 1000 // a median does not follow these
			}
			if r.float() < .1 {
				x[i], y[i] = missing, -50
			}
		}
		cfg := boostConfig{Trees: 80, Leaves: 8, MinLeaf: 20, Rate: .2, Rows: .7, Columns: 1, Quantile: .5, Smooth: 1, Seed: 1}
		f, err := boost(context.Background(), cfg, cutInto(x, 1, 1), y, rows)
		if err != nil {
			t.Fatal(err)
		}
		for step := range 4 {
			at := (float32(step) + .5) / 4
			if got := f.predict([]float32{at}); math.Abs(float64(got)-(10*float64(step)+.5)) > 1 {
				t.Fatalf("median at %v = %v, want about %v", at, got, 10*float64(step)+.5)
			}
		}
		if got := f.predict([]float32{missing}); math.Abs(float64(got)+50) > 1 {
			t.Fatalf("missing gives %v, want about -50", got)
		}
	})
}

func TestSelectQuantileIsAnOrderStatistic(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v := rapid.SliceOfN(rapid.Float32Range(-9, 9), 1, 60).Draw(t, "v")
		q := rapid.Float64Range(0, 1).Draw(t, "q")
		sorted := slices.Sorted(slices.Values(v))
		if got, want := selectQuantile(v, q), sorted[min(len(v)-1, int(q*float64(len(v))))]; got != want {
			t.Fatalf("got %v, want %v", got, want)
		}
	})
}

func TestWindowMeansAgreeWithSums(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v := rapid.SliceOfN(rapid.Float32Range(0, 500), 1, 40).Draw(t, "v")
		if rapid.Bool().Draw(t, "hole") {
			v[0] = missing
		}
		s := newSeries(v)
		from, to := rapid.IntRange(-5, 45).Draw(t, "from"), rapid.IntRange(-5, 45).Draw(t, "to")
		sum, n := 0.0, 0.0
		for i := max(0, from); i <= to && i < len(v); i++ {
			if v[i] == v[i] {
				sum, n = sum+float64(v[i]), n+1
			}
		}
		got := float64(s.mean(from, to))
		if n == 0 && !math.IsNaN(got) || n > 0 && math.Abs(got-sum/n) > 1e-3 {
			t.Fatalf("mean %d..%d of %v = %v, want %v", from, to, v, got, sum/n)
		}
	})
}

func beijing(t testing.TB, pattern string) *Data {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(testdata.Dir(t, "air/beijing_hourly"), pattern))
	if err != nil || len(files) == 0 {
		t.Skipf("no %s in the data set", pattern)
	}
	var stations []Station
	for _, name := range files {
		f, err := os.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		z, err := gzip.NewReader(f)
		if err != nil {
			t.Fatal(err)
		}
		s, err := ReadCSV(z, name)
		if err != nil {
			t.Fatal(err)
		}
		stations = append(stations, s)
	}
	d, err := Join(stations)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// Learning from the first year, scored on the second: the third is left alone.
func TestBeijingBeatsClimatologyAndPersistence(t *testing.T) {
	d := beijing(t, "Aotizhongxin*")
	for c := range d.Stations[0].Columns {
		d.Stations[0].Columns[c] = d.Stations[0].Columns[c][:17520]
	}
	d.Hours = 17520
	m := fitted(t, d, 8760, Config{Target: NO2, Steps: []int{24}})
	o, err := (&Replay{Data: d, Model: m, Train: 8760}).Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	got, climate, last := o.Model[0], o.Climatology[0], o.Persistence[0]
	if got.MAE > .95*climate.MAE || got.MAE > .95*last.MAE {
		t.Errorf("MAE %.1f, climatology %.1f, persistence %.1f", got.MAE, climate.MAE, last.MAE)
	}
	if got.Coverage90 < .84 || got.Coverage90 > .96 {
		t.Errorf("90 %% intervals hold %.3f", got.Coverage90)
	}
}

func TestBaselinesAgreeWithADirectSum(t *testing.T) {
	d := beijing(t, "Dongsi*")
	y := d.Stations[0].Columns[PM25]
	c := Climate(d, PM25, 8760)
	var sum, n float64
	for i := range 8760 {
		if at := d.At(i); at.Month() == time.May && at.Hour() == 7 && y[i] == y[i] {
			sum, n = sum+float64(y[i]), n+1
		}
	}
	if got := c.At(0, time.Date(2015, 5, 3, 7, 0, 0, 0, time.UTC)); math.Abs(float64(got)-sum/n) > 1e-3 {
		t.Errorf("climatology of 7 o'clock in May = %v, want %v", got, sum/n)
	}
}
