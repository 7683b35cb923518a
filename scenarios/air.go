package scenarios

import (
	"bytes"
	"fmt"
	"sync"
	"time"

	"tideway/geo"
	"tideway/sim/air"
	"tideway/sim/air/chemistry"
	"tideway/sim/air/dispersion"
	"tideway/sim/air/emission"
	"tideway/sim/demand"
	"tideway/unit"
)

// Air says how a comparison judges the air: who drives, and the weather and
// background in which what they release is breathed. It is a reference, the
// same for base and alternatives, not a day.
type Air struct {
	Fleet      emission.Fleet
	Weather    []dispersion.Met // equally frequent
	Light      chemistry.Weather
	Background chemistry.Background
	Receptors  int // in all zones together, about; 0: 1500

	mu   sync.Mutex
	held *airBase // of the newest base, so that runs on it share its matrices
}

// DefaultAir returns the reference: the default European urban fleet of 2025,
// neutral air, wind of 3 m/s at 10 m equally often from eight directions, 15 °C
// under a grey sky, and the background of a city's outskirts.
func DefaultAir() (*Air, error) {
	fleet, err := emission.DefaultFleet(emission.Default(), 2025)
	if err != nil {
		return nil, fmt.Errorf("reference of the air: %w", err)
	}
	weather, err := air.FromAllSides(3*unit.MPS, 8)
	if err != nil {
		return nil, fmt.Errorf("reference of the air: %w", err)
	}
	return &Air{Fleet: fleet, Weather: weather, Light: chemistry.Weather{Temperature: unit.Celsius(15), SolarWm2: 200},
		Background: chemistry.Background{NO: 3 * unit.UGM3, NO2: 15 * unit.UGM3, O3: 55 * unit.UGM3}}, nil
}

// Version names all that the judgement depends on beside the run: fleet,
// weather, background, receptors, coefficients and equations. It is empty for
// nil, which judges nothing.
func (a *Air) Version() string {
	if a == nil {
		return ""
	}
	var fleet bytes.Buffer
	if err := a.Fleet.Write(&fleet); err != nil {
		panic(err) // shares that were checked
	}
	reference := fmt.Appendf(nil, "%#v %#v %#v %d", a.Weather, a.Light, a.Background, a.Receptors)
	return hashID(fleet.Bytes(), reference, []byte(air.Version), []byte(emission.Version()))
}

const airReceptors = 1500

// FleetRule is what a low-emission zone asks of vehicles on some segments.
type FleetRule struct {
	Segments       []geo.SegmentID // ascending
	Petrol, Diesel emission.Euro   // lowest standards that may drive
	Electric       unit.Share      // of the kilometres of every category, at least
}

// airBase is what base and alternatives share: the city's roads as sources, the
// zones' receptors, and a matrix per weather.
type airBase struct {
	*Air
	city     *geo.City
	demand   *demand.Demand
	zones    []geo.ZoneID
	people   []float64 // weight of each zone
	weighted string    // "population" or "area"
	layout   *air.Layout
	points   air.ZonePoints
	matrices []*dispersion.Matrix
	ages     [][]time.Duration // by weather and receptor
}

// on returns what runs on a base share, built when it was not the base of the
// last run.
func (a *Air) on(base *Case, threads int) (*airBase, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.held != nil && a.held.city == base.City && a.held.demand == base.Demand {
		return a.held, nil
	}
	b, err := newAirBase(a, base, threads)
	if err == nil {
		a.held = b
	}
	return b, err
}

// newAirBase builds the matrices once; it returns one without zones where the
// city has none.
func newAirBase(a *Air, base *Case, threads int) (*airBase, error) {
	b := &airBase{Air: a, city: base.City, demand: base.Demand, layout: air.NewLayout(air.StreetsOf(base.City)), weighted: "population"}
	zones, known := air.Peopled(base.City)
	if len(zones) == 0 || base.City.Segments.Len() == 0 {
		return b, nil
	}
	b.zones = zones
	areas := air.ZonesOf(base.City, zones)
	receptors := a.Receptors
	if receptors == 0 {
		receptors = airReceptors
	}
	b.points = air.InZones(areas, air.Spacing(areas, receptors))
	b.people = b.points.AreaM2
	if known {
		b.people = make([]float64, len(zones))
		for i, z := range zones {
			b.people[i] = base.City.Zones.At(z).Population
		}
	} else {
		b.weighted = "area"
	}
	return b, b.build(planned(base), threads)
}

