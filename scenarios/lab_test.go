package scenarios

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"tideway/sim"
	"tideway/sim/air/emission"
)

// memory is a Store.
type memory struct {
	mu sync.Mutex
	m  map[string][]byte
}

func newMemory() *memory { return &memory{m: map[string][]byte{}} }

func (s *memory) Get(_ context.Context, key string) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	v, ok := s.m[key]
	if !ok {
		return nil, fmt.Errorf("key %s: %w", key, fs.ErrNotExist)
	}
	return v, nil
}

func (s *memory) Put(_ context.Context, key string, value []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.m[key] = value
	return nil
}

func (s *memory) Create(_ context.Context, key string, value []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.m[key]; ok {
		return fmt.Errorf("key %s: %w", key, fs.ErrExist)
	}
	s.m[key] = value
	return nil
}

func (s *memory) Keys(context.Context) ([]string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return sortedKeys(s.m), nil
}

// line is a Queue whose jobs a test takes by hand.
type line struct {
	jobs []string
	seen map[string]bool
}

func (q *line) Publish(_ context.Context, id string, data []byte) error {
	if !q.seen[id] {
		q.seen[id] = true
		q.jobs = append(q.jobs, string(data))
	}
	return nil
}

type labRig struct {
	*Lab
	results *memory
	queue   *line
	clock   time.Time
	base    Base
}

func newRig(t *testing.T) *labRig {
	r := &labRig{results: newMemory(), queue: &line{seen: map[string]bool{}}, clock: time.Unix(1e9, 0), base: crossBase(t)}
	var mu sync.Mutex
	r.Lab = NewLab(Options{Documents: newMemory(), Runs: newMemory(), Results: r.results, Queue: r.queue, Engine: "test",
		Base:     func(context.Context) (Base, error) { return r.base, nil },
		Period:   sim.Input{End: time.Hour},
		Simulate: fakeSim,
		Now: func() time.Time {
			mu.Lock()
			defer mu.Unlock()
			r.clock = r.clock.Add(200 * time.Millisecond)
			return r.clock
		}})
	return r
}

func (r *labRig) add(t *testing.T, changes string) string {
	t.Helper()
	d, err := Parse([]byte(`{"name":"x","changes":[` + changes + `]}`))
	if err != nil {
		t.Fatal(err)
	}
	id, err := r.AddScenario(t.Context(), d)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func TestLabRunsAScenarioOnce(t *testing.T) {
	r, ctx := newRig(t), t.Context()
	id := r.add(t, longerGreen)
	if again := r.add(t, longerGreen); again != id {
		t.Errorf("the same document got ids %s and %s", id, again)
	}
	run, err := r.Submit(ctx, Request{Scenarios: []string{id}})
	if err != nil || run.State != Queued || run.Total != 10 {
		t.Fatalf("%+v, %v", run, err)
	}
	if again, _ := r.Submit(ctx, Request{Scenarios: []string{id}}); again.ID != run.ID || len(r.queue.jobs) != 1 {
		t.Errorf("asked again: %s, %d jobs", again.ID, len(r.queue.jobs))
	}
	if err := r.Work(ctx, []byte(r.queue.jobs[0]), 1); err != nil {
		t.Fatal(err)
	}
	run, err = r.Run(ctx, run.ID)
	if err != nil || run.State != Done || run.Done != 10 {
		t.Fatalf("%+v, %v", run, err)
	}
	c, err := r.Comparison(ctx, run.ID)
	if err != nil {
		t.Fatal(err)
	}
	if k := kpiOf(t, c.Alternatives[0], "delay"); k.Better != Better || c.Alternatives[0].Scenario != id {
		t.Errorf("%+v", k)
	}
	if got := c.Alternatives[0].Segments; got == nil || got.AltDelayS[0] != 7 {
		t.Errorf("map %+v", got)
	}
	before := r.results.m[run.ID+".1"]
	if err := r.Work(ctx, []byte(r.queue.jobs[0]), 2); err != nil || !reflect.DeepEqual(before, r.results.m[run.ID+".1"]) {
		t.Errorf("a job that comes again must leave the result as it is: %v", err)
	}
	if runs, err := r.Runs(ctx); err != nil || len(runs) != 1 {
		t.Errorf("%v, %v", runs, err)
	}
}

func TestLabRefusesWhatDoesNotApply(t *testing.T) {
	r, ctx := newRig(t), t.Context()
	d, _ := Parse([]byte(`{"name":"x","changes":[{"op":"segment.close","select":{"id":["nosuch"]}}]}`))
	if _, err := r.AddScenario(ctx, d); err == nil || !strings.Contains(err.Error(), "nosuch") {
		t.Errorf("%v", err)
	}
	if _, err := r.Submit(ctx, Request{Scenarios: []string{"0123"}}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("unknown scenario: %v", err)
	}
	if _, err := r.Submit(ctx, Request{End: -1}); err == nil {
		t.Error("a period that ends before it begins was accepted")
	}
	for _, get := range []func() error{
		func() error { _, err := r.Run(ctx, "0123"); return err },
		func() error { _, err := r.Comparison(ctx, "0123"); return err },
		func() error { _, err := r.Cancel(ctx, "0123"); return err },
	} {
		if err := get(); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("unknown run: %v", err)
		}
	}
}

