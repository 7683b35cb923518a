package live

import (
	"context"
	"fmt"
	"time"

	"tideway/geo"
	"tideway/live/store"
)

// Put judges the readings of a batch, makes them durable and answers. When it
// returns without error every reading it counts as accepted survives power
// failure. A batch whose Client key was answered before gets that answer
// again, even if its content differs, also after a restart (the newest
// 100 000 keys are remembered). Batches of concurrent callers share one write.
//
// It fails with ErrUnavailable when the log cannot be written, with ErrClosed,
// and when the batch's columns contradict each other; the caller may then send
// the same batch with the same key again.
func (f *Feed) Put(ctx context.Context, b *Batch) (Answer, error) {
	if err := b.Check(); err != nil {
		return Answer{}, fmt.Errorf("taking readings: %w", err)
	}
	if b.Client == "" {
		return f.put(ctx, b)
	}
	for {
		a, known, busy := f.claim(b.Client)
		switch {
		case known:
			f.repeated.Add(1)
			return a, nil
		case busy == nil:
			defer f.release(b.Client)
			return f.put(ctx, b)
		}
		select { // the same key is on its way: its answer is ours
		case <-busy:
		case <-ctx.Done():
			return Answer{}, fmt.Errorf("taking readings: %w", ctx.Err())
		}
	}
}

// claim returns the answer to a key that is known, or the channel that closes
// when another caller is done with it, or neither: the key is then ours.
func (f *Feed) claim(key string) (a Answer, known bool, busy chan struct{}) {
	f.queueMu.Lock()
	defer f.queueMu.Unlock()
	if busy = f.inFlight[key]; busy != nil {
		return a, false, busy
	}
	f.mu.Lock()
	a, known = f.st.book.find(key)
	f.mu.Unlock()
	if !known {
		f.inFlight[key] = make(chan struct{})
	}
	return a, known, nil
}

func (f *Feed) release(key string) {
	f.queueMu.Lock()
	defer f.queueMu.Unlock()
	close(f.inFlight[key])
	delete(f.inFlight, key)
}

// pieceReadings is the most readings that one record of the log holds.
const pieceReadings = 1 << 16

func (f *Feed) put(ctx context.Context, b *Batch) (total Answer, err error) {
	refused, step := b.Refused, b.pieceSize(f.o.MaxMessage)
	for at := 0; at < b.Len() || at == 0; at += step {
		if err := ctx.Err(); err != nil {
			return total, fmt.Errorf("taking readings: %w", err)
		}
		p := &piece{record: record{b: b.slice(at, min(at+step, b.Len()), f.o.MaxMessage)}, turn: make(chan bool, 1)}
		p.flags = flagIf(at == 0, flagFirst) | flagIf(at+step >= b.Len(), flagLast) | flagIf(b.Backfill, flagBackfill)
		refused = f.prepare(p, refused, at)
		if err := f.commit(ctx, p); err != nil {
			return total, err
		}
		var a Answer
		a.count(p.b, p.verdicts, at)
		total.Merge(a)
	}
	if total.Reasons == nil {
		total.Reasons = []ReasonAt{}
	}
	return total, nil
}

// pieceSize is how many readings go into one record, so that it fits into a
// message even when each names another sensor.
func (b *Batch) pieceSize(maxBytes int) int {
	names := 0
	for _, s := range b.Sensors {
		names += len(s)
	}
	if names > maxBytes/4 {
		return max(1, maxBytes/(4*(maxID+32)))
	}
	return min(pieceReadings, maxBytes/64)
}

func flagIf(is bool, flag uint16) uint16 {
	if is {
		return flag
	}
	return 0
}

// slice returns the readings [lo, hi) sharing the columns; the list of sensors
// is cut to those they name where the whole would make a large message.
func (b *Batch) slice(lo, hi, maxBytes int) *Batch {
	c := &Batch{Client: b.Client, Backfill: b.Backfill, Sensors: b.Sensors, Sensor: b.Sensor[lo:hi], Quantity: b.Quantity[lo:hi],
		EndMS: b.EndMS[lo:hi], Interval: b.Interval[lo:hi], Value: b.Value[lo:hi]}
	if c.encodedSize() <= maxBytes/2 {
		return c
	}
	c.Sensors, c.Sensor = nil, make([]uint32, hi-lo)
	seen := map[uint32]uint32{}
	for i, s := range b.Sensor[lo:hi] {
		k, ok := seen[s]
		if !ok {
			k = uint32(len(c.Sensors))
			seen[s] = k
			c.Sensors = append(c.Sensors, b.Sensors[s])
		}
		c.Sensor[i] = k
	}
	return c
}

