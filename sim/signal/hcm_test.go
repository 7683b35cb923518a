package signal

import (
	"math"
	"testing"
	"time"

	"pgregory.net/rapid"

	"tideway/unit"
)

func near(t *testing.T, what string, got, want, tolerance float64) {
	t.Helper()
	if math.IsNaN(got) || math.Abs(got-want) > tolerance {
		t.Errorf("%s = %.4f, want %.4f ± %g", what, got, want, tolerance)
	}
}

func group(cycleS, greenS, capacityVPH, volumeVPH float64) LaneGroup {
	return LaneGroup{Cycle: seconds(cycleS), Green: seconds(greenS),
		Capacity: unit.Flow(capacityVPH) * unit.VPH, Volume: unit.Flow(volumeVPH) * unit.VPH}
}

func TestDelayWorkedAnswers(t *testing.T) {
	queued := group(90, 36, 760, 600)
	queued.Queue = 20
	second, third := group(90, 36, 775, 800), group(90, 36, 775, 800)
	second.Queue, third.Queue = 6.25, 12.5
	for _, c := range []struct {
		name       string
		in         LaneGroup
		d1, d2, d3 float64
		los        LOS
	}{
		{"light approach", group(90, 35, 1642, 0.79*1642), 24.26, 3.96, 0, 'C'},
		{"side street", group(90, 38, 1189, 0.18*1189), 16.26, 0.33, 0, 'B'},
		{"far over capacity", group(90, 38, 110, 1.90*110), 26, 437, 0, 'F'},
		{"just over capacity", group(110, 35, 1209, 1.05*1209), 37.50, 40.06, 0, 'F'},
		{"first period", group(90, 36, 775, 800), 27, 40.90, 0, 'F'},
		{"second period", second, 27, 40.90, 29.03, 'F'},
		{"third period", third, 27, 40.90, 58.06, 'F'},
		{"undersaturated", group(90, 36, 760, 600), 23.677, 8.176, 0, 'C'},
		{"with initial queue", queued, 23.677, 8.176, 23.684, 'E'},
		{"two lanes", group(100, 45, 1620, 1400), 24.750, 6.400, 0, 'C'},
	} {
		t.Run(c.name, func(t *testing.T) {
			d, err := c.in.Delay()
			if err != nil {
				t.Fatal(err)
			}
			near(t, "d1", d.Uniform.Seconds(), c.d1, 0.01)
			near(t, "d2", d.Incremental.Seconds(), c.d2, 0.02)
			near(t, "d3", d.Initial.Seconds(), c.d3, 0.01)
			if d.LOS != c.los {
				t.Errorf("LOS %v, want %v", d.LOS, c.los)
			}
		})
	}
}

func TestInitialQueueClearsAndCarriesOver(t *testing.T) {
	g := group(90, 36, 760, 600)
	g.Queue = 20
	d, _ := g.Delay()
	if d.Cleared != 7*time.Minute+30*time.Second || d.QueueEnd != 0 {
		t.Errorf("cleared after %v leaving %v, want 7m30s and 0", d.Cleared, d.QueueEnd)
	}
	over := group(90, 36, 775, 800)
	for _, want := range []float64{6.25, 12.5} {
		d, _ := over.Delay()
		near(t, "queue", d.QueueEnd, want, 1e-9)
		over.Queue = d.QueueEnd
	}
}

func TestUniformDelayWithProgression(t *testing.T) {
	near(t, "platoon on green", UniformDelay(90, 0.4, 0.8, 0.6), 15.231, 0.001)
	near(t, "platoon on red", UniformDelay(100, 0.5, 0.7, 0.25), 30.682, 0.001)
}

// The closed form must equal the area under the queue built step by step.
func TestUniformDelayIsTheAreaOfTheQueuePolygon(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		u := rapid.Float64Range(0.1, 0.9).Draw(t, "u")
		x := rapid.Float64Range(0.05, 0.99).Draw(t, "x")
		p := rapid.Float64Range(0, 0.95).Draw(t, "p")
		const cycle, steps = 100.0, 400000
		v := x * u // flow as a share of the saturation flow
		inGreen, inRed := p*v/u, (1-p)*v/(1-u)
		if inGreen >= 0.98 { // the queue must clear within the green
			t.Skip("platoon at saturation")
		}
		var queue, area float64
		for i := range steps {
			s := float64(i) / steps
			if s < 1-u {
				queue += inRed / steps
			} else {
				queue = math.Max(0, queue+(inGreen-1)/steps)
			}
			area += queue / steps
		}
		want := area / v * cycle
		if got := UniformDelay(cycle, u, x, p); math.Abs(got-want) > 0.01+0.001*want {
			t.Fatalf("u %v x %v p %v: closed form %v, polygon %v", u, x, p, got, want)
		}
	})
}

