//go:build goexperiment.simd && amd64

package traffic

import "simd/archsimd"

// lanes is how many numbers a register holds that every kernel's machine has.
const lanes = 8

// whole returns how many of n numbers fill registers: none without a kernel.
func whole(n int) int {
	if own.mulAdd == nil {
		return 0
	}
	return n / lanes * lanes
}

func at256(x []float32, i int) *[lanes]float32 { return (*[lanes]float32)(x[i:]) }

func rectify(x []float32) {
	n := whole(len(x))
	rectifyEach(x[n:])
	if n == 0 {
		return
	}
	defer archsimd.ClearAVXUpperBits()
	var zero archsimd.Float32x8
	for i := 0; i < n; i += lanes {
		p := at256(x, i)
		zero.Max(archsimd.LoadFloat32x8(p)).Store(p) // in this order NaN stays
	}
}

func times(x, by []float32) {
	n := whole(len(x))
	timesEach(x[n:], by[n:])
	if n == 0 {
		return
	}
	defer archsimd.ClearAVXUpperBits()
	for i := 0; i < n; i += lanes {
		p := at256(x, i)
		archsimd.LoadFloat32x8(p).Mul(archsimd.LoadFloat32x8(at256(by, i))).Store(p)
	}
}

func plus(x, y []float32) {
	n := whole(len(x))
	plusEach(x[n:], y[n:])
	if n == 0 {
		return
	}
	defer archsimd.ClearAVXUpperBits()
	for i := 0; i < n; i += lanes {
		p := at256(x, i)
		archsimd.LoadFloat32x8(p).Add(archsimd.LoadFloat32x8(at256(y, i))).Store(p)
	}
}

func gate(d, pre []float32) {
	n := whole(len(d))
	gateEach(d[n:], pre[n:])
	if n == 0 {
		return
	}
	defer archsimd.ClearAVXUpperBits()
	var zero archsimd.Float32x8
	for i := 0; i < n; i += lanes {
		p := at256(d, i)
		shut := archsimd.LoadFloat32x8(at256(pre, i)).LessEqual(zero)
		zero.Merge(archsimd.LoadFloat32x8(p), shut).Store(p)
	}
}
