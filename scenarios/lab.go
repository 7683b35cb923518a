package scenarios

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"sync"
	"time"

	"tideway/sim"
	"tideway/sim/demand"
)

// Store is a durable map. Get of an absent key wraps fs.ErrNotExist; of several
// concurrent Creates of a key exactly one succeeds, the others wrap
// fs.ErrExist. Keys consist of letters, digits and dots.
type Store interface {
	Get(ctx context.Context, key string) ([]byte, error)
	Put(ctx context.Context, key string, value []byte) error
	Create(ctx context.Context, key string, value []byte) error
	Keys(ctx context.Context) ([]string, error) // sorted
}

// Queue hands each job to one living worker at a time and again when that one
// died; publishing an id twice is publishing it once.
type Queue interface {
	Publish(ctx context.Context, id string, data []byte) error
}

// Options are what a lab works with.
type Options struct {
	Documents Store // scenarios
	Runs      Store // runs and their progress
	Results   Store // one result per run, and its maps
	Queue     Queue

	Base   func(ctx context.Context) (Base, error) // what is in force
	Period sim.Input                               // template of runs: Begin, End and rules; Request overrides the period
	Engine string                                  // version of the engine, part of a run's identity
	Now    func() time.Time
	CPU    func() time.Duration // CPU time of the process; nil: not measured

	Air      *Air            // how runs judge the air; nil: not at all
	Threads  int             // of a run; 0: all cores
	Changed  func(id string) // called when a run changed here; nil: nobody wants to know
	Simulate Simulate        // nil: sim.Run
}

// Lab is the scenario lab as a service: it keeps documents, hands runs to
// workers and keeps what they found. Any number of labs may share stores and
// queue; Work is called by the workers. Its methods are safe for concurrent use.
type Lab struct {
	o  Options
	mu sync.Mutex
	of *demand.Demand // that demandID names
	id string

	counting chan struct{} // holds one: who counts the turns of the base
	counted  passages
}

// NewLab returns a lab over its stores.
func NewLab(o Options) *Lab {
	if o.Changed == nil {
		o.Changed = func(string) {}
	}
	if o.CPU == nil {
		o.CPU = func() time.Duration { return 0 }
	}
	return &Lab{o: o, counting: make(chan struct{}, 1)}
}

// storedDocument is a value of Options.Documents.
type storedDocument struct {
	Created  time.Time `json:"created_at"`
	Document *Document `json:"document"`
}

// CheckScenario resolves a document against the base in force, and returns it
// applied, or every problem as a *fault.Error.
func (l *Lab) CheckScenario(ctx context.Context, d *Document) (*Case, error) {
	base, err := l.o.Base(ctx)
	if err != nil {
		return nil, err
	}
	return l.applied(ctx, d, base)
}

func (l *Lab) applied(ctx context.Context, d *Document, base Base) (*Case, error) {
	flat, err := Flatten(d, func(id string) (*Document, error) {
		under, _, err := l.Scenario(ctx, id)
		return under, err
	})
	if err != nil {
		return nil, err
	}
	c, err := Apply(flat, base)
	if err != nil {
		return nil, err
	}
	c.ID = d.ID()
	return c, nil
}

// AddScenario checks and stores a document and returns its id; storing it
// again changes nothing.
func (l *Lab) AddScenario(ctx context.Context, d *Document) (id string, err error) {
	if _, err := l.CheckScenario(ctx, d); err != nil {
		return "", err
	}
	err = create(ctx, l.o.Documents, d.ID(), storedDocument{l.o.Now(), d})
	if errors.Is(err, fs.ErrExist) {
		err = nil
	}
	return d.ID(), err
}

// Scenario returns a stored document and when it was stored.
func (l *Lab) Scenario(ctx context.Context, id string) (*Document, time.Time, error) {
	var s storedDocument
	if err := load(ctx, l.o.Documents, id, &s); err != nil {
		return nil, time.Time{}, fmt.Errorf("scenario %s: %w", id, err)
	}
	return s.Document, s.Created, nil
}

// Scenarios returns the ids of all stored documents, newest first.
func (l *Lab) Scenarios(ctx context.Context) ([]string, error) {
	ids, err := l.o.Documents.Keys(ctx)
	if err != nil {
		return nil, err
	}
	at := make(map[string]time.Time, len(ids))
	for _, id := range ids {
		if _, at[id], err = l.Scenario(ctx, id); err != nil {
			return nil, err
		}
	}
	slices.SortStableFunc(ids, func(a, b string) int { return at[b].Compare(at[a]) })
	return ids, nil
}

// demandID returns the identity of a demand, remembered for the one in force.
func (l *Lab) demandID(d *demand.Demand) (string, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.of == d {
		return l.id, nil
	}
	id, err := DemandVersion(d)
	if err == nil {
		l.of, l.id = d, id
	}
	return id, err
}

// DemandVersion returns the hash of a demand's content.
func DemandVersion(d *demand.Demand) (string, error) {
	h := sha256.New()
	if err := json.NewEncoder(h).Encode(d); err != nil {
		return "", fmt.Errorf("a number of the demand is not finite: %w", err)
	}
	return hex.EncodeToString(h.Sum(nil))[:16], nil
}

func load(ctx context.Context, s Store, key string, into any) error {
	b, err := s.Get(ctx, key)
	if err != nil {
		return err
	}
	return json.Unmarshal(b, into)
}

func create(ctx context.Context, s Store, key string, v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return s.Create(ctx, key, b)
}

func put(ctx context.Context, s Store, key string, v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return s.Put(ctx, key, b)
}
