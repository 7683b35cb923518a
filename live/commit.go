package live

import (
	"context"
	"fmt"
	"math"
	"time"

	"tideway/live/store"
)

// appendTimeout bounds one durable write; after it the log counts as failed.
const appendTimeout = 30 * time.Second

// commit brings a piece into the log together with those that wait. The first
// to come leads: it writes one group and hands the lead to the next waiter, so
// while one group syncs the next one gathers.
func (f *Feed) commit(ctx context.Context, p *piece) error {
	if err := f.fetchSealed(ctx, p); err != nil {
		return err
	}
	f.queueMu.Lock()
	f.queue = append(f.queue, p)
	lead := !f.leading
	f.leading = true
	f.queueMu.Unlock()
	if lead || <-p.turn {
		f.lead(ctx)
	}
	return p.err
}

func (f *Feed) lead(ctx context.Context) {
	f.commitMu.Lock()
	group := f.takeGroup()
	f.process(context.WithoutCancel(ctx), group)
	f.commitMu.Unlock()
	for _, p := range group[1:] {
		p.turn <- false
	}
	f.queueMu.Lock()
	defer f.queueMu.Unlock()
	f.leading = len(f.queue) > 0
	if f.leading {
		f.queue[0].turn <- true
	}
}

// takeGroup takes from the queue's front what fits into one message, at least one.
func (f *Feed) takeGroup() []*piece {
	f.queueMu.Lock()
	defer f.queueMu.Unlock()
	n, bytes := 0, 0
	for n < len(f.queue) && n < math.MaxUint16 && (n == 0 || bytes+f.queue[n].bytes <= f.o.MaxMessage) {
		bytes += f.queue[n].bytes
		n++
	}
	group := append([]*piece(nil), f.queue[:n]...)
	f.queue = append(f.queue[:0], f.queue[n:]...)
	return group
}

// process judges, folds and logs a group. A fold that cannot be logged is
// undone by reloading the state before the next group.
func (f *Feed) process(ctx context.Context, ps []*piece) {
	err := f.ready(ctx)
	if err == nil {
		err = f.logGroup(ctx, ps)
	}
	for _, p := range ps {
		p.err = err
	}
}

func (f *Feed) ready(ctx context.Context) error {
	if f.closed.Load() {
		return ErrClosed
	}
	if f.broken == nil {
		return nil
	}
	st, err := f.restore(ctx)
	if err != nil {
		return fmt.Errorf("%w: %v; reading the log again: %v", ErrUnavailable, f.broken, err)
	}
	f.mu.Lock()
	f.st, f.broken = st, nil
	f.mu.Unlock()
	return nil
}

func (f *Feed) logGroup(ctx context.Context, ps []*piece) error {
	st := f.st
	g := group{seq: st.feedSeq + 1, receivedMS: f.o.Now().UnixMilli(), records: make([]record, len(ps))}
	for i, p := range ps {
		if err := f.judge(ctx, p); err != nil {
			f.broken = err
			return err
		}
		g.records[i] = p.record
	}
	ctx, cancel := context.WithTimeout(ctx, appendTimeout)
	defer cancel()
	seq, err := f.o.Log.AppendAfter(ctx, st.logSeq, g.encode())
	if err != nil {
		f.broken = err
		return fmt.Errorf("%w: %v", ErrUnavailable, err)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	st.note(seq, g)
	if st.oldCount >= sealOldReadings {
		f.poke()
	}
	return nil
}

// note enters a logged group into numbers, counters and answers.
func (st *state) note(seq uint64, g group) {
	if g.seq > st.feedSeq+1 && st.feedSeq > 0 {
		st.counts.Gaps += g.seq - st.feedSeq - 1
	}
	st.logSeq, st.feedSeq = seq, g.seq
	st.counts.Messages++
	for _, r := range g.records {
		st.counts.add(r)
		st.book.add(r)
	}
}

// judge runs the state's judge under the lock, after making sure that the
// sealed values fetched for the piece are still complete.
func (f *Feed) judge(ctx context.Context, p *piece) error {
	for {
		f.mu.Lock()
		if p.sealed.complete(f.store.Generation(), f.st.startMS) {
			f.st.judge(p)
			f.mu.Unlock()
			return nil
		}
		f.mu.Unlock()
		if err := f.fetchSealed(ctx, p); err != nil {
			return err
		}
	}
}

// sealedValues are the values in files of the keys that a piece writes to: what
// a late reading is compared with.
type sealedValues struct {
	generation *store.Generation
	startMS    int64 // readings before it were looked up
	points     map[int32][]store.Point
}

func (v sealedValues) get(series int32, endMS int64) store.Code {
	ps := v.points[series]
	if i, ok := searchEnd(ps, endMS); ok {
		return ps[i].Code
	}
	return 0
}

// complete reports whether nothing was sealed and the window has not moved
// since. A window that moved matters to readings between the two starts.
func (v sealedValues) complete(g *store.Generation, startMS int64) bool {
	return v.generation == g && startMS <= v.startMS
}

// fetchSealed looks up the sealed values of the piece's old readings.
func (f *Feed) fetchSealed(ctx context.Context, p *piece) error {
	f.mu.Lock()
	st := f.st
	v := sealedValues{generation: f.store.Generation(), startMS: st.startMS + startSlack.Milliseconds()}
	f.mu.Unlock()
	need := map[int32]bool{}
	var keys []store.Key
	var series []int32
	from, to := int64(math.MaxInt64), int64(math.MinInt64)
	days := map[int64]bool{}
	for i, verdict := range p.verdicts {
		end := p.b.EndMS[i]
		if verdict != verdictOK || end >= v.startMS || !hasDay(days, v.generation, end) {
			continue
		}
		from, to = min(from, end), max(to, end+1)
		if k := p.series[i]; !need[k] {
			need[k] = true
			series = append(series, k)
			keys = append(keys, st.series[k].key)
		}
	}
	if len(keys) > 0 {
		points, err := f.store.Read(ctx, f.o.Threads, keys, from, to)
		if err != nil {
			return fmt.Errorf("%w: %v", ErrUnavailable, err)
		}
		v.points = make(map[int32][]store.Point, len(keys))
		for i, k := range series {
			v.points[k] = points[i]
		}
	}
	p.sealed = v
	return nil
}

// startSlack is how far the window may move on before what was fetched for a
// late batch must be fetched again.
const startSlack = time.Minute

// hasDay asks the generation once a day of readings.
func hasDay(asked map[int64]bool, g *store.Generation, endMS int64) bool {
	day := floorDiv(endMS, 24*time.Hour.Milliseconds())
	has, ok := asked[day]
	if !ok {
		has = g.HasDay(endMS)
		asked[day] = has
	}
	return has
}
