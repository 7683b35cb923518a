// Package twin assembles the city's loop into one value with Start and Stop:
// bus, feed, forecasts, scenario runs. The service, the demo, workers and the
// end-to-end tests are a few lines over it. It owns what needs two siblings
// that do not know each other.
package twin

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"tideway/forecast"
	"tideway/forecast/air/field"
	"tideway/geo"
	"tideway/internal/bus"
	"tideway/internal/usage"
	"tideway/live"
	"tideway/scenarios"
	"tideway/sim"
	"tideway/sim/demand"
)

// Options say what is twinned and how. City and Dir are needed; the zero value
// of the rest means the default in the comment.
type Options struct {
	City   *geo.City
	Dir    string         // data folder: log, history, scenarios, results
	Demand *demand.Demand // what scenarios are laid over; nil: no runs
	Period Period         // of runs that name none

	NATS     string            // URL of an external server; "": embedded in Dir
	Synced   bool              // the operator vouches that the external server has sync_interval: always
	Retain   time.Duration     // history kept; 400 days
	Now      func() time.Time  // the city's clock; time.Now
	Pace     float64           // city seconds per second of the machine; 1
	Tick     time.Duration     // city time between snapshots; 1 min
	Refit    time.Duration     // local time of day at which models are refitted; 03:00
	Holidays forecast.Holidays // nil: none are known
	Learners []forecast.Learner
	Learned  func(forecast.Verdict) // told what became of every candidate; may be nil
	Threads  int                    // 0: all cores
	Workers  int                    // runs worked on at a time in this process; 1, negative: none

	SaveCity func(*geo.City) error // keeps a city that gained sensors; nil: it lives until Stop
	Report   func(error)           // what went wrong in the background; nil drops it
}

// Period is a stretch of the demand's clock that runs simulate.
type Period struct{ Begin, End time.Duration }

const (
	defaultTick  = time.Minute
	defaultRefit = 3 * time.Hour
	minTickWall  = 50 * time.Millisecond
)

func (o Options) withDefaults() Options {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Pace <= 0 {
		o.Pace = 1
	}
	if o.Tick <= 0 {
		o.Tick = defaultTick
	}
	if o.Refit == 0 {
		o.Refit = defaultRefit
	}
	if o.Workers == 0 {
		o.Workers = 1
	}
	if o.Report == nil {
		o.Report = func(error) {}
	}
	return o
}

// Twin is a running twin. Its methods are safe for concurrent use.
type Twin struct {
	o   Options
	bus *bus.Bus
	*lab

	swap   sync.RWMutex // held for writing while the city is replaced
	part   *part        // what depends on the city
	change sync.Mutex   // one replacement at a time

	ready    atomic.Pointer[error]
	notify   listeners
	air      airLoop
	training atomic.Pointer[forecast.Progress]
	filled   atomic.Bool // history came since the last tick
	refitNow chan struct{}
	end      context.CancelFunc
	routines sync.WaitGroup
}

// part is what is made anew when the city is replaced.
type part struct {
	city   *geo.City
	feed   *live.Feed
	runner *forecast.Runner
	air    *field.Runner // made by the air's loop when it is first needed
}

// Start opens the data folder and starts the loop. The first forecast comes
// with the first tick, at once; fitting models on history follows in the
// background.
func Start(ctx context.Context, o Options) (*Twin, error) {
	t := &Twin{o: o.withDefaults(), refitNow: make(chan struct{}, 1), air: airLoop{wake: make(chan struct{}, 1)}}
	if err := t.open(ctx); err != nil {
		return nil, errors.Join(err, t.Stop())
	}
	run, end := context.WithCancel(context.WithoutCancel(ctx))
	t.end = end
	if err := t.tick(run); err != nil {
		return nil, errors.Join(err, t.Stop())
	}
	t.routines.Go(func() { t.loop(run) })
	t.routines.Go(func() { t.refits(run) })
	t.routines.Go(func() { t.followAir(run) })
	if t.o.Demand != nil && t.o.Workers > 0 {
		t.routines.Go(func() {
			if err := t.work(run, t.o.Workers); err != nil {
				t.o.Report(err)
			}
		})
	}
	return t, nil
}

