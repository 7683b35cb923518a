package signal

import (
	"time"

	"tideway/geo"
)

// actuated shows stages in order and holds a stage with limits between its Min
// and Max while traffic keeps coming: it ends when no group that is about to
// lose its green has seen a vehicle for the passage time (gap-out) or at Max
// (max-out). A stage whose followers may be skipped goes to the first one in
// Next that somebody waits for.
type actuated struct {
	plan    geo.Plan
	stage   int
	began   time.Duration
	passage time.Duration
}

// DefaultPassage is the gap that ends a green when the plan names none.
const DefaultPassage = 3 * time.Second

func newActuated(p geo.Plan, now time.Duration) *actuated {
	stage, until := StageAt(p, now)
	return &actuated{plan: p, stage: stage, began: until - p.Stages[stage].Duration, passage: DefaultPassage}
}

func (a *actuated) Step(now time.Duration, see Sight) []geo.SignalState {
	for range len(a.plan.Stages) + 1 {
		s := &a.plan.Stages[a.stage]
		if !a.ends(s, now-a.began, see) {
			break
		}
		a.stage, a.began = a.next(s, see), now
	}
	return a.plan.Stages[a.stage].States
}

func (a *actuated) ends(s *geo.Stage, shown time.Duration, see Sight) bool {
	if s.Max <= s.Min || s.Max == 0 {
		return shown >= s.Duration
	}
	if shown < s.Min {
		return false
	}
	if shown >= s.Max {
		return true
	}
	next := &a.plan.Stages[a.next(s, see)]
	for g, v := range s.States {
		if v.IsGreen() && !next.States[g].IsGreen() && see.Gap(g) < a.passage {
			return false
		}
	}
	return true
}

// next returns the stage after s: the first of its followers that somebody
// waits for, else the first one.
func (a *actuated) next(s *geo.Stage, see Sight) int {
	if len(s.Next) == 0 {
		return (a.stage + 1) % len(a.plan.Stages)
	}
	for _, n := range s.Next {
		for g, v := range a.plan.Stages[n].States {
			if v.IsGreen() && !s.States[g].IsGreen() && see.Waiting(g) {
				return n
			}
		}
	}
	return s.Next[0]
}

func (a *actuated) Save(dst []int64) []int64 { return append(dst, int64(a.stage), int64(a.began)) }

func (a *actuated) Load(src []int64) []int64 {
	a.stage, a.began = int(src[0]), time.Duration(src[1])
	return src[2:]
}
