package dispersion

import (
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
	num("friction velocity", m.FrictionVelocity.MPS(), m.FrictionVelocity > 0, "more than 0 m/s")
	num("convective velocity", m.ConvectiveVelocity.MPS(), m.ConvectiveVelocity >= 0, "0 m/s or more")
	num("Monin-Obukhov length", m.Obukhov.M(), m.Obukhov != 0, "a length other than 0 m")
	num("mixing height", m.MixingHeight.M(), m.MixingHeight > 0, "more than 0 m")
	num("roughness length", m.Roughness.M(), m.Roughness > 0, "more than 0 m")
	num("displacement height", m.Displacement.M(), m.Displacement >= 0, "0 m or more")
	num("wind speed", m.Wind.MPS(), m.Wind > 0, "more than 0 m/s (a calm hour has to be stated as a low wind)")
	num("wind direction", m.From.Deg(), true, "degrees")
	if z := m.Reference.M(); !(z > m.displacement()+m.Roughness.M()) {
		bad.Addf(where, "reference height", "is %g m, expected more than displacement and roughness, %g m", z, m.displacement()+m.Roughness.M())
	}
}

func (m Met) displacement() float64 {
	if m.Displacement == 0 {
		return 5 * m.Roughness.M()
	}
	return m.Displacement.M()
}