func (t *Twin) open(ctx context.Context) (err error) {
	at := bus.Options{Report: func(s string) { t.o.Report(errors.New("bus: " + s)) }}
	if t.o.NATS != "" {
		at.URL, at.AssumeSync = t.o.NATS, t.o.Synced
	} else {
		at.Dir = filepath.Join(t.o.Dir, "bus")
	}
	if t.bus, err = bus.Start(at); err != nil {
		return err
	}
	now := t.o.Now()
	record, given, err := recallWeather(ctx, t.bus, now, now.Add(-weatherKept))
	if err != nil {
		return err
	}
	t.air.record = record
	t.air.given.Store(&given)
	if t.part, err = t.openPart(ctx, t.o.City); err != nil {
		return err
	}
	t.lab, err = openLab(ctx, t.bus, scenarios.Options{Base: t.inForce, Threads: t.o.Threads,
		Period: sim.Input{Begin: t.o.Period.Begin, End: t.o.Period.End}, Changed: func(string) { t.notify.call() }}, 0)
	if err != nil {
		return err
	}
	return t.announce(ctx, t.o.City)
}

func (t *Twin) openPart(ctx context.Context, city *geo.City) (*part, error) {
	log, err := t.bus.Log(ctx, live.LogName)
	if err != nil {
		return nil, err
	}
	feed, err := live.Open(ctx, live.Options{City: city, Dir: filepath.Join(t.o.Dir, "readings"), Log: log, Now: t.o.Now,
		Retain: t.o.Retain, MaxMessage: t.bus.MaxMessage(), Threads: t.o.Threads, Report: t.o.Report})
	if err != nil {
		return nil, err
	}
	shelf, err := t.bus.Bucket(ctx, modelBucket)
	if err != nil {
		return nil, errors.Join(err, feed.Close())
	}
	runner, err := forecast.New(forecast.Options{City: city, History: History{feed}, Skies: skies{city, History{feed}, t.air.record}, Holidays: t.o.Holidays,
		Learners: t.o.Learners, Shelf: store{shelf}, Threads: t.o.Threads, LearnThreads: 1, Report: t.o.Report,
		Progress: func(what string, done float64) { t.training.Store(&forecast.Progress{What: what, Done: done}) }})
	if err != nil {
		return nil, errors.Join(err, feed.Close())
	}
	if newest := feed.Newest(); !newest.IsZero() && t.o.Now().Sub(newest) > longSilence {
		t.o.Report(fmt.Errorf("the newest reading is of %s, the clock shows %s: until readings come, streets and forecasts show what is typical",
			newest.Format(time.RFC3339), t.o.Now().UTC().Format(time.RFC3339)))
	}
	return &part{city: city, feed: feed, runner: runner}, nil
}

// longSilence is how old the newest reading may be at the start without a word.
const longSilence = 24 * time.Hour

// Stop ends the loop and closes everything: what was acknowledged is on disk.
func (t *Twin) Stop() error {
	if t.end != nil {
		t.end()
	}
	t.routines.Wait()
	var err error
	if t.part != nil {
		err = t.part.feed.Close()
	}
	if t.bus != nil {
		t.bus.Stop()
	}
	return err
}

// City returns the city in force.
func (t *Twin) City() *geo.City { return t.now().city }

// Forecast returns the newest forecast, nil before the first.
func (t *Twin) Forecast() *forecast.Forecast { return t.now().runner.Latest() }

// Snapshot returns the newest snapshot, nil before the first.
func (t *Twin) Snapshot() *live.Snapshot { return t.now().feed.Snapshot() }

