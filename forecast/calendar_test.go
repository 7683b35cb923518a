package forecast

import (
	"strings"
	"testing"
	"time"
	_ "time/tzdata"

	"pgregory.net/rapid"
)

func zone(t testing.TB, name string) *time.Location {
	t.Helper()
	z, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return z
}

func TestEasterAgreesWithKnownYears(t *testing.T) {
	for y, want := range map[int]string{1876: "1876-04-16", 1961: "1961-04-02", 2000: "2000-04-23", 2024: "2024-03-31", 2025: "2025-04-20", 2038: "2038-04-25"} {
		if got := easter(y).Format(time.DateOnly); got != want {
			t.Errorf("Easter %d = %s, want %s", y, got, want)
		}
	}
}

func TestRegionsKnowTheirHolidays(t *testing.T) {
	for _, c := range []struct {
		region, date string
		want         DayRule
	}{
		{"IT", "2024-04-01", DayOff}, {"IT", "2024-04-25", DayOff}, {"IT", "2024-03-20", DayPlain},
		{"DE", "2024-05-09", DayOff}, {"DE", "2024-05-20", DayOff}, {"DE", "2024-03-08", DayPlain}, {"DE-BE", "2024-03-08", DayOff},
		{"CN", "2025-01-28", DayOff}, {"CN", "2025-01-26", DayWorked}, {"CN", "2030-10-01", DayOff}, {"CN", "2030-10-05", DayPlain},
		{"US", "2012-05-28", DayOff}, {"US", "2012-11-22", DayOff}, {"US", "2012-03-05", DayPlain},
		{"AU-VIC", "2006-11-07", DayOff}, {"AU-VIC", "2006-10-10", DayPlain},
	} {
		h, err := HolidaysIn(c.region)
		if err != nil {
			t.Fatal(err)
		}
		d, _ := time.Parse(time.DateOnly, c.date)
		if got := h(d.Date()); got != c.want {
			t.Errorf("%s %s: rule %d, want %d", c.region, c.date, got, c.want)
		}
	}
	for _, r := range HolidayRegions() {
		if _, err := HolidaysIn(r); err != nil {
			t.Error(err)
		}
	}
	if _, err := HolidaysIn("XX"); err == nil {
		t.Error("unknown region accepted")
	}
}

func TestLocalClockAcrossSummerTime(t *testing.T) {
	c := NewCalendar(zone(t, "Europe/Rome"), nil)
	// 31 March 2024, 02:00 does not exist: 00:30 UTC is 01:30, 01:30 UTC is 03:30.
	before := c.At(time.Date(2024, 3, 31, 0, 30, 0, 0, time.UTC), time.Hour/2)
	after := c.At(time.Date(2024, 3, 31, 1, 30, 0, 0, time.UTC), time.Hour/2)
	if before.Slot != 2 || after.Slot != 6 || before.Day != after.Day {
		t.Fatalf("slots %d and %d on days %d and %d, want 2 and 6 on one day", before.Slot, after.Slot, before.Day, after.Day)
	}
	// 08:00 to 08:30 is slot 16 on both sides.
	for _, day := range []int{30, 31} {
		local := time.Date(2024, 3, day, 8, 30, 0, 0, zone(t, "Europe/Rome"))
		if m := c.At(local, time.Hour/2); m.Slot != 16 {
			t.Errorf("%v is slot %d, want 16", local, m.Slot)
		}
	}
}

func TestMidnightIntervalBelongsToTheDayThatEnds(t *testing.T) {
	c := NewCalendar(nil, nil)
	m := c.At(time.Date(2012, 3, 2, 0, 0, 0, 0, time.UTC), 5*time.Minute)
	if m.Slot != 287 || m.Class != DayClass(time.Thursday) {
		t.Fatalf("got slot %d class %d", m.Slot, m.Class)
	}
}

func TestReadHolidays(t *testing.T) {
	h, err := ReadHolidays(strings.NewReader("date,name\n# note\n2024-03-08,Frauentag\n\n2024-03-09,workday\n"), "h.csv")
	if err != nil {
		t.Fatal(err)
	}
	if h(2024, 3, 8) != DayOff || h(2024, 3, 9) != DayWorked || h(2024, 3, 10) != DayPlain {
		t.Fatal("rules differ from the file")
	}
	_, err = ReadHolidays(strings.NewReader("2024-13-01\nx\n"), "h.csv")
	if err == nil || !strings.Contains(err.Error(), "h.csv:1") || !strings.Contains(err.Error(), "h.csv:2") {
		t.Fatalf("problems: %v", err)
	}
}

func FuzzReadHolidays(f *testing.F) {
	f.Add("2024-03-08,x\n")
	f.Add("date\n\ufeff2024-02-30")
	f.Fuzz(func(t *testing.T, s string) {
		if h, err := ReadHolidays(strings.NewReader(s), "f"); err == nil {
			h(2024, 1, 1)
		}
	})
}

func TestSlotsStayInsideTheDay(t *testing.T) {
	rome := zone(t, "Europe/Rome")
	rapid.Check(t, func(t *rapid.T) {
		interval := time.Duration(rapid.SampledFrom([]int{60, 300, 900, 3600, 86400, 420}).Draw(t, "s")) * time.Second
		end := time.Unix(rapid.Int64Range(0, 2e9).Draw(t, "t"), 0)
		m := NewCalendar(rome, nil).At(end, interval)
		if m.Slot < 0 || int(m.Slot) >= Slots(interval) {
			t.Fatalf("slot %d of %d", m.Slot, Slots(interval))
		}
	})
}
