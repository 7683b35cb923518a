package air

import "math"

// series is one column with running sums, so that the mean over any window is
// two look-ups. Hours outside the grid count as missing.
type series struct {
	v   []float32
	sum []float64 // of the values before an hour
	n   []int32   // of the values before an hour
}

func newSeries(v []float32) series {
	s := series{v: v, sum: make([]float64, len(v)+1), n: make([]int32, len(v)+1)}
	for i, x := range v {
		s.sum[i+1], s.n[i+1] = s.sum[i], s.n[i]
		if x == x {
			s.sum[i+1] += float64(x)
			s.n[i+1]++
		}
	}
	return s
}

// at returns the value at an hour.
func (s *series) at(hour int) float32 {
	if hour < 0 || hour >= len(s.v) {
		return missing
	}
	return s.v[hour]
}

// mean returns the mean over the hours from..to (both included).
func (s *series) mean(from, to int) float32 {
	from, to = max(0, from), min(len(s.v), to+1)
	if to <= from {
		return missing
	}
	n := s.n[to] - s.n[from]
	if n == 0 {
		return missing
	}
	return float32((s.sum[to] - s.sum[from]) / float64(n))
}

// span returns the smallest and largest value over the hours from..to.
func (s *series) span(from, to int) (low, high float32) {
	low, high = missing, missing
	for i := max(0, from); i <= min(len(s.v)-1, to); i++ {
		if x := s.v[i]; x == x {
			if !(low <= x) {
				low = x
			}
			if !(high >= x) {
				high = x
			}
		}
	}
	return low, high
}

// Derived columns that follow those of Data in a place.
const (
	humid = int(numColumns) + iota // relative humidity, %
	flowX                          // wind vector, m/s
	flowY                          // wind vector, m/s
	numSerie
)

// place holds the series of one station, or of the mean of all.
type place [numSerie]series

// newPlace derives humidity and wind vector and sums all columns.
func newPlace(columns *[numColumns][]float32) *place {
	p := &place{}
	for c := range columns {
		p[c] = newSeries(columns[c])
	}
	n := len(columns[0])
	rh, x, y := make([]float32, n), make([]float32, n), make([]float32, n)
	for i := range n {
		rh[i] = humidity(columns[Temperature][i], columns[DewPoint][i])
		x[i], y[i] = columns[WindX][i]*columns[WindSpeed][i], columns[WindY][i]*columns[WindSpeed][i]
	}
	p[humid], p[flowX], p[flowY] = newSeries(rh), newSeries(x), newSeries(y)
	return p
}

// humidity returns the relative humidity in % from temperature and dew point
// in °C (Magnus formula with the coefficients of Alduchov and Eskridge 1996).
func humidity(t, dew float32) float32 {
	e := func(c float64) float64 { return 17.625 * c / (243.04 + c) }
	return float32(100 * math.Exp(e(float64(dew))-e(float64(t))))
}

// meanOf averages the stations hour by hour over those that have a value.
func meanOf(d *Data) *[numColumns][]float32 {
	var out [numColumns][]float32
	for c := range out {
		out[c] = make([]float32, d.Hours)
		for i := range out[c] {
			sum, n := 0.0, 0
			for s := range d.Stations {
				if v := d.Stations[s].Columns[c][i]; v == v {
					sum, n = sum+float64(v), n+1
				}
			}
			out[c][i] = missing
			if n > 0 {
				out[c][i] = float32(sum / float64(n))
			}
		}
	}
	return &out
}

// view is Data prepared for features.
type view struct {
	data   *Data
	places []*place
	region *place
	low    series // of the target over all stations
	high   series
	target Column
}

func newView(d *Data, target Column) *view {
	v := &view{data: d, target: target, region: newPlace(meanOf(d))}
	for i := range d.Stations {
		v.places = append(v.places, newPlace(&d.Stations[i].Columns))
	}
	low, high := make([]float32, d.Hours), make([]float32, d.Hours)
	for i := range low {
		low[i], high[i] = missing, missing
		for s := range d.Stations {
			if x := d.Stations[s].Columns[target][i]; x == x {
				if !(low[i] <= x) {
					low[i] = x
				}
				if !(high[i] >= x) {
					high[i] = x
				}
			}
		}
	}
	v.low, v.high = newSeries(low), newSeries(high)
	return v
}
