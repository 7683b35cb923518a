package day

import (
	"cmp"
	"math"
	"slices"
	"strconv"
	"time"

	"tideway/geo"
	"tideway/internal/rng"
	"tideway/sim/demand"
)

// Types of vehicles, by position in every day's demand.
const (
	carType demand.TypeID = iota
	taxiType
	motorcycleType
	vanType
	truckType
	busType
)

func (m *Model) addTypes() {
	for _, c := range []geo.Class{geo.Car, geo.Taxi, geo.Motorcycle, geo.Van, geo.Truck, geo.Bus} {
		m.types = append(m.types, demand.NewType(c.String(), c))
	}
}

// Types returns the vehicle types of every day. Do not write to the slice.
func (m *Model) Types() []demand.VehicleType { return m.types }

// Trips returns the mean number of trips of a working day, buses left out.
func (m *Model) Trips() float64 { return m.daily }

// Day returns the demand of a calendar day, departures since its local
// midnight. Types and routes are the same on every day. Each trip's draws come
// from a stream of its zone, purpose and quarter of an hour, so a model with a
// higher load keeps the trips and adds some.
func (m *Model) Day(date time.Time) *demand.Demand { return m.Part(date, 0, 24*time.Hour) }

// Part returns the trips of Day that depart in [from, to).
func (m *Model) Part(date time.Time, from, to time.Duration) *demand.Demand {
	d := &demand.Demand{Types: m.types, Routes: m.routes}
	luck := m.luck(date)
	first, last := int(from/step), min(steps, int((to+step-1)/step))
	for p := range purposes {
		m.travel(date, p, luck, first, last, &d.Trips)
	}
	m.event(date, luck, &d.Trips)
	m.buses(date, &d.Trips)
	d.Trips = slices.DeleteFunc(d.Trips, func(t demand.Trip) bool { return t.Depart < from || t.Depart >= to })
	slices.SortFunc(d.Trips, func(a, b demand.Trip) int {
		return cmp.Or(cmp.Compare(a.Depart, b.Depart), cmp.Compare(a.ID, b.ID))
	})
	return d
}

// fortune is what makes a day unlike others of its kind.
type fortune struct {
	day     uint64
	total   float64
	purpose []float64
	shiftH  float64 // of the rush hours
	event   bool
}

// Variation from day to day: standard deviations of the logarithm of volumes,
// and of the rush hours' time. Counts of working days vary by 3 to 6 % in
// cities.
const (
	totalDev   = 0.035
	purposeDev = 0.03
	zoneDev    = 0.06
	shiftDevH  = 0.08
	eventOdds  = 0.12
)

func (m *Model) luck(date time.Time) fortune {
	f := fortune{day: dayNumber(date)}
	s := rng.New(m.seed, f.day, rng.Volume)
	f.total = math.Exp(totalDev * s.Normal())
	for range purposes {
		f.purpose = append(f.purpose, math.Exp(purposeDev*s.Normal()))
	}
	f.shiftH = shiftDevH * s.Normal()
	f.event = s.Float64() < eventOdds
	if date.Weekday() == time.Friday { // out early, and more on the road
		f.total *= 1.04
	}
	return f
}

// dayNumber counts calendar days, whatever the clock and zone of date.
func dayNumber(date time.Time) uint64 {
	y, mo, d := date.Date()
	return uint64(time.Date(y, mo, d, 0, 0, 0, 0, time.UTC).Unix() / 86400)
}

// travel adds the trips of one purpose in the steps from first to before last.
func (m *Model) travel(date time.Time, p int, luck fortune, first, last int, out *[]demand.Trip) {
	why := purposes[p]
	shift := 0.0
	if why.commute {
		shift = luck.shiftH
	}
	when := profile(why.peaks(date.Weekday()), shift)
	total := m.daily * luck.total * luck.purpose[p] * why.volume(date.Weekday())
	for i := range m.zones {
		s := rng.New(m.seed, luck.day<<20|uint64(i), rng.Volume)
		zone := total * m.originShare(why.from, i) * math.Exp(zoneDev*s.Normal()-zoneDev*zoneDev/2)
		for k := first; k < last; k++ {
			m.leave(date, p, i, k, zone*when[k], out)
		}
	}
}

// leave adds the trips of one zone, purpose and step, a Poisson number with the
// given mean: exponential gaps on the scale of expected trips, so that a larger
// mean passes the same points and then more.
func (m *Model) leave(date time.Time, p, i, k int, mean float64, out *[]demand.Trip) {
	key := rng.Mix(dayNumber(date)<<32 | uint64(p)<<28 | uint64(k)<<20 | uint64(i))
	gaps := rng.New(m.seed, key, rng.Departure)
	for n, at := 0, gaps.Exponential(); at < mean; n, at = n+1, at+gaps.Exponential() {
		s := rng.New(m.seed, rng.Mix(key+uint64(n)), rng.Place)
		j := pick(m.draw[purposes[p].to].cumulative[i], &s)
		id := append(date.AppendFormat(nil, "0102"), '/')
		id = append(append(append(id, m.zones[i].name...), '/'), purposes[p].name...)
		id = append(strconv.AppendInt(append(id, '/'), int64(k), 10), '.')
		t := m.trip(string(strconv.AppendInt(id, int64(n), 10)), i, j, &s)
		t.Depart = (time.Duration(k)*step + time.Duration(s.Float64()*float64(step))).Truncate(time.Millisecond)
		t.Type = typeOf(purposes[p].from == freight, &s)
		*out = append(*out, t)
	}
}

func (m *Model) trip(id string, i, j int, s *rng.Stream) demand.Trip {
	t := demand.Trip{ID: id, Route: demand.NoRoute, Lane: demand.LaneBest, Speed: demand.SpeedMax, ArriveAt: -1, Key: rng.Hash(id)}
	t.From, t.To = m.zones[i].segments.draw(s), m.zones[j].segments.draw(s)
	for range 20 { // a zone of two segments or more: another draw soon differs
		if t.To != t.From {
			break
		}
		t.To = m.zones[j].segments.draw(s)
	}
	return t
}

func typeOf(isFreight bool, s *rng.Stream) demand.TypeID {
	switch draw := s.Float64(); {
	case isFreight && draw < 0.4:
		return truckType
	case isFreight:
		return vanType
	case draw < 0.06:
		return taxiType
	case draw < 0.09:
		return motorcycleType
	}
	return carType
}

// event adds, on few evenings, people who go to the centre of errands at half
// past seven and home at ten: what a forecast cannot know.
func (m *Model) event(date time.Time, luck fortune, out *[]demand.Trip) {
	if !luck.event {
		return
	}
	place := 0
	for i, z := range m.zones {
		if z.weight[shop] > m.zones[place].weight[shop] && !m.isGate(i) {
			place = i
		}
	}
	visitors := int(0.01 * m.daily * luck.total)
	for n := range visitors {
		s := rng.New(m.seed, rng.Mix(luck.day<<32|uint64(n)), rng.Volume)
		from := pick(m.draw[home].cumulative[place], &s)
		id := date.Format("0102") + "/event/" + strconv.Itoa(n)
		there, back := m.trip(id, from, place, &s), m.trip(id+"b", place, from, &s)
		there.Depart = clock(19 + s.Normal()*0.3)
		back.Depart = clock(22 + s.Normal()*0.2)
		*out = append(*out, there, back)
	}
}

// clock returns a time of the day in hours, kept inside the day.
func clock(h float64) time.Duration {
	at := time.Duration(h * float64(time.Hour)).Truncate(time.Millisecond)
	return max(0, min(at, 24*time.Hour-time.Millisecond))
}
