package utdf

import (
	"math"
	"strconv"
	"strings"
	"time"

	"tideway/internal/fault"
)

// table finds the records of a section by intersection and record name.
type table struct {
	file   *File
	title  string
	names  []string // of the value columns, in order
	first  int      // position of the first value column
	blocks map[string]*block
	order  []*block
	bad    *fault.List
}

// block is what a section says about one intersection.
type block struct {
	id     string
	line   int
	record map[string]*Record
}

// tableOf indexes a section of records; need tells that it must be there. A
// missing section is an empty table.
func (f *File) tableOf(name string, need bool, bad *fault.List) *table {
	t := &table{file: f, title: name, first: 2, blocks: map[string]*block{}, bad: bad}
	s := f.section(name)
	switch {
	case s == nil && need:
		bad.Addf(f.Name, "", "has no section [%s]", name)
		return t
	case s == nil:
		return t
	case len(s.Columns) < 3 || s.Columns[0] != "RECORDNAME" || s.Columns[1] != "INTID":
		bad.Addf(f.Name, "", "the header of [%s] is %q, expected RECORDNAME, INTID and further columns", name, strings.Join(s.Columns, ","))
		return t
	}
	for _, c := range s.Columns[2:] {
		t.names = append(t.names, strings.TrimSpace(c))
	}
	for i := range s.Records {
		t.add(&s.Records[i])
	}
	return t
}

func (t *table) add(r *Record) {
	if len(r.Fields) < 2 || strings.TrimSpace(r.Fields[1]) == "" {
		t.bad.Addf(t.file.at(r.Line), r.Fields[0], "has no INTID")
		return
	}
	id := strings.TrimSpace(r.Fields[1])
	b := t.blocks[id]
	if b == nil {
		b = &block{id: id, line: r.Line, record: map[string]*Record{}}
		t.blocks[id] = b
		t.order = append(t.order, b)
	}
	key := strings.ToLower(strings.TrimSpace(r.Fields[0]))
	if old := b.record[key]; old != nil && t.title != planSection { // a second Timeplans section may repeat offsets
		t.bad.Addf(t.file.at(r.Line), id, "%s is given again; it is also in line %d", r.Fields[0], old.Line)
		return
	}
	b.record[key] = r
}

// has reports whether the intersection has the record.
func (b *block) has(record string) bool { return b != nil && b.record[strings.ToLower(record)] != nil }

// where names the place of a record, or of the intersection's first one.
func (t *table) where(b *block, record string) string {
	if b.has(record) {
		return t.file.at(b.record[strings.ToLower(record)].Line)
	}
	return t.file.at(b.line)
}

// text returns the field of a record in value column k, "" when it is missing.
func (t *table) text(b *block, record string, k int) string {
	if !b.has(record) {
		return ""
	}
	fields := b.record[strings.ToLower(record)].Fields
	if t.first+k >= len(fields) {
		return ""
	}
	return strings.TrimSpace(fields[t.first+k])
}

// number returns a finite number; given is false for an empty field. A star
// marks values that a person has overridden.
func (t *table) number(b *block, record string, k int) (v float64, given bool) {
	s := strings.Trim(t.text(b, record, k), "* ")
	if s == "" {
		return 0, false
	}
	v, err := strconv.ParseFloat(s, 64)
	if err != nil || math.IsNaN(v) || math.Abs(v) > 1e9 {
		t.bad.Addf(t.where(b, record), b.id, "%s %s is %q, expected a number", record, t.names[k], s)
		return 0, false
	}
	return v, true
}

// within is number held to limits.
func (t *table) within(b *block, record string, k int, lo, hi float64) (float64, bool) {
	v, given := t.number(b, record, k)
	if given && (v < lo || v > hi) {
		t.bad.Addf(t.where(b, record), b.id, "%s %s is %v, expected %v to %v", record, t.names[k], v, lo, hi)
		return 0, false
	}
	return v, given
}

// whole returns a whole number within limits, def for an empty field.
func (t *table) whole(b *block, record string, k, lo, hi, def int) int {
	v, given := t.within(b, record, k, float64(lo), float64(hi))
	if !given {
		return def
	}
	if v != math.Trunc(v) {
		t.bad.Addf(t.where(b, record), b.id, "%s %s is %v, expected a whole number", record, t.names[k], v)
		return def
	}
	return int(v)
}

// seconds returns a duration of at most an hour, 0 for an empty field.
func (t *table) seconds(b *block, record string, k int) time.Duration {
	v, _ := t.within(b, record, k, 0, 3600)
	return duration(v)
}

// duration turns seconds into a time without the noise of binary fractions.
func duration(s float64) time.Duration {
	return time.Duration(math.Round(s*1e6)) * time.Microsecond
}
