package fusion

import (
	"math"

	"gonum.org/v1/gonum/mat"
)

// Config holds what is believed before anything is measured. The zero value of
// a field means the default in its comment.
type Config struct {
	Prior      float64 // standard deviation of the logarithm of a group's factor; .6: a factor of two either way
	Walk       float64 // of its change in an hour; .04
	Return     float64 // share of the way back to 1 that an unobserved factor goes in an hour; .002
	Background float64 // standard deviation of the logarithm of the background's error; .25
	Noise      float64 // of measurement and model at a station together, relative; .15
	FloorUGM3  float64 // the same, absolute; 1 µg/m³
}

func (c Config) withDefaults() Config {
	or := func(v *float64, d float64) {
		if *v == 0 {
			*v = d
		}
	}
	or(&c.Prior, .6)
	or(&c.Walk, .04)
	or(&c.Return, .002)
	or(&c.Background, .25)
	or(&c.Noise, .15)
	or(&c.FloorUGM3, 1)
	return c
}

// Hour is what is known of one hour: what stations measured and what the model
// says of them. All concentrations are in µg/m³.
type Hour struct {
	ObservedUGM3   []float64 // by station; NaN: missing
	BackgroundUGM3 float64   // first guess, the same everywhere; NaN: taken from the stations
	AddedUGM3      []float64 // station × group: what a group adds at a station at factor 1, row by row
}

// Estimate is what an hour looks like after the measurements.
type Estimate struct {
	Factor         []float64 // by group, above 0
	BackgroundUGM3 float64
	StationUGM3    []float64 // the model with factors and background, by station
}

// Filter follows the factors of source groups from hour to hour. It is not safe
// for concurrent use.
type Filter struct {
	c Config
	x []float64     // logarithms of the factors
	p *mat.SymDense // their covariance
}

// NewFilter returns a filter of groups whose factors are 1 as far as is known.
func NewFilter(groups int, c Config) *Filter {
	f := &Filter{c: c.withDefaults(), x: make([]float64, groups), p: mat.NewSymDense(groups, nil)}
	for g := range groups {
		f.p.SetSym(g, g, f.c.Prior*f.c.Prior)
	}
	return f
}

// iterations of the update: the model is linear in the factors, not in their
// logarithms.
const iterations = 8

// Update takes one hour in and returns what it says. Without any measurement the
// factors go their way back to 1.
func (f *Filter) Update(h Hour) Estimate {
	f.drift()
	if math.IsNaN(h.BackgroundUGM3) {
		added := make([]float64, len(h.ObservedUGM3))
		for s := range added {
			added[s] = f.added(&h, s, f.x)
		}
		if h.BackgroundUGM3 = Background(h.ObservedUGM3, added, f.c); math.IsNaN(h.BackgroundUGM3) {
			h.BackgroundUGM3 = 0
		}
	}
	n := len(f.x)
	state, prior := make([]float64, n+1), make([]float64, n+1)
	copy(prior, f.x)
	copy(state, f.x)
	cov := mat.NewSymDense(n+1, nil)
	for i := range n {
		for k := i; k < n; k++ {
			cov.SetSym(i, k, f.p.At(i, k))
		}
	}
	cov.SetSym(n, n, f.c.Background*f.c.Background)
	var after mat.SymDense
	for range iterations {
		if !f.step(&h, prior, cov, state, &after) {
			break
		}
	}
	copy(f.x, state[:n])
	if !after.IsEmpty() {
		for i := range n {
			for k := i; k < n; k++ {
				f.p.SetSym(i, k, after.At(i, k))
			}
		}
	}
	return f.estimate(&h, state)
}

// drift lets an hour pass.
func (f *Filter) drift() {
	keep := 1 - f.c.Return
	for i := range f.x {
		f.x[i] *= keep
		for k := i; k < len(f.x); k++ {
			v := keep * keep * f.p.At(i, k)
			if i == k {
				v = math.Min(v+f.c.Walk*f.c.Walk, f.c.Prior*f.c.Prior)
			}
			f.p.SetSym(i, k, v)
		}
	}
}

// Background returns the weighted mean of what stations measure (µg/m³, NaN:
// missing) above what a model says streets add there: those with little traffic
// around count most. A tenth of a measurement is background at least. NaN
// without any measurement.
func Background(observed, added []float64, c Config) float64 {
	c = c.withDefaults()
	var sum, weight float64
	for s, o := range observed {
		if math.IsNaN(o) {
			continue
		}
		w := 1 / (math.Pow(c.sigma(o), 2) + math.Pow(c.Prior*added[s], 2))
		sum, weight = sum+w*math.Max(o-added[s], .1*o), weight+w
	}
	return sum / weight
}

func (f *Filter) added(h *Hour, station int, x []float64) (sum float64) {
	for g := range f.x {
		sum += h.AddedUGM3[station*len(f.x)+g] * math.Exp(x[g])
	}
	return sum
}

// sigma is the error that a station's value may have, µg/m³.
func (c Config) sigma(o float64) float64 { return math.Hypot(c.Noise*o, c.FloorUGM3) }

// step is one Gauss–Newton step towards the most likely state; false when there
// is nothing to learn from or the state does not move any more.
func (f *Filter) step(h *Hour, prior []float64, cov *mat.SymDense, state []float64, after *mat.SymDense) bool {
	n := len(state)
	var chol mat.Cholesky
	if !chol.Factorize(cov) {
		return false
	}
	var precision mat.SymDense
	if chol.InverseTo(&precision) != nil {
		return false
	}
	gradient := mat.NewVecDense(n, nil)
	for i := range n {
		for k := range n {
			gradient.SetVec(i, gradient.AtVec(i)+precision.At(i, k)*(prior[k]-state[k]))
		}
	}
	seen, slope := false, mat.NewVecDense(n, nil)
	for s, o := range h.ObservedUGM3 {
		if math.IsNaN(o) {
			continue
		}
		seen = true
		model := h.BackgroundUGM3 * math.Exp(state[n-1])
		slope.SetVec(n-1, model)
		for g := range n - 1 {
			v := h.AddedUGM3[s*(n-1)+g] * math.Exp(state[g])
			slope.SetVec(g, v)
			model += v
		}
		w := 1 / math.Pow(f.c.sigma(o), 2)
		gradient.AddScaledVec(gradient, w*(o-model), slope)
		precision.SymRankOne(&precision, w, slope)
	}
	if !seen || !chol.Factorize(&precision) {
		return false
	}
	var move mat.VecDense
	if chol.SolveVecTo(&move, gradient) != nil || chol.InverseTo(after) != nil {
		return false
	}
	moved := 0.0
	for i := range state {
		d := math.Max(-1, math.Min(1, move.AtVec(i)))
		state[i] += d
		moved = math.Max(moved, math.Abs(d))
	}
	return moved > 1e-4
}

func (f *Filter) estimate(h *Hour, state []float64) Estimate {
	n := len(f.x)
	out := Estimate{Factor: make([]float64, n), BackgroundUGM3: h.BackgroundUGM3 * math.Exp(state[n]), StationUGM3: make([]float64, len(h.ObservedUGM3))}
	for g := range n {
		out.Factor[g] = math.Exp(state[g])
	}
	for s := range out.StationUGM3 {
		out.StationUGM3[s] = out.BackgroundUGM3 + f.added(h, s, state)
	}
	return out
}
