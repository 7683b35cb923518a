package sumo

import (
	"math"
	"strconv"
	"strings"
	"time"

	"tideway/internal/rng"
)

// flow is a stream of vehicles that share everything but name and departure.
type flow struct {
	wanted
	id         string
	begin, end time.Duration
	number     int           // most vehicles
	period     time.Duration // 0: number spread evenly, or by chance
	rate       float64       // per second, of exponential gaps; 0: none
	chance     float64       // of a departure in every second
}

// never is later than any time that is read.
const never = time.Duration(2*maxSeconds) * time.Second

func (r *reader) flow() error {
	id, at := r.idOf("flow"), r.here()
	f := flow{id: id, wanted: wanted{at: at}, end: never, number: math.MaxInt}
	before := r.bad.Len()
	if begin, ok := r.time(id, "begin"); ok {
		f.begin = begin
	}
	if end, ok := r.time(id, "end"); ok {
		f.end = end
	}
	r.pace(&f)
	f.check(r)
	f.failed = r.bad.Len() > before
	if err := r.journey(id, &f.wanted); err != nil {
		return err
	}
	if !f.failed {
		r.flows = append(r.flows, f)
	}
	return nil
}

// pace reads how often vehicles of the flow depart.
func (r *reader) pace(f *flow) {
	if _, ok := r.s.attr("number"); ok {
		f.number = int(r.number(f.id, "number", 0, 0, 1e9))
	}
	for _, name := range []string{"vehsPerHour", "perHour"} {
		if _, ok := r.s.attr(name); ok {
			f.period = interval(3600 / r.number(f.id, name, 3600, 1e-6, 1e9))
		}
	}
	if text, ok := r.s.attr("period"); ok {
		if rate, isExp := strings.CutPrefix(string(text), "exp("); isExp {
			v, err := strconv.ParseFloat(strings.TrimSuffix(rate, ")"), 64)
			if err != nil || !(v > 0 && v <= 1e6) {
				r.addf(f.id, "period is %q, expected exp(rate per second)", clip(text))
			}
			f.rate = v
		} else {
			f.period = interval(r.number(f.id, "period", 1, 1e-6, maxSeconds))
		}
	}
	f.chance = r.number(f.id, "probability", 0, 0, 1)
}

// interval rounds a spacing to nanoseconds, at least one, so that it advances.
func interval(seconds float64) time.Duration {
	return max(1, time.Duration(math.Round(math.Min(seconds, maxSeconds)*float64(time.Second))))
}

func (f *flow) check(r *reader) {
	spaced := f.period > 0 || f.rate > 0 || f.chance > 0
	switch {
	case f.end < f.begin:
		r.addf(f.id, "flow ends at %v before it begins at %v", f.end, f.begin)
	case !spaced && f.number == math.MaxInt:
		r.addf(f.id, "flow has none of number, vehsPerHour, period and probability")
	case f.end == never && !(spaced && f.number < math.MaxInt):
		r.addf(f.id, "flow has no end")
	}
}

// departures calls depart with the number and time of every vehicle.
func (f *flow) departures(seed uint64, depart func(n int, at time.Duration)) {
	key := rng.Hash(f.id)
	switch {
	case f.rate > 0:
		gaps := rng.New(seed, key, rng.Departure)
		for n, at := 0, f.begin; n < f.number; n++ {
			if at += interval(gaps.Exponential() / f.rate); at >= f.end {
				return
			}
			depart(n, at)
		}
	case f.chance > 0:
		key = rng.Key(seed, key, rng.Departure)
		for n, at := 0, f.begin; at < f.end && n < f.number; at += time.Second {
			if rng.Unit(rng.At(key, uint64(at/time.Second))) < f.chance {
				depart(n, at)
				n++
			}
		}
	case f.period > 0:
		for n, at := 0, f.begin; at < f.end && n < f.number; n, at = n+1, at+f.period {
			depart(n, at)
		}
	default:
		for n := range f.number {
			depart(n, f.begin+time.Duration(float64(f.end-f.begin)*float64(n)/float64(f.number)))
		}
	}
}

// most returns how many vehicles the flow can have, so that absurd flows are
// refused before they take memory.
func (f *flow) most() float64 {
	span, n := (f.end - f.begin).Seconds(), float64(f.number)
	switch {
	case f.rate > 0:
		return min(n, span*f.rate+5*math.Sqrt(span*f.rate))
	case f.chance > 0:
		return min(n, span)
	case f.period > 0:
		return min(n, span/f.period.Seconds()+1)
	}
	return n
}

// expand queues the vehicles of every flow, named as in SUMO: id, ".", number.
func (r *reader) expand() {
	for i := range r.flows {
		f := &r.flows[i]
		if f.most() > float64(r.limit-len(r.wanted)) {
			r.bad.Addf(f.at.String(), f.id, "flow would bring the vehicles above %d", r.limit)
			continue
		}
		f.departures(r.seed, func(n int, at time.Duration) {
			w := f.wanted
			w.trip.Depart = at.Round(time.Millisecond)
			id := f.id + "." + strconv.Itoa(n)
			if old, twice := r.ids[id]; twice {
				r.bad.Addf(f.at.String(), id, "vehicle of a flow is already defined at %v", old)
			}
			r.want(id, w)
		})
	}
}
