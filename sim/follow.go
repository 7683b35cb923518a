package sim

import "math"

// Car following after Krauss (Microscopic modeling of traffic flow, DLR
// Forschungsbericht 98-08, 1998) in the discrete form that keeps gaps at steps
// of any length: a follower that drives v for its reaction time and then loses
// b·dt in every step stops behind a leader who brakes now.

const epsM = 0.001 // gaps are taken this much shorter, so that rounding cannot overlap

// larger and smaller are max and min for numbers: a comparison where the
// builtins, which know NaN and signed zeros, take ten instructions. Most of their
// uses are bounds that rarely bind.
func larger(a, b float64) float64 {
	if a < b {
		return b
	}
	return a
}

func smaller(a, b float64) float64 {
	if b < a {
		return b
	}
	return a
}

// brakeM returns the distance covered while braking by b from speed v in steps
// of dt, the first of which is driven b·dt slower already.
func brakeM(v, b, dt float64) float64 {
	cut := b * dt
	n := float64(int(v / cut))
	return dt * (n*v - cut*n*(n+1)*0.5)
}

// brakeM is brakeM with the comfortable deceleration of k.
func (k *kind) brakeM(v float64) float64 {
	n := float64(int(v * k.perBrake))
	return k.dt * n * (v - k.stepBrake*(n+1)*0.5)
}

// sightM is the distance within which a link matters to who drives v; no less than
// the exact one, which brakes in steps.
func (k *kind) sightM(v float64) float64 {
	return v*k.reachS + v*v*k.perTwoB + k.marginM
}

// farFrom reports whether a link distM ahead does not matter yet to who drives v.
func (k *kind) farFrom(v, distM float64) bool {
	return distM > k.sightM(v) || distM > v*k.reachS+k.brakeM(v)+k.marginM
}

// behind returns the braking distance that a follower of kind k grants a leader
// of kind f at speed v: the larger deceleration of both counts.
func (k *kind) behind(f *kind, v float64) float64 {
	if f.decel > k.decel {
		return f.brakeM(v)
	}
	return k.brakeM(v)
}

// holdMPS returns the highest speed that can be held for the reaction time tauS
// and still be braked away within gapM.
func (k *kind) holdMPS(gapM, tauS float64) float64 {
	g := gapM - epsM
	if g < 0 {
		return 0
	}
	if g < k.stepBrake*tauS {
		return g / tauS // gone within the first step of braking
	}
	s, cut := k.dt, k.stepBrake
	root := math.Sqrt(s*s + 4*(s*(2*g*k.perBrake-tauS)+tauS*tauS))
	n := float64(int(0.5 - (tauS-0.5*root)*k.perDT))
	h := n * cut * (0.5*(n-1)*s + tauS)
	return n*cut + (g-h)/(n*s+tauS)
}

// stopWithin returns the speed with which a vehicle of kind k at speed v may go
// on, up to want, so that it can stop within gapM. When comfortable braking
// does not suffice it brakes as hard as needed.
func (k *kind) stopWithin(v, gapM, want float64) float64 {
	if gapM > want*k.dt+k.brakeM(want)+epsM {
		return want
	}
	x := k.holdMPS(gapM, k.dt)
	if v-x > k.stepBrake+epsM {
		x = k.soften(v, gapM, 0, x)
	}
	return smaller(x, want)
}

// follow returns the safe speed, up to want, behind a leader at leaderMPS whose
// tail is gapM (beyond the minimum gap) ahead and whose braking distance is
// leaderM.
func (k *kind) follow(v, gapM, leaderMPS, leaderM, want float64) float64 {
	if gapM+leaderM > want*k.tauS+k.brakeM(want)+epsM && gapM >= 0 {
		return want
	}
	return k.closeUp(v, gapM, leaderMPS, leaderM, want)
}

// closeUp is follow where the leader is too near to drive freely.
func (k *kind) closeUp(v, gapM, leaderMPS, leaderM, want float64) float64 {
	x := larger(0, v-k.emergency*k.dt)
	if gapM >= 0 {
		x = k.holdMPS(gapM+leaderM, k.tauS)
	}
	if v-x > k.stepBrake+epsM {
		x = k.soften(v, gapM, leaderMPS, x)
	}
	return smaller(x, want)
}

