package backtest

import (
	"math"
	"slices"
	"time"

	"tideway/forecast"
)

// tallies are the sums of one model's errors by step.
type tallies struct {
	e        *experiment
	name     string
	origins  int
	trainCPU time.Duration
	inferCPU time.Duration
	bands    bool // the model gives intervals
	step     []sums
}

// sums of one step.
type sums struct {
	n, abs, square, truth float64
	relN, rel             float64
	in, width             float64
	jam, jamIn            float64
	onsets                forecast.Onsets
	sensorN, sensorIn     []float64
}

func newTallies(e *experiment, name string) *tallies {
	t := &tallies{e: e, name: name, step: make([]sums, e.Steps)}
	for i := range t.step {
		t.step[i].sensorN, t.step[i].sensorIn = make([]float64, len(e.Table.Sensors)), make([]float64, len(e.Table.Sensors))
	}
	return t
}

// add counts a prediction with its interval; y is the truth, last the newest
// value seen, all in the table's unit.
func (t *tallies) add(h, sensor int, c forecast.Point, y, last float32) {
	t.bands = true
	t.count(h, sensor, c, y, last)
	s := &t.step[h]
	if y != y || c.Value != c.Value {
		return
	}
	in := 0.0
	if c.Lo90 <= y && y <= c.Hi90 {
		in = 1
	}
	s.in += in
	s.width += float64(c.Hi90 - c.Lo90)
	s.sensorN[sensor]++
	s.sensorIn[sensor] += in
	if t.e.threshold != nil && c.Value < t.e.threshold[sensor] {
		s.jam, s.jamIn = s.jam+1, s.jamIn+in
	}
}

// addPoint counts a prediction without an interval or probability.
func (t *tallies) addPoint(h, sensor int, v, y, last float32) {
	t.count(h, sensor, forecast.Point{Value: v, PCongested: float32(math.NaN())}, y, last)
}

// count adds an error, and for speeds whether an onset was announced.
func (t *tallies) count(h, sensor int, c forecast.Point, y, last float32) {
	d := float64(c.Value - y)
	if math.IsNaN(d) {
		return
	}
	s := &t.step[h]
	s.n++
	s.abs += math.Abs(d)
	s.square += d * d
	s.truth += math.Abs(float64(y))
	if y != 0 {
		s.relN, s.rel = s.relN+1, s.rel+math.Abs(d/float64(y))
	}
	if t.e.threshold != nil {
		s.onsets.Add(c, last, y, t.e.threshold[sensor])
	}
}

func (s *sums) plus(o *sums) {
	s.n, s.abs, s.square, s.truth = s.n+o.n, s.abs+o.abs, s.square+o.square, s.truth+o.truth
	s.relN, s.rel = s.relN+o.relN, s.rel+o.rel
	s.in, s.width, s.jam, s.jamIn = s.in+o.in, s.width+o.width, s.jam+o.jam, s.jamIn+o.jamIn
	s.onsets.Plus(o.onsets)
	for i := range s.sensorN {
		s.sensorN[i], s.sensorIn[i] = s.sensorN[i]+o.sensorN[i], s.sensorIn[i]+o.sensorIn[i]
	}
}

// part turns sums into the model's result.
func (t *tallies) part(role string) ModelPart {
	out := ModelPart{Name: t.name, Role: role, TrainCPUS: t.trainCPU.Seconds()}
	if t.origins > 0 {
		out.InferMS = t.inferCPU.Seconds() * 1000 / float64(t.origins)
	}
	sofar := sums{sensorN: make([]float64, len(t.e.Table.Sensors)), sensorIn: make([]float64, len(t.e.Table.Sensors))}
	for i := range t.step {
		s := &t.step[i]
		if t.e.Protocol == Cumulative {
			sofar.plus(s)
			s = &sofar
		}
		out.Horizons = append(out.Horizons, t.horizon(i, s))
	}
	return out
}

func (t *tallies) horizon(i int, s *sums) HorizonPart {
	h := HorizonPart{
		Minutes: float64(i+1) * t.e.Table.Interval.Minutes(),
		MAE:     number(s.abs / s.n), RMSE: number(math.Sqrt(s.square / s.n)), MAPE: number(100 * s.rel / s.relN), WAPE: number(100 * s.abs / s.truth),
		Recall: number(s.onsets.Recall()), Precision: number(s.onsets.Precision()),
	}
	if t.bands {
		h.Cover, h.Range90, h.CoverJam = number(s.in/s.n), number(s.width/s.n), number(s.jamIn/s.jam)
		h.CoverP10 = number(s.sensorP10())
	}
	return h
}

// sensorP10 returns the coverage that nine sensors in ten exceed.
func (s *sums) sensorP10() float64 {
	var share []float64
	for i, n := range s.sensorN {
		if n > 0 {
			share = append(share, s.sensorIn[i]/n)
		}
	}
	if len(share) == 0 {
		return math.NaN()
	}
	slices.Sort(share)
	at := .1 * float64(len(share)-1)
	i := int(at)
	return share[i] + (at-float64(i))*(share[min(i+1, len(share)-1)]-share[i])
}
