package forecast

import (
	"math"
	"slices"
)

// Conformal turns a model's raw half-widths into intervals that hold what they
// promise. Each tail has its own factor: the quantile of past scores (distance
// of the truth from the median over the raw half-width on its side) at a level
// that is corrected by delayed feedback, step Gamma, so that coverage returns
// to its target when the world drifts (split conformal prediction with a
// normalised score, Lei et al. 2018; adaptive level, Gibbs and Candès 2021).
// Where congestion is predicted the scores are kept apart, as errors there are
// several times those in free flow; and each series has a width of its own
// that follows its misses.
type Conformal struct {
	steps  int
	scores [][]float32 // per cell (step, state, tail, level): sorted
	level  []float64   // per cell: share of scores to lie below the factor
	factor []float32   // per cell: quantile at level
	width  []float32   // per row and tail: factor of the series, geometric
	cfg    ConformalConfig
}

// ConformalConfig holds the rates of adaptation.
type ConformalConfig struct {
	Gamma  float64 // step of a tail's level per batch of feedback, of its share of misses
	Step   float64 // step of a series' log width per feedback
	Grid   int     // scores kept per cell
	Bounds [2]float64
}

// DefaultConformal returns the rates that kept 90 % intervals at 90 % on a week
// of loop detectors: 0.02 for the level, 0.06 for a series' width (with 0.03 the
// coverage that nine series in ten exceed was 1 to 2 points lower).
func DefaultConformal() ConformalConfig {
	return ConformalConfig{Gamma: .02, Step: .06, Grid: 2000, Bounds: [2]float64{.3, 3}}
}

// Tails and levels of a cell.
const (
	tailLow, tailHigh   = 0, 1
	level90, level50    = 0, 1
	stateFree, stateJam = 0, 1
	cellsPerStep        = 8
)

var tailTarget = [2]float64{level90: .95, level50: .75}

func newConformal(rows, steps int, cfg ConformalConfig) *Conformal {
	c := &Conformal{
		steps: steps, cfg: cfg,
		scores: make([][]float32, steps*cellsPerStep), level: make([]float64, steps*cellsPerStep),
		factor: make([]float32, steps*cellsPerStep), width: make([]float32, rows*2),
	}
	fill(c.width, 1)
	for i := range c.level {
		c.level[i], c.factor[i] = tailTarget[i%2], 1
	}
	return c
}

func cell(step, state, tail, level int) int { return step*cellsPerStep + state*4 + tail*2 + level }

// halves returns a cell's raw half-widths by tail and level.
func (r *Rows) halves(i int) [2][2]float32 {
	return [2][2]float32{tailLow: {r.Lo90[i], r.Lo50[i]}, tailHigh: {r.Hi90[i], r.Hi50[i]}}
}

// learn adds the scores of one raw prediction whose truth is known.
func (c *Conformal) learn(step, state int, raw *Rows, i int, truth float32) {
	miss := truth - raw.Value[i]
	if isMissing(miss) {
		return
	}
	for tail, levels := range raw.halves(i) {
		over := miss
		if tail == tailLow {
			over = -miss
		}
		for level, half := range levels {
			if half > 0 {
				k := cell(step, state, tail, level)
				c.scores[k] = append(c.scores[k], over/half)
			}
		}
	}
}

// minScores is the number of scores a congested cell needs to stand alone.
const minScores = 200

// close sorts the scores, thins them to the grid, and sets the factors. A
// state with few scores takes those of the other as well.
func (c *Conformal) close() {
	for step := range c.steps {
		for tl := range 4 {
			a, b := cell(step, stateFree, 0, 0)+tl, cell(step, stateJam, 0, 0)+tl
			if len(c.scores[b]) < minScores {
				c.scores[b] = slices.Concat(c.scores[a], c.scores[b])
			}
			if len(c.scores[a]) < minScores {
				c.scores[a] = slices.Clone(c.scores[b])
			}
		}
	}
	for k := range c.scores {
		slices.Sort(c.scores[k])
		c.scores[k] = thin(c.scores[k], c.cfg.Grid)
		c.refresh(k)
	}
}

// thin keeps n evenly spaced order statistics.
func thin(sorted []float32, n int) []float32 {
	if len(sorted) <= n {
		return sorted
	}
	out := make([]float32, n)
	for i := range out {
		out[i] = sorted[i*(len(sorted)-1)/(n-1)]
	}
	return out
}

func (c *Conformal) refresh(k int) {
	if len(c.scores[k]) > 0 {
		c.factor[k] = max(.05, quantile(c.scores[k], c.level[k]))
	}
}

