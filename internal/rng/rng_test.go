package rng_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"gonum.org/v1/gonum/stat"
	"pgregory.net/rapid"

	"tideway/internal/rng"
)

func TestSplitMixReference(t *testing.T) {
	// The published SplitMix64 sequence from state 1234567.
	want := []uint64{6457827717110365317, 3203168211198807973, 9817491932198370423, 4593380528125082431, 16408922859458223821}
	for n, w := range want {
		if got := rng.At(1234567, uint64(n)); got != w {
			t.Errorf("value %d = %d, want %d", n, got, w)
		}
	}
}

func TestAStreamIsAPureFunction(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		seed, entity := rapid.Uint64().Draw(t, "seed"), rapid.Uint64().Draw(t, "entity")
		s := rng.New(seed, entity, rng.Imperfection)
		key := rng.Key(seed, entity, rng.Imperfection)
		for n := range uint64(20) {
			if got := s.Uint64(); got != rng.At(key, n) {
				t.Fatalf("value %d differs from At", n)
			}
		}
		if key == rng.Key(seed, entity, rng.SpeedFactor) || key == rng.Key(seed, entity+1, rng.Imperfection) || key == rng.Key(seed+1, entity, rng.Imperfection) {
			t.Fatal("neighbouring streams share a key")
		}
	})
}

// moments draws n values and returns their mean and variance.
func moments(n int, draw func() float64) (mean, variance float64) {
	v := make([]float64, n)
	for i := range v {
		v[i] = draw()
	}
	return stat.MeanVariance(v, nil)
}

func TestDistributionsHaveTheirMoments(t *testing.T) {
	const n = 200_000
	s := rng.New(7, 1, rng.Noise)
	for _, c := range []struct {
		name           string
		draw           func() float64
		mean, variance float64
	}{
		{"uniform", s.Float64, 0.5, 1. / 12},
		{"normal", s.Normal, 0, 1},
		{"exponential", s.Exponential, 1, 1},
		{"poisson 3", func() float64 { return float64(s.Poisson(3)) }, 3, 3},
		{"poisson 80", func() float64 { return float64(s.Poisson(80)) }, 80, 80},
		{"truncated", func() float64 { return s.TruncatedNormal(1, 0.1, 0.2, 2) }, 1, 0.01},
		{"intn", func() float64 { return float64(s.IntN(10)) }, 4.5, 8.25},
	} {
		mean, variance := moments(n, c.draw)
		if tol := 5 * math.Sqrt(c.variance/n); math.Abs(mean-c.mean) > tol || math.Abs(variance/c.variance-1) > 0.03 {
			t.Errorf("%s: mean %.4f variance %.4f, want %.4f %.4f", c.name, mean, variance, c.mean, c.variance)
		}
	}
}

func TestNeighbouringEntitiesAreUncorrelated(t *testing.T) {
	const n = 50_000
	x, y := make([]float64, n), make([]float64, n)
	for i := range x { // value 0 of consecutive entities, and of consecutive ticks
		x[i] = rng.Unit(rng.At(rng.Key(1, uint64(i), rng.Imperfection), 0))
		y[i] = rng.Unit(rng.At(rng.Key(1, uint64(i)+1, rng.Imperfection), 0))
	}
	if r := stat.Correlation(x, y, nil); math.Abs(r) > 4/math.Sqrt(n) {
		t.Errorf("correlation %v", r)
	}
}

func TestPickFollowsTheWeights(t *testing.T) {
	s := rng.New(1, 2, rng.TypeChoice)
	weights, count := []float64{0.4, -1, 0.2, math.NaN(), 0.55}, [5]int{}
	for range 100_000 {
		count[s.Pick(weights)]++
	}
	if count[1]+count[3] != 0 || math.Abs(float64(count[0])/1e5-0.4/1.15) > 0.01 {
		t.Errorf("counts %v", count)
	}
	if got := s.Pick([]float64{0, 0}); got != -1 {
		t.Errorf("Pick of nothing = %d", got)
	}
}

func TestImpossibleRangesEnd(t *testing.T) {
	s := rng.New(1, 2, rng.SpeedFactor)
	if v := s.TruncatedNormal(1, 0.1, 5, 6); v != 5 {
		t.Errorf("got %v", v)
	}
	if s.Poisson(-1) != 0 || s.Poisson(math.NaN()) != 0 {
		t.Error("a mean that is not positive must give 0")
	}
}

func TestAStreamIsASource(t *testing.T) {
	s := rng.New(3, 4, rng.Layout)
	p := rand.New(&s).Perm(5)
	if len(p) != 5 {
		t.Fatal(p)
	}
}

func BenchmarkAt(b *testing.B) {
	var sum uint64
	for i := range b.N {
		sum += rng.At(42, uint64(i))
	}
	sink = sum
}

func BenchmarkKey(b *testing.B) {
	var sum uint64
	for i := range b.N {
		sum += rng.Key(42, uint64(i), rng.Imperfection)
	}
	sink = sum
}

var sink uint64
