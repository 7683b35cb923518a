package forecast

import (
	"cmp"
	"math"
	"slices"

	"tideway/internal/parallel"
)

// relatives tell of every row which others speak for it when it falls silent:
// the correlations of its residual with those of the rows that go with it most,
// and among these. The mean residual of all rows is one more relative.
//
// Residuals are taken as jointly Gaussian: given those of the others, the
// expected one is b'(C+λI)⁻¹z, b its correlations with them, C theirs, z their
// values in standard deviations; b'(C+λI)⁻¹b is the share of variance told.
type relatives struct {
	sd   []float32   // per row: standard deviation of its residual
	rows [][]int32   // per row: relatives; len(sd) is the mean of all
	corr [][]float32 // per row: (k+1)×(k+1), the row itself last
	// independent is how many of the residuals behind them count as such: one
	// in two of the times after which they have faded to 1/e.
	independent []float64
}

const (
	relativeCount   = 12
	relativeShrink  = .1 // λ: noise of readings and of correlations from few days
	relativeSamples = 1500
	relativeAll     = 600 // up to so many rows all are candidates, else those linked
	relativeWorth   = .2  // share of variance below which nothing is said
)

// fitRelatives measures correlations on the last days of a panel.
func fitRelatives(p *Panel, loo []float32, links *Links, decay *Decay, threads int) *relatives {
	n := len(p.Series)
	r := &relatives{sd: make([]float32, n), rows: make([][]int32, n), corr: make([][]float32, n), independent: make([]float64, n)}
	for row := range r.independent {
		r.independent[row] = float64(min(p.Steps(), replayDays*Slots(p.Interval))) / float64(2*decay.lasts(row))
	}
	z := r.standardised(p, loo, threads)
	r.rows = parallel.Map(threads, identity(n), func(row int32) []int32 { return closest(z, row, candidates(links, row, n)) })
	r.corr = parallel.Map(threads, identity(n), func(row int32) []float32 { return correlations(z, append(slices.Clone(r.rows[row]), row)) })
	return r
}

// standardised returns the residuals of a sample of steps in standard
// deviations, 0 where missing; the last row is the mean of all.
func (r *relatives) standardised(p *Panel, loo []float32, threads int) [][]float32 {
	n, steps := len(p.Series), p.Steps()
	first := max(0, steps-replayDays*Slots(p.Interval))
	stride := 1 + (steps-first)/relativeSamples
	m := (steps - first + stride - 1) / stride
	z := make([][]float32, n+1)
	parallel.ForShards(threads, n, 64, func(s parallel.Shard) {
		for row := s.Begin; row < s.End; row++ {
			z[row] = make([]float32, m)
			sum, have := 0.0, 0.0
			for i := range m {
				t := first + i*stride
				if v := p.Values[row*steps+t] - loo[row*steps+t]; !isMissing(v) {
					z[row][i] = v
					sum, have = sum+float64(v)*float64(v), have+1
				}
			}
			if r.sd[row] = float32(math.Sqrt(sum / math.Max(1, have))); r.sd[row] > 0 {
				for i := range z[row] {
					z[row][i] /= r.sd[row]
				}
			}
		}
	})
	z[n] = make([]float32, m)
	for i := range m {
		for _, row := range z[:n] {
			z[n][i] += row[i] / float32(n)
		}
	}
	return z
}

