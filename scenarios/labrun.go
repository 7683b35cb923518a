package scenarios

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"time"

	"tideway/internal/fault"
)

// A run's keys. The record is written by who submits, the progress by the
// worker that has it; the result is created once, by whoever ends the run
// first: the worker with what it found, or Cancel. So a run has exactly one
// result although it may be worked on twice. A run that failed or was
// cancelled can be submitted anew: its next submission has keys of its own.
type record struct {
	Run
	Submission int `json:"submission"`
}

func (r *record) job() string { return fmt.Sprintf("%s.%d", r.ID, r.Submission) }

// ending is a value of Options.Results: how a submission ended.
type ending struct {
	State      State       `json:"state"`
	At         time.Time   `json:"at"`
	Error      string      `json:"error,omitempty"`
	Comparison *Comparison `json:"comparison,omitempty"` // without maps: they have keys of their own

	Optimisation *Optimisation `json:"optimisation,omitempty"`
}

// progress is what a worker tells.
type progressNote struct {
	Started  time.Time `json:"started_at"`
	Done     int       `json:"done"`
	Total    int       `json:"total"`
	Attempts int       `json:"attempts"`
}

func progressKey(job string) string { return job + ".progress" }

// Submit starts a run, or finds the one that was asked for before. Scenarios
// that do not exist or do not apply to the base in force are problems.
func (l *Lab) Submit(ctx context.Context, r Request) (Run, error) {
	base, err := l.o.Base(ctx)
	if err != nil {
		return Run{}, err
	}
	r = l.complete(r)
	if err := l.check(ctx, r, base); err != nil {
		return Run{}, err
	}
	origin, err := l.origin(base)
	if err != nil {
		return Run{}, err
	}
	rec := &record{Run: Run{ID: RunID(origin, r), State: Queued, Request: r, Origin: origin, Total: r.simulations(), Submitted: l.o.Now()}, Submission: 1}
	switch old, err := l.record(ctx, rec.ID); {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return Run{}, err
	case old.State == Failed || old.State == Cancelled:
		rec.Submission = old.Submission + 1
	case old.State != Queued:
		return old.Run, nil
	default:
		rec = old // queued: publishing again is harmless, and mends a submission that was cut off
	}
	if err := put(ctx, l.o.Runs, rec.ID, rec); err != nil {
		return Run{}, err
	}
	if err := l.o.Queue.Publish(ctx, rec.job(), []byte(rec.job())); err != nil {
		return Run{}, err
	}
	l.o.Changed(rec.ID)
	return rec.Run, nil
}

// origin names what this lab's runs on a base depend on beside their request.
func (l *Lab) origin(base Base) (Origin, error) {
	id, err := l.demandID(base.Demand)
	if err != nil {
		return Origin{}, err
	}
	rules := l.o.Period
	rules.Begin, rules.End, rules.Threads = 0, 0, 0 // of the request; of no effect
	text, err := json.Marshal(rules)
	return Origin{Base: base.City.Version, Demand: id, Engine: l.o.Engine, Rules: hashID(text), Air: l.o.Air.Version()}, err
}

// complete fills in the lab's defaults.
func (l *Lab) complete(r Request) Request {
	if r.End == 0 {
		r.Begin, r.End = l.o.Period.Begin, l.o.Period.End
	}
	if r.Replications == 0 {
		r.Replications = DefaultReplications
		if r.Goal != nil {
			r.Replications = defaultValidation
		}
	}
	if r.Most != 0 {
		r.Most = max(r.Most, r.Replications)
	}
	return r
}

// maxScenarios bounds one run.
const maxScenarios = 20

// maxEvaluations bounds one search.
const maxEvaluations = 5000

