package twin_test

import (
	"math"
	"testing"
	"time"

	"tideway/forecast/air/field"
	"tideway/internal/twin"
)

// awaitAir waits for a field that satisfies a condition.
func awaitAir(t *testing.T, tw *twin.Twin, ok func(*field.Field) bool) *field.Field {
	t.Helper()
	changed := make(chan struct{}, 1)
	cancel := tw.Subscribe(func() {
		select {
		case changed <- struct{}{}:
		default:
		}
	})
	defer cancel()
	for {
		if f := tw.Air(); f != nil && ok(f) {
			return f
		}
		<-changed
	}
}

// Every cycle yields traffic and air together; weather that is given takes the
// place of what was assumed, and is still there after a restart.
func TestAirFollowsTrafficAndWeather(t *testing.T) {
	city, dir := smallCity(t), t.TempDir()
	tw := start(t, dir, city, trips(city))
	first := awaitAir(t, tw, func(*field.Field) bool { return true })
	if first.Forecast != tw.Forecast() || len(first.Times) != 1+len(first.Forecast.Roads.Horizons) || first.Times[0].Conditions.Source != field.Assumed {
		t.Fatalf("%d times under %+v", len(first.Times), first.Times[0].Conditions)
	}
	if !(first.Times[0].Released.NOx > 0) || len(first.Scene.SideM) == 0 {
		t.Error("streets release nothing")
	}
	nan := math.NaN()
	sky := field.Sky{{At: noon.Truncate(time.Hour), Wind: 5, From: 45, Temperature: 280, Cloud: .2, SolarWm2: nan}}
	if _, err := tw.AddWeather(t.Context(), sky); err != nil {
		t.Fatal(err)
	}
	second := awaitAir(t, tw, func(f *field.Field) bool { return f.Times[0].Conditions.Source == field.Given })
	if c := second.Times[0].Conditions; c.Class.From != 3 || c.Weather.Wind != 5 {
		t.Errorf("%+v", c)
	}
	bad := field.Sky{{At: noon.Add(40 * 24 * time.Hour), Wind: -5, From: 45}}
	if _, err := tw.AddWeather(t.Context(), bad); err == nil {
		t.Error("a wind of -5 m/s in forty days was taken")
	}
	stop(t, tw)
	tw = start(t, dir, city, nil)
	defer stop(t, tw)
	if got := tw.Weather(); len(got) != 1 || got[0].Wind != 5 || !math.IsNaN(got[0].SolarWm2) || got[0].Cloud != .2 {
		t.Errorf("after a restart: %+v", got)
	}
}
