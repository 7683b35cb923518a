package ingest

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/paulmach/orb"
	"pgregory.net/rapid"

	"tideway/geo"
	"tideway/internal/fault"
	"tideway/live"
	"tideway/unit"
)

// town has a loop in mph and counts per interval, an air station in ppb, and a
// weather mast.
func town(t testing.TB) *geo.City {
	t.Helper()
	line := orb.LineString{{0, 0}, {100, 0}}
	sensor := func(id string, ms ...geo.Measure) geo.Sensor {
		return geo.Sensor{ID: id, LonLat: orb.Point{11.3, 44.5}, Segment: geo.NoSegment, Lane: geo.NoLane, Measures: ms}
	}
	d := geo.Draft{Name: "town", TimeZone: "Europe/Rome", Frame: geo.LocalFrame(orb.Point{11.3, 44.5}),
		Nodes:    []geo.Node{{ID: "a"}, {ID: "b", XY: orb.Point{100, 0}}},
		Segments: []geo.Segment{{ID: "ab", From: 0, To: 1, Length: 100, Limit: 50 * unit.KMH, Shape: line}},
		Lanes:    []geo.Lane{{Segment: 0, Length: 100, Width: 3, Limit: 50 * unit.KMH, Allow: geo.AllClasses, Shape: line}},
		Sensors: []geo.Sensor{
			sensor("loop", geo.Measure{Quantity: geo.Speed, Unit: "mph", Interval: time.Minute}, geo.Measure{Quantity: geo.Flow, Unit: "veh/interval", Interval: 15 * time.Minute},
				geo.Measure{Quantity: geo.Occupancy, Unit: "%"}),
			sensor("air", geo.Measure{Quantity: geo.NO2, Unit: "ppb", Interval: time.Hour}),
			sensor("mast", geo.Measure{Quantity: geo.Temperature}, geo.Measure{Quantity: geo.WindDirection}),
		}}
	c, err := d.Build()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

const noonMS = 1710936000000 // 2024-03-20T12:00:00Z

func TestUnits(t *testing.T) {
	for _, c := range []struct {
		q       geo.Quantity
		unit    string
		in      float64
		seconds uint32
		want    float64
	}{
		{geo.Speed, "mph", 10, 0, 16.09344},
		{geo.Speed, "m/s", 10, 0, 36},
		{geo.Speed, "km/h", 10, 0, 10},
		{geo.Speed, "kn", 1, 0, 1.852},
		{geo.Flow, "veh/interval", 5, 900, 20},
		{geo.Flow, "veh/15min", 5, 0, 20},
		{geo.Flow, "veh/min", 5, 0, 300},
		{geo.Flow, "veh/30s", 5, 0, 600},
		{geo.Flow, "veh/day", 24, 0, 1},
		{geo.Occupancy, "%", 12.5, 0, 0.125},
		{geo.NO2, "ppb", 10, 0, 19.125},
		{geo.NO2, "µg/m³", 10, 0, 10},
		{geo.CO, "ug/m3", 500, 0, 0.5},
		{geo.CO, "ppm", 1, 0, 1.1644},
		{geo.Temperature, "F", 212, 0, 100},
		{geo.Temperature, "K", 273.15, 0, 0},
		{geo.WindSpeed, "km/h", 36, 0, 10},
		{geo.Pressure, "Pa", 101325, 0, 1013.25},
	} {
		conv, ok := convert(c.q, c.unit)
		got, ok2 := conv.apply(c.in, c.seconds)
		if !ok || !ok2 || math.Abs(got-c.want) > 1e-3 {
			t.Errorf("%v %s of %v: got %v, want %v", c.in, c.unit, c.q, got, c.want)
		}
	}
	for _, bad := range []struct {
		q    geo.Quantity
		unit string
	}{{geo.Speed, "ug/m3"}, {geo.Flow, "veh/x"}, {geo.Flow, "veh/0s"}, {geo.PM10, "ppb"}, {geo.NO2, "furlong"}} {
		if _, ok := convert(bad.q, bad.unit); ok {
			t.Errorf("%s was taken as a unit of %v", bad.unit, bad.q)
		}
	}
	for _, q := range geo.Quantities() {
		if c, ok := convert(q, q.Unit()); !ok || c != same {
			t.Errorf("the canonical unit %q of %v must convert to itself", q.Unit(), q)
		}
	}
}

func TestJSON(t *testing.T) {
	b, err := JSON(town(t), []byte(`{"note": {"a": [1, "x", null, {"b": true}]}, "readings": [
		{"sensor": "loop", "quantity": "speed", "at": "2024-03-20T12:00:00Z", "value": 50, "interval_s": 60},
		{"at": "2024-03-20T13:00:00+01:00", "unit": "km/h", "quantity": "speed", "value": 5e1, "sensor": "l\u006fop"},
		{"sensor": "loop", "quantity": "flow", "at": "2024-03-20T12:00:00Z", "value": 7},
		{"sensor": "loop", "quantity": "speed", "at": "soon", "value": 1},
		{"sensor": "loop", "quantity": "speed", "at": "2024-03-20T12:00:00Z", "value": null},
		{"sensor": "loop", "quantity": "speed", "at": "2024-03-20T12:00:00Z", "value": "NaN"},
		{"sensor": "loop", "quantity": "speed", "at": "2024-03-20T12:00:00Z", "value": 1, "unit": "ug/m3"},
		{"sensor": "loop", "quantity": "colour", "at": "2024-03-20T12:00:00Z", "value": 1},
		17,
		{"sensor": "mast", "quantity": "wind_direction", "at": "2024-03-20T12:00:00.5Z", "value": -90},
		{"quantity": "speed", "at": "2024-03-20T12:00:00Z", "value": 1}
	]}`))
	if err != nil {
		t.Fatal(err)
	}
	if b.Len() != 11 || b.Value[0] != 80.4672 || b.Value[1] != 50 || b.Value[2] != 28 || b.Value[9] != 270 || b.EndMS[9] != noonMS+500 || b.Quantity[7] != noQuantity {
		t.Fatalf("%+v", b)
	}
	want := []live.Refusal{{Index: 3, Reason: live.BadTime}, {Index: 4, Reason: live.NotANumber}, {Index: 5, Reason: live.NotANumber}, {Index: 6, Reason: live.BadUnit}, {Index: 8, Reason: live.Malformed}, {Index: 10, Reason: live.UnknownSensor}}
	if !reflect.DeepEqual(b.Refused, want) {
		t.Fatalf("got %v", b.Refused)
	}
	if b.Sensors[b.Sensor[1]] != "loop" || b.EndMS[0] != noonMS || b.EndMS[1] != noonMS || b.Interval[0] != 60 {
		t.Fatalf("%+v", b)
	}
}

func TestBrokenTextNamesItsPlace(t *testing.T) {
	city := town(t)
	one := `{"sensor":"loop","quantity":"speed","at":"2024-03-20T12:00:00Z","value":50}`
	for _, c := range []struct{ kind, body, want string }{
		{TypeJSON, ``, "byte 0"},
		{TypeJSON, `{"readings": [`, "byte 14"},
		{TypeJSON, "{\n\"readings\": [}", "line 2"},
		{TypeJSON, `{"foo": 1}`, "no readings"},
		{TypeJSON, `nonsense`, "byte 0"},
		{TypeJSON, `[1, 2]`, `"1" found where an object was expected`},
		{TypeJSON, strings.Repeat("[", 100), "64 brackets"},
		{TypeNDJSON, "{}x\n{", "line 1"},
		{TypeNDJSON, "\n\n", "no readings"},
		{TypeColumns, `{"sensors":["a"]}`, "value: is missing"},
		{TypeColumns, `{"sensors":["a"],"quantities":["speed"],"sensor":[1],"quantity":0,"end_ms":0,"value":[1]}`, "sensor[0]: is 1"},
		{TypeColumns, `{"sensors":["a"],"quantities":["speed"],"sensor":[0,0],"quantity":0,"end_ms":0,"value":[1]}`, "sensor: has 2 elements"},
		{TypeColumns, `{"sensors":["a"],"quantities":["speed"],"sensor":[0],"quantity":0.5,"end_ms":0,"value":[1]}`, "quantity[0]"},
		{TypeColumns, `[]`, "byte 0"},
		{TypeBinary, "TWB1", "starts with"},
		{"text/html", one, "readings of type"},
	} {
		_, err := Decode(city, c.kind, []byte(c.body))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s %q: got %v, want a word of %q", c.kind, c.body, err, c.want)
		}
	}
	b, err := JSON(city, []byte(`{"readings":[`+one+`,`+one+`,{"sens`))
	if err != nil || b.Len() != 3 || b.Refused[0] != (live.Refusal{Index: 2, Reason: live.Malformed}) {
		t.Fatalf("what came before the break counts: %+v, %v", b, err)
	}
	if b, err := JSON(city, []byte(`{"readings":[]}`)); err != nil || b.Len() != 0 {
		t.Fatalf("an empty list is no error: %v", err)
	}
	b, err = NDJSON(city, []byte(one+"\nbroken\n\n"+one+"\r\n"))
	if err != nil || b.Len() != 3 || b.Refused[0].Index != 1 {
		t.Fatalf("%+v, %v", b, err)
	}
	_, err = JSON(city, []byte(`[1, {"sensor": 5}]`))
	if many := (*fault.Error)(nil); err != nil && !errors.As(err, &many) {
		t.Fatalf("problems must come as a list: %v", err)
	}
}

func TestColumnsThereAndBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := drawBatch(t)
		got, err := Columns(nil, AppendColumns(nil, b))
		if err != nil {
			t.Fatal(err)
		}
		sameBatch(t, b, got)
		got, err = live.DecodeBinary(b.AppendBinary(nil))
		if err != nil {
			t.Fatal(err)
		}
		sameBatch(t, b, got)
		if b.Len() > 0 {
			if got, err = JSON(nil, AppendJSON(nil, b)); err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(got.EndMS, b.EndMS) || !reflect.DeepEqual(got.Value, b.Value) || !reflect.DeepEqual(got.Quantity, b.Quantity) {
				t.Fatalf("JSON: got %+v, want %+v", got, b)
			}
		}
	})
}

func drawBatch(t *rapid.T) *live.Batch {
	b := &live.Batch{Backfill: rapid.Bool().Draw(t, "backfill"), Sensors: rapid.SliceOfN(rapid.String(), 1, 5).Draw(t, "sensors")}
	for i, s := range b.Sensors {
		b.Sensors[i] = strings.ToValidUTF8(s, "?")
	}
	for range rapid.IntRange(0, 30).Draw(t, "n") {
		b.Add(uint32(rapid.IntRange(0, len(b.Sensors)-1).Draw(t, "sensor")), geo.Quantity(rapid.IntRange(0, 2).Draw(t, "quantity")),
			time.UnixMilli(rapid.Int64Range(-1e12, 4e12).Draw(t, "end")), time.Duration(rapid.IntRange(0, 3600).Draw(t, "interval"))*time.Second,
			rapid.Float64().Draw(t, "value"))
	}
	return b
}

