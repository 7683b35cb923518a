package ingest

import (
	"fmt"
	"path"
	"strings"
	"time"

	"github.com/goccy/go-yaml"

	"tideway/geo"
	"tideway/internal/fault"
)

// Mapping tells how a CSV table holds readings. It is written in YAML or JSON;
// docs/readings.md explains it by example.
type Mapping struct {
	Delimiter string   `yaml:"delimiter"` // of columns; default ","
	Decimal   string   `yaml:"decimal"`   // mark; default "."
	Missing   []string `yaml:"missing"`   // texts that stand for no value, besides the empty one

	Time   TimeMapping `yaml:"time"`
	Sensor string      `yaml:"sensor"` // id, with {column} for what a column holds: "{station}/{direction}"

	Quantity string `yaml:"quantity"` // of every value that does not say its own
	Unit     string `yaml:"unit"`     // "" is the sensor's unit
	Interval string `yaml:"interval"` // "1h", "15min", "1d"; "" is the sensor's nominal one

	Values []ValueMapping `yaml:"values"`
	Files  []FileMapping  `yaml:"files"` // what differs for some files
}

// TimeMapping tells what the time of a row is.
type TimeMapping struct {
	Column string `yaml:"column"`
	Format string `yaml:"format"` // "DD/MM/YYYY", "YYYY-MM-DD HH:mm", "rfc3339" (default), "unix" or "unix_ms"
	Zone   string `yaml:"zone"`   // IANA name of the street clock
	Offset string `yaml:"offset"` // or a fixed offset, "+01:00"
	Label  string `yaml:"label"`  // whether it is the "start" or the "end" (default) of the interval
}

// ValueMapping tells where values are. Exactly one of its forms is used:
// Hours, Sum, Column or Each.
type ValueMapping struct {
	Hours  bool     `yaml:"hours"`  // every column whose name is a time of day, "07:00-08:00", with Time the day
	Sum    []string `yaml:"sum"`    // the sum of these columns
	Column string   `yaml:"column"` // one column
	Each   string   `yaml:"each"`   // every column whose name matches, a sensor each: "*"
	Except string   `yaml:"except"` // but not those that match this

	Sensor   string        `yaml:"sensor"` // as Mapping.Sensor; in Each {column} is the column's name
	Quantity string        `yaml:"quantity"`
	Named    string        `yaml:"quantity_column"` // or the column that holds the quantity's name
	Unit     string        `yaml:"unit"`
	Interval string        `yaml:"interval"`
	Valid    *ValidMapping `yaml:"valid"` // takes a value only when a flag says so
}

// ValidMapping names the column of a validity flag.
type ValidMapping struct {
	Column string   `yaml:"column"` // {column} is the value's column
	Is     []string `yaml:"is"`     // flags of good values; empty: any text
}

// FileMapping overrides the mapping for files whose base name matches.
type FileMapping struct {
	Match    string `yaml:"match"` // "NO2_*.csv"
	Quantity string `yaml:"quantity"`
	Unit     string `yaml:"unit"`
	Interval string `yaml:"interval"`
}

// ParseMapping reads a mapping; every problem is reported together, and
// unknown keys are problems.
func ParseMapping(name string, data []byte) (*Mapping, error) {
	m := &Mapping{}
	if err := yaml.UnmarshalWithOptions(data, m, yaml.Strict()); err != nil {
		return nil, fmt.Errorf("reading mapping %s: %w", name, err)
	}
	var bad fault.List
	m.check(&bad)
	return m, bad.Err("reading mapping " + name)
}

func (m *Mapping) check(bad *fault.List) {
	if len([]rune(m.Delimiter)) > 1 {
		bad.Addf("delimiter", "", "is %q, expected one character", m.Delimiter)
	}
	if m.Decimal != "" && m.Decimal != "." && m.Decimal != "," {
		bad.Addf("decimal", "", "is %q, expected \".\" or \",\"", m.Decimal)
	}
	m.Time.check(bad)
	checkOverride(bad, "", m.Quantity, m.Unit, m.Interval)
	if len(m.Values) == 0 {
		bad.Addf("values", "", "is empty, expected where the values are")
	}
	for i, v := range m.Values {
		where := fmt.Sprintf("values[%d]", i)
		v.check(bad, where)
		if v.Sensor == "" && m.Sensor == "" && v.Each == "" {
			bad.Addf(where, "", "names no sensor, and the mapping none for all")
		}
	}
	for i, f := range m.Files {
		where := fmt.Sprintf("files[%d].", i)
		if _, err := path.Match(f.Match, ""); err != nil || f.Match == "" {
			bad.Addf(where+"match", "", "is %q, expected a pattern such as NO2_*.csv", f.Match)
		}
		checkOverride(bad, where, f.Quantity, f.Unit, f.Interval)
	}
}

func (t TimeMapping) check(bad *fault.List) {
	if t.Column == "" {
		bad.Addf("time.column", "", "is missing")
	}
	zone, err := zoneOf(t.Zone, t.Offset)
	bad.Add("time", err)
	if t.needsZone() && zone == nil && err == nil {
		bad.Addf("time", "", "has neither zone nor offset, and format %q does not tell it", t.Format)
	}
	if t.Label != "" && t.Label != "start" && t.Label != "end" {
		bad.Addf("time.label", "", "is %q, expected start or end", t.Label)
	}
}

func (t TimeMapping) needsZone() bool {
	switch t.Format {
	case "", "rfc3339", "unix", "unix_ms":
		return false
	}
	return !strings.Contains(t.Format, "ZZ")
}

func checkOverride(bad *fault.List, where, quantity, unit, interval string) {
	if quantity != "" {
		q, err := geo.ParseQuantity(quantity)
		bad.Add(where+"quantity", err)
		if _, ok := convert(q, unit); err == nil && !ok {
			bad.Addf(where+"unit", "", "%q is no unit of %s, expected one of %v", unit, quantity, Units(q))
		}
	}
	if interval != "" {
		if _, ok := parseLength(interval); !ok {
			bad.Addf(where+"interval", "", "is %q, expected a length such as 1h, 15min or 1d", interval)
		}
	}
}

func (v ValueMapping) check(bad *fault.List, where string) {
	forms := 0
	for _, used := range []bool{v.Hours, len(v.Sum) > 0, v.Column != "", v.Each != ""} {
		if used {
			forms++
		}
	}
	if forms != 1 {
		bad.Addf(where, "", "has %d of hours, sum, column and each, expected one", forms)
	}
	for _, p := range []string{v.Each, v.Except} {
		if _, err := path.Match(p, ""); err != nil {
			bad.Addf(where, "", "%q is not a pattern", p)
		}
	}
	if v.Valid != nil && v.Valid.Column == "" {
		bad.Addf(where+".valid.column", "", "is missing")
	}
	checkOverride(bad, where+".", v.Quantity, v.Unit, v.Interval)
}

// For returns the mapping for a file: with the quantity, unit and interval of
// the first entry of Files that matches its base name.
func (m *Mapping) For(file string) *Mapping {
	for _, f := range m.Files {
		if ok, _ := path.Match(f.Match, path.Base(file)); ok {
			c := *m
			c.Quantity, c.Unit, c.Interval = first(f.Quantity, m.Quantity), first(f.Unit, m.Unit), first(f.Interval, m.Interval)
			return &c
		}
	}
	return m
}

func first(texts ...string) string {
	for _, t := range texts {
		if t != "" {
			return t
		}
	}
	return ""
}

func seconds(interval string) uint32 {
	d, _ := parseLength(interval)
	return uint32(d / time.Second)
}
