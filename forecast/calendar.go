package forecast

import (
	"time"
)

// Calendar places instants on a city's local clock: slot of the day, day, kind
// of day. Profiles are indexed by it, so that rush hour stays rush hour across
// a change to summer time.
type Calendar struct {
	zone     *time.Location
	holidays Holidays
}

// NewCalendar returns the calendar of a time zone (nil: UTC) and its holidays
// (nil: none).
func NewCalendar(zone *time.Location, holidays Holidays) Calendar {
	if zone == nil {
		zone = time.UTC
	}
	return Calendar{zone: zone, holidays: holidays}
}

// DayClass is a day of the week, or a public holiday.
type DayClass uint8

// Classes of days: time.Sunday to time.Saturday keep their numbers.
const Holiday DayClass = 7

const (
	numClasses  = 8
	numKinds    = 2
	kindWorking = 0
	kindFree    = 1
)

// Free reports whether people are mostly off work: weekends and holidays.
func (c DayClass) Free() bool { return c.kind() == kindFree }

// kind tells working days from free ones, the parent a class is shrunk to.
func (c DayClass) kind() int {
	if c == Holiday || c == DayClass(time.Sunday) || c == DayClass(time.Saturday) {
		return kindFree
	}
	return kindWorking
}

// Moment is an interval on the local clock.
type Moment struct {
	Day   int32 // days since 1970-01-01, local
	Slot  int32 // begin of the interval in intervals since local midnight
	Class DayClass
}

// Slots returns the number of intervals in a day of 24 hours, at least 1.
func Slots(interval time.Duration) int { return max(1, int(24*time.Hour/interval)) }

// At returns the moment of the interval that ends at end. The hour that summer
// time skips has no moment, the hour that winter time repeats has two equal
// ones.
func (c Calendar) At(end time.Time, interval time.Duration) Moment {
	t := end.Add(-interval).In(c.zone)
	y, m, d := t.Date()
	since := time.Duration(t.Hour())*time.Hour + time.Duration(t.Minute())*time.Minute + time.Duration(t.Second())*time.Second
	day := civilDay(y, m, d)
	return Moment{Day: day, Slot: int32(int(since/interval) % Slots(interval)), Class: c.class(y, m, d, t.Weekday())}
}

// class returns the class of a local date. A weekend day that is officially
// worked (China's bridge rule) counts as a Wednesday.
func (c Calendar) class(y int, m time.Month, d int, w time.Weekday) DayClass {
	if c.holidays == nil {
		return DayClass(w)
	}
	switch c.holidays(y, m, d) {
	case DayOff:
		return Holiday
	case DayWorked:
		return DayClass(time.Wednesday)
	}
	return DayClass(w)
}

// Grid returns the moments of n intervals, the first of which ends at end.
func (c Calendar) Grid(end time.Time, interval time.Duration, n int) []Moment {
	out := make([]Moment, n)
	for i := range out {
		out[i] = c.At(end.Add(time.Duration(i)*interval), interval)
	}
	return out
}

// civilDay returns the days from 1970-01-01 to a civil date.
func civilDay(y int, m time.Month, d int) int32 {
	return int32(time.Date(y, m, d, 0, 0, 0, 0, time.UTC).Unix() / 86400)
}
