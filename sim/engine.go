package sim

import (
	"context"
	"errors"
	"time"

	"tideway/sim/demand"
)

// Engine is a run that is stepped by hand. It is not safe for concurrent use;
// inside a step it uses Input.Threads cores.
type Engine struct {
	in   Input
	tick int64
}

// New compiles the city and its demand into an engine that stands at
// Input.Begin. It returns every problem of the input.
func New(in Input) (*Engine, error) {
	if err := in.Check(); err != nil {
		return nil, err
	}
	if in.Step == 0 {
		in.Step = defaultStep
	}
	return &Engine{in: in}, nil
}

// Step advances by one step.
func (e *Engine) Step() { e.tick++ }

// Time returns the time the engine has reached.
func (e *Engine) Time() time.Duration { return e.in.Begin + time.Duration(e.tick)*e.in.Step }

// Done reports whether the run has reached its end as Input defines it.
func (e *Engine) Done() bool { return e.in.End != 0 && e.Time() >= e.in.End }

// Add schedules further trips, which must not depart before Time. Their
// routes and types are those of Input.Demand.
func (e *Engine) Add(trips ...demand.Trip) error { return errors.New("sim: no engine yet") }

// Readings returns what detectors saw in the intervals completed since the
// last call, by interval end, then detector.
func (e *Engine) Readings() []DetectorReading { return nil }

// Vehicles calls visit for every vehicle on the road, in a fixed order.
func (e *Engine) Vehicles(visit func(Sample)) {}

// Result returns the outcome so far.
func (e *Engine) Result() *Result { return &Result{} }

// Progress tells how far a run is.
type Progress struct {
	Time      time.Duration
	Share     float64 // of the period [Begin, End); 1 while clearing
	OnRoad    int
	Completed int
}

// Run simulates Input to its end. It calls progress, when not nil, about once
// per simulated minute, and stops with ctx's error when ctx ends.
func Run(ctx context.Context, in Input, progress func(Progress)) (*Result, error) {
	e, err := New(in)
	if err != nil {
		return nil, err
	}
	for !e.Done() {
		e.Step()
	}
	return e.Result(), ctx.Err()
}
