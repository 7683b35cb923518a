package places

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"

	"github.com/paulmach/orb"

	"tideway/geo/geojson"
	"tideway/internal/fault"
)

// maxProblems ends the reading of an input that is wrong all over.
const maxProblems = 1000

// maxFields bounds what a hostile header can cost.
const maxFields = 1000

// source is an input as records with named fields, whatever its format.
type source struct {
	fields  []string // names, in the order of the input
	records []record
}

type record struct {
	where    string
	values   map[string]string
	geometry orb.Geometry // of GeoJSON; nil in tables
}

// read takes GeoJSON when the input begins like it, else a table.
func read(name string, in io.Reader, bad *fault.List) source {
	data, err := io.ReadAll(in)
	if err != nil {
		bad.Add(name, err)
		return source{}
	}
	data = bytes.TrimPrefix(data, []byte("\ufeff"))
	if trimmed := bytes.TrimLeft(data, " \t\r\n"); len(trimmed) > 0 && trimmed[0] == '{' {
		return readFeatures(name, data, bad)
	}
	return readTable(name, data, bad)
}

func readFeatures(name string, data []byte, bad *fault.List) (s source) {
	features, err := geojson.Parse(data)
	if err != nil {
		bad.Add(name, err)
		return s
	}
	seen := map[string]bool{}
	for _, f := range features {
		r := record{where: fmt.Sprintf("%s:%d", name, f.Line), values: map[string]string{}, geometry: f.Geometry}
		if f.ID != "" {
			r.values["id"] = f.ID
		}
		for _, p := range f.Properties {
			r.values[p.Key] = plain(p.Value)
			if !seen[p.Key] {
				seen[p.Key], s.fields = true, append(s.fields, p.Key)
			}
		}
		s.records = append(s.records, r)
	}
	return s
}

// plain is a property's value as a table would hold it.
func plain(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	case bool:
		return strconv.FormatBool(v)
	}
	return ""
}

func readTable(name string, data []byte, bad *fault.List) (s source) {
	r := csv.NewReader(bytes.NewReader(data))
	r.Comma, r.FieldsPerRecord = separator(data), -1
	header, err := r.Read()
	if err != nil {
		bad.Addf(name+":1", "", "has no header row: %v", err)
		return s
	}
	if len(header) > maxFields {
		bad.Addf(name+":1", "", "has %d fields, expected at most %d", len(header), maxFields)
		return s
	}
	s.fields = header
	for bad.Len() < maxProblems {
		row, err := r.Read()
		if err == io.EOF {
			return s
		}
		if p := (*csv.ParseError)(nil); errors.As(err, &p) {
			bad.Addf(fmt.Sprintf("%s:%d", name, p.Line), "", "is not a well-formed table: %v", p.Err)
			return s
		}
		line, _ := r.FieldPos(0)
		rec := record{where: fmt.Sprintf("%s:%d", name, line), values: make(map[string]string, len(row))}
		if len(row) > len(header) {
			bad.Addf(rec.where, "", "has %d fields, expected %d as in the header", len(row), len(header))
		}
		for i, h := range header {
			if i < len(row) {
				rec.values[h] = row[i]
			}
		}
		s.records = append(s.records, rec)
	}
	return s
}

// separator is the one of ; , and tab that the first line has most of.
func separator(data []byte) rune {
	line, _, _ := bytes.Cut(data, []byte{'\n'})
	best, most := ',', 0
	for _, c := range []rune{',', ';', '\t'} {
		if n := bytes.Count(line, []byte(string(c))); n > most {
			best, most = c, n
		}
	}
	return best
}

// field returns the name that the input gives one of the wanted fields, in
// their order, whatever its case; "" when it has none.
func (s source) field(wanted ...string) string {
	for _, w := range wanted {
		for _, f := range s.fields {
			if strings.EqualFold(strings.TrimSpace(f), w) {
				return f
			}
		}
	}
	return ""
}

func (s source) has(field string) bool {
	for _, f := range s.fields {
		if f == field {
			return true
		}
	}
	return false
}

// check records a problem for each field that the caller named and that the
// input lacks.
func (s source) check(name string, bad *fault.List, named ...string) {
	for _, n := range named {
		if n != "" && !s.has(n) {
			bad.Addf(name+":1", "", "has no field %q; it has %s", n, strings.Join(s.fields, ", "))
		}
	}
}

func (r record) text(field string) string {
	if field == "" {
		return ""
	}
	return strings.TrimSpace(r.values[field])
}

// number returns a finite number, def when the field is empty. A decimal comma
// is understood.
func (r record) number(field string, def float64, bad *fault.List) float64 {
	s := r.text(field)
	if s == "" {
		return def
	}
	v, err := strconv.ParseFloat(strings.Replace(s, ",", ".", 1), 64)
	if err != nil || math.IsNaN(v) || math.IsInf(v, 0) {
		bad.Addf(r.where, "", "%s is %q, expected a finite number", field, s)
		return def
	}
	return v
}

// onEarth reports whether q is a lon/lat in degrees.
func onEarth(q orb.Point) bool { return math.Abs(q[0]) <= 180 && math.Abs(q[1]) <= 90 }
