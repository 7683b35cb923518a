package dispersion

import (
	"fmt"
	"math"

	"tideway/internal/fault"
)

// Links are straight road sources as columns of equal length. A link of zero
// length releases nothing.
type Links struct {
	X0M, Y0M, X1M, Y1M []float64 // ends, in any metric plane with x east and y north
	RateGMS            []float64 // emission per length of road, g/(m·s)
	HeightM            []float64 // release height above ground
	SigmaZ0M           []float64 // initial vertical spread
}

// Len returns the number of links.
func (l Links) Len() int { return len(l.X0M) }

// Receptors are points where concentrations are wanted, as columns of equal length.
type Receptors struct {
	XM, YM []float64
	ZM     []float64 // height above ground
}

// Len returns the number of receptors.
func (r Receptors) Len() int { return len(r.XM) }

// Check reports links that the equations cannot take: ends that are no
// numbers, negative rates, heights or spreads. id names link i.
func (l Links) Check(id func(int) string, bad *fault.List) {
	n := l.Len()
	for name, c := range [...][]float64{l.Y0M, l.X1M, l.Y1M, l.RateGMS, l.HeightM, l.SigmaZ0M} {
		if len(c) != n {
			bad.Addf("links", "", "column %d has %d values, expected %d", name, len(c), n)
			return
		}
	}
	for i := range n {
		if !places(l.X0M[i], l.Y0M[i], l.X1M[i], l.Y1M[i]) {
			bad.Addf("links", id(i), "an end is no place: (%g, %g) to (%g, %g)", l.X0M[i], l.Y0M[i], l.X1M[i], l.Y1M[i])
		}
		for _, q := range [...]struct {
			name string
			v    float64
			top  float64
		}{{"emission rate", l.RateGMS[i], 1e9}, {"height", l.HeightM[i], 1000}, {"initial spread", l.SigmaZ0M[i], 1000}} {
			if !(q.v >= 0 && q.v <= q.top) {
				bad.Addf("links", id(i), "%s is %g, expected 0 to %g", q.name, q.v, q.top)
			}
		}
	}
}

// Check reports receptors that are no points above ground. id names receptor i.
func (r Receptors) Check(id func(int) string, bad *fault.List) {
	if len(r.YM) != r.Len() || len(r.ZM) != r.Len() {
		bad.Addf("receptors", "", "columns have %d, %d and %d values", r.Len(), len(r.YM), len(r.ZM))
		return
	}
	for i := range r.Len() {
		if !places(r.XM[i], r.YM[i], r.ZM[i]) || r.ZM[i] < 0 {
			bad.Addf("receptors", id(i), "(%g, %g, %g) is no point above ground", r.XM[i], r.YM[i], r.ZM[i])
		}
	}
}

// farthest bounds coordinates, so that squares of distances stay exact enough.
const farthest = 1e8 // m

func places(vs ...float64) bool {
	for _, v := range vs {
		if !(math.Abs(v) <= farthest) {
			return false
		}
	}
	return true
}

func byNumber(i int) string { return fmt.Sprint(i) }

// check collects the problems of a whole calculation.
func check(links Links, rec Receptors, met Met) error {
	var bad fault.List
	met.Check("weather", &bad)
	links.Check(byNumber, &bad)
	rec.Check(byNumber, &bad)
	return bad.Err("dispersion")
}
