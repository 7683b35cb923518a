package scenarios

import (
	"math"
	"time"

	"tideway/geo"
	"tideway/sim"
	"tideway/sim/air/chemistry"
	"tideway/sim/air/emission"
	"tideway/unit"
)

// breathed is what one run does to the air.
type breathed struct {
	total emission.Amounts
	no2   []unit.Concentration // by zone: what traffic adds
	pm25  []unit.Concentration
}

// breathe returns what a run releases and what zones breathe of it: the mean
// over the reference weathers, with everything spread over the time of
// departures, so that a run that clears later does not look cleaner.
func (s *airSide) breathe(in *sim.Input, res *sim.Result) (*breathed, error) {
	released := s.released(&res.Segments)
	out := new(breathed)
	for i := range released {
		out.total = out.total.Plus(1, released[i].Total())
	}
	if len(s.base.zones) == 0 {
		return out, nil
	}
	lasts := in.End - in.Begin
	if in.End == 0 {
		lasts = time.Duration(res.Summary.StepS * float64(res.Summary.Steps) * float64(time.Second))
	}
	no2, pm25, err := s.base.receive(released, lasts)
	if err != nil {
		return nil, err
	}
	out.no2, out.pm25 = s.base.points.Means(no2), s.base.points.Means(pm25)
	return out, nil
}

// released returns what each segment released in the whole run.
func (s *airSide) released(t *sim.SegmentTable) []emission.Emission {
	out := make([]emission.Emission, t.Segments)
	for k := range t.Intervals {
		for i := range out {
			row := t.Row(k, geo.SegmentID(i))
			if t.VehicleS[row] > 0 {
				e := s.curves[s.fleet[i]].Link(s.traffic(t, row, i))
				out[i].Run, out[i].Standing = out[i].Run.Plus(1, e.Run), out[i].Standing.Plus(1, e.Standing)
				out[i].Queue = max(out[i].Queue, e.Queue)
			}
		}
	}
	return out
}

// crawl is the mean speed of vehicles that stood all the time: it makes their
// emissions per hour those of idling.
const crawl = 1 * unit.KMH

// traffic is a row of the table as emissions want it. The vehicles are those
// that would have driven the whole segment to cover the distance driven.
func (s *airSide) traffic(t *sim.SegmentTable, row, segment int) emission.Traffic {
	seg := s.city.Segments.At(geo.SegmentID(segment))
	v := max(unit.Speed(t.SpeedKMH[row])*unit.KMH, crawl)
	vehicles := float64(t.VehicleS[row]) * v.MPS() / seg.Length.M()
	out := emission.Traffic{Length: seg.Length, MeanSpeed: v, Cruise: max(v, seg.Limit), Queue: unit.Length(t.QueueBackM[row])}
	for c, share := range s.mix[segment] {
		out.Vehicles[c] = vehicles * share
	}
	out.StopDelay = time.Duration(float64(t.WaitingS[row]) / vehicles * float64(time.Second))
	out.Stops = float64(t.Stops[row]) / vehicles
	return out
}

// receive returns what traffic adds at every receptor, the mean over weathers.
func (b *airBase) receive(released []emission.Emission, lasts time.Duration) (no2, pm25 []unit.Concentration, err error) {
	rates := func(of func(emission.Amounts) unit.Mass) []float64 { return b.layout.Rates(released, of, lasts) }
	nox := rates(func(a emission.Amounts) unit.Mass { return a.NOx })
	primary := rates(func(a emission.Amounts) unit.Mass { return a.NO2 })
	fine := rates(emission.Amounts.PM25)
	n := len(b.points.Receptors.XM)
	no2, pm25 = make([]unit.Concentration, n), make([]unit.Concentration, n)
	for w, m := range b.matrices {
		var c [3][]unit.Concentration
		for i, r := range [3][]float64{nox, primary, fine} {
			if c[i], err = m.Apply(1, r); err != nil {
				return nil, nil, err
			}
		}
		for i := range no2 {
			road := chemistry.Road{NOx: c[0][i], Primary: c[1][i], Age: b.ages[w][i]}
			no2[i] += (b.Light.At(b.Background, road).NO2 - b.Background.NO2) / unit.Concentration(len(b.matrices))
			pm25[i] += c[2][i] / unit.Concentration(len(b.matrices))
		}
	}
	return no2, pm25, nil
}

