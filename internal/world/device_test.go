package world

import (
	"math"
	"testing"
	"time"

	"tideway/geo"
	"tideway/internal/rng"
	"tideway/live"
	"tideway/sim"
)

// What loops say is the truth on average, but for the vehicles they miss.
func TestLoopErrorsHaveTheirSize(t *testing.T) {
	l := loop{speedBias: 1}
	luck := rng.New(1, 1, rng.Noise)
	truth := sim.DetectorReading{Count: 50, SpeedKMH: 40, Occupancy: 0.1, Interval: 5 * time.Minute}
	var flow, speed, cover, speed2 float64
	const n = 20_000
	for range n {
		s := l.measure(truth, &luck)
		flow, speed, cover, speed2 = flow+s.flowVPH/n, speed+s.speedKMH/n, cover+s.occupancy/n, speed2+s.speedKMH*s.speedKMH/n
	}
	if math.Abs(flow-600*(1-missShare)) > 1 || math.Abs(speed-40) > 0.05 || math.Abs(cover-0.1) > 0.001 {
		t.Errorf("on average %v veh/h, %v km/h, %v", flow, speed, cover)
	}
	if dev := math.Sqrt(speed2 - speed*speed); math.Abs(dev-speedNoiseKMH/math.Sqrt(49)) > 0.05 {
		t.Errorf("speed varies by %v km/h", dev)
	}
	if s := l.measure(sim.DetectorReading{SpeedKMH: math.NaN(), Interval: time.Minute}, &luck); s.speedKnown || s.flowVPH != 0 {
		t.Errorf("nobody drove, it says %+v", s)
	}
}

func TestDevicesFailAsOftenAsTheyShould(t *testing.T) {
	var hours [3]float64
	for k := range 400 {
		d := device{seed: 3, key: rng.Mix(uint64(k))}
		for h := range 24 * 20 {
			hours[d.state(time.Unix(int64(1_700_000_000+h*3600), 0))]++
		}
	}
	total := hours[working] + hours[broken] + hours[stuck]
	// Episodes end with the day, so they are a little shorter than drawn.
	if p := hours[broken] / total; p < 0.5*cutOdds*1.5/24 || p > 1.2*cutOdds*1.5/24 {
		t.Errorf("cut off %.4f of the time", p)
	}
	if p := hours[stuck] / total; p < 0.5*stuckOdds*3/24 || p > 1.2*stuckOdds*3/24 {
		t.Errorf("stuck %.4f of the time", p)
	}
}

func TestAStuckLoopRepeatsItself(t *testing.T) {
	l := loop{speedBias: 1, device: device{seed: 1, key: 5}}
	begin := time.Unix(86400*20000, 0)
	l.day, l.repeating = begin.Unix()/86400, episode{begin.Add(time.Hour), begin.Add(2 * time.Hour)}
	b := &live.Batch{Sensors: []string{"x"}}
	for k := range 40 {
		l.report(sim.DetectorReading{Count: 10 + k, SpeedKMH: 40, Interval: 5 * time.Minute}, begin.Add(time.Duration(k+1)*5*time.Minute), b)
	}
	distinct := map[float64]int{}
	for i := range b.Len() {
		if b.Quantity[i] == geo.Flow {
			distinct[b.Value[i]]++
		}
	}
	most := 0
	for _, n := range distinct {
		most = max(most, n)
	}
	if most < 10 || len(distinct) < 15 {
		t.Errorf("flows %v", distinct)
	}
}

func TestWeatherIsPlausibleAndSmooth(t *testing.T) {
	s := sky{seed: 1, zone: time.UTC}
	var last air
	for k := range 4 * 24 * 60 {
		a := s.at(time.Unix(int64(1_740_000_000/900+k)*900, 0))
		for q, v := range a.with(20) {
			lo, hi := live.Range(q)
			if v < lo || v > hi || math.IsNaN(v) {
				t.Fatalf("%v is %v", q, v)
			}
		}
		if k > 0 && (math.Abs(a.temperatureC-last.temperatureC) > 1 || math.Abs(a.o3-last.o3) > 12 || math.Abs(a.windMPS-last.windMPS) > 0.8) {
			t.Fatalf("the air jumps from %+v to %+v", last, a)
		}
		last = a
	}
}

func TestValuesAreWhatDevicesCanSay(t *testing.T) {
	for _, q := range geo.Quantities() {
		for _, v := range []float64{0, 0.3, 17.26, 123.456} {
			r := round(v, q)
			if math.Abs(r-v) > steps[q]/2+1e-9 || round(r, q) != r {
				t.Errorf("%v of %v is said as %v", v, q, r)
			}
		}
	}
}

// The plume dilutes with distance, and a street is not felt beyond its reach.
func TestSpreadFallsWithDistance(t *testing.T) {
	for d := 10.0; d < reachM; d += 10 {
		if spread(d+10) >= spread(d) {
			t.Fatalf("%v at %v m, %v at %v m", spread(d), d, spread(d+10), d+10)
		}
	}
	if spread(reachM+1) != 0 {
		t.Error("felt beyond reach")
	}
}
