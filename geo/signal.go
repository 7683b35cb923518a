package geo

import "time"

// Signal is a controller with its groups. A group is what shows one state: the
// movements that refer to it (Movement.Group).
type Signal struct {
	ID     string
	Groups int
	Plan   PlanID // in force when the schedule names no other
}

// SignalState is what a group shows.
type SignalState byte

// States; the letters are those of SUMO's tlLogic.
const (
	Red        SignalState = 'r'
	RedYellow  SignalState = 'u'
	Yellow     SignalState = 'y'
	Permissive SignalState = 'g' // green, gives way
	Protected  SignalState = 'G' // green, has priority
	Off        SignalState = 'O' // dark: right of way by signs
	Blinking   SignalState = 'o' // yellow blinking: give way
	GreenStop  SignalState = 's' // stop, then go when free (right on red)
)

// IsGreen reports whether traffic may start.
func (s SignalState) IsGreen() bool { return s == Permissive || s == Protected }

// Valid reports whether s is one of the states above.
func (s SignalState) Valid() bool {
	switch s {
	case Red, RedYellow, Yellow, Permissive, Protected, Off, Blinking, GreenStop:
		return true
	}
	return false
}

// PlanKind is how a plan is carried out.
type PlanKind uint8

// Kinds of plan.
const (
	FixedTime   PlanKind = iota // stages in order for their durations
	Actuated                    // stages in order, extended between Min and Max by detectors
	RingBarrier                 // NEMA phases in rings with barriers
	MaxPressure                 // green stages in the order that traffic asks for, within Min, Max and MaxRed
)

var planKindNames = []string{"fixed", "actuated", "ring_barrier", "max_pressure"}

// String returns the name of the kind.
func (k PlanKind) String() string { return name(planKindNames, int(k)) }

// ParsePlanKind returns the kind with the given name.
func ParsePlanKind(s string) (PlanKind, error) { return parse[PlanKind](planKindNames, s, "plan kind") }

// Plan is a signal program as data; package sim/signal gives it behaviour and
// validates it. Either Stages (FixedTime, Actuated) or Phases (RingBarrier) is set.
type Plan struct {
	ID     string // unique within its signal, e.g. "utopia"
	Signal SignalID
	Kind   PlanKind
	Cycle  time.Duration // sum of stage durations, or the coordinated cycle
	Offset time.Duration // first stage (coordinated phase's reference) starts at Offset modulo Cycle
	Anchor OffsetAnchor
	Stages []Stage
	Phases []RingPhase

	MaxRed  time.Duration // max-pressure control: whom somebody waits for is served after that at the latest; 0: 120 s
	Bus     time.Duration // greens may be lengthened or cut by so much for an approaching bus; 0: no priority
	Preempt bool          // an emergency vehicle is given its green as soon as clearances allow
}

// OffsetAnchor is the event that the offset times.
type OffsetAnchor uint8

// Anchors.
const (
	AnchorFirstStage OffsetAnchor = iota // begin of stage 1 or of the cycle
	AnchorGreen                          // begin of the coordinated greens: the last of them to begin
	AnchorYellow                         // end of the coordinated greens: the first of them to end
)

var offsetAnchorNames = []string{"first_stage", "green", "yellow"}

// String returns the name of the anchor.
func (a OffsetAnchor) String() string { return name(offsetAnchorNames, int(a)) }

// ParseOffsetAnchor returns the anchor with the given name.
func ParseOffsetAnchor(s string) (OffsetAnchor, error) {
	return parse[OffsetAnchor](offsetAnchorNames, s, "offset anchor")
}

// Stage is an interval during which no group changes.
type Stage struct {
	Name     string
	Duration time.Duration
	Min, Max time.Duration // limits for actuation and optimisation; equal to Duration when fixed
	States   []SignalState // one per group of the signal
	Next     []int         // stages that may follow; empty: the next one
}

// RingPhase is one NEMA phase of a ring-barrier plan.
type RingPhase struct {
	Phase       int // NEMA number, 1 to 16
	Ring        int // from 1
	Barrier     int // from 1: phases of one barrier may run together across rings
	Position    int // order within ring and barrier, from 1
	Groups      []int
	Permissive  []int // groups that are green but give way
	Split       time.Duration
	MinGreen    time.Duration
	MaxGreen    time.Duration
	Yellow      time.Duration
	AllRed      time.Duration
	Walk        time.Duration
	PedClear    time.Duration
	Passage     time.Duration
	Recall      Recall
	Coordinated bool
}

// Recall is a call placed without a detector.
type Recall uint8

// Recalls.
const (
	NoRecall Recall = iota
	MinRecall
	MaxRecall
	PedRecall
)

var recallNames = []string{"none", "min", "max", "ped"}

// String returns the name of the recall.
func (r Recall) String() string { return name(recallNames, int(r)) }

// ParseRecall returns the recall with the given name.
func ParseRecall(s string) (Recall, error) { return parse[Recall](recallNames, s, "recall") }

// PlanSwitch is one row of a signal's daily schedule.
type PlanSwitch struct {
	Signal SignalID
	Days   Weekdays
	At     time.Duration // since local midnight
	Plan   PlanID
}

// Weekdays is a set of days; bit time.Monday is Monday.
type Weekdays uint8

// EveryDay holds all seven days.
const EveryDay Weekdays = 1<<7 - 1

// Has reports whether d is in the set.
func (w Weekdays) Has(d time.Weekday) bool { return w>>d&1 != 0 }
