package sim

import (
	"fmt"
	"math"
	"testing"
	"time"

	"tideway/geo"
	"tideway/internal/netdraw"
	"tideway/sim/demand"
	"tideway/unit"
)

// whereabouts finds a vehicle by its trip.
func (e *Engine) whereabouts(trip int32) (trackID, *veh) {
	for t := range e.road {
		for i := range e.road[t] {
			if v := &e.road[t][i]; e.cars[v.id].trip == trip {
				return trackID(t), v
			}
		}
	}
	return noTrack, nil
}

// announced returns the mean speed with which a vehicle said in the last step
// that it will get to a link; 0: it said nothing.
func (e *Engine) announced(id carID, q linkID) float64 {
	for ref := e.now.first(q); ref != 0; {
		a := e.now.at(ref)
		if ref = a.next; a.id == id {
			return float64(a.distM) / (a.arriveS - e.nowS + e.dt)
		}
	}
	return 0
}

// stepAsked steps with somebody asking about every link, so that the distant are
// announced, too.
func (e *Engine) stepAsked() {
	for q := range e.asked {
		e.asked[q] = int32(e.tick) + 1
	}
	e.Step()
}

// TestTheDistantAreAnnouncedWhereSomebodyAsks: beyond the sight of its link nobody
// is announced until somebody wants to know.
func TestTheDistantAreAnnouncedWhereSomebodyAsks(t *testing.T) {
	c := netdraw.City("a==========>===x====>===b\n               |\n               ^\n               |\n               q")
	car := demand.NewType("car", geo.Car)
	from, _ := c.Segments.Find("ax")
	to, _ := c.Segments.Find("xb")
	trip := demand.Trip{ID: "x", Route: demand.NoRoute, From: from, To: to, ArriveAt: -1}
	e, err := New(Input{City: c, Demand: &demand.Demand{Types: []demand.VehicleType{car}, Trips: []demand.Trip{trip}}, End: time.Minute, Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	e.Step()
	e.Step()
	_, v := e.whereabouts(0)
	if mps := e.announced(v.id, v.next); mps != 0 {
		t.Errorf("nobody asks, and one is announced with %v m/s", mps)
	}
	e.stepAsked()
	if mps := e.announced(v.id, v.next); mps <= v.speedMPS {
		t.Errorf("somebody asks, and one at %v m/s is announced with %v m/s on the mean", v.speedMPS, mps)
	}
}

// TestArrivalsBehindALeader: whoever has somebody before him on the street before
// a link, if only a tail, announces to get there no faster than he can be in this
// step; with that street free, as fast as he will have become.
func TestArrivalsBehindALeader(t *testing.T) {
	seen := map[string]int{}
	for depart := 50 * time.Second; depart < 75*time.Second; depart += time.Second {
		arrivalsBehindALeader(t, depart, seen)
	}
	if seen["lane"] == 0 || seen["tail"] == 0 || seen["next"] == 0 || seen["free"] == 0 {
		t.Errorf("seen %v, expected leaders on the lane, tails, leaders on the next street and free streets before those", seen)
	}
}

// arrivalsBehindALeader lets a car depart behind a slow truck and counts what its
// announcements were held back by.
func arrivalsBehindALeader(t *testing.T, depart time.Duration, seen map[string]int) {
	t.Helper()
	c := netdraw.City("a==========>===x====>===b====>===z\n               |        |\n               ^        ^\n               |        |\n               q        s")
	truck, car := demand.NewType("truck", geo.Truck), demand.NewType("car", geo.Car)
	truck.MaxSpeed, truck.SpeedDev, truck.Sigma, car.Sigma, car.SpeedDev = 5, 0, 0, 0, 0
	from, _ := c.Segments.Find("ax")
	to, _ := c.Segments.Find("bz")
	d := &demand.Demand{Types: []demand.VehicleType{truck, car}}
	for kind, at := range []time.Duration{0, depart} {
		d.Trips = append(d.Trips, demand.Trip{ID: fmt.Sprint(kind), Type: demand.TypeID(kind), Depart: at, Route: demand.NoRoute, From: from, To: to, ArriveAt: -1})
	}
	e, err := New(Input{City: c, Demand: d, End: 2 * time.Minute, Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	for lane := e.lane(t, "ax", 0); !e.Done(); {
		front, leader := e.whereabouts(0)
		on, v := e.whereabouts(1)
		if leader == nil || on != lane || v.speedMPS > 10 {
			e.Step()
			continue
		}
		id, next, then, top := v.id, v.next, e.afterNext(v), v.speedMPS+e.kinds[1].accel
		where := map[bool]string{true: "lane"}[front == lane]
		if f, _ := e.tail(lane, 0); f != nil {
			where = "tail"
		} else if front == e.net.links[next].lane {
			where = "next"
		}
		e.stepAsked()
		first, second := e.announced(id, next), e.announced(id, then)
		if (where == "lane" || where == "tail") && first > top+0.01 || where == "next" && second > max(first, top)+0.01 {
			t.Fatalf("at %v, leader: %s, one who can be at %.1f m/s comes with %.1f to the next link and with %.1f to the one after it", e.Time(), where, top, first, second)
		}
		seen[where]++
		if where == "next" && first > top+0.01 {
			seen["free"]++
		}
	}
}

// TestArrivalBeforeTheSpeedIsReached: who has not the way to reach the speed he
// would arrive with arrives when uniform acceleration gets him there.
func TestArrivalBeforeTheSpeedIsReached(t *testing.T) {
	k := kind{accel: 2.6, decel: 4.5}
	for _, c := range []struct{ distM, v, to, want float64 }{
		{1.3, 0, 10, 1},  // 2.6/2 · 1²
		{7.75, 10, 0, 1}, // 10 - 4.5/2
		{26, 0, 5.2, 6},  // 2 s of acceleration over 5.2 m, 4 s at 5.2 m/s
	} {
		if got := k.arriveS(c.distM, c.v, c.to); math.Abs(got-c.want) > 1e-9 {
			t.Errorf("%v m from %v to %v m/s take %v s, expected %v", c.distM, c.v, c.to, got, c.want)
		}
	}
}

// TestWhoCannotStopAnyMoreSaysSo: with less before a link than one drives in the
// reaction time one announces to pass it at speed even when braking.
func TestWhoCannotStopAnyMoreSaysSo(t *testing.T) {
	c := netdraw.City("a====>===x====>===b\n         |\n         ^\n         |\n         q")
	car := demand.NewType("car", geo.Car)
	car.Sigma, car.SpeedDev = 0, 0
	from, _ := c.Segments.Find("ax")
	to, _ := c.Segments.Find("xb")
	for beforeM, moving := range map[unit.Length]bool{0.5: true, 30: false} {
		trip := demand.Trip{ID: "x", Route: demand.NoRoute, From: from, To: to, ArriveAt: -1, Pos: demand.PosGiven, PosAt: -beforeM}
		e, err := New(Input{City: c, Demand: &demand.Demand{Types: []demand.VehicleType{car}, Trips: []demand.Trip{trip}}, End: time.Minute, Threads: 1})
		if err != nil {
			t.Fatal(err)
		}
		e.Step()
		_, v := e.whereabouts(0)
		q := v.next
		e.stepAsked()
		if ref := e.now.first(q); ref == 0 || (e.now.at(ref).brakeMPS > 0) != moving {
			t.Errorf("%v m before the link one announces to stop: %v", beforeM, moving)
		}
	}
}

// TestWhoIsNotCountedOn: who has to wait at the end of his street still counts so
// when he has passed a link, and so does who will give way out of his sight.
func TestWhoIsNotCountedOn(t *testing.T) {
	e := deserted(t, "a====>===x====>===b\n         |\n         ^\n         |\n         q")
	e.cars = []car{{}}
	give := map[string]linkID{"ax": noLink, "qx": noLink}
	for name := range give {
		give[name] = e.net.tracks[e.lane(t, name, 0)].out
	}
	v := veh{flags: mustWait | minorPass}
	if e.pass(&v, give["ax"], &e.net.tracks[e.net.links[give["ax"]].from]); v.flags&mustWait == 0 || v.flags&minorPass != 0 {
		t.Errorf("past a link the flags are %b", v.flags)
	}
	for name, waits := range map[string]bool{"ax": false, "qx": true} {
		v := veh{speedMPS: 10}
		p := &planner{e: e, v: &v, k: &e.kinds[0]}
		p.outOfSight(&walk{v: 10, seen: 100}, give[name])
		if safe, _, ok := p.decide(false); !ok || safe != 10 || v.plan&mustWait != 0 != waits {
			t.Errorf("before a link of %s out of sight one goes at %v m/s and expects to wait: %v", name, safe, v.plan&mustWait != 0)
		}
	}
}