func sameBatch(t *rapid.T, want, got *live.Batch) {
	if want.Len() != got.Len() || want.Backfill != got.Backfill || !reflect.DeepEqual(want.Sensors, got.Sensors) {
		t.Fatalf("got %+v, want %+v", got, want)
	}
	for i := range want.Value {
		if want.Sensor[i] != got.Sensor[i] || want.Quantity[i] != got.Quantity[i] || want.EndMS[i] != got.EndMS[i] || want.Interval[i] != got.Interval[i] || want.Value[i] != got.Value[i] {
			t.Fatalf("reading %d: got %+v, want %+v", i, got, want)
		}
	}
}

func TestScannerReadsNumbersAsStandardJSON(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringMatching(`-?[0-9]{1,17}(\.[0-9]{1,9})?([eE][+-]?[0-9]{1,2})?`).Draw(t, "number")
		var want float64
		if json.Unmarshal([]byte(text), &want) != nil {
			t.Skip("leading zeros")
		}
		s := scanner{data: []byte(text)}
		if got, err := s.number(); err != nil || got != want {
			t.Fatalf("%s: got %v, %v, want %v", text, got, err, want)
		}
	})
}

func TestInstantsAsStandardTime(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		at := time.Unix(rapid.Int64Range(-5e9, 1e10).Draw(t, "s"), 0).UTC()
		ms, ok := parseInstant([]byte(at.Format(time.RFC3339)))
		if !ok || ms != at.UnixMilli() {
			t.Fatalf("%v: got %d, want %d", at, ms, at.UnixMilli())
		}
	})
}

