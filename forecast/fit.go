package forecast

import (
	"context"
	"fmt"
	"math"
	"slices"
	"time"

	"tideway/geo"
	"tideway/internal/parallel"
	"tideway/live"
)

// Refresh fits the profile and the baseline of every group on the history up
// to the snapshot's time, and keeps serving learned models, which read the new
// profile. It is cheap (seconds for 10 000 series of eight weeks) and meant
// for every night. Tick may run meanwhile.
func (r *Runner) Refresh(ctx context.Context, snap *live.Snapshot) error {
	r.fitting.Lock()
	defer r.fitting.Unlock()
	keys, rows := seriesByGroup(snap)
	for _, k := range keys {
		if _, err := r.refreshGroup(ctx, k, rows[k], gridEnd(snap, k), fitSpan{r.opt.Memory, looDays, r.opt.Threads}); err != nil {
			return err
		}
	}
	return nil
}

// prepared is a group's data and baseline fit, before it is put to service.
type prepared struct {
	panel   *Panel
	loo     []float32
	fit     *fitted
	threads int // of its fit
	sky     Sky // of the panel; empty unless learners are asked and told of it
}

func (r *Runner) refreshGroup(ctx context.Context, k groupKey, rows []geo.SensorID, until time.Time, span fitSpan) (prepared, error) {
	panel, err := r.load(ctx, k, rows, until, span.memory)
	if err != nil {
		return prepared{}, err
	}
	g := r.newGroup(k, rows)
	p := prepared{panel: panel, threads: span.threads, fit: &fitted{until: until, profileOf: identity(len(rows))}}
	cfg := SelectProfile(ctx, panel, span.threads)
	p.fit.profile, p.loo = FitProfile(panel, cfg, span.threads, span.looDays)
	if err := ctx.Err(); err != nil {
		return prepared{}, err
	}
	p.fit.decay = FitDecay(panel, p.loo, g.steps[len(g.steps)-1]+g.window.Past, span.threads)
	p.fit.model = p.fit.decay
	if k.quantity == geo.Speed {
		p.fit.freeFlow, p.fit.threshold = r.freeFlow(panel, span.threads), make([]float32, len(rows))
		for i, v := range p.fit.freeFlow {
			p.fit.threshold[i] = r.threshold(rows[i], v)
		}
	}
	r.link(p.fit, rows)
	if k.quantity.IsTraffic() {
		p.fit.relatives = fitRelatives(panel, p.loo, p.fit.links, p.fit.decay, span.threads)
	}
	if p.fit.own, err = r.calibrate(ctx, g, &p, p.fit.decay, replayDays*Slots(k.interval)); err != nil {
		return prepared{}, err
	}
	p.fit.conformal = p.fit.own
	if !r.knows(g) {
		r.recall(ctx, g, p.fit)
	}
	r.install(g, p.fit)
	return p, nil
}

// fitSpan is how far back a fit reads, on how many of the last days it computes
// leave-one-out values (0: all), and how much of the machine it takes.
type fitSpan struct {
	memory  time.Duration
	looDays int
	threads int // cores to use
}

// looDays bounds the days with leave-one-out values: enough to fit residuals
// and networks, without a pass over the full memory.
const looDays = 35

// replayDays is how many past days calibrate intervals.
const replayDays = 14

func identity(n int) []int32 {
	out := make([]int32, n)
	for i := range out {
		out[i] = int32(i)
	}
	return out
}

