package dispersion

import (
	"encoding/csv"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"

	"tideway/internal/testdata"
	"tideway/unit"
)

// numbers reads the numeric columns of a CSV file; fields that are no numbers
// become NaN.
func numbers(t testing.TB, file string) [][]float64 {
	t.Helper()
	f, err := os.Open(filepath.Join(testdata.Dir(t, "air"), file))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	recs, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	var out [][]float64
	for _, r := range recs[1:] {
		row := make([]float64, len(r))
		for i, s := range r {
			v, err := strconv.ParseFloat(s, 64)
			if err != nil {
				v = math.NaN()
			}
			row[i] = v
		}
		out = append(out, row)
	}
	return out
}

var (
	neutralHour    = Met{FrictionVelocity: .35, ConvectiveVelocity: .4, Obukhov: -800, MixingHeight: 500, Roughness: .5, Wind: 3.5, From: 250, Reference: 10}
	stableHour     = Met{FrictionVelocity: .15, Obukhov: 40, MixingHeight: 150, Roughness: .5, Wind: 2, From: 250, Reference: 10}
	convectiveHour = Met{FrictionVelocity: .3, ConvectiveVelocity: 1.5, Obukhov: -30, MixingHeight: 1000, Roughness: .5, Wind: 2.5, From: 250, Reference: 10}
)

// grid reads the links and receptors of line_source_grid.
func grid(t testing.TB) (Links, Receptors) {
	var l Links
	for _, r := range numbers(t, "line_source_grid/links.csv") {
		l.X0M, l.Y0M, l.X1M, l.Y1M = append(l.X0M, r[1]), append(l.Y0M, r[2]), append(l.X1M, r[3]), append(l.Y1M, r[4])
		l.RateGMS, l.HeightM, l.SigmaZ0M = append(l.RateGMS, r[5]*r[7]), append(l.HeightM, r[6]), append(l.SigmaZ0M, r[8])
	}
	var rec Receptors
	for _, r := range numbers(t, "line_source_grid/receptors.csv") {
		rec.XM, rec.YM, rec.ZM = append(rec.XM, r[0]), append(rec.YM, r[1]), append(rec.ZM, 1.5)
	}
	return l, rec
}

type deviation struct{ ratio, median, p95, max float64 }

func compare(got, want []unit.Concentration) deviation {
	var d []float64
	var g, w float64
	for i := range want {
		g, w = g+float64(got[i]), w+float64(want[i])
		d = append(d, math.Abs(float64(got[i]/want[i])-1))
	}
	slices.Sort(d)
	return deviation{g / w, d[len(d)/2], d[len(d)*95/100], d[len(d)-1]}
}

func TestQuadratureIsConverged(t *testing.T) {
	l, rec := grid(t)
	for name, m := range map[string]Met{"neutral": neutralHour, "stable": stableHour, "convective": convectiveHour} {
		got, err := Compute(1, l, rec, m)
		if err != nil {
			t.Fatal(err)
		}
		want, err := Exact(0, l, rec, m)
		if err != nil {
			t.Fatal(err)
		}
		if d := compare(got, want); d.p95 > 1e-3 || d.max > 1e-2 {
			t.Errorf("%s: %+v", name, d)
		}
	}
}

func BenchmarkGrid(b *testing.B) {
	l, rec := grid(b)
	for b.Loop() {
		if _, err := Compute(1, l, rec, neutralHour); err != nil {
			b.Fatal(err)
		}
	}
}
func BenchmarkKernelTable(b *testing.B) {
	a := newAir(neutralHour)
	for b.Loop() {
		newKernel(&a, 1.5, newSpreads(&a, source{.5, 1.3}))
	}
}
