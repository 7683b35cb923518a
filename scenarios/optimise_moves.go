package scenarios

import (
	"math"
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

// vary returns a variation of the parent and which signals it changed, all far
// from each other; a change of cycle changes a whole group and returns none.
func (x *search) vary() (genome, []int) {
	g := x.parent.g.clone()
	if !x.Limits.KeepCycles && x.dice.Float64() < 0.2 {
		x.varyCycle(g)
		return g, nil
	}
	order := make([]int, len(g))
	for i := range order {
		order[i] = i
	}
	for i := len(order) - 1; i > 0; i-- {
		k := x.dice.IntN(i + 1)
		order[i], order[k] = order[k], order[i]
	}
	var changed []int
	taken := make([]bool, len(g))
	for _, i := range order {
		if taken[i] {
			continue
		}
		if x.varySignal(&g[i], i) {
			changed = append(changed, i)
			taken[i] = true
			for _, k := range x.neighbours[i] {
				taken[k] = true
			}
		}
	}
	slices.Sort(changed)
	return g, changed
}

// size draws a change of a second at least.
func (x *search) size() time.Duration {
	s := math.Abs(x.dice.Normal()) * x.stepS
	return time.Duration(max(1, math.Round(s))) * time.Second
}

// varySignal changes a split or the offset.
func (x *search) varySignal(p *geo.Plan, i int) bool {
	what := x.dice.Float64()
	if what > 0.92 {
		return x.varyOrder(p)
	}
	if len(x.signals) > 1 && what < 0.4 {
		d := 2 * x.size()
		if x.dice.Float64() < 0.5 {
			d = -d
		}
		p.Offset = ((p.Offset+d)%p.Cycle + p.Cycle) % p.Cycle
		return true
	}
	from, to := x.stages(*p, i)
	d := min(x.size(), p.Stages[from].Duration-x.shortest(i, p.Stages[from]))
	if d <= 0 {
		return false
	}
	setDuration(&p.Stages[from], p.Stages[from].Duration-d)
	setDuration(&p.Stages[to], p.Stages[to].Duration+d)
	return true
}

// stages draws the green to shorten and the one to lengthen: every second time
// the one that loses the most time per second of green is lengthened.
func (x *search) stages(p geo.Plan, i int) (from, to int) {
	at := greens(p)
	to = at[x.dice.IntN(len(at))]
	if x.dice.Float64() < 0.5 {
		worst := -1.0
		for _, k := range at {
			if loss := x.parent.scores[0].stage[i][k] / p.Stages[k].Duration.Seconds(); loss > worst {
				worst, to = loss, k
			}
		}
	}
	for from = to; from == to; {
		from = at[x.dice.IntN(len(at))]
	}
	return from, to
}

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

// varyCycle scales one group of signals to another cycle, keeping offsets in
// proportion.
func (x *search) varyCycle(g genome) {
	group := x.dice.IntN(x.groups)
	d := x.size()
	if x.dice.Float64() < 0.5 {
		d = -d
	}
	for i := range g {
		if x.cycleGroup[i] == group {
			lo, hi := x.cycleLimits(i)
			x.setCycle(&g[i], i, min(hi, max(lo, g[i].Cycle+d)))
		}
	}
	if x.dice.Float64() < 0.5 {
		x.model.descend(g, 1) // offsets that suit the new cycle
	}
}

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

// join puts together what helped: for every signal the change, among the
// children's, that lost the least time at the signal and its neighbours; one
// genome with every gain, one with the clear gains only.
func (x *search) join(tried []evaluated, changed [][]int) []genome {
	gains := make([]float64, len(x.signals))
	from := make([]int, len(x.signals))
	for c, e := range tried {
		for _, i := range changed[c] {
			if gain := x.gain(e, i); gain > gains[i] {
				gains[i], from[i] = gain, c
			}
		}
	}
	all, clear := x.parent.g.clone(), x.parent.g.clone()
	n, sure := 0, 0
	middle := Median(positive(gains))
	for i, gain := range gains {
		if gain <= 0 {
			continue
		}
		all[i] = clonePlan(tried[from[i]].g[i])
		n++
		if gain >= middle {
			clear[i] = clonePlan(tried[from[i]].g[i])
			sure++
		}
	}
	switch {
	case n < 2:
		return nil
	case sure < n:
		return []genome{all, clear}
	}
	return []genome{all}
}

func positive(v []float64) (out []float64) {
	for _, x := range v {
		if x > 0 {
			out = append(out, x)
		}
	}
	return out
}

// gain returns the vehicle-seconds that a child's change of signal i saved
// there and at its neighbours.
func (x *search) gain(e evaluated, i int) float64 {
	var sum float64
	for r := range e.scores {
		was, is := &x.parent.scores[r], &e.scores[r]
		sum += was.local[i] - is.local[i]
		for _, k := range x.neighbours[i] {
			sum += was.local[k] - is.local[k]
		}
	}
	return sum
}
