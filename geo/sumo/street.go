package sumo

import (
	"fmt"
	"strings"

	"github.com/paulmach/orb"

	"tideway/geo"
	"tideway/unit"
)

var controlOf = map[string]geo.Control{
	"priority": geo.ControlPriority, "priority_stop": geo.ControlPriority, "zipper": geo.ControlPriority,
	"rail_signal": geo.ControlPriority, "rail_crossing": geo.ControlPriority,
	"traffic_light": geo.ControlSignal, "traffic_light_right_on_red": geo.ControlSignal, "traffic_light_unregulated": geo.ControlSignal,
	"right_before_left": geo.ControlRightBeforeLeft, "left_before_right": geo.ControlRightBeforeLeft,
	"allway_stop": geo.ControlAllWayStop, "dead_end": geo.ControlNone, "unregulated": geo.ControlNone,
}

func (im *importer) addNodes() {
	for _, j := range im.junctions {
		if j.kind == "internal" {
			continue
		}
		control, known := controlOf[j.kind]
		if !known {
			im.assume("node", j.id, "control", control.String(), fmt.Sprintf("junction type %q is not known", j.kind))
		}
		if _, twice := im.nodeAt[j.id]; twice {
			im.bad.Addf(j.where, j.id, "<junction> appears twice")
		}
		im.nodeAt[j.id] = geo.NodeID(len(im.draft.Nodes))
		im.draft.Nodes = append(im.draft.Nodes, geo.Node{ID: j.id, Name: j.name, XY: j.xy, Control: control})
	}
}

// addSegments makes a segment of every street. Paths across junctions
// ("internal") are for the movements; footways across them are dropped.
func (im *importer) addSegments() {
	for i := range im.edges {
		e := &im.edges[i]
		switch e.function {
		case "internal":
		case "crossing", "walkingarea":
			im.drop(e.function, e.id, "paths of pedestrians across a junction are not part of the city")
		default:
			im.addSegment(e)
		}
	}
}

func (im *importer) addSegment(e *rawEdge) {
	from, ok1 := im.nodeAt[e.from]
	to, ok2 := im.nodeAt[e.to]
	if !ok1 || !ok2 {
		im.bad.Addf(e.where, e.id, "<edge> goes from %q to %q, expected two junctions of the network", e.from, e.to)
		return
	}
	if len(e.lanes) == 0 {
		im.bad.Addf(e.where, e.id, "<edge> has no lanes, expected at least one")
		return
	}
	if _, twice := im.segAt[e.id]; twice {
		im.bad.Addf(e.where, e.id, "<edge> appears twice")
	}
	s := geo.Segment{ID: e.id, Name: e.name, From: from, To: to, Length: unit.Length(e.lanes[0].length), Limit: limit(e.lanes),
		Priority: e.priority, Shape: centre(e.lanes)}
	if im.round[e.id] {
		s.Tags = []string{"roundabout"}
	}
	s.Class = im.roadClass(e, s.Limit)
	at := geo.SegmentID(len(im.draft.Segments))
	im.segAt[e.id] = at
	for k, l := range e.lanes {
		im.laneAt[laneID(e.id, k)] = geo.LaneID(len(im.draft.Lanes))
		im.draft.Lanes = append(im.draft.Lanes, geo.Lane{Segment: at, Index: k, Length: unit.Length(l.length), Width: unit.Length(l.width),
			Limit: unit.Speed(l.speed), Allow: l.allow, Shape: l.shape})
	}
	im.draft.Segments = append(im.draft.Segments, s)
}

// limit is the highest limit of the lanes that cars may use, of all lanes
// where they may use none.
func limit(lanes []rawLane) unit.Speed {
	best, any := 0.0, 0.0
	for _, l := range lanes {
		any = max(any, l.speed)
		if l.allow.Has(geo.Car) {
			best = max(best, l.speed)
		}
	}
	if best == 0 {
		best = any
	}
	return unit.Speed(best)
}

// centre is the middle line of the lanes: that of the middle lane, or the mean
// of the middle two where they have their corners in common.
func centre(lanes []rawLane) orb.LineString {
	n := len(lanes)
	a, b := lanes[(n-1)/2].shape, lanes[n/2].shape
	if len(a) != len(b) {
		return a
	}
	out := make(orb.LineString, len(a))
	for i := range a {
		out[i] = orb.Point{(a[i][0] + b[i][0]) / 2, (a[i][1] + b[i][1]) / 2}
	}
	return out
}

func laneID(edge string, index int) string { return fmt.Sprintf("%s_%d", edge, index) }

var classNamed = map[string]geo.RoadClass{
	"motorway": geo.Motorway, "trunk": geo.Trunk, "primary": geo.Primary, "secondary": geo.Secondary, "tertiary": geo.Tertiary,
	"unclassified": geo.Tertiary, "residential": geo.Residential, "living_street": geo.Residential, "service": geo.Service,
}

// roadClass reads the street's type ("highway.primary_link"); a street without
// one is classed by limit and lanes, and that is recorded.
func (im *importer) roadClass(e *rawEdge, limit unit.Speed) geo.RoadClass {
	kind := strings.TrimSuffix(strings.TrimPrefix(e.kind, "highway."), "_link")
	if c, ok := classNamed[kind]; ok {
		return c
	}
	if e.kind != "" {
		return geo.OtherRoad
	}
	c := geo.Residential
	switch {
	case limit >= 100*unit.KMH:
		c = geo.Motorway
	case limit >= 75*unit.KMH:
		c = geo.Trunk
	case len(e.lanes) >= 3:
		c = geo.Primary
	case len(e.lanes) == 2:
		c = geo.Secondary
	case limit > 31*unit.KMH:
		c = geo.Tertiary
	}
	im.assume("segment", e.id, "class", c.String(), "the street has no type; taken from its limit and number of lanes")
	return c
}
