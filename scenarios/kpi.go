package scenarios

import (
	"math"
	"time"

	"tideway/geo"
	"tideway/sim"
	"tideway/sim/demand"
	"tideway/sim/signal"
)

// measure is one indicator: its name, unit, improving direction, and how a run
// gives it. NaN: the run does not have it.
type measure struct {
	name, unit string
	higher     bool // higher is better
	whole      bool // also meaningful for a run that stood still
	of         func(*reading) float64
}

// reading is a finished run with its input.
type reading struct {
	in  *sim.Input
	res *sim.Result
	air *breathed // nil: the air is not asked for
}

// measures returns the indicators of a base: the network's, and per class of
// vehicles those that the demand holds.
func measures(base *Case) []measure {
	sum := func(f func(*sim.Summary) float64) func(*reading) float64 {
		return func(r *reading) float64 { return f(&r.res.Summary) }
	}
	out := []measure{
		{"delay", "s", false, true, sum(func(s *sim.Summary) float64 { return s.MeanDelayS })},
		{"travel_time", "s", false, false, sum(func(s *sim.Summary) float64 { return s.MeanTravelTimeS })},
		{"travel_time_p95", "s", false, false, sum(func(s *sim.Summary) float64 { return s.P95TravelTimeS })},
		{"time_loss", "s", false, false, sum(func(s *sim.Summary) float64 { return s.MeanTimeLossS })},
		{"waiting", "s", false, false, sum(func(s *sim.Summary) float64 { return s.MeanWaitingTimeS })},
		{"stops", "per trip", false, false, sum(func(s *sim.Summary) float64 { return s.MeanStops })},
		{"departure_delay", "s", false, false, sum(func(s *sim.Summary) float64 { return s.MeanDepartureDelayS })},
		{"completed", "trips", true, true, sum(func(s *sim.Summary) float64 { return float64(s.Completed) })},
		{"unfinished", "trips", false, true, sum(unfinished)},
		{"vehicle_hours", "h", false, true, sum(func(s *sim.Summary) float64 { return s.VehicleSeconds / 3600 })},
		{"queue_back_p95", "m", false, true, queueBack},
		{"arrivals_on_green", "share", true, false, arrivalsOnGreen},
		{"saturation", "share", false, false, saturation},
		{"los_e_f", "share", false, false, crowded},
		{"split_failures", "greens", false, true, splitFailures},
	}
	for _, class := range classesOf(base.Demand) {
		out = append(out, measure{"delay." + class.String(), "s", false, true, func(r *reading) float64 { return classDelay(r, class) }})
	}
	return out
}

func unfinished(s *sim.Summary) float64 { return float64(s.Unfinished + s.NeverInserted) }

// classesOf returns the classes that travel, none when all are the same.
func classesOf(d *demand.Demand) (out []geo.Class) {
	var seen geo.ClassSet
	for i := range d.Trips {
		seen |= geo.Classes(d.Types[d.Trips[i].Type].Class)
	}
	for c := geo.Car; geo.AllClasses.Has(c); c++ {
		if seen.Has(c) {
			out = append(out, c)
		}
	}
	if len(out) < 2 {
		return nil
	}
	return out
}

// queueBack returns the 95th percentile, over approaches of signals, of how
// far standing vehicles reached back.
func queueBack(r *reading) float64 {
	var back []float64
	t := &r.res.Segments
	for s := range r.in.City.Segments.All() {
		if !signalised(r.in.City, s) || int(s) >= t.Segments {
			continue
		}
		far := 0.0
		for k := range t.Intervals {
			far = math.Max(far, float64(t.QueueBackM[t.Row(k, s)]))
		}
		back = append(back, far)
	}
	return Quantile(back, 0.95)
}

func signalised(c *geo.City, s geo.SegmentID) bool {
	first, n := c.LanesOf(s)
	for l := first; l < first+geo.LaneID(n); l++ {
		for _, m := range c.MovementsFrom(l) {
			if c.Movements.At(m).Signal != geo.NoSignal {
				return true
			}
		}
	}
	return false
}

// arrivalsOnGreen returns the mean over signalised movements, weighted by the
// vehicles that passed.
func arrivalsOnGreen(r *reading) float64 { return weighted(r, r.res.Movements.ArrivalsOnGreen) }

// saturation returns the degree of saturation in the same manner.
func saturation(r *reading) float64 { return weighted(r, r.res.Movements.Saturation) }

func weighted(r *reading, column []float32) float64 {
	var sum, weight float64
	for i, v := range column {
		if v := float64(v); !math.IsNaN(v) {
			w := float64(r.res.Movements.Passed[i])
			sum, weight = sum+w*v, weight+w
		}
	}
	return sum / weight
}

// crowded returns the share of vehicles at signals whose movement is at level of
// service E or F: more than 55 s of delay on average.
func crowded(r *reading) float64 {
	var bad, all float64
	t := &r.res.Movements
	for i, delay := range t.DelayS {
		m := geo.MovementID(i % t.Movements)
		if n := float64(t.Passed[i]); n > 0 && r.in.City.Movements.At(m).Signal != geo.NoSignal {
			all += n
			if signal.LevelOfService(time.Duration(float64(delay)*float64(time.Second)), 0, signal.HCM7) >= 'E' {
				bad += n
			}
		}
	}
	return bad / all
}

func splitFailures(r *reading) float64 {
	var n float64
	for _, v := range r.res.Movements.SplitFailures {
		n += float64(v)
	}
	return n
}

// classDelay returns time loss and departure delay over all scheduled trips of
// a class; who never departed waited until the run's end.
func classDelay(r *reading, class geo.Class) float64 {
	end := r.in.Begin + time.Duration(r.res.Summary.StepS*float64(r.res.Summary.Steps)*float64(time.Second))
	var sum, n float64
	for i := range r.res.Trips {
		t := &r.res.Trips[i]
		if r.in.Demand.Types[t.Type].Class != class {
			continue
		}
		from := t.InsertedS
		if math.IsNaN(from) {
			from = end.Seconds()
		}
		sum += t.TimeLossS + math.Max(0, from-t.DepartS)
		n++
	}
	return sum / n
}
