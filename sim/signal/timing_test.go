package signal

import (
	"math"
	"testing"
	"time"

	"pgregory.net/rapid"

	"tideway/unit"
)

func TestWebsterWorkedAnswers(t *testing.T) {
	near(t, "L 16, Y 0.5", WebsterCycle(16*time.Second, 0.5).Seconds(), 58, 0.05)
	near(t, "L 12, Y 0.7", WebsterCycle(12*time.Second, 0.7).Seconds(), 76.7, 0.05)
	near(t, "L 6, Y 0.77", WebsterCycle(6*time.Second, 0.77).Seconds(), 60.9, 0.05)
	plan, err := Webster(WebsterInput{FlowRatios: []float64{0.213, 0.075, 0.23, 0.12}, Lost: 16 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	near(t, "cycle", plan.Cycle.Seconds(), 80.1, 0.05)
	for i, want := range []float64{21.4, 7.5, 23.1, 12.1} {
		near(t, "green", plan.Greens[i].Seconds(), want, 0.05)
	}
	shortest, ok := MinimumCycle(16*time.Second, 0.638, 0.9)
	near(t, "shortest", shortest.Seconds(), 55, 0.05)
	if _, above := MinimumCycle(16*time.Second, 0.95, 0.9); above || !ok {
		t.Error("a cycle exists below the critical degree of saturation and only there")
	}
	near(t, "delay", WebsterDelay(90*time.Second, 0.4, 600*unit.VPH, 600/760.0).Seconds(), 28.82, 0.01)
}

func TestWebsterKeepsItsLimits(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(2, 6).Draw(t, "stages")
		in := WebsterInput{Lost: 12 * time.Second, MaxCycle: 120 * time.Second}
		for range n {
			in.FlowRatios = append(in.FlowRatios, rapid.Float64Range(0, 0.6).Draw(t, "y"))
			in.MinGreens = append(in.MinGreens, time.Duration(rapid.IntRange(4, 15).Draw(t, "min"))*time.Second)
		}
		in.FlowRatios[0] += 0.01
		plan, err := Webster(in)
		if err != nil {
			t.Fatal(err)
		}
		sum := in.Lost
		for i, g := range plan.Greens {
			sum += g
			if g < in.MinGreens[i] {
				t.Fatalf("green %d is %v, minimum %v", i, g, in.MinGreens[i])
			}
		}
		if plan.Cycle > in.MaxCycle || math.Abs((sum-plan.Cycle).Seconds()) > 1e-6 {
			t.Fatalf("cycle %v, greens and lost time %v", plan.Cycle, sum)
		}
	})
}

