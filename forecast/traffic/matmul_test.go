package traffic

import (
	"math"
	"math/rand/v2"
	"testing"

	"pgregory.net/rapid"
)

func TestProductsAgreeWithTheDefinition(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m, n, k := rapid.IntRange(1, 150).Draw(t, "m"), rapid.IntRange(1, 12).Draw(t, "n")*16, rapid.IntRange(1, 90).Draw(t, "k")
		rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0))
		random := func(n int) []float32 {
			out := make([]float32, n)
			for i := range out {
				out[i] = float32(rng.NormFloat64())
			}
			return out
		}
		a, b, c := random(m*k), random(k*n), random(m*n)
		want, trans := make([]float64, m*n), make([]float32, m*k)
		for i := range m {
			for l := range k {
				trans[l*m+i] = a[i*k+l]
			}
			for j := range n {
				want[i*n+j] = float64(c[i*n+j])
				for l := range k {
					want[i*n+j] += float64(a[i*k+l]) * float64(b[l*n+j])
				}
			}
		}
		d := append([]float32(nil), c...)
		mulAdd(m, n, k, a, b, c)
		mulTransAdd(m, n, k, trans, b, d)
		for i, w := range want {
			if math.Abs(float64(c[i])-w) > 1e-4 || math.Abs(float64(d[i])-w) > 1e-4 {
				t.Fatalf("element %d: %v and %v, want %v", i, c[i], d[i], w)
			}
		}
	})
}

func BenchmarkMulAdd64x128x128(b *testing.B) {
	x, y, z := noise(64*128), noise(128*128), make([]float32, 64*128)
	for b.Loop() {
		mulAdd(64, 128, 128, x, y, z)
	}
	b.ReportMetric(2*64*128*128/float64(b.Elapsed().Nanoseconds())*float64(b.N), "GFLOPS")
}

func BenchmarkMulTransAdd128x128x64(b *testing.B) {
	x, y, z := noise(64*128), noise(64*128), make([]float32, 128*128)
	for b.Loop() {
		mulTransAdd(128, 128, 64, x, y, z)
	}
	b.ReportMetric(2*64*128*128/float64(b.Elapsed().Nanoseconds())*float64(b.N), "GFLOPS")
}

func noise(n int) []float32 {
	rng, out := rand.New(rand.NewPCG(1, 1)), make([]float32, n)
	for i := range out {
		out[i] = float32(rng.NormFloat64())
	}
	return out
}
