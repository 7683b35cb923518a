package air

import (
	"context"
	"math"
	"slices"
	"time"

	"tideway/internal/parallel"
)

// Replay is a past period forecast over again, hour by hour.
type Replay struct {
	Data    *Data
	Model   *Model
	Train   int // hours the model was fitted on; the first origin is the last of them
	Threads int
	// Predictions receives every forecast in order of origin, station, step;
	// may be nil. An error ends the replay.
	Predictions func(Prediction) error
	Progress    func(done float64) // may be nil
}

// Prediction is one forecast value.
type Prediction struct {
	Origin  int // position on the grid of the last hour seen
	Station string
	Step    int // hours ahead
	Point
}

// Outcome is how a replay turned out.
type Outcome struct {
	Origins     int
	Model       []Score // by step
	Climatology []Score
	Persistence []Score
}

// Score is the error of one model at one step. Unknown numbers are NaN.
type Score struct {
	Step               int
	N                  int
	MAE, RMSE          float64 // µg/m³
	MAPE, WAPE         float64 // per cent
	Coverage90, Span90 float64 // share inside the 90 % interval; its mean width, µg/m³
	CoverageHigh       float64 // share inside where the forecast is in its highest tenth
	CoverageP10        float64 // nine stations in ten are covered better
}

// tally sums errors.
type tally struct{ n, abs, square, truth, relN, rel, in, width float64 }

func (t *tally) add(p Point, y float32) {
	d := float64(p.Value - y)
	if math.IsNaN(d) {
		return
	}
	t.n, t.abs, t.square, t.truth = t.n+1, t.abs+math.Abs(d), t.square+d*d, t.truth+math.Abs(float64(y))
	if y != 0 {
		t.relN, t.rel = t.relN+1, t.rel+math.Abs(d/float64(y))
	}
	if p.Lo90 <= y && y <= p.Hi90 {
		t.in++
	}
	t.width += float64(p.Hi90 - p.Lo90)
}

// Run forecasts from every origin whose first target lies behind the training
// hours and compares with what came, beside the climatology of the training
// hours and the last value repeated. Intervals follow their own misses as
// these become known (adaptive conformal, Gibbs and Candès 2021).
func (r *Replay) Run(ctx context.Context) (*Outcome, error) {
	f, err := r.Model.On(r.Data)
	if err != nil {
		return nil, err
	}
	steps, stations := r.Model.cfg.Steps, len(r.Data.Stations)
	out := &Outcome{}
	c := newCount(len(steps), stations)
	base := Climate(r.Data, r.Model.cfg.Target, r.Train)
	width := newWidths(steps)
	const block = 240
	for begin := r.Train - 1; begin < r.Data.Hours-1; begin += block {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		n := min(block, r.Data.Hours-1-begin)
		raw := make([]Point, n*stations*len(steps))
		parallel.ForShards(r.Threads, n, 8, func(s parallel.Shard) {
			for i := s.Begin; i < s.End; i++ {
				f.Predict(begin+i, raw[i*stations*len(steps):(i+1)*stations*len(steps)])
			}
		})
		for i := range n {
			if err := r.issue(begin+i, raw[i*stations*len(steps):(i+1)*stations*len(steps)], width, base, c); err != nil {
				return nil, err
			}
			out.Origins++
		}
		if r.Progress != nil {
			r.Progress(float64(begin+n-r.Train+1) / float64(r.Data.Hours-r.Train))
		}
	}
	out.Model, out.Climatology, out.Persistence = c.scores(steps, 0), c.scores(steps, 1), c.scores(steps, 2)
	return out, nil
}

// issue adapts the intervals to what is known at an origin, widens the raw
// points, hands them out and counts them.
func (r *Replay) issue(origin int, raw []Point, w *widths, base *Climatology, c *count) error {
	steps, target := r.Model.cfg.Steps, r.Model.cfg.Target
	w.learn(origin, func(station, hour int) float32 { return r.Data.Stations[station].Columns[target][hour] })
	for s := range r.Data.Stations {
		values := r.Data.Stations[s].Columns[target]
		last := newest(values, origin)
		for i, step := range steps {
			p := w.apply(i, raw[s*len(steps)+i])
			w.keep(origin, s, i, p)
			if r.Predictions != nil {
				if err := r.Predictions(Prediction{Origin: origin, Station: r.Data.Stations[s].ID, Step: step, Point: p}); err != nil {
					return err
				}
			}
			if at := origin + step; at < len(values) {
				usual := base.At(s, r.Data.At(at))
				c.add(i, s, values[at], p, usual, last)
			}
		}
	}
	return nil
}

