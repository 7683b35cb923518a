package traffic

import (
	"fmt"
	"math"
	"time"

	"tideway/forecast"
	"tideway/geo"
	"tideway/internal/parallel"
)

// extractor turns a window into one row of features per sensor. Everything is
// in the sensor's own unit of deviation, so that one network serves all.
type extractor struct {
	sensors int
	steps   []int
	merge   int       // intervals that make one lag
	level   []float32 // per sensor: value that counts as zero
	scale   []float32 // per sensor: value of one unit
	fade    []float32 // per step: slope of the residual then on the residual now
	up      mixing
	down    mixing
	near    [][nearCount]neighbour
	width   int // features per sensor
}

// lags is how many values of the past a network reads.
const lags = 12

// lagTime is the least time between two lags: finer data is averaged.
const lagTime = 5 * time.Minute

// mixing is a row-normalised matrix of links, the sensor itself included.
type mixing struct {
	begin  []int32
	row    []int32
	weight []float32
}

// neighbour is a linked sensor that is looked at closely; row -1: none.
type neighbour struct {
	row    int32
	weight float32
}

// Positions of the features' sources in time, in intervals before the origin.
var (
	valueLags    = []int{0, 1, 2, 3, 4, 5, 7, 9, 11}
	residualLags = []int{0, 1, 2, 3, 6, 11}
	spreadLags   = [3]int{0, 3, 6}
	nearLags     = []int{0, 1, 3, 6}
)

const (
	nearCount    = 4 // the nearest down- and upstream, two that lead
	aheadPoints  = 5 // of the profile over the horizons
	dayAgoPoints = 3 // of yesterday over the horizons
	powers       = 3 // of the mixing matrices: 1, 2, 4
)

// names lists the features in order.
func (x *extractor) names() (out []string) {
	add := func(format string, lags []int) {
		for _, l := range lags {
			out = append(out, fmt.Sprintf(format, l))
		}
	}
	add("value[-%d]", valueLags)
	add("residual[-%d]", residualLags)
	out = append(out, "age", "profile[0]")
	for i := range aheadPoints {
		out = append(out, fmt.Sprintf("profile[+%d/%d]-profile[0]", i+1, aheadPoints))
	}
	out = append(out, "spread")
	for i := range dayAgoPoints {
		out = append(out, fmt.Sprintf("day ago[+%d/%d]-profile", i+1, dayAgoPoints))
	}
	for _, dir := range []string{"up", "down"} {
		for p := range powers {
			add(dir+fmt.Sprint(1<<p)+" value[-%d]", spreadLags[:])
			out = append(out, fmt.Sprint(dir, 1<<p, " residual[0]"), fmt.Sprint(dir, 1<<p, " profile ahead"))
		}
	}
	for _, who := range [nearCount]string{"downstream", "upstream", "leader 1", "leader 2"} {
		add(who+" residual[-%d]", nearLags)
		out = append(out, who+" value[0]", who+" weight")
	}
	return append(out, "network residual[0]", "network residual[-3]", "sin day", "cos day", "free day", "free day ahead", "level", "scale")
}

// scratch is the working memory of one extraction.
type scratch struct {
	value, residual []float32 // lags × sensors: newest first
	age             []float32
	source          []spreading             // per sensor
	mixed           [2 * powers][]spreading // up, then down, by power; per sensor
	between         []spreading
}

// spreading is what is spread along the roads, all at once as the links are the
// same: the value at the spreadLags, the residual now and the profile at the
// middle horizon.
type spreading [5]float32

func (x *extractor) newScratch() *scratch {
	n := x.sensors
	s := &scratch{value: make([]float32, lags*n), residual: make([]float32, lags*n), age: make([]float32, n)}
	s.source, s.between = make([]spreading, n), make([]spreading, n)
	for k := range s.mixed {
		s.mixed[k] = make([]spreading, n)
	}
	return s
}

// fadePerStep is how fast an old residual is let fade where newer values are
// missing, before the network sees it.
const fadePerStep = .93

// series fills values and residuals of all lags, newest first, and bridges
// gaps: a missing value is the profile plus the fading residual before it.
func (x *extractor) series(w *forecast.Window, s *scratch) {
	n := x.sensors
	for row := range n {
		last, age := float32(0), float32(lags)
		for lag := lags - 1; lag >= 0; lag-- {
			value, usual := x.lagged(w, row, lag)
			if value == value {
				last, age = value-usual, 0
			} else {
				last *= fadePerStep
				value = usual + last
				age++
			}
			s.value[lag*n+row], s.residual[lag*n+row] = value, last
		}
		s.age[row] = min(age, lags) / lags
	}
}

