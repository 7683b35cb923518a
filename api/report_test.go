package api

import (
	"context"
	"encoding/csv"
	"net/http"
	"strings"
	"testing"

	"tideway/api/client"
	"tideway/api/wire"
	"tideway/scenarios"
)

// A finished run is a page that may load nothing, and a table; drawn once and
// kept. A run that is not finished is neither.
func TestReportsOfRuns(t *testing.T) {
	twin := newFakeTwin(t, 20)
	_, base := serve(t, Options{Twin: twin})
	c, ctx := client.New(base, "", transport(t)), context.Background()
	wait(t, c)
	if _, err := c.AddScenario(ctx, closure("a", twin.city.Segments.At(1).ID)); err != nil {
		t.Fatal(err)
	}
	run, err := c.StartRun(ctx, wire.RunRequest{Scenarios: []string{twin.order[0]}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Report(ctx, run.ID); err == nil || !strings.Contains(err.Error(), "there is nothing to compare") {
		t.Errorf("a run under way has a report: %v", err)
	}
	twin.set(run.ID, scenarios.Done, 4)
	page, err := c.Report(ctx, run.ID)
	if err != nil || !strings.Contains(string(page), "Delay falls from 40 to 38 s per trip") {
		t.Errorf("%v: %.300s", err, page)
	}
	if again, err := c.Report(ctx, run.ID); err != nil || string(again) != string(page) {
		t.Error("asked for again it is another", err)
	}
	if n := twin.reports.Load(); n != 1 {
		t.Errorf("drawn %d times", n)
	}
	resp, err := http.Get(base + "/v1/comparisons/" + run.ID + "/report")
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if p := resp.Header.Get("Content-Security-Policy"); !strings.HasPrefix(p, "default-src 'none'; style-src 'unsafe-inline'") || resp.Header.Get("ETag") == "" {
		t.Errorf("headers %v", resp.Header)
	}
	table, err := c.ReportCSV(ctx, run.ID)
	if err != nil {
		t.Fatal(err)
	}
	if rows, err := csv.NewReader(strings.NewReader(string(table))).ReadAll(); err != nil || len(rows) != 2 || rows[1][2] != "delay" {
		t.Errorf("%v, %v", rows, err)
	}
}

func TestKeptReportsAreTheLastOnes(t *testing.T) {
	var c reportCache
	for i := range 20 {
		c.put(itoa(i), newEncoded("text/html", nil))
		c.put(itoa(i), newEncoded("text/html", nil))
	}
	if len(c.page) != keptReports || len(c.last) != keptReports || c.get("19") == nil || c.get("0") != nil {
		t.Errorf("%d reports kept", len(c.page))
	}
}
