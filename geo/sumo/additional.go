package sumo

import (
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/paulmach/orb"

	"tideway/geo"
	"tideway/unit"
)

type rawPlace struct {
	kind, id, name, lane, where string
	begin, end                  float64 // metres along the lane; negative counts from its end
	interval                    time.Duration
}

type rawDistrict struct {
	id, name string
	shape    orb.LineString
}

// demandElements are those that sim/demand/sumo reads.
var demandElements = map[string]bool{"vType": true, "vTypeDistribution": true, "route": true, "routeDistribution": true, "vehicle": true,
	"trip": true, "flow": true, "person": true, "personFlow": true, "container": true, "containerFlow": true}

// inner elements belong to the element around them and are not counted alone.
var innerElements = map[string]bool{"param": true, "stop": true, "access": true, "tazSource": true, "tazSink": true, "wautSwitch": true, "wautJunction": true,
	"detEntry": true, "detExit": true, "step": true, "interval": true, "walk": true, "ride": true, "personTrip": true, "timedEvent": true}

// readAdditional leaves route files (<routes>) to sim/demand/sumo unread.
func (im *importer) readAdditional(f File) {
	root, demand := "", false
	each(f, &im.bad, func(e *element) bool {
		switch {
		case root == "": // <additional>, <add> ...: the name does not matter
			root = e.name
			demand = root == "routes"
		case demandElements[e.name]:
			demand = true
		case innerElements[e.name]:
		default:
			im.readAddition(e, f.Name)
		}
		return root != "routes"
	})
	if root == "" && im.bad.Len() == 0 {
		im.bad.Addf(f.Name, "", "is empty, expected a SUMO additional file")
	}
	if demand {
		im.demand = append(im.demand, f.Name)
	}
}

func (im *importer) readAddition(e *element, file string) {
	switch e.name {
	case "tlLogic":
		im.programs = append(im.programs, readProgram(e, file, true))
	case "phase":
		im.readPhase(e)
	case "e1Detector", "inductionLoop", "instantInductionLoop":
		p := readPlace(e, "sensor")
		p.begin = e.number("pos", 0)
		im.places = append(im.places, p)
	case "e2Detector", "laneAreaDetector":
		im.places = append(im.places, readArea(e))
	case "busStop", "trainStop":
		p := readPlace(e, "bus_stop")
		p.begin, p.end = e.number("startPos", 0), e.number("endPos", math.Inf(1))
		im.places = append(im.places, p)
	case "taz":
		im.districts = append(im.districts, rawDistrict{id: e.must("id"), name: e.text("name"), shape: e.line("shape")})
	default:
		im.skipped[e.name]++
	}
}

func readPlace(e *element, kind string) rawPlace {
	p := rawPlace{kind: kind, id: e.must("id"), name: e.text("name"), lane: e.text("lane"), where: e.where}
	p.interval = max(0, e.seconds("period", e.seconds("freq", 0)))
	return p
}

// readArea places a lane-area detector at its middle; over several lanes, on
// the first.
func readArea(e *element) rawPlace {
	p := readPlace(e, "sensor")
	if lanes := e.text("lanes"); p.lane == "" && lanes != "" {
		p.lane, _, _ = cutSpace(lanes)
	}
	p.begin = e.number("pos", 0)
	length := e.number("length", 0)
	if end, ok := e.get("endPos"); ok && end != "" {
		length = e.number("endPos", 0) - p.begin
	}
	p.begin += max(0, length) / 2
	return p
}

func cutSpace(s string) (first, rest string, found bool) {
	for i, c := range s {
		if c == ' ' {
			return s[:i], s[i+1:], true
		}
	}
	return s, "", false
}

// addPlaces puts detectors and stops on their lanes. One that names a lane the
// network does not have is dropped: additional files are often made for
// another cut of the same city.
func (im *importer) addPlaces() {
	for i := range im.places {
		p := &im.places[i]
		lane, ok := im.laneAt[p.lane]
		if !ok {
			im.drop(p.kind, p.id, fmt.Sprintf("%s: the network has no lane %q", p.where, p.lane))
			continue
		}
		if p.kind == "sensor" {
			im.addSensor(p, lane)
		} else {
			im.addStop(p, lane)
		}
	}
}

// along turns a SUMO position into metres from the lane's begin.
func along(pos float64, lane geo.Lane) unit.Length {
	if pos < 0 {
		pos += float64(lane.Length)
	}
	return unit.Length(math.Max(0, math.Min(pos, float64(lane.Length))))
}

func (im *importer) addSensor(p *rawPlace, id geo.LaneID) {
	d := &im.draft
	lane := d.Lanes[id]
	at := along(p.begin, lane)
	xy, heading := geo.PointAt(lane.Shape, unit.Share(at/lane.Length))
	s := geo.Sensor{ID: p.id, LonLat: d.Frame.LonLat(xy), Heading: heading, Road: d.Segments[lane.Segment].Name,
		Segment: lane.Segment, Lane: id, At: at, Match: geo.Match{Confidence: 1, Why: "given by the source"}}
	for _, q := range []geo.Quantity{geo.Speed, geo.Flow, geo.Occupancy} {
		s.Measures = append(s.Measures, geo.Measure{Quantity: q, Interval: p.interval})
	}
	d.Sensors = append(d.Sensors, s)
}

func (im *importer) addStop(p *rawPlace, id geo.LaneID) {
	lane := im.draft.Lanes[id]
	begin, end := along(p.begin, lane), lane.Length
	if !math.IsInf(p.end, 1) {
		end = along(p.end, lane)
	}
	if end <= begin {
		im.bad.Addf(p.where, p.id, "stop lies from %v m to %v m on a lane of %v m, expected begin before end", float64(begin), float64(end), float64(lane.Length))
		return
	}
	im.draft.Stops = append(im.draft.Stops, geo.BusStop{ID: p.id, Name: p.name, Lane: id, Begin: begin, End: end})
}

// addDistricts makes zones of the districts that have an outline.
func (im *importer) addDistricts() {
	for _, t := range im.districts {
		if len(t.shape) < 3 {
			im.drop("taz", t.id, "it has no outline, only the streets at which demand begins and ends")
			continue
		}
		ring := orb.Ring(im.draft.Frame.Line(t.shape))
		if !ring.Closed() {
			ring = append(ring, ring[0])
		}
		for i := range ring {
			ring[i] = geo.RoundLonLat(ring[i])
		}
		im.draft.Zones = append(im.draft.Zones, geo.Zone{ID: t.id, Name: t.name, Kind: "taz", Population: -1, Area: orb.MultiPolygon{{ring}}})
	}
}

// reportSkipped names what additional files held besides, by kind.
func (im *importer) reportSkipped() {
	kinds := make([]string, 0, len(im.skipped))
	for k := range im.skipped {
		kinds = append(kinds, k)
	}
	slices.Sort(kinds)
	for _, k := range kinds {
		im.drop(k, "", fmt.Sprintf("%d found; the city has no place for them", im.skipped[k]))
	}
}
