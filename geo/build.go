package geo

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/paulmach/orb"

	"tideway/internal/fault"
)

// Draft is a city under construction: what readers fill. Ids are positions in
// these lists. Lanes are grouped by segment, in segment order, kerb first;
// Conflicts has one list per movement or is empty.
type Draft struct {
	Name      string
	TimeZone  string // IANA name
	Frame     Frame
	Nodes     []Node
	Segments  []Segment
	Lanes     []Lane
	Movements []Movement
	Conflicts [][]Conflict
	Signals   []Signal
	Plans     []Plan
	Schedule  []PlanSwitch
	Zones     []Zone
	Sensors   []Sensor
	Stops     []BusStop
	Assumed   []Assumption
}

// Build checks the draft and returns its city, or an error with every problem.
// Geometry is rounded to 1e-8 degrees (about a millimetre), so that a city
// written to files and read back is the same city. The draft must not be used
// afterwards.
func (d *Draft) Build() (*City, error) {
	var bad fault.List
	zone := d.location(&bad)
	d.roundGeometry()
	d.forgetEmpty()
	d.numberLanes(&bad)
	d.checkNetwork(&bad)
	d.checkSignals(&bad)
	d.checkPlaces(&bad)
	if err := bad.Err(fmt.Sprintf("building city %q", d.Name)); err != nil {
		return nil, err
	}
	c := &City{Name: d.Name, TimeZone: zone, Frame: d.Frame, Schedule: d.Schedule, Assumed: d.Assumed}
	d.fillTables(c)
	d.relate(c)
	c.checkUnique(&bad)
	if err := bad.Err(fmt.Sprintf("building city %q", d.Name)); err != nil {
		return nil, err
	}
	c.index = newSegmentIndex(d.Segments)
	version, err := d.hash()
	if err != nil {
		return nil, fmt.Errorf("building city %q: %w", d.Name, err)
	}
	c.Version = version
	return c, nil
}

func (d *Draft) location(bad *fault.List) *time.Location {
	if d.TimeZone == "" {
		bad.Addf("", d.Name, "no time zone given, expected an IANA name such as Europe/Rome")
		return nil
	}
	zone, err := time.LoadLocation(d.TimeZone)
	if err != nil {
		bad.Addf("", d.Name, "time zone %q is unknown, expected an IANA name such as Europe/Rome", d.TimeZone)
	}
	return zone
}

// RoundLonLat rounds a lon/lat point to 1e-8 degrees, the precision at which
// a city holds geometry. Zero is never negative: it would be another version.
func RoundLonLat(q orb.Point) orb.Point {
	return orb.Point{math.Round(q[0]*1e8)/1e8 + 0, math.Round(q[1]*1e8)/1e8 + 0}
}

func (d *Draft) roundGeometry() {
	snap := func(q orb.Point) orb.Point { return d.Frame.XY(RoundLonLat(d.Frame.LonLat(q))) }
	line := func(l orb.LineString) orb.LineString {
		out := make(orb.LineString, len(l))
		for i, q := range l {
			out[i] = snap(q)
		}
		return out
	}
	for i := range d.Nodes {
		d.Nodes[i].XY = snap(d.Nodes[i].XY)
	}
	for i := range d.Segments {
		d.Segments[i].Shape = line(d.Segments[i].Shape)
	}
	for i := range d.Lanes {
		d.Lanes[i].Shape = line(d.Lanes[i].Shape)
	}
	for i := range d.Movements {
		d.Movements[i].Shape = line(d.Movements[i].Shape)
	}
	for i := range d.Sensors {
		d.Sensors[i].LonLat = RoundLonLat(d.Sensors[i].LonLat)
	}
}

// forgetEmpty makes empty lists nil: a reader that makes them and one that does
// not must give the same city.
func (d *Draft) forgetEmpty() {
	for i := range d.Segments {
		d.Segments[i].Tags = orNil(d.Segments[i].Tags)
	}
	for i := range d.Movements {
		d.Movements[i].Shape = orNil(d.Movements[i].Shape)
	}
	for i := range d.Conflicts {
		d.Conflicts[i] = orNil(d.Conflicts[i])
	}
	for i := range d.Lanes {
		d.Lanes[i].Shape = orNil(d.Lanes[i].Shape)
	}
	for i := range d.Sensors {
		d.Sensors[i].Measures = orNil(d.Sensors[i].Measures)
	}
	for i := range d.Plans {
		p := &d.Plans[i]
		p.Stages, p.Phases = orNil(p.Stages), orNil(p.Phases)
		for k := range p.Stages {
			p.Stages[k].Next = orNil(p.Stages[k].Next)
		}
		for k := range p.Phases {
			p.Phases[k].Groups, p.Phases[k].Permissive = orNil(p.Phases[k].Groups), orNil(p.Phases[k].Permissive)
		}
	}
	if !slices.ContainsFunc(d.Conflicts, func(l []Conflict) bool { return len(l) > 0 }) {
		d.Conflicts = nil
	}
	d.Nodes, d.Segments, d.Lanes, d.Movements = orNil(d.Nodes), orNil(d.Segments), orNil(d.Lanes), orNil(d.Movements)
	d.Signals, d.Plans, d.Schedule = orNil(d.Signals), orNil(d.Plans), orNil(d.Schedule)
	d.Zones, d.Sensors, d.Stops, d.Assumed = orNil(d.Zones), orNil(d.Sensors), orNil(d.Stops), orNil(d.Assumed)
}

