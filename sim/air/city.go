package air

import (
	"math"

	"github.com/paulmach/orb"

	"tideway/geo"
	"tideway/sim/air/dispersion"
	"tideway/sim/air/emission"
	"tideway/unit"
)

// StreetsOf returns the segments of a city as sources, in order of their ids.
// A patched city gives the same streets as its base.
func StreetsOf(c *geo.City) []Street {
	out := make([]Street, 0, c.Segments.Len())
	for _, s := range c.Segments.All() {
		out = append(out, Street{Shape: s.Shape})
	}
	return out
}

// ZonesOf returns the areas of zones in the city's metres.
func ZonesOf(c *geo.City, zones []geo.ZoneID) []orb.MultiPolygon {
	out := make([]orb.MultiPolygon, len(zones))
	for i, z := range zones {
		for _, polygon := range c.Zones.At(z).Area {
			var rings orb.Polygon
			for _, ring := range polygon {
				xy := make(orb.Ring, len(ring))
				for k, q := range ring {
					xy[k] = c.Frame.XY(q)
				}
				rings = append(rings, xy)
			}
			out[i] = append(out[i], rings)
		}
	}
	return out
}

// Peopled returns the zones that exposure is reckoned over: those whose
// population is known, and true; where none is known all zones, and false.
func Peopled(c *geo.City) (zones []geo.ZoneID, known bool) {
	var all []geo.ZoneID
	for i, z := range c.Zones.All() {
		all = append(all, i)
		if z.Population >= 0 {
			zones = append(zones, i)
		}
	}
	if len(zones) == 0 {
		return all, false
	}
	return zones, true
}

// Bounds of the receptors' spacing in zones.
const (
	finestGrid   = 50 * unit.Metre
	coarsestGrid = 500 * unit.Metre
)

// Spacing returns the side of the squares that puts about so many receptors in
// zones of a total area, 50 to 500 m.
func Spacing(zones []orb.MultiPolygon, receptors int) unit.Length {
	var area float64
	for _, z := range zones {
		area += areaOf(z)
	}
	return min(coarsestGrid, max(finestGrid, unit.Length(math.Sqrt(area/float64(max(receptors, 1))))))
}

// CategoryOf returns what a class of road user counts as in emissions, and
// whether it has an engine at all: bicycles, pedestrians, trams and trains
// release nothing in the street.
func CategoryOf(c geo.Class) (emission.Category, bool) {
	switch c {
	case geo.Car, geo.Taxi, geo.Emergency:
		return emission.Car, true
	case geo.Van:
		return emission.Van, true
	case geo.Truck:
		return emission.Truck, true
	case geo.Bus:
		return emission.Bus, true
	case geo.Motorcycle:
		return emission.TwoWheeler, true
	}
	return 0, false
}

// FromAllSides returns a reference weather: neutral air over a city (roughness
// 0.5 m) and a wind of a given speed at 10 m, equally often from n directions.
func FromAllSides(wind unit.Speed, n int) ([]dispersion.Met, error) {
	out := make([]dispersion.Met, n)
	for i := range out {
		o := dispersion.Observation{Wind: wind, From: unit.Angle(360*i) / unit.Angle(n), Class: dispersion.ClassD,
			Cloud: unit.Share(math.NaN()), SolarWm2: math.NaN(), Sun: unit.Angle(math.NaN())}
		met, _, err := o.Met(dispersion.Site{Roughness: .5})
		if err != nil {
			return nil, err
		}
		out[i] = met
	}
	return out, nil
}
