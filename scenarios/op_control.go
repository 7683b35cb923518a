package scenarios

import (
	"fmt"
	"slices"
	"time"

	"tideway/geo"
)

// SetControl changes how the plan in force is carried out: the selected
// signals keep their stages and clearances.
type SetControl struct {
	Control     string   `json:"control" enum:"fixed,actuated,coordinated,max_pressure" doc:"fixed: stages in order for their durations; actuated: extended while traffic comes; coordinated: one NEMA ring, whose longest phase keeps cycle and offset while the others end early; max_pressure: the stage that serves the most vehicles per second."`
	MinGreenS   *float64 `json:"min_green_s,omitempty" doc:"Shortest green; 5 when left out, more where the plan names a minimum."`
	PedestrianS *float64 `json:"pedestrian_s,omitempty" doc:"Walking and clearing time that every green must hold."`
	MaxGreenS   *float64 `json:"max_green_s,omitempty" doc:"Longest green while others wait; 50 when left out, 25 with max_pressure."`
	MaxRedS     *float64 `json:"max_red_s,omitempty" doc:"max_pressure: whom somebody waits for is served after that; 120 when left out."`
	BusS        *float64 `json:"bus_priority_s,omitempty" doc:"Greens may be lengthened or cut by so much for a bus; not with coordinated."`
	Preemption  *bool    `json:"preemption,omitempty" doc:"Emergency vehicles are given their green; not with coordinated."`
}

func (a *SetControl) apply(b *builder, c *Change) {
	if !a.check(b) {
		return
	}
	for _, s := range b.signals(&c.Select) {
		for _, at := range b.plansToAdjust(&AdjustSignal{}, s, c.Window) {
			was := b.city.Plans.At(at)
			plan, ok := a.controlled(b, was)
			if !ok || !b.planFits(plan, nil) {
				continue
			}
			if c.Window != nil {
				plan.ID += "~" + c.ID
				b.putInForce(plan, c)
			} else {
				b.patch.AddPlan(plan)
			}
			b.say("signal %s, plan %s%s: %s control instead of %s%s", b.city.Signals.At(s).ID, was.ID, c.Window.text(), a.Control, was.Kind, a.priorities())
		}
	}
}

func (a *SetControl) priorities() (text string) {
	if a.BusS != nil {
		text += fmt.Sprintf(", bus priority up to %v", fromS(*a.BusS))
	}
	if a.Preemption != nil && *a.Preemption {
		text += ", pre-emption for emergency vehicles"
	}
	return text
}

// check records values that no signal may have.
func (a *SetControl) check(b *builder) bool {
	before := b.bad.Len()
	if !slices.Contains([]string{"fixed", "actuated", "coordinated", "max_pressure"}, a.Control) {
		b.problem("", "control is %q, expected fixed, actuated, coordinated or max_pressure", a.Control)
	}
	for _, f := range []struct {
		name     string
		v        *float64
		lo, high float64
	}{{"min_green_s", a.MinGreenS, MinGreen.Seconds(), 120}, {"pedestrian_s", a.PedestrianS, 0, 120}, {"max_green_s", a.MaxGreenS, MinGreen.Seconds(), 300},
		{"max_red_s", a.MaxRedS, 30, 600}, {"bus_priority_s", a.BusS, 0, 60}} {
		if f.v != nil && !(*f.v >= f.lo && *f.v <= f.high) {
			b.problem("", "%s is %v, expected %v to %v", f.name, *f.v, f.lo, f.high)
		}
	}
	if a.Control == "coordinated" && (a.BusS != nil || a.Preemption != nil) {
		b.problem("", "coordinated control takes neither bus_priority_s nor preemption, expected fixed, actuated or max_pressure with them")
	}
	if a.MaxRedS != nil && a.Control != "max_pressure" {
		b.problem("", "max_red_s is a guard of max_pressure, not of %s", a.Control)
	}
	return b.bad.Len() == before
}

