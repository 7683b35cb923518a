package backtest

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"tideway/internal/fault"
)

// Table is a wide table of values on a regular time grid: one column per
// sensor. Rows that a file with times leaves out are present and empty.
type Table struct {
	Sensors  []string
	Interval time.Duration
	Ends     []time.Time // end of each step's interval, UTC, regular
	RowOf    []int       // position in the file of each step, -1 for a step the file lacks
	Values   []float32   // step-major, len(Ends) × len(Sensors); NaN when empty
}

// Steps returns the number of intervals.
func (t *Table) Steps() int { return len(t.Ends) }

// TableConfig says what a file does not say itself.
type TableConfig struct {
	Start    time.Time      // begin of the first row; zero: from the file's times
	Interval time.Duration  // 0: from the file's times
	Zone     *time.Location // of times without an offset; nil: UTC
	Zeros    bool           // zeros are missing values
}

// maxTroubles bounds the problems collected from one file.
const maxTroubles = 100

// ReadTable reads a wide CSV: a header of sensor ids, an optional first column
// of times (begin of the interval) or row numbers, one row per step, an empty
// field (or NaN) for a missing value. where names the source in problems.
func ReadTable(r io.Reader, where string, cfg TableConfig) (*Table, error) {
	in := bufio.NewReaderSize(r, 1<<16)
	head, err := line(in)
	if err != nil {
		return nil, fmt.Errorf("reading %s: header: %w", where, err)
	}
	d := tableDecoder{where: where, cfg: cfg, header: splitHeader(head)}
	for n := 2; d.bad.Len() < maxTroubles; n++ {
		text, err := line(in)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			d.bad.Addf(fmt.Sprintf("%s:%d", where, n), "", "%v", err)
			break
		}
		if text != "" {
			d.row(text, n)
		}
	}
	return d.table()
}

// line returns the next line without its end; io.EOF when there is none.
func line(in *bufio.Reader) (string, error) {
	text, err := in.ReadString('\n')
	if text == "" && err != nil {
		return "", err
	}
	if err != nil && !errors.Is(err, io.EOF) {
		return "", err
	}
	return strings.TrimRight(text, "\r\n"), nil
}

func splitHeader(s string) []string {
	fields := strings.Split(strings.TrimPrefix(s, "\ufeff"), ",")
	for i, f := range fields {
		fields[i] = strings.Trim(strings.TrimSpace(f), `"`)
	}
	return fields
}

type firstColumn int

const (
	unknownColumn firstColumn = iota
	valueColumn
	timeColumn
	numberColumn
)

type tableDecoder struct {
	where  string
	cfg    TableConfig
	header []string
	first  firstColumn
	rows   int
	times  []time.Time
	// nonexistent marks times that summer time skips.
	nonexistent []bool
	values      []float32
	bad         fault.List
}

func (d *tableDecoder) row(text string, n int) {
	at := func() string { return fmt.Sprintf("%s:%d", d.where, n) }
	field, rest, _ := strings.Cut(text, ",")
	if d.first == unknownColumn {
		d.first = columnKind(d.header[0], field)
	}
	switch d.first {
	case timeColumn:
		field = strings.Trim(field, `"`)
		t, err := parseTime(field, d.cfg.Zone)
		if err != nil {
			d.bad.Addf(at(), "", "%v", err)
		}
		naive, _ := parseTime(field, time.UTC)
		_, offset := t.In(zoneOr(d.cfg.Zone)).Zone()
		d.times = append(d.times, t)
		d.nonexistent = append(d.nonexistent, !t.Equal(naive) && !t.Add(time.Duration(offset)*time.Second).Equal(naive))
		text = rest
	case numberColumn:
		text = rest
	}
	want, got := len(d.sensors()), 0
	for more := true; more; got++ {
		field, text, more = strings.Cut(text, ",")
		v, ok := parseValue(field)
		if !ok {
			d.bad.Addf(at(), d.name(got), "value %q, expected a number or nothing", field)
		}
		if got < want {
			d.values = append(d.values, d.mask(v))
		}
	}
	if got != want {
		d.bad.Addf(at(), "", "%d values, expected %d as in the header", got, want)
		d.values = d.values[:d.rows*want]
		for range want {
			d.values = append(d.values, float32(math.NaN()))
		}
	}
	d.rows++
}

func (d *tableDecoder) mask(v float32) float32 {
	if d.cfg.Zeros && v == 0 {
		return float32(math.NaN())
	}
	return v
}

func (d *tableDecoder) name(column int) string {
	if s := d.sensors(); column < len(s) {
		return s[column]
	}
	return ""
}

func (d *tableDecoder) sensors() []string {
	if d.first == timeColumn || d.first == numberColumn {
		return d.header[1:]
	}
	return d.header
}

// columnKind tells what the first column holds from its name and first field.
func columnKind(name, field string) firstColumn {
	_, number := parseValue(field)
	switch name = strings.ToLower(name); {
	case !number && field != "":
		return timeColumn
	case name == "" || name == "index" || name == "step":
		return numberColumn
	}
	return valueColumn
}

func parseValue(s string) (float32, bool) {
	s = strings.TrimSpace(s)
	if s == "" {
		return float32(math.NaN()), true
	}
	v, err := strconv.ParseFloat(s, 32)
	if err != nil || math.IsInf(v, 0) {
		return float32(math.NaN()), strings.EqualFold(s, "nan")
	}
	return float32(v), true
}

