package scenarios

import (
	"bytes"
	"compress/flate"
	"context"
	"encoding/gob"
	"errors"
	"fmt"
	"io/fs"
	"sync"
	"time"

	"tideway/sim"
)

func mapKey(job string, alternative int) string { return fmt.Sprintf("%s.map.%d", job, alternative) }

// errEnded stops work on a run that somebody else has ended.
var errEnded = errors.New("the run has ended elsewhere")

// MaxAttempts is how many workers may die over a run before it is given up.
const MaxAttempts = 20

// Work carries out one job of the queue: data as it was published, attempt from
// 1. It returns nil when the job is done with, whatever became of the run, and
// an error when it must be handed out again: the stores are away, or ctx ended.
func (l *Lab) Work(ctx context.Context, data []byte, attempt int) error {
	job := string(data)
	r, err := l.recordOf(ctx, job)
	if errors.Is(err, fs.ErrNotExist) {
		return nil // submitted anew, or forgotten
	}
	if err != nil || r.State.Ended() {
		return err
	}
	if attempt > MaxAttempts {
		w := &work{lab: l, run: r, job: job}
		return w.end(ctx, ending{State: Failed, At: l.o.Now(), Error: fmt.Sprintf("%d workers died over it", MaxAttempts)})
	}
	w := &work{lab: l, run: r, job: job, note: progressNote{Started: l.o.Now(), Total: r.Total, Attempts: attempt}}
	if err := w.tell(ctx); err != nil {
		return err
	}
	c, o, err := w.carryOut(ctx)
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.Is(err, errEnded):
		return nil
	case err != nil:
		return w.end(ctx, ending{State: Failed, At: l.o.Now(), Error: err.Error()})
	}
	if o != nil {
		return w.end(ctx, ending{State: Done, At: l.o.Now(), Optimisation: o})
	}
	return w.finish(ctx, c)
}

// carryOut does what the request asks for.
func (w *work) carryOut(ctx context.Context) (*Comparison, *Optimisation, error) {
	if w.run.Request.Goal != nil {
		o, err := w.optimise(ctx)
		return nil, o, err
	}
	c, err := w.compare(ctx)
	return c, nil, err
}

// recordOf returns the run of a job when the job is its newest submission.
func (l *Lab) recordOf(ctx context.Context, job string) (*record, error) {
	id, _, _ := cutLast(job)
	r, err := l.record(ctx, id)
	if err == nil && r.job() != job {
		err = fs.ErrNotExist
	}
	return r, err
}

func cutLast(job string) (id, submission string, ok bool) {
	for i := len(job) - 1; i >= 0; i-- {
		if job[i] == '.' {
			return job[:i], job[i+1:], true
		}
	}
	return job, "", false
}

// work is one attempt at a run.
type work struct {
	lab *Lab
	run *record
	job string

	mu      sync.Mutex // simulations report from several goroutines
	note    progressNote
	told    time.Time
	stop    context.CancelCauseFunc
	changed bool
}

// tellEvery bounds how often progress is written and the end looked for.
const tellEvery = 500 * time.Millisecond

func (w *work) tell(ctx context.Context) error {
	w.told = w.lab.o.Now()
	if err := put(ctx, w.lab.o.Runs, progressKey(w.job), w.note); err != nil {
		return err
	}
	w.lab.o.Changed(w.run.ID)
	return nil
}

// compare runs the experiment that the request describes.
func (w *work) compare(ctx context.Context) (*Comparison, error) {
	ctx, w.stop = context.WithCancelCause(ctx)
	defer w.stop(nil)
	e, err := w.experiment(ctx)
	if err != nil {
		return nil, err
	}
	begin, cpu := w.lab.o.Now(), w.lab.o.CPU()
	c, err := e.Compare(ctx, func(s Steps) { w.tick(ctx, &s) })
	if cause := context.Cause(ctx); cause != nil {
		return nil, cause
	}
	if err != nil {
		return nil, err
	}
	c.WallS, c.CPUS = w.lab.o.Now().Sub(begin).Seconds(), (w.lab.o.CPU() - cpu).Seconds()
	return c, nil
}

