package forecast

import (
	"fmt"
	"math"
	"time"

	"tideway/geo"
	"tideway/live"
)

// pendingGroup is an issued group of which some horizons are not scored yet.
type pendingGroup struct {
	group Group
	open  []openHorizon
}

// openHorizon is a horizon that waits for its truth; rows lists those still
// without one once the time has come, nil before.
type openHorizon struct {
	index int
	rows  []int32
}

// grace is how many intervals after its time a truth may still arrive.
const grace = 3

// remember keeps the first forecast issued at each origin for scoring.
func (g *group) remember(issued *Group) {
	if n := len(g.pending); n > 0 && !g.pending[n-1].group.Origin.Before(issued.Origin) {
		return
	}
	p := pendingGroup{group: *issued, open: make([]openHorizon, len(issued.Horizons))}
	for i := range p.open {
		p.open[i].index = i
	}
	g.pending = append(g.pending, p)
}

// settle scores every pending value whose truth is in the window, and lets the
// scores adapt the intervals.
func (g *group) settle() (out []Scored) {
	var batch []feedback
	kept := g.pending[:0]
	for _, p := range g.pending {
		open := p.open[:0]
		for _, h := range p.open {
			late := int(g.origin.Sub(p.group.Origin.Add(p.group.Horizons[h.index])) / g.interval)
			if late >= 0 && late < g.window.Past {
				h.rows = g.scoreHorizon(&p.group, h, late, &out, &batch)
			}
			if late < 0 || late < grace && len(h.rows) > 0 {
				open = append(open, h)
			}
		}
		if p.open = open; len(open) > 0 {
			kept = append(kept, p)
		}
	}
	g.pending = kept
	if g.fit != nil {
		g.fit.conformal.adapt(batch)
	}
	return out
}

// scoreHorizon scores the rows of one horizon whose truth, late intervals
// before the window's end, is known, and returns the others.
func (g *group) scoreHorizon(p *Group, h openHorizon, late int, out *[]Scored, batch *[]feedback) (waiting []int32) {
	rows := h.rows
	if rows == nil {
		rows = identity(len(g.rows))
	}
	target := g.window.Moments[g.window.Past-1-late]
	for _, row := range rows {
		truth := g.window.Values[int(row+1)*g.window.Past-1-late]
		if isMissing(truth) {
			waiting = append(waiting, row)
			continue
		}
		s := Scored{
			Series: live.Series{Sensor: g.rows[row], Quantity: g.quantity, Interval: g.interval}, Model: p.Model,
			Origin: p.Origin, Horizon: p.Horizons[h.index], Forecast: p.Bands.At(int(row), h.index), Truth: truth,
			Last: p.Series[row].Last, Typical: p.Typical[int(row)*len(p.Horizons)+h.index],
		}
		if isMissing(s.Forecast.Value) {
			continue
		}
		*out = append(*out, s)
		if p.Model != priorName {
			*batch = append(*batch, feedback{row: int(row), step: h.index, state: g.stateOf(g.fit, int(row), s.Forecast.Value), point: s.Forecast, truth: truth})
		}
		g.score.add(int(row), h.index, target, &s, g.congested(int(row)))
	}
	return waiting
}

// congested returns the speed below which a row counts as congested, NaN when
// the notion does not apply.
func (g *group) congested(row int) float32 {
	if g.fit == nil || g.fit.threshold == nil {
		return missing
	}
	return g.fit.threshold[row]
}

// skillDays is how many days of scores are kept.
const skillDays = 7

// scoreboard keeps daily tallies of a group by horizon: of all rows, of each
// row, of each hour of the day.
type scoreboard struct {
	key    groupKey
	steps  []int
	sensor []string
	zones  map[string][]int32 // zone id -> rows
	order  []string           // of zones
	days   [skillDays]dayTally
	last   int32 // newest local day
	until  time.Time
	model  string
}

type dayTally struct {
	day  int32
	rows []tally // row*steps + step
	hour []tally // hour*steps + step
}

// tally holds sums over scored values.
type tally struct {
	n, abs, square, sum  float32
	lastN, lastAbs       float32
	typicalN, typicalAbs float32
	in50, in90, width    float32
	jamN, jamIn          float32
	brierN, brier        float32
	onsets               Onsets
}