func TestStreetClock(t *testing.T) {
	rome, _ := time.LoadLocation("Europe/Rome")
	w := wall{rome}
	for _, c := range []struct {
		y       int
		m       time.Month
		d, min  int
		want    string
		because string
	}{
		{2024, 3, 30, 120, "2024-03-30T01:00:00Z", "winter"},
		{2024, 3, 31, 60, "2024-03-31T00:00:00Z", "before the gap"},
		{2024, 3, 31, 120, "2024-03-31T01:00:00Z", "the gap begins"},
		{2024, 3, 31, 180, "2024-03-31T01:00:00Z", "the gap ends"},
		{2024, 3, 31, 1440, "2024-03-31T22:00:00Z", "a day of 23 hours"},
		{2024, 10, 27, 120, "2024-10-27T00:00:00Z", "the first of two"},
		{2024, 10, 27, 180, "2024-10-27T02:00:00Z", "after both"},
		{2024, 10, 27, 1440, "2024-10-27T23:00:00Z", "a day of 25 hours"},
	} {
		if got := w.instant(c.y, c.m, c.d, c.min).UTC().Format(time.RFC3339); got != c.want {
			t.Errorf("%s: got %s, want %s", c.because, got, c.want)
		}
	}
}

func readAll(t testing.TB, city *geo.City, mapping, name, text string) (*live.Batch, *Table) {
	t.Helper()
	m, err := ParseMapping("m", []byte(mapping))
	if err != nil {
		t.Fatal(err)
	}
	tab, err := NewTable(city, m, name, "key", 1_000_000, strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	b, err := tab.Next()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tab.Next(); err != io.EOF {
		t.Fatal(err)
	}
	return b, tab
}

func TestWideTableOnTheStreetClock(t *testing.T) {
	b, tab := readAll(t, town(t), `
delimiter: ";"
time: {column: day, format: DD/MM/YYYY, zone: Europe/Rome}
sensor: "{id}"
values: [{hours: true, quantity: flow, unit: veh/interval}]`, "x.csv",
		"\ufeffday;id;01:00-02:00;02:00-03:00;03:00-04:00\n31/03/2024;loop;10;20;30\n27/10/2024;loop;10;20;\n1.4.2024;loop;1;2;3\n01/04/2024;loop;x;;\n")
	if b.Client != "key#0" || !b.Backfill || b.Len() != 7 {
		t.Fatalf("%+v", b)
	}
	got := []string{}
	for i := range b.Value {
		got = append(got, fmt.Sprintf("%s/%d=%g", time.UnixMilli(b.EndMS[i]).UTC().Format("0102T15"), b.Interval[i], b.Value[i]))
	}
	want := []string{"0331T01/3600=10", "0331T01/0=20", "0331T02/3600=30", "1027T00/3600=10", "1027T02/7200=10"}
	if !reflect.DeepEqual(got[:5], want) {
		t.Fatalf("got  %v\nwant %v", got, want)
	}
	if !reflect.DeepEqual(b.Refused, []live.Refusal{{Index: 1, Reason: live.BadTime}, {Index: 5, Reason: live.Malformed}, {Index: 6, Reason: live.NotANumber}}) {
		t.Fatal(b.Refused)
	}
	if err := tab.Problems(); err == nil || !strings.Contains(err.Error(), "x.csv:4") {
		t.Fatal(err)
	}
}

func TestLongTableSumsColumns(t *testing.T) {
	b, _ := readAll(t, town(t), `{"time": {"column": "t", "format": "YYYY-MM-DD HH:mm", "offset": "+01:00", "label": "start"}, "sensor": "{a}p",
		"decimal": ",", "delimiter": ";", "interval": "1h", "missing": ["-"], "values": [{"sum": ["x", "y"], "quantity": "flow", "unit": "veh/interval"}]}`, "x.csv",
		"t;a;x;y\n2024-03-20 12:00;loo;1,5;2\n2024-03-20 13:00;loo;-;\n2024-03-20 14:00;loo;-;4\n")
	if b.Len() != 2 || b.Value[0] != 3.5 || b.Value[1] != 4 || b.Sensors[0] != "loop" || b.EndMS[0] != noonMS {
		t.Fatalf("%+v", b)
	}
}

func TestPlainTableNamesItsQuantities(t *testing.T) {
	b, _ := readAll(t, town(t), `{"time": {"column": "at"}, "sensor": "{sensor}", "values": [{"column": "value", "quantity_column": "quantity"}]}`, "x.csv",
		"sensor,quantity,at,value\nloop,speed,2024-03-20T12:00:00Z,10\nair,no2,2024-03-20T13:00:00+01:00,10\nair,smell,2024-03-20T13:00:00+01:00,10\n")
	if b.Len() != 3 || b.Value[0] != 16.09344 || math.Abs(b.Value[1]-19.125) > 1e-3 || b.EndMS[1] != noonMS || b.Quantity[2] != noQuantity {
		t.Fatalf("%+v", b)
	}
}

func TestStationTableWithFlags(t *testing.T) {
	mapping := `
time: {column: data, format: "YYYY-MM-DD HH:mm", offset: "+01:00", label: start}
interval: 1h
quantity: no2
values: [{each: "*", except: "v_*", valid: {column: "v_{column}", is: [S, M]}}]
files: [{match: "PM*", quantity: pm10, unit: ug/m3, interval: 1d}]`
	text := "data,air,v_air,B,v_B\n2024-03-20 12:00,10,S,5,X\n2024-03-20 13:00,,,6,M\n"
	b, _ := readAll(t, town(t), mapping, "no2.csv", text)
	if b.Len() != 2 || math.Abs(b.Value[0]-19.125) > 1e-3 || b.Value[1] != 6 || b.Sensors[1] != "B" || b.EndMS[0] != noonMS {
		t.Fatalf("%+v", b)
	}
	b, tab := readAll(t, nil, mapping, "dir/PM10_daily.csv", text)
	if b.Quantity[0] != geo.PM10 || b.Interval[0] != 86400 || b.EndMS[0] != noonMS+23*3600*1000 || tab.Unstated() {
		t.Fatalf("%+v", b)
	}
	if _, tab := readAll(t, nil, mapping, "no2.csv", text); !tab.Unstated() {
		t.Fatal("values in units that only the city knows must be told apart")
	}
}

func TestMappingMistakesComeTogether(t *testing.T) {
	_, err := ParseMapping("m", []byte(`
delimiter: ";;"
decimal: x
quantity: speed
unit: ug/m3
interval: 1 fortnight
time: {format: DD/MM/YYYY, label: middle}
values: [{hours: true, column: a}]
files: [{match: "["}]`))
	many := (*fault.Error)(nil)
	if !errors.As(err, &many) || len(many.Problems) != 10 {
		t.Fatalf("%d problems: %v", len(many.Problems), err)
	}
	if _, err := ParseMapping("m", []byte("colour: red")); err == nil {
		t.Fatal("unknown keys must be refused")
	}
	m, err := ParseMapping("m", []byte(`{time: {column: t}, sensor: "{id}", values: [{column: v, quantity: speed}]}`))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := NewTable(nil, m, "x", "", 0, strings.NewReader("a,b\n")); err == nil || !strings.Contains(err.Error(), "3 problems") {
		t.Fatal(err)
	}
}

func FuzzDecode(f *testing.F) {
	city := town(f)
	kinds := []string{TypeJSON, TypeNDJSON, TypeColumns, TypeBinary}
	b := &live.Batch{Sensors: []string{"loop"}}
	b.Add(0, geo.Speed, time.UnixMilli(noonMS), time.Minute, 50)
	b.Add(0, geo.Flow, time.UnixMilli(noonMS), time.Minute, 7)
	for i, body := range [][]byte{AppendJSON(nil, b), []byte(`{"sensor":"loop","quantity":"speed","at":"2024-03-20T12:00:00Z","value":50}`), AppendColumns(nil, b), b.AppendBinary(nil)} {
		f.Add(i, body)
	}
	f.Fuzz(func(t *testing.T, kind int, body []byte) {
		b, err := Decode(city, kinds[uint(kind)%4], body)
		if err != nil {
			return
		}
		if err := b.Check(); err != nil && !strings.Contains(err.Error(), "bytes, expected at most") {
			t.Fatal(err)
		}
		for _, r := range b.Refused {
			if r.Index < 0 || r.Index >= b.Len() {
				t.Fatalf("%+v refuses a reading outside %d", r, b.Len())
			}
		}
	})
}

func FuzzTable(f *testing.F) {
	city := town(f)
	f.Add("time: {column: t, format: YYYY-MM-DD, zone: Europe/Rome}\nsensor: '{id}'\nvalues: [{hours: true, quantity: flow}]", "t,id,00:00-01:00\n2024-03-31,loop,5\n")
	f.Add("time: {column: t}\nvalues: [{each: '*', quantity: no2}]", "t,air\n2024-03-20T12:00:00Z,5\n\"")
	f.Fuzz(func(t *testing.T, mapping, text string) {
		m, err := ParseMapping("m", []byte(mapping))
		if err != nil {
			return
		}
		tab, err := NewTable(city, m, "x.csv", "k", 10, strings.NewReader(text))
		for err == nil {
			var b *live.Batch
			if b, err = tab.Next(); err == nil && b.Check() != nil && !strings.Contains(b.Check().Error(), "bytes, expected at most") {
				t.Fatal(b.Check())
			}
		}
	})
}

func BenchmarkJSON(b *testing.B) {
	city := town(b)
	batch := &live.Batch{Sensors: []string{"loop"}}
	for i := range 10_000 {
		batch.Add(0, geo.Speed, time.UnixMilli(noonMS+int64(i)*60000), time.Minute, float64(i%1000)/10)
	}
	for _, c := range []struct {
		name, kind string
		body       []byte
	}{{"json", TypeJSON, AppendJSON(nil, batch)}, {"columns", TypeColumns, AppendColumns(nil, batch)}, {"binary", TypeBinary, batch.AppendBinary(nil)}} {
		b.Run(c.name, func(b *testing.B) {
			b.SetBytes(int64(len(c.body)))
			for b.Loop() {
				if _, err := Decode(city, c.kind, c.body); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.N)*1e4/b.Elapsed().Seconds(), "readings/s")
		})
	}
}
