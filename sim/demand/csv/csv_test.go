package csv_test

import (
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/paulmach/orb"
	"pgregory.net/rapid"

	"tideway/geo"
	net "tideway/geo/sumo"
	"tideway/internal/rng"
	"tideway/internal/testdata"
	"tideway/sim/demand"
	"tideway/sim/demand/csv"
	"tideway/sim/demand/sumo"
	"tideway/unit"
)

// folder is a directory in memory.
type folder struct{ fstest.MapFS }

type file struct {
	bytes.Buffer
	close func([]byte)
}

func (f *file) Close() error { f.close(f.Bytes()); return nil }

func (d folder) create(name string) (io.WriteCloser, error) {
	return &file{close: func(b []byte) { d.MapFS[name] = &fstest.MapFile{Data: b} }}, nil
}

func newFolder(files ...string) folder {
	d := folder{fstest.MapFS{}}
	for i := 0; i < len(files); i += 2 {
		d.MapFS[files[i]] = &fstest.MapFile{Data: []byte(files[i+1])}
	}
	return d
}

// square is four two-way streets around a block, in two zones.
func square(t testing.TB) *geo.City {
	t.Helper()
	d := &geo.Draft{Name: "square", TimeZone: "UTC", Frame: geo.LocalFrame(orb.Point{11, 44})}
	at := []orb.Point{{0, 0}, {200, 0}, {200, 200}, {0, 200}}
	for i, q := range at {
		d.Nodes = append(d.Nodes, geo.Node{ID: fmt.Sprint("n", i), XY: q})
	}
	for i := range 8 {
		a, b := i%4, (i+1)%4
		if i >= 4 {
			a, b = b, a
		}
		d.Segments = append(d.Segments, geo.Segment{ID: fmt.Sprint("s", i), From: geo.NodeID(a), To: geo.NodeID(b), Class: geo.Residential, Length: 200, Limit: 10, Shape: orb.LineString{at[a], at[b]}})
		d.Lanes = append(d.Lanes, geo.Lane{Segment: geo.SegmentID(i), Length: 200, Width: 3, Limit: 10, Allow: geo.MotorClasses})
	}
	for i, a := range d.Segments {
		for j, b := range d.Segments {
			if a.To == b.From && a.From != b.To {
				d.Movements = append(d.Movements, geo.Movement{From: geo.LaneID(i), To: geo.LaneID(j), Node: a.To, Length: 5, Limit: 5, Signal: geo.NoSignal, Allow: geo.MotorClasses})
			}
		}
	}
	box := func(x0, x1 float64) orb.MultiPolygon {
		var ring orb.Ring
		for _, q := range []orb.Point{{x0, -50}, {x1, -50}, {x1, 250}, {x0, 250}, {x0, -50}} {
			ring = append(ring, d.Frame.LonLat(q))
		}
		return orb.MultiPolygon{{ring}}
	}
	d.Zones = []geo.Zone{{ID: "west", Population: 100, Area: box(-50, 100.5)}, {ID: "east", Population: 50, Area: box(100.5, 250)}}
	c, err := d.Build()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestWrittenAndReadBackIsTheSame(t *testing.T) {
	c := square(t)
	rapid.Check(t, func(t *rapid.T) {
		d := drawDemand(t, c)
		first := newFolder()
		if err := csv.Write(first.create, c, d); err != nil {
			t.Fatal(err)
		}
		back, err := csv.Read(first, c)
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(d, back) {
			t.Fatalf("wrote %+v\nread  %+v", d, back)
		}
		again := newFolder()
		if err := csv.Write(again.create, c, back); err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(first, again) {
			t.Fatal("written again, the files differ")
		}
	})
}

func drawDemand(t *rapid.T, c *geo.City) *demand.Demand {
	d := &demand.Demand{}
	for i := range rapid.IntRange(1, 3).Draw(t, "types") {
		v := demand.NewType(fmt.Sprint("t,\"", i), geo.Class(rapid.IntRange(0, 6).Draw(t, "class")))
		v.Length = unit.Length(rapid.Float64Range(1, 30).Draw(t, "length"))
		v.Tau = time.Duration(rapid.Int64Range(1, 5e9).Draw(t, "tau"))
		v.IgnoreAllow, v.Emission = rapid.Bool().Draw(t, "ignore"), rapid.SampledFrom([]string{"", "diesel, old"}).Draw(t, "emission")
		d.Types = append(d.Types, v)
	}
	d.Routes = []demand.Route{{ID: "round", Segments: []geo.SegmentID{0, 1, 2, 3}}, {ID: "back", Segments: []geo.SegmentID{5, 4}}}
	var depart time.Duration
	for i := range rapid.IntRange(0, 5).Draw(t, "trips") {
		depart += time.Duration(rapid.Int64Range(0, 1e14).Draw(t, "gap"))
		trip := demand.Trip{ID: fmt.Sprint("v ", i), Type: demand.TypeID(rapid.IntRange(0, len(d.Types)-1).Draw(t, "type")), Depart: depart, ArriveAt: -1, Route: demand.NoRoute, From: 0, To: 3}
		trip.Key = rng.Hash(trip.ID)
		if rapid.Bool().Draw(t, "routed") {
			trip.Route = demand.RouteID(rapid.IntRange(0, 1).Draw(t, "route"))
			chain := d.Routes[trip.Route].Segments
			trip.From, trip.To = chain[0], chain[len(chain)-1]
			trip.Key = rapid.Uint64().Draw(t, "key")
			trip.Stops = []demand.Halt{{Lane: 0, Begin: 3, End: unit.Length(rapid.Float64Range(4, 9).Draw(t, "end")), Duration: time.Second, Until: 90 * time.Second, Stop: "x"}}
		} else {
			trip.Via = []geo.SegmentID{1, 2}
			trip.ArriveAt = unit.Length(rapid.Float64Range(0, 200).Draw(t, "arrive"))
		}
		if trip.Lane = demand.DepartLane(rapid.IntRange(0, 5).Draw(t, "lane")); trip.Lane == demand.LaneIndex {
			trip.LaneAt = rapid.IntRange(0, 3).Draw(t, "lane at")
		}
		if trip.Pos = demand.DepartPos(rapid.IntRange(0, 5).Draw(t, "pos")); trip.Pos == demand.PosGiven {
			trip.PosAt = unit.Length(rapid.Float64Range(0, 100).Draw(t, "pos at"))
		}
		if trip.Speed = demand.DepartSpeed(rapid.IntRange(0, 6).Draw(t, "speed")); trip.Speed == demand.SpeedGiven {
			trip.SpeedAt = unit.Speed(rapid.Float64Range(0, 40).Draw(t, "speed at"))
		}
		d.Trips = append(d.Trips, trip)
	}
	return d
}

func TestBolognaSurvivesTheTables(t *testing.T) {
	dir := filepath.Join(testdata.Dir(t, "bologna"), "network")
	open := func(name string) io.Reader {
		b, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		return bytes.NewReader(b)
	}
	c, _, err := net.Read(net.File{Name: "net", Reader: open("joined.net.xml")}, []net.File{{Name: "stops", Reader: open("joined_bus_stops.add.xml")}}, net.Options{TimeZone: "Europe/Rome"})
	if err != nil {
		t.Fatal(err)
	}
	var in []sumo.File
	for _, n := range []string{"joined.rou.xml", "joined_busses.rou.xml", "joined_vtypes.add.xml"} {
		in = append(in, sumo.File{Name: n, Reader: open(n)})
	}
	d, err := sumo.Read(c, 1, in...)
	if err != nil {
		t.Fatal(err)
	}
	out := newFolder()
	start := time.Now()
	if err := csv.Write(out.create, c, d); err != nil {
		t.Fatal(err)
	}
	wrote := time.Since(start)
	back, err := csv.Read(out, c)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("written in %v, read in %v", wrote, time.Since(start)-wrote)
	if !reflect.DeepEqual(d, back) {
		t.Error("the demand changed on its way through the tables")
	}
}

func matrix() *demand.Matrix {
	return &demand.Matrix{Types: []demand.VehicleType{demand.NewType("car", geo.Car)},
		Profiles: []demand.Profile{{ID: "am", Begin: 7 * time.Hour, Step: 15 * time.Minute, Weight: []float64{1, 3, 0, 2.5}}},
		Rows:     []demand.Flow{{From: 0, To: 1, Vehicles: 400}, {From: 1, To: 0, Vehicles: 0.5}}}
}

func TestMatrixWrittenAndReadBackIsTheSame(t *testing.T) {
	c, d := square(t), newFolder()
	if err := csv.WriteMatrix(d.create, c, matrix()); err != nil {
		t.Fatal(err)
	}
	back, err := csv.ReadMatrix(d, c)
	if err != nil || !reflect.DeepEqual(back, matrix()) {
		t.Errorf("read %+v, %v", back, err)
	}
}

func TestProblemsNameFileAndLine(t *testing.T) {
	c := square(t)
	d := newFolder(csv.TypeFile, "type_id,class,length_m\ncar,car,long\nufo,saucer,\n",
		csv.RouteFile, "route_id,segments\nr,s0 s9\nq,s0 s2\n",
		csv.TripFile, "trip_id,type_id,depart_s,route_id,from_segment,to_segment,depart_lane\na,car,-3,q,,,\nb,bike,0,,s0,s3,\nc,car,0,zz,,,\nd,car,1,,s0,s99,left\na,car,1,q,,,\n",
		csv.StopFile, "trip_id,lane_id,end_m\nnobody,s0_0,3\na,s7_7,3\n")
	_, err := csv.Read(d, c)
	for _, want := range []string{`vehicle_type.csv:2: car: length_m is "long"`, `vehicle_type.csv:3: ufo: class "saucer"`, `demand_route.csv:2: r: segments: segment "s9"`,
		`demand_trip.csv:2: a: depart_s is "-3"`, `demand_trip.csv:3: b: type "bike"`, `demand_trip.csv:4: c: route "zz"`, `demand_trip.csv:5: d: to_segment: segment "s99"`,
		`demand_trip.csv:5: d: depart_lane is "left"`, `demand_trip.csv:6: a: id is empty or already used`, `demand_stop.csv:2: nobody: trip`, `demand_stop.csv:3: a: lane "s7_7"`} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("no problem says %q", want)
		}
	}
	if t.Failed() {
		t.Log(err)
	}
	if _, err := csv.Read(newFolder(csv.TripFile, "trip_id\nx\n"), c); err == nil || !strings.Contains(err.Error(), "has no column type_id") {
		t.Errorf("missing column: %v", err)
	}
	if d, err := csv.Read(newFolder(), c); err != nil || len(d.Trips) != 0 {
		t.Errorf("an empty folder is no demand: %v", err)
	}
}

func FuzzRead(f *testing.F) {
	c := square(f)
	f.Add("type_id,class\ncar,car\n", "route_id,segments\nr,s0 s1\n", "trip_id,type_id,depart_s,route_id,depart_lane,depart_pos_m\nv,car,1.5,r,best,3\n", "trip_id,lane_id,end_m\nv,s0_0,8\n")
	f.Add("type_id,class,tau_s\n\"c\"\"\",bus,1e-9\n", "", "trip_id,type_id,depart_s,from_segment,to_segment,via,stream\nv,c\",1000000.123456789,s0,s1,s2,ff\n", "")
	f.Fuzz(func(t *testing.T, types, routes, trips, stops string) {
		var in fs.FS = newFolder(csv.TypeFile, types, csv.RouteFile, routes, csv.TripFile, trips, csv.StopFile, stops)
		d, err := csv.Read(in, c)
		if err != nil {
			return
		}
		out := newFolder()
		if err := csv.Write(out.create, c, d); err != nil {
			t.Fatalf("what was read cannot be written: %v", err)
		}
		back, err := csv.Read(out, c)
		if err != nil || !reflect.DeepEqual(d, back) {
			t.Fatalf("read back differs: %v\n%+v\n%+v", err, d, back)
		}
	})
}
