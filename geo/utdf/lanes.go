package utdf

import (
	"fmt"
	"slices"

	"tideway/geo"
)

// laneMap says where the lanes of a segment lead.
type laneMap struct {
	groups []group
	serves [][]int // groups by lane, from left to right
}

// findLaneUse works out the lanes of every approach that has lane groups.
func (m *importer) findLaneUse() {
	for _, b := range m.lanes.order {
		if _, known := m.node[b.id]; !known {
			m.bad.Addf(m.file.at(b.line), b.id, "INTID is not among the nodes")
			continue
		}
		for _, a := range approaches(m.groups(b.id)) {
			lend(a)
			m.groupsAt[b.id] = append(m.groupsAt[b.id], a...)
			m.use[segmentID(a[0].up, b.id)] = laneMap{a, laneUse(a)}
			m.tellLanes(b, a)
		}
	}
}

func (m *importer) tellLanes(b *block, a []group) {
	where := m.lanes.where(b, "Lanes")
	for i, g := range a {
		id := b.id + " " + g.name
		if g.stored > 0 {
			m.assume("lane", id, "length", "whole link", m.lanes.where(b, "Storage")+": a bay is drawn as a lane over the whole link")
		}
		switch {
		case g.dest == g.up && (g.lanes > 0 || g.volume > 0):
			m.drop("movement", id, where+": turning back is not drawn")
		case g.lanes == 0 && g.volume > 0 && !served(laneUse(a), i):
			m.drop("movement", id, where+": no lane serves it")
		}
	}
}

// leads is sketch.Leads of the lane groups: lane and target from the kerb.
func (m *importer) leads(from, to string, lane int) (target int, leads, known bool) {
	use, known := m.use[from]
	left := len(use.serves) - 1 - lane
	if !known || left < 0 {
		return 0, false, known && len(use.serves) > 0
	}
	_, dest := cutSegment(to)
	for _, i := range use.serves[left] {
		if use.groups[i].dest == dest {
			return m.target(use, i, left, to), true, true
		}
	}
	return 0, false, true
}

// target returns the lane, from the kerb, that a lane of group i leads to:
// left turns keep left, right turns keep right, others as Alignment says. Bays
// of the exit are entered farther on.
func (m *importer) target(use laneMap, i, left int, to string) int {
	first, last := -1, -1
	for k, lane := range use.serves {
		if slices.Contains(lane, i) {
			if first < 0 {
				first = k
			}
			last = k
		}
	}
	lanes, bayLeft, bayRight := m.exit(to)
	g := use.groups[i]
	if g.turn >= rightTurn || g.turn == throughTurn && g.right {
		return min(last-left+bayRight, lanes-1)
	}
	return max(lanes-1-bayLeft-(left-first), 0)
}

// exit returns the lanes of a segment and how many of them are bays on either
// side.
func (m *importer) exit(segment string) (lanes, bayLeft, bayRight int) {
	use := m.use[segment]
	if len(use.serves) == 0 {
		if i, ok := m.link[linkOf(segment)]; ok {
			return max(1, m.links[i].lanes), 0, 0
		}
		return 1, 0, 0
	}
	for _, g := range use.groups {
		if g.turn <= leftTurn {
			bayLeft += g.stored
		} else if g.turn >= rightTurn {
			bayRight += g.stored
		}
	}
	lanes = len(use.serves)
	if bayLeft+bayRight >= lanes {
		return lanes, 0, 0
	}
	return lanes, bayLeft, bayRight
}

// groupOf finds the lane group of a movement.
func (m *importer) groupOf(mv *geo.Movement) (node string, g int, ok bool) {
	d := m.draft
	up, at := cutSegment(d.Segments[d.Lanes[mv.From].Segment].ID)
	_, dest := cutSegment(d.Segments[d.Lanes[mv.To].Segment].ID)
	g = slices.IndexFunc(m.groupsAt[at], func(g group) bool { return g.up == up && g.dest == dest })
	return at, g, g >= 0
}

func (m *importer) groupID(node string, g int) string {
	return fmt.Sprintf("%s %s", node, m.groupsAt[node][g].name)
}
