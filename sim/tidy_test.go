package sim

import (
	"math"
	"testing"
	"time"

	"pgregory.net/rapid"

	"tideway/internal/netdraw"
)

// TestTidyingChangesNothing runs a city twice, tidied in every step and never.
func TestTidyingChangesNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := netdraw.City(drawing(t))
		d := crowd(t, c, 80)
		run := func(always bool) *Engine {
			e, err := New(Input{City: c, Demand: d, End: 300 * time.Second, Seed: 5, Threads: 1, StuckAfter: 90 * time.Second})
			if err != nil {
				t.Fatal(err)
			}
			for !e.Done() {
				if e.paths.full = math.MaxInt; always {
					e.paths.full = 0
				}
				e.Step()
			}
			return e
		}
		tidied, never := run(true), run(false)
		if a, b := tidied.Result().Summary, never.Result().Summary; a != b {
			t.Fatalf("tidied %+v\nnever  %+v", a, b)
		}
		if a, b := len(tidied.looks.lanes), len(never.looks.lanes); a > b {
			t.Fatalf("%d lanes of outlooks after tidying, %d without", a, b)
		}
	})
}

// TestTidyingKeepsWhatLiesAhead looks at what is left when some have arrived.
func TestTidyingKeepsWhatLiesAhead(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := netdraw.City(drawing(t))
		e, err := New(Input{City: c, Demand: crowd(t, c, 80), End: 300 * time.Second, Seed: 5, Threads: 1})
		if err != nil {
			t.Fatal(err)
		}
		for range rapid.IntRange(1, 300).Draw(t, "steps") {
			e.Step()
		}
		e.paths.full = 0
		e.tidy()
		ahead := 0
		e.eachVeh(func(v *veh) {
			if c := &e.cars[v.id]; c.own {
				ahead += int(c.path.count - c.at)
			}
			if e.net.tracks[e.looks.first[v.look]].seg != e.pathSeg[v.path] {
				t.Fatalf("vehicle %d is on segment %d and looks ahead from another", v.id, e.pathSeg[v.path])
			}
		})
		for _, s := range e.paths.shared {
			ahead += int(s.count)
		}
		if len(e.pathSeg) != ahead {
			t.Fatalf("%d cells are left, %d lie ahead of vehicles", len(e.pathSeg), ahead)
		}
	})
}
