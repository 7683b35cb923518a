package geo

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"

	"tideway/unit"
)

// Patch collects changes to a city and lays them over it: the base keeps every
// byte, unchanged tables are shared. Not safe for concurrent use.
type Patch struct {
	base *City
	city City
	log  []string // what was done, in order: the identity of the patch
	own  struct{ segments, lanes, movements, signals, plans bool }
}

// Patch starts an empty patch of c.
func (c *City) Patch() *Patch { return &Patch{base: c, city: *c} }

// City returns the patched city: c itself when nothing was changed. The patch
// must not be used afterwards.
func (p *Patch) City() *City {
	if len(p.log) == 0 {
		return p.base
	}
	h := sha256.New()
	fmt.Fprintln(h, p.base.Version)
	for _, line := range p.log {
		fmt.Fprintln(h, line)
	}
	p.city.Version = p.base.Version + "+" + hex.EncodeToString(h.Sum(nil))[:12]
	return &p.city
}

// SetLimit sets the speed limit of a segment and of its lanes; the limits of
// movements across its nodes stay.
func (p *Patch) SetLimit(s SegmentID, limit unit.Speed) {
	own(&p.own.segments, &p.city.Segments).rows[s].Limit = limit
	lanes := own(&p.own.lanes, &p.city.Lanes)
	first, n := p.city.LanesOf(s)
	for l := first; l < first+LaneID(n); l++ {
		lanes.rows[l].Limit = limit
	}
	p.note("limit", s, float64(limit))
}

// SetAllow sets who may use a lane; the empty set closes it.
func (p *Patch) SetAllow(l LaneID, who ClassSet) {
	own(&p.own.lanes, &p.city.Lanes).rows[l].Allow = who
	p.note("allow", l, uint32(who))
}

// Close closes every lane of a segment to everybody.
func (p *Patch) Close(s SegmentID) {
	first, n := p.city.LanesOf(s)
	for l := first; l < first+LaneID(n); l++ {
		p.SetAllow(l, 0)
	}
}

// SetTurn sets who may use a movement; the empty set bans it.
func (p *Patch) SetTurn(m MovementID, who ClassSet) {
	own(&p.own.movements, &p.city.Movements).rows[m].Allow = who
	p.note("turn", m, uint32(who))
}

// View returns the city as patched so far, to be read only; it moves with
// further changes.
func (p *Patch) View() *City { return &p.city }

// SetPlan puts a plan in force at its signal all day: it replaces the plan of
// the same id or is added, and the signal's schedule is dropped. The plan must
// pass CheckPlan.
func (p *Patch) SetPlan(plan Plan) PlanID {
	at := p.AddPlan(plan)
	own(&p.own.signals, &p.city.Signals).rows[plan.Signal].Plan = at
	p.SetSchedule(plan.Signal, nil)
	return at
}

// AddPlan replaces the plan of the same id where it is in force, or adds a
// plan that nothing names yet. The plan must pass CheckPlan.
func (p *Patch) AddPlan(plan Plan) PlanID {
	plans := own(&p.own.plans, &p.city.Plans)
	id := planName(p.city.Signals.rows[plan.Signal].ID, plan.ID)
	at, known := plans.Find(id)
	if known {
		plans.rows[at] = plan
	} else {
		at = PlanID(len(plans.rows))
		plans.rows = append(plans.rows, plan)
		p.indexPlans()
	}
	p.note("plan", plan.Signal, plan)
	return at
}

// SetSchedule replaces the daily schedule of a signal; all rows must name it.
func (p *Patch) SetSchedule(s SignalID, rows []PlanSwitch) {
	mine := func(w PlanSwitch) bool { return w.Signal == s }
	p.city.Schedule = append(slices.DeleteFunc(slices.Clone(p.city.Schedule), mine), rows...)
	p.note("schedule", s, rows)
}

// indexPlans renews the map and the lists that name plans.
func (p *Patch) indexPlans() {
	rows := p.city.Plans.rows
	p.city.Plans = newTable[PlanID](rows, func(q Plan) string { return planName(p.city.Signals.rows[q.Signal].ID, q.ID) })
	p.city.plansOf = group(p.city.Signals.Len(), len(rows), func(i int) (SignalID, PlanID) { return rows[i].Signal, PlanID(i) })
}

func (p *Patch) note(what string, id any, value any) {
	p.log = append(p.log, fmt.Sprintf("%s %v %+v", what, id, value))
}

// own makes t's rows private to the patch at the first change.
func own[I ~uint32, T any](mine *bool, t *Table[I, T]) *Table[I, T] {
	if !*mine {
		t.rows, *mine = slices.Clone(t.rows), true
	}
	return t
}