func TestWebsterRefusals(t *testing.T) {
	for name, in := range map[string]WebsterInput{
		"no traffic":   {FlowRatios: []float64{0, 0}},
		"NaN":          {FlowRatios: []float64{math.NaN()}},
		"cannot hold":  {FlowRatios: []float64{0.3, 0.3}, MinGreens: []time.Duration{time.Minute, time.Minute}, MaxCycle: time.Minute},
		"negative one": {FlowRatios: []float64{-0.1, 0.3}},
	} {
		if _, err := Webster(in); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	over, err := Webster(WebsterInput{FlowRatios: []float64{0.8, 0.7}, Lost: 8 * time.Second, MaxCycle: 2 * time.Minute})
	if err != nil || !over.Capped || over.Cycle != 2*time.Minute {
		t.Errorf("over capacity: %+v, %v", over, err)
	}
}

func TestClearanceTable(t *testing.T) {
	for _, c := range []struct{ mph, yellow, red float64 }{
		{25, 2.84, 2.72}, {30, 3.21, 2.27}, {35, 3.57, 1.94}, {40, 3.94, 1.70}, {45, 4.31, 1.51}, {50, 4.67, 1.36}, {55, 5.04, 1.24},
	} {
		near(t, "yellow", YellowTime(unit.Speed(c.mph)*unit.MPH, 0).Seconds(), c.yellow, 0.0051)
		near(t, "all red", AllRedTime(80*unit.Foot, unit.Speed(c.mph)*unit.MPH).Seconds(), c.red, 0.0051)
	}
	near(t, "downhill", YellowTime(45*unit.MPH, -0.03).Seconds(), 4.66, 0.0051)
	for _, c := range []struct{ ft, s float64 }{{48, 13.7}, {60, 17.1}, {84, 24.0}} {
		near(t, "walk", PedestrianClearance(unit.Length(c.ft)*unit.Foot).Seconds(), c.s, 0.05)
	}
}

func TestDispersionOfAPulse(t *testing.T) {
	pulse := make([]float64, 10)
	for i := range pulse {
		pulse[i] = 2000
	}
	out := Disperse(pulse, 20, 400)
	for i, want := range []float64{303.0, 560.1, 778.3} {
		near(t, "arrival", out[16+i], want, 0.05)
	}
	var sum, peak float64
	for _, q := range out {
		sum, peak = sum+q, math.Max(peak, q)
	}
	near(t, "peak", peak, 1613.2, 0.05)
	near(t, "mass", sum, 20000, 1e-6)
	if out[15] != 0 {
		t.Error("something arrived before the lag")
	}
}

func artery(travelS float64) []ArterySignal {
	green := GreenWindow{Duration: 40 * time.Second}
	one := ArterySignal{Out: green, In: green, ToNext: seconds(travelS), ToPrev: seconds(travelS)}
	return []ArterySignal{one, one}
}

func TestBandOfTwoSignals(t *testing.T) {
	b, err := MaxBand(80*time.Second, artery(40), 1)
	if err != nil || b.Out != 40*time.Second || b.In != 40*time.Second || b.Offsets[1] != 40*time.Second {
		t.Errorf("half a cycle apart: %+v, %v", b, err)
	}
	b, _ = MaxBand(80*time.Second, artery(20), 1)
	if b.Out != 20*time.Second || b.In != 20*time.Second || (b.Offsets[1] != 0 && b.Offsets[1] != 40*time.Second) {
		t.Errorf("a quarter cycle apart, equal bands: %+v", b)
	}
	b, _ = MaxBand(80*time.Second, artery(20), 0.5)
	if b.Out != 40*time.Second || b.In != 0 || b.Offsets[1] != 20*time.Second {
		t.Errorf("a quarter cycle apart, outbound first: %+v", b)
	}
}

// Every found band must really pass, and no set of offsets on a 2 s grid may
// pass a wider one.
func TestBandIsFeasibleAndBest(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		const cycle = 60 * time.Second
		s := func(lo, hi int) time.Duration {
			return time.Duration(rapid.IntRange(lo, hi).Draw(t, "s")) * time.Second
		}
		signals := make([]ArterySignal, 3)
		for i := range signals {
			signals[i] = ArterySignal{Out: GreenWindow{Begin: s(0, 59), Duration: s(10, 45)},
				In: GreenWindow{Begin: s(0, 59), Duration: s(10, 45)}, ToNext: s(5, 90), ToPrev: s(5, 90)}
		}
		b, err := MaxBand(cycle, signals, 1)
		if err != nil {
			t.Fatal(err)
		}
		out, in := bandsAt(cycle, signals, b.Offsets)
		if b.Out > 0 && b.In > 0 && (out < b.Out-time.Microsecond || in < b.In-time.Microsecond) {
			t.Fatalf("promised %v and %v, the offsets pass %v and %v", b.Out, b.In, out, in)
		}
		for i := range 30 {
			for k := range 30 {
				o, n := bandsAt(cycle, signals, []time.Duration{0, time.Duration(2*i) * time.Second, time.Duration(2*k) * time.Second})
				if o > 0 && n > 0 && o+n > b.Out+b.In+time.Microsecond {
					t.Fatalf("offsets 0, %d, %d pass %v, found %v", 2*i, 2*k, o+n, b.Out+b.In)
				}
			}
		}
	})
}

// bandsAt measures the widest band of each direction by brute force: every
// begin at a green begin, cut at every signal.
func bandsAt(cycle time.Duration, signals []ArterySignal, offsets []time.Duration) (out, in time.Duration) {
	var outW, inW [][2]float64
	var there, back float64
	for i, s := range signals {
		o := offsets[i].Seconds()
		outW = append(outW, [2]float64{o + s.Out.Begin.Seconds() - there, s.Out.Duration.Seconds()})
		inW = append(inW, [2]float64{o + s.In.Begin.Seconds() + back, s.In.Duration.Seconds()})
		there, back = there+s.ToNext.Seconds(), back+s.ToPrev.Seconds()
	}
	return widest(cycle, outW), widest(cycle, inW)
}

func widest(cycle time.Duration, windows [][2]float64) time.Duration {
	best := 0.0
	for _, w := range windows {
		width := math.Inf(1)
		for _, v := range windows {
			width = math.Min(width, v[1]-modulo(w[0]-v[0]+1e-9, cycle.Seconds()))
		}
		best = math.Max(best, width)
	}
	return seconds(best)
}
