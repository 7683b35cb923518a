package gmns

import (
	"io/fs"
	"math"
	"strings"

	"github.com/paulmach/orb"

	"tideway/geo"
	"tideway/internal/fault"
	"tideway/unit"
)

// reader fills a draft from the tables, which it takes in the order in which
// they refer to each other.
type reader struct {
	fsys  fs.FS
	bad   *fault.List
	draft geo.Draft
	speed *scale

	node     map[string]geo.NodeID
	segment  map[string]geo.SegmentID
	lane     map[string]geo.LaneID
	movement map[string]geo.MovementID
	signal   map[string]geo.SignalID
	plan     map[string]geo.PlanID // "signal/plan"
	sensor   map[string]geo.SensorID
	lanes    []int // number per segment
	first    []int // first lane per segment
	forced   []inForce
}

func (r *reader) tables() {
	r.nodes()
	r.links()
	r.lanesTable()
	r.controllers()
	r.plans()
	r.stages()
	r.ringPhases()
	r.plansInForce()
	r.schedule()
	r.movements()
	r.conflicts()
	r.zones()
	r.sensors()
	r.measures()
	r.stops()
	r.assumptions()
}

// open returns a table of the native format; missing ones count as empty
// except those no city can be without.
func (r *reader) open(name string, need ...string) *rows {
	return openTable(r.fsys, name, r.bad, need...)
}

func (r *reader) mustOpen(name string, need ...string) *rows {
	t := r.open(name, need...)
	if t == nil && r.bad.Len() == 0 {
		r.bad.Addf(name, "", "is missing")
	}
	return t
}

func (r *reader) nodes() {
	r.node = map[string]geo.NodeID{}
	for t := r.mustOpen("node.csv", "node_id", "x_coord", "y_coord"); t.next(); {
		n := geo.Node{ID: t.text("node_id"), Name: t.text("name"), XY: r.xy(t, orb.Point{t.number("x_coord", 0), t.number("y_coord", 0)}), Zone: t.text("zone_id")}
		n.Control = enum(t, "ctrl_type", n.ID, geo.ParseControl)
		claim(t, r.node, n.ID, len(r.draft.Nodes))
		r.draft.Nodes = append(r.draft.Nodes, n)
	}
}

// claim gives an outside id to a record, once.
func claim[I ~uint32](t *rows, known map[string]I, id string, at int) {
	if _, twice := known[id]; twice || id == "" {
		t.wrong(id, "id is empty or was used before")
	}
	known[id] = I(at)
}

// xy projects a point that must be lon/lat.
func (r *reader) xy(t *rows, lonLat orb.Point) orb.Point {
	if math.Abs(lonLat[0]) > 180 || math.Abs(lonLat[1]) > 89 {
		t.wrong("", "position %v,%v is not lon/lat in degrees", lonLat[0], lonLat[1])
		return orb.Point{}
	}
	return r.draft.Frame.XY(lonLat)
}

// line reads a geometry column into metres.
func (r *reader) line(t *rows, id string) orb.LineString {
	l, err := ParseLine(t.text("geometry"))
	if err != nil {
		t.wrong(id, "%v", err)
	}
	for i, q := range l {
		l[i] = r.xy(t, q)
	}
	return l
}

func (r *reader) kmh(t *rows, id string) unit.Speed {
	v, err := r.speed.parse(t.word("free_speed"))
	if err != nil {
		t.wrong(id, "free_speed %v", err)
	}
	return unit.Speed(v)
}

func (r *reader) links() {
	r.segment = map[string]geo.SegmentID{}
	for t := r.mustOpen("link.csv", "link_id", "from_node_id", "to_node_id", "geometry", "length", "free_speed", "lanes"); t.next(); {
		s := geo.Segment{ID: t.text("link_id"), Name: t.text("name"), Length: unit.Length(t.number("length", 0)), Priority: t.whole("priority", 0)}
		s.From, s.To = find(t, "from_node_id", s.ID, r.node), find(t, "to_node_id", s.ID, r.node)
		s.Class = enum(t, "facility_type", s.ID, geo.ParseRoadClass)
		s.Limit, s.Shape = r.kmh(t, s.ID), r.line(t, s.ID)
		lanes := t.whole("lanes", 0)
		if lanes < 1 || lanes > 100 {
			t.wrong(s.ID, "lanes is %d, expected 1 to 100", lanes)
			lanes = 1
		}
		if text := t.word("capacity"); text != "" {
			v, err := newScale(int64(lanes), 3600).parse(text)
			if err != nil {
				t.wrong(s.ID, "capacity %v", err)
			}
			s.Capacity = unit.Flow(v)
		}
		if tags := t.text("tags"); tags != "" {
			s.Tags = strings.Split(tags, ";")
		}
		claim(t, r.segment, s.ID, len(r.draft.Segments))
		r.draft.Segments, r.lanes = append(r.draft.Segments, s), append(r.lanes, lanes)
	}
}

