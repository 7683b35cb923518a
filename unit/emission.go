package unit

// MassPerLength is a mass released per distance driven, in kilograms per
// metre: what an emission factor is.
type MassPerLength float64

// Emission factors, to be multiplied: 0.4*unit.GKM.
const GKM MassPerLength = 1e-6 // one gram per kilometre

// GKM returns the factor in grams per kilometre.
func (m MassPerLength) GKM() float64 { return float64(m) * 1e6 }

// EnergyPerLength is an energy used per distance driven, in joules per metre.
type EnergyPerLength float64

// MJKM is one megajoule per kilometre.
const MJKM EnergyPerLength = 1e3

// MJKM returns the consumption in megajoules per kilometre.
func (e EnergyPerLength) MJKM() float64 { return float64(e) / 1e3 }

// Energy is an energy in joules.
type Energy float64

// MJ returns the energy in megajoules.
func (e Energy) MJ() float64 { return float64(e) / 1e6 }

// MassRate is a mass released per time in kilograms per second.
type MassRate float64

// GH is one gram per hour.
const GH MassRate = 1e-3 / 3600

// GH returns the rate in grams per hour.
func (m MassRate) GH() float64 { return float64(m) * 3.6e6 }
