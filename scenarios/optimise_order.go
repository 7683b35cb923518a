package scenarios

import (
	"context"
	"slices"
	"time"

	"tideway/geo"
	"tideway/sim/signal"
)

// Orders of greens. A plan is taken apart into its greens and put together in
// another order with clearances made by rule: a group that is green before and
// after stays as it was, one that turns red shows yellow first, the rest is
// red. Where nobody turns red the next green follows at once, unless traffic
// whose protected green becomes permissive could not clear the junction before
// the others come (signal.StepsDown): then it shows yellow first. It is done for plans only whose own
// clearances are what the rule gives, so that nothing is assumed about a
// controller that does it another way.

// permissiveYellow is the yellow between a protected and a permissive green:
// nobody must stop for it, only learn that others come. The least yellow of the
// Manual on Uniform Traffic Control Devices (2009), 4D.26.
const permissiveYellow = 3 * time.Second

// arranged returns greens in a new order with the clearances between them.
func arranged(city *geo.City, inForce geo.Plan, greens []geo.Stage) (stages []geo.Stage) {
	for k, green := range greens {
		stages = append(stages, green)
		next := greens[(k+1)%len(greens)].States
		states := signal.Clearance(green.States, next, make([]geo.SignalState, len(next)))
		if slices.Contains(states, geo.Yellow) {
			clear := clearanceBehind(inForce, green)
			clear.Name, clear.States = "", states
			stages = append(stages, clear)
		} else if down := signal.StepsDown(city, inForce.Signal, green.States, next); len(down) > 0 {
			for _, g := range down {
				states[g] = geo.Yellow
			}
			stages = append(stages, geo.Stage{Duration: permissiveYellow, Min: permissiveYellow, Max: permissiveYellow, States: states})
		}
	}
	return stages
}

// clearanceBehind returns the clearance behind a green in the plan in force,
// the longest of that plan when there is none.
func clearanceBehind(p geo.Plan, green geo.Stage) (longest geo.Stage) {
	for k, s := range p.Stages {
		next := p.Stages[(k+1)%len(p.Stages)]
		if IsGreenStage(next) {
			continue
		}
		if slices.Equal(s.States, green.States) {
			return next
		}
		if next.Duration > longest.Duration {
			longest = next
		}
	}
	return longest
}

// orderable reports whether a plan has several orders, and is what the rule
// makes of its own.
func orderable(city *geo.City, p geo.Plan) bool {
	list := greenStages(p)
	return len(list) > 2 && slices.EqualFunc(p.Stages, arranged(city, p, list), func(a, b geo.Stage) bool {
		return a.Duration == b.Duration && slices.Equal(a.States, b.States) && len(a.Next) == 0
	})
}

func greenStages(p geo.Plan) (out []geo.Stage) {
	for _, k := range greens(p) {
		out = append(out, p.Stages[k])
	}
	return out
}

// maxOrders is how many orders of a plan are tried, its own included: all there
// are of four greens.
const maxOrders = 6

// orders returns plans of signal i with their greens in other orders, the given
// plan first. The cycle stays: what clearances then take more or less is shared
// among the greens.
func (x *search) orders(p geo.Plan, i int) []geo.Plan {
	out := []geo.Plan{p}
	inForce := x.city.Plans.At(x.inForce[i])
	if !orderable(x.city, inForce) {
		return out
	}
	list := greenStages(p)
	for range 5 * maxOrders { // draws
		x.shuffle(len(list)-1, func(a, b int) { list[a+1], list[b+1] = list[b+1], list[a+1] })
		q := p
		q.Stages = arranged(x.city, inForce, list)
		q.Cycle = lengthOf(q.Stages)
		x.setCycle(&q, i, p.Cycle)
		q.Offset = p.Offset
		known := slices.ContainsFunc(out, func(o geo.Plan) bool { return sameOrder(o, q) })
		if len(out) < maxOrders && !known && q.Cycle == p.Cycle && x.safe(q) {
			out = append(out, q)
		}
	}
	return out
}

func sameOrder(a, b geo.Plan) bool {
	return slices.EqualFunc(a.Stages, b.Stages, func(a, b geo.Stage) bool { return slices.Equal(a.States, b.States) })
}

func (x *search) shuffle(n int, swap func(a, b int)) {
	for a := n - 1; a > 0; a-- {
		swap(a, x.dice.IntN(a+1))
	}
}

func lengthOf(stages []geo.Stage) (sum time.Duration) {
	for _, s := range stages {
		sum += s.Duration
	}
	return sum
}

// safe reports whether a plan breaks no rule that the one in force keeps.
func (x *search) safe(p geo.Plan) bool {
	return !slices.ContainsFunc(findings(x.city, p, nil), func(f Finding) bool { return f.Refused })
}

// orderRounds is how often every order is tried.
const orderRounds = 3

// tryOrders tries orders at all signals at once, each signal another one in
// every simulation of a round. What lost the least time at the signal and its
// neighbours is put together and meets the parent. It is left out when it would
// take more than half of what is left of the budget.
func (x *search) tryOrders(ctx context.Context) error {
	tries := make([][]geo.Plan, len(x.signals))
	most := 1
	for i, p := range x.parent.g {
		tries[i] = x.orders(p, i)
		most = max(most, len(tries[i]))
	}
	if most == 1 || orderRounds*most > x.left()/2 {
		return nil
	}
	lost := make([][]average, len(x.signals))
	for i := range lost {
		lost[i] = make([]average, len(tries[i]))
	}
	x.width = 1
	for range orderRounds {
		if err := x.orderRound(ctx, tries, most, lost); err != nil {
			return err
		}
	}
	best := x.parent.g.clone()
	for i := range best {
		best[i] = clonePlan(tries[i][leastAverage(lost[i])])
	}
	return x.confirm(ctx, evaluated{g: best})
}

// orderRound simulates every order once or more, and adds what was lost.
func (x *search) orderRound(ctx context.Context, tries [][]geo.Plan, most int, lost [][]average) error {
	x.freshSeeds()
	list, chosen := make([]genome, most), make([][]int, most)
	for c := range list {
		list[c], chosen[c] = make(genome, len(tries)), make([]int, len(tries))
	}
	for i := range tries {
		first := x.dice.IntN(most)
		for c := range list {
			chosen[c][i] = (first + c) % len(tries[i])
			list[c][i] = clonePlan(tries[i][chosen[c][i]])
		}
	}
	tried, err := x.evaluate(ctx, list)
	if err != nil {
		return err
	}
	for c, e := range tried {
		for i, k := range chosen[c] {
			lost[i][k].add(x.lostAround(e, i))
		}
	}
	return nil
}

type average struct {
	sum float64
	n   int
}

func (a *average) add(v float64) { a.sum, a.n = a.sum+v, a.n+1 }

func leastAverage(list []average) (best int) {
	for k, a := range list {
		if a.n > 0 && a.sum/float64(a.n) < list[best].sum/float64(list[best].n) {
			best = k
		}
	}
	return best
}
