package dispersion

import (
	"math"
	"strings"
	"testing"

	"github.com/paulmach/orb"
	"github.com/paulmach/orb/planar"
	"pgregory.net/rapid"

	"tideway/unit"
)

func anyMet(t *rapid.T) Met {
	m := Met{
		FrictionVelocity: unit.Speed(rapid.Float64Range(.03, 1).Draw(t, "ustar")),
		Obukhov:          unit.Length(rapid.Float64Range(3, 2000).Draw(t, "L")),
		MixingHeight:     unit.Length(rapid.Float64Range(20, 2000).Draw(t, "zi")),
		Roughness:        unit.Length(rapid.Float64Range(.01, 1.2).Draw(t, "z0")),
		Wind:             unit.Speed(rapid.Float64Range(.3, 15).Draw(t, "wind")),
		From:             unit.Angle(rapid.Float64Range(0, 360).Draw(t, "from")),
		Reference:        10,
	}
	if rapid.Bool().Draw(t, "unstable") {
		m.Obukhov = -m.Obukhov
		m.ConvectiveVelocity = unit.Speed(rapid.Float64Range(0, 2.5).Draw(t, "wstar"))
	}
	return m
}

func anySource(t *rapid.T) source {
	return source{rapid.Float64Range(0, 6).Draw(t, "height"), rapid.Float64Range(0, 4).Draw(t, "sigma")}
}

// point is the concentration at height z, downwind distance x and lateral
// distance y of a unit point source, in s/m³. Distances under minDistance count
// as that, which keeps a receptor on the road finite.
func (a *air) point(x, y, z float64, s source) float64 {
	at := func(d float64) factors {
		d = math.Max(d, minDistance)
		return a.factors(d, z, s.height, a.effective(d, s, 0))
	}
	near := at(math.Abs(x))
	c := near.f * at(math.Hypot(x, y)).radial
	if x > 0 {
		c += near.amplitude * math.Exp(-near.narrow*y*y)
	}
	return c
}

// The effective wind is the one solution of its own equation and grows with distance.
func TestEffectiveWindSolvesItsEquation(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, s := newAir(anyMet(t)), anySource(t)
		last := 0.0
		for x := 1.0; x < 2e5; x *= 1.7 {
			p := a.effective(x, s, 0)
			if again := a.windOf(x, p.u, s); math.Abs(again-p.u) > 1e-9*p.u {
				t.Fatalf("at %g m U_e = %g, its plume makes %g", x, p.u, again)
			}
			if p.u < last*(1-1e-12) {
				t.Fatalf("at %g m U_e = %g falls below %g", x, p.u, last)
			}
			if warm := a.effective(x, s, last); math.Abs(warm.u-p.u) > 1e-9*p.u {
				t.Fatalf("at %g m U_e = %g from a start of %g, %g without", x, warm.u, last, p.u)
			}
			last = p.u
		}
	})
}

// Tables interpolate the kernel closely. Where the lid of the mixing layer stops
// the spread the kernel has a kink, which costs up to 0.4 % at a point (17 of
// 160 000 drawn points were off by more than 0.1 %).
func TestTablesFollowTheKernel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, s := newAir(anyMet(t)), anySource(t)
		z := rapid.Float64Range(0, 5).Draw(t, "z")
		k := newKernel(&a, z, newSpreads(&a, s))
		// Near a high source hardly anything reaches z: compare against the size of
		// the kernel at source height.
		const points = 20
		sum := 0.
		for range points {
			x := math.Exp(rapid.Float64Range(0, 9).Draw(t, "logx"))
			if rapid.Bool().Draw(t, "upwind") {
				x = -x
			}
			y := rapid.Float64Range(-1, 1).Draw(t, "y") * math.Abs(x)
			want, got := a.point(x, y, z, s), k.at(x, y)
			off := math.Abs(got-want) / (want + .1*a.point(math.Abs(x), 0, s.height, s))
			if sum += off; off > 1e-2 {
				t.Fatalf("at (%g, %g): table %g, kernel %g", x, y, got, want)
			}
		}
		if sum > 1e-3*points {
			t.Fatalf("table and kernel are %g apart in the mean", sum/points)
		}
	})
}

