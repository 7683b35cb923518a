package signal_test

import (
	"math"
	"testing"
	"time"

	"pgregory.net/rapid"

	"tideway/geo"
	"tideway/internal/netdraw"
	"tideway/sim/signal"
	"tideway/unit"
)

// crossing is a drawn junction with its plan and turns without traffic.
func crossing() (*geo.City, geo.Plan, []signal.TurnFlow) {
	c := netdraw.City("    n\n    |\n    |\n    |\nw===S===e\n    |\n    |\n    |\n    s")
	return c, c.Plans.At(c.Signals.At(0).Plan), signal.Turns(c, 0)
}

// load gives traffic to the turn between two arms, named by their nodes.
func load(t testing.TB, c *geo.City, flows []signal.TurnFlow, from, to string, vph float64) {
	t.Helper()
	for i := range flows {
		if c.Nodes.At(c.Segments.At(flows[i].From).From).ID == from && c.Nodes.At(c.Segments.At(flows[i].To).To).ID == to {
			flows[i].Volume = unit.Flow(vph) * unit.VPH
			return
		}
	}
	t.Fatalf("no turn from %s to %s in %v", from, to, flows)
}

func junction(t testing.TB, c *geo.City, p geo.Plan, flows []signal.TurnFlow) signal.JunctionResult {
	t.Helper()
	r, err := signal.Junction(c, p, flows)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// groupsOf returns the lane groups of the approach from a node.
func groupsOf(c *geo.City, r signal.JunctionResult, from string) (out []signal.GroupResult) {
	for _, g := range r.Groups {
		if c.Nodes.At(c.Segments.At(g.Approach).From).ID == from {
			out = append(out, g)
		}
	}
	return out
}

// Traffic straight ahead alone: capacity is s·g/C by hand, and the delay that
// of the lane group's formulas, which the known answers hold.
func TestAnApproachIsItsLaneGroup(t *testing.T) {
	c, p, flows := crossing()
	load(t, c, flows, "n", "s", 300)
	r := junction(t, c, p, flows)
	g := groupsOf(c, r, "n")
	if len(g) != 1 {
		t.Fatalf("one lane is one lane group: %+v", g)
	}
	capacity := 1900 * g[0].Green.Seconds() / p.Cycle.Seconds()
	if math.Abs(g[0].Capacity.VPH()-capacity) > 0.01 {
		t.Errorf("capacity %v veh/h, by hand %v", g[0].Capacity.VPH(), capacity)
	}
	want, err := signal.LaneGroup{Cycle: p.Cycle, Green: g[0].Green, Capacity: unit.Flow(capacity) * unit.VPH, Volume: 300 * unit.VPH}.Delay()
	if err != nil || math.Abs(g[0].Delay.Control.Seconds()-want.Control.Seconds()) > 1e-6 || math.Abs(r.Delay.Seconds()-want.Control.Seconds()) > 1e-6 || math.Abs(r.X-want.X) > 1e-9 {
		t.Errorf("%+v of the junction %v, expected %+v, %v", g[0].Delay, r.Delay, want, err)
	}
}

// Drivers choose lanes until those they can choose are equally saturated.
func TestLanesThatDriversCanChooseAreEquallySaturated(t *testing.T) {
	c, p, flows := crossing()
	load(t, c, flows, "w", "e", 700)
	load(t, c, flows, "w", "s", 150)
	r := junction(t, c, p, flows)
	groups := groupsOf(c, r, "w")
	var sum float64
	var x []float64
	for _, g := range groups {
		sum += g.Volume.VPH()
		if g.Volume > 1*unit.VPH {
			x = append(x, float64(g.Volume/g.Capacity))
		}
	}
	if len(x) < 2 || math.Abs(x[0]-x[1]) > 0.02*x[0] || math.Abs(sum-850) > 0.01 {
		t.Errorf("degrees of saturation %v of %v veh/h: %+v", x, sum, groups)
	}
}

// Left turns that give way: their saturation flow is the gap acceptance's, and
// more opposing traffic leaves them less.
func TestPermittedTurnsWaitForGaps(t *testing.T) {
	if s := signal.PermittedSaturation(600 * unit.VPH).VPH(); math.Abs(s-831.7) > 0.1 { // 600·e^−0.75/(1−e^−0.41667)
		t.Errorf("600 veh/h leave %v veh/h", s)
	}
	if s := signal.PermittedSaturation(0).VPH(); s != 1440 {
		t.Errorf("with nobody against them %v veh/h", s)
	}
	c, p, flows := crossing()
	load(t, c, flows, "n", "e", 120) // left
	last := math.Inf(1)
	for _, against := range []float64{0, 100, 300, 500} {
		load(t, c, flows, "s", "n", against)
		g := groupsOf(c, junction(t, c, p, flows), "n")[0]
		if g.Capacity.VPH() >= last {
			t.Errorf("%v veh/h against them leave %v veh/h, less left %v", against, g.Capacity.VPH(), last)
		}
		last = g.Capacity.VPH()
	}
	load(t, c, flows, "s", "n", 5000)
	if g := groupsOf(c, junction(t, c, p, flows), "n")[0]; math.Abs(g.Capacity.VPH()-2*3600/p.Cycle.Seconds()) > 1e-6 {
		t.Errorf("against an endless queue two turn per cycle, not %v veh/h", g.Capacity.VPH())
	}
}

// Whatever the volumes and splits: every vehicle is in one lane group, more
// green means no more delay, and a green for all time would mean none.
func TestMoreGreenIsNoMoreDelay(t *testing.T) {
	c, p, flows := crossing()
	rapid.Check(t, func(t *rapid.T) {
		var total float64
		for i := range flows {
			v := float64(rapid.IntRange(0, 400).Draw(t, "vph"))
			flows[i].Volume = unit.Flow(v) * unit.VPH
			total += v
		}
		for i := range flows { // nobody turns across others, so that greens do not trade
			if flows[i].Turn != geo.Straight {
				total -= flows[i].Volume.VPH()
				flows[i].Volume = 0
			}
		}
		before, err := signal.Junction(c, p, flows)
		if err != nil {
			t.Fatal(err)
		}
		var sum float64
		for _, g := range before.Groups {
			sum += g.Volume.VPH()
		}
		if math.Abs(sum-total) > 1e-6 {
			t.Fatalf("%v of %v veh/h are in lane groups", sum, total)
		}
		longer := p
		longer.Stages = append([]geo.Stage{}, p.Stages...)
		longer.Stages[0].Duration += 5 * time.Second
		longer.Cycle += 5 * time.Second
		after, err := signal.Junction(c, longer, flows)
		if err != nil {
			t.Fatal(err)
		}
		for i, g := range after.Groups {
			if more := g.Green > before.Groups[i].Green; more && g.Delay.X > before.Groups[i].Delay.X+1e-9 {
				t.Fatalf("green %v instead of %v, but X %v instead of %v", g.Green, before.Groups[i].Green, g.Delay.X, before.Groups[i].Delay.X)
			}
		}
	})
}

// A ring-barrier plan shows over one cycle what its splits say.
func TestShownOfRingsAddsUpToTheCycle(t *testing.T) {
	p := teePlan(geo.NoRecall, false)
	green := make([]time.Duration, 9)
	var sum time.Duration
	for _, st := range signal.Shown(p, 9) {
		sum += st.Duration
		for g, v := range st.States {
			if v == geo.Protected {
				green[g] += st.Duration
			}
		}
	}
	for _, ph := range p.Phases {
		if want := ph.Split - ph.Yellow - ph.AllRed; green[ph.Phase] != want {
			t.Errorf("phase %d is green for %v, its split leaves %v", ph.Phase, green[ph.Phase], want)
		}
	}
	if sum != p.Cycle {
		t.Errorf("stages add up to %v of %v", sum, p.Cycle)
	}
}

func TestAPlanWithoutPlannedGreensIsRefused(t *testing.T) {
	c, p, flows := crossing()
	p.Kind = geo.MaxPressure
	if _, err := signal.Junction(c, p, flows); err == nil {
		t.Error("a max-pressure plan has no cycle to work out")
	}
}
