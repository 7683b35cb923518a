package dispersion

import (
	"math"
	"time"

	"tideway/internal/fault"
	"tideway/unit"
)

// Observation is an hour of ordinary weather. NaN stands for unknown; wind and
// direction are needed, the rest improves the answer.
type Observation struct {
	Wind         unit.Speed
	From         unit.Angle
	Height       unit.Length      // of the wind measurement; 0: 10 m
	Temperature  unit.Temperature // 0 or NaN: 15 °C
	Cloud        unit.Share       // of the sky
	SolarWm2     float64          // global radiation on the ground, W/m²
	Sun          unit.Angle       // elevation above the horizon, negative at night
	SinceSunrise time.Duration    // lets the mixing layer grow; 0: four hours
	Class        Stability        // used where neither cloud nor radiation is known
	MixingHeight unit.Length      // 0 or NaN: estimated
}

// Site is the surface around the roads.
type Site struct {
	Roughness  unit.Length // z0: .03 grass, .3 suburb, 1 city centre
	Albedo     unit.Share  // at noon; 0: .18
	Bowen      float64     // sensible over latent heat; 0: 1.5, a dry city
	Population float64     // of the city, for the depth of its night-time mixing; 0: rural
}

// Stability is a Pasquill–Gifford stability class.
type Stability byte

// The classes, very unstable to moderately stable. Unclassified is none.
const (
	Unclassified Stability = iota
	ClassA
	ClassB
	ClassC
	ClassD
	ClassE
	ClassF
)

// Method says how a boundary layer was found.
type Method string

// The methods, best first.
const (
	EnergyBalance  Method = "energy balance"      // cloud or radiation known
	FromClass      Method = "stability class"     // class known
	NeutralAssumed Method = "neutral, by default" // nothing but wind known
)

// MinWind is the wind that a calm hour is given, since a plume needs one: the
// meander then spreads it in all directions.
const MinWind = .5 * unit.MPS

const (
	gravity     = 9.81
	heatPerAir  = 1004 * 1.2 // ρ·c_p, J/(m³ K)
	minUStar    = .02        // m/s
	defaultTemp = 288.15
	lapse       = .005 // K/m above the mixing layer
)

// Met returns the boundary layer of the hour by the methods of AERMET (Holtslag
// and van Ulden for radiation, Cimorelli et al. 2005 for the rest), or from a
// stability class (Golder 1972), or neutral where nothing but wind is known; and
// which of them it was. The error names missing or impossible values.
func (o Observation) Met(site Site) (Met, Method, error) {
	var bad fault.List
	o.check(site, &bad)
	if err := bad.Err("weather observation"); err != nil {
		return Met{}, "", err
	}
	b := o.boundary(site)
	if !math.IsNaN(o.SolarWm2) || (known(o.Cloud) && known(o.Sun)) {
		b.energyBalance(o, site)
		return b.met(o, site), EnergyBalance, nil
	}
	if o.Class != Unclassified {
		b.fromClass(o.Class)
		return b.met(o, site), FromClass, nil
	}
	b.fromClass(ClassD)
	return b.met(o, site), NeutralAssumed, nil
}

func known[T ~float64](v T) bool { return !math.IsNaN(float64(v)) }

func (o Observation) check(site Site, bad *fault.List) {
	if !(o.Wind >= 0) || o.Wind > 100 {
		bad.Addf("wind speed", "", "is %g m/s, expected 0 to 100", o.Wind.MPS())
	}
	if !known(o.From) || math.IsInf(o.From.Deg(), 0) {
		bad.Addf("wind direction", "", "is missing; a calm hour needs the last known one")
	}
	if known(o.Cloud) && (o.Cloud < 0 || o.Cloud > 1) {
		bad.Addf("cloud", "", "covers %g of the sky, expected 0 to 1", float64(o.Cloud))
	}
	if o.SolarWm2 > 1500 || o.SolarWm2 < -20 {
		bad.Addf("radiation", "", "is %g W/m², expected 0 to 1500", o.SolarWm2)
	}
	if t := o.Temperature; t != 0 && known(t) && (t < 200 || t > 340) {
		bad.Addf("temperature", "", "is %g K, expected 200 to 340", t.K())
	}
	if !(site.Roughness > 0) || site.Roughness > 5 {
		bad.Addf("roughness length", "", "is %g m, expected more than 0 to 5", site.Roughness.M())
	}
	if o.Height < 0 || (o.Height > 0 && !(o.Height > 6*site.Roughness)) {
		bad.Addf("wind height", "", "is %g m, expected more than six roughness lengths", o.Height.M())
	}
	if o.Class > ClassF {
		bad.Addf("stability class", "", "is %d, expected 1 (A) to 6 (F)", o.Class)
	}
}

// boundary is the boundary layer being worked out, SI.
type boundary struct {
	wind, z, z0, temp float64
	ustar, obukhov    float64
	heat              float64 // sensible, W/m²
	hours             float64 // since sunrise
}

