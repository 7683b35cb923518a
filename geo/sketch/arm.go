package sketch

import (
	"cmp"
	"math"
	"slices"

	"github.com/paulmach/orb"

	"tideway/geo"
)

// arm is one road as seen from one of its nodes.
type arm struct {
	road    int
	away    orb.Point // unit direction out of the node
	bearing float64   // of away, degrees clockwise from north
	in, out int       // lanes into and out of the node
	halfM   float64   // half the width of the road
	class   geo.RoadClass
	rank    int
	median  bool

	inSegment, outSegment geo.SegmentID // NoSegment when there are no lanes
}

// findArms lists the arms of every node clockwise, and how far from the node's
// centre each road ends.
func (b *builder) findArms() {
	b.arms = make([][]arm, len(b.s.Nodes))
	b.back = make([][2]float64, len(b.s.Roads))
	segments := geo.SegmentID(0)
	for i, r := range b.s.Roads {
		forward, backward := geo.NoSegment, geo.NoSegment
		if r.Forward > 0 {
			forward = segments
			segments++
		}
		if r.Backward > 0 {
			backward = segments
			segments++
		}
		axis := b.axis(r)
		last := len(axis) - 1
		a := arm{road: i, halfM: float64(r.Forward+r.Backward) * laneWidthM / 2, class: r.Class, rank: r.Rank, median: r.Median}
		a.away, a.in, a.out, a.inSegment, a.outSegment = unitOf(sub(axis[1], axis[0])), r.Backward, r.Forward, backward, forward
		b.arms[r.From] = append(b.arms[r.From], a)
		a.away, a.in, a.out, a.inSegment, a.outSegment = unitOf(sub(axis[last-1], axis[last])), r.Forward, r.Backward, forward, backward
		b.arms[r.To] = append(b.arms[r.To], a)
	}
	for n, arms := range b.arms {
		for k := range arms {
			arms[k].bearing = math.Mod(math.Atan2(arms[k].away[0], arms[k].away[1])*180/math.Pi+360, 360)
		}
		slices.SortFunc(arms, func(x, y arm) int {
			return cmp.Or(cmp.Compare(x.bearing, y.bearing), cmp.Compare(x.road, y.road), cmp.Compare(x.inSegment, y.inSegment))
		})
		b.setBack(n)
	}
	b.shareShortRoads()
}

// setBack moves the ends of the roads of a node away from its centre, until
// neighbouring ones no longer overlap and corners are left.
func (b *builder) setBack(n int) {
	arms := b.arms[n]
	for k, a := range arms {
		m := 0.0
		switch len(arms) {
		case 1:
		case 2:
			m = 1
		default:
			m = math.Max(sideM(a, arms[(k+1)%len(arms)]), sideM(a, arms[(k+len(arms)-1)%len(arms)])) + cornerM
		}
		end := 0
		if b.s.Roads[a.road].To == n {
			end = 1
		}
		b.back[a.road][end] = math.Min(m, mostBackM)
	}
}

// sideM is how far out along a the edge of a meets that of its neighbour.
func sideM(a, neighbour arm) float64 {
	sin, cos := math.Abs(cross(a.away, neighbour.away)), dot(a.away, neighbour.away)
	if sin < 0.17 { // within 10 degrees of parallel
		if cos < 0 {
			return neighbour.halfM / 2
		}
		return mostBackM
	}
	return math.Max(0, (neighbour.halfM+a.halfM*cos)/sin)
}

// shareShortRoads keeps at least a few metres of every road.
func (b *builder) shareShortRoads() {
	for i, r := range b.s.Roads {
		length := lineLength(b.axis(r))
		if over := b.back[i][0] + b.back[i][1] - (length - leastRoadM); over > 0 {
			keep := math.Max(0.2*length, length-leastRoadM) / (b.back[i][0] + b.back[i][1])
			b.back[i][0] *= math.Min(keep, 1)
			b.back[i][1] *= math.Min(keep, 1)
		}
	}
}
