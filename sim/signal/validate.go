package signal

import (
	"fmt"
	"slices"
	"time"

	"tideway/geo"
	"tideway/internal/fault"
)

// IssueKind is what is wrong with a plan.
type IssueKind string

// Kinds of issue. The first group makes a plan unsafe or impossible; Advice
// marks values below what is recommended.
const (
	ConflictingGreen IssueKind = "conflicting_green" // two movements that meet are green and neither gives way
	NoYellow         IssueKind = "no_yellow"         // a group goes from green to red at once
	NoClearance      IssueKind = "no_clearance"      // a conflicting green begins before the last vehicle is gone
	SplitSum         IssueKind = "split_sum"         // splits of a ring do not add up to the cycle
	BarrierSum       IssueKind = "barrier_sum"       // rings do not reach a barrier together
	SplitTooShort    IssueKind = "split_too_short"   // a split cannot hold its minimum green and clearance
	PedestrianTime   IssueKind = "pedestrian_time"   // a split or stage cannot hold walk and pedestrian clearance
	Limits           IssueKind = "limits"            // minimum above maximum, or a duration outside them
	NeverGreen       IssueKind = "never_green"       // a group with movements never gets green
	UnknownGroup     IssueKind = "unknown_group"     // a phase names a group the signal does not have
	ShortYellow      IssueKind = "short_yellow"      // yellow shorter than the approach speed asks for (advice)
	ShortClearance   IssueKind = "short_clearance"   // all red shorter than the junction's width asks for (advice)
)

// Issue is one thing wrong with a plan.
type Issue struct {
	Kind   IssueKind `json:"kind"`
	Plan   string    `json:"plan"`            // "signal/plan"
	Stage  int       `json:"stage,omitempty"` // from 1; 0: the whole plan
	Phase  int       `json:"phase,omitempty"` // NEMA number
	Groups []int     `json:"groups,omitempty"`
	Advice bool      `json:"advice,omitempty"` // safe, but below what is recommended
	Text   string    `json:"text"`
}

// StepsDown returns the groups of a signal that are protected in one stage and
// permissive in the next although clearing the junction takes longer than those
// who start then need to meet them (ShortClearance); nil when there are none.
func StepsDown(c *geo.City, s geo.SignalID, from, to []geo.SignalState) (groups []int) {
	p := geo.Plan{Signal: s, Stages: []geo.Stage{{States: from}, {States: to}}}
	v := &validator{city: c, plan: p, groups: c.Signals.At(s).Groups}
	v.listMovements()
	for g := range from {
		if from[g] == geo.Protected && to[g] == geo.Permissive {
			if v.shortClearance(0, 1, g, 0); len(v.found) > 0 {
				groups, v.found = append(groups, g), nil
			}
		}
	}
	return groups
}

// Check returns an error with every issue of a plan that is more than advice.
func Check(c *geo.City, p geo.Plan) error {
	var bad fault.List
	for _, i := range Validate(c, p) {
		if !i.Advice {
			bad.Addf("plan", i.Plan, "%s", i.Text)
		}
	}
	return bad.Err("validating a signal plan")
}

// Validate returns every issue of a plan at the signal it belongs to, in order
// of stage or phase, then kind. The plan need not be the city's own. It must
// pass geo.CheckPlan.
func Validate(c *geo.City, p geo.Plan) []Issue {
	v := &validator{city: c, plan: p, name: c.Signals.At(p.Signal).ID + "/" + p.ID, groups: c.Signals.At(p.Signal).Groups}
	v.listMovements()
	if p.Kind == geo.RingBarrier {
		v.ringPlan()
	} else {
		v.stagePlan()
	}
	slices.SortStableFunc(v.found, func(a, b Issue) int { return (a.Stage+a.Phase)*2 - (b.Stage+b.Phase)*2 })
	return v.found
}

