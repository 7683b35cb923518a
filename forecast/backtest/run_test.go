package backtest

import (
	"bufio"
	"compress/gzip"
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"tideway/forecast"
	"tideway/internal/testdata"
)

// made is a table of sensors with a daily course and a lasting residual.
func made(sensors, steps int, interval time.Duration) *Table {
	t := &Table{Interval: interval}
	rng, residual := rand.New(rand.NewPCG(1, 2)), make([]float64, sensors)
	for s := range sensors {
		t.Sensors = append(t.Sensors, fmt.Sprint("s", s))
	}
	start := time.Date(2012, 3, 1, 0, 0, 0, 0, time.UTC)
	for i := range steps {
		t.Ends, t.RowOf = append(t.Ends, start.Add(time.Duration(i+1)*interval)), append(t.RowOf, i)
		hour := math.Mod(float64(i)*interval.Hours(), 24)
		for s := range sensors {
			residual[s] = .9*residual[s] + 2*rng.NormFloat64()
			t.Values = append(t.Values, float32(math.Max(5, 60-25*math.Exp(-(hour-8)*(hour-8)/2)+residual[s])))
		}
	}
	return t
}

func madeConfig() Config {
	return Config{Table: made(8, 5*96, 15*time.Minute), Unit: MPH, TrainRows: 3 * 96, Steps: 4, Threads: 1, CongestedBelow: 45}
}