// lanesTable puts every lane in the slot that its link and number name.
func (r *reader) lanesTable() {
	r.lane = map[string]geo.LaneID{}
	first, total := make([]int, len(r.lanes)), 0
	r.first = first
	for s, n := range r.lanes {
		first[s] = total
		total += n
	}
	r.draft.Lanes = make([]geo.Lane, total)
	seen := make([]bool, total)
	for t := r.mustOpen("lane.csv", "lane_id", "link_id", "lane_num", "free_speed", "length"); t.next(); {
		id := t.text("lane_id")
		s := find(t, "link_id", id, r.segment)
		index, ok := r.laneIndex(t, "lane_num", id, s)
		if !ok {
			continue
		}
		at := first[s] + index
		if seen[at] {
			t.wrong(id, "lane %d of the link appears twice", r.lanes[s]-index)
		}
		seen[at], r.lane[id] = true, geo.LaneID(at)
		r.draft.Lanes[at] = geo.Lane{Segment: s, Index: index, Length: unit.Length(t.number("length", 0)), Width: unit.Length(t.number("width", 0)),
			Limit: r.kmh(t, id), Allow: r.allow(t, id), Shape: r.line(t, id)}
	}
	for s, n := range r.lanes {
		for i := range n {
			if !seen[first[s]+i] && r.bad.Len() < maxProblems {
				r.bad.Addf("lane.csv", r.draft.Segments[s].ID, "the link has %d lanes, but lane_num %d is missing", n, n-i)
			}
		}
	}
}

// laneIndex turns a GMNS lane number (1 is the leftmost) of a segment into an
// index from the kerb.
func (r *reader) laneIndex(t *rows, column, id string, s geo.SegmentID) (int, bool) {
	if int(s) >= len(r.lanes) {
		return 0, false
	}
	n := t.whole(column, 0)
	if n < 1 || n > r.lanes[s] {
		t.wrong(id, "%s is %d, expected 1 to %d", column, n, r.lanes[s])
		return 0, false
	}
	return r.lanes[s] - n, true
}

func (r *reader) allow(t *rows, id string) geo.ClassSet {
	set, err := parseUses(t.text("allowed_uses"), geo.AllClasses)
	if err != nil {
		t.wrong(id, "allowed_uses: %v", err)
	}
	return set
}

func (r *reader) movements() {
	r.movement = map[string]geo.MovementID{}
	for t := r.open("movement.csv", "mvmt_id", "node_id", "ib_link_id", "start_ib_lane", "ob_link_id", "start_ob_lane"); t.next(); {
		id := t.text("mvmt_id")
		m := geo.Movement{Node: find(t, "node_id", id, r.node), Turn: enum(t, "type", id, geo.ParseTurn), Right: enum(t, "ctrl_type", id, geo.ParseRightOfWay),
			Length: unit.Length(t.number("length", 0)), Limit: r.kmh(t, id), Group: t.whole("group", 0), WaitAt: unit.Length(t.number("wait_at", 0)),
			Allow: r.allow(t, id), Clear: t.truth("keep_clear"), Signal: geo.NoSignal, Shape: r.line(t, id)}
		var ok1, ok2 bool
		m.From, ok1 = r.laneOf(t, "ib_link_id", "start_ib_lane", id)
		m.To, ok2 = r.laneOf(t, "ob_link_id", "start_ob_lane", id)
		if t.text("controller_id") != "" {
			m.Signal = find(t, "controller_id", id, r.signal)
		}
		if ok1 && ok2 {
			claim(t, r.movement, id, len(r.draft.Movements))
			r.draft.Movements = append(r.draft.Movements, m)
		}
	}
}

