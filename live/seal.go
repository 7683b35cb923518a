package live

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"time"

	"tideway/geo"
	"tideway/live/store"
)

const (
	sealReadings    = 1 << 20 // readings gathered for one set of files: 40 MB
	sealOldReadings = 1 << 20 // old readings in memory that start a sealing before its time
	rejectedKept    = 7 * 24 * time.Hour
)

// sealResult is how the last sealing went.
type sealResult struct {
	at  time.Time // by the feed's clock; that of Open before the first
	err error
}

// poke wakes the keeper.
func (f *Feed) poke() {
	select {
	case f.wake <- struct{}{}:
	default:
	}
}

// keep seals, compacts and expires in the background until ctx ends.
func (f *Feed) keep(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-f.wake:
		}
		if err := errors.Join(f.Seal(ctx), f.Compact(ctx), f.expire()); err != nil && ctx.Err() == nil {
			f.o.Report(err)
		}
	}
}

// Seal moves the readings in the log to files, writes a checkpoint and trims
// the log: it then holds only what is newer than both. Nothing is trimmed
// before files and checkpoint were read back and found whole.
func (f *Feed) Seal(ctx context.Context) error {
	f.sealMu.Lock()
	defer f.sealMu.Unlock()
	err := f.sealTo(ctx, f.beginSeal())
	f.endSeal(err)
	if err == nil {
		err = f.checkpointAndTrim(ctx)
	}
	f.lastSeal.Store(&sealResult{f.o.Now(), err})
	return err
}

// beginSeal returns the newest message; values folded from now on are not part
// of this sealing.
func (f *Feed) beginSeal() uint64 {
	f.commitMu.Lock() // no group is folded but not yet logged
	defer f.commitMu.Unlock()
	f.mu.Lock()
	defer f.mu.Unlock()
	f.st.sealingMS = min(f.st.sealingMS, f.st.unsealedMS)
	f.st.unsealedMS = math.MaxInt64
	return f.st.logSeq
}

func (f *Feed) endSeal(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err != nil {
		f.st.unsealedMS = min(f.st.unsealedMS, f.st.sealingMS)
	}
	f.st.sealingMS = math.MaxInt64
}

func (f *Feed) sealTo(ctx context.Context, to uint64) error {
	sealed, feedSeq := f.store.Generation().Sealed()
	for sealed < to {
		h := newHarvest(feedSeq)
		err := f.o.Log.Replay(ctx, sealed+1, to, h.take)
		if err != nil && !errors.Is(err, errEnough) {
			return fmt.Errorf("sealing: %w", err)
		}
		if !errors.Is(err, errEnough) {
			h.seq = to // messages at the end may be gone
		}
		for _, damage := range h.damage {
			f.o.Report(damage)
		}
		b, err := h.batch()
		if err != nil {
			return err
		}
		if err := f.store.Seal(b); err != nil {
			return err
		}
		sealed, feedSeq = b.Seq, b.FeedSeq
		f.dropSealed(sealed)
	}
	return nil
}

func (f *Feed) dropSealed(seq uint64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for i := range f.st.series {
		if s := &f.st.series[i]; len(s.old) > 0 {
			f.st.oldCount -= s.sealed(seq)
		}
	}
}

func (f *Feed) checkpointAndTrim(ctx context.Context) error {
	f.mu.Lock()
	newest := f.st.logSeq
	f.mu.Unlock()
	if newest == f.checkpointSeq {
		return nil
	}
	var at uint64
	err := f.store.WriteCheckpoint(func(w io.Writer) (err error) { at, err = f.writeCheckpoint(w); return err })
	if err != nil {
		return fmt.Errorf("writing a checkpoint: %w", err)
	}
	f.checkpointSeq = at
	sealed, _ := f.store.Generation().Sealed()
	return f.o.Log.Trim(ctx, min(sealed, at))
}

// Compact merges the files of days that are closed, and of those with many.
func (f *Feed) Compact(ctx context.Context) error {
	f.sealMu.Lock()
	defer f.sealMu.Unlock()
	for {
		f.mu.Lock()
		closed := f.st.startMS
		f.mu.Unlock()
		if did, err := f.store.Compact(ctx, closed); err != nil || !did {
			return err
		}
	}
}

// expire drops history older than Retain before the newest reading: a feed
// that fell silent keeps what it has.
func (f *Feed) expire() error {
	f.sealMu.Lock()
	defer f.sealMu.Unlock()
	rejected := f.o.Now().Add(-rejectedKept).UnixMilli()
	before := int64(math.MinInt64)
	if newest := f.Newest(); !newest.IsZero() {
		before = newest.Add(-f.o.Retain).UnixMilli()
	}
	return f.store.Expire(before, rejected)
}

// Verify reads every sealed file back and compares it with its checksum.
func (f *Feed) Verify() error { return f.store.Verify() }

// VerifyHistory does the same for the folder of a feed that is not open,
// changing nothing there, and returns the number of files.
func VerifyHistory(dir string) (files int, err error) { return store.VerifyDir(dir) }

