package utdf

import (
	"bufio"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"tideway/internal/fault"
)

// File is a combined UTDF file: its sections in order, as written.
type File struct {
	Name     string // used in messages only
	Sections []Section
}

// Section is one table: a name in brackets, a title, a header row, records.
type Section struct {
	Name    string // such as Lanes
	Title   string // such as Lane Group Data
	Columns []string
	Records []Record
}

// Record is one row of a section.
type Record struct {
	Line   int // in the file it was read from; 0: made
	Fields []string
}

// Names of the sections that are understood.
const (
	networkSection = "Network"
	nodeSection    = "Nodes"
	linkSection    = "Links"
	laneSection    = "Lanes"
	planSection    = "Timeplans"
	phaseSection   = "Phases"
)

const (
	maxRecords  = 2_000_000
	maxProblems = 1000 // ends the reading of a file that is wrong all over
)

// Read reads a combined file. Texts that are not UTF-8 are taken as Latin-1.
// The error lists what is not a table, with file and line.
func Read(name string, r io.Reader) (*File, error) {
	var bad fault.List
	f := &File{Name: name}
	rows := csv.NewReader(bufio.NewReader(r))
	rows.FieldsPerRecord, rows.LazyQuotes = -1, true
	part := 0 // rows of the section seen so far
	for n := 0; n < maxRecords && bad.Len() < maxProblems; n++ {
		fields, err := rows.Read()
		if err == io.EOF {
			return f, bad.Err("reading UTDF")
		}
		if err != nil {
			line := 0
			if p := (*csv.ParseError)(nil); errors.As(err, &p) {
				line, err = p.Line, p.Err
			}
			bad.Addf(f.at(line), "", "is not well-formed CSV: %v", err)
			return nil, bad.Err("reading UTDF")
		}
		line, _ := rows.FieldPos(0)
		for i := range fields {
			fields[i] = text(fields[i])
		}
		if name, ok := heading(fields); ok {
			f.Sections = append(f.Sections, Section{Name: name})
			part = 0
			continue
		}
		part++
		f.row(fields, line, part, &bad)
	}
	if bad.Len() < maxProblems {
		bad.Addf(name, "", "has more than %d rows", maxRecords)
	}
	return nil, bad.Err("reading UTDF")
}

func (f *File) at(line int) string { return fmt.Sprintf("%s:%d", f.Name, line) }

// text makes a field valid UTF-8.
func text(s string) string {
	s = strings.TrimPrefix(s, "\ufeff")
	if utf8.ValidString(s) {
		return s
	}
	out := make([]rune, len(s))
	for i := range len(s) {
		out[i] = rune(s[i])
	}
	return string(out)
}

// heading recognises the row that opens a section. Spreadsheets pad it with
// empty fields.
func heading(fields []string) (string, bool) {
	s := strings.TrimSpace(fields[0])
	if len(s) < 3 || s[0] != '[' || s[len(s)-1] != ']' || strings.TrimSpace(strings.Join(fields[1:], "")) != "" {
		return "", false
	}
	return strings.TrimSpace(s[1 : len(s)-1]), true
}

// row adds the part-th row of a section: title, header, records.
func (f *File) row(fields []string, line, part int, bad *fault.List) {
	if len(f.Sections) == 0 {
		bad.Addf(f.at(line), "", "%q stands before the first section, expected [Network]", strings.Join(fields, ","))
		return
	}
	s := &f.Sections[len(f.Sections)-1]
	switch {
	case s.Columns != nil:
		if len(strings.Join(fields, "")) == 0 {
			return
		}
		if extra := fields[min(len(s.Columns), len(fields)):]; strings.Join(extra, "") != "" {
			bad.Addf(f.at(line), fields[0], "has %d fields, expected at most %d as in the header of [%s]", len(fields), len(s.Columns), s.Name)
		}
		s.Records = append(s.Records, Record{Line: line, Fields: fields})
	case fields[0] == "RECORDNAME" || fields[0] == "INTID":
		s.Columns = fields
	case part == 1:
		s.Title = fields[0]
	default:
		bad.Addf(f.at(line), "", "%q stands where the header of [%s] is expected", strings.Join(fields, ","), s.Name)
	}
}

// Write writes the file in the order of its sections.
func (f *File) Write(out io.Writer) error {
	b := bufio.NewWriter(out)
	w := csv.NewWriter(b)
	for i := range f.Sections {
		s := &f.Sections[i]
		for _, row := range [][]string{{"[" + s.Name + "]"}, {s.Title}, s.Columns} {
			if err := w.Write(row); err != nil {
				return fmt.Errorf("writing UTDF: %w", err)
			}
		}
		for k := range s.Records {
			if err := w.Write(s.Records[k].Fields); err != nil {
				return fmt.Errorf("writing UTDF: %w", err)
			}
		}
		w.Flush()
		b.WriteByte('\n') // the error sticks to b
	}
	w.Flush()
	if err := errors.Join(w.Error(), b.Flush()); err != nil {
		return fmt.Errorf("writing UTDF: %w", err)
	}
	return nil
}

// Clone returns a copy that shares nothing.
func (f *File) Clone() *File {
	c := &File{Name: f.Name, Sections: append([]Section(nil), f.Sections...)}
	for i := range c.Sections {
		s := &c.Sections[i]
		s.Columns = append([]string(nil), s.Columns...)
		s.Records = append([]Record(nil), s.Records...)
		for k := range s.Records {
			s.Records[k].Fields = append([]string(nil), s.Records[k].Fields...)
		}
	}
	return c
}

// section returns the named section, nil when the file has none.
func (f *File) section(name string) *Section {
	for i := range f.Sections {
		if strings.EqualFold(f.Sections[i].Name, name) {
			return &f.Sections[i]
		}
	}
	return nil
}
