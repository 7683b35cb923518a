package forecast

import (
	"bufio"
	"fmt"
	"io"
	"strings"
	"time"

	"tideway/internal/fault"
)

// DayRule says how a date departs from its day of the week.
type DayRule uint8

// Rules of a date.
const (
	DayPlain  DayRule = iota // as its day of the week
	DayOff                   // public holiday
	DayWorked                // weekend day that is officially worked
)

// Holidays tells the rule of a local date. It must be a pure function.
type Holidays func(year int, month time.Month, day int) DayRule

// HolidayRegions returns the regions HolidaysIn knows, sorted.
func HolidayRegions() []string { return []string{"AU-VIC", "CN", "DE", "DE-BE", "IT", "US"} }

// HolidaysIn returns the public holidays of a region: IT, DE, DE-BE, CN, US,
// AU-VIC. For China the dates set each year by the State Council are known for
// 2023 to 2026; in other years only those fixed by law.
func HolidaysIn(region string) (Holidays, error) {
	switch region {
	case "IT":
		return byRule([]int{101, 106, 425, 501, 602, 815, 1101, 1208, 1225, 1226}, []int{0, 1}, nil), nil
	case "DE":
		return byRule([]int{101, 501, 1003, 1225, 1226}, []int{-2, 1, 39, 50}, nil), nil
	case "DE-BE":
		return byRule([]int{101, 308, 501, 1003, 1225, 1226}, []int{-2, 1, 39, 50}, nil), nil
	case "US":
		return byRule([]int{101, 704, 1111, 1225}, nil, usMondays), nil
	case "AU-VIC":
		return byRule([]int{101, 126, 425, 1225, 1226}, []int{-2, -1, 0, 1}, victoriaDays), nil
	case "CN":
		return china, nil
	}
	return nil, fmt.Errorf("holidays of %q are not known, expected one of %v or a file", region, HolidayRegions())
}

// HolidaysOfZone returns the nationwide holidays that go with an IANA time
// zone, nil when none are known.
func HolidaysOfZone(zone string) Holidays {
	region := map[string]string{
		"Europe/Rome": "IT", "Europe/Berlin": "DE", "Asia/Shanghai": "CN", "Asia/Chongqing": "CN", "Asia/Urumqi": "CN",
		"America/Los_Angeles": "US", "America/New_York": "US", "America/Chicago": "US", "America/Denver": "US",
		"Australia/Melbourne": "AU-VIC",
	}[zone]
	h, err := HolidaysIn(region)
	if err != nil {
		return nil
	}
	return h
}

// byRule builds holidays from dates (month*100+day), days after Easter Sunday
// and a rule on the weekday.
func byRule(dates, easterDays []int, weekday func(time.Time) bool) Holidays {
	return func(y int, m time.Month, d int) DayRule {
		for _, md := range dates {
			if md == int(m)*100+d {
				return DayOff
			}
		}
		day := time.Date(y, m, d, 0, 0, 0, 0, time.UTC)
		after := int(day.Sub(easter(y)) / (24 * time.Hour))
		for _, e := range easterDays {
			if e == after {
				return DayOff
			}
		}
		if weekday != nil && weekday(day) {
			return DayOff
		}
		return DayPlain
	}
}

// easter returns Easter Sunday of a Gregorian year (anonymous algorithm,
// Nature 13, 1876).
func easter(y int) time.Time {
	a, b, c := y%19, y/100, y%100
	d, e := b/4, b%4
	g := (8*b + 13) / 25
	h := (19*a + b - d - g + 15) % 30
	i, k := c/4, c%4
	l := (32 + 2*e + 2*i - h - k) % 7
	m := (a + 11*h + 22*l) / 451
	n := h + l - 7*m + 114
	return time.Date(y, time.Month(n/31), n%31+1, 0, 0, 0, 0, time.UTC)
}

