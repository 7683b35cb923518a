package dispersion

import (
	"math"
	"math/rand/v2"
	"testing"

	"tideway/unit"
)

// streets makes a grid of nx × nx blocks with random emissions, and receptors
// spread over it.
func streets(seed uint64, nx int, spacing float64, receptors int) (Links, Receptors) {
	r := rand.New(rand.NewPCG(seed, 0))
	var l Links
	add := func(x0, y0, x1, y1 float64) {
		l.X0M, l.Y0M, l.X1M, l.Y1M = append(l.X0M, x0), append(l.Y0M, y0), append(l.X1M, x1), append(l.Y1M, y1)
		l.RateGMS, l.HeightM, l.SigmaZ0M = append(l.RateGMS, r.ExpFloat64()*5e-5), append(l.HeightM, .5), append(l.SigmaZ0M, 1.3)
	}
	for i := range nx {
		for j := range nx {
			x, y := float64(i)*spacing, float64(j)*spacing
			add(x, y, x+spacing, y)
			add(x, y, x, y+spacing)
		}
	}
	return l, anywhere(r, receptors, float64(nx)*spacing)
}

func anywhere(r *rand.Rand, n int, size float64) (rec Receptors) {
	for range n {
		rec.XM, rec.YM, rec.ZM = append(rec.XM, r.Float64()*size), append(rec.YM, r.Float64()*size), append(rec.ZM, 1.5)
	}
	return rec
}

// scatter makes roads of random place, direction and length (median 120 m),
// half of the receptors near them.
func scatter(seed uint64, links, receptors int, size float64) (Links, Receptors) {
	r := rand.New(rand.NewPCG(seed, 0))
	var l Links
	for range links {
		x, y := r.Float64()*size, r.Float64()*size
		s, c := math.Sincos(r.Float64() * 2 * math.Pi)
		n := math.Exp(r.NormFloat64()*.8 + 4.8)
		l.X0M, l.Y0M, l.X1M, l.Y1M = append(l.X0M, x), append(l.Y0M, y), append(l.X1M, x+n*c), append(l.Y1M, y+n*s)
		l.RateGMS, l.HeightM, l.SigmaZ0M = append(l.RateGMS, math.Exp(r.NormFloat64())*1e-5), append(l.HeightM, .5), append(l.SigmaZ0M, 1.3)
	}
	rec := anywhere(r, receptors, size)
	for i := range receptors / 2 {
		j, f := r.IntN(links), r.Float64()
		d := math.Exp(r.Float64() * 5)
		s, c := math.Sincos(r.Float64() * 2 * math.Pi)
		rec.XM[i] = l.X0M[j] + f*(l.X1M[j]-l.X0M[j]) + d*c
		rec.YM[i] = l.Y0M[j] + f*(l.Y1M[j]-l.Y0M[j]) + d*s
	}
	return l, rec
}

func TestFarFieldAgreesWithEveryPair(t *testing.T) {
	l, rec := streets(3, 50, 150, 900)
	for name, m := range map[string]Met{"neutral": neutralHour, "stable": stableHour, "convective": convectiveHour} {
		far, err := Compute(0, l, rec, m) // 4.5 million pairs
		if err != nil {
			t.Fatal(err)
		}
		all, err := compute(l, rec, m, func(k *kernel, c chore) { k.direct(0, c, &fast) })
		if err != nil {
			t.Fatal(err)
		}
		if d := compare(far, all); d.p95 > .015 || math.Abs(d.ratio-1) > 2e-3 {
			t.Errorf("%s: %+v", name, d)
		}
	}
}

func TestMatrixAppliedIsTheCalculation(t *testing.T) {
	l, rec := scatter(5, 2000, 600, 6000)
	for i := range l.HeightM {
		if i%3 == 0 {
			l.HeightM[i], l.SigmaZ0M[i] = 1, 2 // a second kind
		}
	}
	for i := range rec.ZM {
		if i%4 == 0 {
			rec.ZM[i] = 3
		}
	}
	m, err := NewMatrix(0, l, rec, neutralHour)
	if err != nil {
		t.Fatal(err)
	}
	for _, scale := range []float64{1, .25} {
		for i := range l.RateGMS {
			if i%2 == 0 {
				l.RateGMS[i] *= scale
			}
		}
		got, err := m.Apply(0, l.RateGMS)
		if err != nil {
			t.Fatal(err)
		}
		one, err := m.Apply(1, l.RateGMS)
		if err != nil {
			t.Fatal(err)
		}
		want, err := Compute(0, l, rec, neutralHour)
		if err != nil {
			t.Fatal(err)
		}
		if d := compare(got, want); d.p95 > .02 || math.Abs(d.ratio-1) > 2e-3 {
			t.Errorf("scale %g: %+v", scale, d)
		}
		for i := range got {
			if got[i] != one[i] {
				t.Fatalf("receptor %d: %v on all cores, %v on one", i, got[i], one[i])
			}
		}
	}
	if _, err := m.Apply(1, []float64{1}); err == nil {
		t.Error("a wrong number of rates was accepted")
	}
}

// Splitting links changes nothing but where the quadrature puts its nodes.
func TestManyShortLinksMakeOneLongOne(t *testing.T) {
	l, rec := scatter(9, 300, 300, 3000)
	var cut Links
	for i := range l.Len() {
		const n = 40
		for j := range n {
			f, g := float64(j)/n, float64(j+1)/n
			cut.X0M, cut.Y0M = append(cut.X0M, l.X0M[i]+f*(l.X1M[i]-l.X0M[i])), append(cut.Y0M, l.Y0M[i]+f*(l.Y1M[i]-l.Y0M[i]))
			cut.X1M, cut.Y1M = append(cut.X1M, l.X0M[i]+g*(l.X1M[i]-l.X0M[i])), append(cut.Y1M, l.Y0M[i]+g*(l.Y1M[i]-l.Y0M[i]))
			cut.RateGMS, cut.HeightM, cut.SigmaZ0M = append(cut.RateGMS, l.RateGMS[i]), append(cut.HeightM, .5), append(cut.SigmaZ0M, 1.3)
		}
	}
	for name, m := range map[string]Met{"neutral": neutralHour, "stable": stableHour, "convective": convectiveHour} {
		got, err := Compute(0, l, rec, m)
		if err != nil {
			t.Fatal(err)
		}
		want, err := Compute(0, cut, rec, m)
		if err != nil {
			t.Fatal(err)
		}
		if d := compare(got, want); d.p95 > 2e-3 || d.max > .015 {
			t.Errorf("%s: %+v", name, d)
		}
	}
}

// large is the city of the speed targets.
func large(b *testing.B) (Links, Receptors) {
	b.Helper()
	return streets(1, 100, 217, 100_000)
}

func BenchmarkCity(b *testing.B) {
	l, rec := large(b)
	for b.Loop() {
		if _, err := Compute(1, l, rec, neutralHour); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkMatrixBuild(b *testing.B) {
	l, rec := large(b)
	for b.Loop() {
		m, err := NewMatrix(1, l, rec, neutralHour)
		if err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64(m.Entries()), "entries")
	}
}

func BenchmarkMatrixApply(b *testing.B) {
	l, rec := large(b)
	m, err := NewMatrix(1, l, rec, neutralHour)
	if err != nil {
		b.Fatal(err)
	}
	var out []unit.Concentration
	for b.Loop() {
		if out, err = m.Apply(1, l.RateGMS); err != nil {
			b.Fatal(err)
		}
	}
	_ = out
}
