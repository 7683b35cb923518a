package utdf

import (
	"slices"

	"tideway/internal/fault"
	"tideway/unit"
)

// LaneGroup is what a file says about one turn of an approach, in units: its
// lanes, the inputs of its saturation flow, and the flows that Synchro worked
// out of them. Shares of left and right turns are those of the volumes that use
// the group's lanes.
type LaneGroup struct {
	Where  string // file and line of its lanes
	Node   string // outside id of the intersection
	Name   string // such as NBL
	Turn   string // U, L2, L, T, R, R2
	From   string // segment ids
	To     string
	Lanes  int // 0: it shares those of a neighbour
	Left   bool
	Right  bool // left or right turns share its lanes
	Width  unit.Length
	Ideal  unit.Flow // per lane
	Grade  unit.Share
	Heavy  unit.Share
	Buses  float64 // stopping per hour
	CBD    bool
	Signal bool // the intersection has a signal and the group a phase that gives it green

	Volume     unit.Flow  // as counted
	PHF        unit.Share // peak hour factor; 0 when not given
	TurnShare  unit.Share // of right turns among the volumes of its lanes, when Right
	Flow       unit.Flow  // of the lane group, adjusted for peak and growth
	Saturation unit.Flow  // protected, as the file gives it; 0 when not given
	Permitted  unit.Flow  // as the file gives it
}

// LaneGroups returns the lane groups of every intersection in the order of the
// file's Lanes section. The error lists every problem with file and line.
func (f *File) LaneGroups() ([]LaneGroup, error) {
	var bad fault.List
	n := f.network(&bad)
	var out []LaneGroup
	for _, b := range n.lanes.order {
		for _, approach := range approaches(n.groups(b.id)) {
			for i := range approach {
				out = append(out, n.laneGroup(b, approach, i))
			}
		}
	}
	return out, bad.Err("reading UTDF lane groups")
}

func (n *network) laneGroup(b *block, approach []group, i int) LaneGroup {
	t, g := n.lanes, approach[i]
	get := func(record string, hi float64) float64 {
		v, _ := t.within(b, record, g.column, 0, hi)
		return v
	}
	l := n.links[n.link[[2]string{g.up, b.id}]]
	out := LaneGroup{Where: t.where(b, "Lanes"), Node: b.id, Name: g.name, Turn: turns[g.turn], From: segmentID(g.up, b.id), To: segmentID(b.id, g.dest),
		Lanes: g.lanes, Width: unit.Length(get("Width", 1000)) * n.lengthUnit(), Ideal: unit.Flow(get("IdealFlow", 1e5)) * unit.VPH, Grade: l.grade,
		Heavy: unit.Share(get("HeavyVehicles", 100)) * unit.Percent, Buses: get("BusStops", 1e4), Volume: unit.Flow(g.volume) * unit.VPH,
		PHF: unit.Share(get("PHF", 1)), Flow: unit.Flow(get("Lane Group Flow", 1e6)) * unit.VPH, Saturation: unit.Flow(get("SatFlow", 1e6)) * unit.VPH,
		Permitted: unit.Flow(get("SatFlowPerm", 1e6)) * unit.VPH, Signal: len(g.main) > 0}
	if out.Ideal == 0 {
		out.Ideal = n.ideal
	}
	for k, name := range t.names { // CBD stands in one column of the intersection
		if v, _ := t.within(b, "CBD", k, 0, 1); v > 0 && name != "" {
			out.CBD = true
		}
	}
	out.shares(approach, i)
	return out
}

// shares finds who else uses the group's lanes, and how many turn right.
func (l *LaneGroup) shares(approach []group, i int) {
	sum, right := 0.0, 0.0
	for _, lane := range laneUse(approach) {
		if !slices.Contains(lane, i) {
			continue
		}
		for _, k := range lane {
			l.Left = l.Left || k < i
			l.Right = l.Right || k > i
		}
	}
	for k, h := range approach {
		if k == i || h.lanes == 0 && (k < i && l.Left || k > i && l.Right) {
			sum += h.volume
			if k > i {
				right += h.volume
			}
		}
	}
	if sum > 0 {
		l.TurnShare = unit.Share(right / sum)
	}
}
