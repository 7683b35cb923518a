package sketch

import (
	"fmt"
	"math"
	"time"

	"tideway/geo"
)

// Change intervals, from common guides for urban speeds.
const (
	yellowTime  = 3 * time.Second
	allRedTime  = 2 * time.Second
	leastGreen  = 8 * time.Second
	leastLeft   = 6 * time.Second
	mostGreen   = 60 * time.Second
	change      = yellowTime + allRedTime
	shortCycle  = 60 * time.Second // two stages
	longCycle   = 90 * time.Second // more
	DefaultPlan = "day"            // id of the plan that Draft makes
)

// turnKind is right, straight or left: what one group of an arm shows.
type turnKind int

const (
	rightKind turnKind = iota
	straightKind
	leftKind
	turnKinds
)

func kindOf(t geo.Turn) turnKind {
	switch {
	case isRight(t):
		return rightKind
	case isLeft(t):
		return leftKind
	}
	return straightKind
}

// crossing is a signalised node under construction.
type crossing struct {
	b      *builder
	arms   []arm
	group  [][turnKinds]int // by arm and kind; -1 when there is no such movement
	groups int
	lanes  [][turnKinds]int // lanes that serve it
	alone  []bool           // by arm: lanes of left turns serve nothing else
	axes   [][]int          // arms that are green together
	paths  []path
}

// addSignal gives a node its signal: one group per arm and direction of turn,
// and a plan that serves the major street, its left turns where they have a
// lane of their own, and then the same for the others.
func (b *builder) addSignal(n int, paths []path, major [2]int) {
	x := &crossing{b: b, arms: b.arms[n]}
	x.number(paths)
	if x.groups == 0 { // nobody can leave
		b.d.Nodes[n].Control = geo.ControlNone
		return
	}
	x.pair(major)
	id := geo.SignalID(len(b.d.Signals))
	for _, p := range paths {
		m := &b.d.Movements[p.m]
		m.Signal, m.Group = id, x.group[p.from][kindOf(p.turn)]
	}
	plan := geo.PlanID(len(b.d.Plans))
	x.paths = paths
	b.d.Signals = append(b.d.Signals, geo.Signal{ID: b.s.Nodes[n].ID, Groups: x.groups, Plan: plan})
	b.d.Plans = append(b.d.Plans, x.plan(id))
}

func (x *crossing) number(paths []path) {
	x.group = make([][turnKinds]int, len(x.arms))
	x.lanes = make([][turnKinds]int, len(x.arms))
	x.alone = make([]bool, len(x.arms))
	serves := map[[2]int]turnKind{} // a lane's only kind, or turnKinds when several
	for _, p := range paths {
		k := kindOf(p.turn)
		x.lanes[p.from][k]++
		if old, ok := serves[[2]int{p.from, p.lane}]; ok && old != k {
			k = turnKinds
		}
		serves[[2]int{p.from, p.lane}] = k
	}
	for a := range x.arms {
		for k := range turnKinds {
			x.group[a][k] = -1
			if x.lanes[a][k] > 0 {
				x.group[a][k] = x.groups
				x.groups++
			}
		}
		x.alone[a] = x.lanes[a][leftKind] > 0 && serves[[2]int{a, x.arms[a].in - 1}] == leftKind
	}
}

// pair puts opposite arms into one axis, the major street first.
func (x *crossing) pair(major [2]int) {
	used := make([]bool, len(x.arms))
	add := func(arms ...int) {
		var axis []int
		for _, a := range arms {
			used[a] = true
			if x.arms[a].in > 0 {
				axis = append(axis, a)
			}
		}
		if len(axis) > 0 {
			x.axes = append(x.axes, axis)
		}
	}
	if dot(x.arms[major[0]].away, x.arms[major[1]].away) < -0.5 {
		add(major[0], major[1])
	}
	for a := range x.arms {
		if used[a] {
			continue
		}
		opposite, straightest := -1, -0.5
		for c := range x.arms {
			if d := dot(x.arms[a].away, x.arms[c].away); !used[c] && c != a && d < straightest {
				opposite, straightest = c, d
			}
		}
		if opposite >= 0 {
			add(a, opposite)
		} else {
			add(a)
		}
	}
}

// phase is a green stage before it has a duration.
type phase struct {
	name   string
	states []geo.SignalState
	weight float64 // critical flow over saturation flow, as guessed
	least  time.Duration
}