func orNil[S ~[]E, E any](s S) S {
	if len(s) == 0 {
		return nil
	}
	return s
}

func (d *Draft) numberLanes(bad *fault.List) {
	next := 0
	for s := range d.Segments {
		seg := &d.Segments[s]
		seg.firstLane, seg.lanes = LaneID(next), 0
		for next < len(d.Lanes) && d.Lanes[next].Segment == SegmentID(s) {
			if d.Lanes[next].Index != seg.lanes {
				bad.Addf("lane", seg.ID, "lane index %d found where %d was expected", d.Lanes[next].Index, seg.lanes)
			}
			seg.lanes++
			next++
		}
		if seg.lanes == 0 {
			bad.Addf("segment", seg.ID, "has no lanes, expected at least one")
		}
	}
	if next < len(d.Lanes) {
		bad.Addf("lane", "", "lane %d belongs to segment %d; lanes must be grouped in segment order", next, d.Lanes[next].Segment)
	}
}

func (d *Draft) checkNetwork(bad *fault.List) {
	for _, n := range d.Nodes {
		if !finite(n.XY) {
			bad.Addf("node", n.ID, "position %v is not finite", n.XY)
		}
	}
	for _, s := range d.Segments {
		if int(s.From) >= len(d.Nodes) || int(s.To) >= len(d.Nodes) {
			bad.Addf("segment", s.ID, "joins nodes %d and %d, but there are %d nodes", s.From, s.To, len(d.Nodes))
		}
		if !positive(float64(s.Length)) || !positive(float64(s.Limit)) {
			bad.Addf("segment", s.ID, "length %v m and limit %v m/s must both be positive", float64(s.Length), float64(s.Limit))
		}
		if len(s.Shape) < 2 || slices.ContainsFunc(s.Shape, func(q orb.Point) bool { return !finite(q) }) {
			bad.Addf("segment", s.ID, "shape has %d points, expected at least 2, all finite", len(s.Shape))
		}
	}
	for _, l := range d.Lanes {
		if int(l.Segment) < len(d.Segments) && (!positive(float64(l.Length)) || !positive(float64(l.Limit))) {
			bad.Addf("lane", laneName(d.Segments[l.Segment].ID, l.Index), "length %v m and limit %v m/s must both be positive", float64(l.Length), float64(l.Limit))
		}
	}
	for i, m := range d.Movements {
		d.checkMovement(i, m, bad)
	}
	if len(d.Conflicts) != 0 && len(d.Conflicts) != len(d.Movements) {
		bad.Addf("movement_conflict", "", "%d lists for %d movements", len(d.Conflicts), len(d.Movements))
	}
}

func (d *Draft) checkMovement(i int, m Movement, bad *fault.List) {
	where := fmt.Sprintf("movement %d", i)
	if int(m.From) >= len(d.Lanes) || int(m.To) >= len(d.Lanes) || int(m.Node) >= len(d.Nodes) {
		bad.Addf(where, "", "joins lanes %d and %d at node %d, outside %d lanes and %d nodes", m.From, m.To, m.Node, len(d.Lanes), len(d.Nodes))
		return
	}
	if m.Length < 0 || m.WaitAt < 0 || m.WaitAt > m.Length || !positive(float64(m.Limit)) {
		bad.Addf(where, "", "length %v m, waiting point %v m and limit %v m/s do not fit together", float64(m.Length), float64(m.WaitAt), float64(m.Limit))
	}
	if m.Signal != NoSignal && (int(m.Signal) >= len(d.Signals) || m.Group < 0 || m.Group >= d.Signals[m.Signal].Groups) {
		bad.Addf(where, "", "group %d of signal %d does not exist", m.Group, m.Signal)
	}
	if i < len(d.Conflicts) {
		for _, x := range d.Conflicts[i] {
			if int(x.Foe) >= len(d.Movements) {
				bad.Addf(where, "", "conflict with movement %d, but there are %d", x.Foe, len(d.Movements))
			}
		}
	}
}

