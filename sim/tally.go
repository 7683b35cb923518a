package sim

import (
	"math"
	"time"

	"tideway/geo"
)

// laneSums is what one track contributes in one step.
type laneSums struct {
	vehicles, standing, stops int
	distM, lossS              float64
	coverM, fillM             float64 // length of the vehicles, without gaps and with them
	backM                     float64 // position of the rearmost standing tail; length of the track when none stands
}

// trackTally is what a track has gathered in the present interval.
type trackTally struct {
	vehS, distM, lossS, waitS, coverMS, queueS float64
	backM                                      float64 // longest queue, from the end of the track
	stops                                      uint32
}

// moveTally is what a movement has gathered in the present interval.
type moveTally struct {
	passed, onGreen, seen, failures uint32
	delayS, greenS                  float64
}

// tally gathers results. Tracks and movements have their own cells, so that
// shards do not meet; they are added up in order at the end of an interval.
type tally struct {
	tracks   []trackTally
	queue    []int32 // by track: vehicles that stood in traffic when they last moved
	moves    []moveTally
	entered  []uint32 // by segment
	left     []uint32
	queueMax []int32
	begin    int64 // tick at which the interval began
	segments SegmentTable
	turns    MovementTable
}

func newTally(n *network) tally {
	s := n.city.Segments.Len()
	return tally{tracks: make([]trackTally, len(n.tracks)), queue: make([]int32, len(n.tracks)), moves: make([]moveTally, len(n.ways)),
		entered: make([]uint32, s), left: make([]uint32, s), queueMax: make([]int32, s)}
}

// account adds one vehicle's step to its track's sums and to its own loss.
func (e *Engine) account(v *veh, k *kind, limitMPS float64, s *laneSums) {
	s.vehicles++
	s.distM += v.speedMPS * e.dt
	s.coverM += k.lengthM
	s.fillM += k.fullM
	if v.flags&stopped == 0 {
		loss := e.dt
		if v.speedMPS > 0 {
			loss -= e.dt * v.speedMPS / k.desiredMPS(limitMPS, v.factor)
		}
		v.lossS += loss
		s.lossS += loss
	}
	if v.flags&standing != 0 {
		s.standing++
		if v.flags&newStop != 0 {
			s.stops++
		}
		if back := v.posM - k.lengthM; s.standing == 1 || back < s.backM {
			s.backM = back
		}
	}
}

// addLane books the sums of a step. A track that nobody is on any more books an
// empty queue.
func (t *tally) addLane(e *Engine, id trackID, s *laneSums) {
	c := &t.tracks[id]
	c.vehS += float64(s.vehicles) * e.dt
	c.distM += s.distM
	c.lossS += s.lossS
	c.coverMS += s.coverM * e.dt
	t.queue[id] = int32(s.standing)
	if s.standing > 0 {
		c.waitS += float64(s.standing) * e.dt
		c.queueS += float64(s.standing) * e.dt
		c.stops += uint32(s.stops)
		c.backM = larger(c.backM, e.net.tracks[id].lengthM-larger(0, s.backM))
	}
}

// addOne books the step of a vehicle that came onto the track or arrived on it.
func (t *tally) addOne(e *Engine, id trackID, v *veh, k *kind) {
	s := laneSums{}
	tr := &e.net.tracks[id]
	e.account(v, k, tr.limitMPS, &s)
	c := &t.tracks[id]
	c.vehS += e.dt
	c.distM += s.distM
	c.lossS += s.lossS
	c.coverMS += s.coverM * e.dt
	c.waitS += float64(s.standing) * e.dt
	c.queueS += float64(s.standing) * e.dt
	c.stops += uint32(s.stops)
}

// queues raises the queue maxima of the segments after a movement. Lanes of a
// segment are neighbours among the occupied tracks.
func (t *tally) queues(e *Engine) {
	last, sum := geo.NoSegment, int32(0)
	for _, id := range e.active.tracks {
		if id >= trackID(e.net.lanes) {
			return
		}
		s := e.net.tracks[id].seg
		if s != last {
			last, sum = s, 0
		}
		sum += t.queue[id]
		t.queueMax[s] = max(t.queueMax[s], sum)
	}
}

// endStep closes the interval when it is over.
func (t *tally) endStep(e *Engine) {
	if e.intervalTicks > 0 && (e.tick-t.begin) >= e.intervalTicks {
		t.close(e)
	}
}

// close appends the present interval to the tables and begins a new one.
func (t *tally) close(e *Engine) {
	ticks := e.tick - t.begin
	if ticks <= 0 {
		return
	}
	for g := range e.lights {
		if since := max(e.greens[g].beginS, float64(t.begin)*e.dt); isGreen(e.lights[g]) {
			t.bookGreen(e.net, g, e.nowS-since)
		}
	}
	t.closeSegments(e, float64(ticks)*e.dt)
	t.closeMoves(e)
	clear(t.tracks)
	clear(t.moves)
	clear(t.entered)
	clear(t.left)
	clear(t.queueMax)
	t.begin = e.tick
}

