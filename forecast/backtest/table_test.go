package backtest

import (
	"math"
	"strings"
	"testing"
	"time"
	_ "time/tzdata"
)

func read(t *testing.T, text string, cfg TableConfig) *Table {
	t.Helper()
	tb, err := ReadTable(strings.NewReader(text), "v.csv", cfg)
	if err != nil {
		t.Fatal(err)
	}
	return tb
}

func zoneOf(t testing.TB, name string) *time.Location {
	t.Helper()
	z, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return z
}

var march = TableConfig{Start: time.Date(2012, 3, 1, 0, 0, 0, 0, time.UTC), Interval: 5 * time.Minute}

func TestTableForms(t *testing.T) {
	for name, c := range map[string]struct {
		text string
		cfg  TableConfig
	}{
		"ids only":     {"a,b\n1,2\n3,\n", march},
		"row numbers":  {",a,b\n0,1,2\n1,3,\n", march},
		"times":        {"time,a,b\n2012-03-01 00:00:00,1,2\n2012-03-01 00:05:00,3,\n", TableConfig{}},
		"bom, crlf":    {"\ufefftime,\"a\",b\r\n2012-03-01T00:00,1,2\r\n2012-03-01T00:05,3,nan\r\n", TableConfig{}},
		"no last line": {"a,b\n1,2\n3,", march},
	} {
		tb := read(t, c.text, c.cfg)
		if strings.Join(tb.Sensors, " ") != "a b" || tb.Steps() != 2 || tb.Values[2] != 3 || !math.IsNaN(float64(tb.Values[3])) {
			t.Errorf("%s: %+v", name, tb)
		}
		if want := march.Start.Add(10 * time.Minute); !tb.Ends[1].Equal(want) || tb.Interval != 5*time.Minute {
			t.Errorf("%s: second row ends %v, want %v", name, tb.Ends[1], want)
		}
	}
}

func TestTableFillsGapsAndMasksZeros(t *testing.T) {
	tb := read(t, "time,a\n2012-03-01 00:00,1\n2012-03-01 00:05,0\n2012-03-01 00:10,2\n2012-03-01 00:25,3\n", TableConfig{Zeros: true})
	if tb.Steps() != 6 || tb.RowOf[5] != 3 || tb.RowOf[4] != -1 || !math.IsNaN(float64(tb.Values[1])) || tb.Values[5] != 3 {
		t.Fatalf("%+v", tb)
	}
}

func TestTableAcrossSummerTime(t *testing.T) {
	cfg := TableConfig{Zone: zoneOf(t, "Europe/Berlin")}
	// Winter time comes: 02:00 twice. Summer time comes: a row at 02:00, which
	// does not exist, and none of value at 03:00, as real detectors wrote it.
	autumn := read(t, "time,a\n2023-10-29 01:00,1\n2023-10-29 02:00,2\n2023-10-29 02:00,3\n2023-10-29 03:00,4\n", cfg)
	if autumn.Steps() != 4 || autumn.Ends[3].Sub(autumn.Ends[0]) != 3*time.Hour {
		t.Errorf("autumn: %v", autumn.Ends)
	}
	spring := read(t, "time,a\n2024-03-31 01:00,1\n2024-03-31 02:00,2\n2024-03-31 03:00,\n2024-03-31 04:00,4\n", cfg)
	if spring.Steps() != 3 || spring.Values[1] != 2 || spring.Values[2] != 4 {
		t.Errorf("spring: %v %v", spring.Ends, spring.Values)
	}
}

func TestTableProblemsNameTheirPlace(t *testing.T) {
	for text, want := range map[string]string{
		"":                                "header",
		"a,b\n":                           "no rows",
		"a,b\n1\n":                        "v.csv:2: 1 values, expected 2",
		"a,b\n1,2\n1,x\n":                 `v.csv:3: b: value "x"`,
		"a,a\n1,2\n":                      "occurs twice",
		"time,a\n2012-03-01 00:00,1\ny,2": `v.csv:3: "y" is not a time`,
		"time,a\n2012-03-01 00:00,1\n2012-03-01 00:05,1\n2012-03-01 00:10,1\n2012-03-01 00:12,1\n": "not a whole number",
	} {
		cfg := march
		if strings.HasPrefix(text, "time") {
			cfg = TableConfig{}
		}
		if _, err := ReadTable(strings.NewReader(text), "v.csv", cfg); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: error %v, want %q in it", text, err, want)
		}
	}
	if _, err := ReadTable(strings.NewReader("a\n1\n"), "v.csv", TableConfig{}); err == nil {
		t.Error("a table without interval was read")
	}
}

