// Package sketch turns centre-lines with numbers of lanes into a network that
// can be driven: segments and lanes drawn to scale, lane to lane movements with
// their paths and conflicts, right of way, signals with groups and a plan
// without conflicting protected greens.
//
// It stands on geo. geo/synth draws whole cities with it, internal/netdraw
// small ones for tests. Traffic drives on the right.
package sketch

import (
	"cmp"

	"github.com/paulmach/orb"

	"tideway/geo"
	"tideway/unit"
)

// Sketch is a network as lines and points, in metres from Origin.
type Sketch struct {
	Name     string
	TimeZone string
	Origin   orb.Point // lon/lat
	Nodes    []Node
	Roads    []Road
	Leads    Leads // nil: all turns by angle
}

// Leads tells where the lanes of an approach lead at nodes whose lane use is
// known: from and to are ids of segments, lane and target count from the kerb.
// known is false for approaches that go by angle and number of lanes.
type Leads func(from, to string, lane int) (target int, leads, known bool)

// Node is where roads meet or end.
type Node struct {
	ID     string
	Name   string
	XY     orb.Point
	Signal bool // controlled, when at least three roads meet and more than one stage is needed
	Zone   string
}

// Road is a street between two different nodes, in one or both directions.
type Road struct {
	ID       string // of the segment From to To
	BackID   string // of the segment back; "": "-" and ID
	Name     string
	From, To int            // positions in Nodes
	Via      orb.LineString // points between the ends
	Class    geo.RoadClass
	Limit    unit.Speed
	Forward  int  // lanes from From to To; 0: none
	Backward int  // lanes from To to From; 0: none
	Rank     int  // among roads of one class that cross: the higher has priority
	Median   bool // nobody crosses or turns left across it except at signals
	Tags     []string
}

// Dimensions, as in common design guides for urban streets.
const (
	laneWidthM = 3.2
	cornerM    = 3.0 // kept free between a stop line and the side of the crossing road
	leastRoadM = 6.0 // length of a segment between two close junctions
	mostBackM  = 30.0
)

// perLane is the undisturbed capacity of a lane in veh/h: basic values for
// interrupted and local streets (HCM 2010 base saturation flow of 1900 lowered
// for narrower, busier streets).
var perLane = map[geo.RoadClass]unit.Flow{
	geo.Motorway: 2200 * unit.VPH, geo.Trunk: 2100 * unit.VPH, geo.Primary: 1900 * unit.VPH, geo.Secondary: 1800 * unit.VPH,
	geo.Tertiary: 1500 * unit.VPH, geo.Residential: 900 * unit.VPH, geo.Service: 500 * unit.VPH, geo.OtherRoad: 500 * unit.VPH,
}

// Draft returns the network as a draft, without zones, sensors and stops.
func (s *Sketch) Draft() *geo.Draft {
	b := &builder{s: s, d: &geo.Draft{Name: s.Name, TimeZone: s.TimeZone, Frame: geo.LocalFrame(s.Origin)}}
	b.findArms()
	b.addNodes()
	b.addSegments()
	for n := range s.Nodes {
		b.junction(n)
	}
	return b.d
}

// builder holds the draft under way.
type builder struct {
	s    *Sketch
	d    *geo.Draft
	arms [][]arm // by node, clockwise from north
	back [][2]float64
}

func (b *builder) addNodes() {
	for i, n := range b.s.Nodes {
		control := geo.ControlPriority
		switch {
		case b.signalled(i):
			control = geo.ControlSignal
		case len(b.arms[i]) < 3:
			control = geo.ControlNone
		}
		b.d.Nodes = append(b.d.Nodes, geo.Node{ID: n.ID, Name: n.Name, XY: n.XY, Control: control, Zone: n.Zone})
	}
}

// signalled reports whether the node gets a signal.
func (b *builder) signalled(n int) bool {
	entries := 0
	for _, a := range b.arms[n] {
		if a.in > 0 {
			entries++
		}
	}
	return b.s.Nodes[n].Signal && len(b.arms[n]) >= 3 && entries >= 2
}

// addSegments draws both directions of every road, forward first.
func (b *builder) addSegments() {
	for i, r := range b.s.Roads {
		axis := trim(b.axis(r), b.back[i][0], b.back[i][1])
		if r.Forward > 0 {
			b.addSegment(r, r.ID, r.From, r.To, r.Forward, axis)
		}
		if r.Backward > 0 {
			b.addSegment(r, cmp.Or(r.BackID, "-"+r.ID), r.To, r.From, r.Backward, reversed(axis))
		}
	}
}

func (b *builder) axis(r Road) orb.LineString {
	line := make(orb.LineString, 0, len(r.Via)+2)
	line = append(line, b.s.Nodes[r.From].XY)
	line = append(line, r.Via...)
	return append(line, b.s.Nodes[r.To].XY)
}

func (b *builder) addSegment(r Road, id string, from, to, lanes int, axis orb.LineString) {
	s := geo.SegmentID(len(b.d.Segments))
	middle := 0.0 // of the carriageway, right of the axis
	if r.Forward > 0 && r.Backward > 0 {
		middle = float64(lanes) * laneWidthM / 2
	}
	length := unit.Length(lineLength(axis))
	b.d.Segments = append(b.d.Segments, geo.Segment{ID: id, Name: r.Name, From: geo.NodeID(from), To: geo.NodeID(to), Class: r.Class,
		Length: length, Limit: r.Limit, Capacity: perLane[r.Class] * unit.Flow(lanes), Priority: int(geo.OtherRoad-r.Class)*10 + r.Rank,
		Shape: offset(axis, middle), Tags: r.Tags})
	for k := range lanes {
		at := middle + (float64(lanes-1)/2-float64(k))*laneWidthM
		b.d.Lanes = append(b.d.Lanes, geo.Lane{Segment: s, Index: k, Length: length, Width: laneWidthM, Limit: r.Limit, Allow: geo.MotorClasses, Shape: offset(axis, at)})
	}
}
