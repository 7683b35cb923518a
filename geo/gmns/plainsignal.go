package gmns

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"tideway/geo"
)

// timing is a row of signal_timing_phase.csv.
type timing struct {
	id, plan  string
	where     string
	phase     geo.RingPhase
	clearance time.Duration
	moves     map[string]bool // movements by id; true: protected
}

// timingPlan is a row of signal_timing_plan.csv with what belongs to it.
type timingPlan struct {
	id, controller string
	where          string
	when           string // time_day
	cycle          time.Duration
	phases         []*timing
}

// coordination is a row of signal_coordination.csv.
type coordination struct {
	phase  int
	ref    string
	offset time.Duration
	where  string
}

// turn is a row of movement.csv.
type turn struct{ node, from, to string }

// timings are the signal tables of a folder.
type timings struct {
	*plain
	plans   []*timingPlan
	phase   map[string]*timing
	turns   map[string]turn
	coord   map[[2]string]coordination // by plan and controller
	sharing map[string][]string        // controllers of a plan, as coordination lists them
}

// signals takes timings from the standard's signal tables: rings and barriers,
// with the movements each phase serves. Controllers without usable timings keep
// the plan that was drawn.
func (p *plain) signals() {
	t := &timings{plain: p, phase: map[string]*timing{}, turns: map[string]turn{}, coord: map[[2]string]coordination{}, sharing: map[string][]string{}}
	if !t.read() {
		return
	}
	var controllers []string
	for r := openTable(p.fsys, "signal_controller.csv", p.bad, "controller_id"); r.next(); {
		controllers = append(controllers, r.word("controller_id"))
	}
	for _, c := range controllers {
		t.controller(c)
	}
	if r := openTable(p.fsys, "signal_detector.csv", p.bad, "detector_id"); r != nil {
		n := 0
		for r.next() {
			n++
		}
		p.drop("signal_detector.csv", "", fmt.Sprintf("%d detectors: actuated control sees all vehicles in the last 30 m instead", n))
	}
}

// read reads the tables; false when there are no timings.
func (t *timings) read() bool {
	byID := map[string]*timingPlan{}
	for r := openTable(t.fsys, "signal_timing_plan.csv", t.bad, "timing_plan_id", "controller_id"); r.next(); {
		one := &timingPlan{id: r.word("timing_plan_id"), controller: r.word("controller_id"), where: r.where(), when: r.word("time_day"), cycle: r.seconds("cycle_length")}
		if byID[one.id] != nil {
			r.wrong(one.id, "timing_plan_id was used before")
			continue
		}
		byID[one.id] = one
		t.plans = append(t.plans, one)
	}
	if len(t.plans) == 0 {
		return false
	}
	t.readPhases(byID)
	for r := openTable(t.fsys, "movement.csv", t.bad, "mvmt_id", "node_id", "ib_link_id", "ob_link_id"); r.next(); {
		t.turns[r.word("mvmt_id")] = turn{r.word("node_id"), r.word("ib_link_id"), r.word("ob_link_id")}
	}
	t.readServed()
	for r := openTable(t.fsys, "signal_coordination.csv", t.bad, "timing_plan_id", "controller_id"); r.next(); {
		plan, by := r.word("timing_plan_id"), r.word("controller_id")
		t.coord[[2]string{plan, by}] = coordination{phase: r.whole("coord_phase", 0), ref: r.word("coord_ref_to"), offset: r.seconds("offset"), where: r.where()}
		t.sharing[plan] = append(t.sharing[plan], by)
	}
	return true
}

