package day

import (
	"math"
	"time"
)

// purpose is why people travel: from one role of a zone to another.
type purpose struct {
	name     string
	from, to role
	workday  float64 // share of a working day's trips
	saturday float64 // of the same total
	sunday   float64
	when     [2][]peak // on working days, at weekends
	commute  bool      // shifts with the day's rush
}

// peak is a bump of a profile: its share, middle and standard deviation in
// hours.
type peak struct{ share, atH, devH float64 }

// The day by purposes. Shares and peaks are round figures in the manner of
// European and Chinese urban household surveys: a sharp morning peak at eight,
// a broad evening one before six, errands in between, weekends later, flatter
// and a fifth lower.
var purposes = []purpose{
	{name: "hw", from: home, to: work, workday: 0.23, saturday: 0.07, sunday: 0.04, commute: true,
		when: [2][]peak{{{0.85, 7.9, 0.75}, {0.15, 13, 3}}, {{1, 9, 2}}}},
	{name: "wh", from: work, to: home, workday: 0.23, saturday: 0.07, sunday: 0.04, commute: true,
		when: [2][]peak{{{0.75, 17.6, 0.95}, {0.25, 20, 2}}, {{1, 16.5, 2.5}}}},
	{name: "hs", from: home, to: shop, workday: 0.15, saturday: 0.25, sunday: 0.22,
		when: [2][]peak{{{0.45, 10, 1.7}, {0.55, 18, 2.2}}, {{0.6, 11, 1.8}, {0.4, 16, 2.5}}}},
	{name: "sh", from: shop, to: home, workday: 0.17, saturday: 0.25, sunday: 0.22,
		when: [2][]peak{{{0.4, 11.5, 1.7}, {0.6, 19.3, 2.2}}, {{0.5, 13, 2}, {0.5, 18.5, 2.3}}}},
	{name: "ss", from: shop, to: shop, workday: 0.14, saturday: 0.14, sunday: 0.12,
		when: [2][]peak{{{1, 13.5, 3}}, {{1, 15, 3}}}},
	{name: "fr", from: freight, to: freight, workday: 0.08, saturday: 0.04, sunday: 0.015,
		when: [2][]peak{{{0.6, 9.5, 2}, {0.3, 14.5, 2}, {0.1, 3, 3}}, {{0.8, 10, 3}, {0.2, 3, 3}}}},
}

// Steps of the day.
const (
	step  = 15 * time.Minute
	steps = int(24 * time.Hour / step)
)

// evenShare of every purpose is spread evenly over the 24 hours.
const evenShare = 0.04

// profile returns the share of a purpose's trips in every step of the day; the
// shares sum to 1. shiftH moves its peaks.
func profile(peaks []peak, shiftH float64) []float64 {
	out := make([]float64, steps)
	var sum float64
	for i := range out {
		from, to := float64(i)*step.Hours(), float64(i+1)*step.Hours()
		for _, p := range peaks {
			// Midnight is no border: late trips of yesterday belong to the small hours.
			for _, wrap := range []float64{-24, 0, 24} {
				at := p.atH + shiftH + wrap
				out[i] += p.share * (normalBelow((to-at)/p.devH) - normalBelow((from-at)/p.devH))
			}
		}
		sum += out[i]
	}
	for i := range out {
		out[i] = out[i]/sum*(1-evenShare) + evenShare/float64(steps)
	}
	return out
}

func normalBelow(z float64) float64 { return math.Erfc(-z/math.Sqrt2) / 2 }

// volume is the part of a working day's trips that a purpose has on a weekday.
func (p purpose) volume(d time.Weekday) float64 {
	switch d {
	case time.Saturday:
		return p.saturday
	case time.Sunday:
		return p.sunday
	}
	return p.workday
}

func (p purpose) peaks(d time.Weekday) []peak {
	if d == time.Saturday || d == time.Sunday {
		return p.when[1]
	}
	return p.when[0]
}
