package livecli

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"tideway/api/client"
	"tideway/geo"
	"tideway/internal/bus"
	"tideway/live"
	"tideway/live/ingest"
)

// remote is a running service.
type remote struct{ c *client.Client }

func newRemote(url, key string) remote { return remote{client.New(url, key, nil)} }

func (r remote) put(ctx context.Context, b *live.Batch, unstated bool) (live.Answer, error) {
	kind, body := ingest.TypeColumns, ingest.AppendColumns(nil, b)
	if unstated { // only the service knows the sensors' units
		kind, body = ingest.TypeJSON, ingest.AppendJSON(nil, b)
	}
	in, err := r.c.PutBody(ctx, b.Client, kind, body)
	a := live.Answer{Accepted: in.Accepted, Rejected: in.Rejected, Duplicates: in.Duplicates, Revisions: in.Revisions, ByReason: map[live.Reason]int{}}
	for why, n := range in.ByReason {
		a.ByReason[live.Reason(why)] = n
	}
	return a, err
}

// Close has nothing to close.
func (remote) Close() error { return nil }

// folder is the data folder of a service that is not running.
type folder struct {
	bus  *bus.Bus
	feed *live.Feed
}

func openFolder(ctx context.Context, dir string, city *geo.City) (*folder, error) {
	b, err := bus.Start(bus.Options{Dir: filepath.Join(dir, "bus")})
	if err != nil {
		return nil, fmt.Errorf("opening %s: %w (is a service running on it? then use --to)", dir, err)
	}
	log, err := b.Log(ctx, live.LogName)
	if err == nil {
		var feed *live.Feed
		if feed, err = live.Open(ctx, live.Options{City: city, Dir: filepath.Join(dir, "readings"), Log: log, MaxMessage: b.MaxMessage()}); err == nil {
			return &folder{b, feed}, nil
		}
	}
	b.Stop()
	return nil, err
}

func (f *folder) put(ctx context.Context, b *live.Batch, _ bool) (live.Answer, error) {
	return f.feed.Put(ctx, b)
}

// Close seals what was taken in and lets the folder go.
func (f *folder) Close() error {
	err := f.feed.Close()
	f.bus.Stop()
	return errors.Join(err)
}
