package twin

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"tideway/internal/bus"
	"tideway/internal/usage"
	"tideway/scenarios"
	"tideway/sim"
)

// Rules of runs that a request does not name: the hour clears, and a vehicle
// that stands at the head of its lane for five minutes is released and counted.
const (
	stuckAfter  = 5 * time.Minute
	mapInterval = 15 * time.Minute

	// runDay is the day of the signals' schedules: a demand is one of working
	// days, and plans of the peaks are in force on these alone.
	runDay = time.Monday
)

// lab is the scenario lab over the bus's buckets and queue.
type lab struct {
	*scenarios.Lab
	queue   *bus.Queue
	drawing chan struct{} // holds one: reports simulate, and one at a time is enough
}

// openLab completes o, which names the base, and opens the lab.
// patience is how long a worker may be silent before its run goes to another;
// 0: the queue's own.
func openLab(ctx context.Context, b *bus.Bus, o scenarios.Options, patience time.Duration) (*lab, error) {
	var stores [3]scenarios.Store
	for i, name := range []string{"scenarios", "runs", "results"} {
		bucket, err := b.Bucket(ctx, name)
		if err != nil {
			return nil, err
		}
		stores[i] = store{bucket}
	}
	q, err := b.Queue(ctx, bus.QueueOptions{Name: "RUNS", AckWait: patience, MaxDeliver: scenarios.MaxAttempts + 1})
	if err != nil {
		return nil, err
	}
	if o.Air, err = scenarios.DefaultAir(); err != nil {
		return nil, err
	}
	o.Documents, o.Runs, o.Results, o.Queue = stores[0], stores[1], stores[2], queue{q}
	o.Engine, o.Now, o.CPU = sim.Version, time.Now, usage.CPU
	o.Period.Day = runDay
	o.Period.UntilClear, o.Period.StuckAfter, o.Period.Interval = true, stuckAfter, mapInterval
	return &lab{scenarios.NewLab(o), q, make(chan struct{}, 1)}, nil
}

// work carries out scenario runs, so many at a time, until ctx ends.
func (l *lab) work(ctx context.Context, workers int) error {
	err := l.queue.Consume(ctx, workers, func(ctx context.Context, j bus.Job) error { return l.Lab.Work(ctx, j.Data, j.Attempt) })
	if err != nil && ctx.Err() == nil {
		return fmt.Errorf("working on runs: %w", err)
	}
	return nil
}

// store is a bucket as the lab and the forecasts want it.
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

func (s store) Delete(ctx context.Context, key string) error { return translate(s.b.Delete(ctx, key)) }

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