func (d *Draft) checkSignals(bad *fault.List) {
	for _, s := range d.Signals {
		if s.Plan != NoPlan && int(s.Plan) >= len(d.Plans) {
			bad.Addf("signal", s.ID, "plan %d does not exist", s.Plan)
		}
	}
	for _, p := range d.Plans {
		if int(p.Signal) >= len(d.Signals) {
			bad.Addf("plan", p.ID, "signal %d does not exist", p.Signal)
			continue
		}
		CheckPlan(p, d.Signals[p.Signal], bad)
	}
	for _, w := range d.Schedule {
		if int(w.Signal) >= len(d.Signals) || int(w.Plan) >= len(d.Plans) {
			bad.Addf("schedule", "", "signal %d or plan %d does not exist", w.Signal, w.Plan)
		}
	}
}

// CheckPlan records what makes a plan unusable as data: states that do not
// match the groups, durations that are not positive, a cycle that is not the
// sum of its stages. Whether it is safe traffic engineering is for sim/signal.
func CheckPlan(p Plan, s Signal, bad *fault.List) {
	id := planName(s.ID, p.ID)
	if p.Cycle <= 0 {
		bad.Addf("plan", id, "cycle is %v, expected more than 0 s", p.Cycle)
	}
	var sum time.Duration
	for k, st := range p.Stages {
		sum += st.Duration
		if st.Duration <= 0 {
			bad.Addf("plan", id, "stage %d lasts %v, expected more than 0 s", k+1, st.Duration)
		}
		if len(st.States) != s.Groups {
			bad.Addf("plan", id, "stage %d has %d states, expected one for each of %d groups", k+1, len(st.States), s.Groups)
		}
		for g, v := range st.States {
			if !v.Valid() {
				bad.Addf("plan", id, "stage %d group %d shows %q, expected one of rugGyoOs", k+1, g, string(rune(v)))
			}
		}
		for _, n := range st.Next {
			if n < 0 || n >= len(p.Stages) {
				bad.Addf("plan", id, "stage %d is followed by stage %d of %d", k+1, n+1, len(p.Stages))
			}
		}
	}
	if p.Kind != RingBarrier && len(p.Stages) == 0 {
		bad.Addf("plan", id, "has no stages")
	}
	if p.Kind == FixedTime && sum != p.Cycle {
		bad.Addf("plan", id, "stages add up to %v, but the cycle is %v", sum, p.Cycle)
	}
}

func (d *Draft) checkPlaces(bad *fault.List) {
	for _, s := range d.Sensors {
		if s.Segment != NoSegment && int(s.Segment) >= len(d.Segments) {
			bad.Addf("sensor", s.ID, "segment %d does not exist", s.Segment)
		}
		if s.Lane != NoLane && int(s.Lane) >= len(d.Lanes) {
			bad.Addf("sensor", s.ID, "lane %d does not exist", s.Lane)
		}
		if !finite(s.LonLat) || math.Abs(s.LonLat.Lat()) > 90 || math.Abs(s.LonLat.Lon()) > 180 {
			bad.Addf("sensor", s.ID, "lon/lat %v is not a place on earth", s.LonLat)
		}
	}
	for _, b := range d.Stops {
		if int(b.Lane) >= len(d.Lanes) {
			bad.Addf("bus_stop", b.ID, "lane %d does not exist", b.Lane)
		} else if b.Begin < 0 || b.End <= b.Begin {
			bad.Addf("bus_stop", b.ID, "lies from %v m to %v m, expected begin before end", float64(b.Begin), float64(b.End))
		}
	}
}

func (d *Draft) fillTables(c *City) {
	c.Nodes = newTable[NodeID](d.Nodes, func(n Node) string { return n.ID })
	c.Segments = newTable[SegmentID](d.Segments, func(s Segment) string { return s.ID })
	c.Lanes = newTable[LaneID](d.Lanes, func(l Lane) string { return laneName(d.Segments[l.Segment].ID, l.Index) })
	c.Movements = newTable[MovementID](d.Movements, func(m Movement) string {
		from, to := d.Lanes[m.From], d.Lanes[m.To]
		return movementName(laneName(d.Segments[from.Segment].ID, from.Index), laneName(d.Segments[to.Segment].ID, to.Index))
	})
	c.Signals = newTable[SignalID](d.Signals, func(s Signal) string { return s.ID })
	c.Plans = newTable[PlanID](d.Plans, func(p Plan) string { return planName(d.Signals[p.Signal].ID, p.ID) })
	c.Zones = newTable[ZoneID](d.Zones, func(z Zone) string { return z.ID })
	c.Sensors = newTable[SensorID](d.Sensors, func(s Sensor) string { return s.ID })
	c.Stops = newTable[StopID](d.Stops, func(b BusStop) string { return b.ID })
}