const emergencyMargin = 1.2

// soften replaces braking beyond comfort by the deceleration that is needed,
// and a fifth more.
func (k *kind) soften(v, gapM, leaderMPS, x float64) float64 {
	planned := (v - x) * k.perDT
	if planned <= k.decel+epsM || k.emergency == k.decel {
		return x
	}
	need := smaller(larger(emergencyMargin*k.needed(v, gapM, leaderMPS), k.decel), planned)
	return larger(0, v-need*k.dt)
}

// needed returns the constant deceleration with which a vehicle stops behind a
// leader who brakes as it would itself; if that is more than comfortable, with
// which it does so when both brake equally hard.
func (k *kind) needed(v, gapM, leaderMPS float64) float64 {
	if gapM <= 0 {
		return k.emergency
	}
	b := 0.5 * v * v / (gapM + 0.5*leaderMPS*leaderMPS/k.decel)
	if b <= k.decel {
		return b
	}
	return 0.5 * (v*v - leaderMPS*leaderMPS) / gapM
}

// freeMPS returns the highest speed from which a vehicle can come down to
// target after distM, braking comfortably.
func (k *kind) freeMPS(distM, target float64) float64 {
	v := target * k.dt
	if distM < v {
		return target
	}
	b := k.stepBrake * k.dt
	y := larger(0, ((math.Sqrt((b+2*v)*(b+2*v)+8*b*distM)-b)*0.5-v)/b)
	full := float64(int(y))
	exact := (full*full+full)*0.5*b + full*v
	if y > full {
		exact += v
	}
	return larger(0, distM-exact)/((full+1)*k.dt) + full*k.stepBrake + target
}

// afterM returns the speed reached after distM of full acceleration from v.
func (k *kind) afterM(distM, v float64) float64 {
	return smaller(k.maxMPS, math.Sqrt(v*v+2*k.accel*larger(0, distM)))
}

// desiredMPS returns the speed that a driver with a speed factor wants where a
// limit holds.
func (k *kind) desiredMPS(limitMPS float64, factor float32) float64 {
	return smaller(limitMPS*float64(factor), k.maxMPS)
}

// topMPS returns the highest speed of the next step.
func (k *kind) topMPS(v float64) float64 { return smaller(v+k.accel*k.dt, k.maxMPS) }

// floorMPS returns the lowest speed that comfortable braking reaches in a step.
func (k *kind) floorMPS(v float64) float64 { return larger(0, v-k.stepBrake) }

// hardMPS returns the lowest speed that emergency braking reaches in a step.
func (k *kind) hardMPS(v float64) float64 { return larger(0, v-k.emergency*k.dt) }

// arriveS returns the least time to cover distM from speed v, arriving with
// speed to, if that can be reached: accelerating at once or braking as late as possible.
func (k *kind) arriveS(distM, v, to float64) float64 {
	a := k.accel
	if to < v {
		a = -k.decel
	}
	t := (to - v) / a
	rest := distM - t*(to+v)*0.5
	if rest < 0 {
		return (math.Sqrt(v*v+2*a*distM) - v) / a // there before its speed is to
	}
	return t + rest/larger(larger(v, to), haltMPS)
}

// secureM returns the gap that a follower of kind k at v needs behind a leader
// of kind f at leaderMPS.
func (k *kind) secureM(v float64, f *kind, leaderMPS float64) float64 {
	return larger(0, k.brakeM(v)+v*k.tauS-k.behind(f, leaderMPS))
}

const haltMPS = 0.1 // below this a vehicle counts as standing

// brakingArrivalMPS is the speed at distM if a vehicle at v begins to brake now.
func (k *kind) brakingArrivalMPS(distM, v float64) float64 {
	if distM < v*k.dt {
		return math.MaxFloat64
	}
	left := v*v - 2*k.decel*(distM-v*k.tauS)
	if left <= 0 {
		return 0
	}
	return smaller(v, math.Sqrt(left))
}
