package emission

import (
	"slices"

	"tideway/unit"
)

// order sorts the functions slope-major and reports whether they fill the grid.
func (s *surface) order() bool {
	slices.Sort(s.slopes)
	slices.Sort(s.loads)
	if len(s.f) == 0 || len(s.f) != len(s.slopes)*len(s.loads) {
		return false
	}
	sorted := make([]Function, len(s.f))
	filled := make([]bool, len(s.f))
	for i, at := range s.at {
		k := slices.Index(s.slopes, at[0])*len(s.loads) + slices.Index(s.loads, at[1])
		if filled[k] {
			return false
		}
		sorted[k], filled[k] = s.f[i], true
	}
	s.f, s.at = sorted, nil
	return true
}

// value is the factor at a speed, interpolated linearly in slope and load and
// held at the ends of the grid.
func (s *surface) value(kmh, slope, load float64) float64 {
	if len(s.f) == 1 {
		return s.f[0].factorKMH(kmh)
	}
	i, u := bracket(s.slopes, slope)
	j, w := bracket(s.loads, load)
	n := len(s.loads)
	at := func(i, j int) float64 {
		return s.f[min(i, len(s.slopes)-1)*n+min(j, n-1)].factorKMH(kmh)
	}
	sum := 0.0
	for _, c := range [4]struct {
		i, j int
		w    float64
	}{{i, j, (1 - u) * (1 - w)}, {i + 1, j, u * (1 - w)}, {i, j + 1, (1 - u) * w}, {i + 1, j + 1, u * w}} {
		if c.w > 0 {
			sum += c.w * at(c.i, c.j)
		}
	}
	return sum
}

// bracket returns i and u so that x = xs[i]·(1−u) + xs[i+1]·u, held inside xs.
func bracket(xs []float64, x float64) (int, float64) {
	if x <= xs[0] || len(xs) == 1 {
		return 0, 0
	}
	for i := 1; i < len(xs); i++ {
		if x < xs[i] {
			return i - 1, (x - xs[i-1]) / (xs[i] - xs[i-1])
		}
	}
	return len(xs) - 1, 0
}

// Hot returns the hot exhaust factor of pollutant p in g/km (MJ/km for EC) at
// mean speed v, on a slope (rise over run) and with a load (share of payload);
// slope and load matter to trucks and buses only. Below the function's lowest
// speed the vehicle idles part of the time.
func (c *Class) Hot(p Pollutant, v unit.Speed, slope, load unit.Share) float64 {
	if c.Fuel == Electric {
		return 0
	}
	return c.hot[p].value(v.KMH(), float64(slope), float64(load))
}

// Idle returns what a standing vehicle releases, in g/h (MJ/h for EC):
// EF(VMin)·VMin.
func (c *Class) Idle(p Pollutant, load unit.Share) float64 {
	if c.Fuel == Electric {
		return 0
	}
	return c.hot[p].value(minMeanKMH, 0, float64(load)) * minMeanKMH
}
