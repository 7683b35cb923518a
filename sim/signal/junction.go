package signal

import (
	"fmt"
	"math"
	"slices"
	"time"

	"tideway/geo"
	"tideway/unit"
)

// A junction after the Highway Capacity Manual, 7th edition, chapters 19 and 31:
// lane groups from the geometry, saturation flows, lane choice, permitted
// turns, delay. docs/models/signals.md lists what is simplified.

// TurnKey names a turn of a junction: from a segment into a segment.
type TurnKey struct{ From, To geo.SegmentID }

// TurnFlow is the demand of a turn.
type TurnFlow struct {
	TurnKey
	Turn   geo.Turn
	Volume unit.Flow
}

// Turns returns the turns that motor vehicles make at a signal, in order of
// their movements, without volumes.
func Turns(c *geo.City, s geo.SignalID) (out []TurnFlow) {
	seen := map[TurnKey]bool{}
	for _, m := range c.MovementsOf(s) {
		mv := c.Movements.At(m)
		k := TurnKey{c.Lanes.At(mv.From).Segment, c.Lanes.At(mv.To).Segment}
		if mv.Allow&geo.MotorClasses != 0 && !seen[k] {
			seen[k] = true
			out = append(out, TurnFlow{TurnKey: k, Turn: mv.Turn})
		}
	}
	return out
}

// GroupResult is a lane group: lanes of one approach that serve the same turns
// and see the same signals.
type GroupResult struct {
	Approach   geo.SegmentID
	Lanes      []int // indices on the approach, 0 nearest the kerb
	Turns      []TurnKey
	Volume     unit.Flow
	Green      time.Duration // per cycle
	Saturation unit.Flow     // mean over that green
	Capacity   unit.Flow
	Served     bool    // there is capacity; else Delay is empty
	Delay      Delay   // of vehicles that arrive in 15 minutes
	Queue95Veh float64 // 95th percentile back of queue, vehicles per lane
}

// JunctionResult is a junction under a plan.
type JunctionResult struct {
	Groups []GroupResult
	Delay  time.Duration // control delay, mean over vehicles; of served groups
	X      float64       // highest degree of saturation; infinite where traffic has no capacity
	LOS    LOS
}

// permittedGap and permittedFollow are the manual's critical and follow-up
// headway of permitted left turns (exhibit 31-5 uses 4.5 s and 2.5 s);
// sneakers turn at the end of every permitted green.
const (
	permittedGapS    = 4.5
	permittedFollowS = 2.5
	sneakers         = 2
)

// Junction works out delay, degree of saturation and level of service of a
// signal under a plan whose greens last as they are planned: effective green is
// green shown, as start-up loss and use of yellow are 2 s each. Arrivals are
// random, so the offset changes nothing here. The plan must pass
// geo.CheckPlan and have a cycle; a max-pressure plan has no planned greens and
// is an error.
func Junction(c *geo.City, p geo.Plan, flows []TurnFlow) (JunctionResult, error) {
	if p.Kind == geo.MaxPressure {
		return JunctionResult{}, fmt.Errorf("plan %s shows its greens as traffic asks for them (%v); there is no cycle to work out", p.ID, p.Kind)
	}
	if p.Cycle <= 0 {
		return JunctionResult{}, fmt.Errorf("plan %s has no cycle", p.ID)
	}
	j := newJunction(c, p, flows)
	j.chooseLanes()
	return j.result()
}

// turnAt is a turn as one lane serves it.
type turnAt struct {
	turn     int // in flows
	movement geo.MovementID
	flow     float64 // of this lane, veh/h
}

type laneAt struct {
	lane  geo.LaneID
	turns []turnAt
	green time.Duration
	cap   float64 // veh/h
}

func (l *laneAt) flow() (sum float64) {
	for i := range l.turns {
		sum += l.turns[i].flow
	}
	return sum
}

type junction struct {
	city   *geo.City
	plan   geo.Plan
	flows  []TurnFlow
	volume map[TurnKey]float64
	shown  []geo.Stage
	begin  []time.Duration // of the stages shown
	lanes  []laneAt
}

