package world

import (
	"math"
	"time"

	"tideway/geo"
	"tideway/internal/rng"
	"tideway/live"
	"tideway/sim"
)

// loop is a station on the approach to a signal: induction loops across all
// lanes count and tell occupancy, a radar looks upstream from there and tells
// the mean speed of the vehicles it sees. That speed falls when the queue grows
// beyond what one red makes.
type loop struct {
	sensor uint32 // in the city
	device
	speedBias float64
	held      *seen // what it reports while it is stuck
}

// seen is what a loop reports of one interval.
type seen struct {
	flowVPH, speedKMH, occupancy float64
	speedKnown                   bool
}

// Errors in the range that manufacturers and test sites give for single
// inductive loops and traffic radars.
const (
	speedBiasDev  = 0.02  // of a device, relative
	speedNoiseKMH = 4.0   // of one vehicle's speed
	missShare     = 0.015 // of vehicles not counted
	coverNoise    = 0.03  // of occupancy, relative
	lossOdds      = 0.004 // of a report that does not arrive
	spikeOdds     = 0.0006
)

func (w *World) placeLoops() {
	for id, s := range w.city.Sensors.All() {
		if s.Segment == geo.NoSegment || len(s.Measures) == 0 {
			continue
		}
		l := loop{sensor: uint32(id), device: device{seed: w.opt.Seed, key: rng.Hash(s.ID)}}
		luck := rng.New(w.opt.Seed, l.key, rng.Noise)
		l.speedBias = 1 + speedBiasDev*luck.Normal()
		w.loops = append(w.loops, l)
		w.detect = append(w.detect, sim.Detector{ID: s.ID, Kind: sim.Loop, Segment: s.Segment, Lane: s.Lane, At: s.At, Interval: s.Measures[0].Interval},
			sim.Detector{ID: s.ID, Kind: sim.LaneArea, Segment: s.Segment, Lane: s.Lane, Length: max(s.At, 1), Interval: s.Measures[0].Interval})
	}
}

// loopReadings adds what stations report of the intervals that are over: loop
// and radar of one station follow each other.
func (w *World) loopReadings(b *live.Batch) {
	all := w.engine.Readings()
	for i := 0; i+1 < len(all); i += 2 {
		r := all[i]
		r.SpeedKMH = all[i+1].SpeedKMH
		if end := w.midnight.Add(r.Begin + r.Interval); end.After(w.from) {
			w.loops[r.Detector/2].report(r, end, b)
		}
	}
}

func (l *loop) report(r sim.DetectorReading, end time.Time, b *live.Batch) {
	luck := rng.New(l.seed, l.key+uint64(end.Unix()), rng.Noise)
	// What fails is drawn first: it must not depend on the traffic.
	lost, spike, burst := luck.Float64() < lossOdds, luck.Float64() < spikeOdds, luck.Between(150, 450)
	said := l.measure(r, &luck)
	switch l.state(end) {
	case broken:
		return
	case stuck:
		if l.held == nil {
			l.held = &said
		}
		said = *l.held
	default:
		l.held = nil
	}
	if lost {
		return
	}
	if spike { // a burst on the line: often more than any vehicle drives
		said.speedKMH, said.speedKnown = round(burst, geo.Speed), true
	}
	if said.speedKnown {
		b.Add(l.sensor, geo.Speed, end, r.Interval, said.speedKMH)
	}
	b.Add(l.sensor, geo.Flow, end, r.Interval, said.flowVPH)
	b.Add(l.sensor, geo.Occupancy, end, r.Interval, said.occupancy)
}

// measure is the truth with the errors of a working loop. Without vehicles it
// has no speed to report.
func (l *loop) measure(r sim.DetectorReading, luck *rng.Stream) seen {
	count := max(0, r.Count-luck.Poisson(missShare*float64(r.Count)))
	s := seen{flowVPH: round(float64(count)*float64(time.Hour/r.Interval), geo.Flow),
		occupancy: round(math.Max(0, math.Min(1, r.Occupancy*(1+coverNoise*luck.Normal()))), geo.Occupancy)}
	noise := luck.Normal()
	if count > 0 && !math.IsNaN(r.SpeedKMH) {
		s.speedKMH = round(math.Max(0, r.SpeedKMH*l.speedBias+speedNoiseKMH*noise/math.Sqrt(float64(count))), geo.Speed)
		s.speedKnown = true
	}
	return s
}

// steps are how finely devices report, in canonical units.
var steps = map[geo.Quantity]float64{geo.Speed: 0.5, geo.Flow: 1, geo.Occupancy: 0.001, geo.CO: 0.01, geo.NO2: 0.1, geo.O3: 0.1, geo.PM10: 0.1, geo.PM25: 0.1,
	geo.Temperature: 0.1, geo.WindSpeed: 0.1, geo.WindDirection: 1, geo.Humidity: 1, geo.Pressure: 0.1, geo.Radiation: 1, geo.Precipitation: 0.1}

// round returns the nearest value that a device can report.
func round(v float64, q geo.Quantity) float64 { return decode(encode(v, q), q) }

// encode and decode turn a value into a number of steps and back.
func encode(v float64, q geo.Quantity) int32 { return int32(math.Round(v / steps[q])) }

// decode divides by the number of steps in a unit, a whole number, so that the
// result is the float64 nearest to the decimal value.
func decode(n int32, q geo.Quantity) float64 { return float64(n) / math.Round(1/steps[q]) }
