package traffic

// What layers do to their activations, number by number. The build for wide
// registers does eight at a time and leaves the rest to these.

func rectifyEach(x []float32) {
	for i, v := range x {
		x[i] = max(v, 0)
	}
}

func timesEach(x, by []float32) {
	by = by[:len(x)]
	for i := range x {
		x[i] *= by[i]
	}
}

func plusEach(x, y []float32) {
	y = y[:len(x)]
	for i := range x {
		x[i] += y[i]
	}
}

// gateEach clears the derivative where the rectifier was shut.
func gateEach(d, pre []float32) {
	pre = pre[:len(d)]
	for i := range d {
		if pre[i] <= 0 {
			d[i] = 0
		}
	}
}
