package api

import (
	"math"
	"time"

	"tideway/api/wire"
	"tideway/forecast"
	"tideway/forecast/air/field"
	"tideway/geo"
	"tideway/unit"
)

func (v *view) zoneCongestion() wire.ZoneCongestionList {
	out := wire.ZoneCongestionList{CityVersion: v.forecast.City.Version, At: v.forecast.IssuedAt.UTC(), Zones: []wire.ZoneCongestion{}}
	for i := range v.forecast.Zones {
		out.Zones = append(out.Zones, v.zone(&v.forecast.Zones[i]))
	}
	return out
}

func (v *view) zone(z *forecast.ZoneOutlook) wire.ZoneCongestion {
	zone := v.forecast.City.Zones.At(z.Zone)
	out := wire.ZoneCongestion{Zone: zone.ID, Name: zone.Name, Segments: z.Segments, SpeedKMH: wire.Num(v.zoneSpeed(z.Zone)), LOS: "-",
		Forecast: []wire.ZoneCongestionAt{}, IssuedAt: v.forecast.IssuedAt.UTC()}
	for k := range z.SpeedRatio {
		at := wire.ZoneCongestionAt{SpeedRatio: num32(z.SpeedRatio[k], 3), CongestedShare: num32(z.PCongested[k], 3),
			TravelTimeIndex: num32(1/z.SpeedRatio[k], 3), LOS: ratioLOS(z.SpeedRatio[k])}
		if k == 0 {
			out.SpeedRatio, out.CongestedShare, out.TravelTimeIndex, out.LOS = at.SpeedRatio, at.CongestedShare, at.TravelTimeIndex, at.LOS
			continue
		}
		at.At = v.forecast.IssuedAt.Add(v.forecast.Roads.Horizons[k-1]).UTC()
		out.Forecast = append(out.Forecast, at)
	}
	return out
}

// zoneSpeed is the mean speed over a zone's segments, weighted with length.
func (v *view) zoneSpeed(z geo.ZoneID) float64 {
	var sum, length float64
	for _, s := range v.places.inZone[z] {
		if kmh := float64(v.now(int(s)).SpeedKMH); !math.IsNaN(kmh) {
			l := v.forecast.City.Segments.At(s).Length.M()
			sum, length = sum+kmh*l, length+l
		}
	}
	return round(sum/length, 1)
}

// ratioLOS is the level of service at a share of free-flow speed.
func ratioLOS(ratio float32) string {
	return string(letter(forecast.SpeedLOS(unit.Speed(ratio), 1)))
}

func num32(v float32, decimals int) *float64 { return wire.Num(round(float64(v), decimals)) }

func (v *view) airStations() wire.AirStationList {
	f := v.forecast
	out := wire.AirStationList{CityVersion: f.City.Version, At: f.IssuedAt.UTC(), Stations: []wire.AirStation{}}
	at := map[geo.SensorID]int{}
	for i, s := range f.City.Sensors.All() {
		if sensorKind(s) == "air" {
			at[i] = len(out.Stations)
			out.Stations = append(out.Stations, wire.AirStation{Station: s.ID, Lon: s.LonLat.Lon(), Lat: s.LonLat.Lat(), Values: []wire.AirValue{}, IssuedAt: f.IssuedAt.UTC()})
		}
	}
	for i := range f.Groups {
		g := &f.Groups[i]
		if !g.Quantity.IsPollutant() {
			continue
		}
		for row, s := range g.Series {
			k, ok := at[s.Sensor]
			if !ok {
				continue
			}
			out.Stations[k].Values = append(out.Stations[k].Values, stationValue(g, row, f.IssuedAt))
		}
	}
	return out
}

// stationValue is what a station measured last, as old as it was at now, with
// its outlook.
func stationValue(g *forecast.Group, row int, now time.Time) wire.AirValue {
	s := g.Series[row]
	out := wire.AirValue{Pollutant: g.Quantity.String(), Unit: g.Quantity.Unit(), Source: wire.Source(s.Source.String()), Value: num32(s.Last, 3),
		Doubt: s.Reason, Forecast: outlook(g, row), Model: g.Model}
	if s.Last == s.Last {
		observed := g.Origin.Add(-s.Age).UTC()
		out.ObservedAt, out.AgeS = &observed, wire.Num(round(now.Sub(observed).Seconds(), 1))
	}
	return out
}

// outlook is what is expected of one series of a group.
func outlook(g *forecast.Group, row int) []wire.Expected {
	out := expected(&g.Bands, row, g.Horizons, g.Origin)
	for h, used := range g.UsesSky {
		if used {
			out[h].Weather = field.Given
		}
	}
	return out
}

// expected lists the outlook of one row of bands.
func expected(b *forecast.Bands, row int, horizons []time.Duration, from time.Time) []wire.Expected {
	out := make([]wire.Expected, 0, len(horizons))
	for h, ahead := range horizons {
		p := b.At(row, h)
		out = append(out, wire.Expected{At: from.Add(ahead).UTC(), Value: num32(p.Value, 3), Lo50: num32(p.Lo50, 3), Hi50: num32(p.Hi50, 3), Lo90: num32(p.Lo90, 3), Hi90: num32(p.Hi90, 3)})
	}
	return out
}

func (v *view) airZones() wire.AirZoneList {
	f := v.forecast
	out := wire.AirZoneList{CityVersion: f.City.Version, At: f.IssuedAt.UTC(), Zones: []wire.AirZone{}}
	for i := range f.Zones {
		z := f.City.Zones.At(f.Zones[i].Zone)
		one := wire.AirZone{Zone: z.ID, Name: z.Name, Population: population(z), Values: []wire.AirValue{}, IssuedAt: f.IssuedAt.UTC()}
		for _, a := range f.Zones[i].Air {
			one.Values = append(one.Values, v.zoneValue(a))
		}
		out.Zones = append(out.Zones, one)
	}
	return out
}

func (v *view) zoneValue(a forecast.ZoneAir) wire.AirValue {
	origin, model := v.forecast.IssuedAt, ""
	for i := range v.forecast.Groups {
		if g := &v.forecast.Groups[i]; g.Quantity == a.Quantity {
			origin, model = g.Origin, g.Model
			break
		}
	}
	return wire.AirValue{Pollutant: a.Quantity.String(), Unit: a.Quantity.Unit(), Source: wire.Source(a.Source.String()), Value: num32(a.Now, 3),
		Forecast: expected(&a.Bands, 0, a.Horizons, origin), Model: model}
}
