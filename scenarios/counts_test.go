package scenarios

import (
	"math"
	"strings"
	"testing"
	"time"

	"tideway/geo"
	"tideway/sim"
)

// countsLike returns counts of a day per factor that are the simulated flows
// of one run times it.
func countsLike(city *geo.City, res *sim.Result, interval time.Duration, factors ...float64) *Counts {
	out := &Counts{Interval: interval}
	for d, f := range factors {
		for s := range city.Segments.All() {
			for k := range int(time.Hour / interval) {
				v := float64(res.Segments.Left[res.Segments.Row(k, s)]) / interval.Hours()
				out.Rows = append(out.Rows, Count{Segment: s, Day: string(rune('a' + d)), Begin: time.Duration(k) * interval, FlowVPH: f * v})
			}
		}
	}
	return out
}

// Days that scatter around what is simulated are fitted everywhere by all
// criteria; days with twice the traffic nowhere that has some.
func TestCalibrationKnowsTheDaysItCameFrom(t *testing.T) {
	base := crossBase(t)
	period := sim.Input{End: time.Hour, Seed: 3}
	in := period
	in.City, in.Demand, in.Interval = base.City, base.Demand, 10*time.Minute
	res, err := sim.Run(t.Context(), in, nil)
	if err != nil {
		t.Fatal(err)
	}
	counts := countsLike(base.City, res, in.Interval, 0.9, 1, 1.1)
	c, err := counts.Calibrate(t.Context(), BaseCase(base), period, 1)
	if err != nil {
		t.Fatal(err)
	}
	if len(c.Places) != base.City.Segments.Len() || c.GEHBelow5 != 1 || !c.GEHMet || c.Judged != len(c.Places) || c.Replicated != c.Judged || c.Places[0].Day != "b" {
		t.Errorf("%+v", c)
	}
	double, err := countsLike(base.City, res, in.Interval, 1.9, 2, 2.1).Calibrate(t.Context(), BaseCase(base), period, 1)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range double.Places {
		if p.SimulatedVPH > 100 && (p.GEH < 5 || p.Fit.Acceptable || math.Abs(p.CountedVPH-2*p.SimulatedVPH) > 1e-6) {
			t.Errorf("half the traffic fits: %+v, %+v", p, p.Fit)
		}
	}
}

// Lanes of one segment add up; a day with a gap is left out; counts outside of
// the period are told and not used.
func TestCountsOfASegment(t *testing.T) {
	base, wc := crossBase(t), segment(t, crossBase(t).City, "wc")
	quarter := 15 * time.Minute
	c := &Counts{Interval: quarter, Rows: []Count{
		{wc, "mon", 0, 100}, {wc, "mon", 0, 50}, {wc, "mon", quarter, 200}, {wc, "tue", 0, 300}, {wc, "mon", 2 * time.Hour, 7}}}
	got, err := c.Calibrate(t.Context(), BaseCase(base), sim.Input{End: time.Hour}, 1)
	if err != nil {
		t.Fatal(err)
	}
	if p := got.Places[0]; len(got.Places) != 1 || p.Days != 1 || p.Day != "mon" || p.Intervals != 2 || p.CountedVPH != 175 || p.Fit != nil || got.Outside != 1 {
		t.Errorf("%+v", got)
	}
	for want, rows := range map[string][]Count{"none of 1 counts": {{wc, "", 3 * time.Hour, 1}}, "expected a multiple": {{wc, "", time.Minute, 1}}} {
		if err := (&Counts{Interval: quarter, Rows: rows}).Check(sim.Input{End: time.Hour}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, expected %q", err, want)
		}
	}
}
