package forecast

import (
	"context"
	"testing"
	"time"

	"tideway/geo"
)

// A city often lists detectors that send nothing, of finer interval than those
// that do: counts of the same street must still be seen.
func TestSilentDevicesStandInNobodysWay(t *testing.T) {
	c, m, now := world(t, 20, 10, 7, time.Hour)
	delete(m.values, "v5/speed")
	d := c.Draft()
	on := d.Sensors[5]
	silent, loop := on, on
	silent.ID, silent.Measures = "d5", []geo.Measure{{Quantity: geo.Speed, Interval: 30 * time.Minute}, {Quantity: geo.Flow, Interval: 30 * time.Minute}}
	loop.ID, loop.Measures = "q5", []geo.Measure{{Quantity: geo.Flow, Interval: time.Hour}}
	d.Sensors = append(d.Sensors, silent, loop)
	c, err := d.Build()
	if err != nil {
		t.Fatal(err)
	}
	counts := make([]float32, len(m.values["v1/speed"]))
	for i := range counts {
		counts[i] = 600 + float32(i%5)
	}
	m.values["q5/flow"] = counts
	r := newRunner(t, Options{City: c, History: m})
	if err := r.Refresh(context.Background(), snapshotAt(c, now, 1)); err != nil {
		t.Fatal(err)
	}
	f, err := r.Tick(context.Background(), snapshotAt(c, now, 2))
	if err != nil {
		t.Fatal(err)
	}
	if got := f.Roads.Now[5]; got.Source != Derived || got.FlowVPH < 600 || !got.LOSDerived {
		t.Errorf("counted segment: %+v", got)
	}
	if got := f.Roads.Now[4]; got.Source != Observed {
		t.Errorf("its neighbour: %+v", got)
	}
	if f.Roads.Horizons[0] != time.Hour {
		t.Errorf("horizons %v, expected those of the hourly sensors that speak", f.Roads.Horizons)
	}
}
