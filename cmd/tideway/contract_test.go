package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestStableKeys holds the commands to the keys that other programs read: one
// object on standard output and nothing else there.
func TestStableKeys(t *testing.T) {
	dir := t.TempDir()
	city, plan := filepath.Join(dir, "city"), filepath.Join(dir, "plan.json")
	scenario := filepath.Join(dir, "more.yaml")
	if err := os.WriteFile(scenario, []byte("name: more\nchanges: [{op: demand.scale, factor: 1.2}]\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, stderr, status := tideway(t, "gen", "city", "--size", "60", "--seed", "1", "--out", city); status != 0 {
		t.Fatal(stderr)
	}
	hour := []string{"--city", city, "--demand", city, "--begin", "07:30", "--end", "27900", "--step", "1s", "--stuck-after", "300s", "--seed", "2"}
	hcm := filepath.Join(dir, "hcm.csv")
	if err := os.WriteFile(hcm, []byte("C,g_eff,capacity,X\n90,41,697,0.0775\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	summary := "scheduled dropped_before_begin inserted completed unfinished never_inserted released mean_travel_time_s p95_travel_time_s mean_time_loss_s mean_waiting_time_s mean_stops mean_departure_delay_s mean_delay_s vehicle_seconds step_s steps load_cpu_s run_cpu_s vehicle_seconds_per_cpu_s peak_rss_mb gridlocked seed state_hash"
	for _, c := range []struct {
		name, at, keys string
		args           []string
	}{
		{"simulate", "", summary, append([]string{"simulate", "--until-clear"}, hour...)},
		{"simulate twice", "", "runs mean", append([]string{"simulate", "--replications", "2"}, hour...)},
		{"one of them", "runs", summary, append([]string{"simulate", "--replications", "2"}, hour...)},
		{"compare", "", "replications cpu_s wall_s alternatives", append([]string{"compare", "--scenario", scenario, "--replications", "2"}, hour...)},
		{"an alternative", "alternatives", "scenario gridlock_share unfinished kpis", append([]string{"compare", "--scenario", scenario, "--replications", "2"}, hour...)},
		{"an indicator", "alternatives kpis", "kpi unit base alt diff lo95 hi95 p_holm variance_ratio better", append([]string{"compare", "--scenario", scenario, "--replications", "2"}, hour...)},
		{"optimise", "", "verdict base_delay_s plan_delay_s diff_s validation_seeds evaluations cpu_s wall_s plan_file", append([]string{"optimise", "--signals", "all", "--budget", "1s", "--out", plan}, hour...)},
		{"its difference", "diff_s", "mean lo95 hi95", append([]string{"optimise", "--signals", "all", "--budget", "1s", "--out", plan}, hour...)},
		{"hcm", "rows", "d1_s d2_s d3_s delay_s x los", []string{"hcm", "--in", hcm}},
	} {
		t.Run(c.name, func(t *testing.T) {
			stdout, stderr, status := tideway(t, append(c.args, "--json")...)
			if status != 0 {
				t.Fatalf("status %d: %s", status, stderr)
			}
			var object map[string]any
			if err := json.Unmarshal([]byte(stdout), &object); err != nil {
				t.Fatalf("%v: %s", err, stdout)
			}
			for _, key := range strings.Fields(c.at) {
				object = first(t, object[key])
			}
			for _, key := range strings.Fields(c.keys) {
				if _, ok := object[key]; !ok {
					t.Errorf("no %q in %v", key, object)
				}
			}
		})
	}
	if raw, err := os.ReadFile(plan); err != nil || !json.Valid(raw) {
		t.Errorf("the plan: %v, %s", err, raw)
	}
}

// first is an object, or the first of a list of them.
func first(t *testing.T, v any) map[string]any {
	t.Helper()
	if list, ok := v.([]any); ok && len(list) > 0 {
		v = list[0]
	}
	object, ok := v.(map[string]any)
	if !ok {
		t.Fatalf("%v is no object", v)
	}
	return object
}
