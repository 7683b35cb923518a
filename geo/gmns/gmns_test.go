package gmns_test

import (
	"bytes"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/paulmach/orb"
	"pgregory.net/rapid"

	"tideway/geo"
	"tideway/geo/gmns"
	"tideway/geo/sumo"
	"tideway/internal/testdata"
	"tideway/unit"
)

// folder keeps written files in memory.
type folder struct{ files fstest.MapFS }

type memoryFile struct {
	bytes.Buffer
	done func([]byte)
}

func (f *memoryFile) Close() error { f.done(f.Bytes()); return nil }

func (d folder) create(name string) (io.WriteCloser, error) {
	return &memoryFile{done: func(b []byte) { d.files[name] = &fstest.MapFile{Data: b} }}, nil
}

type fataler interface {
	Helper()
	Fatal(...any)
	Fatalf(string, ...any)
	Errorf(string, ...any)
}

func write(t fataler, c *geo.City) fstest.MapFS {
	t.Helper()
	d := folder{files: fstest.MapFS{}}
	if err := gmns.Write(d.create, c); err != nil {
		t.Fatal(err)
	}
	return d.files
}

// roundTrip checks the promise of the format: the same files and the same city.
func roundTrip(t fataler, c *geo.City) fstest.MapFS {
	t.Helper()
	files := write(t, c)
	back, _, err := gmns.Read(files)
	if err != nil {
		t.Fatal(err)
	}
	if back.Version != c.Version {
		t.Errorf("version %s came back as %s", c.Version, back.Version)
	}
	again := write(t, back)
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if !bytes.Equal(files[name].Data, again[name].Data) {
			t.Errorf("%s differs:\n%s\nand\n%s", name, files[name].Data, again[name].Data)
		}
	}
	return files
}

