package air

import "math"

// widths stretches intervals by step and tail: up when truths fall outside, a
// little down when they do not, so that a tail rests where 5 % miss. It learns
// from a forecast only once its hour has come.
type widths struct {
	steps  []int
	factor [][2]float64 // of the lower and upper half-width
	kept   map[int][]keptPoint
}

// keptPoint is an issued forecast that waits for its truth.
type keptPoint struct {
	station, step int
	issued        Point
}

// widthRate moves a factor by so much of its logarithm for an hour in which
// all stations miss: three days of misses double a width. Misses count as
// issued, so that what is promised is what is kept in the long run.
const widthRate = .01

func newWidths(steps []int) *widths {
	w := &widths{steps: steps, factor: make([][2]float64, len(steps)), kept: map[int][]keptPoint{}}
	for i := range w.factor {
		w.factor[i] = [2]float64{1, 1}
	}
	return w
}

// apply stretches a raw point.
func (w *widths) apply(step int, p Point) Point {
	f := w.factor[step]
	p.Lo90 = max(0, p.Value-(p.Value-p.Lo90)*float32(f[0]))
	p.Hi90 = p.Value + (p.Hi90-p.Value)*float32(f[1])
	return p
}

// keep stores an issued point until its hour has come.
func (w *widths) keep(origin, station, step int, issued Point) {
	at := origin + w.steps[step]
	w.kept[at] = append(w.kept[at], keptPoint{station, step, issued})
}

// learn takes the truths of an hour.
func (w *widths) learn(hour int, truth func(station, hour int) float32) {
	n, missed := make([]float64, len(w.steps)), make([][2]float64, len(w.steps))
	for _, k := range w.kept[hour] {
		y, p := truth(k.station, hour), k.issued
		if y != y {
			continue
		}
		n[k.step]++
		if y < p.Lo90 {
			missed[k.step][0]++
		}
		if y > p.Hi90 {
			missed[k.step][1]++
		}
	}
	delete(w.kept, hour)
	for i := range n {
		if n[i] == 0 {
			continue
		}
		for tail := range 2 {
			w.factor[i][tail] *= math.Exp(widthRate * (missed[i][tail]/n[i] - .05))
			w.factor[i][tail] = math.Min(4, math.Max(.25, w.factor[i][tail]))
		}
	}
}
