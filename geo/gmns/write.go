package gmns

import (
	"fmt"
	"strings"

	"github.com/paulmach/orb"

	"tideway/geo"
	"tideway/unit"
)

// writer holds the city under way. Speeds are in km/h, lengths in metres.
type writer struct {
	create Create
	city   *geo.City
	speed  *scale
}

func (w *writer) kmh(v unit.Speed) string { return w.speed.format(float64(v)) }

func metres(v unit.Length) string { return number(float64(v)) }

// line writes a line in metres as lon/lat with the precision a city holds.
func (w *writer) line(xy orb.LineString) string {
	out := make(orb.LineString, len(xy))
	for i, q := range xy {
		out[i] = geo.RoundLonLat(w.city.Frame.LonLat(q))
	}
	return lineWKT(out)
}

func (w *writer) config() error {
	s := newSheet(w.create, "config.csv", "dataset_name", "short_length", "long_length", "speed", "crs", "geometry_field_format", "currency", "version_number", "id_type")
	s.row(w.city.Name, "meter", "meter", "km/h", "EPSG:4326", "wkt", "", "0.97", "string")
	return s.close()
}

// uses writes what the words of allowed_uses mean.
func (w *writer) uses() error {
	s := newSheet(w.create, "use_definition.csv", "use", "persons_per_vehicle", "pce", "special_conditions", "description")
	for _, u := range useTable {
		s.row(u.class.String(), number(u.persons), number(u.pce), "", u.about)
	}
	if err := s.close(); err != nil {
		return err
	}
	s = newSheet(w.create, "use_group.csv", "use_group", "uses", "description")
	s.row("all", strings.Join(classNames(geo.AllClasses), ","), "everybody")
	s.row("motor", strings.Join(classNames(geo.MotorClasses), ","), "motor vehicles on roads")
	return s.close()
}

func (w *writer) nodes() error {
	s := newSheet(w.create, "node.csv", "node_id", "name", "x_coord", "y_coord", "ctrl_type", "zone_id")
	for _, n := range w.city.Nodes.All() {
		q := geo.RoundLonLat(w.city.Frame.LonLat(n.XY))
		s.row(n.ID, n.Name, number(q[0]), number(q[1]), n.Control.String(), n.Zone)
	}
	return s.close()
}

func (w *writer) links() error {
	c := w.city
	s := newSheet(w.create, "link.csv", "link_id", "name", "from_node_id", "to_node_id", "directed", "geometry", "dir_flag", "length",
		"facility_type", "capacity", "free_speed", "lanes", "priority", "tags")
	for id, g := range c.Segments.All() {
		for _, tag := range g.Tags {
			if strings.Contains(tag, ";") {
				return fmt.Errorf("segment %s: tag %q has a semicolon, which separates tags in link.csv", g.ID, tag)
			}
		}
		_, lanes := c.LanesOf(id)
		capacity := ""
		if g.Capacity != 0 {
			capacity = newScale(int64(lanes), 3600).format(float64(g.Capacity))
		}
		s.row(g.ID, g.Name, c.Nodes.At(g.From).ID, c.Nodes.At(g.To).ID, "1", w.line(g.Shape), "1", metres(g.Length),
			g.Class.String(), capacity, w.kmh(g.Limit), whole(lanes), whole(g.Priority), strings.Join(g.Tags, ";"))
	}
	return s.close()
}

// lanes numbers them as GMNS does: from the left, so the kerb lane is last.
func (w *writer) lanes() error {
	c := w.city
	s := newSheet(w.create, "lane.csv", "lane_id", "link_id", "lane_num", "allowed_uses", "width", "length", "free_speed", "geometry")
	for id, l := range c.Lanes.All() {
		_, n := c.LanesOf(l.Segment)
		s.row(c.LaneName(id), c.Segments.At(l.Segment).ID, whole(n-l.Index), usesOf(l.Allow), metres(l.Width), metres(l.Length), w.kmh(l.Limit), w.line(l.Shape))
	}
	return s.close()
}

