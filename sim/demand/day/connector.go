package day

import (
	"slices"

	"tideway/geo"
	"tideway/internal/rng"
	"tideway/sim/demand"
)

// connectors draws a segment of a zone by weight.
type connectors struct {
	segments   []geo.SegmentID
	cumulative []float64
}

func newConnectors(list []demand.Connector) (c connectors) {
	var sum float64
	for _, x := range list {
		sum += x.Weight
		c.segments, c.cumulative = append(c.segments, x.Segment), append(c.cumulative, sum)
	}
	return c
}

func (c connectors) draw(s *rng.Stream) geo.SegmentID {
	return c.segments[pick(c.cumulative, s)]
}

// pick draws a position in proportion to the growth of a cumulative sum.
func pick(cumulative []float64, s *rng.Stream) int {
	at := s.Float64() * cumulative[len(cumulative)-1]
	i, found := slices.BinarySearch(cumulative, at)
	if found { // exactly on a bound: it belongs to the next
		i++
	}
	return min(i, len(cumulative)-1)
}
