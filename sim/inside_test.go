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
// neighbour's.
func TestLanesAreChangedInsideJunctions(t *testing.T) {
	city := netdraw.City("a==x==============b")
	car, crawler := demand.NewType("car", geo.Car), demand.NewType("crawler", geo.Car)
	car.Sigma, crawler.Sigma, crawler.MaxSpeed = 0, 0, 0.5
	before, _ := city.Segments.Find("ax")
	behind, _ := city.Segments.Find("xb")
	routes := []demand.Route{{ID: "through", Segments: []geo.SegmentID{before, behind}}, {ID: "behind", Segments: []geo.SegmentID{behind}}}
	at := func(id string, kind demand.TypeID, route demand.RouteID, lane int, posM, mps float64) demand.Trip {
		return demand.Trip{ID: id, Type: kind, Route: route, Lane: demand.LaneIndex, LaneAt: lane, Pos: demand.PosGiven, PosAt: unit.Length(posM),
			Speed: demand.SpeedGiven, SpeedAt: unit.Speed(mps), ArriveAt: -1}
	}
	endM := float64(city.Segments.At(before).Length)
	e, err := New(Input{City: city, End: time.Hour, Threads: 1, Demand: &demand.Demand{Types: []demand.VehicleType{car, crawler}, Routes: routes, Trips: []demand.Trip{
		at("car", 0, 0, 0, endM-8, 8), at("ahead", 1, 1, 0, 12, 0.5),
	}}})
	if err != nil {
		t.Fatal(err)
	}
	left := e.net.links[e.net.tracks[e.lane(t, "ax", 1)].out].to
	if first, last := e.net.beside(left); first+1 != last || last != left {
		t.Fatalf("the paths of two lanes across the junction are %d to %d, expected two up to %d", first, last, left)
	}
	for range 2 {
		e.Step()
	}
	if vs := e.road[left]; len(vs) != 1 || vs[0].flags&changed == 0 {
		t.Errorf("on the left path there are %d vehicles, expected the car, which has changed lanes", len(vs))
	}
}
