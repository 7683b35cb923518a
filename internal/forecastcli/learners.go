package forecastcli

import "tideway/forecast"

// learners returns the models that compete with the baseline.
func learners() []forecast.Learner { return nil }
