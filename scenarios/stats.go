package scenarios

import (
	"math"
	"slices"

	"gonum.org/v1/gonum/stat"
	"gonum.org/v1/gonum/stat/distuv"
)

// Paired is the comparison of one figure over replications that share their
// random streams.
type Paired struct {
	N             int     // pairs of which both figures are known
	Base, Alt     float64 // means
	Diff          float64 // mean difference, or the Hodges-Lehmann median when Test is wilcoxon
	Lo, Hi        float64 // 95 % interval of the difference; NaN below two pairs
	P             float64 // two-sided
	VarianceRatio float64 // (s²base + s²alt) / s²diff: what common random numbers gained; NaN without variance
	Test          string
}

// Names of tests.
const (
	TestT        = "t"
	TestWilcoxon = "wilcoxon"
	TestNone     = "none"
)

// skewLimit is the sample skewness above which the paired t-test gives way to
// the signed-rank test; below minRank pairs that test cannot reach 5 %.
const (
	skewLimit = 2.0
	minRank   = 8
)

// Pair compares figures by replication: Student's t on the differences, or the
// exact Wilcoxon signed-rank test where they are strongly skewed. Equal
// figures everywhere give difference 0, interval [0, 0] and p 1. Pairs with an
// unknown figure are left out.
func Pair(base, alt []float64) Paired {
	var b, a, d []float64
	for i := range base {
		if v := alt[i] - base[i]; !math.IsNaN(v) && !math.IsInf(v, 0) {
			b, a, d = append(b, base[i]), append(a, alt[i]), append(d, v)
		}
	}
	nan := math.NaN()
	p := Paired{N: len(d), Base: stat.Mean(b, nil), Alt: stat.Mean(a, nil), Diff: stat.Mean(d, nil), Lo: nan, Hi: nan, P: nan, VarianceRatio: nan, Test: TestNone}
	if p.N < 2 {
		if p.N == 0 {
			p.Base, p.Alt, p.Diff = nan, nan, nan
		}
		return p
	}
	sd := stat.StdDev(d, nil)
	if sd > 0 {
		p.VarianceRatio = (stat.Variance(a, nil) + stat.Variance(b, nil)) / (sd * sd)
	}
	if p.N >= minRank && sd > 0 && math.Abs(stat.Skew(d, nil)) > skewLimit {
		p.Test = TestWilcoxon
		p.Diff, p.Lo, p.Hi = hodgesLehmann(d)
		p.P = signedRank(d)
		return p
	}
	p.Test = TestT
	half := tQuantile(p.N) * sd / math.Sqrt(float64(p.N))
	p.Lo, p.Hi = p.Diff-half, p.Diff+half
	p.P = tTest(p.Diff, sd, p.N)
	return p
}

// tQuantile returns the 97.5 % quantile of Student's t for n values.
func tQuantile(n int) float64 {
	return distuv.StudentsT{Mu: 0, Sigma: 1, Nu: float64(n - 1)}.Quantile(0.975)
}

func tTest(mean, sd float64, n int) float64 {
	switch {
	case sd == 0 && mean == 0:
		return 1
	case sd == 0:
		return 0
	}
	t := math.Abs(mean) / (sd / math.Sqrt(float64(n)))
	return 2 * distuv.StudentsT{Mu: 0, Sigma: 1, Nu: float64(n - 1)}.Survival(t)
}

// signedRank returns the two-sided p of Wilcoxon's signed-rank test, exact for
// up to 50 pairs, zeros left out, ties with mean ranks.
func signedRank(d []float64) float64 {
	var v []float64
	for _, x := range d {
		if x != 0 {
			v = append(v, x)
		}
	}
	if len(v) == 0 {
		return 1
	}
	slices.SortFunc(v, func(x, y float64) int {
		switch x, y := math.Abs(x), math.Abs(y); {
		case x < y:
			return -1
		case x > y:
			return 1
		}
		return 0
	})
	rank2 := doubledRanks(v)
	plus, total := 0, 0
	for i, x := range v {
		total += rank2[i]
		if x > 0 {
			plus += rank2[i]
		}
	}
	least := min(plus, total-plus)
	if len(v) > 50 {
		var square float64
		for _, r := range rank2 {
			square += float64(r) * float64(r)
		}
		z := (math.Abs(float64(least)-float64(total)/2) - 1) / (math.Sqrt(square) / 2)
		return math.Min(1, math.Erfc(z/math.Sqrt2))
	}
	return math.Min(1, 2*rankTail(rank2, total, least))
}

// doubledRanks returns twice the mean ranks of values sorted by size.
func doubledRanks(v []float64) []int {
	out := make([]int, len(v))
	for i := 0; i < len(v); {
		k := i
		for k < len(v) && math.Abs(v[k]) == math.Abs(v[i]) {
			k++
		}
		for j := i; j < k; j++ {
			out[j] = i + 1 + k
		}
		i = k
	}
	return out
}