// install puts a fit to service. What the old one had learned since (a serving
// learned model, adapted intervals) is kept where the rows are the same.
func (r *Runner) install(g *group, f *fitted) {
	r.mu.Lock()
	defer r.mu.Unlock()
	old := r.group(g.groupKey)
	if old == nil {
		g.fit = f
		r.groups = append(r.groups, g)
		slices.SortFunc(r.groups, func(a, b *group) int { return a.compare(b.groupKey) })
		r.roads = nil
		return
	}
	if !slices.Equal(old.rows, g.rows) {
		g.fit, r.groups[slices.Index(r.groups, old)] = f, g
		r.roads = nil
		return
	}
	if was := old.fit; was != nil && was.recalled {
		f.former, f.recalled, f.lesson = was.former, true, was.lesson
		if old.learned() {
			f.model, f.key, f.conformal = was.model, was.key, was.conformal
		}
	}
	if was := old.fit; was != nil && !old.learned() && f.model == Model(f.decay) {
		copy(f.conformal.width, was.conformal.width)
		copy(f.conformal.level, was.conformal.level)
		f.conformal.refreshAll()
	}
	old.fit = f
	r.roads = nil
}

// maxPanel bounds the values of a panel (240 MB); longer histories of many
// series are cut at the old end.
const maxPanel = 60 << 20

// load reads a group's history up to a point of its grid into a panel that begins with the
// first day on which anything was measured.
func (r *Runner) load(ctx context.Context, k groupKey, rows []geo.SensorID, to time.Time, memory time.Duration) (*Panel, error) {
	steps := min(int(memory/k.interval), maxPanel/max(1, len(rows)))
	from := to.Add(-time.Duration(steps) * k.interval)
	columns, err := r.columns(ctx, k, rows, from, to)
	if err != nil {
		return nil, err
	}
	for i, c := range columns {
		columns[i] = cleaned(k.quantity, c)
	}
	begin := steps
	for _, c := range columns {
		begin = min(begin, firstPresent(c))
	}
	p := &Panel{
		Quantity: k.quantity, Interval: k.interval, First: from.Add(time.Duration(begin+1) * k.interval),
		Series: make([]live.Series, len(rows)), Values: make([]float32, 0, len(rows)*(steps-begin)),
	}
	p.Moments = r.calendar.Grid(p.First, k.interval, steps-begin)
	for i, c := range columns {
		p.Series[i] = live.Series{Sensor: rows[i], Quantity: k.quantity, Interval: k.interval}
		p.Values = append(p.Values, c[begin:]...)
	}
	return p, nil
}

// columns reads the values of rows in (from, to].
func (r *Runner) columns(ctx context.Context, k groupKey, rows []geo.SensorID, from, to time.Time) ([][]float32, error) {
	ids := make([]string, len(rows))
	for i, s := range rows {
		ids[i] = r.opt.City.Sensors.At(s).ID
	}
	read := func() ([][]float32, error) {
		if bulk, ok := r.opt.History.(BulkHistory); ok {
			return bulk.Columns(ctx, ids, k.quantity, k.interval, from, to)
		}
		return parallel.MapErr(ctx, r.opt.Threads, ids, func(ctx context.Context, id string) ([]float32, error) {
			return r.opt.History.Values(ctx, id, k.quantity, k.interval, from, to)
		})
	}
	out, err := read()
	if err != nil {
		return nil, fmt.Errorf("history of %s from %s: %w", k.quantity, from.Format(time.RFC3339), err)
	}
	want := int(to.Sub(from) / k.interval)
	for i, c := range out {
		if len(c) != want {
			return nil, fmt.Errorf("history of %s %s from %s: %d values, expected %d", ids[i], k.quantity, from.Format(time.RFC3339), len(c), want)
		}
	}
	return out, nil
}

func firstPresent(v []float32) int {
	for i, x := range v {
		if !isMissing(x) {
			return i
		}
	}
	return len(v)
}

// stuckRun returns the number of equal values in a row after which a traffic
// sensor is taken to be stuck; loops that cap their speeds repeat it for an
// hour or more. Counts below stuckCount repeat by chance.
func stuckRun(q geo.Quantity) int {
	switch q {
	case geo.Flow:
		return 12
	case geo.Speed, geo.Occupancy:
		return 24
	}
	return math.MaxInt
}

const stuckCount = 20

// cleaned is clean into a new slice.
func cleaned(q geo.Quantity, values []float32) []float32 {
	out := make([]float32, len(values))
	clean(q, out, values)
	return out
}

