package geo_test

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/paulmach/orb"
	"pgregory.net/rapid"

	"tideway/geo"
	"tideway/unit"
)

// cross is a signalised T: a and b approach node n, c leaves it.
func cross() *geo.Draft {
	frame := geo.LocalFrame(orb.Point{11.33, 44.5})
	seg := func(id string, from, to geo.NodeID, a, b orb.Point) geo.Segment {
		return geo.Segment{ID: id, Name: "Via " + id, From: from, To: to, Class: geo.Primary,
			Length: 100, Limit: 50 * unit.KMH, Shape: orb.LineString{a, b}}
	}
	lane := func(s geo.SegmentID) geo.Lane {
		return geo.Lane{Segment: s, Length: 100, Width: 3.2, Limit: 50 * unit.KMH, Allow: geo.MotorClasses}
	}
	mv := func(from, to geo.LaneID, group int) geo.Movement {
		return geo.Movement{From: from, To: to, Node: 2, Length: 12, Limit: 10, Signal: 0, Group: group, Allow: geo.AllClasses}
	}
	green := []geo.SignalState{geo.Protected, geo.Red}
	return &geo.Draft{Name: "cross", TimeZone: "Europe/Rome", Frame: frame,
		Nodes: []geo.Node{{ID: "w", XY: orb.Point{-100, 0}}, {ID: "s", XY: orb.Point{0, -100}}, {ID: "n"}, {ID: "e", XY: orb.Point{100, 0}}},
		Segments: []geo.Segment{
			seg("a", 0, 2, orb.Point{-100, 0}, orb.Point{0, 0}),
			seg("b", 1, 2, orb.Point{0, -100}, orb.Point{0, 0}),
			seg("c", 2, 3, orb.Point{0, 0}, orb.Point{100, 0})},
		Lanes:     []geo.Lane{lane(0), lane(1), lane(2)},
		Movements: []geo.Movement{mv(0, 2, 0), mv(1, 2, 1)},
		Conflicts: [][]geo.Conflict{{{Foe: 1, Kind: geo.Merging, At: 12, FoeAt: 12}}, {{Foe: 0, Kind: geo.Merging, At: 12, FoeAt: 12, Yield: true}}},
		Signals:   []geo.Signal{{ID: "s1", Groups: 2, Plan: 0}},
		Plans: []geo.Plan{{ID: "day", Signal: 0, Cycle: 60 * time.Second, Stages: []geo.Stage{
			{Duration: 30 * time.Second, States: green},
			{Duration: 30 * time.Second, States: []geo.SignalState{geo.Red, geo.Protected}}}}},
	}
}

func build(t testing.TB, d *geo.Draft) *geo.City {
	t.Helper()
	c, err := d.Build()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestRelationsFollowTheRecords(t *testing.T) {
	c := build(t, cross())
	a, _ := c.Segments.Find("a")
	if got := c.In(2); len(got) != 2 || got[0] != a {
		t.Errorf("In(n) = %v", got)
	}
	if got := c.MovementsFrom(0); len(got) != 1 || c.MovementName(got[0]) != "a_0>c_0" {
		t.Errorf("MovementsFrom = %v", got)
	}
	if got := c.MovementsOf(0); len(got) != 2 {
		t.Errorf("MovementsOf = %v", got)
	}
	if x := c.Conflicts(1); len(x) != 1 || !x[0].Yield {
		t.Errorf("Conflicts = %v", x)
	}
	if h := c.Heading(a); h.Diff(90) > 0.1 {
		t.Errorf("Heading = %v", h)
	}
}

func TestNearestAndInPolygon(t *testing.T) {
	c := build(t, cross())
	near := c.Nearest(orb.Point{-40, 3}, 50, 2)
	if len(near) != 2 || c.Segments.At(near[0].Segment).ID != "a" || math.Abs(near[0].At.M()-60) > 0.01 || math.Abs(near[0].Distance.M()-3) > 0.01 {
		t.Fatalf("Nearest = %+v", near)
	}
	lo, hi := c.Frame.LonLat(orb.Point{20, -10}), c.Frame.LonLat(orb.Point{80, 10})
	area := orb.MultiPolygon{{orb.Ring{lo, {hi[0], lo[1]}, hi, {lo[0], hi[1]}, lo}}}
	if in := c.InPolygon(area); len(in) != 1 || c.Segments.At(in[0]).ID != "c" {
		t.Errorf("InPolygon = %v", in)
	}
}

func TestBuildReportsEveryProblem(t *testing.T) {
	d := cross()
	d.TimeZone = ""
	d.Segments[1].ID = "a"
	d.Segments[2].Length = unit.Length(math.NaN())
	d.Plans[0].Stages[0].States = d.Plans[0].Stages[0].States[:1]
	d.Plans[0].Cycle = 61 * time.Second
	d.Movements[0].Group = 7
	_, err := d.Build()
	if err == nil {
		t.Fatal("built")
	}
	for _, want := range []string{"time zone", "c: length NaN", "1 states", "stages add up to 1m0s", "group 7"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("error lacks %q:\n%v", want, err)
		}
	}
	d = cross()
	d.Segments[1].ID = "a"
	if _, err := d.Build(); err == nil || !strings.Contains(err.Error(), "a: appears twice") {
		t.Errorf("duplicate id: %v", err)
	}
}

