package aircli

import (
	"compress/gzip"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"

	"tideway/internal/fault"
)

// table is a CSV file by columns of text.
type table struct {
	name string
	head []string
	rows [][]string
	line []int
}

// openFile opens a file, unpacking it where its name ends in .gz.
func openFile(path string) (io.ReadCloser, error) {
	f, err := os.Open(path)
	if err != nil || !strings.HasSuffix(path, ".gz") {
		return f, err
	}
	z, err := gzip.NewReader(f)
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("reading %s: %w", path, err)
	}
	return struct {
		io.Reader
		io.Closer
	}{z, f}, nil
}

func readFile(path string) (*table, error) {
	f, err := openFile(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return readTable(f, path)
}

// readTable reads a CSV with a header line; rows of a wrong number of fields
// are all reported.
func readTable(r io.Reader, name string) (*table, error) {
	c := csv.NewReader(r)
	head, err := c.Read()
	if err != nil {
		return nil, fmt.Errorf("reading %s: no header line: %w", name, err)
	}
	t := &table{name: name}
	for _, h := range head {
		t.head = append(t.head, strings.TrimSpace(strings.TrimPrefix(h, "\ufeff")))
	}
	var bad fault.List
	for {
		rec, err := c.Read()
		if err == io.EOF {
			return t, bad.Err("reading " + name)
		}
		if err != nil {
			bad.Add(name, err)
			if !errors.Is(err, csv.ErrFieldCount) {
				return t, bad.Err("reading " + name)
			}
			continue
		}
		line, _ := c.FieldPos(0)
		t.rows, t.line = append(t.rows, rec), append(t.line, line)
	}
}

// column returns the position of the first of names that the table has, or −1.
func (t *table) column(names ...string) int {
	for _, n := range names {
		if i := slices.Index(t.head, n); i >= 0 {
			return i
		}
	}
	return -1
}

// where names a row for messages.
func (t *table) where(row int) string { return fmt.Sprintf("%s:%d", t.name, t.line[row]) }

// numbers returns the first of the named columns as numbers. A field that is no
// finite number is reported. Where the table has none of the names, all rows get
// the fallback; a NaN fallback makes the column obligatory.
func (t *table) numbers(bad *fault.List, fallback float64, names ...string) []float64 {
	out := make([]float64, len(t.rows))
	c := t.column(names...)
	if c < 0 {
		if math.IsNaN(fallback) {
			bad.Addf(t.name+":1", names[0], "column is missing")
		}
		for i := range out {
			out[i] = fallback
		}
		return out
	}
	for i, r := range t.rows {
		v, err := strconv.ParseFloat(strings.TrimSpace(r[c]), 64)
		if err != nil || math.IsNaN(v) || math.IsInf(v, 0) {
			bad.Addf(t.where(i), t.head[c], "found %q, expected a number", r[c])
		}
		out[i] = v
	}
	return out
}

// optional is numbers where empty fields and words that are no numbers mean
// unknown (NaN), as does an absent column.
func (t *table) optional(names ...string) []float64 {
	out := make([]float64, len(t.rows))
	c := t.column(names...)
	for i := range out {
		out[i] = math.NaN()
		if c >= 0 {
			if v, err := strconv.ParseFloat(strings.TrimSpace(t.rows[i][c]), 64); err == nil {
				out[i] = v
			}
		}
	}
	return out
}

// ids returns the named column as text, or the row numbers from 0.
func (t *table) ids(name string) []string {
	out := make([]string, len(t.rows))
	c := t.column(name)
	for i, r := range t.rows {
		if c >= 0 {
			out[i] = r[c]
		} else {
			out[i] = strconv.Itoa(i)
		}
	}
	return out
}
