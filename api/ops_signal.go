package api

import (
	"context"
	"math"
	"slices"
	"time"

	"tideway/api/wire"
	"tideway/forecast"
	"tideway/geo"
	"tideway/scenarios"
	"tideway/sim/signal"
)

type signalEditInput struct {
	ID   string `path:"id"`
	Body wire.SignalEdit
}

// evaluateSignal serves POST /v1/signals/{id}/evaluate.
func (s *Server) evaluateSignal(ctx context.Context, in *signalEditInput) (*answer[wire.SignalEvaluation], error) {
	id, err := pathID(in.ID)
	if err != nil {
		return nil, err
	}
	e := in.Body
	q := scenarios.SignalQuestion{Signal: id, Adjust: scenarios.AdjustSignal{Plan: e.Plan, CycleS: e.CycleS, OffsetS: e.OffsetS}, Approach: approachFlow(s.opt.Twin.Forecast(), e.From)}
	for i := range e.Split {
		q.Adjust.Split = append(q.Adjust.Split, scenarios.SplitChange{Stage: e.Split[i].Stage, Phase: e.Split[i].Phase, DurationS: &e.Split[i].DurationS})
	}
	for _, v := range e.Volumes {
		q.Flows = append(q.Flows, scenarios.GivenFlow{From: v.From, To: v.To, FlowVPH: v.FlowVPH})
	}
	found, err := s.opt.Twin.EvaluateSignal(ctx, q)
	if err != nil {
		return nil, lost(err, "signal", id)
	}
	return reply(wireEvaluation(id, found)), nil
}

// volumesWithin is how far ahead volumes from the forecast look.
const volumesWithin = time.Hour

// approachFlow returns what tells the flow of an approach, veh/h: what is seen
// now, or the mean of what is expected within the next hour; nil for the
// demand alone.
func approachFlow(f *forecast.Forecast, from string) func(geo.SegmentID) float64 {
	switch {
	case f == nil || from == "" || from == "demand":
		return nil
	case from == "now":
		return func(s geo.SegmentID) float64 { return float64(f.Roads.Now[s].FlowVPH) }
	}
	n := len(f.Roads.Horizons)
	return func(s geo.SegmentID) float64 {
		var sum, count float64
		for h, ahead := range f.Roads.Horizons {
			if v := float64(f.Roads.FlowVPH[int(s)*n+h]); ahead <= volumesWithin && !math.IsNaN(v) {
				sum, count = sum+v, count+1
			}
		}
		return sum / count // NaN when nothing is known
	}
}

func wireEvaluation(id string, a *scenarios.SignalAnswer) wire.SignalEvaluation {
	out := wire.SignalEvaluation{Signal: id, Plan: wirePlan(a.Plan), LeastS: []float64{}, Shown: wireStages(signal.Shown(a.Plan, a.City.Signals.At(a.Plan.Signal).Groups)),
		DelayS: round(a.Delay.Seconds(), 2), X: finite(a.X), LOS: a.LOS.String(), Turns: wireTurns(a), Groups: []wire.LaneGroup{}, Findings: []wire.SignalFinding{}}
	for _, d := range a.Least {
		out.LeastS = append(out.LeastS, d.Seconds())
	}
	for _, g := range a.Groups {
		out.Groups = append(out.Groups, wireLaneGroup(a, g))
	}
	for _, f := range a.Findings {
		out.Findings = append(out.Findings, wire.SignalFinding{Rule: f.Rule, Stage: f.Stage, Phase: f.Phase, Message: f.Text, Refused: f.Refused})
	}
	return out
}

func wireTurns(a *scenarios.SignalAnswer) []wire.SignalTurn {
	out := []wire.SignalTurn{}
	for i, f := range a.Flows {
		t := wire.SignalTurn{From: a.City.Segments.At(f.From).ID, To: a.City.Segments.At(f.To).ID, Turn: f.Turn.String(), Groups: []int{},
			FlowVPH: round(f.Volume.VPH(), 1), Source: string(a.Sources[i])}
		for _, m := range a.City.MovementsOf(a.Plan.Signal) {
			mv := a.City.Movements.At(m)
			if a.City.Lanes.At(mv.From).Segment == f.From && a.City.Lanes.At(mv.To).Segment == f.To && !slices.Contains(t.Groups, mv.Group) {
				t.Groups = append(t.Groups, mv.Group)
			}
		}
		out = append(out, t)
	}
	return out
}

func wireLaneGroup(a *scenarios.SignalAnswer, g signal.GroupResult) wire.LaneGroup {
	out := wire.LaneGroup{Approach: a.City.Segments.At(g.Approach).ID, Lanes: g.Lanes, Turns: []int{}, FlowVPH: round(g.Volume.VPH(), 1), GreenS: g.Green.Seconds(),
		SaturationVPH: round(g.Saturation.VPH(), 1), CapacityVPH: round(g.Capacity.VPH(), 1), LOS: "F"}
	for i, f := range a.Flows {
		if slices.Contains(g.Turns, f.TurnKey) {
			out.Turns = append(out.Turns, i)
		}
	}
	if g.Served {
		out.LOS, out.X, out.DelayS, out.Queue95 = g.Delay.LOS.String(), finite(g.Delay.X), finite(g.Delay.Control.Seconds()), finite(g.Queue95Veh)
	}
	return out
}

// finite returns a number in three decimals, null where there is none.
func finite(v float64) *float64 {
	if math.IsInf(v, 0) {
		return nil
	}
	return wire.Num(round(v, 3))
}
