package twin

import (
	"context"
	"fmt"
	"time"

	"tideway/internal/bus"
	"tideway/scenarios"
)

// WorkerOptions say where a worker finds runs and how many it takes at a time.
type WorkerOptions struct {
	NATS     string
	Synced   bool          // the operator vouches that the server has sync_interval: always
	Workers  int           // 0: 1
	Threads  int           // of a run; 0: all cores
	Patience time.Duration // without a sign of life for so long a run goes to another worker; 15 s
	Report   func(error)   // what went wrong in the background; nil drops it
}

// Work carries out scenario runs of a service on another machine until ctx
// ends. City and demand come from the service through the server; any number
// of workers may share a queue, and a run whose worker died goes to another.
func Work(ctx context.Context, o WorkerOptions) error {
	if o.Report == nil {
		o.Report = func(error) {}
	}
	b, err := bus.Start(bus.Options{URL: o.NATS, AssumeSync: o.Synced, Report: func(s string) { o.Report(fmt.Errorf("bus: %s", s)) }})
	if err != nil {
		return err
	}
	defer b.Stop()
	bases, err := b.Bucket(ctx, catalogue)
	if err != nil {
		return err
	}
	remote := &remoteBase{bucket: bases}
	l, err := openLab(ctx, b, scenarios.Options{Base: remote.get, Threads: o.Threads, Changed: func(string) {}}, o.Patience)
	if err != nil {
		return err
	}
	return l.work(ctx, o.Workers)
}
