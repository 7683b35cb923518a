package api

import (
	"context"
	"math"
	"net/http"
	"time"

	"tideway/api/wire"
	"tideway/forecast/air/field"
	"tideway/geo"
	"tideway/sim/air/index"
	"tideway/unit"
)

// airView is everything that is served of the air: stations and zones of a
// forecast, and the field between them, which may be some minutes older or
// missing (nil).
type airView struct {
	*view
	field           *field.Field
	history         func(ctx context.Context, sensor string, q geo.Quantity, interval time.Duration, from, to time.Time) ([]float32, error)
	stations, zoned *encoded
	grids           [len(gridPollutants)][]*encoded // by pollutant and time
}

// gridPollutants are what the field tells of, in the order of columnOf.
var gridPollutants = [...]string{"no2", "o3", "pm25", "pm10"}

func newAirView(v *view, f *field.Field, history Readings) *airView {
	a := &airView{view: v, field: f, history: history.Values}
	a.stations = jsonOnce(func() any { return a.stationList() })
	a.zoned = jsonOnce(func() any { return a.zoneList() })
	for p := range a.grids {
		for k := range a.times() {
			a.grids[p] = append(a.grids[p], jsonOnce(func() any { return a.grid(p, k) }))
		}
	}
	return a
}

// airNow returns the air, or 503 before the first forecast.
func (s *Server) airNow() (*airView, error) {
	if a := s.newest.Load(); a != nil {
		return a, nil
	}
	return nil, newProblem(http.StatusServiceUnavailable, "the first forecast has not been issued yet")
}

// ofAir serves one document of the air.
func (s *Server) ofAir(pick func(*airView) *encoded) func() (*encoded, error) {
	return func() (*encoded, error) {
		a, err := s.airNow()
		if err != nil {
			return nil, err
		}
		return pick(a), nil
	}
}

func (a *airView) times() []field.Instant {
	if a.field == nil {
		return nil
	}
	return a.field.Times
}

func (a *airView) stationList() wire.AirStationList {
	out := a.airStations()
	rows := map[string]int{}
	if a.field != nil {
		out.LeftOut = leftOut(a.field.Left)
		for i, s := range a.field.Stations {
			rows[a.field.Scene.City.Sensors.At(s).ID] = i
		}
	}
	for i := range out.Stations {
		one := &out.Stations[i]
		one.Modelled = []wire.AirModelled{}
		if row, ok := rows[one.Station]; ok {
			one.Modelled = a.modelled(func(c []unit.Concentration) unit.Concentration { return a.field.Scene.StationRows(c)[row] })
		}
		one.Indices = a.indices(one)
	}
	return out
}

func leftOut(l field.LeftOut) *wire.AirLeftOut {
	if l.Count == 0 {
		return nil
	}
	return &wire.AirLeftOut{Stations: l.Stations, Count: l.Count, MeanUGM3: ugm3(l.Measure), RMSEUGM3: ugm3(l.RMSE), RMSEBareUGM3: ugm3(l.Without)}
}

// modelled lists the field at one receptor or zone.
func (a *airView) modelled(pick func([]unit.Concentration) unit.Concentration) []wire.AirModelled {
	out := []wire.AirModelled{}
	for _, t := range a.times() {
		out = append(out, modelledAt(t.At, pick(t.Air.NO2), pick(t.Air.O3), pick(t.Air.PM25), pick(t.Air.PM10)))
	}
	return out
}

func modelledAt(at time.Time, no2, o3, pm25, pm10 unit.Concentration) wire.AirModelled {
	return wire.AirModelled{At: at.UTC(), NO2UGM3: ugm3(no2), O3UGM3: ugm3(o3), PM25UGM3: ugm3(pm25), PM10UGM3: ugm3(pm10)}
}

func ugm3(c unit.Concentration) *float64 { return wire.Num(round(c.UGM3(), 2)) }

func (a *airView) zoneList() wire.AirZoneList {
	out := a.airZones()
	out.Exposure = []wire.AirExposure{}
	rows := map[string]int{}
	if a.field != nil {
		for i, z := range a.field.Scene.Zones {
			rows[a.field.Scene.City.Zones.At(z).ID] = i
		}
	}
	for i := range out.Zones {
		out.Zones[i].Modelled = []wire.AirModelled{}
		if row, ok := rows[out.Zones[i].Zone]; ok {
			out.Zones[i].Modelled = a.modelled(func(c []unit.Concentration) unit.Concentration { return a.field.Scene.ZoneMeans(c)[row] })
		}
	}
	if len(a.times()) > 0 && len(rows) > 0 {
		now := a.field.Times[0].Air
		out.Exposure = append(out.Exposure, a.exposure(index.NO2, "no2", now.NO2), a.exposure(index.PM25, "pm25", now.PM25))
	}
	return out
}