// piece is a part of a batch on its way into the log.
type piece struct {
	record
	series []int32 // position in state.series, -1 when refused
	codes  []store.Code
	sealed sealedValues
	bytes  int

	turn chan bool // true: lead the next group; false: done
	err  error
}

// prepare judges what needs no history and finds each reading's series. It
// needs no lock: the city and its series never change.
func (f *Feed) prepare(p *piece, refused []Refusal, offset int) (rest []Refusal) {
	b, now := p.b, f.o.Now()
	newest, oldest := now.Add(futureTolerance).UnixMilli(), now.Add(-LateLimit).UnixMilli()
	if b.Backfill {
		oldest = minTimeMS
	}
	p.verdicts, p.series, p.codes = make([]verdict, b.Len()), make([]int32, b.Len()), make([]store.Code, b.Len())
	sensors, st := f.lookUp(b.Sensors), f.state()
	for i := range b.Value {
		p.verdicts[i], p.series[i] = st.find(sensors[b.Sensor[i]], b.Quantity[i])
		if p.verdicts[i] == verdictOK {
			p.verdicts[i] = stateless(b.Quantity[i], b.Value[i], b.EndMS[i], oldest, newest)
		}
		if p.verdicts[i] == verdictOK {
			p.codes[i] = store.Encode(b.Quantity[i], b.Value[i], store.Good)
		}
	}
	for len(refused) > 0 && refused[0].Index < offset+b.Len() {
		if i := refused[0].Index - offset; i >= 0 {
			p.verdicts[i] = codeOfReason[refused[0].Reason]
			if p.verdicts[i].accepted() {
				p.verdicts[i] = verdictMalformed
			}
		}
		refused = refused[1:]
	}
	p.bytes = b.encodedSize()
	return refused
}

// minTimeMS is the year 1900: an older reading has a broken time, whatever the
// batch says of itself.
var minTimeMS = time.Date(1900, 1, 1, 0, 0, 0, 0, time.UTC).UnixMilli()

func (f *Feed) state() *state {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.st
}

func (f *Feed) lookUp(names []string) []geo.SensorID {
	out := make([]geo.SensorID, len(names))
	for i, n := range names {
		id, ok := f.o.City.Sensors.Find(n)
		if !ok {
			id = geo.NoSensor
		}
		out[i] = id
	}
	return out
}

// find returns the series of a sensor's quantity. It reads only what never
// changes after the state was made.
func (st *state) find(s geo.SensorID, q geo.Quantity) (verdict, int32) {
	if s == geo.NoSensor {
		return verdictSensor, -1
	}
	for i := st.first[s]; i < st.first[s+1]; i++ {
		if st.series[i].key.Quantity == q {
			return verdictOK, int32(i)
		}
	}
	return verdictQuantity, -1
}

// judge decides on each reading and folds the accepted ones. The caller holds
// mu; sealed values of every old reading are at hand.
func (st *state) judge(p *piece) {
	b, seq := p.b, st.logSeq+1
	for i := range p.verdicts {
		if p.verdicts[i] != verdictOK {
			continue
		}
		s := &st.series[p.series[i]]
		v := store.Point{EndMS: b.EndMS[i], IntervalS: b.Interval[i], Code: p.codes[i]}
		old := v.EndMS < st.startMS
		had := st.had(s, v.EndMS, old, p.series[i], p.sealed)
		if had != 0 && had.SameValue(v.Code) {
			p.verdicts[i] = verdictDuplicate
			continue
		}
		verdict := s.doubt(v, old)
		v.Code = v.Code.With(verdict.doubt())
		if had != 0 {
			verdict |= verdictRevision
		}
		p.verdicts[i] = verdict
		st.put(s, v, seq)
	}
}

// had returns the value that the key of a reading has already.
func (st *state) had(s *series, endMS int64, old bool, i int32, sealed sealedValues) store.Code {
	if !old {
		return s.get(endMS)
	}
	if k, ok := s.searchOld(endMS); ok {
		return s.old[k].Code
	}
	return sealed.get(i, endMS)
}
