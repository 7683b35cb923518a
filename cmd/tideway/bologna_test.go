package main

import (
	"crypto/sha256"
	"encoding/hex"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"tideway/api/client"
	"tideway/api/wire"
	"tideway/forecast"
	"tideway/geo"
	"tideway/geo/gmns"
	"tideway/internal/testdata"
	"tideway/internal/twin"
	"tideway/sim/demand/csv"
)

// bologna is the reference city made from its raw files by the commands of
// examples/bologna/run.sh.
type bologna struct {
	raw, example, city, data string
}

func (b bologna) mapping(name string) string { return filepath.Join(b.example, name) }

// TestBolognaEndToEnd goes from raw files to forecasts and a comparison.
func TestBolognaEndToEnd(t *testing.T) {
	if testing.Short() {
		t.Skip("the whole chain takes half a minute")
	}
	dir := t.TempDir()
	b := bologna{raw: testdata.Dir(t, "bologna"), example: filepath.Join("..", "..", "examples", "bologna"),
		city: filepath.Join(dir, "city"), data: filepath.Join(dir, "data")}
	b.imports(t)
	before := digest(t, b.city)
	b.ingests(t, "--data", b.data, "--city", b.city)
	b.forecasts(t)
	b.serves(t)
	b.compares(t)
	if digest(t, b.city) != before {
		t.Error("the city folder changed after its import")
	}
}

func (b bologna) imports(t *testing.T) {
	type audit struct {
		Counts map[string]int `json:"counts"`
		SCC    float64        `json:"largest_scc_share"`
		CPU    float64        `json:"cpu_s"`
	}
	net := func(name string) string { return filepath.Join(b.raw, "network", name) }
	got := object[audit](t, "import", "sumo", net("joined.net.xml"), net("joined_tls.add.xml"), net("joined_detectors.add.xml"),
		net("joined_bus_stops.add.xml"), net("joined_vtypes.add.xml"), net("joined.rou.xml"), net("joined_busses.rou.xml"),
		"--out", b.city, "--timezone", "Europe/Rome", "--name", "Bologna")
	if got.Counts["segments"] != 267 || got.Counts["programs"] != 13 || got.Counts["signals"] != 13 || got.Counts["movements"] == 0 || got.SCC < .5 {
		t.Fatalf("import: %+v", got)
	}
	t.Logf("the import took %.2f s of CPU", got.CPU)
	object[audit](t, "import", "zones", filepath.Join(b.raw, "zones", "statistical_areas.csv"), "--city", b.city, "--kind", "statistical",
		"--id", "Codice Area Statistica", "--name", "AREA STATISTICA", "--geometry", "Geo Shape")
	object[audit](t, "import", "zones", filepath.Join(b.raw, "zones", "limited_traffic_zone.geojson"), "--city", b.city, "--kind", "restricted",
		"--id", "codice", "--prefix", "ztl-")
	for _, table := range [][2]string{{"loops.sensors.yaml", "readings/loops_hourly_2024_01_03.csv.gz"},
		{"regional.sensors.yaml", "readings/regional_stations.geojson"}, {"air.sensors.yaml", "air/stations.geojson"}} {
		got = object[audit](t, "import", "sensors", filepath.Join(b.raw, table[1]), "--city", b.city, "--mapping", b.mapping(table[0]))
	}
	if got.Counts["zones"] != 104 || got.Counts["sensors"] != 106+67+16+3 || got.Counts["segments"] != 267 {
		t.Fatalf("with zones and sensors: %+v", got)
	}
}

type ingested struct {
	Accepted, Rejected, Duplicates int
	ByReason                       map[string]int `json:"by_reason"`
}