func (w *work) experiment(ctx context.Context) (*Experiment, error) {
	base, err := w.base(ctx)
	if err != nil {
		return nil, err
	}
	q := w.run.Request
	e := &Experiment{Base: BaseCase(base), Period: w.lab.o.Period, Seed: q.Seed, Replications: q.Replications, Most: q.Most, Poisson: q.Poisson,
		Threads: w.lab.o.Threads, Engine: w.lab.o.Engine, Map: true, Air: w.lab.o.Air, Simulate: w.lab.o.Simulate, Tick: func() { w.tick(ctx, nil) }}
	e.Period.Begin, e.Period.End = q.Begin, q.End
	if q.Deadline > 0 {
		e.Enough = func() bool { return w.lab.o.Now().Sub(w.run.Submitted) >= q.Deadline }
	}
	for _, id := range q.Scenarios {
		d, _, err := w.lab.Scenario(ctx, id)
		if err != nil {
			return nil, err
		}
		c, err := w.lab.applied(ctx, d, base)
		if err != nil {
			return nil, err
		}
		e.Alternatives = append(e.Alternatives, c)
	}
	return e, nil
}

// base returns the base in force, which must be the run's, at the volume of
// demand that the run asks for. A worker of another build would give the run's
// id to another result.
func (w *work) base(ctx context.Context) (Base, error) {
	base, err := w.lab.o.Base(ctx)
	engine, air := w.lab.o.Engine, w.lab.o.Air.Version()
	switch {
	case err != nil:
	case base.City.Version != w.run.Base:
		err = fmt.Errorf("the base has moved: the run is for city version %s, in force is %s", w.run.Base, base.City.Version)
	case engine != w.run.Engine || air != w.run.Air:
		err = fmt.Errorf("the run is for engine %s and air %s, this worker has %s and %s: service and workers must be of one version", w.run.Engine, w.run.Air, engine, air)
	}
	if v := w.run.Request.Volume; err == nil && v > 0 {
		base.Demand = atVolume(base, v)
	}
	return base, err
}

// tick is called often: it writes progress and looks whether the run was ended
// elsewhere, both not more than every so often.
func (w *work) tick(ctx context.Context, s *Steps) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if s != nil {
		w.note.Done, w.note.Total, w.changed = s.Done, s.Total, true
	}
	if w.lab.o.Now().Sub(w.told) < tellEvery {
		return
	}
	if _, err := w.lab.o.Results.Get(ctx, w.job); err == nil {
		w.stop(errEnded)
		return
	}
	if w.changed {
		w.changed = false
		_ = w.tell(ctx) // progress is for people; the next one may get through
	}
	w.told = w.lab.o.Now()
}

// finish stores the maps, then creates the result.
func (w *work) finish(ctx context.Context, c *Comparison) error {
	for i := range c.Alternatives {
		b, err := encodeMap(c.Alternatives[i].Segments)
		if err != nil {
			return err
		}
		if err := w.lab.o.Results.Put(ctx, mapKey(w.job, i), b); err != nil {
			return err
		}
		c.Alternatives[i].Segments = nil
	}
	w.note.Done = w.note.Total
	if err := w.tell(ctx); err != nil {
		return err
	}
	return w.end(ctx, ending{State: Done, At: w.lab.o.Now(), Comparison: c})
}

// end creates the run's one result; when there is one already it stands.
func (w *work) end(ctx context.Context, e ending) error {
	err := create(ctx, w.lab.o.Results, w.job, e)
	if errors.Is(err, fs.ErrExist) {
		err = nil
	}
	w.lab.o.Changed(w.run.ID)
	return err
}

// encodeMap packs the columns of a map: about a tenth of their JSON.
func encodeMap(d *SegmentDiff) ([]byte, error) {
	var b bytes.Buffer
	z, err := flate.NewWriter(&b, flate.DefaultCompression)
	if err != nil {
		return nil, err
	}
	if err := gob.NewEncoder(z).Encode(d); err != nil {
		return nil, err
	}
	err = z.Close()
	return b.Bytes(), err
}

func decodeMap(b []byte) (*SegmentDiff, error) {
	var d SegmentDiff
	err := gob.NewDecoder(flate.NewReader(bytes.NewReader(b))).Decode(&d)
	return &d, err
}

// simulated adapts Tick to the engine's progress.
func simulated(tick func()) func(sim.Progress) {
	if tick == nil {
		return nil
	}
	return func(sim.Progress) { tick() }
}
