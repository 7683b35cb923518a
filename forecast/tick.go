package forecast

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"tideway/geo"
	"tideway/internal/parallel"
	"tideway/live"
)

// Tick forecasts everything from a snapshot, scores what has come due,
// publishes the result and returns it. When the archive fails the forecast is
// published all the same and the error returned with it. Ticks must come in
// order of time; they exclude each other.
func (r *Runner) Tick(ctx context.Context, snap *live.Snapshot) (*Forecast, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.align(snap)
	f := &Forecast{City: r.opt.City, Seq: snap.Seq, IssuedAt: snap.At, Groups: make([]Group, len(r.groups))}
	var scored []Scored
	for i, g := range r.groups {
		if err := r.look(ctx, g, gridEnd(snap, g.groupKey)); err != nil {
			return nil, err
		}
		if err := r.lookUp(ctx, g, snap.At); err != nil {
			return nil, err
		}
		g.heed(snap)
		scored = append(scored, g.settle()...)
		g.impute()
		f.Groups[i] = r.predict(g)
		g.remember(&f.Groups[i])
	}
	r.spread(f, snap)
	r.latest.Store(f)
	if len(scored) > 0 {
		r.publishSkill(snap.At)
	}
	return f, r.archive(ctx, f, scored)
}

func (r *Runner) archive(ctx context.Context, f *Forecast, scored []Scored) error {
	if r.opt.Archive == nil {
		return nil
	}
	err := r.opt.Archive.Issued(ctx, f)
	if len(scored) > 0 {
		err = errors.Join(err, r.opt.Archive.Scored(ctx, scored))
	}
	if err != nil {
		return fmt.Errorf("archiving forecast %d: %w", f.Seq, err)
	}
	return nil
}

// gridEnd returns the end of the newest interval of a group that values may be
// known of: the last one before the tick or, when nothing of it has arrived
// but something of the one before has, that one. The grid is that of the
// values seen (daily means may end at local midnight), else of UTC.
func gridEnd(snap *live.Snapshot, k groupKey) time.Time {
	var newest time.Time
	for _, s := range snap.Series {
		if s.Quantity == k.quantity && s.Interval == k.interval && s.End.After(newest) && !s.End.After(snap.At) {
			newest = s.End
		}
	}
	phase := newest.Sub(newest.Truncate(k.interval))
	end := snap.At.Add(-phase).Truncate(k.interval).Add(phase)
	if newest.Equal(end.Add(-k.interval)) {
		return newest
	}
	return end
}

// look fills a group's window with what is known at origin.
func (r *Runner) look(ctx context.Context, g *group, origin time.Time) error {
	w := g.window
	w.clock(r.calendar, origin, g.interval)
	g.origin = origin
	from := origin.Add(-time.Duration(w.Past) * g.interval)
	columns, err := r.columns(ctx, g.groupKey, g.rows, from, origin)
	if err != nil {
		return err
	}
	far := w.Steps[len(w.Steps)-1]
	yesterday, err := r.columns(ctx, g.groupKey, g.rows, origin.Add(-24*time.Hour), origin.Add(min(0, time.Duration(far)*g.interval-24*time.Hour)))
	if err != nil {
		return err
	}
	parallel.ForShards(r.opt.Threads, w.Rows, 256, func(s parallel.Shard) {
		for row := s.Begin; row < s.End; row++ {
			clean(g.quantity, w.Values[row*w.Past:(row+1)*w.Past], columns[row])
			before := cleaned(g.quantity, yesterday[row])
			for i, step := range w.Steps {
				w.DayAgo[row*len(w.Steps)+i] = missing
				if step <= len(before) {
					w.DayAgo[row*len(w.Steps)+i] = before[step-1]
				}
			}
			g.lookup(row)
			g.ages[row], g.lasts[row] = w.age(row)
		}
	})
	return nil
}

// lookUp fills a group's window with the weather as it is known now, where a
// learned model may want it.
func (r *Runner) lookUp(ctx context.Context, g *group, now time.Time) (err error) {
	g.window.Sky = Sky{}
	if r.hasSky(g.groupKey) && g.learned() {
		g.window.Sky, err = r.skyOf(ctx, g.origin, g.window.Target(len(g.steps)-1), now)
	}
	return err
}

// heed takes over what the feed doubts about the newest values.
func (g *group) heed(snap *live.Snapshot) {
	clear(g.doubt)
	for _, s := range snap.Series {
		if row, ok := g.index[s.Sensor]; ok && s.Doubt != "" && s.Quantity == g.quantity && s.Interval == g.interval {
			g.doubt[row] = s.Doubt
		}
	}
}

// lookup fills a row's profile values.
func (g *group) lookup(row int) {
	w := g.window
	if f := g.fit; f != nil && f.profileOf[row] >= 0 {
		w.lookup(row, f.profile, int(f.profileOf[row]))
		return
	}
	fill(w.Usual[row*w.Past:(row+1)*w.Past], missing)
	fill(w.Ahead[row*len(w.Steps):(row+1)*len(w.Steps)], missing)
	fill(w.Spread[row*len(w.Steps):(row+1)*len(w.Steps)], missing)
}

