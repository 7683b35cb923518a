// Package index says what concentrations mean: the US, Chinese and European
// air-quality indices with their averaging rules, limit values with counts of
// exceedance, and the exposure of people. It stands at the end of the air
// chain: dispersion, chemistry or forecasts give concentrations, this package
// judges them.
//
// Every table carries its Source. Parts of the standards that could not be
// read at a source are left out rather than guessed.
package index

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"tideway/unit"
)

// Pollutant is one that the indices know.
type Pollutant uint8

// The pollutants.
const (
	PM25 Pollutant = iota
	PM10
	O3
	NO2
	SO2
	CO
	pollutants
)

var names = [pollutants]string{"PM2.5", "PM10", "O3", "NO2", "SO2", "CO"}

// String returns the usual name: PM2.5, PM10, O3, NO2, SO2, CO.
func (p Pollutant) String() string { return names[p] }

// ParsePollutant returns the pollutant of that name (PM25 is PM2.5), or an
// error listing the names.
func ParsePollutant(name string) (Pollutant, error) {
	if strings.EqualFold(name, "PM25") {
		return PM25, nil
	}
	if i := slices.IndexFunc(names[:], func(n string) bool { return strings.EqualFold(n, name) }); i >= 0 {
		return Pollutant(i), nil
	}
	return 0, fmt.Errorf("pollutant %q is not known, expected one of %s", name, strings.Join(names[:], ", "))
}

// Averaging is the time over which a concentration is the mean.
type Averaging uint8

// The averaging times. A NowCast counts as a day.
const (
	Hour Averaging = iota
	EightHours
	Day
	Year
)

// String returns hour, 8 hours, day or year.
func (a Averaging) String() string { return [...]string{"hour", "8 hours", "day", "year"}[a] }

// Mean is a concentration with its averaging time.
type Mean struct {
	Pollutant Pollutant
	Over      Averaging
	Value     unit.Concentration
}

// Sub is the index of one pollutant.
type Sub struct {
	Pollutant Pollutant
	Index     int
}

// Score is the index of all pollutants together: the worst of them.
type Score struct {
	Index   int
	Level   int         // 1 is best
	Label   string      // the standard's name of the level
	Primary []Pollutant // those that make the index; ties are all listed
	Subs    []Sub
}

// worst builds a score from sub-indices in order of pollutant.
func worst(subs []Sub) Score {
	s := Score{Subs: subs}
	for _, u := range subs {
		switch {
		case u.Index > s.Index || s.Primary == nil:
			s.Index, s.Primary = u.Index, []Pollutant{u.Pollutant}
		case u.Index == s.Index:
			s.Primary = append(s.Primary, u.Pollutant)
		}
	}
	return s
}

// line interpolates linearly between (x0, y0) and (x1, y1), and beyond.
func line(x, x0, y0, x1, y1 float64) float64 { return y0 + (y1-y0)*(x-x0)/(x1-x0) }

func valid(c unit.Concentration) bool { return c >= 0 && !math.IsInf(float64(c), 0) }
