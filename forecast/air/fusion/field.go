package fusion

import (
	"math"

	"gonum.org/v1/gonum/mat"

	"tideway/unit"
)

// Field spreads what a model misses at stations to other places, by the
// logarithm and falling with distance: optimal interpolation with the covariance
// σ² exp(−d/ℓ). The zero value of a field means its default.
type Field struct {
	Reach unit.Length // ℓ; 0: 1.5 km
	Sigma float64     // σ of the logarithm; 0: .15
	Noise float64     // of a station's logarithm; 0: .15
}

func (f Field) withDefaults() Field {
	if f.Reach == 0 {
		f.Reach = 1.5 * unit.Kilometre
	}
	if f.Sigma == 0 {
		f.Sigma = .15
	}
	if f.Noise == 0 {
		f.Noise = .15
	}
	return f
}

// Place is a point in the city's plane, metres.
type Place struct{ XM, YM float64 }

// Correct returns the factor by which the model's values at places are to be
// multiplied, from measured and modelled values at stations (NaN: missing; the
// floor keeps small values from counting too much). Without a station it is 1.
func (f Field) Correct(stations []Place, observed, model []float64, floorUGM3 float64, places []Place) []float64 {
	f = f.withDefaults()
	var at []Place
	var miss []float64
	for i, o := range observed {
		if !math.IsNaN(o) && !math.IsNaN(model[i]) {
			at = append(at, stations[i])
			miss = append(miss, math.Log((math.Max(o, 0)+floorUGM3)/(math.Max(model[i], 0)+floorUGM3)))
		}
	}
	out := make([]float64, len(places))
	weights := f.solve(at, miss)
	for i, p := range places {
		for k, s := range at {
			out[i] += weights.AtVec(k) * f.covariance(p, s)
		}
		out[i] = math.Exp(out[i])
	}
	return out
}

// solve returns (C + R)⁻¹ y.
func (f Field) solve(at []Place, miss []float64) *mat.VecDense {
	n := len(at)
	if n == 0 {
		return nil
	}
	c := mat.NewSymDense(n, nil)
	for i := range at {
		for k := i; k < n; k++ {
			v := f.covariance(at[i], at[k])
			if i == k {
				v += f.Noise * f.Noise
			}
			c.SetSym(i, k, v)
		}
	}
	out := mat.NewVecDense(n, nil)
	var chol mat.Cholesky
	if chol.Factorize(c) { // a covariance with noise on its diagonal always has a root
		_ = chol.SolveVecTo(out, mat.NewVecDense(n, miss))
	}
	return out
}

func (f Field) covariance(a, b Place) float64 {
	return f.Sigma * f.Sigma * math.Exp(-math.Hypot(a.XM-b.XM, a.YM-b.YM)/f.Reach.M())
}