func (o Observation) boundary(site Site) *boundary {
	b := &boundary{wind: math.Max(o.Wind.MPS(), MinWind.MPS()), z: o.Height.M(), z0: site.Roughness.M(), temp: o.Temperature.K(), hours: o.SinceSunrise.Hours()}
	if b.z == 0 {
		b.z = math.Max(10, 7*b.z0)
	}
	if b.temp == 0 || math.IsNaN(b.temp) {
		b.temp = defaultTemp
	}
	if b.hours <= 0 {
		b.hours = 4
	}
	return b
}

// energyBalance finds the heat flux from radiation or cloud and from it u* and L.
func (b *boundary) energyBalance(o Observation, site Site) {
	n, r := skyAndRadiation(o)
	b.heat = sensibleHeat(r, o.Sun.Deg(), n, b.temp, site)
	if b.heat > 0 {
		b.unstable()
		return
	}
	b.stable(n, lowSun(o.Sun.Deg(), n, b.temp, site))
}

// skyAndRadiation completes cloud and radiation from one another:
// R = (990 sin φ − 30)(1 − 0.75 n^3.4), nothing below 1.74°.
func skyAndRadiation(o Observation) (cloud, radiation float64) {
	clear := math.NaN()
	if known(o.Sun) {
		clear = clearSky(o.Sun.Deg())
	}
	cloud, radiation = float64(o.Cloud), o.SolarWm2
	switch {
	case math.IsNaN(radiation):
		radiation = clear * cloudy(cloud)
	case math.IsNaN(cloud) && clear > 0:
		cloud = math.Pow(math.Max(0, math.Min(1, (1-radiation/clear)/.75)), 1/3.4)
	case math.IsNaN(cloud):
		cloud = .5
	}
	return cloud, math.Max(radiation, 0)
}

func clearSky(sunDeg float64) float64 {
	return math.Max(0, 990*math.Sin(sunDeg*math.Pi/180)-30)
}

func cloudy(n float64) float64 { return 1 - .75*math.Pow(n, 3.4) }

// sensibleHeat is H = 0.9 Rn/(1 + 1/B) with the net radiation
// Rn = ((1−r)R + 5.31e-13 T⁶ − 5.67e-8 T⁴ + 60 n)/1.12.
func sensibleHeat(radiation, sunDeg, cloud, temp float64, site Site) float64 {
	albedo, bowen := float64(site.Albedo), site.Bowen
	if albedo == 0 {
		albedo = .18
	}
	if bowen == 0 {
		bowen = 1.5
	}
	r := 1.0
	switch {
	case math.IsNaN(sunDeg):
		r = albedo
	case sunDeg > 0:
		r = albedo + (1-albedo)*math.Exp(-.1*sunDeg-.5*(1-albedo)*(1-albedo))
	}
	net := ((1-r)*radiation + 5.31e-13*math.Pow(temp, 6) - 5.67e-8*math.Pow(temp, 4) + 60*cloud) / 1.12
	return .9 * net / (1 + 1/bowen)
}

// lowSun is the factor 1 − (φ/φcrit)² by which a low sun weakens the cooling,
// φcrit being the elevation at which the heat flux turns positive.
func lowSun(sunDeg, cloud, temp float64, site Site) float64 {
	if !(sunDeg > 0) {
		return 1
	}
	lo, hi := 0.0, 90.0
	for range 40 {
		mid := (lo + hi) / 2
		if sensibleHeat(clearSky(mid)*cloudy(cloud), mid, cloud, temp, site) > 0 {
			hi = mid
		} else {
			lo = mid
		}
	}
	return math.Max(.05, 1-(sunDeg/hi)*(sunDeg/hi))
}

// unstable solves u* = κU/(ln(z/z0) − ψ(z/L) + ψ(z0/L)), L = −ρc_p T u*³/(κ g H).
func (b *boundary) unstable() {
	b.obukhov = -1e9
	for range 25 {
		b.ustar = b.profile()
		next := -heatPerAir * b.temp * b.ustar * b.ustar * b.ustar / (karman * gravity * b.heat)
		next = math.Min(next, -1)
		if math.Abs(next-b.obukhov) < 1e-6*math.Abs(next) {
			break
		}
		b.obukhov = next
	}
}

// profile is u* by similarity for the current L.
func (b *boundary) profile() float64 {
	a := air{obukhov: b.obukhov}
	return math.Max(minUStar, karman*b.wind/(math.Log(b.z/b.z0)-a.psi(b.z)+a.psi(b.z0)))
}