// airMeasures are the indicators of the air.
func (b *airBase) airMeasures() []measure {
	total := func(of func(emission.Amounts) unit.Mass) func(*reading) float64 {
		return func(r *reading) float64 { return of(r.air.total).G() / 1000 }
	}
	out := []measure{
		{"nox", "kg", false, false, total(func(a emission.Amounts) unit.Mass { return a.NOx })},
		{"co2", "kg", false, false, total(func(a emission.Amounts) unit.Mass { return a.CO2 })},
		{"pm25", "kg", false, false, total(emission.Amounts.PM25)},
	}
	if len(b.zones) == 0 {
		return out
	}
	return append(out,
		measure{"no2_exposure", "µg/m³", false, false, func(r *reading) float64 { return b.mean(r.air.no2) }},
		measure{"pm25_exposure", "µg/m³", false, false, func(r *reading) float64 { return b.mean(r.air.pm25) }})
}

// mean weights zones by the people in them, or by area.
func (b *airBase) mean(c []unit.Concentration) float64 {
	var sum, weight float64
	for i, v := range c {
		if v == v {
			sum, weight = sum+v.UGM3()*b.people[i], weight+b.people[i]
		}
	}
	return sum / weight
}

// ZoneAir is what traffic adds to the air of a zone, alternative against base.
type ZoneAir struct {
	Zone       string  `json:"zone"`
	Population Number  `json:"population"`
	BaseNO2    Number  `json:"base_no2_ugm3"` // mean over replications
	AltNO2     Number  `json:"alt_no2_ugm3"`
	DiffNO2    Number  `json:"diff_no2_ugm3"`
	LoNO2      Number  `json:"lo95_no2_ugm3"`
	HiNO2      Number  `json:"hi95_no2_ugm3"`
	BasePM25   Number  `json:"base_pm25_ugm3"`
	AltPM25    Number  `json:"alt_pm25_ugm3"`
	Better     Verdict `json:"better"` // by NO2
}

// AirDiff is what an alternative does to the air that people breathe: zone by
// zone, under the comparison's reference weather.
type AirDiff struct {
	Fleet    string    `json:"fleet"`
	Weighted string    `json:"weighted_by"` // what exposure is weighted by: population, or area where no zone has one
	Zones    []ZoneAir `json:"zones"`
}

// airDiff compares the zones of a side with the base's, with the same pairs.
func (t *trial) airDiff(side int) *AirDiff {
	b := t.air.base
	out := &AirDiff{Fleet: b.Fleet.Name, Weighted: b.weighted, Zones: []ZoneAir{}}
	for i, z := range b.zones {
		zone := t.Base.City.Zones.At(z)
		no2 := Pair(t.zone(0, i, false), t.zone(side, i, false))
		pm := Pair(t.zone(0, i, true), t.zone(side, i, true))
		out.Zones = append(out.Zones, ZoneAir{Zone: zone.ID, Population: populationOf(zone), BaseNO2: Number(no2.Base), AltNO2: Number(no2.Alt), DiffNO2: Number(no2.Diff),
			LoNO2: Number(no2.Lo), HiNO2: Number(no2.Hi), BasePM25: Number(pm.Base), AltPM25: Number(pm.Alt), Better: verdict(no2, false)})
	}
	return out
}

func populationOf(z geo.Zone) Number {
	if z.Population < 0 {
		return Number(math.NaN())
	}
	return Number(z.Population)
}

// zone returns the concentrations in one zone over the replications of a side.
func (t *trial) zone(side, zone int, pm25 bool) []float64 {
	out := make([]float64, len(t.sides[side]))
	for r, o := range t.sides[side] {
		c := o.no2
		if pm25 {
			c = o.pm25
		}
		out[r] = math.NaN()
		if !o.gridlocked && c != nil {
			out[r] = c[zone].UGM3()
		}
	}
	return out
}
