package places

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/paulmach/orb"

	"tideway/geo"
	"tideway/internal/fault"
	"tideway/unit"
)

// SensorMapping names the fields of the input that hold a sensor's values.
// Empty ones are looked for under the names of docs/format.md (id, lon, lat,
// heading, road, quantity, unit, interval). The tags are the keys of a mapping
// file.
type SensorMapping struct {
	ID     string `json:"id" yaml:"id"`
	Prefix string `json:"prefix" yaml:"prefix"` // put before every id
	Lon    string `json:"lon" yaml:"lon"`
	Lat    string `json:"lat" yaml:"lat"`
	LatLon string `json:"lat_lon" yaml:"lat_lon"` // one field "lat, lon" instead of two

	Heading        string   `json:"heading" yaml:"heading"`                 // degrees from north, clockwise
	Anticlockwise  bool     `json:"anticlockwise" yaml:"anticlockwise"`     // ... unless this is set
	Compass        string   `json:"compass" yaml:"compass"`                 // letters, read where heading is empty
	CompassLetters []string `json:"compass_letters" yaml:"compass_letters"` // the eight, clockwise from north; English when empty

	Road     string    `json:"road" yaml:"road"`
	Quantity string    `json:"quantity" yaml:"quantity"`
	Unit     string    `json:"unit" yaml:"unit"`
	Interval string    `json:"interval" yaml:"interval"`
	Measures []Measure `json:"measures" yaml:"measures"` // what every sensor measures, instead of fields
}

// Measure is a quantity that all sensors of an input report.
type Measure struct {
	Quantity string `json:"quantity" yaml:"quantity"`
	Unit     string `json:"unit" yaml:"unit"`
	Interval string `json:"interval" yaml:"interval"`
}

// ReadSensors reads points. Rows with the same id are one sensor: a table of
// readings gives its sensors too, and several rows may list several
// quantities. The sensors are not on segments yet. The error lists every
// problem with its line.
func ReadSensors(name string, in io.Reader, m SensorMapping) ([]geo.Sensor, error) {
	r := sensorReader{name: name, m: m, at: map[string]int{}}
	s := read(name, in, &r.bad)
	s.check(name, &r.bad, m.ID, m.Lon, m.Lat, m.LatLon, m.Heading, m.Compass, m.Road, m.Quantity, m.Unit, m.Interval)
	if r.bad.Len() == 0 {
		r.settle(s)
		r.always = r.constant()
	}
	if r.bad.Len() == 0 {
		for _, rec := range s.records {
			if r.bad.Len() < maxProblems {
				r.sensor(rec)
			}
		}
		if len(s.records) == 0 {
			r.bad.Addf(name, "", "holds no sensors")
		}
	}
	return r.sensors, r.bad.Err("reading sensors")
}

type sensorReader struct {
	name    string
	m       SensorMapping
	bad     fault.List
	at      map[string]int
	always  []geo.Measure
	sensors []geo.Sensor
}

func (r *sensorReader) settle(s source) {
	m := &r.m
	for _, f := range []struct {
		field *string
		names []string
	}{{&m.ID, []string{"sensor_id", "id", "station", "name", "codice"}}, {&m.Lon, []string{"lon", "longitude", "lng", "x"}}, {&m.Lat, []string{"lat", "latitude", "y"}},
		{&m.Heading, []string{"heading", "heading_deg", "bearing"}}, {&m.Compass, []string{"direction", "compass"}}, {&m.Road, []string{"road", "street", "address"}},
		{&m.Quantity, []string{"quantity"}}, {&m.Unit, []string{"unit"}}, {&m.Interval, []string{"interval", "interval_s"}}} {
		if *f.field == "" {
			*f.field = s.field(f.names...)
		}
	}
	if m.ID == "" {
		r.bad.Addf(r.name+":1", "", "has no field id; it has %s", strings.Join(s.fields, ", "))
	}
	placed := m.LatLon != "" || m.Lon != "" && m.Lat != "" || len(s.records) > 0 && s.records[0].geometry != nil
	if !placed {
		r.bad.Addf(r.name+":1", "", "has no fields lon and lat; it has %s", strings.Join(s.fields, ", "))
	}
	if m.Quantity == "" && len(m.Measures) == 0 {
		r.bad.Addf(r.name+":1", "", "has no field quantity, and the mapping names no measures")
	}
	if n := len(m.CompassLetters); n != 0 && n != 8 {
		r.bad.Addf(r.name, "", "compass_letters are %d, expected the eight directions clockwise from north", n)
	}
}

func (r *sensorReader) constant() (out []geo.Measure) {
	for i, m := range r.m.Measures {
		if g, ok := r.measure(fmt.Sprintf("measures[%d]", i), m.Quantity, m.Unit, m.Interval); ok {
			out = append(out, g)
		}
	}
	return out
}

