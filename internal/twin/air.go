package twin

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"tideway/forecast"
	"tideway/forecast/air/field"
	"tideway/internal/fault"
	"tideway/sim/air"
	"tideway/sim/air/emission"
)

// airEvery is the city's time between two fields: traffic and air of a minute
// ago are those of now.
const airEvery = 5 * time.Minute

// weatherKept is how long hours of weather count after they are over, and
// weatherMost how far ahead they may lie.
const (
	weatherKept = 2 * time.Hour
	weatherMost = 16 * 24 * time.Hour
)

// airLoop makes a field of the newest forecast whenever it is woken.
type airLoop struct {
	wake    chan struct{}
	newest  atomic.Pointer[field.Field]
	given   atomic.Pointer[field.Sky]
	record  *weatherRecord
	renewed atomic.Bool // weather came: the next field does not wait
}

// Air returns the newest air of the city, nil before the first. It follows a
// forecast within seconds.
func (t *Twin) Air() *field.Field {
	if f := t.air.newest.Load(); f != nil && f.Forecast.City == t.City() {
		return f
	}
	return nil
}

// Weather returns the hours of weather that were given and are not over.
func (t *Twin) Weather() field.Sky {
	if s := t.air.given.Load(); s != nil {
		return *s
	}
	return nil
}

// AddWeather takes hours of weather, measured or forecast, in place of what was
// given before for the same hours. They are durable when it returns, and
// remembered for models to learn from.
func (t *Twin) AddWeather(ctx context.Context, hours field.Sky) (field.Sky, error) {
	t.change.Lock()
	defer t.change.Unlock()
	now := t.o.Now()
	if err := t.checkWeather(hours, now); err != nil {
		return nil, err
	}
	if len(hours) == 0 {
		return t.Weather(), nil
	}
	all := t.Weather().Merge(hours, now.Add(-weatherKept))
	b, err := t.bus.Bucket(ctx, weatherBucket)
	if err != nil {
		return nil, err
	}
	if err := t.air.record.keep(ctx, b, now, hours); err != nil {
		return nil, err
	}
	t.air.given.Store(&all)
	t.air.renewed.Store(true)
	t.wakeAir()
	return all, nil
}

func (t *Twin) checkWeather(hours field.Sky, now time.Time) error {
	var bad fault.List
	for i := range hours {
		where := fmt.Sprintf("hours[%d]", i)
		hours[i].Check(where, &bad)
		if at := hours[i].At; at.After(now.Add(weatherMost)) {
			bad.Addf(where, "at", "is %s, expected at most 16 days ahead", at.Format(time.RFC3339))
		}
	}
	return bad.Err("taking weather")
}

func (t *Twin) wakeAir() {
	select {
	case t.air.wake <- struct{}{}:
	default:
	}
}

// followAir makes fields until ctx ends. The newest forecast counts; those that
// came while a field was made are passed over.
func (t *Twin) followAir(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.air.wake:
		}
		if err := t.makeAir(ctx); err != nil && ctx.Err() == nil {
			t.o.Report(fmt.Errorf("air of the city: %w", err))
		}
	}
}

func (t *Twin) makeAir(ctx context.Context) error {
	p := t.now()
	f := p.runner.Latest()
	if f == nil || !t.airDue(f) {
		return nil
	}
	if p.air == nil {
		runner, err := field.New(field.Options{City: p.city, Mix: mixOf(t.o), Threads: t.o.Threads})
		if err != nil {
			return err
		}
		p.air = runner
	}
	next, err := p.air.Tick(ctx, f, p.feed.Snapshot(), t.Weather())
	if err != nil {
		return err
	}
	t.air.newest.Store(next)
	t.notify.call()
	return nil
}

// airDue tells whether the newest field is too old for a forecast.
func (t *Twin) airDue(f *forecast.Forecast) bool {
	old := t.Air()
	return t.air.renewed.Swap(false) || old == nil || f.IssuedAt.Sub(old.Forecast.IssuedAt) >= airEvery
}

// mixOf is the mix of vehicles in the demand, unknown (zero) without one.
func mixOf(o Options) (mix [emission.Categories]float64) {
	if o.Demand == nil {
		return mix
	}
	for _, trip := range o.Demand.Trips {
		if c, ok := air.CategoryOf(o.Demand.Types[trip.Type].Class); ok {
			mix[c]++
		}
	}
	return share(mix)
}

func share(mix [emission.Categories]float64) [emission.Categories]float64 {
	sum := 0.0
	for _, n := range mix {
		sum += n
	}
	for i := range mix {
		if sum > 0 {
			mix[i] /= sum
		}
	}
	return mix
}
