package traffic

import (
	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas32"
)

// chunk is the number of rows a worker carries through the whole network at a
// time: its activations stay in the second-level cache, and gonum, which
// starts goroutines of its own for larger products, stays on one core.
const chunk = 64

// mulAddBLAS adds A×B to C on gonum: A is m×k, B k×n, C m×n, all row-major and
// dense.
func mulAddBLAS(m, n, k int, a, b, c []float32) {
	for i := 0; i < m; i += chunk {
		rows := min(chunk, m-i)
		blas32.Gemm(blas.NoTrans, blas.NoTrans, 1,
			blas32.General{Rows: rows, Cols: k, Stride: k, Data: a[i*k:]},
			blas32.General{Rows: k, Cols: n, Stride: n, Data: b}, 1,
			blas32.General{Rows: rows, Cols: n, Stride: n, Data: c[i*n:]})
	}
}

// mulTransAddBLAS adds Aᵀ×B to C on gonum: A is k×m, B k×n, C m×n.
func mulTransAddBLAS(m, n, k int, a, b, c []float32) {
	for i := 0; i < m; i += chunk {
		cols := min(chunk, m-i)
		blas32.Gemm(blas.Trans, blas.NoTrans, 1,
			blas32.General{Rows: k, Cols: cols, Stride: m, Data: a[i:]},
			blas32.General{Rows: k, Cols: n, Stride: n, Data: b}, 1,
			blas32.General{Rows: cols, Cols: n, Stride: n, Data: c[i*n:]})
	}
}
