package sim

import (
	"encoding/binary"
	"fmt"
	"math"
	"slices"
	"unsafe"

	"tideway/geo"
)

// A saved state is the kernel's records as they lie in memory, so it belongs to
// one build on one architecture; Version, the city's version and the sizes of
// the records are checked.

const stateMagic = "tideway/sim state 2"

// Save returns the engine's whole state: an engine that resumes from it goes on
// bit for bit as this one does. Cost: a few hundred bytes per vehicle, trip and
// track.
func (e *Engine) Save() []byte {
	w := &stateWriter{}
	w.text(stateMagic)
	w.text(Version)
	w.text(e.in.City.Version)
	for _, n := range e.stateShape() {
		w.number(n)
	}
	e.writeRun(w)
	e.writeVehicles(w)
	e.writeSignals(w)
	e.writeResults(w)
	return w.buf
}

// Resume returns an engine that goes on from a saved state. The input must be
// that of the saved run; trips that were added while it ran are appended to its
// demand in the order in which they were added.
func Resume(in Input, state []byte) (*Engine, error) {
	e, err := New(in)
	if err != nil {
		return nil, err
	}
	r := &stateReader{buf: state}
	if r.text() != stateMagic || r.text() != Version {
		return nil, fmt.Errorf("resuming a simulation: the state is not one of engine %s", Version)
	}
	if city := r.text(); city != in.City.Version {
		return nil, fmt.Errorf("resuming a simulation: the state is of city version %s, the input has %s", city, in.City.Version)
	}
	for i, want := range e.stateShape() {
		if got := r.number(); got != want {
			return nil, fmt.Errorf("resuming a simulation: the state has %d where the input has %d (%s)", got, want, stateShapeNames[i])
		}
	}
	e.readRun(r)
	e.readVehicles(r)
	e.readSignals(r)
	e.readResults(r)
	if r.bad || len(r.buf) > 0 {
		return nil, fmt.Errorf("resuming a simulation: the state is damaged")
	}
	e.rebuild()
	return e, nil
}

var stateShapeNames = []string{"tracks", "links", "signal groups", "trips", "vehicle types", "step in ns", "record sizes"}

func (e *Engine) stateShape() []int64 {
	sizes := int64(unsafe.Sizeof(veh{}))<<32 | int64(unsafe.Sizeof(car{}))<<16 | int64(unsafe.Sizeof(tripStatus{}))
	return []int64{int64(len(e.net.tracks)), int64(len(e.net.links)), int64(e.net.states), int64(len(e.trips)), int64(len(e.kinds)), int64(e.step), sizes}
}

func (e *Engine) writeRun(w *stateWriter) {
	w.number(e.tick)
	w.number(e.idle)
	w.number(int64(e.queue.next))
	w.number(int64(e.queue.waiting))
	block(w, e.queue.active)
	for _, s := range e.queue.active {
		block(w, e.queue.due[s])
	}
	block(w, []totals{e.totals})
}

func (e *Engine) readRun(r *stateReader) {
	e.tick = r.number()
	e.nowS = float64(e.tick) * e.dt
	e.idle = r.number()
	e.queue.next, e.queue.waiting = int(r.number()), int(r.number())
	e.queue.active = unblock[geo.SegmentID](r)
	for _, s := range e.queue.active {
		if int(s) < len(e.queue.due) {
			e.queue.due[s] = unblock[int32](r)
		}
	}
	if t := unblock[totals](r); len(t) == 1 {
		e.totals = t[0]
	}
}

func (e *Engine) writeVehicles(w *stateWriter) {
	for t := range e.road {
		block(w, e.road[t])
	}
	block(w, e.cars)
	block(w, e.free)
	for i := range e.halts {
		block(w, e.halts[i])
	}
	block(w, e.air)
	block(w, e.pathSeg)
	e.writePaths(w)
	block(w, e.fill)
	block(w, e.reached)
	var list []approach
	for s := range e.now.shards {
		list = append(list, e.now.shards[s]...)
	}
	block(w, list)
}

