// Package unit gives physical quantities their own types, so that a length
// cannot be passed where a speed is meant and no reader has to guess a unit.
//
// Every type is a float64 in SI (metres, metres per second, vehicles per
// second, kilograms per cubic metre ...). Traffic units appear only at the
// edges: constructors are multiplications by constants (50*unit.KMH), readers
// are methods named after the unit they return (s.KMH()). Durations are
// time.Duration, which already carries its unit.
//
// The package stands below everything else and imports nothing of ours.
package unit

import "math"

// Length is a distance in metres.
type Length float64

// Lengths, to be multiplied: 3*unit.Kilometre.
const (
	Metre     Length = 1
	Kilometre Length = 1000
	Foot      Length = 0.3048
	Mile      Length = 1609.344
)

// M returns the length in metres.
func (l Length) M() float64 { return float64(l) }

// KM returns the length in kilometres.
func (l Length) KM() float64 { return float64(l / Kilometre) }

// Speed is a speed in metres per second.
type Speed float64

// Speeds, to be multiplied: 50*unit.KMH.
const (
	MPS Speed = 1
	KMH Speed = 1 / 3.6
	MPH Speed = 0.44704
)

// MPS returns the speed in metres per second.
func (s Speed) MPS() float64 { return float64(s) }

// KMH returns the speed in kilometres per hour.
func (s Speed) KMH() float64 { return float64(s) * 3.6 }

// MPH returns the speed in miles per hour.
func (s Speed) MPH() float64 { return float64(s / MPH) }

// Acceleration is an acceleration in metres per second squared.
type Acceleration float64

// MPS2 is one metre per second squared.
const MPS2 Acceleration = 1

// MPS2 returns the acceleration in metres per second squared.
func (a Acceleration) MPS2() float64 { return float64(a) }

// Flow is a rate of vehicles in vehicles per second.
type Flow float64

// VPH is one vehicle per hour.
const VPH Flow = 1.0 / 3600

// VPH returns the flow in vehicles per hour.
func (f Flow) VPH() float64 { return float64(f) * 3600 }

// Density is a number of vehicles per metre of road.
type Density float64

// VPKM is one vehicle per kilometre.
const VPKM Density = 1e-3

// VPKM returns the density in vehicles per kilometre.
func (d Density) VPKM() float64 { return float64(d) * 1000 }

// Share is a dimensionless part of a whole, 0 to 1: occupancy, probability,
// coverage.
type Share float64

// Percent is one hundredth.
const Percent Share = 0.01

// Percent returns the share in per cent.
func (s Share) Percent() float64 { return float64(s) * 100 }

// Angle is a compass bearing or turn in degrees: 0 is north, 90 is east.
// Degrees are kept (not radians) because bearings only meet data files and
// people, never a hot loop.
type Angle float64

// Degree is one degree.
const Degree Angle = 1

// Deg returns the angle in degrees.
func (a Angle) Deg() float64 { return float64(a) }

// Rad returns the angle in radians.
func (a Angle) Rad() float64 { return float64(a) * math.Pi / 180 }

// Normal returns the same direction in [0, 360).
func (a Angle) Normal() Angle {
	r := Angle(math.Mod(float64(a), 360))
	if r < 0 {
		r += 360
	}
	return r
}

// Diff returns the smallest angle between two directions, 0 to 180 degrees.
func (a Angle) Diff(b Angle) Angle {
	d := math.Abs(float64((a - b).Normal()))
	return Angle(math.Min(d, 360-d))
}

// Concentration is a mass of pollutant per volume of air in kilograms per
// cubic metre.
type Concentration float64

// Concentrations, to be multiplied: 40*unit.UGM3.
const (
	UGM3 Concentration = 1e-9 // one microgram per cubic metre
	MGM3 Concentration = 1e-6 // one milligram per cubic metre
)

// UGM3 returns the concentration in micrograms per cubic metre.
func (c Concentration) UGM3() float64 { return float64(c) * 1e9 }

// MGM3 returns the concentration in milligrams per cubic metre.
func (c Concentration) MGM3() float64 { return float64(c) * 1e6 }

// Mass is a mass in kilograms.
type Mass float64

// Masses, to be multiplied.
const (
	Kilogram Mass = 1
	Gram     Mass = 1e-3
)

// G returns the mass in grams.
func (m Mass) G() float64 { return float64(m) * 1e3 }

// Temperature is a thermodynamic temperature in kelvin.
type Temperature float64

// Celsius returns the temperature of c degrees Celsius.
func Celsius(c float64) Temperature { return Temperature(c + 273.15) }

// K returns the temperature in kelvin.
func (t Temperature) K() float64 { return float64(t) }

// C returns the temperature in degrees Celsius.
func (t Temperature) C() float64 { return float64(t) - 273.15 }