func importSUMO(t testing.TB, dir, net string, additional ...string) *geo.City {
	t.Helper()
	open := func(name string) sumo.File {
		data, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		return sumo.File{Name: name, Reader: bytes.NewReader(data)}
	}
	var more []sumo.File
	for _, a := range additional {
		more = append(more, open(a))
	}
	c, _, err := sumo.Read(open(net), more, sumo.Options{TimeZone: "Europe/Rome"})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestBolognaThereAndBack(t *testing.T) {
	dir := filepath.Join(testdata.Dir(t, "bologna"), "network")
	files := roundTrip(t, importSUMO(t, dir, "joined.net.xml", "joined_tls.add.xml", "joined_detectors.add.xml", "joined_bus_stops.add.xml"))
	if !strings.Contains(string(files["plan.csv"].Data), "utopia") {
		t.Error("plan.csv lacks the program in force")
	}
}

func TestEveryNetworkThereAndBack(t *testing.T) {
	dir := testdata.Dir(t, "sumo")
	nets, _ := filepath.Glob(filepath.Join(dir, "*", "*.net.xml"))
	for _, n := range nets {
		t.Run(filepath.Base(n), func(t *testing.T) { roundTrip(t, importSUMO(t, filepath.Dir(n), filepath.Base(n))) })
	}
}

// random draws a small city with every kind of record and awkward texts.
func random(t *rapid.T) *geo.Draft {
	text := rapid.StringMatching(`[a-zA-Z0-9 ,;"'_>/à-ü\n]{0,8}`)
	length := rapid.Float64Range(0.1, 1e4)
	state := rapid.SampledFrom([]geo.SignalState{geo.Red, geo.Protected, geo.Yellow, geo.GreenStop})
	seconds := func(label string) time.Duration {
		return time.Duration(rapid.Int64Range(1, 1e6).Draw(t, label)) * time.Millisecond
	}
	point := func() orb.Point {
		return orb.Point{rapid.Float64Range(-5e3, 5e3).Draw(t, "x"), rapid.Float64Range(-5e3, 5e3).Draw(t, "y")}
	}
	line := func() orb.LineString { return orb.LineString{point(), point()} }
	limit := func() unit.Speed {
		if rapid.Bool().Draw(t, "round") {
			return unit.Speed(rapid.IntRange(1, 13).Draw(t, "tens")) * 10 * unit.KMH
		}
		return unit.Speed(rapid.Float64Range(0.1, 60).Draw(t, "limit"))
	}
	d := &geo.Draft{Name: text.Draw(t, "name"), TimeZone: "Europe/Rome", Frame: geo.LocalFrame(orb.Point{rapid.Float64Range(-179, 179).Draw(t, "lon"), rapid.Float64Range(-60, 60).Draw(t, "lat")})}
	for i := range 3 {
		d.Nodes = append(d.Nodes, geo.Node{ID: "n" + text.Draw(t, "id") + string(rune('a'+i)), Name: text.Draw(t, "name"), XY: point(), Control: geo.Control(i)})
	}
	for i := range 3 {
		n := rapid.IntRange(1, 3).Draw(t, "lanes")
		s := geo.Segment{ID: "s" + text.Draw(t, "id") + string(rune('a'+i)), From: geo.NodeID(i), To: geo.NodeID((i + 1) % 3), Length: unit.Length(length.Draw(t, "length")),
			Limit: limit(), Capacity: unit.Flow(rapid.Float64Range(0, 5).Draw(t, "capacity")), Priority: i, Shape: line()}
		for k := range n {
			d.Lanes = append(d.Lanes, geo.Lane{Segment: geo.SegmentID(i), Index: k, Length: s.Length, Width: 3.2, Limit: limit(), Allow: geo.ClassSet(rapid.Uint32Range(0, uint32(geo.AllClasses)).Draw(t, "allow")), Shape: line()})
		}
		d.Segments = append(d.Segments, s)
	}
	d.Signals = []geo.Signal{{ID: "c1", Groups: 2, Plan: geo.NoPlan}, {ID: "c2", Groups: 1, Plan: 1}}
	at := map[[2]geo.LaneID]bool{}
	for range rapid.IntRange(0, 4).Draw(t, "movements") {
		from, to := geo.LaneID(rapid.IntRange(0, len(d.Lanes)-1).Draw(t, "from")), geo.LaneID(rapid.IntRange(0, len(d.Lanes)-1).Draw(t, "to"))
		if at[[2]geo.LaneID{from, to}] {
			continue
		}
		at[[2]geo.LaneID{from, to}] = true
		m := geo.Movement{From: from, To: to, Node: 1, Length: 12.5, WaitAt: 3, Limit: limit(), Turn: geo.Left, Right: geo.Stop, Signal: geo.NoSignal, Allow: geo.AllClasses, Clear: true, Shape: line()}
		if rapid.Bool().Draw(t, "controlled") {
			m.Signal, m.Group = 0, 1
		}
		d.Movements = append(d.Movements, m)
	}
	d.Conflicts = make([][]geo.Conflict, len(d.Movements))
	for m := range d.Movements {
		for f := range d.Movements {
			if f != m && rapid.Bool().Draw(t, "meet") {
				d.Conflicts[m] = append(d.Conflicts[m], geo.Conflict{Foe: geo.MovementID(f), Kind: geo.Merging, At: unit.Length(length.Draw(t, "at")), FoeAt: 2, Yield: m < f})
			}
		}
	}
	a, b := seconds("a"), seconds("b")
	d.Plans = []geo.Plan{
		{ID: "day", Signal: 0, Kind: geo.FixedTime, Cycle: a + b, Offset: -seconds("offset"), Anchor: geo.AnchorGreen, Stages: []geo.Stage{
			{Name: text.Draw(t, "stage"), Duration: a, Min: a / 2, Max: a * 2, States: []geo.SignalState{state.Draw(t, "s"), geo.Red}},
			{Duration: b, Min: b, Max: b, States: []geo.SignalState{geo.Red, state.Draw(t, "s")}, Next: []int{0}}}},
		{ID: "day", Signal: 1, Kind: geo.RingBarrier, Cycle: a, Phases: []geo.RingPhase{{Phase: 2, Ring: 1, Barrier: 1, Position: 1, Groups: []int{0}, Split: a,
			MinGreen: b, MaxGreen: b, Yellow: 3 * time.Second, AllRed: time.Second, Walk: b, PedClear: a, Passage: b, Recall: geo.MaxRecall, Coordinated: true}}}}
	d.Schedule = []geo.PlanSwitch{{Signal: 0, Days: geo.Weekdays(rapid.Uint8Range(0, 127).Draw(t, "days")), At: seconds("at"), Plan: 0}}
	d.Zones = []geo.Zone{{ID: "z", Name: text.Draw(t, "zone"), Kind: "statistical", Population: 12.5, Area: orb.MultiPolygon{{{{1, 2}, {3, 4}, {5.25, 1}, {1, 2}}}}}, {ID: "y", Population: -1}}
	d.Sensors = []geo.Sensor{{ID: "q", LonLat: orb.Point{11, 44}, Heading: -1, Segment: geo.NoSegment, Lane: geo.NoLane},
		{ID: "p", LonLat: orb.Point{11, 44}, Heading: 270, Road: text.Draw(t, "road"), Segment: 1, Lane: 1, At: 5, Match: geo.Match{Confidence: 0.75, Review: true, Why: text.Draw(t, "why")},
			Measures: []geo.Measure{{Quantity: geo.Flow, Unit: "veh/5min", Interval: 5 * time.Minute}, {Quantity: geo.NO2}}}}
	d.Stops = []geo.BusStop{{ID: "b", Name: text.Draw(t, "stop"), Lane: 0, Begin: 1, End: unit.Length(length.Draw(t, "end")) + 1}}
	d.Assumed = []geo.Assumption{{Kind: "link", ID: "x", Field: "lanes", Value: "2", Why: text.Draw(t, "why")}}
	return d
}

func TestAnyCityThereAndBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c, err := random(t).Build()
		if err != nil {
			t.Fatal(err)
		}
		roundTrip(t, c)
	})
}

