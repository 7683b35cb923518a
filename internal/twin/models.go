package twin

import (
	"context"
	"time"

	"tideway/forecast"
	"tideway/geo"
)

// modelBucket is where learned models outlive the process.
const modelBucket = "models"

// Training returns how far the training that is under way has come, nil when
// none is.
func (t *Twin) Training() *forecast.Progress { return t.training.Load() }

// Models returns the models in use, serving ones first.
func (t *Twin) Models() []forecast.ModelInfo { return t.now().runner.Models() }

// Rollback puts the model that served a group before the serving one back. It
// returns an error that wraps fs.ErrNotExist when there was none.
func (t *Twin) Rollback(ctx context.Context, q geo.Quantity, interval time.Duration) error {
	return t.now().runner.Rollback(ctx, q, interval)
}