// lagged returns value and profile at a lag in units of deviation: the mean of
// the intervals that make it. The profile is 0 where unknown.
func (x *extractor) lagged(w *forecast.Window, row, lag int) (value, usual float32) {
	var sum, n, usualSum, usualN float32
	for i := range x.merge {
		at := row*w.Past + w.Past - 1 - lag*x.merge - i
		if v := w.Values[at]; v == v {
			sum, n = sum+v, n+1
		}
		if u := w.Usual[at]; u == u {
			usualSum, usualN = usualSum+u, usualN+1
		}
	}
	if usualN > 0 {
		usual = (usualSum/usualN - x.level[row]) / x.scale[row]
	}
	return (sum/n - x.level[row]) / x.scale[row], usual
}

// fill writes the features of all sensors, row by row.
func (x *extractor) fill(w *forecast.Window, s *scratch, out []float32) {
	x.series(w, s)
	n, steps := x.sensors, len(x.steps)
	x.mix(w, s)
	net0, net3 := mean(s.residual[:n]), mean(x.lag(s.residual, 3))
	now, far := w.Moments[w.Past-1], w.Targets[steps-1]
	angle := 2 * math.Pi * float64(now.Slot) / float64(forecast.Slots(w.Interval))
	sin, cos := float32(math.Sin(angle)), float32(math.Cos(angle))
	width := x.width
	for row := range n {
		o := out[row*width : row*width : (row+1)*width]
		o = x.own(w, s, row, o)
		for _, m := range s.mixed {
			o = append(o, m[row][:]...)
		}
		o = x.neighbours(s, row, o)
		_ = append(o, net0, net3, sin, cos, flag(now.Class.Free()), flag(far.Class.Free()), x.level[row]/x.scale[row]*.2, float32(math.Log(float64(x.scale[row])))*.2)
	}
}

// ahead is the profile at a horizon, in units of deviation.
func (x *extractor) ahead(w *forecast.Window, row, step int) float32 {
	v := (w.Ahead[row*len(x.steps)+step] - x.level[row]) / x.scale[row]
	if v != v {
		return 0
	}
	return v
}

func (x *extractor) lag(series []float32, lag int) []float32 {
	return series[lag*x.sensors : (lag+1)*x.sensors]
}

// own appends what a sensor says of itself.
func (x *extractor) own(w *forecast.Window, s *scratch, row int, o []float32) []float32 {
	for _, l := range valueLags {
		o = append(o, x.lag(s.value, l)[row])
	}
	for _, l := range residualLags {
		o = append(o, x.lag(s.residual, l)[row])
	}
	usual := s.value[row] - s.residual[row]
	o = append(o, s.age[row], usual)
	for i := range aheadPoints {
		o = append(o, x.ahead(w, row, i*(len(x.steps)-1)/(aheadPoints-1))-usual)
	}
	spread := w.Spread[row*len(x.steps)+len(x.steps)/2] / x.scale[row]
	if spread != spread {
		spread = 0
	}
	return x.dayAgo(w, row, append(o, spread))
}

// dayAgo appends how far yesterday lay from what is usual at the targets, 0
// where only one of the two days is free.
func (x *extractor) dayAgo(w *forecast.Window, row int, o []float32) []float32 {
	for i := range dayAgoPoints {
		s := i * (len(x.steps) - 1) / (dayAgoPoints - 1)
		k := row*len(x.steps) + s
		v := (w.DayAgo[k] - w.Ahead[k]) / x.scale[row]
		if v != v || w.DayAgoFree[s] != w.Targets[s].Class.Free() {
			v = 0
		}
		o = append(o, v)
	}
	return o
}

// neighbours appends what the neighbours measured.
func (x *extractor) neighbours(s *scratch, row int, o []float32) []float32 {
	for _, nb := range x.near[row] {
		for _, l := range nearLags {
			v := float32(0)
			if nb.row >= 0 {
				v = x.lag(s.residual, l)[nb.row]
			}
			o = append(o, v)
		}
		v := float32(0)
		if nb.row >= 0 {
			v = s.value[nb.row]
		}
		o = append(o, v, nb.weight)
	}
	return o
}

// mix spreads values, residuals and profiles along the roads, both ways, by
// the first, second and fourth power of the mixing matrices.
func (x *extractor) mix(w *forecast.Window, s *scratch) {
	for row := range s.source {
		from := &s.source[row]
		for i, l := range spreadLags {
			from[i] = x.lag(s.value, l)[row]
		}
		from[3], from[4] = s.residual[row], x.ahead(w, row, len(x.steps)/2)
	}
	for d, m := range []*mixing{&x.up, &x.down} {
		to := s.mixed[d*powers : (d+1)*powers]
		m.apply(s.source, to[0])
		m.apply(to[0], to[1])
		m.apply(to[1], s.between)
		m.apply(s.between, to[2])
	}
}

