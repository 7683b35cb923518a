// Package replay plays recorded readings again: a table or the history of a
// data folder, at any speed, with their own times or moved to another time.
// Demonstrations and tests feed a twin with it.
//
// It stands on live and reads no clock: the caller says what time it is, and
// gets the readings that have come due.
package replay

import (
	"cmp"
	"errors"
	"io"
	"slices"
	"time"

	"tideway/live"
)

// Source yields batches of readings; io.EOF ends it. ingest.Table is one.
type Source interface {
	Next() (*live.Batch, error)
}

// Recording is readings in order of the end of their interval.
type Recording struct {
	batch live.Batch
	at    int
	shift time.Duration
}

// Load reads a source to its end. Readings that the source could not read are
// left out. Memory: 25 bytes a reading.
func Load(s Source) (*Recording, error) {
	r := &Recording{}
	known := map[string]uint32{}
	for {
		b, err := s.Next()
		if errors.Is(err, io.EOF) {
			r.sort()
			return r, nil
		}
		if err != nil {
			return nil, err
		}
		r.add(b, known)
	}
}

func (r *Recording) add(b *live.Batch, known map[string]uint32) {
	place := make([]uint32, len(b.Sensors))
	for i, id := range b.Sensors {
		k, ok := known[id]
		if !ok {
			k = uint32(len(r.batch.Sensors))
			known[id] = k
			r.batch.Sensors = append(r.batch.Sensors, id)
		}
		place[i] = k
	}
	refused := b.Refused
	for i := range b.Value {
		if len(refused) > 0 && refused[0].Index == i {
			refused = refused[1:]
			continue
		}
		r.batch.Add(place[b.Sensor[i]], b.Quantity[i], time.UnixMilli(b.EndMS[i]), time.Duration(b.Interval[i])*time.Second, b.Value[i])
	}
}

// sort puts the readings in order of end; those of one end keep their order.
func (r *Recording) sort() {
	b := &r.batch
	order := make([]int, b.Len())
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(x, y int) int { return cmp.Compare(b.EndMS[x], b.EndMS[y]) })
	b.Sensor, b.Quantity, b.EndMS = pick(b.Sensor, order), pick(b.Quantity, order), pick(b.EndMS, order)
	b.Interval, b.Value = pick(b.Interval, order), pick(b.Value, order)
}

func pick[T any](col []T, order []int) []T {
	out := make([]T, len(col))
	for i, k := range order {
		out[i] = col[k]
	}
	return out
}

// Len returns the number of readings not yet played.
func (r *Recording) Len() int { return r.batch.Len() - r.at }

// Span returns the end of the first and of the last reading, as played; zero
// when there is none.
func (r *Recording) Span() (first, last time.Time) {
	n := r.batch.Len()
	if n == 0 {
		return first, last
	}
	return time.UnixMilli(r.batch.EndMS[0]).Add(r.shift).UTC(), time.UnixMilli(r.batch.EndMS[n-1]).Add(r.shift).UTC()
}

// StartAt moves all readings in time, so that the first ends at t. Whole days
// keep the profile of the week where the shift is a multiple of seven.
func (r *Recording) StartAt(t time.Time) {
	if first, _ := r.Span(); !first.IsZero() {
		r.shift += t.Sub(first)
	}
}

// Until returns the readings that end at or before t and were not returned
// yet, as one batch; nil when there are none. The batch is the caller's.
func (r *Recording) Until(t time.Time) *live.Batch {
	lo := r.at
	limit := t.Add(-r.shift).UnixMilli()
	for r.at < r.batch.Len() && r.batch.EndMS[r.at] <= limit {
		r.at++
	}
	if r.at == lo {
		return nil
	}
	b := r.batch
	out := &live.Batch{Sensors: b.Sensors, Sensor: b.Sensor[lo:r.at], Quantity: b.Quantity[lo:r.at], EndMS: slices.Clone(b.EndMS[lo:r.at]),
		Interval: b.Interval[lo:r.at], Value: b.Value[lo:r.at]}
	for i := range out.EndMS {
		out.EndMS[i] += r.shift.Milliseconds()
	}
	return out
}

// Rewind starts over, moved by the given time.
func (r *Recording) Rewind(by time.Duration) {
	r.at = 0
	r.shift += by
}

// Clock maps one time to another at a constant speed: wall time to the time of
// a recording. The zero Clock is not usable.
type Clock struct {
	realStart, start time.Time
	speed            float64
}

// NewClock returns the clock that shows start at realStart and runs speed times
// as fast.
func NewClock(realStart, start time.Time, speed float64) Clock { return Clock{realStart, start, speed} }

// At returns what the clock shows at a real time.
func (c Clock) At(real time.Time) time.Time {
	return c.start.Add(time.Duration(float64(real.Sub(c.realStart)) * c.speed))
}

// Until returns how long after a real time the clock will show t.
func (c Clock) Until(t, real time.Time) time.Duration {
	return time.Duration(float64(t.Sub(c.At(real))) / c.speed)
}
