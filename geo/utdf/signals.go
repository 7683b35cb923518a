package utdf

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"tideway/geo"
	"tideway/unit"
)

// PlanID is the id of the plan that an import makes of an intersection's
// timings.
const PlanID = "utdf"

// Control types.
const (
	pretimed    = 0
	coordinated = 3
)

// Events that an offset may time.
const (
	refGreen      = 0 // the last of the reference phases to turn green
	refYellow     = 1 // the first to turn yellow
	refRed        = 2 // the first to turn red
	refFirstGreen = 3 // the first to turn green
	ref170        = 4 // the begin of flashing don't walk
)

// findControllers maps the nodes that have signals to the intersection that
// holds their timings.
func (m *importer) findControllers() {
	for _, b := range m.phases.order {
		p := m.plans.blocks[b.id]
		if p == nil {
			m.bad.Addf(m.file.at(b.line), b.id, "has phases but no timing plan")
			continue
		}
		m.control(b.id, b.id, b)
		for i := range 8 {
			if id := m.plans.text(p, fmt.Sprintf("Node %d", i), 0); id != "" && id != "0" && id != b.id {
				m.control(id, b.id, p)
			}
		}
	}
	for _, b := range m.plans.order {
		if _, ok := m.phases.blocks[b.id]; !ok {
			m.bad.Addf(m.file.at(b.line), b.id, "has a timing plan but no phases")
		}
	}
}

func (m *importer) control(node, by string, b *block) {
	if _, known := m.node[node]; !known {
		m.bad.Addf(m.file.at(b.line), by, "controls intersection %q, which is not among the nodes", node)
		return
	}
	if other, twice := m.controller[node]; twice && other != by {
		m.bad.Addf(m.file.at(b.line), by, "controls intersection %s, which %s controls too", node, other)
		return
	}
	m.controller[node] = by
}

// signals replaces the drawn signals by those of the file.
func (m *importer) signals() {
	d := m.draft
	d.Signals, d.Plans = nil, nil
	at := map[[2]string][]geo.MovementID{} // by node and group
	for i := range d.Movements {
		mv := &d.Movements[i]
		mv.Signal, mv.Group, mv.WaitAt = geo.NoSignal, 0, 0
		if node, g, ok := m.groupOf(mv); ok {
			at[[2]string{node, strconv.Itoa(g)}] = append(at[[2]string{node, strconv.Itoa(g)}], geo.MovementID(i))
		}
	}
	for _, b := range m.phases.order {
		m.signal(b, at)
	}
	for i := range d.Nodes {
		if m.controller[d.Nodes[i].ID] != "" {
			d.Nodes[i].Control = geo.ControlSignal
		}
	}
}

// signal makes one controller: a group for every lane group with movements,
// over all intersections it controls.
func (m *importer) signal(b *block, at map[[2]string][]geo.MovementID) {
	d, id := m.draft, geo.SignalID(len(m.draft.Signals))
	main, perm := map[int][]int{}, map[int][]int{} // groups by phase
	groups := 0
	for _, n := range m.nodes {
		if m.controller[n.id] != b.id {
			continue
		}
		for i, g := range m.groupsAt[n.id] {
			movements := at[[2]string{n.id, strconv.Itoa(i)}]
			if len(movements) == 0 || g.free {
				continue
			}
			if len(g.main)+len(g.perm) == 0 {
				m.assume("movement", m.groupID(n.id, i), "controller_id", "", m.lanes.where(m.lanes.blocks[n.id], "Phase1")+": it has no phase; it goes by right of way")
				continue
			}
			for _, k := range movements {
				d.Movements[k].Signal, d.Movements[k].Group = id, groups
			}
			for _, p := range g.main {
				main[p] = append(main[p], groups)
			}
			for _, p := range g.perm {
				if !slices.Contains(g.main, p) {
					perm[p] = append(perm[p], groups)
				}
			}
			if g.turn <= leftTurn && len(g.perm) > 0 {
				m.waitInside(movements)
			}
			groups++
		}
	}
	d.Signals = append(d.Signals, geo.Signal{ID: b.id, Groups: groups, Plan: geo.PlanID(len(d.Plans))})
	plan := m.planOf[b.id]
	plan.Signal = id
	for i := range plan.Phases {
		ph := &plan.Phases[i]
		ph.Groups, ph.Permissive = main[ph.Phase], perm[ph.Phase]
	}
	d.Plans = append(d.Plans, plan)
}

