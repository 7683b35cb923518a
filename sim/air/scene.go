package air

import (
	"math"
	"time"

	"github.com/paulmach/orb"

	"tideway/geo"
	"tideway/sim/air/dispersion"
	"tideway/sim/air/emission"
	"tideway/unit"
)

// Scene is a city's air ready to be reckoned again and again from measured or
// forecast traffic: its streets as sources, its receptors, its fleet. It is
// immutable and safe for concurrent use.
type Scene struct {
	City      *geo.City
	Receptors dispersion.Receptors // stations, then those of zones, then the grid's centres
	Zones     []geo.ZoneID
	AreaM2    []float64     // of each zone
	SideM     []float32     // of the grid's squares
	Links     *Layout       // the sources
	Group     []SourceGroup // of each segment

	stations int
	first    []int32 // of each zone's receptors, counted from the zones' begin
	curves   *emission.Curves
	mix      [emission.Categories]float64
}

// SceneOptions say what a scene holds. The zero value of a field means its
// default.
type SceneOptions struct {
	Fleet    emission.Fleet
	Road     emission.Road
	Mix      [emission.Categories]float64 // shares of the vehicles; all 0: UrbanMix
	Stations []orb.Point                  // metres
	InZones  int                          // receptors in all zones together, about; 0: 2000
	Squares  int                          // of the grid, at most; 0: 12 000, negative: none
}

// SourceGroup is a kind of road whose emissions err together.
type SourceGroup uint8

// Source groups.
const (
	MainRoads   SourceGroup = iota // motorway, trunk, primary
	BusyStreets                    // secondary
	Collectors                     // tertiary
	SmallStreets
	SourceGroups // their number
)

// String returns main, busy, collector or small.
func (g SourceGroup) String() string {
	if g >= SourceGroups {
		return "unknown"
	}
	return [SourceGroups]string{"main", "busy", "collector", "small"}[g]
}

func groupOf(c geo.RoadClass) SourceGroup {
	switch c {
	case geo.Motorway, geo.Trunk, geo.Primary:
		return MainRoads
	case geo.Secondary:
		return BusyStreets
	case geo.Tertiary:
		return Collectors
	}
	return SmallStreets
}

// UrbanMix is the assumed share of categories in city traffic where nothing is
// known of it: rounded European urban counts.
func UrbanMix() [emission.Categories]float64 {
	return [emission.Categories]float64{emission.Car: .82, emission.Van: .1, emission.Truck: .04, emission.Bus: .01, emission.TwoWheeler: .03}
}

const (
	sceneInZones = 2000
	sceneSquares = 12000
)

// NewScene lays a city out. Zones are those that Peopled returns; the grid's
// squares are as fine as their number allows, 10 m at roads or coarser.
func NewScene(c *geo.City, o SceneOptions) (*Scene, error) {
	curves, err := o.Fleet.Curves(emission.Default(), o.Road)
	if err != nil {
		return nil, err
	}
	s := &Scene{City: c, Links: NewLayout(StreetsOf(c)), curves: curves, mix: o.Mix, stations: len(o.Stations)}
	if s.mix == ([emission.Categories]float64{}) {
		s.mix = UrbanMix()
	}
	for _, seg := range c.Segments.All() {
		s.Group = append(s.Group, groupOf(seg.Class))
	}
	for _, p := range o.Stations {
		s.receive(p[0], p[1])
	}
	s.addZones(o.InZones)
	if o.Squares >= 0 {
		s.addGrid(o.Squares)
	}
	return s, nil
}

func (s *Scene) receive(x, y float64) {
	r := &s.Receptors
	r.XM, r.YM, r.ZM = append(r.XM, x), append(r.YM, y), append(r.ZM, breathing.M())
}

func (s *Scene) addZones(receptors int) {
	if receptors == 0 {
		receptors = sceneInZones
	}
	s.Zones, _ = Peopled(s.City)
	areas := ZonesOf(s.City, s.Zones)
	points := InZones(areas, Spacing(areas, receptors))
	for i, x := range points.Receptors.XM {
		s.receive(x, points.Receptors.YM[i])
	}
	s.first, s.AreaM2 = points.First, points.AreaM2
}

// gridMargin is how far the grid reaches beyond the roads, m.
const gridMargin = 150