// phases lists the green stages.
func (x *crossing) phases() (out []phase) {
	for i, axis := range x.axes {
		protected := len(axis) == 2 && (x.alone[axis[0]] || x.alone[axis[1]]) && !x.shares(axis)
		through := phase{name: fmt.Sprintf("street %d", i+1), states: x.allRed(), least: leastGreen}
		left := phase{name: fmt.Sprintf("street %d left", i+1), states: x.allRed(), least: leastLeft}
		for _, a := range axis {
			through.show(x, a, rightKind, geo.Protected)
			through.show(x, a, straightKind, geo.Protected)
			switch {
			case protected:
				left.show(x, a, leftKind, geo.Protected)
			case len(axis) == 1:
				through.show(x, a, leftKind, geo.Protected)
			default:
				through.show(x, a, leftKind, geo.Permissive)
			}
		}
		if through.weight > 0 {
			out = append(out, through)
		}
		if protected {
			out = append(out, left)
		}
	}
	for i := range out {
		x.makeSafe(&out[i])
	}
	return out
}

// makeSafe leaves nobody protected against traffic that is green too and that
// he must let pass: at skew junctions even streets of one axis can meet.
func (x *crossing) makeSafe(f *phase) {
	movements := x.b.d.Movements
	for _, p := range x.paths {
		m := movements[p.m]
		for _, c := range x.b.d.Conflicts[p.m] {
			foe := movements[c.Foe]
			if c.Yield && x.b.d.Lanes[foe.From].Segment != x.b.d.Lanes[m.From].Segment && f.states[m.Group].IsGreen() && f.states[foe.Group].IsGreen() {
				f.states[m.Group] = geo.Permissive
			}
		}
	}
}

// shares reports whether left turns of an arm stand in a lane with others, so
// that a stage without them would block the lane.
func (x *crossing) shares(axis []int) bool {
	for _, a := range axis {
		if x.lanes[a][leftKind] > 0 && !x.alone[a] {
			return true
		}
	}
	return false
}

func (x *crossing) allRed() []geo.SignalState {
	out := make([]geo.SignalState, x.groups)
	for i := range out {
		out[i] = geo.Red
	}
	return out
}

// guess is the flow over saturation flow that a lane of a class is taken to
// bring before anything is counted.
var guess = map[geo.RoadClass]float64{geo.Primary: 0.30, geo.Secondary: 0.24, geo.Tertiary: 0.18}

// curveShare is the guess for turning traffic, relative to straight traffic. It
// is high because vehicles leave a queue more slowly through a curve.
const curveShare = 0.75

func (f *phase) show(x *crossing, a int, k turnKind, s geo.SignalState) {
	g := x.group[a][k]
	if g < 0 {
		return
	}
	f.states[g] = s
	w, ok := guess[x.arms[a].class]
	if !ok {
		w = 0.1
	}
	if k != straightKind { // slower through the curve, and fewer
		w *= curveShare
	}
	f.weight = math.Max(f.weight, w)
}

// plan makes the fixed-time plan: each phase green, yellow, all red.
func (x *crossing) plan(signal geo.SignalID) geo.Plan {
	phases := x.phases()
	p := geo.Plan{ID: DefaultPlan, Signal: signal, Kind: geo.FixedTime}
	for _, f := range phases {
		p.Stages = append(p.Stages, geo.Stage{Name: f.name, States: f.states, Min: f.least, Max: mostGreen},
			geo.Stage{Name: f.name + " yellow", States: swap(f.states, geo.Yellow), Duration: yellowTime, Min: yellowTime, Max: yellowTime},
			geo.Stage{Name: f.name + " clear", States: swap(f.states, geo.Red), Duration: allRedTime, Min: allRedTime, Max: allRedTime})
	}
	p.Cycle = shortCycle
	if len(phases) > 2 {
		p.Cycle = longCycle
	}
	weights := make([]float64, len(phases))
	for i, f := range phases {
		weights[i] = f.weight
	}
	return Retime(p, p.Cycle, weights)
}

func swap(states []geo.SignalState, to geo.SignalState) []geo.SignalState {
	out := make([]geo.SignalState, len(states))
	for i, s := range states {
		out[i] = s
		if s.IsGreen() {
			out[i] = to
		}
	}
	return out
}

// Retime returns a plan made by Draft with another cycle and the green time
// shared among its green stages by the given weights, whole seconds, none below
// its minimum. A cycle too short for the minima is lengthened. The stages are
// new, everything else is the plan's.
func Retime(p geo.Plan, cycle time.Duration, weights []float64) geo.Plan {
	p.Stages = append([]geo.Stage(nil), p.Stages...)
	var sum float64
	var least time.Duration
	for i, w := range weights {
		sum += w
		least += p.Stages[3*i].Min
	}
	spare := cycle.Truncate(time.Second) - least - time.Duration(len(weights))*change
	spare = max(spare, 0)
	left := spare
	for i := range weights {
		st := &p.Stages[3*i]
		extra := time.Duration(float64(spare) * weights[i] / sum).Truncate(time.Second)
		st.Duration = st.Min + extra
		st.Max = max(mostGreen, st.Duration)
		left -= extra
	}
	p.Stages[0].Duration += left
	p.Stages[0].Max = max(mostGreen, p.Stages[0].Duration)
	p.Cycle = 0
	for _, st := range p.Stages {
		p.Cycle += st.Duration
	}
	return p
}