// Left turns that give way wait inside the junction where there is room.
const (
	waitBeforeM = 2.5
	leastWaitM  = 5.0
)

func (m *importer) waitInside(movements []geo.MovementID) {
	for _, k := range movements {
		first := math.Inf(1)
		for _, c := range m.draft.Conflicts[k] {
			if c.Yield && c.Kind == geo.Crossing {
				first = math.Min(first, c.At.M())
			}
		}
		if wait := first - waitBeforeM; !math.IsInf(first, 1) && wait >= leastWaitM {
			m.draft.Movements[k].WaitAt = unit.Length(wait)
		}
	}
}

// readPlans reads the timings of every controller, without groups.
func (m *importer) readPlans() {
	for _, b := range m.phases.order {
		if m.plans.blocks[b.id] != nil {
			m.planOf[b.id] = m.plan(b)
		}
	}
}

// plan reads the timings of one controller.
func (m *importer) plan(b *block) geo.Plan {
	t, p := m.plans, m.plans.blocks[b.id]
	out := geo.Plan{ID: PlanID, Kind: geo.RingBarrier, Cycle: t.seconds(p, "Cycle Length", 0), Offset: t.seconds(p, "Offset", 0), Anchor: geo.AnchorGreen}
	control := t.whole(p, "Control Type", 0, 0, 3, pretimed)
	if cycle := t.text(p, "Cycle Length", 0); out.Cycle <= 0 {
		if cycle == "" || strings.Trim(cycle, "0.") == "" { // what is no number has been named
			m.bad.Addf(t.where(p, "Cycle Length"), b.id, "Cycle Length is %q, expected more than 0 s", cycle)
		}
		return out
	}
	reference := referencePhases(t.whole(p, "Reference Phase", 0, 0, 9999, 0))
	for k, name := range m.phases.names {
		number, err := strconv.Atoi(strings.TrimPrefix(name, "D"))
		if err != nil || m.phases.text(b, "MinGreen", k)+m.phases.text(b, "MaxGreen", k) == "" {
			continue
		}
		ph := m.ringPhase(b, k, number, out.Cycle)
		ph.Coordinated = (control == pretimed || control == coordinated) && slices.Contains(reference, number)
		out.Phases = append(out.Phases, ph)
	}
	if len(out.Phases) == 0 {
		m.bad.Addf(m.file.at(b.line), b.id, "has no phase with a green time")
		return out
	}
	m.checkPhases(b, out.Phases)
	m.reference(p, &out, reference, t.whole(p, "Referenced To", 0, refGreen, ref170, refGreen))
	if control != pretimed && control != coordinated {
		m.assume("plan", b.id, "coordinated", "none", t.where(p, "Control Type")+": actuated and not coordinated; cycle and offset have no effect")
	}
	return out
}

// referencePhases splits 206 into 2 and 6.
func referencePhases(code int) (out []int) {
	for _, p := range []int{code / 100, code % 100} {
		if p > 0 {
			out = append(out, p)
		}
	}
	return out
}

func (m *importer) ringPhase(b *block, k, number int, cycle time.Duration) geo.RingPhase {
	t := m.phases
	code := t.whole(b, "BRP", k, 111, 999, 0)
	ph := geo.RingPhase{Phase: number, Barrier: code / 100, Ring: code / 10 % 10, Position: code % 10,
		MinGreen: t.seconds(b, "MinGreen", k), MaxGreen: t.seconds(b, "MaxGreen", k), Yellow: t.seconds(b, "Yellow", k), AllRed: t.seconds(b, "AllRed", k),
		Walk: t.seconds(b, "Walk", k), PedClear: t.seconds(b, "DontWalk", k), Passage: t.seconds(b, "VehExt", k)}
	if code == 0 || ph.Ring == 0 || ph.Position == 0 {
		m.bad.Addf(t.where(b, "BRP"), b.id, "BRP of phase %d is %d, expected barrier, ring and position", number, code)
	}
	switch t.whole(b, "Recall", k, 0, 4, 0) {
	case 1:
		ph.Recall = geo.MinRecall
	case 2:
		ph.Recall = geo.PedRecall
	case 3:
		ph.Recall = geo.MaxRecall
	case 4:
		ph.Recall = geo.PedRecall
		m.assume("ring_phase", fmt.Sprintf("%s %d", b.id, number), "recall", "ped", t.where(b, "Recall")+": rest in walk is taken as pedestrian recall")
	}
	ph.Split = ph.MaxGreen + ph.Yellow + ph.AllRed
	start, ok1 := t.number(b, "Start", k)
	end, ok2 := t.number(b, "End", k)
	if span := wrap(duration(end)-duration(start), cycle); ok1 && ok2 && span > 0 && math.Abs(start)+math.Abs(end) < 1e5 {
		ph.Split = span // longer than the longest green where another ring is
	}
	return ph
}

