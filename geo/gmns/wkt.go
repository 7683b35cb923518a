package gmns

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/paulmach/orb"
)

// Well-known text, the geometry of GMNS tables. Points are "lon lat".

func lineWKT(l orb.LineString) string {
	if len(l) == 0 {
		return ""
	}
	return "LINESTRING " + pointsWKT(l)
}

func areaWKT(m orb.MultiPolygon) string {
	if len(m) == 0 {
		return ""
	}
	polygons := make([]string, len(m))
	for i, p := range m {
		rings := make([]string, len(p))
		for k, r := range p {
			rings[k] = pointsWKT(r)
		}
		polygons[i] = "(" + strings.Join(rings, ",") + ")"
	}
	return "MULTIPOLYGON (" + strings.Join(polygons, ",") + ")"
}

func pointsWKT(points []orb.Point) string {
	b := []byte{'('}
	for i, q := range points {
		if i > 0 {
			b = append(b, ',')
		}
		b = strconv.AppendFloat(b, q[0], 'f', -1, 64)
		b = append(b, ' ')
		b = strconv.AppendFloat(b, q[1], 'f', -1, 64)
	}
	return string(append(b, ')'))
}

// ParseLine reads LINESTRING, or MULTILINESTRING whose parts are joined. Heights
// are left out; an empty text is an empty line.
func ParseLine(s string) (orb.LineString, error) {
	p := scan(s)
	if p.done() {
		return nil, nil
	}
	switch kind := p.word(); kind {
	case "LINESTRING":
		line := orb.LineString(p.points())
		return line, p.end()
	case "MULTILINESTRING":
		var out orb.LineString
		p.list(func() { out = append(out, p.points()...) })
		return out, p.end()
	default:
		return nil, fmt.Errorf("geometry starts with %q, expected LINESTRING", short(kind))
	}
}

// ParseArea reads POLYGON or MULTIPOLYGON; an empty text is an empty area.
func ParseArea(s string) (orb.MultiPolygon, error) {
	p := scan(s)
	if p.done() {
		return nil, nil
	}
	switch kind := p.word(); kind {
	case "POLYGON":
		area := orb.MultiPolygon{p.polygon()}
		return area, p.end()
	case "MULTIPOLYGON":
		var out orb.MultiPolygon
		p.list(func() { out = append(out, p.polygon()) })
		return out, p.end()
	default:
		return nil, fmt.Errorf("geometry starts with %q, expected POLYGON or MULTIPOLYGON", short(kind))
	}
}

// scanner walks over a text; the first error stops it.
type scanner struct {
	rest string
	err  error
}

func scan(s string) *scanner { return &scanner{rest: strings.TrimSpace(s)} }

func (p *scanner) done() bool { return p.rest == "" }

func (p *scanner) fail(format string, args ...any) {
	if p.err == nil {
		p.err, p.rest = fmt.Errorf(format, args...), ""
	}
}

func (p *scanner) end() error {
	if p.err == nil && p.rest != "" {
		return errors.New("geometry goes on after its last bracket")
	}
	return p.err
}

// word returns the geometry's name; Z, M and EMPTY are passed over.
func (p *scanner) word() string {
	i := strings.IndexByte(p.rest, '(')
	if i < 0 {
		i = len(p.rest)
	}
	name := strings.ToUpper(p.rest[:i])
	p.rest = p.rest[i:]
	fields := strings.Fields(name)
	if len(fields) == 0 {
		return ""
	}
	return fields[0]
}

// next returns the next character that is not a space; 0 at the end.
func (p *scanner) next() byte {
	p.rest = strings.TrimLeft(p.rest, " \t\r\n")
	if p.rest == "" {
		return 0
	}
	return p.rest[0]
}

func (p *scanner) take(c byte) bool {
	if p.next() != c {
		return false
	}
	p.rest = p.rest[1:]
	return true
}

// list reads "( item , item ... )".
func (p *scanner) list(item func()) {
	if !p.take('(') {
		p.fail("geometry has %q where ( was expected", short(p.rest))
		return
	}
	for p.err == nil {
		item()
		if p.take(',') {
			continue
		}
		if !p.take(')') {
			p.fail("geometry has %q where , or ) was expected", short(p.rest))
		}
		return
	}
}

func (p *scanner) points() (out []orb.Point) {
	p.list(func() {
		q := orb.Point{p.number(), p.number()}
		for p.err == nil && p.next() != ',' && p.next() != ')' {
			p.number() // height or measure
		}
		out = append(out, q)
	})
	return out
}

func (p *scanner) polygon() (out orb.Polygon) {
	p.list(func() {
		ring := orb.Ring(p.points())
		if p.err == nil && (len(ring) < 4 || !ring.Closed()) {
			p.fail("ring of %d points is not closed, expected at least 4 with the last like the first", len(ring))
		}
		out = append(out, ring)
	})
	return out
}

func (p *scanner) number() float64 {
	p.rest = strings.TrimLeft(p.rest, " \t\r\n")
	i := strings.IndexAny(p.rest, " \t\r\n,()")
	if i < 0 {
		i = len(p.rest)
	}
	v, err := strconv.ParseFloat(p.rest[:i], 64)
	if err != nil || math.IsNaN(v) || math.IsInf(v, 0) {
		p.fail("geometry has %q where a number was expected", short(p.rest[:i]))
		return 0
	}
	p.rest = p.rest[i:]
	return v
}

func short(s string) string {
	if len(s) > 20 {
		return s[:20] + "..."
	}
	return s
}
