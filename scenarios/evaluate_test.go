package scenarios

import (
	"errors"
	"io/fs"
	"math"
	"strings"
	"testing"
	"time"

	"tideway/geo"
	"tideway/internal/fault"
	"tideway/sim"
	"tideway/sim/signal"
)

// realRig is a rig that simulates.
func realRig(t *testing.T) *labRig {
	r := newRig(t)
	r.o.Simulate = sim.Run
	return r
}

func split(stage int, seconds float64) SplitChange {
	return SplitChange{Stage: stage, DurationS: &seconds}
}

// What is asked about is what a signal.adjust would do: the same plan, and the
// junction's own delay with the demand's volumes.
func TestEvaluationIsOfTheAdjustedPlan(t *testing.T) {
	r := realRig(t)
	q := SignalQuestion{Signal: "sig", Adjust: AdjustSignal{Split: []SplitChange{split(1, 36), split(3, 24)}}}
	a, err := r.EvaluateSignal(t.Context(), q)
	if err != nil {
		t.Fatal(err)
	}
	want := planInForce(apply(t, r.base, `{"op":"signal.adjust","select":{"id":["sig"]},"split":[{"stage":1,"duration_s":36},{"stage":3,"duration_s":24}]}`).City)
	if a.Plan.Stages[0].Duration != want.Stages[0].Duration || a.Plan.Cycle != want.Cycle {
		t.Errorf("%+v, the operation gives %+v", a.Plan, want)
	}
	by, err := signal.Junction(r.base.City, a.Plan, a.Flows)
	if err != nil || by.Delay != a.Delay || a.Delay <= 0 {
		t.Errorf("delay %v, by hand %v (%v)", a.Delay, by.Delay, err)
	}
	if len(a.Least) != 4 || a.Least[0] != MinGreen || a.Least[1] != 0 {
		t.Errorf("shortest greens %v", a.Least)
	}
}

// Every vehicle of the demand that crosses the signal is in the volumes; what
// is seen on an approach scales its turns, and what the client gives stands.
func TestVolumesOfAnEvaluation(t *testing.T) {
	r := realRig(t)
	a, err := r.EvaluateSignal(t.Context(), SignalQuestion{Signal: "sig"})
	if err != nil {
		t.Fatal(err)
	}
	res, err := sim.Run(t.Context(), sim.Input{City: r.base.City, Demand: r.base.Demand, End: time.Hour}, nil)
	if err != nil {
		t.Fatal(err)
	}
	var passed, sum float64
	for _, m := range r.base.City.MovementsOf(0) {
		passed += float64(res.Movements.Passed[m])
	}
	for _, f := range a.Flows {
		sum += f.Volume.VPH()
	}
	if passed == 0 || math.Abs(sum-passed) > 1e-6 {
		t.Errorf("%v veh/h of %v vehicles in an hour", sum, passed)
	}
	wc := segment(t, r.base.City, "wc")
	seen := func(s geo.SegmentID) float64 {
		if s == wc {
			return 840
		}
		return math.NaN()
	}
	b, err := r.EvaluateSignal(t.Context(), SignalQuestion{Signal: "sig", Approach: seen, Flows: []GivenFlow{{From: "sc", To: "cn", FlowVPH: 77}}})
	if err != nil {
		t.Fatal(err)
	}
	var west float64
	for i, f := range b.Flows {
		switch {
		case f.From == wc:
			west += f.Volume.VPH()
		case b.Sources[i] == FromClient:
			if math.Abs(f.Volume.VPH()-77) > 1e-9 {
				t.Errorf("given 77 veh/h, used %v", f.Volume.VPH())
			}
		case f.Volume != a.Flows[i].Volume || b.Sources[i] != FromDemand:
			t.Errorf("turn %d moved from %v to %v", i, a.Flows[i].Volume, f.Volume)
		}
	}
	if math.Abs(west-840) > 1e-6 {
		t.Errorf("840 veh/h seen, turns add up to %v", west)
	}
}

// A rule that is broken is a finding with its name; saving the same change as
// a scenario is refused with the same words.
func TestFindingsAreWhatAScenarioIsRefusedFor(t *testing.T) {
	r := realRig(t)
	a, err := r.EvaluateSignal(t.Context(), SignalQuestion{Signal: "sig", Adjust: AdjustSignal{Split: []SplitChange{split(1, 58), split(3, 2)}}})
	if err != nil {
		t.Fatal(err)
	}
	if len(a.Findings) == 0 || a.Findings[0].Rule != minGreenRule || a.Findings[0].Stage != 3 || !a.Findings[0].Refused {
		t.Fatalf("%+v", a.Findings)
	}
	text := problems(t, r.base, `{"name":"x","changes":[{"op":"signal.adjust","select":{"id":["sig"]},"split":[{"stage":1,"duration_s":58},{"stage":3,"duration_s":2}]}]}`)
	if !strings.Contains(text, a.Findings[0].Text) {
		t.Errorf("found %q, refused for %q", a.Findings[0].Text, text)
	}
}

func TestEvaluationProblems(t *testing.T) {
	r := realRig(t)
	if _, err := r.EvaluateSignal(t.Context(), SignalQuestion{Signal: "nowhere"}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%v", err)
	}
	_, err := r.EvaluateSignal(t.Context(), SignalQuestion{Signal: "sig", Adjust: AdjustSignal{Split: []SplitChange{split(9, 5)}},
		Flows: []GivenFlow{{From: "wc", To: "wc", FlowVPH: 1}, {From: "sc", To: "cn", FlowVPH: -1}}})
	var bad *fault.Error
	if !errors.As(err, &bad) || len(bad.Problems) != 3 {
		t.Errorf("expected a stage that is not there, a turn that is not there and a negative volume: %v", err)
	}
}

// Without a name the plan is judged that is in force when runs begin.
func TestThePlanOfTheRunsIsEvaluated(t *testing.T) {
	r := realRig(t)
	night, _ := r.base.City.Plans.Find("sig/night")
	patch := r.base.City.Patch()
	patch.SetSchedule(0, []geo.PlanSwitch{{Signal: 0, Days: geo.EveryDay, At: 0, Plan: 0}, {Signal: 0, Days: 1 << time.Monday, At: 30 * time.Minute, Plan: night}})
	r.base.City = patch.City()
	for begin, want := range map[time.Duration]string{0: "day", 40 * time.Minute: "night", 24*time.Hour + 40*time.Minute: "day"} {
		r.o.Period.Begin, r.o.Period.End, r.o.Period.Day = begin, begin+time.Hour, time.Monday
		a, err := r.EvaluateSignal(t.Context(), SignalQuestion{Signal: "sig"})
		if err != nil || a.Plan.ID != want {
			t.Errorf("runs from %v: %v, %v", begin, a, err)
		}
	}
}
