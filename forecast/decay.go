package forecast

import (
	"fmt"
	"hash/fnv"
	"math"
	"time"

	"tideway/internal/parallel"
)

// Decay is the baseline that always ships: the profile plus the newest
// residual, which fades with a factor per lag estimated from leave-one-day-out
// residuals (for lag k the least-squares slope of r(t) on r(t-k), shrunk from
// the series' own towards the group's). With only AR(1) correlation the
// factors are the powers of the first; estimating each lag alone costs nothing
// and holds where residuals last longer.
//
// Half-widths are the profile's spread around the target times the share of it
// that remains at that lag, and grow with the age of the newest value.
type Decay struct {
	card   Card
	lags   int       // factors per row
	factor []float32 // Rows × lags: of lag 1, 2, ...
	remain []float32 // Rows × lags: mean |r(t) - factor r(t-k)| over mean |r|
}

// decayShrink is the number of days of the group that weigh as much as the
// series' own history.
const decayShrink = 2

// FitDecay fits the baseline for lags 1 to lags on a panel and its
// leave-one-day-out profile.
func FitDecay(p *Panel, loo []float32, lags, threads int) *Decay {
	n := len(p.Series)
	d := &Decay{lags: lags, factor: make([]float32, n*lags), remain: make([]float32, n*lags)}
	d.card = Card{Name: "profile_residual", Series: n, Interval: p.Interval}
	if steps := p.Steps(); steps > 0 {
		d.card.From, d.card.Until = p.First.Add(-p.Interval), p.First.Add(p.Interval*time.Duration(steps-1))
	}
	sums := make([]lagSums, n)
	parallel.ForShards(threads, n, 64, func(s parallel.Shard) {
		for row := s.Begin; row < s.End; row++ {
			sums[row] = correlate(residuals(p.Row(row), loo[row*p.Steps():(row+1)*p.Steps()]), lags)
		}
	})
	group := pool(sums, lags)
	lone := len(daysOf(p.Moments)) < 2
	parallel.ForShards(threads, n, 64, func(s parallel.Shard) {
		for row := s.Begin; row < s.End; row++ {
			mix := sums[row].mix(group, float64(decayShrink*Slots(p.Interval)))
			for k := range lags {
				d.factor[row*lags+k], d.remain[row*lags+k] = mix.slope(k)
				if lone {
					d.factor[row*lags+k], d.remain[row*lags+k] = unlearned(time.Duration(k+1) * p.Interval)
				}
			}
		}
	})
	d.card.Version = d.hash()
	return d
}

// lagSums holds, per lag, the sums behind a slope through the origin.
type lagSums struct {
	n, xx, xy, yy []float64
}

func newLagSums(lags int) lagSums {
	b := make([]float64, 4*lags)
	return lagSums{b[:lags], b[lags : 2*lags], b[2*lags : 3*lags], b[3*lags:]}
}

// correlate sums over all pairs at each lag at which both values are present.
func correlate(r []float32, lags int) lagSums {
	s := newLagSums(lags)
	for t, y := range r {
		if isMissing(y) {
			continue
		}
		for k := 0; k < lags && k < t; k++ {
			x := r[t-k-1]
			if isMissing(x) {
				continue
			}
			s.n[k]++
			s.xx[k] += float64(x) * float64(x)
			s.xy[k] += float64(x) * float64(y)
			s.yy[k] += float64(y) * float64(y)
		}
	}
	return s
}

// pool adds the rows' sums, each row scaled to unit variance so that busy
// roads do not drown quiet ones.
func pool(rows []lagSums, lags int) lagSums {
	out := newLagSums(lags)
	for _, s := range rows {
		for k := range lags {
			if s.xx[k] == 0 || s.yy[k] == 0 {
				continue
			}
			v := s.xx[k] / s.n[k]
			out.n[k] += s.n[k]
			out.xx[k] += s.xx[k] / v
			out.xy[k] += s.xy[k] / v
			out.yy[k] += s.yy[k] / v
		}
	}
	return out
}

