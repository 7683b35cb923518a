package forecast

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"
	"time"
)

// Shelf is where learned models outlive the process: a durable map. Get of a key
// that is absent returns an error that wraps fs.ErrNotExist.
type Shelf interface {
	Get(ctx context.Context, key string) ([]byte, error)
	Put(ctx context.Context, key string, value []byte) error
	Delete(ctx context.Context, key string) error
	Keys(ctx context.Context) ([]string, error)
}

// Reader is a Learner whose models implement io.WriterTo and can be read back:
// they forecast the same bits. Models of other learners are learned anew after
// a restart.
type Reader interface {
	Learner
	// Read reads what a model of the learner wrote; a damaged or foreign text is
	// an error.
	Read(in io.Reader) (Model, error)
}

// lesson is what became of a group's last learning.
type lesson struct {
	LearnedAt time.Time `json:"learned_at"` // by the city's clock
	Tried     []Verdict `json:"tried"`
}

// ledgerFormat changes when older ledgers can no longer be read.
const ledgerFormat = 1

// ledger is what a group keeps beside its models.
type ledger struct {
	Format int `json:"format"`
	lesson
	Line []string `json:"line"` // keys of the serving model and of its predecessors; "": the baseline
}

func (k groupKey) shelfKey() string { return fmt.Sprintf("%s/%.0fs", k.quantity, k.interval.Seconds()) }

// knows reports whether the shelf was asked for the models of g's series.
func (r *Runner) knows(g *group) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	old := r.group(g.groupKey)
	return old != nil && old.fit != nil && old.fit.recalled && slices.Equal(old.rows, g.rows)
}

// triedAfter reports whether a group has fitted a candidate after an instant.
func (r *Runner) triedAfter(k groupKey, since time.Time) bool {
	f := r.fitOf(k)
	return f != nil && f.lesson.LearnedAt.After(since) && slices.ContainsFunc(f.lesson.Tried, func(v Verdict) bool { return v.Card.Name != "" })
}

// shelve writes a model to the shelf and returns its key, "" when it cannot be
// kept.
func (r *Runner) shelve(ctx context.Context, g *group, s served) string {
	card := s.model.Card()
	text, ok := s.model.(carded).Model.(io.WriterTo)
	if r.opt.Shelf == nil || !ok {
		return ""
	}
	key := g.shelfKey() + "/" + card.Name + "/" + card.Version
	data, err := r.encode(g, card, s.intervals, text)
	if err == nil {
		err = r.opt.Shelf.Put(ctx, key, data)
	}
	if err != nil {
		r.opt.Report(fmt.Errorf("keeping model %s: %w: a restart will learn anew", key, err))
		return ""
	}
	return key
}

// note remembers what a group learned, writes its ledger, and clears the shelf
// of models that can no longer come to serve.
func (r *Runner) note(ctx context.Context, k groupKey, l lesson) {
	r.noting.Lock()
	defer r.noting.Unlock()
	book := ledger{Format: ledgerFormat, lesson: l}
	ok := r.change(k, func(f *fitted) bool {
		f.lesson = l
		book.Line = append(book.Line, f.serving().key)
		for _, s := range f.former {
			book.Line = append(book.Line, s.key)
		}
		return true
	})
	if r.opt.Shelf == nil || !ok {
		return
	}
	text, err := json.Marshal(book)
	if err == nil {
		err = r.opt.Shelf.Put(ctx, k.shelfKey(), text)
	}
	if err == nil {
		err = r.prune(ctx, k, book.Line)
	}
	if err != nil {
		r.opt.Report(fmt.Errorf("keeping what %s learned: %w", k.shelfKey(), err))
	}
}

// prune removes a group's models that are not in line.
func (r *Runner) prune(ctx context.Context, k groupKey, line []string) error {
	keys, err := r.opt.Shelf.Keys(ctx)
	for _, key := range keys {
		if strings.HasPrefix(key, k.shelfKey()+"/") && !slices.Contains(line, key) {
			err = errors.Join(err, r.opt.Shelf.Delete(ctx, key))
		}
	}
	return err
}

// recall lets the kept models of g serve f. One that is damaged, or was made for
// other series or later data, is reported and its place left to the baseline;
// where that concerns the serving one, the group counts as not having learned.
func (r *Runner) recall(ctx context.Context, g *group, f *fitted) {
	f.recalled = true
	if r.opt.Shelf == nil {
		return
	}
	book, err := r.readLedger(ctx, g)
	if ctx.Err() != nil {
		return // stopped: nothing is wrong with what is kept
	}
	if err != nil {
		r.opt.Report(fmt.Errorf("kept models of %s: %w: the baseline serves", g.shelfKey(), err))
		return
	}
	f.lesson = book.lesson
	for i, key := range book.Line {
		s, err := r.fetch(ctx, g, f, key)
		switch {
		case err != nil && i == 0:
			r.opt.Report(fmt.Errorf("kept model %s: %w: the baseline serves", key, err))
			f.lesson.LearnedAt = time.Time{}
		case err != nil:
			r.opt.Report(fmt.Errorf("kept model %s: %w: it cannot be rolled back to", key, err))
		case i == 0:
			f.put(s)
		default:
			f.former = append(f.former, s)
		}
	}
}

// readLedger returns a group's ledger, an empty one when nothing was kept.
func (r *Runner) readLedger(ctx context.Context, g *group) (book ledger, err error) {
	text, err := r.opt.Shelf.Get(ctx, g.shelfKey())
	if errors.Is(err, fs.ErrNotExist) {
		return ledger{}, nil
	}
	if err == nil {
		err = json.Unmarshal(text, &book)
	}
	if err == nil && book.Format != ledgerFormat {
		err = fmt.Errorf("format %d, expected %d", book.Format, ledgerFormat)
	}
	if err != nil {
		return ledger{}, err
	}
	for i := range book.Tried {
		book.Tried[i].Quantity, book.Tried[i].Interval = g.quantity, g.interval
	}
	return book, nil
}

// fetch reads a model that f can be served by.
func (r *Runner) fetch(ctx context.Context, g *group, f *fitted, key string) (served, error) {
	if key == "" {
		return served{}, nil
	}
	data, err := r.opt.Shelf.Get(ctx, key)
	if err != nil {
		return served{}, err
	}
	s, err := r.decode(g, data)
	if err != nil {
		return served{}, err
	}
	if until := s.model.Card().Until; until.After(f.until) {
		return served{}, fmt.Errorf("it learned from data until %s, expected none after %s", until.Format(time.RFC3339), f.until.Format(time.RFC3339))
	}
	s.key = key
	return s, nil
}