// ingests sends all tables and returns what became of their readings. The
// regional and air tables go on after March: forecasts of March must not care.
func (b bologna) ingests(t *testing.T, to ...string) (sum ingested) {
	for _, table := range [][]string{{"loops.yaml", "readings/loops_hourly_2024_01_03.csv.gz"}, {"regional.yaml", "readings/regional_counts_hourly_2024.csv.gz"},
		{"air.yaml", "air/NO2_hourly.csv", "air/Ozone_hourly.csv", "air/CO_hourly.csv", "air/PM10_daily.csv", "air/PM25_daily.csv"}} {
		args := append([]string{"ingest", "--mapping", b.mapping(table[0])}, to...)
		for _, file := range table[1:] {
			args = append(args, filepath.Join(b.raw, file))
		}
		got := object[ingested](t, args...)
		for why := range got.ByReason {
			if why != "future" && why != "stuck" {
				t.Errorf("%s: %+v", table[0], got)
			}
		}
		sum.Accepted, sum.Rejected = sum.Accepted+got.Accepted, sum.Rejected+got.Rejected
	}
	if sum.Accepted+sum.Rejected != 54408+81290+33880 {
		t.Fatalf("%+v, expected every cell of the tables to be accounted for", sum)
	}
	return sum
}

func (b bologna) forecasts(t *testing.T) {
	got := object[struct{ Skill []score }](t, "forecast", "--city", b.city, "--data", b.data, "--from", "2024-03-20", "--to", "2024-03-27")
	seen := map[string]bool{}
	for _, s := range got.Skill {
		if s.Minutes != 60 || s.Quantity != "flow" && s.Quantity != "no2" {
			continue
		}
		seen[s.Quantity] = true
		t.Logf("%s %.0f min ahead: MAE %.2f %s, last value %.2f, typical day %.2f, in 90 %% %.3f, n %d", s.Quantity, s.Minutes, *s.MAE, s.Unit,
			*s.MAELast, *s.MAETypical, *s.Coverage90, s.N)
		if *s.MAE >= *s.MAELast || *s.MAE >= *s.MAETypical {
			t.Errorf("%s an hour ahead: MAE %.2f, expected less than the last value's %.2f and the typical day's %.2f", s.Quantity, *s.MAE, *s.MAELast, *s.MAETypical)
		}
		if *s.Coverage90 < .85 || *s.Coverage90 > .95 {
			t.Errorf("%s: %.3f in the 90 %% intervals", s.Quantity, *s.Coverage90)
		}
		if s.N < 24*7*2 {
			t.Errorf("%s: %d forecasts scored", s.Quantity, s.N)
		}
	}
	if len(seen) != 2 {
		t.Errorf("scored %v, expected flow and no2", seen)
	}
}

// serves runs the service on the morning of 27 March, sends it everything over
// HTTP, and asks it as an operations platform and a planner would.
func (b bologna) serves(t *testing.T) {
	city, _, err := gmns.ReadDir(b.city)
	if err != nil {
		t.Fatal(err)
	}
	trips, err := csv.ReadDir(b.city, city)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Date(2024, 3, 27, 8, 5, 0, 0, city.TimeZone)
	c, base, stop := service(t, twin.Options{City: city, Dir: t.TempDir(), Demand: trips, Now: func() time.Time { return now }, Tick: time.Second,
		Period: twin.Period{End: 5 * time.Minute}, Holidays: forecast.HolidaysOfZone(city.TimeZone.String())})
	defer stop()
	if got := b.ingests(t, "--to", base); got.Rejected < 70_000 {
		t.Errorf("%+v, expected what is after 27 March, 8:00, to be refused", got)
	}
	b.platform(t, c, now)
	b.planner(t, c, city)
}