func newJunction(c *geo.City, p geo.Plan, flows []TurnFlow) *junction {
	j := &junction{city: c, plan: p, flows: flows, volume: map[TurnKey]float64{}, shown: Shown(p, c.Signals.At(p.Signal).Groups)}
	var at time.Duration
	for _, s := range j.shown {
		j.begin = append(j.begin, at)
		at += s.Duration
	}
	for _, f := range flows {
		j.volume[f.TurnKey] = f.Volume.VPH()
	}
	for _, m := range c.MovementsOf(p.Signal) {
		j.place(m)
	}
	slices.SortFunc(j.lanes, func(a, b laneAt) int { return int(a.lane) - int(b.lane) })
	return j
}

// place gives a movement to its lane, unless the lane has the turn already.
func (j *junction) place(m geo.MovementID) {
	mv := j.city.Movements.At(m)
	turn := slices.IndexFunc(j.flows, func(f TurnFlow) bool { return f.TurnKey == j.key(m) })
	if turn < 0 || mv.Allow&geo.MotorClasses == 0 {
		return
	}
	at := slices.IndexFunc(j.lanes, func(l laneAt) bool { return l.lane == mv.From })
	if at < 0 {
		at = len(j.lanes)
		j.lanes = append(j.lanes, laneAt{lane: mv.From})
	}
	l := &j.lanes[at]
	if !slices.ContainsFunc(l.turns, func(t turnAt) bool { return t.turn == turn }) {
		l.turns = append(l.turns, turnAt{turn: turn, movement: m})
	}
}

func (j *junction) key(m geo.MovementID) TurnKey {
	mv := j.city.Movements.At(m)
	return TurnKey{j.city.Lanes.At(mv.From).Segment, j.city.Lanes.At(mv.To).Segment}
}

// choiceSteps is how often drivers reconsider their lane: the share of a turn
// that is on a lane goes with 1/√X each time, which settles to 1 % within it.
const choiceSteps = 40

// chooseLanes distributes every turn over its lanes until those that drivers
// can choose between are equally saturated (the manual's lane choice, chapter 31).
func (j *junction) chooseLanes() {
	for t := range j.flows {
		j.share(t, func(*laneAt) float64 { return 1 })
	}
	for range choiceSteps {
		for i := range j.lanes {
			j.serve(&j.lanes[i])
		}
		for t := range j.flows {
			j.share(t, func(l *laneAt) float64 {
				at := slices.IndexFunc(l.turns, func(x turnAt) bool { return x.turn == t })
				return l.turns[at].flow * math.Sqrt(l.cap/math.Max(l.flow(), 1e-9))
			})
		}
	}
	for i := range j.lanes {
		j.serve(&j.lanes[i])
	}
}

// share distributes turn t over the lanes that serve it in proportion to
// weight; evenly when no lane has any.
func (j *junction) share(t int, weight func(*laneAt) float64) {
	var on []*turnAt
	var weights []float64
	var sum float64
	for i := range j.lanes {
		l := &j.lanes[i]
		if at := slices.IndexFunc(l.turns, func(x turnAt) bool { return x.turn == t }); at >= 0 {
			on, weights = append(on, &l.turns[at]), append(weights, weight(l))
			sum += weights[len(weights)-1]
		}
	}
	v := j.flows[t].Volume.VPH()
	for i, x := range on {
		x.flow = v / float64(len(on))
		if sum > 0 {
			x.flow = v * weights[i] / sum
		}
	}
}

// serve works out a lane's green and capacity: in every stage its turns follow
// one another, each at its own saturation flow, and one that is red holds up
// all.
func (j *junction) serve(l *laneAt) {
	var vehicles float64 // per cycle
	l.green = 0
	waits := false // somebody looks for gaps
	for k, s := range j.shown {
		headway, yields := j.headway(l, k)
		if math.IsInf(headway, 1) {
			continue
		}
		waits = waits || yields
		l.green += s.Duration
		vehicles += s.Duration.Seconds() / headway
	}
	if waits {
		vehicles = math.Max(vehicles, sneakers)
	}
	l.cap = vehicles * 3600 / j.plan.Cycle.Seconds()
}