type validator struct {
	city   *geo.City
	plan   geo.Plan
	name   string
	groups int
	of     [][]geo.MovementID // by group
	found  []Issue
}

func (v *validator) add(i Issue, format string, args ...any) {
	i.Plan, i.Text = v.name, fmt.Sprintf(format, args...)
	v.found = append(v.found, i)
}

func (v *validator) listMovements() {
	v.of = make([][]geo.MovementID, v.groups)
	for _, m := range v.city.MovementsOf(v.plan.Signal) {
		g := v.city.Movements.At(m).Group
		v.of[g] = append(v.of[g], m)
	}
}

// stagePlan checks a plan of stages.
func (v *validator) stagePlan() {
	green := make([]bool, v.groups)
	for k := range v.plan.Stages {
		s := &v.plan.Stages[k]
		for g, state := range s.States {
			green[g] = green[g] || state.IsGreen() || state == geo.GreenStop || state == geo.Off || state == geo.Blinking
		}
		v.greensOf(k, s.States)
		if s.Max > 0 && s.Max < s.Min || s.Min > 0 && s.Duration < s.Min || s.Max > 0 && s.Duration > s.Max {
			v.add(Issue{Kind: Limits, Stage: k + 1, Advice: v.plan.Kind == geo.FixedTime}, "stage %d lasts %v, between %v and %v", k+1, s.Duration, s.Min, s.Max)
		}
		for _, n := range v.followers(k) {
			v.transition(k, n)
		}
	}
	v.unused(green)
}

// followers returns the stages that may come after stage k.
func (v *validator) followers(k int) []int {
	if next := v.plan.Stages[k].Next; len(next) > 0 {
		return next
	}
	return []int{(k + 1) % len(v.plan.Stages)}
}

// greensOf reports pairs of groups that are green together although movements
// of theirs meet and neither gives way: both protected, or one permissive
// without the duty to yield.
func (v *validator) greensOf(k int, states []geo.SignalState) {
	for a := range states {
		for b := a + 1; b < len(states); b++ {
			if m, foe, bad := v.clash(a, b, states[a], states[b]); bad {
				v.add(Issue{Kind: ConflictingGreen, Stage: k + 1, Groups: []int{a, b}}, "stage %d shows %c to group %d and %c to group %d, but %s and %s meet and neither gives way",
					k+1, states[a], a, states[b], b, v.city.MovementName(m), v.city.MovementName(foe))
			}
		}
	}
}

func (v *validator) clash(a, b int, sa, sb geo.SignalState) (m, foe geo.MovementID, bad bool) {
	if !sa.IsGreen() || !sb.IsGreen() {
		return 0, 0, false
	}
	for _, m := range v.of[a] {
		for _, x := range v.city.Conflicts(m) {
			f := v.city.Movements.At(x.Foe)
			if f.Signal != v.plan.Signal || f.Group != b {
				continue
			}
			if !(sa == geo.Permissive && x.Yield) && !(sb == geo.Permissive && v.yields(x.Foe, m)) {
				return m, x.Foe, true
			}
		}
	}
	return 0, 0, false
}

func (v *validator) yields(m, foe geo.MovementID) bool {
	for _, x := range v.city.Conflicts(m) {
		if x.Foe == foe {
			return x.Yield
		}
	}
	return false
}

// transition checks how groups lose their green from stage k to stage n.
func (v *validator) transition(k, n int) {
	from, to := &v.plan.Stages[k], &v.plan.Stages[n]
	for g := range from.States {
		switch {
		case from.States[g].IsGreen() && to.States[g] == geo.Red:
			v.add(Issue{Kind: NoYellow, Stage: k + 1, Groups: []int{g}}, "group %d goes from green in stage %d to red in stage %d without yellow", g, k+1, n+1)
			v.clearance(k, n, g, 0)
		case from.States[g] == geo.Yellow && to.States[g] != geo.Yellow:
			v.yellowOf(k, g)
			if to.States[g] == geo.Red {
				v.clearance(k, n, g, 0)
			}
		case from.States[g] == geo.Protected && to.States[g] == geo.Permissive:
			v.shortClearance(k, n, g, 0)
		}
	}
}

