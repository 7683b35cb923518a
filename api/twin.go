package api

import (
	"context"
	"io"
	"time"

	"tideway/forecast"
	"tideway/forecast/air/field"
	"tideway/geo"
	"tideway/internal/fault"
	"tideway/live"
	"tideway/scenarios"
)

// Twin is what the service tells about: internal/twin satisfies it. All
// methods are safe for concurrent use. An id that does not exist is an error
// that wraps fs.ErrNotExist (answered with 404), input problems are a
// *fault.Error (422).
type Twin interface {
	// City returns the city in force.
	City() *geo.City
	// Ready returns nil when readings are taken and forecasts issued, else why not yet.
	Ready() error
	// Forecast returns the newest forecast, nil before the first. It speaks of
	// every segment, so it is also the state of the city now.
	Forecast() *forecast.Forecast
	// Subscribe calls notify whenever a forecast was published, a run changed
	// or the city was replaced, until cancel is called. notify does not block.
	Subscribe(notify func()) (cancel func())

	Readings
	Verification
	Air
	Lab
}

// Air is the air between the stations.
type Air interface {
	// Air returns the newest air of the city, nil before the first.
	Air() *field.Field
	// Weather returns the hours of weather that were given and are not over.
	Weather() field.Sky
	// AddWeather takes hours of weather in place of those given before, and
	// returns all that are in force.
	AddWeather(ctx context.Context, hours field.Sky) (field.Sky, error)
}

// Readings is the way in for readings and the way back to them.
type Readings interface {
	// Put takes a batch; it returns when the batch is durable.
	Put(ctx context.Context, b *live.Batch) (live.Answer, error)
	// AddSensors matches devices to segments, checks them all, and adds them to
	// the city, which gets a new version. It returns them as matched.
	AddSensors(ctx context.Context, s []geo.Sensor) ([]geo.Sensor, error)
	// Values is forecast.History: one value per interval that ends in (from, to].
	Values(ctx context.Context, sensor string, q geo.Quantity, interval time.Duration, from, to time.Time) ([]float32, error)
	// Stats returns the feed's counters.
	Stats() live.Stats
}

// Verification tells what is usual, who forecasts, and how well.
type Verification interface {
	// Typical returns the usual course of a series: one value per interval that
	// ends in (from, to], NaN where unknown.
	Typical(ctx context.Context, s live.Series, from, to time.Time) ([]float32, error)
	// Skill returns how issued forecasts did.
	Skill() forecast.Skill
	// Models returns the models in use, serving ones first.
	Models() []forecast.ModelInfo
	// Training returns how far a training has come, nil when none is under way.
	Training() *forecast.Progress
	// Rollback puts the model that served a quantity and interval before the
	// serving one back.
	Rollback(ctx context.Context, q geo.Quantity, interval time.Duration) error
}

// Lab is the scenario lab.
type Lab interface {
	// CheckScenario resolves a document against the city and demand in force.
	CheckScenario(ctx context.Context, d *scenarios.Document) (*scenarios.Case, error)
	// AddScenario checks and stores a document and returns its id.
	AddScenario(ctx context.Context, d *scenarios.Document) (id string, err error)
	// Scenario returns a stored document and when it was stored.
	Scenario(ctx context.Context, id string) (*scenarios.Document, time.Time, error)
	// EvaluateSignal works out a signal with a changed plan, without simulating it.
	EvaluateSignal(ctx context.Context, q scenarios.SignalQuestion) (*scenarios.SignalAnswer, error)
	// Scenarios returns the ids of all stored documents, newest first.
	Scenarios(ctx context.Context) ([]string, error)
	// Submit starts a run, or finds the one that was asked for before.
	Submit(ctx context.Context, r scenarios.Request) (scenarios.Run, error)
	// Run returns a run.
	Run(ctx context.Context, id string) (scenarios.Run, error)
	// Runs returns all runs, newest first.
	Runs(ctx context.Context) ([]scenarios.Run, error)
	// Cancel ends a run that has not ended.
	Cancel(ctx context.Context, id string) (scenarios.Run, error)
	// Rebase returns a stored scenario pinned to the city in force and every
	// conflict; without conflicts it is stored.
	Rebase(ctx context.Context, id string) (*scenarios.Document, []fault.Problem, error)
	// Recommend starts a run that compares scenarios for the next hour, with the
	// demand that the forecast expects, and ends within the deadline.
	Recommend(ctx context.Context, ids []string, deadline time.Duration, replications int) (scenarios.Run, error)
	// Optimisation returns what a finished search found; it has the run's id.
	Optimisation(ctx context.Context, run string) (*scenarios.Optimisation, error)
	// Comparison returns what a finished run found; it has the run's id.
	Comparison(ctx context.Context, run string) (*scenarios.Comparison, error)
	// Report writes what a finished run found as one HTML page; drawing it takes
	// a simulation of every side.
	Report(ctx context.Context, run string, out io.Writer) error
}
