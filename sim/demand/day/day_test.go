package day_test

import (
	"math"
	"reflect"
	"testing"
	"time"

	"tideway/geo"
	"tideway/geo/synth"
	"tideway/sim/demand"
	"tideway/sim/demand/day"
)

var (
	monday = time.Date(2025, 3, 10, 0, 0, 0, 0, time.UTC)
	sunday = monday.AddDate(0, 0, 6)
)

func city(t testing.TB, segments int) *geo.City {
	t.Helper()
	c, err := synth.City(synth.Options{Segments: segments, Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func model(t testing.TB, c *geo.City, opt day.Options) *day.Model {
	t.Helper()
	m, err := day.New(c, opt)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// perHour counts departures by hour.
func perHour(d *demand.Demand, keep func(demand.Trip) bool) (n [24]int) {
	for _, t := range d.Trips {
		if keep == nil || keep(t) {
			n[int(t.Depart.Hours())]++
		}
	}
	return n
}

func TestADayLooksLikeOne(t *testing.T) {
	c := city(t, 600)
	m := model(t, c, day.Options{Seed: 1})
	work, rest := m.Day(monday), m.Day(sunday)
	hours, restHours := perHour(work, nil), perHour(rest, nil)
	t.Logf("%.0f trips expected, %d on Monday, %d on Sunday, per hour %v and %v", m.Trips(), len(work.Trips), len(rest.Trips), hours, restHours)
	if hours[8] < 2*hours[5] || hours[8] < hours[11] || hours[17] < hours[14] || hours[3]*8 > hours[8] {
		t.Errorf("no rush hours: %v", hours)
	}
	if len(rest.Trips) > len(work.Trips)*9/10 || restHours[8] > hours[8]/2 {
		t.Errorf("Sunday is no quieter: %v", restHours)
	}
	classes := map[geo.Class]int{}
	stops := 0
	for i, trip := range work.Trips {
		classes[work.Types[trip.Type].Class]++
		stops += len(trip.Stops)
		if i > 0 && trip.Depart < work.Trips[i-1].Depart || trip.Depart < 0 || trip.Depart >= 24*time.Hour {
			t.Fatalf("trip %d departs at %v", i, trip.Depart)
		}
		if trip.From == trip.To && trip.Route == demand.NoRoute {
			t.Errorf("trip %s goes nowhere", trip.ID)
		}
	}
	for _, k := range []geo.Class{geo.Car, geo.Taxi, geo.Van, geo.Truck, geo.Bus, geo.Motorcycle} {
		if classes[k] == 0 {
			t.Errorf("no %s", k)
		}
	}
	if stops == 0 {
		t.Error("buses do not stop")
	}
}

func TestMorningFlowsInwards(t *testing.T) {
	c := city(t, 600)
	d := model(t, c, day.Options{Seed: 1}).Day(monday)
	outside := func(s geo.SegmentID) bool {
		seg := c.Segments.At(s)
		return c.Nodes.At(seg.From).Zone != "" || c.Nodes.At(seg.To).Zone != ""
	}
	in := perHour(d, func(t demand.Trip) bool { return outside(t.From) && !outside(t.To) && t.Route == demand.NoRoute })
	out := perHour(d, func(t demand.Trip) bool { return outside(t.To) && !outside(t.From) && t.Route == demand.NoRoute })
	if in[8] < out[8]*13/10 || out[17] < in[17]*105/100 {
		t.Errorf("in %v\nout %v", in, out)
	}
}

func TestDaysAreReproducibleAndDiffer(t *testing.T) {
	c := city(t, 60)
	m := model(t, c, day.Options{Seed: 1})
	if !reflect.DeepEqual(m.Day(monday), model(t, c, day.Options{Seed: 1}).Day(monday.Add(13*time.Hour))) {
		t.Error("the same day differs")
	}
	var counts []float64
	for week := range 20 {
		counts = append(counts, float64(len(m.Day(monday.AddDate(0, 0, 7*week)).Trips)))
	}
	mean, dev := meanDev(counts)
	if dev/mean < 0.01 || dev/mean > 0.1 {
		t.Errorf("volumes of 20 Mondays vary by %.1f %%, want some", 100*dev/mean)
	}
	if math.Abs(mean/m.Trips()-1) > 0.1 {
		t.Errorf("%.0f trips on an average Monday, want about %.0f and the buses", mean, m.Trips())
	}
}

func TestPartsMakeTheDay(t *testing.T) {
	m := model(t, city(t, 60), day.Options{Seed: 1})
	whole := m.Day(monday)
	parts := m.Part(monday, 0, 7*time.Hour+10*time.Minute).Trips
	parts = append(parts, m.Part(monday, 7*time.Hour+10*time.Minute, 24*time.Hour).Trips...)
	if !reflect.DeepEqual(whole.Trips, parts) {
		t.Errorf("%d trips in the day, %d in its parts, or others", len(whole.Trips), len(parts))
	}
}

func meanDev(v []float64) (mean, dev float64) {
	for _, x := range v {
		mean += x / float64(len(v))
	}
	for _, x := range v {
		dev += (x - mean) * (x - mean) / float64(len(v)-1)
	}
	return mean, math.Sqrt(dev)
}

// Common random numbers: a fuller city keeps the trips of an emptier one.
func TestMoreLoadAddsTrips(t *testing.T) {
	c := city(t, 600)
	few, many := model(t, c, day.Options{Seed: 5, Load: 0.2}).Day(monday), model(t, c, day.Options{Seed: 5, Load: 0.4}).Day(monday)
	have := map[string]demand.Trip{}
	for _, trip := range many.Trips {
		have[trip.ID] = trip
	}
	for _, trip := range few.Trips {
		if other, ok := have[trip.ID]; !ok || !reflect.DeepEqual(other, trip) {
			t.Fatalf("trip %s changed or was lost", trip.ID)
		}
	}
	if r := float64(len(many.Trips)) / float64(len(few.Trips)); r < 1.6 || r > 2.1 {
		t.Errorf("twice the load gives %.2f times the trips", r)
	}
}

func TestWithoutZonesThereIsNoDemand(t *testing.T) {
	d, err := synth.Draft(synth.Options{Segments: 60})
	if err != nil {
		t.Fatal(err)
	}
	d.Zones = nil
	c, err := d.Build()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := day.New(c, day.Options{}); err == nil {
		t.Error("a model without zones")
	}
}

func BenchmarkNew10000(b *testing.B) {
	c := city(b, 10_000)
	for b.Loop() {
		model(b, c, day.Options{})
	}
}

func BenchmarkDay600(b *testing.B) {
	m := model(b, city(b, 600), day.Options{})
	for b.Loop() {
		m.Day(monday)
	}
}
