package scenarios

import (
	"math"
	"slices"
	"time"

	"tideway/geo"
	"tideway/unit"
)

// profile is a macroscopic model of a network of fixed-time signals, good for
// nothing but finding beginnings for the search: cyclic flow profiles after
// Robertson (TRANSYT, 1969). Every lane before a signal has an arrival profile
// of one cycle, made of the departures of upstream lanes, dispersed on their
// way, and of a constant rest. A queue discharges at saturation flow while the
// lane is green. Costs are standing vehicles, the random part of the delay at
// high saturation (HCM's d2) and a share of the stops. One evaluation costs
// about a microsecond per lane and second of cycle.
type profile struct {
	x     *search
	lanes []profileLane
	of    [][]int     // lanes by signal of the study
	show  []displayed // what each signal showed when last asked

	in, out []float64 // scratch
	feeds   [][]int   // lanes that depend on the lanes of a signal, by signal
}

// profileLane is one lane before a signal of the study.
type profileLane struct {
	id     geo.LaneID
	signal int
	moves  []laneMove
	flowS  float64 // arrivals, vehicles per second
	from   []feeder
	restS  float64 // arrivals that no feeder explains

	in    []float64 // arrivals per second of the cycle
	out   []float64 // departures
	costS float64   // standing vehicles, mean over the cycle, and the rest of the cost
}

// laneMove is one movement of a lane: its share of the flow.
type laneMove struct {
	group int
	share float64
	foes  []foeFlow // that it gives way to
}

type foeFlow struct {
	group int
	flowS float64
}

// feeder is an upstream lane: the part of its departures that comes here, and
// how long they take.
type feeder struct {
	lane    int
	part    float64
	travelS float64
}

// Parameters: saturation flow of a lane, critical gap and follow-up of those
// who give way, and seconds of delay that one stop costs.
const (
	laneSaturationS = 0.5
	criticalGapS    = 4.5
	followUpS       = 2.5
	stopCostS       = 4.0
	startLossS      = 1
	analysisS       = 3600.0
)

func (x *search) newProfile(seconds float64) *profile {
	p := &profile{x: x, of: make([][]int, len(x.signals)), show: make([]displayed, len(x.signals)), feeds: make([][]int, len(x.signals))}
	at := map[geo.LaneID]int{}
	for i, s := range x.signals {
		for _, m := range x.city.MovementsOf(s) {
			mv := x.city.Movements.At(m)
			if x.flows[m] == 0 {
				continue
			}
			l, known := at[mv.From]
			if !known {
				l = len(p.lanes)
				at[mv.From] = l
				p.lanes = append(p.lanes, profileLane{id: mv.From, signal: i})
				p.of[i] = append(p.of[i], l)
			}
			lane := &p.lanes[l]
			lane.flowS += x.flows[m] / seconds
			lane.moves = append(lane.moves, laneMove{group: mv.Group, share: x.flows[m] / seconds, foes: x.foes(m, s, seconds)})
		}
	}
	for l := range p.lanes {
		for k := range p.lanes[l].moves {
			p.lanes[l].moves[k].share /= p.lanes[l].flowS
		}
	}
	p.connect(at, seconds)
	return p
}

// foes returns the flows that a movement gives way to at its own signal.
func (x *search) foes(m geo.MovementID, s geo.SignalID, seconds float64) (out []foeFlow) {
	for _, c := range x.city.Conflicts(m) {
		if f := x.city.Movements.At(c.Foe); c.Yield && f.Signal == s && x.flows[c.Foe] > 0 {
			out = append(out, foeFlow{f.Group, x.flows[c.Foe] / seconds})
		}
	}
	return out
}

// connect finds, for every lane's departures, which lanes they reach next.
func (p *profile) connect(at map[geo.LaneID]int, seconds float64) {
	x := p.x
	for from := range p.lanes {
		for _, m := range x.city.MovementsFrom(p.lanes[from].id) {
			if x.flows[m] == 0 {
				continue
			}
			p.follow(at, from, x.city.Lanes.At(x.city.Movements.At(m).To).Segment, x.flows[m]/seconds, x.drive(m), 0)
		}
	}
	for l := range p.lanes {
		lane := &p.lanes[l]
		lane.restS = lane.flowS
		for _, f := range lane.from {
			lane.restS -= f.part * p.lanes[f.lane].flowS
			up := p.lanes[f.lane].signal
			p.feeds[up] = append(p.feeds[up], l)
		}
		lane.restS = math.Max(0, lane.restS)
	}
	for i := range p.feeds {
		slices.Sort(p.feeds[i])
		p.feeds[i] = slices.Compact(p.feeds[i])
	}
}