func (e *Engine) readVehicles(r *stateReader) {
	for t := range e.road {
		e.road[t] = unblock[veh](r)
	}
	e.cars = unblock[car](r)
	e.free = unblock[carID](r)
	e.halts = make([][]haltPlan, len(e.cars))
	for i := range e.halts {
		if e.halts[i] = unblock[haltPlan](r); len(e.halts[i]) == 0 {
			e.halts[i] = nil
		}
	}
	e.air = unblock[veh](r)
	e.pathSeg = unblock[geo.SegmentID](r)
	e.readPaths(r)
	e.fill = unblock[float64](r)
	e.reached = unblock[int32](r)
	e.gatherHung()
	list := unblock[approach](r)
	e.active.fresh = e.active.fresh[:0]
	for t := range e.road {
		if len(e.road[t]) > 0 {
			e.occupy(trackID(t))
			e.stood[t] = int32(e.tick)
		}
	}
	e.collect()
	if len(e.now.shards) == 0 {
		e.now.grow()
		e.before.grow()
	}
	e.now.reset(e.tick)
	for i := range list {
		a := e.now.add(0, list[i].link)
		list[i].next = a.next
		*a = list[i]
	}
}

// sharedPathRow is one row of the table of shared routes.
type sharedPathRow struct {
	route, kind uint32
	path        span
}

func (e *Engine) writePaths(w *stateWriter) {
	block(w, e.sharedRows())
}

// sharedRows lists the shared routes as they lie in the path arena.
func (e *Engine) sharedRows() []sharedPathRow {
	rows := make([]sharedPathRow, 0, len(e.paths.shared))
	for key, s := range e.paths.shared {
		rows = append(rows, sharedPathRow{key[0], key[1], s})
	}
	slices.SortFunc(rows, func(a, b sharedPathRow) int { return int(a.path.begin) - int(b.path.begin) })
	return rows
}

func (e *Engine) readPaths(r *stateReader) {
	e.paths.shared = map[[2]uint32]span{}
	for _, row := range unblock[sharedPathRow](r) {
		e.paths.shared[[2]uint32{row.route, row.kind}] = row.path
	}
}

func (e *Engine) writeSignals(w *stateWriter) {
	block(w, e.lights)
	block(w, e.greens)
	for i := range e.signals {
		h := &e.signals[i]
		w.number(int64(h.plan))
		block(w, h.sight.lastS)
		var memory []int64
		if h.control != nil {
			memory = h.control.Save(nil)
		}
		block(w, memory)
	}
}

func (e *Engine) readSignals(r *stateReader) {
	e.lights = unblock[byte](r)
	e.greens = unblock[greenTimes](r)
	for i := range e.signals {
		h := &e.signals[i]
		e.usePlan(h, geo.PlanID(r.number()), e.in.Begin)
		h.sight.lastS = unblock[float64](r)
		if memory := unblock[int64](r); h.control != nil && len(memory) > 0 {
			h.control.Load(memory)
		}
	}
}

func (e *Engine) writeResults(w *stateWriter) {
	block(w, e.status)
	t := &e.tally
	block(w, t.tracks)
	block(w, t.moves)
	block(w, t.entered)
	block(w, t.left)
	block(w, t.queueMax)
	w.number(t.begin)
	w.number(int64(t.segments.Intervals))
	for _, c := range t.columns() {
		block(w, *c)
	}
	for _, c := range t.counts() {
		block(w, *c)
	}
	for i := range e.detectors {
		d := &e.detectors[i]
		block(w, []detectorState{d.detectorState})
		block(w, d.inside)
	}
	block(w, e.readings)
	block(w, e.samples)
	w.number(e.guide.next)
	block(w, e.guide.timeS)
	seen := &e.guide.seen
	block(w, seen.sumMPS)
	block(w, seen.steps)
	w.number(seen.since)
}

