//go:build !goexperiment.simd || !amd64

package traffic

// kernelName tells which matrix kernel this build uses.
func kernelName() string { return "gonum blas32" }

func mulAdd(m, n, k int, a, b, c []float32)      { mulAddBLAS(m, n, k, a, b, c) }
func mulTransAdd(m, n, k int, a, b, c []float32) { mulTransAddBLAS(m, n, k, a, b, c) }

func rectify(x []float32)   { rectifyEach(x) }
func times(x, by []float32) { timesEach(x, by) }
func plus(x, y []float32)   { plusEach(x, y) }
func gate(d, pre []float32) { gateEach(d, pre) }
