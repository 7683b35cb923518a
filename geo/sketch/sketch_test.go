package sketch_test

import (
	"fmt"
	"math"
	"testing"

	"github.com/paulmach/orb"
	"pgregory.net/rapid"

	"tideway/geo"
	"tideway/geo/sketch"
	"tideway/internal/netdraw"
	"tideway/unit"
)

// conflictPoints counts pairs of crossing movements, and where lanes are joined:
// k movements into one lane merge at k-1 points.
func conflictPoints(c *geo.City) (crossing, merging int) {
	for m := range c.Movements.Len() {
		for _, x := range c.Conflicts(geo.MovementID(m)) {
			if int(x.Foe) < m && x.Kind == geo.Crossing {
				crossing++
			}
		}
	}
	for l := range c.Lanes.Len() {
		merging += max(0, len(c.MovementsInto(geo.LaneID(l)))-1)
	}
	return
}

// The textbook counts of conflict points (e.g. FHWA, Roundabouts: An
// Informational Guide, exhibit 5-2): 16 crossing and 8 merging at four legs,
// 3 and 3 at three.
func TestConflictPointsAreTheTextbooks(t *testing.T) {
	for _, x := range []struct {
		drawing           string
		crossing, merging int
	}{
		{`
    n
    |
w---x---e
    |
    s`, 16, 8},
		{`
w---x---e
    |
    s`, 3, 3},
		{`w---x---e`, 0, 0},
	} {
		if crossing, merging := conflictPoints(netdraw.City(x.drawing)); crossing != x.crossing || merging != x.merging {
			t.Errorf("%s\nhas %d crossing and %d merging points, want %d and %d", x.drawing, crossing, merging, x.crossing, x.merging)
		}
	}
}

func movement(t *testing.T, c *geo.City, from, to string) geo.MovementID {
	t.Helper()
	m, ok := c.Movements.Find(from + ">" + to)
	if !ok {
		t.Fatalf("no movement %s>%s", from, to)
	}
	return m
}

func yields(t *testing.T, c *geo.City, m, foe geo.MovementID) bool {
	t.Helper()
	for _, x := range c.Conflicts(m) {
		if x.Foe == foe {
			return x.Yield
		}
	}
	t.Fatalf("%s and %s do not meet", c.MovementName(m), c.MovementName(foe))
	return false
}

func TestMinorStreetGivesWay(t *testing.T) {
	c := netdraw.City(`
    n
    |
w===x===e
    |
    s`)
	through, left := movement(t, c, "wx_0", "xe_0"), movement(t, c, "wx_1", "-nx_0")
	oncoming, minor := movement(t, c, "-xe_1", "-wx_1"), movement(t, c, "-xs_0", "-nx_0")
	if !yields(t, c, minor, through) || yields(t, c, through, minor) || !yields(t, c, left, oncoming) || !yields(t, c, minor, left) {
		t.Error("wrong order: major, its left turn, minor")
	}
	if c.Movements.At(minor).Right != geo.GiveWay || c.Movements.At(left).Right != geo.Major {
		t.Error("wrong signs")
	}
	if c.Movements.At(left).Turn != geo.Left || c.Movements.At(through).Turn != geo.Straight || c.Movements.At(movement(t, c, "wx_0", "xs_0")).Turn != geo.Right {
		t.Error("wrong turns")
	}
}

func TestThreeLanesHaveProtectedLefts(t *testing.T) {
	c := netdraw.City(`
    n
    H
w###X###e
    H
    s`)
	p := c.Plans.At(0)
	var names []string
	for _, st := range p.Stages {
		names = append(names, st.Name)
	}
	if want := "[street 1 street 1 yellow street 1 clear street 1 left street 1 left yellow street 1 left clear street 2 street 2 yellow street 2 clear]"; fmt.Sprint(names) != want {
		t.Errorf("stages %v", names)
	}
	left, minorLeft := c.Movements.At(movement(t, c, "wX_2", "-nX_1")), c.Movements.At(movement(t, c, "nX_1", "Xe_2"))
	if s := p.Stages[0].States[left.Group]; s != geo.Red {
		t.Errorf("left turn shows %c while the street goes", s)
	}
	if s := p.Stages[3].States[left.Group]; s != geo.Protected {
		t.Errorf("left turn shows %c in its stage", s)
	}
	if s := p.Stages[6].States[minorLeft.Group]; s != geo.Permissive || minorLeft.WaitAt == 0 || left.WaitAt != 0 {
		t.Errorf("minor left shows %c and waits at %v, the protected one at %v", s, minorLeft.WaitAt, left.WaitAt)
	}
	if _, ok := c.Movements.Find("wX_1>-nX_1"); ok {
		t.Error("a left turn from the middle lane")
	}
}

