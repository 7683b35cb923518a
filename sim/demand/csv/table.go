package csv

import (
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

// Create opens a file of the folder for writing.
type Create func(name string) (io.WriteCloser, error)

// writeTable writes one file: the header, then what rows hands to put.
func writeTable(create Create, name string, header []string, rows func(put func(...string))) error {
	f, err := create(name)
	if err != nil {
		return fmt.Errorf("writing %s: %w", name, err)
	}
	w := csv.NewWriter(f)
	put := func(fields ...string) {
		if err == nil {
			err = w.Write(fields)
		}
	}
	put(header...)
	rows(put)
	w.Flush()
	if err = errors.Join(err, w.Error(), f.Close()); err != nil {
		return fmt.Errorf("writing %s: %w", name, err)
	}
	return nil
}

// table reads one file row by row.
type table struct {
	name   string
	csv    *csv.Reader
	column map[string]int
	fields []string
	bad    *fault.List
}

// maxProblems ends the reading of a table that is wrong all over.
const maxProblems = 1000

// eachRow calls read for every row of a file; a file that is not there has none.
func eachRow(fsys fs.FS, name string, bad *fault.List, need []string, read func(*table)) {
	f, err := fsys.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return
	}
	if err != nil {
		bad.Add(name, err)
		return
	}
	defer f.Close()
	t := &table{name: name, csv: csv.NewReader(f), column: map[string]int{}, bad: bad}
	t.csv.ReuseRecord, t.csv.FieldsPerRecord = true, -1
	if !t.header(need) {
		return
	}
	for bad.Len() < maxProblems {
		fields, err := t.csv.Read()
		if err == io.EOF {
			return
		}
		if err != nil {
			bad.Add(name, err)
			return
		}
		t.fields = fields
		read(t)
	}
}

func (t *table) header(need []string) bool {
	names, err := t.csv.Read()
	if err != nil {
		if err == io.EOF {
			err = errors.New("is empty, expected a header row")
		}
		t.bad.Add(t.name, err)
		return false
	}
	for i, n := range names {
		t.column[strings.ToLower(strings.TrimSpace(strings.TrimPrefix(n, "\ufeff")))] = i
	}
	ok := true
	for _, n := range need {
		if _, has := t.column[n]; !has {
			t.bad.Addf(t.name+":1", "", "has no column %s", n)
			ok = false
		}
	}
	return ok
}

// text returns a field of the row; "" when the column or the field is absent.
func (t *table) text(column string) string {
	i, ok := t.column[column]
	if !ok || i >= len(t.fields) {
		return ""
	}
	return strings.TrimSpace(t.fields[i])
}

func (t *table) where() string {
	line, _ := t.csv.FieldPos(0)
	return t.name + ":" + strconv.Itoa(line)
}

func (t *table) addf(id, format string, args ...any) {
	t.bad.Addf(t.where(), id, format, args...)
}

// number returns a field within [lo, hi], or fallback when it is empty.
func (t *table) number(id, column string, fallback, lo, hi float64) float64 {
	text := t.text(column)
	if text == "" {
		return fallback
	}
	v, err := strconv.ParseFloat(text, 64)
	if err != nil || !(v >= lo && v <= hi) {
		t.addf(id, "%s is %q, expected a number from %g to %g", column, clip(text), lo, hi)
		return fallback
	}
	return v
}

func (t *table) duration(id, column string, fallback time.Duration) time.Duration {
	text := t.text(column)
	if text == "" {
		return fallback
	}
	d, err := parseSeconds(text)
	if err != nil {
		t.addf(id, "%s %v", column, err)
		return fallback
	}
	return d
}

// parseSeconds reads decimal seconds of 0 or more, exactly to the nanosecond.
func parseSeconds(text string) (time.Duration, error) {
	v, err := strconv.ParseFloat(text, 64)
	if err != nil || !(v >= 0 && v <= 1e9) {
		return 0, fmt.Errorf("is %q, expected seconds from 0 to 1e9", clip(text))
	}
	whole, fraction := math.Modf(v)
	if v > 1e6 { // a float64 no longer holds nanoseconds here: read the digits
		if w, f, ok := strings.Cut(text, "."); ok && len(f) <= 9 {
			n, err1 := strconv.ParseInt(w, 10, 64)
			k, err2 := strconv.ParseUint(f+strings.Repeat("0", 9-len(f)), 10, 64)
			if err1 == nil && err2 == nil {
				return time.Duration(n)*time.Second + time.Duration(k), nil
			}
		}
	}
	return time.Duration(whole)*time.Second + time.Duration(math.Round(fraction*1e9)), nil
}

// seconds writes a duration as decimal seconds without loss.
func seconds(d time.Duration) string {
	whole, rest := d/time.Second, d%time.Second
	if rest == 0 {
		return strconv.FormatInt(int64(whole), 10)
	}
	return strings.TrimRight(fmt.Sprintf("%d.%09d", whole, rest), "0")
}

// float writes a number in its shortest exact form.
func float[F ~float64](v F) string { return strconv.FormatFloat(float64(v), 'g', -1, 64) }

func clip(s string) string {
	if len(s) > 40 {
		return s[:40] + "..."
	}
	return s
}
