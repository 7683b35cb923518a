package scenarios

import (
	"math"
	"time"

	"tideway/geo"
)

// PlanDoc is a signal plan in a document: stages for fixed and actuated plans,
// phases for ring and barrier. Times are seconds.
type PlanDoc struct {
	ID      string     `json:"id" doc:"Unique at its signal."`
	Kind    string     `json:"kind,omitempty" enum:"fixed,actuated,ring_barrier,max_pressure" doc:"fixed when left out."`
	CycleS  float64    `json:"cycle_s,omitempty" doc:"Sum of the stages when left out."`
	OffsetS float64    `json:"offset_s,omitempty"`
	Anchor  string     `json:"anchor,omitempty" enum:"first_stage,green,yellow" doc:"What the offset times."`
	Stages  []StageDoc `json:"stages,omitempty"`
	Phases  []PhaseDoc `json:"phases,omitempty"`
	MaxRedS float64    `json:"max_red_s,omitempty" doc:"max_pressure: whom somebody waits for is served after that; 120 when left out."`
	BusS    float64    `json:"bus_priority_s,omitempty" doc:"Greens may be lengthened or cut by so much for a bus."`
	Preempt bool       `json:"preemption,omitempty" doc:"Emergency vehicles are given their green."`
}

// StageDoc is a stage.
type StageDoc struct {
	Name      string  `json:"name,omitempty"`
	DurationS float64 `json:"duration_s"`
	MinS      float64 `json:"min_s,omitempty" doc:"The duration when left out."`
	MaxS      float64 `json:"max_s,omitempty" doc:"The duration when left out."`
	States    string  `json:"states" doc:"One letter of rugGyoOs per group."`
	Next      []int   `json:"next,omitempty" doc:"Stages that may follow, from 1; the next one when left out."`
}

// PhaseDoc is a NEMA phase.
type PhaseDoc struct {
	Phase       int     `json:"phase"`
	Ring        int     `json:"ring"`
	Barrier     int     `json:"barrier"`
	Position    int     `json:"position"`
	Groups      []int   `json:"groups"`
	Permissive  []int   `json:"permissive,omitempty"`
	SplitS      float64 `json:"split_s"`
	MinGreenS   float64 `json:"min_green_s"`
	MaxGreenS   float64 `json:"max_green_s"`
	YellowS     float64 `json:"yellow_s"`
	AllRedS     float64 `json:"all_red_s"`
	WalkS       float64 `json:"walk_s,omitempty"`
	PedClearS   float64 `json:"ped_clear_s,omitempty"`
	PassageS    float64 `json:"passage_s,omitempty"`
	Recall      string  `json:"recall,omitempty" enum:"none,min,max,ped"`
	Coordinated bool    `json:"coordinated,omitempty"`
}

// plan returns the geo.Plan; names that do not exist are problems.
func (b *builder) plan(p *PlanDoc, s geo.SignalID) geo.Plan {
	out := geo.Plan{ID: p.ID, Signal: s, Cycle: fromS(p.CycleS), Offset: fromS(p.OffsetS),
		MaxRed: fromS(p.MaxRedS), Bus: fromS(p.BusS), Preempt: p.Preempt}
	if p.ID == "" {
		b.problem(b.city.Signals.At(s).ID, "plan has no id")
	}
	out.Kind = parsed(b, p.Kind, geo.ParsePlanKind)
	out.Anchor = parsed(b, p.Anchor, geo.ParseOffsetAnchor)
	var sum time.Duration
	for _, st := range p.Stages {
		out.Stages = append(out.Stages, st.stage())
		sum += fromS(st.DurationS)
	}
	if p.CycleS == 0 {
		out.Cycle = sum
	}
	for _, ph := range p.Phases {
		out.Phases = append(out.Phases, geo.RingPhase{Phase: ph.Phase, Ring: ph.Ring, Barrier: ph.Barrier, Position: ph.Position,
			Groups: ph.Groups, Permissive: ph.Permissive, Split: fromS(ph.SplitS), MinGreen: fromS(ph.MinGreenS), MaxGreen: fromS(ph.MaxGreenS),
			Yellow: fromS(ph.YellowS), AllRed: fromS(ph.AllRedS), Walk: fromS(ph.WalkS), PedClear: fromS(ph.PedClearS), Passage: fromS(ph.PassageS),
			Recall: parsed(b, ph.Recall, geo.ParseRecall), Coordinated: ph.Coordinated})
	}
	return out
}

func (st StageDoc) stage() geo.Stage {
	g := geo.Stage{Name: st.Name, Duration: fromS(st.DurationS), Min: fromS(st.MinS), Max: fromS(st.MaxS)}
	if st.MinS == 0 {
		g.Min = g.Duration
	}
	if st.MaxS == 0 {
		g.Max = g.Duration
	}
	for i := range len(st.States) {
		g.States = append(g.States, geo.SignalState(st.States[i]))
	}
	for _, n := range st.Next {
		g.Next = append(g.Next, n-1)
	}
	return g
}

// parsed reads a name of an enumeration; empty is its first value.
func parsed[T any](b *builder, name string, parse func(string) (T, error)) (v T) {
	if name == "" {
		return v
	}
	v, err := parse(name)
	if err != nil {
		b.problem(name, "%v", err)
	}
	return v
}

// DocumentPlan returns a plan as a document writes it.
func DocumentPlan(p geo.Plan) *PlanDoc {
	d := &PlanDoc{ID: p.ID, Kind: p.Kind.String(), CycleS: p.Cycle.Seconds(), OffsetS: p.Offset.Seconds(), Anchor: p.Anchor.String(),
		MaxRedS: p.MaxRed.Seconds(), BusS: p.Bus.Seconds(), Preempt: p.Preempt}
	for _, st := range p.Stages {
		states := make([]byte, len(st.States))
		for i, s := range st.States {
			states[i] = byte(s)
		}
		doc := StageDoc{Name: st.Name, DurationS: st.Duration.Seconds(), MinS: st.Min.Seconds(), MaxS: st.Max.Seconds(), States: string(states)}
		for _, n := range st.Next {
			doc.Next = append(doc.Next, n+1)
		}
		d.Stages = append(d.Stages, doc)
	}
	for _, ph := range p.Phases {
		d.Phases = append(d.Phases, PhaseDoc{Phase: ph.Phase, Ring: ph.Ring, Barrier: ph.Barrier, Position: ph.Position,
			Groups: ph.Groups, Permissive: ph.Permissive, SplitS: ph.Split.Seconds(), MinGreenS: ph.MinGreen.Seconds(), MaxGreenS: ph.MaxGreen.Seconds(),
			YellowS: ph.Yellow.Seconds(), AllRedS: ph.AllRed.Seconds(), WalkS: ph.Walk.Seconds(), PedClearS: ph.PedClear.Seconds(), PassageS: ph.Passage.Seconds(),
			Recall: ph.Recall.String(), Coordinated: ph.Coordinated})
	}
	return d
}

// fromS converts seconds; values no duration can hold become one that no check
// accepts.
func fromS(s float64) time.Duration {
	if math.IsNaN(s) || math.Abs(s) > 1e6 {
		return -1
	}
	return time.Duration(math.Round(s * float64(time.Second)))
}
