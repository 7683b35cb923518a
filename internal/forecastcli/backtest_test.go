package forecastcli

import (
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// wide writes a table of three days of hourly speeds, compressed.
func wide(t *testing.T) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "values.csv.gz")
	out, err := create(name)
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprintln(out, ",a,b,c")
	for i := range 72 {
		v := 60 - 20*math.Exp(-math.Pow(float64(i%24)-8, 2)/4)
		fmt.Fprintf(out, "2012-03-%02d %02d:00:00,%.1f,%.1f,\n", 5+i/24, i%24, v+float64(i*7%5), v-float64(i*3%4))
	}
	if err := out.Close(); err != nil {
		t.Fatal(err)
	}
	return name
}

func TestStableOutputOfBacktest(t *testing.T) {
	c := BacktestCmd{Values: wide(t), Timezone: "UTC", Unit: "mph", TrainRows: 48, Steps: 2, Protocol: "cumulative", CongestedBelow: 50,
		HideFraction: .4, HideSeed: 1, Baseline: true, Predictions: filepath.Join(t.TempDir(), "p.csv.gz")}
	cfg, err := c.config()
	if err != nil {
		t.Fatal(err)
	}
	r, err := c.run(context.Background(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range strings.Fields(`train_rows origins models name role train_cpu_s infer_ms horizons minutes mae rmse mape wape
		coverage90 width90 coverage90_congested coverage90_sensor_p10 onset_recall onset_precision hidden mode share seed`) {
		if !strings.Contains(string(text), `"`+key+`":`) {
			t.Errorf("no key %q in %s", key, text)
		}
	}
	f, err := os.Open(c.Predictions)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	rows, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(rows)), "\n")
	if lines[0] != "model,origin,sensor,step,predicted,lo90,hi90,p_congested" || !strings.HasPrefix(lines[1], "profile_residual,47,a,1,") || len(lines) != 1+23*3*2 {
		t.Fatalf("%d lines, %q, %q", len(lines), lines[0], lines[1])
	}
}

func TestBacktestFlagsThatDoNotFit(t *testing.T) {
	for want, change := range map[string]func(c *BacktestCmd){
		"time zone": func(c *BacktestCmd) { c.Timezone = "Mars/Base" },
		"start":     func(c *BacktestCmd) { c.Start = "soon" },
		"no such":   func(c *BacktestCmd) { c.Values = "absent.csv" },
		`holidays of "XX" are not known, expected one of [`: func(c *BacktestCmd) { c.Holidays = "XX" },
	} {
		c := BacktestCmd{Values: wide(t), Timezone: "UTC", Unit: "mph", TrainRows: 48, Steps: 2}
		change(&c)
		if _, err := c.config(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, expected a word on %q", err, want)
		}
	}
}