// wrap returns d modulo cycle, never negative.
func wrap(d, cycle time.Duration) time.Duration {
	if d %= cycle; d < 0 {
		d += cycle
	}
	return d
}

// checkPhases reports lane groups that name a phase without timings.
func (m *importer) checkPhases(b *block, phases []geo.RingPhase) {
	for _, n := range m.nodes {
		if m.controller[n.id] != b.id {
			continue
		}
		for i, g := range m.groupsAt[n.id] {
			for _, number := range slices.Concat(g.main, g.perm) {
				if !slices.ContainsFunc(phases, func(p geo.RingPhase) bool { return p.Phase == number }) {
					m.bad.Addf(m.lanes.where(m.lanes.blocks[n.id], "Phase1"), m.groupID(n.id, i), "has green in phase %d, which has no timings at %s", number, b.id)
				}
			}
		}
	}
}

// reference says what the offset times. A city knows the last of the
// coordinated phases to turn green and the first to turn yellow; other events
// are moved to the former.
func (m *importer) reference(p *block, plan *geo.Plan, phases []int, event int) {
	switch event {
	case refGreen:
		return
	case refYellow:
		plan.Anchor = geo.AnchorYellow
		return
	}
	if green, at, ok := events(*plan, phases, event); ok {
		plan.Offset = wrap(plan.Offset+green-at, plan.Cycle)
	}
	m.assume("plan", p.id, "offset_anchor", "green", fmt.Sprintf("%s: code %d is moved to the begin of green by the splits", m.plans.where(p, "Referenced To"), event))
}

// events returns when in the cycle the last of the phases turns green, and when
// the named event happens.
func events(plan geo.Plan, phases []int, event int) (green, at time.Duration, ok bool) {
	begin := begins(plan)
	for i, ph := range plan.Phases {
		if !slices.Contains(phases, ph.Phase) {
			continue
		}
		when := begin[i]
		switch event {
		case refYellow:
			when += ph.Split - ph.Yellow - ph.AllRed
		case refRed:
			when += ph.Split - ph.AllRed
		case ref170:
			when += ph.Split - ph.Yellow - ph.AllRed - ph.PedClear
		}
		if !ok {
			green, at, ok = begin[i], when, true
		}
		green = max(green, begin[i])
		if event == refGreen {
			at = max(at, when)
		} else {
			at = min(at, when)
		}
	}
	return green, at, ok
}

// begins returns when in the cycle each phase turns green: rings wait for each
// other at barriers.
func begins(plan geo.Plan) []time.Duration {
	length := map[[2]int]time.Duration{} // by barrier and ring
	barriers := map[int]time.Duration{}
	last := 0
	for _, ph := range plan.Phases {
		key := [2]int{ph.Barrier, ph.Ring}
		length[key] += ph.Split
		barriers[ph.Barrier] = max(barriers[ph.Barrier], length[key])
		last = max(last, ph.Barrier)
	}
	out := make([]time.Duration, len(plan.Phases))
	for i, ph := range plan.Phases {
		for b := range ph.Barrier {
			out[i] += barriers[b]
		}
		for _, q := range plan.Phases {
			if q.Barrier == ph.Barrier && q.Ring == ph.Ring && q.Position < ph.Position {
				out[i] += q.Split
			}
		}
	}
	return out
}