// Ready returns nil when readings are taken and forecasts issued, else why not.
func (t *Twin) Ready() error {
	if err := t.bus.Healthy(); err != nil {
		return err
	}
	if failed := t.ready.Load(); failed != nil {
		return *failed
	}
	return nil
}

// Subscribe calls notify, which must not block, whenever a forecast was
// published, a run changed or the city was replaced.
func (t *Twin) Subscribe(notify func()) (cancel func()) { return t.notify.add(notify) }

func (t *Twin) now() *part {
	t.swap.RLock()
	defer t.swap.RUnlock()
	return t.part
}

// loop makes a snapshot and a forecast at every tick of the city's clock.
func (t *Twin) loop(ctx context.Context) {
	wall := max(minTickWall, time.Duration(float64(t.o.Tick)/t.o.Pace))
	ticker := time.NewTicker(wall)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			if err := t.tick(ctx); err != nil && ctx.Err() == nil {
				t.o.Report(err)
			}
		}
	}
}

func (t *Twin) tick(ctx context.Context) error {
	t.swap.RLock()
	defer t.swap.RUnlock()
	_, err := t.part.runner.Tick(ctx, t.part.feed.Tick(t.o.Now()))
	if err != nil {
		err = fmt.Errorf("forecast cycle: %w", err)
		t.ready.Store(&err)
		return err
	}
	t.ready.Store(nil)
	t.notify.call()
	t.wakeAir()
	if t.filled.Swap(false) {
		t.Refit()
	}
	return nil
}

// learnEvery is how old the last training may be at the start: a younger one's
// models serve on, and the next training is that of the night.
const learnEvery = 24 * time.Hour

// refits fits the models at once and then every night. At the start only what
// is not on the shelf is trained.
func (t *Twin) refits(ctx context.Context) {
	learn := t.catchUp
	for ; ; learn = t.learn {
		p := t.now()
		if err := p.runner.Refresh(ctx, p.feed.Snapshot()); err != nil && ctx.Err() == nil {
			t.o.Report(fmt.Errorf("fitting models: %w", err))
		}
		if ctx.Err() == nil && len(t.o.Learners) > 0 {
			usage.Background(func() { learn(ctx, p) })
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(t.untilRefit()):
		case <-t.refitNow:
		}
	}
}

// learn lets the learners try, on one core and at low priority, so that ticks
// and answers do not wait.
func (t *Twin) learn(ctx context.Context, p *part) {
	verdicts, err := p.runner.Learn(ctx, p.feed.Snapshot())
	t.tell(ctx, verdicts, err)
}

func (t *Twin) catchUp(ctx context.Context, p *part) {
	snap := p.feed.Snapshot()
	verdicts, err := p.runner.CatchUp(ctx, snap, snap.At.Add(-learnEvery))
	t.tell(ctx, verdicts, err)
}

func (t *Twin) tell(ctx context.Context, verdicts []forecast.Verdict, err error) {
	t.training.Store(nil)
	if err != nil && ctx.Err() == nil {
		t.o.Report(fmt.Errorf("training models: %w", err))
	}
	for _, v := range verdicts {
		if t.o.Learned != nil {
			t.o.Learned(v)
		}
	}
}

// Refit asks for models to be fitted before the night, as after a backfill;
// asking twice is asking once.
func (t *Twin) Refit() {
	select {
	case t.refitNow <- struct{}{}:
	default:
	}
}

// untilRefit returns the machine's time until the next nightly fit.
func (t *Twin) untilRefit() time.Duration {
	now := t.o.Now().In(t.City().TimeZone)
	y, m, d := now.Date()
	next := time.Date(y, m, d, 0, 0, 0, 0, now.Location()).Add(t.o.Refit)
	if !next.After(now) {
		next = next.AddDate(0, 0, 1)
	}
	return max(time.Second, time.Duration(float64(next.Sub(now))/t.o.Pace))
}
