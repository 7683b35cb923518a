package sim_test

import (
	"context"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"tideway/geo"
	"tideway/internal/netdraw"
	"tideway/sim"
	"tideway/sim/demand"
)

// exact is a car without imperfection that wants the limit: what the theory
// speaks of.
func exact() demand.VehicleType {
	t := demand.NewType("exact", geo.Car)
	t.Sigma, t.SpeedDev, t.SpeedFactor = 0, 0, 1
	return t
}

// column is n cars of a type from one street to another, one every headway.
func column(c *geo.City, t demand.VehicleType, from, to string, n int, headway time.Duration) *demand.Demand {
	a, ok := c.Segments.Find(from)
	b, also := c.Segments.Find(to)
	if !ok || !also {
		panic("no street " + from + " or " + to)
	}
	d := &demand.Demand{Types: []demand.VehicleType{t}}
	for i := range n {
		d.Trips = append(d.Trips, demand.Trip{ID: fmt.Sprintf("%04d", i), Depart: time.Duration(i) * headway, Route: demand.NoRoute, From: a, To: b,
			Speed: demand.SpeedMax, ArriveAt: -1})
	}
	return d
}

func run(t testing.TB, in sim.Input) *sim.Result {
	t.Helper()
	in.Log, in.Threads = true, 1
	r, err := sim.Run(context.Background(), in, nil)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

const limitMPS = 50 / 3.6

func near(t testing.TB, what string, got, want, tolerance float64) {
	t.Helper()
	if math.Abs(got-want) > tolerance {
		t.Errorf("%s: %.3f, theory says %.3f ± %.3f", what, got, want, tolerance)
	}
}

func TestALoneCarDrivesAtTheLimit(t *testing.T) {
	c := netdraw.City("a" + strings.Repeat("-", 50) + "b")
	d := column(c, exact(), "ab", "ab", 1, time.Second)
	r := run(t, sim.Input{City: c, Demand: d, End: time.Minute, UntilClear: true})
	length := c.Segments.At(0).Length.M()
	near(t, "travel time", r.Summary.MeanTravelTimeS, math.Ceil((length-5.1)/limitMPS), 1)
	near(t, "time loss", r.Summary.MeanTimeLossS, 0, 1e-9)
	near(t, "stops", r.Summary.MeanStops, 0, 0)
}

// gate is a street with a signal in its middle that is red for a while, then
// green.
func gate(t testing.TB, cells int, red, green time.Duration) *geo.City {
	pad := strings.Repeat(" ", cells+1)
	c := netdraw.City("a" + strings.Repeat("-", cells) + "M" + strings.Repeat("-", cells) + "z\n" + pad + "|\n" + pad + "|\n" + pad + "q")
	id, ok := c.Signals.Find("M")
	if !ok {
		t.Fatal("the drawing has no signal M")
	}
	show := func(s geo.SignalState) []geo.SignalState {
		out := make([]geo.SignalState, c.Signals.At(id).Groups)
		for g := range out {
			out[g] = s
		}
		return out
	}
	p := c.Patch()
	p.SetPlan(geo.Plan{ID: "gate", Signal: id, Cycle: red + green, Stages: []geo.Stage{
		{Duration: red, States: show(geo.Red)}, {Duration: green, States: show(geo.Protected)}}})
	return p.City()
}

// TestSaturationFlow: a standing queue discharges, far behind the stop line
// where everybody has reached the limit v, with the flow v / (v·tau + length +
// gap) of the Krauss model.
func TestSaturationFlow(t *testing.T) {
	c := gate(t, 60, 300*time.Second, 700*time.Second)
	d := column(c, exact(), "aM", "Mz", 120, 2*time.Second)
	out, _ := c.Segments.Find("Mz")
	r := run(t, sim.Input{City: c, Demand: d, End: 300 * time.Second, UntilClear: true,
		Detectors: []sim.Detector{{ID: "far", Segment: out, Lane: geo.NoLane, At: 1000, Interval: time.Second}}})
	var first, last, count float64
	for _, x := range r.Detectors {
		if x.Count > 0 {
			if count == 0 {
				first = x.Begin.Seconds()
			}
			last = x.Begin.Seconds()
			count += float64(x.Count)
		}
	}
	want := limitMPS / (limitMPS*1 + 5 + 2.5)
	near(t, "discharge flow, veh/s", (count-1)/(last-first), want, 0.02*want)
}

// TestBackwardWave: a queue dissolves from the front: one reaction time after
// the other, so the wave runs backwards with (length + gap) / tau.
func TestBackwardWave(t *testing.T) {
	c := gate(t, 40, 200*time.Second, 700*time.Second)
	d := column(c, exact(), "aM", "Mz", 60, 2*time.Second)
	e, err := sim.New(sim.Input{City: c, Demand: d, End: time.Hour, Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	in, _ := c.Segments.Find("aM")
	start := map[int][2]float64{} // place and time at which a trip of the queue started
	place := map[int]float64{}
	for e.Time() < 400*time.Second {
		e.Step()
		e.Vehicles(func(s sim.Sample) {
			if s.Segment != in || s.Movement != geo.NoMovement {
				return
			}
			if _, moving := start[s.Trip]; !moving && e.Time() > 200*time.Second && s.SpeedMPS > 0.5 && place[s.Trip] > 0 {
				start[s.Trip] = [2]float64{place[s.Trip], e.Time().Seconds()}
			}
			if s.SpeedMPS < 0.1 {
				place[s.Trip] = s.PosM
			}
		})
	}
	a, b := start[5], start[45]
	near(t, "wave speed, m/s", (a[0]-b[0])/(b[1]-a[1]), 7.5/1, 0.15)
	near(t, "spacing in the queue, m", (a[0]-b[0])/40, 7.5, 0.03)
}

// TestDelayAtASignal: uniform arrivals q, red r of cycle C, saturation flow s:
// mean delay r²/(2C(1-q/s)) (the deterministic term of Webster, 1958). Driving
// off and stopping cost some seconds more.
func TestDelayAtASignal(t *testing.T) {
	red, green := 40*time.Second, 50*time.Second
	c := gate(t, 50, red, green)
	d := column(c, exact(), "aM", "Mz", 600, 6*time.Second)
	r := run(t, sim.Input{City: c, Demand: d, End: time.Hour, UntilClear: true})
	q, s := 1.0/6, limitMPS/(limitMPS+7.5)
	uniform := 40 * 40 / (2 * 90 * (1 - q/s))
	if got := r.Summary.MeanTimeLossS; got < uniform || got > uniform+6 {
		t.Errorf("mean time loss %.2f s, theory says %.2f s and up to 6 s for braking and starting", got, uniform)
	}
	if r.Summary.Completed != 600 {
		t.Errorf("%d of 600 arrived", r.Summary.Completed)
	}
}

// TestQueueGrowsAtJamSpacing: what cannot leave stands at one vehicle per
// length + gap, and departures wait when the street is full.
func TestQueueGrowsAtJamSpacing(t *testing.T) {
	c := gate(t, 15, time.Hour, time.Second)
	d := column(c, exact(), "aM", "Mz", 60, 2*time.Second)
	r := run(t, sim.Input{City: c, Demand: d, End: 10 * time.Minute})
	in, _ := c.Segments.Find("aM")
	length := float64(c.Lanes.At(geo.LaneID(0)).Length)
	near(t, "vehicles on the street", float64(r.Summary.Unfinished), math.Floor((length-1-5)/7.5)+1, 1)
	if r.Summary.NeverInserted+r.Summary.Unfinished != 60 || r.Summary.Completed != 0 {
		t.Errorf("vehicles lost: %+v", r.Summary)
	}
	near(t, "back of queue, m", float64(r.Segments.QueueBackM[r.Segments.Row(0, in)]), float64(r.Summary.Unfinished)*7.5-2.5+1, 2)
}

// TestHalfTheStepKeepsTheOrderOfPlans: which green is better does not depend
// on the length of the step.
func TestHalfTheStepKeepsTheOrderOfPlans(t *testing.T) {
	delay := func(green time.Duration, step time.Duration) float64 {
		c := gate(t, 40, 90*time.Second-green, green)
		d := column(c, demand.NewType("car", geo.Car), "aM", "Mz", 500, 4*time.Second)
		return run(t, sim.Input{City: c, Demand: d, End: 2000 * time.Second, UntilClear: true, Step: step, Seed: 1}).Summary.MeanDelayS
	}
	greens := []time.Duration{35 * time.Second, 45 * time.Second, 55 * time.Second, 65 * time.Second}
	for i := 1; i < len(greens); i++ {
		for _, step := range []time.Duration{time.Second, time.Second / 2} {
			if long, short := delay(greens[i], step), delay(greens[i-1], step); long >= short {
				t.Errorf("step %v: %v of green give %.1f s of delay, %v give %.1f s", step, greens[i], long, greens[i-1], short)
			}
		}
	}
}

// TestGiveWayCapacityFallsWithTheMajorFlow: the side street passes what gaps in
// the main flow allow, less the more vehicles drive there.
func TestGiveWayCapacityFallsWithTheMajorFlow(t *testing.T) {
	c := netdraw.City("w=====x=====e\n      |\n      |\n      |\n      s")
	passed := func(headway time.Duration) float64 {
		main := column(c, demand.NewType("car", geo.Car), "wx", "xe", int(time.Hour/headway), headway)
		side := column(c, demand.NewType("car", geo.Car), "-xs", "xe", 3000, 1200*time.Millisecond)
		for i := range side.Trips {
			side.Trips[i].ID = "s" + side.Trips[i].ID
		}
		main.Trips = append(main.Trips, side.Trips...)
		r := run(t, sim.Input{City: c, Demand: main, End: time.Hour, Seed: 5})
		n := 0.0
		for _, x := range r.Trips {
			if x.State == sim.Arrived && main.Trips[x.Trip].From == side.Trips[0].From {
				n++
			}
		}
		return n
	}
	last := math.Inf(1)
	for _, headway := range []time.Duration{60 * time.Second, 12 * time.Second, 6 * time.Second, 4 * time.Second} {
		n := passed(headway)
		t.Logf("one vehicle every %v on the main street: %.0f an hour from the side street", headway, n)
		if n >= last {
			t.Errorf("%.0f an hour from the side street at a main headway of %v, no fewer than with less traffic (%.0f)", n, headway, last)
		}
		last = n
	}
}