var timeLayouts = []string{
	time.RFC3339, "2006-01-02 15:04:05", "2006-01-02 15:04", "2006-01-02T15:04:05", "2006-01-02T15:04",
	"2006-01-02 15:04:05Z07:00", "1/2/2006 15:04", "2006/1/2 15:04", "2006/1/2 15:04:05", time.DateOnly,
}

// ParseTime reads a time as RFC 3339 or, without an offset, in the given zone
// (nil: UTC).
func ParseTime(s string, zone *time.Location) (time.Time, error) { return parseTime(s, zone) }

func parseTime(s string, zone *time.Location) (time.Time, error) {
	for _, l := range timeLayouts {
		if t, err := time.ParseInLocation(l, s, zoneOr(zone)); err == nil {
			return t.UTC(), nil
		}
	}
	return time.Time{}, fmt.Errorf("%q is not a time like 2012-03-01 00:05", s)
}

func zoneOr(zone *time.Location) *time.Location {
	if zone == nil {
		return time.UTC
	}
	return zone
}

// table puts the rows on the grid.
func (d *tableDecoder) table() (*Table, error) {
	n := len(d.sensors())
	if d.rows == 0 && d.bad.Len() == 0 {
		d.bad.Addf(d.where, "", "no rows")
	}
	if dup := duplicate(d.sensors()); dup != "" {
		d.bad.Addf(d.where+":1", dup, "sensor id occurs twice")
	}
	begins, interval := d.grid()
	if err := d.bad.Err("reading " + d.where); err != nil {
		return nil, err
	}
	t := &Table{Sensors: d.sensors(), Interval: interval}
	for row, b := range begins {
		for len(t.Ends) > 0 && b.Sub(t.Ends[len(t.Ends)-1]) >= interval {
			t.add(t.Ends[len(t.Ends)-1].Add(interval), -1, nil)
		}
		if last := len(t.Ends) - 1; last >= 0 && b.Add(interval).Equal(t.Ends[last]) {
			t.merge(row, d.values[row*n:(row+1)*n])
			continue
		}
		t.add(b.Add(interval), row, d.values[row*n:(row+1)*n])
	}
	return t, nil
}

// merge lays a row over the last step; missing values leave what is there.
func (t *Table) merge(row int, values []float32) {
	last := t.Values[len(t.Values)-len(values):]
	for i, v := range values {
		if v == v {
			last[i] = v
		}
	}
	t.RowOf[len(t.RowOf)-1] = row
}

func (t *Table) add(end time.Time, row int, values []float32) {
	t.Ends, t.RowOf = append(t.Ends, end), append(t.RowOf, row)
	if row >= 0 {
		t.Values = append(t.Values, values...)
		return
	}
	for range t.Sensors {
		t.Values = append(t.Values, float32(math.NaN()))
	}
}

// maxGapSteps bounds the rows a file may leave out at one place; more is
// taken for a wrong clock.
const maxGapSteps = 100_000

// grid returns the begin of every row's interval. Local times that winter time
// repeats follow each other.
func (d *tableDecoder) grid() ([]time.Time, time.Duration) {
	interval := d.cfg.Interval
	if interval == 0 {
		interval = usualStep(d.times)
	}
	if interval <= 0 {
		d.bad.Addf(d.where, "", "the interval between rows is not known; give it (5m)")
		return nil, 0
	}
	begins := make([]time.Time, d.rows)
	switch {
	case d.cfg.Start.IsZero() && d.first != timeColumn:
		d.bad.Addf(d.where, "", "the file has no times; give the start of the first row")
	case !d.cfg.Start.IsZero():
		for i := range begins {
			begins[i] = d.cfg.Start.UTC().Add(time.Duration(i) * interval)
		}
	default:
		d.gridOfTimes(begins, interval)
	}
	return begins, interval
}

// gridOfTimes places rows by their times. A row at an hour that summer time
// skips falls on the same step as the hour after it.
func (d *tableDecoder) gridOfTimes(begins []time.Time, interval time.Duration) {
	for i, t := range d.times {
		if first := t.Add(-time.Hour); d.wallClock(first) == d.wallClock(t) {
			t = first // of the two hours that winter time makes equal
		}
		begins[i] = t
		if i == 0 {
			continue
		}
		prev := begins[i-1]
		if again := t.Add(time.Hour); !t.After(prev) && d.wallClock(again) == d.wallClock(t) {
			begins[i] = again // the hour that winter time repeats
		}
		gap := begins[i].Sub(prev)
		if gap == 0 && (d.nonexistent[i] || d.nonexistent[i-1]) {
			continue
		}
		if gap <= 0 || gap%interval != 0 || gap > maxGapSteps*interval {
			d.bad.Addf(fmt.Sprintf("%s:%d", d.where, i+2), "", "time %s is not a whole number of %v steps after %s", t.Format(time.RFC3339), interval, prev.Format(time.RFC3339))
			return
		}
	}
}

func (d *tableDecoder) wallClock(t time.Time) string {
	if d.cfg.Zone == nil {
		return t.Format(time.DateTime)
	}
	return t.In(d.cfg.Zone).Format(time.DateTime)
}

// usualStep returns the median difference between consecutive times.
func usualStep(times []time.Time) time.Duration {
	if len(times) < 2 {
		return 0
	}
	diffs := make([]time.Duration, len(times)-1)
	for i := range diffs {
		diffs[i] = times[i+1].Sub(times[i])
	}
	slices.Sort(diffs)
	return diffs[len(diffs)/2]
}

func duplicate(ids []string) string {
	seen := map[string]bool{}
	for _, id := range ids {
		if seen[id] {
			return id
		}
		seen[id] = true
	}
	return ""
}
