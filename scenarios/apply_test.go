package scenarios

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"tideway/geo"
	"tideway/internal/fault"
)

// fingerprint tells two bases apart by every byte of what scenarios can touch.
func fingerprint(t testing.TB, b Base) string {
	t.Helper()
	var rows []any
	for i, s := range b.City.Segments.All() {
		rows = append(rows, i, s)
	}
	for i, l := range b.City.Lanes.All() {
		rows = append(rows, i, l)
	}
	for i, m := range b.City.Movements.All() {
		rows = append(rows, i, m)
	}
	for i, s := range b.City.Signals.All() {
		rows = append(rows, i, s)
	}
	for i, p := range b.City.Plans.All() {
		rows = append(rows, i, p)
	}
	text, err := json.Marshal([]any{rows, b.City.Schedule, b.City.Version, b.Demand})
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func apply(t testing.TB, base Base, changes string) *Case {
	t.Helper()
	d, err := Parse([]byte(`{"name":"x","changes":[` + changes + `]}`))
	if err != nil {
		t.Fatal(err)
	}
	before := fingerprint(t, base)
	c, err := Apply(d, base)
	if err != nil {
		t.Fatal(err)
	}
	if fingerprint(t, base) != before {
		t.Fatal("the base was touched")
	}
	return c
}

func segment(t testing.TB, c *geo.City, id string) geo.SegmentID {
	t.Helper()
	s, ok := c.Segments.Find(id)
	if !ok {
		t.Fatalf("no segment %s", id)
	}
	return s
}

func planInForce(c *geo.City) geo.Plan { return c.Plans.At(c.Signals.At(0).Plan) }

func TestNoChangesGiveTheBaseItself(t *testing.T) {
	base := crossBase(t)
	c := apply(t, base, ``)
	if c.City != base.City || c.Demand != base.Demand {
		t.Error("a scenario without changes must share city and demand with its base")
	}
}

func TestAdjustSplitOffsetCycle(t *testing.T) {
	base := crossBase(t)
	c := apply(t, base, `{"op":"signal.adjust","select":{"id":["sig"]},"split":[{"stage":1,"add_s":6},{"stage":3,"add_s":-6}],"offset_add_s":-5}`)
	p := planInForce(c.City)
	if p.Stages[0].Duration != 36*time.Second || p.Stages[2].Duration != 24*time.Second || p.Cycle != 68*time.Second || p.Offset != 63*time.Second {
		t.Errorf("%+v", p)
	}
	p = planInForce(apply(t, base, `{"op":"signal.adjust","select":{"all":true},"cycle_s":90}`).City)
	if p.Stages[0].Duration != 41*time.Second || p.Stages[1].Duration != 4*time.Second || p.Cycle != 90*time.Second {
		t.Errorf("greens share what the clearances leave: %+v", p)
	}
	p = planInForce(apply(t, base, `{"op":"signal.adjust","select":{"id":["sig"]},"split":[{"stage":1,"duration_s":40}],"cycle_add_s":10}`).City)
	if p.Cycle != 78*time.Second || p.Stages[0].Duration != 40*time.Second || p.Stages[2].Duration != 30*time.Second {
		t.Errorf("a longer green in a longer cycle: %+v", p)
	}
}

func TestSetPlan(t *testing.T) {
	base := crossBase(t)
	if p := planInForce(apply(t, base, `{"op":"signal.setPlan","select":{"id":["sig"]},"use":"night"}`).City); p.ID != "night" {
		t.Errorf("in force: %s", p.ID)
	}
	c := apply(t, base, `{"op":"signal.setPlan","select":{"id":["sig"]},"plan":{"id":"new","offset_s":3,"stages":[
		{"duration_s":20,"states":"Gr"},{"duration_s":3,"states":"yr"},{"duration_s":10,"min_s":5,"states":"rG"},{"duration_s":3,"states":"ry"}]}}`)
	if p := planInForce(c.City); p.ID != "new" || p.Cycle != 36*time.Second || len(c.City.PlansOf(0)) != 3 {
		t.Errorf("%+v", p)
	}
}

func TestPlanWithinAWindowIsScheduled(t *testing.T) {
	c := apply(t, crossBase(t), `{"op":"signal.adjust","select":{"id":["sig"]},"offset_s":9,"window":{"from":"07:00","to":"09:30"}},
		{"op":"signal.setPlan","select":{"id":["sig"]},"use":"night","window":{"from":"09:30","to":"12:00"}}`)
	want := []string{"0s day", "7h0m0s day~c1", "9h30m0s night", "12h0m0s day"}
	var got []string
	for _, w := range c.City.Schedule {
		got = append(got, fmt.Sprintf("%v %s", w.At, c.City.Plans.At(w.Plan).ID))
	}
	if strings.Join(got, ", ") != strings.Join(want, ", ") {
		t.Errorf("schedule %v, want %v", got, want)
	}
}

func TestRoadChanges(t *testing.T) {
	base := crossBase(t)
	c := apply(t, base, `{"op":"segment.close","select":{"id":["cd"]},"except":["bus"]},
		{"op":"segment.setSpeed","select":{"tag":"tag-Side Street"},"speed_kmh":30},
		{"op":"lane.close","select":{"street":{"name":"main street","from":"High Street","to":"Side Street","way":"backward"},"lanes":[1]}},
		{"op":"turn.ban","select":{"from":["wc"],"to":["cn"]}}`)
	if !c.City.Open(segment(t, c.City, "cd"), geo.Bus) || c.City.Open(segment(t, c.City, "cd"), geo.Car) {
		t.Error("cd must be open to buses alone")
	}
	if got := c.City.Segments.At(segment(t, c.City, "dm")).Limit.KMH(); math.Abs(got-30) > 1e-9 {
		t.Errorf("limit %v", got)
	}
	lane, _ := c.City.Lanes.Find("dc_1")
	if other, _ := c.City.Lanes.Find("dc_0"); c.City.Lanes.At(lane).Allow != 0 || c.City.Lanes.At(other).Allow == 0 {
		t.Error("only lane 1 of dc must be closed")
	}
	m, _ := c.City.Movements.Find("wc_0>cn_0")
	if c.City.Movements.At(m).Allow != 0 {
		t.Error("the turn must be forbidden")
	}
	if len(c.Changes) != 7 { // Side Street has four segments, said one by one
		t.Errorf("changes in words: %q", c.Changes)
	}
}

func TestScaleDemandIsEvenAndKeepsKeys(t *testing.T) {
	base := crossBase(t)
	count := func(c *Case) (cars, trucks, buses int) {
		for _, trip := range c.Demand.Trips {
			switch trip.Type {
			case 0:
				cars++
			case 1:
				trucks++
			case 2:
				buses++
			}
		}
		return
	}
	cars, trucks, buses := count(apply(t, base, `{"op":"demand.scale","factor":0.5}`))
	if cars != 60 || trucks != 30 || buses != 4 {
		t.Errorf("halved: %d cars, %d trucks, %d buses", cars, trucks, buses)
	}
	cars, trucks, _ = count(apply(t, base, `{"op":"demand.scale","factor":1.25,"class":["car"],"from_zone":["west"]}`))
	if cars != 150 || trucks != 60 {
		t.Errorf("a quarter more cars from the west: %d cars, %d trucks", cars, trucks)
	}
	cars, _, _ = count(apply(t, base, `{"op":"demand.scale","factor":0,"window":{"from":"00:00","to":"00:10"}}`))
	if cars != 60 {
		t.Errorf("without the first ten minutes: %d cars", cars)
	}
}

func TestScaleDemandAnyFactor(t *testing.T) {
	base := crossBase(t)
	rapid.Check(t, func(rt *rapid.T) {
		f := rapid.Float64Range(0, 4).Draw(rt, "factor")
		c := apply(t, base, fmt.Sprintf(`{"op":"demand.scale","factor":%v}`, f))
		n := len(c.Demand.Trips) - 4 // buses stay
		if want := 180 * f; float64(n) < want-2 || float64(n) > want+2 {
			rt.Fatalf("factor %v: %d trips, want about %v", f, n, want)
		}
		keys := map[uint64]bool{}
		for i, trip := range c.Demand.Trips {
			if keys[trip.Key] {
				rt.Fatalf("key of %s appears twice", trip.ID)
			}
			keys[trip.Key] = true
			if i > 0 && trip.Depart < c.Demand.Trips[i-1].Depart {
				rt.Fatal("trips are not in order of departure")
			}
		}
	})
}

func TestShiftDemand(t *testing.T) {
	c := apply(t, crossBase(t), `{"op":"demand.shift","by_s":600,"class":["truck"]}`)
	for _, trip := range c.Demand.Trips {
		if trip.Type == 1 && trip.Depart < 10*time.Minute {
			t.Fatalf("%s departs at %v", trip.ID, trip.Depart)
		}
	}
}

func TestRevertGivesTheBaseBack(t *testing.T) {
	base := crossBase(t)
	c := apply(t, base, `{"id":"a","op":"segment.close","select":{"id":["cd"]}},{"op":"demand.scale","factor":2,"id":"b"},
		{"op":"revert","change":"b"},{"op":"revert","change":"a"}`)
	if c.City != base.City || c.Demand != base.Demand {
		t.Error("reverting every change must give the base")
	}
	c = apply(t, base, `{"id":"a","op":"segment.close","select":{"id":["cd"]}},{"op":"revert","change":"a","id":"r"},{"op":"revert","change":"r"}`)
	if c.City.Open(segment(t, c.City, "cd"), geo.Car) {
		t.Error("a revert that is itself taken back must not count")
	}
}

func problems(t *testing.T, base Base, document string) string {
	t.Helper()
	d, err := Parse([]byte(document))
	if err == nil {
		_, err = Apply(d, base)
	}
	var many *fault.Error
	if !errors.As(err, &many) {
		t.Fatalf("no problems, %v", err)
	}
	var lines []string
	for _, p := range many.Problems {
		lines = append(lines, p.Error())
	}
	return strings.Join(lines, "\n")
}

func TestEveryProblemAtOnce(t *testing.T) {
	base := crossBase(t)
	before := fingerprint(t, base)
	text := problems(t, base, `{"name":"bad","changes":[
		{"op":"signal.adjust","select":{"id":["sig","nosuch"]},"split":[{"stage":1,"add_s":-28},{"stage":3,"add_s":28}]},
		{"op":"signal.adjust","select":{"id":["sig"]},"split":[{"stage":2,"add_s":5}]},
		{"op":"signal.adjust","select":{"id":["sig"]},"split":[{"stage":1,"add_s":5}]},
		{"op":"signal.adjust","select":{"id":["sig"]},"cycle_s":10},
		{"op":"signal.setPlan","select":{"id":["sig"]},"use":"dusk"},
		{"op":"signal.setPlan","select":{"id":["sig"]},"plan":{"id":"clash","stages":[{"duration_s":30,"states":"GG"}]}},
		{"op":"segment.close","select":{"street":{"name":"Nowhere Lane"}}},
		{"op":"segment.close","select":{"street":{"name":"Main Street","from":"High Street","to":"Nowhere Lane"}}},
		{"op":"segment.setSpeed","select":{"id":["wc"]},"speed_kmh":900},
		{"op":"segment.setSpeed","select":{"id":["wc"],"tag":"x"},"factor":0.5},
		{"op":"segment.close","select":{"id":["wc"]},"window":{"from":"07:00","to":"08:00"}},
		{"op":"demand.scale","factor":-1},
		{"op":"demand.scale","factor":2,"type":["tank"]},
		{"op":"turn.ban","select":{"from":["wc"],"to":["wc"]}},
		{"op":"segment.close","select":{"zone":"moon"}},
		{"op":"segment.close","select":{"polygon":[[0,0],[1,0],[1,1]]}},
		{"op":"lane.close","select":{"id":["cn"],"lanes":[3]}},
		{"op":"revert","change":"c99"},
		{"op":"segment.close","select":{"id":["cd"]},"except":["ufo"]},
		{"op":"segment.close","select":{"id":["cd"]},"expect":[{"field":"speed_kmh","value":30}]}]}`)
	for _, want := range []string{
		"changes[0] c1 (signal.adjust): nosuch: is not a signal", "stage 1 is green for 2s, expected at least 4s",
		"stage 2 of plan day is a clearance", "splits add up to 5s", "clearances take 8s", `has no plan "dusk"`,
		"neither gives way (rule conflicting_green)", "Nowhere Lane: is not the name of a street", `"Nowhere Lane" does not meet "Main Street"`,
		"speed_kmh is 900", "2 ways of selecting", "has a window, but holds for the whole run", "factor is -1", "tank: is not a vehicle type",
		"matches no turn", "moon: is not a zone", "matches no segment",
		"has no lane 3", "c99: is no change before this one", `class "ufo" is unknown`, "speed_kmh is 50, expected 30: the base has moved"} {
		if !strings.Contains(text, want) {
			t.Errorf("no problem says %q in\n%s", want, text)
		}
	}
	if fingerprint(t, base) != before {
		t.Error("the base was touched")
	}
}

func TestExpectations(t *testing.T) {
	base := crossBase(t)
	c := apply(t, base, `{"op":"segment.close","select":{"id":["cd"]},"expect":[{"field":"speed_kmh","value":30,"else":"skip"}]},
		{"op":"segment.close","select":{"id":["dc"]},"expect":[{"field":"lanes","value":3,"else":"warn"},{"field":"open","value":true}]}`)
	if !c.City.Open(segment(t, c.City, "cd"), geo.Car) || c.City.Open(segment(t, c.City, "dc"), geo.Car) || len(c.Warnings) != 2 {
		t.Errorf("skip leaves out, warn goes on: %q", c.Warnings)
	}
}

func TestPinAndRebase(t *testing.T) {
	base := crossBase(t)
	d, err := Parse([]byte(`{"name":"x","changes":[{"op":"segment.setSpeed","select":{"street":{"name":"High Street"}},"factor":0.5},
		{"op":"signal.adjust","select":{"all":true},"cycle_add_s":10}]}`))
	if err != nil {
		t.Fatal(err)
	}
	pinned, err := Pin(d, base)
	if err != nil {
		t.Fatal(err)
	}
	if got := pinned.Changes[0].Select.ID; len(got) != 4 || pinned.Base != base.City.Version {
		t.Errorf("pinned to %v, base %s", got, pinned.Base)
	}
	if again, err := Parse(pinned.Canonical()); err != nil || again.ID() != pinned.ID() {
		t.Errorf("a pinned document must read back the same: %v", err)
	}
	_, conflicts, err := Rebase(pinned, base)
	if err != nil || len(conflicts) != 0 {
		t.Errorf("on its own base: %v, %v", conflicts, err)
	}
	moved := base.City.Patch()
	moved.SetLimit(segment(t, base.City, "sc"), 10)
	plan := planInForce(base.City)
	plan.Offset = 7 * time.Second
	moved.SetPlan(plan)
	other := Base{City: moved.City(), Demand: base.Demand}
	if _, err := Apply(pinned, other); err == nil || !strings.Contains(err.Error(), "the base has moved") {
		t.Errorf("on a base that moved: %v", err)
	}
	rebased, conflicts, err := Rebase(pinned, other)
	if err != nil || len(conflicts) != 2 || conflicts[0].ID != "sc" || !strings.Contains(conflicts[1].Text, "offset_s is 7, expected 0") {
		t.Errorf("conflicts %+v, %v", conflicts, err)
	}
	if _, err := Apply(rebased, other); err != nil {
		t.Errorf("the rebased document must apply: %v", err)
	}
}

func TestFlattenRunsWhatIsExtendedFirst(t *testing.T) {
	under, err := Parse([]byte(`{"name":"under","changes":[{"id":"a","op":"segment.setSpeed","select":{"id":["wc"]},"speed_kmh":40}]}`))
	if err != nil {
		t.Fatal(err)
	}
	over, err := Parse([]byte(fmt.Sprintf(`{"name":"over","extends":[%q],"changes":[{"op":"segment.setSpeed","select":{"id":["wc"]},"factor":0.5}]}`, under.ID())))
	if err != nil {
		t.Fatal(err)
	}
	load := func(id string) (*Document, error) {
		if id != under.ID() {
			return nil, fmt.Errorf("no scenario %s", id)
		}
		return under, nil
	}
	flat, err := Flatten(over, load)
	if err != nil {
		t.Fatal(err)
	}
	base := crossBase(t)
	c, err := Apply(flat, base)
	if err != nil {
		t.Fatal(err)
	}
	if got := c.City.Segments.At(segment(t, c.City, "wc")).Limit.KMH(); got < 19.9 || got > 20.1 {
		t.Errorf("limit %v, want half of 40", got)
	}
}

func TestSetControlKeepsStagesAndGuards(t *testing.T) {
	base := crossBase(t)
	for _, x := range []struct {
		args string
		kind geo.PlanKind
		min  time.Duration
		max  time.Duration
	}{
		{`"control":"actuated"`, geo.Actuated, 5 * time.Second, 50 * time.Second},
		{`"control":"max_pressure","pedestrian_s":12`, geo.MaxPressure, 12 * time.Second, 25 * time.Second},
		{`"control":"fixed","bus_priority_s":8,"preemption":true`, geo.FixedTime, 5 * time.Second, 0},
	} {
		p := planInForce(apply(t, base, `{"op":"signal.setControl","select":{"all":true},`+x.args+`}`).City)
		if x.max == 0 {
			x.max = p.Stages[0].Duration
		}
		if p.Kind != x.kind || p.Stages[0].Min != x.min || p.Stages[0].Max != x.max || p.Stages[1].Duration != planInForce(base.City).Stages[1].Duration {
			t.Errorf("%s gives %+v", x.args, p)
		}
	}
	p := planInForce(apply(t, base, `{"op":"signal.setControl","select":{"id":["sig"]},"control":"coordinated"}`).City)
	if p.Kind != geo.RingBarrier || len(p.Phases) != 2 || !p.Phases[0].Coordinated || p.Phases[1].Coordinated || p.Phases[0].Split+p.Phases[1].Split != p.Cycle {
		t.Errorf("coordinated gives %+v", p)
	}
	for args, want := range map[string]string{
		`"control":"clever"`:                         `control is "clever", expected fixed, actuated, coordinated or max_pressure`,
		`"control":"max_pressure","max_red_s":5`:     "max_red_s is 5, expected 30 to 600",
		`"control":"actuated","max_red_s":60`:        "max_red_s is a guard of max_pressure",
		`"control":"coordinated","bus_priority_s":5`: "coordinated control takes neither",
		`"control":"max_pressure","max_green_s":1`:   "max_green_s is 1, expected 4 to 300",
	} {
		d, err := Parse([]byte(`{"name":"x","changes":[{"op":"signal.setControl","select":{"all":true},` + args + `}]}`))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := Apply(d, base); err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "signal.setControl") {
			t.Errorf("%s: %v, want %s", args, err, want)
		}
	}
}
