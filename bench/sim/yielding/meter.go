package main

import (
	"math"
	"time"

	"tideway/geo"
	"tideway/sim/demand"
	"tideway/sim/signal"
)

// onRoad is a vehicle on a lane of a street at one second; inside junctions
// vehicles are not reported.
type onRoad struct {
	trip     int
	lane     geo.LaneID
	speedMPS float64
}

// turn is all movements from a lane to a street.
type turn struct {
	from geo.LaneID
	to   geo.SegmentID
}

// counts are vehicles served, one number per cycle (minute) with a queue.
type counts []float64

func (c counts) mean() float64 {
	sum := 0.0
	for _, x := range c {
		sum += x
	}
	return sum / float64(len(c))
}

// stdErr is the standard error of the mean.
func (c counts) stdErr() float64 {
	mean, sum := c.mean(), 0.0
	for _, x := range c {
		sum += (x - mean) * (x - mean)
	}
	n := float64(len(c))
	return math.Sqrt(sum / (n - 1) / n)
}

// yielder is a turn that gives way, and what one run has seen of it.
type yielder struct {
	turn  turn
	plan  geo.Plan // of its signal; without stages where signs rule
	group int

	green  bool // at the last second
	begun  bool // a whole period is under way
	queued bool // a queue has stood in its lane since the period's begin, whenever it was green
	served float64
}

// state returns whether the turn has green, and whether a period begins: with
// every green, or with every minute where nothing ever stops the turn.
func (y *yielder) state(now time.Duration) (green, begins bool) {
	if len(y.plan.Stages) == 0 {
		return true, now%time.Minute == 0
	}
	k, _ := signal.StageAt(y.plan, now)
	green = y.plan.Stages[k].States[y.group].IsGreen()
	return green, green && !y.green
}

// meter counts the vehicles that yielding turns serve in one run. A vehicle is
// served when it leaves its lane; a queue is there while somebody is on the lane
// who has stood on it.
type meter struct {
	city  *geo.City
	trips []map[geo.SegmentID]geo.SegmentID // next street, by trip
	turns []yielder
	seen  map[turn]counts
	last  map[int]*visit
}

// visit is a vehicle's time on a street.
type visit struct {
	lane  geo.LaneID
	stood bool
	at    time.Duration // last seen
}

// standMPS is the speed below which a vehicle stands: 5 km/h, as queues are
// counted in the field.
const standMPS = 5 / 3.6

func newMeter(c *geo.City, d *demand.Demand, into map[turn]counts) *meter {
	m := &meter{city: c, turns: yielders(c), seen: into, last: map[int]*visit{}}
	m.trips = make([]map[geo.SegmentID]geo.SegmentID, len(d.Trips))
	for i, t := range d.Trips {
		way := d.Routes[t.Route].Segments
		m.trips[i] = make(map[geo.SegmentID]geo.SegmentID, len(way))
		for k := 1; k < len(way); k++ {
			m.trips[i][way[k-1]] = way[k]
		}
	}
	return m
}

// yielders lists the turns that give way: on green that is permissive only, or
// by sign.
func yielders(c *geo.City) (list []yielder) {
	known := map[turn]bool{}
	for m, mv := range c.Movements.All() {
		t := turn{mv.From, c.Lanes.At(mv.To).Segment}
		if known[t] || !givesWay(c, m) {
			continue
		}
		y := yielder{turn: t}
		if mv.Signal != geo.NoSignal {
			y.plan, y.group = c.Plans.At(c.Signals.At(mv.Signal).Plan), mv.Group
			if always, permissive := shown(y.plan, y.group); !permissive {
				continue
			} else if always {
				y.plan = geo.Plan{}
			}
		}
		known[t] = true
		list = append(list, y)
	}
	return list
}

func givesWay(c *geo.City, m geo.MovementID) bool {
	for _, x := range c.Conflicts(m) {
		if x.Yield {
			return true
		}
	}
	return false
}

// shown tells whether a group is green in every stage, and whether some green
// of it is permissive.
func shown(p geo.Plan, group int) (always, permissive bool) {
	always = true
	for _, s := range p.Stages {
		always = always && s.States[group].IsGreen()
		permissive = permissive || s.States[group] == geo.Permissive
	}
	return always, permissive
}

// second takes in where everybody is at a second.
func (m *meter) second(now time.Duration, road []onRoad) {
	left := m.move(now, road)
	queue := map[geo.LaneID]bool{}
	for _, v := range m.last {
		queue[v.lane] = queue[v.lane] || v.stood
	}
	for i := range m.turns {
		y := &m.turns[i]
		green, begins := y.state(now)
		if begins {
			if y.begun && y.queued {
				m.seen[y.turn] = append(m.seen[y.turn], y.served)
			}
			y.begun, y.queued, y.served = true, true, 0
		}
		y.green = green
		y.queued = y.queued && (!green || queue[y.turn.from])
		y.served += float64(left[y.turn])
	}
}

// move renews the vehicles' places and counts who has left a lane by which turn.
func (m *meter) move(now time.Duration, road []onRoad) map[turn]int {
	left := map[turn]int{}
	leave := func(trip int, v *visit) {
		if to, ok := m.trips[trip][m.city.Lanes.At(v.lane).Segment]; ok {
			left[turn{v.lane, to}]++
		}
	}
	for _, o := range road {
		v := m.last[o.trip]
		if v == nil || m.city.Lanes.At(v.lane).Segment != m.city.Lanes.At(o.lane).Segment {
			if v != nil {
				leave(o.trip, v)
			}
			v = &visit{}
			m.last[o.trip] = v
		}
		v.lane, v.at, v.stood = o.lane, now, v.stood || o.speedMPS < standMPS
	}
	for trip, v := range m.last {
		if v.at != now {
			leave(trip, v)
			delete(m.last, trip)
		}
	}
	return left
}
