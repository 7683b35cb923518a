package sim

import "math"

// Car following after Krauss (Microscopic modeling of traffic flow, DLR
// Forschungsbericht 98-08, 1998) in the discrete form that keeps gaps at steps
// of any length: a follower that drives v for its reaction time and then brakes
// by b in every step stops behind a leader who brakes now.

const epsM = 0.001 // gaps are taken this much shorter, so that rounding cannot overlap

// brakeM returns the distance a vehicle covers while it brakes by b from speed
// v, losing b·dt in every step beginning with this one.
func (e *Engine) brakeM(v, b float64) float64 {
	cut := b * e.dt
	n := math.Floor(v / cut)
	return e.dt * (n*v - cut*n*(n+1)/2)
}

// brakeOwnM is brakeM with the comfortable deceleration of k.
func (e *Engine) brakeOwnM(k *kind, v float64) float64 {
	n := float64(int(v * k.perBrake))
	return e.dt * (n*v - k.stepBrake*n*(n+1)*0.5)
}

// stopMPS returns the highest speed that can be held for the reaction time
// tauS and still be braked away, b·dt a step, within gapM.
func (e *Engine) stopMPS(gapM, b, tauS float64) float64 {
	g := gapM - epsM
	if g < 0 {
		return 0
	}
	cut, s := b*e.dt, e.dt
	root := math.Sqrt(s*s + 4*(s*(2*g/cut-tauS)+tauS*tauS))
	n := math.Floor(0.5 - (tauS-0.5*root)/s)
	h := 0.5*n*(n-1)*cut*s + n*cut*tauS
	return n*cut + (g-h)/(n*s+tauS)
}

// stopWithin returns the speed with which a vehicle of kind k at speed v may go on
// so that it can stop within gapM. When comfortable braking does not suffice it
// brakes as hard as needed, by a fifth more for safety.
func (e *Engine) stopWithin(k *kind, v, gapM float64) float64 {
	return min(e.soften(k, v, gapM, 0, e.stopMPS(gapM, k.decel, e.dt)), min(v+k.accel*e.dt, k.maxMPS))
}

// follow returns the safe speed behind a leader at leaderMPS whose tail is gapM
// (beyond the minimum gap) ahead. leaderBrakeM is the leader's braking distance
// when it brakes by the larger of both decelerations.
func (e *Engine) follow(k *kind, v, gapM, leaderMPS, leaderBrakeM float64) float64 {
	var x float64
	if gapM >= 0 {
		x = e.stopMPS(gapM+leaderBrakeM, k.decel, k.tauS)
	} else {
		x = max(0, v-k.emergency*e.dt)
	}
	if v-x > k.stepBrake+epsM {
		x = e.soften(k, v, gapM, leaderMPS, x)
	}
	return x
}

const emergencyMargin = 1.2

// soften replaces braking beyond comfort by the deceleration that is needed.
func (e *Engine) soften(k *kind, v, gapM, leaderMPS, x float64) float64 {
	planned := (v - x) / e.dt
	if planned <= k.decel+epsM || k.emergency == k.decel {
		return x
	}
	need := min(max(emergencyMargin*e.needed(k, v, gapM, leaderMPS), k.decel), planned)
	return max(0, v-need*e.dt)
}

// needed returns the constant deceleration with which a vehicle stops behind a
// leader who brakes as it would itself; if that is more than comfortable, with
// which it does so when both brake equally hard.
func (e *Engine) needed(k *kind, v, gapM, leaderMPS float64) float64 {
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
func (e *Engine) freeMPS(k *kind, distM, target float64) float64 {
	v := target * e.dt
	if distM < v {
		return target
	}
	b := k.decel * e.dt * e.dt
	y := max(0, ((math.Sqrt((b+2*v)*(b+2*v)+8*b*distM)-b)*0.5-v)/b)
	full := math.Floor(y)
	exact := (full*full+full)*0.5*b + full*v
	if y > full {
		exact += v
	}
	return max(0, distM-exact)/((full+1)*e.dt) + full*k.stepBrake + target
}

// afterM returns the speed reached after distM of full acceleration from v.
func (k *kind) afterM(distM, v float64) float64 {
	return min(k.maxMPS, math.Sqrt(v*v+2*k.accel*max(0, distM)))
}

// arriveS returns the least time to cover distM from speed v, arriving with
// speed to: accelerating at once or braking as late as possible.
func (k *kind) arriveS(distM, v, to float64) float64 {
	a := k.accel
	if to < v {
		a = -k.decel
	}
	t := (to - v) / a
	rest := max(0, distM-t*(to+v)*0.5)
	return t + rest/max(max(v, to), haltMPS)
}

// secureM returns the gap behind a leader at leaderMPS that a follower at v
// needs to be safe.
func (e *Engine) secureM(k *kind, v, leaderMPS, leaderDecel float64) float64 {
	return max(0, e.brakeOwnM(k, v)+v*k.tauS-e.brakeM(leaderMPS, max(k.decel, leaderDecel)))
}

const haltMPS = 0.1 // below this a vehicle counts as standing

// brakingArrivalMPS is the speed at distM if a vehicle at v begins to brake now.
func (e *Engine) brakingArrivalMPS(k *kind, distM, v float64) float64 {
	if distM < v*e.dt {
		return math.MaxFloat64
	}
	left := v*v - 2*k.decel*(distM-v*k.tauS)
	if left <= 0 {
		return 0
	}
	return min(v, math.Sqrt(left))
}
