package api

import (
	"encoding/json"
	"math"

	"github.com/paulmach/orb"
	"github.com/paulmach/orb/planar"

	"tideway/api/wire"
	"tideway/geo"
)

// places is what the service says of the city alone: made once per version.
type places struct {
	city      *geo.City
	lines     []orb.LineString // lon/lat of every segment
	ids       [][]byte         // their ids as JSON strings
	names     [][]byte
	sensorsOn map[geo.SegmentID][]geo.SensorID
	inZone    [][]geo.SegmentID
	bound     orb.Bound // lon/lat

	about, segments, zones, sensors, signals *encoded
}

func newPlaces(c *geo.City) *places {
	p := &places{city: c, lines: make([]orb.LineString, c.Segments.Len()), sensorsOn: map[geo.SegmentID][]geo.SensorID{}}
	for i, s := range c.Segments.All() {
		p.lines[i] = roundLine(c.Frame.Line(s.Shape))
		p.ids = append(p.ids, appendString(nil, s.ID))
		p.names = append(p.names, appendString(nil, s.Name))
	}
	for i, s := range c.Sensors.All() {
		if s.Segment != geo.NoSegment {
			p.sensorsOn[s.Segment] = append(p.sensorsOn[s.Segment], i)
		}
	}
	for _, z := range c.Zones.All() {
		p.inZone = append(p.inZone, c.InPolygon(z.Area))
	}
	p.bound = p.extent()
	p.about = jsonOnce(func() any { return p.describe() })
	p.segments = jsonOnce(func() any { return p.segmentList() })
	p.zones = jsonOnce(func() any { return p.zoneList() })
	p.sensors = jsonOnce(func() any { return p.sensorList() })
	p.signals = jsonOnce(func() any { return p.signalList() })
	return p
}

// jsonOnce returns a document that is made of a value when first asked for.
// Values are plain wire types, which always have a JSON form.
func jsonOnce(value func() any) *encoded {
	return newEncoded("application/json", func() []byte {
		b, err := json.Marshal(value())
		if err != nil {
			panic("api: a wire type has no JSON form: " + err.Error())
		}
		return b
	})
}

// roundLine keeps a centimetre: 1e-7 degrees.
func roundLine(l orb.LineString) orb.LineString {
	for i := range l {
		l[i] = orb.Point{round7(l[i][0]), round7(l[i][1])}
	}
	return l
}

func round7(v float64) float64 { return math.Round(v*1e7) / 1e7 }

// streets is the box around the segments.
func (p *places) streets() orb.Bound {
	points := orb.MultiPoint{}
	for _, l := range p.lines {
		points = append(points, l...)
	}
	if len(points) == 0 {
		return orb.Bound{}
	}
	return points.Bound()
}

// extent is the box around segments and sensors: what tiles show.
func (p *places) extent() orb.Bound {
	points := orb.MultiPoint{}
	if len(p.lines) > 0 {
		b := p.streets()
		points = append(points, b.Min, b.Max)
	}
	for _, s := range p.city.Sensors.All() {
		points = append(points, s.LonLat)
	}
	if len(points) == 0 {
		return orb.Bound{}
	}
	return points.Bound()
}

func (p *places) describe() wire.City {
	c, b := p.city, p.streets() // a station far off must not shrink the city on the map
	center := b.Center()
	return wire.City{
		Name: c.Name, Version: c.Version, TimeZone: c.TimeZone.String(),
		Bounds: [4]float64{b.Min[0], b.Min[1], b.Max[0], b.Max[1]}, Center: wire.LonLat(center),
		Tiles: wire.PathTile + "?v=" + c.Version, MinZoom: minZoom, MaxZoom: maxZoom,
		Counts: wire.CityCounts{Nodes: c.Nodes.Len(), Segments: c.Segments.Len(), Lanes: c.Lanes.Len(), Movements: c.Movements.Len(),
			Signals: c.Signals.Len(), Plans: c.Plans.Len(), Zones: c.Zones.Len(), Sensors: c.Sensors.Len()},
	}
}

func (p *places) segmentList() wire.SegmentList {
	out := wire.SegmentList{CityVersion: p.city.Version, Segments: make([]wire.Segment, 0, p.city.Segments.Len())}
	for i := range p.city.Segments.All() {
		out.Segments = append(out.Segments, p.segment(i))
	}
	return out
}

func (p *places) segment(i geo.SegmentID) wire.Segment {
	c := p.city
	s := c.Segments.At(i)
	_, lanes := c.LanesOf(i)
	out := wire.Segment{
		ID: s.ID, Name: s.Name, From: c.Nodes.At(s.From).ID, To: c.Nodes.At(s.To).ID, Class: s.Class.String(),
		LengthM: round(s.Length.M(), 2), LimitKMH: round(s.Limit.KMH(), 2), Lanes: lanes, Heading: round(c.Heading(i).Deg(), 1),
		Shape: lonLats(p.lines[i]), Tags: append([]string{}, s.Tags...), Sensors: []string{},
	}
	if s.Capacity > 0 {
		out.CapacityVPH = wire.Num(round(s.Capacity.VPH(), 0))
	}
	for _, k := range p.sensorsOn[i] {
		out.Sensors = append(out.Sensors, c.Sensors.At(k).ID)
	}
	return out
}

func (p *places) zoneList() wire.ZoneList {
	out := wire.ZoneList{CityVersion: p.city.Version, Zones: make([]wire.Zone, 0, p.city.Zones.Len())}
	for i := range p.city.Zones.All() {
		out.Zones = append(out.Zones, p.zone(i))
	}
	return out
}

