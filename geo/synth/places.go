package synth

import (
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/paulmach/orb"

	"tideway/geo"
	"tideway/internal/rng"
	"tideway/unit"
)

// places adds to the network what stands beside the roads.
type places struct {
	g        *grid
	d        *geo.Draft
	frame    geo.Frame
	crossing map[string]int // of node ids
	first    []geo.LaneID   // of segments
	plans    []geo.Plan
}

func (p *places) findSegments() {
	p.crossing = map[string]int{}
	for c, n := range p.g.node {
		if n >= 0 {
			p.crossing[p.d.Nodes[n].ID] = c
		}
	}
	p.first = make([]geo.LaneID, len(p.d.Segments))
	for l := len(p.d.Lanes) - 1; l >= 0; l-- {
		p.first[p.d.Lanes[l].Segment] = geo.LaneID(l)
	}
}

// addZones makes one zone per block between arterials, one around every gate,
// and the low-emission zone of the blocks next to the centre.
func (p *places) addZones() {
	nx, ny := (p.g.nx-1)/linesPerBlock, (p.g.ny-1)/linesPerBlock
	n := 0
	for j := range ny {
		for i := range nx {
			p.d.Zones = append(p.d.Zones, p.block(i, j, n))
			n++
		}
	}
	for _, gt := range p.g.gates {
		p.d.Zones = append(p.d.Zones, p.gateZone(gt))
	}
	x, y := centreLine(p.g.nx), centreLine(p.g.ny)
	x0, x1, y0, y1 := max(0, x-linesPerBlock), min(p.g.nx-1, x+linesPerBlock), max(0, y-linesPerBlock), min(p.g.ny-1, y+linesPerBlock)
	p.d.Zones = append(p.d.Zones, geo.Zone{ID: "LEZ", Name: "Low-emission zone 低排放区", Kind: Restricted, Population: -1, Area: p.around(x0, x1, y0, y1)})
}

// Densities of people, as in a mid-sized coastal city.
const (
	centreDensity = 14000.0 // persons per km² at the centre
	densityFallM  = 2500.0  // distance over which it falls to 1/e
)

// block is the zone of one block: denser towards the centre, where jobs take
// part of the room; a quarter of those at the ring works more than it lives.
func (p *places) block(i, j, n int) geo.Zone {
	x0, y0 := i*linesPerBlock, j*linesPerBlock
	area := p.around(x0, x0+linesPerBlock, y0, y0+linesPerBlock)
	s := rng.New(p.g.seed, uint64(n), rng.Place)
	middle := p.g.xy(x0+1, y0+1)
	centre := p.g.xy(centreLine(p.g.nx), centreLine(p.g.ny))
	away := math.Hypot(middle[0]-centre[0], middle[1]-centre[1])
	kind, share := Residential, 1.0
	edge := x0 == 0 || y0 == 0 || x0+linesPerBlock == p.g.nx-1 || y0+linesPerBlock == p.g.ny-1
	switch draw := s.Float64(); {
	case away < 1.2*linesPerBlock*spacingM:
		kind, share = Centre, 0.6
	case edge && draw < 0.25:
		kind, share = Industrial, 0.15
	}
	km2 := math.Pow(linesPerBlock*spacingM/1000, 2)
	people := centreDensity * math.Exp(-away/densityFallM) * km2 * share * s.Between(0.75, 1.25)
	return geo.Zone{ID: fmt.Sprintf("Z%03d", n+1), Name: p.g.quarterName(n), Kind: kind, Population: math.Round(people), Area: area}
}

// around is the area inside the given lines of the grid.
func (p *places) around(x0, x1, y0, y1 int) orb.MultiPolygon {
	var ring orb.Ring
	add := func(i, j int) { ring = append(ring, geo.RoundLonLat(p.frame.LonLat(p.g.xy(i, j)))) }
	for i := x0; i < x1; i++ {
		add(i, y0)
	}
	for j := y0; j < y1; j++ {
		add(x1, j)
	}
	for i := x1; i > x0; i-- {
		add(i, y1)
	}
	for j := y1; j > y0; j-- {
		add(x0, j)
	}
	return orb.MultiPolygon{{append(ring, ring[0])}}
}

func (p *places) gateZone(gt gate) geo.Zone {
	at := p.g.xy(gt.crossing%p.g.nx, gt.crossing/p.g.nx)
	side := orb.Point{gt.outward[1], -gt.outward[0]}
	var ring orb.Ring
	for _, k := range [][2]float64{{20, -40}, {gateM + 40, -40}, {gateM + 40, 40}, {20, 40}, {20, -40}} {
		xy := orb.Point{at[0] + k[0]*gt.outward[0] + k[1]*side[0], at[1] + k[0]*gt.outward[1] + k[1]*side[1]}
		ring = append(ring, geo.RoundLonLat(p.frame.LonLat(xy)))
	}
	name := p.g.lineName(gt.across, gt.line)
	return geo.Zone{ID: "gate-" + p.d.Nodes[p.g.node[gt.crossing]].ID, Name: "Gate " + name, Kind: External, Population: 0, Area: orb.MultiPolygon{{ring}}}
}

