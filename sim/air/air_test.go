package air_test

import (
	"math"
	"testing"
	"time"

	"github.com/paulmach/orb"
	"pgregory.net/rapid"

	"tideway/sim/air"
	"tideway/sim/air/dispersion"
	"tideway/sim/air/emission"
	"tideway/unit"
)

func nox(a emission.Amounts) unit.Mass { return a.NOx }

// What streets release is what their pieces release, and the queue part lies
// at the stop line.
func TestRatesKeepTheEmission(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 5).Draw(t, "streets")
		var streets []air.Street
		var released []emission.Emission
		want := 0.0
		for range n {
			var shape orb.LineString
			for range rapid.IntRange(2, 6).Draw(t, "points") {
				shape = append(shape, orb.Point{rapid.Float64Range(0, 400).Draw(t, "x"), rapid.Float64Range(0, 400).Draw(t, "y")})
			}
			streets = append(streets, air.Street{Shape: shape})
			e := emission.Emission{Queue: unit.Length(rapid.Float64Range(0, 600).Draw(t, "queue"))}
			e.Run.NOx, e.Standing.NOx = unit.Mass(rapid.Float64Range(0, 1).Draw(t, "run")), unit.Mass(rapid.Float64Range(0, 1).Draw(t, "standing"))
			released = append(released, e)
			if distinct(shape) {
				want += (e.Run.NOx + e.Standing.NOx).G()
			}
		}
		l := air.NewLayout(streets)
		rates := l.Rates(released, nox, time.Hour)
		links := l.Links(rates)
		got := 0.0
		for i, r := range rates {
			if r < 0 {
				t.Fatalf("piece %d: rate %g", i, r)
			}
			got += r * math.Hypot(links.X1M[i]-links.X0M[i], links.Y1M[i]-links.Y0M[i]) * 3600
		}
		if math.Abs(got-want) > 1e-9*(1+want) {
			t.Fatalf("pieces release %g g, streets %g g", got, want)
		}
	})
}

func distinct(s orb.LineString) bool {
	for _, p := range s {
		if p != s[0] {
			return true
		}
	}
	return false
}

func TestQueueStandsAtTheStopLine(t *testing.T) {
	l := air.NewLayout([]air.Street{{Shape: orb.LineString{{0, 0}, {300, 0}}}})
	e := emission.Emission{Queue: 50}
	e.Standing.NOx = 1
	links := l.Links(l.Rates([]emission.Emission{e}, nox, time.Hour))
	for i, r := range links.RateGMS {
		if inside := links.X0M[i] >= 250-1e-9; inside != (r > 0) {
			t.Errorf("piece from %g to %g m releases %g", links.X0M[i], links.X1M[i], r)
		}
	}
	if links.Len() != 6 {
		t.Errorf("%d pieces, want 6", links.Len())
	}
}

func TestGradedIsFineAtRoadsAndCoversTheArea(t *testing.T) {
	road := dispersion.Links{X0M: []float64{0}, Y0M: []float64{500}, X1M: []float64{1000}, Y1M: []float64{510}, RateGMS: []float64{0}, HeightM: []float64{0}, SigmaZ0M: []float64{0}}
	rec, sides := air.Graded(road, orb.Bound{Min: orb.Point{0, 0}, Max: orb.Point{1000, 1000}}, air.Grading{})
	area, near, far := 0.0, 0.0, 0.0
	for i, s := range sides {
		area += s.M() * s.M()
		d := math.Abs(rec.YM[i] - 505)
		if d < 10 {
			near = math.Max(near, s.M())
		}
		if d > 450 {
			far = math.Max(far, s.M())
		}
	}
	if near > 10 || far < 80 || area < 1e6 || area > 1.5e6 {
		t.Errorf("squares of %g m near the road, %g m far, %g m² in all, %d receptors", near, far, area, rec.Len())
	}
}

func TestZonesGetReceptorsInside(t *testing.T) {
	square := orb.MultiPolygon{{{{0, 0}, {100, 0}, {100, 100}, {0, 100}, {0, 0}}}}
	tiny := orb.MultiPolygon{{{{205, 205}, {206, 205}, {206, 206}, {205, 206}, {205, 205}}}}
	z := air.InZones([]orb.MultiPolygon{square, tiny, nil}, 20)
	if z.First[1] < 16 || z.First[2]-z.First[1] != 1 || z.First[3] != z.First[2] || math.Abs(z.AreaM2[0]-1e4) > 1e-6 {
		t.Errorf("%+v", z)
	}
	c := make([]unit.Concentration, z.Receptors.Len())
	for i := range c {
		c[i] = unit.Concentration(z.Receptors.XM[i]) * unit.UGM3
	}
	if m := z.Means(c); math.Abs(m[1].UGM3()-205.5) > 1e-9 || !math.IsNaN(float64(m[2])) {
		t.Errorf("%v", m)
	}
}

// From traffic to concentration through a matrix.
func TestTrafficToConcentration(t *testing.T) {
	tab := emission.Default()
	fleet, err := emission.DefaultFleet(tab, 2024)
	if err != nil {
		t.Fatal(err)
	}
	curves, err := fleet.Curves(tab, emission.Road{Load: .5})
	if err != nil {
		t.Fatal(err)
	}
	tr := emission.Traffic{Length: 300, MeanSpeed: 6, Cruise: 13, Stops: .8, StopDelay: 20 * time.Second, Queue: 60}
	tr.Vehicles[emission.Car], tr.Vehicles[emission.Bus] = 900, 12
	l := air.NewLayout([]air.Street{{Shape: orb.LineString{{0, 0}, {0, 300}}}})
	rates := l.Rates([]emission.Emission{curves.Link(tr)}, nox, time.Hour)
	rec := dispersion.Receptors{XM: []float64{20, 20}, YM: []float64{280, 60}, ZM: []float64{1.5, 1.5}}
	met := dispersion.Met{FrictionVelocity: .3, Obukhov: -200, MixingHeight: 600, Roughness: .5, Wind: 3, From: 270, Reference: 10}
	m, err := dispersion.NewMatrix(1, l.Links(nil), rec, met)
	if err != nil {
		t.Fatal(err)
	}
	c, err := m.Apply(1, rates)
	if err != nil {
		t.Fatal(err)
	}
	if !(c[0] > c[1]) || c[1].UGM3() < 1 || c[0].UGM3() > 500 {
		t.Errorf("beside the queue %.1f, upstream %.1f µg/m³ NOx", c[0].UGM3(), c[1].UGM3())
	}
}
