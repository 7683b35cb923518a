package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"tideway/internal/fault"
	"tideway/internal/parallel"
)

const dayMS = 24 * 60 * 60 * 1000

// Store is the sealed history in a data folder. Reading is safe while one
// other goroutine seals, compacts or expires: those take turns.
type Store struct {
	dir  string
	turn sync.Mutex // held by whoever changes the manifest
	now  atomic.Pointer[manifest]
}

// Open checks the folder's format, removes what an interrupted write left
// behind, and reads the manifest. A sealed file that is missing or has another
// size is an error that names it.
func Open(dir string) (*Store, error) {
	if err := CheckFormat(dir); err != nil {
		return nil, fmt.Errorf("opening the history: %w", err)
	}
	m, err := readManifest(dir)
	if err != nil {
		return nil, fmt.Errorf("opening the history: %w", err)
	}
	s := &Store{dir: dir}
	s.now.Store(&m)
	if err := s.tidy(m); err != nil {
		return nil, err
	}
	return s, nil
}

// tidy checks that listed files are there and removes those that are not listed.
func (s *Store) tidy(m manifest) error {
	var bad fault.List
	listed := map[string]bool{}
	for _, f := range slices.Concat(m.Parts, m.Rejected) {
		listed[f.Name] = true
		if info, err := os.Stat(s.path(f)); err != nil {
			bad.Add(f.Name, err)
		} else if info.Size() != f.Bytes {
			bad.Addf(f.Name, "", "has %d bytes, the manifest says %d", info.Size(), f.Bytes)
		}
	}
	for _, sub := range []string{historyDir, rejectedDir} {
		if err := os.MkdirAll(filepath.Join(s.dir, sub), 0o755); err != nil {
			bad.Add(sub, err)
		}
		entries, err := os.ReadDir(filepath.Join(s.dir, sub))
		bad.Add(sub, err)
		for _, e := range entries {
			if name := sub + "/" + e.Name(); !listed[name] && !e.IsDir() {
				bad.Add(name, os.Remove(filepath.Join(s.dir, sub, e.Name())))
			}
		}
	}
	return bad.Err("opening the history in " + s.dir)
}

func (s *Store) path(f File) string { return filepath.Join(s.dir, filepath.FromSlash(f.Name)) }

// Generation rises with every change of the list of files. SealedSeq is the
// newest message of the log whose readings are in files, FeedSeq its own
// sequence.
func (s *Store) Generation() *Generation { return (*Generation)(s.now.Load()) }

// Generation is the list of sealed files at one time; it never changes.
type Generation manifest

// Sealed returns the newest message of the log whose readings are in files, and
// its own sequence.
func (g *Generation) Sealed() (logSeq, feedSeq uint64) { return g.SealedSeq, g.FeedSeq }

// Totals returns the number of files of history, their rows and bytes.
func (g *Generation) Totals() (files int, rows, bytes int64) {
	for _, f := range g.Parts {
		rows += f.Rows
		bytes += f.Bytes
	}
	return len(g.Parts), rows, bytes
}

// SensorIDs returns the outside ids of every sensor with sealed history.
func (g *Generation) SensorIDs() []string { return g.Sensors }

// HasDay reports whether any file holds readings of the day of endMS.
func (g *Generation) HasDay(endMS int64) bool {
	day := dayOf(endMS)
	return slices.ContainsFunc(g.Parts, func(f File) bool { return f.Day == day })
}

// Newest returns the newest sealed end, math.MinInt64 when there is none.
func (g *Generation) Newest() int64 {
	newest := int64(math.MinInt64)
	for _, f := range g.Parts {
		newest = max(newest, f.LastMS)
	}
	return newest
}

func dayOf(ms int64) int64 {
	d := ms / dayMS
	if ms%dayMS < 0 {
		d--
	}
	return d
}

