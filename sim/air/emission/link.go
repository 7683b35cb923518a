package emission

import (
	"time"

	"tideway/unit"
)

// Traffic is what happened on one link in one interval, simulated or measured.
type Traffic struct {
	Vehicles  [Categories]float64 // vehicles that drove the link
	Length    unit.Length
	MeanSpeed unit.Speed    // length over mean travel time, waiting included
	Cruise    unit.Speed    // speed between stops; 0: the mean speed
	StopDelay time.Duration // mean time standing per vehicle
	Stops     float64       // mean number of stops per vehicle
	Queue     unit.Length   // how far back from the stop line vehicles queue
}

// Emission is what a link released in the interval, split in space: the
// running part over the whole link, the queue part over its last Queue metres.
type Emission struct {
	Run, Standing Amounts
	Queue         unit.Length
}

// Total returns the two parts together: the EMEP total of the link.
func (e Emission) Total() Amounts { return e.Run.Plus(1, e.Standing) }

// mass is the mean mass of a vehicle in kg, and driveline the part of the fuel's
// energy that reaches the wheels. They only weigh stops against running.
var mass = [Categories]float64{Car: 1400, Van: 2200, Truck: 12000, Bus: 14000, TwoWheeler: 250}

const driveline = .25

// Link returns the emissions of a link. The total is N·L·EF(mean speed): the
// EMEP function already holds the stop-and-go that makes the mean speed low, so
// nothing is added for stops; they decide where the total is released. Weights
// are idling while standing plus the energy of getting back to cruise speed at
// each stop, against driving the link at cruise speed. Wear stays with the
// running part.
func (c *Curves) Link(t Traffic) Emission {
	out := Emission{Queue: min(max(t.Queue, 0), t.Length)}
	if !(t.Length > 0) {
		return out
	}
	for cat, n := range t.Vehicles {
		if !(n > 0) {
			continue
		}
		run, standing := c.split(Category(cat), t)
		out.Run = out.Run.Plus(n, run)
		out.Standing = out.Standing.Plus(n, standing)
	}
	if out.Queue == 0 {
		out.Run, out.Standing = out.Total(), Amounts{}
	}
	return out
}

// split returns what one vehicle of the category releases running and standing.
func (c *Curves) split(cat Category, t Traffic) (run, standing Amounts) {
	cruise := t.Cruise
	if cruise <= 0 {
		cruise = t.MeanSpeed
	}
	total := c.Rates(cat, t.MeanSpeed).Over(1, t.Length)
	moving := c.Rates(cat, cruise).Over(1, t.Length)
	still := c.Idle(cat, t.StopDelay.Hours())
	if moving.Energy > 0 {
		v := cruise.MPS()
		stop := t.Stops * .5 * mass[cat] * v * v / driveline
		still = still.Plus(stop/float64(moving.Energy), moving)
	}
	still.PM10Wear, still.PM25Wear = 0, 0
	standing = shareOf(total, moving, still)
	return total.Plus(-1, standing), standing
}

// shareOf returns total·still/(moving+still) for each pollutant.
func shareOf(total, moving, still Amounts) Amounts {
	m := func(t, a, b unit.Mass) unit.Mass {
		if a+b <= 0 {
			return 0
		}
		return t * b / (a + b)
	}
	return Amounts{
		NOx: m(total.NOx, moving.NOx, still.NOx), NO2: m(total.NO2, moving.NO2, still.NO2), CO: m(total.CO, moving.CO, still.CO),
		PMExhaust: m(total.PMExhaust, moving.PMExhaust, still.PMExhaust),
		Fuel:      m(total.Fuel, moving.Fuel, still.Fuel), CO2: m(total.CO2, moving.CO2, still.CO2),
		Energy: unit.Energy(m(unit.Mass(total.Energy), unit.Mass(moving.Energy), unit.Mass(still.Energy))),
	}
}

// FromCounts is Link for measured traffic: a flow at a mean speed for a time.
func (c *Curves) FromCounts(flow [Categories]unit.Flow, v unit.Speed, length unit.Length, d time.Duration) Emission {
	t := Traffic{Length: length, MeanSpeed: v}
	for cat, q := range flow {
		t.Vehicles[cat] = float64(q) * d.Seconds()
	}
	return c.Link(t)
}
