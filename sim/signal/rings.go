package signal

import (
	"slices"
	"time"

	"tideway/geo"
)

// rings runs NEMA phases: every ring shows one phase at a time, in order of
// barrier and position; all rings cross a barrier together. A phase is served
// when it is called (a vehicle waits, or a recall); its green ends by gap-out,
// max-out, or, when coordinated, by the force-off that its split sets. The
// coordinated phases rest in green until their yield point.
//
// After NTCIP 1202 and the Traffic Signal Timing Manual, 2nd edition (NCHRP
// report 812, 2015), chapters 5 to 7, with fixed force-offs.
type rings struct {
	plan    geo.Plan
	rings   []ring
	barrier int             // between which the rings are; a ring without a phase there rests
	begin   []time.Duration // in the cycle, by phase: rings wait for each other at barriers
	states  []geo.SignalState
	coord   bool
}

// ring is one sequence of phases and where it stands.
type ring struct {
	order []int // positions in plan.Phases, by barrier and position
	at    int   // in order
	part  phasePart
	began time.Duration // of the part
}

type phasePart uint8

const (
	partGreen phasePart = iota
	partYellow
	partRed
	partRest // all red, waiting for the other rings at the barrier
)

func newRings(p geo.Plan, groups int, now time.Duration) *rings {
	r := &rings{plan: p, states: make([]geo.SignalState, groups)}
	count := 0
	for i := range p.Phases {
		count = max(count, p.Phases[i].Ring)
		r.coord = r.coord || p.Phases[i].Coordinated
	}
	for n := 1; n <= count; n++ {
		var order []int
		for i := range p.Phases {
			if p.Phases[i].Ring == n {
				order = append(order, i)
			}
		}
		slices.SortStableFunc(order, func(a, b int) int {
			x, y := &p.Phases[a], &p.Phases[b]
			if x.Barrier != y.Barrier {
				return x.Barrier - y.Barrier
			}
			return x.Position - y.Position
		})
		if len(order) > 0 {
			r.rings = append(r.rings, ring{order: order, began: now})
		}
	}
	r.align()
	r.start(now)
	return r
}

// align works out when each phase begins if all keep their splits.
func (r *rings) align() {
	r.begin = make([]time.Duration, len(r.plan.Phases))
	at := time.Duration(0)
	for _, b := range r.barriers() {
		for i := range r.rings {
			sum := at
			for _, p := range r.rings[i].order {
				if r.plan.Phases[p].Barrier == b {
					r.begin[p] = sum
					sum += r.plan.Phases[p].Split
				}
			}
		}
		at += r.lengthOf(b)
	}
}

// lengthOf returns how long the longest ring is within a barrier.
func (r *rings) lengthOf(barrier int) (longest time.Duration) {
	for i := range r.rings {
		sum := time.Duration(0)
		for _, p := range r.rings[i].order {
			if r.plan.Phases[p].Barrier == barrier {
				sum += r.plan.Phases[p].Split
			}
		}
		longest = max(longest, sum)
	}
	return longest
}

// start puts the rings where the splits would have them at time now.
func (r *rings) start(now time.Duration) {
	in := r.cycleTime(now)
	all := r.barriers()
	for i, b := range all {
		length := r.lengthOf(b)
		if r.barrier = b; in < length || i == len(all)-1 {
			break
		}
		in -= length
	}
	for i := range r.rings {
		r.rings[i].part = partRest
		r.enter(&r.rings[i], in, now)
	}
}

// enter puts a ring into the phase that it serves so long after the barrier; a
// ring without phases there is left alone.
func (r *rings) enter(g *ring, in, now time.Duration) {
	for k, p := range g.order {
		if r.plan.Phases[p].Barrier != r.barrier {
			continue
		}
		g.at, g.part, g.began = k, partGreen, now-max(0, in)
		if in -= r.plan.Phases[p].Split; in < 0 {
			return
		}
	}
}

func (r *rings) phase(g *ring) *geo.RingPhase { return &r.plan.Phases[g.order[g.at]] }

