package scenarios

import (
	"context"
	"encoding/json"
	"math"
	"testing"
	"time"

	"tideway/sim"
	"tideway/sim/air/emission"
	"tideway/unit"
)

// airStudy compares by real simulations of the crossing, with the air.
func airStudy(t testing.TB, changes ...string) *Comparison {
	t.Helper()
	e := study(t, changes...)
	e.Simulate, e.Replications, e.Period = nil, 3, sim.Input{End: 10 * time.Minute, UntilClear: true}
	air, err := DefaultAir()
	if err != nil {
		t.Fatal(err)
	}
	air.Receptors = 60
	e.Air = air
	c, err := e.Compare(context.Background(), nil)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

var airKPIs = []string{"nox", "co2", "pm25", "no2_exposure", "pm25_exposure"}

func TestALowEmissionZoneCleansTheAirAndLeavesTheTraffic(t *testing.T) {
	c := airStudy(t, `{"op":"zone.lowEmission","select":{"all":true},"petrol_euro":4,"diesel_euro":6}`,
		`{"op":"zone.lowEmission","select":{"all":true},"electric_share":1}`)
	clean, electric := c.Alternatives[0], c.Alternatives[1]
	if !clean.Identical || !electric.Identical {
		t.Error("a change of the fleet changed the traffic")
	}
	for _, name := range airKPIs {
		k := kpiOf(t, clean, name)
		if !(k.Base > 0) || !(k.Diff < 0) || k.Better != Better || !k.Lower {
			t.Errorf("%s: %+v", name, k)
		}
	}
	for name, most := range map[string]float64{"nox": 1e-9, "co2": 1e-9, "no2_exposure": 1e-6} {
		if k := kpiOf(t, electric, name); float64(k.Alt) > most {
			t.Errorf("all electric: %s is %v", name, k.Alt)
		}
	}
	if k := kpiOf(t, electric, "pm25"); !(k.Alt > 0) {
		t.Error("electric vehicles wear no brakes, tyres and road")
	}
	if z := clean.Air.Zones; len(z) != 1 || z[0].Zone != "west" || z[0].Population.Known() || clean.Air.Weighted != "area" || z[0].Better != Better || !(z[0].DiffNO2 < 0) {
		t.Errorf("zones: %+v", clean.Air)
	}
}

func TestFewerTripsReleaseLess(t *testing.T) {
	c := airStudy(t, ``, `{"op":"demand.scale","factor":0.5}`, `{"op":"zone.lowEmission","select":{"all":true},"ban":["truck"]}`)
	for _, name := range airKPIs {
		if k := kpiOf(t, c.Alternatives[0], name); k.Diff != 0 || k.Better != Unclear {
			t.Errorf("without changes %s differs: %+v", name, k)
		}
		if k := kpiOf(t, c.Alternatives[1], name); !(k.Diff < 0) || k.Better != Better {
			t.Errorf("half the trips: %s %+v", name, k)
		}
	}
	if k := kpiOf(t, c.Alternatives[2], "nox"); k.Better != Better && k.Alt.Known() {
		t.Errorf("without trucks: %+v", k)
	}
}

// What a run releases is what the emission functions say of every segment's
// distance and mean speed.
func TestReleasedIsTheFunctionsTotal(t *testing.T) {
	base := BaseCase(crossBase(t))
	air, err := DefaultAir()
	if err != nil {
		t.Fatal(err)
	}
	shared, err := newAirBase(air, base, 1)
	if err != nil {
		t.Fatal(err)
	}
	side, err := shared.side(base)
	if err != nil {
		t.Fatal(err)
	}
	in := sim.Input{City: base.City, Demand: base.Demand, End: 20 * time.Minute, UntilClear: true, Threads: 1, Interval: 5 * time.Minute}
	res, err := sim.Run(context.Background(), in, nil)
	if err != nil {
		t.Fatal(err)
	}
	got, err := side.breathe(&in, res)
	if err != nil {
		t.Fatal(err)
	}
	want := 0.0
	for k := range res.Segments.Intervals {
		for s := range base.City.Segments.All() {
			row := res.Segments.Row(k, s)
			km := float64(res.Segments.VehicleS[row]) * float64(res.Segments.SpeedKMH[row]) / 3600
			for cat, share := range side.mix[s] {
				r := side.curves[0].Rates(emission.Category(cat), max(crawl, unit.Speed(res.Segments.SpeedKMH[row])*unit.KMH))
				want += share * km * float64(r.NOx) * 1e6 // g/km
			}
		}
	}
	if g := got.total.NOx.G(); math.Abs(g-want) > .01*want || want == 0 {
		t.Errorf("%g g of NOx, the functions give %g", g, want)
	}
	// High Street carries trucks alone, Main Street cars and buses.
	sc, _ := base.City.Segments.Find("sc")
	wc, _ := base.City.Segments.Find("wc")
	if side.mix[sc][emission.Truck] != 1 || side.mix[wc][emission.Truck] != 0 || !(side.mix[wc][emission.Bus] > 0) {
		t.Errorf("mix: %v and %v", side.mix[sc], side.mix[wc])
	}
}

func TestLowEmissionProblems(t *testing.T) {
	for _, text := range []string{
		`{"op":"zone.lowEmission","select":{"all":true}}`,
		`{"op":"zone.lowEmission","select":{"all":true},"diesel_euro":7}`,
		`{"op":"zone.lowEmission","select":{"all":true},"electric_share":1.5}`,
		`{"op":"zone.lowEmission","select":{"zone":"nowhere"},"petrol_euro":4}`,
	} {
		d, err := Parse([]byte(`{"name":"x","changes":[` + text + `]}`))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := Apply(d, crossBase(t)); err == nil {
			t.Errorf("%s was taken", text)
		}
	}
}

// A rule holds inside its polygon alone.
func TestRulesHoldWhereTheyAreMade(t *testing.T) {
	base := crossBase(t)
	c := apply(t, base, `{"op":"zone.lowEmission","select":{"id":["wc"]},"electric_share":1}`)
	air, err := DefaultAir()
	if err != nil {
		t.Fatal(err)
	}
	shared, err := newAirBase(air, BaseCase(base), 1)
	if err != nil {
		t.Fatal(err)
	}
	side, err := shared.side(c)
	if err != nil {
		t.Fatal(err)
	}
	wc, _ := base.City.Segments.Find("wc")
	for s := range base.City.Segments.All() {
		nox := side.curves[side.fleet[s]].Rates(emission.Car, 10).NOx
		if (s == wc) != (nox == 0) {
			t.Errorf("segment %d: %v", s, nox)
		}
	}
	if len(side.curves) != 2 {
		t.Errorf("%d fleets for two kinds of segments", len(side.curves))
	}
}

func TestComparisonWithAirSurvivesJSON(t *testing.T) {
	c := airStudy(t, longerGreen)
	text, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	var back Comparison
	if err := json.Unmarshal(text, &back); err != nil {
		t.Fatal(err)
	}
	if again, _ := json.Marshal(back); string(again) != string(text) {
		t.Error("a comparison changes on its way through JSON")
	}
}
