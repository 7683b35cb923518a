package gmns

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"strconv"
	"strings"
	"time"

	"tideway/internal/fault"
)

// Create opens a file of the city's folder for writing.
type Create func(name string) (io.WriteCloser, error)

// sheet writes one table. The first error sticks and is returned by close.
type sheet struct {
	w    *csv.Writer
	file io.WriteCloser
	name string
	err  error
}

func newSheet(create Create, name string, header ...string) *sheet {
	f, err := create(name)
	if err != nil {
		return &sheet{name: name, err: err}
	}
	s := &sheet{w: csv.NewWriter(f), file: f, name: name}
	s.row(header...)
	return s
}

func (s *sheet) row(fields ...string) {
	if s.err == nil {
		s.err = s.w.Write(fields)
	}
}

func (s *sheet) close() error {
	if s.w != nil {
		s.w.Flush()
		s.err = errors.Join(s.err, s.w.Error(), s.file.Close())
	}
	if s.err != nil {
		return fmt.Errorf("writing %s: %w", s.name, s.err)
	}
	return nil
}

// rows reads one table. Columns are found by name, in any order; unknown ones
// are left alone.
type rows struct {
	name   string
	csv    *csv.Reader
	column map[string]int
	fields []string
	bad    *fault.List
}

// maxProblems ends the reading of a table that is wrong all over.
const maxProblems = 1000

// openTable returns nil when the folder has no such table. need names the
// columns that must be there.
func openTable(fsys fs.FS, name string, bad *fault.List, need ...string) *rows {
	data, err := fs.ReadFile(fsys, name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		bad.Add(name, err)
		return nil
	}
	t := &rows{name: name, csv: csv.NewReader(bytes.NewReader(bytes.TrimPrefix(data, []byte("\ufeff")))), column: map[string]int{}, bad: bad}
	t.csv.ReuseRecord, t.csv.FieldsPerRecord = true, -1
	header, err := t.csv.Read()
	if err == io.EOF {
		bad.Addf(name, "", "is empty, expected a header row")
		return nil
	}
	if err != nil {
		bad.Add(name, err)
		return nil
	}
	for i, h := range header {
		t.column[strings.ToLower(strings.TrimSpace(h))] = i
	}
	for _, n := range need {
		if !t.has(n) {
			bad.Addf(name+":1", "", "has no column %s", n)
		}
	}
	return t
}

// has reports whether the table has a column. Tables that went through a
// shapefile have names cut to ten characters.
func (t *rows) has(column string) bool {
	if _, ok := t.column[column]; ok {
		return true
	}
	if len(column) > 10 {
		if i, ok := t.column[column[:10]]; ok {
			t.column[column] = i
			return true
		}
	}
	return false
}

// next moves to the next row; false at the end. A nil table has no rows.
func (t *rows) next() bool {
	if t == nil || t.bad.Len() >= maxProblems {
		return false
	}
	fields, err := t.csv.Read()
	if err == io.EOF {
		return false
	}
	if err != nil {
		line := 0
		if p := (*csv.ParseError)(nil); errors.As(err, &p) {
			line, err = p.Line, p.Err
		}
		t.bad.Addf(fmt.Sprintf("%s:%d", t.name, line), "", "is not well-formed CSV: %v", err)
		return false
	}
	t.fields = fields
	return true
}

func (t *rows) where() string {
	line, _ := t.csv.FieldPos(0)
	return t.name + ":" + strconv.Itoa(line)
}

func (t *rows) wrong(id, format string, args ...any) { t.bad.Addf(t.where(), id, format, args...) }

// text returns a field as it stands, "" when column or field is missing.
func (t *rows) text(column string) string {
	i, ok := t.column[column]
	if !ok && t.has(column) {
		i, ok = t.column[column], true
	}
	if !ok || i >= len(t.fields) {
		return ""
	}
	return t.fields[i]
}

// word returns a field without the spaces around it.
func (t *rows) word(column string) string { return strings.TrimSpace(t.text(column)) }

// number returns a finite number, def when the field is empty.
func (t *rows) number(column string, def float64) float64 {
	s := t.word(column)
	if s == "" {
		return def
	}
	v, err := strconv.ParseFloat(s, 64)
	if err != nil || math.IsNaN(v) || math.IsInf(v, 0) {
		t.wrong("", "%s is %q, expected a finite number", column, s)
		return def
	}
	return v
}

// whole returns a whole number within ±1e9, def when the field is empty.
func (t *rows) whole(column string, def int) int {
	s := t.word(column)
	if s == "" {
		return def
	}
	v, err := strconv.Atoi(s)
	if err != nil || v > 1e9 || v < -1e9 {
		t.wrong("", "%s is %q, expected a whole number", column, s)
		return def
	}
	return v
}

// truth returns a boolean, false when the field is empty.
func (t *rows) truth(column string) bool {
	switch s := strings.ToLower(t.word(column)); s {
	case "1", "true", "yes", "y", "t":
		return true
	case "", "0", "false", "no", "n", "f":
		return false
	default:
		t.wrong("", "%s is %q, expected 1 or 0", column, s)
		return false
	}
}

// seconds returns a duration given in seconds.
func (t *rows) seconds(column string) time.Duration {
	v := t.number(column, 0)
	if math.Abs(v) > 1e9 {
		t.wrong("", "%s is %v s, expected less than 1e9 s", column, v)
		return 0
	}
	return time.Duration(math.Round(v * 1e9))
}

// wholes returns a list of whole numbers separated by spaces.
func (t *rows) wholes(column string) []int {
	var out []int
	for f := range strings.FieldsSeq(t.text(column)) {
		v, err := strconv.Atoi(f)
		if err != nil {
			t.wrong("", "%s has %q, expected whole numbers separated by spaces", column, f)
			continue
		}
		out = append(out, v)
	}
	return out
}

// enum returns a named value.
func enum[T any](t *rows, column, id string, parse func(string) (T, error)) T {
	v, err := parse(t.word(column))
	if err != nil {
		t.wrong(id, "%s: %v", column, err)
	}
	return v
}

// find returns the id that a field names.
func find[I ~uint32](t *rows, column, id string, known map[string]I) I {
	name := t.text(column)
	i, ok := known[name]
	if !ok {
		t.wrong(id, "%s is %q, which is not in its table", column, name)
	}
	return i
}

func number(v float64) string {
	if a := math.Abs(v); a != 0 && (a < 1e-9 || a > 1e15) {
		return strconv.FormatFloat(v, 'g', -1, 64)
	}
	return strconv.FormatFloat(v, 'f', -1, 64)
}

func truth(v bool) string {
	if v {
		return "1"
	}
	return "0"
}

func whole(v int) string { return strconv.Itoa(v) }

// seconds writes a duration exactly.
func seconds(d time.Duration) string {
	sign := ""
	if d < 0 {
		sign, d = "-", -d
	}
	s := fmt.Sprintf("%s%d.%09d", sign, d/time.Second, d%time.Second)
	return strings.TrimSuffix(strings.TrimRight(s, "0"), ".")
}

func wholes(v []int) string {
	out := make([]string, len(v))
	for i, n := range v {
		out[i] = strconv.Itoa(n)
	}
	return strings.Join(out, " ")
}
