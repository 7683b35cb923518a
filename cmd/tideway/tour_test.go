package main

import (
	"bytes"
	"encoding/csv"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"tideway/geo/gmns"
	"tideway/geo/synth"
)

// TestBrokenInputsOfTheCommands gives the commands broken files: status 1, a
// message that names file, place and what was expected, and no folder is left
// that looks like a city.
func TestBrokenInputsOfTheCommands(t *testing.T) {
	dir := t.TempDir()
	city, err := synth.City(synth.Options{Segments: 80, Seed: 5})
	if err != nil {
		t.Fatal(err)
	}
	good := filepath.Join(dir, "good")
	if err := gmns.WriteDir(good, city); err != nil {
		t.Fatal(err)
	}
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return path
	}
	// spoiled is the good city with one table changed.
	spoiled := func(table string, spoil func(lines []string) []string) string {
		to := filepath.Join(dir, "spoiled "+t.Name()+table)
		if err := os.CopyFS(to, os.DirFS(good)); err != nil {
			t.Fatal(err)
		}
		raw, err := os.ReadFile(filepath.Join(to, table))
		if err != nil {
			t.Fatal(err)
		}
		lines := spoil(strings.Split(strings.TrimRight(string(raw), "\n"), "\n"))
		if err := os.WriteFile(filepath.Join(to, table), []byte(strings.Join(lines, "\n")+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
		return to
	}
	sensor := city.Sensors.At(0).ID
	readings := "sensor,quantity,at,value\n" + sensor + ",speed,2026-03-01T00:00:00Z,NaN\n" + sensor + ",flow,2026-03-01T00:00:00Z,-3\nnowhere,speed,2026-03-01T00:00:00Z,30\n"
	for _, c := range []struct {
		name   string
		args   []string
		status int
		want   []string
	}{
		{"truncated XML", []string{"import", "sumo", file("cut.net.xml", "<net>\n<edge id=\"a\" from=\"x\"\n"), "--timezone", "Europe/Rome", "--out", filepath.Join(dir, "cut")}, 1, []string{"cut.net.xml"}},
		{"not a network", []string{"import", "sumo", file("no.net.xml", "hello"), "--timezone", "Europe/Rome", "--out", filepath.Join(dir, "cut")}, 1, []string{"no.net.xml"}},
		{"unknown time zone", []string{"import", "sumo", file("a.net.xml", "<net/>"), "--timezone", "Mars/Base", "--out", filepath.Join(dir, "cut")}, 1, []string{"Mars/Base"}},
		{"no such file", []string{"import", "sumo", filepath.Join(dir, "absent"), "--timezone", "Europe/Rome", "--out", filepath.Join(dir, "cut")}, -1, []string{"absent"}},
		{"a node twice", []string{"export", "geojson", "--city", spoiled("node.csv", func(l []string) []string { return append(l, l[1]) }), "--out", filepath.Join(dir, "o")}, 1, []string{"node.csv:", "was used before"}},
		{"a length that is NaN", []string{"export", "geojson", "--city", spoiled("link.csv", func(l []string) []string { l[1] = withCell(t, l[0], l[1], "length", "NaN"); return l }), "--out", filepath.Join(dir, "o")}, 1, []string{"link.csv:2", "length", "NaN"}},
		{"a table cut off", []string{"export", "geojson", "--city", spoiled("lane.csv", func(l []string) []string { return append(l[:5], l[5][:8]) }), "--out", filepath.Join(dir, "o")}, 1, []string{"lane.csv:"}},
		{"a mapping with a wrong key", []string{"ingest", file("r.csv", readings), "--mapping", file("m.yaml", "colour: red\n"), "--data", filepath.Join(dir, "d"), "--city", good}, 1, []string{"m.yaml", "colour"}},
		{"a mapping with a wrong unit", []string{"ingest", file("r.csv", readings), "--mapping", file("u.yaml", "time: {column: at}\nsensor: \"{sensor}\"\nvalues: [{column: value, quantity: flow, unit: furlongs}]\n"), "--data", filepath.Join(dir, "d"), "--city", good}, 1, []string{"furlongs"}},
		{"a backfill to nowhere", []string{"ingest", file("r.csv", readings)}, 2, []string{"--to", "--data"}},
		{"a backfill to a folder without its city", []string{"ingest", file("r.csv", readings), "--data", filepath.Join(dir, "d")}, 2, []string{"--city"}},
		{"a table without the columns", []string{"ingest", file("c.csv", "a,b\n1,2\n"), "--data", filepath.Join(dir, "d"), "--city", good}, 1, []string{"c.csv", `"at"`}},
		{"zones that are none", []string{"import", "zones", file("z.geojson", `{"type":"FeatureCollection","features":[{"type":"Feature"`), "--city", good}, 1, []string{"z.geojson"}},
		{"sensors without coordinates", []string{"import", "sensors", file("s.csv", "id,lon,lat,quantity\na,,44,speed\n"), "--city", good}, 1, []string{"s.csv:2"}},
		{"a scenario of nothing", []string{"compare", "--city", good, "--demand", good, "--scenario", file("s.yaml", "changes: 3\n")}, 1, nil},
		{"a time that is none", []string{"forecast", "--city", good, "--data", good, "--from", "yesterday", "--to", "2026-03-01"}, 1, []string{"yesterday", "2024-03-20"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			stdout, stderr, status := tideway(t, c.args...)
			if c.status >= 0 && status != c.status || status == 0 {
				t.Errorf("status %d, expected %d: %s%s", status, c.status, stdout, stderr)
			}
			for _, want := range c.want {
				if !strings.Contains(stderr, want) {
					t.Errorf("expected %q in: %s", want, stderr)
				}
			}
		})
	}
	if _, err := os.Stat(filepath.Join(dir, "cut", "city.json")); err == nil {
		t.Error("a broken import left a city behind")
	}
	got := object[ingested](t, "ingest", file("r.csv", readings), "--data", filepath.Join(dir, "d"), "--city", good)
	if got.Accepted != 0 || got.Rejected != 3 || got.ByReason["range"] != 1 || got.ByReason["unknown_sensor"] != 1 || got.ByReason["not_a_number"] != 1 {
		t.Errorf("NaN, negative flow and unknown sensor: %+v", got)
	}
}

// withCell is a row of a table with one cell replaced.
func withCell(t *testing.T, header, row, column, text string) string {
	t.Helper()
	cells, err := csv.NewReader(strings.NewReader(header + "\n" + row + "\n")).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	cells[1][slices.Index(cells[0], column)] = text
	var out bytes.Buffer
	if err := csv.NewWriter(&out).WriteAll(cells[1:]); err != nil {
		t.Fatal(err)
	}
	return strings.TrimSuffix(out.String(), "\n")
}
