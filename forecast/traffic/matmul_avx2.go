//go:build goexperiment.simd && amd64

package traffic

import "simd/archsimd"

// mulAdd256 is mulAdd in registers of 8 numbers, 4 rows by 16 columns at a
// time, on a copy of B's columns that lies in order; n is a multiple of 16.
func mulAdd256(m, n, k int, a, b, c []float32) {
	var pack [mostInner][16]float32
	defer archsimd.ClearAVXUpperBits() // or scalar code after it stalls
	for j := 0; j < n; j += 16 {
		columns256(pack[:k], b, n, j)
		i := 0
		for ; i+4 <= m; i += 4 {
			tile256(pack[:k], a[i*k:], a[(i+1)*k:], a[(i+2)*k:], a[(i+3)*k:], c[i*n+j:], n)
		}
		for ; i < m; i++ {
			row256(pack[:k], a[i*k:], 1, c[i*n+j:])
		}
	}
}

// mulTransAdd256 is mulTransAdd likewise.
func mulTransAdd256(m, n, k int, a, b, c []float32) {
	var pack [mostInner][16]float32
	defer archsimd.ClearAVXUpperBits() // or scalar code after it stalls
	for j := 0; j < n; j += 16 {
		columns256(pack[:k], b, n, j)
		i := 0
		for ; i+4 <= m; i += 4 {
			tileTrans256(pack[:k], a[i:], m, c[i*n+j:], n)
		}
		for ; i < m; i++ {
			row256(pack[:k], a[i:], m, c[i*n+j:])
		}
	}
}

// columns256 copies 16 columns of B from column j on.
func columns256(pack [][16]float32, b []float32, n, j int) {
	for l := range pack {
		pack[l] = [16]float32(b[l*n+j:])
	}
}

// block256 holds the sums of 4 rows by 16 columns.
type block256 [4][2]archsimd.Float32x8

func (s *block256) addTo(c []float32, n int) {
	for r := range s {
		add256(c[r*n:], s[r][0])
		add256(c[r*n+8:], s[r][1])
	}
}

// tile256 adds 4 rows times 16 columns.
func tile256(pack [][16]float32, a0, a1, a2, a3, c []float32, n int) {
	k := len(pack)
	a0, a1, a2, a3 = a0[:k], a1[:k], a2[:k], a3[:k]
	var c00, c01, c10, c11, c20, c21, c30, c31 archsimd.Float32x8
	for l := range pack {
		p := &pack[l]
		b0, b1 := archsimd.LoadFloat32x8((*[8]float32)(p[:8])), archsimd.LoadFloat32x8((*[8]float32)(p[8:]))
		x0, x1 := archsimd.BroadcastFloat32x8(a0[l]), archsimd.BroadcastFloat32x8(a1[l])
		c00, c01 = x0.MulAdd(b0, c00), x0.MulAdd(b1, c01)
		c10, c11 = x1.MulAdd(b0, c10), x1.MulAdd(b1, c11)
		x2, x3 := archsimd.BroadcastFloat32x8(a2[l]), archsimd.BroadcastFloat32x8(a3[l])
		c20, c21 = x2.MulAdd(b0, c20), x2.MulAdd(b1, c21)
		c30, c31 = x3.MulAdd(b0, c30), x3.MulAdd(b1, c31)
	}
	(&block256{{c00, c01}, {c10, c11}, {c20, c21}, {c30, c31}}).addTo(c, n)
}

// tileTrans256 is tile256 with the 4 rows as columns of a matrix of m columns.
func tileTrans256(pack [][16]float32, a []float32, m int, c []float32, n int) {
	var c00, c01, c10, c11, c20, c21, c30, c31 archsimd.Float32x8
	for l := range pack {
		p, x := &pack[l], (*[4]float32)(a[l*m:])
		b0, b1 := archsimd.LoadFloat32x8((*[8]float32)(p[:8])), archsimd.LoadFloat32x8((*[8]float32)(p[8:]))
		x0, x1 := archsimd.BroadcastFloat32x8(x[0]), archsimd.BroadcastFloat32x8(x[1])
		c00, c01 = x0.MulAdd(b0, c00), x0.MulAdd(b1, c01)
		c10, c11 = x1.MulAdd(b0, c10), x1.MulAdd(b1, c11)
		x2, x3 := archsimd.BroadcastFloat32x8(x[2]), archsimd.BroadcastFloat32x8(x[3])
		c20, c21 = x2.MulAdd(b0, c20), x2.MulAdd(b1, c21)
		c30, c31 = x3.MulAdd(b0, c30), x3.MulAdd(b1, c31)
	}
	(&block256{{c00, c01}, {c10, c11}, {c20, c21}, {c30, c31}}).addTo(c, n)
}

func add256(c []float32, v archsimd.Float32x8) {
	p := (*[8]float32)(c)
	archsimd.LoadFloat32x8(p).Add(v).Store(p)
}

// row256 adds one row, whose elements lie step apart, times 16 columns.
func row256(pack [][16]float32, a []float32, step int, c []float32) {
	var lo, hi archsimd.Float32x8
	for l := range pack {
		p, x := &pack[l], archsimd.BroadcastFloat32x8(a[l*step])
		lo = x.MulAdd(archsimd.LoadFloat32x8((*[8]float32)(p[:8])), lo)
		hi = x.MulAdd(archsimd.LoadFloat32x8((*[8]float32)(p[8:])), hi)
	}
	add256(c, lo)
	add256(c[8:], hi)
}