func predictions(t *testing.T, cfg Config) (out []Prediction, r *Result) {
	t.Helper()
	cfg.Predictions = func(p Prediction) error { out = append(out, p); return nil }
	r, err := Run(context.Background(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	return out, r
}

func TestNothingAfterAnOriginChangesWhatWasPredictedAtIt(t *testing.T) {
	before, _ := predictions(t, madeConfig())
	const origin = 4 * 96
	cfg := madeConfig()
	cfg.Table.Values = slices.Clone(cfg.Table.Values)
	for i := (origin + 1) * 8; i < len(cfg.Table.Values); i++ {
		cfg.Table.Values[i] = 1 + float32(i%3)
	}
	after, _ := predictions(t, cfg)
	changed := false
	for i, p := range before {
		if p.Origin <= origin && p != after[i] {
			t.Fatalf("prediction %+v became %+v", p, after[i])
		}
		changed = changed || p != after[i]
	}
	if !changed {
		t.Fatal("the changed values were never used")
	}
}

func TestOfficialWindows(t *testing.T) {
	cfg := madeConfig()
	all, r := predictions(t, cfg)
	rows := cfg.Table.Steps()
	if r.Origins != rows-cfg.TrainRows-cfg.Steps+1 || all[0].Origin != cfg.TrainRows-1 || all[len(all)-1].Origin != rows-1-cfg.Steps {
		t.Fatalf("%d origins from %d to %d", r.Origins, all[0].Origin, all[len(all)-1].Origin)
	}
}

func TestAgainIsTheSame(t *testing.T) {
	a, _ := predictions(t, madeConfig())
	cfg := madeConfig()
	cfg.Threads = 2
	b, _ := predictions(t, cfg)
	if !slices.Equal(a, b) {
		t.Fatal("a second run, with two threads, predicted something else")
	}
}

func TestConfigurationProblemsAreCollected(t *testing.T) {
	cfg := madeConfig()
	cfg.TrainRows, cfg.Unit, cfg.Protocol, cfg.Hide.Share = 479, "knots", "best", 2
	_, err := Run(context.Background(), cfg)
	for _, want := range []string{"train-rows", "knots", "protocol", "hide-fraction"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v lacks %q", err, want)
		}
	}
}

// rawTable reads the los_loop values without the package's own reader.
func rawTable(t *testing.T) [][]float64 {
	f, err := os.Open(filepath.Join(testdata.Dir(t, "traffic/los_loop"), "speed_mph_5min_rows1-1612.csv.gz"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	var rows [][]float64
	in := bufio.NewScanner(z)
	in.Buffer(nil, 1<<20)
	for in.Scan() {
		var row []float64
		for _, s := range strings.Split(in.Text(), ",") {
			v, _ := strconv.ParseFloat(s, 64)
			row = append(row, v)
		}
		rows = append(rows, row)
	}
	return rows[1:]
}

func TestProtocolAgreesWithADirectComputation(t *testing.T) {
	rows := rawTable(t)
	const train, upTo, steps = 1290, 1400, 12
	tb := &Table{Interval: 5 * time.Minute}
	for s := range rows[0] {
		tb.Sensors = append(tb.Sensors, fmt.Sprint(s))
	}
	for i, row := range rows[:upTo] {
		tb.Ends, tb.RowOf = append(tb.Ends, march.Start.Add(time.Duration(i+1)*tb.Interval)), append(tb.RowOf, i)
		for _, v := range row {
			tb.Values = append(tb.Values, float32(v))
		}
	}
	r, err := Run(context.Background(), Config{Table: tb, Unit: MPH, TrainRows: train, CongestedBelow: 40})
	if err != nil {
		t.Fatal(err)
	}
	for _, step := range []int{3, 6, 12} {
		var abs, square, n float64
		for origin := train - 1; origin+steps < upTo; origin++ {
			for s, last := range rows[origin] {
				d := rows[origin+step][s] - last
				abs, square, n = abs+math.Abs(d), square+d*d, n+1
			}
		}
		for _, m := range r.Models {
			if m.Name != "last_value" {
				continue
			}
			if h := m.Horizons[step-1]; math.Abs(*h.MAE-abs/n) > 1e-4 || math.Abs(*h.RMSE-math.Sqrt(square/n)) > 1e-4 {
				t.Errorf("step %d: %.5f and %.5f, computed directly %.5f and %.5f", step, *h.MAE, *h.RMSE, abs/n, math.Sqrt(square/n))
			}
		}
	}
}

func TestHiddenSensorsAreTold(t *testing.T) {
	cfg := madeConfig()
	cfg.Hide = Hide{Share: .25, Seed: 3}
	for i := range 7 {
		cfg.Relation.Weights = append(cfg.Relation.Weights, Weight{From: i, To: i + 1, Weight: .7})
	}
	_, never := predictions(t, cfg)
	cfg.Hide.History = true
	_, outage := predictions(t, cfg)
	if never.Hidden.Mode != "never_sensed" || outage.Hidden.Mode != "outage" || *never.Hidden.MAE > 8 || *outage.Hidden.MAE > 5 {
		t.Fatalf("never sensed %v, outage %v", *never.Hidden.MAE, *outage.Hidden.MAE)
	}
}

// stubborn is a learner whose models always say the same.
type stubborn struct{ says float32 }

func (stubborn) Name() string                         { return "stubborn" }
func (stubborn) Takes(*forecast.Panel) (bool, string) { return true, "" }
func (s stubborn) Fit(context.Context, forecast.Training) (forecast.Model, error) {
	return s, nil
}
func (stubborn) Card() forecast.Card { return forecast.Card{Name: "stubborn"} }
func (s stubborn) Predict(_ *forecast.Window, _ int, out *forecast.Rows) {
	for i := range out.Value {
		out.Value[i], out.Lo90[i], out.Lo50[i], out.Hi50[i], out.Hi90[i] = s.says, 2, 1, 1, 2
	}
}

func TestACandidateThatLostIsShownAndDoesNotServe(t *testing.T) {
	cfg := madeConfig()
	cfg.Learners = []forecast.Learner{stubborn{5}}
	said, r := predictions(t, cfg)
	if len(r.Models) != 4 || r.Models[0].Name != "profile_residual" || r.Models[0].Role != "serving" || r.Models[1].Name != "stubborn" || r.Models[1].Role != "candidate" {
		t.Fatalf("%+v", r.Models)
	}
	if *r.Models[1].Horizons[0].MAE < 2*(*r.Models[0].Horizons[0].MAE) || said[0].Model != "profile_residual" {
		t.Fatalf("errors %v and %v", *r.Models[0].Horizons[0].MAE, *r.Models[1].Horizons[0].MAE)
	}
}

// Days that are alike teach the profile exactly; what departs from them on the
// day of the test is then its error, which can be told without any model.
func TestHistoricalAverageAgreesWithADirectComputation(t *testing.T) {
	const sensors, steps, train = 5, 4, 4 * 96
	tb := &Table{Interval: 15 * time.Minute}
	for s := range sensors {
		tb.Sensors = append(tb.Sensors, fmt.Sprint("s", s))
	}
	monday := time.Date(2012, 3, 5, 0, 0, 0, 0, time.UTC)
	odd := func(i, s int) float64 {
		if i < train {
			return 0
		}
		return float64((i*7+s*3)%11) - 4
	}
	for i := range 5 * 96 {
		tb.Ends, tb.RowOf = append(tb.Ends, monday.Add(time.Duration(i+1)*tb.Interval)), append(tb.RowOf, i)
		for s := range sensors {
			usual := 50 + 20*math.Sin(float64(i%96)/3+float64(s))
			tb.Values = append(tb.Values, float32(usual+odd(i, s)))
		}
	}
	r, err := Run(context.Background(), Config{Table: tb, Unit: KMH, TrainRows: train, Steps: steps, Frozen: true, Threads: 1, CongestedBelow: 30})
	if err != nil {
		t.Fatal(err)
	}
	part := r.Models[slices.IndexFunc(r.Models, func(m ModelPart) bool { return m.Name == "historical_average" })]
	for step := 1; step <= steps; step++ {
		var abs, square, n float64
		for origin := train - 1; origin+steps < 5*96; origin++ {
			for s := range sensors {
				d := odd(origin+step, s)
				abs, square, n = abs+math.Abs(d), square+d*d, n+1
			}
		}
		if h := part.Horizons[step-1]; math.Abs(*h.MAE-abs/n) > 1e-3 || math.Abs(*h.RMSE-math.Sqrt(square/n)) > 1e-3 {
			t.Errorf("step %d: %.4f and %.4f, computed directly %.4f and %.4f", step, *h.MAE, *h.RMSE, abs/n, math.Sqrt(square/n))
		}
	}
}
