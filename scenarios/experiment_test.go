package scenarios

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"sync/atomic"
	"testing"
	"time"

	"tideway/geo"
	"tideway/internal/rng"
	"tideway/sim"
	"tideway/sim/demand"
)

// fakeSim answers with a delay made of noise per trip and the length of stage
// 1: enough to test everything around the engine.
func fakeSim(ctx context.Context, in sim.Input, progress func(sim.Progress)) (*sim.Result, error) {
	if progress != nil {
		progress(sim.Progress{})
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	plan := in.City.Plans.At(in.City.Signals.At(0).Plan)
	s := sim.Summary{Scheduled: len(in.Demand.Trips), StepS: 1, Steps: 3600, Seed: in.Seed}
	for _, t := range in.Demand.Trips {
		stream := rng.New(in.Seed, t.Key, rng.Noise)
		s.MeanDelayS += (60 - plan.Stages[0].Duration.Seconds() + 20*stream.Normal()) / float64(len(in.Demand.Trips))
	}
	s.MeanTravelTimeS = 100 + s.MeanDelayS
	s.Completed = len(in.Demand.Trips)
	s.StateHash = fmt.Sprintf("%x", math.Float64bits(s.MeanDelayS))
	n := in.City.Segments.Len()
	t := sim.SegmentTable{Intervals: 1, Segments: n, Entered: make([]uint32, n), VehicleS: make([]float32, n), SpeedKMH: make([]float32, n),
		TimeLossS: make([]float32, n), QueueBackM: make([]float32, n)}
	t.VehicleS[0], t.SpeedKMH[0], t.TimeLossS[0], t.Entered[0] = 10, float32(s.MeanDelayS), 7, 3600
	return &sim.Result{Summary: s, Segments: t}, nil
}

func study(t testing.TB, changes ...string) *Experiment {
	base := crossBase(t)
	e := &Experiment{Base: BaseCase(base), Period: sim.Input{End: time.Hour}, Seed: 7, Replications: 6, Simulate: fakeSim, Engine: "test", Map: true}
	for _, c := range changes {
		e.Alternatives = append(e.Alternatives, apply(t, base, c))
	}
	return e
}

const longerGreen = `{"op":"signal.adjust","select":{"id":["sig"]},"split":[{"stage":1,"add_s":5},{"stage":3,"add_s":-5}]}`

func kpiOf(t testing.TB, a Alternative, name string) KPI {
	t.Helper()
	for _, k := range a.KPIs {
		if k.KPI == name {
			return k
		}
	}
	t.Fatalf("no indicator %s", name)
	return KPI{}
}

func TestCompareFindsTheDifference(t *testing.T) {
	c, err := study(t, ``, longerGreen).Compare(context.Background(), nil)
	if err != nil {
		t.Fatal(err)
	}
	same, better := c.Alternatives[0], c.Alternatives[1]
	if !same.Identical || better.Identical {
		t.Error("only a scenario without changes ends in the base's bits")
	}
	for _, k := range same.KPIs {
		if k.Diff.Known() && (k.Diff != 0 || k.Lo95 != 0 || k.Hi95 != 0 || k.Better != Unclear) {
			t.Errorf("without changes %s differs: %+v", k.KPI, k)
		}
	}
	k := kpiOf(t, better, "delay")
	near(t, "difference", float64(k.Diff), -5, 1e-9)
	if k.Better != Better || k.PHolm < k.P {
		t.Errorf("%+v", k)
	}
	if better.Segments.AltDelayS[0] != 7 || better.Segments.BaseFlowVPH[0] != 3600 || better.Segments.BaseSpeedKMH[1] != float32(50) {
		t.Errorf("segments %+v", better.Segments)
	}
	if _, err := json.Marshal(c); err != nil {
		t.Errorf("unknown figures must be null: %v", err)
	}
}

func TestCompareDoesNotDependOnThreads(t *testing.T) {
	var texts []string
	for _, threads := range []int{1, 4} {
		e := study(t, longerGreen, `{"op":"demand.scale","factor":1.5}`)
		e.Threads, e.Poisson = threads, true
		c, err := e.Compare(context.Background(), nil)
		if err != nil {
			t.Fatal(err)
		}
		b, _ := json.Marshal(c)
		texts = append(texts, string(b))
	}
	if texts[0] != texts[1] {
		t.Error("results differ between 1 and 4 threads")
	}
}

func TestSequentialReplicationsStopWhenClearOrCapped(t *testing.T) {
	var steps Steps
	e := study(t, longerGreen)
	e.Most = 40
	c, err := e.Compare(context.Background(), func(s Steps) { steps = s })
	if err != nil || c.Replications != 6 || steps != (Steps{12, 12}) {
		t.Errorf("an exact difference needs no more: %d, %+v, %v", c.Replications, steps, err)
	}
	e = study(t, `{"op":"demand.scale","factor":0.5}`)
	e.Most, e.Tolerance = 11, 1e-9
	if c, err = e.Compare(context.Background(), nil); err != nil || c.Replications != 11 {
		t.Errorf("capped at 11: %d, %v", c.Replications, err)
	}
}

func TestCompareStopsWithItsContextAndItsFirstError(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	var runs atomic.Int32
	e := study(t, longerGreen)
	e.Simulate = func(_ context.Context, in sim.Input, _ func(sim.Progress)) (*sim.Result, error) {
		if runs.Add(1) == 3 {
			cancel()
		}
		return fakeSim(ctx, in, nil)
	}
	if _, err := e.Compare(ctx, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	broken := errors.New("broken")
	e.Simulate = func(context.Context, sim.Input, func(sim.Progress)) (*sim.Result, error) { return nil, broken }
	if _, err := e.Compare(context.Background(), nil); !errors.Is(err, broken) {
		t.Errorf("broken engine: %v", err)
	}
}

func TestGridlockedRunsHaveNoMeansOverFinishedTrips(t *testing.T) {
	e := study(t, longerGreen)
	e.Simulate = func(ctx context.Context, in sim.Input, _ func(sim.Progress)) (*sim.Result, error) {
		r, err := fakeSim(ctx, in, nil)
		r.Summary.Gridlocked = in.Seed == 9
		return r, err
	}
	c, err := e.Compare(context.Background(), nil)
	if err != nil {
		t.Fatal(err)
	}
	near(t, "gridlock share", c.Base.GridlockShare, 1.0/6, 1e-12)
	if k := kpiOf(t, c.Alternatives[0], "travel_time"); !k.Diff.Known() {
		t.Errorf("the other replications still count: %+v", k)
	}
}

func TestDrawnDeparturesArePoissonAndShared(t *testing.T) {
	base := crossBase(t)
	const draws = 2000
	var sum, square float64
	for seed := range uint64(draws) {
		cars := 0.0
		for _, trip := range DrawDepartures(base.Demand, seed).Trips {
			if trip.Type == 0 {
				cars++
			}
		}
		sum, square = sum+cars, square+cars*cars
	}
	mean := sum / draws
	near(t, "mean", mean, 120, 1)
	near(t, "variance over mean", (square/draws-mean*mean)/mean, 1, 0.1)

	half := apply(t, base, `{"op":"demand.scale","factor":0.5,"class":["truck"]}`)
	departs := func(d *demand.Demand) map[uint64]time.Duration {
		out := map[uint64]time.Duration{}
		for _, trip := range DrawDepartures(d, 3).Trips {
			if d.Types[trip.Type].Class == geo.Car {
				out[trip.Key] = trip.Depart
			}
		}
		return out
	}
	all, some := departs(base.Demand), departs(half.Demand)
	if len(all) != len(some) {
		t.Fatalf("%d cars in the base, %d in the alternative", len(all), len(some))
	}
	for key, at := range all {
		if some[key] != at {
			t.Fatal("a car that the change does not touch must depart at the same time")
		}
	}
}
