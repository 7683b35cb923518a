package air

import (
	"bytes"
	"strings"
	"testing"
	"time"
)

const header = "No,year,month,day,hour,PM2.5,PM10,SO2,NO2,CO,O3,TEMP,PRES,DEWP,RAIN,wd,WSPM,station\n"

func TestReadCSV(t *testing.T) {
	s, err := ReadCSV(strings.NewReader("\ufeff"+header+
		"1,2013,3,1,22,4,4,NA,7,300,77,-0.7,1023,-18.8,0,\"N\",4.4,A\n"+
		"2,2013,3,2,0,8,8,4,,300,77,-1.1,1023.2,-18.2,0,W,4.7,A\n"), "a.csv")
	if err != nil {
		t.Fatal(err)
	}
	if s.ID != "A" || s.Hours() != 3 || !s.First.Equal(time.Date(2013, 3, 1, 22, 0, 0, 0, time.UTC)) {
		t.Fatalf("station %q of %d hours from %v", s.ID, s.Hours(), s.First)
	}
	if s.Columns[PM25][0] != 4 || s.Columns[PM25][1] == s.Columns[PM25][1] || s.Columns[PM25][2] != 8 || s.Columns[SO2][0] == s.Columns[SO2][0] || s.Columns[NO2][2] == s.Columns[NO2][2] {
		t.Error("values differ from the file")
	}
	if s.Columns[WindY][0] != -1 || s.Columns[WindX][2] < .999 {
		t.Errorf("wind from north moves %v northwards, from west %v eastwards", s.Columns[WindY][0], s.Columns[WindX][2])
	}
}

func TestReadCSVReportsAllProblems(t *testing.T) {
	_, err := ReadCSV(strings.NewReader(header+
		"1,2013,3,1,22,-4,4,4,7,300,77,-0.7,1023,-18.8,0,N,4.4,A\n"+
		"2,2013,2,30,0,8,8,4,7,300,77,-1.1,1023.2,-18.2,0,W,4.7,A\n"+
		"3,2013,3,1,22,8,8,4,7,300,77,-1.1,1023.2,-18.2,0,W,4.7,A\n"+
		"4,2013,3,1,23,8,8,4,NaN,300,77,-1.1,1023.2,-18.2,0,Q,4.7,B\n"+
		"5,2013,3\n"), "a.csv")
	if err == nil {
		t.Fatal("accepted")
	}
	for _, want := range []string{"a.csv:2", "-4", "a.csv:3", "2013-2-30", "a.csv:4", "not after", "a.csv:5", "NaN", "\"Q\"", "one station a file"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("no %q in %v", want, err)
		}
	}
	for _, text := range []string{"", "a,b\n1,2\n", header} {
		if _, err := ReadCSV(strings.NewReader(text), "x"); err == nil {
			t.Errorf("%q accepted", text)
		}
	}
}

func TestJoinAlignsStations(t *testing.T) {
	at := time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)
	make1 := func(id string, shift int, v ...float32) Station {
		s := Station{ID: id, First: at.Add(time.Duration(shift) * time.Hour)}
		for c := range s.Columns {
			s.Columns[c] = v
		}
		return s
	}
	d, err := Join([]Station{make1("a", 2, 1, 2), make1("b", 0, 3)})
	if err != nil {
		t.Fatal(err)
	}
	if d.Hours != 4 || d.Stations[0].Columns[O3][2] != 1 || d.Stations[1].Columns[O3][0] != 3 || d.Stations[1].Columns[O3][1] == d.Stations[1].Columns[O3][1] {
		t.Errorf("grid of %d hours: %v", d.Hours, d.Stations)
	}
	if _, err := Join([]Station{make1("a", 0, 1), make1("a", 0, 1)}); err == nil {
		t.Error("a station was accepted twice")
	}
	if _, err := Join(nil); err == nil {
		t.Error("no stations accepted")
	}
}

func FuzzReadCSV(f *testing.F) {
	f.Add(header + "1,2013,3,1,22,4,4,4,7,300,77,-0.7,1023,-18.8,0,N,4.4,A\n")
	f.Add("year,month,day,hour,NO2\n2013,1,1,0,\n2199,1,1,0,5\n")
	f.Fuzz(func(t *testing.T, text string) {
		s, err := ReadCSV(strings.NewReader(text), "f")
		if err == nil && (s.Hours() == 0 || s.Hours() > maxHours) {
			t.Fatalf("%d hours", s.Hours())
		}
	})
}

func FuzzReadModel(f *testing.F) {
	f.Add([]byte(magic + "12345678"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if _, err := ReadModel(bytes.NewReader(b)); err == nil && !bytes.HasPrefix(b, []byte(magic)) {
			t.Fatal("accepted a foreign file")
		}
		in := &source{b: b}
		if tree, err := in.forest(5); err == nil {
			tree.predict(make([]float32, 5))
		}
	})
}
