package gmns

import (
	"strings"
	"time"

	"tideway/geo"
)

func (w *writer) controllers() error {
	s := newSheet(w.create, "signal_controller.csv", "controller_id", "groups", "plan_id")
	for _, g := range w.city.Signals.All() {
		plan := ""
		if g.Plan != geo.NoPlan {
			plan = w.city.Plans.At(g.Plan).ID
		}
		s.row(g.ID, whole(g.Groups), plan)
	}
	return s.close()
}

func (w *writer) plans() error {
	s := newSheet(w.create, "plan.csv", "controller_id", "plan_id", "kind", "cycle_s", "offset_s", "offset_anchor", "max_red_s", "bus_priority_s", "preemption")
	for _, p := range w.city.Plans.All() {
		s.row(w.city.Signals.At(p.Signal).ID, p.ID, p.Kind.String(), seconds(p.Cycle), seconds(p.Offset), p.Anchor.String(),
			seconds(p.MaxRed), seconds(p.Bus), truth(p.Preempt))
	}
	return s.close()
}

// stages numbers them from 1 within their plan.
func (w *writer) stages() error {
	s := newSheet(w.create, "stage.csv", "controller_id", "plan_id", "stage", "name", "duration_s", "min_s", "max_s", "states", "next")
	for _, p := range w.city.Plans.All() {
		for k, g := range p.Stages {
			next := make([]int, len(g.Next))
			for i, n := range g.Next {
				next[i] = n + 1
			}
			s.row(w.city.Signals.At(p.Signal).ID, p.ID, whole(k+1), g.Name, seconds(g.Duration), seconds(g.Min), seconds(g.Max), states(g.States), wholes(next))
		}
	}
	return s.close()
}

func states(list []geo.SignalState) string {
	b := make([]byte, len(list))
	for i, v := range list {
		b[i] = byte(v)
	}
	return string(b)
}

func (w *writer) ringPhases() error {
	s := newSheet(w.create, "ring_phase.csv", "controller_id", "plan_id", "phase", "ring", "barrier", "position", "groups", "permissive_groups",
		"split_s", "min_green_s", "max_green_s", "yellow_s", "all_red_s", "walk_s", "ped_clear_s", "passage_s", "recall", "coordinated")
	for _, p := range w.city.Plans.All() {
		for _, f := range p.Phases {
			s.row(w.city.Signals.At(p.Signal).ID, p.ID, whole(f.Phase), whole(f.Ring), whole(f.Barrier), whole(f.Position), wholes(f.Groups), wholes(f.Permissive),
				seconds(f.Split), seconds(f.MinGreen), seconds(f.MaxGreen), seconds(f.Yellow), seconds(f.AllRed), seconds(f.Walk), seconds(f.PedClear), seconds(f.Passage),
				f.Recall.String(), truth(f.Coordinated))
		}
	}
	return s.close()
}

func (w *writer) schedule() error {
	s := newSheet(w.create, "plan_schedule.csv", "controller_id", "days", "at_s", "plan_id")
	for _, x := range w.city.Schedule {
		s.row(w.city.Signals.At(x.Signal).ID, days(x.Days), seconds(x.At), w.city.Plans.At(x.Plan).ID)
	}
	return s.close()
}

// days writes a set of weekdays as words: "mon tue".
func days(set geo.Weekdays) string {
	var out []string
	for d := time.Sunday; d <= time.Saturday; d++ {
		if set.Has(d) {
			out = append(out, dayName(d))
		}
	}
	return strings.Join(out, " ")
}

func dayName(d time.Weekday) string { return strings.ToLower(d.String()[:3]) }
