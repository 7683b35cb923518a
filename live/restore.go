package live

import (
	"bufio"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"

	"tideway/geo"
	"tideway/live/store"
)

// restore rebuilds the state: the checkpoint (or, without one, the newest
// files), then the messages that are not in it or not in files.
func (f *Feed) restore(ctx context.Context) (*state, error) {
	st := newState(f.o.City, f.o.Window)
	start := f.o.Now().UnixMilli() - st.windowMS
	covered := int64(math.MinInt64)
	err := f.store.ReadCheckpoint(func(r *bufio.Reader) (err error) { covered, err = st.readCheckpoint(r); return err })
	switch {
	case err == nil:
		st.startMS = max(start, covered)
	case errors.Is(err, store.ErrNoCheckpoint):
		if err.Error() != store.ErrNoCheckpoint.Error() {
			f.o.Report(fmt.Errorf("rebuilding the recent window from files: %w", err))
		}
		st = newState(f.o.City, f.o.Window)
		st.startMS = start
		if err := f.fillWindow(ctx, st); err != nil {
			return nil, err
		}
	default:
		return nil, err
	}
	return st, f.replayTail(ctx, st)
}

// replayTail folds the messages after the older of checkpoint and files.
func (f *Feed) replayTail(ctx context.Context, st *state) error {
	sealed, sealedFeed := f.store.Generation().Sealed()
	first, last, err := f.o.Log.Bounds(ctx)
	if err != nil {
		return err
	}
	if st.logSeq == 0 {
		// Files hold the readings up to message sealed, but only the log still
		// has the answers given and the counts.
		st.logSeq, st.feedSeq = sealed, sealedFeed
		if 0 < first && first <= sealed {
			st.logSeq, st.feedSeq = first-1, 0
		}
	}
	if last < sealed || last < st.logSeq {
		return fmt.Errorf("the log ends at message %d, but messages up to %d were already taken from it: it was lost or belongs to another folder", last, max(sealed, st.logSeq))
	}
	from := min(sealed, st.logSeq) + 1
	err = f.o.Log.Replay(ctx, from, last, func(seq uint64, data []byte) error {
		g, err := decodeGroup(data)
		if err != nil {
			f.o.Report(fmt.Errorf("message %d of the log is lost: %w", seq, err))
			st.counts.Gaps++
			st.feedSeq++
			return nil
		}
		st.fold(seq, sealed, g)
		return nil
	})
	st.logSeq = max(st.logSeq, last)
	return err
}

// fillWindow reads the window's time from files, some series at a time.
func (f *Feed) fillWindow(ctx context.Context, st *state) error {
	if st.startMS > f.store.Generation().Newest() {
		return nil
	}
	const atATime = 1000
	for lo := 0; lo < st.cityCount(); lo += atATime {
		part := st.series[lo:min(lo+atATime, st.cityCount())]
		keys := make([]store.Key, len(part))
		for i := range part {
			keys[i] = part[i].key
		}
		points, err := f.store.Read(ctx, f.o.Threads, keys, st.startMS, math.MaxInt64)
		if err != nil {
			return err
		}
		for i, ps := range points {
			for _, p := range ps {
				part[i].set(p, st.startMS, st.windowMS)
			}
		}
	}
	return nil
}

// checkpointHead is the part of a checkpoint that is not columns.
type checkpointHead struct {
	LogSeq   uint64            `json:"log_seq"`
	FeedSeq  uint64            `json:"feed_seq"`
	Series   int               `json:"series"`
	Counts   counters          `json:"counts"`
	ByReason map[Reason]uint64 `json:"by_reason"`
	Book     bookFile          `json:"book"`
}

// writeCheckpoint writes the state as of message st.logSeq at the time of the
// call. Series are copied one by one while readings go on coming, so later
// ones may hold newer values: folding the messages after LogSeq again
// gives the same state either way, because each sets a value absolutely.
//
// A series may also hold values of a group that is not logged yet. The last act
// is therefore to wait for that group, and to fail if it could not be logged.
func (f *Feed) writeCheckpoint(w io.Writer) (logSeq uint64, err error) {
	st, head := f.checkpointHead()
	data, err := json.Marshal(head)
	if err != nil {
		return 0, err
	}
	buf := append(binary.AppendUvarint(nil, uint64(len(data))), data...)
	for i := range head.Series {
		if _, err := w.Write(buf); err != nil {
			return 0, err
		}
		f.mu.Lock()
		buf = st.series[i].appendTo(buf[:0])
		f.mu.Unlock()
	}
	f.commitMu.Lock()
	defer f.commitMu.Unlock()
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.broken != nil || f.st != st {
		return 0, fmt.Errorf("the state holds readings that were not logged: %w", errors.Join(f.broken, ErrUnavailable))
	}
	_, err = w.Write(binary.LittleEndian.AppendUint64(buf, uint64(st.startMS)))
	return head.LogSeq, err
}

func (f *Feed) checkpointHead() (*state, checkpointHead) {
	f.commitMu.Lock()
	defer f.commitMu.Unlock()
	f.mu.Lock()
	defer f.mu.Unlock()
	st := f.st
	return st, checkpointHead{LogSeq: st.logSeq, FeedSeq: st.feedSeq, Series: len(st.series),
		Counts: st.counts, ByReason: maps.Clone(st.counts.byReason), Book: st.book.file()}
}

