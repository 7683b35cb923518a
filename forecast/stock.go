package forecast

import (
	"context"
	"fmt"
	"io/fs"
	"time"

	"tideway/geo"
)

// served is a model in service or in stock, with the intervals that were
// calibrated for it. The zero value stands for the baseline of the newest fit.
type served struct {
	model     Model
	intervals *Conformal
	key       string // on the shelf, "" when it is not there
}

// stockSize is how many former models a group can be rolled back to, one night
// each.
const stockSize = 3

// serving returns what serves.
func (f *fitted) serving() served {
	if f.model == Model(f.decay) {
		return served{}
	}
	return served{f.model, f.conformal, f.key}
}

// put lets s serve.
func (f *fitted) put(s served) {
	f.model, f.conformal, f.key = s.model, s.intervals, s.key
	if s.model == nil {
		f.model, f.conformal = f.decay, f.own
	}
}

// follow lets s serve and moves what served to the stock.
func (f *fitted) follow(s served) {
	former := append([]served{f.serving()}, f.former...)
	f.former = former[:min(len(former), stockSize)]
	f.put(s)
}

// fitOf returns the fit of a group, nil when there is none; changes are made to
// copies.
func (r *Runner) fitOf(k groupKey) *fitted {
	r.mu.Lock()
	defer r.mu.Unlock()
	if g := r.group(k); g != nil {
		return g.fit
	}
	return nil
}

// change replaces a group's fit by a copy that do has altered, and reports
// whether there was a fit and do agreed.
func (r *Runner) change(k groupKey, do func(*fitted) bool) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	g := r.group(k)
	if g == nil || g.fit == nil {
		return false
	}
	f := *g.fit
	if !do(&f) {
		return false
	}
	g.fit = &f
	return true
}

// serve puts a model in the place of the serving one.
func (r *Runner) serve(k groupKey, next served) {
	r.change(k, func(f *fitted) bool {
		f.follow(next)
		return true
	})
}

// demote puts the baseline in the place of a serving model of a learner whose
// newest draft lost to it: what was learned no longer holds. It reports whether
// such a model served.
func (r *Runner) demote(k groupKey, learner string) bool {
	return r.change(k, func(f *fitted) bool {
		if f.model.Card().Name != learner {
			return false
		}
		f.follow(served{})
		return true
	})
}

// Rollback puts what served a group before the serving model back, with its
// intervals, and drops the serving one. It returns an error that wraps
// fs.ErrNotExist when nothing served before.
func (r *Runner) Rollback(ctx context.Context, q geo.Quantity, interval time.Duration) error {
	k := groupKey{q, interval}
	var noted lesson
	ok := r.change(k, func(f *fitted) bool {
		if len(f.former) == 0 {
			return false
		}
		back := f.former[0]
		f.former = f.former[1:]
		f.put(back)
		noted = f.lesson
		return true
	})
	if !ok {
		return fmt.Errorf("rolling back %s every %v: no model served before: %w", q, interval, fs.ErrNotExist)
	}
	r.note(ctx, k, noted)
	return nil
}