func (t *timings) readPhases(plans map[string]*timingPlan) {
	for r := openTable(t.fsys, "signal_timing_phase.csv", t.bad, "timing_phase_id", "timing_plan_id", "signal_phase_num", "ring", "barrier", "position"); r.next(); {
		one := &timing{id: r.word("timing_phase_id"), plan: r.word("timing_plan_id"), where: r.where(), clearance: r.seconds("clearance"), moves: map[string]bool{},
			phase: geo.RingPhase{Phase: r.whole("signal_phase_num", 0), Ring: r.whole("ring", 0), Barrier: r.whole("barrier", 0), Position: r.whole("position", 0),
				MinGreen: r.seconds("min_green"), MaxGreen: r.seconds("max_green"), Passage: r.seconds("extension"), Walk: r.seconds("walk_time"), PedClear: r.seconds("ped_clearance")}}
		plan := plans[one.plan]
		switch ph := &one.phase; {
		case plan == nil:
			r.wrong(one.id, "timing_plan_id is %q, which is not in signal_timing_plan.csv", one.plan)
			continue
		case ph.Phase < 1 || ph.Ring < 1 || ph.Barrier < 1 || ph.Position < 1 || ph.Phase > 99 || ph.Ring > 12 || ph.Barrier > 12:
			r.wrong(one.id, "phase %d, ring %d, barrier %d and position %d must be positive", ph.Phase, ph.Ring, ph.Barrier, ph.Position)
			continue
		case ph.MinGreen < 0 || ph.MaxGreen < 0 || one.clearance < 0:
			r.wrong(one.id, "min_green %v, max_green %v and clearance %v must not be negative", ph.MinGreen, ph.MaxGreen, one.clearance)
			continue
		}
		one.settle()
		t.phase[one.id] = one
		plan.phases = append(plan.phases, one)
	}
}

// mostYellow is the part of a clearance that is taken as yellow, at most.
const mostYellow = 4 * time.Second

// settle parts the clearance and fills in what the standard says is meant by
// what is missing.
func (one *timing) settle() {
	ph := &one.phase
	if ph.MaxGreen == 0 {
		ph.MaxGreen = ph.MinGreen + ph.Passage
	}
	ph.Yellow = min(one.clearance, mostYellow)
	ph.AllRed = one.clearance - ph.Yellow
	ph.Split = ph.MaxGreen + one.clearance
	if ph.Passage == 0 || ph.MinGreen == ph.MaxGreen {
		ph.Recall = geo.MaxRecall
	}
}

func (t *timings) readServed() {
	for r := openTable(t.fsys, "signal_phase_mvmt.csv", t.bad, "timing_phase_id"); r.next(); {
		id, m := r.word("signal_phase_mvmt_id"), r.word("mvmt_id")
		one, ok := t.phase[r.word("timing_phase_id")]
		_, known := t.turns[m]
		switch protection := r.word("protection"); {
		case !ok:
			r.wrong(id, "timing_phase_id is %q, which is not in signal_timing_phase.csv", r.word("timing_phase_id"))
		case m == "":
			t.drop("signal_phase_mvmt.csv", id, r.where()+": crossings of pedestrians are not drawn; walk and clearance times are kept")
		case !known:
			r.wrong(id, "mvmt_id is %q, which is not in movement.csv", m)
		case protection == "rtor":
			t.drop("signal_phase_mvmt.csv", id, r.where()+": right turns on red are not drawn")
		default:
			one.moves[m] = one.moves[m] || protection != "permitted"
		}
	}
}

// controller replaces the drawn signal at the nodes of one controller.
func (t *timings) controller(id string) {
	var plans []*timingPlan
	for _, p := range t.plans {
		if p.controller == id || slices.Contains(t.sharing[p.id], id) {
			plans = append(plans, p)
		}
	}
	nodes := map[string]bool{}
	for _, p := range plans {
		for _, one := range t.of(p, id) {
			for m := range one.moves {
				if n := t.turns[m].node; len(t.sharing[p.id]) < 2 || n == id {
					nodes[n] = true
				}
			}
		}
	}
	group, groups := t.groupsAt(nodes)
	var ready []geo.Plan
	var from []*timingPlan
	for _, p := range plans {
		if plan, why := t.plan(p, id, group); why != "" {
			t.drop("signal_timing_plan.csv", p.id, fmt.Sprintf("%s: at controller %s %s", p.where, id, why))
		} else {
			ready, from = append(ready, plan), append(from, p)
		}
	}
	if len(ready) == 0 || groups == 0 {
		t.assume("plan", id, "timings", "drawn", "the tables give no usable timings for this controller")
		return
	}
	t.install(id, nodes, group, groups, ready, from)
}

// of returns the phases of a plan that belong to a controller. A plan that
// several controllers share is split by the nodes that phases serve, which are
// named like their controllers; rows that serve nothing stay with the plan's
// own controller where no other row has their number.
func (t *timings) of(p *timingPlan, controller string) (out []*timing) {
	if len(t.sharing[p.id]) < 2 {
		return p.phases
	}
	has := map[int]bool{}
	for _, one := range p.phases {
		if t.serves(one, controller) {
			out = append(out, one)
			has[one.phase.Phase] = true
		}
	}
	for _, one := range p.phases {
		if len(one.moves) == 0 && controller == p.controller && !has[one.phase.Phase] {
			out = append(out, one)
		}
	}
	return out
}

