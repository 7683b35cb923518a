package labcli

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tideway/internal/netdraw"
)

// Counts judge what simulate and compare simulate, in JSON, text and report.
func TestCountsJudgeTheBase(t *testing.T) {
	dir := crossing(t)
	counts := filepath.Join(t.TempDir(), "counts.csv")
	table := "day,segment_id,begin,flow_vph\n"
	for _, day := range []string{"mon,wS,00:00,740", "tue,wS,00:00,750", "wed,wS,00:00,760", "mon,wS,5m,750", "tue,wS,5m,750", "wed,wS,5m,750", "mon,-Se,00:00,900", "mon,-Se,300,900"} {
		table += day + "\n"
	}
	if err := os.WriteFile(counts, []byte(table), 0o600); err != nil {
		t.Fatal(err)
	}
	common := []string{"--city", dir, "--demand", dir, "--threads", "1", "--end", "10m", "--counts", counts}
	out, err := execute(t, append([]string{"simulate", "--replications", "2", "--json"}, common...)...)
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		Calibration struct {
			IntervalS    float64 `json:"interval_s"`
			GEHBelow5    float64 `json:"geh_below_5"`
			GEHMet       bool    `json:"geh_met"`
			FHWAJudged   int     `json:"fhwa_judged"`
			Replications int
			Places       []struct {
				Segment string
				Days    int
				GEH     float64
			}
		}
	}
	if err := json.Unmarshal([]byte(out), &got); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	c := got.Calibration
	if c.IntervalS != 300 || c.Replications != 2 || c.GEHBelow5 != 0.5 || c.GEHMet || c.FHWAJudged != 1 || len(c.Places) != 2 {
		t.Errorf("the empty street does not fit 900 veh/h, the main street fits: %s", out)
	}
	scenario, report := filepath.Join(dir, "s.yaml"), filepath.Join(t.TempDir(), "report.html")
	if err := os.WriteFile(scenario, []byte("name: more\nchanges:\n  - {op: demand.scale, factor: 1.1}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err = execute(t, append([]string{"compare", "--scenario", scenario, "--report", report}, common...)...)
	if err != nil || !strings.Contains(out, "GEH below 5 at 50 % of 2 places") {
		t.Errorf("%v: %s", err, out)
	}
	page, err := os.ReadFile(report)
	if err != nil || !strings.Contains(string(page), "Does the base fit the counts?") {
		t.Errorf("the report says nothing of the counts (%v)", err)
	}
}

func TestCountProblems(t *testing.T) {
	city := netdraw.City("a-B-c")
	_, err := readCounts(strings.NewReader("segment_id,begin,flow_vph,colour\nghost,00:00,5,red\naB,soon,5,red\naB,00:15,-1,red\naB,00:00,,red\n"), "c.csv", 0, city)
	for _, want := range []string{"c.csv:1: colour", "c.csv:2: ghost: is not a segment", "c.csv:3: begin", `c.csv:4: flow_vph: is "-1"`} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v lacks %q", err, want)
		}
	}
	if _, err := readCounts(strings.NewReader("begin\n00:00\n"), "c.csv", 0, city); err == nil || !strings.Contains(err.Error(), "exactly one of the columns") {
		t.Errorf("%v", err)
	}
	if _, err := readCounts(strings.NewReader("segment_id,begin,flow_vph\naB,00:00,5\n"), "c.csv", 0, city); err == nil || !strings.Contains(err.Error(), "--counts-interval") {
		t.Errorf("%v", err)
	}
}

func FuzzReadCounts(f *testing.F) {
	city := netdraw.City("a-B-c")
	f.Add("segment_id,begin,flow_vph,day\naB,00:00,5,mon\n")
	f.Add("sensor_id,begin,flow_vph\n1,900,NaN\n")
	f.Fuzz(func(t *testing.T, text string) {
		c, err := readCounts(strings.NewReader(text), "c.csv", time.Hour, city)
		if err != nil {
			return
		}
		for _, r := range c.Rows {
			if int(r.Segment) >= city.Segments.Len() || !(r.FlowVPH >= 0) || r.Begin < 0 {
				t.Errorf("accepted %+v", r)
			}
		}
	})
}
