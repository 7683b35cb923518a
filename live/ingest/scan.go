package ingest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"unsafe"
)

// scanner walks JSON text. It is made for long lists of small objects, where
// encoding/json would spend 1 µs and several allocations a reading; it accepts
// what JSON allows and reports the byte where it does not.
type scanner struct {
	data []byte
	pos  int
}

// maxDepth bounds nesting of values that are skipped.
const maxDepth = 64

func (s *scanner) fail(format string, args ...any) error {
	line := 1 + bytes.Count(s.data[:min(s.pos, len(s.data))], []byte{'\n'})
	return fmt.Errorf("byte %d (line %d): %s", s.pos, line, fmt.Sprintf(format, args...))
}

func (s *scanner) space() {
	for s.pos < len(s.data) {
		switch s.data[s.pos] {
		case ' ', '\t', '\n', '\r':
			s.pos++
		default:
			return
		}
	}
}

// peek returns the next byte that is not white space, 0 at the end.
func (s *scanner) peek() byte {
	s.space()
	if s.pos == len(s.data) {
		return 0
	}
	return s.data[s.pos]
}

func (s *scanner) expect(c byte) error {
	if got := s.peek(); got != c {
		return s.fail("%s found where %q was expected", show(got), string(rune(c)))
	}
	s.pos++
	return nil
}

func show(c byte) string {
	if c == 0 {
		return "the end"
	}
	return strconv.Quote(string(rune(c)))
}

// next steps to the next element of a list or object that ends with end; the
// opening bracket was read. It returns false at the end.
func (s *scanner) next(first bool, end byte) (bool, error) {
	c := s.peek()
	if c == end {
		s.pos++
		return false, nil
	}
	if first {
		return true, nil
	}
	if c != ',' {
		return false, s.fail("%s found where ',' or %q was expected", show(c), string(rune(end)))
	}
	s.pos++
	if c := s.peek(); c == end || c == 0 {
		return false, s.fail("%s found where a value was expected", show(c))
	}
	return true, nil
}

// text reads a string; the result is valid while the data is.
func (s *scanner) text() ([]byte, error) {
	if err := s.expect('"'); err != nil {
		return nil, err
	}
	begin := s.pos
	for s.pos < len(s.data) {
		switch c := s.data[s.pos]; {
		case c == '"':
			s.pos++
			return s.data[begin : s.pos-1], nil
		case c == '\\':
			return s.escaped(begin)
		case c < ' ':
			return nil, s.fail("control character in a string")
		}
		s.pos++
	}
	return nil, s.fail("the string that began at byte %d does not end", begin-1)
}

func (s *scanner) escaped(begin int) ([]byte, error) {
	for s.pos < len(s.data) && s.data[s.pos] != '"' {
		if s.data[s.pos] == '\\' {
			s.pos++
		}
		s.pos++
	}
	if s.pos >= len(s.data) {
		s.pos = len(s.data)
		return nil, s.fail("the string that began at byte %d does not end", begin-1)
	}
	s.pos++
	var out string
	if err := json.Unmarshal(s.data[begin-1:s.pos], &out); err != nil {
		return nil, s.fail("%v", err)
	}
	return []byte(out), nil
}

var errNotNumber = errors.New("not a number")

// number reads a number. For null and other values it skips them and returns
// errNotNumber; any other error is one of syntax.
func (s *scanner) number() (float64, error) {
	c := s.peek()
	if c != '-' && (c < '0' || c > '9') {
		if err := s.skip(0); err != nil {
			return 0, err
		}
		return 0, errNotNumber
	}
	begin := s.pos
	for s.pos < len(s.data) && isNumeric(s.data[s.pos]) {
		s.pos++
	}
	raw := s.data[begin:s.pos]
	if v, ok := smallDecimal(raw); ok {
		return v, nil
	}
	v, err := strconv.ParseFloat(unsafe.String(&raw[0], len(raw)), 64)
	if err != nil && !errors.Is(err, strconv.ErrRange) || raw[0] == '.' {
		return 0, s.fail("%q is not a number", raw)
	}
	return v, nil
}

func isNumeric(c byte) bool {
	return c >= '0' && c <= '9' || c == '.' || c == '-' || c == '+' || c == 'e' || c == 'E'
}

var powersOfTen = [...]float64{1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15}

// smallDecimal reads a plain decimal of at most 15 digits: the quotient of two
// exactly represented numbers is the nearest float64 (Clinger 1990).
func smallDecimal(raw []byte) (float64, bool) {
	n, digits, point, i := uint64(0), 0, -1, 0
	negative := raw[0] == '-'
	if negative {
		i = 1
	}
	for ; i < len(raw); i++ {
		switch c := raw[i]; {
		case c >= '0' && c <= '9':
			n = n*10 + uint64(c-'0')
			digits++
		case c == '.' && point < 0:
			point = digits
		default:
			return 0, false
		}
	}
	if digits == 0 || digits > 15 || point == 0 || point == digits {
		return 0, false
	}
	v := float64(n)
	if point > 0 {
		v /= powersOfTen[digits-point]
	}
	if negative {
		v = -v
	}
	return v, true
}

// skip passes over any value.
func (s *scanner) skip(depth int) error {
	if depth > maxDepth {
		return s.fail("more than %d brackets are open", maxDepth)
	}
	switch c := s.peek(); c {
	case '"':
		_, err := s.text()
		return err
	case '{', '[':
		return s.skipAll(c, depth)
	case 't':
		return s.word("true")
	case 'f':
		return s.word("false")
	case 'n':
		return s.word("null")
	default:
		if c == '-' || c >= '0' && c <= '9' {
			_, err := s.number()
			return err
		}
		return s.fail("%s found where a value was expected", show(c))
	}
}

// boolean reads true; any other value counts as false.
func (s *scanner) boolean() (bool, error) {
	yes := s.peek() == 't'
	return yes, s.skip(0)
}

func (s *scanner) word(w string) error {
	if !bytes.HasPrefix(s.data[s.pos:], []byte(w)) {
		return s.fail("%s found where a value was expected", show(s.data[s.pos]))
	}
	s.pos += len(w)
	return nil
}

func (s *scanner) skipAll(open byte, depth int) error {
	s.pos++
	end := byte('}')
	if open == '[' {
		end = ']'
	}
	for first := true; ; first = false {
		more, err := s.next(first, end)
		if err != nil || !more {
			return err
		}
		if open == '{' {
			if _, err := s.key(); err != nil {
				return err
			}
		}
		if err := s.skip(depth + 1); err != nil {
			return err
		}
	}
}

// key reads a member's name and the colon.
func (s *scanner) key() ([]byte, error) {
	k, err := s.text()
	if err != nil {
		return nil, err
	}
	return k, s.expect(':')
}

// end reports what follows the document.
func (s *scanner) end() error {
	if c := s.peek(); c != 0 || s.pos < len(s.data) {
		return s.fail("%s found after the end of the document", show(c))
	}
	return nil
}