// rankTail returns the probability that the sum of a random half of the ranks
// is at most the given one.
func rankTail(rank2 []int, total, most int) float64 {
	ways := make([]float64, total+1)
	ways[0] = 1
	for _, r := range rank2 {
		for s := total; s >= r; s-- {
			ways[s] += ways[s-r]
		}
	}
	var sum float64
	for s := 0; s <= most; s++ {
		sum += ways[s]
	}
	return sum / math.Pow(2, float64(len(rank2)))
}

// hodgesLehmann returns the median of the averages of all pairs of differences
// and the 95 % interval that belongs to the signed-rank test.
func hodgesLehmann(d []float64) (median, lo, hi float64) {
	var walsh []float64
	for i := range d {
		for k := i; k < len(d); k++ {
			walsh = append(walsh, (d[i]+d[k])/2)
		}
	}
	slices.Sort(walsh)
	ranks := make([]int, len(d))
	for i := range ranks {
		ranks[i] = i + 1
	}
	n := len(d)
	total, cut := n*(n+1)/2, 0
	for cut+1 < total/2 && rankTail(ranks, total, cut) <= 0.025 {
		cut++
	}
	cut = max(cut, 1)
	return Median(walsh), walsh[cut-1], walsh[len(walsh)-cut]
}

// Median returns the middle of the values, NaN for none. It sorts a copy.
func Median(v []float64) float64 { return Quantile(v, 0.5) }

// Quantile returns the q-quantile of the values, 0 to 1, interpolated linearly
// between order statistics; NaN for none.
func Quantile(v []float64, q float64) float64 {
	if len(v) == 0 {
		return math.NaN()
	}
	s := slices.Clone(v)
	slices.Sort(s)
	at := q * float64(len(s)-1)
	i := int(at)
	if i+1 >= len(s) {
		return s[len(s)-1]
	}
	return s[i] + (at-float64(i))*(s[i+1]-s[i])
}

// Holm returns p-values corrected for their number so that the chance of any
// false finding in the family keeps its level (Holm 1979). Unknown p-values
// stay unknown and do not count.
func Holm(p []float64) []float64 {
	out, order := make([]float64, len(p)), []int{}
	for i, v := range p {
		out[i] = v
		if !math.IsNaN(v) {
			order = append(order, i)
		}
	}
	slices.SortStableFunc(order, func(a, b int) int {
		switch {
		case p[a] < p[b]:
			return -1
		case p[a] > p[b]:
			return 1
		}
		return 0
	})
	highest := 0.0
	for k, i := range order {
		highest = math.Max(highest, math.Min(1, float64(len(order)-k)*p[i]))
		out[i] = highest
	}
	return out
}

// Bimodal reports whether values fall into two groups far apart: the widest
// gap between neighbours is more than half of the range, and the range more
// than half of the median. A rule of thumb that means to miss nothing a reader
// should look at, for as few as five replications.
func Bimodal(v []float64) bool {
	s := slices.DeleteFunc(slices.Clone(v), math.IsNaN)
	if len(s) < 4 {
		return false
	}
	slices.Sort(s)
	reach, widest := s[len(s)-1]-s[0], 0.0
	for i := 1; i < len(s); i++ {
		widest = math.Max(widest, s[i]-s[i-1])
	}
	return widest > reach/2 && reach > math.Abs(Median(s))/2
}

// ReplicationsNeeded returns how many replications bring the half-width of the
// 95 % interval to the wanted one, judged by the standard deviation of n
// differences: the least N with t(N−1)·s/√N at or below it.
func ReplicationsNeeded(sd, halfWidth float64, n, most int) int {
	for ; n < most; n++ {
		if n >= 2 && tQuantile(n)*sd/math.Sqrt(float64(n)) <= halfWidth {
			break
		}
	}
	return n
}

// MSER5 returns how many leading values of a series are warm-up: the cut that
// minimises the standard error of what remains, over means of five values
// (White 1997). ok is false when the minimum lies in the second half: the
// series is too short to tell.
func MSER5(series []float64) (cut int, ok bool) {
	const batch = 5
	means := make([]float64, len(series)/batch)
	for i := range means {
		means[i] = stat.Mean(series[i*batch:(i+1)*batch], nil)
	}
	if len(means) < 4 {
		return 0, false
	}
	best, at := math.Inf(1), 0
	for d := 0; d <= len(means)-2; d++ {
		rest := means[d:]
		n := float64(len(rest))
		if v := stat.PopVariance(rest, nil) / n; v < best {
			best, at = v, d
		}
	}
	return at * batch, at <= len(means)/2
}

// GEH returns the statistic sqrt(2(m−c)²/(m+c)) of modelled and counted
// hourly flows; below 5 counts as a good fit. 0 when both are 0.
func GEH(modelled, counted float64) float64 {
	if modelled+counted == 0 {
		return 0
	}
	return math.Sqrt(2 * (modelled - counted) * (modelled - counted) / (modelled + counted))
}