// serves reports whether a phase has movements at a node.
func (t *timings) serves(one *timing, node string) bool {
	for m := range one.moves {
		if t.turns[m].node == node {
			return true
		}
	}
	return false
}

// groupsAt numbers the movements of the table that were drawn at the nodes.
func (t *timings) groupsAt(nodes map[string]bool) (group map[string]int, groups int) {
	drawn := map[turn]bool{}
	d := t.draft
	for i := range d.Movements {
		drawn[t.turnOf(i)] = true
	}
	group = map[string]int{}
	at := map[turn]int{}
	for _, m := range slices.Sorted(maps.Keys(t.turns)) {
		x := t.turns[m]
		if !nodes[x.node] || !drawn[x] {
			continue
		}
		if _, ok := at[x]; !ok { // lanes and bicycles of one turn share a group
			at[x] = groups
			groups++
		}
		group[m] = at[x]
	}
	return group, groups
}

func (t *timings) turnOf(movement int) turn {
	d := t.draft
	m := &d.Movements[movement]
	return turn{d.Nodes[m.Node].ID, d.Segments[d.Lanes[m.From].Segment].ID, d.Segments[d.Lanes[m.To].Segment].ID}
}

// plan makes a ring-barrier plan; why tells what stands in the way.
func (t *timings) plan(p *timingPlan, controller string, group map[string]int) (plan geo.Plan, why string) {
	plan = geo.Plan{ID: p.id, Kind: geo.RingBarrier, Cycle: p.cycle}
	seen := map[int]bool{}
	for _, one := range t.of(p, controller) {
		ph := one.phase
		if seen[ph.Phase] {
			return plan, fmt.Sprintf("phase %d stands twice", ph.Phase)
		}
		seen[ph.Phase] = true
		for _, m := range slices.Sorted(maps.Keys(one.moves)) {
			g, ok := group[m]
			switch {
			case !ok:
			case one.moves[m] && !slices.Contains(ph.Groups, g):
				ph.Groups = append(ph.Groups, g)
			case !one.moves[m] && !slices.Contains(ph.Permissive, g):
				ph.Permissive = append(ph.Permissive, g)
			}
		}
		ph.Permissive = slices.DeleteFunc(ph.Permissive, func(g int) bool { return slices.Contains(ph.Groups, g) })
		plan.Phases = append(plan.Phases, ph)
	}
	slices.SortStableFunc(plan.Phases, func(a, b geo.RingPhase) int { return cmp.Compare(a.Phase, b.Phase) })
	if !slices.ContainsFunc(plan.Phases, func(ph geo.RingPhase) bool { return len(ph.Groups)+len(ph.Permissive) > 0 }) {
		return plan, "no phase serves a movement that is drawn"
	}
	return plan, t.cycle(&plan, p, controller)
}

// cycle sets the cycle of plans that give none, and holds the others to their
// rings: a coordinated plan whose splits do not reach its cycle is of no use.
func (t *timings) cycle(plan *geo.Plan, p *timingPlan, controller string) (why string) {
	length := map[[2]int]time.Duration{}
	barriers := map[int]time.Duration{}
	for _, ph := range plan.Phases {
		key := [2]int{ph.Barrier, ph.Ring}
		length[key] += ph.Split
		barriers[ph.Barrier] = max(barriers[ph.Barrier], length[key])
	}
	sum := time.Duration(0)
	for _, v := range barriers {
		sum += v
	}
	c := t.coord[[2]string{p.id, controller}]
	if sum <= 0 {
		return "it has no green time"
	}
	if p.cycle == 0 {
		plan.Cycle = sum
		return ""
	}
	if sum != p.cycle {
		return fmt.Sprintf("its rings take %v from barrier to barrier, the cycle is %v", sum, p.cycle)
	}
	return t.coordinate(plan, c)
}

func (t *timings) coordinate(plan *geo.Plan, c coordination) (why string) {
	k := slices.IndexFunc(plan.Phases, func(ph geo.RingPhase) bool { return ph.Phase == c.phase })
	if c.phase == 0 {
		return ""
	}
	if k < 0 {
		return fmt.Sprintf("the coordinated phase %d (%s) is not among its phases", c.phase, c.where)
	}
	ph := &plan.Phases[k]
	ph.Coordinated, plan.Offset, plan.Anchor = true, c.offset, geo.AnchorGreen
	switch c.ref {
	case "begin_of_yellow":
		plan.Anchor = geo.AnchorYellow
	case "begin_of_red":
		plan.Anchor, plan.Offset = geo.AnchorYellow, (plan.Offset-ph.Yellow+plan.Cycle)%plan.Cycle
	}
	return ""
}

