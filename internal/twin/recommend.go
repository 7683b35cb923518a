package twin

import (
	"context"
	"math"
	"time"

	"tideway/forecast"
	"tideway/geo"
	"tideway/scenarios"
)

// outlook is how far ahead a recommendation looks.
const outlook = time.Hour

// volumeLimits bound what a forecast may make of the demand: beyond them the
// sensors, not the traffic, are the likelier cause.
const leastVolume, mostVolume = 0.3, 2.0

// Recommend compares scenarios with doing nothing for the next hour and
// returns the run, which ends within the deadline once a worker has it. The
// demand is that of this time of day, scaled by how much more or less flow than
// usual the newest forecast expects until then.
func (t *Twin) Recommend(ctx context.Context, ids []string, deadline time.Duration, replications int) (scenarios.Run, error) {
	r := scenarios.Request{Scenarios: ids, Deadline: deadline, Replications: replications, Volume: expectedVolume(t.Forecast())}
	r.Begin, r.End = t.nextHour()
	return t.Submit(ctx, r)
}

// expectedVolume returns the forecast flows of the next hour over those that
// are usual then, over all flow sensors; 1 when nothing is known.
func expectedVolume(f *forecast.Forecast) float64 {
	if f == nil {
		return 1
	}
	var expected, usual float64
	for _, g := range f.Groups {
		if g.Quantity != geo.Flow {
			continue
		}
		for i := range g.Series {
			for h, ahead := range g.Horizons {
				v, typical := float64(g.Bands.Value[i*g.Bands.Horizons+h]), float64(g.Typical[i*len(g.Horizons)+h])
				if ahead <= outlook && !math.IsNaN(v) && !math.IsNaN(typical) {
					expected, usual = expected+v, usual+typical
				}
			}
		}
	}
	if !(usual > 0) {
		return 1
	}
	volume := min(mostVolume, max(leastVolume, expected/usual))
	return math.Round(volume*100) / 100 // so that the same situation is the same run
}

// nextHour returns the hour that begins now on the demand's clock, in whole
// minutes, or the period of runs when the demand says nothing of that time.
func (t *Twin) nextHour() (begin, end time.Duration) {
	local := t.o.Now().In(t.City().TimeZone)
	begin = time.Duration(local.Hour())*time.Hour + time.Duration(local.Minute())*time.Minute
	if d := t.o.Demand; d == nil || len(d.Trips) == 0 || begin < d.Trips[0].Depart || begin+outlook > d.Trips[len(d.Trips)-1].Depart+time.Minute {
		return t.o.Period.Begin, t.o.Period.End
	}
	return begin, begin + outlook
}
