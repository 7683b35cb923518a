package scenarios

import (
	"math"
	"testing"

	"pgregory.net/rapid"

	"tideway/internal/rng"
)

func near(t testing.TB, what string, got, want, tolerance float64) {
	t.Helper()
	if math.IsNaN(got) || math.Abs(got-want) > tolerance {
		t.Errorf("%s = %v, want %v ± %g", what, got, want, tolerance)
	}
}

// The sleep data of Student (1908), with the textbook's answer.
var (
	sleepBase = []float64{0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0, 2.0}
	sleepAlt  = []float64{1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4}
)

func TestPairedTOfStudentsSleepData(t *testing.T) {
	p := Pair(sleepBase, sleepAlt)
	if p.Test != TestT || p.N != 10 {
		t.Fatalf("%+v", p)
	}
	near(t, "difference", p.Diff, 1.58, 1e-12)
	near(t, "low", p.Lo, 0.7001142, 1e-6)
	near(t, "high", p.Hi, 2.4598858, 1e-6)
	near(t, "p", p.P, 0.002832890, 1e-8)
}

func TestSignedRankExact(t *testing.T) {
	// Nine positive differences of nine: p = 2/512.
	near(t, "all positive", signedRank([]float64{1, 2, 3, 4, 5, 6, 7, 8, 9}), 2.0/512, 1e-12)
	// One smallest negative: W = 1, two sums of at most 1: p = 4/512.
	near(t, "one negative", signedRank([]float64{-1, 2, 3, 4, 5, 6, 7, 8, 9}), 4.0/512, 1e-12)
	near(t, "symmetric", signedRank([]float64{-1, 1}), 1, 1e-12)
	near(t, "nothing", signedRank([]float64{0, 0}), 1, 0)
}

func TestSkewedDifferencesAreRanked(t *testing.T) {
	base, alt := make([]float64, 12), make([]float64, 12)
	for i := range alt {
		alt[i] = 1 + 0.01*float64(i)
	}
	alt[11] = 500
	p := Pair(base, alt)
	if p.Test != TestWilcoxon || p.Lo <= 0 || p.Hi > 300 || p.Diff > 2 {
		t.Errorf("%+v", p)
	}
}

func TestEqualFiguresDifferByNothing(t *testing.T) {
	p := Pair([]float64{3, 4, 5}, []float64{3, 4, 5})
	if p.Diff != 0 || p.Lo != 0 || p.Hi != 0 || p.P != 1 || !math.IsNaN(p.VarianceRatio) {
		t.Errorf("%+v", p)
	}
}

func TestUnknownFiguresAreLeftOut(t *testing.T) {
	nan := math.NaN()
	p := Pair([]float64{1, nan, 3, 4}, []float64{2, 2, nan, 6})
	if p.N != 2 || p.Diff != 1.5 {
		t.Errorf("%+v", p)
	}
	if p := Pair([]float64{nan}, []float64{1}); p.N != 0 || !math.IsNaN(p.Diff) || p.Test != TestNone {
		t.Errorf("%+v", p)
	}
}

// The 95 % interval must hold the truth in 95 of 100 cases.
func TestIntervalCoverage(t *testing.T) {
	const trials = 4000
	s := rng.New(1, 2, rng.Noise)
	hit := 0
	for range trials {
		base, alt := make([]float64, 6), make([]float64, 6)
		for i := range base {
			base[i] = 50 + 5*s.Normal()
			alt[i] = base[i] + 2 + s.Normal()
		}
		if p := Pair(base, alt); p.Lo <= 2 && 2 <= p.Hi {
			hit++
		}
	}
	near(t, "coverage", float64(hit)/trials, 0.95, 0.012)
}

func TestVarianceRatioSeesCommonRandomNumbers(t *testing.T) {
	s := rng.New(3, 4, rng.Noise)
	base, shared, apart := make([]float64, 400), make([]float64, 400), make([]float64, 400)
	for i := range base {
		base[i] = 10 * s.Normal()
		shared[i] = base[i] + s.Normal()
		apart[i] = 10 * s.Normal()
	}
	if r := Pair(base, shared).VarianceRatio; r < 100 {
		t.Errorf("shared streams: %v", r)
	}
	near(t, "independent streams", Pair(base, apart).VarianceRatio, 1, 0.15)
}

func TestHolm(t *testing.T) {
	got := Holm([]float64{0.01, 0.04, math.NaN(), 0.03, 0.005})
	for i, want := range []float64{0.03, 0.06, math.NaN(), 0.06, 0.02} {
		if math.IsNaN(want) != math.IsNaN(got[i]) || !math.IsNaN(want) && math.Abs(got[i]-want) > 1e-12 {
			t.Errorf("p %d: %v, want %v", i, got[i], want)
		}
	}
}

func TestHolmNeverHelps(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := rapid.SliceOfN(rapid.Float64Range(0, 1), 1, 20).Draw(t, "p")
		for i, v := range Holm(p) {
			if v < p[i] || v > 1 {
				t.Fatalf("%v became %v", p[i], v)
			}
		}
	})
}

func TestBimodal(t *testing.T) {
	if !Bimodal([]float64{40, 41, 42, 41, 300}) || Bimodal([]float64{40, 41, 42, 41, 44}) || Bimodal([]float64{1, 9}) {
		t.Error("two groups far apart and only they are bimodal")
	}
}

// CI/s of the published table: 0.5 needs 64, 1.0 needs 18, 1.5 needs 10 and 2.0
// needs 7 replications at 95 %. The interval's width is twice the half-width.
func TestReplicationsNeeded(t *testing.T) {
	for _, c := range []struct {
		width float64
		want  int
	}{{0.5, 64}, {1, 18}, {1.5, 10}, {2, 7}} {
		if got := ReplicationsNeeded(1, c.width/2, 2, 1000); got < c.want-1 || got > c.want {
			t.Errorf("width %v s: %d, want %d", c.width, got, c.want)
		}
	}
}

func TestMSER5FindsTheWarmUp(t *testing.T) {
	s := rng.New(5, 6, rng.Noise)
	series := make([]float64, 200)
	for i := range series {
		series[i] = 100*(1-math.Exp(-float64(i)/8)) + s.Normal()
	}
	cut, ok := MSER5(series)
	if !ok || cut < 15 || cut > 60 {
		t.Errorf("cut %d, ok %v", cut, ok)
	}
	for i := range series {
		series[i] = float64(i)
	}
	if _, ok := MSER5(series); ok {
		t.Error("a series that only rises has no steady state")
	}
}

func TestGEH(t *testing.T) {
	near(t, "GEH", GEH(110, 90), 2, 1e-12)
	near(t, "nothing", GEH(0, 0), 0, 0)
}

func TestQuantile(t *testing.T) {
	near(t, "median", Median([]float64{4, 1, 3, 2}), 2.5, 0)
	near(t, "q95", Quantile([]float64{0, 100}, 0.95), 95, 1e-12)
}

// A difference whose own interval excludes 0 is no verdict when it may be luck
// among many indicators.
func TestVerdictsHoldForTheWholeFamily(t *testing.T) {
	p := Paired{Lo: -3, Hi: -1}
	for holm, want := range map[float64]Verdict{0.04: Better, 0.06: Unclear, math.NaN(): Unclear} {
		if got := certain(&KPI{Lower: true, PHolm: Number(holm)}, p); got != want {
			t.Errorf("p %v: %v, want %v", holm, got, want)
		}
	}
	if got := certain(&KPI{PHolm: 0.01}, p); got != Worse {
		t.Errorf("higher is better: %v", got)
	}
}
