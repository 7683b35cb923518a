package twin

import (
	"archive/zip"
	"bytes"
	"context"
	"fmt"
	"io"
	"sync"

	"tideway/geo"
	"tideway/geo/gmns"
	"tideway/internal/bus"
	"tideway/scenarios"
	"tideway/sim/demand/csv"
)

// The catalogue holds what is in force, so that a worker on another machine
// needs the server's address and nothing else: under baseKey the version of
// the city, under that version the city's tables and its demand's.
const (
	catalogue = "catalogue"
	baseKey   = "base"
)

// publish puts a base in force for workers.
func publish(ctx context.Context, b *bus.Bucket, base scenarios.Base) error {
	data, err := pack(base)
	if err != nil {
		return fmt.Errorf("packing city %s for workers: %w", base.City.Version, err)
	}
	if _, err := b.Put(ctx, base.City.Version, data); err != nil {
		return err
	}
	_, err = b.Put(ctx, baseKey, []byte(base.City.Version))
	return err
}

func pack(base scenarios.Base) ([]byte, error) {
	var out bytes.Buffer
	z := zip.NewWriter(&out)
	create := func(name string) (io.WriteCloser, error) {
		w, err := z.Create(name)
		return nopCloser{w}, err
	}
	if err := gmns.Write(create, base.City); err != nil {
		return nil, err
	}
	if err := csv.Write(create, base.City, base.Demand); err != nil {
		return nil, err
	}
	err := z.Close()
	return out.Bytes(), err
}

type nopCloser struct{ io.Writer }

func (nopCloser) Close() error { return nil }

func unpack(data []byte) (scenarios.Base, error) {
	z, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return scenarios.Base{}, err
	}
	city, _, err := gmns.Read(z)
	if err != nil {
		return scenarios.Base{}, err
	}
	trips, err := csv.Read(z, city)
	return scenarios.Base{City: city, Demand: trips}, err
}

// remoteBase reads the base in force from the catalogue and keeps the newest.
type remoteBase struct {
	bucket *bus.Bucket
	mu     sync.Mutex
	held   scenarios.Base
}

func (r *remoteBase) get(ctx context.Context) (scenarios.Base, error) {
	version, err := r.bucket.Get(ctx, baseKey)
	if err != nil {
		return scenarios.Base{}, fmt.Errorf("no service has published its city yet: %w", err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.held.City != nil && r.held.City.Version == string(version.Value) {
		return r.held, nil
	}
	packed, err := r.bucket.Get(ctx, string(version.Value))
	if err != nil {
		return scenarios.Base{}, err
	}
	base, err := unpack(packed.Value)
	if err != nil {
		return scenarios.Base{}, fmt.Errorf("unpacking city %s: %w", version.Value, err)
	}
	if base.City.Version != string(version.Value) {
		return scenarios.Base{}, fmt.Errorf("city %s was read back as %s", version.Value, base.City.Version)
	}
	r.held = base
	return base, nil
}

// inForce is the base of runs in this process.
func (t *Twin) inForce(context.Context) (scenarios.Base, error) {
	return scenarios.Base{City: t.City(), Demand: t.o.Demand}, nil
}

// announce tells workers of the city in force; an embedded server has none
// outside this process.
func (t *Twin) announce(ctx context.Context, city *geo.City) error {
	if t.o.Demand == nil || t.o.NATS == "" {
		return nil
	}
	b, err := t.bus.Bucket(ctx, catalogue)
	if err != nil {
		return err
	}
	return publish(ctx, b, scenarios.Base{City: city, Demand: t.o.Demand})
}
