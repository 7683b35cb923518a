// Package chemistry turns the NOx that roads add to the air into NO2, by the
// reactions of NO, NO2 and O3 over the time the air took from the road:
//
//	NO + O3 → NO2 + O2   rate k,      NO2 + light → NO + O3   rate j
//
// It stands after dispersion (which gives NOx, primary NO2 and the age of the
// road's contribution) and before indices. Everything else that happens to
// these gases takes longer than the way from a road to a window.
//
// Rates: AERMOD's generic reaction set method (GRSM; Carruthers et al. 2017,
// Atmospheric Environment 158), k = 4.405e-2 exp(−1370/T) per ppb and second,
// j = 8.0e-4 exp(−10/Q) + 7.4e-6 Q per second with Q the global radiation in W/m².
package chemistry

import (
	"math"
	"time"

	"tideway/internal/fault"
	"tideway/unit"
)

// Gas is a gas whose concentration is exchanged between mass and volume.
type Gas uint8

// The gases.
const (
	NO Gas = iota
	NO2
	O3
	SO2
	CO
	gases
)

// molar is the molar mass in g/mol.
var molar = [gases]float64{NO: 30.006, NO2: 46.006, O3: 47.998, SO2: 64.064, CO: 28.010}

// gasConstant in J/(mol K); standardPressure in Pa.
const (
	gasConstant      = 8.314462618
	standardPressure = 101325
)

// perPPB is the mass of one ppb at temperature t and 1013.25 hPa in kg/m³.
func perPPB(g Gas, t unit.Temperature) float64 {
	return molar[g] * 1e-3 * 1e-9 * standardPressure / (gasConstant * t.K())
}

// PPB returns the volume mixing ratio of c in parts per billion at temperature
// t and 1013.25 hPa. Reports count gases at 20 °C in the EU and 25 °C in China
// and the US, whatever the weather.
func PPB(c unit.Concentration, g Gas, t unit.Temperature) float64 { return float64(c) / perPPB(g, t) }

// FromPPB is the inverse of PPB.
func FromPPB(ppb float64, g Gas, t unit.Temperature) unit.Concentration {
	return unit.Concentration(ppb * perPPB(g, t))
}

// Background is the air that reaches the city.
type Background struct {
	NO, NO2, O3 unit.Concentration
}

// Road is what the roads add at a receptor.
type Road struct {
	NOx     unit.Concentration // counted as NO2
	Primary unit.Concentration // the part released as NO2
	Age     time.Duration      // mean time since release
}

// Weather is the light and warmth of the hour.
type Weather struct {
	Temperature unit.Temperature
	SolarWm2    float64 // global radiation, W/m²; 0 at night
}

// Result is the air at the receptor.
type Result struct {
	NO, NO2, O3 unit.Concentration
}

// Check reports background or weather that is no number, negative or
// impossible, under where.
func (w Weather) Check(b Background, where string, bad *fault.List) {
	if !(w.Temperature > 200 && w.Temperature < 340) {
		bad.Addf(where, "temperature", "is %g K, expected 200 to 340", w.Temperature.K())
	}
	if !(w.SolarWm2 >= 0) || w.SolarWm2 > 1500 {
		bad.Addf(where, "radiation", "is %g W/m², expected 0 to 1500", w.SolarWm2)
	}
	for _, c := range [...]struct {
		name string
		v    unit.Concentration
	}{{"NO", b.NO}, {"NO2", b.NO2}, {"O3", b.O3}} {
		if !(c.v >= 0) || math.IsInf(float64(c.v), 0) {
			bad.Addf(where, c.name, "background is %g µg/m³, expected 0 or more", c.v.UGM3())
		}
	}
}

// rates returns k in 1/(ppb s) and j in 1/s.
func (w Weather) rates() (k, j float64) {
	k = 4.405e-2 * math.Exp(-1370/w.Temperature.K())
	if w.SolarWm2 > 0 {
		j = 8e-4*math.Exp(-10/w.SolarWm2) + 7.4e-6*w.SolarWm2
	}
	return k, j
}

// At mixes the road's contribution into the background and lets it react for
// the road's age. NO + NO2 and NO2 + O3 are conserved, so NO2 obeys
//
//	dn/dt = k (NOx − n)(OX − n) − j n
//
// whose solution is closed (a Riccati equation with constant coefficients). The
// background is taken as it is measured, which is rarely in equilibrium with the
// light of the hour: what it would do in that time without any road is taken
// off, so that a road that adds little changes little.
func (w Weather) At(b Background, r Road) Result {
	if r.NOx <= 0 {
		return Result(b)
	}
	m := w.mix(b, r)
	drift := w.mix(b, Road{}).relaxed(r.Age) - PPB(b.NO2, NO2, w.Temperature)
	return m.result(m.relaxed(r.Age)-drift, w.Temperature)
}

// mixture is air before it reacts, in ppb.
type mixture struct{ n0, nox, ox, k, j float64 }

func (w Weather) mix(b Background, r Road) mixture {
	t := w.Temperature
	n0 := PPB(b.NO2+r.Primary, NO2, t)
	k, j := w.rates()
	return mixture{n0, PPB(b.NO, NO, t) + PPB(b.NO2+max(r.NOx, 0), NO2, t), n0 + PPB(b.O3, O3, t), k, j}
}

func (m mixture) relaxed(age time.Duration) float64 {
	return relax(m.n0, m.nox, m.ox, m.k, m.j, age.Seconds())
}

// result is the air with n of NO2.
func (m mixture) result(n float64, t unit.Temperature) Result {
	n = math.Max(0, math.Min(n, math.Min(m.nox, m.ox)))
	return Result{FromPPB(m.nox-n, NO, t), FromPPB(n, NO2, t), FromPPB(m.ox-n, O3, t)}
}

// relax is NO2 in ppb after time t from n0.
func relax(n0, nox, ox, k, j, t float64) float64 {
	// Roots of n² − B n + NOx·OX: the lower is the equilibrium.
	b := nox + ox + j/k
	d := math.Sqrt(math.Max(b*b-4*nox*ox, 0))
	low := 2 * nox * ox / (b + d)
	high := (b + d) / 2
	if d < 1e-9*b || b == 0 {
		return low // the roots meet only where nothing is left to react
	}
	// (n − low)/(n − high) decays as e^(−k (high − low) t).
	q := (n0 - low) / (n0 - high) * math.Exp(-k*d*t)
	n := (low - high*q) / (1 - q)
	return math.Max(0, math.Min(n, math.Min(nox, ox)))
}

// Equilibrium is the mixture of background and road that has had time enough:
// all of it, the background too.
func (w Weather) Equilibrium(b Background, r Road) Result {
	m := w.mix(b, r)
	return m.result(m.relaxed(24*time.Hour), w.Temperature)
}