// small is a city for tables of mistakes.
func small(t testing.TB) fstest.MapFS {
	t.Helper()
	c, err := (&geo.Draft{Name: "small", TimeZone: "UTC", Frame: geo.LocalFrame(orb.Point{11, 44}),
		Nodes:    []geo.Node{{ID: "a"}, {ID: "b", XY: orb.Point{100, 0}}},
		Segments: []geo.Segment{{ID: "ab", From: 0, To: 1, Length: 100, Limit: 50 * unit.KMH, Shape: orb.LineString{{0, 0}, {100, 0}}}},
		Lanes:    []geo.Lane{{Length: 100, Width: 3, Limit: 50 * unit.KMH, Allow: geo.MotorClasses}}}).Build()
	if err != nil {
		t.Fatal(err)
	}
	return write(t, c)
}

func TestUnitsReadAsPeopleWriteThem(t *testing.T) {
	link := string(small(t)["link.csv"].Data)
	if !strings.Contains(link, ",100,motorway,,50,1,") {
		t.Errorf("link.csv does not give 100 m at 50 km/h:\n%s", link)
	}
}

func TestMistakesAreNamedWithTheirPlace(t *testing.T) {
	for _, c := range []struct{ name, file, from, to, want string }{
		{"unknown node", "link.csv", "ab,,a,b", "ab,,a,z", `link.csv:2: ab: to_node_id is "z"`},
		{"not a number", "link.csv", "1,100,", "1,NaN,", `link.csv:2: length is "NaN", expected a finite number`},
		{"unknown class", "link.csv", "motorway", "highway", `link.csv:2: ab: facility_type: road class "highway" is unknown`},
		{"missing column", "lane.csv", "lane_num", "number", "lane.csv:1: has no column lane_num"},
		{"twice the same node", "node.csv", "b,,", "a,,", "node.csv:3: a: id is empty or was used before"},
		{"projected coordinates", "node.csv", "a,,11", "a,,686000", "node.csv:2: position 686000,44 is not lon/lat"},
		{"open quote", "node.csv", "a,,", `"a,,`, "is not well-formed CSV"},
		{"newer format", "city.json", `"format": 1`, `"format": 9`, "city.json: has format 9, expected 1"},
		{"no time zone", "city.json", "UTC", "Mars/Olympus", `time zone "Mars/Olympus" is unknown`},
		{"lane missing", "lane.csv", "ab_0,ab,1", "ab_0,ab,2", "lane_num is 2, expected 1 to 1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			files := small(t)
			was := string(files[c.file].Data)
			files[c.file].Data = []byte(strings.Replace(was, c.from, c.to, 1))
			if was == string(files[c.file].Data) {
				t.Fatalf("%q is not in\n%s", c.from, was)
			}
			if _, _, err := gmns.Read(files); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want one with %q", err, c.want)
			}
		})
	}
}

func TestOtherFilesOfTheFolderAreLeftAlone(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "vehicle_type.csv"), []byte("id\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	c, _, err := gmns.Read(small(t))
	if err != nil {
		t.Fatal(err)
	}
	for range 2 { // the second time over its own files
		if err := gmns.WriteDir(dir, c); err != nil {
			t.Fatal(err)
		}
	}
	back, _, err := gmns.ReadDir(dir)
	if err != nil || back.Version != c.Version {
		t.Fatalf("read back %v, %v", back, err)
	}
	if _, err := os.Stat(filepath.Join(dir, "vehicle_type.csv")); err != nil {
		t.Error(err)
	}
}

func FuzzRead(f *testing.F) {
	base := small(f)
	for _, name := range slices.Sorted(maps.Keys(base)) {
		f.Add(name, string(base[name].Data))
	}
	f.Add("zone.csv", "zone_id,boundary\nz,\"POLYGON ((1 2,3 4,5 6,1 2))\"\n")
	f.Add("stage.csv", "controller_id,plan_id,stage,duration_s,states\nc,p,1,30,Gr\n")
	f.Fuzz(func(t *testing.T, name, content string) {
		files := fstest.MapFS{name: {Data: []byte(content)}}
		for k, v := range base {
			if k != name {
				files[k] = v
			}
		}
		if c, _, err := gmns.Read(files); err == nil {
			if err := gmns.Write(folder{files: fstest.MapFS{}}.create, c); err != nil {
				t.Fatalf("what was read cannot be written: %v", err)
			}
		}
	})
}

func BenchmarkBologna(b *testing.B) {
	dir := filepath.Join(testdata.Dir(b, "bologna"), "network")
	files := write(b, importSUMO(b, dir, "joined.net.xml", "joined_tls.add.xml"))
	for b.Loop() {
		if _, _, err := gmns.Read(files); err != nil {
			b.Fatal(err)
		}
	}
}
