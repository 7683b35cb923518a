package world

import (
	"math"
	"time"

	"tideway/geo"
	"tideway/internal/rng"
	"tideway/live"
	"tideway/sim"
)

// airSample is how often vehicles are looked at for their exhaust.
const airSample = time.Minute

// station measures air or weather beside the road.
type station struct {
	sensor   uint32
	measures []geo.Measure
	device
	reach   []float64 // by segment: concentration for an emission of 1 g/s at 1 m/s of wind, ug/m3
	sum     float64   // of NOx added by traffic, at 1 m/s of wind
	samples int
}

// reachM is how far away a street is still felt.
const reachM = 600

func (w *World) placeStations() {
	for id, s := range w.city.Sensors.All() {
		if s.Segment != geo.NoSegment {
			continue
		}
		st := station{sensor: uint32(id), measures: s.Measures, device: device{seed: w.opt.Seed, key: rng.Hash(s.ID)}}
		xy := w.city.Frame.XY(s.LonLat)
		for seg := range geo.SegmentID(w.city.Segments.Len()) {
			q := w.city.Midpoint(seg)
			st.reach = append(st.reach, spread(math.Hypot(q[0]-xy[0], q[1]-xy[1])))
		}
		w.stations = append(w.stations, st)
	}
}

// spread is the concentration in ug/m3 at ground level for 1 g/s released at a
// distance into 1 m/s of wind, averaged over all directions of the wind: the
// sector-averaged Gaussian plume, c = sqrt(2/pi) Q / (2 pi d sigma_z u), with
// Briggs' urban sigma_z for neutral air and 2 m of mixing behind vehicles.
func spread(distM float64) float64 {
	if distM > reachM {
		return 0
	}
	d := math.Max(distM, 10)
	sigmaZ := 2 + 0.14*d/math.Sqrt(1+0.0003*d)
	return 1e6 * math.Sqrt(2/math.Pi) / (2 * math.Pi * d * sigmaZ)
}

// NOx of a vehicle in g/s is idling plus a part per metre: round figures for a
// mixed fleet of passenger cars, and eight times as much for heavy vehicles.
const (
	idleGPS   = 0.0008
	perMetreG = 0.00028
	heavyMore = 8
)

// sampleAir adds the exhaust of this moment at every station.
func (w *World) sampleAir() {
	nox := make([]float64, w.city.Segments.Len())
	types := w.model.Types()
	w.engine.Vehicles(func(s sim.Sample) {
		g := idleGPS + perMetreG*s.SpeedMPS
		if k := types[w.trips[s.Trip].Type].Class; k == geo.Truck || k == geo.Bus {
			g *= heavyMore
		}
		nox[s.Segment] += g
	})
	for i := range w.stations {
		st := &w.stations[i]
		for seg, k := range st.reach {
			st.sum += k * nox[seg]
		}
		st.samples++
	}
}

// airReadings adds what stations report when their interval is over.
func (w *World) airReadings(b *live.Batch) {
	end := w.Now()
	for i := range w.stations {
		st := &w.stations[i]
		interval := st.measures[0].Interval
		if end.Sub(w.midnight)%interval != 0 {
			continue
		}
		traffic := st.sum / math.Max(1, float64(st.samples))
		st.sum, st.samples = 0, 0
		if end.After(w.from) {
			st.report(w.sky.at(end.Add(-interval/2)), traffic, end, interval, b)
		}
	}
}

// report adds one value per quantity: air and weather with the noise of
// instruments. Once a day they are checked with test gas and say nothing.
func (st *station) report(now air, traffic float64, end time.Time, interval time.Duration, b *live.Batch) {
	luck := rng.New(st.seed, st.key+uint64(end.Unix()), rng.Noise)
	checked := (end.Unix()/int64(interval.Seconds())+int64(st.key%8))%96 == 70
	cut := st.state(end) == broken
	values := now.with(traffic / math.Max(0.8, now.windMPS))
	for _, m := range st.measures {
		v := values[m.Quantity]
		v += noiseDev[m.Quantity] * luck.Normal()
		lo, hi := bounds(m.Quantity)
		if !cut && !(checked && m.Quantity.IsPollutant()) {
			b.Add(st.sensor, m.Quantity, end, interval, round(math.Max(lo, math.Min(hi, v)), m.Quantity))
		}
	}
}

// noiseDev is the standard deviation of an instrument's noise.
var noiseDev = map[geo.Quantity]float64{geo.NO2: 1, geo.O3: 1.5, geo.CO: 0.02, geo.PM10: 1.5, geo.PM25: 1, geo.Temperature: 0.1, geo.WindSpeed: 0.15,
	geo.WindDirection: 4, geo.Humidity: 1, geo.Pressure: 0.1}

func bounds(q geo.Quantity) (lo, hi float64) {
	switch q {
	case geo.Temperature:
		return -60, 60
	case geo.WindDirection:
		return 0, 359
	case geo.Humidity:
		return 0, 100
	}
	return 0, math.Inf(1)
}
