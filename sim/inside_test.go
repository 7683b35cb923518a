package sim

import (
	"testing"
	"time"

	"tideway/geo"
	"tideway/internal/netdraw"
	"tideway/sim/demand"
	"tideway/unit"
)

// TestLanesAreChangedInsideJunctions: whoever appears right before a junction passes
// somebody slow behind it by changing on the way across, from one lane's path to its
// neighbour's; but not into somebody who turns off from that neighbour's lane.
func TestLanesAreChangedInsideJunctions(t *testing.T) {
	if !changesInside(t, false) {
		t.Error("the car does not change lanes inside the junction, where nobody is beside it")
	}
	if changesInside(t, true) {
		t.Error("the car changes lanes inside the junction, where somebody turns left beside it")
	}
}

func changesInside(t *testing.T, turns bool) bool {
	city := netdraw.City("          c\n          |\n          |\n          |\na=====>===x==============b")
	car, crawler := demand.NewType("car", geo.Car), demand.NewType("crawler", geo.Car)
	car.Sigma, crawler.Sigma, crawler.MaxSpeed = 0, 0, 0.5
	segs := func(ids ...string) (way []geo.SegmentID) {
		for _, id := range ids {
			s, _ := city.Segments.Find(id)
			way = append(way, s)
		}
		return way
	}
	routes := []demand.Route{{ID: "through", Segments: segs("ax", "xb")}, {ID: "behind", Segments: segs("xb")}, {ID: "left", Segments: segs("ax", "xc")}}
	at := func(id string, depart time.Duration, kind demand.TypeID, route demand.RouteID, lane int, posM, mps float64) demand.Trip {
		return demand.Trip{ID: id, Depart: depart, Type: kind, Route: route, Lane: demand.LaneIndex, LaneAt: lane, Pos: demand.PosGiven, PosAt: unit.Length(posM),
			Speed: demand.SpeedGiven, SpeedAt: unit.Speed(mps), ArriveAt: -1}
	}
	endM := float64(city.Segments.At(routes[0].Segments[0]).Length)
	const crawledS = 12 // until the tail of who turns has left the street
	trips := []demand.Trip{at("car", crawledS*time.Second, 0, 0, 0, endM-8, 8), at("ahead", crawledS*time.Second, 1, 1, 0, 12, 0.5)}
	if turns {
		trips = append([]demand.Trip{at("turning", 0, 1, 2, 1, endM-0.6, 0.5)}, trips...)
	}
	e, err := New(Input{City: city, End: time.Hour, Threads: 1, Demand: &demand.Demand{Types: []demand.VehicleType{car, crawler}, Routes: routes, Trips: trips}})
	if err != nil {
		t.Fatal(err)
	}
	through := e.net.links[e.net.tracks[e.lane(t, "ax", 0)].out].to
	first, last := e.net.beside(through)
	if first+1 != last || first != through {
		t.Fatalf("the paths of two lanes across the junction are %d to %d, expected two from %d", first, last, through)
	}
	for range crawledS + 2 {
		e.Step()
	}
	vs := e.road[last]
	return len(vs) == 1 && vs[0].flags&changed != 0
}

// TestWhoStandsAtRedBeforeATail: somebody at a red light follows nobody who changes lanes
// inside the junction, unless that one's tail would come to lie before the light.
func TestWhoStandsAtRedBeforeATail(t *testing.T) {
	e := deserted(t, "a=====>===S==============b\n          |\n          |\n          c")
	street := e.lane(t, "aS", 1)
	path := e.net.links[e.net.tracks[street].out].to
	e.road[street] = []veh{{posM: e.net.tracks[street].lengthM - 0.1, next: e.net.tracks[street].out}}
	e.freeze(street)
	for _, c := range []struct {
		shows byte
		tailM float64 // from the begin of the path
		minds bool
	}{{'r', 1, false}, {'r', -2.8, true}, {'G', 1, true}} {
		for i := range e.lights {
			e.lights[i] = c.shows
		}
		d, found := decision{e: e}, near{}
		if d.upstream(path, c.tailM, 0, &veh{}, &found); found.ok != c.minds {
			t.Errorf("light %c, tail at %v m: who stands before it is minded: %v", c.shows, c.tailM, found.ok)
		}
	}
}