// loopInterval and airInterval are how often devices report.
const (
	loopInterval = 5 * time.Minute
	airInterval  = 15 * time.Minute
)

// loopBack is how far before the stop line loops lie: near enough to feel the
// queue of a full cycle.
const loopBack = 40 * unit.Metre

// addSensors puts loops on the approaches to signals, all of the primary ones
// and half of the others, air stations at a spread of places, and one weather
// station.
func (p *places) addSensors() {
	for s, seg := range p.d.Segments {
		if seg.Class > geo.Secondary || p.d.Nodes[seg.To].Control != geo.ControlSignal {
			continue
		}
		r := rng.New(p.g.seed, rng.Hash(seg.ID), rng.Place)
		if seg.Class == geo.Secondary && r.Float64() < 0.5 {
			continue
		}
		p.d.Sensors = append(p.d.Sensors, p.loop(geo.SegmentID(s)))
	}
	p.addStations()
}

func (p *places) loop(s geo.SegmentID) geo.Sensor {
	seg := p.d.Segments[s]
	at := max(seg.Length/2, seg.Length-loopBack)
	xy := geo.PointAlong(seg.Shape, at)
	a, b := seg.Shape[0], seg.Shape[len(seg.Shape)-1]
	heading := unit.Angle(math.Atan2(b[0]-a[0], b[1]-a[1]) * 180 / math.Pi).Normal()
	return geo.Sensor{ID: "loop-" + seg.ID, LonLat: p.frame.LonLat(xy), Heading: heading, Road: seg.Name, Segment: s, Lane: geo.NoLane, At: at,
		Measures: []geo.Measure{{Quantity: geo.Speed, Interval: loopInterval}, {Quantity: geo.Flow, Interval: loopInterval}, {Quantity: geo.Occupancy, Interval: loopInterval}},
		Match:    geo.Match{Confidence: 1, Why: "given by the source"}}
}

// addStations puts an air station beside the centre's crossing, beside the
// ring, and in the middle of blocks; more of the last in larger cities.
func (p *places) addStations() {
	x, y := centreLine(p.g.nx), centreLine(p.g.ny)
	p.station("air-centre", p.g.xy(x, y), 18, geo.NO2, geo.O3, geo.CO, geo.PM10, geo.PM25)
	p.station("air-ring", p.g.xy(x, p.g.ny-1), 18, geo.NO2, geo.CO, geo.PM10, geo.PM25)
	blocks := (p.g.nx - 1) * (p.g.ny - 1) / (linesPerBlock * linesPerBlock)
	for k := range max(1, min(8, blocks/8)) {
		s := rng.New(p.g.seed, uint64(k), rng.Weather)
		i, j := s.IntN((p.g.nx-1)/linesPerBlock)*linesPerBlock+1, s.IntN((p.g.ny-1)/linesPerBlock)*linesPerBlock+1
		p.station(fmt.Sprintf("air-quarter-%d", k+1), p.g.xy(i, j), 45, geo.NO2, geo.O3, geo.PM10, geo.PM25)
	}
	p.station("weather", p.g.xy(0, 0), 60, geo.Temperature, geo.WindSpeed, geo.WindDirection, geo.Humidity, geo.Pressure, geo.Radiation, geo.Precipitation)
}

// station stands north-east of a point by the given metres.
func (p *places) station(id string, xy orb.Point, m float64, measures ...geo.Quantity) {
	s := geo.Sensor{ID: id, LonLat: p.frame.LonLat(orb.Point{xy[0] + m*math.Sqrt2/2, xy[1] + m*math.Sqrt2/2}), Heading: -1, Segment: geo.NoSegment, Lane: geo.NoLane,
		Match: geo.Match{Confidence: 1, Why: "given by the source"}}
	for _, q := range measures {
		s.Measures = append(s.Measures, geo.Measure{Quantity: q, Interval: airInterval})
	}
	p.d.Sensors = append(p.d.Sensors, s)
}

// stopM is the length of a bus stop.
const stopM = 25.0

// addStops puts a bus stop on the middle one of the segments between two
// signals, in both directions of every arterial inside the ring.
func (p *places) addStops() {
	for s, seg := range p.d.Segments {
		if seg.Class > geo.Secondary || seg.Name == ringName || strings.HasPrefix(seg.ID, "gate-") || seg.Length < 3*stopM {
			continue
		}
		if p.d.Nodes[seg.From].Control == geo.ControlSignal || p.d.Nodes[seg.To].Control == geo.ControlSignal {
			continue
		}
		end := seg.Length / 2
		p.d.Stops = append(p.d.Stops, geo.BusStop{ID: "stop-" + seg.ID, Name: p.d.Nodes[seg.To].Name, Lane: p.first[s], Begin: end - stopM, End: end})
	}
}