// usMondays are the US federal holidays on a given Monday, and Thanksgiving.
func usMondays(t time.Time) bool {
	nth, last := (t.Day()-1)/7+1, t.AddDate(0, 0, 7).Month() != t.Month()
	switch t.Weekday() {
	case time.Thursday:
		return t.Month() == time.November && nth == 4
	case time.Monday:
		return (t.Month() == time.January || t.Month() == time.February) && nth == 3 ||
			t.Month() == time.May && last || t.Month() == time.September && nth == 1
	}
	return false
}

// victoriaDays are Labour Day, the Sovereign's birthday and the Cup.
func victoriaDays(t time.Time) bool {
	nth := (t.Day()-1)/7 + 1
	return t.Weekday() == time.Monday && (t.Month() == time.March || t.Month() == time.June) && nth == 2 ||
		t.Weekday() == time.Tuesday && t.Month() == time.November && nth == 1
}

// chinaOff and chinaWorked list spans as year*10000+month*100+day pairs.
var (
	chinaOff = [][2]int{
		{20230101, 20230102}, {20230121, 20230127}, {20230405, 20230405}, {20230429, 20230503}, {20230622, 20230624}, {20230929, 20231006},
		{20240101, 20240101}, {20240210, 20240217}, {20240404, 20240406}, {20240501, 20240505}, {20240610, 20240610}, {20240915, 20240917}, {20241001, 20241007},
		{20250101, 20250101}, {20250128, 20250204}, {20250404, 20250406}, {20250501, 20250505}, {20250531, 20250602}, {20251001, 20251008},
		{20260101, 20260103}, {20260215, 20260223}, {20260404, 20260406}, {20260501, 20260505}, {20260619, 20260621}, {20260925, 20260927}, {20261001, 20261007},
	}
	chinaWorked = []int{
		20230128, 20230129, 20230423, 20230506, 20230625, 20231007, 20231008,
		20240204, 20240218, 20240407, 20240428, 20240511, 20240914, 20240929, 20241012,
		20250126, 20250208, 20250427, 20250928, 20251011,
		20260104, 20260214, 20260228, 20260509, 20260920, 20261010,
	}
)

func china(y int, m time.Month, d int) DayRule {
	date := y*10000 + int(m)*100 + d
	for _, w := range chinaWorked {
		if w == date {
			return DayWorked
		}
	}
	for _, s := range chinaOff {
		if s[0] <= date && date <= s[1] {
			return DayOff
		}
	}
	if md := date % 10000; (y < 2023 || y > 2026) && (md == 101 || md == 501 || md >= 1001 && md <= 1003) {
		return DayOff
	}
	return DayPlain
}

// ReadHolidays reads a calendar: one date a line as 2006-01-02, optionally
// followed by a comma and a name; the name "workday" marks a weekend day that
// is worked. Empty lines, lines that begin with # and a header line whose
// first field is "date" are skipped. where names the source in problems.
func ReadHolidays(r io.Reader, where string) (Holidays, error) {
	var bad fault.List
	rules := map[int]DayRule{}
	lines := bufio.NewScanner(r)
	for n := 1; lines.Scan(); n++ {
		text := strings.TrimSpace(strings.TrimPrefix(lines.Text(), "\ufeff"))
		field, name, _ := strings.Cut(text, ",")
		if field = strings.TrimSpace(field); field == "" || field[0] == '#' || n == 1 && field == "date" {
			continue
		}
		t, err := time.Parse(time.DateOnly, field)
		if err != nil {
			bad.Addf(fmt.Sprintf("%s:%d", where, n), "", "%q is not a date like 2006-01-02", field)
			continue
		}
		rule := DayOff
		if strings.TrimSpace(name) == "workday" {
			rule = DayWorked
		}
		rules[int(civilDay(t.Date()))] = rule
	}
	bad.Add(where, lines.Err())
	if err := bad.Err("reading holidays"); err != nil {
		return nil, err
	}
	return func(y int, m time.Month, d int) DayRule { return rules[int(civilDay(y, m, d))] }, nil
}
