package match

import (
	"cmp"
	"math"
	"slices"

	"github.com/paulmach/orb/planar"

	"tideway/geo"
)

// lanes tells sensors that measure the same at one spot of a segment apart: each
// of them sees one lane, from the right in the order in which they lie across
// the street (of equal places, in the order of their ids). A sensor that is
// alone at its spot sees the whole segment.
func (m *matcher) lanes() {
	on := map[geo.SegmentID][]int{}
	var segments []geo.SegmentID
	for i := range m.open {
		if s := m.sensors[m.open[i].sensor].Segment; s != geo.NoSegment {
			on[s], segments = append(on[s], i), append(segments, s)
		}
	}
	slices.Sort(segments)
	for _, s := range slices.Compact(segments) {
		for _, i := range on[s] {
			if here := m.besides(i, on[s]); len(here) > 1 && here[0] == i {
				m.spread(s, here)
			}
		}
	}
}

// besides returns the spots on a segment that see what spot i sees, in the
// order given, with i itself.
func (m *matcher) besides(i int, spots []int) (out []int) {
	here := m.open[i].candidates[m.open[i].taken].at
	for _, k := range spots {
		q := &m.open[k]
		if there := q.candidates[q.taken].at; there-here < sameSpot && here-there < sameSpot && m.sameMeasure(m.open[i].sensor, q.sensor) {
			out = append(out, k)
		}
	}
	return out
}

// spread gives the spots of one place of segment s a lane each: neighbouring
// ones, where fewer sensors than lanes are there those that lie nearest.
func (m *matcher) spread(s geo.SegmentID, spots []int) {
	first, n := m.city.LanesOf(s)
	if len(spots) > n {
		return
	}
	slices.SortFunc(spots, func(a, b int) int {
		return cmp.Or(cmp.Compare(m.open[b].side(), m.open[a].side()), cmp.Compare(m.sensors[m.open[a].sensor].ID, m.sensors[m.open[b].sensor].ID))
	})
	best, least := 0, -1.0
	for from := 0; from+len(spots) <= n; from++ {
		sum := 0.0
		for k, i := range spots {
			d := planar.DistanceFrom(m.city.Lanes.At(first+geo.LaneID(from+k)).Shape, m.open[i].at)
			sum += d * d
		}
		if least < 0 || sum < least {
			best, least = from, sum
		}
	}
	for k, i := range spots {
		m.sensors[m.open[i].sensor].Lane = first + geo.LaneID(best+k)
	}
}

// side is how far to the right, seen in the driving direction of its segment, a
// spot lies, in metres from any fixed point.
func (p *spot) side() float64 {
	sin, cos := math.Sincos(p.candidates[p.taken].foot.heading.Rad())
	return p.at[0]*cos - p.at[1]*sin
}