// headway returns the mean seconds between two vehicles of a lane during stage
// k, weighted by its turns (evenly where there is no traffic), and whether one
// of them gives way. Infinite: nobody may go.
func (j *junction) headway(l *laneAt, k int) (mean float64, yields bool) {
	total := l.flow()
	for _, t := range l.turns {
		share := 1 / float64(len(l.turns))
		if total > 0 {
			share = t.flow / total
		}
		if share == 0 {
			continue
		}
		switch state := j.shown[k].States[j.city.Movements.At(t.movement).Group]; state {
		case geo.Protected:
			mean += share * 3600 / j.saturation(l, t)
		case geo.Permissive, geo.Off, geo.Blinking:
			s := j.permitted(l, t, k)
			mean += share * 3600 / s
			yields = yields || s < j.saturation(l, t)
		default:
			return math.Inf(1), false
		}
	}
	return mean, yields
}

// saturation returns the saturation flow of a turn on one lane, veh/h, with
// right of way, from the lane's width and the turn.
func (j *junction) saturation(l *laneAt, t turnAt) float64 {
	in := SaturationInput{Width: j.city.Lanes.At(l.lane).Width}
	switch j.flows[t.turn].Turn {
	case geo.Left, geo.UTurn:
		in.Turn = ProtectedLeft
	case geo.Right:
		in.Turn = ExclusiveRight
	}
	return in.Saturation().VPH()
}

// permitted returns the saturation flow of a turn that gives way during stage
// k: nobody while the opposing queue discharges, then as gaps allow. With no
// opposing green it is that with right of way. Never 0: a trickle keeps the
// arithmetic finite, and sneakers count where it matters.
func (j *junction) permitted(l *laneAt, t turnAt, k int) float64 {
	free := j.saturation(l, t)
	opposing, queued := j.opposing(t.movement, k)
	if opposing == 0 {
		return free
	}
	d := j.shown[k].Duration.Seconds()
	open := math.Max(0, d-queued) / d
	return math.Max(1, math.Min(free, open*PermittedSaturation(unit.Flow(opposing)*unit.VPH).VPH()))
}

// opposing returns the volume that movement m yields to and that is green in
// stage k, and for how many seconds of the stage its queue discharges.
func (j *junction) opposing(m geo.MovementID, k int) (vph, queuedS float64) {
	counted := map[TurnKey]bool{}
	for _, x := range j.city.Conflicts(m) {
		foe := j.city.Movements.At(x.Foe)
		key := j.key(x.Foe)
		if !x.Yield || foe.Signal != j.plan.Signal || counted[key] || !j.shown[k].States[foe.Group].IsGreen() {
			continue
		}
		counted[key] = true
		vph += j.volume[key]
		queuedS = math.Max(queuedS, j.queueEnd(x.Foe, k)-j.begin[k].Seconds())
	}
	return vph, math.Max(0, queuedS)
}

// queueEnd returns when, on the clock of stage k's cycle, the queue of a
// movement's lane has gone that began to discharge at the begin of its green:
// after v·r/(s−v).
func (j *junction) queueEnd(m geo.MovementID, k int) float64 {
	at := slices.IndexFunc(j.lanes, func(l laneAt) bool { return l.lane == j.city.Movements.At(m).From })
	if at < 0 {
		return 0
	}
	group := j.city.Movements.At(m).Group
	began, cycle := j.begin[k], j.plan.Cycle.Seconds()
	for back := 1; back < len(j.shown); back++ {
		i := (k - back + len(j.shown)) % len(j.shown)
		if !j.shown[i].States[group].IsGreen() {
			break
		}
		began -= j.shown[i].Duration
	}
	v, s := j.lanes[at].flow(), 1900.0
	red := cycle - j.greenOf(group)
	if v >= s*(1-red/cycle) { // over capacity: the queue never ends
		return math.Inf(1)
	}
	return began.Seconds() + v*red/(s-v)
}

func (j *junction) greenOf(group int) (sumS float64) {
	for _, s := range j.shown {
		if s.States[group].IsGreen() {
			sumS += s.Duration.Seconds()
		}
	}
	return sumS
}