// Mass: what the plume carries through a plane across the wind is what the
// source releases, and what the meander carries through a cylinder too.
func TestPlumeAndMeanderCarryTheEmission(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, s := newAir(anyMet(t)), anySource(t)
		a.sigmaZMax = 1e9 // the lid of the mixing layer only limits the spread
		x := math.Exp(rapid.Float64Range(1, 8).Draw(t, "logx"))
		p := a.effective(x, s, 0)
		sy := a.sigmaY(p.sigmaZ)
		across := integrate(-8*sy, 8*sy, func(y float64) float64 { return math.Exp(-.5*y*y/(sy*sy)) / (root2Pi * sy) })
		up := integrate(0, s.height+10*p.sigmaZ, func(z float64) float64 { return vertical(p.sigmaZ, p.u, s.height, z) })
		if flux := p.u * up * across; math.Abs(flux-1) > 1e-3 {
			t.Fatalf("plume flux at %g m is %g of the emission", x, flux)
		}
		ring := integrate(0, s.height+10*p.sigmaZ, func(z float64) float64 {
			return a.factors(x, z, s.height, p).radial * 2 * math.Pi * x
		})
		if flux := p.u * ring; math.Abs(flux-1) > 1e-3 {
			t.Fatalf("meander flux at %g m is %g of the emission", x, flux)
		}
	})
}

func integrate(from, to float64, f func(float64) float64) float64 {
	const n = 4000
	sum, h := 0.0, (to-from)/n
	for i := range n {
		sum += f(from + (float64(i)+.5)*h)
	}
	return sum * h
}

func oneLink(x0, y0, x1, y1 float64) Links {
	c := func(v float64) []float64 { return []float64{v} }
	return Links{c(x0), c(y0), c(x1), c(y1), c(1e-4), c(.5), c(1.3)}
}

// A very long road across the wind: the lateral Gaussian integrates to one, so
// the plume part is q·V(x)(1−f).
func TestLongRoadAcrossTheWindIsTheInfiniteLine(t *testing.T) {
	for name, m := range map[string]Met{"neutral": neutralHour, "stable": stableHour, "convective": convectiveHour} {
		m.From = 270
		a := newAir(m)
		for _, x := range []float64{10, 100, 1000} {
			got, err := Compute(1, oneLink(0, -3e4, 0, 3e4), Receptors{[]float64{x}, []float64{0}, []float64{1.5}}, m)
			if err != nil {
				t.Fatal(err)
			}
			p := a.effective(x, source{.5, 1.3}, 0)
			v := vertical(p.sigmaZ, p.u, .5, 1.5)
			// The meander of the line is f times the integral of V(r)/2πr over it.
			around := 2 * logIntegrate(3e4, func(y float64) float64 {
				r := math.Hypot(x, y)
				q := a.effective(r, source{.5, 1.3}, 0)
				return vertical(q.sigmaZ, q.u, .5, 1.5) / (2 * math.Pi * r)
			})
			f := a.share(p.u)
			want := 1e-4 * 1e6 * (v*(1-f) + f*around)
			if math.Abs(got[0].UGM3()-want) > 2e-3*want {
				t.Errorf("%s, %g m from the road: %g µg/m³, infinite line %g", name, x, got[0].UGM3(), want)
			}
		}
	}
}

// logIntegrate integrates from 0 to top with steps that grow with distance.
func logIntegrate(top float64, f func(float64) float64) float64 {
	sum, y := 0.0, 0.0
	for y < top {
		h := math.Min(.01+.002*y, top-y)
		sum += f(y+h/2) * h
		y += h
	}
	return sum
}

