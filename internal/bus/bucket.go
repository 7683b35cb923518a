package bus

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/nats-io/nats.go/jetstream"
)

// Bucket is a durable map from keys to values with a revision for each write.
// Keys consist of letters, digits and - _ = / and dots inside.
type Bucket struct {
	kv   jetstream.KeyValue
	name string
}

// Errors of a bucket.
var (
	ErrNotFound = errors.New("key not found")
	ErrExists   = errors.New("key exists")
	ErrStale    = errors.New("value was changed since it was read")
)

// Entry is one value of a bucket. Revisions rise over the whole bucket.
type Entry struct {
	Key      string
	Value    []byte
	Revision uint64
	Deleted  bool // seen by Watch only
}

// Bucket opens the bucket with the given name, making it when absent.
func (b *Bus) Bucket(ctx context.Context, name string) (*Bucket, error) {
	kv, err := b.js.CreateOrUpdateKeyValue(ctx, jetstream.KeyValueConfig{
		Bucket: name, Storage: jetstream.FileStorage, History: 1, Replicas: b.replicas,
	})
	if err != nil {
		return nil, fmt.Errorf("opening bucket %s: %w", name, err)
	}
	return &Bucket{kv, name}, nil
}

// Put stores value under key, replacing what was there.
func (b *Bucket) Put(ctx context.Context, key string, value []byte) (revision uint64, err error) {
	revision, err = b.kv.Put(ctx, key, value)
	return revision, b.wrap("writing", key, err)
}

// Create stores value under key, or fails with ErrExists: of several writers
// exactly one succeeds.
func (b *Bucket) Create(ctx context.Context, key string, value []byte) (revision uint64, err error) {
	revision, err = b.kv.Create(ctx, key, value)
	return revision, b.wrap("creating", key, err)
}

// Update replaces the value read at the given revision, or fails with ErrStale.
func (b *Bucket) Update(ctx context.Context, key string, value []byte, read uint64) (revision uint64, err error) {
	revision, err = b.kv.Update(ctx, key, value, read)
	if api := (*jetstream.APIError)(nil); errors.As(err, &api) && api.ErrorCode == codeWrongLastSequence {
		err = ErrStale
	}
	return revision, b.wrap("updating", key, err)
}

// Get returns the value of key, or ErrNotFound.
func (b *Bucket) Get(ctx context.Context, key string) (Entry, error) {
	e, err := b.kv.Get(ctx, key)
	if err != nil {
		return Entry{}, b.wrap("reading", key, err)
	}
	return entryOf(e), nil
}

// Delete removes key; removing an absent key is no error.
func (b *Bucket) Delete(ctx context.Context, key string) error {
	return b.wrap("deleting", key, b.kv.Purge(ctx, key))
}

// List returns every entry, in key order.
func (b *Bucket) List(ctx context.Context) ([]Entry, error) {
	w, err := b.kv.WatchAll(ctx, jetstream.IgnoreDeletes())
	if err != nil {
		return nil, b.wrap("listing", "", err)
	}
	defer func() { _ = w.Stop() }()
	var out []Entry
	for {
		select {
		case e := <-w.Updates():
			if e == nil { // everything present has been sent
				slices.SortFunc(out, func(x, y Entry) int { return strings.Compare(x.Key, y.Key) })
				return out, nil
			}
			out = append(out, entryOf(e))
		case <-ctx.Done():
			return nil, b.wrap("listing", "", ctx.Err())
		}
	}
}

// Keys returns every key, in order.
func (b *Bucket) Keys(ctx context.Context) ([]string, error) {
	lister, err := b.kv.ListKeys(ctx)
	if err != nil {
		return nil, b.wrap("listing", "", err)
	}
	var out []string
	for key := range lister.Keys() {
		out = append(out, key)
	}
	slices.Sort(out)
	return out, b.wrap("listing", "", ctx.Err())
}

// Watch calls f with every entry present and then with every change, until ctx
// ends; it returns nil then.
func (b *Bucket) Watch(ctx context.Context, f func(Entry)) error {
	w, err := b.kv.WatchAll(ctx)
	if err != nil {
		return b.wrap("watching", "", err)
	}
	defer func() { _ = w.Stop() }()
	for {
		select {
		case e, open := <-w.Updates():
			if !open {
				return nil
			}
			if e != nil {
				f(entryOf(e))
			}
		case <-ctx.Done():
			return nil
		}
	}
}

func entryOf(e jetstream.KeyValueEntry) Entry {
	return Entry{Key: e.Key(), Value: e.Value(), Revision: e.Revision(), Deleted: e.Operation() != jetstream.KeyValuePut}
}

func (b *Bucket) wrap(doing, key string, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, jetstream.ErrKeyNotFound):
		err = ErrNotFound
	case errors.Is(err, jetstream.ErrKeyExists) && !errors.Is(err, ErrStale):
		err = ErrExists
	}
	return fmt.Errorf("%s %s/%s: %w", doing, b.name, key, err)
}
