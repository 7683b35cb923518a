package match

import (
	"math"

	"github.com/paulmach/orb"
)

// Limits of the common shift: fewer sensors do not tell it, a larger one is no
// drawing error.
const (
	leastSensors = 10
	mostShiftM   = 60.0
	cauchyM      = 4.0 // scale of the weights: sideways error within a good match
	rounds       = 12
)

// commonShift estimates by how much sensors lie beside the network together.
// Only the part of each distance across the road counts: along the road a
// match is blind. It returns zero unless the shift is three times its own
// standard error.
func (m *matcher) commonShift() (shift orb.Point, standardError float64) {
	if m.opt.NoShift || len(m.open) < leastSensors {
		return orb.Point{}, 0
	}
	var fit normal
	for range rounds {
		if fit = m.fit(); fit.n < leastSensors {
			return orb.Point{}, 0
		}
		step, ok := fit.solve()
		if !ok {
			return orb.Point{}, 0
		}
		shift = orb.Point{shift[0] + step[0], shift[1] + step[1]}
		m.find(shift)
		if math.Hypot(step[0], step[1]) < 0.01 {
			break
		}
	}
	size := math.Hypot(shift[0], shift[1])
	standardError = fit.standardError()
	if size > mostShiftM || size < 3*standardError {
		m.find(orb.Point{})
		return orb.Point{}, 0
	}
	return shift, standardError
}

// normal holds the weighted normal equations for a shift from distances across
// roads in many directions.
type normal struct {
	xx, xy, yy, x, y float64
	n                int
	weight, residual float64
}

func (m *matcher) fit() (f normal) {
	for i := range m.open {
		if len(m.open[i].candidates) == 0 || m.open[i].candidates[0].cost > noneCost {
			continue
		}
		c := m.open[i].candidates[0]
		rad := c.foot.heading.Rad()
		nx, ny := math.Cos(rad), -math.Sin(rad) // to the right of the road
		r := c.foot.offset[0]*nx + c.foot.offset[1]*ny
		w := 1 / (1 + r*r/(cauchyM*cauchyM))
		f.xx, f.xy, f.yy = f.xx+w*nx*nx, f.xy+w*nx*ny, f.yy+w*ny*ny
		f.x, f.y = f.x+w*r*nx, f.y+w*r*ny
		f.weight, f.residual, f.n = f.weight+w, f.residual+w*r*r, f.n+1
	}
	return f
}

// solve fails when all roads run the same way: across them is all one knows.
func (f normal) solve() (step orb.Point, ok bool) {
	det := f.xx*f.yy - f.xy*f.xy
	if trace := f.xx + f.yy; det < 0.02*trace*trace {
		return orb.Point{}, false
	}
	return orb.Point{(f.yy*f.x - f.xy*f.y) / det, (f.xx*f.y - f.xy*f.x) / det}, true
}

// standardError of the shift in its worse direction.
func (f normal) standardError() float64 {
	variance := f.residual / f.weight
	mean, diff := (f.xx+f.yy)/2, math.Hypot((f.xx-f.yy)/2, f.xy)
	return math.Sqrt(variance / (mean - diff))
}