const maxHops = 8

// follow spreads a flow over the ways it may take until it meets a signal.
func (p *profile) follow(at map[geo.LaneID]int, from int, seg geo.SegmentID, flowS, travelS float64, hop int) {
	x := p.x
	if hop > maxHops || flowS < 0.002 || travelS > 90 {
		return
	}
	s := x.city.Segments.At(seg)
	travelS += float64(s.Length) / (0.9 * float64(s.Limit))
	first, n := x.city.LanesOf(seg)
	var total float64
	for l := first; l < first+geo.LaneID(n); l++ {
		for _, m := range x.city.MovementsFrom(l) {
			total += x.flows[m]
		}
	}
	for l := first; l < first+geo.LaneID(n) && total > 0; l++ {
		for _, m := range x.city.MovementsFrom(l) {
			part := flowS * x.flows[m] / total
			if part == 0 {
				continue
			}
			if to, ok := at[l]; ok && x.city.Movements.At(m).Signal != geo.NoSignal {
				p.feed(to, from, part, travelS)
			} else {
				p.follow(at, from, x.city.Lanes.At(x.city.Movements.At(m).To).Segment, part, travelS+x.drive(m), hop+1)
			}
		}
	}
}

// feed notes that a part of one lane's departures comes to another.
func (p *profile) feed(to, from int, flowS, travelS float64) {
	part := flowS / p.lanes[from].flowS
	for i := range p.lanes[to].from {
		if f := &p.lanes[to].from[i]; f.lane == from && math.Abs(f.travelS-travelS) < 1 {
			f.part += part
			return
		}
	}
	p.lanes[to].from = append(p.lanes[to].from, feeder{from, part, travelS})
}

// drive returns the time to cross a junction, with what starting costs.
func (x *search) drive(m geo.MovementID) float64 {
	mv := x.city.Movements.At(m)
	return float64(mv.Length/unit.Length(math.Max(1, float64(mv.Limit)))) + 1
}

// cost evaluates a genome whose signals share one cycle: vehicles standing or
// delayed on average. Three sweeps settle profiles that go round in circles.
func (p *profile) cost(g genome) float64 {
	for l := range p.lanes {
		if c := cycleS(g[p.lanes[l].signal]); len(p.lanes[l].out) != c {
			p.lanes[l].in, p.lanes[l].out = make([]float64, c), make([]float64, c)
			for t := range p.lanes[l].out {
				p.lanes[l].out[t] = p.lanes[l].flowS
			}
		}
	}
	for range 3 {
		for i := range g {
			p.signal(g[i], i)
		}
	}
	var sum float64
	for l := range p.lanes {
		sum += p.lanes[l].costS
	}
	return sum
}

func cycleS(p geo.Plan) int { return int(p.Cycle / time.Second) }

// signal evaluates the lanes of one signal with the departures of the others
// as they are.
func (p *profile) signal(plan geo.Plan, i int) {
	show := p.shown(plan, i)
	for _, l := range p.of[i] {
		lane := &p.lanes[l]
		p.arrivals(l, -1)
		lane.costS = lane.run(show, lane.in, lane.out)
	}
}

// displayed remembers what a plan shows: neighbours ask again and again.
type displayed struct {
	plan geo.Plan
	shown
}

func (p *profile) shown(plan geo.Plan, i int) shown {
	if d := &p.show[i]; d.stage == nil || !samePlan(d.plan, plan) {
		*d = displayed{clonePlan(plan), display(plan, d.stage)}
	}
	return p.show[i].shown
}

// shown is which stage a signal shows at every second of the network's clock,
// modulo the cycle, and how long each group is green.
type shown struct {
	stages []geo.Stage
	stage  []uint8
	greenS []float64
}

func display(p geo.Plan, buffer []uint8) shown {
	c := cycleS(p)
	out := shown{p.Stages, slices.Grow(buffer[:0], c)[:c], make([]float64, len(p.Stages[0].States))}
	at := int(p.Offset/time.Second) % c
	stage, end := 0, p.Stages[0].Duration
	for t := range c {
		for end <= time.Duration(t)*time.Second+time.Second/2 && stage < len(p.Stages)-1 {
			stage++
			end += p.Stages[stage].Duration
		}
		out.stage[at] = uint8(stage)
		if at++; at == c {
			at = 0
		}
		for g, s := range p.Stages[stage].States {
			if s.IsGreen() {
				out.greenS[g]++
			}
		}
	}
	return out
}