// cycleTime returns the time since the cycle's zero. The offset times the
// begin of the coordinated greens (when all of them are on), their end (when
// the first turns yellow), or the zero itself.
func (r *rings) cycleTime(now time.Duration) time.Duration {
	cycle := r.plan.Cycle
	if cycle <= 0 {
		return 0
	}
	zero := r.plan.Offset
	if r.coord && r.plan.Anchor != geo.AnchorFirstStage {
		green, yellow := r.coordinated()
		if r.plan.Anchor == geo.AnchorYellow {
			zero -= yellow
		} else {
			zero -= green
		}
	}
	in := (now - zero) % cycle
	if in < 0 {
		in += cycle
	}
	return in
}

// coordinated returns when in the cycle the last of the coordinated phases
// turns green, and when the first of them turns yellow.
func (r *rings) coordinated() (green, yellow time.Duration) {
	found := false
	for i := range r.plan.Phases {
		ph := &r.plan.Phases[i]
		if !ph.Coordinated {
			continue
		}
		end := r.begin[i] + ph.Split - ph.Yellow - ph.AllRed
		if !found {
			green, yellow, found = r.begin[i], end, true
		}
		green, yellow = max(green, r.begin[i]), min(yellow, end)
	}
	return green, yellow
}

// forceOff returns the time in the cycle at which the green of ring g's phase k
// must end to keep its split.
func (r *rings) forceOff(g *ring, k int) time.Duration {
	ph := &r.plan.Phases[g.order[k]]
	return r.begin[g.order[k]] + ph.Split - ph.Yellow - ph.AllRed
}

func (r *rings) Step(now time.Duration, see Sight) []geo.SignalState {
	for i := range r.rings {
		r.advance(&r.rings[i], now, see)
	}
	r.cross(now, see)
	r.show()
	return r.states
}

// advance ends the parts of ring g's phase whose time is over.
func (r *rings) advance(g *ring, now time.Duration, see Sight) {
	ph := r.phase(g)
	switch g.part {
	case partGreen:
		if r.greenEnds(g, now, see) {
			g.part, g.began = partYellow, now
		}
	case partYellow:
		if now-g.began >= ph.Yellow {
			g.part, g.began = partRed, now
			if ph.AllRed == 0 {
				g.part = partRest
			}
		}
	case partRed:
		if now-g.began >= ph.AllRed {
			g.part, g.began = partRest, now
		}
	}
}

// greenEnds reports whether the green of ring g is over.
func (r *rings) greenEnds(g *ring, now time.Duration, see Sight) bool {
	ph, shown := r.phase(g), now-g.began
	least := max(ph.MinGreen, 0)
	if ph.Recall == geo.PedRecall {
		least = max(least, ph.Walk+ph.PedClear)
	}
	if shown < least || !r.wanted(g, see) {
		return false
	}
	if r.coord && r.plan.Cycle > 0 {
		in, off := r.cycleTime(now), r.forceOff(g, g.at)
		past := (in - off + r.plan.Cycle) % r.plan.Cycle
		if past < r.plan.Cycle/2 && past < shown {
			return true
		}
		if ph.Coordinated {
			return false
		}
		return r.gapOut(ph, see) && ph.Recall != geo.MaxRecall
	}
	if ph.MaxGreen > 0 && shown >= ph.MaxGreen {
		return true
	}
	return r.gapOut(ph, see) && ph.Recall != geo.MaxRecall
}

func (r *rings) gapOut(ph *geo.RingPhase, see Sight) bool {
	passage := ph.Passage
	if passage == 0 {
		passage = DefaultPassage
	}
	for _, n := range ph.Groups {
		if see.Gap(n) < passage {
			return false
		}
	}
	return true
}

// wanted reports whether any other phase is called: without one a green rests.
func (r *rings) wanted(g *ring, see Sight) bool {
	for i := range r.rings {
		h := &r.rings[i]
		for k := range h.order {
			if (h != g || k != g.at) && r.called(&r.plan.Phases[h.order[k]], see) && (h == g || r.plan.Phases[h.order[k]].Barrier != r.phase(g).Barrier) {
				return true
			}
		}
	}
	return false
}