// controlled returns the plan under the control asked for.
func (a *SetControl) controlled(b *builder, p geo.Plan) (geo.Plan, bool) {
	p.Stages, p.Phases = slices.Clone(p.Stages), slices.Clone(p.Phases)
	name := b.city.Signals.At(p.Signal).ID
	if p.Kind == geo.RingBarrier {
		if a.Control != "coordinated" && a.Control != "actuated" || a.BusS != nil || a.Preemption != nil {
			b.problem(name, "plan %s has rings and barriers, expected coordinated or actuated control without priority", p.ID)
			return p, false
		}
		coordinate(p.Phases, a.Control == "coordinated")
		return p, true
	}
	for k := range p.Stages {
		if IsGreenStage(p.Stages[k]) {
			a.limit(&p.Stages[k])
		}
	}
	if a.Control != "coordinated" {
		p.Cycle = 0
		for _, s := range p.Stages {
			p.Cycle += s.Duration
		}
	}
	switch a.Control {
	case "actuated":
		p.Kind = geo.Actuated
	case "max_pressure":
		p.Kind = geo.MaxPressure
	case "coordinated":
		return a.ring(p), true
	default:
		p.Kind = geo.FixedTime
	}
	if a.MaxRedS != nil {
		p.MaxRed = fromS(*a.MaxRedS)
	}
	if a.BusS != nil {
		p.Bus = fromS(*a.BusS)
	}
	if a.Preemption != nil {
		p.Preempt = *a.Preemption
	}
	return p, true
}

// limit sets the limits of a green stage. A minimum that the plan names stands,
// and pedestrians' time with it.
func (a *SetControl) limit(s *geo.Stage) {
	least, most := 5*time.Second, 50*time.Second
	if a.Control == "max_pressure" {
		most = 25 * time.Second
	}
	if a.MinGreenS != nil {
		least = fromS(*a.MinGreenS)
	}
	if s.Min < s.Duration {
		least = max(least, s.Min)
	}
	if a.PedestrianS != nil {
		least = max(least, fromS(*a.PedestrianS))
	}
	if a.MaxGreenS != nil {
		most = fromS(*a.MaxGreenS)
	}
	s.Min, s.Max = least, max(least, most)
	switch a.Control {
	case "fixed":
		s.Min, s.Max = min(least, s.Duration), s.Duration
	case "coordinated": // splits stay
		s.Max = max(s.Max, s.Duration)
	default: // the duration is where a run begins, no more
		s.Duration = min(s.Max, max(s.Min, s.Duration))
	}
}

// coordinate flags the longest phase of every ring, all on one side of the
// barrier, or takes the flags off.
func coordinate(phases []geo.RingPhase, on bool) {
	barrier, longest := 0, time.Duration(-1)
	for i := range phases {
		phases[i].Coordinated = false
		if phases[i].Split > longest {
			barrier, longest = phases[i].Barrier, phases[i].Split
		}
	}
	done := map[int]bool{}
	for on {
		best := -1
		for i, p := range phases {
			if p.Barrier == barrier && !done[p.Ring] && (best < 0 || p.Split > phases[best].Split) {
				best = i
			}
		}
		if best < 0 {
			return
		}
		phases[best].Coordinated, done[phases[best].Ring] = true, true
	}
}

// ring makes phases of one ring from the green stages of a plan and the
// clearances behind them.
func (a *SetControl) ring(p geo.Plan) geo.Plan {
	for k, s := range p.Stages {
		if !IsGreenStage(s) {
			if n := len(p.Phases); n > 0 {
				clear := &p.Phases[n-1]
				clear.Split += s.Duration
				if slices.Contains(s.States, geo.Yellow) && clear.AllRed == 0 {
					clear.Yellow += s.Duration
				} else {
					clear.AllRed += s.Duration
				}
			}
			continue
		}
		ph := geo.RingPhase{Phase: len(p.Phases) + 1, Ring: 1, Barrier: 1, Position: len(p.Phases) + 1, Split: s.Duration, MinGreen: min(s.Min, s.Duration), MaxGreen: s.Max}
		for g, v := range p.Stages[k].States {
			switch v {
			case geo.Protected:
				ph.Groups = append(ph.Groups, g)
			case geo.Permissive:
				ph.Permissive = append(ph.Permissive, g)
			}
		}
		p.Phases = append(p.Phases, ph)
	}
	coordinate(p.Phases, true)
	p.Kind, p.Stages, p.Anchor = geo.RingBarrier, nil, geo.AnchorFirstStage
	return p
}
