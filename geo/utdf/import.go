package utdf

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/paulmach/orb"
	"github.com/paulmach/orb/planar"

	"tideway/geo"
	"tideway/geo/sketch"
	"tideway/internal/fault"
	"tideway/unit"
)

// Options tell what UTDF does not hold.
type Options struct {
	Name     string     // of the city; "" takes the file's name
	TimeZone string     // IANA name, required
	Origin   *orb.Point // lon/lat of the network's middle; nil: (0, 0)
}

// Import makes a city of the file. Segments are named by their nodes
// ("75-39"), signals by the intersection that holds their timings. The audit
// says what was assumed and what of the file the city does not hold; the error
// lists every problem with file and line.
func (f *File) Import(opt Options) (*geo.City, *geo.Audit, error) {
	var bad fault.List
	m := &importer{network: f.network(&bad), opt: opt, use: map[string]laneMap{}, controller: map[string]string{}, groupsAt: map[string][]group{}, planOf: map[string]geo.Plan{}}
	m.findControllers()
	m.findLaneUse()
	m.readPlans()
	m.roads()
	if bad.Len() == 0 && len(m.sketch.Roads) == 0 {
		bad.Addf(f.Name, "", "has no link with lanes")
	}
	if err := bad.Err("importing UTDF"); err != nil {
		return nil, nil, err
	}
	m.draft = m.sketch.Draft()
	m.values()
	m.signals()
	m.leftOut()
	m.draft.Assumed = m.assumed
	c, err := m.draft.Build()
	if err != nil {
		return nil, nil, err
	}
	audit := geo.NewAudit(c, m.dropped)
	return c, &audit, nil
}

// importer holds a city under construction.
type importer struct {
	*network
	opt        Options
	middle     orb.Point // of the file's coordinates
	use        map[string]laneMap
	controller map[string]string  // by node: the intersection that holds its timings
	groupsAt   map[string][]group // by node, with lent phases
	planOf     map[string]geo.Plan
	sketch     sketch.Sketch
	draft      *geo.Draft
	assumed    []geo.Assumption
	dropped    []geo.Dropped
}

func (m *importer) assume(kind, id, field, value, why string) {
	m.assumed = append(m.assumed, geo.Assumption{Kind: kind, ID: id, Field: field, Value: value, Why: why})
}

func (m *importer) drop(kind, id, why string) {
	m.dropped = append(m.dropped, geo.Dropped{Kind: kind, ID: id, Why: why})
}

// place turns the file's coordinates into metres about its middle.
func (m *importer) place(p orb.Point) orb.Point {
	u := m.lengthUnit().M()
	return orb.Point{(p[0] - m.middle[0]) * u, (p[1] - m.middle[1]) * u}
}

// roads lays out nodes and streets: two links in opposite directions are one.
func (m *importer) roads() {
	m.sketch = sketch.Sketch{Name: cmp.Or(m.opt.Name, m.file.Name), TimeZone: m.opt.TimeZone, Leads: m.leads}
	if m.opt.Origin != nil {
		m.sketch.Origin = *m.opt.Origin
	}
	box := orb.MultiPoint{}
	for _, n := range m.nodes {
		box = append(box, n.at)
	}
	m.middle = box.Bound().Center()
	m.assume("city", "", "crs", fmt.Sprintf("%v,%v", m.sketch.Origin[0], m.sketch.Origin[1]),
		"coordinates are a plane of the file's own; the network keeps its shape and its middle is placed there")
	for _, n := range m.nodes {
		if strings.Trim(n.id, "0123456789") != "" {
			m.bad.Addf(m.file.at(n.line), n.id, "INTID is not a whole number")
		}
		_, signal := m.controller[n.id]
		m.sketch.Nodes = append(m.sketch.Nodes, sketch.Node{ID: n.id, Name: n.name, XY: m.place(n.at), Signal: signal})
		if n.kind == roundabout {
			m.assume("node", n.id, "ctrl_type", "priority", m.file.at(n.line)+": a roundabout is drawn as a plain junction")
		}
	}
	done := make([]bool, len(m.links))
	for i := range m.links {
		if !done[i] {
			m.road(i, done)
		}
	}
}

