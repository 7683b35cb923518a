package forecast

import (
	"math"
	"testing"
)

func TestOnsetsCountFreeRoadsOnly(t *testing.T) {
	const threshold = 40
	likely := func(p float32) Point { return Point{Value: 50, PCongested: p} }
	bare := func(v float32) Point { return Point{Value: v, PCongested: missing} }
	var o Onsets
	for _, c := range []struct {
		p           Point
		last, truth float32
	}{
		{likely(.5), 60, 30},     // announced and came
		{likely(.49), 60, 30},    // came unannounced
		{likely(.9), 40, 45},     // announced, did not come; at the threshold a road is free
		{likely(.9), 39, 30},     // congested before
		{likely(.9), missing, 3}, // nothing known of now
		{likely(.9), 60, missing},
		{bare(missing), 60, 30},
		{bare(39), 60, 30}, // by value: announced and came
		{bare(41), 60, 30}, // by value: unannounced
	} {
		o.Add(c.p, c.last, c.truth, threshold)
	}
	if o.Recall() != 2./4 || o.Precision() != 2./3 {
		t.Errorf("recall %v, precision %v", o.Recall(), o.Precision())
	}
	o.Plus(o)
	if o.Recall() != 2./4 || o.came != 8 {
		t.Errorf("doubled: %+v", o)
	}
	if none := (&Onsets{}); !math.IsNaN(none.Recall()) || !math.IsNaN(none.Precision()) {
		t.Error("nothing counted is not nothing found")
	}
}
