package utdf

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"time"

	"tideway/geo"
)

// mostPhases is how many phases a controller of the format has.
const mostPhases = 8

// oneRing makes phases of stages: every stage in which traffic goes and nobody
// changes is a phase, what follows it until the next is its yellow and all-red.
func oneRing(p geo.Plan) (phases []geo.RingPhase, offset time.Duration, why string) {
	n := len(p.Stages)
	first := slices.IndexFunc(p.Stages, isGreen)
	if first < 0 {
		return nil, 0, "no stage lets traffic go"
	}
	offset = p.Offset
	for _, s := range p.Stages[:first] {
		offset += s.Duration
	}
	for i := range n {
		s := p.Stages[(first+i)%n]
		if isGreen(s) {
			ph := geo.RingPhase{Phase: len(phases) + 1, Ring: 1, Barrier: 1, Position: len(phases) + 1, Split: s.Duration, MaxGreen: s.Duration,
				MinGreen: cmp.Or(min(s.Min, s.Duration), s.Duration), Recall: geo.MaxRecall, Coordinated: len(phases) == 0}
			for g, v := range s.States {
				if v == geo.Permissive {
					ph.Permissive = append(ph.Permissive, g)
				} else if v.IsGreen() {
					ph.Groups = append(ph.Groups, g)
				}
			}
			phases = append(phases, ph)
			continue
		}
		ph := &phases[len(phases)-1]
		ph.Split += s.Duration
		if slices.Contains(s.States, geo.Yellow) {
			if ph.AllRed > 0 {
				return nil, 0, fmt.Sprintf("stage %d shows yellow after all-red", (first+i)%n+1)
			}
			ph.Yellow += s.Duration
		} else {
			ph.AllRed += s.Duration
		}
	}
	if len(phases) > mostPhases {
		return nil, 0, fmt.Sprintf("it has %d green stages, more than the %d phases of the format", len(phases), mostPhases)
	}
	return phases, wrap(offset, p.Cycle), ""
}

// isGreen reports whether a stage lets traffic go while nobody is between
// green and red.
func isGreen(s geo.Stage) bool {
	return slices.ContainsFunc(s.States, geo.SignalState.IsGreen) && !slices.ContainsFunc(s.States, func(v geo.SignalState) bool {
		return v == geo.Yellow || v == geo.RedYellow
	})
}

// timings writes the plans in force.
func (m *maker) timings() {
	plans, phases := &grid{names: []string{"DATA"}}, &grid{}
	for d := 1; d <= mostPhases; d++ {
		phases.names = append(phases.names, fmt.Sprintf("D%d", d))
	}
	controlled := map[string]bool{}
	for i, s := range m.city.Signals.All() {
		nodes := m.nodesOf(geo.SignalID(i))
		rings, offset, why := m.ringsOf(geo.SignalID(i))
		if len(nodes) == 0 {
			why = "it controls no movement"
		}
		for _, n := range nodes {
			if controlled[n] && why == "" {
				why = "another signal controls intersection " + n + ", too"
			}
			controlled[n] = true
		}
		if why == "" && slices.ContainsFunc(rings, func(p geo.RingPhase) bool { return p.Phase > mostPhases }) {
			why = fmt.Sprintf("it has phases above %d", mostPhases)
		}
		if why != "" {
			m.drop("signal", s.ID, why)
			continue
		}
		plan := m.city.Plans.At(s.Plan)
		if plan.Kind != geo.FixedTime && plan.Kind != geo.RingBarrier {
			m.drop("plan", m.city.PlanName(s.Plan), fmt.Sprintf("how %s control extends its stages; they are written with their durations", plan.Kind))
		}
		m.signal(plan, nodes, rings, offset, plans, phases)
	}
	m.add(planSection, "Timing Plan Settings", plans)
	m.add(phaseSection, "Phasing Data", phases)
}

// nodesOf lists the intersections of a signal by INTID, in order.
func (m *maker) nodesOf(s geo.SignalID) (out []string) {
	for _, k := range m.city.MovementsOf(s) {
		if id := m.id[m.city.Movements.At(k).Node]; !slices.Contains(out, id) {
			out = append(out, id)
		}
	}
	slices.SortFunc(out, func(a, b string) int { return cmp.Or(cmp.Compare(len(a), len(b)), cmp.Compare(a, b)) })
	return out
}

func (m *maker) signal(p geo.Plan, nodes []string, rings []geo.RingPhase, offset time.Duration, plans, phases *grid) {
	id, control, code := nodes[0], 1, 0
	reference := referenceOf(rings)
	for _, r := range reference {
		code = 100*code + r
	}
	switch actuated := func(ph geo.RingPhase) bool { return ph.Recall != geo.MaxRecall }; {
	case !slices.ContainsFunc(rings, actuated):
		control = pretimed
	case slices.ContainsFunc(rings, func(ph geo.RingPhase) bool { return ph.Coordinated }):
		control = coordinated
	}
	set := func(record, v string) { plans.row(record, id, map[string]string{"DATA": v}) }
	set("Control Type", strconv.Itoa(control))
	set("Cycle Length", figure(seconds(p.Cycle)))
	set("Referenced To", strconv.Itoa(refGreen))
	set("Reference Phase", strconv.Itoa(code))
	set("Offset", figure(seconds(offset)))
	for i, n := range append(nodes[:min(len(nodes), 7):min(len(nodes), 7)], "0") {
		set(fmt.Sprintf("Node %d", i), n)
	}
	plan := geo.Plan{Cycle: p.Cycle, Phases: rings}
	_, at, _ := events(plan, reference, refGreen)
	c := cells{}
	for i, begin := range begins(plan) {
		m.phase(c, rings[i], offset-at+begin, offset, p.Cycle)
	}
	for _, record := range phaseRecords {
		phases.row(record, id, c[record])
	}
}

var phaseRecords = []string{"BRP", "MinGreen", "MaxGreen", "VehExt", "Yellow", "AllRed", "Recall", "Walk", "DontWalk", "Start", "End", "Yield", "Yield170",
	"LocalStart", "LocalYield", "LocalYield170"}

func (m *maker) phase(c cells, ph geo.RingPhase, start, offset, cycle time.Duration) {
	column := fmt.Sprintf("D%d", ph.Phase)
	put := func(record string, v time.Duration) { c.put(record, column, figure(seconds(v))) }
	c.put("BRP", column, strconv.Itoa(100*ph.Barrier+10*ph.Ring+ph.Position))
	c.put("Recall", column, strconv.Itoa(recallCode(ph.Recall)))
	put("MinGreen", ph.MinGreen)
	put("MaxGreen", cmp.Or(ph.MaxGreen, ph.Split-ph.Yellow-ph.AllRed))
	put("VehExt", ph.Passage)
	put("Yellow", ph.Yellow)
	put("AllRed", ph.AllRed)
	if ph.Walk > 0 || ph.PedClear > 0 {
		put("Walk", ph.Walk)
		put("DontWalk", ph.PedClear)
	}
	for _, f := range times(ph, start, offset, cycle) {
		put(f.record, f.v)
	}
}
