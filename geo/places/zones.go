package places

import (
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/paulmach/orb"

	"tideway/geo"
	"tideway/geo/geojson"
	"tideway/internal/fault"
)

// ZoneFields names the fields of the input that hold a zone's values. Empty
// ones are looked for under common names.
type ZoneFields struct {
	ID         string
	Prefix     string // not a field: put before every id
	Name       string
	Population string
	Geometry   string // of a table: the column that holds GeoJSON
	Kind       string // not a field: what all zones of the input are
}

// ReadZones reads areas. What had to be guessed is among the assumptions, what
// is no area among the dropped; the error lists every problem with its line.
func ReadZones(name string, in io.Reader, f ZoneFields) ([]geo.Zone, []geo.Assumption, []geo.Dropped, error) {
	z := zoneReader{name: name, fields: f, seen: map[string]bool{}}
	s := read(name, in, &z.bad)
	s.check(name, &z.bad, f.ID, f.Name, f.Population, f.Geometry)
	if z.bad.Len() == 0 {
		z.settle(s)
		for i, r := range s.records {
			if z.bad.Len() < maxProblems {
				z.zone(i, r)
			}
		}
		if len(z.zones) == 0 && z.bad.Len() == 0 {
			z.bad.Addf(name, "", "holds no zones: none of its %d records has an area", len(s.records))
		}
	}
	if err := z.bad.Err("reading zones"); err != nil {
		return nil, nil, nil, err
	}
	return z.zones, z.assumed, z.dropped, nil
}

type zoneReader struct {
	name    string
	fields  ZoneFields
	bad     fault.List
	seen    map[string]bool
	zones   []geo.Zone
	assumed []geo.Assumption
	dropped []geo.Dropped
}

// settle decides which fields to read.
func (z *zoneReader) settle(s source) {
	f := &z.fields
	if f.Geometry == "" {
		f.Geometry = s.geometryField()
	}
	if f.ID == "" {
		f.ID = s.field("zone_id", "id", "zone", "code", "codice", "objectid", "fid")
	}
	if f.ID == "" || !s.unique(f.ID) {
		f.ID = s.firstUnique(f.Geometry)
		z.guess("id", f.ID)
	}
	if f.Name == "" {
		f.Name = s.field("name", "zone_name", "nome", "label", "title")
	}
	if f.Population == "" {
		f.Population = s.field("population", "pop", "inhabitants", "residents", "residenti", "popolazione")
	}
}

func (z *zoneReader) guess(field, taken string) {
	if taken == "" {
		taken = "row number"
	}
	z.assumed = append(z.assumed, geo.Assumption{Kind: "zone", ID: z.name, Field: field, Value: taken, Why: "no field was named; the first whose values are all different"})
}

// geometryField is the first whose value looks like a GeoJSON geometry.
func (s source) geometryField() string {
	for _, f := range s.fields {
		if len(s.records) > 0 && strings.HasPrefix(s.records[0].text(f), "{") {
			return f
		}
	}
	return ""
}

func (s source) unique(field string) bool {
	seen := map[string]bool{}
	for _, r := range s.records {
		v := r.text(field)
		if v == "" || seen[v] {
			return false
		}
		seen[v] = true
	}
	return true
}

func (s source) firstUnique(geometry string) string {
	for _, f := range s.fields {
		if f != geometry && s.unique(f) {
			return f
		}
	}
	return ""
}

func (z *zoneReader) zone(i int, r record) {
	id := r.text(z.fields.ID)
	if z.fields.ID == "" {
		id = strconv.Itoa(i + 1)
	}
	if id == "" || z.seen[id] {
		z.bad.Addf(r.where, id, "%s is empty or was used before", z.fields.ID)
		return
	}
	z.seen[id] = true
	g := r.geometry
	if z.fields.Geometry != "" {
		var err error
		if g, err = geojson.Geometry([]byte(r.text(z.fields.Geometry))); err != nil {
			z.bad.Addf(r.where, id, "%s: %v", z.fields.Geometry, err)
			return
		}
	}
	area, ok := areaOf(g)
	if !ok {
		z.dropped = append(z.dropped, geo.Dropped{Kind: "zone", ID: id, Why: fmt.Sprintf("%s: its geometry is no area", r.where)})
		return
	}
	if b := area.Bound(); !onEarth(b.Min) || !onEarth(b.Max) {
		z.bad.Addf(r.where, id, "reaches from %v to %v, expected lon/lat in degrees", b.Min, b.Max)
	}
	population := r.number(z.fields.Population, -1, &z.bad)
	z.zones = append(z.zones, geo.Zone{ID: z.fields.Prefix + id, Name: r.text(z.fields.Name), Kind: z.fields.Kind, Population: population, Area: area})
}

// areaOf gathers the polygons of a geometry.
func areaOf(g orb.Geometry) (area orb.MultiPolygon, ok bool) {
	switch g := g.(type) {
	case orb.Polygon:
		area = orb.MultiPolygon{g}
	case orb.MultiPolygon:
		area = g
	case orb.Collection:
		for _, part := range g {
			more, _ := areaOf(part)
			area = append(area, more...)
		}
	}
	return area, len(area) > 0 && len(area[0]) > 0
}
