package signal

import (
	"errors"
	"math"
	"time"

	"tideway/unit"
)

// Webster's method (Road Research Technical Paper 39, 1958) for one isolated
// junction, with the guards that plain implementations lack.

// WebsterInput is one junction: the flow ratio y = v/s of the critical lane of
// each stage, the lost time per cycle and the limits the answer must keep.
type WebsterInput struct {
	FlowRatios []float64
	Lost       time.Duration
	MinGreens  []time.Duration // per stage; missing ones are 0. Cover pedestrians here
	MinCycle   time.Duration   // 0: none
	MaxCycle   time.Duration   // 0: none
	MaxRatio   float64         // cap on the sum of flow ratios; 0 means 0.95
}

// WebsterPlan is the answer: a cycle and effective greens that add up to the
// cycle less the lost time.
type WebsterPlan struct {
	Optimum time.Duration // C0 = (1.5·L+5)/(1−Y) before the limits
	Cycle   time.Duration
	Greens  []time.Duration
	Y       float64 // sum of flow ratios as given
	Capped  bool    // Y was above the cap: the junction is near or over capacity
}

// WebsterCycle returns C0 = (1.5·L+5)/(1−Y), the cycle of least delay for lost
// time L and sum of flow ratios y below 1.
func WebsterCycle(lost time.Duration, y float64) time.Duration {
	return seconds((1.5*lost.Seconds() + 5) / (1 - y))
}

// MinimumCycle returns L·Xc/(Xc−Y): the shortest cycle at which the critical
// degree of saturation is xc. ok is false when no cycle is long enough.
func MinimumCycle(lost time.Duration, y, xc float64) (cycle time.Duration, ok bool) {
	if y >= xc {
		return 0, false
	}
	return seconds(lost.Seconds() * xc / (xc - y)), true
}

// Webster returns the cycle and greens of least delay within the limits:
// greens in proportion to flow ratios, none below its minimum. It fails when a
// flow ratio is negative or not finite, all are zero, or the longest cycle
// cannot hold the minima.
func Webster(in WebsterInput) (WebsterPlan, error) {
	var y float64
	for _, r := range in.FlowRatios {
		if !(r >= 0) || math.IsInf(r, 0) {
			return WebsterPlan{}, errors.New("a flow ratio is negative or not a number, expected 0 or more")
		}
		y += r
	}
	if y == 0 {
		return WebsterPlan{}, errors.New("all flow ratios are 0, expected traffic on at least one stage")
	}
	most := in.MaxRatio
	if most == 0 {
		most = 0.95
	}
	plan := WebsterPlan{Y: y, Capped: y > most, Optimum: WebsterCycle(in.Lost, math.Min(y, most))}
	plan.Cycle = in.limit(plan.Optimum)
	if in.MaxCycle > 0 && in.shortest() > in.MaxCycle {
		return WebsterPlan{}, errors.New("minimum greens and lost time exceed the longest cycle allowed")
	}
	plan.Greens = shareGreen(in.FlowRatios, in.MinGreens, plan.Cycle-in.Lost)
	return plan, nil
}

func (in WebsterInput) limit(c time.Duration) time.Duration {
	c = max(c, in.MinCycle, in.shortest())
	if in.MaxCycle > 0 {
		c = min(c, in.MaxCycle)
	}
	return c
}

func (in WebsterInput) shortest() time.Duration {
	sum := in.Lost
	for i, g := range in.MinGreens {
		if i < len(in.FlowRatios) {
			sum += g
		}
	}
	return sum
}

// shareGreen splits total in proportion to the flow ratios; stages whose share
// is below their minimum get it, the rest share what remains.
func shareGreen(ratios []float64, minima []time.Duration, total time.Duration) []time.Duration {
	out, fixed := make([]time.Duration, len(ratios)), make([]bool, len(ratios))
	least := func(i int) time.Duration {
		if i < len(minima) {
			return minima[i]
		}
		return 0
	}
	for {
		rest, y := total, 0.0
		for i, r := range ratios {
			if fixed[i] {
				rest -= out[i]
			} else {
				y += r
			}
		}
		again := false
		for i, r := range ratios {
			if fixed[i] {
				continue
			}
			if y > 0 {
				out[i] = time.Duration(float64(rest) * r / y)
			}
			if out[i] < least(i) {
				out[i], fixed[i], again = least(i), true, true
			}
		}
		if !again {
			return out
		}
	}
}

// WebsterDelay returns the mean delay of an approach: cycle C, green ratio λ,
// flow q, degree of saturation x below 1:
// C(1−λ)²/(2(1−λx)) + x²/(2q(1−x)) − 0.65·(C/q²)^(1/3)·x^(2+5λ).
func WebsterDelay(cycle time.Duration, lambda float64, q unit.Flow, x float64) time.Duration {
	c, f := cycle.Seconds(), float64(q)
	d := c*(1-lambda)*(1-lambda)/(2*(1-lambda*x)) + x*x/(2*f*(1-x)) - 0.65*math.Cbrt(c/(f*f))*math.Pow(x, 2+5*lambda)
	return seconds(d)
}
