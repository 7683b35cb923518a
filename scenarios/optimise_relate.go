package scenarios

import (
	"slices"
	"time"

	"tideway/geo"
	"tideway/unit"
)

// relate finds which signals are next to each other and which share a cycle.
func (x *search) relate() {
	at := map[geo.SignalID]int{}
	for i, s := range x.signals {
		at[s] = i
	}
	x.neighbours = make([][]int, len(x.signals))
	for i, s := range x.signals {
		for _, other := range x.downstream(s) {
			if k, ok := at[other]; ok && k != i {
				x.neighbours[i] = append(x.neighbours[i], k)
				x.neighbours[k] = append(x.neighbours[k], i)
			}
		}
	}
	for i := range x.neighbours {
		slices.Sort(x.neighbours[i])
		x.neighbours[i] = slices.Compact(x.neighbours[i])
	}
	x.groupCycles()
}

// groupCycles puts signals with the same cycle in one group, unless cycles are
// free.
func (x *search) groupCycles() {
	byCycle := map[time.Duration]int{}
	for _, p := range x.inForce {
		cycle := x.city.Plans.At(p).Cycle
		group, known := byCycle[cycle]
		if !known || x.Limits.FreeCycles {
			group = x.groups
			byCycle[cycle] = group
			x.groups++
		}
		x.cycleGroup = append(x.cycleGroup, group)
	}
}

// nextSignalM is how far apart two signals may be to count as neighbours.
const nextSignalM unit.Length = 800

// downstream returns the signals that traffic from s meets next.
func (x *search) downstream(s geo.SignalID) (out []geo.SignalID) {
	type step struct {
		segment geo.SegmentID
		run     unit.Length
	}
	seen := map[geo.SegmentID]bool{}
	var queue []step
	push := func(m geo.MovementID, run unit.Length) {
		seg := x.city.Lanes.At(x.city.Movements.At(m).To).Segment
		if !seen[seg] && run < nextSignalM {
			seen[seg] = true
			queue = append(queue, step{seg, run + x.city.Segments.At(seg).Length})
		}
	}
	for _, m := range x.city.MovementsOf(s) {
		push(m, 0)
	}
	for len(queue) > 0 {
		at := queue[0]
		queue = queue[1:]
		first, n := x.city.LanesOf(at.segment)
		for l := first; l < first+geo.LaneID(n); l++ {
			for _, m := range x.city.MovementsFrom(l) {
				if sig := x.city.Movements.At(m).Signal; sig != geo.NoSignal {
					out = append(out, sig)
				} else {
					push(m, at.run)
				}
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}
