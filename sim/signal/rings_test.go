package signal_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"tideway/geo"
	"tideway/sim/signal"
)

// teePlan is a junction of three arms: ring 1 has phases on the main street
// alone, ring 2 crosses the barrier to the side street. Group n is green in
// phase n.
func teePlan(recall geo.Recall, sideFirst bool) geo.Plan {
	s := time.Second
	ring := func(phase, ring, barrier, position int, split time.Duration, coordinated bool) geo.RingPhase {
		if sideFirst {
			barrier = 3 - barrier
		}
		return geo.RingPhase{Phase: phase, Ring: ring, Barrier: barrier, Position: position, Groups: []int{phase}, Split: split, MinGreen: 5 * s, MaxGreen: split - 5*s,
			Yellow: 4 * s, AllRed: s, Passage: 2 * s, Recall: recall, Coordinated: coordinated}
	}
	return geo.Plan{ID: "tee", Kind: geo.RingBarrier, Cycle: 90 * s, Offset: 7 * s, Anchor: geo.AnchorGreen, Phases: []geo.RingPhase{
		ring(1, 1, 1, 1, 15*s, false), ring(2, 1, 1, 2, 40*s, true), ring(5, 2, 1, 1, 20*s, false), ring(6, 2, 1, 2, 35*s, true), ring(8, 2, 2, 1, 35*s, false)}}
}

// With everybody called every phase is green at its time in every cycle,
// whichever side of the barrier comes first: the offset times the last of the
// coordinated greens.
func TestTeeKeepsItsSplits(t *testing.T) {
	for _, sideFirst := range []bool{false, true} {
		p := teePlan(geo.MaxRecall, sideFirst)
		c := signal.New(p, 9, 0)
		calls := eyes{waiting: map[int]bool{1: true, 2: true, 5: true, 6: true, 8: true}}
		begins := map[int]int{} // in the cycle, of phase
		was := map[int]bool{}
		for now := range 900 {
			for g, v := range c.Step(time.Duration(now)*time.Second, calls) {
				if v.IsGreen() && !was[g] && now > 90 {
					at := (now - 7 + 900) % 90
					if old, ok := begins[g]; ok && old != at {
						t.Errorf("side first %v: phase %d begins at %d and at %d s of the cycle", sideFirst, g, old, at)
					}
					begins[g] = at
				}
				was[g] = v.IsGreen()
			}
		}
		// Phase 6 begins with the offset, phase 2 five seconds before.
		for phase, want := range map[int]int{1: 70, 2: 85, 5: 70, 6: 0, 8: 35} {
			if begins[phase] != want {
				t.Errorf("side first %v: phase %d begins at %d s of the cycle, expected %d", sideFirst, phase, begins[phase], want)
			}
		}
	}
}

// Whoever calls when: the main street and the side street are never green
// together, nobody who waits is forgotten, and a saved controller goes on alike.
func TestTeeNeverOpensBothSides(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := teePlan(rapid.SampledFrom([]geo.Recall{geo.NoRecall, geo.MinRecall, geo.MaxRecall}).Draw(t, "recall"), rapid.Bool().Draw(t, "side first"))
		if rapid.Bool().Draw(t, "free") {
			for i := range p.Phases {
				p.Phases[i].Coordinated = false
			}
		}
		c := signal.New(p, 9, 0)
		calls := eyes{waiting: map[int]bool{}}
		since := map[int]int{}
		for now := range 600 {
			if now%7 == 0 {
				for _, g := range []int{1, 2, 5, 6, 8} {
					calls.waiting[g] = rapid.Bool().Draw(t, "call")
				}
			}
			states := c.Step(time.Duration(now)*time.Second, calls)
			open := func(g int) bool { return states[g] != geo.Red }
			if open(8) && (open(1) || open(2) || open(5) || open(6)) || open(1) && open(2) || open(5) && open(6) {
				t.Fatalf("after %d s: %q", now, states)
			}
			for _, g := range []int{1, 2, 5, 6, 8} {
				if states[g].IsGreen() || !calls.waiting[g] {
					since[g] = now
				}
				if now-since[g] > 200 {
					t.Fatalf("group %d waits since %d s", g, since[g])
				}
			}
			if now == 300 {
				again := signal.New(p, 9, 0)
				if rest := again.Load(c.Save(nil)); len(rest) != 0 {
					t.Fatalf("%d words are left", len(rest))
				}
				c = again
			}
		}
	})
}
