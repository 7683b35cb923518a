package live

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"tideway/geo"
	"tideway/live/store"
)

// Log is the durable, ordered sequence of messages that the feed acknowledges
// against. internal/bus gives one; the feed is its only writer.
type Log interface {
	// AppendAfter stores data durably and returns its number, or fails when
	// the newest message is not number last.
	AppendAfter(ctx context.Context, last uint64, data []byte) (seq uint64, err error)
	// Replay calls f with the messages from from to to (0: the newest), in order.
	Replay(ctx context.Context, from, to uint64, f func(seq uint64, data []byte) error) error
	// Bounds returns the oldest and newest number held; first = last+1 when empty.
	Bounds(ctx context.Context) (first, last uint64, err error)
	// Trim removes the messages up to a number.
	Trim(ctx context.Context, upTo uint64) error
}

// LogName is the name under which the bus keeps a feed's log.
const LogName = "READINGS"

// Options of a feed. City, Dir and Log are needed; the zero value of the rest
// means the default in the comment.
type Options struct {
	City       *geo.City
	Dir        string           // folder of history and checkpoint; it states its format version
	Log        Log              // of which the feed is the only writer
	Now        func() time.Time // the clock that readings are judged by; time.Now
	Window     time.Duration    // recent readings held in memory; 24 h
	Retain     time.Duration    // history kept before the newest reading; 400 days
	SealEvery  time.Duration    // on that clock; the lesser of 1 h and a quarter of Window
	MaxMessage int              // most bytes that the log takes in one message; 8 MB, and never more
	Threads    int              // for reading history; 0: all cores
	Report     func(error)      // what went wrong in the background; nil drops it
}

// Feed takes in readings and knows the state of the city. Its methods are safe
// for concurrent use. Two locks order them: commit (one group at a time is
// judged and logged) is taken before mu (the state); snapshots need mu alone,
// which is never held during disk access.
type Feed struct {
	o     Options
	store *store.Store

	commitMu sync.Mutex
	broken   error // the log failed: state is reloaded before the next group
	queueMu  sync.Mutex
	queue    []*piece
	leading  bool
	inFlight map[string]chan struct{} // client keys whose answer is being made

	mu sync.Mutex
	st *state

	sealMu        sync.Mutex // one sealing, checkpoint or compaction at a time
	checkpointSeq uint64     // newest message in the checkpoint written last
	restoreTime   time.Duration
	lastSeal      atomic.Pointer[sealResult]
	repeated      atomic.Uint64

	snapshot    atomic.Pointer[Snapshot]
	subMu       sync.Mutex
	subscribers map[chan *Snapshot]bool

	wake   chan struct{}
	stop   context.CancelFunc
	keeper sync.WaitGroup
	closed atomic.Bool
}

// maxMessage bounds what one sync and one read of the log handle at a time.
const maxMessage = 8 << 20

// ErrClosed is returned after Close.
var ErrClosed = errors.New("the feed is closed")

// ErrUnavailable wraps the reason why readings cannot be made durable now.
// Nothing of the batch was acknowledged; send it again with the same key.
var ErrUnavailable = errors.New("readings cannot be stored now")

// Open restores the feed from its folder and log: the checkpoint, then the
// messages after it. The log's readings since the last sealing are folded
// again, so it costs up to an hour of readings (0.2 s a million).
func Open(ctx context.Context, o Options) (*Feed, error) {
	if o.City == nil || o.Log == nil || o.Dir == "" {
		return nil, errors.New("opening the feed: city, folder and log are needed")
	}
	f := &Feed{o: o.withDefaults(), inFlight: map[string]chan struct{}{}, subscribers: map[chan *Snapshot]bool{}, wake: make(chan struct{}, 1)}
	begin := time.Now()
	var err error
	if f.store, err = store.Open(o.Dir); err != nil {
		return nil, err
	}
	if f.st, err = f.restore(ctx); err != nil {
		return nil, fmt.Errorf("opening the feed in %s: %w", o.Dir, err)
	}
	f.restoreTime = time.Since(begin)
	f.lastSeal.Store(&sealResult{at: f.o.Now()})
	f.Tick(f.o.Now())
	background, stop := context.WithCancel(context.Background())
	f.stop = stop
	f.keeper.Go(func() { f.keep(background) })
	return f, nil
}

func (o Options) withDefaults() Options {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Window == 0 {
		o.Window = 24 * time.Hour
	}
	if o.Retain == 0 {
		o.Retain = 400 * 24 * time.Hour
	}
	if o.SealEvery == 0 {
		o.SealEvery = min(time.Hour, o.Window/4)
	}
	if o.MaxMessage == 0 || o.MaxMessage > maxMessage {
		o.MaxMessage = maxMessage
	}
	if o.Report == nil {
		o.Report = func(error) {}
	}
	return o
}

// Close seals what is in the log, writes a checkpoint and stops. Put fails
// with ErrClosed from now on; snapshots already given stay valid.
func (f *Feed) Close() error {
	if f.closed.Swap(true) {
		return nil
	}
	f.stop()
	f.keeper.Wait()
	err := f.Seal(context.Background())
	f.subMu.Lock()
	defer f.subMu.Unlock()
	for c := range f.subscribers {
		close(c)
	}
	clear(f.subscribers)
	return err
}

// City returns the city whose sensors are known.
func (f *Feed) City() *geo.City { return f.o.City }

// Now returns the time by the feed's clock.
func (f *Feed) Now() time.Time { return f.o.Now() }

// Stats returns the feed's counters.
func (f *Feed) Stats() Stats {
	var s Stats
	f.mu.Lock()
	f.st.counts.fill(&s)
	s.WindowStart, s.Unsealed, s.LogLast = time.UnixMilli(f.st.startMS).UTC(), f.st.oldCount, f.st.logSeq
	f.mu.Unlock()
	g := f.store.Generation()
	sealed, _ := g.Sealed()
	files, rows, bytes := g.Totals()
	s.LogFirst, s.Files, s.SealedRows, s.SealedBytes = sealed+1, files, uint64(rows), uint64(bytes)
	s.Repeated, s.RestoreTime = f.repeated.Load(), f.restoreTime
	last := f.lastSeal.Load()
	s.LastSeal = last.at
	if last.err != nil {
		s.LastSealError = last.err.Error()
	}
	if snap := f.snapshot.Load(); snap != nil {
		s.SnapshotSeq = snap.Seq
	}
	return s
}

// Unmatched returns the outside ids, sorted, of sensors with readings that the
// city does not have: after a change of the city their history is kept under
// the old id.
func (f *Feed) Unmatched() []string {
	var out []string
	for _, id := range f.store.Generation().SensorIDs() {
		if _, ok := f.o.City.Sensors.Find(id); !ok {
			out = append(out, id)
		}
	}
	f.mu.Lock()
	for _, s := range f.st.series[f.st.cityCount():] {
		if _, ok := f.o.City.Sensors.Find(s.key.Sensor); !ok {
			out = append(out, s.key.Sensor)
		}
	}
	f.mu.Unlock()
	slices.Sort(out)
	return slices.Compact(out)
}

func sortedMeasures(s geo.Sensor) []geo.Measure {
	ms := slices.Clone(s.Measures)
	slices.SortStableFunc(ms, func(a, b geo.Measure) int { return int(a.Quantity) - int(b.Quantity) })
	return ms
}
