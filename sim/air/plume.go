package air

import (
	"math"
	"time"

	"tideway/sim/air/chemistry"
	"tideway/sim/air/dispersion"
	"tideway/sim/air/emission"
	"tideway/unit"
)

// WeatherClass is a kind of weather that shares one matrix: direction to 15°,
// one of ten wind speeds, a stability class.
type WeatherClass struct {
	From      uint8 // times 15°
	Wind      uint8 // position in the list of speeds
	Stability dispersion.Stability
}

// windsMS are the speeds of the classes: concentrations go with 1/wind, so they
// lie about a factor of 1.3 apart.
var windsMS = [...]float64{.5, .75, 1, 1.4, 1.9, 2.5, 3.3, 4.5, 6, 9}

const sector = 15 // degrees

// inverseL are the bounds of 1/L, 1/m, between classes A to F: midway between
// the classes' own by Golder (1972) at a roughness of 0.5 m.
var inverseL = [...]float64{-.0752, -.0266, -.0037, .0047, .0121}

// ClassOf returns the class of an hour of weather.
func ClassOf(m dispersion.Met) WeatherClass {
	best := 0
	for i, w := range windsMS {
		if math.Abs(math.Log(m.Wind.MPS()/w)) < math.Abs(math.Log(m.Wind.MPS()/windsMS[best])) {
			best = i
		}
	}
	stability := dispersion.ClassA
	for _, bound := range inverseL {
		if 1/m.Obukhov.M() > bound {
			stability++
		}
	}
	from := math.Mod(math.Mod(m.From.Deg(), 360)+360, 360)
	return WeatherClass{From: uint8(int(math.Round(from/sector)) % (360 / sector)), Wind: uint8(best), Stability: stability}
}

// Met returns the boundary layer that stands for the class over a city.
func (k WeatherClass) Met() (dispersion.Met, error) {
	o := dispersion.Observation{Wind: unit.Speed(windsMS[k.Wind]), From: unit.Angle(k.From) * sector, Class: k.Stability,
		Cloud: unit.Share(math.NaN()), SolarWm2: math.NaN(), Sun: unit.Angle(math.NaN())}
	met, _, err := o.Met(dispersion.Site{Roughness: cityRoughness})
	return met, err
}

// cityRoughness is the z0 of streets and houses.
const cityRoughness = .5 * unit.Metre

// Plumes is a scene under one weather: what every receptor gets from every
// street. It is immutable and safe for concurrent use.
type Plumes struct {
	scene  *Scene
	matrix *dispersion.Matrix
	ages   []time.Duration
}

// Under builds the matrix of one weather on at most threads cores (0: all). The
// ages that chemistry needs are those of streets in proportion to what they
// release in the given hour.
func (s *Scene) Under(met dispersion.Met, released []emission.Emission, threads int) (*Plumes, error) {
	rates := s.Links.Rates(released, nox, time.Hour)
	for i := range rates {
		rates[i] += 1e-9 // so that no receptor is without an age
	}
	links := s.Links.Links(rates)
	m, err := dispersion.NewMatrix(threads, links, s.Receptors, met)
	if err != nil {
		return nil, err
	}
	ages, err := dispersion.Ages(threads, links, s.Receptors, met)
	return &Plumes{s, m, ages}, err
}

func nox(a emission.Amounts) unit.Mass { return a.NOx }

// Added is what roads add at every receptor.
type Added struct {
	NOx, PrimaryNO2, PM25, PM10 []unit.Concentration
}

// Add returns what the streets add in an hour, each group's release times a
// factor.
func (p *Plumes) Add(released []emission.Emission, factor [SourceGroups]float64, threads int) (Added, error) {
	var out Added
	err := out.each(func(of pick) ([]unit.Concentration, error) {
		return p.matrix.Apply(threads, p.scene.rates(released, factor, of))
	})
	return out, err
}

// pick is a pollutant of what is released.
type pick func(emission.Amounts) unit.Mass

// each fills every column from its pollutant.
func (a *Added) each(column func(of pick) ([]unit.Concentration, error)) error {
	for _, one := range []struct {
		of pick
		to *[]unit.Concentration
	}{{nox, &a.NOx}, {func(a emission.Amounts) unit.Mass { return a.NO2 }, &a.PrimaryNO2}, {emission.Amounts.PM25, &a.PM25}, {emission.Amounts.PM10, &a.PM10}} {
		c, err := column(one.of)
		if err != nil {
			return err
		}
		*one.to = c
	}
	return nil
}

// rates are those of all pieces, each times its group's factor.
func (s *Scene) rates(released []emission.Emission, factor [SourceGroups]float64, of pick) []float64 {
	out := s.Links.Rates(released, of, time.Hour)
	for seg := range s.Group {
		for i := s.Links.first[seg]; i < s.Links.first[seg+1]; i++ {
			out[i] *= factor[s.Group[seg]]
		}
	}
	return out
}

// Breathed is the air at every receptor: background and roads together, with
// the chemistry of nitrogen and ozone.
type Breathed struct {
	NO2, O3, PM25, PM10 []unit.Concentration
}

// Hour is what an hour brings besides traffic.
type Hour struct {
	Light      chemistry.Weather
	Background chemistry.Background
	PM25, PM10 unit.Concentration // background; NaN: unknown
}

// React mixes what the roads add into the background.
func (p *Plumes) React(a Added, h Hour) Breathed {
	n := len(a.NOx)
	column := func() []unit.Concentration { return make([]unit.Concentration, n) }
	out := Breathed{column(), column(), column(), column()}
	for i := range n {
		r := h.Light.At(h.Background, chemistry.Road{NOx: a.NOx[i], Primary: a.PrimaryNO2[i], Age: p.ages[i]})
		out.NO2[i], out.O3[i] = r.NO2, r.O3
		out.PM25[i], out.PM10[i] = h.PM25+a.PM25[i], h.PM10+a.PM10[i]
	}
	return out
}

// At returns the air at one more point, exactly: the sum over all streets.
func (s *Scene) At(x, y float64, released []emission.Emission, factor [SourceGroups]float64, met dispersion.Met, h Hour) (Breathed, error) {
	rec := dispersion.Receptors{XM: []float64{x}, YM: []float64{y}, ZM: []float64{breathing.M()}}
	var a Added
	if err := a.each(func(of pick) ([]unit.Concentration, error) {
		return dispersion.Compute(1, s.Links.Links(s.rates(released, factor, of)), rec, met)
	}); err != nil {
		return Breathed{}, err
	}
	ages, err := dispersion.Ages(1, s.Links.Links(s.rates(released, factor, nox)), rec, met)
	if err != nil {
		return Breathed{}, err
	}
	return (&Plumes{ages: ages}).React(a, h), nil
}
