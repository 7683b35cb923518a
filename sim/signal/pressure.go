package signal

import (
	"slices"
	"time"

	"tideway/geo"
)

// pressure shows the green stages of a plan in the order that traffic asks
// for: after every minimum green it serves the stage with the most pressure.
// Max pressure (Varaiya 2013) counts vehicles; here they are divided by the
// time it takes to serve them, clearance and start included, so that a queue on
// its way is not left for one that must first be changed to (the priority index
// of Lämmer and Helbing, 2008). The guards bind whatever the pressures are:
//   - a green lasts its Min at least (which holds pedestrians' time), and Max
//     at most while another stage would serve vehicles that it does not: as under
//     actuation the maximum ends a green for somebody, and with nobody coming
//     elsewhere it rests in green;
//   - whom somebody waits for, and who cannot call (pedestrians), is served after
//     MaxRed at the latest;
//   - a group whose street ahead is full counts nothing;
//   - clearances are the plan's yellow and all-red, for every pair of stages.
type pressure struct {
	plan        geo.Plan
	greens      []int
	yellow, red time.Duration
	at, next    int // in greens
	part        phasePart
	began       time.Duration
	lastGreen   []time.Duration // by group
	states      []geo.SignalState
}

const (
	busVehicles = 10 // that a bus counts for under priority

	// DefaultMaxRed is the longest red of a group that somebody waits for, when
	// the plan names none.
	DefaultMaxRed = 120 * time.Second
	defaultYellow = 3 * time.Second
)

func newPressure(p geo.Plan, groups int, now time.Duration) *pressure {
	c := &pressure{plan: p, began: now, lastGreen: make([]time.Duration, groups), states: make([]geo.SignalState, groups)}
	for k, s := range p.Stages {
		green, yellow := slices.ContainsFunc(s.States, geo.SignalState.IsGreen), slices.Contains(s.States, geo.Yellow)
		switch {
		case yellow:
			c.yellow = max(c.yellow, s.Duration)
		case green:
			c.greens = append(c.greens, k)
		default:
			c.red = max(c.red, s.Duration)
		}
	}
	if c.yellow == 0 {
		c.yellow = defaultYellow
	}
	if len(c.greens) == 0 {
		c.greens = []int{0}
	}
	for g := range c.lastGreen {
		c.lastGreen[g] = now
	}
	return c
}

func (c *pressure) stage(k int) *geo.Stage { return &c.plan.Stages[c.greens[k]] }

func (c *pressure) Step(now time.Duration, see Sight) []geo.SignalState {
	if c.part == partYellow && now-c.began >= c.yellow {
		c.part, c.began = partRed, now
	}
	if c.part == partRed && now-c.began >= c.red {
		c.part, c.began, c.at = partGreen, now, c.next
	}
	if c.part == partGreen {
		if c.next = c.choose(now, see); c.next != c.at {
			c.leave(now)
		}
	}
	c.show(now)
	return c.states
}

// leave begins the clearance, or goes on at once when nobody loses a green.
func (c *pressure) leave(now time.Duration) {
	c.part, c.began = partYellow, now
	for g, s := range c.stage(c.at).States {
		if s.IsGreen() && !c.stage(c.next).States[g].IsGreen() {
			return
		}
	}
	c.part, c.at = partGreen, c.next
}

// choose returns the stage to be shown: the present one, or the one to change
// to.
func (c *pressure) choose(now time.Duration, see Sight) int {
	shown, here := now-c.began, c.stage(c.at)
	if c.plan.Preempt {
		if k, called := c.emergency(see); called && (k == c.at || shown >= min(here.Min, emergencyGreen)) {
			return k
		}
	}
	if shown < here.Min {
		return c.at
	}
	if k, due := c.overdue(now, see); due {
		return k
	}
	best, most := c.at, c.weight(c.at, see)
	must := here.Max > 0 && shown >= here.Max
	threshold := most
	if must {
		threshold = 0
	}
	for k := range c.greens {
		if w := c.weight(k, see); k != c.at && w > threshold && !(must && c.sameGreens(k)) {
			best, threshold = k, w
		}
	}
	return best
}

