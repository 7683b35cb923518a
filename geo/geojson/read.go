package geojson

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"strconv"

	"github.com/paulmach/orb"
)

// Read reads a FeatureCollection, a single Feature or a bare geometry. Errors
// name the line.
func Read(r io.Reader) ([]Feature, error) {
	data, err := io.ReadAll(r)
	if err != nil {
		return nil, fmt.Errorf("reading GeoJSON: %w", err)
	}
	return Parse(data)
}

// Parse is Read of bytes in memory.
func Parse(data []byte) (out []Feature, err error) {
	d := &decoder{data: bytes.TrimPrefix(data, []byte("\ufeff")), lines: lineCounter{line: 1}}
	defer func() {
		if p := recover(); p != nil {
			bad, ours := p.(syntaxError)
			if !ours {
				panic(p)
			}
			out, err = nil, bad
		}
	}()
	out = d.document()
	if d.space(); d.at < len(d.data) {
		d.fail("the document goes on after its end")
	}
	return out, nil
}

// Geometry reads one geometry object, such as a table's column holds.
func Geometry(data []byte) (orb.Geometry, error) {
	features, err := Parse(data)
	if err != nil {
		return nil, err
	}
	if len(features) != 1 {
		return nil, fmt.Errorf("GeoJSON: %d features found, expected one geometry", len(features))
	}
	return features[0].Geometry, nil
}

// syntaxError travels as a panic from the depth of the decoder to Parse and
// never leaves the package as one.
type syntaxError struct {
	line int
	text string
}

// Error names the line and what was expected there.
func (e syntaxError) Error() string { return fmt.Sprintf("GeoJSON line %d: %s", e.line, e.text) }

type decoder struct {
	data  []byte
	at    int
	depth int
	lines lineCounter
}

// lineCounter counts lines as positions ascend, so that naming one for each
// feature costs one pass in all.
type lineCounter struct{ at, line int }

func (c *lineCounter) to(data []byte, at int) int {
	if at > c.at {
		c.line += bytes.Count(data[c.at:at], []byte{'\n'})
		c.at = at
	}
	return c.line
}

func (d *decoder) fail(format string, args ...any) {
	line := 1 + bytes.Count(d.data[:min(d.at, len(d.data))], []byte{'\n'})
	panic(syntaxError{line: line, text: fmt.Sprintf(format, args...)})
}

func (d *decoder) space() {
	for d.at < len(d.data) {
		switch d.data[d.at] {
		case ' ', '\t', '\r', '\n':
			d.at++
		default:
			return
		}
	}
}

// peek returns the next character that is not a space; 0 at the end.
func (d *decoder) peek() byte {
	d.space()
	if d.at == len(d.data) {
		return 0
	}
	return d.data[d.at]
}

func (d *decoder) expect(c byte) {
	if got := d.peek(); got != c {
		if got == 0 {
			d.fail("the document ends where %q was expected", string(rune(c)))
		}
		d.fail("%q found where %q was expected", string(rune(got)), string(rune(c)))
	}
	d.at++
}

// maxDepth is deeper than any geometry and keeps hostile input off the stack.
const maxDepth = 100

// object calls field for every key, with the decoder at its value.
func (d *decoder) object(field func(key string)) {
	d.enter('{')
	for d.peek() != '}' {
		key := d.text()
		d.expect(':')
		field(key)
		if d.peek() != '}' {
			d.expect(',')
			if d.peek() == '}' {
				d.fail("a comma stands before }")
			}
		}
	}
	d.leave()
}

// array calls item for every element, with the decoder at it.
func (d *decoder) array(item func()) {
	d.enter('[')
	for d.peek() != ']' {
		item()
		if d.peek() != ']' {
			d.expect(',')
			if d.peek() == ']' {
				d.fail("a comma stands before ]")
			}
		}
	}
	d.leave()
}

func (d *decoder) enter(c byte) {
	d.expect(c)
	if d.depth++; d.depth > maxDepth {
		d.fail("values are nested more than %d deep", maxDepth)
	}
}

func (d *decoder) leave() { d.at++; d.depth-- }

func (d *decoder) text() string {
	if d.peek() != '"' {
		d.expect('"')
	}
	start := d.at
	for d.at++; d.at < len(d.data); d.at++ {
		switch c := d.data[d.at]; {
		case c == '\\':
			d.at++
		case c == '"':
			d.at++
			return d.unquote(d.data[start:d.at])
		case c < 0x20:
			d.fail("a string holds a control character")
		}
	}
	d.at = start
	d.fail("a string does not end")
	return ""
}

func (d *decoder) unquote(quoted []byte) string {
	if bytes.IndexByte(quoted, '\\') < 0 {
		return string(bytes.ToValidUTF8(quoted[1:len(quoted)-1], []byte("\ufffd")))
	}
	var s string
	if err := json.Unmarshal(quoted, &s); err != nil {
		d.fail("a string is not valid: %v", err)
	}
	return s
}

func (d *decoder) number() float64 {
	start := d.digits()
	v, err := strconv.ParseFloat(string(d.data[start:d.at]), 64)
	if err != nil || math.IsInf(v, 0) {
		d.fail("%q found where a number was expected", d.excerpt(start))
	}
	return v
}

// digits passes over what may belong to a number and returns its begin.
func (d *decoder) digits() (start int) {
	d.space()
	start = d.at
	for d.at < len(d.data) {
		switch c := d.data[d.at]; {
		case c >= '0' && c <= '9', c == '.', c == '-', c == '+', c == 'e', c == 'E':
			d.at++
		default:
			return start
		}
	}
	return start
}

func (d *decoder) excerpt(start int) string {
	return string(bytes.ToValidUTF8(d.data[start:min(start+12, len(d.data))], []byte("?")))
}

// value reads anything.
func (d *decoder) value() any {
	switch d.peek() {
	case '{':
		m := map[string]any{}
		d.object(func(key string) { m[key] = d.value() })
		return m
	case '[':
		list := []any{}
		d.array(func() { list = append(list, d.value()) })
		return list
	case '"':
		return d.text()
	}
	for _, w := range []struct {
		word  string
		value any
	}{{"null", nil}, {"true", true}, {"false", false}} {
		if bytes.HasPrefix(d.data[d.at:], []byte(w.word)) {
			d.at += len(w.word)
			return w.value
		}
	}
	return d.number()
}

// skip passes over a value without keeping it.
func (d *decoder) skip() {
	switch d.peek() {
	case '{':
		d.object(func(string) { d.skip() })
	case '[':
		d.array(d.skip)
	case '-', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9':
		d.digits() // who needs the number reads it again
	default:
		d.value()
	}
}
