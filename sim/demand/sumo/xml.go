package sumo

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
	"unicode/utf8"
)

// scanner reads tags and attributes of an XML document and nothing else: text,
// comments, processing instructions and declarations are skipped. encoding/xml
// needs some 0.2 s for the 2.4 MB of a city's hour; this reads them in a tenth
// of that and allocates only for values with entities. What a call returned is
// valid until the next.
type scanner struct {
	r        io.Reader
	buf      []byte
	pos, end int
	eof      bool
	line     int // of pos, from 1
	tagLine  int // of the tag last returned

	name    []byte
	attrs   []attr
	closing bool     // the tag was <name/>: an end tag follows
	open    []string // names of the elements around pos
}

type attr struct{ name, value []byte }

type token uint8

const (
	tokenStart token = iota
	tokenEnd
	tokenEOF
)

// maxTag bounds one tag, and with it the memory for a document of any size; a
// route of 100 000 edges stays below it.
const maxTag = 8 << 20

const maxDepth = 64

func newScanner(r io.Reader) *scanner {
	return &scanner{r: r, buf: make([]byte, 64<<10), line: 1}
}

// next returns the next tag. The element's name is in s.name, attributes are
// in s.attrs after tokenStart.
func (s *scanner) next() (token, error) {
	if s.closing {
		s.closing = false
		return s.pop(s.name)
	}
	for {
		if err := s.seek('<'); err != nil {
			return s.finish(err)
		}
		s.tagLine = s.line
		head, err := s.peek(4)
		if err != nil && len(head) < 2 {
			return s.finish(io.ErrUnexpectedEOF)
		}
		switch {
		case bytes.HasPrefix(head, []byte("<!--")):
			err = s.skipPast("-->")
		case bytes.HasPrefix(head, []byte("<![")):
			err = s.skipPast("]]>")
		case head[1] == '?':
			err = s.skipPast("?>")
		case head[1] == '!':
			err = s.skipPast(">")
		default:
			return s.tag()
		}
		if err != nil {
			return s.finish(err)
		}
	}
}

// finish turns the end of the input into the end of the document, or into an
// error when elements are still open.
func (s *scanner) finish(err error) (token, error) {
	if err == io.EOF && len(s.open) == 0 {
		return tokenEOF, nil
	}
	if err == io.EOF || err == io.ErrUnexpectedEOF {
		if len(s.open) == 0 {
			return tokenEOF, errors.New("file ends inside a tag")
		}
		return tokenEOF, fmt.Errorf("file ends inside <%s>", s.open[len(s.open)-1])
	}
	return tokenEOF, err
}

// tag reads the tag at pos.
func (s *scanner) tag() (token, error) {
	body, err := s.cut()
	if err != nil {
		return s.finish(err)
	}
	if body[1] == '/' {
		return s.pop(bytes.TrimSpace(body[2 : len(body)-1]))
	}
	body = body[1 : len(body)-1]
	if n := len(body); n > 0 && body[n-1] == '/' {
		s.closing, body = true, body[:n-1]
	}
	n := bytes.IndexAny(body, " \t\r\n")
	if n < 0 {
		n = len(body)
	}
	s.name = body[:n]
	if n == 0 {
		return tokenEOF, errors.New("tag without a name")
	}
	if len(s.open) == maxDepth {
		return tokenEOF, fmt.Errorf("elements are nested more than %d deep", maxDepth)
	}
	s.open = append(s.open, intern(s.name))
	return tokenStart, s.attributes(body[n:])
}

func (s *scanner) pop(name []byte) (token, error) {
	if len(s.open) == 0 {
		return tokenEOF, fmt.Errorf("</%s> ends nothing", name)
	}
	last := s.open[len(s.open)-1]
	if last != string(name) {
		return tokenEOF, fmt.Errorf("</%s> found where </%s> was expected", name, last)
	}
	s.open = s.open[:len(s.open)-1]
	return tokenEnd, nil
}

func (s *scanner) attributes(b []byte) error {
	s.attrs = s.attrs[:0]
	for {
		b = bytes.TrimLeft(b, " \t\r\n")
		if len(b) == 0 {
			return nil
		}
		eq := bytes.IndexByte(b, '=')
		if eq <= 0 {
			return fmt.Errorf("<%s> has an attribute without a value near %q", s.name, clip(b))
		}
		name, rest := bytes.TrimRight(b[:eq], " \t\r\n"), bytes.TrimLeft(b[eq+1:], " \t\r\n")
		if len(rest) == 0 || rest[0] != '"' && rest[0] != '\'' {
			return fmt.Errorf("<%s %s> has a value without quotes", s.name, clip(name))
		}
		end := bytes.IndexByte(rest[1:], rest[0])
		if end < 0 {
			return fmt.Errorf("<%s %s> has a value without closing quote", s.name, clip(name))
		}
		value, err := unescape(rest[1 : 1+end])
		if err != nil {
			return fmt.Errorf("<%s %s>: %w", s.name, clip(name), err)
		}
		s.attrs = append(s.attrs, attr{name, value})
		b = rest[end+2:]
	}
}

