package labcli

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/alecthomas/kong"

	"tideway/geo"
	"tideway/geo/gmns"
	"tideway/internal/netdraw"
	"tideway/sim/demand"
	"tideway/sim/demand/csv"
)

// commands stands for the binary.
type commands struct {
	Simulate SimulateCmd `cmd:""`
	Compare  CompareCmd  `cmd:""`
	Optimise OptimiseCmd `cmd:""`
}

func execute(t *testing.T, args ...string) (string, error) {
	t.Helper()
	var c commands
	var out strings.Builder
	p, err := kong.New(&c, kong.Writers(&out, &out))
	if err != nil {
		t.Fatal(err)
	}
	k, err := p.Parse(args)
	if err != nil {
		return "", err
	}
	err = k.Run()
	return out.String(), err
}

// crossing writes a signal where much traffic from the west meets little from
// the north, and returns the folder.
func crossing(t *testing.T) string {
	t.Helper()
	city := netdraw.City("    n\n    |\n    |\nw---S---e\n    |\n    |\n    s")
	segment := func(from, to string) geo.SegmentID {
		for i, s := range city.Segments.All() {
			if city.Nodes.At(s.From).ID == from && city.Nodes.At(s.To).ID == to {
				return i
			}
		}
		t.Fatalf("no street from %s to %s", from, to)
		return 0
	}
	d := &demand.Demand{Types: []demand.VehicleType{demand.NewType("car", geo.Car)},
		Routes: []demand.Route{{ID: "we", Segments: []geo.SegmentID{segment("w", "S"), segment("S", "e")}}, {ID: "ns", Segments: []geo.SegmentID{segment("n", "S"), segment("S", "s")}}}}
	for i := range 200 {
		route := demand.RouteID(0)
		if i%6 == 5 {
			route = 1
		}
		r := d.Routes[route].Segments
		d.Trips = append(d.Trips, demand.Trip{ID: jsonText(t, i), Depart: time.Duration(i) * 4 * time.Second, Route: route, From: r[0], To: r[1], ArriveAt: -1, Key: uint64(i)})
	}
	dir := t.TempDir()
	if err := gmns.WriteDir(dir, city); err != nil {
		t.Fatal(err)
	}
	if err := csv.WriteDir(dir, city, d); err != nil {
		t.Fatal(err)
	}
	return dir
}

func jsonText(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// The keys of the answer are a contract; the plan file is a scenario that
// compare takes, and confirms.
func TestOptimiseWritesAPlanThatCompareConfirms(t *testing.T) {
	dir := crossing(t)
	plan := filepath.Join(t.TempDir(), "plan.json")
	common := []string{"--city", dir, "--demand", dir, "--threads", "1", "--json"}
	out, err := execute(t, slices.Concat([]string{"optimise", "--budget", "600", "--evaluations", "60", "--validation", "6", "--out", plan}, common)...)
	if err != nil {
		t.Fatal(err)
	}
	var keys map[string]json.RawMessage
	if err := json.Unmarshal([]byte(out), &keys); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	for _, k := range []string{"verdict", "base_delay_s", "plan_delay_s", "diff_s", "validation_seeds", "evaluations", "cpu_s", "wall_s", "plan_file"} {
		if _, there := keys[k]; !there {
			t.Errorf("no %s in %s", k, out)
		}
	}
	if string(keys["verdict"]) != `"improved"` || string(keys["plan_file"]) != jsonText(t, plan) {
		t.Fatalf("%s", out)
	}
	out, err = execute(t, slices.Concat([]string{"compare", "--scenario", plan, "--replications", "6", "--seed", "77"}, common)...)
	if err != nil {
		t.Fatal(err)
	}
	var c struct {
		Alternatives []struct {
			KPIs []struct {
				KPI, Better string
				PHolm       float64 `json:"p_holm"`
			}
		}
	}
	if err := json.Unmarshal([]byte(out), &c); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if k := c.Alternatives[0].KPIs[0]; k.KPI != "delay" || k.Better != "yes" || k.PHolm > 0.05 {
		t.Errorf("%+v", k)
	}
}

func TestInputsAreNamedWhenTheyAreWrong(t *testing.T) {
	dir := crossing(t)
	file := filepath.Join(dir, "bad.yaml")
	if err := os.WriteFile(file, []byte("name: x\nchanges:\n  - {op: segment.close, select: {id: [ghost]}}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for want, args := range map[string][]string{
		"bad.yaml: changes[0] c1 (segment.close): ghost": {"compare", "--city", dir, "--demand", dir, "--scenario", file},
		"phantom: is not a signal of city":               {"optimise", "--city", dir, "--demand", dir, "--signals", "phantom"},
		`"soon" is neither seconds`:                      {"simulate", "--city", dir, "--demand", dir, "--begin", "soon"},
		"--demand: stat nothing.xml":                     {"simulate", "--city", dir, "--demand", "nothing.xml"},
		`"feiertag" is no day`:                           {"simulate", "--city", dir, "--demand", dir, "--day", "feiertag"},
	} {
		if _, err := execute(t, args...); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: %v, want %s", args, err, want)
		}
	}
}

// A plan of weekdays is in force on weekdays, and Monday is the day unless
// another one is named.
func TestPlansAreThoseOfTheDay(t *testing.T) {
	dir := crossing(t)
	city, _, err := gmns.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	patch := city.Patch()
	peak := city.Plans.At(0)
	peak.ID, peak.Stages = "peak", slices.Clone(peak.Stages)
	for i := range peak.Stages {
		peak.Stages[i].Duration *= 2
		peak.Cycle += peak.Stages[i].Duration / 2
	}
	at := patch.AddPlan(peak)
	patch.SetSchedule(peak.Signal, []geo.PlanSwitch{{Signal: peak.Signal, Days: geo.EveryDay, Plan: 0}, {Signal: peak.Signal, Days: geo.EveryDay &^ (1<<time.Saturday | 1<<time.Sunday), At: time.Minute, Plan: at}})
	if err := gmns.WriteDir(dir, patch.City()); err != nil {
		t.Fatal(err)
	}
	states := func(more ...string) string {
		out, err := execute(t, append([]string{"simulate", "--city", dir, "--demand", dir, "--json"}, more...)...)
		if err != nil {
			t.Fatal(err)
		}
		var s struct {
			StateHash string `json:"state_hash"`
		}
		if err := json.Unmarshal([]byte(out), &s); err != nil || s.StateHash == "" {
			t.Fatalf("%v: %s", err, out)
		}
		return s.StateHash
	}
	monday, friday, sunday, unnamed := states("--day", "mon"), states("--day", "Fri"), states("--day", "sun"), states()
	if dated := states("--day", "2026-03-22"); monday != friday || monday != unnamed || monday == sunday || dated != sunday {
		t.Errorf("states of Monday %s, Friday %s, Sunday %s, no day %s, a Sunday by date %s", monday, friday, sunday, unnamed, dated)
	}
}
