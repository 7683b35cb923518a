// Package day makes the demand of a day for a city that has none: trips between
// its zones by a gravity model, spread over the day by the purposes of travel,
// different on working days and weekends, with a variation from day to day that
// only the seed and the date decide. The volume is what the network can carry:
// the busiest arterials run at a stated share of their capacity in the morning
// peak.
//
// It stands on geo and sim/demand and is pure. The demo's hidden world, `tideway
// gen city` and tests use it. docs/models/synthetic-demand.md gives equations,
// sources and what is not claimed.
package day

import (
	"cmp"
	"math"

	"github.com/paulmach/orb"
	"github.com/paulmach/orb/planar"

	"tideway/geo"
	"tideway/internal/fault"
	"tideway/sim/demand"
	"tideway/unit"
)

// Model is a city's travel before the day is chosen. It is immutable.
type Model struct {
	seed   uint64
	city   *geo.City
	types  []demand.VehicleType
	routes []demand.Route
	lines  []busLine
	zones  []zone
	total  [numRoles]float64 // of the zones' weights
	draw   [numRoles]gravity // by what draws the trip to its end
	daily  float64           // trips of an average working day
}

// role is what a zone is to a trip.
type role uint8

const (
	home role = iota
	work
	shop
	freight
	numRoles
)

// zone is a zone with streets on which trips begin and end.
type zone struct {
	id       geo.ZoneID
	name     string
	xy       orb.Point
	weight   [numRoles]float64
	segments connectors
}

// Options tune a model. The zero value is the default.
type Options struct {
	Seed uint64
	Load unit.Share // how full the busiest arterials are in the morning peak hour; 0: 0.45
}

// defaultLoad makes for queues in the rush hours that dissolve; at 0.5 the engine's
// runs of 600 segments begin to lock.
const defaultLoad = 0.45

// New returns the model of a city, or a problem when it has fewer than two
// zones with streets.
func New(city *geo.City, opt Options) (*Model, error) {
	m := &Model{seed: opt.Seed, city: city}
	m.addTypes()
	m.addZones()
	if len(m.zones) < 2 {
		var bad fault.List
		bad.Addf("zone", "", "%d zones have streets inside, expected at least 2", len(m.zones))
		return nil, bad.Err("making synthetic demand")
	}
	for r := range numRoles {
		for _, z := range m.zones {
			m.total[r] += z.weight[r]
		}
		m.draw[r] = m.gravity(r)
	}
	m.addBuses()
	m.daily = m.fit(float64(cmp.Or(opt.Load, defaultLoad)))
	return m, nil
}

// perPerson is the weight of a zone in each role per inhabitant, by its kind:
// how many people leave home there, jobs, errands, deliveries.
var perPerson = map[string][numRoles]float64{
	"residential": {1, 0.2, 0.25, 0.5},
	"centre":      {1, 2.4, 2.2, 1.5},
	"industrial":  {1, 7, 0.4, 9},
}

var otherKind = [numRoles]float64{1, 0.5, 0.4, 0.7}

// Gates stand for everything outside: together this many times the city's own
// homes, jobs, errands and deliveries.
var outside = [numRoles]float64{0.45, 0.25, 0.2, 0.8}

const (
	external   = "external"
	restricted = "restricted"
)

// addZones weighs the zones. People unknown, it counts a street's length as
// a person per five metres.
func (m *Model) addZones() {
	connect := demand.Connectors(m.city)
	var total [numRoles]float64
	var gateLanes float64
	for id, z := range m.city.Zones.All() {
		c := newConnectors(connect[id])
		if z.Kind == restricted || len(c.segments) == 0 {
			continue
		}
		centre, _ := planar.CentroidArea(z.Area)
		n := zone{id: id, name: z.ID, xy: m.city.Frame.XY(centre), segments: c}
		if z.Kind == external {
			n.weight[home] = m.lanes(c) // lanes, until the total is known
			gateLanes += n.weight[home]
		} else {
			people := z.Population
			if people <= 0 {
				people = m.metres(c) / 5
			}
			per, known := perPerson[z.Kind]
			if !known {
				per = otherKind
			}
			for r := range numRoles {
				n.weight[r] = people * per[r]
				total[r] += n.weight[r]
			}
		}
		m.zones = append(m.zones, n)
	}
	for i := range m.zones {
		if n := &m.zones[i]; m.city.Zones.At(n.id).Kind == external {
			lanes := n.weight[home]
			for r := range numRoles {
				n.weight[r] = total[r] * outside[r] * lanes / gateLanes
			}
		}
	}
}

func (m *Model) lanes(c connectors) (sum float64) {
	for _, s := range c.segments {
		_, n := m.city.LanesOf(s)
		sum += float64(n)
	}
	return sum
}

func (m *Model) metres(c connectors) (sum float64) {
	for _, s := range c.segments {
		sum += m.city.Segments.At(s).Length.M()
	}
	return sum
}

// gravity holds, for every zone, the cumulative weights of the zones to which
// trips go.
type gravity struct {
	cumulative [][]float64
}

// reachM is the distance over which the pull of a zone falls to 1/e.
const reachM = 2500.0

// gravity weighs destinations by role over distance: T_ij ~ A_j exp(-d_ij/b)
// (Wilson, Entropy in urban and regional modelling, 1970, with cost as
// distance), each origin on its own.
func (m *Model) gravity(r role) gravity {
	g := gravity{make([][]float64, len(m.zones))}
	for i, from := range m.zones {
		row := make([]float64, len(m.zones))
		var sum float64
		for j, to := range m.zones {
			if i != j || len(from.segments.segments) > 1 {
				sum += to.weight[r] * math.Exp(-math.Hypot(from.xy[0]-to.xy[0], from.xy[1]-to.xy[1])/reachM) * m.between(i, j)
			}
			row[j] = sum
		}
		g.cumulative[i] = row
	}
	return g
}

// between lowers what the distance alone would overstate: short trips inside a
// zone are walked, and most traffic from gate to gate goes around the city.
func (m *Model) between(i, j int) float64 {
	switch {
	case m.isGate(i) && m.isGate(j):
		if i == j {
			return 0
		}
		return 0.3
	case i == j:
		return 0.3
	}
	return 1
}

func (m *Model) isGate(i int) bool { return m.city.Zones.At(m.zones[i].id).Kind == external }

// share is the part of zone i's trips of a role that go to zone j.
func (g gravity) share(i, j int) float64 {
	row := g.cumulative[i]
	total := row[len(row)-1]
	if total == 0 {
		return 0
	}
	if j == 0 {
		return row[0] / total
	}
	return (row[j] - row[j-1]) / total
}