// clean copies values without what cannot be: outside the quantity's range,
// infinite, or of a traffic sensor that stands still.
func clean(q geo.Quantity, out, values []float32) {
	floor, ceil := bounds(q)
	run, most := 0, stuckRun(q)
	for i, v := range values {
		if v < floor || v > ceil {
			v = missing
		}
		out[i] = v
		if i > 0 && values[i] == values[i-1] {
			run++
		} else {
			run = 0
		}
		if run+1 >= most && v > 0 && (q != geo.Flow || v > stuckCount) {
			fill(out[i-run:i+1], missing)
		}
	}
}

// freeFlowLevel is the percentile of measured speeds taken as free flow, as in
// the US federal congestion reports.
const freeFlowLevel = .85

// freeFlow returns per row the 85th percentile of its speeds, the speed limit
// of its segment where less than half a day was measured.
func (r *Runner) freeFlow(p *Panel, threads int) []float32 {
	return parallel.Map(threads, identity(len(p.Series)), func(row int32) float32 {
		v := slices.DeleteFunc(slices.Clone(p.Row(int(row))), isMissing)
		if len(v) < Slots(p.Interval)/2 {
			return r.limitOf(p.Series[row].Sensor)
		}
		slices.Sort(v)
		return quantile(v, freeFlowLevel)
	})
}

func (r *Runner) limitOf(s geo.SensorID) float32 {
	if seg := r.opt.City.Sensors.At(s).Segment; seg != geo.NoSegment {
		return float32(r.opt.City.Segments.At(seg).Limit.KMH())
	}
	return missing
}

// threshold returns the speed in km/h below which a sensor's road is congested.
func (r *Runner) threshold(s geo.SensorID, freeFlowKMH float32) float32 {
	if v := r.opt.CongestedBelow; v > 0 {
		return float32(v.KMH())
	}
	class := geo.OtherRoad
	if seg := r.opt.City.Sensors.At(s).Segment; seg != geo.NoSegment {
		class = r.opt.City.Segments.At(seg).Class
	}
	return float32(CongestedShare(class)) * freeFlowKMH
}

func (r *Runner) link(f *fitted, rows []geo.SensorID) {
	f.links = NewLinks(r.graph, r.placesOfRows(rows))
}

func (r *Runner) placesOfRows(rows []geo.SensorID) []geo.SegmentID {
	at := make([]geo.SegmentID, len(rows))
	for i, s := range rows {
		at[i] = r.opt.City.Sensors.At(s).Segment
	}
	return at
}

// replayBudget bounds the rows a calibration predicts.
const replayBudget = 400_000

// calibrate replays a model over the last steps of a panel, with
// leave-one-out profiles, and returns the conformal layer of its errors.
func (r *Runner) calibrate(ctx context.Context, g *group, p *prepared, m Model, steps int) (*Conformal, error) {
	c := newConformal(len(g.rows), len(g.steps), DefaultConformal())
	err := r.replay(ctx, g, p, m, steps, func(_ int, w *Window, raw *Rows, truth func(row, step int) float32) {
		for row := range g.rows {
			for i := range g.steps {
				k := row*len(g.steps) + i
				c.learn(i, g.stateOf(p.fit, row, raw.Value[k]), raw, k, truth(row, i))
			}
		}
	})
	c.close()
	return c, err
}

// stateOf tells whether a predicted speed is congested.
func (g *group) stateOf(f *fitted, row int, value float32) int {
	if f != nil && f.threshold != nil && value < f.threshold[row] {
		return stateJam
	}
	return stateFree
}

