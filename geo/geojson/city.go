package geojson

import (
	"io"
	"slices"
	"strings"

	"github.com/paulmach/orb"

	"tideway/geo"
	"tideway/unit"
)

// WriteCity writes a city as one feature collection for maps and GIS. Each
// feature's property "kind" says what it is: segment, movement, node, signal,
// zone, sensor or bus_stop. Signals stand in the middle of the nodes they rule.
func WriteCity(out io.Writer, c *geo.City) error {
	w := cityWriter{Writer: NewWriter(out), city: c}
	w.segments()
	w.movements()
	w.nodes()
	w.signals()
	w.places()
	return w.Close()
}

type cityWriter struct {
	*Writer
	city *geo.City
}

func (w cityWriter) add(kind, id string, g orb.Geometry, properties ...Property) {
	w.Write(Feature{ID: id, Geometry: g, Properties: append([]Property{{"kind", kind}}, properties...)})
}

// lonLat turns metres into the lon/lat that a city holds.
func (w cityWriter) lonLat(q orb.Point) orb.Point { return geo.RoundLonLat(w.city.Frame.LonLat(q)) }

func (w cityWriter) line(l orb.LineString) orb.LineString {
	out := make(orb.LineString, len(l))
	for i, q := range l {
		out[i] = w.lonLat(q)
	}
	return out
}

func (w cityWriter) segments() {
	c := w.city
	for id, s := range c.Segments.All() {
		_, lanes := c.LanesOf(id)
		w.add("segment", s.ID, w.line(s.Shape), Property{"name", s.Name}, Property{"from", c.Nodes.At(s.From).ID}, Property{"to", c.Nodes.At(s.To).ID},
			Property{"class", s.Class.String()}, Property{"length_m", s.Length.M()}, Property{"limit_kmh", s.Limit.KMH()}, Property{"lanes", lanes},
			Property{"capacity_vph", s.Capacity.VPH()}, Property{"tags", strings.Join(s.Tags, ";")})
	}
}

func (w cityWriter) movements() {
	c := w.city
	for id, m := range c.Movements.All() {
		if len(m.Shape) < 2 {
			continue
		}
		signal := ""
		if m.Signal != geo.NoSignal {
			signal = c.Signals.At(m.Signal).ID
		}
		w.add("movement", c.MovementName(id), w.line(m.Shape), Property{"turn", m.Turn.String()}, Property{"right_of_way", m.Right.String()},
			Property{"signal", signal}, Property{"group", m.Group}, Property{"length_m", m.Length.M()})
	}
}

func (w cityWriter) nodes() {
	for _, n := range w.city.Nodes.All() {
		w.add("node", n.ID, w.lonLat(n.XY), Property{"name", n.Name}, Property{"control", n.Control.String()})
	}
}

func (w cityWriter) signals() {
	c := w.city
	for id, s := range c.Signals.All() {
		var nodes []geo.NodeID
		for _, m := range c.MovementsOf(id) {
			nodes = append(nodes, c.Movements.At(m).Node)
		}
		slices.Sort(nodes)
		nodes = slices.Compact(nodes)
		if len(nodes) == 0 {
			continue
		}
		var sum orb.Point
		for _, n := range nodes {
			xy := c.Nodes.At(n).XY
			sum[0], sum[1] = sum[0]+xy[0]/float64(len(nodes)), sum[1]+xy[1]/float64(len(nodes))
		}
		plan := ""
		if s.Plan != geo.NoPlan {
			plan = c.Plans.At(s.Plan).ID
		}
		w.add("signal", s.ID, w.lonLat(sum), Property{"groups", s.Groups}, Property{"plan", plan})
	}
}

func (w cityWriter) places() {
	c := w.city
	for _, z := range c.Zones.All() {
		var population any
		if z.Population >= 0 {
			population = z.Population
		}
		w.add("zone", z.ID, z.Area, Property{"name", z.Name}, Property{"zone_kind", z.Kind}, Property{"population", population})
	}
	for _, s := range c.Sensors.All() {
		segment := ""
		if s.Segment != geo.NoSegment {
			segment = c.Segments.At(s.Segment).ID
		}
		measures := make([]string, len(s.Measures))
		for i, m := range s.Measures {
			measures[i] = m.Quantity.String()
		}
		w.add("sensor", s.ID, s.LonLat, Property{"segment", segment}, Property{"at_m", s.At.M()}, Property{"measures", strings.Join(measures, ";")},
			Property{"confidence", float64(s.Match.Confidence)}, Property{"review", s.Match.Review}, Property{"why", s.Match.Why})
	}
	for _, b := range c.Stops.All() {
		lane := c.Lanes.At(b.Lane)
		shape := lane.Shape
		if len(shape) < 2 {
			shape = c.Segments.At(lane.Segment).Shape
		}
		at, _ := geo.PointAt(shape, unit.Share((b.Begin+b.End)/2/lane.Length))
		w.add("bus_stop", b.ID, w.lonLat(at), Property{"name", b.Name}, Property{"lane", c.LaneName(b.Lane)})
	}
}