// exposure is how much the people of the zones breathe, against the guideline
// of the WHO for a day.
func (a *airView) exposure(p index.Pollutant, name string, c []unit.Concentration) wire.AirExposure {
	scene := a.field.Scene
	var limit unit.Concentration
	for _, l := range index.Limits() {
		if l.Pollutant == p && l.Over == index.Day && l.Rule == index.WHO {
			limit = l.Value
		}
	}
	var zones []index.Zone
	for i, v := range scene.ZoneMeans(c) {
		zones = append(zones, index.Zone{Population: scene.City.Zones.At(scene.Zones[i]).Population, AreaM2: scene.AreaM2[i], Concentration: v})
	}
	e := index.Expose(zones, limit)
	return wire.AirExposure{Pollutant: name, MeanUGM3: ugm3(e.Mean), WeightedBy: e.Weighting, Population: e.Population, LimitUGM3: round(limit.UGM3(), 6), Above: round(e.Above, 4)}
}

// grid is one pollutant at one time as squares.
func (a *airView) grid(p, k int) wire.AirGrid {
	f, t := a.field, &a.field.Times[k]
	column, background := columnOf(t, p)
	out := wire.AirGrid{CityVersion: f.Forecast.City.Version, IssuedAt: f.Forecast.IssuedAt.UTC(), At: t.At.UTC(), Pollutant: gridPollutants[p], Unit: "ug/m3",
		BackgroundUGM3: ugm3(background), Measured: t.Measured, Weather: airWeather(t.Conditions), Sources: airSources(t),
		West: []float64{}, South: []float64{}, East: []float64{}, North: []float64{}, Value: []*float64{}}
	for i := range f.Times {
		out.Times = append(out.Times, f.Times[i].At.UTC())
	}
	first := len(column) - len(f.Scene.SideM)
	for i, side := range f.Scene.SideM {
		x, y, h := f.Scene.Receptors.XM[first+i], f.Scene.Receptors.YM[first+i], float64(side)/2
		low, high := f.Scene.City.Frame.LonLat([2]float64{x - h, y - h}), f.Scene.City.Frame.LonLat([2]float64{x + h, y + h})
		out.West, out.South = append(out.West, round(low[0], 6)), append(out.South, round(low[1], 6))
		out.East, out.North = append(out.East, round(high[0], 6)), append(out.North, round(high[1], 6))
		out.Value = append(out.Value, wire.Num(round(column[first+i].UGM3(), 1)))
	}
	return out
}

func columnOf(t *field.Instant, p int) ([]unit.Concentration, unit.Concentration) {
	b := &t.Background
	switch gridPollutants[p] {
	case "no2":
		return t.Air.NO2, b.Background.NO2
	case "o3":
		return t.Air.O3, b.Background.O3
	case "pm25":
		return t.Air.PM25, b.PM25
	}
	return t.Air.PM10, b.PM10
}

func airWeather(c field.Conditions) wire.AirWeather {
	return wire.AirWeather{Source: c.Source, Method: c.Method, WindMS: round(c.Weather.Wind.MPS(), 2), WindFromDeg: round(c.Weather.From.Deg(), 1),
		TemperatureC: wire.Num(round(c.Weather.Temperature.C(), 1)), Stability: string("?ABCDEF"[c.Class.Stability])}
}

func airSources(t *field.Instant) wire.AirSources {
	out := wire.AirSources{NOxKGH: round(t.Released.NOx.G()/1000, 3), CO2KGH: round(t.Released.CO2.G()/1000, 1), PM25KGH: round(t.Released.PM25().G()/1000, 4),
		FlowKnown: round(float64(t.FlowKnown), 3), Factors: map[string]float64{}}
	for g, v := range t.Factor {
		out.Factors[sourceGroup(g)] = round(v, 3)
	}
	return out
}

// nearest returns the field's time that is closest to an instant.
func (a *airView) nearest(at time.Time) int {
	best, off := 0, time.Duration(math.MaxInt64)
	for k, t := range a.times() {
		if d := t.At.Sub(at).Abs(); d < off {
			best, off = k, d
		}
	}
	return best
}
