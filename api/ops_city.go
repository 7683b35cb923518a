package api

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/paulmach/orb"

	"tideway/api/wire"
	"tideway/geo"
	"tideway/internal/fault"
	"tideway/unit"
)

// find returns the dense id behind an id of the path.
func find[I ~uint32, T any](t geo.Table[I, T], kind, raw string) (I, error) {
	id, err := pathID(raw)
	if err != nil {
		return 0, err
	}
	i, ok := t.Find(id)
	if !ok {
		return 0, notFound(kind, id)
	}
	return i, nil
}

func (s *Server) getSegment(_ context.Context, in *byID) (*answer[wire.Segment], error) {
	p := s.places.Load()
	i, err := find(p.city.Segments, "segment", in.ID)
	if err != nil {
		return nil, err
	}
	return reply(p.segment(i)), nil
}

func (s *Server) getZone(_ context.Context, in *byID) (*answer[wire.Zone], error) {
	p := s.places.Load()
	i, err := find(p.city.Zones, "zone", in.ID)
	if err != nil {
		return nil, err
	}
	return reply(p.zone(i)), nil
}

func (s *Server) getSignal(_ context.Context, in *byID) (*answer[wire.Signal], error) {
	p := s.places.Load()
	i, err := find(p.city.Signals, "signal", in.ID)
	if err != nil {
		return nil, err
	}
	return reply(p.signal(i)), nil
}

func (s *Server) getSensor(_ context.Context, in *byID) (*answer[wire.Sensor], error) {
	c := s.city()
	i, err := find(c.Sensors, "sensor", in.ID)
	if err != nil {
		return nil, err
	}
	out := wireSensor(c, c.Sensors.At(i))
	out.Latest = s.latest(i, out.ID)
	return reply(out), nil
}

// latest lists the newest values of a sensor that the newest forecast rests on.
func (s *Server) latest(i geo.SensorID, id string) []wire.Latest {
	out := []wire.Latest{}
	v := s.view()
	if v == nil || int(i) >= v.forecast.City.Sensors.Len() || v.forecast.City.Sensors.At(i).ID != id {
		return out
	}
	for k := range v.forecast.Groups {
		g := &v.forecast.Groups[k]
		if row := g.Row(i); row >= 0 && g.Series[row].Last == g.Series[row].Last {
			r := g.Series[row]
			out = append(out, wire.Latest{Quantity: g.Quantity.String(), Unit: g.Quantity.Unit(), At: g.Origin.Add(-r.Age).UTC(), Value: num32(r.Last, 3), Doubt: r.Reason})
		}
	}
	return out
}

type newSensors struct{ Body wire.NewSensors }

func (s *Server) addSensors(ctx context.Context, in *newSensors) (*answer[wire.SensorList], error) {
	var bad fault.List
	var add []geo.Sensor
	for i, n := range in.Body.Sensors {
		add = append(add, geoSensor(i, n, &bad))
	}
	if err := bad.Err("reading sensors"); err != nil {
		return nil, err
	}
	matched, err := s.opt.Twin.AddSensors(ctx, add)
	if err != nil {
		return nil, err
	}
	c := s.opt.Twin.City()
	out := wire.SensorList{CityVersion: c.Version, Sensors: []wire.Sensor{}}
	for _, m := range matched {
		out.Sensors = append(out.Sensors, wireSensor(c, m))
	}
	return reply(out), nil
}

func geoSensor(i int, n wire.NewSensor, bad *fault.List) geo.Sensor {
	out := geo.Sensor{ID: n.ID, LonLat: orb.Point{n.Lon, n.Lat}, Heading: -1, Road: n.Road, Segment: geo.NoSegment, Lane: geo.NoLane}
	if n.Heading != nil {
		out.Heading = unit.Angle(*n.Heading).Normal()
	}
	for _, m := range n.Measures {
		q, err := geo.ParseQuantity(m.Quantity)
		if err != nil {
			bad.Add("sensors["+itoa(i)+"].measures", err)
			continue
		}
		out.Measures = append(out.Measures, geo.Measure{Quantity: q, Unit: m.Unit, Interval: time.Duration(m.IntervalS * float64(time.Second))})
	}
	return out
}

