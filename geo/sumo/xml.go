package sumo

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/paulmach/orb"

	"tideway/internal/fault"
)

// maxProblems ends the reading of an input that is wrong all over.
const maxProblems = 1000

// element is one start tag with its place in the input.
type element struct {
	name  string
	attrs []xml.Attr
	where string
	bad   *fault.List
}

// each calls visit for every start tag of the input in document order until it
// returns false. A malformed input is recorded with the line where it breaks off.
func each(f File, bad *fault.List, visit func(*element) bool) {
	dec := xml.NewDecoder(f.Reader)
	dec.CharsetReader = latin1
	for bad.Len() < maxProblems {
		tok, err := dec.Token()
		line, _ := dec.InputPos()
		where := f.Name + ":" + strconv.Itoa(line)
		switch {
		case err == io.EOF:
			return
		case err != nil:
			bad.Addf(where, "", "is not well-formed XML: %s", plain(err))
			return
		}
		start, ok := tok.(xml.StartElement)
		if ok && !visit(&element{name: start.Name.Local, attrs: start.Attr, where: where, bad: bad}) {
			return
		}
	}
}

// plain drops the line from a syntax error: it is named already.
func plain(err error) string {
	if s := (*xml.SyntaxError)(nil); errors.As(err, &s) {
		return s.Msg
	}
	return err.Error()
}

// latin1 decodes the one other encoding that SUMO files come in.
func latin1(charset string, in io.Reader) (io.Reader, error) {
	switch strings.ToLower(charset) {
	case "iso-8859-1", "latin1", "us-ascii", "windows-1252":
		return &latin1Reader{in: in}, nil
	}
	return nil, fmt.Errorf("encoding %q is unknown, expected UTF-8 or ISO-8859-1", charset)
}

type latin1Reader struct {
	in   io.Reader
	buf  [512]byte
	held []byte
}

// Read implements io.Reader.
func (r *latin1Reader) Read(p []byte) (int, error) {
	if len(r.held) == 0 {
		n, err := r.in.Read(r.buf[:])
		if n == 0 {
			return 0, err
		}
		for _, c := range r.buf[:n] {
			r.held = append(r.held, string(rune(c))...)
		}
	}
	n := copy(p, r.held)
	r.held = r.held[n:]
	return n, nil
}

// get returns an attribute's value and whether it is there.
func (e *element) get(key string) (string, bool) {
	for _, a := range e.attrs {
		if a.Name.Local == key {
			return a.Value, true
		}
	}
	return "", false
}

// text returns an attribute's value, "" when it is missing.
func (e *element) text(key string) string {
	v, _ := e.get(key)
	return v
}

// must returns an attribute's value; a missing or empty one is a problem.
func (e *element) must(key string) string {
	v := e.text(key)
	if v == "" {
		e.wrong("has no %s", key)
	}
	return v
}

// wrong records a problem of this element.
func (e *element) wrong(format string, args ...any) {
	e.bad.Addf(e.where, e.text("id"), "<"+e.name+"> "+format, args...)
}

// number returns a finite number, or def when the attribute is missing.
func (e *element) number(key string, def float64) float64 {
	s, ok := e.get(key)
	if !ok || s == "" {
		return def
	}
	v, err := strconv.ParseFloat(s, 64)
	if err != nil || math.IsNaN(v) || math.IsInf(v, 0) {
		e.wrong("%s is %q, expected a finite number", key, s)
		return def
	}
	return v
}

// count returns an integer from lo to hi, or def when the attribute is missing.
func (e *element) count(key string, lo, hi, def int) int {
	s, ok := e.get(key)
	if !ok {
		return def
	}
	v, err := strconv.Atoi(s)
	if err != nil || v < lo || v > hi {
		e.wrong("%s is %q, expected a whole number from %d to %d", key, s, lo, hi)
		return def
	}
	return v
}

// seconds returns a duration given as seconds or as [days:]hours:minutes:seconds.
func (e *element) seconds(key string, def time.Duration) time.Duration {
	s, ok := e.get(key)
	if !ok || s == "" {
		return def
	}
	total, scale := 0.0, []float64{1, 60, 3600, 86400}
	parts := strings.Split(s, ":")
	for i, part := range parts {
		v, err := strconv.ParseFloat(part, 64)
		if err != nil || len(parts) > len(scale) || !(math.Abs(v) < 1e9) {
			e.wrong("%s is %q, expected seconds or hh:mm:ss", key, s)
			return def
		}
		total += v * scale[len(parts)-1-i]
	}
	return time.Duration(math.Round(total*1000)) * time.Millisecond
}

// truth returns a boolean as SUMO writes it.
func (e *element) truth(key string, def bool) bool {
	switch v := strings.ToLower(e.text(key)); v {
	case "":
		return def
	case "1", "true", "yes", "on", "t", "x":
		return true
	case "0", "false", "no", "off", "f", "-":
		return false
	default:
		e.wrong("%s is %q, expected true or false", key, v)
		return def
	}
}

// line returns a shape: "x,y[,z] x,y[,z] ...".
func (e *element) line(key string) orb.LineString {
	s := e.text(key)
	if s == "" {
		return nil
	}
	out := make(orb.LineString, 0, strings.Count(s, ",")+1)
	for field := range strings.FieldsSeq(s) {
		p, ok := point(field)
		if !ok {
			e.wrong("%s has the point %q, expected x,y", key, field)
			return nil
		}
		out = append(out, p)
	}
	return out
}

func point(field string) (p orb.Point, ok bool) {
	x, rest, two := strings.Cut(field, ",")
	y, _, _ := strings.Cut(rest, ",")
	var err1, err2 error
	p[0], err1 = strconv.ParseFloat(x, 64)
	p[1], err2 = strconv.ParseFloat(y, 64)
	return p, two && err1 == nil && err2 == nil && math.Abs(p[0]) < 1e9 && math.Abs(p[1]) < 1e9
}
