package air

import (
	"context"
	"fmt"
	"math"
	"slices"

	"tideway/internal/fault"
	"tideway/internal/parallel"
)

// Config says what a model is to learn.
type Config struct {
	Target  Column
	Steps   []int // hours ahead, ascending, 1 to MaxStep
	Ahead   bool  // weather up to the target hour will be given
	Seed    uint64
	Threads int // 0: all cores; the model is the same on any number
	// Progress is told the share done, 0 to 1; may be nil.
	Progress func(done float64)
}

// MaxStep is how many hours ahead a model can speak of.
const MaxStep = 72

// Reference ensemble: small trees, few features each, so that what one winter
// happened to be does not speak for the next; the members each miss a quarter
// of the past, in fortnights.
const (
	members   = 4
	fortnight = 14 * 24
	rowsAim   = 80_000 // training rows of one step ahead, about
)

func medianConfig(ahead bool, seed uint64) boostConfig {
	if ahead {
		return boostConfig{Trees: 320, Leaves: 24, MinLeaf: 80, Rate: .08, Rows: .5, Columns: .25, Quantile: .5, Smooth: 30, Seed: seed}
	}
	return boostConfig{Trees: 150, Leaves: 16, MinLeaf: 200, Rate: .06, Rows: .5, Columns: .2, Quantile: .5, Smooth: 50, Seed: seed}
}

func tailConfig(q float64, seed uint64) boostConfig {
	return boostConfig{Trees: 60, Leaves: 12, MinLeaf: 300, Rate: .1, Rows: .5, Columns: .3, Quantile: q, Smooth: 100, Seed: seed}
}

// Model forecasts one pollutant at the stations it was fitted on. It is
// immutable and safe for concurrent use.
type Model struct {
	cfg      Config
	stations []string
	enc      *encoder
	heads    []head
	rows     int // training rows, mean over the steps
}

// head speaks of one step ahead.
type head struct {
	weight    float32   // of the value at the origin in the anchor; 0: no anchor
	members   []*forest // medians of truth minus anchor; their mean is the forecast
	low, high *forest   // 5 % and 95 % quantiles of truth minus forecast
}

// Point is a forecast: the median and the ends of the central 90 %, µg/m³.
type Point struct{ Value, Lo90, Hi90 float32 }

// Fit learns from the hours of d before end (a position on its grid): nothing
// at or after it is read. Errors name what is wrong with the configuration or
// that there is too little data.
func Fit(ctx context.Context, d *Data, end int, cfg Config) (*Model, error) {
	if err := cfg.check(d, end); err != nil {
		return nil, err
	}
	v := newView(d, cfg.Target)
	m := &Model{cfg: cfg, enc: newEncoder(v, end, cfg.Ahead), heads: make([]head, len(cfg.Steps))}
	for _, s := range d.Stations {
		m.stations = append(m.stations, s.ID)
	}
	for i, step := range cfg.Steps {
		t := m.gather(v, end, step)
		if len(t.y) < leastRows {
			return nil, fmt.Errorf("fitting air forecast: %d hours of %s to learn %d h ahead from, expected at least %d", len(t.y), cfg.Target, step, leastRows)
		}
		var err error
		if m.heads[i], err = m.fitHead(ctx, t, uint64(step)); err != nil {
			return nil, err
		}
		m.rows += len(t.y) / len(cfg.Steps)
		if cfg.Progress != nil {
			cfg.Progress(float64(i+1) / float64(len(cfg.Steps)))
		}
	}
	return m, nil
}

// leastRows is what a fit needs: about six weeks of one station.
const leastRows = 1000

func (c *Config) check(d *Data, end int) error {
	var bad fault.List
	if int(c.Target) >= numPollutants {
		bad.Addf("target", "", "%d is no pollutant", c.Target)
	}
	if len(c.Steps) == 0 {
		bad.Addf("steps", "", "none given")
	}
	for i, s := range c.Steps {
		if s < 1 || s > MaxStep || i > 0 && s <= c.Steps[i-1] {
			bad.Addf("steps", "", "found %v, expected ascending hours from 1 to %d", c.Steps, MaxStep)
			break
		}
	}
	if end < 1 || end > d.Hours {
		bad.Addf("end", "", "training ends at hour %d of %d", end, d.Hours)
	}
	return bad.Err("fitting air forecast")
}

