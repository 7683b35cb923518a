package forecast

import (
	"testing"
	"time"

	"tideway/geo"
)

// Air and weather are published up to three days ahead, roads an hour.
func TestHorizonsByQuantity(t *testing.T) {
	r := &Runner{}
	for _, c := range []struct {
		key   groupKey
		first time.Duration
		last  time.Duration
	}{
		{groupKey{quantity: geo.NO2, interval: time.Hour}, time.Hour, 72 * time.Hour},
		{groupKey{quantity: geo.WindSpeed, interval: 10 * time.Minute}, time.Hour, 72 * time.Hour},
		{groupKey{quantity: geo.O3, interval: time.Minute}, 15 * time.Minute, time.Hour},
		{groupKey{quantity: geo.PM10, interval: 24 * time.Hour}, 24 * time.Hour, 96 * time.Hour},
		{groupKey{quantity: geo.Speed, interval: time.Minute}, 15 * time.Minute, time.Hour},
		{groupKey{quantity: geo.Flow, interval: time.Hour}, time.Hour, 4 * time.Hour},
	} {
		steps := r.horizonSteps(c.key)
		if first, last := time.Duration(steps[0])*c.key.interval, time.Duration(steps[len(steps)-1])*c.key.interval; first != c.first || last != c.last {
			t.Errorf("%v every %v: %v to %v ahead, expected %v to %v", c.key.quantity, c.key.interval, first, last, c.first, c.last)
		}
	}
}
