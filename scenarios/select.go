package scenarios

import (
	"slices"
	"strings"

	"github.com/paulmach/orb"
	"github.com/paulmach/orb/planar"

	"tideway/geo"
)

// ways counts how many ways of selecting are used.
func (s *Selector) ways() (n int) {
	for _, used := range []bool{len(s.ID) > 0, s.Street != nil, len(s.Polygon) > 0, s.Zone != "", s.Tag != "", s.All, len(s.From)+len(s.To) > 0} {
		if used {
			n++
		}
	}
	return n
}

// segments returns what the selector names, in id order. Every id that does
// not exist, and a selector that matches nothing, is a problem.
func (b *builder) segments(s *Selector) []geo.SegmentID {
	var out []geo.SegmentID
	before := b.bad.Len()
	switch {
	case len(s.ID) > 0:
		out = findAll(b, s.ID, b.city.Segments.Find, "segment")
	case s.Street != nil:
		out = b.street(s.Street)
	case s.All:
		for i := range b.city.Segments.All() {
			out = append(out, i)
		}
	case s.Tag != "":
		for i, seg := range b.city.Segments.All() {
			if slices.Contains(seg.Tags, s.Tag) {
				out = append(out, i)
			}
		}
	default:
		if area, ok := b.area(s); ok {
			out = b.city.InPolygon(area)
		}
	}
	if len(out) == 0 && b.bad.Len() == before {
		b.problem(s.text(), "selector matches no segment of city %s", b.city.Name)
	}
	return out
}

func findAll[I ~uint32](b *builder, ids []string, find func(string) (I, bool), what string) (out []I) {
	for _, id := range ids {
		if i, ok := find(id); ok {
			out = append(out, i)
		} else {
			b.problem(id, "is not a %s of city %s (version %s)", what, b.city.Name, b.base.City.Version)
		}
	}
	slices.Sort(out)
	return out
}

// area returns the polygon or the zone's area.
func (b *builder) area(s *Selector) (orb.MultiPolygon, bool) {
	if s.Zone != "" {
		z, ok := b.city.Zones.Find(s.Zone)
		if !ok {
			b.problem(s.Zone, "is not a zone of city %s", b.city.Name)
			return nil, false
		}
		return b.city.Zones.At(z).Area, true
	}
	if len(s.Polygon) < 3 {
		b.problem("", "polygon has %d points, expected at least 3", len(s.Polygon))
		return nil, false
	}
	ring := make(orb.Ring, len(s.Polygon), len(s.Polygon)+1)
	for i, q := range s.Polygon {
		ring[i] = orb.Point(q)
	}
	if !ring.Closed() {
		ring = append(ring, ring[0])
	}
	return orb.MultiPolygon{{ring}}, true
}

// signals returns the selected signals: by id, or those that stand at the
// selected segments' ends or inside the area.
func (b *builder) signals(s *Selector) []geo.SignalID {
	var out []geo.SignalID
	before := b.bad.Len()
	switch {
	case len(s.ID) > 0:
		out = findAll(b, s.ID, b.city.Signals.Find, "signal")
	case s.All:
		for i := range b.city.Signals.All() {
			out = append(out, i)
		}
	case s.Street != nil || s.Tag != "":
		out = b.signalsAt(b.segments(s))
	default:
		if area, ok := b.area(s); ok {
			out = b.signalsIn(area)
		}
	}
	if len(out) == 0 && b.bad.Len() == before {
		b.problem(s.text(), "selector matches no signal of city %s", b.city.Name)
	}
	return out
}

func (b *builder) signalsAt(segments []geo.SegmentID) (out []geo.SignalID) {
	for _, s := range segments {
		first, n := b.city.LanesOf(s)
		for l := first; l < first+geo.LaneID(n); l++ {
			for _, m := range b.city.MovementsFrom(l) {
				if sig := b.city.Movements.At(m).Signal; sig != geo.NoSignal {
					out = append(out, sig)
				}
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func (b *builder) signalsIn(area orb.MultiPolygon) (out []geo.SignalID) {
	for i := range b.city.Signals.All() {
		var middle orb.Point
		of := b.city.MovementsOf(i)
		for _, m := range of {
			xy := b.city.Nodes.At(b.city.Movements.At(m).Node).XY
			middle[0] += xy[0] / float64(len(of))
			middle[1] += xy[1] / float64(len(of))
		}
		if len(of) > 0 && planar.MultiPolygonContains(area, b.city.Frame.LonLat(middle)) {
			out = append(out, i)
		}
	}
	return out
}

// lanes returns the selected lanes: by lane id ("segment_index"), or those of
// the selected segments, all or by index.
func (b *builder) lanes(s *Selector) []geo.LaneID {
	if len(s.ID) > 0 && len(s.LaneIndex) == 0 {
		return findAll(b, s.ID, b.city.Lanes.Find, "lane")
	}
	var out []geo.LaneID
	for _, seg := range b.segments(s) {
		first, n := b.city.LanesOf(seg)
		for i := range n {
			if len(s.LaneIndex) == 0 || slices.Contains(s.LaneIndex, i) {
				out = append(out, first+geo.LaneID(i))
			}
		}
		for _, i := range s.LaneIndex {
			if i < 0 || i >= n {
				b.problem(b.city.Segments.At(seg).ID, "has no lane %d, expected 0 to %d", i, n-1)
			}
		}
	}
	return out
}

// turns returns the movements that lead from one of From to one of To; an
// empty list stands for every segment.
func (b *builder) turns(s *Selector) []geo.MovementID {
	before := b.bad.Len()
	from, to := findAll(b, s.From, b.city.Segments.Find, "segment"), findAll(b, s.To, b.city.Segments.Find, "segment")
	if b.bad.Len() > before {
		return nil
	}
	var out []geo.MovementID
	for i, m := range b.city.Movements.All() {
		a, z := b.city.Lanes.At(m.From).Segment, b.city.Lanes.At(m.To).Segment
		if (len(from) == 0 || slices.Contains(from, a)) && (len(to) == 0 || slices.Contains(to, z)) {
			out = append(out, i)
		}
	}
	if len(out) == 0 {
		b.problem(s.text(), "selector matches no turn of city %s", b.city.Name)
	}
	return out
}

// text returns the selector as a reader would say it.
func (s *Selector) text() string {
	switch {
	case s.Street != nil && s.Street.From+s.Street.To != "":
		return s.Street.Name + " from " + s.Street.From + " to " + s.Street.To
	case s.Street != nil:
		return s.Street.Name
	case s.Zone != "":
		return "zone " + s.Zone
	case s.Tag != "":
		return "tag " + s.Tag
	case len(s.Polygon) > 0:
		return "polygon"
	case len(s.From)+len(s.To) > 0:
		return "from " + strings.Join(s.From, ", ") + " to " + strings.Join(s.To, ", ")
	}
	return strings.Join(s.ID, ", ")
}
