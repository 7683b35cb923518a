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
	out := make([]float32, max(0, int(to.Sub(from)/interval)))
	for i := range out {
		out[i] = float32(math.NaN())
	}
	for _, v := range values {
		if at, ok := slot(v, interval, from, len(out)); ok {
			out[at] = float32(v.Value)
		}
	}
	return out, nil
}

// slot returns the place of a value on the grid. A stuck sensor's values are
// left out; a jump is doubtful but more often true than not.
func slot(v live.Value, interval time.Duration, from time.Time, n int) (int, bool) {
	since := v.End.Sub(from)
	at := int(since/interval) - 1
	return at, since%interval == 0 && at >= 0 && at < n && v.Doubt != live.Stuck && (v.Interval == 0 || v.Interval == interval)
}
