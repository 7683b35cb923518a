package twin

import (
	"context"
	"fmt"
	"time"

	"tideway/forecast"
	"tideway/geo"
	"tideway/geo/match"
	"tideway/internal/fault"
	"tideway/live"
)

// Put takes a batch; it returns when the batch is durable. After a backfill
// models are fitted anew at the next tick.
func (t *Twin) Put(ctx context.Context, b *live.Batch) (live.Answer, error) {
	t.swap.RLock()
	defer t.swap.RUnlock()
	a, err := t.part.feed.Put(ctx, b)
	if b.Backfill && a.Accepted > 0 {
		t.filled.Store(true)
	}
	return a, err
}

// Stats returns the feed's counters.
func (t *Twin) Stats() live.Stats { return t.now().feed.Stats() }

// Unmatched returns the outside ids of sensors that have history but are not
// in the city any more.
func (t *Twin) Unmatched() []string { return t.now().feed.Unmatched() }

// Values returns one value per interval that ends in (from, to]; NaN where
// nothing was measured.
func (t *Twin) Values(ctx context.Context, sensor string, q geo.Quantity, interval time.Duration, from, to time.Time) ([]float32, error) {
	t.swap.RLock()
	defer t.swap.RUnlock()
	return History{t.part.feed}.Values(ctx, sensor, q, interval, from, to)
}

// Typical returns the usual course of a series on the same grid as Values.
func (t *Twin) Typical(_ context.Context, s live.Series, from, to time.Time) ([]float32, error) {
	return t.now().runner.Typical(s, from, to), nil
}

// Skill returns how issued forecasts did.
func (t *Twin) Skill() forecast.Skill {
	if s := t.now().runner.Skill(); s != nil {
		return *s
	}
	return forecast.Skill{}
}

// AddSensors matches devices to segments, checks them all, and adds them to
// the city, which gets a new version. Readings wait meanwhile; history stays.
func (t *Twin) AddSensors(ctx context.Context, sensors []geo.Sensor) ([]geo.Sensor, error) {
	t.change.Lock()
	defer t.change.Unlock()
	city := t.City()
	if err := unknownOnly(city, sensors); err != nil {
		return nil, err
	}
	matched := match.Match(city, sensors, match.Options{}).Sensors
	draft := city.Draft()
	draft.Sensors = append(draft.Sensors, matched...)
	next, err := draft.Build()
	if err != nil {
		return nil, err
	}
	if t.o.SaveCity != nil {
		if err := t.o.SaveCity(next); err != nil {
			return nil, fmt.Errorf("keeping the city with %d more sensors: %w", len(sensors), err)
		}
	}
	return matched, t.replace(ctx, next)
}

func unknownOnly(city *geo.City, sensors []geo.Sensor) error {
	var bad fault.List
	seen := map[string]bool{}
	for i, s := range sensors {
		_, known := city.Sensors.Find(s.ID)
		if known || seen[s.ID] {
			bad.Addf(fmt.Sprintf("sensors[%d]", i), s.ID, "the city has this sensor already, expected a new id")
		}
		seen[s.ID] = true
	}
	return bad.Err("adding sensors")
}

// replace puts a city in force. When it cannot be opened the old one is opened
// again, so that readings go on.
func (t *Twin) replace(ctx context.Context, city *geo.City) error {
	t.swap.Lock()
	defer t.swap.Unlock()
	old := t.part
	if err := old.feed.Close(); err != nil {
		return fmt.Errorf("closing the feed to replace the city: %w", err)
	}
	next, err := t.openPart(ctx, city)
	if err != nil {
		again, failed := t.openPart(ctx, old.city)
		if failed != nil {
			return fmt.Errorf("replacing the city: %w; and the old one cannot be opened: %w", err, failed)
		}
		t.part = again
		return fmt.Errorf("replacing the city: %w", err)
	}
	t.part = next
	if err := t.announce(ctx, city); err != nil {
		return err
	}
	if _, err := next.runner.Tick(ctx, next.feed.Tick(t.o.Now())); err != nil {
		return fmt.Errorf("first forecast of the new city: %w", err)
	}
	t.Refit()
	t.notify.call()
	t.wakeAir()
	return nil
}
