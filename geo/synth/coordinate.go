package synth

import (
	"math"
	"time"

	"tideway/geo"
	"tideway/geo/sketch"
	"tideway/unit"
)

// Plans of the day. Signals of one plan share a cycle, so that their offsets
// hold; the offset of a signal is the time its streets take to the centre.
const (
	inboundPlan  = "am"
	outboundPlan = "pm"
	nightPlan    = "night"

	dayCycle   = 100 * time.Second
	nightCycle = 60 * time.Second

	// waveSpeed is that of the green waves, a little below the lower limit of
	// the arterials. One speed for all streets, or the offsets of a row and a
	// column would not fit at their crossing.
	waveSpeed = 47 * unit.KMH
)

// weekdays and all days of the schedule.
const workdays = geo.EveryDay &^ (1<<time.Saturday | 1<<time.Sunday)

// coordinate gives every signal its four plans and the schedule. Distances
// along rows and columns add up, so one offset per signal serves both streets:
// towards the centre in the morning (a signal farther out starts earlier), away
// from it in the evening, and in between half-integer offsets, the best for
// both directions of an evenly spaced street (Little, The synchronization of
// traffic signals by mixed-integer linear programming, Operations Research 14,
// 1966).
func (p *places) coordinate() {
	base := p.d.Plans
	for i := range p.d.Signals {
		s := &p.d.Signals[i]
		day := base[s.Plan]
		toCentre := p.timeToCentre(s.ID)
		half := time.Duration(math.Round(2*toCentre.Seconds()/dayCycle.Seconds())) * dayCycle / 2
		s.Plan = p.addPlan(day, sketch.DefaultPlan, dayCycle, half)
		am := p.addPlan(day, inboundPlan, dayCycle, -toCentre)
		pm := p.addPlan(day, outboundPlan, dayCycle, toCentre)
		night := p.addPlan(day, nightPlan, nightCycle, 0)
		p.schedule(geo.SignalID(i), s.Plan, am, pm, night)
	}
	p.d.Plans = p.plans
}

func (p *places) addPlan(base geo.Plan, id string, cycle, offset time.Duration) geo.PlanID {
	weights := make([]float64, len(base.Stages)/3)
	for k := range weights {
		weights[k] = base.Stages[3*k].Duration.Seconds()
	}
	plan := sketch.Retime(base, cycle, weights)
	plan.ID = id
	plan.Offset = ((offset % plan.Cycle) + plan.Cycle) % plan.Cycle
	p.plans = append(p.plans, plan)
	return geo.PlanID(len(p.plans) - 1)
}

func (p *places) schedule(s geo.SignalID, day, am, pm, night geo.PlanID) {
	at := func(days geo.Weekdays, h, m int, plan geo.PlanID) {
		p.d.Schedule = append(p.d.Schedule, geo.PlanSwitch{Signal: s, Days: days, At: time.Duration(h)*time.Hour + time.Duration(m)*time.Minute, Plan: plan})
	}
	at(geo.EveryDay, 0, 0, night)
	at(geo.EveryDay, 6, 0, day)
	at(workdays, 6, 45, am)
	at(workdays, 9, 30, day)
	at(workdays, 16, 0, pm)
	at(workdays, 19, 0, day)
	at(geo.EveryDay, 22, 30, night)
}

// timeToCentre is how long the streets between a signal and the crossing of
// the central lines take, rounded to seconds.
func (p *places) timeToCentre(node string) time.Duration {
	c := p.crossing[node]
	lines := math.Abs(float64(c%p.g.nx-centreLine(p.g.nx))) + math.Abs(float64(c/p.g.nx-centreLine(p.g.ny)))
	return time.Duration(math.Round(lines*spacingM/waveSpeed.MPS())) * time.Second
}

// centreLine is the primary arterial in the middle.
func centreLine(lines int) int {
	blocks := (lines - 1) / linesPerBlock
	return (blocks + 1) / 2 * linesPerBlock
}
