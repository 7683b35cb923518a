package scenarios

import (
	"math"
	"slices"
	"time"

	"tideway/geo"
)

// Limits of greens and cycles, and plans made to keep them.

// shortest returns how short a green of signal i may become: the limit, more
// where the base's plan asks for more, less where it was less.
func (x *search) shortest(i int, st geo.Stage) time.Duration {
	least := time.Duration(math.MaxInt64)
	for _, b := range x.city.Plans.At(x.inForce[i]).Stages {
		if !slices.Equal(b.States, st.States) {
			continue
		}
		limit := x.Limits.MinGreen
		if limit == 0 {
			limit = 5 * time.Second
		}
		if b.Min < b.Duration {
			limit = max(limit, b.Min)
		}
		least = min(least, limit, b.Duration)
	}
	return least
}

// cycleLimits returns the cycles that signal i may have.
func (x *search) cycleLimits(i int) (lo, hi time.Duration) {
	base := x.city.Plans.At(x.inForce[i]).Cycle
	lo, hi = x.Limits.MinCycle, x.Limits.MaxCycle
	if lo == 0 {
		lo = 30 * time.Second
	}
	if hi == 0 {
		hi = 120 * time.Second
	}
	return min(lo, base), max(hi, base)
}

// setCycle scales a plan; greens keep their minima, and the plan its old cycle
// when they cannot.
func (x *search) setCycle(p *geo.Plan, i int, cycle time.Duration) {
	q := clonePlan(*p)
	if ScalePlan(&q, cycle) != nil || !x.repair(&q, i) {
		return
	}
	q.Offset = time.Duration(math.Round(float64(p.Offset)*float64(cycle)/float64(p.Cycle)/float64(time.Second))) * time.Second % cycle
	*p = q
}

// repair lifts greens to their minima at the cost of those with the most to
// spare; false when there is not enough.
func (x *search) repair(p *geo.Plan, i int) bool {
	at := greens(*p)
	spare := func(k int) time.Duration { return p.Stages[k].Duration - x.shortest(i, p.Stages[k]) }
	for _, k := range at {
		for spare(k) < 0 {
			most := at[0]
			for _, j := range at {
				if spare(j) > spare(most) {
					most = j
				}
			}
			d := min(time.Second, -spare(k))
			if spare(most) < d {
				return false
			}
			setDuration(&p.Stages[k], p.Stages[k].Duration+d)
			setDuration(&p.Stages[most], p.Stages[most].Duration-d)
		}
	}
	return true
}

// cycleRange returns the cycles that a group of signals may have.
func (x *search) cycleRange(g genome, group int) (lo, hi time.Duration) {
	hi = time.Duration(math.MaxInt64)
	for i, p := range g {
		if x.cycleGroup[i] != group {
			continue
		}
		if x.Limits.KeepCycles {
			return p.Cycle, p.Cycle
		}
		from, to := x.cycleLimits(i)
		lo, hi = max(lo, from, (x.leastCycle(p, i)+time.Second-1).Truncate(time.Second)), min(hi, to)
	}
	return lo, hi
}

// leastCycle returns the cycle of a plan whose greens are at their minima.
func (x *search) leastCycle(p geo.Plan, i int) time.Duration {
	least := lengthOf(p.Stages)
	for _, k := range greens(p) {
		least -= p.Stages[k].Duration - x.shortest(i, p.Stages[k])
	}
	return least
}