func candidates(l *Links, row int32, n int) []int32 {
	if n <= relativeAll {
		return slices.Concat(identity(int(row)), identity(n)[row+1:])
	}
	var out []int32
	for _, a := range []*Arcs{&l.Up, &l.Down} {
		out = append(out, a.Row[a.Begin[row]:a.Begin[row+1]]...)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// closest returns the candidates that go with a row most, and the mean of all.
func closest(z [][]float32, row int32, among []int32) []int32 {
	type kin struct {
		row  int32
		corr float64
	}
	kins := make([]kin, len(among))
	for i, o := range among {
		kins[i] = kin{o, math.Abs(correlation(z[row], z[o]))}
	}
	slices.SortFunc(kins, func(a, b kin) int { return cmp.Or(cmp.Compare(b.corr, a.corr), cmp.Compare(a.row, b.row)) })
	var out []int32
	for _, k := range kins[:min(relativeCount, len(kins))] {
		out = append(out, k.row)
	}
	return append(out, int32(len(z)-1))
}

func correlation(a, b []float32) float64 {
	var ab, aa, bb float64
	for i, x := range a {
		y := b[i]
		if x != 0 && y != 0 { // 0: missing
			ab, aa, bb = ab+float64(x)*float64(y), aa+float64(x)*float64(x), bb+float64(y)*float64(y)
		}
	}
	if aa == 0 || bb == 0 {
		return 0
	}
	return ab / math.Sqrt(aa*bb)
}

func correlations(z [][]float32, rows []int32) []float32 {
	k := len(rows)
	out := make([]float32, k*k)
	for i, a := range rows {
		out[i*k+i] = 1
		for j := range i {
			c := float32(correlation(z[a], z[rows[j]]))
			out[i*k+j], out[j*k+i] = c, c
		}
	}
	return out
}

// told is what the others tell of a silent row.
type told struct {
	residual float32 // expected, canonical unit
	share    float32 // of its variance
	others   int     // rows that speak
}

// expect returns what the residuals z of the others, in standard deviations and
// NaN where unknown, tell of a row; the mean of all is last.
func (r *relatives) expect(row int, z []float32) told {
	k := len(r.rows[row]) + 1
	var use []int
	for i, o := range r.rows[row] {
		if !isMissing(z[o]) {
			use = append(use, i)
		}
	}
	n := len(use)
	a, b := make([]float64, n*n), make([]float64, n)
	for i, u := range use {
		b[i] = float64(r.corr[row][(k-1)*k+u])
		for j, v := range use {
			a[i*n+j] = float64(r.corr[row][u*k+v])
		}
		a[i*n+i] += relativeShrink
	}
	w := solve(a, slices.Clone(b))
	var sum, share float64
	for i, u := range use {
		sum, share = sum+w[i]*float64(z[r.rows[row][u]]), share+w[i]*b[i]
	}
	// what so many relatives would seem to tell by chance is taken off
	share = 1 - (1-share)*(r.independent[row]-1)/math.Max(1, r.independent[row]-float64(n)-1)
	return told{residual: float32(sum) * r.sd[row], share: float32(math.Min(1, math.Max(0, share))), others: n}
}

// solve returns the solution of a symmetric positive definite system, in place,
// by elimination.
func solve(a, b []float64) []float64 {
	n := len(b)
	for i := range n {
		for j := i + 1; j < n; j++ {
			f := a[j*n+i] / a[i*n+i]
			for k := i; k < n; k++ {
				a[j*n+k] -= f * a[i*n+k]
			}
			b[j] -= f * b[i]
		}
	}
	for i := n - 1; i >= 0; i-- {
		for k := i + 1; k < n; k++ {
			b[i] -= a[i*n+k] * b[k]
		}
		b[i] /= a[i*n+i]
	}
	return b
}

// impute fills g.told for rows that have been silent for longer than staleAfter.
// Where the window holds nothing else and the baseline serves, which sees no
// neighbours, the estimate enters the window, as old a value as it is worth: a
// residual of which others tell the share s of the variance is worth one seen
// when the squared fading factor was s. Ages and reasons keep telling the truth.
func (g *group) impute() {
	clear(g.told)
	f, w := g.fit, g.window
	if f == nil || f.relatives == nil {
		return
	}
	z, silent, empty := make([]float32, w.Rows+1), []int{}, map[int]bool{}
	var mean mean
	for row := range w.Rows {
		age, last := w.age(row)
		z[row] = missing
		if age > staleAfter {
			silent = append(silent, row)
			empty[row] = age == w.Past
		} else if sd := f.relatives.sd[row]; sd > 0 {
			z[row] = (last - w.Usual[(row+1)*w.Past-1-age]) / sd
			mean.add(z[row])
		}
	}
	z[w.Rows] = mean.value()
	for _, row := range silent {
		if t := f.relatives.expect(row, z); t.share >= relativeWorth && !isMissing(w.Usual[(row+1)*w.Past-1]) {
			g.told[row] = t
			if empty[row] && !g.learned() {
				g.pretend(row, t)
			}
		}
	}
}

// pretend writes an estimate into the window.
func (g *group) pretend(row int, t told) {
	w := g.window
	age := staleAfter + 1
	for ; age < w.Past-1; age++ {
		if f, _ := g.fit.decay.at(row, age, true); f*f <= t.share {
			break
		}
	}
	factor, _ := g.fit.decay.at(row, age, true)
	at := (row+1)*w.Past - 1 - age
	w.Values[at] = max(g.floor, w.Usual[at]+t.residual/max(.2, factor))
}

// estimate is the value now of a row that others speak for.
func (g *group) estimate(row int) float32 {
	return min(g.ceil, max(g.floor, g.window.Usual[(row+1)*g.window.Past-1]+g.told[row].residual))
}
