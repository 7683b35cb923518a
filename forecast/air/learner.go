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
// station's window, the profile, the mean of all stations and the clock. Where
// the weather of the past is known it fits a second set of trees that also see
// the weather up to the target hour, and answers with them for the hours that a
// weather forecast covers.
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

// pooled is the model of a Learner.
type pooled struct {
	card  forecast.Card
	blind *trees
	told  *trees // with the weather ahead; nil where too little of the past's is known
}

// trees are all stations and steps in one ensemble.
type trees struct {
	weights []float32  // of the newest residual, by step
	members [2]*forest // medians of what residuals leave
	scale   *forest    // median absolute error
	names   []string   // of the features
}

// pooledRows bounds the training rows; a draft takes a third.
const pooledRows = 60_000

// Fit learns from the panel, and from the weather where there is enough of it.
func (l Learner) Fit(ctx context.Context, in forecast.Training) (forecast.Model, error) {
	blind := pool(&in, false)
	if len(blind.y) < leastRows {
		return nil, fmt.Errorf("fitting %s: %d values to learn from, expected at least %d", LearnerName, len(blind.y), leastRows)
	}
	sets := []*pooledTraining{blind}
	if told := pool(&in, true); len(told.y) >= leastRows {
		sets = append(sets, told)
	}
	m := &pooled{}
	for i, into := range []**trees{&m.blind, &m.told}[:len(sets)] {
		var err error
		if *into, err = l.grow(ctx, &in, sets[i], float64(i), float64(len(sets))); err != nil {
			return nil, err
		}
	}
	m.describe(&in)
	return m, nil
}

// grow fits one of several sets of trees. Days alternate between two members,
// so that the widths are learned from errors on unseen days.
func (l Learner) grow(ctx context.Context, in *forecast.Training, t *pooledTraining, set, sets float64) (*trees, error) {
	progress := func(done float64) {
		if in.Progress != nil {
			in.Progress((set + done) / sets)
		}
	}
	m := &trees{names: t.names, weights: t.weigh(len(in.Steps))}
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
		progress(float64(k+1) / 3)
	}
	cfg.Trees, cfg.Leaves, cfg.Seed = 60, 8, l.Seed*7919+2
	var err error
	m.scale, err = boost(ctx, cfg, b, miss, t.rows(func(int) bool { return true }))
	progress(1)
	return m, err
}

func (m *trees) write(b *bytes.Buffer) {
	for _, f := range []*forest{m.members[0], m.members[1], m.scale} {
		f.write(b)
	}
}

func (m *pooled) describe(in *forecast.Training) {
	p, names, note := in.Panel, m.blind.names, "no weather: too little of the past's is known"
	var b bytes.Buffer
	m.blind.write(&b)
	if m.told != nil {
		m.told.write(&b)
		names, note = m.told.names, "weather is used for the hours that a weather forecast covers"
	}
	m.card = forecast.Card{
		Name: LearnerName, Version: fmt.Sprintf("%08x", crc32.ChecksumIEEE(b.Bytes())), From: p.First.Add(-p.Interval),
		Until: p.First.Add(time.Duration(p.Steps()-1) * p.Interval), Series: len(p.Series), Steps: in.Steps, Interval: p.Interval, Features: names, Notes: []string{note},
	}
}

// Card describes the model.
func (m *pooled) Card() forecast.Card { return m.card }

// Numbers of features of a row, without and with the weather ahead.
const (
	pooledColumns = 27
	toldColumns   = pooledColumns + 8*forecast.SkyColumns + 2
)

// pooledWriter writes a window's features.
type pooledWriter struct {
	w     *forecast.Window
	value []float32 // mean of all stations by interval of the past
	above []float32 // mean residual
	sky   *skyWriter
}

func newPooledWriter(w *forecast.Window) *pooledWriter {
	p := &pooledWriter{w: w, value: make([]float32, w.Past), above: make([]float32, w.Past), sky: newSkyWriter(w)}
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

// write adds the features of a row and step, with the weather ahead or without.
func (p *pooledWriter) write(out *writer, row, i int, told bool) {
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
	if told {
		p.sky.write(out, i)
	}
}

// pooledTraining is a training set with the newest residual of each row.
type pooledTraining struct {
	training
	newest []float32
	step   []int
	names  []string // of the features
}

// pool encodes the panel's origins, thinned; told: those targets alone whose
// weather is known, and with it.
func pool(in *forecast.Training, told bool) *pooledTraining {
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
	if told {
		if t.wide = toldColumns; len(in.Sky.Hours) == 0 {
			return t
		}
	}
	w := forecast.NewWindow(rows, past, in.Steps)
	named := writer{named: true}
	for origin := past - 1; origin+in.Steps[0] < in.Panel.Steps(); origin += stride {
		in.Window(w, origin)
		p := newPooledWriter(w)
		for row := range rows {
			for i, step := range in.Steps {
				y := in.Truth(row, origin, step) - w.Ahead[row*len(in.Steps)+i]
				if !finite(y) || told && !w.SkyTold(i) {
					continue
				}
				out := writer{out: t.x}
				p.write(&out, row, i, told)
				t.x, t.y = out.out, append(t.y, y)
				t.newest, t.step = append(t.newest, p.residual(row, 0)), append(t.step, i)
				t.fold = append(t.fold, uint8(w.Targets[i].Day&1))
				if len(named.names) == 0 {
					p.write(&named, row, i, told)
				}
			}
		}
	}
	t.names = named.names
	return t
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
	for i := range w.Steps {
		out.UsesSky[i] = m.told != nil && w.SkyTold(i)
	}
	parallel.ForShards(threads, w.Rows, 64, func(s parallel.Shard) {
		x := make([]float32, 0, toldColumns)
		for row := s.Begin; row < s.End; row++ {
			for i, told := range out.UsesSky {
				with := m.blind
				if told {
					with = m.told
				}
				wr := writer{out: x[:0]}
				p.write(&wr, row, i, told)
				with.cell(p, wr.out, row, i, out)
			}
		}
	})
}

// normalTail is how much farther than the central 50 % of a normal
// distribution its central 90 % reaches; the caller calibrates both.
const normalTail = 2.44

func (m *trees) cell(p *pooledWriter, x []float32, row, i int, out *forecast.Rows) {
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
