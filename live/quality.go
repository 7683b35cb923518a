package live

import (
	"math"
	"time"

	"tideway/geo"
	"tideway/live/store"
)

// Limits in time of what Put takes.
const (
	LateLimit       = 7 * 24 * time.Hour // a reading older than this is refused unless the batch is a backfill
	futureTolerance = 5 * time.Minute    // a clock may be ahead by so much
)

// rule is what is plausible of a quantity, in its canonical unit. Values
// outside [min, max] are refused. A value that differs from the one before (at
// most three intervals earlier) by more than jump is marked rate_of_change. One that
// repeats at least run times over at least span is marked stuck, unless it is
// at or below quiet: instruments rest at zero or at their detection limit.
//
// The ranges are wider than any value measured at a roadside or urban station;
// jumps and runs are chosen so that real hourly and minute data passes (flows
// are counts of few vehicles, CO is reported in steps of 0.1 mg/m3).
type rule struct {
	min, max float64
	jump     float64
	run      int
	span     time.Duration
	quiet    float64
}

var never = math.Inf(1)

var rules = [...]rule{
	geo.Speed:         {0, 300, 100, 8, 30 * time.Minute, 0},
	geo.Flow:          {0, 40_000, 8_000, 8, time.Hour, 60},
	geo.Occupancy:     {0, 1, 0.9, 8, time.Hour, 0.02},
	geo.NO2:           {0, 2_000, 250, 8, 6 * time.Hour, 5},
	geo.O3:            {0, 1_000, 200, 8, 6 * time.Hour, 5},
	geo.CO:            {0, 150, 15, 24, 24 * time.Hour, 0.5},
	geo.PM10:          {0, 5_000, 800, 8, 6 * time.Hour, 5},
	geo.PM25:          {0, 3_000, 500, 8, 6 * time.Hour, 5},
	geo.Temperature:   {-80, 65, 15, 12, 6 * time.Hour, -80},
	geo.WindSpeed:     {0, 120, 40, 12, 6 * time.Hour, 0.5},
	geo.WindDirection: {0, 360, never, 12, 6 * time.Hour, 0},
	geo.Humidity:      {0, 100, 70, 12, 12 * time.Hour, 0},
	geo.Pressure:      {300, 1_100, 20, 24, 24 * time.Hour, 0},
	geo.Radiation:     {-20, 1_600, never, 12, 6 * time.Hour, 10},
	geo.Precipitation: {0, 500, never, 24, 24 * time.Hour, 0},
}

// Range returns the values of q that are taken, in its canonical unit.
func Range(q geo.Quantity) (lo, hi float64) { return rules[q].min, rules[q].max }

// stateless judges what needs no history: the value and its time.
func stateless(q geo.Quantity, value float64, endMS, oldestMS, newestMS int64) verdict {
	switch r := &rules[q]; {
	case math.IsNaN(value) || math.IsInf(value, 0):
		return verdictNaN
	case value < r.min || value > r.max:
		return verdictRange
	case endMS > newestMS:
		return verdictFuture
	case endMS < oldestMS:
		return verdictLate
	}
	return verdictOK
}

// doubt judges an accepted value against those before it.
func (s *series) doubt(p store.Point, old bool) verdict {
	r := &rules[s.key.Quantity]
	near := s.nearMS(p)
	firstSame, same, v := p.EndMS, 1, verdictOK
	value := p.Code.Value(s.key.Quantity)
	s.before(p.EndMS, old, func(endMS int64, c store.Code) bool {
		if same == 1 && p.EndMS-endMS <= near && math.Abs(c.Value(s.key.Quantity)-value) > r.jump {
			v = verdictJumped
		}
		if !c.SameValue(p.Code) || firstSame-endMS > near {
			return false
		}
		firstSame, same = endMS, same+1
		return value > r.quiet && (same < r.run || p.EndMS-firstSame < r.span.Milliseconds())
	})
	if value > r.quiet && same >= r.run && p.EndMS-firstSame >= r.span.Milliseconds() {
		return verdictStuck
	}
	return v
}

// nearMS is how far apart two values may lie and still be neighbours.
func (s *series) nearMS(p store.Point) int64 {
	every := max(s.intervalMS, int64(p.IntervalS)*1000)
	if every == 0 {
		every = (10 * time.Minute).Milliseconds()
	}
	return 3 * every
}