func TestRandomArrivalsAreTheManualsFirstTerm(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		u, x := rapid.Float64Range(0.05, 1).Draw(t, "u"), rapid.Float64Range(0, 2).Draw(t, "x")
		want := 0.5 * 90 * (1 - u) * (1 - u) / (1 - math.Min(1, x)*u)
		if u == 1 {
			want = 0
		}
		if got := UniformDelay(90, u, x, u); math.Abs(got-want) > 1e-9 {
			t.Fatalf("got %v, want %v", got, want)
		}
	})
}

func TestDelayRefusesWhatTheFormulasDoNotCover(t *testing.T) {
	good := group(90, 30, 600, 300)
	for name, spoil := range map[string]func(*LaneGroup){
		"no cycle":          func(g *LaneGroup) { g.Cycle = 0 },
		"green above cycle": func(g *LaneGroup) { g.Green = 2 * g.Cycle },
		"no capacity":       func(g *LaneGroup) { g.Capacity = 0 },
		"NaN capacity":      func(g *LaneGroup) { g.Capacity = unit.Flow(math.NaN()) },
		"negative volume":   func(g *LaneGroup) { g.Volume = -1 },
		"NaN queue":         func(g *LaneGroup) { g.Queue = math.NaN() },
		"share above one":   func(g *LaneGroup) { g.Counted, g.OnGreen = true, 1.5 },
		"negative k":        func(g *LaneGroup) { g.K = -1 },
	} {
		g := good
		spoil(&g)
		if _, err := g.Delay(); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func TestLevelOfServiceByEdition(t *testing.T) {
	if got := LevelOfService(77560*time.Millisecond, 1.05, HCM2000); got != 'E' {
		t.Errorf("HCM 2000: %v, want E", got)
	}
	if got := LevelOfService(5*time.Second, 1.01, HCM7); got != 'F' {
		t.Errorf("over capacity: %v, want F", got)
	}
	for i, s := range []float64{10, 20, 35, 55, 80} {
		if got := LevelOfService(seconds(s), 0.5, HCM7); got != LOS('A'+byte(i)) {
			t.Errorf("%v s: %v", s, got)
		}
	}
}

func TestIncrementalFactors(t *testing.T) {
	near(t, "filter at capacity", UpstreamFilter(1), 0.09, 1e-9)
	near(t, "isolated", UpstreamFilter(0), 1, 1e-9)
	near(t, "k at capacity", ActuatedK(2*time.Second, 1), 0.5, 1e-9)
	near(t, "k at half", ActuatedK(2*time.Second, 0.5), 0.04, 0.005)
}

func TestMeanDelayWeighsByVolume(t *testing.T) {
	got := MeanDelay([]unit.Flow{3, 1}, []Delay{{Control: 10 * time.Second}, {Control: 50 * time.Second}})
	if got != 20*time.Second {
		t.Errorf("got %v", got)
	}
}

func TestBackOfQueue(t *testing.T) {
	q := QueueInput{Cycle: 90 * time.Second, Green: 36 * time.Second, Saturation: 1900 * unit.VPH, Volume: 600 * unit.VPH}
	// Q1 = 600·90/3600·0.6/(1−0.7895·0.4) = 13.15; Q2 from kB = 0.12·19^0.7 = 0.9425: 3.066.
	near(t, "back of queue", q.BackOfQueue(), 13.153+3.066, 0.01)
	near(t, "95th", QueuePercentile(10, 0.95), 10*(1.6+math.Exp(-2)), 1e-9)
	near(t, "85th", QueuePercentile(10, 0.85), 10*(1.4+0.3*math.Exp(-2)), 1e-9)
	q.Arrival = 3
	random := q.BackOfQueue()
	q.Arrival = 5
	if q.BackOfQueue() >= random {
		t.Error("a platoon on green must shorten the queue")
	}
}

func TestSaturationFlow(t *testing.T) {
	near(t, "ideal lane", SaturationInput{EvenlyUsed: true}.Saturation().VPH(), 1900, 1e-9)
	near(t, "through pair of Synchro", SaturationInput{Lanes: 2, Heavy: 0.02}.Saturation2000().VPH(), 3539, 1)
	near(t, "protected left", SaturationInput{Turn: ProtectedLeft, Heavy: 0.02}.Saturation2000().VPH(), 1770, 1)
	near(t, "exclusive right", SaturationInput{Turn: ExclusiveRight, Heavy: 0.02}.Saturation2000().VPH(), 1583, 1)
	near(t, "one through lane", SaturationInput{Heavy: 0.02}.Saturation2000().VPH(), 1863, 1)
	near(t, "narrow, 7th edition", SaturationInput{Width: 9 * unit.Foot}.Saturation().VPH(), 1900*0.96, 1e-6)
	near(t, "uphill, 7th edition", SaturationInput{Heavy: 0.05, Grade: 0.02}.Saturation().VPH(), 1900*(100-3.9-1.24)/100, 1e-6)
}

func BenchmarkDelay(b *testing.B) {
	g := group(90, 36, 760, 600)
	g.Queue = 5
	b.ReportAllocs()
	for b.Loop() {
		if _, err := g.Delay(); err != nil {
			b.Fatal(err)
		}
	}
}