func newScoreboard(r *Runner, g *group) *scoreboard {
	b := &scoreboard{key: g.groupKey, steps: g.steps, zones: map[string][]int32{}}
	for row, s := range g.rows {
		b.sensor = append(b.sensor, r.opt.City.Sensors.At(s).ID)
		for _, z := range r.zonesOf(s) {
			if b.zones[z] == nil {
				b.order = append(b.order, z)
			}
			b.zones[z] = append(b.zones[z], int32(row))
		}
	}
	return b
}

func (b *scoreboard) add(row, step int, at Moment, s *Scored, threshold float32) {
	d := &b.days[at.Day%skillDays]
	if d.day != at.Day || d.rows == nil {
		*d = dayTally{day: at.Day, rows: make([]tally, len(b.sensor)*len(b.steps)), hour: make([]tally, 24*len(b.steps))}
	}
	b.last = max(b.last, at.Day)
	if end := s.Origin.Add(s.Horizon); end.After(b.until) {
		b.until = end
	}
	b.model = s.Model
	hour := int(at.Slot) * 24 / Slots(b.key.interval)
	d.rows[row*len(b.steps)+step].add(s, threshold)
	d.hour[hour*len(b.steps)+step].add(s, threshold)
}

func (t *tally) add(s *Scored, threshold float32) {
	f, e := s.Forecast, s.Forecast.Value-s.Truth
	t.n++
	t.abs += abs(e)
	t.square += e * e
	t.sum += e
	if !isMissing(s.Last) {
		t.lastN++
		t.lastAbs += abs(s.Last - s.Truth)
	}
	if !isMissing(s.Typical) {
		t.typicalN++
		t.typicalAbs += abs(s.Typical - s.Truth)
	}
	in90 := one(f.Lo90 <= s.Truth && s.Truth <= f.Hi90)
	t.in50 += one(f.Lo50 <= s.Truth && s.Truth <= f.Hi50)
	t.in90 += in90
	t.width += f.Hi90 - f.Lo90
	if isMissing(threshold) {
		return
	}
	jam, slow := s.Truth < threshold, f.Value < threshold
	t.jamN += one(slow)
	t.jamIn += one(slow) * in90
	if !isMissing(f.PCongested) {
		t.brierN++
		t.brier += (f.PCongested - one(jam)) * (f.PCongested - one(jam))
	}
	t.onsets.Add(f, s.Last, s.Truth, threshold)
}

func abs(v float32) float32 { return float32(math.Abs(float64(v))) }

func one(b bool) float32 {
	if b {
		return 1
	}
	return 0
}

// plus adds another tally.
func (t *tally) plus(o *tally) {
	t.n, t.abs, t.square, t.sum = t.n+o.n, t.abs+o.abs, t.square+o.square, t.sum+o.sum
	t.lastN, t.lastAbs = t.lastN+o.lastN, t.lastAbs+o.lastAbs
	t.typicalN, t.typicalAbs = t.typicalN+o.typicalN, t.typicalAbs+o.typicalAbs
	t.in50, t.in90, t.width = t.in50+o.in50, t.in90+o.in90, t.width+o.width
	t.jamN, t.jamIn = t.jamN+o.jamN, t.jamIn+o.jamIn
	t.brierN, t.brier = t.brierN+o.brierN, t.brier+o.brier
	t.onsets.Plus(o.onsets)
}

// driftAlarm is the share of the mean absolute error that the mean signed
// error of the last day may reach, and driftSigma how many of its own standard
// errors it must lie off zero to mean anything.
const (
	driftAlarm = .5
	driftSigma = 3
)

// drifts reports whether today's errors of a number of series lean to one side
// by more than chance: forecasts of targets closer than two horizons err
// together, and so do series, so only the rest count as independent.
func (t *tally) drifts(mae float64, series, step int) bool {
	mean := ratio(t.sum, t.n)
	deviation := math.Sqrt(math.Max(0, ratio(t.square, t.n)-mean*mean))
	independent := math.Max(1, float64(t.n)/float64(2*series*step))
	return t.n >= 24 && math.Abs(mean) > driftAlarm*mae && math.Abs(mean) > driftSigma*deviation/math.Sqrt(independent)
}

