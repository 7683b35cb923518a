package world

import (
	"math"
	"time"

	"tideway/geo"
	"tideway/internal/rng"
)

// sky is the weather and the air that blows into the city: smooth random
// courses and the daily round of the sun. It is a function of time alone.
type sky struct {
	seed uint64
	zone *time.Location
}

// air is the weather and the background air at an instant.
type air struct {
	temperatureC, windMPS, windDeg, humidity, pressureHPa, radiationWM2, rainMM float64
	no2, o3, co, pm10, pm25                                                     float64
}

// course is a smooth random number with about standard normal values at
// multiples of a period, and cosines between them.
func (s sky) course(name uint64, t time.Time, period time.Duration) float64 {
	x := float64(t.Unix()) / period.Seconds()
	n := math.Floor(x)
	u := (1 - math.Cos(math.Pi*(x-n))) / 2
	return (1-u)*s.anchor(name, n) + u*s.anchor(name, n+1)
}

func (s sky) anchor(name uint64, n float64) float64 {
	r := rng.New(s.seed, name<<40+uint64(int64(n)), rng.Weather)
	return r.Normal()
}

// Names of the courses.
const (
	warmth = iota + 1
	breeze
	veer
	clouds
	damp
	weight
	wet
	ozone
	dust
)

// at returns weather and background air: a mild spring by the sea.
func (s sky) at(t time.Time) (a air) {
	local := t.In(s.zone)
	h := float64(local.Hour()) + float64(local.Minute())/60
	sun := math.Max(0, 0.05+0.85*math.Cos((h-12)*math.Pi/12))
	noon := math.Cos((h - 15) * math.Pi / 12)
	a.temperatureC = 13 + 4*s.course(warmth, t, 48*time.Hour) + 5*noon
	a.windMPS = 3 * math.Exp(0.35*s.course(breeze, t, 18*time.Hour)) * (1 + 0.25*noon)
	a.windDeg = math.Mod(120+90*s.course(veer, t, 30*time.Hour)+720, 360)
	a.radiationWM2 = 900 * sun * (1 - 0.7/(1+math.Exp(-1.5*s.course(clouds, t, 20*time.Hour))))
	a.humidity = math.Max(15, math.Min(100, 72-2*(a.temperatureC-13)+12*s.course(damp, t, 24*time.Hour)))
	a.pressureHPa = 1016 + 7*s.course(weight, t, 60*time.Hour)
	a.rainMM = math.Max(0, 1.2*(s.course(wet, t, 14*time.Hour)-1))
	// Calm air keeps what is released: the background is that of a region with
	// traffic and homes of its own.
	calm := math.Pow(3/math.Max(0.8, a.windMPS), 0.7)
	a.no2 = 10 * calm * (1 + 0.4*bump(h, 8) + 0.4*bump(h, 19.5))
	a.o3 = math.Max(4, 45+0.05*a.radiationWM2-0.6*a.no2+8*s.course(ozone, t, 36*time.Hour))
	a.pm25 = 22 * math.Exp(0.5*s.course(dust, t, 40*time.Hour)) * math.Sqrt(calm)
	a.pm10 = 6 + 1.5*a.pm25
	a.co = 0.3 + 0.01*a.no2
	return a
}

// bump is 1 at an hour and falls off within about two.
func bump(h, at float64) float64 { return math.Exp(-(h - at) * (h - at) / 4.5) }

// with returns what a station measures where traffic adds NOx in ug/m3: a
// quarter of it is or soon becomes NO2, for which ozone pays, and the other
// pollutants go with it in the proportions of an urban fleet.
func (a air) with(nox float64) map[geo.Quantity]float64 {
	return map[geo.Quantity]float64{
		geo.NO2: a.no2 + 0.25*nox, geo.O3: math.Max(2, a.o3-0.2*nox), geo.CO: a.co + 0.004*nox, geo.PM10: a.pm10 + 0.1*nox, geo.PM25: a.pm25 + 0.06*nox,
		geo.Temperature: a.temperatureC, geo.WindSpeed: a.windMPS, geo.WindDirection: a.windDeg, geo.Humidity: a.humidity, geo.Pressure: a.pressureHPa,
		geo.Radiation: a.radiationWM2, geo.Precipitation: a.rainMM,
	}
}
