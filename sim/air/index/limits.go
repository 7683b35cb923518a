package index

import (
	"math"

	"tideway/unit"
)

// Limit is a limit or guideline value.
type Limit struct {
	Rule      string
	Pollutant Pollutant
	Over      Averaging
	Value     unit.Concentration
	Allowed   int // exceedances allowed in a year; −1: none stated or not verified
	Source    string
}

// WHO names the guidelines of the World Health Organization in Limit.Rule.
const WHO = "WHO 2021"

const (
	eu08    = "EU 2008/50/EC"
	eu30    = "EU 2024/2881, from 2030"
	china   = "GB 3095-2026 grade II"
	china31 = "GB 3095-2026 grade II, from 2031"

	whoSource   = "WHO global air quality guidelines 2021"
	eu08Source  = "Directive 2008/50/EC, table of the European Commission"
	eu30Source  = "COM(2022) 542 annex; annual PM2.5 and NO2 confirmed in Directive (EU) 2024/2881, hourly counts not verified"
	chinaSource = "GB 3095-2026"
)

// Limits returns all limit values known here, in a fixed order.
func Limits() []Limit {
	ug := func(rule, source string, p Pollutant, over Averaging, v float64, allowed int) Limit {
		return Limit{rule, p, over, unit.Concentration(v) * unit.UGM3, allowed, source}
	}
	var out []Limit
	add := func(rule, source string, p Pollutant, over Averaging, v float64, allowed int) {
		out = append(out, ug(rule, source, p, over, v, allowed))
	}
	add(WHO, whoSource, PM25, Year, 5, -1)
	add(WHO, whoSource, PM25, Day, 15, -1)
	add(WHO, whoSource, PM10, Year, 15, -1)
	add(WHO, whoSource, PM10, Day, 45, -1)
	add(WHO, whoSource, NO2, Year, 10, -1)
	add(WHO, whoSource, NO2, Day, 25, -1)
	add(WHO, whoSource, NO2, Hour, 200, -1)
	add(WHO, whoSource, O3, EightHours, 100, -1)
	add(WHO, whoSource, SO2, Day, 40, -1)
	add(WHO, whoSource, CO, Day, 4000, -1)
	add(eu08, eu08Source, NO2, Hour, 200, 18)
	add(eu08, eu08Source, NO2, Year, 40, -1)
	add(eu08, eu08Source, PM10, Day, 50, 35)
	add(eu08, eu08Source, PM10, Year, 40, -1)
	add(eu08, eu08Source, PM25, Year, 20, -1)
	add(eu08, eu08Source, SO2, Hour, 350, 24)
	add(eu08, eu08Source, SO2, Day, 125, 3)
	add(eu30, eu30Source, PM25, Day, 25, 18)
	add(eu30, eu30Source, PM25, Year, 10, -1)
	add(eu30, eu30Source, PM10, Day, 45, 18)
	add(eu30, eu30Source, PM10, Year, 20, -1)
	add(eu30, eu30Source, NO2, Hour, 200, -1)
	add(eu30, eu30Source, NO2, Day, 50, 18)
	add(eu30, eu30Source, NO2, Year, 20, -1)
	add(eu30, eu30Source, SO2, Hour, 350, -1)
	add(eu30, eu30Source, SO2, Day, 50, 18)
	add(eu30, eu30Source, SO2, Year, 20, -1)
	add(eu30, eu30Source, CO, EightHours, 10000, -1)
	add(eu30, eu30Source, CO, Day, 4000, 18)
	for _, c := range []struct {
		p        Pollutant
		over     Averaging
		now, y31 float64
	}{
		{PM25, Year, 30, 25}, {PM25, Day, 60, 50}, {PM10, Year, 60, 50}, {PM10, Day, 120, 100},
		{NO2, Year, 40, 30}, {NO2, Day, 80, 50}, {NO2, Hour, 200, 200}, {SO2, Year, 60, 20}, {SO2, Day, 150, 50}, {SO2, Hour, 500, 150},
		{CO, Day, 4000, 4000}, {CO, Hour, 10000, 10000}, {O3, EightHours, 160, 160}, {O3, Hour, 200, 200},
	} {
		add(china, chinaSource+", until 2030-12-31", c.p, c.over, c.now, -1)
		add(china31, chinaSource, c.p, c.over, c.y31, -1)
	}
	return out
}

// Exceedances counts the means above the limit; NaN are not counted.
func (l Limit) Exceedances(means []unit.Concentration) int {
	n := 0
	for _, c := range means {
		if c > l.Value {
			n++
		}
	}
	return n
}

// Missing is the concentration that stands for no data.
var Missing = unit.Concentration(math.NaN())

// DayMean is the mean of a day's hours; it needs three quarters of them.
func DayMean(hours []unit.Concentration) unit.Concentration {
	return meanOf(hours, (len(hours)*3+3)/4)
}

// MaxEightHours is the greatest running 8 h mean of a day's hours, each with at
// least six of its eight hours there; hours holds the day, preceded by up to
// seven hours of the day before.
func MaxEightHours(hours []unit.Concentration) unit.Concentration {
	best := Missing
	for end := 8; end <= len(hours); end++ {
		if m := meanOf(hours[end-8:end], 6); !(m <= best) && valid(m) {
			best = m
		}
	}
	return best
}

func meanOf(hours []unit.Concentration, need int) unit.Concentration {
	sum, n := unit.Concentration(0), 0
	for _, h := range hours {
		if !math.IsNaN(float64(h)) {
			sum, n = sum+h, n+1
		}
	}
	if n < need || n == 0 {
		return Missing
	}
	return sum / unit.Concentration(n)
}
