package sim_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"gonum.org/v1/gonum/stat"

	"tideway/geo"
	"tideway/internal/netdraw"
	"tideway/sim"
	"tideway/sim/demand"
)

// TestStartUpLostTime: the times at which a queue that starts from standing
// passes the stop line lie on a straight line with the slope of the saturation
// headway, which begins later than the green by the time lost in accelerating,
// v/(2a) - dt/2 in steps of dt, and the metre before the line.
func TestStartUpLostTime(t *testing.T) {
	red := 200 * time.Second
	c := gate(t, 40, red, 700*time.Second)
	in, _ := c.Segments.Find("aM")
	r := run(t, sim.Input{City: c, Demand: column(c, exact(), "aM", "Mz", 60, 2*time.Second), End: 10 * time.Minute,
		Detectors: []sim.Detector{{ID: "line", Segment: in, Lane: geo.NoLane, At: c.Segments.At(in).Length - 0.2, Interval: time.Second}}})
	var order, times []float64
	for _, x := range r.Detectors {
		for range x.Count {
			order, times = append(order, float64(len(order))), append(times, x.Begin.Seconds()+0.5)
		}
	}
	begin, headway := stat.LinearRegression(order[8:56], times[8:56], nil, false)
	near(t, "start-up lost time, s", begin-red.Seconds(), limitMPS/(2*2.6)-0.5+1/limitMPS, 1)
	near(t, "saturation headway, s", headway, 1+7.5/limitMPS, 0.02)
	near(t, "vehicles over the loop", float64(len(times)), 60, 0)
}

// TestSpillback: before a closed line the queue grows upstream with the speed
// q / (1/(length+gap) - q/v) of the kinematic wave.
func TestSpillback(t *testing.T) {
	c := gate(t, 80, time.Hour, time.Second)
	headway := 5 * time.Second
	e, err := sim.New(sim.Input{City: c, Demand: column(c, exact(), "aM", "Mz", 500, headway), End: time.Hour, Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	back := func(until time.Duration) float64 {
		for e.Time() < until {
			e.Step()
		}
		last := math.Inf(1)
		e.Vehicles(func(s sim.Sample) {
			if s.SpeedMPS < 0.1 && s.PosM > 6 {
				last = min(last, s.PosM)
			}
		})
		return last
	}
	early, late := back(250*time.Second), back(650*time.Second)
	q := 1 / headway.Seconds()
	want := q / (1/7.5 - q/limitMPS)
	near(t, "speed of the back of the queue, m/s", (early-late)/400, want, 0.04*want)
}

// TestABusAtItsStopHoldsUpTheLane: who comes while it stands for D queues up;
// with arrivals q and discharge s they lose q·s·D²/(2(s-q)) in all.
func TestABusAtItsStopHoldsUpTheLane(t *testing.T) {
	c := gate(t, 60, time.Second, 2*time.Hour)
	out, _ := c.Segments.Find("Mz")
	lane, _ := c.LanesOf(out)
	loss := func(dwell time.Duration) float64 {
		d := column(c, exact(), "aM", "Mz", 150, 5*time.Second)
		d.Trips[40].Stops = []demand.Halt{{Lane: lane, Begin: 300, End: 320, Duration: dwell}}
		return run(t, sim.Input{City: c, Demand: d, End: time.Hour, UntilClear: true}).Summary.MeanTimeLossS * 150
	}
	q, s := 0.2, limitMPS/(limitMPS+7.5)
	short, long := loss(60*time.Second), loss(120*time.Second)
	want := q * s / (2 * (s - q)) * (120*120 - 60*60)
	near(t, "loss of 120 s more than that of 60 s", long-short, want, 0.12*want)
}

// TestAMergeIsFullySaturated: two full streets that become one give it no more
// than a lane can take, and not much less.
func TestAMergeIsFullySaturated(t *testing.T) {
	c := netdraw.City("w----x----------e\n     |\n     |\n     |\n     |\n     s")
	out, ok := c.Segments.Find("xe")
	if !ok {
		t.Fatal("no street xe")
	}
	d := column(c, demand.NewType("car", geo.Car), "wx", "xe", 1500, 2*time.Second)
	side := column(c, demand.NewType("car", geo.Car), "-xs", "xe", 1500, 2*time.Second)
	for i := range side.Trips {
		side.Trips[i].ID = "s" + side.Trips[i].ID
	}
	d.Trips = append(d.Trips, side.Trips...)
	r := run(t, sim.Input{City: c, Demand: d, End: 1800 * time.Second, Seed: 3,
		Detectors: []sim.Detector{{ID: "far", Segment: out, Lane: geo.NoLane, At: 150, Interval: time.Minute}}})
	n := 0.0
	for _, x := range r.Detectors {
		if x.Begin >= 5*time.Minute {
			n += float64(x.Count)
		}
	}
	flow, most := n/1500, limitMPS/(limitMPS+7.5)
	if flow > most || flow < 0.6*most {
		t.Errorf("%.3f veh/s behind the merge, a lane takes %.3f", flow, most)
	}
}

// crossing is a street that gives way to another one and ends there.
const crossing = "w--------------------x--------------------e\n                     |\n                     |\n                     |\n                     |\n                     s"

// entering counts who turns left out of a full side street while vehicles pass
// from the left on the main street with the given headways.
func entering(t *testing.T, headways []time.Duration) (n int) {
	c := netdraw.City(crossing)
	d := column(c, exact(), "wx", "xe", len(headways), time.Second)
	at, whole := time.Duration(0), time.Duration(0)
	for i, h := range headways {
		d.Trips[i].Depart = at
		at += h
	}
	whole = at
	side := column(c, exact(), "-xs", "-wx", int(whole/(2*time.Second)), 2*time.Second)
	for i := range side.Trips {
		side.Trips[i].ID = "s" + side.Trips[i].ID
	}
	d.Trips = append(d.Trips, side.Trips...)
	r := run(t, sim.Input{City: c, Demand: d, End: whole, Seed: 5})
	for _, x := range r.Trips {
		if from := d.Trips[x.Trip].From; x.State == sim.Arrived && from == side.Trips[0].From {
			n++
		}
	}
	return n
}

// TestGiveWayCapacity: the number who use a gap, measured gap by gap, gives the
// capacity with random gaps (the gap acceptance of Harders and Siegloch: a gap h
// lets in 1 + (h - tc)/tf, rounded down).
func TestGiveWayCapacity(t *testing.T) {
	const gaps = 150
	var perGap []float64 // by seconds of headway
	for h := range 26 {
		n := 0.0
		if h >= 2 {
			n = float64(entering(t, slices.Repeat([]time.Duration{time.Duration(h) * time.Second}, gaps))) / gaps
		}
		perGap = append(perGap, n)
	}
	t.Logf("vehicles per gap of 0, 1, 2 ... s: %.2f", perGap)
	follow := (25 - 10) / (perGap[25] - perGap[10])
	if follow < 2.2 || follow > 4.3 {
		t.Errorf("follow-up time %.2f s, HCM 7 gives 2.2 to 4.3 s", follow)
	}
	for _, mean := range []float64{5, 8} {
		r := rand.New(rand.NewPCG(1, 2))
		var list []time.Duration
		want := 0.0
		for range 400 {
			h := min(25, 2+int(r.ExpFloat64()*(mean-2)+0.5))
			list = append(list, time.Duration(h)*time.Second)
			want += perGap[h]
		}
		near(t, "vehicles in random gaps", float64(entering(t, list)), want, 0.2*want)
	}
}
