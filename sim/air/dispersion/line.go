package dispersion

import "math"

// accuracy sets how finely a link is cut. Each bound is the square of a ratio
// below which one, two or three Gauss nodes are enough; a piece that exceeds
// the last is halved. The error terms behind the defaults are in
// docs/models/dispersion.md.
type accuracy struct {
	across [3]float64 // piece's width across the wind over plume width: (Δy)²/2σ_y²
	along  [3]float64 // half the piece's reach along the wind over its distance
	around [3]float64 // half the piece's length over its distance (meander)
}

// fast is the accuracy of Compute: about 0.1 % on a receptor's total.
var fast = accuracy{
	across: [3]float64{.06, .5, 1.75},
	along:  [3]float64{.004, .055, .175},
	around: [3]float64{.005, .045, .125},
}

// fine is the accuracy of Exact, beyond which cutting changes nothing that
// single precision tables can show.
var fine = accuracy{
	across: [3]float64{0, .002, .02},
	along:  [3]float64{0, .0002, .002},
	around: [3]float64{0, .0002, .002},
}

// shortest is the square of the half length (m²) below which no piece is cut.
const shortest = .01

// mean is the kernel averaged over a straight piece of road with centre (x, y)
// as seen from the receptor (x is positive where the piece lies upwind of it)
// and half vector (hx, hy).
func (k *kernel) mean(x, y, hx, hy float64, acc *accuracy) float64 {
	if ax := math.Abs(hx); x < ax && x > -ax {
		// The plume ends where the road passes the receptor's crosswind line.
		s := -x / hx
		if s > -1 && s < 1 {
			lo, hi := (s-1)/2, (s+1)/2
			return (1+s)/2*k.piece(x+lo*hx, y+lo*hy, (1+s)/2*hx, (1+s)/2*hy, acc) +
				(1-s)/2*k.piece(x+hi*hx, y+hi*hy, (1-s)/2*hx, (1-s)/2*hy, acc)
		}
	}
	return k.piece(x, y, hx, hy, acc)
}

// piece is mean for a piece that lies entirely upwind or downwind.
func (k *kernel) piece(x, y, hx, hy float64, acc *accuracy) float64 {
	r2, h2 := x*x+y*y, hx*hx+hy*hy
	around := h2
	along := hx * hx
	n := level(around, r2, &acc.around)
	if x > 0 {
		i, t := locate(clamp(x, maxDistance))
		p := &k.plume[i&plumeMask]
		s := float64(p.s + t*p.ds)
		gap := math.Max(math.Abs(y)-math.Abs(hy), 0)
		if s*gap*gap < expReach*widening {
			n = max(n, level(4*hy*hy*s, 1, &acc.across), level(along, x*x, &acc.along))
		}
	}
	if n > 2 {
		if h2 < shortest {
			n = 2
		} else {
			qx, qy := hx/2, hy/2
			return (k.piece(x-qx, y-qy, qx, qy, acc) + k.piece(x+qx, y+qy, qx, qy, acc)) / 2
		}
	}
	switch n {
	case 0:
		return k.at(x, y)
	case 1:
		return (k.at(x-gauss2*hx, y-gauss2*hy) + k.at(x+gauss2*hx, y+gauss2*hy)) / 2
	}
	return (5*(k.at(x-gauss3*hx, y-gauss3*hy)+k.at(x+gauss3*hx, y+gauss3*hy)) + 8*k.at(x, y)) / 18
}

// widening bounds how much the plume widens within one piece: a piece reaches
// from its centre to at most twice the distance.
const widening = 5

const (
	gauss2 = 0.5773502691896258
	gauss3 = 0.7745966692414834
)

// level returns 0, 1 or 2 (one, two, three nodes) where v/scale is below the
// bound of that number, 3 where the piece has to be halved.
func level(v, scale float64, bounds *[3]float64) int {
	switch {
	case v < bounds[0]*scale:
		return 0
	case v < bounds[1]*scale:
		return 1
	case v < bounds[2]*scale:
		return 2
	}
	return 3
}