func (d *Draft) relate(c *City) {
	seg, mv := d.Segments, d.Movements
	c.out = group(len(d.Nodes), len(seg), func(i int) (NodeID, SegmentID) { return seg[i].From, SegmentID(i) })
	c.in = group(len(d.Nodes), len(seg), func(i int) (NodeID, SegmentID) { return seg[i].To, SegmentID(i) })
	c.fromLane = group(len(d.Lanes), len(mv), func(i int) (LaneID, MovementID) { return mv[i].From, MovementID(i) })
	c.intoLane = group(len(d.Lanes), len(mv), func(i int) (LaneID, MovementID) { return mv[i].To, MovementID(i) })
	c.atNode = group(len(d.Nodes), len(mv), func(i int) (NodeID, MovementID) { return mv[i].Node, MovementID(i) })
	var controlled []MovementID
	for i, m := range mv {
		if m.Signal != NoSignal {
			controlled = append(controlled, MovementID(i))
		}
	}
	c.bySignal = group(len(d.Signals), len(controlled), func(i int) (SignalID, MovementID) { return mv[controlled[i]].Signal, controlled[i] })
	c.plansOf = group(len(d.Signals), len(d.Plans), func(i int) (SignalID, PlanID) { return d.Plans[i].Signal, PlanID(i) })
	c.conflicts = flatten(d.Conflicts, len(mv))
}

// flatten packs the per-movement conflict lists, each sorted by foe.
func flatten(lists [][]Conflict, movements int) adjacency[MovementID, Conflict] {
	a := adjacency[MovementID, Conflict]{start: make([]uint32, movements+1)}
	for m := range movements {
		if m < len(lists) {
			slices.SortStableFunc(lists[m], func(x, y Conflict) int { return int(x.Foe) - int(y.Foe) })
			a.items = append(a.items, lists[m]...)
		}
		a.start[m+1] = uint32(len(a.items))
	}
	return a
}

// checkUnique finds outside ids that two records share: the later one has
// taken the earlier one's place in the table's map.
func (c *City) checkUnique(bad *fault.List) {
	unique(c.Nodes, "node", func(n Node) string { return n.ID }, bad)
	unique(c.Segments, "segment", func(s Segment) string { return s.ID }, bad)
	unique(c.Signals, "signal", func(s Signal) string { return s.ID }, bad)
	unique(c.Zones, "zone", func(z Zone) string { return z.ID }, bad)
	unique(c.Sensors, "sensor", func(s Sensor) string { return s.ID }, bad)
	unique(c.Stops, "bus_stop", func(b BusStop) string { return b.ID }, bad)
	for i, p := range c.Plans.rows {
		if c.Plans.ids[c.PlanName(PlanID(i))] != PlanID(i) {
			bad.Addf("plan", p.ID, "appears twice for signal %s", c.Signals.rows[p.Signal].ID)
		}
	}
	for i := range c.Movements.rows {
		if id := c.MovementName(MovementID(i)); c.Movements.ids[id] != MovementID(i) {
			bad.Addf("movement", id, "appears twice")
		}
	}
}

func unique[I ~uint32, T any](t Table[I, T], kind string, key func(T) string, bad *fault.List) {
	for i, r := range t.rows {
		switch id := key(r); {
		case id == "":
			bad.Addf(kind, "", "row %d has no id", i)
		case t.ids[id] != I(i):
			bad.Addf(kind, id, "appears twice (rows %d and %d)", i, t.ids[id])
		}
	}
}

// hash names the content. encoding/json writes floats in their shortest exact
// form and struct fields in order, so equal drafts give equal hashes.
func (d *Draft) hash() (string, error) {
	h := sha256.New()
	if err := json.NewEncoder(h).Encode(d); err != nil {
		return "", fmt.Errorf("a number is not finite: %w", err)
	}
	return hex.EncodeToString(h.Sum(nil))[:16], nil
}

func finite(q orb.Point) bool {
	return !math.IsNaN(q[0]+q[1]) && !math.IsInf(q[0], 0) && !math.IsInf(q[1], 0)
}

func positive(v float64) bool { return v > 0 && !math.IsInf(v, 0) }
