package index

import (
	"math"

	"tideway/unit"
)

// Chinese is an edition of the Chinese index.
type Chinese uint8

// The editions. HJ 633-2026 is in force since 2026-03-01; HJ 633-2012 is for
// older data.
const (
	HJ2026 Chinese = iota
	HJ2012
)

// Source returns the title of the edition.
func (e Chinese) Source() string {
	if e == HJ2012 {
		return "HJ 633-2012, Technical Regulation on Ambient Air Quality Index (repealed 2026-03-01)"
	}
	return "HJ 633-2026, Technical Regulation on Ambient Air Quality Index"
}

// iaqi are the index values of the breakpoints.
var iaqi = [8]float64{0, 50, 100, 150, 200, 300, 400, 500}

type column struct {
	p    Pollutant
	over Averaging
}

// hj holds the breakpoints in µg/m³ (CO mg/m³); shorter lists end where the
// standard sends the reader to another averaging time.
var hj = map[column][]float64{
	{SO2, Day}:       {0, 50, 150, 475, 800, 1600, 2100, 2620},
	{SO2, Hour}:      {0, 150, 500, 650, 800},
	{NO2, Day}:       {0, 40, 80, 180, 280, 565, 750, 940},
	{NO2, Hour}:      {0, 100, 200, 700, 1200, 2340, 3090, 3840},
	{CO, Day}:        {0, 2, 4, 14, 24, 36, 48, 60},
	{CO, Hour}:       {0, 5, 10, 35, 60, 90, 120, 150},
	{O3, EightHours}: {0, 100, 160, 215, 265, 800},
	{O3, Hour}:       {0, 160, 200, 300, 400, 800, 1000, 1200},
	{PM10, Day}:      {0, 50, 120, 250, 350, 420, 500, 600},
	{PM25, Day}:      {0, 35, 60, 115, 150, 250, 350, 500},
}

// One returns the individual index of a mean and whether the edition defines
// one: rounded up, 500 at most. Hourly particles use the daily column (2026
// only; the 2012 edition wants running days there).
func (e Chinese) One(m Mean) (int, bool) {
	over := m.Over
	particle := m.Pollutant == PM25 || m.Pollutant == PM10
	if particle && over == Hour && e == HJ2026 {
		over = Day
	}
	points, ok := hj[column{m.Pollutant, over}]
	if !ok || !valid(m.Value) {
		return 0, false
	}
	c := math.Round(m.Value.UGM3())
	if m.Pollutant == CO {
		c = math.Round(m.Value.MGM3()*10) / 10
	}
	return e.interpolate(m.Pollutant, points, c)
}

func (e Chinese) interpolate(p Pollutant, points []float64, c float64) (int, bool) {
	for i := 1; i < len(points); i++ {
		lo, hi := e.point(p, i-1, points), e.point(p, i, points)
		if c <= hi {
			return int(math.Ceil(line(c, lo, iaqi[i-1], hi, iaqi[i]) - 1e-9)), true
		}
	}
	if len(points) < len(iaqi) && e == HJ2012 {
		return 0, false // judged by another averaging time
	}
	return int(iaqi[len(points)-1]), true
}

// point is breakpoint i: the editions differ only at index 100 for particles.
func (e Chinese) point(p Pollutant, i int, points []float64) float64 {
	if e == HJ2012 && i == 2 {
		switch p {
		case PM10:
			return 150
		case PM25:
			return 75
		}
	}
	return points[i]
}

var hjLabels = []struct {
	top   int
	label string
}{{50, "excellent"}, {100, "good"}, {150, "lightly polluted"}, {200, "moderately polluted"}, {300, "heavily polluted"}, {math.MaxInt, "severely polluted"}}

// Of returns the index of a set of means: for a day the daily means and the
// greatest 8 h mean of O3, in real time the hourly means. There is no primary
// pollutant at 50 and below. ok is false where no mean has a place.
func (e Chinese) Of(means []Mean) (Score, bool) {
	var subs []Sub
	for p := range pollutants {
		best, found := 0, false
		for _, m := range means {
			if m.Pollutant == p {
				if i, ok := e.One(m); ok {
					best, found = max(best, i), true
				}
			}
		}
		if found {
			subs = append(subs, Sub{p, best})
		}
	}
	if len(subs) == 0 {
		return Score{}, false
	}
	s := worst(subs)
	if s.Index <= 50 {
		s.Primary = nil
	}
	for i, l := range hjLabels {
		if s.Index <= l.top {
			s.Level, s.Label = i+1, l.label
			break
		}
	}
	return s, true
}

// EuropeanSource is where the European bands come from.
const EuropeanSource = "European air quality index, bands of 2024 (ETC HE Report 2024/17)"

// european are the upper bounds in µg/m³ of good, fair, moderate, poor and very
// poor; above is extremely poor.
var european = map[Pollutant][5]float64{
	PM25: {5, 15, 50, 90, 140}, PM10: {15, 45, 120, 195, 270}, NO2: {10, 25, 60, 100, 150},
	O3: {60, 100, 120, 160, 180}, SO2: {20, 40, 125, 190, 275},
}

var europeanLabels = [...]string{"good", "fair", "moderate", "poor", "very poor", "extremely poor"}

// European returns the European index of hourly means: level 1 (good) to 6,
// which is also the Index. A value on a bound belongs to the better band; the
// published text does not say.
func European(hourly []Mean) (Score, bool) {
	var subs []Sub
	for p := range pollutants {
		for _, m := range hourly {
			if b, ok := european[p]; ok && m.Pollutant == p && m.Over == Hour && valid(m.Value) {
				subs = append(subs, Sub{p, europeanLevel(b, m.Value)})
				break
			}
		}
	}
	if len(subs) == 0 {
		return Score{}, false
	}
	s := worst(subs)
	s.Level, s.Label = s.Index, europeanLabels[s.Index-1]
	return s, true
}

func europeanLevel(bounds [5]float64, c unit.Concentration) int {
	for i, b := range bounds {
		if c.UGM3() <= b*(1+1e-12) {
			return i + 1
		}
	}
	return 6
}
