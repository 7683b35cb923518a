package scenarios

import (
	"fmt"
	"testing"
	"time"

	"github.com/paulmach/orb"

	"tideway/geo"
	"tideway/sim/demand"
	"tideway/unit"
)

// crossCity is a signalised crossing of Main Street (west-east, two lanes) and
// High Street (south-north), with Side Street across Main Street further east:
//
//	     n        m
//	     |        |
//	w -- c ------ d -- e
//	     |        |
//	     s        k
//
// Signal "sig" stands at c: stage 1 green for west-east (group 0), stage 3 for
// south-north (group 1), stages 2 and 4 yellow.
func crossCity(t testing.TB) *geo.City {
	t.Helper()
	d := &geo.Draft{Name: "cross", TimeZone: "Europe/Rome", Frame: geo.LocalFrame(orb.Point{11.34, 44.49})}
	nodes := map[string]geo.NodeID{}
	for _, n := range []struct {
		id   string
		x, y float64
	}{{"w", -300, 0}, {"c", 0, 0}, {"d", 300, 0}, {"e", 600, 0}, {"n", 0, 300}, {"s", 0, -300}, {"m", 300, 300}, {"k", 300, -300}} {
		nodes[n.id] = geo.NodeID(len(d.Nodes))
		d.Nodes = append(d.Nodes, geo.Node{ID: n.id, XY: orb.Point{n.x, n.y}})
	}
	street := func(name string, lanes int, ids ...string) {
		for i := 1; i < len(ids); i++ {
			for _, p := range [][2]string{{ids[i-1], ids[i]}, {ids[i], ids[i-1]}} {
				addSegment(d, p[0]+p[1], name, nodes[p[0]], nodes[p[1]], lanes)
			}
		}
	}
	street("Main Street", 2, "w", "c", "d", "e")
	street("High Street", 1, "s", "c", "n")
	street("Side Street", 1, "k", "d", "m")
	d.Signals = []geo.Signal{{ID: "sig", Groups: 2}}
	d.Plans = []geo.Plan{testPlan("day", 0, "Gr", "yr", "rG", "ry"), testPlan("night", 20*time.Second, "Gr", "yr", "rG", "ry")}
	d.Signals[0].Plan = 0
	addTurns(d, nodes["c"], 0)
	addTurns(d, nodes["d"], geo.NoSignal)
	d.Zones = []geo.Zone{{ID: "west", Kind: "statistical", Population: -1, Area: square(d.Frame, -301, -301, 10, 301)}}
	city, err := d.Build()
	if err != nil {
		t.Fatal(err)
	}
	return city
}

func square(f geo.Frame, x0, y0, x1, y1 float64) orb.MultiPolygon {
	ring := orb.Ring{}
	for _, q := range []orb.Point{{x0, y0}, {x1, y0}, {x1, y1}, {x0, y1}, {x0, y0}} {
		ring = append(ring, f.LonLat(q))
	}
	return orb.MultiPolygon{{ring}}
}

func testPlan(id string, offset time.Duration, states ...string) geo.Plan {
	p := geo.Plan{ID: id, Offset: offset}
	for i, st := range states {
		d := 30 * time.Second
		if i%2 == 1 {
			d = 4 * time.Second
		}
		s := geo.Stage{Duration: d, Min: d, Max: d}
		for _, v := range st {
			s.States = append(s.States, geo.SignalState(v))
		}
		p.Stages = append(p.Stages, s)
		p.Cycle += d
	}
	return p
}

func addSegment(d *geo.Draft, id, name string, from, to geo.NodeID, lanes int) {
	s := geo.SegmentID(len(d.Segments))
	shape := orb.LineString{d.Nodes[from].XY, d.Nodes[to].XY}
	d.Segments = append(d.Segments, geo.Segment{ID: id, Name: name, From: from, To: to, Length: 300, Limit: 50 * unit.KMH, Shape: shape, Tags: []string{"tag-" + name}})
	for i := range lanes {
		d.Lanes = append(d.Lanes, geo.Lane{Segment: s, Index: i, Length: 300, Width: 3, Limit: 50 * unit.KMH, Allow: geo.MotorClasses, Shape: shape})
	}
}

// addTurns joins the first lanes of segments into a node with those out of it,
// except back; groups by direction: west-east 0, south-north 1.
func addTurns(d *geo.Draft, node geo.NodeID, signal geo.SignalID) {
	firstLane := map[geo.SegmentID]geo.LaneID{}
	for l := len(d.Lanes) - 1; l >= 0; l-- {
		firstLane[d.Lanes[l].Segment] = geo.LaneID(l)
	}
	for i, in := range d.Segments {
		for k, out := range d.Segments {
			if in.To != node || out.From != node || out.To == in.From {
				continue
			}
			group := 0
			if in.Name == "High Street" {
				group = 1
			}
			d.Movements = append(d.Movements, geo.Movement{From: firstLane[geo.SegmentID(i)], To: firstLane[geo.SegmentID(k)], Node: node,
				Length: 10, Limit: 30 * unit.KMH, Signal: signal, Group: group, Allow: geo.MotorClasses, Shape: orb.LineString{d.Nodes[node].XY, d.Nodes[node].XY}})
		}
	}
	d.Conflicts = make([][]geo.Conflict, len(d.Movements))
	for i, m := range d.Movements {
		for k, foe := range d.Movements {
			if m.Signal == 0 && foe.Signal == 0 && m.Group != foe.Group {
				d.Conflicts[i] = append(d.Conflicts[i], geo.Conflict{Foe: geo.MovementID(k), Kind: geo.Crossing, At: 5, FoeAt: 5})
			}
		}
	}
}

// crossDemand is n cars west to east, one every ten seconds, half as many
// trucks south to north and a bus line.
func crossDemand(city *geo.City, n int) *demand.Demand {
	seg := func(id string) geo.SegmentID { s, _ := city.Segments.Find(id); return s }
	d := &demand.Demand{
		Types:  []demand.VehicleType{demand.NewType("car", geo.Car), demand.NewType("truck", geo.Truck), demand.NewType("bus", geo.Bus)},
		Routes: []demand.Route{{ID: "we", Segments: []geo.SegmentID{seg("wc"), seg("cd"), seg("de")}}, {ID: "sn", Segments: []geo.SegmentID{seg("sc"), seg("cn")}}},
	}
	for i := range n {
		at := time.Duration(i) * 10 * time.Second
		d.Trips = append(d.Trips, demand.Trip{ID: fmt.Sprintf("car%d", i), Depart: at, Key: uint64(1000 + i), ArriveAt: -1})
		if i%2 == 0 {
			d.Trips = append(d.Trips, demand.Trip{ID: fmt.Sprintf("truck%d", i), Type: 1, Route: 1, Depart: at, Key: uint64(100000 + i), ArriveAt: -1})
		}
		if i%30 == 0 {
			d.Trips = append(d.Trips, demand.Trip{ID: fmt.Sprintf("bus%d", i), Type: 2, Depart: at, Key: uint64(900000 + i), ArriveAt: -1})
		}
	}
	return d
}

func crossBase(t testing.TB) Base {
	city := crossCity(t)
	return Base{City: city, Demand: crossDemand(city, 120)}
}
