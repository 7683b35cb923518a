package geojson

import (
	"bytes"

	"github.com/paulmach/orb"
)

// members are the parts of an object that may come in any order: coordinates
// may stand before the type that tells how to read them.
type members struct {
	kind        string
	line        int
	coordinates int // where they begin; 0: none
	geometries  []orb.Geometry
	features    []Feature
	feature     Feature
}

func (d *decoder) document() []Feature {
	m := d.members()
	switch m.kind {
	case "FeatureCollection":
		return m.features
	case "Feature":
		return []Feature{m.feature}
	}
	return []Feature{{Geometry: d.geometryOf(m), Line: m.line}}
}

// members reads an object of any type GeoJSON knows.
func (d *decoder) members() (m members) {
	d.space()
	m.line = d.lines.to(d.data, d.at)
	d.object(func(key string) {
		switch key {
		case "type":
			m.kind = d.text()
		case "coordinates":
			d.space()
			m.coordinates = d.at
			d.skip()
		case "geometries":
			d.array(func() { m.geometries = append(m.geometries, d.geometry()) })
		case "features":
			d.array(func() {
				f := d.members()
				if f.kind != "Feature" {
					d.fail("type %q found in features, expected Feature", f.kind)
				}
				m.features = append(m.features, f.feature)
			})
		case "geometry":
			m.feature.Geometry = d.geometry()
		case "properties":
			m.feature.Properties = d.properties()
		case "id":
			m.feature.ID = d.id()
		default:
			d.skip()
		}
	})
	m.feature.Line = m.line
	return m
}

// id is a string or a number, kept as it was written.
func (d *decoder) id() string {
	if d.peek() == '"' {
		return d.text()
	}
	start := d.at
	d.skip()
	if id := d.data[start:d.at]; !bytes.Equal(id, []byte("null")) {
		return string(bytes.ToValidUTF8(id, []byte("?")))
	}
	return ""
}

func (d *decoder) properties() (out []Property) {
	if d.peek() == 'n' {
		d.value()
		return nil
	}
	d.object(func(key string) { out = append(out, Property{Key: key, Value: d.value()}) })
	return out
}

func (d *decoder) geometry() orb.Geometry {
	if d.peek() == 'n' {
		d.value()
		return nil
	}
	return d.geometryOf(d.members())
}

func (d *decoder) geometryOf(m members) orb.Geometry {
	if m.kind == "GeometryCollection" {
		return orb.Collection(m.geometries)
	}
	if m.coordinates == 0 {
		d.fail("type %q without coordinates is not a geometry", m.kind)
	}
	after := d.at
	d.at = m.coordinates
	g := d.coordinates(m.kind)
	d.at = after
	return g
}

func (d *decoder) coordinates(kind string) orb.Geometry {
	switch kind {
	case "Point":
		return d.point()
	case "MultiPoint":
		return orb.MultiPoint(d.points())
	case "LineString":
		return orb.LineString(d.points())
	case "MultiLineString":
		out := orb.MultiLineString{}
		d.array(func() { out = append(out, d.points()) })
		return out
	case "Polygon":
		return d.polygon()
	case "MultiPolygon":
		out := orb.MultiPolygon{}
		d.array(func() { out = append(out, d.polygon()) })
		return out
	}
	d.fail("type %q is not a geometry", kind)
	return nil
}

// point reads lon, lat; a height is passed over.
func (d *decoder) point() (q orb.Point) {
	n := 0
	d.array(func() {
		if v := d.number(); n < 2 {
			q[n] = v
		}
		n++
	})
	if n < 2 {
		d.fail("a position has %d numbers, expected longitude and latitude", n)
	}
	return q
}

func (d *decoder) points() []orb.Point {
	out := []orb.Point{}
	d.array(func() { out = append(out, d.point()) })
	return out
}

func (d *decoder) polygon() orb.Polygon {
	out := orb.Polygon{}
	d.array(func() {
		ring := orb.Ring(d.points())
		if len(ring) < 4 || !ring.Closed() {
			d.fail("a ring of %d positions is not closed, expected at least 4 with the last like the first", len(ring))
		}
		out = append(out, ring)
	})
	return out
}
