package scenarios

import (
	"errors"
	"math"
)

// GEHShare returns the share of places at which modelled and counted hourly
// flows have a GEH below 5; 0.85 is the usual demand. Pairs beyond the shorter
// list are left out; NaN for none.
func GEHShare(modelled, counted []float64) float64 {
	n, good := min(len(modelled), len(counted)), 0
	for i := range n {
		if GEH(modelled[i], counted[i]) < 5 {
			good++
		}
	}
	return float64(good) / float64(n)
}

// Fit is how well a simulated profile replicates counted days, by the four
// criteria of FHWA's Traffic Analysis Toolbox, volume III (2019).
type Fit struct {
	Within2Sigma  float64 `json:"within_2sigma"`   // share of intervals within 1.96 standard deviations
	Within1Sigma  float64 `json:"within_1sigma"`   // within one
	Critical      bool    `json:"critical"`        // all critical intervals within one
	AbsError      float64 `json:"abs_error"`       // mean absolute error to the representative day
	AbsErrorBound float64 `json:"abs_error_bound"` // that of the other days to it
	MeanError     float64 `json:"mean_error"`
	Acceptable    bool    `json:"acceptable"` // all four criteria hold
}

var errDays = errors.New("expected three counted days or more, all with an interval for each of the simulated profile, and critical intervals among them")

// Replicates judges a simulated profile (one value per interval) against
// counted days; representative is the position of the day that stands for them
// (the one nearest to their cluster's centre) and critical lists intervals that
// must be hit.
func Replicates(simulated []float64, days [][]float64, representative int, critical []int) (Fit, error) {
	n := len(simulated)
	if len(days) < 3 || n == 0 || representative < 0 || representative >= len(days) {
		return Fit{}, errDays
	}
	for _, d := range days {
		if len(d) != n {
			return Fit{}, errDays
		}
	}
	typical := days[representative]
	var f Fit
	inside := make([]bool, n)
	outside := 0
	for t := range n {
		miss, sigma := simulated[t]-typical[t], spread(days, t)
		inside[t] = math.Abs(miss) <= sigma
		f.Within1Sigma += share(inside[t], n)
		f.Within2Sigma += share(math.Abs(miss) <= 1.96*sigma, n)
		if math.Abs(miss) > 1.96*sigma {
			outside++
		}
		f.AbsError += math.Abs(miss) / float64(n)
		f.MeanError += miss / float64(n)
		for _, d := range days {
			f.AbsErrorBound += math.Abs(d[t]-typical[t]) / float64(n*(len(days)-1))
		}
	}
	f.Critical = true
	for _, t := range critical {
		if t < 0 || t >= n {
			return Fit{}, errDays
		}
		f.Critical = f.Critical && inside[t]
	}
	wide := f.Within2Sigma >= 0.95 || n < 20 && outside <= 1
	f.Acceptable = wide && f.Within1Sigma >= 2.0/3-1e-9 && f.Critical && f.AbsError <= f.AbsErrorBound && math.Abs(f.MeanError) <= f.AbsErrorBound/3
	return f, nil
}

func share(is bool, n int) float64 {
	if is {
		return 1 / float64(n)
	}
	return 0
}

// spread returns the standard deviation of the days at an interval.
func spread(days [][]float64, t int) float64 {
	var sum, square float64
	for _, d := range days {
		sum += d[t]
	}
	mean := sum / float64(len(days))
	for _, d := range days {
		square += (d[t] - mean) * (d[t] - mean)
	}
	return math.Sqrt(square / float64(len(days)-1))
}