func (t *tally) closeSegments(e *Engine, spanS float64) {
	n := e.net
	sums := make([]trackTally, len(t.queueMax))
	for id := range t.tracks {
		c, s := &t.tracks[id], &sums[n.tracks[id].seg]
		s.vehS += c.vehS
		s.distM += c.distM
		s.lossS += c.lossS
		s.waitS += c.waitS
		s.stops += c.stops
		if id < n.lanes {
			s.queueS += c.queueS
			s.coverMS += c.coverMS
			s.backM = max(s.backM, c.backM)
		}
	}
	g := &t.segments
	g.Intervals++
	for id := range sums {
		s, seg := &sums[id], n.city.Segments.At(geo.SegmentID(id))
		_, lanes := n.city.LanesOf(geo.SegmentID(id))
		speed := float64(seg.Limit)
		if s.vehS > 0 {
			speed = s.distM / s.vehS
		}
		length := float64(seg.Length)
		g.Entered, g.Left = append(g.Entered, t.entered[id]), append(g.Left, t.left[id])
		g.VehicleS = append(g.VehicleS, float32(s.vehS))
		g.SpeedKMH = append(g.SpeedKMH, float32(speed*3.6))
		g.DensityVPKM = append(g.DensityVPKM, float32(s.vehS/spanS/length*1000))
		g.Occupancy = append(g.Occupancy, float32(min(1, s.coverMS/spanS/(length*float64(lanes)))))
		g.TimeLossS, g.WaitingS = append(g.TimeLossS, float32(s.lossS)), append(g.WaitingS, float32(s.waitS))
		g.Stops = append(g.Stops, s.stops)
		g.QueueMeanVeh, g.QueueMaxVeh = append(g.QueueMeanVeh, float32(s.queueS/spanS)), append(g.QueueMaxVeh, float32(t.queueMax[id]))
		g.QueueBackM = append(g.QueueBackM, float32(s.backM))
	}
}

// saturationS is the headway of a saturated lane: 1900 vehicles an hour (HCM 7,
// ch. 19).
const saturationS = 3600.0 / 1900

func (t *tally) closeMoves(e *Engine) {
	g := &t.turns
	g.Intervals++
	for m := range t.moves {
		c := &t.moves[m]
		delay, use, share := float32(0), float32(math.NaN()), float32(math.NaN())
		if c.passed > 0 {
			delay = float32(c.delayS / float64(c.passed))
		}
		if c.greenS > 0 {
			use = float32(float64(c.passed) * saturationS / c.greenS)
		}
		if c.seen > 0 {
			share = float32(c.onGreen) / float32(c.seen)
		}
		g.Passed, g.DelayS, g.GreenS = append(g.Passed, c.passed), append(g.DelayS, delay), append(g.GreenS, float32(c.greenS))
		g.Saturation, g.ArrivalsOnGreen = append(g.Saturation, use), append(g.ArrivalsOnGreen, share)
		g.SplitFailures = append(g.SplitFailures, c.failures)
	}
}

// tables returns the tables so far, the interval under way included.
func (t *tally) tables(e *Engine) (SegmentTable, MovementTable) {
	whole := *t
	whole.tracks, whole.moves = append([]trackTally(nil), t.tracks...), append([]moveTally(nil), t.moves...)
	whole.entered, whole.left = append([]uint32(nil), t.entered...), append([]uint32(nil), t.left...)
	whole.queueMax = append([]int32(nil), t.queueMax...)
	whole.segments, whole.turns = t.segments.clone(), t.turns.clone()
	whole.close(e)
	interval := time.Duration(e.intervalTicks) * e.step
	if e.intervalTicks == 0 {
		interval = e.Time() - e.in.Begin
	}
	whole.segments.Begin, whole.segments.Interval, whole.segments.Segments = e.in.Begin, interval, len(t.queueMax)
	whole.turns.Begin, whole.turns.Interval, whole.turns.Movements = e.in.Begin, interval, len(t.moves)
	return whole.segments, whole.turns
}

func (g SegmentTable) clone() SegmentTable {
	c := func(s []float32) []float32 { return append([]float32(nil), s...) }
	u := func(s []uint32) []uint32 { return append([]uint32(nil), s...) }
	g.Entered, g.Left, g.Stops = u(g.Entered), u(g.Left), u(g.Stops)
	g.VehicleS, g.SpeedKMH, g.DensityVPKM, g.Occupancy = c(g.VehicleS), c(g.SpeedKMH), c(g.DensityVPKM), c(g.Occupancy)
	g.TimeLossS, g.WaitingS, g.QueueMeanVeh, g.QueueMaxVeh, g.QueueBackM = c(g.TimeLossS), c(g.WaitingS), c(g.QueueMeanVeh), c(g.QueueMaxVeh), c(g.QueueBackM)
	return g
}

func (g MovementTable) clone() MovementTable {
	c := func(s []float32) []float32 { return append([]float32(nil), s...) }
	g.Passed, g.SplitFailures = append([]uint32(nil), g.Passed...), append([]uint32(nil), g.SplitFailures...)
	g.DelayS, g.GreenS, g.Saturation, g.ArrivalsOnGreen = c(g.DelayS), c(g.GreenS), c(g.Saturation), c(g.ArrivalsOnGreen)
	return g
}

// bookGreen adds time that a group was green to its movements.
func (t *tally) bookGreen(n *network, group int, seconds float64) {
	for _, m := range n.movesOf[group] {
		t.moves[m].greenS += seconds
	}
}

// enterMovement counts a vehicle that passes a stop line.
func (t *tally) enterMovement(e *Engine, l *link, w *veh) {
	m := &t.moves[l.movement]
	m.passed++
	if l.group < 0 {
		return
	}
	c := &e.cars[w.id]
	m.seen++
	g := &e.greens[l.group]
	if free := c.enteredS + c.freeS; free >= g.beginS || free >= g.lastBeginS && free < g.lastEndS {
		m.onGreen++
	}
}

// leaveMovement books the loss between entering the approach and leaving the
// junction.
func (t *tally) leaveMovement(e *Engine, l *link, w *veh) {
	c := &e.cars[w.id]
	t.moves[l.movement].delayS += w.lossS - c.segLossS
	c.segLossS = w.lossS
}