func (e *Engine) readResults(r *stateReader) {
	e.status = unblock[tripStatus](r)
	t := &e.tally
	t.tracks, t.moves = unblock[trackTally](r), unblock[moveTally](r)
	t.entered, t.left, t.queueMax = unblock[uint32](r), unblock[uint32](r), unblock[int32](r)
	t.begin = r.number()
	t.segments.Intervals = int(r.number())
	t.turns.Intervals = t.segments.Intervals
	for _, c := range t.columns() {
		*c = unblock[float32](r)
	}
	for _, c := range t.counts() {
		*c = unblock[uint32](r)
	}
	for i := range e.detectors {
		d := &e.detectors[i]
		if s := unblock[detectorState](r); len(s) == 1 {
			d.detectorState = s[0]
		}
		d.inside = unblock[carID](r)
	}
	e.readings, e.samples = unblock[DetectorReading](r), unblock[Sample](r)
	next, times := r.number(), unblock[float64](r)
	seen := seenSpeeds{unblock[float64](r), unblock[int32](r), r.number()}
	if len(times) > 0 {
		g := e.prepareGuide()
		g.next, g.timeS, g.seen = next, times, seen
		g.age()
	}
}

func (t *tally) columns() []*[]float32 {
	g, m := &t.segments, &t.turns
	return []*[]float32{&g.VehicleS, &g.SpeedKMH, &g.DensityVPKM, &g.Occupancy, &g.TimeLossS, &g.WaitingS, &g.QueueMeanVeh, &g.QueueMaxVeh, &g.QueueBackM,
		&m.DelayS, &m.GreenS, &m.Saturation, &m.ArrivalsOnGreen}
}

func (t *tally) counts() []*[]uint32 {
	g, m := &t.segments, &t.turns
	return []*[]uint32{&g.Entered, &g.Left, &g.Stops, &m.Passed, &m.SplitFailures}
}

// rebuild works out what is not saved: outlooks, whose numbers depend on the
// order in which they were met.
func (e *Engine) rebuild() {
	e.pathLook = make([]lookID, len(e.pathSeg))
	for key, s := range e.paths.shared {
		e.lookAlong(s, 0, &e.kinds[key[1]], nil)
	}
	renew := func(v *veh) {
		c := &e.cars[v.id]
		if c.own {
			e.lookAlong(c.path, c.at, &e.kinds[v.kind], e.halts[v.id][c.halt:])
		}
		v.look = e.pathLook[v.path]
	}
	for t := range e.road {
		if len(e.road[t]) == 0 {
			e.fill[t] = 0 // all may have changed lanes in the last step
		}
		for i := range e.road[t] {
			v := &e.road[t][i]
			renew(v)
			e.settle(v, &e.net.tracks[t])
		}
	}
	for i := range e.air {
		renew(&e.air[i])
	}
}

// stateWriter appends numbers and blocks of records.
type stateWriter struct{ buf []byte }

func (w *stateWriter) number(n int64) { w.buf = binary.LittleEndian.AppendUint64(w.buf, uint64(n)) }

func (w *stateWriter) text(s string) {
	w.number(int64(len(s)))
	w.buf = append(w.buf, s...)
}

// block appends records without pointers as they lie in memory.
func block[T any](w *stateWriter, list []T) {
	w.number(int64(len(list)))
	if len(list) > 0 {
		w.buf = append(w.buf, unsafe.Slice((*byte)(unsafe.Pointer(&list[0])), len(list)*int(unsafe.Sizeof(list[0])))...)
	}
}

// stateReader takes them back. After damage it gives zeros.
type stateReader struct {
	buf []byte
	bad bool
}

func (r *stateReader) take(n int64) []byte {
	if n < 0 || n > int64(len(r.buf)) {
		r.bad, r.buf = true, nil
		return nil
	}
	b := r.buf[:n]
	r.buf = r.buf[n:]
	return b
}

func (r *stateReader) number() int64 {
	b := r.take(8)
	if b == nil {
		return 0
	}
	return int64(binary.LittleEndian.Uint64(b))
}

func (r *stateReader) text() string { return string(r.take(r.number())) }

// unblock returns the records of a block, or none after damage.
func unblock[T any](r *stateReader) []T {
	var zero T
	n, size := r.number(), int64(unsafe.Sizeof(zero))
	if n < 0 || n > math.MaxInt64/max(size, 1) {
		r.bad = true
		return nil
	}
	b := r.take(n * size)
	if len(b) == 0 {
		return nil
	}
	list := make([]T, n)
	copy(unsafe.Slice((*byte)(unsafe.Pointer(&list[0])), len(b)), b)
	return list
}
