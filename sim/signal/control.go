package signal

import (
	"time"

	"tideway/geo"
)

// Controller carries out one plan of one signal. Its state depends on the calls
// it got and on nothing else. Not safe for concurrent use.
type Controller interface {
	// Step returns what every group shows from now on until the next step. It
	// must be called with rising times. The slice is valid until then and must
	// not be written.
	Step(now time.Duration, see Sight) []geo.SignalState
	// Save appends the controller's memory to dst; Load takes it back and
	// returns the rest.
	Save(dst []int64) []int64
	Load(src []int64) []int64
}

// Sight is what a controller sees of the traffic before its stop lines. Groups
// are those of its signal.
type Sight interface {
	// Waiting reports whether a vehicle stands or drives within the detection
	// zone of a group.
	Waiting(group int) bool
	// Detected reports whether a detector looks at a group: pedestrians have none,
	// and cannot call.
	Detected(group int) bool
	// Gap returns the time since a vehicle last was in that zone.
	Gap(group int) time.Duration
	// Coming returns how many vehicles stand or drive towards a group within
	// the range of a wide-area detector, and how long it takes at green until
	// the last of them has passed.
	Coming(group int) (vehicles float64, clear time.Duration)
	// Full reports whether nobody of a group can leave the junction, because
	// the street behind it is full.
	Full(group int) bool
	// Bus and Emergency report whether such a vehicle comes to a group.
	Bus(group int) bool
	Emergency(group int) bool
}

// New returns a controller for a plan that passed geo.CheckPlan, standing at
// time now.
func New(p geo.Plan, groups int, now time.Duration) Controller {
	switch p.Kind {
	case geo.RingBarrier:
		return newRings(p, groups, now)
	case geo.MaxPressure:
		return newPressure(p, groups, now)
	}
	if p.Bus > 0 || p.Preempt {
		return newPriority(p, groups, now)
	}
	if p.Kind == geo.Actuated {
		return newActuated(p, now)
	}
	return &fixed{plan: p, until: -1}
}

// fixed shows its stages in order, as if it had always run: the first one
// begins at the plan's offset modulo its cycle.
type fixed struct {
	plan  geo.Plan
	stage int
	until time.Duration
}

func (f *fixed) Step(now time.Duration, _ Sight) []geo.SignalState {
	if now >= f.until {
		f.stage, f.until = StageAt(f.plan, now)
	}
	return f.plan.Stages[f.stage].States
}

func (f *fixed) Save(dst []int64) []int64 { return dst }

func (f *fixed) Load(src []int64) []int64 {
	f.until = -1
	return src
}

// StageAt returns the stage that a plan of stages shows at time now if it runs
// as planned, and when that stage ends.
func StageAt(p geo.Plan, now time.Duration) (stage int, until time.Duration) {
	cycle := cycleOf(p)
	in := (now - p.Offset) % cycle
	if in < 0 {
		in += cycle
	}
	begin := now - in
	for k, s := range p.Stages {
		if in < s.Duration {
			return k, begin + s.Duration
		}
		in -= s.Duration
		begin += s.Duration
	}
	return len(p.Stages) - 1, begin
}

func cycleOf(p geo.Plan) time.Duration {
	var sum time.Duration
	for _, s := range p.Stages {
		sum += s.Duration
	}
	if sum <= 0 {
		return time.Second
	}
	return sum
}

// PlanAt returns the plan of a signal that a schedule puts in force at a time
// since midnight of the given day: the last switch at or before it, looking
// back up to a week; fallback when the schedule never names the signal.
func PlanAt(schedule []geo.PlanSwitch, s geo.SignalID, fallback geo.PlanID, day time.Weekday, at time.Duration) geo.PlanID {
	for at >= 24*time.Hour {
		day, at = (day+1)%7, at-24*time.Hour
	}
	for back := range 8 {
		on := time.Weekday((int(day) + 7 - back%7) % 7)
		best, found := time.Duration(-1), fallback
		for _, w := range schedule {
			if w.Signal == s && w.Days.Has(on) && w.At > best && (back > 0 || w.At <= at) {
				best, found = w.At, w.Plan
			}
		}
		if best >= 0 {
			return found
		}
	}
	return fallback
}