func (w *writer) movements() error {
	c := w.city
	s := newSheet(w.create, "movement.csv", "mvmt_id", "node_id", "ib_link_id", "start_ib_lane", "ob_link_id", "start_ob_lane", "type", "ctrl_type",
		"allowed_uses", "geometry", "length", "free_speed", "controller_id", "group", "wait_at", "keep_clear")
	for id, m := range c.Movements.All() {
		from, to := c.Lanes.At(m.From), c.Lanes.At(m.To)
		_, nFrom := c.LanesOf(from.Segment)
		_, nTo := c.LanesOf(to.Segment)
		controller := ""
		if m.Signal != geo.NoSignal {
			controller = c.Signals.At(m.Signal).ID
		}
		s.row(c.MovementName(id), c.Nodes.At(m.Node).ID, c.Segments.At(from.Segment).ID, whole(nFrom-from.Index), c.Segments.At(to.Segment).ID, whole(nTo-to.Index),
			m.Turn.String(), m.Right.String(), usesOf(m.Allow), w.line(m.Shape), metres(m.Length), w.kmh(m.Limit), controller, whole(m.Group), metres(m.WaitAt), truth(m.Clear))
	}
	return s.close()
}

func (w *writer) conflicts() error {
	c := w.city
	s := newSheet(w.create, "movement_conflict.csv", "mvmt_id", "foe_mvmt_id", "kind", "at", "foe_at", "yield")
	for id := range c.Movements.All() {
		for _, x := range c.Conflicts(id) {
			s.row(c.MovementName(id), c.MovementName(x.Foe), x.Kind.String(), metres(x.At), metres(x.FoeAt), truth(x.Yield))
		}
	}
	return s.close()
}

func (w *writer) zones() error {
	s := newSheet(w.create, "zone.csv", "zone_id", "name", "boundary", "kind", "population")
	for _, z := range w.city.Zones.All() {
		s.row(z.ID, z.Name, areaWKT(z.Area), z.Kind, known(z.Population))
	}
	return s.close()
}

// known writes a number that is -1 when unknown.
func known(v float64) string {
	if v == -1 {
		return ""
	}
	return number(v)
}

func (w *writer) sensors() error {
	c := w.city
	s := newSheet(w.create, "sensor.csv", "sensor_id", "lon", "lat", "heading_deg", "road", "link_id", "lane_id", "at", "confidence", "review", "why")
	for _, x := range c.Sensors.All() {
		link, lane := "", ""
		if x.Segment != geo.NoSegment {
			link = c.Segments.At(x.Segment).ID
		}
		if x.Lane != geo.NoLane {
			lane = c.LaneName(x.Lane)
		}
		s.row(x.ID, number(x.LonLat[0]), number(x.LonLat[1]), known(float64(x.Heading)), x.Road, link, lane, metres(x.At),
			number(float64(x.Match.Confidence)), truth(x.Match.Review), x.Match.Why)
	}
	return s.close()
}

func (w *writer) measures() error {
	s := newSheet(w.create, "sensor_measure.csv", "sensor_id", "quantity", "unit", "interval_s")
	for _, x := range w.city.Sensors.All() {
		for _, m := range x.Measures {
			s.row(x.ID, m.Quantity.String(), m.Unit, seconds(m.Interval))
		}
	}
	return s.close()
}

func (w *writer) stops() error {
	s := newSheet(w.create, "bus_stop.csv", "stop_id", "name", "lane_id", "begin", "end")
	for _, b := range w.city.Stops.All() {
		s.row(b.ID, b.Name, w.city.LaneName(b.Lane), metres(b.Begin), metres(b.End))
	}
	return s.close()
}

func (w *writer) assumptions() error {
	s := newSheet(w.create, "assumption.csv", "kind", "id", "field", "value", "why")
	for _, a := range w.city.Assumed {
		s.row(a.Kind, a.ID, a.Field, a.Value, a.Why)
	}
	return s.close()
}
