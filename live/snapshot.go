package live

import (
	"math"
	"time"

	"tideway/geo"
	"tideway/live/store"
)

// Tick moves the window to now, publishes a snapshot of that time and wakes
// subscribers. It waits for no disk: sealing that is due happens in the
// background. Ticks of an earlier time than the last one publish that time's
// state again. Cost: 15 ns a series, 60 ns a segment.
func (f *Feed) Tick(now time.Time) *Snapshot {
	snap := &Snapshot{City: f.o.City, At: now.UTC()}
	f.mu.Lock()
	f.st.advance(now.UnixMilli())
	snap.Series = f.st.newest()
	f.mu.Unlock()
	snap.Roads = FoldRoads(snap)
	f.publish(snap)
	if now.Sub(f.lastSeal.Load().at) >= f.o.SealEvery {
		f.poke()
	}
	return snap
}

// Snapshot returns the newest published snapshot.
func (f *Feed) Snapshot() *Snapshot { return f.snapshot.Load() }

// Subscribe returns a channel that receives snapshots as they are published; a
// slow reader misses all but the newest. It is closed by cancel and by Close.
func (f *Feed) Subscribe() (snapshots <-chan *Snapshot, cancel func()) {
	c := make(chan *Snapshot, 1)
	f.subMu.Lock()
	defer f.subMu.Unlock()
	if f.closed.Load() {
		close(c)
		return c, func() {}
	}
	f.subscribers[c] = true
	return c, func() {
		f.subMu.Lock()
		defer f.subMu.Unlock()
		if f.subscribers[c] {
			delete(f.subscribers, c)
			close(c)
		}
	}
}

func (f *Feed) publish(s *Snapshot) {
	f.subMu.Lock()
	defer f.subMu.Unlock()
	if last := f.snapshot.Load(); last != nil {
		s.Seq = last.Seq
	}
	s.Seq++
	f.snapshot.Store(s)
	for c := range f.subscribers {
		select { // make room: the newest is what counts
		case <-c:
		default:
		}
		c <- s
	}
}

func (st *state) newest() []SeriesState {
	out := make([]SeriesState, st.cityCount())
	for i := range out {
		s := &st.series[i]
		out[i] = SeriesState{Series: s.name(), Value: math.NaN()}
		if s.last != 0 {
			out[i].End = time.UnixMilli(s.lastEndMS).UTC()
			out[i].Value = s.last.Value(s.key.Quantity)
			out[i].Doubt = reasonOfDoubt(s.last.Doubt())
		}
	}
	return out
}

func (s *series) name() Series {
	return Series{Sensor: s.sensor, Quantity: s.key.Quantity, Interval: time.Duration(s.intervalMS) * time.Millisecond}
}

// Key returns the outside name of a series of the city.
func (s Series) Key(c *geo.City) Key {
	return Key{Sensor: c.Sensors.At(s.Sensor).ID, Quantity: s.Quantity}
}

// staleAfter is how old a value may be and still tell the state of a road.
func staleAfter(every time.Duration) time.Duration { return max(15*time.Minute, 5*every/2) }

// FoldRoads derives the state of each segment from the sensors matched to it:
// values that are fresh and not stuck.
//
// Flow: where sensors cover the whole segment, their mean; otherwise the sum
// over lanes of each lane's mean, scaled up to all lanes. Speed: the mean of
// the sensors' speeds, weighted by flow where each has one (Edie's space-mean
// needs densities; the flow-weighted time mean is within a few per cent on one
// segment). Occupancy: the mean.
func FoldRoads(snap *Snapshot) []RoadState {
	sums := make([]roadSum, snap.City.Segments.Len())
	for lo := 0; lo < len(snap.Series); {
		hi := lo + 1
		for hi < len(snap.Series) && snap.Series[hi].Sensor == snap.Series[lo].Sensor {
			hi++
		}
		sensor := snap.City.Sensors.At(snap.Series[lo].Sensor)
		if sensor.Segment != geo.NoSegment {
			sums[sensor.Segment].add(sensor, snap.Series[lo:hi], snap.At)
		}
		lo = hi
	}
	roads := make([]RoadState, len(sums))
	for i := range sums {
		_, lanes := snap.City.LanesOf(geo.SegmentID(i))
		roads[i] = sums[i].state(lanes)
	}
	return roads
}

// mean is a weighted mean under way.
type mean struct{ sum, weight float64 }

func (m *mean) add(v, w float64) { m.sum += v * w; m.weight += w }

func (m mean) value() float64 {
	if m.weight == 0 {
		return math.NaN()
	}
	return m.sum / m.weight
}

// roadSum gathers what the sensors of a segment say.
type roadSum struct {
	at              time.Time
	sensors         int
	whole           mean // flow of sensors that cover all lanes
	lanes           []laneFlow
	speed, weighted mean // plain, and weighted by flow
	unweighted      bool // a speed without a flow was seen
	occupancy       mean
}

type laneFlow struct {
	lane geo.LaneID
	flow mean
}

func (r *roadSum) add(sensor geo.Sensor, series []SeriesState, now time.Time) {
	speed, flow, used := math.NaN(), math.NaN(), false
	for _, s := range series {
		if !s.Quantity.IsTraffic() || s.End.IsZero() || s.Doubt == Stuck || now.Sub(s.End) > staleAfter(s.Interval) {
			continue
		}
		used = true
		if s.End.After(r.at) {
			r.at = s.End
		}
		switch s.Quantity {
		case geo.Speed:
			speed = s.Value
		case geo.Flow:
			flow = s.Value
			r.addFlow(sensor.Lane, flow)
		case geo.Occupancy:
			r.occupancy.add(s.Value, 1)
		}
	}
	if used {
		r.sensors++
	}
	switch {
	case math.IsNaN(speed):
	case math.IsNaN(flow):
		r.unweighted = true
		r.speed.add(speed, 1)
	default:
		r.speed.add(speed, 1)
		r.weighted.add(speed, flow)
	}
}

func (r *roadSum) addFlow(lane geo.LaneID, flow float64) {
	if lane == geo.NoLane {
		r.whole.add(flow, 1)
		return
	}
	for i := range r.lanes {
		if r.lanes[i].lane == lane {
			r.lanes[i].flow.add(flow, 1)
			return
		}
	}
	r.lanes = append(r.lanes, laneFlow{lane, mean{flow, 1}})
}

func (r *roadSum) state(lanes int) RoadState {
	s := RoadState{At: r.at, SpeedKMH: r.speed.value(), FlowVPH: r.whole.value(), Occupancy: r.occupancy.value(), Sensors: r.sensors}
	if !r.unweighted && r.weighted.weight > 0 {
		s.SpeedKMH = r.weighted.value()
	}
	if r.whole.weight == 0 && len(r.lanes) > 0 {
		sum := 0.0
		for _, l := range r.lanes {
			sum += l.flow.value()
		}
		s.FlowVPH = sum * float64(max(lanes, len(r.lanes))) / float64(len(r.lanes))
	}
	return s
}

// Key names a series by its sensor's outside id; Point is one value of it.
type (
	Key   = store.Key
	Point = store.Point
)