func (m *importer) road(i int, done []bool) {
	l := &m.links[i]
	done[i] = true
	r := sketch.Road{ID: segmentID(l.up, l.at), Name: l.name, From: m.node[l.up], To: m.node[l.at], Forward: m.lanesOf(i)}
	r.Limit, r.Class = m.limit(l), m.class(l, r.Forward)
	back := l
	if k, ok := m.link[[2]string{l.at, l.up}]; ok {
		done[k] = true
		back = &m.links[k]
		r.BackID, r.Backward = segmentID(back.up, back.at), m.lanesOf(k)
		r.Class = min(r.Class, m.class(back, r.Backward))
	}
	if l.curve != nil || back != l && back.curve != nil {
		r.Via = m.curve(l, back)
	}
	switch axis := m.axis(r); {
	case r.Forward+r.Backward == 0:
		m.drop("link", r.ID, m.file.at(l.line)+": it has no lanes in either direction")
	case planar.Length(axis) < 1:
		m.drop("link", r.ID, m.file.at(l.line)+": its ends are less than 1 m apart")
	default:
		m.sketch.Roads = append(m.sketch.Roads, r)
	}
}

func (m *importer) axis(r sketch.Road) orb.LineString {
	line := append(orb.LineString{m.sketch.Nodes[r.From].XY}, r.Via...)
	return append(line, m.sketch.Nodes[r.To].XY)
}

// lanesOf returns the lanes of a link: those of its lane groups where it has
// any, as they stand at the stop line.
func (m *importer) lanesOf(i int) int {
	l := &m.links[i]
	lanes := len(m.use[segmentID(l.up, l.at)].serves)
	if lanes == 0 {
		return l.lanes
	}
	if lanes != l.lanes {
		m.assume("link", segmentID(l.up, l.at), "lanes", fmt.Sprint(lanes), fmt.Sprintf("%s: Links give %d; taken from the lane groups", m.file.at(l.line), l.lanes))
	}
	return lanes
}

// usualLimit stands for links without a speed.
const usualLimit = 30 * unit.MPH

func (m *importer) limit(l *link) unit.Speed {
	if l.speed > 0 {
		return l.speed
	}
	return usualLimit
}

// class guesses what the format does not say.
func (m *importer) class(l *link, lanes int) geo.RoadClass {
	switch v := m.limit(l).MPH(); {
	case v >= 60 && lanes >= 2:
		return geo.Trunk
	case v >= 40 || lanes >= 3:
		return geo.Primary
	case v >= 35 || lanes == 2:
		return geo.Secondary
	case v >= 30:
		return geo.Tertiary
	}
	return geo.Residential
}

// curve draws a Bézier curve: each link has the control point near its
// upstream end.
func (m *importer) curve(l, back *link) (via orb.LineString) {
	a, d := m.place(m.nodes[m.node[l.up]].at), m.place(m.nodes[m.node[l.at]].at)
	b, c := a, d
	if l.curve != nil {
		b = m.place(*l.curve)
	}
	if back != l && back.curve != nil {
		c = m.place(*back.curve)
	}
	const pieces = 12
	for i := 1; i < pieces; i++ {
		t := float64(i) / pieces
		s := 1 - t
		via = append(via, orb.Point{
			s*s*s*a[0] + 3*s*s*t*b[0] + 3*s*t*t*c[0] + t*t*t*d[0],
			s*s*s*a[1] + 3*s*s*t*b[1] + 3*s*t*t*c[1] + t*t*t*d[1]})
	}
	return via
}

