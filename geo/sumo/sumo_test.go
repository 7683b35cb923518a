package sumo_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tideway/geo"
	"tideway/geo/sumo"
	"tideway/internal/testdata"
)

func open(t testing.TB, dir string, names ...string) []sumo.File {
	t.Helper()
	var out []sumo.File
	for _, n := range names {
		f, err := os.Open(filepath.Join(dir, n))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { f.Close() })
		out = append(out, sumo.File{Name: n, Reader: f})
	}
	return out
}

func read(t testing.TB, dir, net string, additional ...string) (*geo.City, *sumo.Report) {
	t.Helper()
	c, r, err := sumo.Read(open(t, dir, net)[0], open(t, dir, additional...), sumo.Options{TimeZone: "Europe/Rome"})
	if err != nil {
		t.Fatal(err)
	}
	return c, r
}

func bologna(t testing.TB) (*geo.City, *sumo.Report) {
	t.Helper()
	return read(t, filepath.Join(testdata.Dir(t, "bologna"), "network"), "joined.net.xml",
		"joined_bus_stops.add.xml", "joined_detectors.add.xml", "joined_vtypes.add.xml", "joined_tls.add.xml")
}

func TestBologna(t *testing.T) {
	c, r := bologna(t)
	t.Logf("%+v, largest strongly connected part %.3f, %d assumed, %d dropped", r.Counts, r.LargestSCC, len(r.Assumed), len(r.Dropped))
	// 576 connections between streets stand in the file.
	want := geo.Counts{Nodes: 158, Segments: 267, Lanes: 411, Movements: 576, Conflicts: r.Counts.Conflicts, Signals: 13, Programs: 13, Sensors: 106, Stops: 56}
	if r.Counts != want {
		t.Errorf("counts are %+v, want %+v", r.Counts, want)
	}
	for i, s := range c.Signals.All() {
		if p := c.Plans.At(s.Plan); p.ID != "utopia" {
			t.Errorf("signal %d has program %s in force", i, p.ID)
		}
	}
	if strings.Join(r.Demand, " ") != "joined_vtypes.add.xml" {
		t.Errorf("demand files %v", r.Demand)
	}
}

func TestEveryNetworkImports(t *testing.T) {
	dir := testdata.Dir(t, "sumo")
	nets, _ := filepath.Glob(filepath.Join(dir, "*", "*.net.xml"))
	for _, path := range nets {
		name, _ := filepath.Rel(dir, path)
		t.Run(name, func(t *testing.T) {
			c, r := read(t, dir, name)
			sane(t, c)
			t.Logf("%+v, largest strongly connected part %.3f, %d assumed, %d dropped", r.Counts, r.LargestSCC, len(r.Assumed), len(r.Dropped))
		})
	}
}

func BenchmarkBologna(b *testing.B) {
	dir := filepath.Join(testdata.Dir(b, "bologna"), "network")
	for b.Loop() {
		read(b, dir, "joined.net.xml", "joined_tls.add.xml")
	}
}
