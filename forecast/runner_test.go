package forecast

import (
	"context"
	"math"
	"testing"
	"time"

	"tideway/geo"
)

func newRunner(t testing.TB, o Options) *Runner {
	t.Helper()
	r, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestRunnerForecastsScoresAndCovers(t *testing.T) {
	ctx := context.Background()
	c, m, now := world(t, 40, 25, 14, 5*time.Minute)
	r := newRunner(t, Options{City: c, History: m})
	if err := r.Refresh(ctx, snapshotAt(c, now, 1)); err != nil {
		t.Fatal(err)
	}
	for i := range 288 {
		f, err := r.Tick(ctx, snapshotAt(c, now.Add(time.Duration(i)*5*time.Minute), uint64(i)))
		if err != nil {
			t.Fatal(err)
		}
		checkWhole(t, f)
	}
	for _, row := range r.Skill().Rows {
		if row.Scope != ByAll {
			continue
		}
		if row.Coverage90 < .86 || row.Coverage90 > .94 || row.Coverage50 < .42 || row.Coverage50 > .58 {
			t.Errorf("%v ahead: coverage %.3f and %.3f, expected .90 and .50", row.Horizon, row.Coverage90, row.Coverage50)
		}
		if row.MAE > row.MAELast || row.MAE > 1.02*row.MAETypical {
			t.Errorf("%v ahead: error %.2f, last value %.2f, profile %.2f", row.Horizon, row.MAE, row.MAELast, row.MAETypical)
		}
	}
}

// checkWhole verifies that a forecast speaks of everything and is ordered.
func checkWhole(t *testing.T, f *Forecast) {
	t.Helper()
	check := func(what string, row, h int, p Point) {
		if !(p.Lo90 <= p.Lo50 && p.Lo50 <= p.Value && p.Value <= p.Hi50 && p.Hi50 <= p.Hi90) {
			t.Fatalf("%s %d at horizon %d is not ordered: %+v", what, row, h, p)
		}
	}
	for _, g := range f.Groups {
		for row := range g.Series {
			for h := range g.Horizons {
				check(g.Quantity.String(), row, h, g.Bands.At(row, h))
			}
		}
	}
	for s := range f.Roads.Now {
		now := f.Roads.Now[s]
		if now.Source > Prior || math.IsNaN(float64(now.SpeedKMH)) || now.LOS == 0 {
			t.Fatalf("segment %d: %+v", s, now)
		}
		for h := range f.Roads.Horizons {
			p := f.Roads.Speed.At(s, h)
			check("segment", s, h, p)
			if !(p.PCongested >= 0 && p.PCongested <= 1) {
				t.Fatalf("segment %d: probability %v", s, p.PCongested)
			}
		}
		f.Congestion(geo.SegmentID(s))
	}
}

func TestSourcesTellWhatAForecastRestsOn(t *testing.T) {
	ctx := context.Background()
	c, m, now := world(t, 400, 10, 7, 15*time.Minute)
	for i := len(m.values["v3/speed"]) - 4*48 - 20; i < len(m.values["v3/speed"]); i++ {
		m.values["v3/speed"][i] = missing
	}
	delete(m.values, "v5/speed")
	r := newRunner(t, Options{City: c, History: m})
	if err := r.Refresh(ctx, snapshotAt(c, now, 1)); err != nil {
		t.Fatal(err)
	}
	f, err := r.Tick(ctx, snapshotAt(c, now, 2))
	if err != nil {
		t.Fatal(err)
	}
	for s, want := range map[int]Source{0: Observed, 3: Typical, 5: Prior, 12: Imputed, 399: Prior} {
		if got := f.Roads.Now[s].Source; got != want && !(s == 3 && got == Imputed) { // others may speak for it

			t.Errorf("segment %d: %v, want %v", s, got, want)
		}
	}
	wide := func(s int) float32 { p := f.Roads.Speed.At(s, 0); return p.Hi90 - p.Lo90 }
	if !(wide(0) < wide(3) && wide(3) < wide(5) && wide(12) < wide(25)) {
		t.Errorf("widths %v observed, %v stale, %v prior; near %v, far %v", wide(0), wide(3), wide(5), wide(12), wide(25))
	}
	checkWhole(t, f)
}

func TestSameBitsOnAnyNumberOfThreads(t *testing.T) {
	ctx := context.Background()
	var first *Forecast
	for _, threads := range []int{1, 2, 5} {
		c, m, now := world(t, 60, 30, 5, 15*time.Minute)
		r := newRunner(t, Options{City: c, History: m, Threads: threads})
		if err := r.Refresh(ctx, snapshotAt(c, now, 1)); err != nil {
			t.Fatal(err)
		}
		var f *Forecast
		for i := range 8 {
			f, _ = r.Tick(ctx, snapshotAt(c, now.Add(time.Duration(i)*15*time.Minute), uint64(i)))
		}
		if first == nil {
			first = f
		}
		for i, v := range f.Roads.Speed.Lo90 {
			if v != first.Roads.Speed.Lo90[i] {
				t.Fatalf("%d threads: cell %d is %v, was %v", threads, i, v, first.Roads.Speed.Lo90[i])
			}
		}
	}
}

// BenchmarkTick is a cycle of 10 000 sensed segments and 4 horizons at 5
// minutes on one core, scoring included.
func BenchmarkTick(b *testing.B) {
	ctx := context.Background()
	c, m, now := world(b, 10000, 10000, 3, 5*time.Minute)
	r := newRunner(b, Options{City: c, History: m, Threads: 1})
	if err := r.Refresh(ctx, snapshotAt(c, now, 1)); err != nil {
		b.Fatal(err)
	}
	i := 0
	for b.Loop() {
		if _, err := r.Tick(ctx, snapshotAt(c, now.Add(time.Duration(i%288)*5*time.Minute), uint64(i))); err != nil {
			b.Fatal(err)
		}
		i++
	}
}
