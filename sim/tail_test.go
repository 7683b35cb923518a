package sim

import (
	"testing"
	"time"

	"tideway/geo"
	"tideway/internal/netdraw"
	"tideway/sim/demand"
)

// deserted is an engine of a drawn city without traffic, for cars.
func deserted(t *testing.T, drawing string) *Engine {
	t.Helper()
	car := demand.NewType("car", geo.Car)
	e, err := New(Input{City: netdraw.City(drawing), Demand: &demand.Demand{Types: []demand.VehicleType{car}}, End: time.Hour, Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// lane is the track of a lane of a segment.
func (e *Engine) lane(t *testing.T, name string, lane int) trackID {
	t.Helper()
	s, ok := e.in.City.Segments.Find(name)
	if !ok {
		t.Fatal("no segment " + name)
	}
	return e.net.bundles[s].first + trackID(lane)
}

// TestATailStaysOnItsWay: a vehicle that has changed lanes right behind a
// junction lies over the way it came by, though that leads to another lane; the
// tail takes no room on the street it is over.
func TestATailStaysOnItsWay(t *testing.T) {
	e := deserted(t, "a-->--x==>==b")
	right, left := e.lane(t, "xb", 0), e.lane(t, "xb", 1)
	came := e.net.intoLinks[e.net.into[right]]
	path := e.net.links[came].from
	if e.net.into[right]+1 != e.net.intoEnd[right] || e.net.into[left] != e.net.intoEnd[left] {
		t.Fatal("the way should lead to the right lane alone")
	}
	for _, lane := range []trackID{right, left} {
		v := veh{posM: 2, came: came}
		e.road[right], e.road[left] = nil, nil
		e.road[lane] = []veh{v}
		e.markTail(came, v.posM-e.kinds[0].lengthM)
		f, back := e.tail(path, 0)
		if f == nil || back != e.net.tracks[path].lengthM+2-e.kinds[0].lengthM {
			t.Errorf("on lane %d: tail of %v at %v", lane-right, f, back)
		}
		if free, stands := e.freeUntilStanding(path, nil); stands || free != e.net.tracks[path].lengthM {
			t.Errorf("under a tail %v m of %v are free", free, e.net.tracks[path].lengthM)
		}
	}
	e.road[left][0].came = noLink
	if f, _ := e.tail(path, 0); f != nil {
		t.Error("a vehicle that came another way lies over this one")
	}
}

// TestWhoIsAskedUpstream: who appears behind a junction asks the first vehicle of
// every track that leads there, also behind one that waits inside.
func TestWhoIsAskedUpstream(t *testing.T) {
	e := deserted(t, "a---->----x---->----b")
	lane := e.lane(t, "xb", 0)
	q := e.net.intoLinks[e.net.into[lane]]
	inside := e.net.links[q].from
	street := e.lane(t, "ax", 0)
	e.road[inside], e.road[street] = []veh{{posM: 1}}, []veh{{posM: e.net.tracks[street].lengthM - 10}}
	var gaps []float64
	e.eachUpstream(lane, 0, 0, func(_ *veh, distM float64) bool {
		gaps = append(gaps, distM)
		return true
	})
	path := e.net.tracks[inside].lengthM
	if len(gaps) != 2 || gaps[0] != path-1 || gaps[1] != path+10 {
		t.Errorf("asked are vehicles at %v m, expected %v and %v", gaps, path-1, path+10)
	}
}

// TestTheEndOfARoute is 10 cm before the end of its last lane, unless a stop is
// planned there.
func TestTheEndOfARoute(t *testing.T) {
	e := deserted(t, "a--b")
	tr := &e.net.tracks[e.lane(t, "ab", 0)]
	e.trips, e.cars = []scheduled{{Trip: demand.Trip{ArriveAt: -1}}}, []car{{}}
	for _, c := range []struct {
		beforeM float64
		flags   flags
		arrived bool
	}{{0.09, 0, true}, {0.11, 0, false}, {0.09, hasHalt, false}, {0, hasHalt, true}} {
		v := veh{posM: tr.lengthM - c.beforeM, flags: c.flags}
		if got := e.arrived(&v, tr); got != c.arrived {
			t.Errorf("%v m before the end, flags %b: arrived %v", c.beforeM, c.flags, got)
		}
	}
}
