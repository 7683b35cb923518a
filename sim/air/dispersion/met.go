package dispersion

import (
	"fmt"
	"math"

	"tideway/internal/fault"
	"tideway/unit"
)

// Met is the boundary layer of one hour, as R-LINE needs it.
type Met struct {
	FrictionVelocity   unit.Speed  // u*
	ConvectiveVelocity unit.Speed  // w*, 0 in stable hours
	Obukhov            unit.Length // Monin–Obukhov length, negative: unstable
	MixingHeight       unit.Length // z_i
	Roughness          unit.Length // z0
	Displacement       unit.Length // d; 0: 5·z0, R-LINE's default
	Wind               unit.Speed  // at Reference
	From               unit.Angle  // direction the wind comes from
	Reference          unit.Length // height of the wind measurement above ground
}

// Check reports every value that the equations cannot take, under where.
func (m Met) Check(where string, bad *fault.List) {
	num := func(name string, v float64, ok bool, want string) {
		if math.IsNaN(v) || math.IsInf(v, 0) || !ok {
			bad.Addf(where, name, "is %g, expected %s", v, want)
		}
	}
	in := func(name, unit string, v, lo, hi float64) {
		num(name, v, v >= lo && v <= hi, fmt.Sprintf("%g to %g %s", lo, hi, unit))
	}
	in("friction velocity", "m/s", m.FrictionVelocity.MPS(), .001, 20)
	in("convective velocity", "m/s", m.ConvectiveVelocity.MPS(), 0, 20)
	num("Monin-Obukhov length", m.Obukhov.M(), math.Abs(m.Obukhov.M()) >= .1, "-0.1 m or less, or 0.1 m or more")
	in("mixing height", "m", m.MixingHeight.M(), 1, 1e5)
	in("roughness length", "m", m.Roughness.M(), 1e-6, 10)
	in("displacement height", "m", m.Displacement.M(), 0, 100)
	in("wind speed", "m/s (a calm hour has to be stated as a low wind)", m.Wind.MPS(), .01, 150)
	num("wind direction", m.From.Deg(), math.Abs(m.From.Deg()) <= 1e4, "degrees")
	if z := m.Reference.M(); z > 2000 || !(z > m.displacement()+m.Roughness.M()) {
		bad.Addf(where, "reference height", "is %g m, expected 2000 at most and more than displacement and roughness, %g m", z, m.displacement()+m.Roughness.M())
	}
}

func (m Met) displacement() float64 {
	if m.Displacement == 0 {
		return 5 * m.Roughness.M()
	}
	return m.Displacement.M()
}
