package ingest

import (
	"fmt"
	"strings"
	"time"
)

// wall turns times on a street clock (or a fixed offset) into instants.
type wall struct {
	zone *time.Location // nil: the time carries its own offset
}

// instant returns the moment at which the clock shows the given time of day,
// minutes counted from 00:00 (24:00 is the next day's beginning). Of two such
// moments, when the clock is set back, it is the first; of none, when it is
// set forward, the one at which the missing hour would have begun or passed.
func (w wall) instant(year int, month time.Month, day, minutes int) time.Time {
	shown := time.Date(year, month, day, 0, minutes, 0, 0, time.UTC)
	_, before := shown.Add(-24 * time.Hour).In(w.zone).Zone()
	_, after := shown.Add(24 * time.Hour).In(w.zone).Zone()
	first := shown.Add(-time.Duration(max(before, after)) * time.Second)
	if sameWall(first.In(w.zone), shown) {
		return first
	}
	return shown.Add(-time.Duration(min(before, after)) * time.Second)
}

func sameWall(a, b time.Time) bool {
	return a.Day() == b.Day() && a.Hour() == b.Hour() && a.Minute() == b.Minute() && a.Second() == b.Second()
}

// at returns the instant of a parsed wall time; exists tells whether the clock
// ever shows it.
func (w wall) at(t time.Time) (instant time.Time, exists bool) {
	if w.zone == nil {
		return t, true
	}
	minutes := t.Hour()*60 + t.Minute()
	i := w.instant(t.Year(), t.Month(), t.Day(), minutes).Add(time.Duration(t.Second())*time.Second + time.Duration(t.Nanosecond()))
	return i, sameWall(i.In(w.zone), t)
}

// layoutOf turns a pattern like "DD/MM/YYYY HH:mm:ss" into Go's layout.
func layoutOf(pattern string) string {
	return strings.NewReplacer("YYYY", "2006", "YY", "06", "MMM", "Jan", "MM", "01", "DD", "02", "HH", "15", "mm", "04", "ss", "05", "SSS", "000", "ZZ", "-07:00").Replace(pattern)
}

// zoneOf returns the clock of a mapping: an IANA zone, or a fixed offset like
// +01:00.
func zoneOf(zone, offset string) (*time.Location, error) {
	switch {
	case zone != "" && offset != "":
		return nil, fmt.Errorf("both zone %q and offset %q are given, expected one", zone, offset)
	case zone != "":
		l, err := time.LoadLocation(zone)
		if err != nil {
			return nil, fmt.Errorf("zone %q is unknown, expected an IANA name such as Europe/Rome", zone)
		}
		return l, nil
	case offset != "":
		t, err := time.Parse("-07:00", offset)
		if err != nil {
			return nil, fmt.Errorf("offset is %q, expected one such as +01:00", offset)
		}
		_, seconds := t.Zone()
		return time.FixedZone(offset, seconds), nil
	}
	return nil, nil
}
