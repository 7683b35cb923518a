package field

import (
	"fmt"
	"math"
	"slices"
	"time"

	"tideway/forecast"
	"tideway/geo"
	"tideway/internal/fault"
	"tideway/live"
	"tideway/sim/air"
	"tideway/sim/air/chemistry"
	"tideway/sim/air/dispersion"
	"tideway/unit"
)

// Weather is one hour of weather, given or measured. NaN stands for unknown;
// wind and direction are needed.
type Weather struct {
	At          time.Time // begin of the hour
	Wind        unit.Speed
	From        unit.Angle
	Temperature unit.Temperature
	Cloud       unit.Share
	SolarWm2    float64
}

// Check reports what no weather can be, under where.
func (w *Weather) Check(where string, bad *fault.List) {
	in := func(name string, v, lo, hi float64, needed bool) {
		if math.IsNaN(v) && !needed {
			return
		}
		if !(v >= lo && v <= hi) {
			bad.Addf(where, name, "is %v, expected %g to %g", v, lo, hi)
		}
	}
	in("wind_ms", w.Wind.MPS(), 0, 60, true)
	in("wind_from_deg", w.From.Deg(), 0, 360, true)
	in("temperature_c", w.Temperature.K()-273.15, -60, 60, false)
	in("cloud", float64(w.Cloud), 0, 1, false)
	in("solar_wm2", w.SolarWm2, 0, 1500, false)
	if w.At.IsZero() || w.At.Truncate(time.Hour) != w.At {
		bad.Addf(where, "at", "is %s, expected the begin of an hour", w.At.Format(time.RFC3339))
	}
}

// Sky is the weather that was given, by hour.
type Sky []Weather

// Merge returns a sky with the hours of more in place of its own; hours before
// from are forgotten.
func (s Sky) Merge(more Sky, from time.Time) Sky {
	hours := map[time.Time]Weather{}
	for _, list := range [2]Sky{s, more} {
		for _, w := range list {
			w.At = w.At.UTC()
			hours[w.At] = w
		}
	}
	var out Sky
	for at, w := range hours {
		if !at.Before(from) {
			out = append(out, w)
		}
	}
	slices.SortFunc(out, func(a, b Weather) int { return a.At.Compare(b.At) })
	return out
}

// at returns the hour that holds t.
func (s Sky) at(t time.Time) (Weather, bool) {
	for _, w := range s {
		if !t.Before(w.At) && t.Before(w.At.Add(time.Hour)) {
			return w, true
		}
	}
	return Weather{}, false
}

// Where the weather of an hour comes from, best first.
const (
	Given    = "given"    // POST /v1/weather
	Measured = "measured" // by the city's stations, or their forecast
	Assumed  = "assumed"  // nothing is known
)

// Conditions is the weather of one instant as the field was made under it.
type Conditions struct {
	Source  string // Given, Measured, Assumed
	Method  string // how the boundary layer was found
	Weather Weather
	Class   air.WeatherClass
	Light   chemistry.Weather
}

// assumed is the weather of a city of which none is known: neutral air, 3 m/s
// from the west.
func assumed(t time.Time) Weather {
	nan := math.NaN()
	return Weather{At: t, Wind: 3, From: 270, Temperature: unit.Celsius(15), Cloud: unit.Share(nan), SolarWm2: nan}
}

// conditions finds the weather of an instant.
func conditions(f *forecast.Forecast, now *live.Snapshot, given Sky, t time.Time) (Conditions, error) {
	w, ok := given.at(t)
	c := Conditions{Source: Given}
	if !ok {
		c.Source = Measured
		if w, ok = measured(f, now, t); !ok {
			c.Source, w = Assumed, assumed(t)
		}
	}
	w.At = t
	place := f.City.Frame.LonLat(f.City.Bound().Center())
	sun, rise := dispersion.Sun(t, unit.Angle(place[1]), unit.Angle(place[0]))
	if math.IsNaN(w.SolarWm2) && math.IsNaN(float64(w.Cloud)) && c.Source != Assumed {
		w.Cloud = .5
		c.Method = "cloud assumed half; "
	}
	o := dispersion.Observation{Wind: max(w.Wind, dispersion.MinWind), From: w.From, Temperature: w.Temperature, Cloud: w.Cloud, SolarWm2: w.SolarWm2, Sun: sun, SinceSunrise: rise}
	met, how, err := o.Met(dispersion.Site{Roughness: .5})
	if err != nil {
		return c, fmt.Errorf("weather of %s: %w", t.UTC().Format(time.RFC3339), err)
	}
	c.Weather, c.Class = w, air.ClassOf(met)
	c.Method += string(how)
	if w.Wind < dispersion.MinWind {
		c.Method += ", calm taken as 0.5 m/s"
	}
	c.Light = chemistry.Weather{Temperature: w.Temperature, SolarWm2: radiation(w, sun)}
	if math.IsNaN(float64(w.Temperature)) {
		c.Light.Temperature = unit.Celsius(15)
	}
	return c, nil
}

