package forecast

import (
	"context"
	"fmt"
	"math"
	"time"

	"tideway/geo"
	"tideway/live"
)

// Role is the part a model plays.
type Role string

// Roles: the model that forecasts, those it replaced, the built-in one, the
// newest that lost to it.
const (
	Serving   Role = "serving"
	Previous  Role = "previous"
	Baseline  Role = "baseline"
	Candidate Role = "candidate"
)

// ModelInfo is a model of the runner.
type ModelInfo struct {
	Role     Role
	Quantity geo.Quantity
	Interval time.Duration
	Card     Card
	Why      string // of a candidate: why it does not serve
}

// Models returns the models in use, by group: the serving one, the baseline,
// those that served before, newest first, and candidates that lost.
func (r *Runner) Models() (out []ModelInfo) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, g := range r.groups {
		if g.fit == nil {
			continue
		}
		add := func(role Role, c Card, why string) {
			out = append(out, ModelInfo{Role: role, Quantity: g.quantity, Interval: g.interval, Card: c, Why: why})
		}
		add(Serving, g.fit.model.Card(), "")
		if g.learned() {
			add(Baseline, g.fit.decay.Card(), "")
		}
		for _, m := range g.fit.former {
			if m.model != nil {
				add(Previous, m.model.Card(), "")
			}
		}
		for _, v := range g.fit.lesson.Tried {
			if !v.Serves && v.Card.Name != "" {
				add(Candidate, v.Card, v.Why)
			}
		}
	}
	return out
}

// Progress is how far a training has come.
type Progress struct {
	What string  // learner, quantity, interval
	Done float64 // 0 to 1
}

// Verdict is what became of a candidate.
type Verdict struct {
	Quantity  geo.Quantity  `json:"-"`
	Interval  time.Duration `json:"-"`
	Candidate string        `json:"candidate"`
	Serves    bool          `json:"serves"`
	Why       string        `json:"why"`
	Card      Card          `json:"card"` // of the candidate; scores on days it had not seen
}

// Learn refreshes every group and lets each Learner try for it: a draft is
// fitted without the last days and judged on them against the baseline; when
// it wins, a full fit serves from now on, its intervals calibrated with the
// draft's errors. Otherwise what served before goes on, unless it is of the same
// learner and the draft was worse than the baseline, which then serves again. It
// is long work, meant for a background goroutine at night; Tick may run
// meanwhile, and ctx ends it. What a group learned is put on the shelf.
func (r *Runner) Learn(ctx context.Context, snap *live.Snapshot) ([]Verdict, error) {
	return r.learn(ctx, snap, time.Time{})
}

// CatchUp is Learn for the groups that have tried no candidate after since: what
// a restart leaves to do after Refresh has found the others on the shelf. A
// group that had too little history then may have more now.
func (r *Runner) CatchUp(ctx context.Context, snap *live.Snapshot, since time.Time) ([]Verdict, error) {
	return r.learn(ctx, snap, since)
}

func (r *Runner) learn(ctx context.Context, snap *live.Snapshot, since time.Time) ([]Verdict, error) {
	r.fitting.Lock()
	defer r.fitting.Unlock()
	var out []Verdict
	keys, rows := seriesByGroup(snap)
	for _, k := range keys {
		if !since.IsZero() && r.triedAfter(k, since) {
			continue
		}
		tried, err := r.learnGroup(ctx, k, rows[k], snap)
		if err != nil {
			return append(out, tried...), err
		}
		out = append(out, tried...)
		r.note(ctx, k, lesson{LearnedAt: snap.At, Tried: tried})
	}
	return out, nil
}

func (r *Runner) learnGroup(ctx context.Context, k groupKey, rows []geo.SensorID, snap *live.Snapshot) ([]Verdict, error) {
	p, err := r.refreshGroup(ctx, k, rows, gridEnd(snap, k), r.learnSpan())
	if err != nil {
		return nil, err
	}
	if r.hasSky(k) && len(r.opt.Learners) > 0 && p.panel.Steps() > 0 {
		if p.sky, err = r.skyOf(ctx, p.panel.First, p.fit.until, p.fit.until); err != nil {
			return nil, fmt.Errorf("weather of the past: %w", err)
		}
	}
	var out []Verdict
	for _, l := range r.opt.Learners {
		v, err := r.challenge(ctx, k, rows, &p, l, snap.At)
		if err != nil {
			return out, fmt.Errorf("learning %s every %v: %w", k.quantity, k.interval, err)
		}
		out = append(out, v)
	}
	return out, nil
}

// learnMemory is how far back learners read: seasons and the holidays of a year.
const learnMemory = 400 * 24 * time.Hour

func (r *Runner) learnSpan() fitSpan {
	threads := r.opt.LearnThreads
	if threads <= 0 {
		threads = r.opt.Threads
	}
	if len(r.opt.Learners) == 0 {
		return fitSpan{r.opt.Memory, looDays, threads}
	}
	return fitSpan{max(learnMemory, r.opt.Memory), 0, threads}
}