// Config returns what the model was asked to learn.
func (m *Model) Config() Config { return m.cfg }

// Stations returns the stations' ids in the order of the training data.
func (m *Model) Stations() []string { return slices.Clone(m.stations) }

// TrainingRows returns how many (station, origin) pairs each step was learned
// from, on average.
func (m *Model) TrainingRows() int { return m.rows }

// Features returns the names of the inputs.
func (m *Model) Features() []string { return slices.Clone(m.enc.names) }

// training is what one step is learned from. The features have one column
// more than the encoder writes, for the forecast itself, which tells the tails
// how wide they are.
type training struct {
	x    []float32
	y    []float32
	left []float32 // truth minus anchor
	fold []uint8
	wide int
}

// strides thin training rows without favouring an hour of the day.
var strides = []int{1, 5, 7, 11, 13, 17, 19, 23, 25, 29, 31, 37, 41, 43, 47, 49}

// gather encodes the training rows of a step: all stations, every so many
// hours, where the truth is known.
func (m *Model) gather(v *view, end, step int) *training {
	stride := strides[len(strides)-1]
	for _, s := range strides {
		if len(v.places)*end/s <= rowsAim {
			stride = s
			break
		}
	}
	t := &training{wide: m.enc.columns + 1}
	var at [][2]int
	for s, p := range v.places {
		for origin := 24; origin+step < end; origin++ {
			if y := p[v.target].v[origin+step]; (origin+s)%stride == 0 && y == y {
				at = append(at, [2]int{s, origin})
				t.y = append(t.y, y)
				t.fold = append(t.fold, uint8((origin+step)/fortnight%members))
			}
		}
	}
	t.x = make([]float32, len(at)*t.wide)
	parallel.ForShards(m.cfg.Threads, len(at), 1024, func(sh parallel.Shard) {
		for i := sh.Begin; i < sh.End; i++ {
			row := t.x[i*t.wide : (i+1)*t.wide]
			m.enc.fill(row[:m.enc.columns], v, at[i][0], at[i][1], step)
			row[m.enc.columns] = missing
		}
	})
	return t
}

// fitHead fits the members, each without its fold, and the tails to the errors
// that members make on the fold they have not seen.
func (m *Model) fitHead(ctx context.Context, t *training, step uint64) (head, error) {
	b := cutInto(t.x, t.wide, m.cfg.Threads)
	weight := m.anchor(t, step)
	folds := make([]int, members)
	for k := range folds {
		folds[k] = k
	}
	seed := m.cfg.Seed*1_000_003 + step*101
	fitted, err := parallel.MapErr(ctx, m.cfg.Threads, folds, func(ctx context.Context, k int) (*forest, error) {
		return boost(ctx, medianConfig(m.cfg.Ahead, seed+uint64(k)), b, t.left, t.rows(func(fold int) bool { return fold != k }))
	})
	if err != nil {
		return head{}, err
	}
	miss := t.unseen(m.enc, weight, fitted, m.cfg.Threads)
	b.rebin(t.x, t.wide-1)
	tails, err := parallel.MapErr(ctx, m.cfg.Threads, []float64{.05, .95}, func(ctx context.Context, q float64) (*forest, error) {
		return boost(ctx, tailConfig(q, seed+members), b, miss, t.rows(func(int) bool { return true }))
	})
	if err != nil {
		return head{}, err
	}
	return head{weight: weight, members: fitted, low: tails[0], high: tails[1]}, nil
}

// anchored is the longest step ahead that starts from the value at the origin;
// beyond, trees alone did better.
const anchored = 6

