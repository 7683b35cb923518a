package sim

import (
	"tideway/geo"
	"tideway/sim/demand"
)

// pathStore knows who uses the cells of the engine's path arena. Routes of the
// demand are stored once per vehicle kind and kept; those of single vehicles lie
// idle when they have left, until the arena is tidied.
type pathStore struct {
	shared map[[2]uint32]span // by route and kind
	full   int                // cells at which the arena is tidied
}

// sharedPath returns the cells of a route of the demand for a kind.
func (e *Engine) sharedPath(r demand.RouteID, id kindID) span {
	key := [2]uint32{uint32(r), uint32(id)}
	if s, ok := e.paths.shared[key]; ok {
		return s
	}
	segs := e.in.Demand.Routes[r].Segments
	s := span{begin: int32(len(e.pathSeg)), count: int32(len(segs))}
	e.pathSeg = append(e.pathSeg, segs...)
	e.pathLook = append(e.pathLook, make([]lookID, len(segs))...)
	e.lookAlong(s, 0, &e.kinds[id], nil)
	e.paths.shared[key] = s
	return s
}

// ownPath gives a vehicle a route of its own, in place of the one it had.
func (e *Engine) ownPath(id carID, segs []geo.SegmentID) {
	e.dropPath(id)
	c := &e.cars[id]
	c.path, c.own = span{begin: int32(len(e.pathSeg)), count: int32(len(segs))}, true
	e.pathSeg = append(e.pathSeg, segs...)
	e.pathLook = append(e.pathLook, make([]lookID, len(segs))...)
}

// dropPath gives up the cells of a vehicle's own route: at once if they are the
// last, as are those of a vehicle that found no room to depart.
func (e *Engine) dropPath(id carID) {
	c := &e.cars[id]
	if !c.own {
		return
	}
	c.own = false
	if s := c.path; c.at == 0 && int(s.begin+s.count) == len(e.pathSeg) {
		e.pathSeg, e.pathLook = e.pathSeg[:s.begin], e.pathLook[:s.begin]
	}
}

// lookAlong works out the outlooks of a path from position from on, backwards
// from its end, with the stops that lie ahead.
func (e *Engine) lookAlong(s span, from int32, k *kind, halts []haltPlan) {
	next, ahead := geo.NoSegment, noLook
	h := len(halts) - 1
	for i := s.count - 1; i >= from; i-- {
		at := haltAt{lane: -1}
		for h >= 0 && halts[h].at == i {
			at = haltAt{lane: halts[h].lane, stopM: halts[h].endM} // the first one on the segment wins
			h--
		}
		seg := e.pathSeg[s.begin+i]
		ahead = e.looks.look(seg, next, ahead, k, at)
		e.pathLook[s.begin+i] = ahead
		next = seg
	}
}

// relook renews the outlooks of a vehicle whose stops or route have changed.
func (e *Engine) relook(v *veh, c *car) {
	if !c.own {
		e.lookUp(v, c)
		return
	}
	e.lookAlong(c.path, c.at, &e.kinds[v.kind], e.halts[v.id][c.halt:])
	e.lookUp(v, c)
}
