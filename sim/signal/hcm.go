package signal

import (
	"fmt"
	"math"
	"time"

	"tideway/unit"
)

// Delay of vehicles at a signal after the Highway Capacity Manual, 7th edition,
// chapter 19: uniform delay with the arrival pattern, incremental delay of
// random arrivals and oversaturation, and the delay of a queue left over from
// the period before. Equations and worked answers: docs/models/signals.md.

// LaneGroup is one lane group during one analysis period. The zero values of
// the optional fields are the manual's defaults.
type LaneGroup struct {
	Cycle    time.Duration
	Green    time.Duration // effective green
	Capacity unit.Flow     // of the whole group, c = s·g/C
	Volume   unit.Flow     // demand v

	Period  time.Duration // analysis period T; 0 means 15 minutes
	K       float64       // incremental delay factor k; 0 means 0.5 (pretimed), see ActuatedK
	I       float64       // upstream filtering factor I; 0 means 1 (isolated), see UpstreamFilter
	Arrival ArrivalType   // 0 means random arrivals
	OnGreen unit.Share    // share of arrivals on green P, used when Counted
	Counted bool          // OnGreen was counted and replaces Arrival
	Queue   float64       // vehicles waiting when the period begins
}

// Delay is the answer for a lane group: delays per vehicle, averages over the
// vehicles that arrive in the period.
type Delay struct {
	Uniform     time.Duration // d1
	Incremental time.Duration // d2
	Initial     time.Duration // d3
	Control     time.Duration // d1 + d2 + d3
	X           float64       // degree of saturation v/c
	LOS         LOS           // of the current edition
	Cleared     time.Duration // when the initial queue has gone, at most the period
	QueueEnd    float64       // vehicles left for the next period
}

// ArrivalType is the quality of progression, 1 (very poor) to 6 (exceptional).
type ArrivalType uint8

var platoonRatios = [...]float64{1, 0.333, 0.667, 1, 1.333, 1.667, 2}

// PlatoonRatio returns Rp: the share of arrivals on green over the share of
// green time. Types outside 1 to 6 count as random arrivals (1).
func (a ArrivalType) PlatoonRatio() float64 {
	if int(a) >= len(platoonRatios) {
		return 1
	}
	return platoonRatios[a]
}

// Delay returns the delay of the group. The error names the first input that
// the formulas do not cover: cycle, green, capacity not positive, green above
// the cycle, volume or queue negative or not finite.
func (g LaneGroup) Delay() (Delay, error) {
	if err := g.check(); err != nil {
		return Delay{}, err
	}
	cycle, u := g.Cycle.Seconds(), g.Green.Seconds()/g.Cycle.Seconds()
	x := float64(g.Volume / g.Capacity)
	d1 := UniformDelay(cycle, u, x, g.onGreen(u))
	d2 := g.incremental(x)
	d3, cleared, left := g.initial()
	control := seconds(d1 + d2 + d3)
	return Delay{Uniform: seconds(d1), Incremental: seconds(d2), Initial: seconds(d3), Control: control, X: x,
		LOS: LevelOfService(control, x, HCM7), Cleared: cleared, QueueEnd: left}, nil
}

func (g LaneGroup) check() error {
	switch {
	case g.Cycle <= 0:
		return fmt.Errorf("cycle is %v, expected more than 0 s", g.Cycle)
	case g.Green <= 0 || g.Green > g.Cycle:
		return fmt.Errorf("green is %v, expected more than 0 s and at most the cycle of %v", g.Green, g.Cycle)
	case !(g.Capacity > 0) || math.IsInf(float64(g.Capacity), 0):
		return fmt.Errorf("capacity is %v veh/h, expected more than 0", g.Capacity.VPH())
	case !(g.Volume >= 0) || math.IsInf(float64(g.Volume), 0):
		return fmt.Errorf("volume is %v veh/h, expected 0 or more", g.Volume.VPH())
	case !(g.Queue >= 0) || math.IsInf(g.Queue, 0):
		return fmt.Errorf("initial queue is %v vehicles, expected 0 or more", g.Queue)
	case g.Period < 0 || !(g.K >= 0) || !(g.I >= 0):
		return fmt.Errorf("period %v, k %v and I %v must not be negative", g.Period, g.K, g.I)
	case g.Counted && !(g.OnGreen >= 0 && g.OnGreen <= 1):
		return fmt.Errorf("share of arrivals on green is %v, expected 0 to 1", float64(g.OnGreen))
	}
	return nil
}

// onGreen returns P; a platoon cannot bring more than everybody.
func (g LaneGroup) onGreen(u float64) float64 {
	if g.Counted {
		return float64(g.OnGreen)
	}
	return math.Min(1, g.Arrival.PlatoonRatio()*u)
}

