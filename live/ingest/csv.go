package ingest

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"tideway/geo"
	"tideway/internal/fault"
	"tideway/live"
)

// Table reads a CSV table as a Mapping describes it, batch by batch.
type Table struct {
	name  string
	city  *geo.City
	m     *Mapping
	in    *csv.Reader
	wall  wall
	parse func(string) (time.Time, error)
	size  int
	row   int // rows of data read

	timeCol  int
	cells    []cell
	build    *builder
	found    int
	key      string
	batches  int
	unstated bool
	bad      fault.List
}

// cell is one value of each row.
type cell struct {
	cols       []int // summed
	quantity   geo.Quantity
	named      int // column of the quantity's name, -1 when quantity tells it
	unit       string
	intervalS  uint32
	sensor     []piece
	valid      int // column of the flag, -1 when none
	flags      []string
	fromM, toM int  // minutes of the day, where the column names them
	ofDay      bool // it does
}

// piece of a sensor id: a text, or what a column holds.
type piece struct {
	text string
	col  int // -1: text
}

// NewTable reads the header of a table and finds the mapping's columns; every
// problem is reported together. Batches hold at most size readings (0: 10 000);
// each is a backfill with key (unless "") + "#" and its number as client key, so
// that reading the same file again is answered from memory. Without a city
// (nil) units are converted only where the mapping states them.
func NewTable(city *geo.City, m *Mapping, name, key string, size int, r io.Reader) (*Table, error) {
	m = m.For(name)
	t := &Table{name: name, city: city, m: m, in: csv.NewReader(r), size: size, key: key}
	if t.size <= 0 {
		t.size = 10_000
	}
	t.in.Comma = []rune(first(m.Delimiter, ","))[0]
	t.in.FieldsPerRecord, t.in.LazyQuotes, t.in.ReuseRecord = -1, true, true
	zone, err := zoneOf(m.Time.Zone, m.Time.Offset)
	if err != nil {
		return nil, err
	}
	t.wall = wall{zone}
	t.parse = timeParser(m.Time.Format)
	header, err := t.in.Read()
	if err != nil {
		return nil, fmt.Errorf("reading the header of %s: %w", name, err)
	}
	var bad fault.List
	t.findColumns(slices.Clone(header), &bad)
	return t, bad.Err("reading the header of " + name)
}

// timeParser returns how the text of a time is read; wall times come back as
// if they were UTC.
func timeParser(format string) func(string) (time.Time, error) {
	number := func(unit time.Duration) func(string) (time.Time, error) {
		return func(s string) (time.Time, error) {
			n, err := strconv.ParseFloat(s, 64)
			if err != nil || math.Abs(n) > 1e15 {
				return time.Time{}, fmt.Errorf("%q is not a number of seconds or milliseconds", s)
			}
			return time.UnixMilli(int64(n * float64(unit/time.Millisecond))).UTC(), nil
		}
	}
	switch format {
	case "", "rfc3339":
		return func(s string) (time.Time, error) { return time.Parse(time.RFC3339Nano, s) }
	case "unix":
		return number(time.Second)
	case "unix_ms":
		return number(time.Millisecond)
	}
	layout := layoutOf(format)
	return func(s string) (time.Time, error) { return time.Parse(layout, s) }
}

func (t *Table) findColumns(header []string, bad *fault.List) {
	if len(header) > 0 {
		header[0] = strings.TrimPrefix(header[0], "\ufeff")
	}
	for i := range header {
		header[i] = strings.TrimSpace(header[i])
	}
	t.timeCol = column0(header, t.m.Time.Column, "time.column", bad)
	for i, v := range t.m.Values {
		t.addCells(header, v, fmt.Sprintf("values[%d]", i), bad)
	}
	if len(t.cells) == 0 && bad.Len() == 0 {
		bad.Addf("values", "", "match no column of %v", header)
	}
}

func column0(header []string, name, where string, bad *fault.List) int {
	i := slices.Index(header, name)
	if i < 0 {
		bad.Addf(where, "", "there is no column %q among %v", name, header)
	}
	return i
}

