package emission

import (
	"math"

	"tideway/unit"
)

// Function is one EMEP/EEA tier-3 hot emission function,
//
//	EF(V) = (αV² + βV + γ + δ/V) / (εV² + ζV + η) · (1 − RF)
//
// with V in km/h held inside [VMin, VMax]. EF is in g/km, for energy in MJ/km.
type Function struct {
	VMin, VMax                                    unit.Speed
	Alpha, Beta, Gamma, Delta, Epsilon, Zeta, Eta float64
	Reduction                                     unit.Share // RF: part removed by later technology
}

// At returns the factor at mean speed v in g/km (MJ/km for energy). A function
// whose numerator and denominator both vanish is defined as zero, as the
// guidebook's own table has it; defined is then false.
func (f Function) At(v unit.Speed) (ef float64, defined bool) {
	return f.atKMH(f.clampKMH(v.KMH()))
}

func (f Function) clampKMH(kmh float64) float64 {
	return math.Max(f.VMin.KMH(), math.Min(kmh, f.VMax.KMH()))
}

func (f Function) atKMH(v float64) (float64, bool) {
	num := (f.Alpha*v+f.Beta)*v + f.Gamma
	if f.Delta != 0 {
		num += f.Delta / v
	}
	den := (f.Epsilon*v+f.Zeta)*v + f.Eta
	if num == 0 || den == 0 {
		return 0, false
	}
	ef := num / den * (1 - float64(f.Reduction))
	if math.IsNaN(ef) || math.IsInf(ef, 0) {
		return 0, false
	}
	return ef, true
}

// factorKMH is the factor at a mean speed that may lie below the lowest speed
// of the function: there the vehicle idles part of the time, and idling
// releases idlePerHour, so EF grows as 1/V and the hourly rate stays.
func (f Function) factorKMH(kmh float64) float64 {
	if low := f.lowKMH(); kmh < low {
		return f.idlePerHour() / math.Max(kmh, minMeanKMH)
	}
	ef, _ := f.atKMH(f.clampKMH(kmh))
	return ef
}

const (
	minMeanKMH   = 0.1 // keeps the factor per distance finite for vehicles that stand
	idleFloorKMH = 5   // lowest speed of the petrol car functions; some of the two-wheelers' reach down to 0
)

func (f Function) lowKMH() float64 { return math.Max(f.VMin.KMH(), idleFloorKMH) }

// idlePerHour is EF(VMin)·VMin in g/h (MJ/h). EMEP has no idle rate, but the
// low-speed end of its functions is one: 9.2 g/h NOx for a diesel car of Euro
// 4, where the second-by-second model PHEMlight has 9.1.
func (f Function) idlePerHour() float64 {
	low := f.lowKMH()
	ef, _ := f.atKMH(f.clampKMH(low))
	return ef * low
}
