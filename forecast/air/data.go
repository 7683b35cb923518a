package air

import (
	"fmt"
	"math"
	"slices"
	"time"
)

// Column is what a column of Data holds.
type Column uint8

// Columns of Data: pollutants in µg/m³, then weather. Wind is where the air
// moves to: WindX eastwards, WindY northwards, of unit length in any wind with
// a direction.
const (
	PM25 Column = iota
	PM10
	SO2
	NO2
	CO
	O3
	Temperature // °C
	Pressure    // hPa
	DewPoint    // °C
	Rain        // mm in the hour
	WindSpeed   // m/s
	WindX
	WindY
	numColumns
	numPollutants = int(O3) + 1
)

var columnNames = [numPollutants]string{"PM2.5", "PM10", "SO2", "NO2", "CO", "O3"}

// String returns the pollutant's name as station files write it.
func (c Column) String() string {
	if int(c) < numPollutants {
		return columnNames[c]
	}
	return fmt.Sprintf("column %d", c)
}

// ParsePollutant returns the column of a pollutant's name ("PM2.5", "NO2").
func ParsePollutant(name string) (Column, error) {
	if i := slices.Index(columnNames[:], name); i >= 0 {
		return Column(i), nil
	}
	return 0, fmt.Errorf("pollutant %q, expected one of %v", name, columnNames)
}

// Station is one station's hourly values on the grid of its Data; NaN marks
// what is missing.
type Station struct {
	ID      string
	First   time.Time // begin of the first hour
	Columns [numColumns][]float32
}

// Hours returns the number of hours the station's columns cover.
func (s *Station) Hours() int { return len(s.Columns[0]) }

// Data is the hourly table of all stations, on one grid.
type Data struct {
	Stations []Station
	First    time.Time // begin of the first hour, local wall clock
	Hours    int
}

// Join puts stations on the grid that spans them all; hours a station does not
// cover are NaN. The order of stations is kept.
func Join(stations []Station) (*Data, error) {
	if len(stations) == 0 {
		return nil, fmt.Errorf("joining stations: none given")
	}
	d := &Data{First: stations[0].First}
	last := d.First
	for i := range stations {
		s := &stations[i]
		if s.First.Before(d.First) {
			d.First = s.First
		}
		if end := s.First.Add(time.Duration(s.Hours()) * time.Hour); end.After(last) {
			last = end
		}
		if slices.ContainsFunc(stations[:i], func(o Station) bool { return o.ID == s.ID }) {
			return nil, fmt.Errorf("joining stations: %q appears twice", s.ID)
		}
	}
	d.Hours = int(last.Sub(d.First) / time.Hour)
	if d.Hours > maxHours {
		return nil, fmt.Errorf("joining stations: %d hours, expected at most %d", d.Hours, maxHours)
	}
	for _, s := range stations {
		d.Stations = append(d.Stations, d.place(s))
	}
	return d, nil
}

// maxHours bounds the grid (about 60 years).
const maxHours = 1 << 19

// place puts a station on the grid.
func (d *Data) place(s Station) Station {
	out := Station{ID: s.ID, First: d.First}
	shift := int(s.First.Sub(d.First) / time.Hour)
	for c := range out.Columns {
		out.Columns[c] = make([]float32, d.Hours)
		for i := range out.Columns[c] {
			out.Columns[c][i] = missing
		}
		copy(out.Columns[c][shift:], s.Columns[c])
	}
	return out
}

// Index returns the grid position of the hour that begins at or after t.
func (d *Data) Index(t time.Time) int {
	return int(math.Ceil(float64(t.Sub(d.First)) / float64(time.Hour)))
}

// At returns the begin of an hour of the grid.
func (d *Data) At(hour int) time.Time { return d.First.Add(time.Duration(hour) * time.Hour) }

var missing = float32(math.NaN())