func TestPatchLeavesTheBaseUntouched(t *testing.T) {
	c := build(t, cross())
	again := build(t, cross())
	p := c.Patch()
	if p.City() != c {
		t.Error("an empty patch is not its base")
	}
	p = c.Patch()
	p.SetLimit(0, 30*unit.KMH)
	p.Close(1)
	p.SetTurn(0, 0)
	plan := c.Plans.At(0)
	plan.ID, plan.Offset = "night", 10*time.Second
	id := p.SetPlan(plan)
	v := p.City()
	if v.Segments.At(0).Limit != 30*unit.KMH || v.Open(1, geo.Car) || v.Movements.At(0).Allow != 0 {
		t.Error("patch not applied")
	}
	if got, ok := v.Plans.Find("s1/night"); !ok || got != id || v.Signals.At(0).Plan != id || len(v.PlansOf(0)) != 2 {
		t.Error("plan not in force")
	}
	if v.Version == c.Version {
		t.Error("patched city keeps the version of its base")
	}
	if c.Segments.At(0).Limit != again.Segments.At(0).Limit || !c.Open(1, geo.Car) || c.Plans.Len() != 1 ||
		c.Signals.At(0).Plan != 0 || c.Movements.At(0).Allow == 0 || c.Version != again.Version {
		t.Error("the base changed")
	}
}

func TestFrameAgreesWithPublishedUTM(t *testing.T) {
	// The CN Tower, a common worked example: 17T 630084 m E 4833438 m N.
	xy := geo.UTM(17, true, 0, 0).XY(orb.Point{-(79 + 23./60 + 13.7/3600), 43 + 38./60 + 33.24/3600})
	if math.Abs(xy[0]-630084) > 1 || math.Abs(xy[1]-4833439) > 1 {
		t.Errorf("XY = %.2f, want 630084 4833439", xy)
	}
}

func TestFrameThereAndBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		origin := orb.Point{rapid.Float64Range(-180, 180).Draw(t, "lon"), rapid.Float64Range(-75, 75).Draw(t, "lat")}
		f := geo.LocalFrame(origin)
		xy := orb.Point{rapid.Float64Range(-1e5, 1e5).Draw(t, "x"), rapid.Float64Range(-1e5, 1e5).Draw(t, "y")}
		back := f.XY(f.LonLat(xy))
		if math.Hypot(back[0]-xy[0], back[1]-xy[1]) > 1e-6 {
			t.Fatalf("%v came back as %v", xy, back)
		}
	})
}

func TestDraftOfACityIsItsOwn(t *testing.T) {
	c := build(t, cross())
	d := c.Draft()
	d.Segments[0].Name, d.Plans[0].Stages[0].Duration, d.Conflicts[1][0].At = "changed", time.Hour, 1
	if c.Segments.At(0).Name == "changed" || c.Plans.At(0).Stages[0].Duration == time.Hour || c.Conflicts(1)[0].At == 1 {
		t.Error("a change of the draft reached the city")
	}
}

func TestLargestSCC(t *testing.T) {
	// A ring of three segments with a way in: three of four hang together.
	d := &geo.Draft{Name: "ring", TimeZone: "UTC", Frame: geo.LocalFrame(orb.Point{}),
		Nodes: []geo.Node{{ID: "a"}, {ID: "b", XY: orb.Point{9, 0}}, {ID: "c", XY: orb.Point{9, 9}}, {ID: "in", XY: orb.Point{-9, 0}}}}
	for i, ends := range [][2]geo.NodeID{{0, 1}, {1, 2}, {2, 0}, {3, 0}} {
		d.Segments = append(d.Segments, geo.Segment{ID: string(rune('s' + i)), From: ends[0], To: ends[1], Length: 9, Limit: 9,
			Shape: orb.LineString{d.Nodes[ends[0]].XY, d.Nodes[ends[1]].XY}})
		d.Lanes = append(d.Lanes, geo.Lane{Segment: geo.SegmentID(i), Length: 9, Width: 3, Limit: 9, Allow: geo.MotorClasses})
	}
	for _, m := range [][2]geo.LaneID{{0, 1}, {1, 2}, {2, 0}, {3, 0}} {
		d.Movements = append(d.Movements, geo.Movement{From: m[0], To: m[1], Node: d.Segments[m[0]].To, Limit: 9, Signal: geo.NoSignal, Allow: geo.AllClasses})
	}
	if got := build(t, d).LargestSCC(); got != 0.75 {
		t.Errorf("share %v, want 0.75", got)
	}
}

func TestPointAt(t *testing.T) {
	line := orb.LineString{{0, 0}, {10, 0}, {10, 0}, {10, 30}}
	for _, x := range []struct {
		share   unit.Share
		want    orb.Point
		heading unit.Angle
	}{{0, orb.Point{0, 0}, 90}, {0.25, orb.Point{10, 0}, 90}, {0.5, orb.Point{10, 10}, 0}, {1, orb.Point{10, 30}, 0}, {2, orb.Point{10, 30}, 0}} {
		if q, h := geo.PointAt(line, x.share); q != x.want || h != x.heading {
			t.Errorf("at %v: %v heading %v, want %v heading %v", x.share, q, h, x.want, x.heading)
		}
	}
}
