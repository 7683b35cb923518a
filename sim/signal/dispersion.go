package signal

import "math"

// Disperse returns the arrival profile downstream of a departure profile, both
// as flow per step, after Robertson's platoon dispersion (TRANSYT):
// q'(t) = F·q(t−βT) + (1−F)·q'(t−1), F = 1/(1+αβT), with travel time T in steps,
// α = 0.35 and β = 0.8. The result has out values; what arrives later is cut.
func Disperse(profile []float64, travelSteps float64, out int) []float64 {
	const alpha, beta = 0.35, 0.8
	lag := int(math.Round(beta * travelSteps))
	f := 1 / (1 + alpha*beta*travelSteps)
	arrive := make([]float64, out)
	before := 0.0
	for t := range arrive {
		in := 0.0
		if at := t - lag; at >= 0 && at < len(profile) {
			in = profile[at]
		}
		arrive[t] = f*in + (1-f)*before
		before = arrive[t]
	}
	return arrive
}
