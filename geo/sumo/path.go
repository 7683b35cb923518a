package sumo

import (
	"math"

	"github.com/paulmach/orb"
	"github.com/paulmach/orb/planar"

	"tideway/unit"
)

// path is the way of a movement across its junction: a line with the driven
// distance at each of its points. Driven distances come from the lanes' given
// lengths, which may differ from those of their shapes.
type path struct {
	line orb.LineString
	at   []float64
}

func (p path) length() unit.Length {
	if len(p.at) == 0 {
		return 0
	}
	return unit.Length(p.at[len(p.at)-1])
}

// chainPath joins internal lanes to one path. wait is where the last of them
// begins when there are several: the internal junction.
func chainPath(chain []*rawLane) (p path, wait unit.Length) {
	driven := 0.0
	for k, lane := range chain {
		if k > 0 {
			wait = unit.Length(centimetres(driven))
		}
		scale, along := 0.0, 0.0
		if drawn := planar.Length(lane.shape); drawn > 0 {
			scale = lane.length / drawn
		}
		for i, q := range lane.shape {
			if i > 0 {
				along += planar.Distance(lane.shape[i-1], q)
			} else if k > 0 && q == end(p.line) {
				continue
			}
			p.line, p.at = append(p.line, q), append(p.at, driven+along*scale)
		}
		driven += lane.length
		p.at[len(p.at)-1] = centimetres(driven)
	}
	return p, wait
}

// meet returns where two paths meet, as driven distances: at the first point
// of p where the lines cut, else where they come nearest, and that distance.
func meet(p, q path) (at, foeAt, apart unit.Length) {
	best, a, b := math.Inf(1), 0.0, 0.0
	for i := 1; i < len(p.line); i++ {
		for j := 1; j < len(q.line); j++ {
			d, s, t := approach(p.line[i-1], p.line[i], q.line[j-1], q.line[j])
			if d < best-1e-9 {
				best, a, b = d, p.at[i-1]+s*(p.at[i]-p.at[i-1]), q.at[j-1]+t*(q.at[j]-q.at[j-1])
			}
		}
		if best == 0 {
			break
		}
	}
	return unit.Length(centimetres(a)), unit.Length(centimetres(b)), unit.Length(best)
}

// approach returns the least distance between segments ab and cd and where on
// each, 0 to 1, it is reached.
func approach(a, b, c, d orb.Point) (dist, s, t float64) {
	u, v, w := sub(b, a), sub(d, c), sub(c, a)
	if det := cross(u, v); det != 0 {
		s, t = cross(w, v)/det, cross(w, u)/det
		if s >= 0 && s <= 1 && t >= 0 && t <= 1 {
			return 0, s, t
		}
	}
	dist = math.Inf(1)
	try := func(x, y float64) {
		e := math.Hypot(c[0]+y*v[0]-a[0]-x*u[0], c[1]+y*v[1]-a[1]-x*u[1])
		if e < dist {
			dist, s, t = e, x, y
		}
	}
	try(foot(c, a, u), 0)
	try(foot(d, a, u), 1)
	try(0, foot(a, c, v))
	try(1, foot(b, c, v))
	return dist, s, t
}

// foot returns where on a+x*u, x from 0 to 1, the point q is nearest.
func foot(q, a, u orb.Point) float64 {
	n := u[0]*u[0] + u[1]*u[1]
	if n == 0 {
		return 0
	}
	w := sub(q, a)
	return math.Max(0, math.Min(1, (w[0]*u[0]+w[1]*u[1])/n))
}

func sub(a, b orb.Point) orb.Point { return orb.Point{a[0] - b[0], a[1] - b[1]} }

func cross(u, v orb.Point) float64 { return u[0]*v[1] - u[1]*v[0] }

func end(l orb.LineString) orb.Point { return l[len(l)-1] }

// centimetres rounds to the precision of SUMO's own files.
func centimetres(m float64) float64 { return math.Round(m*100) / 100 }
