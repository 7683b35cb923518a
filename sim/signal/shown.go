package signal

import (
	"slices"
	"time"

	"tideway/geo"
)

// Shown returns what the groups show over one cycle when every stage lasts its
// duration and every phase its split: the stages themselves, or the stages
// that rings and barriers make together.
func Shown(p geo.Plan, groups int) []geo.Stage {
	if p.Kind != geo.RingBarrier {
		return p.Stages
	}
	r := newRings(p, groups, 0)
	cuts := []time.Duration{0, p.Cycle}
	for i, ph := range p.Phases {
		green := r.begin[i] + ph.Split - ph.Yellow - ph.AllRed
		cuts = append(cuts, r.begin[i], green, green+ph.Yellow)
	}
	slices.Sort(cuts)
	var out []geo.Stage
	for i, from := range cuts[1:] {
		begin, length := cuts[i], from-cuts[i]
		if length <= 0 || begin < 0 || from > p.Cycle {
			continue
		}
		out = append(out, geo.Stage{Duration: length, Min: length, Max: length, States: r.statesAt(begin, groups)})
	}
	return out
}

// statesAt returns what the phases show at a time in the cycle if all keep
// their splits.
func (r *rings) statesAt(at time.Duration, groups int) []geo.SignalState {
	states := make([]geo.SignalState, groups)
	for g := range states {
		states[g] = geo.Red
	}
	set := func(list []int, s geo.SignalState) {
		for _, g := range list {
			if g >= 0 && g < groups && stronger(s, states[g]) {
				states[g] = s
			}
		}
	}
	for i, ph := range r.plan.Phases {
		switch in, green := at-r.begin[i], ph.Split-ph.Yellow-ph.AllRed; {
		case in < 0 || in >= green+ph.Yellow:
		case in < green:
			set(ph.Groups, geo.Protected)
			set(ph.Permissive, geo.Permissive)
		default:
			set(slices.Concat(ph.Groups, ph.Permissive), geo.Yellow)
		}
	}
	return states
}

// stronger tells whether a group that two phases serve shows s rather than
// was: protected before permissive before yellow.
func stronger(s, was geo.SignalState) bool {
	order := []geo.SignalState{geo.Red, geo.Yellow, geo.Permissive, geo.Protected}
	return slices.Index(order, s) > slices.Index(order, was)
}