// anchor finds the weight of the value at the origin by least squares and
// leaves the trees what it does not explain.
func (m *Model) anchor(t *training, step uint64) float32 {
	var xx, xy float64
	for i := range t.y {
		row := t.x[i*t.wide : (i+1)*t.wide]
		x, y := float64(row[m.enc.now]-row[m.enc.norm]), float64(t.y[i]-row[m.enc.norm])
		if step <= anchored && x == x && y == y {
			xx, xy = xx+x*x, xy+x*y
		}
	}
	weight := float32(0)
	if xx > 0 {
		weight = float32(xy / xx)
	}
	t.left = make([]float32, len(t.y))
	for i := range t.y {
		t.left[i] = t.y[i] - m.enc.anchor(t.x[i*t.wide:(i+1)*t.wide], weight)
	}
	return weight
}

// rows returns the rows whose fold is wanted.
func (t *training) rows(want func(fold int) bool) []int32 {
	var out []int32
	for i, f := range t.fold {
		if want(int(f)) {
			out = append(out, int32(i))
		}
	}
	return out
}

// unseen writes each row's forecast by the member that has not seen it into
// the last column and returns truth minus forecast.
func (t *training) unseen(e *encoder, weight float32, fitted []*forest, threads int) []float32 {
	miss := make([]float32, len(t.y))
	parallel.ForShards(threads, len(t.y), 1024, func(s parallel.Shard) {
		for i := s.Begin; i < s.End; i++ {
			row := t.x[i*t.wide : (i+1)*t.wide]
			p := max(0, e.anchor(row, weight)+fitted[t.fold[i]].predict(row))
			row[t.wide-1], miss[i] = p, t.y[i]-p
		}
	})
	return miss
}

// rebin cuts one column anew.
func (b *binned) rebin(x []float32, column int) {
	b.cuts[column] = cutsOf(x, column, b.columns)
	for r := range b.rows {
		b.bin[r*b.columns+column] = b.binOf(column, x[r*b.columns+column])
	}
}

// most bounds forecasts, far beyond any air, so that an impossible reading
// cannot carry them away. µg/m³.
const most = 1e6

// point forecasts from a row of features, whose last cell is scratch.
func (h *head) point(e *encoder, row []float32) Point {
	sum := float32(0)
	for _, f := range h.members {
		sum += f.predict(row)
	}
	p := Point{Value: min(most, max(0, e.anchor(row, h.weight)+sum/float32(len(h.members))))}
	row[len(row)-1] = p.Value
	p.Lo90 = max(0, p.Value+min(0, h.low.predict(row)))
	p.Hi90 = p.Value + max(0, h.high.predict(row))
	return p
}

// Forecaster answers for one set of data. It is safe for concurrent use.
type Forecaster struct {
	m *Model
	v *view
}

// On prepares data for forecasts: the stations must be those the model was
// fitted on, in the same order.
func (m *Model) On(d *Data) (*Forecaster, error) {
	var ids []string
	for _, s := range d.Stations {
		ids = append(ids, s.ID)
	}
	if !slices.Equal(ids, m.stations) {
		return nil, fmt.Errorf("air forecast: the data has stations %v, expected %v", ids, m.stations)
	}
	return &Forecaster{m: m, v: newView(d, m.cfg.Target)}, nil
}

// Predict forecasts all stations at all steps (stations × steps, row-major)
// knowing the hours up to and with origin, and the weather up to each target
// hour where the model takes weather ahead. Where nothing is known of a
// station within the past week the interval says so by its width.
func (f *Forecaster) Predict(origin int, out []Point) {
	row := make([]float32, f.m.enc.columns+1)
	for s := range f.m.stations {
		for i, step := range f.m.cfg.Steps {
			f.m.enc.fill(row[:len(row)-1], f.v, s, origin, step)
			out[s*len(f.m.cfg.Steps)+i] = f.m.heads[i].point(f.m.enc, row)
		}
	}
}

// finite reports whether v is a number.
func finite(v float32) bool { return !math.IsNaN(float64(v)) && !math.IsInf(float64(v), 0) }
