// Package world is the hidden world behind the demo: a simulated city whose
// traffic and air are seen by imperfect devices. It runs sim.Engine on a
// synthetic city and its days and turns virtual detectors into readings with
// noise, gaps and faults, and vehicles and weather into what air stations
// measure. Nobody but the devices sees the truth.
//
// It stands on sim, geo/synth and live; internal/twin and the demo feed the
// twin with it. Every reading is a function of city, seed and date alone, so
// the two weeks of history in recorded.parquet can be derived again.
// docs/models/hidden-world.md gives the models.
package world

import (
	"cmp"
	"fmt"
	"time"

	"tideway/geo"
	"tideway/geo/synth"
	"tideway/internal/rng"
	"tideway/live"
	"tideway/sim"
	"tideway/sim/demand"
	"tideway/sim/demand/day"
)

// The city whose history is recorded.
const (
	DefaultSegments = 600
	DefaultSeed     = 1
)

// City returns a synthetic city of about the given number of segments.
func City(segments int) (*geo.City, error) {
	return synth.City(synth.Options{Segments: segments, Seed: DefaultSeed})
}

// Options choose a world.
type Options struct {
	Seed    uint64    // of travel, weather and devices; 0: DefaultSeed, that of the recorded history
	Start   time.Time // first instant that devices see; a quarter of an hour
	Threads int       // 0: all cores
}

// A simulated day runs from turnOver to turnOver, when next to nobody is on
// the road, and is warmed up before: so days are independent of each other.
const (
	turnOver = 3 * time.Hour
	warmUp   = 30 * time.Minute

	// grid is what Start and the ends of intervals are multiples of.
	grid = 15 * time.Minute

	// stuckAfter releases whoever blocks a queue for so long.
	stuckAfter = 5 * time.Minute
)

// World is a hidden world at an instant. It is not safe for concurrent use.
type World struct {
	opt    Options
	city   *geo.City
	model  *day.Model
	engine *sim.Engine
	trips  []demand.Trip // of the day under way, by their number in samples

	midnight time.Time // local, of the day under way
	from     time.Time // devices see nothing before
	loops    []loop
	detect   []sim.Detector
	stations []station
	sky      sky
}

// New returns a world whose devices report from opt.Start on. Its streets are
// empty until the first Advance, which plays the warm-up before opt.Start too.
func New(city *geo.City, opt Options) (*World, error) {
	if opt.Start.Truncate(grid) != opt.Start {
		return nil, fmt.Errorf("the world cannot start at %v, expected a quarter of an hour", opt.Start)
	}
	opt.Seed = cmp.Or(opt.Seed, DefaultSeed)
	model, err := day.New(city, day.Options{Seed: opt.Seed})
	if err != nil {
		return nil, err
	}
	w := &World{opt: opt, city: city, model: model, from: opt.Start, sky: sky{seed: opt.Seed, zone: city.TimeZone}}
	w.placeLoops()
	w.placeStations()
	local := opt.Start.In(city.TimeZone)
	w.midnight = midnight(local)
	if local.Sub(w.midnight) < turnOver {
		w.midnight = midnight(w.midnight.Add(-time.Hour))
	}
	return w, w.begin(opt.Start.Add(-warmUp))
}

func midnight(t time.Time) time.Time {
	y, m, d := t.Date()
	return time.Date(y, m, d, 0, 0, 0, 0, t.Location())
}

// begin starts the simulated day of w.midnight, not before its own warm-up.
func (w *World) begin(at time.Time) error {
	begin := max(at.Sub(w.midnight), turnOver-warmUp)
	d := w.Demand(w.midnight)
	w.trips = d.Trips
	for i := range w.loops { // a day depends on no other
		w.loops[i].held = nil
	}
	engine, err := sim.New(sim.Input{City: w.city, Demand: d, Begin: begin, Seed: rng.Mix(w.opt.Seed + uint64(w.midnight.Unix())),
		Threads: w.opt.Threads, Day: w.midnight.Weekday(), Detectors: w.detect, StuckAfter: stuckAfter})
	w.engine = engine
	return err
}

// Demand returns the trips of a simulated day: from turnOver, with the warm-up
// before it, to turnOver of the next calendar day. Departures count from the
// midnight of date.
func (w *World) Demand(date time.Time) *demand.Demand {
	out := w.model.Part(date, turnOver-warmUp, 24*time.Hour)
	for _, t := range w.model.Part(date.AddDate(0, 0, 1), 0, turnOver).Trips {
		t.Depart += 24 * time.Hour
		out.Trips = append(out.Trips, t)
	}
	return out
}

// Now returns the instant the world has reached.
func (w *World) Now() time.Time { return w.midnight.Add(w.engine.Time()) }

// City returns the city of the world.
func (w *World) City() *geo.City { return w.city }

// Vehicles calls visit for every vehicle on the road, for tests of what the
// devices say against the truth.
func (w *World) Vehicles(visit func(sim.Sample)) { w.engine.Vehicles(visit) }

// Advance lets the world go on until an instant and returns what the devices
// reported meanwhile, by the end of their intervals.
func (w *World) Advance(to time.Time) (*live.Batch, error) {
	b := w.newBatch()
	for {
		next := w.midnight.AddDate(0, 0, 1)
		over := next.Add(turnOver)
		if to.Before(over) {
			w.runTo(to, b)
			return b, nil
		}
		w.runTo(over, b)
		w.midnight = next
		if err := w.begin(over.Add(-warmUp)); err != nil {
			return nil, err
		}
		w.from = over
	}
}

// newBatch returns an empty batch whose sensors are the city's, in its order.
func (w *World) newBatch() *live.Batch {
	b := &live.Batch{}
	for _, s := range w.city.Sensors.All() {
		b.Sensors = append(b.Sensors, s.ID)
	}
	return b
}

// runTo steps the engine to an instant of the day under way.
func (w *World) runTo(to time.Time, b *live.Batch) {
	for w.Now().Before(to) {
		w.engine.Step()
		if at := w.engine.Time(); at%airSample == 0 {
			w.sampleAir()
			w.loopReadings(b)
			w.airReadings(b)
		}
	}
}
