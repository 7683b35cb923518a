package world

import (
	"time"

	"tideway/internal/rng"
)

// device is what can fail: some days it is cut off for hours, some days it
// repeats itself.
type device struct {
	seed, key uint64

	day            int64 // for which the episodes below are known
	cut, repeating episode
}

// episode is a stretch of a day.
type episode struct{ from, to time.Time }

func (e episode) holds(t time.Time) bool { return t.After(e.from) && !t.After(e.to) }

type condition uint8

const (
	working condition = iota
	broken
	stuck
)

// How often a device fails on a day, and for how long on average.
const (
	cutOdds   = 0.03
	cutTime   = 90 * time.Minute
	stuckOdds = 0.008
	stuckTime = 3 * time.Hour
)

// state tells how the device was in the interval that ended at t.
func (d *device) state(t time.Time) condition {
	const daySeconds = 86400
	if n := t.Unix() / daySeconds; n != d.day {
		d.day = n
		luck := rng.New(d.seed, d.key+uint64(n), rng.Fault)
		midnight := time.Unix(n*daySeconds, 0)
		d.cut, d.repeating = draw(&luck, midnight, cutOdds, cutTime), draw(&luck, midnight, stuckOdds, stuckTime)
	}
	switch {
	case d.cut.holds(t):
		return broken
	case d.repeating.holds(t):
		return stuck
	}
	return working
}

// draw returns an episode of a UTC day, or none; it ends with the day.
func draw(luck *rng.Stream, midnight time.Time, odds float64, mean time.Duration) (e episode) {
	happens, at, length := luck.Float64() < odds, luck.Float64(), luck.Exponential()
	if happens {
		e.from = midnight.Add(time.Duration(at * 24 * float64(time.Hour)))
		e.to = e.from.Add(time.Duration(length * float64(mean)))
		if next := midnight.Add(24 * time.Hour); e.to.After(next) {
			e.to = next
		}
	}
	return e
}
