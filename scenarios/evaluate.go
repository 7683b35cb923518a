package scenarios

import (
	"context"
	"fmt"
	"io/fs"
	"math"
	"slices"
	"time"

	"tideway/geo"
	"tideway/internal/fault"
	"tideway/sim"
	"tideway/sim/signal"
	"tideway/unit"
)

// SignalQuestion asks how a signal would do with a changed plan. What is
// changed is what a signal.adjust operation says.
type SignalQuestion struct {
	Signal   string
	Adjust   AdjustSignal
	Flows    []GivenFlow                 // replace what the demand says of these turns
	Approach func(geo.SegmentID) float64 // veh/h seen on an approach, NaN where unknown; nil: the demand alone
}

// GivenFlow is the volume of a turn, by the outside ids of its segments.
type GivenFlow struct {
	From, To string
	FlowVPH  float64
}

// FlowSource tells where the volume of a turn comes from.
type FlowSource string

// Sources of volumes.
const (
	FromDemand FlowSource = "demand"   // one replication of the base
	FromSensor FlowSource = "approach" // flow seen on the approach, shared among its turns as the demand does
	FromClient FlowSource = "given"
)

// SignalAnswer is a signal with the changed plan, worked out by hand (HCM), not
// simulated.
type SignalAnswer struct {
	City     *geo.City
	Plan     geo.Plan        // as changed
	Least    []time.Duration // per stage or phase: the shortest green stage or split; 0 for clearances
	Flows    []signal.TurnFlow
	Sources  []FlowSource // of Flows
	Findings []Finding
	signal.JunctionResult
}

// EvaluateSignal works out delay, degree of saturation and level of service of
// a signal of which a plan is changed: the one that Adjust.Plan names, else the
// one in force when runs begin. Rules
// that the plan breaks are among the answer's findings; what cannot be worked
// out at all is a *fault.Error. A signal that does not exist wraps
// fs.ErrNotExist. The first question about a base simulates it once.
func (l *Lab) EvaluateSignal(ctx context.Context, q SignalQuestion) (*SignalAnswer, error) {
	base, err := l.o.Base(ctx)
	if err != nil {
		return nil, err
	}
	at, ok := base.City.Signals.Find(q.Signal)
	if !ok {
		return nil, fmt.Errorf("signal %s: %w", q.Signal, fs.ErrNotExist)
	}
	if p := signal.PlanAt(base.City.Schedule, at, base.City.Signals.At(at).Plan, l.o.Period.Day, l.o.Period.Begin); q.Adjust.Plan == "" && p != geo.NoPlan {
		q.Adjust.Plan = base.City.Plans.At(p).ID
	}
	b := newBuilder(base)
	was, plan := b.edited(&q.Adjust, at)
	out := &SignalAnswer{City: base.City, Plan: plan, Flows: signal.Turns(base.City, at)}
	given := q.given(out, b.bad)
	if err := b.bad.Err("changing the plan of signal " + q.Signal); err != nil {
		return nil, err
	}
	passed, err := l.passed(ctx, base)
	if err != nil {
		return nil, err
	}
	out.volumes(at, passed, q.Approach, given)
	out.Findings, out.Least = findings(base.City, plan, &was), leastOf(base.City, plan, &was)
	out.JunctionResult, err = signal.Junction(base.City, plan, out.Flows)
	return out, problemOf(err, q.Signal)
}

// problemOf makes what the formulas do not cover the asker's problem.
func problemOf(err error, id string) error {
	var bad fault.List
	if err != nil {
		bad.Addf("plan", id, "%v", err)
	}
	return bad.Err("working out a signal")
}

// edited returns the plan that is changed and what becomes of it.
func (b *builder) edited(a *AdjustSignal, at geo.SignalID) (was, plan geo.Plan) {
	b.where = "plan"
	plans := b.plansToAdjust(a, at, nil)
	if len(plans) == 0 {
		return was, plan
	}
	was = b.city.Plans.At(plans[0])
	plan, ok := a.adjusted(b, was)
	if ok {
		geo.CheckPlan(plan, b.city.Signals.At(at), b.bad)
	}
	return was, plan
}

