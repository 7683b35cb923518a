package geojson

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"strconv"
	"unicode/utf8"

	"github.com/paulmach/orb"
)

// Writer writes a feature collection piece by piece.
type Writer struct {
	w     *bufio.Writer
	buf   []byte
	count int
	err   error
}

// NewWriter starts a collection on w.
func NewWriter(w io.Writer) *Writer {
	out := &Writer{w: bufio.NewWriterSize(w, 1<<16)}
	_, out.err = out.w.WriteString(`{"type":"FeatureCollection","features":[`)
	return out
}

// Write adds a feature. The first error sticks and is returned by Close.
func (w *Writer) Write(f Feature) {
	if w.err != nil {
		return
	}
	w.buf = w.buf[:0]
	if w.count > 0 {
		w.buf = append(w.buf, ',')
	}
	w.buf = append(w.buf, '\n')
	w.buf, w.err = AppendFeature(w.buf, f)
	if w.err == nil {
		_, w.err = w.w.Write(w.buf)
	}
	w.count++
}

// Close ends the collection; it does not close the writer below.
func (w *Writer) Close() error {
	if w.err == nil {
		_, w.err = w.w.WriteString("\n]}\n")
	}
	if w.err == nil {
		w.err = w.w.Flush()
	}
	if w.err != nil {
		return fmt.Errorf("writing GeoJSON feature %d: %w", w.count, w.err)
	}
	return nil
}

// AppendFeature appends one feature to b.
func AppendFeature(b []byte, f Feature) ([]byte, error) {
	b = append(b, `{"type":"Feature"`...)
	if f.ID != "" {
		b = append(b, `,"id":`...)
		b = AppendString(b, f.ID)
	}
	b = append(b, `,"geometry":`...)
	b, err := AppendGeometry(b, f.Geometry)
	if err != nil {
		return b, err
	}
	b = append(b, `,"properties":{`...)
	for i, p := range f.Properties {
		if i > 0 {
			b = append(b, ',')
		}
		b = AppendString(b, p.Key)
		b = append(b, ':')
		if b, err = appendValue(b, p.Value); err != nil {
			return b, fmt.Errorf("property %q: %w", p.Key, err)
		}
	}
	return append(b, "}}"...), nil
}

// AppendGeometry appends a geometry to b; nil is null.
func AppendGeometry(b []byte, g orb.Geometry) ([]byte, error) {
	switch g := g.(type) {
	case nil:
		return append(b, "null"...), nil
	case orb.Point:
		return appendPoint(open(b, "Point"), g, '}')
	case orb.MultiPoint:
		return closed(appendLine(open(b, "MultiPoint"), g))
	case orb.LineString:
		return closed(appendLine(open(b, "LineString"), g))
	case orb.MultiLineString:
		return closed(appendList(open(b, "MultiLineString"), g, func(b []byte, l orb.LineString) ([]byte, error) { return appendLine(b, l) }))
	case orb.Polygon:
		return closed(appendPolygon(open(b, "Polygon"), g))
	case orb.MultiPolygon:
		return closed(appendList(open(b, "MultiPolygon"), g, appendPolygon))
	case orb.Collection:
		b, err := appendList(append(b, `{"type":"GeometryCollection","geometries":`...), g, AppendGeometry)
		return append(b, '}'), err
	}
	return b, fmt.Errorf("geometry %T has no GeoJSON form", g)
}

func open(b []byte, kind string) []byte {
	b = append(b, `{"type":"`...)
	b = append(b, kind...)
	return append(b, `","coordinates":`...)
}

func closed(b []byte, err error) ([]byte, error) { return append(b, '}'), err }

func appendList[T any](b []byte, list []T, item func([]byte, T) ([]byte, error)) ([]byte, error) {
	b = append(b, '[')
	var err error
	for i, v := range list {
		if i > 0 {
			b = append(b, ',')
		}
		if b, err = item(b, v); err != nil {
			return b, err
		}
	}
	return append(b, ']'), nil
}

func appendPolygon(b []byte, p orb.Polygon) ([]byte, error) {
	return appendList(b, p, func(b []byte, r orb.Ring) ([]byte, error) { return appendLine(b, r) })
}

func appendLine(b []byte, points []orb.Point) ([]byte, error) {
	b = append(b, '[')
	var err error
	for i, q := range points {
		if i > 0 {
			b = append(b, ',')
		}
		if b, err = appendPoint(b, q, 0); err != nil {
			return b, err
		}
	}
	return append(b, ']'), nil
}

func appendPoint(b []byte, q orb.Point, after byte) ([]byte, error) {
	b = append(b, '[')
	b, err1 := appendNumber(b, q[0])
	b = append(b, ',')
	b, err2 := appendNumber(b, q[1])
	b = append(b, ']')
	if after != 0 {
		b = append(b, after)
	}
	if err1 != nil {
		return b, err1
	}
	return b, err2
}

func appendNumber(b []byte, v float64) ([]byte, error) {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return b, fmt.Errorf("number %v has no JSON form", v)
	}
	if a := math.Abs(v); a != 0 && (a < 1e-9 || a >= 1e21) {
		return strconv.AppendFloat(b, v, 'e', -1, 64), nil
	}
	return strconv.AppendFloat(b, v, 'f', -1, 64), nil
}

func appendValue(b []byte, v any) ([]byte, error) {
	switch v := v.(type) {
	case nil:
		return append(b, "null"...), nil
	case string:
		return AppendString(b, v), nil
	case float64:
		return appendNumber(b, v)
	case int:
		return strconv.AppendInt(b, int64(v), 10), nil
	case bool:
		return strconv.AppendBool(b, v), nil
	}
	more, err := json.Marshal(v)
	return append(b, more...), err
}

// AppendString appends s as a JSON string. Bytes that are not UTF-8 become the
// replacement character.
func AppendString(b []byte, s string) []byte {
	const hex = "0123456789abcdef"
	b = append(b, '"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b = append(b, '\\', byte(r))
		case r < 0x20:
			b = append(b, '\\', 'u', '0', '0', hex[r>>4], hex[r&15])
		default:
			b = utf8.AppendRune(b, r)
		}
	}
	return append(b, '"')
}
