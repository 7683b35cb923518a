package signal

import (
	"math"
	"time"

	"tideway/unit"
)

// QueueInput is one lane of a lane group for the back of queue of HCM 2000,
// chapter 16, appendix G (kept by the later editions as the percentile
// queue). All flows are per lane.
type QueueInput struct {
	Cycle, Green time.Duration
	Saturation   unit.Flow // per lane
	Volume       unit.Flow // per lane
	Period       time.Duration
	Arrival      ArrivalType
	I            float64 // upstream filtering; 0 means 1
	Actuated     bool
	Queue        float64 // vehicles per lane waiting at the begin
}

// BackOfQueue returns the average back of queue in vehicles per lane: how far
// the queue reaches, counting those who join while it discharges. Q1 of the
// average cycle plus Q2 of randomness and overflow.
func (q QueueInput) BackOfQueue() float64 {
	u := q.Green.Seconds() / q.Cycle.Seconds()
	c := q.Saturation.VPH() * u
	v, s := q.Volume.VPH(), q.Saturation.VPH()
	x := v / c
	q1 := q.platoon(u, math.Min(v/s, u)) * v * q.Cycle.Seconds() / 3600 * (1 - u) / (1 - math.Min(1, x)*u)
	t := q.Period.Hours()
	if t == 0 {
		t = 0.25
	}
	k := q.kB()
	q2 := 0.25 * c * t * ((x - 1) + math.Sqrt((x-1)*(x-1)+8*k*x/(c*t)+16*k*q.Queue/((c*t)*(c*t))))
	return q1 + q2
}

// platoon returns PF2, the effect of progression on Q1; 1 for random arrivals.
func (q QueueInput) platoon(u, y float64) float64 {
	rp := math.Min(q.Arrival.PlatoonRatio(), 1/u)
	if rp == 1 || u >= 1 {
		return 1
	}
	return (1 - rp*u) * (1 - y) / ((1 - u) * (1 - rp*y))
}

// kB returns the second-term factor: 0.12·I·(s·g/3600)^0.7 pretimed,
// 0.10·I·(s·g/3600)^0.6 actuated.
func (q QueueInput) kB() float64 {
	i := q.I
	if i == 0 {
		i = 1
	}
	perCycle := q.Saturation.VPH() * q.Green.Seconds() / 3600
	if q.Actuated {
		return 0.10 * i * math.Pow(perCycle, 0.6)
	}
	return 0.12 * i * math.Pow(perCycle, 0.7)
}

// QueuePercentile returns the 85th (p = 0.85) or 95th (0.95) percentile of a
// pretimed back of queue from its average: Q·(p1+p2·e^(−Q/p3)) with 1.4, 0.3, 5
// and 1.6, 1.0, 5. Other shares return the average.
func QueuePercentile(averageVeh float64, p unit.Share) float64 {
	switch p {
	case 0.85:
		return averageVeh * (1.4 + 0.3*math.Exp(-averageVeh/5))
	case 0.95:
		return averageVeh * (1.6 + 1.0*math.Exp(-averageVeh/5))
	}
	return averageVeh
}
