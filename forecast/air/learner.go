package air

import (
	"bytes"
	"context"
	"fmt"
	"hash/crc32"
	"slices"
	"time"

	"tideway/forecast"
	"tideway/internal/parallel"
)

// Learner fits boosted trees for the forecast runner, to compete with the
// profile and its decaying residual. It knows the panel of one pollutant: each
// station's window, the profile, the mean of all stations and the clock.
type Learner struct {
	Seed uint64 // of the trees' samples
}

// LearnerName is the Card.Name of a Learner's models.
const LearnerName = "air_boost"

// Name returns LearnerName.
func (Learner) Name() string { return LearnerName }

// learnerDays is what a Learner wants to have seen.
const learnerDays = 21

// Takes accepts pollutants measured every ten minutes to every hour over three
// weeks or more.
func (Learner) Takes(p *forecast.Panel) (bool, string) {
	switch {
	case !p.Quantity.IsPollutant():
		return false, fmt.Sprintf("%s is no pollutant", p.Quantity)
	case p.Interval < 10*time.Minute || p.Interval > time.Hour:
		return false, fmt.Sprintf("values every %v, expected every 10 minutes to every hour", p.Interval)
	case p.Steps() < learnerDays*forecast.Slots(p.Interval):
		return false, fmt.Sprintf("%d days of values, expected at least %d", p.Steps()/forecast.Slots(p.Interval), learnerDays)
	}
	return true, ""
}

// pooled is the model of a Learner: all stations and steps in one ensemble.
type pooled struct {
	card    forecast.Card
	weights []float32  // of the newest residual, by step
	members [2]*forest // medians of what residuals leave
	scale   *forest    // median absolute error
}

// pooledRows bounds the training rows; a draft takes a third.
const pooledRows = 60_000

// Fit learns from the panel. Days alternate between two members, so that the
// widths are learned from errors on unseen days.
func (l Learner) Fit(ctx context.Context, in forecast.Training) (forecast.Model, error) {
	t, names := pool(&in)
	if len(t.y) < leastRows {
		return nil, fmt.Errorf("fitting %s: %d values to learn from, expected at least %d", LearnerName, len(t.y), leastRows)
	}
	m := &pooled{weights: t.weigh(len(in.Steps))}
	b := cutInto(t.x, t.wide, in.Threads)
	cfg := boostConfig{Trees: 120, Leaves: 16, MinLeaf: 60, Rate: .07, Rows: .6, Columns: .4, Quantile: .5, Smooth: 30, Seed: l.Seed}
	miss := slices.Clone(t.y)
	for k := range m.members {
		cfg.Seed = l.Seed*7919 + uint64(k)
		f, err := boost(ctx, cfg, b, t.y, t.rows(func(fold int) bool { return fold != k }))
		if err != nil {
			return nil, err
		}
		m.members[k] = f
		for _, i := range t.rows(func(fold int) bool { return fold == k }) {
			if miss[i] -= f.predict(t.x[int(i)*t.wide : (int(i)+1)*t.wide]); miss[i] < 0 {
				miss[i] = -miss[i]
			}
		}
		if in.Progress != nil {
			in.Progress(float64(k+1) / 3)
		}
	}
	cfg.Trees, cfg.Leaves, cfg.Seed = 60, 8, l.Seed*7919+2
	var err error
	if m.scale, err = boost(ctx, cfg, b, miss, t.rows(func(int) bool { return true })); err != nil {
		return nil, err
	}
	if in.Progress != nil {
		in.Progress(1)
	}
	m.describe(&in, names)
	return m, nil
}

func (m *pooled) describe(in *forecast.Training, names []string) {
	p := in.Panel
	var b bytes.Buffer
	for _, f := range []*forest{m.members[0], m.members[1], m.scale} {
		f.write(&b)
	}
	m.card = forecast.Card{
		Name: LearnerName, Version: fmt.Sprintf("%08x", crc32.ChecksumIEEE(b.Bytes())), From: p.First.Add(-p.Interval),
		Until: p.First.Add(time.Duration(p.Steps()-1) * p.Interval), Series: len(p.Series), Steps: in.Steps, Interval: p.Interval, Features: names,
	}
}

// Card describes the model.
func (m *pooled) Card() forecast.Card { return m.card }

// pooledColumns is the number of features of a row.
const pooledColumns = 27

// pooledWriter writes a window's features.
type pooledWriter struct {
	w     *forecast.Window
	value []float32 // mean of all stations by interval of the past
	above []float32 // mean residual
}

func newPooledWriter(w *forecast.Window) *pooledWriter {
	p := &pooledWriter{w: w, value: make([]float32, w.Past), above: make([]float32, w.Past)}
	for a := range w.Past {
		var v, r, nv, nr float64
		for row := range w.Rows {
			x, u := w.Values[row*w.Past+a], w.Usual[row*w.Past+a]
			if x == x {
				v, nv = v+float64(x), nv+1
			}
			if d := x - u; d == d {
				r, nr = r+float64(d), nr+1
			}
		}
		p.value[a], p.above[a] = float32(v/nv), float32(r/nr)
	}
	return p
}