// arrivals renews a lane's arrivals per second of the cycle, without those
// that come from the given signal.
func (p *profile) arrivals(l, without int) {
	lane := &p.lanes[l]
	for t := range lane.in {
		lane.in[t] = lane.restS
	}
	for _, f := range lane.from {
		if p.lanes[f.lane].signal != without {
			p.arrive(lane.in, f)
		}
	}
}

// arrive adds what comes from a feeder.
func (p *profile) arrive(in []float64, f feeder) {
	up := p.lanes[f.lane].out
	if len(up) == len(in) {
		disperse(in, up, f)
		return
	}
	for t := range in { // another cycle: no pattern
		in[t] += f.part * p.lanes[f.lane].flowS
	}
}

// disperse adds a part of the departures of a cycle, smoothed on their way:
// Robertson's recursion, run once around the cycle to settle and once to keep.
func disperse(in, up []float64, f feeder) {
	c := len(up)
	lag := int(math.Round(0.8*f.travelS)) % c
	share := 1 / (1 + 0.35*0.8*f.travelS)
	before, rest := 0.0, 1-share
	for _, v := range up[c-lag:] {
		before = share*v + rest*before
	}
	for _, v := range up[:c-lag] {
		before = share*v + rest*before
	}
	for t, v := range up[c-lag:] {
		before = share*v + rest*before
		in[t] += f.part * before
	}
	for t, v := range up[:c-lag] {
		before = share*v + rest*before
		in[lag+t] += f.part * before
	}
}

// run lets a lane's queue stand and discharge over two cycles and keeps the
// second's departures; it returns the cost.
func (l *profileLane) run(show shown, in, out []float64) float64 {
	c := len(in)
	service := l.services(show)
	var capacity, arriving float64
	for t, v := range in {
		capacity += service[show.stage[t]]
		arriving += v
	}
	x := arriving / math.Max(capacity, 1e-3)
	scale := math.Min(1, 1/x) // what is over capacity is d2's; the pattern is that of a full lane
	var queue, standing, stopped float64
	red, lost := true, 0
	for round := range 2 {
		for t, v := range in {
			may := service[show.stage[t]]
			if may == 0 {
				red, lost = true, startLossS
			} else if red && lost > 0 {
				lost--
				may = 0
			} else {
				red = false
			}
			queue += v * scale
			left := math.Min(queue, may)
			if round == 1 {
				if queue > may+1e-9 {
					stopped += math.Min(v*scale, queue-may)
				}
				standing += queue - left
				out[t] = left
			}
			queue -= left
		}
	}
	capS := capacity / float64(c)
	d2 := 900 * ((x - 1) + math.Sqrt((x-1)*(x-1)+4*x/(math.Max(capS, 1e-4)*analysisS)))
	return (standing+stopCostS*stopped)/float64(c) + d2*l.flowS
}

// maxStages bounds the stages of plans that the model looks at.
const maxStages = 64

// services returns how many vehicles may leave in a second of each stage.
func (l *profileLane) services(show shown) (out [maxStages]float64) {
	for k := range show.stages {
		for _, m := range l.moves {
			switch show.stages[k].States[m.group] {
			case geo.Protected, geo.GreenStop:
				out[k] += laneSaturationS * m.share
			case geo.Permissive:
				out[k] += laneSaturationS * m.share * gaps(show, k, m.foes)
			}
		}
	}
	return out
}

// gaps returns the share of the saturation flow that finds gaps: foes that are
// green come at the rate of their flow over their green.
func gaps(show shown, stage int, foes []foeFlow) float64 {
	var against float64
	for _, f := range foes {
		if show.stages[stage].States[f.group].IsGreen() {
			against += f.flowS * float64(len(show.stage)) / math.Max(1, show.greenS[f.group])
		}
	}
	if against == 0 {
		return 1
	}
	against = math.Min(against, 0.6)
	found := against * math.Exp(-against*criticalGapS) / (1 - math.Exp(-against*followUpS))
	return math.Min(1, found/laneSaturationS)
}
