package forecast

import (
	"context"
	"slices"
	"time"
)

// Columns of a SkyHour.
const (
	SkyWind        = iota // m/s
	SkyEast               // part of the wind that comes from the east, m/s
	SkyNorth              // part that comes from the north, m/s
	SkyTemperature        // °C
	SkyCloud              // share of the sky
	SkySolar              // global radiation, W/m²
	SkyColumns
)

// SkyHour is the weather of one hour, NaN where unknown.
type SkyHour [SkyColumns]float32

// UnknownSky is an hour of which nothing is known.
var UnknownSky = SkyHour{missing, missing, missing, missing, missing, missing}

// known reports whether the wind is known, without which the rest says little.
func (h *SkyHour) known() bool { return !isMissing(h[SkyWind]) }

// Sky is the weather of a city hour by hour.
type Sky struct {
	First time.Time // end of the first hour
	Hours []SkyHour
}

// Index returns the position of the hour in which an instant lies, its end
// included; outside of Hours where the sky is not told of.
func (s *Sky) Index(t time.Time) int { return int(hourEnd(t).Sub(s.First) / time.Hour) }

func hourEnd(t time.Time) time.Time {
	if h := t.Truncate(time.Hour); !h.Equal(t) {
		return h.Add(time.Hour)
	}
	return t
}

// Skies tells the weather of a city. The hours asked for are those that end in
// (from, to], both whole. It must be safe for concurrent use.
type Skies interface {
	// Measured returns what the city's own sensors measured, UnknownSky where
	// nothing.
	Measured(ctx context.Context, from, to time.Time) ([]SkyHour, error)
	// Given returns what had been given of these hours until an instant, as a
	// forecast or afterwards, the newest word of each.
	Given(from, to, until time.Time) []SkyHour
}

// skyBefore is how much weather before its origin a window shows.
const skyBefore = 24 * time.Hour

// skyOf returns the weather from skyBefore before from to to: as measured, else
// as it was given by until.
func (r *Runner) skyOf(ctx context.Context, from, to, until time.Time) (Sky, error) {
	begin, end := hourEnd(from).Add(-skyBefore-time.Hour), hourEnd(to)
	measured, err := r.opt.Skies.Measured(ctx, begin, until.Truncate(time.Hour))
	if err != nil {
		return Sky{}, err
	}
	s := Sky{First: begin.Add(time.Hour), Hours: r.opt.Skies.Given(begin, end, until)}
	for i, m := range measured {
		for c, v := range m {
			if i < len(s.Hours) && !isMissing(v) {
				s.Hours[i][c] = v
			}
		}
	}
	return s, nil
}

// hasSky reports whether models of a group are told the weather: pollutants,
// where somebody tells it.
func (r *Runner) hasSky(k groupKey) bool {
	return r.opt.Skies != nil && k.quantity.IsPollutant() && k.interval <= time.Hour
}

// around is the part of a sky that a window at an origin shows. It is shared.
func (s Sky) around(w *Window) Sky {
	from, to := s.Index(w.Origin.Add(-skyBefore)), s.Index(w.Target(len(w.Steps)-1))+1
	from, to = max(0, from), min(len(s.Hours), to)
	if from >= to {
		return Sky{}
	}
	return Sky{First: s.First.Add(time.Duration(from) * time.Hour), Hours: s.Hours[from:to]}
}

// asKnown is the sky around a window whose hours after the origin are as they
// had been given by then: what a forecast of that time could have known.
func (s Sky) asKnown(w *Window, skies Skies) Sky {
	out := s.around(w)
	now := out.Index(w.Origin) + 1
	if now >= len(out.Hours) {
		return out
	}
	out.Hours = slices.Clone(out.Hours)
	from := hourEnd(w.Origin)
	copy(out.Hours[now:], skies.Given(from, from.Add(time.Duration(len(out.Hours)-now)*time.Hour), w.Origin))
	return out
}

// Target returns the end of the interval that a step speaks of.
func (w *Window) Target(step int) time.Time {
	return w.Origin.Add(time.Duration(w.Steps[step]) * w.Interval)
}

// SkyTold reports whether the weather of every hour from the origin to the
// target of a step is known.
func (w *Window) SkyTold(step int) bool {
	now, then := w.Sky.Index(w.Origin), w.Sky.Index(w.Target(step))
	if len(w.Sky.Hours) == 0 || then >= len(w.Sky.Hours) {
		return false
	}
	for k := max(0, min(now+1, then)); k <= then; k++ {
		if !w.Sky.Hours[k].known() {
			return false
		}
	}
	return true
}
