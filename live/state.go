package live

import (
	"math"
	"time"

	"tideway/geo"
	"tideway/live/store"
)

// state is everything that the log determines: fold the same messages over the
// same checkpoint and the same state results. Feed guards it with its lock.
type state struct {
	city   *geo.City
	series []series             // the city's in (sensor, quantity) order, then those of sensors it no longer has
	ids    map[store.Key]uint32 // positions in series
	first  []uint32             // first series of each sensor of the city, and the end

	windowMS   int64
	startMS    int64 // ends before it are history, from it on window
	unsealedMS int64 // oldest end in the window that no file holds; MaxInt64 when none
	sealingMS  int64 // the same of what is being sealed
	oldCount   int   // values in old lists

	logSeq  uint64 // number in the log of the newest message folded
	feedSeq uint64 // its own sequence
	book    *book
	counts  counters
}

func newState(city *geo.City, window time.Duration) *state {
	st := &state{city: city, ids: map[store.Key]uint32{}, windowMS: window.Milliseconds(),
		startMS: math.MinInt64, unsealedMS: math.MaxInt64, sealingMS: math.MaxInt64, book: newBook()}
	for id, s := range city.Sensors.All() {
		st.first = append(st.first, uint32(len(st.series)))
		for _, m := range sortedMeasures(s) {
			st.addSeries(store.Key{Sensor: s.ID, Quantity: m.Quantity}, id, m.Interval)
		}
	}
	st.first = append(st.first, uint32(len(st.series)))
	st.counts.byReason = map[Reason]uint64{}
	return st
}

func (st *state) addSeries(key store.Key, sensor geo.SensorID, every time.Duration) uint32 {
	if i, ok := st.ids[key]; ok { // a sensor that names a quantity twice
		return i
	}
	i := uint32(len(st.series))
	st.ids[key] = i
	st.series = append(st.series, series{key: key, sensor: sensor, intervalMS: every.Milliseconds()})
	return i
}

// seriesOf returns the series of a key, adding one for a sensor that the city
// no longer has.
func (st *state) seriesOf(key store.Key) *series {
	return &st.series[st.addSeries(key, geo.NoSensor, 0)]
}

// cityCount returns the number of series of the city's sensors.
func (st *state) cityCount() int { return int(st.first[len(st.first)-1]) }

// put stores an accepted value where its time belongs.
func (st *state) put(s *series, p store.Point, seq uint64) {
	if p.EndMS >= st.startMS {
		s.set(p, st.startMS, st.windowMS)
		st.unsealedMS = min(st.unsealedMS, p.EndMS)
		return
	}
	before := len(s.old)
	s.setOld(p, seq)
	st.oldCount += len(s.old) - before
}

// advance moves the window's start to a window before now, but not past what
// no file holds yet.
func (st *state) advance(nowMS int64) {
	start := min(nowMS-st.windowMS, st.unsealedMS, st.sealingMS)
	if start <= st.startMS {
		return
	}
	st.startMS = start
	for i := range st.series {
		st.series[i].forget(start)
	}
}

// fold applies a message read back from the log. Values up to message sealed
// are in files already; messages that the checkpoint knows are counted no more.
func (st *state) fold(seq, sealed uint64, g group) {
	for _, r := range g.records {
		st.foldRecord(seq, sealed, r)
	}
	if seq > st.logSeq {
		st.note(seq, g)
	}
}

func (st *state) foldRecord(seq, sealed uint64, r record) {
	b := r.b
	for i, v := range r.verdicts {
		if !v.accepted() {
			continue
		}
		p := store.Point{EndMS: b.EndMS[i], IntervalS: b.Interval[i], Code: store.Encode(b.Quantity[i], b.Value[i], v.doubt())}
		s := st.seriesOf(store.Key{Sensor: b.Sensors[b.Sensor[i]], Quantity: b.Quantity[i]})
		switch {
		case seq > sealed:
			st.put(s, p, seq)
		case p.EndMS >= st.startMS:
			s.set(p, st.startMS, st.windowMS)
		default:
			s.remember(p)
		}
	}
}
