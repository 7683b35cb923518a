package live

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/paulmach/orb"

	"tideway/geo"
	"tideway/unit"
)

// noon is the start of the tests' time.
var noon = time.Date(2024, 3, 20, 12, 0, 0, 0, time.UTC)

// clock is a clock that tests set.
type clock struct {
	mu sync.Mutex
	t  time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.t
}

func (c *clock) set(t time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.t = t
}

// memoryLog is a log in memory that can be made to fail.
type memoryLog struct {
	mu    sync.Mutex
	first uint64
	msgs  [][]byte
	fail  error // of the next append
	lose  bool  // store the message although the append fails
}

func (l *memoryLog) last() uint64 { return l.first + uint64(len(l.msgs)) }

func (l *memoryLog) AppendAfter(_ context.Context, last uint64, data []byte) (uint64, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if last != l.last() {
		return 0, fmt.Errorf("the log is at %d, not %d", l.last(), last)
	}
	if err := l.fail; err != nil {
		l.fail = nil
		if l.lose {
			l.msgs = append(l.msgs, data)
		}
		return 0, err
	}
	l.msgs = append(l.msgs, data)
	return l.last(), nil
}

func (l *memoryLog) Replay(ctx context.Context, from, to uint64, f func(uint64, []byte) error) error {
	l.mu.Lock()
	first, msgs := l.first, l.msgs
	l.mu.Unlock()
	for i, m := range msgs {
		if seq := first + uint64(i) + 1; seq >= from && (to == 0 || seq <= to) {
			if err := errors.Join(ctx.Err(), f(seq, m)); err != nil {
				return err
			}
		}
	}
	return nil
}

func (l *memoryLog) Bounds(context.Context) (first, last uint64, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.first + 1, l.last(), nil
}

func (l *memoryLog) Trim(_ context.Context, upTo uint64) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if upTo > l.first {
		l.msgs = l.msgs[upTo-l.first:]
		l.first = upTo
	}
	return nil
}

// town is a city of one two-lane street with n sensors that measure speed and
// flow every minute: the even ones on lane 0, the odd ones on lane 1; and one
// station "air" that measures NO2 by the hour.
func town(t testing.TB, n int) *geo.City {
	t.Helper()
	line := orb.LineString{{0, 0}, {100, 0}}
	d := geo.Draft{Name: "town", TimeZone: "Europe/Rome", Frame: geo.LocalFrame(orb.Point{11.3, 44.5}),
		Nodes:    []geo.Node{{ID: "a"}, {ID: "b", XY: orb.Point{100, 0}}},
		Segments: []geo.Segment{{ID: "ab", From: 0, To: 1, Length: 100, Limit: 50 * unit.KMH, Shape: line}},
	}
	for i := range 2 {
		d.Lanes = append(d.Lanes, geo.Lane{Segment: 0, Index: i, Length: 100, Width: 3, Limit: 50 * unit.KMH, Allow: geo.AllClasses, Shape: line})
	}
	for i := range n {
		d.Sensors = append(d.Sensors, geo.Sensor{ID: fmt.Sprintf("s%05d", i), LonLat: orb.Point{11.3, 44.5}, Segment: 0, Lane: geo.LaneID(i % 2),
			Measures: []geo.Measure{{Quantity: geo.Flow, Interval: time.Minute}, {Quantity: geo.Speed, Interval: time.Minute}}})
	}
	d.Sensors = append(d.Sensors, geo.Sensor{ID: "air", LonLat: orb.Point{11.3, 44.5}, Segment: geo.NoSegment, Lane: geo.NoLane,
		Measures: []geo.Measure{{Quantity: geo.NO2, Interval: time.Hour}}})
	c, err := d.Build()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// rig is a feed under test with its surroundings.
type rig struct {
	*Feed
	t     testing.TB
	city  *geo.City
	log   *memoryLog
	clock *clock
	opts  Options
}

func newRig(t testing.TB, sensors int, change ...func(*Options)) *rig {
	t.Helper()
	r := &rig{t: t, city: town(t, sensors), log: &memoryLog{}, clock: &clock{t: noon}}
	r.opts = Options{City: r.city, Dir: t.TempDir(), Log: r.log, Now: r.clock.now, Report: func(err error) { t.Log("report:", err) }}
	for _, f := range change {
		f(&r.opts)
	}
	r.open()
	t.Cleanup(func() { _ = r.Close() })
	return r
}

func (r *rig) open() {
	r.t.Helper()
	f, err := Open(context.Background(), r.opts)
	if err != nil {
		r.t.Fatal(err)
	}
	r.Feed = f
}

// crash drops the feed without sealing, as kill -9 would, and opens it anew.
func (r *rig) crash() {
	r.t.Helper()
	r.abandon()
	r.open()
}

func (r *rig) abandon() {
	r.closed.Store(true)
	r.stop()
	r.keeper.Wait()
}

// restart closes the feed properly and opens it anew.
func (r *rig) restart() {
	r.t.Helper()
	if err := r.Close(); err != nil {
		r.t.Fatal(err)
	}
	r.open()
}

func (r *rig) put(b *Batch) Answer {
	r.t.Helper()
	a, err := r.Put(context.Background(), b)
	if err != nil {
		r.t.Fatal(err)
	}
	return a
}

// values returns the history of a series after noon-back as "minute:value".
func (r *rig) values(sensor string, q geo.Quantity, from, to time.Time) (out []string) {
	r.t.Helper()
	vs, err := r.History(context.Background(), sensor, q, from, to)
	if err != nil {
		r.t.Fatal(err)
	}
	for _, v := range vs {
		out = append(out, fmt.Sprintf("%g:%g", v.End.Sub(noon).Minutes(), v.Value))
	}
	return out
}

// one is a batch of readings of one series, a minute apart, the first ending
// at end.
func one(client, sensor string, q geo.Quantity, end time.Time, values ...float64) *Batch {
	b := &Batch{Client: client, Sensors: []string{sensor}}
	for i, v := range values {
		b.Add(0, q, end.Add(time.Duration(i)*time.Minute), time.Minute, v)
	}
	return b
}
