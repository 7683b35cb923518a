package geojson_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/paulmach/orb"
	"pgregory.net/rapid"

	"tideway/geo"
	"tideway/geo/geojson"
	"tideway/internal/testdata"
	"tideway/unit"
)

func text(t interface{ Fatal(...any) }, features ...geojson.Feature) string {
	var b bytes.Buffer
	w := geojson.NewWriter(&b)
	for _, f := range features {
		w.Write(f)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestThereAndBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		number := rapid.Float64Range(-180, 180)
		point := rapid.Custom(func(t *rapid.T) orb.Point { return orb.Point{number.Draw(t, "x"), number.Draw(t, "y")} })
		line := rapid.SliceOfN(point, 0, 4)
		ring := rapid.Custom(func(t *rapid.T) orb.Ring {
			r := orb.Ring(rapid.SliceOfN(point, 3, 5).Draw(t, "ring"))
			return append(r, r[0])
		})
		polygon := rapid.Custom(func(t *rapid.T) orb.Polygon { return rapid.SliceOfN(ring, 0, 2).Draw(t, "polygon") })
		geometry := rapid.Custom(func(t *rapid.T) orb.Geometry {
			switch rapid.IntRange(0, 6).Draw(t, "kind") {
			case 0:
				return point.Draw(t, "point")
			case 1:
				return orb.MultiPoint(line.Draw(t, "points"))
			case 2:
				return orb.LineString(line.Draw(t, "line"))
			case 3:
				return orb.MultiLineString{line.Draw(t, "line")}
			case 4:
				return polygon.Draw(t, "polygon")
			case 5:
				return orb.MultiPolygon{polygon.Draw(t, "polygon")}
			}
			return nil
		})
		want := geojson.Feature{ID: rapid.String().Draw(t, "id"), Geometry: geometry.Draw(t, "geometry"), Properties: []geojson.Property{
			{Key: rapid.String().Draw(t, "key"), Value: rapid.String().Draw(t, "value")}, {Key: "number", Value: number.Draw(t, "number")}, {Key: "none"}, {Key: "yes", Value: true}}}
		written := text(t, want)
		if !json.Valid([]byte(written)) {
			t.Fatalf("not JSON: %s", written)
		}
		got, err := geojson.Parse([]byte(written))
		if err != nil {
			t.Fatal(err)
		}
		if again := text(t, got...); again != written {
			t.Fatalf("%s\ncame back as\n%s", written, again)
		}
		got[0].Line = 0
		if !reflect.DeepEqual(got, []geojson.Feature{want}) {
			t.Fatalf("%#v came back as %#v", want, got)
		}
	})
}

func TestMembersMayComeInAnyOrder(t *testing.T) {
	got, err := geojson.Parse([]byte("\ufeff{\"features\":[\n{\"geometry\":{\"coordinates\":[1,2,99],\"bbox\":[1,2,1,2],\"type\":\"Point\"},\"id\":7,\"type\":\"Feature\",\"properties\":null}],\"crs\":{},\"type\":\"FeatureCollection\"}"))
	if err != nil || len(got) != 1 || got[0].Geometry != orb.Point([2]float64{1, 2}) || got[0].ID != "7" || got[0].Line != 2 {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestMistakesNameTheLine(t *testing.T) {
	for in, want := range map[string]string{
		"":                     "ends where",
		"{\"type\":\"Point\"}": "without coordinates",
		"{\"type\":\"Dot\",\"coordinates\":[1,2]}":               `type "Dot" is not a geometry`,
		"{\"type\":\"Point\",\n\"coordinates\":[1]}":             "line 2: a position has 1 numbers",
		"{\"type\":\"Point\",\n\n\"coordinates\":[1,NaN]}":       `line 3: "NaN]}" found where a number`,
		"{\"type\":\"Point\",\"coordinates\":[1,2]":              "ends where",
		"{\"type\":\"Polygon\",\"coordinates\":[[[1,2],[3,4]]]}": "not closed",
		"{\"type\":\"Point\",\"coordinates\":[1,2]} x":           "goes on",
		strings.Repeat("[", 1000):                                "where",
		`{"a":` + strings.Repeat("[", 1000):                      "nested",
	} {
		if _, err := geojson.Parse([]byte(in)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.40q: %v, want %q", in, err, want)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(`{"type":"FeatureCollection","features":[{"type":"Feature","id":1,"properties":{"a":[1,{"b":null}]},"geometry":{"type":"Polygon","coordinates":[[[0,0],[1,0],[1,1],[0,0]]]}}]}`))
	f.Add([]byte(`{"type":"GeometryCollection","geometries":[{"type":"Point","coordinates":[1e-9,2]}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		features, err := geojson.Parse(data)
		if err != nil {
			return
		}
		again, err := geojson.Parse([]byte(text(t, features...)))
		if err != nil || len(again) != len(features) {
			t.Fatalf("%q came back as %v, %v", data, again, err)
		}
	})
}

func BenchmarkParse(b *testing.B) {
	data, err := os.ReadFile(filepath.Join(testdata.Dir(b, "bologna"), "zones", "limited_traffic_zone.geojson"))
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		if _, err := geojson.Parse(data); err != nil {
			b.Fatal(err)
		}
	}
}

func TestCityExport(t *testing.T) {
	d := &geo.Draft{Name: "small", TimeZone: "UTC", Frame: geo.LocalFrame(orb.Point{11, 44}),
		Nodes:    []geo.Node{{ID: "a"}, {ID: "b", XY: orb.Point{100, 0}}},
		Segments: []geo.Segment{{ID: "ab", From: 0, To: 1, Length: 100, Limit: 50 * unit.KMH, Shape: orb.LineString{{0, 0}, {100, 0}}}},
		Lanes:    []geo.Lane{{Length: 100, Width: 3, Limit: 50 * unit.KMH, Allow: geo.MotorClasses}},
		Zones:    []geo.Zone{{ID: "z", Population: -1, Area: orb.MultiPolygon{{{{1, 2}, {3, 4}, {5, 1}, {1, 2}}}}}},
		Sensors:  []geo.Sensor{{ID: "s", LonLat: orb.Point{11, 44}, Segment: geo.NoSegment, Lane: geo.NoLane}},
		Stops:    []geo.BusStop{{ID: "halt", Lane: 0, Begin: 10, End: 30}}}
	c, err := d.Build()
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := geojson.WriteCity(&b, c); err != nil {
		t.Fatal(err)
	}
	features, err := geojson.Parse(b.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	kinds := map[any]int{}
	for _, f := range features {
		k, _ := f.Get("kind")
		kinds[k]++
	}
	if want := map[any]int{"segment": 1, "node": 2, "zone": 1, "sensor": 1, "bus_stop": 1}; !reflect.DeepEqual(kinds, want) {
		t.Errorf("kinds %v, want %v", kinds, want)
	}
}
