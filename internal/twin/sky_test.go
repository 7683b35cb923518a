package twin_test

import (
	"math"
	"math/rand/v2"
	"sync/atomic"
	"testing"
	"time"

	"tideway/forecast"
	"tideway/forecast/air"
	"tideway/forecast/air/field"
	"tideway/geo"
	"tideway/internal/twin"
	"tideway/live"
	"tideway/unit"
)

// windy is a city whose NO2 is what the wind leaves of it, with a mast that
// measures the wind. The wind follows no clock.
type windy struct {
	city *geo.City
	from time.Time // begin of its first hour
	wind []float64
}

func newWindy(t *testing.T, days int) windy {
	t.Helper()
	d := smallCity(t).Draft()
	at := d.Sensors[0].LonLat
	station := func(id string, q geo.Quantity) geo.Sensor {
		return geo.Sensor{ID: id, LonLat: at, Heading: -1, Segment: geo.NoSegment, Lane: geo.NoLane, Measures: []geo.Measure{{Quantity: q, Interval: time.Hour}}}
	}
	d.Sensors = []geo.Sensor{station("mast", geo.WindSpeed), station("station", geo.NO2)}
	city, err := d.Build()
	if err != nil {
		t.Fatal(err)
	}
	w := windy{city: city, from: noon.AddDate(0, 0, -days)}
	dice, v := rand.New(rand.NewPCG(5, 8)), 4.
	for range (days + 4) * 24 {
		v = math.Max(.5, math.Min(9, v+1.2*dice.NormFloat64()))
		w.wind = append(w.wind, v)
	}
	return w
}

// history is what mast and station measured until noon.
func (w windy) history() *live.Batch {
	b := &live.Batch{Client: "history", Backfill: true, Sensors: []string{"mast", "station"}}
	dice := rand.New(rand.NewPCG(1, 2))
	for i, v := range w.wind {
		end := w.from.Add(time.Duration(i+1) * time.Hour)
		if end.After(noon) {
			break
		}
		b.Add(0, geo.WindSpeed, end, time.Hour, v)
		b.Add(1, geo.NO2, end, time.Hour, 90-9*v+2*dice.NormFloat64())
	}
	return b
}

// given is the weather of three days as a forecast that is right.
func (w windy) given(from time.Time) (sky field.Sky) {
	first := int(from.Sub(w.from) / time.Hour)
	for i := first; i < first+73; i++ {
		sky = append(sky, hourOf(w.from.Add(time.Duration(i)*time.Hour), w.wind[i]))
	}
	return sky
}

func hourOf(at time.Time, wind float64) field.Weather {
	nan := math.NaN()
	return field.Weather{At: at, Wind: unit.Speed(wind), From: 270, Temperature: unit.Temperature(nan), Cloud: unit.Share(nan), SolarWm2: nan}
}

// no2Of returns the station's group of a forecast.
func no2Of(t *testing.T, f *forecast.Forecast) *forecast.Group {
	t.Helper()
	for i := range f.Groups {
		if f.Groups[i].Quantity == geo.NO2 {
			return &f.Groups[i]
		}
	}
	t.Fatal("no forecast of NO2")
	return nil
}

// Weather that is given, day after day, teaches the forecasts of stations what
// it does to the air; from then on it tells in them, for the hours it covers.
func TestGivenWeatherReachesTheForecastsOfStations(t *testing.T) {
	w, dir, verdicts := newWindy(t, 32), t.TempDir(), make(chan forecast.Verdict, 64)
	var now atomic.Int64
	now.Store(noon.Unix())
	o := twin.Options{City: w.city, Dir: dir, Now: func() time.Time { return time.Unix(now.Load(), 0) }, Tick: 500 * time.Millisecond,
		Learners: []forecast.Learner{air.Learner{Seed: 1}}, Learned: func(v forecast.Verdict) { verdicts <- v }, Report: func(err error) { t.Log(err) }}
	tw, err := twin.Start(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	for at := noon.AddDate(0, 0, -10); at.Before(noon); at = at.Add(6 * time.Hour) {
		now.Store(at.Unix())
		if _, err := tw.AddWeather(t.Context(), w.given(at)); err != nil {
			t.Fatal(err)
		}
	}
	now.Store(noon.Unix())
	if _, err := tw.Put(t.Context(), w.history()); err != nil {
		t.Fatal(err)
	}
	for v := range verdicts {
		if v.Quantity == geo.NO2 && v.Card.Name != "" {
			if t.Log(v.Why); !v.Serves {
				t.Fatal("trees that know the weather do not serve")
			}
			break
		}
	}
	calm, storm := w.given(noon), w.given(noon)
	for i := range calm {
		calm[i].Wind, storm[i].Wind = 1, 8
	}
	still := no2Of(t, awaitForecast(t, tw, calm))
	blown := no2Of(t, awaitForecast(t, tw, storm))
	for h, hours := range still.Horizons {
		if !still.UsesSky[h] || !blown.UsesSky[h] {
			t.Errorf("the weather %v ahead was given and is not used", hours)
		}
		if a, b := still.Bands.At(0, h).Value, blown.Bands.At(0, h).Value; a-b < 20 && hours >= 3*time.Hour {
			t.Errorf("%v ahead: %.0f in calm air, %.0f in a storm", hours, a, b)
		}
	}
	stop(t, tw)
	if !testing.Short() { // it learns all over again
		hindcast(t, o, storm)
	}
}

func awaitForecast(t *testing.T, tw *twin.Twin, given field.Sky) *forecast.Forecast {
	t.Helper()
	changed := make(chan struct{}, 1)
	defer tw.Subscribe(func() {
		select {
		case changed <- struct{}{}:
		default:
		}
	})()
	if _, err := tw.AddWeather(t.Context(), given); err != nil {
		t.Fatal(err)
	}
	before := tw.Forecast().Seq
	for tw.Forecast().Seq < before+2 { // the next one may have been begun before
		<-changed
	}
	return tw.Forecast()
}

// hindcast forecasts the last day over again, by the weather given by then: of
// the last tick that is the storm.
func hindcast(t *testing.T, o twin.Options, storm field.Sky) {
	t.Helper()
	o.Learned = nil
	var last *forecast.Forecast
	_, err := twin.RunHindcast(t.Context(), o, twin.Hindcast{From: noon.Add(-6 * time.Hour), To: noon.Add(time.Hour), Each: func(f *forecast.Forecast) {
		g := no2Of(t, f)
		if first, far := g.UsesSky[0], g.UsesSky[len(g.UsesSky)-1]; !first || f.IssuedAt.Equal(noon.Add(-4*time.Hour)) && far {
			t.Errorf("at %v: weather used for %v", f.IssuedAt, g.UsesSky)
		}
		last = f
	}})
	if err != nil {
		t.Fatal(err)
	}
	if g := no2Of(t, last); !(g.Bands.At(0, 6).Value < 40) {
		t.Errorf("%v ahead in a storm of %v: %.0f", g.Horizons[6], storm[0].Wind, g.Bands.At(0, 6).Value)
	}
}
