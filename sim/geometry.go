package sim

import (
	"math"
	"slices"

	"github.com/paulmach/orb"
	"github.com/paulmach/orb/planar"
)

// Where paths inside a junction meet. Vehicles have width, so a crossing is a
// stretch: as long as the lane crossed is wide, whatever the angle. Two paths from one lane part, and two paths onto one lane merge, at
// the point where their centre lines are partM apart.

const partM = 2.5

// line is a path with the driven distance at its begin and the scale from drawn
// to driven metres.
type line struct {
	shape          orb.LineString
	lengthM, scale float64
}

// innerLine returns the shape of an inner track. A movement that may wait
// inside is cut at its waiting point.
func (n *network) innerLine(t trackID) line {
	tr := &n.tracks[t]
	m := n.links[tr.entry].movement
	mv, way := n.city.Movements.At(m), n.ways[m]
	shape := mv.Shape
	drawn := planar.Length(shape)
	if len(shape) < 2 || drawn == 0 {
		return line{lengthM: tr.lengthM, scale: 1}
	}
	if way.wait != noLink {
		cut := drawn * n.tracks[way.first].lengthM / float64(mv.Length)
		head, tail := cutLine(shape, cut)
		if shape = tail; t == way.first {
			shape = head
		}
		drawn = planar.Length(shape)
	}
	if drawn == 0 {
		return line{lengthM: tr.lengthM, scale: 1}
	}
	return line{shape: shape, lengthM: tr.lengthM, scale: tr.lengthM / drawn}
}

func cutLine(shape orb.LineString, at float64) (head, tail orb.LineString) {
	for i := 1; i < len(shape); i++ {
		d := planar.Distance(shape[i-1], shape[i])
		if at <= d && d > 0 {
			f := at / d
			p := orb.Point{shape[i-1][0] + f*(shape[i][0]-shape[i-1][0]), shape[i-1][1] + f*(shape[i][1]-shape[i-1][1])}
			head = append(append(head, shape[:i]...), p)
			tail = append(append(tail, p), shape[i:]...)
			return head, tail
		}
		at -= d
	}
	return shape, orb.LineString{shape[len(shape)-1], shape[len(shape)-1]}
}

// crossing is a cut of two lines: drawn distances along each.
type crossing struct{ a, b float64 }

// lastCrossing returns the cut farthest along a.
func lastCrossing(a, b orb.LineString) (best crossing, found bool) {
	atA := 0.0
	for i := 1; i < len(a); i++ {
		atB := 0.0
		for j := 1; j < len(b); j++ {
			if s, t, ok := cut(a[i-1], a[i], b[j-1], b[j]); ok {
				x := crossing{a: atA + s*planar.Distance(a[i-1], a[i]), b: atB + t*planar.Distance(b[j-1], b[j])}
				if !found || x.a > best.a {
					best, found = x, true
				}
			}
			atB += planar.Distance(b[j-1], b[j])
		}
		atA += planar.Distance(a[i-1], a[i])
	}
	return best, found
}

// cut returns the shares along pq and rs at which they cross.
func cut(p, q, r, s orb.Point) (t, u float64, ok bool) {
	dx, dy, ex, ey := q[0]-p[0], q[1]-p[1], s[0]-r[0], s[1]-r[1]
	det := dx*ey - dy*ex
	if math.Abs(det) < 1e-12 {
		return 0, 0, false
	}
	fx, fy := r[0]-p[0], r[1]-p[1]
	t, u = (fx*ey-fy*ex)/det, (fx*dy-fy*dx)/det
	return t, u, t >= 0 && t <= 1 && u >= 0 && u <= 1
}

// shared returns the drawn distance from the common begin of two lines up to
// which they are less than partM apart, the whole of the shorter one when they
// never are farther. As in SUMO, the last vertex that near and the distances of
// it and the next tell it, along each line; the farther one counts.
func shared(a, b line) float64 {
	drawnA, drawnB := planar.Length(a.shape), planar.Length(b.shape)
	onA, onB := a.lengthM-beyondM(a.shape, b.shape), b.lengthM-beyondM(b.shape, a.shape)
	return min(max(onA, onB), drawnA, drawnB)
}

// beyondM is the length of the last part of p that is partM or more from q.
func beyondM(p, q orb.LineString) float64 {
	farM := 0.0
	for i := len(p) - 2; i >= 0; i-- {
		pieceM, here, next := planar.Distance(p[i], p[i+1]), distanceTo(q, p[i]), distanceTo(q, p[i+1])
		switch {
		case next <= partM:
			return farM
		case here <= partM:
			return farM + pieceM*(next-partM)/(next-here)
		}
		farM += pieceM
	}
	return farM
}

func distanceTo(l orb.LineString, p orb.Point) float64 {
	best := math.Inf(1)
	for i := 1; i < len(l); i++ {
		best = min(best, planar.DistanceFromSegment(l[i-1], l[i], p))
	}
	return best
}

func (l line) reversed() line {
	l.shape = slices.Clone(l.shape)
	slices.Reverse(l.shape)
	return l
}