// quantile interpolates a sorted sample at level q; beyond its range the ends.
func quantile(sorted []float32, q float64) float32 {
	x := q * float64(len(sorted)-1)
	if x <= 0 {
		return sorted[0]
	}
	i := int(x)
	if i >= len(sorted)-1 {
		return sorted[len(sorted)-1]
	}
	f := float32(x - float64(i))
	return sorted[i]*(1-f) + sorted[i+1]*f
}

// point calibrates one cell of raw rows; the interval stays ordered and within
// [floor, ceil].
func (c *Conformal) point(row, step, state int, raw *Rows, i int, floor, ceil float32) Point {
	v := raw.Value[i]
	at := func(tail, level int, half float32) float32 {
		return half * c.factor[cell(step, state, tail, level)] * c.width[row*2+tail]
	}
	clip := func(x float32) float32 { return min(ceil, max(floor, x)) }
	p := Point{Value: clip(v), PCongested: missing}
	lo90, hi90 := at(tailLow, level90, raw.Lo90[i]), at(tailHigh, level90, raw.Hi90[i])
	p.Lo90, p.Hi90 = clip(v-lo90), clip(v+hi90)
	p.Lo50 = clip(v - min(lo90, at(tailLow, level50, raw.Lo50[i])))
	p.Hi50 = clip(v + min(hi90, at(tailHigh, level50, raw.Hi50[i])))
	return p
}

// feedback is a scored prediction on its way to the adaptation.
type feedback struct {
	row, step, state int
	point            Point
	truth            float32
}

// adapt moves the levels and widths after a batch of predictions has been
// scored. Each tail's level moves by Gamma times the excess of its misses in
// the batch; each series' log width by Step towards a miss rate of 5 % a tail.
func (c *Conformal) adapt(batch []feedback) {
	n, missed := make([]float64, len(c.level)), make([]float64, len(c.level))
	for _, f := range batch {
		bounds := [2][2]float32{tailLow: {f.point.Lo90, f.point.Lo50}, tailHigh: {f.point.Hi90, f.point.Hi50}}
		for tail, ends := range bounds {
			for level, end := range ends {
				k := cell(f.step, f.state, tail, level)
				n[k]++
				if tail == tailLow && f.truth < end || tail == tailHigh && f.truth > end {
					missed[k]++
				}
			}
			c.nudge(f.row, tail, tail == tailLow && f.truth < ends[level90] || tail == tailHigh && f.truth > ends[level90])
		}
	}
	for k := range c.level {
		if n[k] == 0 {
			continue
		}
		target := tailTarget[k%2]
		weight := n[k] / (n[k] + 20) // a handful of rows says little of a level
		c.level[k] += c.cfg.Gamma * weight * (missed[k]/n[k] - (1 - target))
		c.level[k] = math.Min(.999, math.Max(.4, c.level[k]))
		c.refresh(k)
	}
}

// nudge moves the width of a series' tail: up by Step × 0.95 on a miss, down
// by Step × 0.05 on a hit, so that it rests where 5 % miss. Step is shared by
// the horizons scored at one tick.
func (c *Conformal) nudge(row, tail int, missed bool) {
	step := c.cfg.Step / float64(c.steps)
	by := -step * (1 - tailTarget[level90])
	if missed {
		by = step * tailTarget[level90]
	}
	w := &c.width[row*2+tail]
	*w = float32(math.Min(c.cfg.Bounds[1], math.Max(c.cfg.Bounds[0], float64(*w)*math.Exp(by))))
}

// below returns the probability that the truth lies below a threshold, from
// the calibrated quantiles: linear between them, exponential beyond.
func (p Point) below(threshold float32) float32 {
	x := [5]float64{float64(p.Lo90), float64(p.Lo50), float64(p.Value), float64(p.Hi50), float64(p.Hi90)}
	q := [5]float64{.05, .25, .5, .75, .95}
	t := float64(threshold)
	switch {
	case math.IsNaN(t) || math.IsNaN(x[2]):
		return missing
	case t <= x[0]:
		return float32(.05 * math.Exp(-(x[0]-t)/math.Max(1e-6, (x[1]-x[0])/math.Log(5))))
	case t >= x[4]:
		return float32(1 - .05*math.Exp(-(t-x[4])/math.Max(1e-6, (x[4]-x[3])/math.Log(5))))
	}
	for i := 1; i < 5; i++ {
		if t < x[i] {
			return float32(q[i-1] + (q[i]-q[i-1])*(t-x[i-1])/(x[i]-x[i-1]))
		}
	}
	return .95
}
