package scenarios

import (
	"fmt"
	"slices"
	"time"

	"tideway/geo"
)

// SetPlan puts a plan in force at the selected signals.
type SetPlan struct {
	Use  string   `json:"use,omitempty" doc:"Id of a plan that the signal has."`
	Plan *PlanDoc `json:"plan,omitempty" doc:"Or: a new plan, which replaces one of the same id."`
}

func (a *SetPlan) apply(b *builder, c *Change) {
	if (a.Use == "") == (a.Plan == nil) {
		b.problem("", "expected exactly one of use and plan")
		return
	}
	for _, s := range b.signals(&c.Select) {
		id := b.city.Signals.At(s).ID
		var plan geo.Plan
		if a.Plan != nil {
			plan = b.plan(a.Plan, s)
		} else if at, ok := b.city.Plans.Find(id + "/" + a.Use); ok {
			plan = b.city.Plans.At(at)
		} else {
			b.problem(id, "has no plan %q, expected one of %s", a.Use, b.planNames(s))
			continue
		}
		if b.planFits(plan, a.origin(plan)) {
			b.putInForce(plan, c)
			b.say("signal %s: plan %s%s", id, plan.ID, c.Window.text())
		}
	}
}

// origin returns the signal's own plan when that is what is put in force.
func (a *SetPlan) origin(p geo.Plan) *geo.Plan {
	if a.Plan != nil {
		return nil
	}
	return &p
}

func (b *builder) planNames(s geo.SignalID) string {
	var names []string
	for _, p := range b.city.PlansOf(s) {
		names = append(names, b.city.Plans.At(p).ID)
	}
	return jsonText(names)
}

func (w *Window) text() string {
	if w == nil {
		return ""
	}
	return fmt.Sprintf(" from %v to %v", w.From, w.To)
}

// planFits checks a plan as data and as safe signal engineering.
func (b *builder) planFits(p geo.Plan, was *geo.Plan) bool {
	before := b.bad.Len()
	checkPlan(b.city, p, was, b.where, b.bad)
	return b.bad.Len() == before
}

// putInForce sets the plan for the whole run, or for the change's window.
func (b *builder) putInForce(plan geo.Plan, c *Change) {
	if c.Window == nil {
		b.patch.SetPlan(plan)
		return
	}
	rest := b.inForceAt(plan.Signal, c.Window.To.Duration())
	at := b.patch.AddPlan(plan)
	var rows []geo.PlanSwitch
	if mine := b.scheduleOf(plan.Signal); len(mine) == 0 {
		rows = append(rows, geo.PlanSwitch{Signal: plan.Signal, Days: geo.EveryDay, Plan: b.city.Signals.At(plan.Signal).Plan})
	} else {
		rows = slices.DeleteFunc(mine, func(w geo.PlanSwitch) bool { return c.Window.has(w.At) })
	}
	rows = append(rows, geo.PlanSwitch{Signal: plan.Signal, Days: geo.EveryDay, At: c.Window.From.Duration(), Plan: at})
	if !slices.ContainsFunc(rows, func(w geo.PlanSwitch) bool { return w.At == c.Window.To.Duration() }) {
		rows = append(rows, geo.PlanSwitch{Signal: plan.Signal, Days: geo.EveryDay, At: c.Window.To.Duration(), Plan: rest})
	}
	rows = slices.DeleteFunc(rows, func(w geo.PlanSwitch) bool { return w.At == c.Window.From.Duration() && w.Plan != at })
	slices.SortStableFunc(rows, func(x, y geo.PlanSwitch) int { return int(x.At - y.At) })
	b.patch.SetSchedule(plan.Signal, rows)
}

func (b *builder) scheduleOf(s geo.SignalID) (rows []geo.PlanSwitch) {
	for _, w := range b.city.Schedule {
		if w.Signal == s {
			rows = append(rows, w)
		}
	}
	return rows
}

// inForceAt returns the plan that the schedule names at a time, on any day.
func (b *builder) inForceAt(s geo.SignalID, at time.Duration) geo.PlanID {
	plan, since := b.city.Signals.At(s).Plan, time.Duration(-1)
	for _, w := range b.scheduleOf(s) {
		if w.At <= at && w.At > since {
			plan, since = w.Plan, w.At
		}
	}
	return plan
}

// AdjustSignal changes the plan in force at the selected signals by deltas, or
// to values. Splits come first; a new cycle then scales what is green and
// leaves yellow and red between greens as they are.
type AdjustSignal struct {
	Plan       string        `json:"plan,omitempty" doc:"Id of the plan to change; the one in force when left out."`
	CycleS     *float64      `json:"cycle_s,omitempty" doc:"New cycle; greens are scaled to fit."`
	CycleAddS  *float64      `json:"cycle_add_s,omitempty" doc:"Or: seconds added to the cycle."`
	OffsetS    *float64      `json:"offset_s,omitempty" doc:"New offset."`
	OffsetAddS *float64      `json:"offset_add_s,omitempty" doc:"Or: seconds added to the offset, modulo the cycle."`
	Split      []SplitChange `json:"split,omitempty" doc:"Greens to change. Without a new cycle they must add up to 0."`
}

// SplitChange changes the green of one stage, or the split of one phase.
type SplitChange struct {
	Stage     int      `json:"stage,omitempty" doc:"Number of the stage, from 1."`
	Phase     int      `json:"phase,omitempty" doc:"Or: NEMA number of a phase of a ring-barrier plan."`
	AddS      *float64 `json:"add_s,omitempty" doc:"Seconds added."`
	DurationS *float64 `json:"duration_s,omitempty" doc:"Or: the new duration."`
}

