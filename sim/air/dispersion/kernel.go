package dispersion

import "math"

// The constants of R-LINE v1.2. Its step guard minDistance keeps a receptor on
// the road finite.
const (
	karman      = .4
	minDistance = 1.0 // m
	minSigmaV   = .2  // m/s
)

var (
	root2     = math.Sqrt(2)
	root2OnPi = math.Sqrt(2 / math.Pi)
	root2Pi   = math.Sqrt(2 * math.Pi)
)

// air is a Met made ready for the kernel: all SI.
type air struct {
	ustar, sigmaV, obukhov, z0, d float64
	scale                         float64 // measured wind over similarity wind at the reference height
	sigmaZMax                     float64
	cosW, sinW                    float64 // of the direction the wind blows to
}

func newAir(m Met) air {
	a := air{ustar: m.FrictionVelocity.MPS(), obukhov: m.Obukhov.M(), z0: m.Roughness.M(), d: m.displacement(),
		sigmaZMax: root2OnPi * m.MixingHeight.M()}
	w := m.ConvectiveVelocity.MPS()
	a.sigmaV = math.Max(minSigmaV, math.Sqrt(.36*w*w+1.9*1.9*a.ustar*a.ustar))
	a.scale = m.Wind.MPS() / a.similarity(m.Reference.M())
	a.sinW, a.cosW = math.Sincos((270 - m.From.Deg()) * math.Pi / 180)
	return a
}

// psi is the stability correction of the wind profile at height z.
func (a *air) psi(z float64) float64 {
	if a.obukhov > 0 {
		return -17 * (1 - math.Exp(-.29*z/a.obukhov))
	}
	x := math.Sqrt(math.Sqrt(1 - 16*z/a.obukhov))
	return 2*math.Log((1+x)/2) + math.Log((1+x*x)/2) - 2*math.Atan(x) + math.Pi/2
}

// similarity is the Monin–Obukhov wind at height z above the displacement height.
func (a *air) similarity(z float64) float64 {
	return a.ustar / karman * (math.Log((z-a.d)/a.z0) - a.psi(z-a.d) + a.psi(a.z0))
}

// wind is the wind at height z for a plume released at h, scaled to the
// measured one. R-LINE takes √2·σ_v inside the displacement height d and the
// similarity wind above, which falls to nothing just above d before it grows:
// plumes of low roads in rough cities then have no effective wind that agrees
// with itself (R-LINE's iteration runs in circles there). Here the wind does
// not fall with height: a plume that starts inside d keeps √2·σ_v until the
// similarity wind exceeds it, and one that starts above d never has a negative
// wind. Elsewhere nothing changes.
func (a *air) wind(z, h float64) float64 {
	least := 0.0
	if h <= a.d {
		least = root2 * a.sigmaV
	}
	if z <= a.d {
		return least * a.scale
	}
	return math.Max(least, a.similarity(z)) * a.scale
}

// source is what the kernel knows of a road: release height and initial spread.
type source struct{ height, sigmaZ0 float64 }

// sigmaZ is the vertical spread at distance x with effective wind u.
func (a *air) sigmaZ(x, u, sigmaZ0 float64) float64 {
	r := a.ustar / u
	s := .57 * r * x
	if a.obukhov > 0 {
		q := x / a.obukhov
		s /= 1 + 3*r*math.Cbrt(q*q)
	} else {
		s *= 1 - 1.5*r*x/a.obukhov
	}
	return math.Min(math.Sqrt(s*s+sigmaZ0*sigmaZ0), a.sigmaZMax)
}

// sigmaY is the lateral spread that goes with a vertical spread.
func (a *air) sigmaY(sigmaZ float64) float64 {
	s := 1.6 * a.sigmaV / a.ustar * sigmaZ
	if a.obukhov > 0 {
		return s * (1 + 2.5*sigmaZ/a.obukhov)
	}
	return s / math.Sqrt(1-sigmaZ/a.obukhov)
}
