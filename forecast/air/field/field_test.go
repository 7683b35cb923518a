package field_test

import (
	"math"
	"testing"
	"time"

	"github.com/paulmach/orb"

	"tideway/forecast"
	"tideway/forecast/air/field"
	"tideway/geo"
	"tideway/geo/synth"
	"tideway/internal/fault"
	"tideway/live"
	"tideway/unit"
)

var noon = time.Date(2026, 3, 18, 11, 0, 0, 0, time.UTC)

// cityWith is a small city with air stations beside the middle of streets.
func cityWith(t testing.TB, segments, stations int) *geo.City {
	t.Helper()
	city, err := synth.City(synth.Options{Segments: segments, Seed: 3})
	if err != nil {
		t.Fatal(err)
	}
	d := city.Draft()
	d.Sensors = nil
	for k := range stations {
		m := city.Midpoint(geo.SegmentID(k * 17))
		d.Sensors = append(d.Sensors, geo.Sensor{ID: "air " + string(rune('a'+k)), LonLat: city.Frame.LonLat(orb.Point{m[0] + 12, m[1] + 9}), Heading: -1, Segment: geo.NoSegment, Lane: geo.NoLane,
			Measures: []geo.Measure{{Quantity: geo.NO2, Interval: time.Hour}}})
	}
	out, err := d.Build()
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// cycle is a forecast of the same traffic everywhere, and of what stations measure.
func cycle(c *geo.City, at time.Time, flow float32, no2 ...float32) *forecast.Forecast {
	n := c.Segments.Len()
	f := &forecast.Forecast{City: c, IssuedAt: at, Roads: forecast.Roads{Horizons: []time.Duration{15 * time.Minute, time.Hour}, Now: make([]forecast.RoadNow, n),
		FlowVPH: make([]float32, 2*n), Speed: forecast.NewBands(n, 2)}}
	for i := range n {
		f.Roads.Now[i] = forecast.RoadNow{SpeedKMH: 30, FreeFlowKMH: 50, FlowVPH: flow}
		for h := range 2 {
			f.Roads.FlowVPH[2*i+h] = flow / 2
			f.Roads.Speed.Set(i, h, forecast.Point{Value: 40})
		}
	}
	if len(no2) > 0 {
		g := forecast.Group{Quantity: geo.NO2, Interval: time.Hour, Origin: at, Horizons: []time.Duration{time.Hour}, Bands: forecast.NewBands(len(no2), 1)}
		for i, v := range no2 {
			g.Series = append(g.Series, forecast.SeriesRow{Sensor: geo.SensorID(i), Last: v})
			g.Bands.Set(i, 0, forecast.Point{Value: v})
		}
		f.Groups = append(f.Groups, g)
	}
	return f
}

func runner(t testing.TB, c *geo.City) *field.Runner {
	t.Helper()
	r, err := field.New(field.Options{City: c, Squares: 600, Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func tick(t testing.TB, r *field.Runner, f *forecast.Forecast, sky field.Sky) *field.Field {
	t.Helper()
	out, err := r.Tick(t.Context(), f, nil, sky)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func hour(wind float64, from unit.Angle) field.Weather {
	return field.Weather{At: noon.Truncate(time.Hour), Wind: unit.Speed(wind), From: from, Temperature: unit.Celsius(12), Cloud: .3, SolarWm2: math.NaN()}
}

func sum(c []unit.Concentration) (s float64) {
	for _, v := range c {
		s += v.UGM3()
	}
	return s
}

func TestTrafficMakesTheAir(t *testing.T) {
	c := cityWith(t, 120, 0)
	r := runner(t, c)
	sky := field.Sky{hour(3, 200)}
	f := tick(t, r, cycle(c, noon, 600), sky)
	if len(f.Times) != 3 || f.Times[0].Conditions.Source != field.Given || f.Times[2].Conditions.Source != field.Assumed || f.Times[0].Measured {
		t.Fatalf("%d times, %+v, %+v", len(f.Times), f.Times[0].Conditions, f.Times[2].Conditions)
	}
	now, later := f.Times[0], f.Times[1]
	if !(now.Released.NOx > later.Released.NOx) || !(sum(f.Scene.Grid(now.Air.NO2)) > sum(f.Scene.Grid(later.Air.NO2))) {
		t.Error("half the traffic does not give less")
	}
	calm := tick(t, r, cycle(c, noon, 600), field.Sky{hour(.2, 200)})
	if !(sum(calm.Times[0].Air.NO2) > sum(now.Air.NO2)) {
		t.Error("a calm hour is no worse than a windy one")
	}
	empty := tick(t, r, cycle(c, noon, 0), sky)
	for i, v := range empty.Times[0].Air.NO2 {
		if v != empty.Times[0].Background.Background.NO2 {
			t.Fatalf("receptor %d has %g without traffic", i, v.UGM3())
		}
	}
	unknown := tick(t, r, cycle(c, noon, float32(math.NaN())), sky)
	if unknown.Times[0].FlowKnown != 0 || now.FlowKnown != 1 || !(unknown.Times[0].Released.NOx > 0) {
		t.Errorf("flows known: %v and %v", unknown.Times[0].FlowKnown, now.FlowKnown)
	}
}

func TestStationsPullTheField(t *testing.T) {
	c := cityWith(t, 120, 4)
	sky := field.Sky{hour(2, 90)}
	low, high := tick(t, runner(t, c), cycle(c, noon, 500, 20, 20, 22, 21), sky), tick(t, runner(t, c), cycle(c, noon, 500, 60, 60, 66, 63), sky)
	l, h := low.Times[0], high.Times[0]
	if !l.Measured || !(h.Background.Background.NO2 > l.Background.Background.NO2) {
		t.Errorf("background %g and %g", l.Background.Background.NO2.UGM3(), h.Background.Background.NO2.UGM3())
	}
	for i, v := range low.Scene.StationRows(l.Air.NO2) {
		if math.Abs(v.UGM3()-21) > 8 || math.Abs(high.Scene.StationRows(h.Air.NO2)[i].UGM3()-62) > 20 {
			t.Errorf("station %d: %g and %g, measured 21 and 62", i, v.UGM3(), high.Scene.StationRows(h.Air.NO2)[i].UGM3())
		}
	}
	r := runner(t, c)
	var again *field.Field
	for k := range 30 {
		at := noon.Add(time.Duration(k) * time.Hour)
		w := hour(2, 90)
		w.At = at
		again = tick(t, r, cycle(c, at, 500, 60, 20, 22, 21), field.Sky{w})
	}
	for g, v := range again.Times[0].Factor {
		if !(v > 0) {
			t.Errorf("factor %d is %g", g, v)
		}
	}
	var moved bool
	for _, v := range again.Times[0].Factor {
		moved = moved || math.Abs(v-1) > .02
	}
	if l := again.Left; l.Count != 120 || !(l.RMSE > 0) || !(l.Without > 0) || math.Abs(l.Measure.UGM3()-30.75) > 1e-3 {
		t.Errorf("left out in turn: %+v", l)
	}
	if !moved {
		t.Errorf("30 hours of measurements left all factors alone: %v", again.Times[0].Factor)
	}
}

// A tick depends on what it is given alone; a place that is a receptor gets
// what the receptor gets, without the residuals.
func TestSameInputSameField(t *testing.T) {
	c := cityWith(t, 120, 2)
	sky := field.Sky{hour(2.5, 310)}
	a, b := tick(t, runner(t, c), cycle(c, noon, 400, 30, 25), sky), tick(t, runner(t, c), cycle(c, noon, 400, 30, 25), sky)
	for k := range a.Times {
		for i := range a.Times[k].Air.NO2 {
			if a.Times[k].Air.NO2[i] != b.Times[k].Air.NO2[i] {
				t.Fatalf("time %d receptor %d", k, i)
			}
		}
	}
	rec := a.Scene.Receptors
	i := len(rec.XM) - len(a.Scene.SideM) + 7
	got, err := a.At(c.Frame.LonLat(orb.Point{rec.XM[i], rec.YM[i]}), 0)
	if err != nil {
		t.Fatal(err)
	}
	if want := a.Times[0].Air.PM25[i]; math.Abs(float64(got.PM25[0]/want-1)) > .02 {
		t.Errorf("%g at the place, %g at the receptor", got.PM25[0].UGM3(), want.UGM3())
	}
}

func TestMeasuredWeatherIsUsed(t *testing.T) {
	c := cityWith(t, 120, 1)
	f := cycle(c, noon, 400)
	for q, v := range map[geo.Quantity]float32{geo.WindSpeed: 4, geo.Temperature: 7} {
		f.Groups = append(f.Groups, forecast.Group{Quantity: q, Interval: 10 * time.Minute, Origin: noon, Horizons: []time.Duration{time.Hour}, Bands: forecast.NewBands(1, 1),
			Series: []forecast.SeriesRow{{Sensor: 0, Last: v}}})
		f.Groups[len(f.Groups)-1].Bands.Set(0, 0, forecast.Point{Value: v})
	}
	snap := &live.Snapshot{City: c, At: noon, Series: []live.SeriesState{
		{Series: live.Series{Quantity: geo.WindDirection}, End: noon, Value: 340}, {Series: live.Series{Quantity: geo.WindDirection}, End: noon, Value: 0},
		{Series: live.Series{Quantity: geo.WindDirection}, End: noon.Add(-5 * time.Hour), Value: 90}}}
	made, err := runner(t, c).Tick(t.Context(), f, snap, nil)
	if err != nil {
		t.Fatal(err)
	}
	w := made.Times[0].Conditions
	if later := made.Times[2].Conditions; later.Source != field.Measured || later.Weather.Wind != 4 {
		t.Errorf("an hour ahead %+v", later)
	}
	if none := tick(t, runner(t, c), f, nil).Times[0].Conditions; none.Source != field.Assumed {
		t.Errorf("without a direction %+v", none)
	}
	if w.Source != field.Measured || w.Weather.Wind != 4 || math.Abs(w.Weather.From.Deg()-350) > 1e-6 || w.Class.From != 23 || math.Abs(w.Weather.Temperature.C()-7) > 1e-6 {
		t.Errorf("%+v", w)
	}
}

func TestSkyMergesAndForgets(t *testing.T) {
	a, b := hour(1, 0), hour(2, 0)
	b.At = a.At.Add(time.Hour)
	s := field.Sky{a, b}.Merge(field.Sky{hour(5, 180)}, a.At)
	if len(s) != 2 || s[0].Wind != 5 || s[1].Wind != 2 {
		t.Errorf("%+v", s)
	}
	if s = s.Merge(nil, b.At); len(s) != 1 {
		t.Errorf("%+v", s)
	}
	var bad fault.List
	for _, w := range []field.Weather{{At: noon.Add(time.Minute), Wind: -1, From: 400, Cloud: 2, Temperature: 500, SolarWm2: -4}} {
		w.Check("hours[0]", &bad)
	}
	if bad.Len() != 6 {
		t.Errorf("%v", bad.Err("weather"))
	}
}

func BenchmarkTick(b *testing.B) {
	c := cityWith(b, 2000, 8)
	r, err := field.New(field.Options{City: c, Threads: 1})
	if err != nil {
		b.Fatal(err)
	}
	f, sky := cycle(c, noon, 500, 20, 30, 25, 31, 22, 40, 18, 26), field.Sky{hour(2.5, 120)}
	out := tick(b, r, f, sky)
	b.ReportMetric(float64(len(out.Scene.Receptors.XM)), "receptors")
	for b.Loop() {
		tick(b, r, f, sky)
	}
}
