package chemistry_test

import (
	"math"
	"testing"
	"time"

	"pgregory.net/rapid"

	"tideway/internal/fault"
	"tideway/sim/air/chemistry"
	"tideway/unit"
)

func TestOnePPB(t *testing.T) {
	for _, c := range []struct {
		g           chemistry.Gas
		at25, at20C float64
	}{
		{chemistry.NO2, 1.880, 1.913}, {chemistry.O3, 1.962, 1.996}, {chemistry.NO, 1.227, 1.248}, {chemistry.SO2, 2.619, 2.665}, {chemistry.CO, 1.145, 1.165},
	} {
		if got := chemistry.FromPPB(1, c.g, unit.Celsius(25)).UGM3(); math.Abs(got-c.at25) > 2e-3 {
			t.Errorf("gas %d at 25 °C: %g µg/m³, want %g", c.g, got, c.at25)
		}
		if got := chemistry.FromPPB(1, c.g, unit.Celsius(20)).UGM3(); math.Abs(got-c.at20C) > 2e-3 {
			t.Errorf("gas %d at 20 °C: %g µg/m³, want %g", c.g, got, c.at20C)
		}
	}
}

type scene struct {
	w chemistry.Weather
	b chemistry.Background
	r chemistry.Road
}

func anyScene(t *rapid.T) scene {
	c := func(name string, top float64) unit.Concentration {
		return unit.Concentration(rapid.Float64Range(0, top).Draw(t, name)) * unit.UGM3
	}
	s := scene{
		chemistry.Weather{Temperature: unit.Celsius(rapid.Float64Range(-20, 40).Draw(t, "temp")), SolarWm2: rapid.Float64Range(0, 1000).Draw(t, "sun")},
		chemistry.Background{NO: c("no", 100), NO2: c("no2", 100), O3: c("o3", 200)},
		chemistry.Road{NOx: c("nox", 2000), Age: time.Duration(rapid.Float64Range(0, 3600).Draw(t, "age") * 1e9)},
	}
	s.r.Primary = s.r.NOx * unit.Concentration(rapid.Float64Range(0, .6).Draw(t, "share"))
	return s
}

func TestNitrogenAndOxidantAreConserved(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := anyScene(t)
		got := s.w.At(s.b, s.r)
		k := s.w.Temperature
		ppb := func(c unit.Concentration, g chemistry.Gas) float64 { return chemistry.PPB(c, g, k) }
		if got.NO < -1e-15 || got.NO2 < 0 || got.O3 < -1e-15 {
			t.Fatalf("negative: %+v", got)
		}
		nox := ppb(s.b.NO, chemistry.NO) + ppb(s.b.NO2+s.r.NOx, chemistry.NO2)
		if sum := ppb(got.NO, chemistry.NO) + ppb(got.NO2, chemistry.NO2); math.Abs(sum-nox) > 1e-6*(1+nox) {
			t.Fatalf("NOx %g ppb, was %g", sum, nox)
		}
		ox := ppb(s.b.O3, chemistry.O3) + ppb(s.b.NO2+s.r.Primary, chemistry.NO2)
		if s.r.NOx == 0 {
			ox -= ppb(s.r.Primary, chemistry.NO2)
		}
		if sum := ppb(got.O3, chemistry.O3) + ppb(got.NO2, chemistry.NO2); math.Abs(sum-ox) > 1e-6*(1+ox) {
			t.Fatalf("oxidant %g ppb, was %g", sum, ox)
		}
	})
}

