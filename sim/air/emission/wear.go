package emission

import "tideway/unit"

// wearing holds the total-particle factors of EMEP/EEA 2019 1.A.3.b.vi-vii in
// g/km; brakes and tyres are for the speed range in which the correction is 1.
type wearing struct{ tyre, brake, road float64 }

var wearOf = [Categories]wearing{
	Car:        {.0107, .0075, .015},
	Van:        {.0169, .0117, .015},
	TwoWheeler: {.0046, .0037, .006},
}

// roadHeavy is the road abrasion of trucks and buses in g/km.
const roadHeavy = .076

// Shares of the total particles below 10 and 2.5 µm.
const (
	tyre10, tyre25   = .6, .42
	brake10, brake25 = .98, .39
	road10, road25   = .5, .27
)

// A battery vehicle brakes partly by its motor and is heavier. Both numbers
// are assumptions: published ranges are .25-.75 and about 1.2.
const (
	regenerated = .5
	heavier     = 1.2
)

// axles is the mean number of axles of a truck or bus class.
func axles(c *Class) float64 {
	switch {
	case c.Category == Bus:
		return 2
	case len(c.ID) > 6 && c.ID[:6] == "HGV_AT":
		return 5
	case len(c.ID) > 9 && c.ID[:9] == "HGV_RT26-":
		return 3
	}
	return 2
}

// wear returns PM10 and PM2.5 of tyres, brakes and road surface of a class at
// mean speed v and load share, with the guidebook's speed corrections.
func wear(c *Class, v unit.Speed, load unit.Share) (pm10, pm25 unit.MassPerLength) {
	w := wearOf[c.Category]
	if c.Category == Truck || c.Category == Bus {
		lf := float64(load)
		w = wearing{
			tyre:  axles(c) / 2 * (1.41 + 1.38*lf) * wearOf[Car].tyre,
			brake: 3.13 * (1 + .79*lf) * wearOf[Car].brake,
			road:  roadHeavy,
		}
	}
	if c.Fuel == Electric {
		w.tyre, w.road, w.brake = w.tyre*heavier, w.road*heavier, w.brake*(1-regenerated)
	}
	kmh := v.KMH()
	w.tyre, w.brake = w.tyre*tyreSpeed(kmh), w.brake*brakeSpeed(kmh)
	return unit.MassPerLength(tyre10*w.tyre+brake10*w.brake+road10*w.road) * unit.GKM,
		unit.MassPerLength(tyre25*w.tyre+brake25*w.brake+road25*w.road) * unit.GKM
}

func tyreSpeed(kmh float64) float64 {
	switch {
	case kmh < 40:
		return 1.39
	case kmh <= 90:
		return -.00974*kmh + 1.78
	}
	return .902
}

func brakeSpeed(kmh float64) float64 {
	switch {
	case kmh < 40:
		return 1.67
	case kmh <= 95:
		return -.027*kmh + 2.75
	}
	return .185
}