// values puts names, lengths and limits of the links on their segments.
func (m *importer) values() {
	d := m.draft
	for i := range d.Lanes {
		s := &d.Segments[d.Lanes[i].Segment]
		l := &m.links[m.link[linkOf(s.ID)]]
		if d.Lanes[i].Index == 0 {
			m.value(s, l)
		}
		d.Lanes[i].Length, d.Lanes[i].Limit = s.Length, s.Limit
	}
	m.assume("link", "", "facility_type", "", "not in the format; judged by speed and lanes")
	m.assume("link", "", "capacity", "", "not in the format; usual for the class")
	m.assume("lane", "", "geometry", "", "paths across nodes, conflicts and right of way without signals are drawn by angle and class; all motor vehicles may use every lane")
}

func linkOf(segment string) [2]string {
	up, at := cutSegment(segment)
	return [2]string{up, at}
}

func (m *importer) value(s *geo.Segment, l *link) {
	where := m.file.at(l.line)
	s.Name, s.Limit = l.name, m.limit(l)
	if l.speed == 0 {
		m.assume("link", s.ID, "free_speed", fmt.Sprintf("%.0f mph", s.Limit.MPH()), where+": no speed is given")
	}
	a, b := m.place(m.nodes[m.node[l.up]].at), m.place(m.nodes[m.node[l.at]].at)
	given, drawn := l.distance*m.lengthUnit().M(), planar.Distance(a, b)
	if l.curve != nil {
		return // drawn along its curve
	}
	if ratio := given / drawn; ratio > 0.5 && ratio < 2 {
		s.Length *= unit.Length(ratio)
	} else if given > 0 {
		m.assume("link", s.ID, "length", fmt.Sprintf("%.1f m", s.Length.M()), fmt.Sprintf("%s: Distance is %.1f m; taken as drawn", where, given))
	}
}

// leftOut names what of the file the city has no place for. The File keeps it.
func (m *importer) leftOut() {
	kept := map[string]string{}
	for section, records := range held {
		for _, r := range strings.Fields(records) {
			kept[section+" "+strings.ToLower(strings.ReplaceAll(r, "_", " "))] = "true"
		}
	}
	type tally struct{ first, n int }
	counts := map[string]*tally{}
	var order []string
	for _, s := range m.file.Sections {
		if s.Columns == nil || s.Columns[0] != "RECORDNAME" || s.Name == networkSection {
			continue
		}
		for _, r := range s.Records {
			key := s.Name + " " + r.Fields[0]
			if kept[s.Name+" "+strings.ToLower(strings.TrimSpace(r.Fields[0]))] != "" || strings.Trim(strings.Join(r.Fields[min(2, len(r.Fields)):], ""), "0. ") == "" {
				continue
			}
			if counts[key] == nil {
				counts[key] = &tally{first: r.Line}
				order = append(order, key)
			}
			counts[key].n++
		}
	}
	for _, key := range order {
		m.drop("record", key, fmt.Sprintf("%s: not in a city; %d records stay in the file that is kept for export", m.file.at(counts[key].first), counts[key].n))
	}
}

// held lists, by section, the records that a city holds (or that follow from
// what it holds): all others are reported as left out.
var held = map[string]string{
	linkSection: "Up_ID Lanes Name Distance Speed Time Curve_Pt_X Curve_Pt_Y",
	laneSection: "Up_Node Dest_Node Lanes Shared Phase1 Phase2 Phase3 Phase4 PermPhase1 PermPhase2 PermPhase3 PermPhase4 Speed Distance TravelTime Alignment StLanes",
	planSection: "Control_Type Cycle_Length Referenced_To Reference_Phase Offset Node_0 Node_1 Node_2 Node_3 Node_4 Node_5 Node_6 Node_7",
	phaseSection: "BRP MinGreen MaxGreen VehExt Yellow AllRed Recall Walk DontWalk Start End Yield Yield170 LocalStart LocalYield LocalYield170 " +
		"ActGreen",
}
