package twin

import (
	"context"
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"sort"
	"time"

	"tideway/forecast"
	"tideway/geo"
	"tideway/internal/bus"
	"tideway/live"
)

// Hindcast says which past to forecast over again.
type Hindcast struct {
	From, To time.Time                // first and last tick
	Step     time.Duration            // between ticks; 0: 1 h
	Progress func(done, total int)    // after every tick; nil: nobody wants to know
	Each     func(*forecast.Forecast) // sees every forecast; nil: nobody does
}

// stale is how old a value may be and still count as the newest of a series in
// a past snapshot: daily values arrive a day late.
const stale = 48 * time.Hour

// RunHindcast forecasts a past period from the data folder of a service that
// is not running, tick by tick, with the runner that serves: at each tick it
// sees what had been measured until then, models are fitted on the history
// before the period and refitted every night. It returns the skill.
func RunHindcast(ctx context.Context, o Options, h Hindcast) (*forecast.Skill, error) {
	o = o.withDefaults()
	if h.Step == 0 {
		h.Step = time.Hour
	}
	if !h.From.Before(h.To) {
		return nil, fmt.Errorf("forecasting the past from %s to %s: the end must be later than the beginning", h.From, h.To)
	}
	past, err := loadPast(ctx, o, h)
	if err != nil {
		return nil, err
	}
	runner, err := forecast.New(forecast.Options{City: o.City, History: past, Skies: skies{o.City, past, past.given}, Holidays: o.Holidays, Learners: o.Learners, Threads: o.Threads, Memory: memory})
	if err != nil {
		return nil, err
	}
	total, refit := int(h.To.Sub(h.From)/h.Step)+1, h.From
	for k := range total {
		at := h.From.Add(time.Duration(k) * h.Step)
		snap := past.snapshot(at, uint64(k+1))
		if !at.Before(refit) {
			if err := fit(ctx, runner, snap, len(o.Learners) > 0); err != nil {
				return nil, err
			}
			refit = refit.AddDate(0, 0, 1)
		}
		f, err := runner.Tick(ctx, snap)
		if err != nil {
			return nil, err
		}
		if h.Each != nil {
			h.Each(f)
		}
		if h.Progress != nil {
			h.Progress(k+1, total)
		}
	}
	return runner.Skill(), nil
}

func fit(ctx context.Context, r *forecast.Runner, snap *live.Snapshot, learn bool) error {
	if err := r.Refresh(ctx, snap); err != nil || !learn {
		return err
	}
	_, err := r.Learn(ctx, snap)
	return err
}

// memory is how much history a hindcast loads before its period: what a fit reads.
const memory = 56 * 24 * time.Hour

// past is a stretch of history in memory. What a caller may not know yet it
// does not ask for: every request ends at its tick.
type past struct {
	city   *geo.City
	series []live.Series
	points map[live.Key][]live.Value
	given  *weatherRecord
}

func loadPast(ctx context.Context, o Options, h Hindcast) (_ *past, err error) {
	b, err := bus.Start(bus.Options{Dir: filepath.Join(o.Dir, "bus")})
	if err != nil {
		return nil, err
	}
	defer b.Stop()
	log, err := b.Log(ctx, live.LogName)
	if err != nil {
		return nil, err
	}
	feed, err := live.Open(ctx, live.Options{City: o.City, Dir: filepath.Join(o.Dir, "readings"), Log: log, Now: o.Now, Retain: o.Retain, Threads: o.Threads})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, feed.Close()) }()
	p := &past{city: o.City, series: feed.Series(), points: map[live.Key][]live.Value{}}
	if p.given, _, err = recallWeather(ctx, b, h.From, h.From); err != nil {
		return nil, err
	}
	for _, s := range p.series {
		key := s.Key(o.City)
		if p.points[key], err = feed.History(ctx, key.Sensor, key.Quantity, h.From.Add(-memory), h.To); err != nil {
			return nil, err
		}
	}
	return p, nil
}

// Values returns one value per interval that ends in (from, to].
func (p *past) Values(_ context.Context, sensor string, q geo.Quantity, interval time.Duration, from, to time.Time) ([]float32, error) {
	points := p.points[live.Key{Sensor: sensor, Quantity: q}]
	first := sort.Search(len(points), func(i int) bool { return points[i].End.After(from) })
	last := sort.Search(len(points), func(i int) bool { return points[i].End.After(to) })
	return onGrid(points[first:last], interval, from, to), nil
}

// Columns returns Values of many series.
func (p *past) Columns(ctx context.Context, sensors []string, q geo.Quantity, interval time.Duration, from, to time.Time) (out [][]float32, err error) {
	for _, id := range sensors {
		values, err := p.Values(ctx, id, q, interval, from, to)
		if err != nil {
			return nil, err
		}
		out = append(out, values)
	}
	return out, nil
}

// snapshot is the state of the city as it was known at a past instant.
func (p *past) snapshot(at time.Time, seq uint64) *live.Snapshot {
	snap := &live.Snapshot{City: p.city, At: at, Seq: seq, Series: make([]live.SeriesState, len(p.series))}
	for i, s := range p.series {
		snap.Series[i] = live.SeriesState{Series: s, Value: math.NaN()}
		points := p.points[s.Key(p.city)]
		last := sort.Search(len(points), func(i int) bool { return points[i].End.After(at) }) - 1
		if last >= 0 && at.Sub(points[last].End) <= stale {
			snap.Series[i].End, snap.Series[i].Value, snap.Series[i].Doubt = points[last].End, points[last].Value, points[last].Doubt
		}
	}
	snap.Roads = live.FoldRoads(snap)
	return snap
}