func (l *Lab) check(ctx context.Context, r Request, base Base) error {
	var bad fault.List
	if n := len(r.Scenarios); r.Goal == nil && (n == 0 || n > maxScenarios) {
		bad.Addf("scenarios", "", "%d scenarios, expected 1 to %d", n, maxScenarios)
	}
	if r.Begin < 0 || r.End <= r.Begin || r.End-r.Begin > 48*time.Hour {
		bad.Addf("begin, end", "", "run from %v to %v, expected 0 <= begin < end and at most 48 h", r.Begin, r.End)
	}
	if r.Replications < 1 || r.Replications > 1000 || r.Most > 1000 {
		bad.Addf("replications", "", "%d to %d replications, expected 1 to 1000", r.Replications, r.Most)
	}
	if g := r.Goal; g != nil && (len(r.Scenarios) > 0 || g.Evaluations < 1 || g.Evaluations > maxEvaluations) {
		bad.Addf("evaluations", "", "%d evaluations and %d scenarios, expected 1 to %d and none", g.Evaluations, len(r.Scenarios), maxEvaluations)
	}
	if r.Volume < 0 || r.Volume > 5 {
		bad.Addf("volume", "", "demand times %v, expected up to 5", r.Volume)
	}
	if base.Demand == nil {
		bad.Addf("demand", "", "the service has no demand to simulate")
	}
	if r.Goal != nil {
		_, err := pickSignals(base.City, r.Goal.Signals)
		bad.Add("signals", err)
	}
	if err := bad.Err("starting a run"); err != nil {
		return err
	}
	for i, id := range r.Scenarios {
		d, _, err := l.Scenario(ctx, id)
		if err != nil {
			return err
		}
		_, err = l.applied(ctx, d, base)
		bad.Add(fmt.Sprintf("scenarios[%d]", i), err)
	}
	return bad.Err("starting a run")
}

// simulations is how many a request will take, as far as known.
func (r Request) simulations() int {
	if r.Goal != nil {
		return r.Goal.Evaluations + 2*r.Replications
	}
	return r.Replications * (1 + len(r.Scenarios))
}

// record returns a run as all of its keys together tell.
func (l *Lab) record(ctx context.Context, id string) (*record, error) {
	var r record
	if err := load(ctx, l.o.Runs, id, &r); err != nil {
		return nil, fmt.Errorf("run %s: %w", id, err)
	}
	var note progressNote
	switch err := load(ctx, l.o.Runs, progressKey(r.job()), &note); {
	case err == nil:
		r.State, r.Started, r.Done, r.Total, r.Attempts = Running, note.Started, note.Done, note.Total, note.Attempts
	case !errors.Is(err, fs.ErrNotExist):
		return nil, err
	}
	var end ending
	switch err := load(ctx, l.o.Results, r.job(), &end); {
	case err == nil:
		r.State, r.Ended, r.Error = end.State, end.At, end.Error
	case !errors.Is(err, fs.ErrNotExist):
		return nil, err
	}
	return &r, nil
}

// Run returns a run.
func (l *Lab) Run(ctx context.Context, id string) (Run, error) {
	r, err := l.record(ctx, id)
	if err != nil {
		return Run{}, err
	}
	return r.Run, nil
}

// Runs returns all runs, newest first.
func (l *Lab) Runs(ctx context.Context) ([]Run, error) {
	keys, err := l.o.Runs.Keys(ctx)
	if err != nil {
		return nil, err
	}
	out := []Run{}
	for _, key := range keys {
		if strings.Contains(key, ".") {
			continue
		}
		r, err := l.Run(ctx, key)
		if err != nil {
			return nil, err
		}
		out = append(out, r)
	}
	slices.SortStableFunc(out, func(a, b Run) int { return b.Submitted.Compare(a.Submitted) })
	return out, nil
}

// Cancel ends a run that has not ended, and returns it as it then is.
func (l *Lab) Cancel(ctx context.Context, id string) (Run, error) {
	r, err := l.record(ctx, id)
	if err != nil {
		return Run{}, err
	}
	err = create(ctx, l.o.Results, r.job(), ending{State: Cancelled, At: l.o.Now()})
	if err != nil && !errors.Is(err, fs.ErrExist) {
		return Run{}, err
	}
	l.o.Changed(id)
	return l.Run(ctx, id)
}

// Comparison returns what a finished run found. A run that did not get that
// far is an error that wraps fs.ErrNotExist.
func (l *Lab) Comparison(ctx context.Context, run string) (*Comparison, error) {
	r, err := l.record(ctx, run)
	if err != nil {
		return nil, err
	}
	var end ending
	if err := load(ctx, l.o.Results, r.job(), &end); err != nil {
		return nil, fmt.Errorf("comparison of run %s: %w", run, err)
	}
	if end.Comparison == nil {
		return nil, fmt.Errorf("run %s is %s and compared nothing: %w", run, end.State, fs.ErrNotExist)
	}
	for i := range end.Comparison.Alternatives {
		b, err := l.o.Results.Get(ctx, mapKey(r.job(), i))
		if err != nil {
			return nil, fmt.Errorf("map of run %s: %w", run, err)
		}
		if end.Comparison.Alternatives[i].Segments, err = decodeMap(b); err != nil {
			return nil, fmt.Errorf("map of run %s: %w", run, err)
		}
	}
	return end.Comparison, nil
}