// residual returns a row's value less its profile so many intervals ago.
func (p *pooledWriter) residual(row, ago int) float32 {
	if ago >= p.w.Past {
		return missing
	}
	at := row*p.w.Past + p.w.Past - 1 - ago
	return p.w.Values[at] - p.w.Usual[at]
}

func (p *pooledWriter) write(out *writer, row, i int) {
	w := p.w
	last := w.Past - 1
	v := w.Values[row*w.Past : (row+1)*w.Past]
	ago := func(x []float32, n int) float32 {
		if n > last {
			return missing
		}
		return x[last-n]
	}
	for _, n := range []int{0, 1, 2, 3, 5, 8, 11} {
		out.addIn(ago(v, n), "value, ago", n)
	}
	for _, n := range []int{0, 1, 2, 5, 11} {
		out.addIn(p.residual(row, n), "above usual, ago", n)
	}
	for _, n := range []int{0, 1, 3} {
		out.addIn(ago(p.value, n), "all, ago", n)
		out.addIn(ago(p.above, n), "all above usual, ago", n)
	}
	s := newSeries(v)
	low, high := s.span(0, last)
	out.add(s.mean(0, last), "mean of the window")
	out.add(low, "min of the window")
	out.add(high, "max of the window")
	k := row*len(w.Steps) + i
	out.add(w.Ahead[k], "usual then")
	out.add(w.Ahead[k]-w.Usual[row*w.Past+last], "usual change")
	out.add(w.Spread[k], "usual spread")
	out.add(float32(w.Targets[i].Slot), "time of day")
	out.add(float32(w.Targets[i].Class), "kind of day")
	out.add(float32(w.Steps[i]), "steps ahead")
}

// pooledTraining is a training set with the newest residual of each row.
type pooledTraining struct {
	training
	newest []float32
	step   []int
}

// pool encodes the panel's origins, thinned.
func pool(in *forecast.Training) (*pooledTraining, []string) {
	past, rows := 12, len(in.Panel.Series)
	aim := pooledRows
	if in.Draft {
		aim /= 3
	}
	stride := strides[len(strides)-1]
	for _, s := range strides {
		if in.Panel.Steps()*rows*len(in.Steps)/s <= aim {
			stride = s
			break
		}
	}
	t := &pooledTraining{training: training{wide: pooledColumns}}
	w := forecast.NewWindow(rows, past, in.Steps)
	named := writer{named: true}
	for origin := past - 1; origin+in.Steps[0] < in.Panel.Steps(); origin += stride {
		in.Window(w, origin)
		p := newPooledWriter(w)
		for row := range rows {
			for i, step := range in.Steps {
				y := in.Truth(row, origin, step) - w.Ahead[row*len(in.Steps)+i]
				if !finite(y) {
					continue
				}
				out := writer{out: t.x}
				p.write(&out, row, i)
				t.x, t.y = out.out, append(t.y, y)
				t.newest, t.step = append(t.newest, p.residual(row, 0)), append(t.step, i)
				t.fold = append(t.fold, uint8(w.Targets[i].Day&1))
				if len(named.names) == 0 {
					p.write(&named, row, i)
				}
			}
		}
	}
	return t, named.names
}

// weigh takes from each truth what the newest residual tells, by least squares
// per step, and returns the weights.
func (t *pooledTraining) weigh(steps int) []float32 {
	xx, xy := make([]float64, steps), make([]float64, steps)
	for i, x := range t.newest {
		if x == x {
			k := t.step[i]
			xx[k], xy[k] = xx[k]+float64(x)*float64(x), xy[k]+float64(x)*float64(t.y[i])
		}
	}
	out := make([]float32, steps)
	for k := range out {
		if xx[k] > 0 {
			out[k] = float32(xy[k] / xx[k])
		}
	}
	for i, x := range t.newest {
		if x == x {
			t.y[i] -= out[t.step[i]] * x
		}
	}
	return out
}

// Predict fills the rows; where the profile says nothing of a target, neither
// does the model.
func (m *pooled) Predict(w *forecast.Window, threads int, out *forecast.Rows) {
	p := newPooledWriter(w)
	parallel.ForShards(threads, w.Rows, 64, func(s parallel.Shard) {
		x := make([]float32, 0, pooledColumns)
		for row := s.Begin; row < s.End; row++ {
			for i := range w.Steps {
				wr := writer{out: x[:0]}
				p.write(&wr, row, i)
				m.cell(p, wr.out, row, i, out)
			}
		}
	})
}

// normalTail is how much farther than the central 50 % of a normal
// distribution its central 90 % reaches; the caller calibrates both.
const normalTail = 2.44

func (m *pooled) cell(p *pooledWriter, x []float32, row, i int, out *forecast.Rows) {
	k := row*len(p.w.Steps) + i
	v := p.w.Ahead[k] + (m.members[0].predict(x)+m.members[1].predict(x))/2
	if r := p.residual(row, 0); r == r {
		v += m.weights[i] * r
	}
	half := max(1e-3, m.scale.predict(x))
	out.Value[k] = v
	out.Lo50[k], out.Hi50[k] = half, half
	out.Lo90[k], out.Hi90[k] = normalTail*half, normalTail*half
}