// unseenShare is the part of a panel a draft does not see, at least a day and
// at most two weeks.
const unseenShare = .2

func unseenSteps(p *Panel) int {
	day := Slots(p.Interval)
	return min(14*day, max(day, int(unseenShare*float64(p.Steps()))))
}

// winMargin is the share by which a candidate must be better.
const winMargin = .005

func (r *Runner) challenge(ctx context.Context, k groupKey, rows []geo.SensorID, p *prepared, l Learner, now time.Time) (Verdict, error) {
	v := Verdict{Quantity: k.quantity, Interval: k.interval, Candidate: l.Name()}
	if ok, why := l.Takes(p.panel); !ok {
		v.Why = why
		return v, nil
	}
	g, unseen := r.newGroup(k, rows), unseenSteps(p.panel)
	if p.panel.Steps() < 2*unseen {
		v.Why = fmt.Sprintf("%.1f days of history, too few to learn from some and judge on the others", float64(p.panel.Steps())/float64(Slots(k.interval)))
		return v, nil
	}
	in := r.training(g, p, l.Name())
	in.Draft, in.Panel = true, p.panel.Head(p.panel.Steps()-unseen)
	in.Usual = head(p.loo, len(rows), p.panel.Steps(), in.Panel.Steps())
	draft, err := l.Fit(ctx, in)
	if err != nil {
		return v, err
	}
	scores, err := r.compare(ctx, g, p, draft, unseen)
	if err != nil {
		return v, err
	}
	v.Card = draft.Card()
	v.Card.Scores, v.Card.Trained = scores, now
	if gain := gainOf(scores); gain < winMargin && !r.opt.Trial {
		v.Why = fmt.Sprintf("better than the baseline by %.1f %%, expected at least %.1f %%", 100*gain, 100*winMargin)
		if gain < 0 && r.demote(k, l.Name()) {
			v.Why += "; its predecessor no longer serves"
		}
		return v, nil
	}
	intervals, err := r.calibrate(ctx, g, p, draft, unseen)
	if err != nil {
		return v, err
	}
	model, err := l.Fit(ctx, r.training(g, p, l.Name()))
	if err != nil {
		return v, err
	}
	v.Serves, v.Why = true, fmt.Sprintf("better than the baseline by %.1f %%", 100*gainOf(scores))
	card := model.Card()
	card.Scores, card.Trained = scores, now
	v.Card = card
	next := served{model: carded{model, card}, intervals: intervals}
	next.key = r.shelve(ctx, g, next)
	r.serve(k, next)
	return v, nil
}

// carded is a model whose card has been completed.
type carded struct {
	Model
	card Card
}

// Card describes the model.
func (c carded) Card() Card { return c.card }

// head keeps the first steps of row-major columns.
func head(col []float32, rows, have, want int) []float32 {
	out := make([]float32, 0, rows*want)
	for i := range rows {
		out = append(out, col[i*have:i*have+want]...)
	}
	return out
}

func (r *Runner) training(g *group, p *prepared, name string) Training {
	in := Training{Panel: p.panel, Usual: p.loo, Profile: p.fit.profile, Steps: g.steps, Links: p.fit.links, Threads: p.threads, Calendar: r.calendar, Sky: p.sky}
	if r.opt.Progress != nil {
		in.Progress = func(done float64) {
			r.opt.Progress(fmt.Sprintf("%s %s every %v", name, g.quantity, g.interval), done)
		}
	}
	return in
}

// compare returns the errors of a candidate and of the baseline over the last
// steps of a panel, at each step ahead at which both said something.
func (r *Runner) compare(ctx context.Context, g *group, p *prepared, m Model, steps int) ([]CardScore, error) {
	sums := make([]struct{ n, model, base float64 }, len(g.steps))
	base := NewRows(len(g.rows), len(g.steps))
	err := r.replay(ctx, g, p, m, steps, func(_ int, w *Window, raw *Rows, truth func(row, step int) float32) {
		p.fit.decay.Predict(w, p.threads, base)
		for row := range g.rows {
			for i := range g.steps {
				k, y := row*len(g.steps)+i, truth(row, i)
				a, b := abs(raw.Value[k]-y), abs(base.Value[k]-y)
				if !isMissing(a) && !isMissing(b) {
					s := &sums[i]
					s.n, s.model, s.base = s.n+1, s.model+float64(a), s.base+float64(b)
				}
			}
		}
	})
	var out []CardScore
	for i, s := range sums {
		if s.n > 0 {
			out = append(out, CardScore{Step: g.steps[i], MAE: s.model / s.n, Baseline: s.base / s.n})
		}
	}
	return out, err
}

// gainOf is the mean relative improvement over the steps.
func gainOf(scores []CardScore) float64 {
	sum := 0.0
	for _, s := range scores {
		sum += 1 - s.MAE/s.Baseline
	}
	if g := sum / float64(len(scores)); !math.IsNaN(g) {
		return g
	}
	return 0
}