// Read returns the sealed values of each key with fromMS <= end < toMS, in
// order of their end; the value written last wins. It reads days in parallel
// on at most threads goroutines (0: all cores).
func (s *Store) Read(ctx context.Context, threads int, keys []Key, fromMS, toMS int64) ([][]Point, error) {
	for attempt := 0; ; attempt++ {
		out, err := s.readOnce(ctx, threads, keys, fromMS, toMS)
		// A file can be replaced by a compacted one between looking it up and opening it.
		if errors.Is(err, fs.ErrNotExist) && attempt < 3 {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("reading history: %w", err)
		}
		return out, nil
	}
}

func (s *Store) readOnce(ctx context.Context, threads int, keys []Key, fromMS, toMS int64) ([][]Point, error) {
	days := daysBetween(s.now.Load().Parts, fromMS, toMS)
	sorted, where := sortKeys(keys)
	byDay, err := parallel.MapErr(ctx, threads, days, func(_ context.Context, parts []File) ([][]Point, error) {
		return s.readDay(parts, sorted, fromMS, toMS)
	})
	if err != nil {
		return nil, err
	}
	out := make([][]Point, len(keys))
	for _, day := range byDay {
		for i, ps := range day {
			out[where[i]] = append(out[where[i]], ps...)
		}
	}
	return out, nil
}

// daysBetween groups the files that hold any of the time by day, days in order.
func daysBetween(parts []File, fromMS, toMS int64) [][]File {
	byDay := map[int64][]File{}
	var days []int64
	for _, f := range parts {
		if f.LastMS < fromMS || f.FirstMS >= toMS {
			continue
		}
		if byDay[f.Day] == nil {
			days = append(days, f.Day)
		}
		byDay[f.Day] = append(byDay[f.Day], f)
	}
	slices.Sort(days)
	out := make([][]File, len(days))
	for i, d := range days {
		out[i] = byDay[d]
	}
	return out
}

func sortKeys(keys []Key) (sorted []Key, where []int) {
	where = make([]int, len(keys))
	for i := range where {
		where[i] = i
	}
	slices.SortStableFunc(where, func(a, b int) int { return keys[a].Compare(keys[b]) })
	sorted = make([]Key, len(keys))
	for i, w := range where {
		sorted[i] = keys[w]
	}
	return sorted, where
}

func (s *Store) readDay(parts []File, keys []Key, fromMS, toMS int64) ([][]Point, error) {
	out := make([][]Point, len(keys))
	for _, f := range parts {
		err := s.use(f, func(p *partReader) error {
			spans, which := p.findAll(keys)
			return p.read(spans, func(i int, ps []Point) {
				k := which[i]
				out[k] = overlay(out[k], between(ps, fromMS, toMS))
			})
		})
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}

// use opens a part for the time of the call. The Parquet library may panic on
// damaged bytes; that is an error of the file like any other.
func (s *Store) use(f File, do func(*partReader) error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("reading %s: the file is damaged: %v", f.Name, r)
		}
	}()
	p, err := openPart(s.path(f))
	if err != nil {
		return err
	}
	defer p.close()
	if err := do(p); err != nil {
		return fmt.Errorf("reading %s: %w", f.Name, err)
	}
	return nil
}

// findAll returns the spans of those keys that the part has, and their
// positions in keys, which is sorted.
func (p *partReader) findAll(keys []Key) (spans []span, which []int) {
	for i, k := range keys {
		if s, ok := p.find(k); ok && (i == 0 || keys[i-1] != k) {
			spans, which = append(spans, s), append(which, i)
		}
	}
	return spans, which
}

func between(ps []Point, fromMS, toMS int64) []Point {
	lo, _ := searchEnd(ps, fromMS)
	hi, _ := searchEnd(ps, toMS)
	return ps[lo:hi]
}

func searchEnd(ps []Point, endMS int64) (int, bool) {
	return slices.BinarySearchFunc(ps, endMS, func(p Point, e int64) int {
		switch {
		case p.EndMS < e:
			return -1
		case p.EndMS > e:
			return 1
		}
		return 0
	})
}

