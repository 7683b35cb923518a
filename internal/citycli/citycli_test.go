package citycli_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/alecthomas/kong"

	"tideway/geo"
	"tideway/geo/gmns"
	"tideway/internal/citycli"
	"tideway/internal/testdata"
)

// tideway runs one command line and returns what it printed.
func tideway(t testing.TB, args ...string) (string, error) {
	t.Helper()
	var c struct {
		Import citycli.ImportCmd `cmd:""`
		Export citycli.ExportCmd `cmd:""`
	}
	var out bytes.Buffer
	p, err := kong.New(&c, kong.Writers(&out, &out), kong.Exit(func(int) { t.Fatal("exit") }))
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

func must(t testing.TB, args ...string) string {
	t.Helper()
	out, err := tideway(t, args...)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestBolognaInFourCommands(t *testing.T) {
	data, dir := testdata.Dir(t, "bologna"), filepath.Join(t.TempDir(), "city")
	net := func(name string) string { return filepath.Join(data, "network", name) }
	out := must(t, "import", "sumo", net("joined.net.xml"), net("joined_bus_stops.add.xml"), net("joined_detectors.add.xml"), net("joined_vtypes.add.xml"),
		net("joined_tls.add.xml"), net("joined.rou.xml"), net("joined_busses.rou.xml"), "--out", dir, "--timezone", "Europe/Rome", "--name", "Bologna", "--json")
	var a struct {
		Version string         `json:"city_version"`
		Counts  map[string]int `json:"counts"`
		Assumed []any          `json:"assumed"`
		Dropped []any          `json:"dropped"`
		Share   float64        `json:"largest_scc_share"`
		CPU     *float64       `json:"cpu_s"`
		Demand  struct{ Trips int }
	}
	if err := json.Unmarshal([]byte(out), &a); err != nil {
		t.Fatal(err)
	}
	if a.Counts["segments"] != 267 || a.Counts["programs"] != 13 || a.Counts["movements"] != 576 || a.Demand.Trips != 11176 || a.Version == "" || a.Share <= 0 || a.CPU == nil {
		t.Errorf("answer %.600s", out)
	}
	t.Logf("%v, %.2f s of CPU in this process", a.Counts, *a.CPU)

	out = must(t, "import", "zones", filepath.Join(data, "zones", "statistical_areas.csv"), "--city", dir, "--kind", "statistical", "--name", "AREA STATISTICA")
	if !strings.Contains(out, "90 zones") {
		t.Error(out)
	}
	restricted := []string{"import", "zones", filepath.Join(data, "zones", "limited_traffic_zone.geojson"), "--city", dir, "--kind", "restricted", "--id", "codice", "--name", "nomevia1", "--json"}
	if _, err := tideway(t, restricted...); err == nil || !strings.Contains(err.Error(), "give --prefix") {
		t.Errorf("zones with the ids of others: %v", err)
	}
	out = must(t, append(restricted, "--prefix", "ztl-")...)
	if err := json.Unmarshal([]byte(out), &a); err != nil || a.Counts["zones"] != 104 {
		t.Errorf("%v: %.300s", err, out)
	}
}

const mapping = `
id: codice_spira
lat_lon: geopoint
heading: angolo
anticlockwise: true
road: Nome via
measures: [{quantity: flow, interval: 1h}]
`

func TestSensorsZonesAndExports(t *testing.T) {
	data, dir := testdata.Dir(t, "bologna"), t.TempDir()
	city := filepath.Join(dir, "city")
	must(t, "import", "sumo", filepath.Join(data, "network", "joined.net.xml"), filepath.Join(data, "network", "joined_tls.add.xml"), "--out", city, "--timezone", "Europe/Rome")
	file := filepath.Join(dir, "loops.yaml")
	if err := os.WriteFile(file, []byte(mapping), 0o666); err != nil {
		t.Fatal(err)
	}
	loops := filepath.Join(data, "readings", "loops_hourly_2024_01_03.csv.gz")
	out := must(t, "import", "sensors", loops, "--city", city, "--mapping", file, "--json")
	var a struct {
		Read, Replaced int
		Assumed        []geo.Assumption
		Matching       struct {
			Matched int
			Review  []any
		}
	}
	if err := json.Unmarshal([]byte(out), &a); err != nil || a.Read != 67 || a.Matching.Matched < 60 || len(a.Assumed) != 1 {
		t.Errorf("%v: %.500s", err, out)
	}
	before, _, err := gmns.ReadDir(city)
	if err != nil {
		t.Fatal(err)
	}
	out = must(t, "import", "sensors", loops, "--city", city, "--mapping", file) // again: nothing changes
	after, _, err := gmns.ReadDir(city)
	if err != nil || after.Version != before.Version || !strings.Contains(out, "67 of them replaced") {
		t.Errorf("version %s became %s: %s, %v", before.Version, after.Version, out, err)
	}

	plans := filepath.Join(dir, "plans.add.xml")
	must(t, "export", "sumo", "--city", city, "--out", plans)
	again := filepath.Join(dir, "again")
	must(t, "import", "sumo", filepath.Join(data, "network", "joined.net.xml"), plans, "--out", again, "--timezone", "Europe/Rome")
	a1, _ := os.ReadFile(filepath.Join(city, "stage.csv"))
	a2, _ := os.ReadFile(filepath.Join(again, "stage.csv"))
	if len(a1) == 0 || !bytes.Equal(a1, a2) {
		t.Error("plans differ after export and import")
	}
	if out := must(t, "export", "geojson", "--city", city, "--out", "-"); !json.Valid([]byte(out)) {
		t.Errorf("not JSON: %.200s", out)
	}
	copied := filepath.Join(dir, "copy")
	must(t, "export", "gmns", "--city", city, "--out", copied)
	if c, _, err := gmns.ReadDir(copied); err != nil || c.Version != after.Version {
		t.Error("the copy is another city", err)
	}
}

func TestExportWithAPlan(t *testing.T) {
	data, dir := testdata.Dir(t, "bologna"), t.TempDir()
	city, plan := filepath.Join(dir, "city"), filepath.Join(dir, "plan.json")
	must(t, "import", "sumo", filepath.Join(data, "network", "joined.net.xml"), filepath.Join(data, "network", "joined_tls.add.xml"), "--out", city, "--timezone", "Europe/Rome")
	if err := os.WriteFile(plan, []byte(`{"name":"later","changes":[{"op":"signal.adjust","select":{"id":["209"]},"offset_s":11}]}`), 0o666); err != nil {
		t.Fatal(err)
	}
	if out := must(t, "export", "sumo", "--city", city, "--plan", plan, "--out", "-"); !strings.Contains(out, `id="209" type="static"`) || !strings.Contains(out, `offset="11"`) {
		t.Errorf("%.600s", out)
	}
}

func TestWrongUsage(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "x.net.xml")
	if err := os.WriteFile(file, []byte("<net><edge"), 0o666); err != nil {
		t.Fatal(err)
	}
	for _, x := range []struct {
		args string
		want string
		code int
	}{
		{"import osm city.pbf --out x", "not built yet", 2},
		{"import tntp", "not built yet", 2},
		{"import sumo " + file + " --out " + dir, "--timezone", 0},
		{"import sumo " + file + " --timezone UTC --out " + dir, "x.net.xml:1: is not well-formed XML", 0},
		{"import sumo " + file + " --timezone UTC --origin here --out " + dir, "not a place", 0},
		{"import zones " + file + " --city " + dir, "city.json: cannot be read", 0},
	} {
		_, err := tideway(t, strings.Fields(x.args)...)
		if err == nil || !strings.Contains(err.Error(), x.want) {
			t.Errorf("%s: %v, want %q", x.args, err, x.want)
		}
		var coded interface{ ExitCode() int }
		if x.code != 0 && (!errors.As(err, &coded) || coded.ExitCode() != x.code) {
			t.Errorf("%s: exit status is not %d", x.args, x.code)
		}
	}
}
