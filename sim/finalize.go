package sim

import (
	"tideway/internal/rng"
)

const (
	purposeJunction   = rng.Junction
	purposeLaneChange = rng.LaneChange
)

// finalize settles a vehicle's next speed: no faster than safe, within what
// brakes and engine allow, less the driver's imperfection (a random part of what
// he could accelerate in a step), as lane changing asks for, and at least least
// to get across a link once begun.
func (e *Engine) finalize(v *veh, k *kind, safe, least float64) {
	speed := v.speedMPS
	lo := speed - k.stepBrake
	if lo < 0 {
		lo = 0
	}
	if safe < lo {
		lo = larger(safe, k.hardMPS(speed))
	}
	hi := speed + k.accel*k.dt
	if hi > k.maxMPS {
		hi = k.maxMPS
	}
	if hi > safe {
		hi = safe
	}
	if hi < lo {
		hi = lo
	}
	next := hi
	if k.sigma != 0 && hi > 0 {
		next -= k.dt * k.sigma * smaller(hi, k.accel) * rng.Unit(rng.At(v.luck, uint64(e.tick)))
	}
	if next < lo {
		next = lo
	}
	if v.lc&(lcBlocked|lcAmLeader) != 0 || v.advice != adviceNone || v.leaveM != 0 {
		next = e.patch(v, k, lo, next, hi)
	}
	if next > 0 {
		next = larger(next, least)
	}
	if next < epsMPS {
		next = 0
	}
	v.nextMPS = next
}

// chance returns a random number in [0, 1) that belongs to a vehicle, a purpose
// and the present tick.
func (e *Engine) chance(id carID, purpose rng.Purpose) float64 {
	trip := &e.trips[e.cars[id].trip]
	return rng.Unit(rng.At(rng.Key(e.in.Seed, trip.Key, purpose), uint64(e.tick)))
}

// roundMPS is more than advice is off by rounding.
const roundMPS = 1e-5

// patch lets lane changing shape the speed between lo and hi.
func (e *Engine) patch(v *veh, k *kind, lo, want, hi float64) float64 {
	next, got := want, false
	if v.leaveM > 0 {
		if space := float64(v.leftM-v.leaveM) - marginM - k.gapM; space > 0 {
			hard := k.hardMPS(v.speedMPS)
			safe := k.stopWithin(v.speedMPS, space, k.topMPS(v.speedMPS))
			hi = min(hi, max(safe, hard))
			if safe < want {
				if safe < lo && safe >= hard {
					lo = max(hard, safe)
				}
				next, got = max(lo, safe), true
			}
		}
	}
	// Most advice is to brake as comfort allows: rounded, it may lie below lo.
	if a := float64(v.advice); v.advice != adviceNone && a >= lo-epsMPS && a <= hi {
		if got = true; a < next-roundMPS {
			next = max(a, lo)
		}
	}
	switch {
	case got:
		return next
	case v.lc&lcWants != 0 && v.lc&lcBlocked != 0 && v.lc&lcStrategic != 0:
		return (hi + want) / 2
	case v.lc&lcWants != 0 && v.lc&lcBlocked != 0 && v.lc&lcHelps != 0:
		if v.lc&lcBlockedLead != 0 {
			return (lo + want) / 2
		}
		return (hi + want) / 2
	case v.lc&lcAmLeader != 0:
		return (hi + want) / 2
	}
	return want
}
