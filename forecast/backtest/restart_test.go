package backtest

import (
	"context"
	"io/fs"
	"math"
	"slices"
	"testing"
	"time"

	"tideway/forecast"
	"tideway/forecast/traffic"
	"tideway/geo"
	"tideway/unit"
)

// board is a shelf in memory.
type board map[string][]byte

func (b board) Get(_ context.Context, key string) ([]byte, error) {
	if v, ok := b[key]; ok {
		return v, nil
	}
	return nil, fs.ErrNotExist
}
func (b board) Put(_ context.Context, key string, v []byte) error {
	b[key] = slices.Clone(v)
	return nil
}
func (b board) Delete(_ context.Context, key string) error {
	delete(b, key)
	return nil
}
func (b board) Keys(context.Context) (out []string, _ error) {
	for key := range b {
		out = append(out, key)
	}
	return out, nil
}

// A network that a runner has trained serves the next process from the shelf:
// every bit of every forecast is the same, and nothing is trained.
func TestANetworkForecastsTheSameBitsAfterARestart(t *testing.T) {
	table := made(8, 5*96, 15*time.Minute)
	city, err := cityOf(table, time.UTC, geo.Speed, 60*unit.KMH, make([]bool, 8))
	if err != nil {
		t.Fatal(err)
	}
	cfg := traffic.DefaultConfig()
	cfg.Width, cfg.MaxRows = 32, 1<<13
	shelf, known := board{}, table.Steps()-20
	runner := func(learner *traffic.Learner) (*forecast.Runner, *past) {
		history := newPast(table, 1, make([]bool, 8), known)
		r, err := forecast.New(forecast.Options{City: city, History: history, Learners: []forecast.Learner{learner}, Threads: 1, Trial: true, Shelf: shelf,
			Report: func(err error) { t.Error(err) }})
		if err != nil {
			t.Fatal(err)
		}
		return r, history
	}
	before, history := runner(&traffic.Learner{Config: cfg})
	if v, err := before.Learn(t.Context(), history.snapshot(city, geo.Speed, known)); err != nil || !v[0].Serves {
		t.Fatalf("%+v, %v", v, err)
	}
	after, again := runner(&traffic.Learner{}) // cannot train
	if err := after.Refresh(t.Context(), again.snapshot(city, geo.Speed, known)); err != nil {
		t.Fatal(err)
	}
	if v, err := after.CatchUp(t.Context(), again.snapshot(city, geo.Speed, known), table.Ends[0]); err != nil || len(v) > 0 {
		t.Fatalf("%+v, %v", v, err)
	}
	for step := known; step < table.Steps(); step++ {
		want, err := before.Tick(t.Context(), history.snapshot(city, geo.Speed, step))
		if err != nil {
			t.Fatal(err)
		}
		got, err := after.Tick(t.Context(), again.snapshot(city, geo.Speed, step))
		if err != nil {
			t.Fatal(err)
		}
		if got.Groups[0].Model != want.Groups[0].Model || after.Models()[0].Card.Name != "traffic_network" {
			t.Fatalf("%s forecasts, before %s", got.Groups[0].Model, want.Groups[0].Model)
		}
		sameBits(t, &got.Groups[0].Bands, &want.Groups[0].Bands)
	}
}

func sameBits(t *testing.T, a, b *forecast.Bands) {
	t.Helper()
	cols := func(x *forecast.Bands) [][]float32 {
		return [][]float32{x.Value, x.Lo50, x.Hi50, x.Lo90, x.Hi90, x.PCongested}
	}
	for k, col := range cols(a) {
		for i, v := range col {
			if math.Float32bits(v) != math.Float32bits(cols(b)[k][i]) {
				t.Fatalf("column %d, value %d: %v, before %v", k, i, v, cols(b)[k][i])
			}
		}
	}
}