// predict runs the serving model on the group's window and calibrates.
func (r *Runner) predict(g *group) Group {
	out := Group{
		Quantity: g.quantity, Interval: g.interval, Origin: g.origin, Model: priorName,
		Horizons: make([]time.Duration, len(g.steps)), Series: make([]SeriesRow, len(g.rows)),
		Bands: NewBands(len(g.rows), len(g.steps)), Typical: append([]float32(nil), g.window.Ahead...),
	}
	for i, s := range g.steps {
		out.Horizons[i] = time.Duration(s) * g.interval
	}
	if g.fit != nil {
		card := g.fit.model.Card()
		out.Model = card.Name + "@" + card.Version
		clear(g.raw.UsesSky)
		g.fit.model.Predict(g.window, r.opt.Threads, g.raw)
		out.UsesSky = slices.Clone(g.raw.UsesSky)
		if g.learned() {
			g.fit.decay.Predict(g.window, r.opt.Threads, g.second)
		}
	}
	parallel.ForShards(r.opt.Threads, len(g.rows), 512, func(s parallel.Shard) {
		for row := s.Begin; row < s.End; row++ {
			r.row(g, row, &out)
		}
	})
	return out
}

// priorName names the model of rows and segments without history.
const priorName = "prior"

// staleAfter is the age in intervals beyond which a value counts as stale.
const staleAfter = 2

// row calibrates one row of a group and tells what it rests on.
func (r *Runner) row(g *group, row int, out *Group) {
	age, last := g.ages[row], g.lasts[row]
	info := SeriesRow{Sensor: g.rows[row], Last: last, Age: time.Duration(age) * g.interval, Source: Observed}
	known := g.fit != nil && !isMissing(g.raw.Value[row*len(g.steps)])
	switch {
	case !known && isMissing(last):
		info.Source, info.Reason = Prior, "no history"
	case !known:
		info.Reason = "no history: last value repeated"
	case isMissing(last):
		info.Source, info.Reason = Typical, fmt.Sprintf("no value for %v", time.Duration(g.window.Past)*g.interval)
	case age > staleAfter:
		info.Source, info.Reason = Typical, fmt.Sprintf("no value for %v", info.Age)
	}
	if t, ok := g.told[row]; ok && info.Source == Typical {
		info.Source = Imputed
		info.Reason += fmt.Sprintf(", estimated from %d others", t.others)
	}
	if d := g.doubt[row]; d != "" {
		info.Reason = strings.TrimSuffix("sensor "+string(d)+": "+info.Reason, ": ")
	}
	out.Series[row] = info
	for i := range g.steps {
		k := row*len(g.steps) + i
		p := r.unfitted(g, row, last)
		if known {
			p = g.fit.conformal.point(row, i, g.stateOf(g.fit, row, g.raw.Value[k]), g.raw, k, g.floor, g.ceil)
		}
		if t := r.congestedBelow(g, row); !isMissing(t) {
			p.PCongested = p.below(t)
			if known && g.learned() {
				p.PCongested = pooled(p.PCongested, g.second.point(k).below(t))
			}
		}
		out.Bands.Set(row, i, p)
	}
}

// learned reports whether another model than the baseline serves.
func (g *group) learned() bool { return g.fit != nil && g.fit.model != Model(g.fit.decay) }

// pooled is the mean of two opinions, or the one there is. A learned model is
// careful with jams that the profile expects; on detectors the mean ranks roads
// about to jam 5 to 10 % better than either (average precision).
func pooled(a, b float32) float32 {
	if isMissing(b) {
		return a
	}
	return (a + b) / 2
}

func (r *Runner) congestedBelow(g *group, row int) float32 {
	switch {
	case g.quantity != geo.Speed:
		return missing
	case g.fit != nil && g.fit.threshold != nil:
		return g.fit.threshold[row]
	}
	return r.threshold(g.rows[row], r.limitOf(g.rows[row]))
}

// unfitted is the forecast of a row without history: the last value, or the
// speed limit, with an interval that says how little is known. Its shape is a
// judgement: half to one and a half times a measured value, and for a speed
// prior what city streets take at some time of day.
func (r *Runner) unfitted(g *group, row int, last float32) Point {
	if !isMissing(last) {
		w := max(last, -last)
		return Point{Value: last, Lo50: last - .2*w, Hi50: last + .2*w, Lo90: last - .5*w, Hi90: min(g.ceil, last+.5*w), PCongested: missing}
	}
	if g.quantity == geo.Speed {
		return priorSpeed(r.limitOf(g.rows[row]))
	}
	return Point{missing, missing, missing, missing, missing, missing}
}

// priorSpeed is what is believed of a road nobody measured: free flow, wide.
func priorSpeed(freeFlowKMH float32) Point {
	return Point{Value: freeFlowKMH, Lo50: .7 * freeFlowKMH, Hi50: 1.05 * freeFlowKMH, Lo90: .3 * freeFlowKMH, Hi90: 1.2 * freeFlowKMH, PCongested: missing}
}