func (r *sensorReader) measure(where, quantity, unitName, interval string) (m geo.Measure, ok bool) {
	q, err := geo.ParseQuantity(quantity)
	if err != nil {
		r.bad.Addf(where, "", "%v", err)
		return m, false
	}
	every, err := parseInterval(interval)
	if err != nil {
		r.bad.Addf(where, "", "interval: %v", err)
		return m, false
	}
	if unitName == q.Unit() {
		unitName = ""
	}
	return geo.Measure{Quantity: q, Unit: unitName, Interval: every}, true
}

// parseInterval reads seconds or a duration such as 5m or 1h; "" is unknown.
func parseInterval(s string) (time.Duration, error) {
	if s == "" {
		return 0, nil
	}
	if v, err := strconv.ParseFloat(s, 64); err == nil && v >= 0 && v < 1e9 {
		return time.Duration(v * float64(time.Second)), nil
	}
	d, err := time.ParseDuration(s)
	if err != nil || d < 0 {
		return 0, fmt.Errorf("%q found, expected seconds or a duration such as 5m", s)
	}
	return d, nil
}

// sensor takes a row in: a new sensor, or a further quantity of a known one.
func (r *sensorReader) sensor(rec record) {
	id := rec.text(r.m.ID)
	if id == "" {
		r.bad.Addf(rec.where, "", "%s is empty", r.m.ID)
		return
	}
	id = r.m.Prefix + id
	at, known := r.at[id]
	if !known {
		q, ok := r.point(rec, id)
		if !ok {
			return
		}
		at = len(r.sensors)
		r.at[id] = at
		r.sensors = append(r.sensors, geo.Sensor{ID: id, LonLat: q, Heading: r.heading(rec, id), Road: rec.text(r.m.Road),
			Segment: geo.NoSegment, Lane: geo.NoLane, Measures: append([]geo.Measure(nil), r.always...)})
	}
	if r.m.Quantity == "" {
		return
	}
	if m, ok := r.measure(rec.where, rec.text(r.m.Quantity), rec.text(r.m.Unit), rec.text(r.m.Interval)); ok {
		r.sensors[at].Measures = merge(r.sensors[at].Measures, m)
	}
}

func merge(list []geo.Measure, m geo.Measure) []geo.Measure {
	for _, have := range list {
		if have.Quantity == m.Quantity {
			return list
		}
	}
	return append(list, m)
}

func (r *sensorReader) point(rec record, id string) (q orb.Point, ok bool) {
	before := r.bad.Len()
	switch p, isPoint := rec.geometry.(orb.Point); {
	case isPoint:
		q = p
	case r.m.LatLon != "":
		lat, lon, two := strings.Cut(rec.text(r.m.LatLon), ",")
		y, err1 := strconv.ParseFloat(strings.TrimSpace(lat), 64)
		x, err2 := strconv.ParseFloat(strings.TrimSpace(lon), 64)
		if !two || err1 != nil || err2 != nil {
			r.bad.Addf(rec.where, id, `%s is %q, expected "lat, lon"`, r.m.LatLon, rec.text(r.m.LatLon))
		}
		q = orb.Point{x, y}
	default:
		q = orb.Point{rec.number(r.m.Lon, 999, &r.bad), rec.number(r.m.Lat, 999, &r.bad)}
	}
	if r.bad.Len() == before && !(onEarth(q)) {
		r.bad.Addf(rec.where, id, "lies at %v, expected lon/lat in degrees", q)
	}
	return q, r.bad.Len() == before
}

var english = []string{"N", "NE", "E", "SE", "S", "SW", "W", "NW"}

// heading returns -1 when the row does not tell it.
func (r *sensorReader) heading(rec record, id string) unit.Angle {
	if rec.text(r.m.Heading) != "" {
		h := unit.Angle(rec.number(r.m.Heading, -1, &r.bad))
		if h < -360 || h > 720 {
			r.bad.Addf(rec.where, id, "%s is %v, expected degrees", r.m.Heading, h.Deg())
		}
		if r.m.Anticlockwise {
			h = -h
		}
		return h.Normal()
	}
	word := rec.text(r.m.Compass)
	if word == "" {
		return -1
	}
	letters := english
	if len(r.m.CompassLetters) == 8 {
		letters = r.m.CompassLetters
	}
	for i, l := range letters {
		if strings.EqualFold(l, word) {
			return unit.Angle(i) * 45
		}
	}
	r.bad.Addf(rec.where, id, "%s is %q, expected one of %s", r.m.Compass, word, strings.Join(letters, " "))
	return -1
}
