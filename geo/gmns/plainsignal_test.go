package gmns_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"tideway/geo"
	"tideway/geo/gmns"
	"tideway/internal/testdata"
	"tideway/sim/signal"
)

// signalTables are those of plainTables with timings for its crossing: the main
// street in phases 2 and 6, its left turn from the west in 5, the side street
// is one way out. A plan of weekday mornings is coordinated, the other is not.
func signalTables() fstest.MapFS {
	files := plainTables()
	for name, text := range map[string]string{
		"movement.csv":           "mvmt_id,node_id,ib_link_id,ob_link_id,ctrl_type\n1,m,wm,me,signal\n2,m,-me,mw,signal\n3,m,wm,mn,signal\n4,m,-mn,mw,signal\n",
		"signal_controller.csv":  "controller_id\nm\n",
		"signal_timing_plan.csv": "timing_plan_id,controller_id,time_day,cycle_length\nfree,m,,\npeak,m,01111100_0600_0900,80\nodd,m,1000000_1000_1200,70\n",
		"signal_timing_phase.csv": "timing_phase_id,timing_plan_id,signal_phase_num,min_green,max_green,extension,clearance,walk_time,ped_clearance,ring,barrier,position\n" +
			"1,free,2,10,30,3,5,7,12,1,1,1\n2,free,4,6,20,2.5,5,,,1,2,1\n" +
			"3,peak,2,10,40,3,5,7,12,1,1,1\n4,peak,4,6,30,3,5,,,1,2,1\n5,odd,2,10,40,3,5,,,1,1,1\n",
		"signal_phase_mvmt.csv": "signal_phase_mvmt_id,timing_phase_id,mvmt_id,link_id,protection\n1,1,1,,protected\n2,1,2,,protected\n3,1,3,,permitted\n4,2,4,,protected\n" +
			"5,3,1,,protected\n6,3,2,,protected\n7,3,3,,permitted\n8,4,4,,protected\n9,4,,77,protected\n10,4,3,,rtor\n11,5,1,,protected\n",
		"signal_coordination.csv": "coordination_id,timing_plan_id,controller_id,coord_contr_id,coord_phase,coord_ref_to,offset\n1,peak,m,m,2,begin_of_red,25\n",
		"signal_detector.csv":     "detector_id,controller_id\n1,m\n",
	} {
		files[name] = &fstest.MapFile{Data: []byte(text)}
	}
	return files
}

func TestSignalTablesOfTheStandard(t *testing.T) {
	c, a, err := gmns.Import(signalTables(), gmns.Options{TimeZone: "Europe/Rome"})
	if err != nil {
		t.Fatal(err)
	}
	if c.Signals.Len() != 1 || c.Signals.At(0).Groups != 4 {
		t.Fatalf("%d signals: %+v", c.Signals.Len(), c.Signals.At(0))
	}
	plans := map[string]geo.Plan{}
	for _, k := range c.PlansOf(0) {
		plans[c.Plans.At(k).ID] = c.Plans.At(k)
	}
	free, peak := plans["free"], plans["peak"]
	if len(plans) != 2 || free.Kind != geo.RingBarrier || free.Cycle != 60*time.Second || free.Phases[0].Coordinated {
		t.Errorf("%d plans, free: %+v", len(plans), free)
	}
	// The coordinated green of 40 s turns red 4 s of yellow after its end: an
	// offset of 25 s to red is one of 21 s to yellow.
	if peak.Cycle != 80*time.Second || peak.Anchor != geo.AnchorYellow || peak.Offset != 21*time.Second || !peak.Phases[0].Coordinated {
		t.Errorf("peak: %+v", peak)
	}
	ph := peak.Phases[0]
	if len(ph.Groups) != 2 || len(ph.Permissive) != 1 || ph.Yellow != 4*time.Second || ph.AllRed != time.Second || ph.Walk != 7*time.Second || ph.Passage != 3*time.Second {
		t.Errorf("phase %+v", ph)
	}
	for _, x := range []struct {
		day  time.Weekday
		at   time.Duration
		want string
	}{{time.Tuesday, 7 * time.Hour, "peak"}, {time.Tuesday, 9 * time.Hour, "free"}, {time.Sunday, 7 * time.Hour, "free"}, {time.Tuesday, 5 * time.Hour, "free"}} {
		k := signal.PlanAt(c.Schedule, 0, c.Signals.At(0).Plan, x.day, x.at)
		if got := c.Plans.At(k).ID; got != x.want {
			t.Errorf("%v %v: plan %s, expected %s", x.day, x.at, got, x.want)
		}
	}
	said := fmt.Sprint(a.Assumed, a.Dropped)
	for _, want := range []string{"{signal_timing_plan.csv odd signal_timing_plan.csv:4: at controller m its rings take 45s from barrier to barrier, the cycle is 1m10s}",
		"crossings of pedestrians are not drawn", "right turns on red", "1 detectors", "{plan m yellow_s"} {
		if !strings.Contains(said, want) {
			t.Errorf("the audit lacks %q:\n%s", want, said)
		}
	}
	roundTrip(t, c)
}

func TestSignalTableMistakes(t *testing.T) {
	for _, x := range []struct{ file, from, to, want string }{
		{"signal_timing_phase.csv", "4,peak,4", "4,pek,4", `signal_timing_phase.csv:5: 4: timing_plan_id is "pek"`},
		{"signal_timing_phase.csv", "2,free,4,6", "2,free,4,x", `min_green is "x"`},
		{"signal_timing_phase.csv", "1,free,2,10,30,3,5,7,12,1,1,1", "1,free,2,10,30,3,5,7,12,0,1,1", "ring 0"},
		{"signal_phase_mvmt.csv", "8,4,4,", "8,44,4,", `signal_phase_mvmt.csv:9: 8: timing_phase_id is "44"`},
		{"signal_phase_mvmt.csv", "8,4,4,", "8,4,40,", `mvmt_id is "40", which is not in movement.csv`},
		{"signal_timing_plan.csv", "01111100_0600_0900", "weekdays", `time_day is "weekdays", expected XXXXXXXX_HHMM_HHMM`},
		{"signal_timing_plan.csv", "free,m", "peak,m", "timing_plan_id was used before"},
	} {
		files := signalTables()
		files[x.file].Data = []byte(strings.Replace(string(files[x.file].Data), x.from, x.to, 1))
		if _, _, err := gmns.Import(files, gmns.Options{TimeZone: "UTC"}); err == nil || !strings.Contains(err.Error(), x.want) {
			t.Errorf("%v, want %q", err, x.want)
		}
	}
}

// The example of the standard: timings without a cycle are taken for both of
// its controllers, those whose rings do not add up are left out by name.
func TestTimingsOfTheStandardsExample(t *testing.T) {
	c, a, err := gmns.ImportDir(testdata.Dir(t, "signals/gmns/Arlington_Signals"), gmns.Options{TimeZone: "America/New_York"})
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{"6"} {
		s, ok := c.Signals.Find(id)
		if !ok {
			t.Fatalf("no signal %s", id)
		}
		if p := c.Plans.At(c.Signals.At(s).Plan); p.ID != "0" || p.Kind != geo.RingBarrier || len(p.Phases) != 8 || p.Cycle != 141*time.Second {
			t.Errorf("signal %s: %+v", id, p)
		}
	}
	if said := fmt.Sprint(a.Dropped); !strings.Contains(said, "from barrier to barrier, the cycle is 2m0s") {
		t.Error(said)
	}
}