// emergencyGreen is what a green lasts at least before pre-emption ends it.
const emergencyGreen = 5 * time.Second

// sameGreens reports whether stage k holds every green of the present one, so
// that changing to it would relieve nobody.
func (c *pressure) sameGreens(k int) bool {
	for g, s := range c.stage(c.at).States {
		if s.IsGreen() && !c.stage(k).States[g].IsGreen() {
			return false
		}
	}
	return true
}

// weight returns the pressure of a stage: vehicles per second that it would
// serve until those who are there have passed, with what changing to it costs.
func (c *pressure) weight(k int, see Sight) float64 {
	var sum float64
	var longest time.Duration
	for g, s := range c.stage(k).States {
		if !s.IsGreen() || see.Full(g) {
			continue
		}
		n, clear := see.Coming(g)
		if c.plan.Bus > 0 && see.Bus(g) {
			n += busVehicles
		}
		sum += n
		if n > 0 {
			longest = max(longest, clear)
		}
	}
	if k != c.at {
		longest += c.yellow + c.red + startLoss
	}
	return sum / max(1, longest.Seconds())
}

// startLoss is what the first vehicle of a queue needs to start.
const startLoss = 2 * time.Second

// emergency returns the stage for an emergency vehicle: the present one when
// it serves it, else the one with the most protected greens for it.
func (c *pressure) emergency(see Sight) (stage int, called bool) {
	for g := range c.states {
		if !see.Emergency(g) {
			continue
		}
		if c.stage(c.at).States[g].IsGreen() {
			return c.at, true
		}
		for k := range c.greens {
			if s := c.stage(k).States[g]; s == geo.Protected || s.IsGreen() && !called {
				stage, called = k, true
			}
		}
	}
	return stage, called
}

// overdue returns the stage that serves the group that has waited longest
// beyond the longest red.
func (c *pressure) overdue(now time.Duration, see Sight) (stage int, due bool) {
	longest := c.plan.MaxRed
	if longest == 0 {
		longest = DefaultMaxRed
	}
	longest -= c.yellow + c.red
	for g, last := range c.lastGreen {
		if now-last < longest || see.Detected(g) && !see.Waiting(g) {
			continue
		}
		most := -1.0
		for k := range c.greens {
			if w := c.weight(k, see); c.stage(k).States[g].IsGreen() && w > most {
				stage, due, most, longest = k, true, w, now-last
			}
		}
	}
	return stage, due
}

// show writes the states of all groups.
func (c *pressure) show(now time.Duration) {
	if c.part == partGreen {
		copy(c.states, c.stage(c.at).States)
	} else {
		clear := Clearance(c.stage(c.at).States, c.stage(c.next).States, c.states)
		if c.part == partRed {
			for g := range clear {
				if clear[g] == geo.Yellow {
					clear[g] = geo.Red
				}
			}
		}
	}
	for g, s := range c.states {
		if s.IsGreen() {
			c.lastGreen[g] = now
		}
	}
}

// Clearance writes what is shown between two green stages to out: groups that
// stay green are green, those that lose their green yellow, all others red or
// what is no signal at all.
func Clearance(from, to, out []geo.SignalState) []geo.SignalState {
	for g := range from {
		switch {
		case from[g].IsGreen() && to[g].IsGreen():
			out[g] = from[g]
		case from[g].IsGreen():
			out[g] = geo.Yellow
		case from[g] == geo.Red || to[g].IsGreen():
			out[g] = geo.Red
		default:
			out[g] = from[g]
		}
	}
	return out
}

func (c *pressure) Save(dst []int64) []int64 {
	dst = append(dst, int64(c.at), int64(c.next), int64(c.part), int64(c.began))
	for _, t := range c.lastGreen {
		dst = append(dst, int64(t))
	}
	return dst
}

func (c *pressure) Load(src []int64) []int64 {
	c.at, c.next, c.part, c.began = int(src[0]), int(src[1]), phasePart(src[2]), time.Duration(src[3])
	for g := range c.lastGreen {
		c.lastGreen[g] = time.Duration(src[4+g])
	}
	return src[4+len(c.lastGreen):]
}
