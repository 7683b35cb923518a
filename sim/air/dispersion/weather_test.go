package dispersion

import (
	"math"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"tideway/internal/fault"
	"tideway/unit"
)

func unknown() Observation {
	nan := math.NaN()
	return Observation{Wind: 3, From: 200, Cloud: unit.Share(nan), SolarWm2: nan, Sun: unit.Angle(nan), Temperature: unit.Celsius(15)}
}

var town = Site{Roughness: .5}

func met(t *testing.T, o Observation) (Met, Method) {
	t.Helper()
	m, how, err := o.Met(town)
	if err != nil {
		t.Fatal(err)
	}
	return m, how
}

func TestSunnyAfternoonClearNightAndOvercast(t *testing.T) {
	o := unknown()
	o.Cloud, o.Sun, o.SinceSunrise = .1, 55, 7*time.Hour
	day, how := met(t, o)
	if how != EnergyBalance || day.Obukhov >= 0 || day.Obukhov < -200 || day.ConvectiveVelocity < .8 || day.MixingHeight < 500 {
		t.Errorf("sunny afternoon: %+v (%s)", day, how)
	}
	o.Sun = -20
	night, _ := met(t, o)
	if night.Obukhov <= 0 || night.Obukhov > 150 || night.ConvectiveVelocity != 0 || night.FrictionVelocity >= day.FrictionVelocity {
		t.Errorf("clear night: %+v", night)
	}
	o.Cloud, o.Wind = 1, 8
	windy, _ := met(t, o)
	if windy.Obukhov < 200 {
		t.Errorf("overcast windy night should be near neutral: %+v", windy)
	}
}

// The similarity profile through the measured wind gives u* back: in neutral
// air u* = κU/ln(z/z0).
func TestNeutralIsTheLogLaw(t *testing.T) {
	m, how := met(t, unknown())
	if want := karman * 3 / math.Log(10/.5); how != NeutralAssumed || math.Abs(m.FrictionVelocity.MPS()-want) > 1e-3*want {
		t.Errorf("u* = %g (%s), want %g", m.FrictionVelocity.MPS(), how, want)
	}
}

func TestStabilityClassesAreInOrder(t *testing.T) {
	last := math.Inf(-1)
	for c := ClassA; c <= ClassF; c++ {
		o := unknown()
		o.Class = c
		m, how := met(t, o)
		if how != FromClass {
			t.Fatal(how)
		}
		if inv := 1 / m.Obukhov.M(); inv < last {
			t.Errorf("class %d: 1/L = %g below the class before", c, inv)
		} else {
			last = inv
		}
	}
}

func TestRadiationAndCloudComplementEachOther(t *testing.T) {
	a := unknown()
	a.Cloud, a.Sun = .6, 40
	b := unknown()
	b.Sun, b.SolarWm2 = 40, clearSky(40)*cloudy(.6)
	ma, _ := met(t, a)
	mb, _ := met(t, b)
	if math.Abs(ma.FrictionVelocity.MPS()-mb.FrictionVelocity.MPS()) > 1e-9 || math.Abs(ma.Obukhov.M()-mb.Obukhov.M()) > 1e-6*math.Abs(ma.Obukhov.M()) {
		t.Errorf("from cloud %+v, from radiation %+v", ma, mb)
	}
}

func TestCalmAndMissingWeather(t *testing.T) {
	o := unknown()
	o.Wind = 0
	if m, _ := met(t, o); m.Wind != MinWind || m.FrictionVelocity <= 0 {
		t.Errorf("calm hour: %+v", m)
	}
	o.Wind, o.From, o.Cloud = unit.Speed(math.NaN()), unit.Angle(math.NaN()), 3
	_, _, err := o.Met(Site{})
	for _, want := range []string{"wind speed", "wind direction", "cloud", "roughness"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error does not mention %q: %v", want, err)
		}
	}
}

// Whatever the weather, the kernel accepts what comes out.
func TestEveryObservationMakesAnHour(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		maybe := func(name string, lo, hi float64) float64 {
			if rapid.Bool().Draw(t, name+" unknown") {
				return math.NaN()
			}
			return rapid.Float64Range(lo, hi).Draw(t, name)
		}
		o := Observation{Wind: unit.Speed(rapid.Float64Range(0, 30).Draw(t, "wind")), From: unit.Angle(rapid.Float64Range(0, 360).Draw(t, "from")),
			Temperature: unit.Temperature(maybe("temp", 220, 330)), Cloud: unit.Share(maybe("cloud", 0, 1)), SolarWm2: maybe("solar", 0, 1200), Sun: unit.Angle(maybe("sun", -60, 90)),
			Class: Stability(rapid.IntRange(0, 6).Draw(t, "class"))}
		m, _, err := o.Met(Site{Roughness: unit.Length(rapid.Float64Range(.001, 2).Draw(t, "z0")), Population: rapid.Float64Range(0, 1e7).Draw(t, "people")})
		if err != nil {
			t.Fatal(err)
		}
		var bad fault.List
		m.Check("hour", &bad)
		if err := bad.Err("made"); err != nil {
			t.Fatalf("%+v: %v", m, err)
		}
	})
}

func TestSunStandsWhereItShould(t *testing.T) {
	for _, c := range []struct {
		at       string
		lat, lon unit.Angle
		want     float64
	}{
		{"2024-06-20T12:02:00Z", 51.4779, 0, 61.9}, // Greenwich, summer noon: 90 − 51.48 + 23.44
		{"2024-12-21T11:58:00Z", 51.4779, 0, 15.1},
		{"2024-03-20T12:07:00Z", 0, 0, 89.9},
	} {
		at, _ := time.Parse(time.RFC3339, c.at)
		if got, _ := Sun(at, c.lat, c.lon); math.Abs(got.Deg()-c.want) > .5 {
			t.Errorf("%s: %.2f°, want %.2f°", c.at, got.Deg(), c.want)
		}
	}
	noon, _ := time.Parse(time.RFC3339, "2024-03-20T11:15:00Z") // Bologna
	if _, since := Sun(noon, 44.5, 11.34); since < 5*time.Hour+30*time.Minute || since > 6*time.Hour+30*time.Minute {
		t.Errorf("at the equinox the sun rose %v before noon", since)
	}
	night, _ := time.Parse(time.RFC3339, "2024-03-20T23:15:00Z")
	if e, since := Sun(night, 44.5, 11.34); e >= 0 || since != 0 {
		t.Errorf("at night: %v, %v", e, since)
	}
}
