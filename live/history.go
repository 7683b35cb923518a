package live

import (
	"context"
	"math"
	"time"

	"tideway/geo"
	"tideway/live/store"
)

// Value is one reading of history.
type Value struct {
	End      time.Time // of its interval, UTC
	Interval time.Duration
	Value    float64 // canonical unit, rounded to three decimals (six for shares)
	Doubt    Reason  // "" when good
}

// History returns the values of one series whose intervals end after from and
// not after to, in order: those of the recent window, of files, and of late or
// backfilled readings that no file holds yet. A sensor the city does not know
// is no error: its history is kept under its outside id.
func (f *Feed) History(ctx context.Context, sensor string, q geo.Quantity, from, to time.Time) ([]Value, error) {
	points, err := f.Histories(ctx, []Key{{Sensor: sensor, Quantity: q}}, from, to)
	if err != nil {
		return nil, err
	}
	out := make([]Value, len(points[0]))
	for i, p := range points[0] {
		out[i] = ValueOf(q, p)
	}
	return out, nil
}

// ValueOf returns what a stored point of a series of q says.
func ValueOf(q geo.Quantity, p Point) Value {
	return Value{End: time.UnixMilli(p.EndMS).UTC(), Interval: time.Duration(p.IntervalS) * time.Second,
		Value: p.Code.Value(q), Doubt: reasonOfDoubt(p.Code.Doubt())}
}

// Histories is History of many series at once, in the order of keys: files are
// read once for all of them, days in parallel. It is what models fit on. Cost:
// 10 ns a value from the window, 40 ns from files.
func (f *Feed) Histories(ctx context.Context, keys []Key, from, to time.Time) ([][]Point, error) {
	fromMS, toMS := endBounds(from, to)
	recent, startMS := f.unsealed(keys, fromMS, toMS)
	if fromMS >= startMS {
		return recent, nil
	}
	// Taken after the lists above, so that a sealing in between shows a value twice, never not at all.
	sealed, err := f.store.Read(ctx, f.o.Threads, keys, fromMS, min(toMS, startMS))
	if err != nil {
		return nil, err
	}
	for i := range sealed {
		sealed[i] = store.Overlay(sealed[i], recent[i])
	}
	return sealed, nil
}

// endBounds turns (from, to] into [from, to) in whole milliseconds.
func endBounds(from, to time.Time) (fromMS, toMS int64) {
	return from.UnixMilli() + 1, to.UnixMilli() + 1
}

// lockedSeries is how many series are copied at a time: snapshots and ingest wait
// no longer than that takes.
const lockedSeries = 256

// unsealed copies what memory holds of each series, and tells where the
// window begins.
func (f *Feed) unsealed(keys []Key, fromMS, toMS int64) (out [][]Point, startMS int64) {
	out = make([][]Point, len(keys))
	startMS = math.MaxInt64
	for lo := 0; lo < len(keys); lo += lockedSeries {
		f.mu.Lock()
		// The window may move on between two rounds; files hold what left it.
		startMS = f.st.startMS
		for i := lo; i < min(lo+lockedSeries, len(keys)); i++ {
			if k, ok := f.st.ids[keys[i]]; ok {
				out[i] = f.st.copyOf(&f.st.series[k], fromMS, toMS)
			}
		}
		f.mu.Unlock()
	}
	return out, startMS
}

func (st *state) copyOf(s *series, fromMS, toMS int64) []Point {
	var out []Point
	if fromMS < st.startMS {
		i, _ := s.searchOld(fromMS)
		for ; i < len(s.old) && s.old[i].EndMS < toMS; i++ {
			out = append(out, s.old[i].Point)
		}
	}
	return s.window(out, max(fromMS, st.startMS), toMS)
}

// Series returns every series of the city's sensors, in (sensor, quantity)
// order: the order of Snapshot.Series.
func (f *Feed) Series() []Series {
	f.mu.Lock()
	defer f.mu.Unlock()
	out := make([]Series, f.st.cityCount())
	for i := range out {
		out[i] = f.st.series[i].name()
	}
	return out
}

// Newest returns the end of the newest reading in memory or files; zero when
// there is none.
func (f *Feed) Newest() time.Time {
	newest := f.store.Generation().Newest()
	f.mu.Lock()
	for i := range f.st.series {
		if s := &f.st.series[i]; s.last != 0 {
			newest = max(newest, s.lastEndMS)
		}
	}
	f.mu.Unlock()
	if newest == math.MinInt64 {
		return time.Time{}
	}
	return time.UnixMilli(newest).UTC()
}
