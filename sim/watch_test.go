package sim

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"tideway/geo"
	"tideway/internal/netdraw"
	"tideway/sim/demand"
)

// underPressure puts every signal of a city under max-pressure control with
// priorities.
func underPressure(c *geo.City) *geo.City {
	p := c.Patch()
	for _, s := range c.Signals.All() {
		plan := c.Plans.At(s.Plan)
		plan.Kind, plan.Bus, plan.Preempt, plan.MaxRed = geo.MaxPressure, 10*time.Second, true, 90*time.Second
		p.SetPlan(plan)
	}
	return p.City()
}

// Under max-pressure control, too, nobody is lost, nobody waits for ever, and a
// run that was saved goes on bit for bit.
func TestMaxPressureServesEverybody(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := underPressure(netdraw.City(drawing(t)))
		in := Input{City: c, Demand: crowd(t, c, 40), End: 300 * time.Second, UntilClear: true, StuckAfter: 120 * time.Second, Seed: 5, Threads: 1}
		whole, err := New(in)
		if err != nil {
			t.Fatal(err)
		}
		for range rapid.IntRange(0, 250).Draw(t, "stop") {
			whole.Step()
		}
		again, err := Resume(in, whole.Save())
		if err != nil {
			t.Fatal(err)
		}
		for whole.Time() < time.Hour && !whole.Done() {
			whole.Step()
			again.Step()
		}
		a, b := whole.Result().Summary, again.Result().Summary
		if a != b {
			t.Fatalf("uninterrupted %+v\nresumed       %+v", a, b)
		}
		if a.Completed+a.NoRoute != a.Scheduled {
			t.Fatalf("%+v", a)
		}
	})
}

// A detector sees who comes along the last lane and the streets before it, by
// the turn they will take.
func TestTheDetectorSeesWhoComes(t *testing.T) {
	c := underPressure(netdraw.City("a-b-S--c\n    |\n    d"))
	seg := func(from, to string) geo.SegmentID {
		for i, s := range c.Segments.All() {
			if c.Nodes.At(s.From).ID == from && c.Nodes.At(s.To).ID == to {
				return i
			}
		}
		t.Fatalf("no segment %s to %s", from, to)
		return 0
	}
	d := &demand.Demand{Types: []demand.VehicleType{demand.NewType("bus", geo.Bus)},
		Routes: []demand.Route{{ID: "r", Segments: []geo.SegmentID{seg("a", "b"), seg("b", "S"), seg("S", "c")}}},
		Trips:  []demand.Trip{{ID: "bus", ArriveAt: -1, Key: 1}}}
	e, err := New(Input{City: c, Demand: d, End: time.Minute, Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	firstBus, firstCount := -1, -1
	for i := range 60 {
		e.Step()
		h := &e.signals[0]
		for g := range h.sight.coming {
			n, clear := h.sight.Coming(g)
			if h.sight.Bus(g) && firstBus < 0 {
				firstBus = i
			}
			if n > 0 && firstCount < 0 {
				firstCount = i
				if clear <= 0 || clear > 30*time.Second {
					t.Errorf("it passes within %v", clear)
				}
			}
			if h.sight.Emergency(g) || n > 1 {
				t.Errorf("group %d sees %v vehicles, an emergency %v", g, n, h.sight.Emergency(g))
			}
		}
	}
	if firstBus < 0 || firstCount < firstBus {
		t.Errorf("the bus is heard of at %d, seen at %d", firstBus, firstCount)
	}
}
