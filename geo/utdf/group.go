package utdf

import (
	"fmt"
	"slices"
	"strings"
)

// group is one column of an intersection's lane groups: a turn of an approach.
type group struct {
	name     string // column: NBL, NBT, ...
	column   int
	turn     int // in turns
	up, dest string
	lanes    int
	shared   int // 1: its lanes also serve the turn to the left, 2: to the right, 3: both
	right    bool
	stored   int   // of its lanes, how many lie in a bay
	main     []int // phases that give it green
	perm     []int // phases in which it gives way
	free     bool  // not under the signal
	volume   float64
}

// turns from left to right as column names end.
var turns = []string{"U", "L2", "L", "T", "R", "R2"}

const (
	leftTurn    = 2
	throughTurn = 3
	rightTurn   = 4
)

// headings of approaches: the direction of travel. Synchro knows these eight.
var headings = []string{"NB", "NE", "EB", "SE", "SB", "SW", "WB", "NW"}

// splitColumn takes NBL2 apart; PED, HOLD and unknown columns are not ok.
func splitColumn(name string) (heading string, turn int, ok bool) {
	if len(name) < 3 {
		return "", 0, false
	}
	turn = slices.Index(turns, name[2:])
	return name[:2], turn, turn >= 0 && slices.Contains(headings, name[:2])
}

// groups returns the lane groups of an intersection, approach by approach and
// each from left to right.
func (n *network) groups(id string) []group {
	b := n.lanes.blocks[id]
	if b == nil {
		return nil
	}
	var out []group
	for k, name := range n.lanes.names {
		_, turn, ok := splitColumn(name)
		if !ok || n.lanes.text(b, "Lanes", k) == "" {
			continue
		}
		if g, ok := n.group(b, k, turn); ok {
			out = append(out, g)
		}
	}
	slices.SortStableFunc(out, func(x, y group) int {
		if c := slices.Index(headings, x.name[:2]) - slices.Index(headings, y.name[:2]); c != 0 {
			return c
		}
		return x.turn - y.turn
	})
	return out
}

func (n *network) group(b *block, k, turn int) (group, bool) {
	t := n.lanes
	g := group{name: t.names[k], column: k, turn: turn, up: t.text(b, "Up Node", k), dest: t.text(b, "Dest Node", k), lanes: t.whole(b, "Lanes", k, 0, 20, 0),
		shared: t.whole(b, "Shared", k, 0, 3, 0), right: t.whole(b, "Alignment", k, 0, 3, 0)%2 == 1}
	if storage, _ := t.within(b, "Storage", k, 0, 1e5); storage > 0 {
		g.stored = min(t.whole(b, "StLanes", k, 0, 20, g.lanes), g.lanes)
	}
	g.volume, _ = t.within(b, "Volume", k, 0, 1e6)
	for i := 1; i <= 4; i++ {
		g.phase(&g.main, t.whole(b, fmt.Sprintf("Phase%d", i), k, -1, 99, 0))
		g.phase(&g.perm, t.whole(b, fmt.Sprintf("PermPhase%d", i), k, -1, 99, 0))
	}
	_, known := n.link[[2]string{g.up, b.id}]
	if !known {
		t.bad.Addf(t.where(b, "Up Node"), b.id, "Up Node %s is %q, from which no link leads here", g.name, g.up)
	}
	_, out := n.link[[2]string{b.id, g.dest}]
	if !out && (g.lanes > 0 || g.volume > 0) {
		t.bad.Addf(t.where(b, "Dest Node"), b.id, "Dest Node %s is %q, to which no link leads", g.name, g.dest)
	}
	return g, known && out
}

func (g *group) phase(list *[]int, phase int) {
	switch {
	case phase < 0:
		g.free = true
	case phase > 0 && !slices.Contains(*list, phase):
		*list = append(*list, phase)
	}
}

// laneUse says which groups the lanes of one approach serve, from left to
// right. groups are those of the approach, left to right.
func laneUse(groups []group) [][]int {
	var lanes [][]int
	first := make([]int, len(groups))
	for i, g := range groups {
		first[i] = len(lanes)
		for range g.lanes {
			lanes = append(lanes, []int{i})
		}
	}
	for i, g := range groups {
		if g.lanes > 0 && g.shared&1 != 0 {
			share(lanes, groups, first[i], i, -1)
		}
		if g.lanes > 0 && g.shared&2 != 0 {
			share(lanes, groups, first[i]+g.lanes-1, i, +1)
		}
	}
	for i, g := range groups {
		if g.lanes == 0 && len(lanes) > 0 && !served(lanes, i) && (g.volume > 0 || g.turn > throughTurn && !hasThrough(groups)) {
			at := first[i] - 1 // the lane to the left of where it would be
			if g.turn <= leftTurn {
				at = first[i]
			}
			at = min(max(at, 0), len(lanes)-1)
			lanes[at] = append(lanes[at], i)
		}
	}
	for _, l := range lanes {
		slices.Sort(l)
	}
	return lanes
}

// share lets a lane of group i also serve its neighbours on one side: those
// that have no lane of their own, else the nearest.
func share(lanes [][]int, groups []group, lane, i, side int) {
	for k := i + side; k >= 0 && k < len(groups); k += side {
		if groups[k].lanes > 0 {
			if k == i+side {
				lanes[lane] = append(lanes[lane], k)
			}
			return
		}
		lanes[lane] = append(lanes[lane], k)
	}
}

func served(lanes [][]int, group int) bool {
	return slices.ContainsFunc(lanes, func(l []int) bool { return slices.Contains(l, group) })
}

func hasThrough(groups []group) bool {
	return slices.ContainsFunc(groups, func(g group) bool { return g.turn == throughTurn && g.lanes > 0 })
}

// approaches splits groups, which are in order, by where they come from.
func approaches(groups []group) [][]group {
	var out [][]group
	for i, g := range groups {
		if i == 0 || g.up != groups[i-1].up {
			out = append(out, nil)
		}
		out[len(out)-1] = append(out[len(out)-1], g)
	}
	return out
}

// lend gives groups without phases those of the group whose lane they share. A
// left turn so gives way.
func lend(groups []group) {
	lanes := laneUse(groups)
	for i := range groups {
		g := &groups[i]
		if len(g.main)+len(g.perm) > 0 || g.free {
			continue
		}
		for _, l := range lanes {
			if !slices.Contains(l, i) {
				continue
			}
			for _, k := range l {
				if h := groups[k]; k != i && g.turn <= leftTurn {
					g.perm = slices.Concat(h.main, h.perm)
				} else if k != i {
					g.main, g.perm = slices.Clone(h.main), slices.Clone(h.perm)
				}
			}
		}
	}
}

// segmentID names the segment of a link.
func segmentID(up, at string) string { return up + "-" + at }

func cutSegment(id string) (up, at string) {
	up, at, _ = strings.Cut(id, "-")
	return up, at
}