// newest returns the last value up to an hour, NaN when there is none.
func newest(v []float32, hour int) float32 {
	for ; hour >= 0; hour-- {
		if v[hour] == v[hour] {
			return v[hour]
		}
	}
	return missing
}

// Climatology is the mean by station, month and hour of the day.
type Climatology struct{ mean []float32 }

// Climate returns the climatology of the hours of d before end.
func Climate(d *Data, target Column, end int) *Climatology {
	sum, n := make([]float64, len(d.Stations)*288), make([]float64, len(d.Stations)*288)
	for s := range d.Stations {
		for i, y := range d.Stations[s].Columns[target][:end] {
			if y == y {
				k := climateCell(s, d.At(i))
				sum[k], n[k] = sum[k]+float64(y), n[k]+1
			}
		}
	}
	c := &Climatology{mean: make([]float32, len(sum))}
	for k := range sum {
		c.mean[k] = float32(sum[k] / n[k])
	}
	return c
}

func climateCell(station int, at time.Time) int {
	return (station*12+int(at.Month())-1)*24 + at.Hour()
}

// At returns the mean of a station at the month and hour of an instant, NaN
// where nothing was measured then, µg/m³.
func (c *Climatology) At(station int, at time.Time) float32 { return c.mean[climateCell(station, at)] }

// count holds the sums of all models: the model, climatology, persistence.
type count struct {
	all       [3][]tally // by step
	byStation []tally    // step × station, of the model
	stations  int
	values    [][]float32 // by step: forecast and whether it held, for the highest tenth
	held      [][]bool
}

func newCount(steps, stations int) *count {
	c := &count{stations: stations, byStation: make([]tally, steps*stations), values: make([][]float32, steps), held: make([][]bool, steps)}
	for k := range c.all {
		c.all[k] = make([]tally, steps)
	}
	return c
}

// add counts a truth; hours at which a baseline says nothing are left out for
// all, so that all speak of the same hours.
func (c *count) add(step, station int, y float32, p Point, usual, last float32) {
	if !finite(y) || !finite(p.Value) || !finite(usual) || !finite(last) {
		return
	}
	c.all[0][step].add(p, y)
	c.all[1][step].add(Point{usual, missing, missing}, y)
	c.all[2][step].add(Point{last, missing, missing}, y)
	c.byStation[step*c.stations+station].add(p, y)
	c.values[step] = append(c.values[step], p.Value)
	c.held[step] = append(c.held[step], p.Lo90 <= y && y <= p.Hi90)
}

// scores returns the scores of a model by step.
func (c *count) scores(steps []int, model int) []Score {
	out := make([]Score, len(steps))
	for i := range steps {
		t := &c.all[model][i]
		out[i] = Score{Step: steps[i], N: int(t.n), MAE: t.abs / t.n, RMSE: math.Sqrt(t.square / t.n), MAPE: 100 * t.rel / t.relN, WAPE: 100 * t.abs / t.truth,
			Coverage90: math.NaN(), Span90: math.NaN(), CoverageHigh: math.NaN(), CoverageP10: math.NaN()}
		if model == 0 {
			out[i].Coverage90, out[i].Span90 = t.in/t.n, t.width/t.n
			out[i].CoverageHigh, out[i].CoverageP10 = c.high(i), c.p10(i)
		}
	}
	return out
}

// high returns the coverage where the forecast is in its highest tenth.
func (c *count) high(step int) float64 {
	v := slices.Sorted(slices.Values(c.values[step]))
	if len(v) == 0 {
		return math.NaN()
	}
	limit, n, in := v[len(v)*9/10], 0.0, 0.0
	for i, x := range c.values[step] {
		if x >= limit {
			n++
			if c.held[step][i] {
				in++
			}
		}
	}
	return in / n
}

// p10 returns the coverage that nine stations in ten exceed.
func (c *count) p10(step int) float64 {
	var share []float64
	for _, t := range c.byStation[step*c.stations : (step+1)*c.stations] {
		if t.n > 0 {
			share = append(share, t.in/t.n)
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