func TestCancelStopsWorkAndCanBeSubmittedAgain(t *testing.T) {
	r, ctx := newRig(t), t.Context()
	run, err := r.Submit(ctx, Request{Scenarios: []string{r.add(t, longerGreen)}, Replications: 50})
	if err != nil {
		t.Fatal(err)
	}
	simulated := 0
	r.o.Threads = 1
	r.o.Simulate = func(ctx context.Context, in sim.Input, p func(sim.Progress)) (*sim.Result, error) {
		if simulated++; simulated == 5 {
			if _, err := r.Cancel(ctx, run.ID); err != nil {
				t.Error(err)
			}
		}
		return fakeSim(ctx, in, p)
	}
	if err := r.Work(ctx, []byte(r.queue.jobs[0]), 1); err != nil || simulated > 20 {
		t.Errorf("%v after %d simulations", err, simulated)
	}
	if run, _ = r.Run(ctx, run.ID); run.State != Cancelled {
		t.Errorf("%+v", run)
	}
	if _, err := r.Comparison(ctx, run.ID); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("comparison of a cancelled run: %v", err)
	}
	again, err := r.Submit(ctx, run.Request)
	if err != nil || again.ID != run.ID || again.State != Queued || len(r.queue.jobs) != 2 {
		t.Fatalf("%+v, %v", again, err)
	}
	r.o.Simulate = fakeSim
	for _, job := range r.queue.jobs { // the old one must do nothing
		if err := r.Work(ctx, []byte(job), 1); err != nil {
			t.Error(err)
		}
	}
	if run, _ = r.Run(ctx, run.ID); run.State != Done {
		t.Errorf("%+v", run)
	}
	if run, _ = r.Cancel(ctx, run.ID); run.State != Done {
		t.Errorf("a finished run must stay done: %+v", run)
	}
}

func TestFailedRunSaysWhy(t *testing.T) {
	r, ctx := newRig(t), t.Context()
	run, err := r.Submit(ctx, Request{Scenarios: []string{r.add(t, longerGreen)}})
	if err != nil {
		t.Fatal(err)
	}
	moved := r.base.City.Patch()
	moved.SetLimit(0, 3)
	r.base.City = moved.City()
	if err := r.Work(ctx, []byte(r.queue.jobs[0]), 1); err != nil {
		t.Fatal(err)
	}
	if run, _ = r.Run(ctx, run.ID); run.State != Failed || !strings.Contains(run.Error, "the base has moved") {
		t.Errorf("%+v", run)
	}
}

