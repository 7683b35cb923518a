package match

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"github.com/paulmach/orb"

	"tideway/geo"
	"tideway/unit"
)

// Options tune the matching; the zero value gives the defaults.
type Options struct {
	Reach   unit.Length // farthest segment considered; 80 m
	NoShift bool        // take positions as they are
}

// Usual errors: of a published position beside a network drawn from other
// sources, and of a direction given in degrees or one of eight letters.
const (
	distanceError  unit.Length = 15
	directionError unit.Angle  = 20
	nameCost                   = 4.0  // another street's name
	closedCost                 = 9.0  // a segment without cars
	noneCost                   = 16.0 // none of the candidates: as bad as four usual errors
	mostCandidates             = 24
	maxTurn        unit.Angle  = 75
)

// Result is the outcome for all sensors.
type Result struct {
	Sensors    []geo.Sensor // as given, with Segment, At, Lane and Match filled in
	Matched    int
	Review     []string      // ids of sensors that a person should look at, in order
	East       unit.Length   // common shift that was taken out
	North      unit.Length   // ... to the north
	ShiftError unit.Length   // standard error of the shift; 0 when none was taken out
	Runners    []geo.Segment // second best of each sensor; its ID is "" when there is none
}

// Match puts the traffic sensors that have no segment yet on the segments of c.
// Others (already placed, stations beside the road) stay as they are. The
// result does not depend on the order of the sensors beyond their own order.
func Match(c *geo.City, sensors []geo.Sensor, opt Options) Result {
	if opt.Reach == 0 {
		opt.Reach = 80
	}
	m := matcher{city: c, opt: opt, sensors: slices.Clone(sensors)}
	for i := range m.sensors {
		if s := &m.sensors[i]; onRoad(s) {
			m.open = append(m.open, spot{sensor: i, xy: c.Frame.XY(s.LonLat)})
		}
	}
	m.find(orb.Point{})
	shift, err := m.commonShift()
	if shift != (orb.Point{}) {
		m.find(shift)
	}
	m.share()
	return m.result(shift, err)
}

// onRoad reports whether a sensor is one of traffic that has no segment yet.
func onRoad(s *geo.Sensor) bool {
	return s.Segment == geo.NoSegment && slices.ContainsFunc(s.Measures, func(m geo.Measure) bool { return m.Quantity.IsTraffic() })
}

type matcher struct {
	city    *geo.City
	opt     Options
	sensors []geo.Sensor
	open    []spot
}

// spot is a sensor to be placed, with its candidates from the best on.
type spot struct {
	sensor     int
	xy         orb.Point
	at         orb.Point // with the common shift taken out
	candidates []candidate
	taken      int // which candidate it has
	moved      bool
}

type candidate struct {
	segment  geo.SegmentID
	distance unit.Length // to the nearest lane
	turn     unit.Angle  // between the directions; 0 when the sensor's is unknown
	name     nameVerdict
	closed   bool
	at       unit.Length // along the segment, driven
	foot     foot
	cost     float64
}

// find lists the candidates of every spot, with positions shifted back.
func (m *matcher) find(shift orb.Point) {
	for i := range m.open {
		p := &m.open[i]
		xy := orb.Point{p.xy[0] - shift[0], p.xy[1] - shift[1]}
		p.at, p.candidates, p.taken, p.moved = xy, p.candidates[:0], 0, false
		for _, near := range m.city.Nearest(xy, m.opt.Reach, mostCandidates) {
			if c, ok := m.candidate(&m.sensors[p.sensor], near.Segment, xy); ok {
				p.candidates = append(p.candidates, c)
			}
		}
		slices.SortFunc(p.candidates, func(a, b candidate) int {
			return cmp.Or(cmp.Compare(a.cost, b.cost), cmp.Compare(a.segment, b.segment))
		})
	}
}

func (m *matcher) candidate(s *geo.Sensor, id geo.SegmentID, xy orb.Point) (candidate, bool) {
	c := m.city
	seg := c.Segments.At(id)
	f := nearestLane(c, id, xy)
	out := candidate{segment: id, distance: unit.Length(f.distance), foot: f, at: seg.Length * unit.Length(f.share),
		name: compareNames(s.Road, seg.Name), closed: !c.Open(id, geo.Car)}
	d := f.distance / float64(distanceError)
	out.cost = d * d
	if s.Heading >= 0 {
		out.turn = s.Heading.Diff(f.heading)
		a := float64(out.turn / directionError)
		out.cost += a * a
	}
	if out.name == otherName {
		out.cost += nameCost
	}
	if out.closed {
		out.cost += closedCost
	}
	return out, out.turn <= maxTurn
}

