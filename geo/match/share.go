package match

import (
	"slices"

	"tideway/geo"
	"tideway/unit"
)

// sameSpot is how near along a segment two sensors see the same cross-section.
const sameSpot unit.Length = 12

// share keeps more sensors from one spot of a segment than it has lanes: the
// one that loses least by it moves to its next candidate. Each move uses up a
// candidate, so it ends.
func (m *matcher) share() {
	on := map[geo.SegmentID][]int{} // spots by the segment they have
	var ask []geo.SegmentID         // segments to look at
	for i := range m.open {
		if p := &m.open[i]; len(p.candidates) > 0 {
			s := p.candidates[p.taken].segment
			on[s], ask = append(on[s], i), append(ask, s)
		}
	}
	slices.Sort(ask)
	for len(ask) > 0 {
		s := ask[0]
		i := m.leastLoss(s, on[s])
		if i < 0 {
			ask = ask[1:]
			continue
		}
		p := &m.open[i]
		p.taken++
		p.moved = true
		to := p.candidates[p.taken].segment
		on[s] = slices.DeleteFunc(on[s], func(k int) bool { return k == i })
		on[to], ask = append(on[to], i), append(ask, to)
	}
}

// leastLoss finds, among the spots that crowd segment s, the one whose next
// candidate costs least more; -1 when none is crowded or nobody can move.
func (m *matcher) leastLoss(s geo.SegmentID, spots []int) int {
	best, loss := -1, noneCost
	for _, i := range spots {
		p := &m.open[i]
		if p.taken+1 >= len(p.candidates) || p.candidates[p.taken+1].cost >= noneCost || !m.crowded(s, i, spots) {
			continue
		}
		if more := p.candidates[p.taken+1].cost - p.candidates[p.taken].cost; more < loss {
			best, loss = i, more
		}
	}
	return best
}

// crowded reports whether more sensors that measure the same sit where spot i
// sits than the segment has lanes.
func (m *matcher) crowded(s geo.SegmentID, i int, spots []int) bool {
	_, lanes := m.city.LanesOf(s)
	return len(m.besides(i, spots)) > lanes
}

// sameMeasure: a flow and a speed channel may well share one loop.
func (m *matcher) sameMeasure(a, b int) bool {
	for _, x := range m.sensors[a].Measures {
		for _, y := range m.sensors[b].Measures {
			if x.Quantity == y.Quantity {
				return true
			}
		}
	}
	return false
}
