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
	Measures []Measure `json:"measures" yaml:"measures"` // what the sensors measure, instead of fields
	Channels []string  `json:"channels" yaml:"channels"` // a sensor for each, with this behind its id: the directions of a site
}

// Measure is a quantity that sensors of an input report.
type Measure struct {
	Quantity string   `json:"quantity" yaml:"quantity"`
	Unit     string   `json:"unit" yaml:"unit"`
	Interval string   `json:"interval" yaml:"interval"`
	Only     []string `json:"only" yaml:"only"` // ids of those that report it; all when empty
}

// ReadSensors reads points. Rows with the same id are one sensor: a table of
// readings gives its sensors too, and several rows may list several
// quantities. The sensors are not on segments yet; those that measure nothing
// are among the dropped. The error lists every problem with its line.
func ReadSensors(name string, in io.Reader, m SensorMapping) ([]geo.Sensor, []geo.Dropped, error) {
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
	if err := r.bad.Err("reading sensors"); err != nil {
		return nil, nil, err
	}
	sensors, dropped := r.measuring()
	return sensors, dropped, nil
}

// measuring leaves out sensors without a quantity.
func (r *sensorReader) measuring() (out []geo.Sensor, dropped []geo.Dropped) {
	for _, s := range r.sensors {
		if len(s.Measures) == 0 {
			dropped = append(dropped, geo.Dropped{Kind: "sensor", ID: s.ID, Why: "it measures nothing that the mapping names"})
			continue
		}
		out = append(out, s)
	}
	return out, dropped
}

type sensorReader struct {
	name    string
	m       SensorMapping
	bad     fault.List
	at      map[string]int
	always  []constant
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

// constant is a measure that does not come from the rows.
type constant struct {
	geo.Measure
	only map[string]bool // by id; nil: all
}

func (r *sensorReader) constant() (out []constant) {
	for i, m := range r.m.Measures {
		g, ok := r.measure(fmt.Sprintf("measures[%d]", i), m.Quantity, m.Unit, m.Interval)
		if !ok {
			continue
		}
		c := constant{Measure: g}
		for _, id := range m.Only {
			if c.only == nil {
				c.only = map[string]bool{}
			}
			c.only[id] = true
		}
		out = append(out, c)
	}
	return out
}

func (r *sensorReader) constantsOf(id string) (out []geo.Measure) {
	for _, c := range r.always {
		if c.only == nil || c.only[id] {
			out = append(out, c.Measure)
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

// sensor takes a row in: new sensors, or a further quantity of known ones.
func (r *sensorReader) sensor(rec record) {
	id := rec.text(r.m.ID)
	if id == "" {
		r.bad.Addf(rec.where, "", "%s is empty", r.m.ID)
		return
	}
	channels := r.m.Channels
	if len(channels) == 0 {
		channels = []string{""}
	}
	for _, channel := range channels {
		r.channel(rec, id, r.m.Prefix+id+channel)
	}
}

func (r *sensorReader) channel(rec record, source, id string) {
	at, known := r.at[id]
	if !known {
		q, ok := r.point(rec, id)
		if !ok {
			return
		}
		at = len(r.sensors)
		r.at[id] = at
		r.sensors = append(r.sensors, geo.Sensor{ID: id, LonLat: q, Heading: r.heading(rec, id), Road: rec.text(r.m.Road),
			Segment: geo.NoSegment, Lane: geo.NoLane, Measures: r.constantsOf(source)})
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
