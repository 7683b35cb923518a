package demand_test

import (
	"math"
	"reflect"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"tideway/geo"
	"tideway/geo/synth"
	"tideway/internal/fault"
	"tideway/internal/netdraw"
	"tideway/sim/demand"
	"tideway/unit"
)

func city(t testing.TB) *geo.City {
	t.Helper()
	c, err := synth.City(synth.Options{Segments: 100, Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func matrix(vehicles float64) *demand.Matrix {
	return &demand.Matrix{Types: []demand.VehicleType{demand.NewType("car", geo.Car), demand.NewType("van", geo.Van)},
		Profiles: []demand.Profile{{ID: "am", Begin: 6 * time.Hour, Step: 15 * time.Minute, Weight: []float64{1, 2, 4, 3, 0, 2}}},
		Rows:     []demand.Flow{{From: 0, To: 1, Vehicles: vehicles}, {From: 1, To: 0, Vehicles: vehicles / 4, Type: 1}, {From: 2, To: 2, Vehicles: vehicles / 2}}}
}

func expand(t rapid.TB, c *geo.City, m *demand.Matrix, e demand.Expansion) *demand.Demand {
	t.Helper()
	d, err := m.Expand(c, demand.Connectors(c), e)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestExpansionFollowsTheMatrix(t *testing.T) {
	c := city(t)
	d := expand(t, c, matrix(4000), demand.Expansion{Seed: 1})
	var byStep [6]float64
	for i, trip := range d.Trips {
		byStep[int((trip.Depart-6*time.Hour)/(15*time.Minute))]++
		if i > 0 && trip.Depart < d.Trips[i-1].Depart || trip.From == trip.To {
			t.Fatalf("trip %+v", trip)
		}
	}
	const total = 4000 * 1.75
	for k, w := range matrix(1).Profiles[0].Weight {
		if want := total * w / 12; math.Abs(byStep[k]-want) > 4*math.Sqrt(want)+1e-9 {
			t.Errorf("step %d has %v trips, want about %.0f", k, byStep[k], want)
		}
	}
}

// A longer period, a larger scale and other rows leave a trip as it is.
func TestATripDependsOnNothingElse(t *testing.T) {
	c := city(t)
	rapid.Check(t, func(t *rapid.T) {
		scale := unit.Share(rapid.Float64Range(0.05, 1).Draw(t, "scale"))
		begin := 6*time.Hour + time.Duration(rapid.IntRange(0, 80).Draw(t, "begin"))*time.Minute
		m := matrix(200)
		all := map[string]demand.Trip{}
		for _, trip := range expand(t, c, m, demand.Expansion{Seed: 9}).Trips {
			all[trip.ID] = trip
		}
		m.Rows = m.Rows[:rapid.IntRange(1, 3).Draw(t, "rows")]
		for _, trip := range expand(t, c, m, demand.Expansion{Seed: 9, Scale: scale, Begin: begin, End: begin + 20*time.Minute}).Trips {
			if !reflect.DeepEqual(all[trip.ID], trip) {
				t.Fatalf("trip %s is %+v, and in the whole %+v", trip.ID, trip, all[trip.ID])
			}
			if trip.Depart < begin || trip.Depart >= begin+20*time.Minute {
				t.Fatalf("trip %s departs at %v", trip.ID, trip.Depart)
			}
		}
	})
}

func TestMatrixProblemsAreCollected(t *testing.T) {
	c, m := city(t), matrix(10)
	m.Profiles[0].Weight[0] = math.NaN()
	m.Rows[0].Vehicles = -1
	m.Rows[1].To = 999
	_, err := m.Expand(c, demand.Connectors(c), demand.Expansion{})
	for _, want := range []string{"weight of step 1", "row 1: has -1", "row 2: refers to zone 1, zone 999"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("no problem says %q: %v", want, err)
		}
	}
	m = matrix(10)
	if _, err := m.Expand(c, make([][]demand.Connector, c.Zones.Len()), demand.Expansion{}); err == nil {
		t.Error("zones without streets are no problem")
	}
}

func TestLinksKnowWhoMayDriveWhere(t *testing.T) {
	c := netdraw.City("a-b-d")
	d, err := netdraw.Parse("a-b-d")
	if err != nil {
		t.Fatal(err)
	}
	draft := d.Draft()
	draft.Lanes[2].Allow = geo.Classes(geo.Bus) // of segment bd
	buses, err := draft.Build()
	if err != nil {
		t.Fatal(err)
	}
	ab, _ := c.Segments.Find("ab")
	bd, _ := c.Segments.Find("bd")
	for _, x := range []struct {
		city  *geo.City
		route []geo.SegmentID
		class geo.Class
		want  string
	}{
		{c, []geo.SegmentID{ab, bd}, geo.Car, ""},
		{c, []geo.SegmentID{bd, ab}, geo.Car, `no movement leads from segment "bd" to "ab"`},
		{buses, []geo.SegmentID{ab, bd}, geo.Car, `admits class car`},
		{buses, []geo.SegmentID{bd}, geo.Car, `closed to class car`},
		{buses, []geo.SegmentID{ab, bd}, geo.Bus, ""},
	} {
		var bad fault.List
		demand.NewLinks(x.city).Check(demand.Route{ID: "r", Segments: x.route}, demand.NewType("t", x.class), "here", &bad)
		if err := bad.Err("checking"); (x.want == "") != (err == nil) || err != nil && !strings.Contains(err.Error(), x.want) {
			t.Errorf("%v for %v: got %v, want %q", x.route, x.class, err, x.want)
		}
	}
}
