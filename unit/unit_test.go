package unit_test

import (
	"fmt"
	"math"
	"testing"

	"tideway/unit"
)

func near(a, b float64) bool { return math.Abs(a-b) <= 1e-12*math.Max(1, math.Abs(b)) }

func TestConversionsAgreeWithDefinitions(t *testing.T) {
	for _, c := range []struct {
		name      string
		got, want float64
	}{
		{"mile in m", unit.Mile.M(), 1609.344},
		{"36 km/h in m/s", (36 * unit.KMH).MPS(), 10},
		{"1 m/s in km/h", unit.MPS.KMH(), 3.6},
		{"60 mph in km/h", (60 * unit.MPH).KMH(), 96.56064},
		{"1800 veh/h in veh/s", float64(1800 * unit.VPH), 0.5},
		{"0.5 veh/s in veh/h", unit.Flow(0.5).VPH(), 1800},
		{"25 veh/km", (25 * unit.VPKM).VPKM(), 25},
		{"flow = density x speed", float64(25*unit.VPKM) * (72 * unit.KMH).MPS() * 3600, 1800},
		{"1 mg/m3 in ug/m3", unit.MGM3.UGM3(), 1000},
		{"20 C in K", unit.Celsius(20).K(), 293.15},
		{"half in percent", unit.Share(0.5).Percent(), 50},
		{"gram", unit.Gram.G(), 1},
	} {
		if !near(c.got, c.want) {
			t.Errorf("%s = %v, want %v", c.name, c.got, c.want)
		}
	}
}

func TestAnglesWrap(t *testing.T) {
	for _, c := range []struct{ a, b, diff unit.Angle }{
		{350, 10, 20}, {10, 350, 20}, {0, 180, 180}, {-90, 270, 0}, {725, 5, 0},
	} {
		if got := c.a.Diff(c.b); !near(float64(got), float64(c.diff)) {
			t.Errorf("Diff(%v, %v) = %v, want %v", c.a, c.b, got, c.diff)
		}
	}
}

func ExampleSpeed() {
	limit := 50 * unit.KMH
	fmt.Printf("%.2f m/s is %.0f km/h\n", limit.MPS(), limit.KMH())
	// Output: 13.89 m/s is 50 km/h
}
