package sim

import (
	"math"
	"time"

	"tideway/geo"
)

// detector is a virtual detector at work on some lanes.
type detector struct {
	spec   Detector
	lanes  []trackID
	ticks  int64
	inside []carID // lane area: vehicles there at the last step
	before []carID
	detectorState
}

// detectorState is what a detector has seen in its present interval.
type detectorState struct {
	begin    int64
	count    int
	speedSum float64
	seenS    float64 // vehicle-seconds seen, for the mean speed of a lane area
	coverS   float64
	queueS   float64
}

func (e *Engine) addDetectors() {
	for _, d := range e.in.Detectors {
		w := detector{spec: d}
		if d.Lane != geo.NoLane {
			w.lanes = []trackID{trackID(d.Lane)}
		} else {
			first, n := e.net.city.LanesOf(d.Segment)
			for l := range n {
				w.lanes = append(w.lanes, trackID(first)+trackID(l))
			}
		}
		interval := d.Interval
		if interval == 0 {
			if interval = e.in.Interval; interval == 0 {
				interval = time.Minute
			}
		}
		w.ticks = max(1, int64(interval/e.step))
		e.detectors = append(e.detectors, w)
	}
}

// observe reads detectors and takes trajectory samples.
func (e *Engine) observe() {
	e.renewGuide()
	for i := range e.detectors {
		d := &e.detectors[i]
		if d.spec.Kind == Loop {
			d.readLoop(e)
		} else {
			d.readArea(e)
		}
		if e.tick-d.begin >= d.ticks {
			e.readings = append(e.readings, d.close(e, i))
		}
	}
	if every := e.in.Sample.Every; every > 0 && e.tick%max(1, int64(every/e.step)) == 0 {
		e.Vehicles(func(s Sample) {
			if e.sampled(s.Trip) {
				e.samples = append(e.samples, s)
			}
		})
	}
}

// readLoop sees the fronts that passed in this step, and those under way over
// the loop: a vehicle covers it from its front's passing to its tail's.
func (d *detector) readLoop(e *Engine) {
	for _, t := range d.lanes {
		at := min(float64(d.spec.At), e.net.tracks[t].lengthM)
		for i := range e.road[t] {
			v := &e.road[t][i]
			was, back := v.posM-v.speedMPS*e.dt, v.posM-e.kinds[v.kind].lengthM
			if was < at && v.posM >= at {
				d.count++
				d.speedSum += v.speedMPS
			}
			d.cover(e, v, at, was, back)
		}
		d.beyond(e, t, at, 0)
	}
}

// beyond sees vehicles that passed the loop, at before the end of the ways that
// begin with track t, and the end of the track in one step: on the next track, or
// on those behind it if they are short.
func (d *detector) beyond(e *Engine, t trackID, at float64, depth int) {
	tr := &e.net.tracks[t]
	at -= tr.lengthM
	for q := tr.out; q < tr.outEnd; q++ {
		to := e.net.links[q].to
		vs := e.road[to]
		for i := len(vs) - 1; i >= 0 && vs[i].posM-at < vs[i].speedMPS*e.dt+e.longestM; i-- {
			v := &vs[i]
			if v.came != q {
				continue
			}
			was := v.posM - v.speedMPS*e.dt
			if was < at {
				d.count++
				d.speedSum += v.speedMPS
			}
			d.cover(e, v, at, was, v.posM-e.kinds[v.kind].lengthM)
		}
		if depth < maxPasses && e.net.tracks[to].lengthM-at < e.reachM {
			d.beyond(e, to, at, depth+1)
		}
	}
}

// cover adds the part of the step during which the vehicle stood over at.
func (d *detector) cover(e *Engine, v *veh, at, was, back float64) {
	pos := back + e.kinds[v.kind].lengthM
	if pos < at || was-e.kinds[v.kind].lengthM > at {
		return
	}
	if v.speedMPS == 0 {
		if back <= at {
			d.coverS += e.dt
		}
		return
	}
	from := max(0, (at-was)/v.speedMPS)
	to := min(e.dt, (at-(was-e.kinds[v.kind].lengthM))/v.speedMPS)
	d.coverS += max(0, to-from)
}

func (d *detector) readArea(e *Engine) {
	d.before, d.inside = d.inside, d.before[:0]
	lo := float64(d.spec.At)
	hi := lo + float64(d.spec.Length)
	for _, t := range d.lanes {
		for i := range e.road[t] {
			v := &e.road[t][i]
			k := &e.kinds[v.kind]
			back := v.posM - k.lengthM
			if v.posM < lo || back > hi {
				continue
			}
			d.inside = append(d.inside, v.id)
			if !contains(d.before, v.id) {
				d.count++
			}
			d.seenS += e.dt
			d.speedSum += v.speedMPS * e.dt
			d.coverS += (min(hi, v.posM) - max(lo, back)) * e.dt
			if v.flags&standing != 0 {
				d.queueS += e.dt
			}
		}
	}
}

func contains(list []carID, id carID) bool {
	for _, x := range list {
		if x == id {
			return true
		}
	}
	return false
}

// close turns what was seen into a reading and begins the next interval.
func (d *detector) close(e *Engine, i int) DetectorReading {
	span := float64(e.tick-d.begin) * e.dt
	r := DetectorReading{Detector: i, Begin: e.in.Begin + time.Duration(d.begin)*e.step,
		Interval: time.Duration(e.tick-d.begin) * e.step, Count: d.count, SpeedKMH: math.NaN()}
	lanes := float64(len(d.lanes))
	if d.spec.Kind == Loop {
		if d.count > 0 {
			r.SpeedKMH = d.speedSum / float64(d.count) * 3.6
		}
		r.Occupancy = d.coverS / (span * lanes)
	} else {
		if d.seenS > 0 {
			r.SpeedKMH = d.speedSum / d.seenS * 3.6
		}
		r.Occupancy = d.coverS / (span * lanes * float64(d.spec.Length))
		r.QueueVeh = d.queueS / span
	}
	d.detectorState = detectorState{begin: e.tick}
	return r
}

// Readings returns what detectors saw in the intervals completed since the
// last call, by interval end, then detector.
func (e *Engine) Readings() []DetectorReading {
	out := e.readings
	e.readings = nil
	return out
}

// sampled reports whether a trip is one whose trajectory is wanted.
func (e *Engine) sampled(trip int) bool {
	share := float64(e.in.Sample.Share)
	return share == 0 || share >= 1 || float64(e.trips[e.tripAt(trip)].Key>>11)*0x1p-53 < share
}

// Vehicles calls visit for every vehicle on the road, in a fixed order.
func (e *Engine) Vehicles(visit func(Sample)) {
	for t := range e.road {
		tr := &e.net.tracks[t]
		for i := range e.road[t] {
			v := &e.road[t][i]
			s := Sample{At: e.Time(), Trip: e.trips[e.cars[v.id].trip].source, Segment: tr.seg, Lane: geo.LaneID(t),
				Movement: geo.NoMovement, PosM: v.posM, SpeedMPS: v.speedMPS}
			if tr.inner() {
				l := &e.net.links[tr.entry]
				s.Lane, s.Movement = geo.LaneID(l.from), l.movement
				if way := e.net.ways[l.movement]; trackID(t) == way.second && way.first != noTrack {
					s.PosM += e.net.tracks[way.first].lengthM
				}
			}
			visit(s)
		}
	}
}
