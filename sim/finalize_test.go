package sim

import (
	"math"
	"testing"
	"time"

	"tideway/geo"
	"tideway/sim/demand"
)

// TestAdviceToBrake: the lowest speed that comfortable braking reaches is taken
// as advice from every speed, also where its 32 bits round it below that.
func TestAdviceToBrake(t *testing.T) {
	k := newKind(demand.NewType("car", geo.Car), time.Second)
	e := &Engine{dt: 1}
	for v := 5.0; v < 20; v += 0.01 {
		lo := k.floorMPS(v)
		car := veh{speedMPS: v, advice: float32(lo)}
		if got := e.patch(&car, &k, lo, v, v+1); math.Abs(got-lo) > 1e-5 {
			t.Fatalf("advised %v m/s from %v m/s, the next speed is %v m/s", lo, v, got)
		}
	}
}