// The pair sees only the difference of positions and directions: turning the
// whole scene with the wind changes nothing, and swapping the ends of a road
// neither, but for the nodes of the quadrature, which lie elsewhere then: its
// error is at worst 2 % for roads of some metres. On the road itself and next
// to its ends the guard of 1 m decides on which side of the wind a receptor lies.
func TestSceneMayBeTurnedAndMirrored(t *testing.T) {
	const worst = 2e-2
	rapid.Check(t, func(t *rapid.T) {
		m := anyMet(t)
		m.From += 11.3 // drawn scenes like to lie along the axes, and a receptor square to the wind is on both of its sides
		draw := func(name string) float64 { return rapid.Float64Range(-800, 800).Draw(t, name) }
		x0, y0, x1, y1, x, y := draw("x0"), draw("y0"), draw("x1"), draw("y1"), draw("x"), draw("y")
		if planar.DistanceFromSegment(orb.Point{x0, y0}, orb.Point{x1, y1}, orb.Point{x, y}) < 10*minDistance || math.Hypot(x1-x0, y1-y0) < 5 {
			t.Skip("on the road, or none")
		}
		at := func(m Met, l Links, x, y float64) float64 {
			c, err := Compute(1, l, Receptors{[]float64{x}, []float64{y}, []float64{1.5}}, m)
			if err != nil {
				t.Fatal(err)
			}
			return c[0].UGM3()
		}
		base := at(m, oneLink(x0, y0, x1, y1), x, y)
		if base < 0 {
			t.Fatalf("negative concentration %g", base)
		}
		if got := at(m, oneLink(x1, y1, x0, y0), x, y); math.Abs(got-base) > worst*base+1e-9 {
			t.Fatalf("%g, with the ends swapped %g", base, got)
		}
		turned := m
		turned.From += 37
		s, c := math.Sincos(-37 * math.Pi / 180)
		rot := func(x, y float64) (float64, float64) { return x*c - y*s, x*s + y*c }
		ax, ay := rot(x0, y0)
		bx, by := rot(x1, y1)
		rx, ry := rot(x, y)
		if got := at(turned, oneLink(ax, ay, bx, by), rx, ry); math.Abs(got-base) > worst*base+1e-9 {
			t.Fatalf("%g, turned %g", base, got)
		}
	})
}

// Reciprocity of positions: in a uniform medium source and receptor of one
// height may change places if the wind turns round.
func TestSourceAndReceptorMayChangePlaces(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := anyMet(t)
		a := newAir(m)
		m.From += 180
		b := newAir(m)
		s := source{1.5, 1}
		x, y := rapid.Float64Range(-900, 900).Draw(t, "x"), rapid.Float64Range(-900, 900).Draw(t, "y")
		p, q := a.turn(x, y)
		u, v := b.turn(-x, -y)
		if c, d := a.point(p, q, 1.5, s), b.point(u, v, 1.5, s); math.Abs(c-d) > 1e-6*c {
			t.Fatalf("%g one way, %g the other", c, d)
		}
	})
}

func TestConcentrationIsLinearAndMonotoneInEmission(t *testing.T) {
	l, rec := scatter(4, 60, 40, 1500)
	base, err := Compute(1, l, rec, stableHour)
	if err != nil {
		t.Fatal(err)
	}
	l.RateGMS[7] *= 3
	more, err := Compute(1, l, rec, stableHour)
	if err != nil {
		t.Fatal(err)
	}
	for i := range base {
		if base[i] < 0 || more[i] < base[i] {
			t.Errorf("receptor %d: %v, with more emission %v", i, base[i], more[i])
		}
	}
	for i := range l.RateGMS {
		l.RateGMS[i] *= 2
	}
	twice, err := Compute(1, l, rec, stableHour)
	if err != nil {
		t.Fatal(err)
	}
	for i := range more {
		if math.Abs(float64(twice[i]/more[i])-2) > 1e-12 {
			t.Errorf("receptor %d: twice the emission gives %g times", i, float64(twice[i]/more[i]))
		}
	}
}

func TestUnitsAtTheBoundary(t *testing.T) {
	// 1 g/(m·s) across a wind of U with vertical spread σ: C = q·√(2/π)/(σ U) on
	// the ground far downwind, where nothing meanders and h is small.
	m := Met{FrictionVelocity: .4, Obukhov: -1e9, MixingHeight: 1e5, Roughness: .05, Wind: 6, From: 270, Reference: 10}
	a := newAir(m)
	p := a.effective(2000, source{0, 0}, 0)
	c, err := Compute(1, Links{[]float64{0}, []float64{-2e4}, []float64{0}, []float64{2e4}, []float64{1}, []float64{0}, []float64{0}},
		Receptors{[]float64{2000}, []float64{0}, []float64{0}}, m)
	if err != nil {
		t.Fatal(err)
	}
	want := root2OnPi / (p.sigmaZ * p.u) * 1e6
	if got := c[0].UGM3(); math.Abs(got-want) > .1*want {
		t.Errorf("%g µg/m³, the infinite line without meander %g", got, want)
	}
}

