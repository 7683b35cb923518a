package sim

import (
	"tideway/geo"
	"tideway/sim/demand"
)

// pathStore hands out runs of cells of the engine's path arena. Routes of the
// demand are stored once per vehicle kind and kept; those of single vehicles go
// back when they have left.
type pathStore struct {
	shared map[[2]uint32]span // by route and kind
	free   [32][]int32        // runs given back, by size class
	own    map[carID]bool
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
func (e *Engine) ownPath(id carID, segs []geo.SegmentID) span {
	e.dropPath(id)
	class := sizeClass(len(segs))
	s := span{count: int32(len(segs))}
	if list := e.paths.free[class]; len(list) > 0 {
		s.begin = list[len(list)-1]
		e.paths.free[class] = list[:len(list)-1]
	} else {
		s.begin = int32(len(e.pathSeg))
		e.pathSeg = append(e.pathSeg, make([]geo.SegmentID, 1<<class)...)
		e.pathLook = append(e.pathLook, make([]lookID, 1<<class)...)
	}
	copy(e.pathSeg[s.begin:], segs)
	e.cars[id].path = s
	e.paths.own[id] = true
	return s
}

func sizeClass(n int) int {
	class := 0
	for 1<<class < n {
		class++
	}
	return class
}

// dropPath gives back the cells of a vehicle's own route.
func (e *Engine) dropPath(id carID) {
	if !e.paths.own[id] {
		return
	}
	delete(e.paths.own, id)
	s := e.cars[id].path
	class := sizeClass(int(s.count))
	e.paths.free[class] = append(e.paths.free[class], s.begin)
}

// lookAlong works out the outlooks of a path from position from on, backwards
// from its end, with the stops that lie ahead.
func (e *Engine) lookAlong(s span, from int32, k *kind, halts []haltPlan) {
	segs := e.pathSeg[s.begin : s.begin+s.count]
	next, ahead := geo.NoSegment, noLook
	h := len(halts) - 1
	for i := s.count - 1; i >= from; i-- {
		at := haltAt{lane: -1}
		for h >= 0 && halts[h].at == i {
			at = haltAt{lane: halts[h].lane, stopM: halts[h].endM} // the first one on the segment wins
			h--
		}
		ahead = e.looks.look(segs[i], next, ahead, k, at)
		e.pathLook[s.begin+i] = ahead
		next = segs[i]
	}
}

// relook renews the outlooks of a vehicle whose stops or route have changed.
func (e *Engine) relook(v *veh, c *car) {
	if !e.paths.own[v.id] {
		e.lookUp(v, c)
		return
	}
	e.lookAlong(c.path, c.at, &e.kinds[v.kind], e.halts[v.id][c.halt:])
	e.lookUp(v, c)
}
