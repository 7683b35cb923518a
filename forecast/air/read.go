package air

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"tideway/internal/fault"
)

// fileColumns are the names of station files and what they fill.
var fileColumns = []struct {
	name     string
	column   Column
	min, max float64
}{
	{"PM2.5", PM25, 0, 1e5}, {"PM10", PM10, 0, 1e5}, {"SO2", SO2, 0, 1e5}, {"NO2", NO2, 0, 1e5}, {"CO", CO, 0, 1e6}, {"O3", O3, 0, 1e5},
	{"TEMP", Temperature, -100, 70}, {"PRES", Pressure, 300, 1200}, {"DEWP", DewPoint, -100, 60}, {"RAIN", Rain, 0, 1000}, {"WSPM", WindSpeed, 0, 150},
}

// compass holds the sixteen winds, clockwise from north.
var compass = []string{"N", "NNE", "NE", "ENE", "E", "ESE", "SE", "SSE", "S", "SSW", "SW", "WSW", "W", "WNW", "NW", "NNW"}

// ReadCSV reads the hourly file of one station: a header with year, month,
// day, hour (local, begin), any of PM2.5, PM10, SO2, NO2, CO, O3 (µg/m³), TEMP
// (°C), PRES (hPa), DEWP (°C), RAIN (mm), wd (compass point the wind comes
// from), WSPM (m/s), and station; one row per hour in ascending order. Empty
// and NA mean missing; hours without a row are missing. Values outside any
// physical range are problems, all reported together with name:line.
func ReadCSV(r io.Reader, name string) (Station, error) {
	in := csv.NewReader(r)
	in.ReuseRecord = true
	head, err := in.Read()
	if err != nil {
		return Station{}, fmt.Errorf("reading %s: no header line: %w", name, err)
	}
	f := newFile(name, head)
	for f.bad.Len() == 0 || f.bad.Len() < maxProblems {
		rec, err := in.Read()
		if err == io.EOF {
			break
		}
		if err != nil {
			f.bad.Add(name, err)
			if !errors.Is(err, csv.ErrFieldCount) {
				break
			}
			continue
		}
		line, _ := in.FieldPos(0)
		f.row(rec, line)
	}
	if f.out.Hours() == 0 && f.bad.Len() == 0 {
		f.bad.Addf(name, "", "no rows")
	}
	return f.out, f.bad.Err("reading " + name)
}

// maxProblems ends the reading of a file that is something else.
const maxProblems = 1000

// file is a station file being read.
type file struct {
	name    string
	bad     fault.List
	clock   [4]int // positions of year, month, day, hour
	values  [numColumns]int
	wind    int
	station int
	out     Station
}

func newFile(name string, head []string) *file {
	f := &file{name: name}
	find := func(n string) int {
		return slices.IndexFunc(head, func(h string) bool { return strings.TrimSpace(strings.TrimPrefix(h, "\ufeff")) == n })
	}
	for i, n := range []string{"year", "month", "day", "hour"} {
		if f.clock[i] = find(n); f.clock[i] < 0 {
			f.bad.Addf(name+":1", n, "column is missing")
		}
	}
	for i, c := range fileColumns {
		f.values[i] = find(c.name)
	}
	f.wind, f.station = find("wd"), find("station")
	return f
}

// row takes one row.
func (f *file) row(rec []string, line int) {
	where := fmt.Sprintf("%s:%d", f.name, line)
	at, ok := f.time(rec, where)
	if !ok {
		return
	}
	if f.out.Hours() == 0 {
		f.out.First = at
	}
	hour := int(at.Sub(f.out.First) / time.Hour)
	if hour < f.out.Hours() {
		f.bad.Addf(where, at.Format(time.DateTime), "the hour is not after that of the row before")
		return
	}
	if hour >= maxHours {
		f.bad.Addf(where, at.Format(time.DateTime), "lies %d hours after the first row, expected at most %d", hour, maxHours)
		return
	}
	f.name1(rec, where)
	for c := range f.out.Columns {
		for len(f.out.Columns[c]) <= hour {
			f.out.Columns[c] = append(f.out.Columns[c], missing)
		}
	}
	for i, c := range fileColumns {
		if p := f.values[i]; p >= 0 {
			f.out.Columns[c.column][hour] = f.value(rec[p], c.name, where, c.min, c.max)
		}
	}
	f.direction(rec, hour, where)
}

// name1 takes the station's name and finds rows of another.
func (f *file) name1(rec []string, where string) {
	if f.station < 0 {
		return
	}
	id := strings.TrimSpace(rec[f.station])
	if f.out.Hours() == 0 {
		f.out.ID = id
	} else if id != f.out.ID {
		f.bad.Addf(where, id, "expected one station a file, the first row is of %q", f.out.ID)
	}
}

// time reads the hour a row speaks of, on the local wall clock.
func (f *file) time(rec []string, where string) (time.Time, bool) {
	var v [4]int
	for i, p := range f.clock {
		if p < 0 {
			return time.Time{}, false
		}
		n, err := strconv.Atoi(strings.TrimSpace(rec[p]))
		if err != nil {
			f.bad.Addf(where, [...]string{"year", "month", "day", "hour"}[i], "found %q, expected a whole number", rec[p])
			return time.Time{}, false
		}
		v[i] = n
	}
	t := time.Date(v[0], time.Month(v[1]), v[2], v[3], 0, 0, 0, time.UTC)
	if t.Year() != v[0] || int(t.Month()) != v[1] || t.Day() != v[2] || t.Hour() != v[3] || v[0] < 1900 || v[0] > 2200 {
		f.bad.Addf(where, "", "found %d-%d-%d hour %d, expected a date and an hour of 0 to 23", v[0], v[1], v[2], v[3])
		return t, false
	}
	return t, true
}

func (f *file) value(text, column, where string, low, high float64) float32 {
	text = strings.TrimSpace(text)
	if text == "" || text == "NA" {
		return missing
	}
	v, err := strconv.ParseFloat(text, 64)
	if err != nil || math.IsNaN(v) || v < low || v > high {
		f.bad.Addf(where, column, "found %q, expected a number from %g to %g, NA or nothing", text, low, high)
		return missing
	}
	return float32(v)
}

func (f *file) direction(rec []string, hour int, where string) {
	if f.wind < 0 {
		return
	}
	text := strings.TrimSpace(rec[f.wind])
	if text == "" || text == "NA" {
		return
	}
	k := slices.Index(compass, text)
	if k < 0 {
		f.bad.Addf(where, "wd", "found %q, expected one of the sixteen points of the compass, NA or nothing", text)
		return
	}
	from := float64(k) * math.Pi / 8
	f.out.Columns[WindX][hour], f.out.Columns[WindY][hour] = float32(-math.Sin(from)), float32(-math.Cos(from))
}
