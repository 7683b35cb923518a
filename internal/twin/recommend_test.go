package twin

import (
	"math"
	"testing"
	"time"

	"tideway/forecast"
	"tideway/geo"
)

func TestExpectedVolumeFollowsTheFlowsOfTheNextHour(t *testing.T) {
	nan := float32(math.NaN())
	group := func(q geo.Quantity, values, typical []float32) forecast.Group {
		b := forecast.NewBands(len(values)/2, 2)
		copy(b.Value, values)
		return forecast.Group{Quantity: q, Horizons: []time.Duration{time.Hour, 2 * time.Hour}, Series: make([]forecast.SeriesRow, len(values)/2), Bands: b, Typical: typical}
	}
	flows := group(geo.Flow, []float32{600, 9000, nan, 1, 660, 9000}, []float32{500, 1, 300, 1, 550, 1})
	speeds := group(geo.Speed, []float32{10, 10}, []float32{50, 50})
	for _, x := range []struct {
		name   string
		groups []forecast.Group
		want   float64
	}{{"more than usual", []forecast.Group{speeds, flows}, 1.2}, {"no flow sensors", []forecast.Group{speeds}, 1}, {"nothing usual", []forecast.Group{group(geo.Flow, []float32{5, 5}, []float32{nan, nan})}, 1},
		{"sensors gone mad", []forecast.Group{group(geo.Flow, []float32{9000, 0}, []float32{10, 0})}, mostVolume}} {
		if got := expectedVolume(&forecast.Forecast{Groups: x.groups}); got != x.want {
			t.Errorf("%s: %v, want %v", x.name, got, x.want)
		}
	}
	if expectedVolume(nil) != 1 {
		t.Error("no forecast must change nothing")
	}
}
