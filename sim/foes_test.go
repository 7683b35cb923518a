package sim

import (
	"math"
	"testing"

	"tideway/geo"
	"tideway/internal/netdraw"
)

// TestLeftTurnsMindTheBow: who turns left minds another until that one's tail is
// past the crossing by the bow of the turn over his length and 2 m, and does so
// from his waiting point on; nobody else knows a bow.
func TestLeftTurnsMindTheBow(t *testing.T) {
	n := compile(netdraw.City("   b\n   |\n   |\n   |\na--S--c\n   |\n   |\n   |\n   d"))
	k := kind{lengthM: 5}
	lefts, crossings := 0, 0
	for m, way := range n.ways {
		exit := &n.links[way.exit]
		if n.city.Movements.At(geo.MovementID(m)).Turn != geo.Left {
			if bow := exit.bowM(&k); bow != 0 && n.city.Movements.At(geo.MovementID(m)).Turn != geo.UTurn {
				t.Errorf("a turn that is none to the left has a bow of %v m", bow)
			}
			continue
		}
		lefts++
		r := float64(n.city.Movements.At(geo.MovementID(m)).Length) / (math.Pi / 2)
		bow := r - math.Sqrt(r*r-3.5*3.5)
		if got := exit.bowM(&k); math.Abs(got-bow) > 1e-4 {
			t.Errorf("a left turn of radius %v m has a bow of %v m over 7 m, expected %v", r, got, bow)
		}
		for i := exit.meets; i < exit.meetsEnd; i++ {
			if x := &n.meets[i]; !x.merge && !x.part && !x.foeWaits {
				crossings++
				mindsUntil(t, n, way, x, bow)
			}
		}
	}
	if lefts != 4 || crossings == 0 {
		t.Errorf("%d left turns with %d crossings, expected 4 with some", lefts, crossings)
	}
}

// mindsUntil checks where along its track a foe is minded no more by a left turn
// whose exit it crosses.
func mindsUntil(t *testing.T, n *network, way linkWay, x *meeting, bow float64) {
	t.Helper()
	if own := n.tracks[n.links[way.exit].from].lengthM; way.wait != noLink && x.beforeEndM != own {
		t.Errorf("who may wait inside minds others from %v m before the end of his track of %v m, expected all of it", x.beforeEndM, own)
	}
	e := &Engine{net: n, kinds: []kind{{lengthM: 5}}}
	k := &e.kinds[0]
	gone := n.tracks[x.foe].lengthM - x.foeBeforeM + x.foeSizeM + bow
	for _, off := range []float64{-0.01, 0.01} {
		f := foe{k: k, asks: true, front: true, backM: gone + off}
		if minds := e.concerns(&n.links[way.exit], x, 1, marginM, k, &f); minds != (off < 0) {
			t.Errorf("with its tail %v m past the bow a vehicle is minded: %v", off, minds)
		}
	}
}

// TestNoBowIsWideEnough: a turn too narrow for the vehicle minds a foe until it
// is off its track.
func TestNoBowIsWideEnough(t *testing.T) {
	if bow := (&link{radiusM: 3}).bowM(&kind{lengthM: 5}); !math.IsInf(bow, 1) {
		t.Errorf("the bow of a turn of 3 m over 7 m is %v m", bow)
	}
}

// TestWaitingUnderYellow: who waits inside a junction gives way while his entry
// shows a green that gives way, or red, and not under yellow.
func TestWaitingUnderYellow(t *testing.T) {
	n := compile(netdraw.City("   b\n   |\n   |\n   |\na--S--c\n   |\n   |\n   |\n   d"))
	e := &Engine{net: n, lights: make([]byte, n.states)}
	p := &planner{e: e}
	tested := 0
	for _, way := range n.ways {
		if way.wait == noLink {
			continue
		}
		tested++
		wait := &n.links[way.wait]
		for shown, major := range map[byte]bool{'G': true, 'y': true, 'g': false, 'r': false} {
			if e.lights[n.links[wait.entry].group] = shown; p.entryMajor(wait) != major {
				t.Errorf("entered under %c one has right of way inside: %v", shown, !major)
			}
		}
	}
	if tested == 0 {
		t.Error("nobody waits inside the drawn junction")
	}
}

// TestOneOfTwoWhoGaveUpGoes: two stand before the lane that both want, and have given up
// their claims; whoever is nearer to it goes, whatever their names and where their tails
// lie, and the other one waits.
func TestOneOfTwoWhoGaveUpGoes(t *testing.T) {
	e := deserted(t, "   b\n   |\n   |\n   |\na--S--c\n   |\n   |\n   |\n   d")
	n, merges, tails := e.net, 0, 0
	for q := range n.links {
		for i := n.links[q].meets; i < n.links[q].meetsEnd; i++ {
			x := &n.meets[i]
			if !x.merge || x.part || n.links[q].role != exitLink {
				continue
			}
			at := x.foe
			if merges++; x.foeWaits { // his tail lies over the waiting place
				tails++
				at = n.links[x.foeLink].to
			}
			for _, ids := range [][2]carID{{1, 2}, {2, 1}} {
				nearer := stander{n.links[q].from, &veh{id: ids[0], posM: n.tracks[n.links[q].from].lengthM - 1, claims: never, crosses: never}}
				farther := stander{at, &veh{id: ids[1], posM: 0.5, claims: never, crosses: never, came: x.foeLink}}
				if nearer.waitsFor(e, farther, x.foe) {
					t.Errorf("link %d: who is nearer waits for one on track %d", q, at)
				}
				if !farther.waitsFor(e, nearer, nearer.t) {
					t.Errorf("link %d: who is farther, on track %d, does not wait", q, at)
				}
			}
		}
	}
	if merges == 0 || tails == 0 {
		t.Errorf("%d merges, %d tails over waiting places, expected some", merges, tails)
	}
}

// stander is a vehicle that stands inside a junction.
type stander struct {
	t trackID
	v *veh
}

// waitsFor reports whether it lets another go first that is, or whose tail is, on a track
// that meets its own.
func (s stander) waitsFor(e *Engine, other stander, over trackID) bool {
	exit := &e.net.links[e.net.tracks[s.t].out]
	for i := exit.meets; i < exit.meetsEnd; i++ {
		if x := &e.net.meets[i]; x.foe == over {
			p := planner{e: e, t: s.t, v: s.v, k: &e.kinds[0]}
			return p.goesFirst(exit, x, e.net.tracks[s.t].lengthM-s.v.posM-x.beforeEndM, &foe{v: other.v, k: p.k, front: over == other.t})
		}
	}
	return false
}
