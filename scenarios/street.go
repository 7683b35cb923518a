package scenarios

import (
	"slices"
	"strings"

	"tideway/geo"
)

// street returns the segments of a street between two cross streets: those of
// the shortest way along it, in the directions asked for.
func (b *builder) street(s *Street) []geo.SegmentID {
	named := b.named(s.Name)
	if len(named) == 0 {
		b.problem(s.Name, "is not the name of a street of city %s", b.city.Name)
		return nil
	}
	if s.From == "" && s.To == "" {
		return named
	}
	begin, end := b.crossing(named, s.From), b.crossing(named, s.To)
	if len(begin) == 0 || len(end) == 0 {
		missing := s.From
		if len(begin) > 0 {
			missing = s.To
		}
		b.problem(s.text(), "%q does not meet %q", missing, s.Name)
		return nil
	}
	way := b.along(named, begin, end)
	if way == nil {
		b.problem(s.text(), "%q does not lead from %q to %q without a gap", s.Name, s.From, s.To)
		return nil
	}
	return b.pieces(named, way, s.Way)
}

func (s *Street) text() string { return s.Name + " from " + s.From + " to " + s.To }

func (b *builder) named(name string) (out []geo.SegmentID) {
	for i, seg := range b.city.Segments.All() {
		if seg.Name != "" && strings.EqualFold(seg.Name, name) {
			out = append(out, i)
		}
	}
	return out
}

// crossing returns the nodes of the street where a segment with the other name
// begins or ends.
func (b *builder) crossing(street []geo.SegmentID, other string) (out []geo.NodeID) {
	for _, id := range street {
		seg := b.city.Segments.At(id)
		for _, n := range []geo.NodeID{seg.From, seg.To} {
			meets := func(x geo.SegmentID) bool { return strings.EqualFold(b.city.Segments.At(x).Name, other) }
			if slices.ContainsFunc(b.city.Out(n), meets) || slices.ContainsFunc(b.city.In(n), meets) {
				out = append(out, n)
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// along returns the nodes of the way with the fewest segments over the street,
// driven in either direction, from one of begin to one of end.
func (b *builder) along(street []geo.SegmentID, begin, end []geo.NodeID) []geo.NodeID {
	before := map[geo.NodeID]geo.NodeID{}
	queue := slices.Clone(begin)
	for _, n := range begin {
		before[n] = n
	}
	for len(queue) > 0 {
		n := queue[0]
		queue = queue[1:]
		if slices.Contains(end, n) {
			return trace(before, n)
		}
		for _, id := range street {
			seg := b.city.Segments.At(id)
			for _, hop := range [][2]geo.NodeID{{seg.From, seg.To}, {seg.To, seg.From}} {
				if _, seen := before[hop[1]]; hop[0] == n && !seen {
					before[hop[1]] = n
					queue = append(queue, hop[1])
				}
			}
		}
	}
	return nil
}

func trace(before map[geo.NodeID]geo.NodeID, n geo.NodeID) (way []geo.NodeID) {
	for {
		way = append(way, n)
		if before[n] == n {
			slices.Reverse(way)
			return way
		}
		n = before[n]
	}
}

// pieces returns the street's segments between neighbours of the way.
func (b *builder) pieces(street []geo.SegmentID, way []geo.NodeID, direction string) (out []geo.SegmentID) {
	for _, id := range street {
		seg := b.city.Segments.At(id)
		i, k := slices.Index(way, seg.From), slices.Index(way, seg.To)
		if i < 0 || k < 0 || i-k != 1 && k-i != 1 {
			continue
		}
		if forward := k > i; direction == "" || direction == "both" || (direction == "forward") == forward {
			out = append(out, id)
		}
	}
	return out
}
