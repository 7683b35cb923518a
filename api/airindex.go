package api

import (
	"context"
	"math"
	"time"

	"tideway/api/wire"
	"tideway/geo"
	"tideway/sim/air"
	"tideway/sim/air/index"
	"tideway/unit"
)

func sourceGroup(g int) string { return air.SourceGroup(g).String() }

// pollutantOf joins a quantity with what the indices call it; false for what
// they do not know.
func pollutantOf(q geo.Quantity) (index.Pollutant, bool) {
	switch q {
	case geo.NO2:
		return index.NO2, true
	case geo.O3:
		return index.O3, true
	case geo.CO:
		return index.CO, true
	case geo.PM10:
		return index.PM10, true
	case geo.PM25:
		return index.PM25, true
	}
	return 0, false
}

// concentration is a value in a quantity's unit.
func concentration(q geo.Quantity, v float64) unit.Concentration {
	if q == geo.CO {
		v *= 1000 // mg/m³
	}
	return unit.Concentration(v) * unit.UGM3
}

// indexTime bounds how long reading a station's last day may take.
const indexTime = 5 * time.Second

// indices are those of the station's last hours.
func (a *airView) indices(s *wire.AirStation) wire.AirIndices {
	ctx, cancel := context.WithTimeout(context.Background(), indexTime)
	defer cancel()
	to := a.forecast.IssuedAt.Truncate(time.Hour)
	i, ok := a.forecast.City.Sensors.Find(s.Station)
	if !ok {
		return wire.AirIndices{}
	}
	var hour, us []index.Mean
	for _, m := range a.forecast.City.Sensors.At(i).Measures {
		p, known := pollutantOf(m.Quantity)
		values := a.hourly(ctx, s.Station, m, to.Add(-12*time.Hour), to)
		if !known || len(values) == 0 {
			continue
		}
		last := newestOf(values)
		hour = append(hour, index.Mean{Pollutant: p, Over: index.Hour, Value: last})
		us = append(us, usMean(p, values, last))
	}
	return wire.AirIndices{European: wireIndex(index.EuropeanSource)(index.European(known(hour))), US: wireIndex(index.USSource)(index.US(known(us))),
		China: wireIndex(index.HJ2026.Source())(index.HJ2026.Of(known(hour)))}
}

// usMean is a pollutant as the US index wants it in real time.
func usMean(p index.Pollutant, hours []unit.Concentration, last unit.Concentration) index.Mean {
	switch p {
	case index.PM25, index.PM10:
		newest := make([]float64, 0, len(hours))
		for i := len(hours) - 1; i >= 0; i-- {
			newest = append(newest, hours[i].UGM3())
		}
		c, ok := index.NowCast(newest)
		if !ok {
			c = math.NaN()
		}
		return index.Mean{Pollutant: p, Over: index.Day, Value: unit.Concentration(c) * unit.UGM3}
	case index.O3, index.CO:
		return index.Mean{Pollutant: p, Over: index.EightHours, Value: index.MaxEightHours(hours[max(0, len(hours)-8):])}
	}
	return index.Mean{Pollutant: p, Over: index.Hour, Value: last}
}

// newestOf is the newest value of the last three hours.
func newestOf(hours []unit.Concentration) unit.Concentration {
	for i := len(hours) - 1; i >= max(0, len(hours)-3); i-- {
		if hours[i] == hours[i] {
			return hours[i]
		}
	}
	return index.Missing
}

func known(means []index.Mean) (out []index.Mean) {
	for _, m := range means {
		if m.Value >= 0 {
			out = append(out, m)
		}
	}
	return out
}

func wireIndex(source string) func(index.Score, bool) *wire.AirIndex {
	return func(s index.Score, ok bool) *wire.AirIndex {
		if !ok {
			return nil
		}
		out := &wire.AirIndex{Index: s.Index, Label: s.Label, Primary: []string{}, Source: source}
		for _, p := range s.Primary {
			out.Primary = append(out.Primary, p.String())
		}
		return out
	}
}

// hourly returns the hourly means of a station that end in (from, to], NaN
// where fewer than three quarters of the hour were measured; none for what is
// measured more coarsely.
func (a *airView) hourly(ctx context.Context, station string, m geo.Measure, from, to time.Time) []unit.Concentration {
	if m.Interval <= 0 || m.Interval > time.Hour || time.Hour%m.Interval != 0 {
		return nil
	}
	values, err := a.history(ctx, station, m.Quantity, m.Interval, from, to)
	if err != nil {
		return nil
	}
	per := int(time.Hour / m.Interval)
	out := make([]unit.Concentration, len(values)/per)
	for i := range out {
		parts := make([]unit.Concentration, per)
		for k := range parts {
			parts[k] = concentration(m.Quantity, float64(values[i*per+k]))
		}
		out[i] = index.DayMean(parts)
	}
	return out
}
