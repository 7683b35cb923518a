package forecastcli

import (
	"tideway/forecast"
	"tideway/forecast/traffic"
)

// learners returns the models that compete with the baseline.
func learners() []forecast.Learner { return []forecast.Learner{traffic.New()} }
