package sketch

import (
	"math"

	"github.com/paulmach/orb"
	"github.com/paulmach/orb/planar"
)

func sub(a, b orb.Point) orb.Point              { return orb.Point{a[0] - b[0], a[1] - b[1]} }
func along(a, d orb.Point, m float64) orb.Point { return orb.Point{a[0] + d[0]*m, a[1] + d[1]*m} }
func dot(a, b orb.Point) float64                { return a[0]*b[0] + a[1]*b[1] }

// cross is positive when b points to the left of a.
func cross(a, b orb.Point) float64 { return a[0]*b[1] - a[1]*b[0] }

func unitOf(v orb.Point) orb.Point {
	n := math.Hypot(v[0], v[1])
	if n == 0 {
		return orb.Point{0, 1}
	}
	return orb.Point{v[0] / n, v[1] / n}
}

func lineLength(l orb.LineString) float64 { return planar.Length(l) }

func reversed(l orb.LineString) orb.LineString {
	out := make(orb.LineString, len(l))
	for i, p := range l {
		out[len(l)-1-i] = p
	}
	return out
}

// trim cuts lengths off both ends of a line that is longer than their sum.
func trim(l orb.LineString, head, tail float64) orb.LineString {
	return reversed(cutHead(reversed(cutHead(l, head)), tail))
}

func cutHead(l orb.LineString, m float64) orb.LineString {
	for i := 1; i < len(l); i++ {
		d := planar.Distance(l[i-1], l[i])
		if m < d {
			out := append(orb.LineString{along(l[i-1], unitOf(sub(l[i], l[i-1])), m)}, l[i:]...)
			return out
		}
		m -= d
	}
	return l[len(l)-2:]
}

// offset moves a line to its right by m metres, with mitred corners.
func offset(l orb.LineString, m float64) orb.LineString {
	out := make(orb.LineString, len(l))
	for i, p := range l {
		before, after := unitOf(sub(l[min(i+1, len(l)-1)], l[min(i, len(l)-2)])), orb.Point{}
		if i > 0 {
			before = unitOf(sub(l[i], l[i-1]))
		}
		after = before
		if i+1 < len(l) {
			after = unitOf(sub(l[i+1], l[i]))
		}
		n := unitOf(orb.Point{before[1] + after[1], -before[0] - after[0]})
		// A corner sharper than 120 degrees would throw its mitre far out.
		stretch := math.Max(0.5, dot(n, orb.Point{after[1], -after[0]}))
		out[i] = along(p, n, m/stretch)
	}
	return out
}

// curve returns a path from a, heading ha, to b, heading hb: straight when they
// are in line, else a quadratic Bézier curve whose control point is where the
// headings meet, or a cubic one when they do not meet ahead.
func curve(a, ha, b, hb orb.Point) orb.LineString {
	chord := sub(b, a)
	if math.Abs(cross(ha, unitOf(chord))) < 0.02 && dot(ha, hb) > 0.99 {
		return orb.LineString{a, b}
	}
	reach := math.Hypot(chord[0], chord[1])
	c1, c2 := along(a, ha, reach*0.4), along(b, hb, -reach*0.4)
	if det := cross(ha, hb); math.Abs(det) > 0.3 {
		t := cross(chord, hb) / det
		u := cross(chord, ha) / det
		if t > 0 && u < 0 && t < 3*reach && -u < 3*reach {
			corner := along(a, ha, t)
			c1, c2 = between(a, corner, 2./3), between(b, corner, 2./3)
		}
	}
	const pieces = 8
	out := make(orb.LineString, pieces+1)
	for i := range out {
		out[i] = bezier(a, c1, c2, b, float64(i)/pieces)
	}
	return out
}

func between(a, b orb.Point, t float64) orb.Point {
	return orb.Point{a[0] + t*(b[0]-a[0]), a[1] + t*(b[1]-a[1])}
}

func bezier(a, c1, c2, b orb.Point, t float64) orb.Point {
	k, u := [4]float64{}, 1-t
	k[0], k[1], k[2], k[3] = u*u*u, 3*u*u*t, 3*u*t*t, t*t*t
	return orb.Point{k[0]*a[0] + k[1]*c1[0] + k[2]*c2[0] + k[3]*b[0], k[0]*a[1] + k[1]*c1[1] + k[2]*c2[1] + k[3]*b[1]}
}

// meet returns how far along each line their first crossing lies.
func meet(a, b orb.LineString) (onA, onB float64, ok bool) {
	before := 0.0
	for i := 1; i < len(a); i++ {
		u := sub(a[i], a[i-1])
		rest := 0.0
		for j := 1; j < len(b); j++ {
			v := sub(b[j], b[j-1])
			if det := cross(u, v); det != 0 {
				w := sub(b[j-1], a[i-1])
				if t, s := cross(w, v)/det, cross(w, u)/det; t >= 0 && t <= 1 && s >= 0 && s <= 1 {
					return before + t*math.Hypot(u[0], u[1]), rest + s*math.Hypot(v[0], v[1]), true
				}
			}
			rest += math.Hypot(v[0], v[1])
		}
		before += math.Hypot(u[0], u[1])
	}
	return 0, 0, false
}
