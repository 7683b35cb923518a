package scenarios

import (
	"cmp"
	"context"
	"math"
	"slices"
	"time"

	"tideway/geo"
)

// The evolution moves one point, the middle, through the space of durations. A
// generation is variations of it in opposite pairs, simulated once each; then
// every signal moves towards those in which the least time was lost at it and
// its neighbours (evolution strategy with weighted recombination; mirrored
// sampling). One simulation says little for sure, but many agree in the middle.
// So one serves all signals at once, and none is spent on asking again.

// pairs of variations in a generation. With 4 and the same budget cologne8
// ended 0.9 s worse, with 3 ingolstadt1 by up to 0.8 s.
const pairs = 6

// firstStep and lastStep are the typical change of a green, as a share of the
// cycle, when the evolution begins and ends; steps shrink with the budget that
// is spent. Twice the first wastes half of the budget far from any good plan.
const (
	firstStep = 0.03
	lastStep  = 0.01
)

// point is the durations of a genome in seconds: per signal what its greens
// last beyond their minima, and its offset; then one cycle per group.
type point []float64

// layOut settles where the coordinates of each signal begin, then those of the
// cycles.
func (x *search) layOut(g genome) {
	x.parts = []int{0}
	for i := range g {
		x.parts = append(x.parts, x.parts[i]+len(greens(g[i]))+1)
	}
}

func (x *search) part(v point, i int) point { return v[x.parts[i]:x.parts[i+1]] }

func (x *search) cycles(v point) point { return v[x.parts[len(x.signals)]:] }

func (x *search) encode(g genome) point {
	v := make(point, x.parts[len(g)]+x.groups)
	for i, p := range g {
		part := x.part(v, i)
		for k, at := range greens(p) {
			part[k] = (p.Stages[at].Duration - x.shortest(i, p.Stages[at])).Seconds()
		}
		part[len(part)-1] = p.Offset.Seconds()
		x.cycles(v)[x.cycleGroup[i]] = p.Cycle.Seconds()
	}
	return v
}

// decode returns the plans of a point, in whole seconds and within limits; the
// orders and clearances are those of like.
func (x *search) decode(v point, like genome) genome {
	g := like.clone()
	for i := range g {
		lo, hi := x.cycleRange(like, x.cycleGroup[i])
		x.decodePlan(&g[i], i, x.part(v, i), min(hi, max(lo, seconds(x.cycles(v)[x.cycleGroup[i]]))))
	}
	return g
}

func seconds(s float64) time.Duration { return time.Duration(math.Round(s)) * time.Second }

func (x *search) decodePlan(p *geo.Plan, i int, part point, cycle time.Duration) {
	at := greens(*p)
	beyond := make([]time.Duration, len(at))
	var sum time.Duration
	for k := range at {
		beyond[k] = seconds(100 * max(0, part[k])) // proportion wants whole seconds
		sum += beyond[k]
	}
	if sum == 0 {
		beyond[0] = time.Second
	}
	for k, d := range proportion(beyond, cycle-x.leastCycle(*p, i)) {
		stage := &p.Stages[at[k]]
		setDuration(stage, x.shortest(i, *stage)+d)
	}
	p.Cycle = cycle
	p.Offset = (seconds(part[len(part)-1])%cycle + cycle) % cycle
}

// evolve moves the parent until a share of the budget is spent.
func (x *search) evolve(ctx context.Context, until float64) error {
	x.layOut(x.parent.g)
	x.width = 1
	middle, begin := x.encode(x.parent.g), x.done()
	for x.done() < until {
		done := (x.done() - begin) / (until - begin)
		var points []point
		var list []genome
		for range pairs {
			for _, v := range x.opposite(middle, firstStep*math.Pow(lastStep/firstStep, done)) {
				points, list = append(points, v), append(list, x.decode(v, x.parent.g))
			}
		}
		x.freshSeeds()
		tried, err := x.evaluate(ctx, list)
		if err != nil {
			return err
		}
		x.recombine(middle, points, tried)
		x.parent = evaluated{g: x.decode(middle, x.parent.g), meanS: meanOf(tried)}
		x.report()
	}
	return nil
}