func (s *series) appendTo(b []byte) []byte {
	le := binary.LittleEndian
	b = binary.AppendUvarint(b, uint64(len(s.key.Sensor)))
	b = append(b, s.key.Sensor...)
	b = append(b, byte(s.key.Quantity))
	for _, v := range []int64{s.intervalMS, s.phaseMS, s.head, s.lastEndMS, int64(s.last), int64(len(s.ring)), int64(len(s.loose))} {
		b = le.AppendUint64(b, uint64(v))
	}
	for _, c := range s.ring {
		b = le.AppendUint32(b, uint32(c))
	}
	for _, p := range s.loose {
		b = le.AppendUint64(b, uint64(p.EndMS))
		b = le.AppendUint32(b, p.IntervalS)
		b = le.AppendUint32(b, uint32(p.Code))
	}
	return b
}

// readCheckpoint fills a new state and returns the start of the time that the
// checkpoint's window covers.
func (st *state) readCheckpoint(in *bufio.Reader) (coveredMS int64, err error) {
	var head checkpointHead
	if err := readJSON(in, &head); err != nil {
		return 0, err
	}
	if st.book, err = head.Book.book(); err != nil {
		return 0, err
	}
	st.logSeq, st.feedSeq, st.counts = head.LogSeq, head.FeedSeq, head.Counts
	if st.counts.byReason = head.ByReason; st.counts.byReason == nil {
		st.counts.byReason = map[Reason]uint64{}
	}
	for range head.Series {
		if err := st.readSeries(in); err != nil {
			return 0, err
		}
	}
	var last [8]byte
	if _, err := io.ReadFull(in, last[:]); err != nil {
		return 0, err
	}
	return int64(binary.LittleEndian.Uint64(last[:])), nil
}

func readJSON(in *bufio.Reader, v any) error {
	n, err := binary.ReadUvarint(in)
	if err != nil || n > 1<<30 {
		return fmt.Errorf("its head has %d bytes: %w", n, errors.Join(err, errShort))
	}
	data := make([]byte, n)
	if _, err := io.ReadFull(in, data); err != nil {
		return err
	}
	return json.Unmarshal(data, v)
}

// savedSeries is a series as the checkpoint has it.
type savedSeries struct {
	key                                                     store.Key
	interval, phase, head, lastEnd, last, ringLen, looseLen int64
}

func (st *state) readSeries(in *bufio.Reader) error {
	var v savedSeries
	if err := v.read(in); err != nil {
		return err
	}
	s := st.seriesOf(v.key)
	same := s.intervalMS == v.interval || s.intervalMS == 0 || s.sensor == geo.NoSensor
	if same {
		s.intervalMS = v.interval
	}
	ring, err := readCodes(in, v.ringLen)
	if err != nil {
		return err
	}
	loose, err := readPoints(in, v.looseLen)
	if err != nil {
		return err
	}
	if v.ringLen > 0 {
		st.restoreRing(s, v, ring, same)
	}
	for _, p := range loose {
		s.set(p, math.MinInt64, st.windowMS)
	}
	s.lastEndMS, s.last = v.lastEnd, store.Code(v.last)
	return nil
}

// restoreRing takes the saved ring over as it is where its layout is still
// right, and puts its values in one by one otherwise.
func (st *state) restoreRing(s *series, v savedSeries, ring []store.Code, same bool) {
	if same {
		s.layout(v.phase, st.windowMS)
		if len(s.ring) == len(ring) {
			s.ring, s.head = ring, v.head
			return
		}
		s.head = v.head - int64(len(ring))
	}
	n := int64(len(ring))
	for k := v.head - n + 1; k <= v.head; k++ {
		if c := ring[floorMod(k, n)]; c != 0 {
			s.set(store.Point{EndMS: v.phase + k*v.interval, IntervalS: uint32(v.interval / 1000), Code: c}, math.MinInt64, st.windowMS)
		}
	}
}

func (v *savedSeries) read(in *bufio.Reader) error {
	n, err := binary.ReadUvarint(in)
	if err != nil || n > maxID {
		return fmt.Errorf("a sensor id of %d bytes: %w", n, errors.Join(err, errShort))
	}
	raw := make([]byte, n+1+7*8)
	if _, err := io.ReadFull(in, raw); err != nil {
		return err
	}
	v.key = store.Key{Sensor: string(raw[:n]), Quantity: geo.Quantity(raw[n])}
	for i, p := range []*int64{&v.interval, &v.phase, &v.head, &v.lastEnd, &v.last, &v.ringLen, &v.looseLen} {
		*p = int64(binary.LittleEndian.Uint64(raw[int(n)+1+8*i:]))
	}
	if v.ringLen < 0 || v.ringLen > maxSlots || v.looseLen < 0 || v.looseLen > 1<<28 || v.ringLen > 0 && v.interval <= 0 || v.key.Quantity >= geo.Quantity(len(rules)) {
		return fmt.Errorf("series %v is damaged", v.key)
	}
	return nil
}

func readCodes(in io.Reader, n int64) ([]store.Code, error) {
	raw, out := make([]byte, min(n, 4096)*4), make([]store.Code, n)
	for at := int64(0); at < n; {
		k := min(n-at, 4096)
		if _, err := io.ReadFull(in, raw[:k*4]); err != nil {
			return nil, err
		}
		for i := range k {
			out[at+i] = store.Code(binary.LittleEndian.Uint32(raw[i*4:]))
		}
		at += k
	}
	return out, nil
}

func readPoints(in io.Reader, n int64) ([]store.Point, error) {
	var raw [16]byte
	out := make([]store.Point, 0, min(n, 4096))
	for range n {
		if _, err := io.ReadFull(in, raw[:]); err != nil {
			return nil, err
		}
		le := binary.LittleEndian
		out = append(out, store.Point{EndMS: int64(le.Uint64(raw[:])), IntervalS: le.Uint32(raw[8:]), Code: store.Code(le.Uint32(raw[12:]))})
	}
	return out, nil
}
