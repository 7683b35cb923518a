package report

import (
	"math"
	"slices"

	"tideway/geo"
	"tideway/scenarios"
)

// Limits of a corridor that is chosen.
const (
	corridorM        = 1500.0
	corridorSegments = 14
)

// Corridor chooses the street along which diagrams are drawn: through the
// segment whose delay changes most, among the approaches of changed signals
// when there are any, and from there along the street both ways. Empty when the
// comparison has no differences per segment.
func Corridor(base *geo.City, cases []*scenarios.Case, c *scenarios.Comparison) []geo.SegmentID {
	change := make([]float64, base.Segments.Len())
	flow := make([]float64, base.Segments.Len())
	for _, a := range c.Alternatives {
		if a.Segments == nil || len(a.Segments.AltDelayS) != len(change) {
			return nil
		}
		for s := range change {
			change[s] += math.Abs(float64(a.Segments.AltDelayS[s] - a.Segments.BaseDelayS[s]))
			flow[s] += float64(a.Segments.BaseFlowVPH[s])
		}
	}
	seed := most(base, change, approachesOf(base, changedSignals(base, cases)))
	if seed == geo.NoSegment {
		return nil
	}
	out := []geo.SegmentID{seed}
	length := base.Segments.At(seed).Length
	for _, step := range []func(*geo.City, geo.SegmentID, []float64) geo.SegmentID{next, previous} {
		forward := len(out) == 1
		for at := seed; len(out) < corridorSegments && length.M() < corridorM; {
			if at = step(base, at, flow); at == geo.NoSegment || slices.Contains(out, at) {
				break
			}
			length += base.Segments.At(at).Length
			if forward {
				out = append(out, at)
			} else {
				out = slices.Insert(out, 0, at)
			}
		}
	}
	return out
}

// changedSignals returns the signals whose plan in force some case changes, in
// order.
func changedSignals(base *geo.City, cases []*scenarios.Case) (out []geo.SignalID) {
	for i, s := range base.Signals.All() {
		for _, c := range cases {
			if now := c.City.Signals.At(i); now.Plan != s.Plan || s.Plan != geo.NoPlan && !samePlan(base.Plans.At(s.Plan), c.City.Plans.At(now.Plan)) {
				out = append(out, i)
				break
			}
		}
	}
	return out
}

func samePlan(a, b geo.Plan) bool {
	return a.Kind == b.Kind && a.Cycle == b.Cycle && a.Offset == b.Offset && a.Anchor == b.Anchor &&
		slices.EqualFunc(a.Stages, b.Stages, func(x, y geo.Stage) bool { return x.Duration == y.Duration && slices.Equal(x.States, y.States) }) &&
		slices.EqualFunc(a.Phases, b.Phases, func(x, y geo.RingPhase) bool {
			return x.Phase == y.Phase && x.Split == y.Split && x.Position == y.Position
		})
}

// approachesOf returns the segments that end at signals.
func approachesOf(c *geo.City, signals []geo.SignalID) (out []geo.SegmentID) {
	for _, s := range signals {
		for _, m := range c.MovementsOf(s) {
			out = append(out, c.Lanes.At(c.Movements.At(m).From).Segment)
		}
	}
	return out
}

// most returns the segment of the largest value among some, or among all when
// those are none or have nothing.
func most(c *geo.City, value []float64, among []geo.SegmentID) geo.SegmentID {
	best, top := geo.NoSegment, 0.0
	for _, s := range among {
		if value[s] > top {
			best, top = s, value[s]
		}
	}
	for i := range c.Segments.Len() {
		if s := geo.SegmentID(i); len(among) == 0 && value[s] > top {
			best, top = s, value[s]
		}
	}
	return best
}

// next returns the segment that traffic of s mostly goes on to: of the same
// name, straight on, with the most traffic, in this order.
func next(c *geo.City, s geo.SegmentID, flow []float64) geo.SegmentID {
	return better(c, s, flow, func(visit func(geo.SegmentID, geo.Turn)) {
		first, lanes := c.LanesOf(s)
		for l := range lanes {
			for _, m := range c.MovementsFrom(first + geo.LaneID(l)) {
				visit(c.Lanes.At(c.Movements.At(m).To).Segment, c.Movements.At(m).Turn)
			}
		}
	})
}

func previous(c *geo.City, s geo.SegmentID, flow []float64) geo.SegmentID {
	return better(c, s, flow, func(visit func(geo.SegmentID, geo.Turn)) {
		first, lanes := c.LanesOf(s)
		for l := range lanes {
			for _, m := range c.MovementsInto(first + geo.LaneID(l)) {
				visit(c.Lanes.At(c.Movements.At(m).From).Segment, c.Movements.At(m).Turn)
			}
		}
	})
}

func better(c *geo.City, s geo.SegmentID, flow []float64, each func(func(geo.SegmentID, geo.Turn))) geo.SegmentID {
	best, top := geo.NoSegment, -1.0
	name := c.Segments.At(s).Name
	each(func(t geo.SegmentID, turn geo.Turn) {
		if turn == geo.UTurn || t == s {
			return
		}
		score := 1e-6 * flow[t]
		if turn == geo.Straight {
			score += 2
		}
		if name != "" && c.Segments.At(t).Name == name {
			score += 3
		}
		if score > top {
			best, top = t, score
		}
	})
	return best
}
