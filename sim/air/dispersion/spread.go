package dispersion

import "math"

// spread is what the kernel needs to know at one downwind distance.
type spread struct {
	u      float64 // effective wind U_e, m/s
	sigmaZ float64 // m
}

// effective solves U_e = √(2σ_v² + U(z̄)²) where the mean plume height z̄ depends
// on σ_z and σ_z on U_e. The right side falls with U_e, so there is exactly one
// solution; R-LINE iterates to 1 % on σ_z, here it is found to rounding. U_e
// grows with distance, so that of a smaller distance may be given as least.
func (a *air) effective(x float64, s source, least float64) spread {
	lo := math.Max(least, root2*a.sigmaV)
	hi := a.windOf(x, lo, s)
	if hi <= lo {
		return spread{lo, a.sigmaZ(x, lo, s.sigmaZ0)}
	}
	flo, fhi := hi-lo, a.windOf(x, hi, s)-hi
	side := 0
	for range maxIterations {
		if hi-lo <= 1e-13*hi || fhi == 0 {
			break
		}
		m := hi - fhi*(hi-lo)/(fhi-flo)
		fm := a.windOf(x, m, s) - m
		if math.Abs(fm) <= 1e-14*m {
			hi = m
			break
		}
		// Regula falsi; an end that stays twice counts half (Illinois).
		if fm < 0 {
			hi, fhi = m, fm
			if side == 1 {
				flo /= 2
			}
			side = 1
		} else {
			lo, flo = m, fm
			if side == -1 {
				fhi /= 2
			}
			side = -1
		}
	}
	return spread{hi, a.sigmaZ(x, hi, s.sigmaZ0)}
}

const maxIterations = 60

// windOf is U_e of the plume that an effective wind u makes.
func (a *air) windOf(x, u float64, s source) float64 {
	z := a.meanHeight(a.sigmaZ(x, u, s.sigmaZ0), s.height)
	w := a.wind(math.Max(z, s.height), s.height)
	return math.Sqrt(2*a.sigmaV*a.sigmaV + w*w)
}

// meanHeight is the mean height of a plume released at h.
func (a *air) meanHeight(sigmaZ, h float64) float64 {
	if sigmaZ == 0 {
		return h
	}
	q := h / sigmaZ
	return root2OnPi*sigmaZ*math.Exp(-.5*q*q) + h*math.Erf(q/root2)
}

// share is f, the part of the material that meanders: 2σ_v²/U_e².
func (a *air) share(u float64) float64 { return 2 * a.sigmaV * a.sigmaV / (u * u) }

// factors are the kernel at one distance for a receptor height:
//
//	plume(x,y) = amplitude·exp(−narrow·y²)   for x > 0
//	meander(r) = f(|x|)·radial(r)
type factors struct{ amplitude, narrow, f, radial float64 }

// factors is the kernel at distance x for receptor height z and source height h.
func (a *air) factors(x, z, h float64, p spread) factors {
	v := vertical(p.sigmaZ, p.u, h, z)
	sy := a.sigmaY(p.sigmaZ)
	f := a.share(p.u)
	return factors{amplitude: v * (1 - f) / (root2Pi * sy), narrow: 1 / (2 * sy * sy), f: f, radial: v / (2 * math.Pi * x)}
}

// vertical is the vertical part of the Gaussian plume with reflection at the
// ground, 1/(m²/s).
func vertical(sigmaZ, u, h, z float64) float64 {
	lo, hi := (h-z)/sigmaZ, (h+z)/sigmaZ
	return root2OnPi * (math.Exp(-.5*lo*lo) + math.Exp(-.5*hi*hi)) / (2 * sigmaZ * u)
}
