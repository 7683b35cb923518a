package report

import (
	"context"
	"errors"
	"math"
	"time"

	"tideway/geo"
	"tideway/internal/parallel"
	"tideway/scenarios"
	"tideway/sim"
	"tideway/unit"
)

// Recording is what one replication of a side looked like along a corridor.
type Recording struct {
	Begin    time.Duration // of the run
	Length   time.Duration // until its End
	Step     time.Duration
	Corridor []geo.SegmentID
	StopAtM  []float64 // where each segment's stop line lies along the corridor
	EndM     float64   // length of the corridor
	From, To time.Duration
	Tracks   []Track          // vehicles along the corridor between From and To
	Signals  []Signal         // those at the corridor's stop lines
	Segments sim.SegmentTable // of the whole city, by interval
	Summary  sim.Summary      // of this replication
}

// Track is the way of one vehicle along the corridor: time since Begin in
// seconds and metres from the corridor's begin.
type Track struct {
	Trip int
	AtS  []float32
	PosM []float32
}

// Signal is one stop line of the corridor with a signal.
type Signal struct {
	Position int // in Corridor
	Signal   geo.SignalID
	Group    int
	States   []geo.SignalState // by step
	Arrivals []float32         // when vehicles that went on along the corridor would have reached the stop line undisturbed, seconds since Begin
}

// arrivalsAt remembers, by trip, when a vehicle passed the advance point.
type arrivalsAt map[int]float32

// Diagrams show this much of the run, and intervals of the charts.
const (
	windowLength = 10 * time.Minute
	intervals    = 12
	advanceM     = 100.0 // arrivals are seen this far before the stop line, or at 0.6 of shorter segments
	advanceShare = 0.6
)

// Record simulates one replication until its End and keeps what is needed for
// diagrams along the corridor. It ends with ctx's error when ctx ends.
func Record(ctx context.Context, in sim.Input, corridor []geo.SegmentID) (*Recording, error) {
	in.UntilClear, in.Log = false, false
	if in.Interval = ((in.End - in.Begin) / intervals).Round(time.Minute); in.Interval < time.Minute {
		in.Interval = time.Minute
	}
	if in.End <= in.Begin {
		return nil, errors.New("recording a run: its end is open")
	}
	e, err := sim.New(in)
	if err != nil {
		return nil, err
	}
	r := newRecorder(e, in, corridor)
	for n := 0; !e.Done(); n++ {
		if n%100 == 0 && ctx.Err() != nil {
			return nil, ctx.Err()
		}
		e.Step()
		r.observe()
	}
	res := e.Result()
	r.Segments, r.Summary = res.Segments, res.Summary
	return r.Recording, nil
}

// recorder fills a recording step by step.
type recorder struct {
	*Recording
	e                                *sim.Engine
	city                             *geo.City
	index                            map[geo.SegmentID]int
	beginM, advance, speedMPS, laneM []float64   // by position
	open                             map[int]int // tracks under way, by trip
	last                             map[int]lastSeen
	arrival                          map[int]arrivalsAt // by position: who is on the way to the stop line
}

// lastSeen is where a vehicle was one step ago.
type lastSeen struct {
	position int
	posM     float64
}

func newRecorder(e *sim.Engine, in sim.Input, corridor []geo.SegmentID) *recorder {
	r := &recorder{Recording: &Recording{Begin: in.Begin, Length: in.End - in.Begin, Step: in.Step, Corridor: corridor}, e: e, arrival: map[int]arrivalsAt{}, city: in.City,
		index: map[geo.SegmentID]int{}, open: map[int]int{}, last: map[int]lastSeen{}}
	if r.Step == 0 {
		r.Step = time.Second
	}
	length := min(windowLength, in.End-in.Begin)
	r.From = ((in.End - in.Begin - length) / 2).Round(time.Minute)
	r.To = r.From + length
	at := 0.0
	for i, s := range corridor {
		seg := in.City.Segments.At(s)
		r.index[s] = i
		r.beginM = append(r.beginM, at)
		long := seg.Length.M()
		r.StopAtM = append(r.StopAtM, at+long)
		r.laneM = append(r.laneM, long)
		r.advance = append(r.advance, long-math.Min(advanceM, advanceShare*long))
		r.speedMPS = append(r.speedMPS, math.Max(1, seg.Limit.MPS()))
		at += long
		m, ok := through(in.City, s, corridor, i)
		if !ok {
			continue
		}
		mv := in.City.Movements.At(m)
		if i+1 < len(corridor) {
			at += mv.Length.M()
		}
		if mv.Signal != geo.NoSignal {
			r.Signals = append(r.Signals, Signal{Position: i, Signal: mv.Signal, Group: mv.Group})
			r.arrival[i] = arrivalsAt{}
		}
	}
	r.EndM = at
	return r
}

// through returns a movement from segment s to the next of the corridor; from
// the last one straight on.
func through(c *geo.City, s geo.SegmentID, corridor []geo.SegmentID, i int) (geo.MovementID, bool) {
	to := geo.NoSegment
	if i+1 < len(corridor) {
		to = corridor[i+1]
	} else if to = next(c, s, make([]float64, c.Segments.Len())); to == geo.NoSegment {
		return 0, false
	}
	first, lanes := c.LanesOf(s)
	for l := range lanes {
		for _, m := range c.MovementsFrom(first + geo.LaneID(l)) {
			if c.Lanes.At(c.Movements.At(m).To).Segment == to {
				return m, true
			}
		}
	}
	return 0, false
}

