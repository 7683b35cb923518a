package sim_test

import (
	"testing"
	"time"

	"tideway/geo"
	"tideway/internal/netdraw"
	"tideway/sim"
	"tideway/sim/demand"
	"tideway/unit"
)

// standing is a trip that appears on a lane of a street at the begin and stops
// there for ten minutes.
func standing(id string, seg geo.SegmentID, first geo.LaneID, lane int, at unit.Length) demand.Trip {
	return demand.Trip{ID: id, Route: demand.NoRoute, From: seg, To: seg, Lane: demand.LaneIndex, LaneAt: lane, Pos: demand.PosGiven, PosAt: at,
		Speed: demand.SpeedGiven, ArriveAt: -1, Stops: []demand.Halt{{Lane: first + geo.LaneID(lane), Begin: at - 1, End: at + 1, Duration: 10 * time.Minute}}}
}

// TestInsertionByLane: a full lane makes only those wait who want onto it, and
// who may choose takes the lane with most room at its begin, however many stand
// farther down.
func TestInsertionByLane(t *testing.T) {
	c := netdraw.City("a" + "==========" + "b")
	seg, _ := c.Segments.Find("ab")
	first, _ := c.LanesOf(seg)
	arrive := func(id string, lane demand.DepartLane, at int, depart time.Duration) demand.Trip {
		return demand.Trip{ID: id, Depart: depart, Route: demand.NoRoute, From: seg, To: seg, Lane: lane, LaneAt: at, ArriveAt: -1}
	}
	in := sim.Input{City: c, End: time.Minute, Sample: sim.Sampling{Every: time.Second}, Demand: &demand.Demand{Types: []demand.VehicleType{exact()}, Trips: []demand.Trip{
		standing("near", seg, first, 0, 7), standing("far", seg, first, 1, 180), standing("farther", seg, first, 1, 190),
		arrive("waits", demand.LaneIndex, 0, 10*time.Second), arrive("goes", demand.LaneIndex, 1, 11*time.Second), arrive("free", demand.LaneFree, 0, 40*time.Second),
	}}}
	for i := range in.Demand.Trips {
		in.Demand.Trips[i].Key = uint64(i)
	}
	r := run(t, in)
	lanes := map[string]geo.LaneID{}
	for _, s := range r.Samples {
		if id := in.Demand.Trips[s.Trip].ID; lanes[id] == 0 {
			lanes[id] = s.Lane + 1
		}
	}
	if lanes["waits"] != 0 {
		t.Error("a vehicle departed onto a full lane")
	}
	if lanes["goes"] != first+2 {
		t.Errorf("the vehicle for the second lane departed on lane %d, expected %d", lanes["goes"]-1, first+1)
	}
	if lanes["free"] != first+2 {
		t.Errorf("a vehicle with a choice departed on lane %d, expected %d: most room at its begin", lanes["free"]-1, first+1)
	}
}

// TestInsertionMindsWhoeverComes: nobody appears behind a junction in front of
// one who could not brake for him any more, even if that one turns off there; as
// soon as it has, he does.
func TestInsertionMindsWhoeverComes(t *testing.T) {
	c := netdraw.City("a========>=======x====>===b\n                 |\n                 |\n                 |\n                 q")
	worst := func(depart time.Duration) float64 {
		d := column(c, exact(), "ax", "xq", 1, time.Second)
		late := column(c, exact(), "xb", "xb", 1, time.Second).Trips[0]
		late.ID, late.Depart, late.Speed = "late", depart, demand.SpeedGiven
		d.Trips = append(d.Trips, late)
		return 2 * run(t, sim.Input{City: c, Demand: d, End: 2 * time.Minute}).Summary.MeanDepartureDelayS
	}
	var delays []float64
	for s := range 40 {
		if delay := worst(time.Duration(s) * time.Second); delay > 0 {
			delays = append(delays, delay)
		}
	}
	if len(delays) == 0 || len(delays) > 4 || delays[0] != float64(len(delays)) {
		t.Errorf("departures wait %v s, expected n, n-1, ... 1 in the last n seconds before the other has turned off", delays)
	}
}
