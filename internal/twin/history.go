package twin

import (
	"context"
	"math"
	"time"

	"tideway/geo"
	"tideway/live"
)

// History gives a feed's past to forecast: values on the grid of an interval,
// NaN where nothing trustworthy was measured.
type History struct{ Feed *live.Feed }

// Values returns one value per interval that ends in (from, to].
func (h History) Values(ctx context.Context, sensor string, q geo.Quantity, interval time.Duration, from, to time.Time) ([]float32, error) {
	values, err := h.Feed.History(ctx, sensor, q, from, to)
	if err != nil {
		return nil, err
	}
	return onGrid(values, interval, from, to), nil
}

// Columns returns Values of many series, reading each file once.
func (h History) Columns(ctx context.Context, sensors []string, q geo.Quantity, interval time.Duration, from, to time.Time) ([][]float32, error) {
	keys := make([]live.Key, len(sensors))
	for i, id := range sensors {
		keys[i] = live.Key{Sensor: id, Quantity: q}
	}
	points, err := h.Feed.Histories(ctx, keys, from, to)
	if err != nil {
		return nil, err
	}
	out := make([][]float32, len(sensors))
	for i, series := range points {
		values := make([]live.Value, len(series))
		for k, p := range series {
			values[k] = live.ValueOf(q, p)
		}
		out[i] = onGrid(values, interval, from, to)
	}
	return out, nil
}

// onGrid lays values on the grid of an interval, NaN where there is none.
func onGrid(values []live.Value, interval time.Duration, from, to time.Time) []float32 {
	out := make([]float32, max(0, int(to.Sub(from)/interval)))
	for i := range out {
		out[i] = float32(math.NaN())
	}
	for _, v := range values {
		if at, ok := slot(v, interval, from, len(out)); ok {
			out[at] = float32(v.Value)
		}
	}
	return out
}

// slot returns the place of a value on the grid. A stuck sensor's values are
// left out; a jump is doubtful but more often true than not.
func slot(v live.Value, interval time.Duration, from time.Time, n int) (int, bool) {
	since := v.End.Sub(from)
	at := int(since/interval) - 1
	return at, since%interval == 0 && at >= 0 && at < n && v.Doubt != live.Stuck && (v.Interval == 0 || v.Interval == interval)
}