func (a *AdjustSignal) apply(b *builder, c *Change) {
	if a.CycleS != nil && a.CycleAddS != nil || a.OffsetS != nil && a.OffsetAddS != nil {
		b.problem("", "gives both a value and a delta of cycle or offset")
		return
	}
	for _, s := range b.signals(&c.Select) {
		for _, at := range b.plansToAdjust(a, s, c.Window) {
			was := b.city.Plans.At(at)
			plan, ok := a.adjusted(b, was)
			if !ok || !b.planFits(plan, &was) {
				continue
			}
			if c.Window != nil {
				plan.ID += "~" + c.ID
				b.putInForce(plan, c)
			} else {
				b.patch.AddPlan(plan)
			}
			b.say("signal %s, plan %s%s: %s", b.city.Signals.At(s).ID, was.ID, c.Window.text(), planChange(was, plan))
		}
	}
}

// plansToAdjust returns the plan named, the one in force during the window, or
// every plan that comes into force during the day.
func (b *builder) plansToAdjust(a *AdjustSignal, s geo.SignalID, w *Window) []geo.PlanID {
	id := b.city.Signals.At(s).ID
	if a.Plan != "" {
		at, ok := b.city.Plans.Find(id + "/" + a.Plan)
		if !ok {
			b.problem(id, "has no plan %q, expected one of %s", a.Plan, b.planNames(s))
			return nil
		}
		return []geo.PlanID{at}
	}
	var out []geo.PlanID
	if w != nil {
		out = append(out, b.inForceAt(s, w.From.Duration()))
	} else if rows := b.scheduleOf(s); len(rows) > 0 {
		for _, r := range rows {
			out = append(out, r.Plan)
		}
	} else {
		out = append(out, b.city.Signals.At(s).Plan)
	}
	slices.Sort(out)
	out = slices.Compact(out)
	if slices.Contains(out, geo.NoPlan) {
		b.problem(id, "has no plan in force to adjust")
		return nil
	}
	return out
}

// adjusted returns a changed copy of the plan.
func (a *AdjustSignal) adjusted(b *builder, p geo.Plan) (geo.Plan, bool) {
	name := b.city.Signals.At(p.Signal).ID
	p.Stages, p.Phases = slices.Clone(p.Stages), slices.Clone(p.Phases)
	before := b.bad.Len()
	var added time.Duration
	for _, ch := range a.Split {
		added += b.split(&p, ch, name)
	}
	cycle := p.Cycle
	switch {
	case a.CycleS != nil:
		cycle = fromS(*a.CycleS)
	case a.CycleAddS != nil:
		cycle += fromS(*a.CycleAddS)
	case added != 0 && p.Kind != geo.RingBarrier:
		b.problem(name, "splits add up to %v and would change the cycle of %v; compensate, or give cycle_add_s", added, p.Cycle)
	}
	if b.bad.Len() > before {
		return p, false
	}
	if err := ScalePlan(&p, cycle); err != nil {
		b.problem(name, "cycle of %v: %v", cycle, err)
		return p, false
	}
	switch {
	case a.OffsetS != nil:
		p.Offset = fromS(*a.OffsetS)
	case a.OffsetAddS != nil:
		p.Offset += fromS(*a.OffsetAddS)
	}
	p.Offset = (p.Offset%p.Cycle + p.Cycle) % p.Cycle
	return p, true
}

// split changes one green and returns by how much.
func (b *builder) split(p *geo.Plan, ch SplitChange, name string) time.Duration {
	if (ch.AddS == nil) == (ch.DurationS == nil) || (ch.Stage == 0) == (ch.Phase == 0) {
		b.problem(name, "split expected exactly one of stage and phase, and one of add_s and duration_s")
		return 0
	}
	change := func(was time.Duration) time.Duration {
		if ch.AddS != nil {
			return was + fromS(*ch.AddS)
		}
		return fromS(*ch.DurationS)
	}
	if ch.Phase != 0 {
		at := slices.IndexFunc(p.Phases, func(x geo.RingPhase) bool { return x.Phase == ch.Phase })
		if at < 0 {
			b.problem(name, "plan %s has no phase %d", p.ID, ch.Phase)
			return 0
		}
		was := p.Phases[at].Split
		p.Phases[at].Split = change(was)
		return p.Phases[at].Split - was
	}
	if ch.Stage < 1 || ch.Stage > len(p.Stages) {
		b.problem(name, "plan %s has no stage %d, expected 1 to %d", p.ID, ch.Stage, len(p.Stages))
		return 0
	}
	st := &p.Stages[ch.Stage-1]
	was := st.Duration
	if !IsGreenStage(*st) {
		b.problem(name, "stage %d of plan %s is a clearance (%v), expected a green stage", ch.Stage, p.ID, was)
		return 0
	}
	setDuration(st, change(was))
	if st.Duration <= 0 {
		b.problem(name, "stage %d of plan %s would last %v, expected more than 0 s", ch.Stage, p.ID, st.Duration)
	}
	return st.Duration - was
}

func planChange(was, now geo.Plan) string {
	text := fmt.Sprintf("cycle %v -> %v, offset %v -> %v", was.Cycle, now.Cycle, was.Offset, now.Offset)
	for i := range was.Stages {
		if was.Stages[i].Duration != now.Stages[i].Duration {
			text += fmt.Sprintf(", stage %d %v -> %v", i+1, was.Stages[i].Duration, now.Stages[i].Duration)
		}
	}
	for i := range was.Phases {
		if was.Phases[i].Split != now.Phases[i].Split {
			text += fmt.Sprintf(", phase %d %v -> %v", was.Phases[i].Phase, was.Phases[i].Split, now.Phases[i].Split)
		}
	}
	return text
}