// build makes the matrices, and the ages of what traffic as planned releases.
func (b *airBase) build(planned []float64, threads int) error {
	links := b.layout.Links(b.layout.Rates(evenly(planned), func(a emission.Amounts) unit.Mass { return a.NOx }, time.Second))
	for _, met := range b.Weather {
		m, err := dispersion.NewMatrix(threads, links, b.points.Receptors, met)
		if err != nil {
			return fmt.Errorf("air of the zones: %w", err)
		}
		ages, err := dispersion.Ages(threads, links, b.points.Receptors, met)
		if err != nil {
			return fmt.Errorf("air of the zones: %w", err)
		}
		b.matrices, b.ages = append(b.matrices, m), append(b.ages, ages)
	}
	return nil
}

// planned returns the metres driven on each segment as far as trips have fixed
// routes, else the segments' lengths: where air picks up what, not how much.
func planned(c *Case) []float64 {
	out := make([]float64, c.City.Segments.Len())
	for _, t := range c.Demand.Trips {
		if int(t.Route) < len(c.Demand.Routes) {
			for _, s := range c.Demand.Routes[t.Route].Segments {
				out[s] += c.City.Segments.At(s).Length.M()
			}
		}
	}
	for i, s := range c.City.Segments.All() {
		out[i] += .01 * s.Length.M()
	}
	return out
}

func evenly(metres []float64) []emission.Emission {
	out := make([]emission.Emission, len(metres))
	for i, m := range metres {
		out[i].Run.NOx = unit.Mass(m)
	}
	return out
}

// airSide is one case: the curves of its fleets and who drives where.
type airSide struct {
	base   *airBase
	city   *geo.City
	curves []*emission.Curves
	fleet  []int // position of each segment's curves
	mix    [][emission.Categories]float64
}

// side prepares a case: its fleets (one for each set of rules that some
// segment lies under) and the categories' shares on each segment.
func (b *airBase) side(c *Case) (*airSide, error) {
	s := &airSide{base: b, city: c.City, fleet: make([]int, c.City.Segments.Len()), mix: mixOf(c.City, c.Demand)}
	known := map[string]int{}
	for i := range s.fleet {
		fleet, key := b.Fleet, ""
		for k, rule := range c.Fleets {
			if rule.holds(geo.SegmentID(i)) {
				fleet, key = rule.on(fleet), fmt.Sprint(key, k, ",")
			}
		}
		at, ok := known[key]
		if !ok {
			curves, err := fleet.Curves(emission.Default(), emission.Road{Load: .5})
			if err != nil {
				return nil, fmt.Errorf("fleet of %s: %w", c.Name, err)
			}
			at = len(s.curves)
			s.curves, known[key] = append(s.curves, curves), at
		}
		s.fleet[i] = at
	}
	return s, nil
}

// mixOf returns the shares of categories on every segment: those of the trips
// whose fixed routes lead over it, else those of all trips.
func mixOf(city *geo.City, d *demand.Demand) [][emission.Categories]float64 {
	out := make([][emission.Categories]float64, city.Segments.Len())
	var all [emission.Categories]float64
	for _, t := range d.Trips {
		cat, ok := air.CategoryOf(d.Types[t.Type].Class)
		if !ok {
			continue
		}
		all[cat]++
		if int(t.Route) < len(d.Routes) {
			for _, s := range d.Routes[t.Route].Segments {
				out[s][cat]++
			}
		}
	}
	shares(&all)
	for i := range out {
		if !shares(&out[i]) {
			out[i] = all
		}
	}
	return out
}

// shares scales counts to sum to 1; false where nothing was counted.
func shares(counts *[emission.Categories]float64) bool {
	var sum float64
	for _, n := range counts {
		sum += n
	}
	if sum == 0 {
		return false
	}
	for i := range counts {
		counts[i] /= sum
	}
	return true
}

// airTrial is the air of an experiment: sides in the order of the trial's.
type airTrial struct {
	base  *airBase
	sides []*airSide
}

// openAir prepares what a trial needs of the air, when it is asked for.
func (t *trial) openAir() error {
	if t.Air == nil {
		return nil
	}
	base, err := t.Air.on(t.Base, t.Threads)
	if err != nil {
		return err
	}
	t.air = &airTrial{base: base}
	for i := range t.sides {
		side, err := base.side(t.side(i))
		if err != nil {
			return err
		}
		t.air.sides = append(t.air.sides, side)
	}
	t.measures = append(t.measures, base.airMeasures()...)
	return nil
}
