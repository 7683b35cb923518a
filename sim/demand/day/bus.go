package day

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"tideway/geo"
	"tideway/internal/fault"
	"tideway/internal/rng"
	"tideway/sim/demand"
)

// busLine is a bus route along one street, in one direction.
type busLine struct {
	id    string
	route demand.RouteID
	halts []demand.Halt
	first time.Duration // departure of the first bus
}

const (
	fewestStops  = 2
	busStopTime  = 20 * time.Second
	busHeadway   = 10 * time.Minute
	busWeekend   = 15 * time.Minute
	firstBus     = 5*time.Hour + 30*time.Minute
	lastBus      = 22*time.Hour + 30*time.Minute
	longestRoute = 1000 // segments; ends a street that goes in circles
)

// addBuses makes a line of every street with bus stops, in each direction, from
// where the street begins to where it ends.
func (m *Model) addBuses() {
	stops := map[geo.SegmentID][]geo.StopID{}
	for id, s := range m.city.Stops.All() {
		seg := m.city.Lanes.At(s.Lane).Segment
		stops[seg] = append(stops[seg], id)
	}
	links := demand.NewLinks(m.city)
	for s, seg := range m.city.Segments.All() {
		if seg.Name == "" || m.before(s) != geo.NoSegment {
			continue
		}
		chain := m.follow(s)
		halts := m.haltsAlong(chain, stops)
		route := demand.Route{ID: "line " + seg.ID, Segments: chain}
		var bad fault.List
		links.Check(route, m.types[busType], "", &bad)
		if len(halts) < fewestStops || bad.Len() > 0 {
			continue
		}
		s := rng.New(m.seed, rng.Hash(seg.ID), rng.Departure)
		m.lines = append(m.lines, busLine{id: strings.ReplaceAll(route.ID, " ", "-"), route: demand.RouteID(len(m.routes)), halts: halts,
			first: firstBus + time.Duration(s.IntN(int(busHeadway/time.Second)))*time.Second})
		m.routes = append(m.routes, route)
	}
}

// follow returns the street from segment s on.
func (m *Model) follow(s geo.SegmentID) (chain []geo.SegmentID) {
	for s != geo.NoSegment && len(chain) < longestRoute {
		chain = append(chain, s)
		s = m.after(s)
	}
	return chain
}

// after is the segment of the same name that goes on from s, not back.
func (m *Model) after(s geo.SegmentID) geo.SegmentID {
	seg := m.city.Segments.At(s)
	for _, n := range m.city.Out(seg.To) {
		if next := m.city.Segments.At(n); next.Name == seg.Name && next.To != seg.From {
			return n
		}
	}
	return geo.NoSegment
}

func (m *Model) before(s geo.SegmentID) geo.SegmentID {
	seg := m.city.Segments.At(s)
	for _, n := range m.city.In(seg.From) {
		if last := m.city.Segments.At(n); last.Name == seg.Name && last.From != seg.To {
			return n
		}
	}
	return geo.NoSegment
}

func (m *Model) haltsAlong(chain []geo.SegmentID, stops map[geo.SegmentID][]geo.StopID) (out []demand.Halt) {
	for _, s := range chain {
		for _, id := range stops[s] {
			b := m.city.Stops.At(id)
			out = append(out, demand.Halt{Lane: b.Lane, Begin: b.Begin, End: b.End, Duration: busStopTime, Stop: b.ID})
		}
	}
	return out
}

// buses adds a day's runs of every line.
func (m *Model) buses(date time.Time, out *[]demand.Trip) {
	headway := busHeadway
	if d := date.Weekday(); d == time.Saturday || d == time.Sunday {
		headway = busWeekend
	}
	for _, l := range m.lines {
		chain := m.routes[l.route].Segments
		for n, at := 0, l.first; at <= lastBus; n, at = n+1, at+headway {
			id := fmt.Sprintf("%s/%s/%s", date.Format("0102"), l.id, strconv.Itoa(n))
			*out = append(*out, demand.Trip{ID: id, Type: busType, Depart: at, Route: l.route, From: chain[0], To: chain[len(chain)-1],
				Speed: demand.SpeedMax, ArriveAt: -1, Stops: l.halts, Key: rng.Hash(id)})
		}
	}
}