func (r *rings) called(ph *geo.RingPhase, see Sight) bool {
	if ph.Recall != geo.NoRecall || ph.Coordinated {
		return true
	}
	for _, n := range append(ph.Groups[:len(ph.Groups):len(ph.Groups)], ph.Permissive...) {
		if see.Waiting(n) {
			return true
		}
	}
	return false
}

// cross lets rings that rest go on: to the next called phase before the
// barrier, or all together across it.
func (r *rings) cross(now time.Duration, see Sight) {
	all := true
	for i := range r.rings {
		g := &r.rings[i]
		if g.part != partRest {
			all = false
			continue
		}
		if k := r.nextCalled(g, see); k >= 0 {
			g.at, g.part, g.began = k, partGreen, now
			all = false
		}
	}
	if !all || len(r.rings) == 0 {
		return
	}
	r.barrier = r.nextBarrier(r.barrier, see)
	for i := range r.rings {
		g := &r.rings[i]
		g.at = r.entry(g, r.barrier, see)
		g.part, g.began = partGreen, now
		if r.phase(g).Barrier != r.barrier {
			g.part = partRest // the ring has no phase there
		}
	}
}

// nextCalled returns the next called phase of ring g on this side of the
// barrier, or -1.
func (r *rings) nextCalled(g *ring, see Sight) int {
	for k := g.at + 1; k < len(g.order); k++ {
		ph := &r.plan.Phases[g.order[k]]
		if ph.Barrier != r.phase(g).Barrier || ph.Barrier != r.barrier {
			break
		}
		if r.called(ph, see) {
			return k
		}
	}
	return -1
}

// nextBarrier returns the next barrier group that somebody calls, else the next.
func (r *rings) nextBarrier(now int, see Sight) int {
	groups := r.barriers()
	at := slices.Index(groups, now)
	for d := 1; d <= len(groups); d++ {
		b := groups[(at+d)%len(groups)]
		for i := range r.plan.Phases {
			if r.plan.Phases[i].Barrier == b && r.called(&r.plan.Phases[i], see) {
				return b
			}
		}
	}
	return groups[(at+1)%len(groups)]
}

func (r *rings) barriers() []int {
	var out []int
	for i := range r.plan.Phases {
		out = append(out, r.plan.Phases[i].Barrier)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// entry returns the phase with which ring g enters a barrier group: the first
// called one, else the last, so that some phase of every ring is green.
func (r *rings) entry(g *ring, barrier int, see Sight) int {
	last := g.at
	for k, p := range g.order {
		if r.plan.Phases[p].Barrier != barrier {
			continue
		}
		last = k
		if r.called(&r.plan.Phases[p], see) {
			return k
		}
	}
	return last
}

// show writes the states of all groups.
func (r *rings) show() {
	for n := range r.states {
		r.states[n] = geo.Red
	}
	for i := range r.rings {
		g := &r.rings[i]
		if g.part > partYellow {
			continue
		}
		ph, green, weak := r.phase(g), geo.Protected, geo.Permissive
		if g.part == partYellow {
			green, weak = geo.Yellow, geo.Yellow
		}
		for _, n := range ph.Permissive {
			if n < len(r.states) && r.states[n] != geo.Protected {
				r.states[n] = weak
			}
		}
		for _, n := range ph.Groups {
			if n < len(r.states) {
				r.states[n] = green
			}
		}
	}
}

func (r *rings) Save(dst []int64) []int64 {
	for i := range r.rings {
		dst = append(dst, int64(r.rings[i].at), int64(r.rings[i].part), int64(r.rings[i].began))
	}
	return append(dst, int64(r.barrier))
}

func (r *rings) Load(src []int64) []int64 {
	for i := range r.rings {
		r.rings[i].at, r.rings[i].part, r.rings[i].began = int(src[0]), phasePart(src[1]), time.Duration(src[2])
		src = src[3:]
	}
	r.barrier = int(src[0])
	return src[1:]
}