func (b bologna) platform(t *testing.T, c *client.Client, now time.Time) {
	ctx := t.Context()
	var air wire.AirValue
	until(t, "models are fitted on what was sent", func() bool {
		s, err := c.AirAt(ctx, "PORTA SAN FELICE")
		if err != nil {
			t.Fatal(err)
		}
		air = s.Values[0]
		return air.Model != "prior" && air.Doubt == "" && air.Value != nil
	})
	if air.Pollutant != "no2" || *air.Value != 44 || *air.AgeS != 300 || len(air.Forecast) < 3 || !(*air.Forecast[0].Lo90 < *air.Forecast[0].Value) {
		t.Errorf("NO2 at Porta San Felice: %+v", air)
	}
	all, err := c.Congestion(ctx)
	if err != nil {
		t.Fatal(err)
	}
	bySource := map[wire.Source]int{}
	for _, s := range all.Segments {
		bySource[s.Source]++
	}
	if bySource["derived"] < 30 || len(all.Segments) != 267 {
		t.Errorf("sources of %d segments: %v, expected 37 derived from counts", len(all.Segments), bySource)
	}
	one, err := c.CongestionOf(ctx, "a122")
	if err != nil || one.FlowVPH == nil || *one.FlowVPH != 1738 || !one.LOSDerived || one.ObservedAt == nil || now.Sub(*one.ObservedAt) != 5*time.Minute {
		t.Errorf("a122: %+v, %v", one, err)
	}
}

func (b bologna) planner(t *testing.T, c *client.Client, city *geo.City) {
	ctx := t.Context()
	doc, err := os.ReadFile(b.mapping("longer-green.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	s, err := c.AddScenario(ctx, doc)
	if err != nil {
		t.Fatal(err)
	}
	r, err := c.StartRun(ctx, wire.RunRequest{Scenarios: []string{s.ID}, Replications: 2})
	if err != nil {
		t.Fatal(err)
	}
	until(t, "the run has ended", func() bool {
		if r, err = c.Run(ctx, r.ID); err != nil {
			t.Fatal(err)
		}
		return r.EndedAt != nil
	})
	got, err := c.Comparison(ctx, r.Comparison)
	if err != nil || r.State != wire.RunDone || got.Replications != 2 || len(got.Alternatives) != 1 || len(got.Alternatives[0].KPIs) < 10 {
		t.Errorf("run %+v: %+v, %v", r, got, err)
	}
	after, err := c.City(ctx)
	if err != nil || after.Version != city.Version {
		t.Errorf("the city is %s after the run, was %s (%v)", after.Version, city.Version, err)
	}
}

func (b bologna) compares(t *testing.T) {
	type kpi struct {
		KPI             string
		Base, Alt, Diff float64
		Lo95, Hi95      *float64
		Better          string
	}
	got := object[struct {
		Replications int
		CPUS         float64 `json:"cpu_s"`
		WallS        float64 `json:"wall_s"`
		Alternatives []struct {
			Name string
			KPIs []kpi
		}
	}](t, "compare", "--city", b.city, "--demand", b.city, "--scenario", b.mapping("longer-green.yaml"), "--replications", "5", "--stuck-after", "300s")
	if got.Replications != 5 || len(got.Alternatives) != 1 {
		t.Fatalf("%+v", got)
	}
	t.Logf("five replications of the hour, twice: %.1f s wall, %.1f s CPU", got.WallS, got.CPUS)
	seen := 0
	for _, k := range got.Alternatives[0].KPIs {
		switch k.KPI {
		case "delay", "delay.car", "delay.bus":
			seen++
			t.Logf("%s: %.1f -> %.1f s, difference %.1f", k.KPI, k.Base, k.Alt, k.Diff)
			if k.Lo95 == nil || k.Hi95 == nil || !(*k.Lo95 < k.Diff && k.Diff < *k.Hi95) || k.Base < 10 || k.Base > 1000 {
				t.Errorf("%+v", k)
			}
		}
	}
	if seen != 3 {
		t.Errorf("%d of delay, delay.car and delay.bus among %+v", seen, got.Alternatives[0].KPIs)
	}
}

// digest is the hash of all files below a folder.
func digest(t *testing.T, dir string) string {
	t.Helper()
	h := sha256.New()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		raw, err := os.ReadFile(path)
		h.Write([]byte(path))
		h.Write(raw)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return hex.EncodeToString(h.Sum(nil))
}
