package fusion

import "math"

// Scores compares what was said of stations with what they measured.
type Scores struct {
	N                            int
	RMSEUGM3, BiasUGM3, MeanUGM3 float64 // root mean square error, mean error, mean of the measurements
}

// LeaveOneOut runs a filter and a field over hours once for every station, each
// time without it, and returns what they say of the station left out: station ×
// hour. Values of hours in which the station did not measure are there too.
func LeaveOneOut(stations []Place, hours []Hour, groups int, c Config, f Field) [][]float64 {
	out := make([][]float64, len(stations))
	for left := range stations {
		filter := NewFilter(groups, c)
		out[left] = make([]float64, len(hours))
		for k, h := range hours {
			h.ObservedUGM3 = append([]float64{}, h.ObservedUGM3...)
			h.ObservedUGM3[left] = math.NaN()
			out[left][k] = said(filter, h, stations, f, left)
		}
	}
	return out
}

// Score compares station × hour values with the truth; pairs with NaN do not
// count.
func Score(said, truth [][]float64) Scores {
	var s Scores
	for i := range said {
		for k, v := range said[i] {
			if t := truth[i][k]; !math.IsNaN(v) && !math.IsNaN(t) {
				s.N++
				s.RMSEUGM3 += (v - t) * (v - t)
				s.BiasUGM3 += v - t
				s.MeanUGM3 += t
			}
		}
	}
	n := float64(s.N)
	s.RMSEUGM3, s.BiasUGM3, s.MeanUGM3 = math.Sqrt(s.RMSEUGM3/n), s.BiasUGM3/n, s.MeanUGM3/n
	return s
}
