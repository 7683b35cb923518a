package dispersion

import "math"

// The kernel depends on distance alone, apart from the Gaussian in y, so it is
// tabulated once per hour, source kind and receptor height. Nodes are spaced
// evenly inside each octave, so that the bits of a float32 distance are its
// index: no logarithm and no search in the inner loop.
const (
	perOctaveBits = 6
	octaves       = 18 // 1 m to 262 km
	firstExponent = 127
	rows          = octaves << perOctaveBits
	fractionBits  = 23 - perOctaveBits
	firstRow      = firstExponent << perOctaveBits
	maxDistance   = 1<<octaves - 1

	// The arrays are powers of two long so that masked indices need no bounds check.
	plumeMask  = 1<<11 - 1
	radialMask = 1<<12 - 1
)

// row holds the values at a node and their differences to the next.
type row struct{ a, da, s, ds, f, df float32 }

// radialRow holds the radial factor, by squared distance.
type radialRow struct{ m, dm float32 }

// kernel is the tabulated point-source kernel of one kind of source for one
// receptor height.
type kernel struct {
	radial [radialMask + 1]radialRow
	plume  [plumeMask + 1]row
}

// spreads holds what the kernels of one kind of source share, whatever the
// receptor height: the plume at every node of the two tables.
type spreads struct {
	source
	plume  [rows + 1]spread
	radial [2*rows + 1]spread
}

func newSpreads(a *air, s source) *spreads {
	out := &spreads{source: s}
	fill := func(to []spread, distance func(int) float64) {
		u := 0.0
		for i := range to {
			to[i] = a.effective(distance(i), s, u)
			u = to[i].u
		}
	}
	fill(out.plume[:], nodeAt)
	fill(out.radial[:], func(i int) float64 { return math.Sqrt(nodeAt(i)) })
	return out
}

func newKernel(a *air, z float64, s *spreads) *kernel {
	k := new(kernel)
	next := a.factors(nodeAt(0), z, s.height, s.plume[0])
	for i := range rows {
		cur := next
		next = a.factors(nodeAt(i+1), z, s.height, s.plume[i+1])
		k.plume[i] = row{
			float32(cur.amplitude), float32(next.amplitude - cur.amplitude), float32(cur.narrow), float32(next.narrow - cur.narrow),
			float32(cur.f), float32(next.f - cur.f),
		}
	}
	m := a.factors(1, z, s.height, s.radial[0]).radial
	for i := range 2 * rows {
		now := m
		m = a.factors(math.Sqrt(nodeAt(i+1)), z, s.height, s.radial[i+1]).radial
		k.radial[i] = radialRow{float32(now), float32(m - now)}
	}
	return k
}

// nodeAt is the distance (m, or m² for the radial table) of node i.
func nodeAt(i int) float64 {
	e, j := i>>perOctaveBits, i&(1<<perOctaveBits-1)
	return math.Ldexp(1+float64(j)/(1<<perOctaveBits), e)
}

// locate returns the row of a distance and the fraction of the way to the next.
func locate(x float32) (int, float32) {
	b := math.Float32bits(x)
	i := int(b>>fractionBits) - firstRow
	t := float32(b&(1<<fractionBits-1)) * (1.0 / (1 << fractionBits))
	return i, t
}

// at is the kernel at downwind distance x and lateral distance y, s/m³.
func (k *kernel) at(x, y float64) float64 {
	r2 := x*x + y*y
	if x <= 0 {
		return k.meander(x, r2)
	}
	i, t := locate(clamp(x, maxDistance))
	j, u := locate(clamp(r2, maxDistance*float64(maxDistance)))
	p, m := &k.plume[i&plumeMask], &k.radial[j&radialMask]
	c := float64((p.f + t*p.df) * (m.m + u*m.dm))
	if e := float64(p.s+t*p.ds) * (y * y); e < expReach {
		c += float64(p.a+t*p.da) * expNeg(e)
	}
	return c
}

// meander is the part that spreads in all directions.
func (k *kernel) meander(x, r2 float64) float64 {
	i, t := locate(clamp(math.Abs(x), maxDistance))
	j, u := locate(clamp(r2, maxDistance*float64(maxDistance)))
	p, m := &k.plume[i&plumeMask], &k.radial[j&radialMask]
	return float64((p.f + t*p.df) * (m.m + u*m.dm))
}

// clamp holds a distance inside the table, in single precision.
func clamp(x, top float64) float32 {
	if x < 1 {
		return 1
	}
	if x > top {
		return float32(top)
	}
	return float32(x)
}

// expReach is where the plume's edge is cut: e^−12 is 6e-6 of the axis.
const (
	expReach = 12.0
	expSteps = 16
)

var expTable = func() (t [256]float64) {
	for i := range t {
		t[i] = math.Exp(-float64(i) / expSteps)
	}
	return t
}()

// expNeg is e^−x for 0 ≤ x ≤ expReach, within 1e-6: the nearest lower table
// value times a cubic in the rest.
func expNeg(x float64) float64 {
	i := int(x * expSteps)
	d := x - float64(i)*(1.0/expSteps)
	return expTable[i&(len(expTable)-1)] * (1 - d*(1-d*(.5-d*(1.0/6))))
}