// PermittedSaturation returns the saturation flow of one lane of left turns
// that look for gaps in an opposing flow: v·e^(−v·tc/3600)/(1−e^(−v·tf/3600))
// with critical headway 4.5 s and follow-up headway 2.5 s (HCM, 6th and 7th
// edition, equation 31-100); 1440 veh/h for no flow.
func PermittedSaturation(opposing unit.Flow) unit.Flow {
	v := opposing.VPH()
	if v <= 0 {
		return 3600 / permittedFollowS * unit.VPH
	}
	return unit.Flow(v*math.Exp(-v*permittedGapS/3600)/(1-math.Exp(-v*permittedFollowS/3600))) * unit.VPH
}

// result joins lanes into lane groups and works out their delays.
func (j *junction) result() (JunctionResult, error) {
	var out JunctionResult
	var volumes []unit.Flow
	var delays []Delay
	for i := 0; i < len(j.lanes); {
		n := 1
		for i+n < len(j.lanes) && j.sameGroup(&j.lanes[i], &j.lanes[i+n]) {
			n++
		}
		g, err := j.group(j.lanes[i : i+n])
		if err != nil {
			return out, err
		}
		if g.Served {
			volumes, delays = append(volumes, g.Volume), append(delays, g.Delay)
			out.X = math.Max(out.X, g.Delay.X)
		} else if g.Volume > 0 {
			out.X = math.Inf(1)
		}
		out.Groups = append(out.Groups, g)
		i += n
	}
	out.Delay = MeanDelay(volumes, delays)
	out.LOS = LevelOfService(out.Delay, 0, HCM7) // of a junction by delay alone
	if math.IsInf(out.X, 1) {
		out.LOS = 'F'
	}
	return out, nil
}

func (j *junction) sameGroup(a, b *laneAt) bool {
	if j.city.Lanes.At(a.lane).Segment != j.city.Lanes.At(b.lane).Segment || len(a.turns) != len(b.turns) {
		return false
	}
	for _, t := range a.turns {
		at := slices.IndexFunc(b.turns, func(x turnAt) bool { return x.turn == t.turn })
		if at < 0 || !j.sameSignal(t.movement, b.turns[at].movement) {
			return false
		}
	}
	return true
}

func (j *junction) sameSignal(a, b geo.MovementID) bool {
	g, h := j.city.Movements.At(a).Group, j.city.Movements.At(b).Group
	return !slices.ContainsFunc(j.shown, func(s geo.Stage) bool { return s.States[g] != s.States[h] })
}

func (j *junction) group(lanes []laneAt) (GroupResult, error) {
	g := GroupResult{Approach: j.city.Lanes.At(lanes[0].lane).Segment}
	for _, t := range lanes[0].turns {
		g.Turns = append(g.Turns, j.flows[t.turn].TurnKey)
	}
	for i := range lanes {
		l := &lanes[i]
		g.Lanes = append(g.Lanes, j.city.Lanes.At(l.lane).Index)
		g.Volume += unit.Flow(l.flow()) * unit.VPH
		g.Capacity += unit.Flow(l.cap) * unit.VPH
		g.Green = max(g.Green, l.green)
	}
	g.Served = g.Capacity > 0 && g.Green > 0
	if !g.Served {
		return g, nil
	}
	g.Saturation = g.Capacity * unit.Flow(j.plan.Cycle.Seconds()/g.Green.Seconds())
	in := LaneGroup{Cycle: j.plan.Cycle, Green: g.Green, Capacity: g.Capacity, Volume: g.Volume}
	if j.extends(lanes[0].turns[0].movement) {
		in.K = ActuatedK(DefaultPassage, float64(g.Volume/g.Capacity))
	}
	var err error
	g.Delay, err = in.Delay()
	n := unit.Flow(len(lanes))
	q := QueueInput{Cycle: in.Cycle, Green: in.Green, Saturation: g.Saturation / n, Volume: g.Volume / n, Actuated: in.K > 0}
	g.Queue95Veh = QueuePercentile(q.BackOfQueue(), 0.95)
	return g, err
}

// extends tells whether traffic lengthens the green of a movement: in actuated
// plans all, in ring-barrier plans those that are not coordinated.
func (j *junction) extends(m geo.MovementID) bool {
	if j.plan.Kind != geo.RingBarrier {
		return j.plan.Kind == geo.Actuated
	}
	group := j.city.Movements.At(m).Group
	return !slices.ContainsFunc(j.plan.Phases, func(p geo.RingPhase) bool { return p.Coordinated && slices.Contains(p.Groups, group) })
}