func TestEdgesHaveDefinedAnswers(t *testing.T) {
	at := Receptors{[]float64{0, 50}, []float64{0, 1}, []float64{1.5, 0}}
	c, err := Compute(1, oneLink(0, -100, 0, 100), at, neutralHour) // the first stands on the road
	if err != nil || !(c[0] > 0) || math.IsInf(float64(c[0]), 0) {
		t.Errorf("on the road: %v, %v", c, err)
	}
	if c, err = Compute(1, oneLink(5, 5, 5, 5), at, neutralHour); err != nil || c[0] != 0 {
		t.Errorf("a road of zero length: %v, %v", c, err)
	}
	if c, err = Compute(1, Links{}, at, neutralHour); err != nil || len(c) != 2 || c[0] != 0 {
		t.Errorf("no roads: %v, %v", c, err)
	}
	if c, err = Compute(1, oneLink(0, 0, 1, 1), Receptors{}, neutralHour); err != nil || len(c) != 0 {
		t.Errorf("no receptors: %v, %v", c, err)
	}
	bad := oneLink(0, 0, math.NaN(), 1)
	bad.RateGMS[0] = -1
	calm := neutralHour
	calm.Wind, calm.FrictionVelocity, calm.Obukhov = 0, unit.Speed(math.NaN()), 0
	_, err = Compute(1, bad, Receptors{[]float64{math.Inf(1)}, []float64{0}, []float64{1}}, calm)
	for _, want := range []string{"wind speed", "friction velocity", "Obukhov", "links", "rate", "receptors"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error does not mention %q: %v", want, err)
		}
	}
}

func TestManyKindsOfSourcesAreRounded(t *testing.T) {
	l, rec := scatter(8, 400, 50, 2000)
	for i := range l.HeightM {
		l.HeightM[i], l.SigmaZ0M[i] = .3+.01*float64(i%97), 1+.005*float64(i%113)
	}
	a := newAir(neutralHour)
	if n := len(a.kinds(l)); n > maxKinds {
		t.Fatalf("%d kinds", n)
	}
	got, err := Compute(0, l, rec, neutralHour)
	if err != nil {
		t.Fatal(err)
	}
	want := make([]unit.Concentration, rec.Len())
	for i := range l.Len() { // one link at a time, nothing rounded
		one := Links{l.X0M[i : i+1], l.Y0M[i : i+1], l.X1M[i : i+1], l.Y1M[i : i+1], l.RateGMS[i : i+1], l.HeightM[i : i+1], l.SigmaZ0M[i : i+1]}
		c, err := Compute(1, one, rec, neutralHour)
		if err != nil {
			t.Fatal(err)
		}
		for j := range c {
			want[j] += c[j]
		}
	}
	if d := compare(got, want); d.p95 > .03 {
		t.Errorf("%+v", d)
	}
}

func TestAgeIsDistanceOverEffectiveWind(t *testing.T) {
	m := neutralHour
	m.From = 270
	a := newAir(m)
	for _, x := range []float64{50, 400, 3000} {
		got, err := Ages(1, oneLink(0, -10, 0, 10), Receptors{[]float64{x, -x}, []float64{0, 0}, []float64{1.5, 1.5}}, m)
		if err != nil {
			t.Fatal(err)
		}
		want := x / a.effective(x, source{.5, 1.3}, 0).u
		if math.Abs(got[0].Seconds()-want) > .03*want {
			t.Errorf("%g m downwind the age is %v, want %.0f s", x, got[0], want)
		}
	}
	l, rec := scatter(2, 200, 100, 3000)
	ages, err := Ages(0, l, rec, m)
	if err != nil {
		t.Fatal(err)
	}
	for i, d := range ages {
		if d <= 0 || d.Hours() > 2 {
			t.Errorf("receptor %d: age %v", i, d)
		}
	}
}
