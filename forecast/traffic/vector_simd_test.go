//go:build goexperiment.simd && amd64

package traffic

import (
	"math"
	"testing"
)

// In wide registers the same bits come out as number by number, infinite and
// missing ones included, also where numbers are left over.
func TestWideRegistersGiveTheSameBits(t *testing.T) {
	odd := []float32{float32(math.NaN()), float32(math.Inf(1)), float32(math.Inf(-1)), 0, -1, 1}
	numbers := func(n, turn int) []float32 {
		out := noise(n)
		for i := range out {
			if i%3 == turn {
				out[i] = odd[(i/3+turn)%len(odd)]
			}
		}
		return out
	}
	for _, n := range []int{0, 7, 8, 61, 128} {
		for name, pair := range map[string][2]func(x, y []float32){
			"rectify": {func(x, _ []float32) { rectify(x) }, func(x, _ []float32) { rectifyEach(x) }},
			"times":   {times, timesEach},
			"plus":    {plus, plusEach},
			"gate":    {gate, gateEach},
		} {
			got, want := numbers(n, 0), numbers(n, 0)
			pair[0](got, numbers(n, 1))
			pair[1](want, numbers(n, 1))
			for i, w := range want {
				if math.Float32bits(got[i]) != math.Float32bits(w) {
					t.Errorf("%s of %d: element %d is %v, expected %v", name, n, i, got[i], w)
				}
			}
		}
	}
}