// The closed solution against small explicit steps of the same equation.
func TestClosedSolutionIsTheEquationSolved(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := anyScene(t)
		if s.r.NOx == 0 {
			t.Skip("no road")
		}
		s.r.Age = min(s.r.Age, 10*time.Minute)
		k := 4.405e-2 * math.Exp(-1370/s.w.Temperature.K())
		j := 0.0
		if q := s.w.SolarWm2; q > 0 {
			j = 8e-4*math.Exp(-10/q) + 7.4e-6*q
		}
		ppb := func(c unit.Concentration, g chemistry.Gas) float64 { return chemistry.PPB(c, g, s.w.Temperature) }
		const steps = 20000
		h := s.r.Age.Seconds() / steps
		step := func(no, n, o float64) float64 {
			for range steps {
				d := h * (k*no*o - j*n)
				no, n, o = no-d, n+d, o-d
			}
			return n
		}
		no, n, o := ppb(s.b.NO, chemistry.NO), ppb(s.b.NO2, chemistry.NO2), ppb(s.b.O3, chemistry.O3)
		with := step(no+ppb(s.r.NOx-s.r.Primary, chemistry.NO2), n+ppb(s.r.Primary, chemistry.NO2), o)
		want := n + with - step(no, n, o)
		nox, ox := no+n+ppb(s.r.NOx, chemistry.NO2), n+ppb(s.r.Primary, chemistry.NO2)+o
		want = max(0, min(want, nox, ox))
		if got := ppb(s.w.At(s.b, s.r).NO2, chemistry.NO2); math.Abs(got-want) > 2e-3*(1+with) {
			t.Fatalf("NO2 %g ppb, stepped %g", got, want)
		}
	})
}

// A road adds NO2, and never more than the NOx it releases: little near, little
// changed, however far the background is from its equilibrium.
func TestARoadAddsAtMostWhatItReleases(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := anyScene(t)
		added := s.w.At(s.b, s.r).NO2 - s.b.NO2
		if added < -1e-9*unit.UGM3 || added > s.r.NOx*(1+1e-9)+1e-9*unit.UGM3 {
			t.Fatalf("%g µg/m³ of NOx add %g µg/m³ of NO2", s.r.NOx.UGM3(), added.UGM3())
		}
	})
}

func TestNightWithOzoneTurnsNOIntoNO2(t *testing.T) {
	w := chemistry.Weather{Temperature: unit.Celsius(20)}
	b := chemistry.Background{O3: 80 * unit.UGM3}
	r := chemistry.Road{NOx: 40 * unit.UGM3, Primary: 4 * unit.UGM3}
	if got := w.At(b, r); math.Abs(got.NO2.UGM3()-4) > 1e-9 {
		t.Errorf("without time %g, want the primary 4", got.NO2.UGM3())
	}
	if got := w.Equilibrium(b, r); math.Abs(got.NO2.UGM3()-40) > 1e-3 {
		t.Errorf("with ozone in excess and time NO2 is %g, want all 40", got.NO2.UGM3())
	}
	r.NOx = 400 * unit.UGM3
	limited := w.Equilibrium(b, r)
	if want := 4 + chemistry.FromPPB(chemistry.PPB(b.O3, chemistry.O3, w.Temperature), chemistry.NO2, w.Temperature).UGM3(); math.Abs(limited.NO2.UGM3()-want) > 1e-3*want || limited.O3.UGM3() > .01 {
		t.Errorf("with NO in excess NO2 is %g, want %g and no ozone (%g)", limited.NO2.UGM3(), want, limited.O3.UGM3())
	}
	last := 0.0
	for age := time.Second; age < time.Hour; age *= 2 {
		r.Age = age
		if got := w.At(b, r).NO2.UGM3(); got < last {
			t.Errorf("NO2 falls with age at night")
		} else {
			last = got
		}
	}
}

func TestWithoutRoadTheBackgroundStays(t *testing.T) {
	w := chemistry.Weather{Temperature: 290, SolarWm2: 500}
	b := chemistry.Background{NO: 3e-9, NO2: 20e-9, O3: 60e-9}
	if got := w.At(b, chemistry.Road{Age: time.Hour}); got != chemistry.Result(b) {
		t.Errorf("%+v", got)
	}
}

func TestCheckNamesWhatIsWrong(t *testing.T) {
	var bad fault.List
	chemistry.Weather{SolarWm2: -5}.Check(chemistry.Background{NO2: -1, O3: unit.Concentration(math.NaN())}, "hour 3", &bad)
	if bad.Len() != 4 {
		t.Errorf("%v", bad.Err("chemistry"))
	}
}