// tenths is a duration as people set it.
func tenths(d time.Duration) time.Duration { return d.Round(100 * time.Millisecond) }

// yellowOf compares the yellow of group g that ends with stage k with what the
// approach speed asks for.
func (v *validator) yellowOf(k, g int) {
	shown := v.plan.Stages[k].Duration
	want := time.Duration(0)
	for _, m := range v.of[g] {
		limit := v.city.Lanes.At(v.city.Movements.At(m).From).Limit
		want = max(want, YellowTime(limit, 0))
	}
	if shown+time.Second/2 < want {
		v.add(Issue{Kind: ShortYellow, Stage: k + 1, Groups: []int{g}, Advice: true}, "yellow of group %d in stage %d lasts %v, its approach speed asks for %v", g, k+1, shown, tenths(want))
	}
}

// clearance checks, for group g that is red from stage n on, how much later
// conflicting groups get green: red is the time since its yellow ended.
func (v *validator) clearance(k, n, g int, red time.Duration) {
	v.shortClearance(k, n, g, red)
	if red == 0 && v.plan.Stages[k].States[g].IsGreen() {
		v.hardClearance(k, n, g)
	}
}

// shortClearance compares the time since group g lost its right of way with
// what clearing takes before each group that starts with stage n.
func (v *validator) shortClearance(k, n, g int, red time.Duration) {
	to := &v.plan.Stages[n]
	for b := range to.States {
		if b == g || !to.States[b].IsGreen() || v.plan.Stages[k].States[b].IsGreen() {
			continue
		}
		if need, foe := v.clearingTime(g, b); need > red+time.Second/2 {
			v.add(Issue{Kind: ShortClearance, Stage: n + 1, Groups: []int{g, b}, Advice: true}, "group %d gets green %v after group %d has ended; clearing %s asks for %v",
				b, red, g, v.city.MovementName(foe), tenths(need))
		}
	}
}

// hardClearance reports conflicting groups that get green at the very moment
// group g goes from green to red.
func (v *validator) hardClearance(k, n, g int) {
	to := &v.plan.Stages[n]
	for b := range to.States {
		if _, foe, bad := v.clash(g, b, geo.Protected, to.States[b]); bad && b != g {
			v.add(Issue{Kind: NoClearance, Stage: n + 1, Groups: []int{g, b}}, "group %d gets green in stage %d at the moment group %d loses it; %s is still being cleared",
				b, n+1, g, v.city.MovementName(foe))
		}
	}
}

// clearingTime returns how long after the end of yellow of group g a vehicle of
// it may still be at a point that a vehicle of group b reaches when it starts
// at once: driving off from the stop line takes 1 s longer than passing it.
func (v *validator) clearingTime(g, b int) (need time.Duration, worst geo.MovementID) {
	for _, m := range v.of[g] {
		mv := v.city.Movements.At(m)
		for _, x := range v.city.Conflicts(m) {
			f := v.city.Movements.At(x.Foe)
			if f.Signal != v.plan.Signal || f.Group != b || x.Kind != geo.Crossing {
				continue
			}
			leave := (float64(x.At) + 6) / max(float64(mv.Limit), 1)
			enter := 1 + float64(x.FoeAt)/max(float64(f.Limit), 1)
			if t := seconds(leave - enter); t > need {
				need, worst = t, m
			}
		}
	}
	return need, worst
}

func (v *validator) unused(green []bool) {
	for g, ok := range green {
		if !ok && len(v.of[g]) > 0 {
			v.add(Issue{Kind: NeverGreen, Groups: []int{g}}, "group %d never gets green; %s waits for ever", g, v.city.MovementName(v.of[g][0]))
		}
	}
}