// overlay merges two ordered lists; where both have an end the later list wins.
func overlay(base, later []Point) []Point {
	switch {
	case len(base) == 0:
		return later
	case len(later) == 0:
		return base
	case base[len(base)-1].EndMS < later[0].EndMS:
		return append(base, later...)
	}
	out := make([]Point, 0, len(base)+len(later))
	for len(base) > 0 && len(later) > 0 {
		switch {
		case base[0].EndMS < later[0].EndMS:
			out, base = append(out, base[0]), base[1:]
		case base[0].EndMS > later[0].EndMS:
			out, later = append(out, later[0]), later[1:]
		default:
			out, base, later = append(out, later[0]), base[1:], later[1:]
		}
	}
	return append(append(out, base...), later...)
}

// Overlay merges two lists of one series in order of their end; where both
// have an end the later list wins.
func Overlay(base, later []Point) []Point { return overlay(base, later) }

// Verify reads every sealed file back and compares it with its checksum; all
// damage is reported together.
func (s *Store) Verify() error { return s.now.Load().verify(s.dir) }

// VerifyDir does the same for a folder that nobody has open, changing nothing
// there, and returns the number of files.
func VerifyDir(dir string) (files int, err error) {
	if err := CheckFormat(dir); err != nil {
		return 0, fmt.Errorf("verifying the history: %w", err)
	}
	m, err := readManifest(dir)
	if err != nil {
		return 0, fmt.Errorf("verifying the history: %w", err)
	}
	return len(m.Parts) + len(m.Rejected), m.verify(dir)
}

func (m *manifest) verify(dir string) error {
	var bad fault.List
	for _, f := range slices.Concat(m.Parts, m.Rejected) {
		bad.Add(f.Name, f.verify(dir))
	}
	return bad.Err("verifying the history in " + dir)
}

// commit publishes a changed manifest: on disk first, after the files it lists.
func (s *Store) commit(m manifest) error {
	for _, sub := range []string{historyDir, rejectedDir} {
		if err := syncDir(filepath.Join(s.dir, sub)); err != nil {
			return err
		}
	}
	if err := m.write(s.dir); err != nil {
		return err
	}
	s.now.Store(&m)
	return nil
}

// name gives the day's next file its name.
func (m *manifest) name(day int64) File {
	m.Next++
	return File{Name: fmt.Sprintf("%s/%s.%06d.parquet", historyDir, dayName(day), m.Next-1), Day: day}
}

// writePart writes a part, reads it back and completes its entry.
func (s *Store) writePart(f File, body func(*partWriter) error) (File, error) {
	w, err := writeFile(s.path(f), func(out io.Writer) error {
		p := newPartWriter(out)
		if err := body(p); err != nil {
			return err
		}
		f.Rows, f.Series, f.FirstMS, f.LastMS = p.rows, len(p.spans), p.firstMS, p.lastMS
		return p.close()
	})
	if err != nil {
		return f, err
	}
	f.Bytes, f.CRC32C = w.bytes, w.crc
	return f, s.checkPart(f)
}

// checkPart makes sure that a file can be read and holds what was written,
// before the log lets go of its readings.
func (s *Store) checkPart(f File) error {
	if err := f.verify(s.dir); err != nil {
		return err
	}
	return s.use(f, func(p *partReader) error {
		if p.pq.NumRows() != f.Rows || len(p.spans) != f.Series {
			return fmt.Errorf("it holds %d readings of %d series, %d of %d were written", p.pq.NumRows(), len(p.spans), f.Rows, f.Series)
		}
		return nil
	})
}

// mergeNames adds names to a sorted list.
func mergeNames(sorted []string, names map[string]bool) []string {
	for n := range names {
		if i, ok := slices.BinarySearch(sorted, n); !ok {
			sorted = slices.Insert(sorted, i, n)
		}
	}
	return sorted
}

// remove deletes files that no manifest lists any more; one that cannot be
// deleted goes at the next start.
func (s *Store) remove(files []File) {
	for _, f := range files {
		_ = os.Remove(s.path(f))
	}
}

// clip returns s without shared memory of a larger string.
func clip(s string) string { return strings.Clone(s) }
