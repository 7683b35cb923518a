package places_test

import (
	"compress/gzip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/paulmach/orb"

	"tideway/geo"
	"tideway/geo/places"
	"tideway/internal/testdata"
)

func TestBolognaZones(t *testing.T) {
	dir := filepath.Join(testdata.Dir(t, "bologna"), "zones")
	for _, c := range []struct {
		file   string
		fields places.ZoneFields
		zones  int
		first  string
	}{
		{"statistical_areas.csv", places.ZoneFields{Name: "AREA STATISTICA", Kind: "statistical"}, 90, "7 DUCATI-VILLAGGIO INA"},
		{"limited_traffic_zone.geojson", places.ZoneFields{ID: "codice", Name: "nomevia1", Kind: "restricted"}, 14, "26 VIA GIOVANNI BRUGNOLI"},
	} {
		f, err := os.Open(filepath.Join(dir, c.file))
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		zones, assumed, dropped, err := places.ReadZones(c.file, f, c.fields)
		if err != nil {
			t.Fatal(err)
		}
		if got := zones[0].ID + " " + zones[0].Name; len(zones) != c.zones || got != c.first || len(dropped) != 0 {
			t.Errorf("%s: %d zones, first %q, dropped %v, assumed %v", c.file, len(zones), got, dropped, assumed)
		}
	}
}

func TestBolognaLoops(t *testing.T) {
	f, err := os.Open(filepath.Join(testdata.Dir(t, "bologna"), "readings", "loops_hourly_2024_01_03.csv.gz"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	in, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	sensors, _, err := places.ReadSensors("loops", in, places.SensorMapping{ID: "codice_spira", LatLon: "geopoint", Heading: "angolo", Anticlockwise: true,
		Compass: "direzione", CompassLetters: strings.Fields("N NE E SE S SO O NO"), Road: "Nome via", Measures: []places.Measure{{Quantity: "flow", Interval: "1h"}}})
	if err != nil {
		t.Fatal(err)
	}
	if len(sensors) != 67 {
		t.Errorf("%d sensors", len(sensors))
	}
	if s := sensors[0]; s.ID != "0.127 2.19 10 1" || s.Heading != 63 || s.Road != "VIA TOLMINO" || s.Measures[0] != (geo.Measure{Quantity: geo.Flow, Interval: time.Hour}) {
		t.Errorf("first is %+v", s)
	}
}

func TestTableOfSensors(t *testing.T) {
	in := "id;lon;lat;heading;road;quantity;unit;interval\na;11,5;44.5;90;Via A;flow;veh/15min;15m\na;11,5;44.5;90;Via A;speed;km/h;900\nb;11.6;44.5;;;no2;;\n"
	got, _, err := places.ReadSensors("t.csv", strings.NewReader(in), places.SensorMapping{})
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != 2 || got[0].LonLat != (orb.Point{11.5, 44.5}) || len(got[0].Measures) != 2 || got[0].Measures[1] != (geo.Measure{Quantity: geo.Speed, Interval: 15 * time.Minute}) ||
		got[0].Measures[0].Unit != "veh/15min" || got[1].Heading != -1 || got[1].Segment != geo.NoSegment {
		t.Errorf("got %+v", got)
	}
}

func TestMistakesNameTheirPlace(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"", "t.csv:1: has no header row"},
		{"a,b\n1,2\n", "has no field id"},
		{"id,lon,lat\nx,1,2\n", "has no field quantity"},
		{"id,lon,lat,quantity\nx,1,2,speeed\n", `t.csv:2: quantity "speeed" is unknown`},
		{"id,lon,lat,quantity\nx,NaN,2,speed\n", `t.csv:2: lon is "NaN"`},
		{"id,lon,lat,quantity\nx,1,200,speed\n", "t.csv:2: x: lies at"},
		{"id,lon,lat,quantity,direction\nx,1,2,speed,up\n", `direction is "up", expected one of N NE`},
		{"id,lon,lat,quantity,interval\nx,1,2,speed,soon\n", `t.csv:2: interval: "soon" found`},
		{"id,lon,lat,quantity\n,1,2,speed\n", "t.csv:2: id is empty"},
		{"id,lon,lat,quantity\nx,1,2,\"speed\n", "is not a well-formed table"},
		{`{"type":"FeatureCollection","features":[`, "GeoJSON line 1"},
	} {
		if _, _, err := places.ReadSensors("t.csv", strings.NewReader(c.in), places.SensorMapping{}); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: %v, want %q", c.in, err, c.want)
		}
	}
	for _, c := range []struct{ in, want string }{
		{"id,shape\na,{}\n", `t.csv:2: a: shape: GeoJSON line 1: type "" without coordinates`},
		{"id,shape\na,\"{\"\"type\"\":\"\"Polygon\"\",\"\"coordinates\"\":[[[680000,1],[2,3],[4,5],[680000,1]]]}\"\n", "expected lon/lat in degrees"},
		{"id\n", "holds no zones"},
	} {
		if _, _, _, err := places.ReadZones("t.csv", strings.NewReader(c.in), places.ZoneFields{}); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: %v, want %q", c.in, err, c.want)
		}
	}
}

func FuzzReadZones(f *testing.F) {
	f.Add("id;shape\n7;\"{\"\"coordinates\"\": [[[1,2],[3,4],[5,6],[1,2]]], \"\"type\"\": \"\"Polygon\"\"}\"\n")
	f.Add(`{"type":"FeatureCollection","features":[{"type":"Feature","properties":{"codice":"1"},"geometry":{"type":"MultiPolygon","coordinates":[]}}]}`)
	f.Fuzz(func(t *testing.T, in string) {
		zones, _, _, err := places.ReadZones("z", strings.NewReader(in), places.ZoneFields{})
		if err == nil && len(zones) == 0 {
			t.Errorf("%q gave nothing and no error", in)
		}
	})
}

func FuzzReadSensors(f *testing.F) {
	f.Add("id,lon,lat,quantity\na,1,2,speed\n")
	f.Add("0\n\"")
	f.Add(`{"type":"Feature","properties":{"id":1,"quantity":"no2"},"geometry":{"type":"Point","coordinates":[1,2]}}`)
	f.Fuzz(func(t *testing.T, in string) {
		sensors, _, err := places.ReadSensors("s", strings.NewReader(in), places.SensorMapping{})
		for _, s := range sensors {
			if err == nil && (s.ID == "" || !(s.LonLat[0] <= 180)) {
				t.Errorf("%q gave %+v", in, s)
			}
		}
	})
}

func TestChannelsAndMeasuresOfSomeSensors(t *testing.T) {
	in := "id,lon,lat\na,1,2\nb,1,2\nc,1,2\n"
	got, dropped, err := places.ReadSensors("t.csv", strings.NewReader(in), places.SensorMapping{Channels: []string{"/0", "/1"},
		Measures: []places.Measure{{Quantity: "no2", Only: []string{"a"}}, {Quantity: "o3", Only: []string{"a", "b"}}}})
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != 4 || got[0].ID != "a/0" || len(got[0].Measures) != 2 || got[3].ID != "b/1" || len(got[3].Measures) != 1 || len(dropped) != 2 {
		t.Errorf("got %+v, dropped %+v", got, dropped)
	}
}
