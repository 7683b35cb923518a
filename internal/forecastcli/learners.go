package forecastcli

import (
	"tideway/forecast"
	"tideway/forecast/air"
	"tideway/forecast/traffic"
)

// Learners returns the models that compete with the baseline, in the service
// and in backtests.
func Learners() []forecast.Learner {
	return []forecast.Learner{traffic.New(), air.Learner{Seed: 1}}
}
