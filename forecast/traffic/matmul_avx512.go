//go:build goexperiment.simd && amd64

package traffic

import "simd/archsimd"

// mulAdd512 is mulAdd in registers of 16 numbers, 4 rows by 32 columns at a
// time, on a copy of B's columns that lies in order.
func mulAdd512(m, n, k int, a, b, c []float32) {
	var pack [mostInner][32]float32
	defer archsimd.ClearAVXUpperBits() // or scalar code after it stalls
	for j := 0; j < n; j += 32 {
		columns(pack[:k], b, n, j)
		for i := 0; i < m; i += 4 {
			if i+4 > m || j+32 > n {
				for r := i; r < min(i+4, m); r++ {
					row(pack[:k], a[r*k:], 1, c[r*n+j:(r+1)*n])
				}
				continue
			}
			tile(pack[:k], a[i*k:], a[(i+1)*k:], a[(i+2)*k:], a[(i+3)*k:], c[i*n+j:], n)
		}
	}
}

// mulTransAdd512 is mulTransAdd likewise.
func mulTransAdd512(m, n, k int, a, b, c []float32) {
	var pack [mostInner][32]float32
	defer archsimd.ClearAVXUpperBits() // or scalar code after it stalls
	for j := 0; j < n; j += 32 {
		columns(pack[:k], b, n, j)
		for i := 0; i < m; i += 4 {
			if i+4 > m || j+32 > n {
				for r := i; r < min(i+4, m); r++ {
					row(pack[:k], a[r:], m, c[r*n+j:(r+1)*n])
				}
				continue
			}
			tileTrans(pack[:k], a[i:], m, c[i*n+j:], n)
		}
	}
}

// columns copies up to 32 columns of B from column j on; absent ones are 0.
func columns(pack [][32]float32, b []float32, n, j int) {
	w := min(32, n-j)
	for l := range pack {
		copy(pack[l][:w], b[l*n+j:])
		clear(pack[l][w:])
	}
}

// tile adds 4 rows times 32 columns.
func tile(pack [][32]float32, a0, a1, a2, a3, c []float32, n int) {
	k := len(pack)
	a0, a1, a2, a3 = a0[:k], a1[:k], a2[:k], a3[:k]
	var c00, c01, c10, c11, c20, c21, c30, c31 archsimd.Float32x16
	for l := range pack {
		p := &pack[l]
		b0, b1 := archsimd.LoadFloat32x16((*[16]float32)(p[:16])), archsimd.LoadFloat32x16((*[16]float32)(p[16:]))
		x0, x1 := archsimd.BroadcastFloat32x16(a0[l]), archsimd.BroadcastFloat32x16(a1[l])
		c00, c01 = x0.MulAdd(b0, c00), x0.MulAdd(b1, c01)
		c10, c11 = x1.MulAdd(b0, c10), x1.MulAdd(b1, c11)
		x2, x3 := archsimd.BroadcastFloat32x16(a2[l]), archsimd.BroadcastFloat32x16(a3[l])
		c20, c21 = x2.MulAdd(b0, c20), x2.MulAdd(b1, c21)
		c30, c31 = x3.MulAdd(b0, c30), x3.MulAdd(b1, c31)
	}
	add(c, c00)
	add(c[16:], c01)
	add(c[n:], c10)
	add(c[n+16:], c11)
	add(c[2*n:], c20)
	add(c[2*n+16:], c21)
	add(c[3*n:], c30)
	add(c[3*n+16:], c31)
}

// tileTrans is tile with the 4 rows as columns of a matrix of m columns.
func tileTrans(pack [][32]float32, a []float32, m int, c []float32, n int) {
	var c00, c01, c10, c11, c20, c21, c30, c31 archsimd.Float32x16
	for l := range pack {
		p, x := &pack[l], (*[4]float32)(a[l*m:])
		b0, b1 := archsimd.LoadFloat32x16((*[16]float32)(p[:16])), archsimd.LoadFloat32x16((*[16]float32)(p[16:]))
		x0, x1 := archsimd.BroadcastFloat32x16(x[0]), archsimd.BroadcastFloat32x16(x[1])
		c00, c01 = x0.MulAdd(b0, c00), x0.MulAdd(b1, c01)
		c10, c11 = x1.MulAdd(b0, c10), x1.MulAdd(b1, c11)
		x2, x3 := archsimd.BroadcastFloat32x16(x[2]), archsimd.BroadcastFloat32x16(x[3])
		c20, c21 = x2.MulAdd(b0, c20), x2.MulAdd(b1, c21)
		c30, c31 = x3.MulAdd(b0, c30), x3.MulAdd(b1, c31)
	}
	add(c, c00)
	add(c[16:], c01)
	add(c[n:], c10)
	add(c[n+16:], c11)
	add(c[2*n:], c20)
	add(c[2*n+16:], c21)
	add(c[3*n:], c30)
	add(c[3*n+16:], c31)
}

func add(c []float32, v archsimd.Float32x16) {
	p := (*[16]float32)(c)
	archsimd.LoadFloat32x16(p).Add(v).Store(p)
}

// row adds one row, whose elements lie step apart, times the columns that c
// has left: 16 or at least 32.
func row(pack [][32]float32, a []float32, step int, c []float32) {
	var lo, hi archsimd.Float32x16
	for l := range pack {
		p, x := &pack[l], archsimd.BroadcastFloat32x16(a[l*step])
		lo = x.MulAdd(archsimd.LoadFloat32x16((*[16]float32)(p[:16])), lo)
		hi = x.MulAdd(archsimd.LoadFloat32x16((*[16]float32)(p[16:])), hi)
	}
	add(c, lo)
	if len(c) >= 32 {
		add(c[16:], hi)
	}
}
