package traffic

import (
	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas32"
)

// chunk is the number of rows a worker carries through the whole network at a
// time: its activations stay in the second-level cache, and gonum, which
// starts goroutines of its own for larger products, stays on one core.
const chunk = 64

// narrow is the most columns that are computed one dot product each: gonum's
// other way starts anew for every row of B, which costs more than so few
// columns.
const narrow = 48

// deep is the number of rows of B that stay in the first-level cache while the
// rows of A pass over them.
const deep = 32

// mulAddBLAS adds A×B to C on gonum: A is m×k, B k×n, C m×n, all row-major and
// dense.
func mulAddBLAS(m, n, k int, a, b, c []float32) {
	if n <= narrow {
		mulAddNarrow(m, n, k, a, b, c)
		return
	}
	for i := 0; i < m; i += chunk {
		rows := min(chunk, m-i)
		for l := 0; l < k; l += deep {
			part := min(deep, k-l)
			blas32.Gemm(blas.NoTrans, blas.NoTrans, 1,
				blas32.General{Rows: rows, Cols: part, Stride: k, Data: a[i*k+l:]},
				blas32.General{Rows: part, Cols: n, Stride: n, Data: b[l*n:]}, 1,
				blas32.General{Rows: rows, Cols: n, Stride: n, Data: c[i*n:]})
		}
	}
}

// mulAddNarrow is mulAddBLAS by dot products with the columns of B.
func mulAddNarrow(m, n, k int, a, b, c []float32) {
	columns := make([]float32, n*k)
	for l := range k {
		for j, v := range b[l*n : (l+1)*n] {
			columns[j*k+l] = v
		}
	}
	for i := 0; i < m; i += chunk {
		rows := min(chunk, m-i)
		blas32.Gemm(blas.NoTrans, blas.Trans, 1,
			blas32.General{Rows: rows, Cols: k, Stride: k, Data: a[i*k:]},
			blas32.General{Rows: n, Cols: k, Stride: k, Data: columns}, 1,
			blas32.General{Rows: rows, Cols: n, Stride: n, Data: c[i*n:]})
	}
}

// few is the number of rows of C that stay in the first-level cache while the
// rows of A and B pass.
const few = 16

// mulTransAddBLAS adds Aᵀ×B to C on gonum: A is k×m, B k×n, C m×n.
func mulTransAddBLAS(m, n, k int, a, b, c []float32) {
	for i := 0; i < m; i += few {
		cols := min(few, m-i)
		blas32.Gemm(blas.Trans, blas.NoTrans, 1,
			blas32.General{Rows: k, Cols: cols, Stride: m, Data: a[i:]},
			blas32.General{Rows: k, Cols: n, Stride: n, Data: b}, 1,
			blas32.General{Rows: cols, Cols: n, Stride: n, Data: c[i*n:]})
	}
}
