// Package rng gives random streams that are arithmetic: value n of a stream is
// a pure function of (seed, entity, purpose, n). There is no generator to share
// or to lock, so the order in which entities are visited and the number of
// threads cannot change a result, and an alternative in which one vehicle is
// missing leaves every other vehicle's luck as it was (common random numbers).
//
// The generator is SplitMix64 (Steele, Lea, Flood: Fast splittable pseudorandom
// number generators, OOPSLA 2014, with Stafford's mix 13) used as a counter: the
// stream's key is the starting state. Two streams of 64-bit keys drawn at random
// share a stretch of 10 000 values with a probability near 1e-15; not for
// cryptography.
//
// It stands below sim and the generators of cities and demand, and imports
// nothing of ours.
package rng

import "math"

// Purpose keeps the streams of one entity apart. New purposes are added at the
// end: their numbers are part of every recorded result.
type Purpose uint64

// Purposes.
const (
	Imperfection Purpose = iota + 1 // driver's dawdling, one value per tick
	SpeedFactor                     // desired speed over the limit
	TypeChoice                      // vehicle type out of a distribution
	RouteChoice                     // route out of a distribution
	Departure                       // time, lane, place and speed of departure
	LaneChange                      // tie breaks of lane changes
	Junction                        // tie breaks of right of way
	Place                           // origin and destination inside zones
	Layout                          // a synthetic city's roads
	Names                           // its street names
	Volume                          // day-to-day variation of demand
	Noise                           // measuring noise of a device
	Fault                           // gaps and faults of a device
	Weather                         // background air and weather
	Signals                         // actuation, starting states
)

const gamma = 0x9e3779b97f4a7c15 // 2^64 over the golden ratio, odd

// Mix scrambles 64 bits so that every input bit moves every output bit with
// probability near one half. It is a bijection.
func Mix(x uint64) uint64 {
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// Key returns the key of an entity's stream for a purpose: what At takes. Cost
// about 3 ns; keep it where values are drawn every tick.
func Key(seed, entity uint64, purpose Purpose) uint64 {
	return Mix(Mix(Mix(seed+gamma)+entity) + uint64(purpose)*gamma)
}

// At returns value n of the stream with the given key: 64 random bits. Cost
// about 1 ns.
func At(key, n uint64) uint64 { return Mix(key + (n+1)*gamma) }

// Unit maps 64 random bits to [0, 1), a multiple of 2^-53.
func Unit(bits uint64) float64 { return float64(bits>>11) * 0x1p-53 }

// Hash returns a stable 64-bit hash of a string (FNV-1a, then Mix): the entity
// number of something that has only an outside id.
func Hash(s string) uint64 {
	h := uint64(0xcbf29ce484222325)
	for i := range len(s) {
		h = (h ^ uint64(s[i])) * 0x100000001b3
	}
	return Mix(h)
}

// Stream draws the values of one stream in order. It is a value: a copy goes
// on independently. As *Stream it is a math/rand/v2 Source.
type Stream struct{ key, n uint64 }

// New returns the stream of an entity for a purpose, at its first value.
func New(seed, entity uint64, purpose Purpose) Stream {
	return Stream{key: Key(seed, entity, purpose)}
}

// Uint64 returns the next 64 random bits.
func (s *Stream) Uint64() uint64 {
	v := At(s.key, s.n)
	s.n++
	return v
}

// Float64 returns the next number in [0, 1).
func (s *Stream) Float64() float64 { return Unit(s.Uint64()) }

// Between returns the next number in [lo, hi).
func (s *Stream) Between(lo, hi float64) float64 { return lo + (hi-lo)*s.Float64() }

// IntN returns the next number of 0 to n-1; n must be positive. Its bias is
// below n/2^53.
func (s *Stream) IntN(n int) int { return int(s.Float64() * float64(n)) }

// Normal returns the next standard normal number (Box and Muller 1958, the
// cosine half, so that every call takes exactly two values).
func (s *Stream) Normal() float64 {
	u, v := 1-s.Float64(), s.Float64()
	return math.Sqrt(-2*math.Log(u)) * math.Cos(2*math.Pi*v)
}

// Exponential returns the next exponential number with mean 1.
func (s *Stream) Exponential() float64 { return -math.Log(1 - s.Float64()) }

// Poisson returns the next Poisson number with the given mean: by products of
// uniforms below 30, by the rounded normal above, whose mean is off by less
// than a hundredth there. A mean that is not positive gives 0.
func (s *Stream) Poisson(mean float64) int {
	if mean > 30 {
		return max(0, int(math.Round(mean+math.Sqrt(mean)*s.Normal())))
	}
	k, p, limit := 0, s.Float64(), math.Exp(-mean)
	for p > limit {
		p *= s.Float64()
		k++
	}
	return k
}

// Pick returns a position drawn in proportion to the weights, whose sum need
// not be 1; negative and NaN weights count as 0. It returns -1 when no weight
// is positive.
func (s *Stream) Pick(weights []float64) int {
	var sum float64
	for _, w := range weights {
		if w > 0 {
			sum += w
		}
	}
	at, last := s.Float64()*sum, -1
	for i, w := range weights {
		if !(w > 0) {
			continue
		}
		if last = i; at < w {
			return i
		}
		at -= w
	}
	return last
}

// TruncatedNormal returns the next normal number of the given mean and
// deviation within [lo, hi], by rejection; after 64 misses the nearest bound
// to the mean, so that impossible ranges end too.
func (s *Stream) TruncatedNormal(mean, dev, lo, hi float64) float64 {
	if dev > 0 {
		for range 64 {
			if v := mean + dev*s.Normal(); v >= lo && v <= hi {
				return v
			}
		}
	}
	return math.Max(lo, math.Min(hi, mean))
}