// foot is the point of a segment's lanes nearest to a place.
type foot struct {
	distance float64    // metres
	share    float64    // of the lane's length
	heading  unit.Angle // of the lane there
	offset   orb.Point  // from the foot to the place
}

func nearestLane(c *geo.City, id geo.SegmentID, xy orb.Point) foot {
	best := foot{distance: math.Inf(1)}
	first, n := c.LanesOf(id)
	for l := first; l < first+geo.LaneID(n); l++ {
		shape := c.Lanes.At(l).Shape
		if len(shape) < 2 {
			shape = c.Segments.At(id).Shape
		}
		if f := project(shape, xy); f.distance < best.distance {
			best = f
		}
	}
	return best
}

func project(line orb.LineString, xy orb.Point) foot {
	best, along, bestAlong := foot{distance: math.Inf(1)}, 0.0, 0.0
	for i := 1; i < len(line); i++ {
		a, b := line[i-1], line[i]
		dx, dy := b[0]-a[0], b[1]-a[1]
		length, t := math.Hypot(dx, dy), 0.0
		if length > 0 {
			t = math.Max(0, math.Min(1, ((xy[0]-a[0])*dx+(xy[1]-a[1])*dy)/(length*length)))
		}
		ox, oy := xy[0]-a[0]-t*dx, xy[1]-a[1]-t*dy
		if d := math.Hypot(ox, oy); d < best.distance {
			best = foot{distance: d, heading: unit.Angle(math.Atan2(dx, dy) * 180 / math.Pi).Normal(), offset: orb.Point{ox, oy}}
			bestAlong = along + t*length
		}
		along += length
	}
	if along > 0 {
		best.share = bestAlong / along
	}
	return best
}

func (m *matcher) result(shift orb.Point, err float64) Result {
	r := Result{Sensors: m.sensors, East: unit.Length(shift[0]), North: unit.Length(shift[1]), ShiftError: unit.Length(err), Runners: make([]geo.Segment, len(m.sensors))}
	for i := range m.open {
		p := &m.open[i]
		s := &r.Sensors[p.sensor]
		s.Match = m.verdict(p)
		if len(p.candidates) > 0 && s.Match.Confidence > 0 {
			best := p.candidates[p.taken]
			s.Segment, s.At, s.Lane = best.segment, unit.Length(math.Round(float64(best.at)*100)/100), geo.NoLane
			r.Matched++
		}
		if other := p.runner(); other >= 0 {
			r.Runners[p.sensor] = m.city.Segments.At(p.candidates[other].segment)
		}
		if s.Match.Review {
			r.Review = append(r.Review, s.ID)
		}
	}
	m.lanes()
	return r
}

// runner is the best candidate that the spot does not have; -1 when none.
func (p *spot) runner() int {
	for i := range p.candidates {
		if i != p.taken {
			return i
		}
	}
	return -1
}

// sure is the confidence below which a person should look.
const sure unit.Share = 0.7

func (m *matcher) verdict(p *spot) geo.Match {
	if len(p.candidates) == 0 {
		return geo.Match{Review: true, Why: fmt.Sprintf("no segment in its direction within %.0f m", m.opt.Reach.M())}
	}
	sum := math.Exp(-noneCost / 2)
	for _, c := range p.candidates {
		sum += math.Exp(-c.cost / 2)
	}
	best := p.candidates[p.taken]
	v := geo.Match{Confidence: unit.Share(math.Round(math.Exp(-best.cost/2)/sum*1000) / 1000)}
	if best.cost > noneCost {
		return geo.Match{Review: true, Why: fmt.Sprintf("nearest fit is segment %s, %s", m.city.Segments.At(best.segment).ID, best.describe())}
	}
	v.Why = best.describe()
	if p.moved {
		v.Why += "; its first choice is taken by another sensor there"
	}
	if other := p.runner(); v.Confidence < sure && other >= 0 {
		v.Why += fmt.Sprintf("; could be %s", m.city.Segments.At(p.candidates[other].segment).ID)
	}
	v.Review = v.Confidence < sure || p.moved || best.name == otherName || best.closed
	return v
}

func (c candidate) describe() string {
	text := fmt.Sprintf("%.0f m off, %.0f degrees apart", c.distance.M(), c.turn.Deg())
	switch c.name {
	case sameName:
		text += ", same street"
	case otherName:
		text += ", another street's name"
	}
	if c.closed {
		text += ", closed to cars"
	}
	return text
}