func (t *Table) addCells(header []string, v ValueMapping, where string, bad *fault.List) {
	named, q := -1, geo.Quantity(0)
	if v.Named != "" {
		named = column0(header, v.Named, where+".quantity_column", bad)
	} else {
		var err error
		q, err = geo.ParseQuantity(first(v.Quantity, t.m.Quantity))
		bad.Add(where, err)
	}
	base := cell{quantity: q, named: named, unit: first(v.Unit, t.m.Unit), intervalS: seconds(first(v.Interval, t.m.Interval)), valid: -1}
	add := func(name string, c cell, cols ...int) {
		c.cols = cols
		c.sensor = template(header, first(v.Sensor, t.m.Sensor, "{column}"), name, where, bad)
		if v.Valid != nil {
			c.valid, c.flags = column0(header, strings.ReplaceAll(v.Valid.Column, "{column}", name), where+".valid", bad), v.Valid.Is
		}
		t.cells = append(t.cells, c)
	}
	switch {
	case v.Column != "":
		add(v.Column, base, column0(header, v.Column, where+".column", bad))
	case len(v.Sum) > 0:
		var cols []int
		for _, name := range v.Sum {
			cols = append(cols, column0(header, name, where+".sum", bad))
		}
		add(v.Sum[0], base, cols...)
	default:
		t.addMatching(header, v, base, add)
	}
}

func (t *Table) addMatching(header []string, v ValueMapping, base cell, add func(string, cell, ...int)) {
	for i, name := range header {
		c := base
		if v.Hours {
			if c.fromM, c.toM, c.ofDay = parseHours(name); c.ofDay {
				add(name, c, i)
			}
			continue
		}
		in, _ := path.Match(v.Each, name)
		out, _ := path.Match(v.Except, name)
		if in && !out && i != t.timeCol {
			add(name, c, i)
		}
	}
}

// parseHours reads a column name like "07:00-08:00" as minutes of the day.
func parseHours(name string) (from, to int, ok bool) {
	a, b, found := strings.Cut(name, "-")
	from, ok1 := parseMinutes(strings.TrimSpace(a))
	to, ok2 := parseMinutes(strings.TrimSpace(b))
	return from, to, found && ok1 && ok2 && from < to
}

func parseMinutes(s string) (int, bool) {
	if len(s) != 5 || s[2] != ':' {
		return 0, false
	}
	h, ok1 := digits([]byte(s[:2]))
	m, ok2 := digits([]byte(s[3:]))
	return h*60 + m, ok1 && ok2 && h*60+m <= 24*60 && m < 60
}

// template splits a sensor's id into texts and columns.
func template(header []string, text, column, where string, bad *fault.List) (out []piece) {
	for text != "" {
		before, rest, found := strings.Cut(text, "{")
		if before != "" {
			out = append(out, piece{before, -1})
		}
		if !found {
			break
		}
		name, after, _ := strings.Cut(rest, "}")
		if name == "column" && !slices.Contains(header, name) {
			out = append(out, piece{column, -1})
		} else {
			out = append(out, piece{"", column0(header, name, where+".sensor", bad)})
		}
		text = after
	}
	return out
}

// Next returns the next batch, io.EOF after the last. Cells without a value
// are no readings; a cell that cannot be read is a malformed one. It fails when the
// file cannot be read, or when nothing in it could be.
func (t *Table) Next() (*live.Batch, error) {
	t.build = newBuilder(t.city)
	for t.build.batch.Len() < t.size {
		record, err := t.in.Read()
		if errors.Is(err, io.EOF) {
			return t.last()
		}
		t.row++
		line, _ := t.in.FieldPos(0)
		if parse := (*csv.ParseError)(nil); errors.As(err, &parse) {
			t.problem(line, "%v", parse.Err)
			t.build.malformed()
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("reading %s: %w", t.name, err)
		}
		t.record(record, line)
	}
	return t.finish(), nil
}

func (t *Table) last() (*live.Batch, error) {
	if t.build.batch.Len() > 0 {
		b := t.finish()
		if t.found == 0 {
			return nil, t.bad.Err("reading " + t.name)
		}
		return b, nil
	}
	if t.batches == 0 {
		t.bad.Addf("", "", "there are no readings in its %d rows", t.row)
		return nil, t.bad.Err("reading " + t.name)
	}
	return nil, io.EOF
}

func (t *Table) finish() *live.Batch {
	b := &t.build.batch
	t.found += t.build.decoded
	t.unstated = t.build.unstated
	b.Backfill = true
	if t.key != "" {
		b.Client = fmt.Sprintf("%s#%d", t.key, t.batches)
	}
	t.batches++
	return b
}