// replay predicts from origins spread over the last steps of a panel whose
// targets lie inside it, and calls visit with each result, in time order.
func (r *Runner) replay(ctx context.Context, g *group, p *prepared, m Model, steps int,
	visit func(origin int, w *Window, raw *Rows, truth func(row, step int) float32)) error {
	far := g.steps[len(g.steps)-1]
	first := max(1, p.panel.Steps()-steps)
	last := p.panel.Steps() - 1 - far
	stride := 1 + (last-first+1)*len(g.rows)/replayBudget
	w, raw := NewWindow(len(g.rows), g.window.Past, g.steps), NewRows(len(g.rows), len(g.steps))
	for origin := first; origin <= last; origin += stride {
		if err := ctx.Err(); err != nil {
			return err
		}
		p.window(w, origin, r.calendar)
		if len(p.sky.Hours) > 0 {
			w.Sky = p.sky.asKnown(w, r.opt.Skies)
		}
		m.Predict(w, p.threads, raw)
		visit(origin, w, raw, func(row, i int) float32 { return p.panel.Row(row)[origin+g.steps[i]] })
	}
	return nil
}

// window fills w with what was known at a past origin; profile values are
// leave-one-out.
func (p *prepared) window(w *Window, origin int, c Calendar) {
	w.clock(c, p.panel.First.Add(time.Duration(origin)*p.panel.Interval), p.panel.Interval)
	w.Sky = p.sky.around(w)
	n, day := p.panel.Steps(), int(24*time.Hour/p.panel.Interval)
	for row := range w.Rows {
		values, usual := p.panel.Row(row), p.loo[row*n:(row+1)*n]
		for i := range w.Past {
			t := origin - w.Past + 1 + i
			if t < 0 || t >= n {
				w.Values[row*w.Past+i], w.Usual[row*w.Past+i] = missing, missing
				continue
			}
			w.Values[row*w.Past+i], w.Usual[row*w.Past+i] = values[t], usual[t]
		}
		for i, s := range w.Steps {
			w.Ahead[row*len(w.Steps)+i] = missing
			if origin+s < n {
				w.Ahead[row*len(w.Steps)+i] = usual[origin+s]
			}
			w.DayAgo[row*len(w.Steps)+i] = missing
			if t := origin + s - day; t >= 0 && t <= origin {
				w.DayAgo[row*len(w.Steps)+i] = values[t]
			}
			w.Spread[row*len(w.Steps)+i] = p.fit.profile.Spread(row, w.Targets[i])
		}
	}
}

// refreshAll recomputes the factors from the levels.
func (c *Conformal) refreshAll() {
	for k := range c.factor {
		c.refresh(k)
	}
}

// selectSample bounds the series a profile is chosen on.
const selectSample = 96

// SelectProfile returns the configuration with the least leave-one-out error
// on a sample of a panel's series: smoothing over 0 to 4 slots, own weekday
// against kind of day. With few days the smooth ones win, with many the sharp.
// When ctx ends it returns the best so far.
func SelectProfile(ctx context.Context, p *Panel, threads int) ProfileConfig {
	best := DefaultProfile(p.Interval)
	if len(daysOf(p.Moments)) < 3 {
		return best
	}
	sample := *p
	if stride := 1 + len(p.Series)/selectSample; stride > 1 {
		sample.Series, sample.Values = nil, nil
		for row := 0; row < len(p.Series); row += stride {
			sample.Series = append(sample.Series, p.Series[row])
			sample.Values = append(sample.Values, p.Row(row)...)
		}
	}
	least := math.Inf(1)
	for _, smooth := range []float64{0, .5, 1, 2, 3, 4} {
		if smooth*p.Interval.Minutes() > 45 {
			continue
		}
		for _, shrink := range []float64{.5, 2} {
			if ctx.Err() != nil {
				return best
			}
			cfg := best
			cfg.Smooth, cfg.Shrink = smooth, shrink
			_, loo := FitProfile(&sample, cfg, threads, looDays)
			if e := meanDeviation(sample.Values, loo); e < least*.998 {
				least, best = e, cfg
			}
		}
	}
	return best
}

func meanDeviation(values, usual []float32) float64 {
	sum, n := 0.0, 0.0
	for i, v := range values {
		if e := math.Abs(float64(v - usual[i])); !math.IsNaN(e) {
			sum, n = sum+e, n+1
		}
	}
	return sum / n
}