// attr returns the value of an attribute of the tag last started.
func (s *scanner) attr(name string) ([]byte, bool) {
	for i := range s.attrs {
		if string(s.attrs[i].name) == name {
			return s.attrs[i].value, true
		}
	}
	return nil, false
}

// skip reads up to the end of the element just started.
func (s *scanner) skip() error {
	for depth := len(s.open); len(s.open) >= depth; {
		if _, err := s.next(); err != nil {
			return err
		}
	}
	return nil
}

// seek moves to the next byte c.
func (s *scanner) seek(c byte) error {
	for {
		if n := bytes.IndexByte(s.buf[s.pos:s.end], c); n >= 0 {
			s.advance(n)
			return nil
		}
		s.advance(s.end - s.pos)
		if err := s.fill(); err != nil {
			return err
		}
	}
}

// skipPast moves behind the next occurrence of mark.
func (s *scanner) skipPast(mark string) error {
	for {
		if n := bytes.Index(s.buf[s.pos:s.end], []byte(mark)); n >= 0 {
			s.advance(n + len(mark))
			return nil
		}
		s.advance(max(0, s.end-s.pos-len(mark)+1))
		if err := s.fill(); err != nil {
			return err
		}
	}
}

// cut returns the tag at pos, from '<' to '>', minding quotes, and moves
// behind it.
func (s *scanner) cut() ([]byte, error) {
	var quote byte
	for n := 0; ; {
		for ; n < s.end-s.pos; n++ {
			switch c := s.buf[s.pos+n]; {
			case quote != 0:
				k := bytes.IndexByte(s.buf[s.pos+n:s.end], quote)
				if k < 0 {
					n = s.end - s.pos - 1
					continue
				}
				n, quote = n+k, 0
			case c == '"' || c == '\'':
				quote = c
			case c == '>':
				tag := s.buf[s.pos : s.pos+n+1]
				s.advance(n + 1)
				return tag, nil
			}
		}
		if s.end-s.pos > maxTag {
			return nil, fmt.Errorf("a tag is longer than %d bytes", maxTag)
		}
		if err := s.fill(); err != nil {
			return nil, err
		}
	}
}

func (s *scanner) peek(n int) ([]byte, error) {
	for s.end-s.pos < n {
		if err := s.fill(); err != nil {
			return s.buf[s.pos:s.end], err
		}
	}
	return s.buf[s.pos : s.pos+n], nil
}

func (s *scanner) advance(n int) {
	s.line += bytes.Count(s.buf[s.pos:s.pos+n], []byte{'\n'})
	s.pos += n
}

// fill reads more input behind what is left of the buffer.
func (s *scanner) fill() error {
	if s.eof {
		return io.EOF
	}
	if s.pos > 0 {
		s.end = copy(s.buf, s.buf[s.pos:s.end])
		s.pos = 0
	}
	if s.end == len(s.buf) {
		s.buf = append(s.buf, make([]byte, len(s.buf))...)
	}
	n, err := io.ReadAtLeast(s.r, s.buf[s.end:], 1)
	s.end += n
	if err == io.EOF || err == io.ErrUnexpectedEOF {
		s.eof = true
		return io.EOF
	}
	return err
}

// intern returns the element name without allocating for those we know.
func intern(b []byte) string {
	switch string(b) {
	case "vehicle":
		return "vehicle"
	case "route":
		return "route"
	case "stop":
		return "stop"
	case "trip":
		return "trip"
	}
	return string(b)
}

var entities = map[string]string{"amp": "&", "lt": "<", "gt": ">", "quot": `"`, "apos": "'"}

// unescape replaces the five entities of XML and numeric ones.
func unescape(v []byte) ([]byte, error) {
	at := bytes.IndexByte(v, '&')
	if at < 0 {
		return v, nil
	}
	out := make([]byte, 0, len(v))
	for ; at >= 0; at = bytes.IndexByte(v, '&') {
		out, v = append(out, v[:at]...), v[at+1:]
		end := bytes.IndexByte(v, ';')
		if end < 0 {
			return nil, errors.New("value has a bare &")
		}
		text, err := entity(string(v[:end]))
		if err != nil {
			return nil, err
		}
		out, v = append(out, text...), v[end+1:]
	}
	return append(out, v...), nil
}

func entity(name string) (string, error) {
	if text, ok := entities[name]; ok {
		return text, nil
	}
	if len(name) > 1 && name[0] == '#' {
		digits, base := name[1:], 10
		if digits[0] == 'x' {
			digits, base = digits[1:], 16
		}
		if n, err := strconv.ParseInt(digits, base, 32); err == nil && utf8.ValidRune(rune(n)) {
			return string(rune(n)), nil
		}
	}
	return "", fmt.Errorf("entity &%s; is unknown", clip([]byte(name)))
}

func clip(b []byte) string {
	if len(b) > 40 {
		return string(b[:40]) + "..."
	}
	return string(b)
}
