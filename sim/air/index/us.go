package index

import (
	"math"

	"tideway/unit"
)

// USSource is where the US breakpoints come from.
const USSource = "EPA-454/B-24-002, Technical Assistance Document for the Reporting of Daily Air Quality, May 2024"

// usBand is one row of a breakpoint table: concentrations (native units) and
// index, both ends included.
type usBand struct{ lo, hi, ilo, ihi float64 }

// usTable is the breakpoints of a pollutant and averaging time in the unit of
// the standard: µg/m³ for particles, ppm for O3 and CO, ppb for NO2 and SO2.
type usTable struct {
	digits int // decimals kept by truncation
	bands  []usBand
	open   bool // the last band goes on beyond its end
}

var usTables = map[Pollutant]map[Averaging]usTable{
	PM25: {Day: {1, []usBand{{0, 9, 0, 50}, {9.1, 35.4, 51, 100}, {35.5, 55.4, 101, 150}, {55.5, 125.4, 151, 200}, {125.5, 225.4, 201, 300}, {225.5, 325.4, 301, 500}}, true}},
	PM10: {Day: {0, []usBand{{0, 54, 0, 50}, {55, 154, 51, 100}, {155, 254, 101, 150}, {255, 354, 151, 200}, {355, 424, 201, 300}, {425, 604, 301, 500}}, true}},
	O3: {
		EightHours: {3, []usBand{{0, .054, 0, 50}, {.055, .070, 51, 100}, {.071, .085, 101, 150}, {.086, .105, 151, 200}, {.106, .200, 201, 300}}, false},
		Hour:       {3, []usBand{{.125, .164, 101, 150}, {.165, .204, 151, 200}, {.205, .404, 201, 300}, {.405, .604, 301, 500}}, true},
	},
	CO:  {EightHours: {1, []usBand{{0, 4.4, 0, 50}, {4.5, 9.4, 51, 100}, {9.5, 12.4, 101, 150}, {12.5, 15.4, 151, 200}, {15.5, 30.4, 201, 300}, {30.5, 50.4, 301, 500}}, true}},
	NO2: {Hour: {0, []usBand{{0, 53, 0, 50}, {54, 100, 51, 100}, {101, 360, 101, 150}, {361, 649, 151, 200}, {650, 1249, 201, 300}, {1250, 2049, 301, 500}}, true}},
	SO2: {
		Hour: {0, []usBand{{0, 35, 0, 50}, {36, 75, 51, 100}, {76, 185, 101, 150}, {186, 304, 151, 200}}, false},
		Day:  {0, []usBand{{305, 604, 201, 300}, {605, 1004, 301, 500}}, true},
	},
}

// usMolar converts gases at 25 °C and 1013.25 hPa: µg/m³ per ppb.
var usMolar = map[Pollutant]float64{O3: 1.962, NO2: 1.880, SO2: 2.619, CO: 1.145}

// usNative returns a concentration in the unit of the US standard.
func usNative(p Pollutant, c unit.Concentration) float64 {
	switch p {
	case PM25, PM10:
		return c.UGM3()
	case O3, CO:
		return c.UGM3() / usMolar[p] / 1000
	}
	return c.UGM3() / usMolar[p]
}

// USNative returns the US index of one mean in the standard's own unit (µg/m³
// for particles, ppm for O3 and CO, ppb for NO2 and SO2), and whether the
// standard defines one for it. Concentrations are truncated, the index rounded
// half up, and the highest band goes on beyond 500.
func USNative(p Pollutant, over Averaging, value float64) (int, bool) {
	t, ok := usTables[p][over]
	if !ok || !(value >= 0) {
		return 0, false
	}
	scale := math.Pow10(t.digits)
	v := math.Floor(value*scale+1e-6) / scale
	for i, b := range t.bands {
		last := i == len(t.bands)-1
		if v >= b.lo && (v <= b.hi || last && t.open) {
			return int(math.Floor(line(v, b.lo, b.ilo, b.hi, b.ihi) + .5)), true
		}
	}
	return 0, false
}

// usLabels are the names of the levels by their highest index.
var usLabels = []struct {
	top   int
	label string
}{{50, "Good"}, {100, "Moderate"}, {150, "Unhealthy for Sensitive Groups"}, {200, "Unhealthy"}, {300, "Very Unhealthy"}, {math.MaxInt, "Hazardous"}}

// US returns the US index of a set of means: day (or NowCast) for particles, 8
// hours for CO and O3, 1 hour for NO2, SO2 and high O3, day for high SO2. Means
// without a place in the standard are ignored; ok is false where nothing is left.
func US(means []Mean) (Score, bool) {
	var subs []Sub
	for p := range pollutants {
		if i, ok := usOne(p, means); ok {
			subs = append(subs, Sub{p, i})
		}
	}
	if len(subs) == 0 {
		return Score{}, false
	}
	s := worst(subs)
	for i, l := range usLabels {
		if s.Index <= l.top {
			s.Level, s.Label = i+1, l.label
			break
		}
	}
	return s, true
}

// usOne is the index of one pollutant over its averaging times. O3 takes the
// greater of 8 h and 1 h; SO2 above the 1 h table takes the day, and 200 while
// the day is below its own.
func usOne(p Pollutant, means []Mean) (best int, ok bool) {
	for _, m := range means {
		if m.Pollutant != p || !valid(m.Value) {
			continue
		}
		v := usNative(p, m.Value)
		i, defined := USNative(p, m.Over, v)
		if p == SO2 && m.Over == Hour && math.Floor(v) >= 305 {
			i, defined = 200, true
		}
		if defined {
			best, ok = max(best, i), true
		}
	}
	return best, ok
}

// NowCast returns the US NowCast of a particle from the last twelve hourly
// means, newest first (NaN: missing), in the same unit: weights fall by
// w = max(½, 1 − (max − min)/max) an hour. It is undefined unless two of the
// last three hours are there.
func NowCast(hours []float64) (float64, bool) {
	hours = hours[:min(len(hours), 12)]
	recent, lo, hi := 0, math.Inf(1), math.Inf(-1)
	for i, h := range hours {
		if math.IsNaN(h) {
			continue
		}
		if i < 3 {
			recent++
		}
		lo, hi = math.Min(lo, h), math.Max(hi, h)
	}
	if recent < 2 {
		return 0, false
	}
	w := 1.0
	if hi > 0 {
		w = math.Max(.5, 1-(hi-lo)/hi)
	}
	sum, weights, k := 0.0, 0.0, 1.0
	for _, h := range hours {
		if !math.IsNaN(h) {
			sum, weights = sum+k*h, weights+k
		}
		k *= w
	}
	return sum / weights, true
}
