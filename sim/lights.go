package sim

import (
	"time"

	"tideway/geo"
	"tideway/sim/signal"
)

// signalHead is one signal at work.
type signalHead struct {
	id      geo.SignalID
	plan    geo.PlanID
	control signal.Controller
	first   int32 // its first group in lights
	groups  int
	senses  bool // its controller looks at traffic
	wide    bool // and at whom is still coming
	sight   sight
	shown   *geo.SignalState // states of a fixed plan that the lights show already
}

// greenTimes remembers the present or last green of a group and the one before.
type greenTimes struct{ beginS, endS, lastBeginS, lastEndS float64 }

// detectM is how far before the stop line a vehicle is seen by actuated signals.
const detectM = 30.0

func (e *Engine) startSignals() {
	c := e.net.city
	e.lights = make([]byte, e.net.states)
	e.greens = make([]greenTimes, e.net.states)
	for i := range e.lights {
		e.lights[i] = byte(geo.Off)
		e.greens[i] = greenTimes{-1e9, -1e9, -1e9, -1e9}
	}
	for i, s := range c.Signals.All() {
		h := signalHead{id: i, plan: geo.NoPlan, first: e.net.groups[i], groups: s.Groups}
		h.sight = sight{e: e, lastS: make([]float64, s.Groups), lanes: e.lanesOf(i, s.Groups), coming: make([]coming, s.Groups), first: h.first}
		e.signals = append(e.signals, h)
	}
	e.pickPlans(e.in.Begin)
}

// lanesOf returns, by group, the lanes from which a signal's movements start.
func (e *Engine) lanesOf(s geo.SignalID, groups int) [][]trackID {
	out := make([][]trackID, groups)
	for _, m := range e.net.city.MovementsOf(s) {
		mv := e.net.city.Movements.At(m)
		out[mv.Group] = append(out[mv.Group], trackID(mv.From))
	}
	return out
}

// pickPlans puts the plans in force that the schedule names for a time.
func (e *Engine) pickPlans(at time.Duration) {
	c := e.net.city
	for i := range e.signals {
		h := &e.signals[i]
		if want := signal.PlanAt(c.Schedule, h.id, c.Signals.At(h.id).Plan, e.in.Day, at); want != h.plan {
			e.usePlan(h, want, at)
		}
	}
}

func (e *Engine) usePlan(h *signalHead, id geo.PlanID, at time.Duration) {
	h.plan, h.control, h.shown = id, nil, nil
	if id == geo.NoPlan {
		return
	}
	plan := e.net.city.Plans.At(id)
	h.control, h.senses = signal.New(plan, h.groups, at), plan.Kind != geo.FixedTime || plan.Bus > 0 || plan.Preempt
	h.wide = plan.Kind == geo.MaxPressure || plan.Bus > 0 || plan.Preempt
}

// stepSignals sets what every group shows in this step.
func (e *Engine) stepSignals() {
	now := e.Time() - e.step // the step that ends at Time begins now
	if len(e.net.city.Schedule) > 0 && now%time.Minute < e.step {
		e.pickPlans(now)
	}
	for i := range e.signals {
		h := &e.signals[i]
		if h.control == nil {
			continue
		}
		if h.senses {
			h.sight.look()
		}
		if h.wide {
			if h.sight.approaches == nil {
				h.sight.survey()
			}
			h.sight.watch()
		}
		states := h.control.Step(now, &h.sight)
		if !h.senses && h.shown == &states[0] {
			continue
		}
		h.shown = &states[0]
		for g, s := range states {
			e.show(h.first+int32(g), byte(s))
		}
	}
}

// show changes one group and notes begins and ends of green.
func (e *Engine) show(g int32, s byte) {
	was := e.lights[g]
	if was == s {
		return
	}
	e.lights[g] = s
	t := &e.greens[g]
	switch {
	case isGreen(s) && !isGreen(was):
		t.lastBeginS, t.lastEndS = t.beginS, t.endS
		t.beginS, t.endS = e.nowS, 1e18
	case isGreen(was) && !isGreen(s):
		t.endS = e.nowS
		e.tally.bookGreen(e.net, int(g), e.nowS-max(t.beginS, float64(e.tally.begin)*e.dt))
		e.splitFailures(g)
	}
}

// splitFailures counts the movements of a group whose first vehicle has stood
// since before the green that ends now.
func (e *Engine) splitFailures(g int32) {
	for _, m := range e.net.movesOf[g] {
		l := &e.net.links[e.net.ways[m].entry]
		if len(e.road[l.from]) == 0 {
			continue
		}
		v := &e.road[l.from][0]
		c := &e.cars[v.id]
		if v.next == e.net.ways[m].entry && c.haltedS >= 0 && c.haltedS < e.greens[g].beginS {
			e.tally.moves[m].failures++
		}
	}
}

// sight is what a signal's detectors see: the last detectM before its stop
// lines.
type sight struct {
	e     *Engine
	lanes [][]trackID
	lastS []float64 // by group: time a vehicle was seen last

	first      int32
	coming     []coming // by group
	approaches []feederLane
	turns      []turnGroup
}

func (s *sight) look() {
	e := s.e
	for g, lanes := range s.lanes {
		for _, t := range lanes {
			if vs := e.road[t]; len(vs) > 0 && vs[0].posM > e.net.tracks[t].lengthM-detectM {
				s.lastS[g] = e.nowS
				break
			}
		}
	}
}

// Waiting implements signal.Sight.
func (s *sight) Waiting(g int) bool { return s.lastS[g] == s.e.nowS }

// Detected implements signal.Sight.
func (s *sight) Detected(g int) bool { return len(s.lanes[g]) > 0 }

// Gap implements signal.Sight.
func (s *sight) Gap(g int) time.Duration {
	return time.Duration((s.e.nowS - s.lastS[g]) * float64(time.Second))
}
