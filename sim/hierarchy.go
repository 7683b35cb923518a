package sim

import (
	"math"
	"slices"

	"tideway/geo"
)

// hierarchy orders the segments of a city once, so that at any travel times the
// quickest ways are found along it: a customizable contraction hierarchy
// (Dibbelt, Strasser, Wagner, ACM Journal of Experimental Algorithmics 21,
// 2016) whose vertices are segments and whose steps are movements, so that
// turns have times of their own. A way first climbs from rank to rank, then
// descends. Arcs join a lower with a higher rank and stand for both directions.
type hierarchy struct {
	rank   []int32         // by segment
	segs   []geo.SegmentID // by rank
	parent []int32         // by rank: the lowest above it that it is joined with; -1: none
	start  []int32         // by rank: its arcs upwards, by the rank they lead to
	head   []int32         // by arc: its upper rank
	tail   []int32         // by arc: its lower rank
	ending []int32         // by rank: the arcs that end there, in lower
	lower  []int32
}

// newHierarchy orders the segments and adds the arcs by which every step over a
// lower rank can be replaced.
func newHierarchy(c *geo.City, w *wayGraph) *hierarchy {
	h := &hierarchy{segs: dissect(c), rank: make([]int32, c.Segments.Len())}
	for r, s := range h.segs {
		h.rank[s] = int32(r)
	}
	above := make([][]int32, len(h.segs))
	for s := range h.rank {
		for _, a := range w.from(geo.SegmentID(s)) {
			if from, to := h.rank[s], h.rank[a.to]; from != to {
				above[min(from, to)] = append(above[min(from, to)], max(from, to))
			}
		}
	}
	h.climb(above)
	h.index()
	return h
}

// climb joins the lowest rank above another with all that are joined with it.
func (h *hierarchy) climb(above [][]int32) {
	for r, up := range above {
		slices.Sort(up)
		up = slices.Compact(up)
		h.start = append(h.start, int32(len(h.head)))
		h.head = append(h.head, up...)
		for range up {
			h.tail = append(h.tail, int32(r))
		}
		parent := int32(-1)
		if len(up) > 0 {
			parent = up[0]
			above[parent] = append(above[parent], up[1:]...)
		}
		h.parent = append(h.parent, parent)
		above[r] = nil
	}
	h.start = append(h.start, int32(len(h.head)))
}

// index lists the arcs by their upper rank.
func (h *hierarchy) index() {
	h.ending, h.lower = make([]int32, len(h.segs)+1), make([]int32, len(h.head))
	for _, r := range h.head {
		h.ending[r+1]++
	}
	for r := range h.segs {
		h.ending[r+1] += h.ending[r]
	}
	next := slices.Clone(h.ending)
	for a, r := range h.head {
		h.lower[next[r]] = int32(a)
		next[r]++
	}
}

// below returns the arcs that end at a rank.
func (h *hierarchy) below(r int32) []int32 { return h.lower[h.ending[r]:h.ending[r+1]] }

// arcsTo writes the arcs upwards from a rank, by the rank they lead to.
func (h *hierarchy) arcsTo(r int32, to []int32) {
	for a := h.start[r]; a < h.start[r+1]; a++ {
		to[h.head[a]] = a
	}
}

// arc returns the arc between a lower and a higher rank that are joined.
func (h *hierarchy) arc(low, high int32) int32 {
	at, _ := slices.BinarySearch(h.head[h.start[low]:h.start[low+1]], high)
	return h.start[low] + int32(at)
}

// dissection orders segments by halving the city again and again: those that
// cross the line of a cut come above those on either side of it.
type dissection struct {
	city  *geo.City
	touch [][]geo.SegmentID // by node: the segments that begin or end there
	part  []int32           // by node: the part of the city it is in
	at    []int32           // by node: position in its part, along the cut in hand
	parts int32
	order []geo.SegmentID
}

// dissect returns the segments from the lowest rank to the highest.
func dissect(c *geo.City) []geo.SegmentID {
	nodes := c.Nodes.Len()
	d := &dissection{city: c, touch: make([][]geo.SegmentID, nodes), part: make([]int32, nodes), at: make([]int32, nodes)}
	for id, s := range c.Segments.All() {
		d.touch[s.From] = append(d.touch[s.From], id)
		if s.To != s.From {
			d.touch[s.To] = append(d.touch[s.To], id)
		}
	}
	all := make([]geo.NodeID, nodes)
	for i := range all {
		all[i] = geo.NodeID(i)
	}
	d.split(all)
	return d.order
}

// split orders the segments between nodes of one part.
func (d *dissection) split(nodes []geo.NodeID) {
	if len(nodes) < 2 {
		for _, n := range nodes {
			d.loops(n)
		}
		return
	}
	cut := d.cut(nodes)
	low, high := nodes[:cut], nodes[cut:]
	d.parts++
	for _, n := range high {
		d.part[n] = d.parts
	}
	var across []geo.SegmentID
	for _, n := range low {
		for _, s := range d.touch[n] {
			if d.part[d.other(s, n)] == d.parts {
				across = append(across, s)
			}
		}
	}
	d.split(low)
	d.split(high)
	d.order = append(d.order, across...)
}

// loops orders the segments from a node to itself.
func (d *dissection) loops(n geo.NodeID) {
	for _, s := range d.touch[n] {
		if d.other(s, n) == n {
			d.order = append(d.order, s)
		}
	}
}

// other is the end of a segment that is not n.
func (d *dissection) other(s geo.SegmentID, n geo.NodeID) geo.NodeID {
	seg := d.city.Segments.At(s)
	if seg.From == n {
		return seg.To
	}
	return seg.From
}

// cutAt are the directions across which parts are cut.
var cutAt = [][2]float64{{1, 0}, {0, 1}, {1, 1}, {1, -1}}

// cut sorts the nodes of a part along the direction in which the fewest
// segments cross a line through its middle half, and returns where that is.
func (d *dissection) cut(nodes []geo.NodeID) int {
	best, fewest, along := 0, math.MaxInt, cutAt[0]
	for _, dir := range cutAt {
		d.sort(nodes, dir)
		if i, n := d.narrowest(nodes); n < fewest {
			best, fewest, along = i, n, dir
		}
	}
	d.sort(nodes, along)
	return best
}

func (d *dissection) sort(nodes []geo.NodeID, dir [2]float64) {
	far := func(n geo.NodeID) float64 {
		xy := d.city.Nodes.At(n).XY
		return xy[0]*dir[0] + xy[1]*dir[1]
	}
	slices.SortFunc(nodes, func(a, b geo.NodeID) int {
		if x, y := far(a), far(b); x != y {
			return sign(x < y)
		}
		return sign(a < b)
	})
	for i, n := range nodes {
		d.at[n] = int32(i)
	}
}

// narrowest returns the position in the middle half of sorted nodes before
// which the fewest segments cross, and their number.
func (d *dissection) narrowest(nodes []geo.NodeID) (best, fewest int) {
	crossing := 0
	best, fewest = -1, math.MaxInt
	for i, n := range nodes {
		if i > 0 && 4*i >= len(nodes) && (4*i <= 3*len(nodes) || best < 0) && crossing < fewest {
			best, fewest = i, crossing
		}
		for _, s := range d.touch[n] {
			switch o := d.other(s, n); {
			case d.part[o] != d.part[n] || o == n:
			case d.at[o] > d.at[n]:
				crossing++
			default:
				crossing--
			}
		}
	}
	return best, fewest
}