// mix adds the group's sums, scaled to weigh like n own values.
func (s lagSums) mix(group lagSums, n float64) lagSums {
	out := newLagSums(len(s.n))
	for k := range s.n {
		g, v := 0.0, 1.0
		if group.n[k] > 0 {
			g = n / group.n[k]
		}
		if s.n[k] > 0 && s.xx[k] > 0 {
			v = s.xx[k] / s.n[k]
		}
		out.n[k] = s.n[k] + g*group.n[k]
		out.xx[k] = s.xx[k] + g*v*group.xx[k]
		out.xy[k] = s.xy[k] + g*v*group.xy[k]
		out.yy[k] = s.yy[k] + g*v*group.yy[k]
	}
	return out
}

// slope returns the factor of a lag, within [0, 1], and the share of the
// standard deviation that is left.
func (s lagSums) slope(k int) (factor, remain float32) {
	if s.xx[k] == 0 {
		return 0, 1
	}
	b := math.Min(1, math.Max(0, s.xy[k]/s.xx[k]))
	left := s.yy[k] - 2*b*s.xy[k] + b*b*s.xx[k]
	return float32(b), float32(math.Sqrt(math.Min(1, math.Max(.01, left/s.yy[k]))))
}

// loneFade is the time in which what differs from yesterday fades to 1/e while
// yesterday is all that is known. The slopes of loop detectors of Los Angeles,
// each day against another, are 0.76, 0.44 and 0.28 at 15, 60 and 120 minutes;
// hourly counts hold longer.
const loneFade = 75 * time.Minute

// unlearned returns factor and remaining share of a lag for a history of one
// day, which has no other day to estimate them from.
func unlearned(lag time.Duration) (factor, remain float32) {
	f := math.Exp(-float64(lag) / float64(loneFade))
	return float32(f), float32(math.Sqrt(1 - f*f))
}

func residuals(values, usual []float32) []float32 {
	r := make([]float32, len(values))
	for i := range r {
		r[i] = values[i] - usual[i]
	}
	return r
}

// hash identifies the parameters.
func (d *Decay) hash() string {
	h := fnv.New64a()
	for _, f := range d.factor {
		b := math.Float32bits(f)
		h.Write([]byte{byte(b), byte(b >> 8), byte(b >> 16), byte(b >> 24)})
	}
	return fmt.Sprintf("%016x", h.Sum64())
}

// Card describes the model.
func (d *Decay) Card() Card { return d.card }

// Predict fills the window's rows. Rows beyond those fitted use no residual.
func (d *Decay) Predict(w *Window, threads int, out *Rows) {
	parallel.ForShards(threads, w.Rows, 512, func(s parallel.Shard) {
		for row := s.Begin; row < s.End; row++ {
			d.row(w, row, out)
		}
	})
}

func (d *Decay) row(w *Window, row int, out *Rows) {
	age, newest := w.age(row)
	residual := float32(0)
	if age < w.Past {
		residual = newest - w.Usual[row*w.Past+w.Past-1-age]
	}
	for i, step := range w.Steps {
		c := row*len(w.Steps) + i
		factor, remain := d.at(row, age+step, age < w.Past)
		value, width := w.Ahead[c], w.Spread[c]*remain
		if isMissing(width) {
			width = unknownSpread * abs(value) * remain
		}
		if !isMissing(residual) {
			value += factor * residual
		}
		out.Value[c] = value
		out.Lo90[c], out.Hi90[c], out.Lo50[c], out.Hi50[c] = 2*width, 2*width, .8*width, .8*width
	}
}

// unknownSpread is the mean absolute deviation, as a share of the value, of a
// series with too few days to tell: that of an urban count at the hour.
const unknownSpread = .3

// at returns factor and remaining share of a lag; beyond the fitted lags the
// residual is forgotten.
func (d *Decay) at(row, lag int, seen bool) (factor, remain float32) {
	if !seen || lag > d.lags || (row+1)*d.lags > len(d.factor) {
		return 0, 1
	}
	return d.factor[row*d.lags+lag-1], d.remain[row*d.lags+lag-1]
}

// lasts returns the lag at which a row's residual has faded to 1/e, at most the
// longest fitted.
func (d *Decay) lasts(row int) int {
	for k, f := range d.factor[row*d.lags : (row+1)*d.lags] {
		if f < 1/math.E {
			return k + 1
		}
	}
	return max(1, d.lags)
}
