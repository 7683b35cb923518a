package sim

import (
	"time"

	"tideway/geo"
)

// coming is what a wide-area detector sees of the traffic towards a group.
type coming struct {
	vehicles       float64
	clearS         float64 // until the last of them has passed the stop line in green
	full           bool
	bus, emergency bool
}

// Ranges of detection before the stop line: of wide-area detectors, and of
// the radio by which buses and emergency vehicles announce themselves.
const (
	watchM   = 60.0
	radioM   = 250.0
	headwayS = 1.8 // between vehicles of a queue that discharges
)

// feederLane is one lane on the way to a signal, and how far its end is from the
// stop line.
type feederLane struct {
	lane trackID
	onM  float64
}

// turnGroup is a turn across the signal's junction and the first group of it.
type turnGroup struct {
	from, to geo.SegmentID
	group    int32
}

// survey finds the lanes that lead to a signal within the range of detection,
// up to the next signal, and the turns across it.
func (s *sight) survey() {
	n := s.e.net
	known := map[trackID]bool{}
	for g, lanes := range s.lanes {
		for _, t := range lanes {
			if !known[t] {
				known[t] = true
				s.approaches = append(s.approaches, feederLane{t, 0})
			}
			for l := n.tracks[t].out; l < n.tracks[t].outEnd; l++ {
				if k := &n.links[l]; k.group == s.first+int32(g) {
					s.turn(turnGroup{n.tracks[t].seg, n.tracks[k.lane].seg, int32(g)})
				}
			}
		}
	}
	for i := 0; i < len(s.approaches); i++ {
		at := s.approaches[i]
		if onM := at.onM + n.tracks[at.lane].lengthM; onM < radioM {
			for _, from := range s.upstream(at.lane) {
				if !known[from] {
					known[from] = true
					s.approaches = append(s.approaches, feederLane{from, onM})
				}
			}
		}
	}
}

func (s *sight) turn(t turnGroup) {
	for _, k := range s.turns {
		if k.from == t.from && k.to == t.to {
			return
		}
	}
	s.turns = append(s.turns, t)
}

// upstream returns the lanes from which one comes onto a lane without passing
// a signal.
func (s *sight) upstream(t trackID) (out []trackID) {
	n := s.e.net
	for i := n.into[t]; i < n.intoEnd[t]; i++ {
		k := n.intoLinks[i]
		if e := n.links[k].entry; e != noLink {
			k = e
		}
		if n.links[k].group < 0 && !n.tracks[n.links[k].from].inner() {
			out = append(out, n.links[k].from)
		}
	}
	return out
}

// watch renews what is coming to the signal's groups.
func (s *sight) watch() {
	for g := range s.coming {
		s.coming[g] = coming{full: true}
		for _, t := range s.lanes[g] {
			s.ahead(t, g)
		}
	}
	for i := range s.approaches {
		s.along(s.approaches[i])
	}
}

// along counts who is on a lane by the group they go to.
func (s *sight) along(on feederLane) {
	e := s.e
	endM, limit := on.onM+e.net.tracks[on.lane].lengthM, e.net.tracks[on.lane].limitMPS
	for i := range e.road[on.lane] {
		v := &e.road[on.lane][i]
		away := endM - v.posM
		if away > radioM {
			return
		}
		g := s.groupOf(v)
		if g < 0 {
			continue
		}
		c := &s.coming[g]
		if away <= watchM {
			c.vehicles++
			c.clearS = max(c.clearS, headwayS*float64(i+1), away/limit)
		}
		class := e.kinds[v.kind].class
		c.bus = c.bus || class == geo.Bus || class == geo.Tram
		c.emergency = c.emergency || class == geo.Emergency
	}
}

// groupOf returns the signal's group that a vehicle is going to, or -1.
func (s *sight) groupOf(v *veh) int32 {
	e := s.e
	if v.next != noLink {
		if g := e.net.links[v.next].group - s.first; g >= 0 && int(g) < len(s.coming) {
			return g
		}
	}
	c := &e.cars[v.id]
	way := e.pathSeg[c.path.begin+c.at : c.path.begin+min(c.path.count, c.at+segmentsAhead)]
	for i := range len(way) - 1 {
		for _, t := range s.turns {
			if t.from == way[i] && t.to == way[i+1] {
				return t.group
			}
		}
	}
	return -1
}

// segmentsAhead bounds the search along a route.
const segmentsAhead = 6

// roomM is the space behind the last vehicle of a street that another one needs.
const roomM = 8.0

// ahead notes whether a movement of group g from a lane finds room behind the
// junction.
func (s *sight) ahead(t trackID, g int) {
	e := s.e
	for l := e.net.tracks[t].out; l < e.net.tracks[t].outEnd; l++ {
		link := &e.net.links[l]
		if link.group != s.first+int32(g) {
			continue
		}
		on := e.road[link.lane]
		if len(on) == 0 {
			s.coming[g].full = false
			return
		}
		last := &on[len(on)-1]
		if last.speedMPS > 1 || last.posM-e.kinds[last.kind].lengthM > roomM {
			s.coming[g].full = false
			return
		}
	}
}

// Coming implements signal.Sight.
func (s *sight) Coming(g int) (vehicles float64, clear time.Duration) {
	return s.coming[g].vehicles, time.Duration(s.coming[g].clearS * float64(time.Second))
}

// Full implements signal.Sight.
func (s *sight) Full(g int) bool { return s.coming[g].full }

// Bus implements signal.Sight.
func (s *sight) Bus(g int) bool { return s.coming[g].bus }

// Emergency implements signal.Sight.
func (s *sight) Emergency(g int) bool { return s.coming[g].emergency }
