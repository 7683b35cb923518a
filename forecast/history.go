package forecast

import (
	"context"
	"time"

	"tideway/geo"
	"tideway/live"
)

// History gives past values of a series. from and to lie on the grid of the
// interval; the result holds one value per interval that ends in (from, to],
// in order, NaN where nothing (or nothing trustworthy) was measured: its
// length is (to-from)/interval. It must be safe for concurrent use.
type History interface {
	Values(ctx context.Context, sensor string, q geo.Quantity, interval time.Duration, from, to time.Time) ([]float32, error)
}

// BulkHistory is a History that reads many series at once more cheaply than
// one by one; the runner uses it where it is offered. Columns are in the order
// of sensors.
type BulkHistory interface {
	History
	Columns(ctx context.Context, sensors []string, q geo.Quantity, interval time.Duration, from, to time.Time) ([][]float32, error)
}

// Archive keeps what was issued and how it turned out. Both calls come from
// Tick, in order of time; an error is returned by Tick after the forecast has
// been published.
type Archive interface {
	Issued(ctx context.Context, f *Forecast) error
	Scored(ctx context.Context, s []Scored) error
}

// Scored is one issued value whose time has come.
type Scored struct {
	Series   live.Series
	Model    string
	Origin   time.Time     // the forecast's
	Horizon  time.Duration // from Origin
	Forecast Point
	Truth    float32 // measured
	Last     float32 // what repeating the last value would have said; NaN when unknown
	Typical  float32 // what the profile would have said; NaN when unknown
}
