package signal

import (
	"slices"
	"time"

	"tideway/geo"
)

// priority shows the stages of a fixed or actuated plan in order and bends
// their greens for buses and emergency vehicles. For a bus the green that
// serves it lasts up to the plan's Bus longer, and the greens before it end up
// to Bus earlier, never before their Min (which holds pedestrians' time). For an
// emergency vehicle the green that serves it is held, and the greens before it
// end after emergencyGreen or their Min. Clearances are never touched. A fixed
// plan takes back what it gave, green by green, until it is in step again.
type priority struct {
	actuated
	groups int
	lag    time.Duration // behind the fixed plan, below 0 ahead of it
}

func newPriority(p geo.Plan, groups int, now time.Duration) *priority {
	return &priority{actuated: *newActuated(p, now), groups: groups}
}

func (c *priority) Step(now time.Duration, see Sight) []geo.SignalState {
	for range len(c.plan.Stages) + 1 {
		s := &c.plan.Stages[c.stage]
		shown := now - c.began
		if !c.over(s, shown, see) {
			break
		}
		if c.plan.Kind == geo.FixedTime {
			c.lag += shown - s.Duration
		}
		c.stage, c.began = c.next(s, see), now
	}
	return c.plan.Stages[c.stage].States
}

// over reports whether a stage ends now.
func (c *priority) over(s *geo.Stage, shown time.Duration, see Sight) bool {
	if !slices.ContainsFunc(s.States, geo.SignalState.IsGreen) || slices.Contains(s.States, geo.Yellow) {
		return shown >= s.Duration
	}
	if here, called := c.wanted(s, see.Emergency); c.plan.Preempt && called {
		return !here && shown >= min(s.Min, emergencyGreen)
	}
	here, called := c.wanted(s, see.Bus)
	called = called && c.plan.Bus > 0
	if c.plan.Kind == geo.Actuated {
		return c.actuatedOver(s, shown, see, here && called, called)
	}
	target := max(min(s.Min, s.Duration), s.Duration-c.lag)
	switch {
	case called && here:
		return shown >= target && shown >= s.Duration+c.plan.Bus-max(0, c.lag)
	case called:
		return shown >= max(s.Min, target-c.plan.Bus)
	}
	return shown >= target
}

func (c *priority) actuatedOver(s *geo.Stage, shown time.Duration, see Sight, hold, called bool) bool {
	switch {
	case hold:
		return shown >= s.Max+c.plan.Bus
	case called && shown >= max(s.Min, s.Duration-c.plan.Bus):
		return true
	}
	return c.ends(s, shown, see)
}

// wanted reports whether a vehicle of some kind comes to any group, and
// whether the stage is green for one of them.
func (c *priority) wanted(s *geo.Stage, comes func(int) bool) (here, called bool) {
	for g := range c.groups {
		if comes(g) {
			called = true
			here = here || s.States[g].IsGreen()
		}
	}
	return here, called
}

func (c *priority) Save(dst []int64) []int64 {
	return append(c.actuated.Save(dst), int64(c.lag))
}

func (c *priority) Load(src []int64) []int64 {
	src = c.actuated.Load(src)
	c.lag = time.Duration(src[0])
	return src[1:]
}