func meanOf(list []evaluated) (mean float64) {
	for _, e := range list {
		mean += e.meanS / float64(len(list))
	}
	return mean
}

// opposite draws a change of every coordinate and returns the points on both
// sides of the middle.
func (x *search) opposite(middle point, step float64) [2]point {
	plus, minus := slices.Clone(middle), slices.Clone(middle)
	change := func(k int, sizeS float64) {
		d := x.dice.Normal() * sizeS
		plus[k] += d
		minus[k] -= d
	}
	cycles := len(middle) - x.groups
	for i, group := range x.cycleGroup {
		stepS := step * middle[cycles+group]
		for k := x.parts[i]; k < x.parts[i+1]-1; k++ {
			change(k, stepS)
		}
		change(x.parts[i+1]-1, stepS*offsetStep(len(x.signals)))
	}
	for k := cycles; k < len(middle); k++ {
		change(k, step*middle[k])
	}
	return [2]point{plus, minus}
}

// offsetStep is by how much more offsets change than greens; that of a signal
// alone means nothing.
func offsetStep(signals int) float64 {
	if signals == 1 {
		return 0
	}
	return 2
}

// recombine moves each signal's part of the middle towards the better half of
// the points, by the time lost at it and its neighbours, and each group's cycle
// by that lost at the group's signals.
func (x *search) recombine(middle point, points []point, tried []evaluated) {
	move := func(part func(point) point, cost func(evaluated) float64) {
		to := part(middle)
		from := slices.Clone(to)
		for c, w := range rankWeights(tried, cost) {
			for k, v := range part(points[c]) {
				to[k] += w * (v - from[k])
			}
		}
	}
	for i := range x.signals {
		move(func(v point) point { return x.part(v, i) }, func(e evaluated) float64 { return x.lostAround(e, i) })
	}
	for group := range x.groups {
		move(func(v point) point { return x.cycles(v)[group : group+1] }, func(e evaluated) float64 { return x.lostIn(e, group) })
	}
	x.tidy(middle)
}

// tidy brings the coordinates back to where plans are: nothing below a minimum,
// greens that fill the cycle, cycles within limits.
func (x *search) tidy(v point) {
	is := x.encode(x.decode(v, x.parent.g))
	for i := range x.signals {
		part, plan := x.part(v, i), x.part(is, i)
		var sum, whole float64
		for k := range len(part) - 1 {
			part[k] = max(0, part[k])
			sum, whole = sum+part[k], whole+plan[k]
		}
		for k := range len(part) - 1 {
			part[k] *= whole / max(sum, 1e-9)
		}
	}
	for k, c := range x.cycles(is) {
		if math.Abs(x.cycles(v)[k]-c) > 0.5 {
			x.cycles(v)[k] = c
		}
	}
}

// lostAround returns the vehicle-seconds lost at a signal and its neighbours.
func (x *search) lostAround(e evaluated, i int) (sum float64) {
	if len(x.signals) == 1 {
		return e.meanS // with those who wait to enter
	}
	for _, sc := range e.scores {
		sum += sc.local[i]
		for _, k := range x.neighbours[i] {
			sum += sc.local[k]
		}
	}
	return sum
}

// lostIn returns the same for the signals of a group.
func (x *search) lostIn(e evaluated, group int) (sum float64) {
	if x.groups == 1 {
		return e.meanS
	}
	for i, of := range x.cycleGroup {
		if of == group {
			sum += x.lostAround(e, i)
		}
	}
	return sum
}

// rankWeights gives the better half a weight each, the best the most (logarithmic
// ranks), one in sum; the others none.
func rankWeights(list []evaluated, cost func(evaluated) float64) []float64 {
	rank := make([]int, len(list))
	for c := range rank {
		rank[c] = c
	}
	slices.SortStableFunc(rank, func(a, b int) int { return cmp.Compare(cost(list[a]), cost(list[b])) })
	out := make([]float64, len(list))
	half := len(list) / 2
	var sum float64
	for r := range half {
		out[rank[r]] = math.Log((float64(half) + 0.5) / float64(r+1))
		sum += out[rank[r]]
	}
	for c := range out {
		out[c] /= sum
	}
	return out
}