// skillRow turns sums into means.
func (b *scoreboard) skillRow(scope SkillScope, id string, step, series int, t, today *tally) SkillRow {
	mae := ratio(t.abs, t.n)
	r := SkillRow{
		Model: b.model, Quantity: b.key.quantity, Interval: b.key.interval, Horizon: time.Duration(b.steps[step]) * b.key.interval,
		Scope: scope, ID: id, N: int(t.n), MAE: mae, RMSE: math.Sqrt(ratio(t.square, t.n)), Bias: ratio(t.sum, t.n),
		MAELast: ratio(t.lastAbs, t.lastN), MAETypical: ratio(t.typicalAbs, t.typicalN),
		Coverage50: ratio(t.in50, t.n), Coverage90: ratio(t.in90, t.n), Span90: ratio(t.width, t.n),
		NCongested: int(t.jamN), Coverage90Congested: ratio(t.jamIn, t.jamN), Brier: ratio(t.brier, t.brierN),
		OnsetRecall: t.onsets.Recall(), OnsetPrecision: t.onsets.Precision(),
	}
	r.Drift = ratio(today.sum, today.n) / mae
	r.Alarm = today.drifts(mae, series, b.steps[step])
	return r
}

func ratio(a, b float32) float64 { return float64(a) / float64(b) } // NaN when b is 0

// skill appends the rows of a group, in order: all, zones, hours, sensors.
func (b *scoreboard) skill(out []SkillRow) []SkillRow {
	h := len(b.steps)
	rows, hours := make([]tally, len(b.sensor)*h), make([]tally, 24*h)
	today := make([]tally, len(rows))
	for i := range b.days {
		d := &b.days[i]
		if d.rows == nil || d.day <= b.last-skillDays {
			continue
		}
		for k := range rows {
			rows[k].plus(&d.rows[k])
			if d.day == b.last {
				today[k] = d.rows[k]
			}
		}
		for k := range hours {
			hours[k].plus(&d.hour[k])
		}
	}
	every := identity(len(b.sensor))
	for step := range h {
		t, now := total(rows, every, h, step), total(today, every, h, step)
		out = append(out, b.skillRow(ByAll, "", step, len(every), &t, &now))
		for _, z := range b.order {
			t, now := total(rows, b.zones[z], h, step), total(today, b.zones[z], h, step)
			out = append(out, b.skillRow(ByZone, z, step, len(b.zones[z]), &t, &now))
		}
		for hour := range 24 {
			if t := &hours[hour*h+step]; t.n > 0 {
				out = append(out, b.skillRow(ByHour, fmt.Sprintf("%02d", hour), step, 1, t, &tally{}))
			}
		}
		for row, id := range b.sensor {
			if t := &rows[row*h+step]; t.n > 0 {
				out = append(out, b.skillRow(BySensor, id, step, 1, t, &today[row*h+step]))
			}
		}
	}
	return out
}

func total(rows []tally, which []int32, h, step int) (t tally) {
	for _, r := range which {
		t.plus(&rows[int(r)*h+step])
	}
	return t
}

// skillEvery is how often the published skill is computed anew.
const skillEvery = 5 * time.Minute

func (r *Runner) publishSkill(now time.Time) {
	if s := r.skill.Load(); s != nil && now.Sub(s.At) < skillEvery && !now.Before(s.At) {
		return
	}
	s := &Skill{At: now, Days: skillDays}
	for _, g := range r.groups {
		if g.score.model == "" {
			continue
		}
		s.Rows = g.score.skill(s.Rows)
		if g.score.until.After(s.Until) {
			s.Until = g.score.until
		}
	}
	r.skill.Store(s)
}

// zonesOf returns the ids of the zones a sensor stands in.
func (r *Runner) zonesOf(s geo.SensorID) (ids []string) {
	for _, z := range r.zones {
		if z.sensors[s] {
			ids = append(ids, r.opt.City.Zones.At(z.zone).ID)
		}
	}
	return ids
}
