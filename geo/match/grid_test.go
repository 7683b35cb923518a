package match_test

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/paulmach/orb"
	"pgregory.net/rapid"

	"tideway/geo"
	"tideway/geo/match"
	"tideway/unit"
)

const blockM = 150.0

// grid is n by n blocks of two-way streets with one lane each way.
func grid(t interface{ Fatal(...any) }, n int) *geo.City {
	d := &geo.Draft{Name: "grid", TimeZone: "UTC", Frame: geo.LocalFrame(orb.Point{11, 44})}
	node := func(i, j int) geo.NodeID { return geo.NodeID(i*(n+1) + j) }
	for i := range n + 1 {
		for j := range n + 1 {
			d.Nodes = append(d.Nodes, geo.Node{ID: fmt.Sprintf("%d,%d", i, j), XY: orb.Point{float64(i) * blockM, float64(j) * blockM}})
		}
	}
	add := func(a, b geo.NodeID, name string) {
		p, q := d.Nodes[a].XY, d.Nodes[b].XY
		dx, dy := (q[0]-p[0])/blockM, (q[1]-p[1])/blockM
		shape := orb.LineString{{p[0] + 8*dx + 2*dy, p[1] + 8*dy - 2*dx}, {q[0] - 8*dx + 2*dy, q[1] - 8*dy - 2*dx}}
		s := geo.SegmentID(len(d.Segments))
		d.Segments = append(d.Segments, geo.Segment{ID: fmt.Sprintf("%d", s), Name: name, From: a, To: b, Length: blockM - 16, Limit: 50 * unit.KMH, Shape: shape})
		d.Lanes = append(d.Lanes, geo.Lane{Segment: s, Length: blockM - 16, Width: 3.2, Limit: 50 * unit.KMH, Allow: geo.MotorClasses, Shape: shape})
	}
	for i := range n + 1 {
		for j := range n {
			add(node(i, j), node(i, j+1), fmt.Sprintf("Avenue %d", i+100))
			add(node(i, j+1), node(i, j), fmt.Sprintf("Avenue %d", i+100))
			add(node(j, i), node(j+1, i), fmt.Sprintf("Street %d", i+100))
			add(node(j+1, i), node(j, i), fmt.Sprintf("Street %d", i+100))
		}
	}
	c, err := d.Build()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// sensorAt is a loop at a share of a segment, displaced.
func sensorAt(c *geo.City, id string, s geo.SegmentID, share unit.Share, by orb.Point) geo.Sensor {
	q, h := geo.PointAt(c.Segments.At(s).Shape, share)
	return geo.Sensor{ID: id, LonLat: c.Frame.LonLat(orb.Point{q[0] + by[0], q[1] + by[1]}), Heading: h, Segment: geo.NoSegment, Lane: geo.NoLane,
		Measures: []geo.Measure{{Quantity: geo.Flow}}}
}

func TestACommonShiftIsFoundAndTakenOut(t *testing.T) {
	c := grid(t, 4)
	rapid.Check(t, func(t *rapid.T) {
		shift := orb.Point{rapid.Float64Range(-14, 14).Draw(t, "east"), rapid.Float64Range(-14, 14).Draw(t, "north")}
		var sensors []geo.Sensor
		for s := range c.Segments.Len() {
			noise := rapid.Float64Range(-1.5, 1.5)
			by := orb.Point{shift[0] + noise.Draw(t, "x"), shift[1] + noise.Draw(t, "y")}
			sensors = append(sensors, sensorAt(c, fmt.Sprint(s), geo.SegmentID(s), unit.Share(rapid.Float64Range(0.15, 0.85).Draw(t, "share")), by))
		}
		r := match.Match(c, sensors, match.Options{})
		if off := math.Hypot(r.East.M()-shift[0], r.North.M()-shift[1]); off > 1.5 {
			t.Fatalf("shift %v, %v found, %v put in", r.East, r.North, shift)
		}
		for i, s := range r.Sensors {
			if s.Segment != geo.SegmentID(i) {
				t.Fatalf("sensor %d is on segment %d: %+v", i, s.Segment, s.Match)
			}
		}
		// The order of the input does not matter.
		slices.Reverse(sensors)
		again := match.Match(c, sensors, match.Options{})
		for i, s := range again.Sensors {
			if want := r.Sensors[len(sensors)-1-i]; s.Segment != want.Segment || s.ID != want.ID {
				t.Fatalf("in reverse, sensor %s is on %d instead of %d", s.ID, s.Segment, want.Segment)
			}
		}
	})
}

func TestVerdicts(t *testing.T) {
	c := grid(t, 2)
	named := func(s geo.Sensor, road string) geo.Sensor { s.Road = road; return s }
	blind := func(s geo.Sensor) geo.Sensor { s.Heading = -1; return s }
	placed := sensorAt(c, "placed", 3, 0.5, orb.Point{})
	placed.Segment, placed.Match = 1, geo.Match{Confidence: 1}
	air := sensorAt(c, "air", 3, 0.5, orb.Point{})
	air.Measures = []geo.Measure{{Quantity: geo.NO2}}
	for _, x := range []struct {
		name    string
		sensor  geo.Sensor
		segment geo.SegmentID
		review  bool
	}{
		{"on the lane", sensorAt(c, "a", 5, 0.5, orb.Point{}), 5, false},
		{"ten metres off", sensorAt(c, "a", 5, 0.5, orb.Point{7, 7}), 5, false},
		{"two directions, none given", blind(sensorAt(c, "a", 5, 0.5, orb.Point{})), 5, true},
		{"same name", named(sensorAt(c, "a", 5, 0.5, orb.Point{}), c.Segments.At(5).Name), 5, false},
		{"another name", named(sensorAt(c, "a", 5, 0.5, orb.Point{}), "Nowhere Boulevard"), 5, true},
		{"in a courtyard", sensorAt(c, "a", 5, 0.5, orb.Point{70, 74}), geo.NoSegment, true},
		{"far away", sensorAt(c, "a", 5, 0.5, orb.Point{5e4, 0}), geo.NoSegment, true},
		{"placed by its source", placed, 1, false},
		{"an air station", air, geo.NoSegment, false},
	} {
		r := match.Match(c, []geo.Sensor{x.sensor}, match.Options{})
		if s := r.Sensors[0]; s.Segment != x.segment || s.Match.Review != x.review || (len(r.Review) == 1) != x.review {
			t.Errorf("%s: segment %d, %+v; want segment %d, review %v", x.name, s.Segment, s.Match, x.segment, x.review)
		}
	}
}

func TestTwoLoopsDoNotShareALane(t *testing.T) {
	c := grid(t, 2)
	a := sensorAt(c, "a", 0, 0.5, orb.Point{})
	b := sensorAt(c, "b", 0, 0.5, orb.Point{-1.8, 0}) // nearer to the other direction, heading unknown
	b.Heading = -1
	r := match.Match(c, []geo.Sensor{a, b}, match.Options{})
	if r.Sensors[0].Segment != 0 || r.Sensors[1].Segment == 0 || !r.Sensors[1].Match.Review {
		t.Errorf("on segments %d and %d: %+v", r.Sensors[0].Segment, r.Sensors[1].Segment, r.Sensors[1].Match)
	}
	b.Measures = []geo.Measure{{Quantity: geo.Speed}} // another channel of the same loop
	if r := match.Match(c, []geo.Sensor{a, b}, match.Options{}); r.Sensors[1].Segment != 0 {
		t.Errorf("the speed channel went to segment %d", r.Sensors[1].Segment)
	}
}

func TestLoopsSideBySideSeeALaneEach(t *testing.T) {
	d := &geo.Draft{Name: "avenue", TimeZone: "UTC", Frame: geo.LocalFrame(orb.Point{11, 44}),
		Nodes:    []geo.Node{{ID: "a"}, {ID: "b", XY: orb.Point{0, 200}}},
		Segments: []geo.Segment{{ID: "ab", From: 0, To: 1, Length: 200, Limit: 50 * unit.KMH, Shape: orb.LineString{{0, 0}, {0, 200}}}}}
	for i := range 4 { // northbound, lane 0 on the right
		x := 4.8 - 3.2*float64(i)
		d.Lanes = append(d.Lanes, geo.Lane{Segment: 0, Index: i, Length: 200, Width: 3.2, Limit: 50 * unit.KMH, Allow: geo.MotorClasses, Shape: orb.LineString{{x, 0}, {x, 200}}})
	}
	c, err := d.Build()
	if err != nil {
		t.Fatal(err)
	}
	loop := func(id string, x float64, at unit.Share) geo.Sensor { return sensorAt(c, id, 0, at, orb.Point{x, 0}) }
	r := match.Match(c, []geo.Sensor{loop("left", -4, 0.5), loop("right", 1, 0.51), loop("middle", -2, 0.5), loop("alone", 3, 0.1),
		loop("twin b", 0, 0.9), loop("twin a", 0, 0.9)}, match.Options{NoShift: true})
	var got []geo.LaneID
	for _, s := range r.Sensors {
		got = append(got, s.Lane)
	}
	if want := []geo.LaneID{3, 1, 2, geo.NoLane, 2, 1}; !slices.Equal(got, want) {
		t.Errorf("lanes %v, want %v", got, want)
	}
}

func BenchmarkMatch(b *testing.B) {
	c := grid(b, 30)
	var sensors []geo.Sensor
	for s := range c.Segments.Len() {
		sensors = append(sensors, sensorAt(c, fmt.Sprint(s), geo.SegmentID(s), 0.5, orb.Point{5, 3}))
	}
	b.ReportMetric(float64(len(sensors)), "sensors")
	for b.Loop() {
		match.Match(c, sensors, match.Options{})
	}
}
