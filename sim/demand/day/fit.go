package day

import (
	"math"
	"slices"
	"time"

	"tideway/geo"
)

// The morning peak hour, in which the network is fullest.
const peakFrom, peakTo = 7*time.Hour + 30*time.Minute, 8*time.Hour + 30*time.Minute

// fit returns the trips of a working day with which the busiest arterials are
// loaded to the given share of capacity in the morning peak: trips of one day
// are assigned all or nothing to the quickest ways of an empty network, and
// scaled. What counts is the mean of the upper twentieth of the loads, so that
// one crossing does not decide; detours and other hours carry less.
func (m *Model) fit(load float64) float64 {
	a := newAssigner(m)
	flows := make([]float64, m.city.Segments.Len()) // peak hour, per trip of the day
	shares := peakShares()
	for i := range m.zones {
		a.tree(i)
		for j := range m.zones {
			if i != j {
				a.carry(i, j, m.peakFlow(shares, i, j), flows)
			}
		}
	}
	var loads []float64
	for s, seg := range m.city.Segments.All() {
		if seg.Class <= geo.Secondary && flows[s] > 0 {
			loads = append(loads, flows[s]/m.capacity(s))
		}
	}
	most := mostPerM * m.metres(m.allConnectors())
	if len(loads) == 0 {
		return most
	}
	slices.Sort(loads)
	upper := loads[len(loads)-max(1, len(loads)/20):]
	var mean float64
	for _, l := range upper {
		mean += l / float64(len(upper))
	}
	return math.Min(load/mean, most)
}

// mostPerM is how many trips a day begin on a metre of street at most: small
// cities have short trips, and their quiet streets fill before the arterials.
const mostPerM = 1.5

func (m *Model) allConnectors() (c connectors) {
	for _, z := range m.zones {
		c.segments = append(c.segments, z.segments.segments...)
	}
	return c
}

// peakShares is, by purpose, the part of a working day's trips of all purposes
// that it has in the morning peak hour.
func peakShares() (out []float64) {
	for _, p := range purposes {
		var when float64
		for k, w := range profile(p.when[0], 0) {
			if at := time.Duration(k) * step; at >= peakFrom && at < peakTo {
				when += w
			}
		}
		out = append(out, p.workday*when)
	}
	return out
}

// peakFlow is the part of a working day's trips that goes from zone i to j in
// the morning peak hour.
func (m *Model) peakFlow(shares []float64, i, j int) (sum float64) {
	for k, p := range purposes {
		sum += shares[k] * m.originShare(p.from, i) * m.draw[p.to].share(i, j)
	}
	return sum
}

// originShare is the part of all trips of a role that start in zone i.
func (m *Model) originShare(r role, i int) float64 { return m.zones[i].weight[r] / m.total[r] }

// capacity is what a segment carries in an hour through the signals at its
// end: saturation flow times a usual share of green.
func (m *Model) capacity(s geo.SegmentID) float64 {
	_, lanes := m.city.LanesOf(s)
	return float64(lanes) * 1800 * 0.38
}

// assigner finds quickest ways from one zone to all others.
type assigner struct {
	first []int32 // arcs of segment s are arcs[first[s]:first[s+1]]
	arcs  []arc
	time  []float64 // to the end of a segment, s
	prev  []geo.SegmentID
	rep   []geo.SegmentID // of zones: the segment that stands for it
	todo  []queued        // binary heap
}

// arc leads from one segment over the next to its end.
type arc struct {
	to    geo.SegmentID
	costS float64
}

type queued struct {
	timeS   float64
	segment geo.SegmentID
}

func newAssigner(m *Model) *assigner {
	n := m.city.Segments.Len()
	a := &assigner{first: make([]int32, n+1), time: make([]float64, n), prev: make([]geo.SegmentID, n)}
	for s := range geo.SegmentID(n) {
		a.addArcs(m.city, s)
		a.first[s+1] = int32(len(a.arcs))
	}
	for _, z := range m.zones {
		a.rep = append(a.rep, m.middle(z))
	}
	return a
}

func (a *assigner) addArcs(c *geo.City, s geo.SegmentID) {
	first, lanes := c.LanesOf(s)
	for l := first; l < first+geo.LaneID(lanes); l++ {
		for _, id := range c.MovementsFrom(l) {
			mv := c.Movements.At(id)
			to := c.Lanes.At(mv.To).Segment
			if mv.Allow.Has(geo.Car) && c.Open(to, geo.Car) {
				a.arcs = append(a.arcs, arc{to, delay(mv) + c.FreeFlowTime(to).Seconds()})
			}
		}
	}
}

// middle is the connector nearest to the middle of a zone.
func (m *Model) middle(z zone) geo.SegmentID {
	best, at := z.segments.segments[0], math.Inf(1)
	for _, s := range z.segments.segments {
		q := m.city.Midpoint(s)
		if d := math.Hypot(q[0]-z.xy[0], q[1]-z.xy[1]); d < at {
			best, at = s, d
		}
	}
	return best
}

// Delays in seconds that an empty network still has, by turn.
const (
	signalDelayS = 15
	leftDelayS   = 10
	turnDelayS   = 3
)

// tree finds the quickest ways from zone i: Dijkstra over segments, so that
// turns count.
func (a *assigner) tree(i int) {
	for s := range a.time {
		a.time[s], a.prev[s] = math.Inf(1), geo.NoSegment
	}
	a.time[a.rep[i]] = 0
	a.push(queued{0, a.rep[i]})
	for len(a.todo) > 0 {
		q := a.pop()
		if q.timeS > a.time[q.segment] {
			continue
		}
		for _, x := range a.arcs[a.first[q.segment]:a.first[q.segment+1]] {
			if t := q.timeS + x.costS; t < a.time[x.to] {
				a.time[x.to], a.prev[x.to] = t, q.segment
				a.push(queued{t, x.to})
			}
		}
	}
}

func (a *assigner) push(q queued) {
	a.todo = append(a.todo, q)
	k := len(a.todo) - 1
	for up := (k - 1) / 2; k > 0 && a.todo[up].timeS > q.timeS; up = (k - 1) / 2 {
		a.todo[k], k = a.todo[up], up
	}
	a.todo[k] = q
}

func (a *assigner) pop() queued {
	top, last := a.todo[0], a.todo[len(a.todo)-1]
	a.todo = a.todo[:len(a.todo)-1]
	k, n := 0, len(a.todo)
	for {
		down := 2*k + 1
		if down >= n {
			break
		}
		if down+1 < n && a.todo[down+1].timeS < a.todo[down].timeS {
			down++
		}
		if a.todo[down].timeS >= last.timeS {
			break
		}
		a.todo[k], k = a.todo[down], down
	}
	if n > 0 {
		a.todo[k] = last
	}
	return top
}

func delay(mv geo.Movement) (s float64) {
	if mv.Signal != geo.NoSignal {
		s += signalDelayS
	}
	switch mv.Turn {
	case geo.Left, geo.SlightLeft, geo.UTurn:
		return s + leftDelayS
	case geo.Right, geo.SlightRight:
		return s + turnDelayS
	}
	return s
}

// carry adds a flow to the segments of the way from zone i to zone j.
func (a *assigner) carry(i, j int, flow float64, into []float64) {
	for s := a.rep[j]; s != geo.NoSegment && !math.IsInf(a.time[s], 1); s = a.prev[s] {
		into[s] += flow
	}
}
