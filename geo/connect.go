package geo

import "tideway/unit"

// LargestSCC returns the share of the segments open to cars that lie in the
// largest strongly connected part: where every segment can be driven to from
// every other, by movements that cars may make. Segments at the edge of a
// network, which only lead in or out, are never part of it. 0 when no segment
// is open to cars.
func (c *City) LargestSCC() unit.Share {
	open, largest := 0, 0
	for s := range c.Segments.rows {
		if c.Open(SegmentID(s), Car) {
			open++
		}
	}
	if open == 0 {
		return 0
	}
	for _, size := range components(c.reach()) {
		largest = max(largest, size)
	}
	return unit.Share(largest) / unit.Share(open)
}

// reach returns the segments that a car on each segment can turn into. A
// segment that is closed to cars reaches nothing and is reached by nothing.
func (c *City) reach() adjacency[SegmentID, SegmentID] {
	var arcs [][2]SegmentID
	for _, m := range c.Movements.rows {
		from, to := c.Lanes.rows[m.From], c.Lanes.rows[m.To]
		if (m.Allow & from.Allow & to.Allow).Has(Car) {
			arcs = append(arcs, [2]SegmentID{from.Segment, to.Segment})
		}
	}
	return group(len(c.Segments.rows), len(arcs), func(i int) (SegmentID, SegmentID) { return arcs[i][0], arcs[i][1] })
}

// components returns the sizes of the strongly connected components: Tarjan,
// SIAM J. Computing 1 (1972), with its recursion kept on a stack of its own so
// that a long chain of segments cannot exhaust the goroutine's.
func components(g adjacency[SegmentID, SegmentID]) (sizes []int) {
	n := len(g.start) - 1
	index, low := make([]int, n), make([]int, n) // index: order of discovery from 1, 0 unseen
	held := make([]bool, n)                      // on the stack of open components
	next := append([]uint32(nil), g.start[:n]...)
	var stack, calls []SegmentID
	seen := 0
	visit := func(v SegmentID) {
		seen++
		index[v], low[v], held[v] = seen, seen, true
		stack, calls = append(stack, v), append(calls, v)
	}
	for root := range n {
		if index[root] == 0 {
			visit(SegmentID(root))
		}
		for len(calls) > 0 {
			v := calls[len(calls)-1]
			if next[v] < g.start[v+1] {
				w := g.items[next[v]]
				next[v]++
				if index[w] == 0 {
					visit(w)
				} else if held[w] {
					low[v] = min(low[v], index[w])
				}
				continue
			}
			calls = calls[:len(calls)-1]
			if len(calls) > 0 {
				up := calls[len(calls)-1]
				low[up] = min(low[up], low[v])
			}
			if low[v] != index[v] {
				continue
			}
			for size, w := 1, NoSegment; w != v; size++ {
				w = stack[len(stack)-1]
				stack, held[w] = stack[:len(stack)-1], false
				if w == v {
					sizes = append(sizes, size)
				}
			}
		}
	}
	return sizes
}