// UniformDelay returns d1 in seconds for a cycle in seconds, green ratio u,
// degree of saturation x and share p of arrivals on green. It is the closed
// form of the manual's queue accumulation polygon with one green per cycle
// whose queue clears (u above 0, at most 1); with p = u it is
// 0.5·C·(1−u)²/(1−min(1,x)·u).
func UniformDelay(cycleS, u, x, p float64) float64 {
	x = math.Min(1, x)
	y := x * u
	late := 1 - p*x
	if late <= 0 { // everybody arrives on green and green is just enough
		return 0
	}
	return 0.5 * (1 - p) * cycleS * ((1 - u) + (1-p)*y/late)
}

func (g LaneGroup) period() float64 {
	if g.Period == 0 {
		return 0.25
	}
	return g.Period.Hours()
}

// incremental returns d2 in seconds: 900·T·[(X−1)+√((X−1)²+8kIX/(cT))].
func (g LaneGroup) incremental(x float64) float64 {
	k, i := g.K, g.I
	if k == 0 {
		k = 0.5
	}
	if i == 0 {
		i = 1
	}
	t, c := g.period(), g.Capacity.VPH()
	return 900 * t * ((x - 1) + math.Sqrt((x-1)*(x-1)+8*k*i*x/(c*t)))
}

// initial returns d3 in seconds, when the initial queue has cleared, and the
// vehicles left at the end of the period.
func (g LaneGroup) initial() (d3S float64, cleared time.Duration, left float64) {
	t, c, v := g.period(), g.Capacity.VPH(), g.Volume.VPH()
	qb, qeo := g.Queue, 0.0
	clear := t
	if v >= c {
		qeo = t * (v - c)
		left = qb + qeo
	} else {
		clear = math.Min(t, qb/(c-v))
		left = math.Max(0, qb+clear*(v-c))
	}
	if qb > 0 && v > 0 {
		d3S = 3600 / (v * t) * (clear*(qb+left-qeo)/2 + (left*left-qeo*qeo)/(2*c) - qb*qb/(2*c))
	}
	if qb == 0 {
		clear = 0
	}
	return d3S, time.Duration(clear * float64(time.Hour)), left
}

// ActuatedK returns the incremental delay factor k of an actuated phase with
// the given passage time at degree of saturation x: (1−2kmin)(X−0.5)+kmin, at
// least kmin, at most 0.5.
func ActuatedK(passage time.Duration, x float64) float64 {
	p := passage.Seconds()
	kmin := math.Max(0.04, -0.375+0.354*p-0.0910*p*p+0.00889*p*p*p)
	k := (1-2*kmin)*(x-0.5) + kmin
	return math.Min(0.5, math.Max(kmin, k))
}

// UpstreamFilter returns I for a degree of saturation xu at the signal
// upstream: 1−0.91·Xu^2.68, at least 0.09.
func UpstreamFilter(xu float64) float64 {
	return math.Max(0.09, 1-0.91*math.Pow(math.Min(1, math.Max(0, xu)), 2.68))
}

// MeanDelay returns the volume-weighted mean of the control delays of lane
// groups: the delay of their approach or intersection. 0 without volume.
func MeanDelay(volumes []unit.Flow, delays []Delay) time.Duration {
	var sum, weight float64
	for i, d := range delays {
		sum += float64(volumes[i]) * d.Control.Seconds()
		weight += float64(volumes[i])
	}
	if weight == 0 {
		return 0
	}
	return seconds(sum / weight)
}

// Edition is an edition of the Highway Capacity Manual.
type Edition uint8

// Editions that differ in the level of service of signals.
const (
	HCM7    Edition = iota // 2010, 6th and 7th edition: over capacity is F whatever the delay
	HCM2000                // by delay alone
)

// LOS is a level of service, A to F.
type LOS byte

// String returns the letter.
func (l LOS) String() string { return string(rune(l)) }

// MarshalText gives the letter.
func (l LOS) MarshalText() ([]byte, error) { return []byte{byte(l)}, nil }

var losBounds = [...]time.Duration{10 * time.Second, 20 * time.Second, 35 * time.Second, 55 * time.Second, 80 * time.Second}

// LevelOfService returns the level of a control delay at degree of saturation
// x: upper bounds of A to E are 10, 20, 35, 55 and 80 s.
func LevelOfService(control time.Duration, x float64, e Edition) LOS {
	if e == HCM7 && x > 1 {
		return 'F'
	}
	for i, bound := range losBounds {
		if control <= bound {
			return LOS('A' + byte(i))
		}
	}
	return 'F'
}

func seconds(s float64) time.Duration { return time.Duration(math.Round(s * float64(time.Second))) }
