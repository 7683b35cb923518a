package gmns

import (
	"strings"
	"time"

	"tideway/geo"
)

// inForce remembers which plan a controller names until the plans are known.
type inForce struct{ signal, plan, where string }

func (r *reader) controllers() {
	r.signal = map[string]geo.SignalID{}
	for t := r.open("signal_controller.csv", "controller_id"); t.next(); {
		s := geo.Signal{ID: t.text("controller_id"), Groups: t.whole("groups", 0), Plan: geo.NoPlan}
		claim(t, r.signal, s.ID, len(r.draft.Signals))
		r.draft.Signals = append(r.draft.Signals, s)
		if plan := t.text("plan_id"); plan != "" {
			r.forced = append(r.forced, inForce{signal: s.ID, plan: plan, where: t.where()})
		}
	}
}

func (r *reader) plansInForce() {
	for _, f := range r.forced {
		p, ok := r.plan[f.signal+"/"+f.plan]
		if !ok {
			r.bad.Addf(f.where, f.signal, "plan_id is %q, which is not a plan of this controller in plan.csv", f.plan)
			continue
		}
		r.draft.Signals[r.signal[f.signal]].Plan = p
	}
}

func (r *reader) plans() {
	r.plan = map[string]geo.PlanID{}
	for t := r.open("plan.csv", "controller_id", "plan_id", "kind", "cycle_s"); t.next(); {
		id := t.text("plan_id")
		p := geo.Plan{ID: id, Signal: find(t, "controller_id", id, r.signal), Kind: enum(t, "kind", id, geo.ParsePlanKind),
			Cycle: t.seconds("cycle_s"), Offset: t.seconds("offset_s"), Anchor: enum(t, "offset_anchor", id, geo.ParseOffsetAnchor),
			MaxRed: t.seconds("max_red_s"), Bus: t.seconds("bus_priority_s"), Preempt: t.truth("preemption")}
		claim(t, r.plan, t.text("controller_id")+"/"+id, len(r.draft.Plans))
		r.draft.Plans = append(r.draft.Plans, p)
	}
}

// planOf returns the plan that a row belongs to, nil when there is none.
func (r *reader) planOf(t *rows) *geo.Plan {
	name := t.text("controller_id") + "/" + t.text("plan_id")
	p, ok := r.plan[name]
	if !ok {
		t.wrong(name, "is not a plan of plan.csv")
		return nil
	}
	return &r.draft.Plans[p]
}

func (r *reader) stages() {
	for t := r.open("stage.csv", "controller_id", "plan_id", "stage", "duration_s", "states"); t.next(); {
		p := r.planOf(t)
		if p == nil {
			continue
		}
		if n := t.whole("stage", 0); n != len(p.Stages)+1 {
			t.wrong(p.ID, "stage is %d, expected %d: stages are listed in order from 1", n, len(p.Stages)+1)
		}
		s := geo.Stage{Name: t.text("name"), Duration: t.seconds("duration_s"), Min: t.seconds("min_s"), Max: t.seconds("max_s")}
		for _, c := range []byte(t.word("states")) {
			s.States = append(s.States, geo.SignalState(c))
		}
		for _, n := range t.wholes("next") {
			s.Next = append(s.Next, n-1)
		}
		p.Stages = append(p.Stages, s)
	}
}

func (r *reader) ringPhases() {
	for t := r.open("ring_phase.csv", "controller_id", "plan_id", "phase", "ring", "barrier", "position"); t.next(); {
		p := r.planOf(t)
		if p == nil {
			continue
		}
		p.Phases = append(p.Phases, geo.RingPhase{Phase: t.whole("phase", 0), Ring: t.whole("ring", 0), Barrier: t.whole("barrier", 0), Position: t.whole("position", 0),
			Groups: t.wholes("groups"), Permissive: t.wholes("permissive_groups"), Split: t.seconds("split_s"), MinGreen: t.seconds("min_green_s"), MaxGreen: t.seconds("max_green_s"),
			Yellow: t.seconds("yellow_s"), AllRed: t.seconds("all_red_s"), Walk: t.seconds("walk_s"), PedClear: t.seconds("ped_clear_s"), Passage: t.seconds("passage_s"),
			Recall: enum(t, "recall", p.ID, geo.ParseRecall), Coordinated: t.truth("coordinated")})
	}
}

func (r *reader) schedule() {
	for t := r.open("plan_schedule.csv", "controller_id", "days", "at_s", "plan_id"); t.next(); {
		id := t.text("controller_id")
		signal := find(t, "controller_id", id, r.signal)
		plan, ok := r.plan[id+"/"+t.text("plan_id")]
		if !ok {
			t.wrong(id, "plan_id is %q, which is not a plan of this controller", t.text("plan_id"))
		}
		r.draft.Schedule = append(r.draft.Schedule, geo.PlanSwitch{Signal: signal, Days: t.days(), At: t.seconds("at_s"), Plan: plan})
	}
}

func (t *rows) days() (set geo.Weekdays) {
	for word := range strings.FieldsSeq(t.text("days")) {
		known := false
		for d := time.Sunday; d <= time.Saturday; d++ {
			if dayName(d) == strings.ToLower(word) {
				set, known = set|1<<d, true
			}
		}
		if !known {
			t.wrong("", "days has %q, expected words like mon", word)
		}
	}
	return set
}
