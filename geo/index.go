package geo

import (
	"math"

	"github.com/paulmach/orb"
	"github.com/paulmach/orb/planar"
	"github.com/tidwall/rtree"

	"tideway/unit"
)

// segmentIndex finds segments by place. Never changed after it was built, so
// cities that share a geometry share it.
type segmentIndex struct{ tree rtree.RTreeG[SegmentID] }

func newSegmentIndex(segments []Segment) *segmentIndex {
	x := &segmentIndex{}
	for i, s := range segments {
		b := s.Shape.Bound()
		x.tree.Insert(b.Min, b.Max, SegmentID(i))
	}
	return x
}

// Near is a segment found near a point.
type Near struct {
	Segment  SegmentID
	Distance unit.Length // from the point to the segment's shape
	At       unit.Length // foot of the perpendicular, along the shape
	Heading  unit.Angle  // of the shape there
}

// Nearest returns the segments within reach of a position in metres, nearest
// first; equal distances in id order are not promised.
func (c *City) Nearest(xy orb.Point, reach unit.Length, most int) []Near {
	var out []Near
	box := func(lo, hi [2]float64, id SegmentID, item bool) float64 {
		if item {
			return float64(c.project(id, xy).Distance)
		}
		dx := math.Max(0, math.Max(lo[0]-xy[0], xy[0]-hi[0]))
		dy := math.Max(0, math.Max(lo[1]-xy[1], xy[1]-hi[1]))
		return math.Hypot(dx, dy)
	}
	c.index.tree.Nearby(box, func(_, _ [2]float64, id SegmentID, d float64) bool {
		if d > float64(reach) || len(out) == most {
			return false
		}
		out = append(out, c.project(id, xy))
		return true
	})
	return out
}

// project returns the foot of xy on the shape of segment s.
func (c *City) project(s SegmentID, xy orb.Point) Near {
	best, along := Near{Segment: s, Distance: unit.Length(math.Inf(1))}, 0.0
	shape := c.Segments.rows[s].Shape
	for i := 1; i < len(shape); i++ {
		a, b := shape[i-1], shape[i]
		length, t := planar.Distance(a, b), 0.0
		if length > 0 {
			t = ((xy[0]-a[0])*(b[0]-a[0]) + (xy[1]-a[1])*(b[1]-a[1])) / (length * length)
			t = math.Max(0, math.Min(1, t))
		}
		foot := orb.Point{a[0] + t*(b[0]-a[0]), a[1] + t*(b[1]-a[1])}
		if d := unit.Length(planar.Distance(xy, foot)); d < best.Distance {
			best.Distance, best.At, best.Heading = d, unit.Length(along+t*length), bearing(a, b)
		}
		along += length
	}
	return best
}

// InBox calls visit for every segment whose bounding box meets b (metres), in
// no promised order, until visit returns false.
func (c *City) InBox(b orb.Bound, visit func(SegmentID) bool) {
	c.index.tree.Search(b.Min, b.Max, func(_, _ [2]float64, id SegmentID) bool { return visit(id) })
}

// InPolygon returns, in id order, the segments whose midpoint lies in the
// lon/lat area.
func (c *City) InPolygon(area orb.MultiPolygon) []SegmentID {
	var out []SegmentID
	bound := area.Bound()
	for i := range c.Segments.rows {
		mid := c.Frame.LonLat(c.Midpoint(SegmentID(i)))
		if bound.Contains(mid) && planar.MultiPolygonContains(area, mid) {
			out = append(out, SegmentID(i))
		}
	}
	return out
}

// Midpoint returns the point halfway along the shape of s, in metres.
func (c *City) Midpoint(s SegmentID) orb.Point {
	shape := c.Segments.rows[s].Shape
	return PointAlong(shape, unit.Length(planar.Length(shape)/2))
}

// Bound returns the box around all nodes and shapes, in metres.
func (c *City) Bound() orb.Bound {
	lo, hi := c.index.tree.Bounds()
	return orb.Bound{Min: lo, Max: hi}
}

// PointAlong returns the point at the given distance along a line in metres,
// clamped to its ends.
func PointAlong(line orb.LineString, at unit.Length) orb.Point {
	rest := float64(at)
	for i := 1; i < len(line); i++ {
		d := planar.Distance(line[i-1], line[i])
		if rest <= d && d > 0 {
			t := math.Max(0, rest/d)
			return orb.Point{line[i-1][0] + t*(line[i][0]-line[i-1][0]), line[i-1][1] + t*(line[i][1]-line[i-1][1])}
		}
		rest -= d
	}
	return line[len(line)-1]
}

// PointAt returns the point at a share of a line's length, 0 its begin, 1 its
// end, and the direction of the line there.
func PointAt(line orb.LineString, share unit.Share) (orb.Point, unit.Angle) {
	rest, last := float64(share)*planar.Length(line), len(line)-1
	for i := 1; i <= last; i++ {
		a, b := line[i-1], line[i]
		d := planar.Distance(a, b)
		if d > 0 && (rest <= d || i == last) {
			t := math.Max(0, math.Min(1, rest/d))
			return orb.Point{a[0] + t*(b[0]-a[0]), a[1] + t*(b[1]-a[1])}, bearing(a, b)
		}
		rest -= d
	}
	return line[last], bearing(line[0], line[last])
}

// bearing returns the compass direction from a to b, both in metres.
func bearing(a, b orb.Point) unit.Angle {
	return unit.Angle(math.Atan2(b[0]-a[0], b[1]-a[1]) * 180 / math.Pi).Normal()
}