// errEnough ends a replay when a set of files is full.
var errEnough = errors.New("enough gathered")

// harvest gathers the readings of messages for files.
type harvest struct {
	seq, feedSeq uint64
	where        map[store.Key]int
	series       []store.SeriesPoints
	rejected     []store.Rejected
	readings     int
	accepted     int // by the verdicts in the log
	damage       []error
}

func newHarvest(feedSeq uint64) *harvest {
	return &harvest{feedSeq: feedSeq, where: map[store.Key]int{}}
}

func (h *harvest) take(seq uint64, data []byte) error {
	g, err := decodeGroup(data)
	if err != nil {
		h.damage = append(h.damage, fmt.Errorf("message %d of the log is lost: %w", seq, err))
		h.seq = seq
		return nil
	}
	if g.seq != h.feedSeq+1 && h.feedSeq != 0 {
		h.damage = append(h.damage, fmt.Errorf("the log jumps from message %d to %d before number %d: messages were lost", h.feedSeq, g.seq, seq))
	}
	for _, r := range g.records {
		h.takeRecord(r, g.receivedMS)
	}
	h.seq, h.feedSeq = seq, g.seq
	if h.readings >= sealReadings {
		return errEnough
	}
	return nil
}

func (h *harvest) takeRecord(r record, receivedMS int64) {
	b := r.b
	var last store.Key
	at := -1
	for i, v := range r.verdicts {
		key := store.Key{Sensor: b.Sensors[b.Sensor[i]], Quantity: b.Quantity[i]}
		if !v.accepted() {
			if !v.duplicate() {
				h.reject(r, i, key, receivedMS)
			}
			continue
		}
		if at < 0 || key != last {
			at, last = h.place(key), key
		}
		s := &h.series[at]
		s.Points = append(s.Points, store.Point{EndMS: b.EndMS[i], IntervalS: b.Interval[i], Code: store.Encode(b.Quantity[i], b.Value[i], v.doubt())})
		h.accepted++
	}
	h.readings += b.Len()
}

func (h *harvest) place(key store.Key) int {
	at, ok := h.where[key]
	if !ok {
		at = len(h.series)
		h.where[key] = at
		h.series = append(h.series, store.SeriesPoints{Key: key})
	}
	return at
}

func (h *harvest) reject(r record, i int, key store.Key, receivedMS int64) {
	h.rejected = append(h.rejected, store.Rejected{ReceivedMS: receivedMS, Client: r.b.Client, Sensor: key.Sensor,
		Quantity: quantityName(key.Quantity), EndMS: r.b.EndMS[i], Value: r.b.Value[i], Reason: string(r.verdicts[i].reason())})
}

func quantityName(q geo.Quantity) string { return q.String() }

// batch sorts each series by end, keeping the newest of revised values, and
// makes sure that every accepted reading is there.
func (h *harvest) batch() (store.Batch, error) {
	points := 0
	for i := range h.series {
		s := &h.series[i]
		points += len(s.Points)
		s.Points = newestWins(s.Points)
	}
	if points != h.accepted {
		return store.Batch{}, fmt.Errorf("sealing up to message %d: %d readings gathered, the log accepted %d", h.seq, points, h.accepted)
	}
	return store.Batch{Seq: h.seq, FeedSeq: h.feedSeq, Series: h.series, Rejected: h.rejected}, nil
}

// newestWins sorts points by end; of several with one end the last stays.
func newestWins(ps []store.Point) []store.Point {
	if rising(ps) {
		return ps
	}
	slices.SortStableFunc(ps, func(a, b store.Point) int { return compareInt(a.EndMS, b.EndMS) })
	out := ps[:0]
	for i, p := range ps {
		if i+1 == len(ps) || ps[i+1].EndMS != p.EndMS {
			out = append(out, p)
		}
	}
	return out
}

func rising(ps []store.Point) bool {
	for i := 1; i < len(ps); i++ {
		if ps[i].EndMS <= ps[i-1].EndMS {
			return false
		}
	}
	return true
}

// Rejected is a reading that was refused.
type Rejected = store.Rejected

// RejectedReadings returns refused readings received after from and not after
// to, oldest first, at most limit. They are kept for 7 days.
func (f *Feed) RejectedReadings(ctx context.Context, from, to time.Time, limit int) ([]Rejected, error) {
	fromMS, toMS := endBounds(from, to)
	sealed, _ := f.store.Generation().Sealed()
	h := newHarvest(0)
	if err := f.o.Log.Replay(ctx, sealed+1, 0, func(seq uint64, data []byte) error {
		err := h.take(seq, data)
		h.series, h.readings = nil, 0
		clear(h.where)
		return err
	}); err != nil {
		return nil, err
	}
	out, err := f.store.RejectedBetween(fromMS, toMS, limit)
	if err != nil {
		return nil, err
	}
	for _, r := range h.rejected {
		if r.ReceivedMS >= fromMS && r.ReceivedMS < toMS && len(out) < limit {
			out = append(out, r)
		}
	}
	return out, nil
}