// Unstated reports whether values of the batch read last are in their sensors'
// own unit, which only a city can tell: such a batch must be sent as JSON.
func (t *Table) Unstated() bool { return t.unstated }

// Problems returns why cells could not be read, the first 20.
func (t *Table) Problems() error { return t.bad.Err("reading " + t.name) }

func (t *Table) problem(line int, format string, args ...any) {
	if t.bad.Len() < maxProblems {
		t.bad.Addf(fmt.Sprintf("%s:%d", t.name, line), "", format, args...)
	}
}

func (t *Table) record(record []string, line int) {
	if len(record) == 1 && record[0] == "" {
		return
	}
	text := field(record, t.timeCol)
	at, err := t.parse(text)
	if err != nil {
		t.problem(line, "time is %q, expected %s", text, first(t.m.Time.Format, "rfc3339"))
		t.build.malformed()
		return
	}
	for i := range t.cells {
		t.cell(&t.cells[i], record, at, line)
	}
}

func field(record []string, col int) string {
	if col < 0 || col >= len(record) {
		return ""
	}
	return strings.TrimSpace(record[col])
}

func (t *Table) cell(c *cell, record []string, at time.Time, line int) {
	value, present, err := t.value(c, record)
	if !present {
		return
	}
	if c.valid >= 0 {
		flag := field(record, c.valid)
		if flag == "" || len(c.flags) > 0 && !slices.Contains(c.flags, flag) {
			return
		}
	}
	r := reading{sensor: t.build.sensor(c.id(record)), quantity: c.quantity, unit: c.unit, value: value}
	if c.named >= 0 {
		r.quantity = quantityOf([]byte(field(record, c.named)))
	}
	if err != nil {
		t.problem(line, "%v", err)
		r.refuse = live.NotANumber
	}
	if !t.interval(&r, c, at) && r.refuse == "" {
		t.problem(line, "the end of the interval at %s cannot be told: the clock skipped it, or its length is unknown", at.Format(time.DateTime))
		r.refuse = live.BadTime
	}
	t.build.add(r)
}

// interval sets the reading's end and length; it fails for an interval that
// the street clock skipped, and for one of unknown length known by its start.
func (t *Table) interval(r *reading, c *cell, at time.Time) bool {
	if c.ofDay {
		y, m, d := at.Date()
		from, to := t.dayTime(y, m, d, c.fromM, at), t.dayTime(y, m, d, c.toM, at)
		r.endMS, r.intervalS = to.UnixMilli(), uint32(max(0, to.Sub(from)/time.Second))
		return r.intervalS > 0
	}
	instant, exists := t.wall.at(at)
	r.intervalS = c.intervalS
	if t.m.Time.Label == "start" {
		length := c.length(t, r)
		exists = exists && length > 0
		instant = instant.Add(time.Duration(length) * time.Second)
	}
	r.endMS = instant.UnixMilli()
	return exists
}

func (t *Table) dayTime(y int, m time.Month, d, minutes int, at time.Time) time.Time {
	if t.wall.zone == nil {
		return time.Date(y, m, d, 0, minutes, 0, 0, at.Location())
	}
	return t.wall.instant(y, m, d, minutes)
}

// length returns the interval in seconds, the sensor's own where the mapping
// gives none.
func (c *cell) length(t *Table, r *reading) uint32 {
	if c.intervalS > 0 {
		return c.intervalS
	}
	return uint32(t.build.sensors[r.sensor].measure(r.quantity).Interval / time.Second)
}

func (c *cell) id(record []string) []byte {
	var out []byte
	for _, p := range c.sensor {
		if p.col < 0 {
			out = append(out, p.text...)
		} else {
			out = append(out, field(record, p.col)...)
		}
	}
	return out
}

// value sums the cell's columns; it is absent when all of them are.
func (t *Table) value(c *cell, record []string) (sum float64, present bool, err error) {
	for _, col := range c.cols {
		text := field(record, col)
		if text == "" || slices.Contains(t.m.Missing, text) {
			continue
		}
		present = true
		if t.m.Decimal == "," {
			text = strings.ReplaceAll(text, ",", ".")
		}
		v, e := strconv.ParseFloat(text, 64)
		if e != nil {
			v, err = math.NaN(), fmt.Errorf("value is %q, expected a number", text)
		}
		sum += v
	}
	return sum, present, err
}
