//go:build goexperiment.simd && amd64

package traffic

import (
	"math"
	"simd/archsimd"
	"testing"
)

// Every kernel this machine can run agrees with gonum, also where rows are left
// over: the one that serves is not the only one that others will run.
func TestEachKernelAgreesWithGonum(t *testing.T) {
	kernels := []kernel{}
	if archsimd.X86.AVX512() {
		kernels = append(kernels, kernelOf(true, true))
	}
	if archsimd.X86.AVX2() && archsimd.X86.FMA() {
		kernels = append(kernels, kernelOf(false, true))
	}
	for _, k := range kernels {
		for _, size := range [][3]int{{64, 128, 128}, {63, 16, 96}, {3, 48, mostInner}, {1, 16, 1}, {130, 144, 90}} {
			m, n, inner := size[0], size[1], size[2]
			a, b := noise(m*inner), noise(inner*n)
			for name, pair := range map[string][2]func(m, n, k int, a, b, c []float32){"A×B": {k.mulAdd, mulAddBLAS}, "Aᵀ×B": {k.mulTransAdd, mulTransAddBLAS}} {
				got, want := noise(m*n), noise(m*n)
				pair[0](m, n, inner, a, b, got)
				pair[1](m, n, inner, a, b, want)
				for i, w := range want {
					if math.Abs(float64(got[i]-w)) > 1e-4 {
						t.Fatalf("%s, %s of %v: element %d is %v, gonum says %v", k.name, name, size, i, got[i], w)
					}
				}
			}
		}
	}
	if none := kernelOf(false, false); none.takes(16, 16) {
		t.Error("a machine without either takes products")
	}
}
