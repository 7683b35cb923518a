package scenarios

import (
	"slices"

	"tideway/geo"
	"tideway/sim/signal"
)

// Orders of greens. A plan is taken apart into greens and the clearances behind
// them, and put together in another order with clearances made by rule: a group
// that is green before and after stays as it was, one that turns red shows
// yellow first, the rest is red. It is done for plans only whose own clearances
// are what the rule gives, so that nothing is assumed about a controller that
// does it another way.

// orderable returns the greens and the stage behind each, when the plan is
// green, yellow, green, yellow ... by the rule.
func orderable(p geo.Plan) (greens, clears []geo.Stage, ok bool) {
	n := len(p.Stages)
	if n < 6 || n%2 != 0 { // two greens have one order
		return nil, nil, false
	}
	for k := 0; k < n; k += 2 {
		a, clear, b := p.Stages[k], p.Stages[k+1], p.Stages[(k+2)%n]
		if !IsGreenStage(a) || !slices.Equal(clear.States, cleared(a.States, b.States)) {
			return nil, nil, false
		}
		greens, clears = append(greens, a), append(clears, clear)
	}
	return greens, clears, true
}

func cleared(a, b []geo.SignalState) []geo.SignalState {
	return signal.Clearance(a, b, make([]geo.SignalState, len(a)))
}

// varyOrder exchanges two greens with their clearances.
func (x *search) varyOrder(p *geo.Plan) bool {
	greens, clears, ok := orderable(*p)
	if !ok {
		return false
	}
	n := len(greens)
	i := 1 + x.dice.IntN(n-1)
	k := 1 + x.dice.IntN(n-1)
	if i == k {
		return false
	}
	greens[i], greens[k] = greens[k], greens[i]
	clears[i], clears[k] = clears[k], clears[i]
	q := *p
	q.Stages = nil
	for j := range greens {
		clear := clears[j]
		clear.States = cleared(greens[j].States, greens[(j+1)%n].States)
		clear.Name = ""
		q.Stages = append(q.Stages, greens[j], clear)
	}
	if !x.safe(q) {
		return false
	}
	*p = q
	return true
}

// safe reports whether a plan breaks no rule that the one in force keeps.
func (x *search) safe(p geo.Plan) bool {
	return !slices.ContainsFunc(findings(x.city, p, nil), func(f Finding) bool { return f.Refused })
}