// handleCongestion serves GET /v1/congestion: whole from the cache, or the
// records that were asked for.
func (s *Server) handleCongestion(c *fiber.Ctx) error {
	v, err := s.current()
	if err != nil {
		return err
	}
	only, zone := c.Query("segment"), c.Query("zone")
	if only == "" && zone == "" {
		return v.congestion.send(c, "private, no-cache")
	}
	ids, err := v.pick(only, zone)
	if err != nil {
		return err
	}
	b := v.congestionHead(nil)
	for k, i := range ids {
		if k > 0 {
			b = append(b, ',')
		}
		b = v.appendCongestion(b, i)
	}
	c.Set(fiber.HeaderContentType, "application/json")
	return c.Send(append(b, "]}"...))
}

// pick resolves the filters of a list of segments, in order of the city.
func (v *view) pick(only, zone string) ([]geo.SegmentID, error) {
	var ids []geo.SegmentID
	var missing []string
	for id := range strings.SplitSeq(only, ",") {
		if i, ok := v.forecast.City.Segments.Find(id); ok {
			ids = append(ids, i)
		} else if id != "" {
			missing = append(missing, id)
		}
	}
	if len(missing) > 0 {
		return nil, newProblem(http.StatusNotFound, "no segment has the id %s", strings.Join(missing, ", "))
	}
	slices.Sort(ids)
	ids = slices.Compact(ids)
	if zone == "" {
		return ids, nil
	}
	z, ok := v.forecast.City.Zones.Find(zone)
	if !ok {
		return nil, notFound("zone", zone)
	}
	inside := v.places.inZone[z]
	if only == "" {
		return inside, nil
	}
	return slices.DeleteFunc(ids, func(s geo.SegmentID) bool { return !slices.Contains(inside, s) }), nil
}

func (s *Server) getCongestion(_ context.Context, in *byID) (*answer[wire.Congestion], error) {
	v, err := s.current()
	if err != nil {
		return nil, err
	}
	i, err := find(v.forecast.City.Segments, "segment", in.ID)
	if err != nil {
		return nil, err
	}
	return reply(v.congestionOf(i)), nil
}

func (s *Server) getZoneCongestion(_ context.Context, in *byID) (*answer[wire.ZoneCongestion], error) {
	v, err := s.current()
	if err != nil {
		return nil, err
	}
	return one(v.zoneCongestion().Zones, "zone", in.ID, func(z wire.ZoneCongestion) string { return z.Zone })
}

func (s *Server) getAir(_ context.Context, in *byID) (*answer[wire.AirStation], error) {
	a, err := s.airNow()
	if err != nil {
		return nil, err
	}
	return one(a.stationList().Stations, "station", in.ID, func(a wire.AirStation) string { return a.Station })
}

func (s *Server) getZoneAir(_ context.Context, in *byID) (*answer[wire.AirZone], error) {
	a, err := s.airNow()
	if err != nil {
		return nil, err
	}
	return one(a.zoneList().Zones, "zone", in.ID, func(z wire.AirZone) string { return z.Zone })
}

// one finds a record of a short list by its id.
func one[T any](list []T, kind, raw string, key func(T) string) (*answer[T], error) {
	id, err := pathID(raw)
	if err != nil {
		return nil, err
	}
	for _, r := range list {
		if key(r) == id {
			return reply(r), nil
		}
	}
	return nil, notFound(kind, id)
}

// bodyOf returns the body that the guard has read.
func bodyOf(c *fiber.Ctx) []byte {
	b, _ := c.Locals(bodyKey).([]byte)
	return b
}