func FuzzReadTable(f *testing.F) {
	f.Add("a,b\n1,2\n3,\n")
	f.Add("time,a\n2024-03-31 02:00,1\n2024-03-31 03:00,\n")
	f.Add(",a\n0,1\n")
	zone, _ := time.LoadLocation("Europe/Berlin")
	f.Fuzz(func(t *testing.T, text string) {
		tb, err := ReadTable(strings.NewReader(text), "f", TableConfig{Zone: zone})
		if err == nil && (len(tb.Values) != tb.Steps()*len(tb.Sensors) || len(tb.RowOf) != tb.Steps()) {
			t.Fatalf("columns of %d steps and %d sensors have %d values", tb.Steps(), len(tb.Sensors), len(tb.Values))
		}
	})
}

func TestAdjacencyForms(t *testing.T) {
	ids := []string{"a", "b", "c"}
	matrix, err := ReadAdjacency(strings.NewReader("1,0.5,0\n0,1,0\n0,0.2,1\n"), "m", ids)
	if err != nil || len(matrix.Weights) != 2 || matrix.Weights[1] != (Weight{From: 2, To: 1, Weight: .2}) {
		t.Errorf("matrix: %+v, %v", matrix, err)
	}
	list, err := ReadAdjacency(strings.NewReader("from,to,weight\na,b,0.5\nc,b,0.2\nz,a,1\n"), "l", ids)
	if err != nil || len(list.Weights) != 2 || list.Weights[0] != matrix.Weights[0] {
		t.Errorf("list: %+v, %v", list, err)
	}
	far, err := ReadAdjacency(strings.NewReader("from,to,cost\na,b,100\nb,c,1100\nc,a,50000\n"), "d", ids)
	if err != nil || len(far.Weights) != 2 || far.Weights[0].Weight < far.Weights[1].Weight {
		t.Errorf("distances: %+v, %v", far, err)
	}
	for _, text := range []string{"", "1,2\n", "1,0,0\n0,1,0\n", "1,0,x\n0,1,0\n0,0,1\n", "a,b\n", "from,to,weight\na,b,7\n"} {
		if _, err := ReadAdjacency(strings.NewReader(text), "m", ids); err == nil {
			t.Errorf("%q was read", text)
		}
	}
}

func FuzzReadAdjacency(f *testing.F) {
	f.Add("1,0.5\n0,1\n")
	f.Add("from,to,cost\na,b,100\n")
	f.Fuzz(func(t *testing.T, text string) {
		if rel, err := ReadAdjacency(strings.NewReader(text), "f", []string{"a", "b"}); err == nil {
			if _, err := rel.graph(2); err != nil {
				t.Fatal(err)
			}
		}
	})
}

func TestLocations(t *testing.T) {
	rel, err := ReadLocations(strings.NewReader("index,sensor_id,latitude,longitude\n0,a,34.1,-118.3\n1,b,34.2,-118.2\n"), "p", []string{"b", "a"})
	if err != nil || rel.Locations[0][1] != 34.2 {
		t.Fatalf("%+v, %v", rel, err)
	}
	for _, text := range []string{"", "x\n", "id,lat,lon\na,100,0\nb,0,0\n", "id,lat,lon\na,1,0\n"} {
		if _, err := ReadLocations(strings.NewReader(text), "p", []string{"a", "b"}); err == nil {
			t.Errorf("%q was read", text)
		}
	}
}

func FuzzReadLocations(f *testing.F) {
	f.Add("id,lat,lon\na,1,2\n")
	f.Fuzz(func(t *testing.T, text string) {
		if rel, err := ReadLocations(strings.NewReader(text), "f", []string{"a"}); err == nil && len(rel.Locations) != 1 {
			t.Fatal("no location")
		}
	})
}
