package netdraw_test

import (
	"math"
	"testing"

	"tideway/internal/netdraw"
)

func TestDrawing(t *testing.T) {
	c := netdraw.City(`
  c
  |
a-B====d
  ^
  e`)
	for id, want := range map[string]struct {
		lanes int
		from  string
	}{"aB": {1, "a"}, "-aB": {1, "B"}, "Bd": {2, "B"}, "-Bd": {2, "d"}, "cB": {1, "c"}, "eB": {1, "e"}} {
		s, ok := c.Segments.Find(id)
		if !ok {
			t.Errorf("no segment %q", id)
			continue
		}
		if _, n := c.LanesOf(s); n != want.lanes || c.Nodes.At(c.Segments.At(s).From).ID != want.from {
			t.Errorf("%q has %d lanes from %s", id, n, c.Nodes.At(c.Segments.At(s).From).ID)
		}
	}
	if c.Segments.Len() != 7 || c.Signals.Len() != 1 {
		t.Errorf("%d segments, %d signals", c.Segments.Len(), c.Signals.Len())
	}
	b, _ := c.Nodes.Find("B")
	d, _ := c.Nodes.Find("d")
	if x := c.Nodes.At(d).XY[0] - c.Nodes.At(b).XY[0]; math.Abs(x-100) > 0.01 {
		t.Errorf("d lies %.2f m from B, want 100", x)
	}
	if _, err := netdraw.Parse("a--"); err == nil {
		t.Error("a street that ends nowhere is no error")
	}
}