// stable is AERMET's closed form with θ* = 0.09(1 − 0.5 n²), weakened by a low
// sun, linear in the wind below the critical one, and with no more than 64 W/m²
// downwards.
func (b *boundary) stable(cloud, weak float64) {
	theta := .09 * (1 - .5*cloud*cloud) * weak
	drag := karman / math.Log(b.z/b.z0)
	u0 := math.Sqrt(5 * b.z * gravity * theta / b.temp)
	critical := 2 * u0 / math.Sqrt(drag)
	if b.wind < critical {
		b.ustar = drag * b.wind / 2
		theta *= b.wind / critical
	} else {
		b.ustar = drag * b.wind / 2 * (1 + math.Sqrt(1-(critical/b.wind)*(critical/b.wind)))
	}
	b.ustar = math.Max(b.ustar, minUStar)
	theta = math.Min(theta, 64/heatPerAir/b.ustar)
	b.heat = -heatPerAir * b.ustar * theta
	b.obukhov = math.Max(1, b.temp*b.ustar*b.ustar/(karman*gravity*theta))
}

// golder holds 1/L = a + b·log10(z0) by class (Golder 1972, mid lines).
var golder = [...][2]float64{ClassA: {-.096, .029}, ClassB: {-.037, .029}, ClassC: {-.002, .018}, ClassD: {0, 0}, ClassE: {.004, -.018}, ClassF: {.035, -.036}}

// neutralLength stands for the infinite Obukhov length of a neutral hour, m.
const neutralLength = -1e5

func (b *boundary) fromClass(c Stability) {
	g := golder[c]
	// The lines hold for roughness .01 to .5 m.
	inverse := g[0] + g[1]*math.Log10(math.Max(.01, math.Min(b.z0, .5)))
	b.obukhov = neutralLength
	if inverse != 0 {
		b.obukhov = 1 / inverse
	}
	b.ustar = b.profile()
	// A class that does not fit the wind would ask for more heat than the sun has.
	b.heat = math.Min(600, -heatPerAir*b.temp*math.Pow(b.ustar, 3)/(karman*gravity*b.obukhov))
}

// met adds mixing height and convective velocity: mechanically 2300 u*^1.5 m,
// convectively by the heat since sunrise under a lapse of 5 K/km, in a city at
// night at least 400 (P/2e6)^¼ m.
func (b *boundary) met(o Observation, site Site) Met {
	mixed := math.Max(30, 2300*math.Pow(b.ustar, 1.5))
	wstar := 0.0
	if b.obukhov < 0 {
		convective := math.Sqrt(2.8 * b.heat * .64 * math.Min(b.hours, 10) * 3600 / (heatPerAir * lapse))
		wstar = math.Cbrt(gravity * b.heat * convective / (heatPerAir * b.temp))
		mixed = math.Max(mixed, convective)
	} else if site.Population > 0 {
		mixed = math.Max(mixed, 400*math.Pow(site.Population/2e6, .25))
	}
	if o.MixingHeight > 0 {
		mixed = o.MixingHeight.M()
	}
	return Met{
		FrictionVelocity: unit.Speed(b.ustar), ConvectiveVelocity: unit.Speed(wstar), Obukhov: unit.Length(b.obukhov),
		MixingHeight: unit.Length(math.Min(mixed, 4000)), Roughness: site.Roughness, Wind: unit.Speed(b.wind), From: o.From, Reference: unit.Length(b.z),
	}
}

// Sun returns the elevation of the sun at an instant and a place, and the time
// since its last rise (0 while it is down), to about half a degree: declination
// and equation of time by Spencer's series.
func Sun(t time.Time, lat, lon unit.Angle) (elevation unit.Angle, sinceRise time.Duration) {
	t = t.UTC()
	hour := float64(t.Hour()) + float64(t.Minute())/60 + float64(t.Second())/3600
	g := 2 * math.Pi * (float64(t.YearDay()-1) + (hour-12)/24) / 365
	decl := .006918 - .399912*math.Cos(g) + .070257*math.Sin(g) - .006758*math.Cos(2*g) + .000907*math.Sin(2*g) - .002697*math.Cos(3*g) + .00148*math.Sin(3*g)
	eqMin := 229.18 * (.000075 + .001868*math.Cos(g) - .032077*math.Sin(g) - .014615*math.Cos(2*g) - .040849*math.Sin(2*g))
	solar := math.Mod(hour+lon.Deg()/15+eqMin/60+48, 24)
	angle := (solar - 12) * 15 * math.Pi / 180
	s := math.Sin(lat.Rad())*math.Sin(decl) + math.Cos(lat.Rad())*math.Cos(decl)*math.Cos(angle)
	elevation = unit.Angle(math.Asin(math.Max(-1, math.Min(1, s))) * 180 / math.Pi)
	if elevation <= 0 {
		return elevation, 0
	}
	half := math.Acos(math.Max(-1, math.Min(1, -math.Tan(lat.Rad())*math.Tan(decl)))) // 0 to π
	return elevation, time.Duration(math.Max(0, angle+half) / (2 * math.Pi) * 24 * float64(time.Hour))
}