// install puts the controller's signal in the place of those drawn at its
// nodes, with its plans and when they hold.
func (t *timings) install(id string, nodes map[string]bool, group map[string]int, groups int, plans []geo.Plan, from []*timingPlan) {
	d := t.draft
	s := slices.IndexFunc(d.Signals, func(x geo.Signal) bool { return nodes[x.ID] })
	if other := slices.IndexFunc(d.Signals, func(x geo.Signal) bool { return x.ID == id }); s < 0 || other >= 0 && other != s {
		t.drop("signal_controller.csv", id, "no junction of its movements is drawn with a signal of its own")
		return
	}
	signal := geo.SignalID(s)
	at := map[turn]int{}
	for m, g := range group {
		at[t.turns[m]] = g
	}
	for i := range d.Movements {
		m := &d.Movements[i]
		if x := t.turnOf(i); nodes[x.node] {
			m.Signal, m.Group = geo.NoSignal, 0
			if g, ok := at[x]; ok {
				m.Signal, m.Group = signal, g
			}
		}
	}
	drawn := d.Signals[s].Plan
	d.Signals[s] = geo.Signal{ID: id, Groups: groups}
	first := true
	var begins, ends []geo.PlanSwitch
	for i, plan := range plans {
		plan.Signal = signal
		place := geo.PlanID(len(d.Plans))
		if first { // the drawn plan's place is taken
			place, d.Plans[drawn] = drawn, plan
		} else {
			d.Plans = append(d.Plans, plan)
		}
		if first || from[i].when == "" {
			d.Signals[s].Plan = place
		}
		first = false
		t.schedule(signal, place, from[i], &begins, &ends)
	}
	for i := range ends {
		ends[i].Plan = d.Signals[s].Plan
	}
	d.Schedule = append(append(d.Schedule, begins...), ends...) // of two at one time the first row holds
	t.assume("plan", id, "yellow_s", "4 s of the clearance at most", "the standard gives yellow and all-red together; splits are the longest green and the clearance")
}

// schedule reads when a plan holds: days from Sunday and holidays, begin, end.
// At its end the plan that holds at other times comes back.
func (t *timings) schedule(s geo.SignalID, plan geo.PlanID, p *timingPlan, begins, ends *[]geo.PlanSwitch) {
	if p.when == "" {
		return
	}
	parts := strings.Split(p.when, "_")
	if len(parts) != 3 {
		t.bad.Addf(p.where, p.id, "time_day is %q, expected XXXXXXXX_HHMM_HHMM", p.when)
		return
	}
	begin, ok1 := timeOfDay(parts[1])
	end, ok2 := timeOfDay(parts[2])
	if !ok1 || !ok2 || strings.Trim(parts[0], "01") != "" || len(parts[0]) < 7 {
		t.bad.Addf(p.where, p.id, "time_day is %q, expected XXXXXXXX_HHMM_HHMM", p.when)
		return
	}
	if len(parts[0]) != 8 {
		t.assume("plan", p.id, "days", parts[0][:7], fmt.Sprintf("%s: %d days are given; the first seven are taken, Sunday first", p.where, len(parts[0])))
	}
	var days geo.Weekdays
	for i, c := range parts[0][:7] {
		if c == '1' {
			days |= 1 << i // bit time.Sunday is Sunday
		}
	}
	if days == 0 {
		return
	}
	*begins = append(*begins, geo.PlanSwitch{Signal: s, Days: days, At: begin, Plan: plan})
	*ends = append(*ends, geo.PlanSwitch{Signal: s, Days: days, At: end})
}

// timeOfDay reads HHMM or HH:MM.
func timeOfDay(s string) (time.Duration, bool) {
	s = strings.ReplaceAll(s, ":", "")
	v, err := strconv.Atoi(s)
	if err != nil || len(s) != 4 || v < 0 || v/100 > 24 || v%100 > 59 {
		return 0, false
	}
	return time.Duration(v/100)*time.Hour + time.Duration(v%100)*time.Minute, true
}
