package emission

import "tideway/unit"

// Rates is what one average vehicle releases per distance driven.
type Rates struct {
	NOx, NO2, CO       unit.MassPerLength // NOx and primary NO2 by mass as NO2
	PMExhaust          unit.MassPerLength // PM2.5 and PM10 alike
	PM10Wear, PM25Wear unit.MassPerLength // brake, tyre and road
	Fuel, CO2          unit.MassPerLength // tailpipe; nothing for electric traction
	Energy             unit.EnergyPerLength
}

// PM10 returns exhaust and wear particles under 10 µm.
func (r Rates) PM10() unit.MassPerLength { return r.PMExhaust + r.PM10Wear }

// PM25 returns exhaust and wear particles under 2.5 µm.
func (r Rates) PM25() unit.MassPerLength { return r.PMExhaust + r.PM25Wear }

// Plus returns r + w·o.
func (r Rates) Plus(w float64, o Rates) Rates {
	m := unit.MassPerLength(w)
	return Rates{
		NOx: r.NOx + m*o.NOx, NO2: r.NO2 + m*o.NO2, CO: r.CO + m*o.CO, PMExhaust: r.PMExhaust + m*o.PMExhaust,
		PM10Wear: r.PM10Wear + m*o.PM10Wear, PM25Wear: r.PM25Wear + m*o.PM25Wear,
		Fuel: r.Fuel + m*o.Fuel, CO2: r.CO2 + m*o.CO2, Energy: r.Energy + unit.EnergyPerLength(w)*o.Energy,
	}
}

// Amounts is what was released in total.
type Amounts struct {
	NOx, NO2, CO       unit.Mass
	PMExhaust          unit.Mass
	PM10Wear, PM25Wear unit.Mass
	Fuel, CO2          unit.Mass
	Energy             unit.Energy
}

// PM10 returns exhaust and wear particles under 10 µm.
func (a Amounts) PM10() unit.Mass { return a.PMExhaust + a.PM10Wear }

// PM25 returns exhaust and wear particles under 2.5 µm.
func (a Amounts) PM25() unit.Mass { return a.PMExhaust + a.PM25Wear }

// Over returns the amounts of vehicles driving the distance d each.
func (r Rates) Over(vehicles float64, d unit.Length) Amounts {
	k := vehicles * d.M()
	m := func(x unit.MassPerLength) unit.Mass { return unit.Mass(k * float64(x)) }
	return Amounts{
		NOx: m(r.NOx), NO2: m(r.NO2), CO: m(r.CO), PMExhaust: m(r.PMExhaust), PM10Wear: m(r.PM10Wear), PM25Wear: m(r.PM25Wear),
		Fuel: m(r.Fuel), CO2: m(r.CO2), Energy: unit.Energy(k * float64(r.Energy)),
	}
}

// Plus returns a + w·o.
func (a Amounts) Plus(w float64, o Amounts) Amounts {
	m := unit.Mass(w)
	return Amounts{
		NOx: a.NOx + m*o.NOx, NO2: a.NO2 + m*o.NO2, CO: a.CO + m*o.CO, PMExhaust: a.PMExhaust + m*o.PMExhaust,
		PM10Wear: a.PM10Wear + m*o.PM10Wear, PM25Wear: a.PM25Wear + m*o.PM25Wear,
		Fuel: a.Fuel + m*o.Fuel, CO2: a.CO2 + m*o.CO2, Energy: a.Energy + unit.Energy(w)*o.Energy,
	}
}

// heating is the lower heating value in MJ/kg and carbon the CO2 in kg per kg
// burnt. Petrol and diesel: heating values of Statistics Netherlands, CO2 from
// a carbon balance at H:C 1.86. LPG is half propane, half butane, CNG methane.
var heating = [...]float64{Petrol: 44.0, Diesel: 42.7, LPG: 46.0, CNG: 50.0, Electric: 0}
var carbon = [...]float64{Petrol: 3.169, Diesel: 3.169, LPG: 3.01, CNG: 2.743, Electric: 0}

// exhaust fills the exhaust part of the rates from the four functions.
func (c *Class) exhaust(hot [pollutants]float64) Rates {
	if c.Fuel == Electric {
		return Rates{}
	}
	nox := unit.MassPerLength(hot[NOx]) * unit.GKM
	fuel := unit.MassPerLength(hot[EC]/heating[c.Fuel]*1000) * unit.GKM
	return Rates{
		NOx: nox, NO2: nox * unit.MassPerLength(c.no2), CO: unit.MassPerLength(hot[CO]) * unit.GKM,
		PMExhaust: unit.MassPerLength(hot[PM]) * unit.GKM, Energy: unit.EnergyPerLength(hot[EC]) * unit.MJKM,
		Fuel: fuel, CO2: fuel * unit.MassPerLength(carbon[c.Fuel]),
	}
}

// Road describes where and how vehicles drive.
type Road struct {
	Slope unit.Share // rise over run in driving direction; matters to trucks and buses
	Load  unit.Share // share of payload used; matters to trucks and buses
	Cold  ColdStart  // zero: all engines are warm
}

// Rates returns everything a vehicle of the class releases at mean speed v:
// hot exhaust, the cold-start excess, and wear.
func (t *Table) Rates(c *Class, v unit.Speed, road Road) Rates {
	var hot [pollutants]float64
	for p := range hot {
		hot[p] = c.Hot(Pollutant(p), v, road.Slope, road.Load)
	}
	for p := range hot {
		hot[p] += t.coldExcess(c, Pollutant(p), v, hot[p], road.Cold)
	}
	r := c.exhaust(hot)
	r.PM10Wear, r.PM25Wear = wear(c, v, road.Load)
	return r
}