func (m *mixing) apply(in, out []spreading) {
	for row := range out {
		var a, b, c, d, e float32 // in registers, as an array would not be
		for k := m.begin[row]; k < m.begin[row+1]; k++ {
			w, v := m.weight[k], &in[m.row[k]]
			a, b, c, d, e = a+w*v[0], b+w*v[1], c+w*v[2], d+w*v[3], e+w*v[4]
		}
		out[row] = spreading{a, b, c, d, e}
	}
}

// newExtractor measures the sensors of a training set. Speeds share one unit,
// the deviation of all of them, as a mile per hour is worth the same anywhere;
// counts are told in the deviation of each sensor.
func newExtractor(in *forecast.Training) *extractor {
	n := len(in.Panel.Series)
	x := &extractor{sensors: n, steps: in.Steps, merge: max(1, int(lagTime/in.Panel.Interval)), level: make([]float32, n), scale: make([]float32, n)}
	var pooled, counted float64
	for row := range n {
		level, dev, have := moments(in.Panel.Row(row))
		x.level[row], x.scale[row] = level, dev
		pooled, counted = pooled+float64(dev)*float64(have), counted+float64(have)
	}
	for row := range n {
		if in.Panel.Quantity == geo.Speed || !(x.scale[row] > 0) {
			x.scale[row] = float32(math.Max(1e-3, pooled/math.Max(1, counted)))
		}
	}
	x.up, x.down = newMixing(&in.Links.Up, n), newMixing(&in.Links.Down, n)
	x.near = neighboursOf(in)
	x.width = len(x.names())
	x.fitFade(in)
	return x
}

// moments returns the mean and standard deviation of what is present, and its
// number; 0, 0, 0 when nothing is.
func moments(v []float32) (avg, dev float32, n int) {
	var sum, square float64
	for _, y := range v {
		if y == y {
			sum, square, n = sum+float64(y), square+float64(y)*float64(y), n+1
		}
	}
	if n == 0 {
		return 0, 0, 0
	}
	m := sum / float64(n)
	return float32(m), float32(math.Sqrt(math.Max(0, square/float64(n)-m*m))), n
}

// newMixing returns the row-normalised links with a link of weight 1 of every
// sensor to itself.
func newMixing(a *forecast.Arcs, n int) mixing {
	m := mixing{begin: make([]int32, n+1)}
	for row := range n {
		total := float32(1)
		for e := a.Begin[row]; e < a.Begin[row+1]; e++ {
			total += a.Weight[e]
		}
		m.row, m.weight = append(m.row, int32(row)), append(m.weight, 1/total)
		for e := a.Begin[row]; e < a.Begin[row+1]; e++ {
			m.row, m.weight = append(m.row, a.Row[e]), append(m.weight, a.Weight[e]/total)
		}
		m.begin[row+1] = int32(len(m.row))
	}
	return m
}

func mean(v []float32) float32 {
	sum := float32(0)
	for _, x := range v {
		sum += x
	}
	return sum / float32(max(1, len(v)))
}

func flag(b bool) float32 {
	if b {
		return 1
	}
	return 0
}

// skip is the part of the target that the fading residual explains: networks
// learn what is left, so that a network that has learned nothing is as good as
// the baseline.
func (x *extractor) skip(features []float32, step int) float32 {
	return x.fade[step] * features[len(valueLags)]
}

// fitFade estimates, for each step ahead, the least-squares slope of the
// residual then on the residual now, over all sensors.
func (x *extractor) fitFade(in *forecast.Training) {
	x.fade = make([]float32, len(in.Steps))
	n := in.Panel.Steps()
	sums := parallel.Map(in.Threads, in.Steps, func(step int) [2]float64 {
		var xy, xx float64
		for row := range x.sensors {
			v, u, unit := in.Panel.Row(row), in.Usual[row*n:(row+1)*n], float64(x.scale[row]*x.scale[row])
			for t := 0; t+step < n; t++ {
				a, b := float64(v[t]-u[t]), float64(v[t+step]-u[t+step])
				if a == a && b == b {
					xy, xx = xy+a*b/unit, xx+a*a/unit
				}
			}
		}
		return [2]float64{xy, xx}
	})
	for k, s := range sums {
		x.fade[k] = float32(math.Max(0, s[0]/math.Max(1e-9, s[1])))
	}
}