// A run's id changes with everything its result depends on, and with nothing else.
func TestARunsIdentityCoversItsFleetAndRules(t *testing.T) {
	r, ctx := newRig(t), t.Context()
	ask := Request{Scenarios: []string{r.add(t, longerGreen)}}
	seen := map[string]string{}
	for _, c := range []struct {
		name   string
		change func(o *Options)
	}{
		{"no air", func(*Options) {}},
		{"air", func(o *Options) { o.Air = defaultAir(t) }},
		{"a tenth of the cars electric", func(o *Options) { o.Air.Fleet = o.Air.Fleet.WithElectric(emission.Car, .1) }},
		{"a fifth of the cars electric", func(o *Options) { o.Air.Fleet = o.Air.Fleet.WithElectric(emission.Car, .2) }},
		{"cleaner background", func(o *Options) { o.Air.Background.NO2 /= 2 }},
		{"another wind", func(o *Options) { o.Air.Weather[3].Wind *= 1.01 }},
		{"vehicles are released", func(o *Options) { o.Period.StuckAfter = time.Minute }},
		{"another engine", func(o *Options) { o.Engine = "next" }},
	} {
		c.change(&r.o)
		run, err := r.Submit(ctx, ask)
		if err != nil {
			t.Fatal(err)
		}
		if other := seen[run.ID]; other != "" {
			t.Errorf("%s: the run of %s is found", c.name, other)
		}
		seen[run.ID] = c.name
		r.o.Threads++
		if same, _ := r.Submit(ctx, ask); same.ID != run.ID {
			t.Errorf("%s: the number of threads changes the id", c.name)
		}
	}
}

func defaultAir(t *testing.T) *Air {
	t.Helper()
	a, err := DefaultAir()
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func TestAWorkerOfAnotherVersionRefusesARun(t *testing.T) {
	r, ctx := newRig(t), t.Context()
	run, err := r.Submit(ctx, Request{Scenarios: []string{r.add(t, longerGreen)}})
	if err != nil {
		t.Fatal(err)
	}
	r.o.Air = defaultAir(t)
	if err := r.Work(ctx, []byte(r.queue.jobs[0]), 1); err != nil {
		t.Fatal(err)
	}
	if run, _ = r.Run(ctx, run.ID); run.State != Failed || !strings.Contains(run.Error, "must be of one version") {
		t.Errorf("%+v", run)
	}
}

func TestARunThatKillsItsWorkersIsGivenUp(t *testing.T) {
	r, ctx := newRig(t), t.Context()
	run, err := r.Submit(ctx, Request{Scenarios: []string{r.add(t, longerGreen)}})
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Work(ctx, []byte(r.queue.jobs[0]), MaxAttempts+1); err != nil {
		t.Fatal(err)
	}
	if run, _ = r.Run(ctx, run.ID); run.State != Failed || !strings.Contains(run.Error, "20 workers died") {
		t.Errorf("%+v", run)
	}
}

// Workers that die at any point of their work, and several at once, leave
// exactly one result for every run.
func TestEveryRunHasExactlyOneResultWhateverWorkersDo(t *testing.T) {
	r, ctx := newRig(t), t.Context()
	dice := rand.New(rand.NewPCG(1, 2))
	var ids []string
	for i := range 40 {
		id := r.add(t, fmt.Sprintf(`{"op":"demand.scale","factor":%d.5}`, i%4))
		run, err := r.Submit(ctx, Request{Scenarios: []string{id}, Seed: uint64(i), Replications: 2})
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, run.ID)
	}
	open := slices.Clone(r.queue.jobs)
	for attempt := 1; len(open) > 0; attempt++ {
		var left []string
		for _, job := range open {
			dying, die := context.WithCancel(ctx)
			after := dice.IntN(8)
			r.o.Simulate = func(_ context.Context, in sim.Input, p func(sim.Progress)) (*sim.Result, error) {
				if after--; after <= 0 && attempt < 6 {
					die()
				}
				return fakeSim(dying, in, p)
			}
			r.o.Threads = 1
			if err := r.Work(dying, []byte(job), attempt); err != nil {
				left = append(left, job)
			} else if dice.IntN(4) == 0 && attempt < 6 {
				left = append(left, job) // its acknowledgement was lost
			}
			die()
		}
		open = left
	}
	results := 0
	for _, id := range ids {
		run, err := r.Run(ctx, id)
		if err != nil || run.State != Done {
			t.Errorf("run %s: %+v, %v", id, run, err)
		}
		if _, err := r.results.Get(ctx, id+".1"); err == nil {
			results++
		}
	}
	if results != len(ids) {
		t.Errorf("%d results for %d runs", results, len(ids))
	}
}
