package twin

import (
	"context"
	"fmt"

	"tideway/internal/bus"
	"tideway/scenarios"
)

// WorkerOptions say where a worker finds runs and how many it takes at a time.
type WorkerOptions struct {
	NATS    string
	Workers int         // 0: 1
	Threads int         // of a run; 0: all cores
	Report  func(error) // what went wrong in the background; nil drops it
}

// Work carries out scenario runs of a service on another machine until ctx
// ends. City and demand come from the service through the server; any number
// of workers may share a queue, and a run whose worker died goes to another.
func Work(ctx context.Context, o WorkerOptions) error {
	if o.Report == nil {
		o.Report = func(error) {}
	}
	b, err := bus.Start(bus.Options{URL: o.NATS, Report: func(s string) { o.Report(fmt.Errorf("bus: %s", s)) }})
	if err != nil {
		return err
	}
	defer b.Stop()
	bases, err := b.Bucket(ctx, catalogue)
	if err != nil {
		return err
	}
	remote := &remoteBase{bucket: bases}
	l, err := openLab(ctx, b, scenarios.Options{Base: remote.get, Threads: o.Threads, Changed: func(string) {}})
	if err != nil {
		return err
	}
	return l.work(ctx, o.Workers)
}
