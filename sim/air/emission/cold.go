package emission

import (
	"math"

	"tideway/unit"
)

// ColdStart describes how cold the engines of cars and vans are. The zero
// value leaves the excess out.
type ColdStart struct {
	Ambient unit.Temperature // air temperature
	Trip    unit.Length      // mean length of a trip; 0 means no cold start
}

// Share returns the part of a trip driven with a cold engine or catalyst,
//
//	β = 0.6474 − 0.02545 l − (0.00974 − 0.000385 l) t
//
// with l in km and t in °C, held inside [0, 1] (EMEP/EEA 1.A.3.b.i-iv).
func (c ColdStart) Share() unit.Share {
	if c.Trip <= 0 {
		return 0
	}
	l, t := c.Trip.KM(), c.Ambient.C()
	return unit.Share(math.Max(0, math.Min(1, .6474-.02545*l-(.00974-.000385*l)*t)))
}

// coldKMH is the speed range of the cold functions.
const coldMinKMH, coldMaxKMH = 5, 45

// quotient returns e_cold/e_hot, at least 1. Petrol from Euro 1 on has its own
// functions of speed and temperature (engines of 1.4-2.0 l), earlier petrol and
// diesel functions of temperature alone.
func (c ColdStart) quotient(f Fuel, e Euro, p Pollutant, kmh float64) float64 {
	t := c.Ambient.C()
	v := math.Max(coldMinKMH, math.Min(kmh, coldMaxKMH))
	q := 1.0
	switch {
	case f == Diesel:
		q = [pollutants]float64{NOx: 1.3 - .013*t, CO: 1.9 - .03*t, PM: 3.1 - .1*t, EC: 1.34 - .008*t}[p]
	case f == LPG || f == CNG:
		q = [pollutants]float64{NOx: .98 - .006*t, CO: 3.66 - .09*t, EC: 1.47 - .009*t}[p]
	case p == EC:
		q = 1.47 - .009*t
	case e == 0:
		q = [pollutants]float64{NOx: 1.14 - .006*t, CO: 3.7 - .09*t}[p]
	case p == CO:
		q = coldPetrolCO(v, t)
	case p == NOx:
		q = coldPetrolNOx(v, t)
	}
	return math.Max(1, q)
}

func coldPetrolCO(v, t float64) float64 {
	switch {
	case t > 15:
		return .0503*v - .363*t + 8.604
	case v > 25:
		return .299*v - .286*t - .58
	}
	return .121*v - .146*t + 3.766
}

func coldPetrolNOx(v, t float64) float64 {
	if v > 25 {
		return .0484*v + .0228*t + .685
	}
	return .0458*v + .00747*t + .764
}

// reduction is b_c: how much less of the Euro 1 excess later petrol releases.
func reduction(e Euro, p Pollutant) float64 {
	switch {
	case p == EC || e <= 1:
		return 1
	case e == 2:
		return .72
	case e == 3 && p == CO:
		return .62
	case e == 3:
		return .32
	}
	return .18
}

// coldExcess is what cold engines add to the hot factor: β·(e_c/e_h − 1)·e_hot.
// For petrol after Euro 1 the guidebook refers the excess to the hot factor of
// Euro 1, reduced by b_c; other fuels and fuel use refer to their own.
func (t *Table) coldExcess(c *Class, p Pollutant, v unit.Speed, hot float64, cold ColdStart) float64 {
	beta := float64(cold.Share())
	if beta == 0 || c.Fuel == Electric || (c.Category != Car && c.Category != Van) {
		return 0
	}
	q := cold.quotient(c.Fuel, c.Euro, p, v.KMH())
	if c.Fuel == Petrol && c.Euro >= 2 && p != EC {
		hot = t.euro1(c).Hot(p, v, 0, 0) * reduction(c.Euro, p)
	}
	return beta * (q - 1) * hot
}

// euro1 is the petrol class of Euro 1 beside c, or c itself where the table
// has none.
func (t *Table) euro1(c *Class) *Class {
	id := "PC_G_I"
	if c.Category == Van {
		id = "LCV_G_I"
	}
	if i, ok := t.byID[id]; ok {
		return &t.classes[i]
	}
	return c
}
