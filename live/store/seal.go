package store

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"tideway/internal/parallel"
)

// Batch is what Seal writes: the readings of the log's messages up to Seq.
type Batch struct {
	Seq, FeedSeq uint64
	Series       []SeriesPoints // any order of keys, each key once; points in order of their end
	Rejected     []Rejected
}

// Seal writes a batch to files, one a day, reads them back, and only then
// lists them. It is all or nothing.
func (s *Store) Seal(b Batch) error {
	s.turn.Lock()
	defer s.turn.Unlock()
	m := s.now.Load().clone()
	if b.Seq < m.SealedSeq {
		return fmt.Errorf("sealing: message %d comes after %d, which is sealed already", b.Seq, m.SealedSeq)
	}
	slices.SortFunc(b.Series, func(x, y SeriesPoints) int { return x.Key.Compare(y.Key) })
	var files []File
	for _, day := range daysOf(b.Series) {
		files = append(files, m.name(day))
	}
	parts, err := parallel.MapErr(context.Background(), 0, files, func(_ context.Context, f File) (File, error) {
		return s.sealDay(f, b.Series)
	})
	if err != nil {
		return fmt.Errorf("sealing: %w", err)
	}
	m.Parts = append(m.Parts, parts...)
	names := map[string]bool{}
	for _, sp := range b.Series {
		names[clip(sp.Key.Sensor)] = true
	}
	if err := s.sealRejected(&m, b.Rejected); err != nil {
		return fmt.Errorf("sealing rejected readings: %w", err)
	}
	m.Sensors = mergeNames(m.Sensors, names)
	m.SealedSeq, m.FeedSeq = b.Seq, b.FeedSeq
	return s.commit(m)
}

func daysOf(series []SeriesPoints) []int64 {
	seen := map[int64]bool{}
	var days []int64
	for _, sp := range series {
		last := int64(math.MinInt64)
		for _, p := range sp.Points {
			if d := dayOf(p.EndMS); d != last {
				if last = d; !seen[d] {
					seen[d] = true
					days = append(days, d)
				}
			}
		}
	}
	slices.Sort(days)
	return days
}

func (s *Store) sealDay(f File, series []SeriesPoints) (File, error) {
	return s.writePart(f, func(w *partWriter) error {
		for _, sp := range series {
			if err := w.add(SeriesPoints{sp.Key, between(sp.Points, f.Day*dayMS, (f.Day+1)*dayMS)}); err != nil {
				return err
			}
		}
		return nil
	})
}

// manyParts is how many files a day that still grows may have before they
// are merged.
const manyParts = 8

// Compact merges the files of one day into one: the oldest day before closedMS
// that has several, or any day with more than eight. It reports whether there
// was one. Memory: one row group and a series of each file.
func (s *Store) Compact(ctx context.Context, closedMS int64) (bool, error) {
	s.turn.Lock()
	defer s.turn.Unlock()
	m := s.now.Load().clone()
	day, ok := m.dayToCompact(closedMS)
	if !ok {
		return false, nil
	}
	var olds []File
	for _, f := range m.Parts {
		if f.Day == day {
			olds = append(olds, f)
		}
	}
	merged, err := s.merge(ctx, &m, day, olds)
	if err != nil {
		return false, fmt.Errorf("compacting %s: %w", dayName(day), err)
	}
	m.Parts = append(slices.DeleteFunc(m.Parts, func(f File) bool { return f.Day == day }), merged)
	if err := s.commit(m); err != nil {
		return false, err
	}
	s.remove(olds)
	return true, nil
}

func (m manifest) dayToCompact(closedMS int64) (int64, bool) {
	count := map[int64]int{}
	for _, f := range m.Parts {
		count[f.Day]++
	}
	best, found := int64(0), false
	for day, n := range count {
		if (n > manyParts || n > 1 && (day+1)*dayMS <= closedMS) && (!found || day < best) {
			best, found = day, true
		}
	}
	return best, found
}

func (s *Store) merge(ctx context.Context, m *manifest, day int64, olds []File) (File, error) {
	return s.writePart(m.name(day), func(w *partWriter) error {
		return s.open(olds, nil, func(cs []*cursor) error { return mergeInto(ctx, w, cs) })
	})
}

// open calls do with a cursor on each file.
func (s *Store) open(files []File, cs []*cursor, do func([]*cursor) error) error {
	if len(files) == 0 {
		return do(cs)
	}
	return s.use(files[0], func(p *partReader) error { return s.open(files[1:], append(cs, &cursor{part: p}), do) })
}

// mergeInto writes the series of several parts in key order; of values with
// the same end that of the last reader wins.
func mergeInto(ctx context.Context, w *partWriter, readers []*cursor) error {
	for ctx.Err() == nil {
		var least *Key
		for _, r := range readers {
			if k := r.key(); k != nil && (least == nil || k.Compare(*least) < 0) {
				least = k
			}
		}
		if least == nil {
			return nil
		}
		sp := SeriesPoints{Key: *least}
		for _, r := range readers {
			if k := r.key(); k == nil || *k != sp.Key {
				continue
			}
			ps, err := r.next()
			if err != nil {
				return err
			}
			sp.Points = overlay(sp.Points, ps)
		}
		if err := w.add(sp); err != nil {
			return err
		}
	}
	return ctx.Err()
}

// cursor walks a part's series, holding the columns of one row group.
type cursor struct {
	part  *partReader
	at    int // position in spans
	group int // row groups read so far; the columns held are those of the last
	cols  columns
}

func (c *cursor) key() *Key {
	if c.at == len(c.part.spans) {
		return nil
	}
	return &c.part.spans[c.at].key
}

func (c *cursor) next() ([]Point, error) {
	s := c.part.spans[c.at]
	c.at++
	for c.group == 0 || s.row >= c.part.begins[c.group] {
		lo, hi := c.part.begins[c.group], c.part.begins[c.group+1]
		c.group++
		if s.row >= hi {
			continue
		}
		var err error
		if c.cols, err = c.part.columns(c.group-1, 0, hi-lo); err != nil {
			return nil, err
		}
	}
	return c.cols.points(s.row-c.part.begins[c.group-1], s), nil
}

// Expire removes files whose readings all end before beforeMS, and rejected
// readings received before rejectedMS.
func (s *Store) Expire(beforeMS, rejectedMS int64) error {
	s.turn.Lock()
	defer s.turn.Unlock()
	m := s.now.Load().clone()
	var gone []File
	drop := func(before int64) func(File) bool {
		return func(f File) bool {
			if f.LastMS >= before {
				return false
			}
			gone = append(gone, f)
			return true
		}
	}
	m.Parts = slices.DeleteFunc(m.Parts, drop(beforeMS))
	m.Rejected = slices.DeleteFunc(m.Rejected, drop(rejectedMS))
	if len(gone) == 0 {
		return nil
	}
	if err := s.commit(m); err != nil {
		return errors.Join(errors.New("expiring old readings"), err)
	}
	s.remove(gone)
	return nil
}

func dayName(day int64) string { return time.UnixMilli(day * dayMS).UTC().Format(time.DateOnly) }

// sortRejected orders by time of receipt.
func sortRejected(rs []Rejected) {
	slices.SortStableFunc(rs, func(a, b Rejected) int { return cmp.Compare(a.ReceivedMS, b.ReceivedMS) })
}