// given returns the client's volumes by turn.
func (q *SignalQuestion) given(a *SignalAnswer, bad *fault.List) map[signal.TurnKey]float64 {
	out := map[signal.TurnKey]float64{}
	for i, g := range q.Flows {
		where := fmt.Sprintf("volumes[%d]", i)
		from, there := a.City.Segments.Find(g.From)
		to, also := a.City.Segments.Find(g.To)
		k := signal.TurnKey{From: from, To: to}
		if !there || !also || !slices.ContainsFunc(a.Flows, func(f signal.TurnFlow) bool { return f.TurnKey == k }) {
			bad.Addf(where, g.From+" to "+g.To, "is no turn of signal %s", q.Signal)
			continue
		}
		if !(g.FlowVPH >= 0 && g.FlowVPH <= maxFlowVPH) {
			bad.Addf(where, g.From+" to "+g.To, "volume is %v veh/h, expected 0 to %v", g.FlowVPH, maxFlowVPH)
		}
		out[k] = g.FlowVPH
	}
	return out
}

// maxFlowVPH bounds what a client may give a turn; no street carries it.
const maxFlowVPH = 20000

// volumes fills in the flow of every turn: given, else that of the demand,
// scaled to what is seen on the approach.
func (a *SignalAnswer) volumes(s geo.SignalID, passed []float64, seen func(geo.SegmentID) float64, given map[signal.TurnKey]float64) {
	byTurn, bySegment, turns := map[signal.TurnKey]float64{}, map[geo.SegmentID]float64{}, map[geo.SegmentID]float64{}
	for _, m := range a.City.MovementsOf(s) {
		mv := a.City.Movements.At(m)
		k := signal.TurnKey{From: a.City.Lanes.At(mv.From).Segment, To: a.City.Lanes.At(mv.To).Segment}
		byTurn[k] += passed[m]
		bySegment[k.From] += passed[m]
	}
	for _, f := range a.Flows {
		turns[f.From]++
	}
	a.Sources = make([]FlowSource, len(a.Flows))
	for i := range a.Flows {
		k := a.Flows[i].TurnKey
		v, source := byTurn[k], FromDemand
		if now := sight(seen, k.From); now >= 0 {
			source = FromSensor
			if v = now / turns[k.From]; bySegment[k.From] > 0 {
				v = now * byTurn[k] / bySegment[k.From]
			}
		}
		if g, ok := given[k]; ok {
			v, source = g, FromClient
		}
		a.Flows[i].Volume, a.Sources[i] = unit.Flow(v)*unit.VPH, source
	}
}

// sight returns the flow seen on a segment, negative when nothing is known.
func sight(seen func(geo.SegmentID) float64, s geo.SegmentID) float64 {
	if seen == nil {
		return -1
	}
	if v := seen(s); !math.IsNaN(v) {
		return v
	}
	return -1
}

// leastOf returns the shortest that every green stage may be, or every split.
func leastOf(city *geo.City, p geo.Plan, was *geo.Plan) (out []time.Duration) {
	for _, st := range p.Stages {
		least := time.Duration(0)
		if IsGreenStage(st) {
			least = leastGreen(city, p.Signal, was, st)
		}
		out = append(out, least)
	}
	for _, ph := range p.Phases {
		out = append(out, max(ph.MinGreen, ph.Walk+ph.PedClear)+ph.Yellow+ph.AllRed)
	}
	return out
}

// passages are the vehicles an hour that enter every movement of a base.
type passages struct {
	base Base
	vph  []float64
}

// passed returns the vehicles an hour that enter every movement in one
// replication of the base over the period of runs. It is simulated when it is
// first asked for; one at a time, the others wait.
func (l *Lab) passed(ctx context.Context, base Base) ([]float64, error) {
	select {
	case l.counting <- struct{}{}:
		defer func() { <-l.counting }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if l.counted.base == base {
		return l.counted.vph, nil
	}
	vph := make([]float64, base.City.Movements.Len())
	if base.Demand != nil {
		in := l.o.Period
		in.City, in.Demand, in.Threads, in.Interval = base.City, base.Demand, l.o.Threads, 0
		simulate := l.o.Simulate
		if simulate == nil {
			simulate = sim.Run
		}
		res, err := simulate(ctx, in, nil)
		if err != nil {
			return nil, fmt.Errorf("counting the turns of the demand: %w", err)
		}
		for m, n := range flowsOf(&res.Movements, len(vph)) {
			vph[m] = n / (in.End - in.Begin).Hours()
		}
	}
	l.counted = passages{base, vph}
	return vph, nil
}