// radiation is the global radiation: measured, or that of the sun under the
// clouds (Holtslag and van Ulden 1983).
func radiation(w Weather, sun unit.Angle) float64 {
	if !math.IsNaN(w.SolarWm2) {
		return math.Max(0, w.SolarWm2)
	}
	cloud := float64(w.Cloud)
	if math.IsNaN(cloud) {
		cloud = .5
	}
	return math.Max(0, 990*math.Sin(sun.Deg()*math.Pi/180)-30) * (1 - .75*math.Pow(cloud, 3.4))
}

// lasting is how far ahead the weather measured now still says something.
const lasting = 6 * time.Hour

// measured is the mean of the city's weather stations at an instant: their
// newest values, or what is expected of them.
func measured(f *forecast.Forecast, now *live.Snapshot, t time.Time) (Weather, bool) {
	nan := math.NaN()
	w := Weather{At: t, Wind: unit.Speed(nan), From: unit.Angle(nan), Temperature: unit.Temperature(nan), Cloud: unit.Share(nan), SolarWm2: nan}
	if t.Sub(f.IssuedAt) > lasting {
		return w, false
	}
	expected := func(q geo.Quantity) float64 { // where nothing is expected yet the newest value holds on
		if v := mean(values(f, q, t)); !math.IsNaN(v) {
			return v
		}
		return mean(values(f, q, f.IssuedAt))
	}
	w.Wind = unit.Speed(expected(geo.WindSpeed))
	w.From = direction(now) // directions are not forecast: the newest holds
	if c := expected(geo.Temperature); !math.IsNaN(c) {
		w.Temperature = unit.Celsius(c)
	}
	w.SolarWm2 = math.Max(0, expected(geo.Radiation))
	return w, !math.IsNaN(float64(w.Wind)) && !math.IsNaN(w.From.Deg())
}

func mean(values map[geo.SensorID]float64, order []geo.SensorID) float64 {
	sum := 0.0
	for _, s := range order {
		sum += values[s]
	}
	return sum / float64(len(order))
}

// direction is the mean of the directions measured, as unit vectors; NaN where
// none is fresh.
func direction(now *live.Snapshot) unit.Angle {
	var x, y float64
	if now != nil {
		for _, s := range now.Series {
			if s.Quantity == geo.WindDirection && !math.IsNaN(s.Value) && s.Doubt == "" && now.At.Sub(s.End) <= fresh {
				sin, cos := math.Sincos(s.Value * math.Pi / 180)
				x, y = x+sin, y+cos
			}
		}
	}
	if x == 0 && y == 0 {
		return unit.Angle(math.NaN())
	}
	return unit.Angle(math.Mod(math.Atan2(x, y)*180/math.Pi+360, 360))
}

// fresh is how old a value may be and still count as that of now.
const fresh = 2 * time.Hour

// values returns what sensors measure of a quantity at an instant, in order of
// their ids: the newest value at the forecast's own time, else the median
// expected at the horizon nearest to it. The finest interval of a sensor wins.
func values(f *forecast.Forecast, q geo.Quantity, t time.Time) (map[geo.SensorID]float64, []geo.SensorID) {
	out := map[geo.SensorID]float64{}
	var order []geo.SensorID
	for i := range f.Groups {
		g := &f.Groups[i]
		if g.Quantity != q || g.Interval > time.Hour {
			continue
		}
		for row, s := range g.Series {
			if _, done := out[s.Sensor]; done {
				continue
			}
			if v := valueAt(f, g, row, t); !math.IsNaN(v) {
				out[s.Sensor] = v
				order = append(order, s.Sensor)
			}
		}
	}
	slices.Sort(order)
	return out, order
}

func valueAt(f *forecast.Forecast, g *forecast.Group, row int, t time.Time) float64 {
	s := g.Series[row]
	if age := f.IssuedAt.Sub(g.Origin.Add(-s.Age)); !t.After(f.IssuedAt) && s.Last == s.Last && age <= fresh {
		return float64(s.Last)
	}
	best, off := -1, time.Duration(math.MaxInt64)
	for h, ahead := range g.Horizons {
		if d := g.Origin.Add(ahead).Sub(t).Abs(); d < off {
			best, off = h, d
		}
	}
	if best < 0 || off > fresh || !t.After(f.IssuedAt) {
		return math.NaN()
	}
	return float64(g.Bands.At(row, best).Value)
}
