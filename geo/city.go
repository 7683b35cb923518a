package geo

import (
	"fmt"
	"time"

	"tideway/unit"
)

// City is the immutable model. Use Draft.Build to make one and Patch to vary
// one; all methods are safe for concurrent use.
type City struct {
	Name     string
	Version  string // hash of the content; a patched city's tells base and patch
	TimeZone *time.Location
	Frame    Frame

	Nodes     Table[NodeID, Node]
	Segments  Table[SegmentID, Segment]
	Lanes     Table[LaneID, Lane]
	Movements Table[MovementID, Movement]
	Signals   Table[SignalID, Signal]
	Plans     Table[PlanID, Plan] // keyed "signal/plan"
	Zones     Table[ZoneID, Zone]
	Sensors   Table[SensorID, Sensor]
	Stops     Table[StopID, BusStop]
	Schedule  []PlanSwitch
	Assumed   []Assumption

	conflicts adjacency[MovementID, Conflict]
	out, in   adjacency[NodeID, SegmentID]
	fromLane  adjacency[LaneID, MovementID]
	intoLane  adjacency[LaneID, MovementID]
	atNode    adjacency[NodeID, MovementID]
	bySignal  adjacency[SignalID, MovementID]
	plansOf   adjacency[SignalID, PlanID]
	index     *segmentIndex
}

// Out returns the segments that leave n, in id order. The slices returned here
// and below are shared: do not write to them.
func (c *City) Out(n NodeID) []SegmentID { return c.out.of(n) }

// In returns the segments that end at n, in id order.
func (c *City) In(n NodeID) []SegmentID { return c.in.of(n) }

// LanesOf returns the first lane of s and their number; they are contiguous,
// from the kerb inwards.
func (c *City) LanesOf(s SegmentID) (first LaneID, count int) {
	seg := c.Segments.rows[s]
	return seg.firstLane, seg.lanes
}

// MovementsFrom returns the movements that leave lane l.
func (c *City) MovementsFrom(l LaneID) []MovementID { return c.fromLane.of(l) }

// MovementsInto returns the movements that lead into lane l.
func (c *City) MovementsInto(l LaneID) []MovementID { return c.intoLane.of(l) }

// MovementsAt returns the movements across node n.
func (c *City) MovementsAt(n NodeID) []MovementID { return c.atNode.of(n) }

// MovementsOf returns the movements that signal s controls.
func (c *City) MovementsOf(s SignalID) []MovementID { return c.bySignal.of(s) }

// PlansOf returns the plans of signal s.
func (c *City) PlansOf(s SignalID) []PlanID { return c.plansOf.of(s) }

// Conflicts returns where m's path meets others, in order of Foe.
func (c *City) Conflicts(m MovementID) []Conflict { return c.conflicts.of(m) }

// LaneName returns the outside id of a lane: segment id, "_", index.
func (c *City) LaneName(l LaneID) string {
	lane := c.Lanes.rows[l]
	return laneName(c.Segments.rows[lane.Segment].ID, lane.Index)
}

// MovementName returns the outside id of a movement: lane, ">", lane.
func (c *City) MovementName(m MovementID) string {
	mv := c.Movements.rows[m]
	return movementName(c.LaneName(mv.From), c.LaneName(mv.To))
}

// PlanName returns the outside id of a plan: signal, "/", plan.
func (c *City) PlanName(p PlanID) string {
	plan := c.Plans.rows[p]
	return planName(c.Signals.rows[plan.Signal].ID, plan.ID)
}

// FreeFlowTime returns the time to drive s at its limit.
func (c *City) FreeFlowTime(s SegmentID) time.Duration {
	seg := c.Segments.rows[s]
	if seg.Limit <= 0 {
		return 0
	}
	return time.Duration(float64(seg.Length) / float64(seg.Limit) * float64(time.Second))
}

// Open reports whether any lane of s may be used by class k.
func (c *City) Open(s SegmentID, k Class) bool {
	first, n := c.LanesOf(s)
	for l := first; l < first+LaneID(n); l++ {
		if c.Lanes.rows[l].Allow.Has(k) {
			return true
		}
	}
	return false
}

// Heading returns the compass direction of the straight line from the
// segment's begin to its end.
func (c *City) Heading(s SegmentID) unit.Angle {
	shape := c.Segments.rows[s].Shape
	return bearing(shape[0], shape[len(shape)-1])
}

func laneName(segment string, index int) string { return fmt.Sprintf("%s_%d", segment, index) }
func movementName(from, to string) string       { return from + ">" + to }
func planName(signal, plan string) string       { return signal + "/" + plan }
