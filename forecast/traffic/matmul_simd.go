//go:build goexperiment.simd && amd64

package traffic

import "simd/archsimd"

// kernel is a way to multiply.
type kernel struct {
	name                string
	mulAdd, mulTransAdd func(m, n, k int, a, b, c []float32)
}

// own is the kernel of this machine; the zero value leaves all to gonum.
var own = kernelOf(archsimd.X86.AVX512(), archsimd.X86.AVX2() && archsimd.X86.FMA())

func kernelOf(avx512, avx2 bool) kernel {
	switch {
	case avx512:
		return kernel{"AVX-512", mulAdd512, mulTransAdd512}
	case avx2:
		return kernel{"AVX2", mulAdd256, mulTransAdd256}
	}
	return kernel{name: "gonum blas32"}
}

// kernelName tells which matrix kernel this build uses.
func kernelName() string { return own.name }

// mostInner bounds the inner dimension of products that run in registers.
const mostInner = 192

// takes reports whether the machine has a kernel for such a product.
func (k *kernel) takes(columns, inner int) bool {
	return k.mulAdd != nil && columns%16 == 0 && inner <= mostInner
}

// mulAdd adds A×B to C: A is m×k, B k×n, C m×n, row-major.
func mulAdd(m, n, k int, a, b, c []float32) {
	if own.takes(n, k) {
		own.mulAdd(m, n, k, a, b, c)
		return
	}
	mulAddBLAS(m, n, k, a, b, c)
}

// mulTransAdd adds Aᵀ×B to C: A is k×m, B k×n, C m×n.
func mulTransAdd(m, n, k int, a, b, c []float32) {
	if own.takes(n, k) {
		own.mulTransAdd(m, n, k, a, b, c)
		return
	}
	mulTransAddBLAS(m, n, k, a, b, c)
}