func TestAMedianIsCrossedAtSignalsOnly(t *testing.T) {
	s, err := netdraw.Parse(`
    n
    |
w###x###e
    |
    s`)
	if err != nil {
		t.Fatal(err)
	}
	for i := range s.Roads {
		s.Roads[i].Median = s.Roads[i].Forward == 3
	}
	c, err := s.Draft().Build()
	if err != nil {
		t.Fatal(err)
	}
	movement(t, c, "nx_0", "-wx_0")
	movement(t, c, "wx_0", "xs_0")
	for _, banned := range []string{"nx_0>xs_0", "nx_0>xe_2", "wx_2>-nx_0"} {
		if _, ok := c.Movements.Find(banned); ok {
			t.Errorf("%s crosses the median", banned)
		}
	}
}

func TestDeadEndsTurnBack(t *testing.T) {
	c := netdraw.City(`a--b`)
	if m := c.Movements.At(movement(t, c, "ab_0", "-ab_0")); m.Turn != geo.UTurn || m.Length < 3 || m.Length > 15 {
		t.Errorf("%+v", m)
	}
}

// star is a junction of random arms.
func star(t *rapid.T) *sketch.Sketch {
	s := &sketch.Sketch{Name: "star", TimeZone: "UTC", Origin: orb.Point{10, 50}, Nodes: []sketch.Node{{ID: "x", Signal: rapid.Bool().Draw(t, "signal")}}}
	n := rapid.IntRange(1, 5).Draw(t, "arms")
	for i := range n {
		angle := (float64(i) + rapid.Float64Range(-0.3, 0.3).Draw(t, "angle")) * 2 * math.Pi / float64(n)
		s.Nodes = append(s.Nodes, sketch.Node{ID: fmt.Sprint("n", i), XY: orb.Point{120 * math.Sin(angle), 120 * math.Cos(angle)}})
		r := sketch.Road{ID: fmt.Sprint("r", i), From: 0, To: i + 1, Class: geo.RoadClass(rapid.IntRange(2, 5).Draw(t, "class")), Limit: 14 * unit.MPS,
			Forward: rapid.IntRange(0, 4).Draw(t, "out"), Backward: rapid.IntRange(0, 4).Draw(t, "in"), Median: rapid.Bool().Draw(t, "median"), Rank: rapid.IntRange(0, 3).Draw(t, "rank")}
		if r.Forward+r.Backward == 0 {
			r.Forward = 1
		}
		s.Roads = append(s.Roads, r)
	}
	return s
}

func TestRandomJunctions(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c, err := star(t).Draft().Build()
		if err != nil {
			t.Fatal(err)
		}
		checkConflicts(t, c)
		checkPlans(t, c)
		for m, mv := range c.Movements.All() {
			from, to := c.Lanes.At(mv.From).Shape, c.Lanes.At(mv.To).Shape
			if d := math.Hypot(mv.Shape[0][0]-from[len(from)-1][0], mv.Shape[0][1]-from[len(from)-1][1]); d > 0.01 {
				t.Fatalf("%s starts %.2f m off its lane", c.MovementName(m), d)
			}
			if end := mv.Shape[len(mv.Shape)-1]; math.Hypot(end[0]-to[0][0], end[1]-to[0][1]) > 0.01 {
				t.Fatalf("%s ends off its lane", c.MovementName(m))
			}
		}
	})
}

// checkConflicts: both sides know of a conflict, with equal places, and exactly
// one gives way.
func checkConflicts(t rapid.TB, c *geo.City) {
	for m := range geo.MovementID(c.Movements.Len()) {
		for _, x := range c.Conflicts(m) {
			found := false
			for _, y := range c.Conflicts(x.Foe) {
				if y.Foe == m {
					found = true
					if y.Kind != x.Kind || y.At != x.FoeAt || y.FoeAt != x.At || y.Yield == x.Yield {
						t.Fatalf("%s and %s do not agree: %+v, %+v", c.MovementName(m), c.MovementName(x.Foe), x, y)
					}
				}
			}
			if !found || x.At < 0 || x.At > c.Movements.At(m).Length+1e-6 {
				t.Fatalf("%s: %+v", c.MovementName(m), x)
			}
		}
	}
}

// checkPlans: every movement gets green, and where two that meet are green
// together, one that gives way is permissive.
func checkPlans(t rapid.TB, c *geo.City) {
	for id, p := range c.Plans.All() {
		green := make([]bool, c.Signals.At(p.Signal).Groups)
		for _, st := range p.Stages {
			for g, s := range st.States {
				green[g] = green[g] || s.IsGreen()
			}
			for _, m := range c.MovementsOf(p.Signal) {
				for _, x := range c.Conflicts(m) {
					a, b := c.Movements.At(m), c.Movements.At(x.Foe)
					if a.Signal == b.Signal && x.Yield && st.States[a.Group] == geo.Protected && st.States[b.Group].IsGreen() && c.Lanes.At(a.From).Segment != c.Lanes.At(b.From).Segment {
						t.Fatalf("plan %s, %s: %s is protected against %s", c.PlanName(id), st.Name, c.MovementName(m), c.MovementName(x.Foe))
					}
				}
			}
		}
		for g, ok := range green {
			if !ok {
				t.Fatalf("plan %s: group %d never gets green", c.PlanName(id), g)
			}
		}
	}
}