// observe takes down one step.
func (r *recorder) observe() {
	for i := range r.Signals {
		s := &r.Signals[i]
		s.States = append(s.States, r.e.Light(s.Signal, s.Group))
	}
	now := r.e.Time() - r.Begin
	r.e.Vehicles(func(v sim.Sample) {
		i, on := r.index[v.Segment]
		if !on {
			return
		}
		pos := v.PosM
		if v.Movement != geo.NoMovement {
			if !r.goesOn(v.Movement, i) {
				delete(r.open, v.Trip)
				return
			}
			pos += r.laneM[i]
			r.arrived(i, v.Trip)
		} else {
			r.arrived(i-1, v.Trip) // short junctions are crossed between two steps
			r.pass(i, v, now)
		}
		if now >= r.From && now <= r.To {
			r.track(v.Trip, now, r.beginM[i]+pos)
		}
	})
}

// goesOn reports whether a movement from position i stays on the corridor.
func (r *recorder) goesOn(m geo.MovementID, i int) bool {
	to := r.city.Lanes.At(r.city.Movements.At(m).To).Segment
	return i+1 < len(r.Corridor) && to == r.Corridor[i+1] || i+1 == len(r.Corridor)
}

// track adds a point to a vehicle's way, or begins a new one where it comes
// from elsewhere.
func (r *recorder) track(trip int, now time.Duration, posM float64) {
	k, ok := r.open[trip]
	if ok {
		t := &r.Tracks[k]
		gap := now.Seconds() - float64(t.AtS[len(t.AtS)-1])
		ok = gap <= 1.5*r.Step.Seconds() && posM >= float64(t.PosM[len(t.PosM)-1])-1
	}
	if !ok {
		k = len(r.Tracks)
		r.open[trip] = k
		r.Tracks = append(r.Tracks, Track{Trip: trip})
	}
	t := &r.Tracks[k]
	t.AtS, t.PosM = append(t.AtS, float32(now.Seconds())), append(t.PosM, float32(posM))
}

// pass notes when a vehicle drives over the advance point of segment i.
func (r *recorder) pass(i int, v sim.Sample, now time.Duration) {
	waiting, signal := r.arrival[i]
	was, seen := r.last[v.Trip]
	r.last[v.Trip] = lastSeen{i, v.PosM}
	if !signal || v.PosM < r.advance[i] || seen && was.position == i && was.posM >= r.advance[i] {
		return
	}
	if !seen && v.PosM > r.advance[i]+v.SpeedMPS*r.Step.Seconds() {
		return // it began its trip behind the point
	}
	at := now.Seconds()
	if v.SpeedMPS > 0.1 {
		at -= (v.PosM - r.advance[i]) / v.SpeedMPS
	}
	waiting[v.Trip] = float32(at + (r.laneM[i]-r.advance[i])/r.speedMPS[i])
}

// arrived counts a vehicle that entered the junction along the corridor.
func (r *recorder) arrived(i, trip int) {
	at, ok := r.arrival[i][trip]
	if !ok {
		return
	}
	delete(r.arrival[i], trip)
	for k := range r.Signals {
		if r.Signals[k].Position == i {
			r.Signals[k].Arrivals = append(r.Signals[k].Arrivals, at)
		}
	}
}

// OnGreen returns the share of arrivals that met green, the share of time the
// signal was green, and the number of arrivals.
func (s *Signal) OnGreen(step time.Duration) (arrivals, green unit.Share, n int) {
	lit := 0
	for _, v := range s.States {
		if v.IsGreen() {
			lit++
		}
	}
	met := 0
	for _, at := range s.Arrivals {
		if k := int(float64(at) / step.Seconds()); k >= 0 && k < len(s.States) {
			n++
			if s.States[k].IsGreen() {
				met++
			}
		}
	}
	if n > 0 {
		arrivals = unit.Share(float64(met) / float64(n))
	}
	if len(s.States) > 0 {
		green = unit.Share(float64(lit) / float64(len(s.States)))
	}
	return arrivals, green, n
}

// RecordAll records the first replication of the base and of every case, in
// this order, along the corridor that Corridor chooses. period is what the runs
// had in common; poisson tells that departures were drawn.
func RecordAll(ctx context.Context, base scenarios.Base, cases []*scenarios.Case, c *scenarios.Comparison, period sim.Input, poisson bool) ([]*Recording, error) {
	corridor := Corridor(base.City, cases, c)
	sides := append([]*scenarios.Case{scenarios.BaseCase(base)}, cases...)
	return parallel.MapErr(ctx, period.Threads, sides, func(ctx context.Context, side *scenarios.Case) (*Recording, error) {
		in := period
		in.City, in.Demand, in.Seed, in.Threads = side.City, side.Demand, c.Seed, 1
		if poisson {
			in.Demand = scenarios.DrawDepartures(side.Demand, in.Seed)
		}
		return Record(ctx, in, corridor)
	})
}

// whole returns the number of intervals that the end did not cut short.
func (r *Recording) whole() int {
	return max(1, min(r.Segments.Intervals, int((r.Length+r.Segments.Interval/2)/r.Segments.Interval)))
}
