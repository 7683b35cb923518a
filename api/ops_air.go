package api

import (
	"context"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/paulmach/orb"

	"tideway/api/wire"
	"tideway/forecast/air/field"
	"tideway/geo"
	"tideway/internal/fault"
	"tideway/sim/air/index"
	"tideway/unit"
)

// noField is the answer before the first field.
func noField() error {
	return newProblem(fiber.StatusServiceUnavailable, "the air between the stations has not been reckoned yet")
}

// handleAirGrid serves GET /v1/air/grid.
func (s *Server) handleAirGrid(c *fiber.Ctx) error {
	a, err := s.airNow()
	if err != nil {
		return err
	}
	var bad fault.List
	p := slices.Index(gridPollutants[:], c.Query("pollutant", gridPollutants[0]))
	if p < 0 {
		bad.Addf("pollutant", c.Query("pollutant"), "is not one of %v", gridPollutants)
	}
	at, err := instantOf(c.Query("at"))
	bad.Add("at", err)
	if err := bad.Err("reading the request"); err != nil {
		return err
	}
	if a.field == nil {
		return noField()
	}
	k := 0
	if !at.IsZero() {
		k = a.nearest(at)
	}
	return a.grids[p][k].send(c, "private, no-cache")
}

func instantOf(text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return at, fmt.Errorf("found %q, %s", text, aTime)
	}
	return at, nil
}

// placeQuery asks for a point.
type placeQuery struct {
	Lon float64 `query:"lon" required:"true" minimum:"-180" maximum:"180"`
	Lat float64 `query:"lat" required:"true" minimum:"-90" maximum:"90"`
}

// farOut is how far beyond the city's streets a point may lie.
const farOut = 5000 // m

// getAirReceptor serves GET /v1/air/receptor: the sum over all streets at one
// point, at every time.
func (s *Server) getAirReceptor(_ context.Context, in *placeQuery) (*answer[wire.AirPoint], error) {
	a, err := s.airNow()
	if err != nil {
		return nil, err
	}
	if a.field == nil {
		return nil, noField()
	}
	city := a.field.Scene.City
	place := orb.Point{in.Lon, in.Lat}
	if !city.Bound().Pad(farOut).Contains(city.Frame.XY(place)) {
		return nil, newProblem(fiber.StatusUnprocessableEntity, "%g, %g lies more than %g km outside %s", in.Lon, in.Lat, farOut/1000., city.Name)
	}
	out := wire.AirPoint{Lon: in.Lon, Lat: in.Lat, IssuedAt: a.field.Forecast.IssuedAt.UTC(), Values: []wire.AirModelled{}}
	for k := range a.field.Times {
		b, err := a.field.At(place, k)
		if err != nil {
			return nil, err
		}
		out.Values = append(out.Values, modelledAt(a.field.Times[k].At, b.NO2[0], b.O3[0], b.PM25[0], b.PM10[0]))
		if k == 0 {
			out.European = wireIndex(index.EuropeanSource)(index.European([]index.Mean{{Pollutant: index.NO2, Value: b.NO2[0]}, {Pollutant: index.O3, Value: b.O3[0]},
				{Pollutant: index.PM25, Value: b.PM25[0]}, {Pollutant: index.PM10, Value: b.PM10[0]}}))
		}
	}
	return reply(out), nil
}

// limitsQuery asks for a year.
type limitsQuery struct {
	Year int `query:"year" minimum:"1990" maximum:"2200" doc:"The running one when left out."`
}

// getAirLimits serves GET /v1/air/limits: every limit value against what the
// stations measured in a year of the city's clock.
func (s *Server) getAirLimits(ctx context.Context, in *limitsQuery) (*answer[wire.AirLimits], error) {
	a, err := s.airNow()
	if err != nil {
		return nil, err
	}
	city := a.forecast.City
	now := a.forecast.IssuedAt.In(city.TimeZone)
	if in.Year == 0 {
		in.Year = now.Year()
	}
	out := wire.AirLimits{Year: in.Year, Limits: []wire.AirLimit{}}
	from := time.Date(in.Year, 1, 1, 0, 0, 0, 0, city.TimeZone)
	to := from.AddDate(1, 0, 0)
	if now.Before(to) {
		to = now.Truncate(time.Hour)
	}
	if !to.After(from) {
		return reply(out), nil
	}
	for _, sensor := range city.Sensors.All() {
		for _, m := range sensor.Measures {
			p, ok := pollutantOf(m.Quantity)
			if !ok {
				continue
			}
			means := a.meansOf(ctx, sensor.ID, m, from, to)
			for _, l := range index.Limits() {
				if l.Pollutant == p && len(means[l.Over]) > 0 {
					out.Limits = append(out.Limits, wireLimit(sensor.ID, l, means[l.Over]))
				}
			}
		}
	}
	return reply(out), ctx.Err()
}

