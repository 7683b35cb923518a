package air_test

import (
	"math"
	"testing"

	"github.com/paulmach/orb"

	"tideway/geo/synth"
	"tideway/sim/air"
	"tideway/sim/air/chemistry"
	"tideway/sim/air/dispersion"
	"tideway/sim/air/emission"
	"tideway/unit"
)

func sceneOf(t testing.TB, stations ...orb.Point) *air.Scene {
	t.Helper()
	city, err := synth.City(synth.Options{Segments: 150, Seed: 5})
	if err != nil {
		t.Fatal(err)
	}
	fleet, err := emission.DefaultFleet(emission.Default(), 2025)
	if err != nil {
		t.Fatal(err)
	}
	s, err := air.NewScene(city, air.SceneOptions{Fleet: fleet, Stations: stations, InZones: 50, Squares: 800})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// flat is the same flow and speed on every segment.
func flat(s *air.Scene, flow, speed float32) []emission.Emission {
	n := s.City.Segments.Len()
	q, v := make([]float32, n), make([]float32, n)
	for i := range q {
		q[i], v[i] = flow, speed
	}
	return s.Released(q, v)
}

func usual() (f [air.SourceGroups]float64) {
	for g := range f {
		f[g] = 1
	}
	return f
}

func TestClassesOfWeatherStandForThemselves(t *testing.T) {
	for from := range uint8(24) {
		for wind := range uint8(10) {
			for st := dispersion.ClassA; st <= dispersion.ClassF; st++ {
				k := air.WeatherClass{From: from, Wind: wind, Stability: st}
				met, err := k.Met()
				if err != nil {
					t.Fatal(err)
				}
				if got := air.ClassOf(met); got != k {
					t.Fatalf("%+v came back as %+v (L %g m)", k, got, met.Obukhov.M())
				}
			}
		}
	}
}

// The matrix of the scene gives at a station what the sum over all streets gives.
func TestThePlumesAreTheSumOverStreets(t *testing.T) {
	at := orb.Point{120, 80}
	s := sceneOf(t, at)
	met, err := air.WeatherClass{From: 3, Wind: 5, Stability: dispersion.ClassD}.Met()
	if err != nil {
		t.Fatal(err)
	}
	released := flat(s, 400, 30)
	p, err := s.Under(met, released, 1)
	if err != nil {
		t.Fatal(err)
	}
	a, err := p.Add(released, usual(), 1)
	if err != nil {
		t.Fatal(err)
	}
	h := air.Hour{Light: chemistry.Weather{Temperature: 288, SolarWm2: 300}, Background: chemistry.Background{NO: 2e-9, NO2: 15e-9, O3: 60e-9}, PM25: 9e-9, PM10: 15e-9}
	got := p.React(a, h)
	want, err := s.At(at[0], at[1], released, usual(), met, h)
	if err != nil {
		t.Fatal(err)
	}
	for name, pair := range map[string][2]unit.Concentration{"NO2": {s.StationRows(got.NO2)[0], want.NO2[0]}, "PM2.5": {s.StationRows(got.PM25)[0], want.PM25[0]}, "O3": {s.StationRows(got.O3)[0], want.O3[0]}} {
		if math.Abs(float64(pair[0]/pair[1]-1)) > .02 || !(pair[0] > 0) {
			t.Errorf("%s: matrix %g, sum %g µg/m³", name, pair[0].UGM3(), pair[1].UGM3())
		}
	}
	if got.NO2[0] < h.Background.NO2 || got.O3[0] > h.Background.O3+a.PrimaryNO2[0] {
		t.Error("roads take NO2 away or make ozone")
	}
	if n := len(s.Grid(got.NO2)); n != len(s.SideM) || n == 0 || n > 800 || len(s.ZoneMeans(got.NO2)) != len(s.Zones) {
		t.Errorf("%d squares, %d sides, %d zones", n, len(s.SideM), len(s.Zones))
	}
}

// Doubling all factors doubles what roads add; a group without streets adds
// nothing; no traffic leaves the background.
func TestAddedIsLinear(t *testing.T) {
	s := sceneOf(t)
	met, err := air.WeatherClass{From: 9, Wind: 6, Stability: dispersion.ClassC}.Met()
	if err != nil {
		t.Fatal(err)
	}
	released := flat(s, 300, 40)
	p, err := s.Under(met, released, 1)
	if err != nil {
		t.Fatal(err)
	}
	once, _ := p.Add(released, usual(), 1)
	twice, _ := p.Add(released, [air.SourceGroups]float64{2, 2, 2, 2}, 1)
	nothing, _ := p.Add(released, [air.SourceGroups]float64{}, 1)
	for i := range once.NOx {
		if math.Abs(float64(twice.NOx[i]-2*once.NOx[i])) > 1e-5*float64(once.NOx[i])+1e-15 || nothing.NOx[i] != 0 {
			t.Fatalf("receptor %d: %g, %g, %g", i, once.NOx[i], twice.NOx[i], nothing.NOx[i])
		}
	}
	h := air.Hour{Light: chemistry.Weather{Temperature: 288}, Background: chemistry.Background{NO2: 15e-9, O3: 60e-9}, PM25: 9e-9}
	if b := p.React(nothing, h); b.NO2[0] != h.Background.NO2 || b.PM25[0] != h.PM25 {
		t.Errorf("without traffic %g µg/m³", b.NO2[0].UGM3())
	}
}

func TestUnknownFlowsComeFromRoadsOfTheirKind(t *testing.T) {
	s := sceneOf(t)
	nan := float32(math.NaN())
	flow := make([]float32, s.City.Segments.Len())
	for i := range flow {
		flow[i] = nan
	}
	all, known := s.FillFlows(flow)
	if known != 0 {
		t.Errorf("%v known of nothing", known)
	}
	for i, q := range all {
		if !(q > 0) {
			t.Fatalf("segment %d has no flow", i)
		}
	}
	for i := range flow {
		if i%3 == 0 {
			flow[i] = all[i] * 2
		}
	}
	filled, known := s.FillFlows(flow)
	for i := range filled {
		if math.Abs(float64(filled[i]/all[i]-2)) > 1e-4 {
			t.Fatalf("segment %d: %g, expected twice %g", i, filled[i], all[i])
		}
	}
	if math.Abs(float64(known)-1./3) > .02 {
		t.Errorf("%v known, expected a third", known)
	}
	if s.City.Segments.Len() != len(s.Group) || s.Released(filled, flow)[0].Run.NOx != 0 && math.IsNaN(float64(flow[0])) {
		t.Error("a segment without speed releases something")
	}
}