func (s *Scene) addGrid(most int) {
	if most == 0 {
		most = sceneSquares
	}
	roads := s.Links.Links(nil)
	if roads.Len() == 0 {
		return
	}
	area := s.City.Bound().Pad(gridMargin)
	for finest := 10 * unit.Metre; ; finest *= 1.3 {
		g := Grading{Finest: finest, Coarsest: max(200, finest)}
		if tooMany(area, finest, most, roads) {
			continue
		}
		if rec, sides := Graded(roads, area, g); len(sides) <= most {
			for i, x := range rec.XM {
				s.receive(x, rec.YM[i])
				s.SideM = append(s.SideM, float32(sides[i]))
			}
			return
		}
	}
}

// tooMany tells without covering the area that the finest squares along the
// roads alone are more than allowed.
func tooMany(area orb.Bound, finest unit.Length, most int, roads dispersion.Links) bool {
	length := 0.0
	for i := range roads.X0M {
		length += math.Hypot(roads.X1M[i]-roads.X0M[i], roads.Y1M[i]-roads.Y0M[i])
	}
	along := length / 2 / finest.M() // the directions of a street lie on each other
	all := (area.Max[0] - area.Min[0]) * (area.Max[1] - area.Min[1]) / float64(finest*finest)
	return min(along, all) > float64(most)
}

// StationRows returns the values of the stations; ZoneMeans, Grid those of the
// other receptors. All take a column with one value a receptor.
func (s *Scene) StationRows(c []unit.Concentration) []unit.Concentration { return c[:s.stations] }

// ZoneMeans returns the means of the zones' receptors, NaN for a zone without.
func (s *Scene) ZoneMeans(c []unit.Concentration) []unit.Concentration {
	return ZonePoints{First: s.first}.Means(c[s.stations:])
}

// Grid returns the values of the grid's squares.
func (s *Scene) Grid(c []unit.Concentration) []unit.Concentration {
	return c[len(c)-len(s.SideM):]
}

// Released returns what every segment releases in an hour with a flow and mean
// speed. Segments without either release nothing: fill the columns first.
func (s *Scene) Released(flowVPH, speedKMH []float32) []emission.Emission {
	out := make([]emission.Emission, s.City.Segments.Len())
	for i, seg := range s.City.Segments.All() {
		q, v := float64(flowVPH[i]), float64(speedKMH[i])
		if !(q > 0) || !(v > 0) {
			continue
		}
		var flow [emission.Categories]unit.Flow
		for c, share := range s.mix {
			flow[c] = unit.Flow(q*share) * unit.VPH
		}
		out[i] = s.curves.FromCounts(flow, unit.Speed(v)*unit.KMH, seg.Length, time.Hour)
	}
	return out
}

// perLane is the flow that a lane carries at most where the city does not say.
const perLane = 800 * unit.VPH

// usualLoad is the load of a network of which no flow is known at all.
const usualLoad = .3

// FillFlows returns the flows with those that are not known (NaN) estimated from
// how much of their capacity other roads of their kind carry, and the share of
// the segments on which the flow was known.
func (s *Scene) FillFlows(flowVPH []float32) (filled []float32, known unit.Share) {
	var used, could [SourceGroups + 1]float64
	n := 0
	for i, seg := range s.City.Segments.All() {
		if q := float64(flowVPH[i]); q >= 0 {
			n++
			for _, g := range [2]SourceGroup{s.Group[i], SourceGroups} {
				used[g] += q
				could[g] += s.capacity(i, seg)
			}
		}
	}
	filled = append([]float32{}, flowVPH...)
	for i, seg := range s.City.Segments.All() {
		if filled[i] >= 0 {
			continue
		}
		load := usualLoad
		for _, g := range [2]SourceGroup{SourceGroups, s.Group[i]} {
			if could[g] > 0 {
				load = used[g] / could[g]
			}
		}
		filled[i] = float32(load * s.capacity(i, seg))
	}
	return filled, unit.Share(n) / unit.Share(max(1, len(flowVPH)))
}

// capacity of a segment in vehicles an hour.
func (s *Scene) capacity(i geo.SegmentID, seg geo.Segment) float64 {
	if seg.Capacity > 0 {
		return float64(seg.Capacity / unit.VPH)
	}
	_, lanes := s.City.LanesOf(i)
	return float64(lanes) * float64(perLane/unit.VPH)
}
