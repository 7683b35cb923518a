package dispersion

import (
	"math"
	"testing"

	"tideway/unit"
)

// idahoSource is the line of the Idaho Falls evaluation as R-LINE v1.2 was run
// on it: 1 km across the x axis at a height of 1 m, 1 g/(m·s), receptors at 1.5 m.
func idahoSource() (Links, Receptors) {
	one := func(v float64) []float64 { return []float64{v} }
	l := Links{X0M: one(0), Y0M: one(-500), X1M: one(0), Y1M: one(500), RateGMS: one(1), HeightM: one(1), SigmaZ0M: one(0)}
	x := []float64{18, 36, 48, 66, 90, 120, 180}
	z := make([]float64, len(x))
	for i := range z {
		z[i] = 1.5
	}
	return l, Receptors{XM: x, YM: make([]float64, len(x)), ZM: z}
}

func TestPublishedRLineOutputsAreReproduced(t *testing.T) {
	hours := numbers(t, "idaho_falls/met.csv")
	want := numbers(t, "idaho_falls/rline_v12_reference.csv")
	l, rec := idahoSource()
	worst := 0.0
	for i, h := range hours {
		m := Met{FrictionVelocity: unit.Speed(h[3]), ConvectiveVelocity: unit.Speed(h[4]), MixingHeight: unit.Length(math.Max(h[5], h[6])),
			Obukhov: unit.Length(h[7]), Roughness: unit.Length(h[8]), Wind: unit.Speed(h[9]), From: unit.Angle(h[10]), Reference: unit.Length(h[11])}
		got, err := Compute(1, l, rec, m)
		if err != nil {
			t.Fatal(err)
		}
		for j, c := range got {
			dev := c.UGM3()/want[i][2+j] - 1
			worst = math.Max(worst, math.Abs(dev))
			if math.Abs(dev) > 2e-3 {
				t.Errorf("test %g bag %g at %g m: %g, published %g (%+.2f %%)", h[0], h[1], rec.XM[j], c.UGM3(), want[i][2+j], 100*dev)
			}
		}
	}
	t.Logf("largest deviation %.3f %%", 100*worst)
}
