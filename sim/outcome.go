package sim

import (
	"encoding/binary"
	"encoding/hex"
	"hash"
	"hash/fnv"
	"math"
	"slices"
)

// totals counts vehicles.
type totals struct {
	given, scheduled, dropped, inserted, completed, onRoad int
	released, rerouted, noRoute                            int
}

// Result returns the outcome so far. The engine can go on.
func (e *Engine) Result() *Result {
	r := &Result{Detectors: slices.Clone(e.readings), Samples: e.samples}
	r.Segments, r.Movements = e.tally.tables(e)
	status := e.statusNow()
	r.Summary = e.summary(status)
	if e.in.Log {
		r.Trips = e.tripRows(status)
	}
	r.Summary.StateHash = e.hash(status, &r.Segments)
	return r
}

// statusNow returns the trips' outcome with those under way as they stand.
func (e *Engine) statusNow() []tripStatus {
	status := slices.Clone(e.status)
	book := func(v *veh, posM float64) {
		c := &e.cars[v.id]
		st := &status[c.trip]
		st.lossS, st.waitS, st.stoppedS, st.stops = v.lossS, float64(v.stoodS), c.stoppedS, c.stops
		st.drivenM, st.released, st.rerouted = c.drivenM+posM-c.startM, uint16(c.released), c.rerouted
	}
	for t := range e.road {
		for i := range e.road[t] {
			book(&e.road[t][i], e.road[t][i].posM)
		}
	}
	for i := range e.air {
		book(&e.air[i], 0)
	}
	return status
}

func (e *Engine) summary(status []tripStatus) Summary {
	t := &e.totals
	s := Summary{Scheduled: t.scheduled, DroppedBeforeBegin: t.dropped, Inserted: t.inserted, Completed: t.completed,
		Unfinished: t.onRoad, NeverInserted: t.scheduled - t.inserted, Released: t.released, Rerouted: t.rerouted, NoRoute: t.noRoute,
		StepS: e.dt, Steps: int(e.tick), Gridlocked: e.gridlocked(), Seed: e.in.Seed}
	var durations []float64
	delay := 0.0
	for i := range status {
		st := &status[i]
		due := (e.trips[i].Depart - e.in.Begin).Seconds()
		if st.state == Waiting || st.state == Impossible {
			delay += max(0, e.nowS-due)
			continue
		}
		late := st.inS - due
		delay += st.lossS + late
		s.MeanDepartureDelayS += late
		end := e.nowS - e.dt // by the clock that begins with the step of insertion, in which nobody moves
		if st.state == Arrived {
			end = st.outS
			durations = append(durations, st.outS-st.inS)
			s.MeanTimeLossS += st.lossS
			s.MeanWaitingTimeS += st.waitS
			s.MeanStops += float64(st.stops)
		}
		s.VehicleSeconds += end - st.inS
	}
	for _, d := range durations {
		s.MeanTravelTimeS += d
	}
	over := func(sum *float64, n int) {
		if n > 0 {
			*sum /= float64(n)
		}
	}
	for _, sum := range []*float64{&s.MeanTravelTimeS, &s.MeanTimeLossS, &s.MeanWaitingTimeS, &s.MeanStops} {
		over(sum, len(durations))
	}
	over(&s.MeanDepartureDelayS, t.inserted)
	s.MeanDelayS = delay
	over(&s.MeanDelayS, t.scheduled)
	s.P95TravelTimeS = quantile(durations, 0.95)
	return s
}

// quantile returns the value below which share q of the values lie, with linear
// interpolation; 0 for none. It sorts values.
func quantile(values []float64, q float64) float64 {
	if len(values) == 0 {
		return 0
	}
	slices.Sort(values)
	at := q * float64(len(values)-1)
	i := int(at)
	if i+1 >= len(values) {
		return values[len(values)-1]
	}
	return values[i] + (at-float64(i))*(values[i+1]-values[i])
}

func (e *Engine) tripRows(status []tripStatus) []TripRow {
	begin := e.in.Begin.Seconds()
	rows := make([]TripRow, len(status))
	for i := range status {
		st, t := &status[i], &e.trips[i]
		rows[i] = TripRow{Trip: t.source, Type: t.Type, State: st.state, DepartS: t.Depart.Seconds(), InsertedS: begin + st.inS,
			ArrivedS: begin + st.outS, TimeLossS: st.lossS, WaitingS: st.waitS, StoppedS: st.stoppedS, DistanceM: st.drivenM,
			Stops: int(st.stops), Released: int(st.released), Rerouted: st.rerouted, FromFirstM: st.startM}
	}
	return rows
}

// tripAt finds the engine's position of a trip by its position in the demand.
func (e *Engine) tripAt(source int) int {
	for i := range e.trips {
		if e.trips[i].source == source {
			return i
		}
	}
	return 0
}

// hash digests the final state and the results.
func (e *Engine) hash(status []tripStatus, g *SegmentTable) string {
	h := fnv.New64a()
	w := digest{h: h}
	for t := range e.road {
		for i := range e.road[t] {
			v := &e.road[t][i]
			w.word(uint64(t)<<32 | uint64(e.cars[v.id].trip))
			w.number(v.posM)
			w.number(v.speedMPS)
		}
	}
	for i := range status {
		st := &status[i]
		w.word(uint64(st.state)<<32 | uint64(uint32(st.stops)))
		for _, x := range []float64{st.inS, st.outS, st.lossS, st.waitS, st.drivenM} {
			w.number(x)
		}
	}
	for i := range g.VehicleS {
		w.word(uint64(g.Entered[i])<<32 | uint64(g.Left[i]))
		w.number(float64(g.VehicleS[i]))
		w.number(float64(g.TimeLossS[i]))
	}
	w.word(uint64(e.tick))
	return hex.EncodeToString(h.Sum(nil))
}

type digest struct {
	h   hash.Hash64
	buf [8]byte
}

func (d *digest) word(x uint64) {
	binary.LittleEndian.PutUint64(d.buf[:], x)
	d.h.Write(d.buf[:])
}

func (d *digest) number(x float64) {
	if math.IsNaN(x) {
		d.word(1)
		return
	}
	d.word(math.Float64bits(x))
}
