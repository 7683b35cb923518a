package signal

import (
	"slices"
	"time"

	"tideway/geo"
)

// ringPlan checks a ring-barrier plan: sums per ring and barrier, each phase's
// split against its minima, and phases that may be green together.
func (v *validator) ringPlan() {
	green := make([]bool, v.groups)
	for i := range v.plan.Phases {
		v.phase(&v.plan.Phases[i], green)
	}
	v.unused(green)
	v.sums()
	v.together()
}

func (v *validator) phase(p *geo.RingPhase, green []bool) {
	for _, g := range slices.Concat(p.Groups, p.Permissive) {
		if g < 0 || g >= v.groups {
			v.add(Issue{Kind: UnknownGroup, Phase: p.Phase, Groups: []int{g}}, "phase %d names group %d of %d", p.Phase, g, v.groups)
			continue
		}
		green[g] = true
	}
	clear := p.Yellow + p.AllRed
	if p.Yellow <= 0 {
		v.add(Issue{Kind: NoYellow, Phase: p.Phase, Groups: p.Groups}, "phase %d has no yellow", p.Phase)
	}
	if p.Split > 0 && p.Split < p.MinGreen+clear {
		v.add(Issue{Kind: SplitTooShort, Phase: p.Phase}, "split of phase %d is %v, its minimum green and clearance need %v", p.Phase, p.Split, p.MinGreen+clear)
	}
	if p.MaxGreen > 0 && p.MaxGreen < p.MinGreen {
		v.add(Issue{Kind: Limits, Phase: p.Phase}, "phase %d has a maximum green of %v below its minimum of %v", p.Phase, p.MaxGreen, p.MinGreen)
	}
	if walk := p.Walk + p.PedClear; walk > 0 && p.Split > 0 && p.Split < walk+clear {
		v.add(Issue{Kind: PedestrianTime, Phase: p.Phase}, "split of phase %d is %v, walk, pedestrian clearance and clearance need %v", p.Phase, p.Split, walk+clear)
	}
	if want := v.phaseYellow(p); p.Yellow > 0 && p.Yellow+time.Second/2 < want {
		v.add(Issue{Kind: ShortYellow, Phase: p.Phase, Groups: p.Groups, Advice: true}, "yellow of phase %d lasts %v, its approach speed asks for %v", p.Phase, p.Yellow, tenths(want))
	}
}

func (v *validator) phaseYellow(p *geo.RingPhase) (want time.Duration) {
	for _, g := range p.Groups {
		if g < 0 || g >= v.groups {
			continue
		}
		for _, m := range v.of[g] {
			want = max(want, YellowTime(v.city.Lanes.At(v.city.Movements.At(m).From).Limit, 0))
		}
	}
	return want
}

// sums checks that the splits of every ring add up to the cycle, and to the
// same time within every barrier.
func (v *validator) sums() {
	if v.plan.Cycle <= 0 {
		return
	}
	total := map[int]time.Duration{}
	within := map[[2]int]time.Duration{}
	var rings, barriers []int
	for i := range v.plan.Phases {
		p := &v.plan.Phases[i]
		total[p.Ring] += p.Split
		within[[2]int{p.Barrier, p.Ring}] += p.Split
		rings, barriers = append(rings, p.Ring), append(barriers, p.Barrier)
	}
	slices.Sort(rings)
	slices.Sort(barriers)
	rings, barriers = slices.Compact(rings), slices.Compact(barriers)
	for _, r := range rings {
		if sum := total[r] + resting(within, r, rings, barriers); sum != v.plan.Cycle {
			v.add(Issue{Kind: SplitSum}, "splits of ring %d add up to %v, the cycle is %v", r, sum, v.plan.Cycle)
		}
	}
	for _, b := range barriers {
		first, set := time.Duration(0), false
		for _, r := range rings {
			sum, ok := within[[2]int{b, r}]
			if ok && set && sum != first {
				v.add(Issue{Kind: BarrierSum}, "ring %d takes %v to barrier %d, another ring %v", r, sum, b, first)
			}
			if ok && !set {
				first, set = sum, true
			}
		}
	}
}

// resting returns how long a ring waits in barriers where it has no phase: at
// junctions of three arms one ring often serves one side alone.
func resting(within map[[2]int]time.Duration, ring int, rings, barriers []int) (rest time.Duration) {
	for _, b := range barriers {
		longest := time.Duration(0)
		for _, r := range rings {
			longest = max(longest, within[[2]int{b, r}])
		}
		if _, has := within[[2]int{b, ring}]; !has {
			rest += longest
		}
	}
	return rest
}

// together reports phases of different rings within one barrier whose
// protected greens conflict.
func (v *validator) together() {
	for i := range v.plan.Phases {
		for j := i + 1; j < len(v.plan.Phases); j++ {
			a, b := &v.plan.Phases[i], &v.plan.Phases[j]
			if a.Ring != b.Ring && a.Barrier == b.Barrier {
				v.pair(a, b)
			}
		}
	}
}

func (v *validator) pair(a, b *geo.RingPhase) {
	state := func(p *geo.RingPhase, g int) geo.SignalState {
		if slices.Contains(p.Groups, g) {
			return geo.Protected
		}
		return geo.Permissive
	}
	for _, g := range slices.Concat(a.Groups, a.Permissive) {
		for _, h := range slices.Concat(b.Groups, b.Permissive) {
			if g < 0 || h < 0 || g >= v.groups || h >= v.groups || g == h {
				continue
			}
			if m, foe, bad := v.clash(g, h, state(a, g), state(b, h)); bad {
				v.add(Issue{Kind: ConflictingGreen, Phase: a.Phase, Groups: []int{g, h}}, "phases %d and %d run together, but %s and %s meet and neither gives way",
					a.Phase, b.Phase, v.city.MovementName(m), v.city.MovementName(foe))
			}
		}
	}
}