func (r *reader) laneOf(t *rows, link, num, id string) (geo.LaneID, bool) {
	s, known := r.segment[t.text(link)]
	if !known {
		t.wrong(id, "%s is %q, which is not in link.csv", link, t.text(link))
		return 0, false
	}
	index, ok := r.laneIndex(t, num, id, s)
	return geo.LaneID(r.first[s] + index), ok
}

func (r *reader) conflicts() {
	lists := make([][]geo.Conflict, len(r.draft.Movements))
	for t := r.open("movement_conflict.csv", "mvmt_id", "foe_mvmt_id"); t.next(); {
		id := t.text("mvmt_id")
		m := find(t, "mvmt_id", id, r.movement)
		c := geo.Conflict{Foe: find(t, "foe_mvmt_id", id, r.movement), Kind: enum(t, "kind", id, geo.ParseConflictKind),
			At: unit.Length(t.number("at", 0)), FoeAt: unit.Length(t.number("foe_at", 0)), Yield: t.truth("yield")}
		if int(m) < len(lists) {
			lists[m] = append(lists[m], c)
		}
	}
	r.draft.Conflicts = lists
}

func (r *reader) zones() {
	for t := r.open("zone.csv", "zone_id", "boundary"); t.next(); {
		z := geo.Zone{ID: t.text("zone_id"), Name: t.text("name"), Kind: t.text("kind"), Population: t.number("population", -1)}
		area, err := ParseArea(t.text("boundary"))
		if err != nil {
			t.wrong(z.ID, "boundary: %v", err)
		}
		z.Area = area
		r.draft.Zones = append(r.draft.Zones, z)
	}
}

func (r *reader) sensors() {
	r.sensor = map[string]geo.SensorID{}
	for t := r.open("sensor.csv", "sensor_id", "lon", "lat"); t.next(); {
		s := geo.Sensor{ID: t.text("sensor_id"), LonLat: orb.Point{t.number("lon", 0), t.number("lat", 0)}, Heading: unit.Angle(t.number("heading_deg", -1)),
			Road: t.text("road"), Segment: geo.NoSegment, Lane: geo.NoLane, At: unit.Length(t.number("at", 0)),
			Match: geo.Match{Confidence: unit.Share(t.number("confidence", 0)), Review: t.truth("review"), Why: t.text("why")}}
		if t.text("link_id") != "" {
			s.Segment = find(t, "link_id", s.ID, r.segment)
		}
		if t.text("lane_id") != "" {
			s.Lane = find(t, "lane_id", s.ID, r.lane)
		}
		claim(t, r.sensor, s.ID, len(r.draft.Sensors))
		r.draft.Sensors = append(r.draft.Sensors, s)
	}
}

func (r *reader) measures() {
	for t := r.open("sensor_measure.csv", "sensor_id", "quantity"); t.next(); {
		id := t.text("sensor_id")
		s := find(t, "sensor_id", id, r.sensor)
		m := geo.Measure{Quantity: enum(t, "quantity", id, geo.ParseQuantity), Unit: t.text("unit"), Interval: t.seconds("interval_s")}
		if int(s) < len(r.draft.Sensors) {
			r.draft.Sensors[s].Measures = append(r.draft.Sensors[s].Measures, m)
		}
	}
}

func (r *reader) stops() {
	for t := r.open("bus_stop.csv", "stop_id", "lane_id", "begin", "end"); t.next(); {
		id := t.text("stop_id")
		r.draft.Stops = append(r.draft.Stops, geo.BusStop{ID: id, Name: t.text("name"), Lane: find(t, "lane_id", id, r.lane),
			Begin: unit.Length(t.number("begin", 0)), End: unit.Length(t.number("end", 0))})
	}
}

func (r *reader) assumptions() {
	for t := r.open("assumption.csv", "kind"); t.next(); {
		r.draft.Assumed = append(r.draft.Assumed, geo.Assumption{Kind: t.text("kind"), ID: t.text("id"), Field: t.text("field"), Value: t.text("value"), Why: t.text("why")})
	}
}