func (p *places) zone(i geo.ZoneID) wire.Zone {
	z := p.city.Zones.At(i)
	out := wire.Zone{ID: z.ID, Name: z.Name, Kind: z.Kind, Population: population(z), Segments: len(p.inZone[i]), Area: [][]wire.Ring{}}
	for _, poly := range z.Area {
		rings := []wire.Ring{}
		for _, r := range poly {
			rings = append(rings, lonLats(orb.LineString(r)))
		}
		out.Area = append(out.Area, rings)
	}
	return out
}

func population(z geo.Zone) *float64 {
	if z.Population < 0 {
		return nil
	}
	return wire.Num(z.Population)
}

func (p *places) sensorList() wire.SensorList {
	out := wire.SensorList{CityVersion: p.city.Version, Sensors: make([]wire.Sensor, 0, p.city.Sensors.Len())}
	for _, s := range p.city.Sensors.All() {
		out.Sensors = append(out.Sensors, wireSensor(p.city, s))
	}
	return out
}

func wireSensor(c *geo.City, s geo.Sensor) wire.Sensor {
	out := wire.Sensor{
		ID: s.ID, Lon: s.LonLat.Lon(), Lat: s.LonLat.Lat(), Road: s.Road, Confidence: round(float64(s.Match.Confidence), 3),
		Review: s.Match.Review, Why: s.Match.Why, Measures: make([]wire.Measure, 0, len(s.Measures)), Station: sensorKind(s) == "air",
	}
	if s.Heading >= 0 {
		out.Heading = wire.Num(round(s.Heading.Deg(), 1))
	}
	if s.Segment != geo.NoSegment {
		out.Segment = c.Segments.At(s.Segment).ID
	}
	if s.Lane != geo.NoLane {
		index := c.Lanes.At(s.Lane).Index
		out.Lane = &index
	}
	for _, m := range s.Measures {
		out.Measures = append(out.Measures, wire.Measure{Quantity: m.Quantity.String(), Unit: m.Unit, IntervalS: m.Interval.Seconds()})
	}
	return out
}

// sensorKind tells what a sensor watches: air, traffic or weather.
func sensorKind(s geo.Sensor) string {
	kind := "weather"
	for _, m := range s.Measures {
		if m.Quantity.IsPollutant() {
			return "air"
		}
		if m.Quantity.IsTraffic() {
			kind = "traffic"
		}
	}
	return kind
}

func (p *places) signalList() wire.SignalList {
	out := wire.SignalList{CityVersion: p.city.Version, Signals: make([]wire.Signal, 0, p.city.Signals.Len())}
	for i := range p.city.Signals.All() {
		out.Signals = append(out.Signals, p.signal(i))
	}
	return out
}

// signal places a controller at the middle of the nodes it rules.
func (p *places) signal(i geo.SignalID) wire.Signal {
	c := p.city
	sig := c.Signals.At(i)
	out := wire.Signal{ID: sig.ID, Groups: sig.Groups, Segments: []string{}, Plans: []wire.Plan{}}
	if sig.Plan != geo.NoPlan {
		out.Plan = c.Plans.At(sig.Plan).ID
	}
	seen, nodes := map[geo.SegmentID]bool{}, orb.MultiPoint{}
	for _, m := range c.MovementsOf(i) {
		mv := c.Movements.At(m)
		from := c.Lanes.At(mv.From).Segment
		nodes = append(nodes, c.Nodes.At(mv.Node).XY)
		if !seen[from] {
			seen[from] = true
			out.Segments = append(out.Segments, c.Segments.At(from).ID)
		}
	}
	if len(nodes) > 0 {
		middle, _ := planar.CentroidArea(nodes)
		at := c.Frame.LonLat(middle)
		out.Lon, out.Lat = round7(at[0]), round7(at[1])
	}
	for _, k := range c.PlansOf(i) {
		out.Plans = append(out.Plans, wirePlan(c.Plans.At(k)))
	}
	return out
}

func wirePlan(p geo.Plan) wire.Plan {
	out := wire.Plan{ID: p.ID, Kind: p.Kind.String(), CycleS: p.Cycle.Seconds(), OffsetS: p.Offset.Seconds(), Anchor: p.Anchor.String(),
		Stages: wireStages(p.Stages), Phases: []wire.RingPhase{}}
	for _, f := range p.Phases {
		out.Phases = append(out.Phases, wire.RingPhase{Phase: f.Phase, Ring: f.Ring, Barrier: f.Barrier, Position: f.Position, Groups: append([]int{}, f.Groups...),
			SplitS: f.Split.Seconds(), MinGreenS: f.MinGreen.Seconds(), MaxGreenS: f.MaxGreen.Seconds(), YellowS: f.Yellow.Seconds(), AllRedS: f.AllRed.Seconds(), Coordinated: f.Coordinated})
	}
	return out
}

func wireStages(stages []geo.Stage) []wire.Stage {
	out := []wire.Stage{}
	for _, s := range stages {
		states := make([]byte, len(s.States))
		for i, g := range s.States {
			states[i] = byte(g)
		}
		out = append(out, wire.Stage{Name: s.Name, DurationS: s.Duration.Seconds(), MinS: s.Min.Seconds(), MaxS: s.Max.Seconds(), States: string(states)})
	}
	return out
}

func lonLats(l orb.LineString) []wire.LonLat {
	out := make([]wire.LonLat, len(l))
	for i, q := range l {
		out[i] = wire.LonLat(q)
	}
	return out
}

func round(v float64, decimals int) float64 {
	scale := math.Pow10(decimals)
	return math.Round(v*scale) / scale
}