// meansOf returns what a station measured over each averaging time: hours,
// greatest eight hours of each day, days, and the year so far. A station that
// measures days has days and the year.
func (a *airView) meansOf(ctx context.Context, station string, m geo.Measure, from, to time.Time) map[index.Averaging][]unit.Concentration {
	out := map[index.Averaging][]unit.Concentration{}
	var all []unit.Concentration
	if m.Interval == 24*time.Hour {
		values, err := a.history(ctx, station, m.Quantity, m.Interval, from.UTC().Truncate(m.Interval), to.UTC().Truncate(m.Interval))
		if err != nil {
			return nil
		}
		for _, v := range values {
			all = append(all, concentration(m.Quantity, float64(v)))
		}
		out[index.Day] = all
	} else {
		all = a.hourly(ctx, station, m, from.UTC(), to.UTC())
		out[index.Hour] = all
		for begin := from; ; {
			end := begin.AddDate(0, 0, 1) // 23 or 25 hours where clocks change
			i, k := int(begin.Sub(from)/time.Hour), int(end.Sub(from)/time.Hour)
			if k > len(all) {
				break
			}
			out[index.Day] = append(out[index.Day], index.DayMean(all[i:k]))
			out[index.EightHours] = append(out[index.EightHours], index.MaxEightHours(all[max(0, i-7):k]))
			begin = end
		}
	}
	year := index.DayMean(all)
	if !(year >= 0) && len(all) > 0 {
		year = index.Missing
	}
	out[index.Year] = []unit.Concentration{year}
	return out
}

func wireLimit(station string, l index.Limit, means []unit.Concentration) wire.AirLimit {
	out := wire.AirLimit{Station: station, Pollutant: l.Pollutant.String(), Rule: l.Rule, Over: l.Over.String(), LimitUGM3: round(l.Value.UGM3(), 6), Exceedances: l.Exceedances(means), Source: l.Source}
	worst := math.NaN()
	for _, c := range means {
		if v := c.UGM3(); !math.IsNaN(v) {
			out.Means++
			if !(v <= worst) {
				worst = v
			}
		}
	}
	out.WorstUGM3 = wire.Num(round(worst, 2))
	if l.Allowed >= 0 {
		out.Allowed = &l.Allowed
	}
	return out
}

// getWeather serves GET /v1/weather.
func (s *Server) getWeather(context.Context, *none) (*answer[wire.Weather], error) {
	return reply(wireSky(s.opt.Twin.Weather())), nil
}

type weatherBody struct{ Body wire.Weather }

// addWeather serves POST /v1/weather.
func (s *Server) addWeather(ctx context.Context, in *weatherBody) (*answer[wire.Weather], error) {
	all, err := s.opt.Twin.AddWeather(ctx, skyOf(in.Body))
	if err != nil {
		return nil, err
	}
	return reply(wireSky(all)), nil
}

func skyOf(w wire.Weather) (out field.Sky) {
	value := func(v *float64, scale float64) float64 {
		if v == nil {
			return math.NaN()
		}
		return *v + scale
	}
	for _, h := range w.Hours {
		out = append(out, field.Weather{At: h.At.UTC(), Wind: unit.Speed(h.WindMS), From: unit.Angle(h.WindFromDeg), Temperature: unit.Temperature(value(h.TemperatureC, 273.15)),
			Cloud: unit.Share(value(h.Cloud, 0)), SolarWm2: value(h.SolarWm2, 0)})
	}
	return out
}

func wireSky(s field.Sky) wire.Weather {
	out := wire.Weather{Hours: []wire.WeatherHour{}}
	for _, w := range s {
		out.Hours = append(out.Hours, wire.WeatherHour{At: w.At.UTC(), WindMS: w.Wind.MPS(), WindFromDeg: w.From.Deg(), TemperatureC: wire.Num(round(w.Temperature.C(), 2)),
			Cloud: wire.Num(float64(w.Cloud)), SolarWm2: wire.Num(w.SolarWm2)})
	}
	return out
}
