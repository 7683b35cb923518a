package twin

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"tideway/internal/bus"
	"tideway/scenarios"
	"tideway/sim"
)

// Rules of runs that a request does not name: the hour clears, and a vehicle
// that stands at the head of its lane for five minutes is released and counted.
const (
	stuckAfter  = 5 * time.Minute
	mapInterval = 15 * time.Minute
)

// openLab opens the scenario lab over the bus's buckets and queue.
func (t *Twin) openLab(ctx context.Context) (err error) {
	var stores [3]scenarios.Store
	for i, name := range []string{"scenarios", "runs", "results"} {
		b, err := t.bus.Bucket(ctx, name)
		if err != nil {
			return err
		}
		stores[i] = store{b}
	}
	if t.queue, err = t.bus.Queue(ctx, bus.QueueOptions{Name: "RUNS"}); err != nil {
		return err
	}
	t.Lab = scenarios.NewLab(scenarios.Options{
		Documents: stores[0], Runs: stores[1], Results: stores[2], Queue: queue{t.queue},
		Base: func(context.Context) (scenarios.Base, error) {
			return scenarios.Base{City: t.City(), Demand: t.o.Demand}, nil
		},
		Period: sim.Input{Begin: t.o.Period.Begin, End: t.o.Period.End, UntilClear: true, StuckAfter: stuckAfter, Interval: mapInterval},
		Engine: sim.Version, Now: time.Now, CPU: cpuTime, Threads: t.o.Threads,
		Changed: func(string) { t.notify.call() },
	})
	return nil
}

// work carries out scenario runs until ctx ends.
func (t *Twin) work(ctx context.Context) {
	err := t.queue.Consume(ctx, t.o.Workers, func(ctx context.Context, j bus.Job) error { return t.Lab.Work(ctx, j.Data, j.Attempt) })
	if err != nil && ctx.Err() == nil {
		t.o.Report(fmt.Errorf("working on runs: %w", err))
	}
}

// store is a bucket as the lab wants it.
type store struct{ b *bus.Bucket }

func (s store) Get(ctx context.Context, key string) ([]byte, error) {
	e, err := s.b.Get(ctx, key)
	return e.Value, translate(err)
}

func (s store) Put(ctx context.Context, key string, value []byte) error {
	_, err := s.b.Put(ctx, key, value)
	return translate(err)
}

func (s store) Create(ctx context.Context, key string, value []byte) error {
	_, err := s.b.Create(ctx, key, value)
	return translate(err)
}

func (s store) Keys(ctx context.Context) ([]string, error) { return s.b.Keys(ctx) }

// translate gives the bus's errors the meaning that the lab and the API expect.
func translate(err error) error {
	switch {
	case errors.Is(err, bus.ErrNotFound):
		return fmt.Errorf("%w: %w", fs.ErrNotExist, err)
	case errors.Is(err, bus.ErrExists):
		return fmt.Errorf("%w: %w", fs.ErrExist, err)
	}
	return err
}

// queue is a work queue as the lab wants it.
type queue struct{ q *bus.Queue }

func (q queue) Publish(ctx context.Context, id string, data []byte) error {
	_, err := q.q.Publish(ctx, id, data)
	return err
}
