package sim

// tidyGrowth is by how much of itself the path arena may grow before it is tidied
// again, and tidyLeast by how many cells at least.
const (
	tidyGrowth = 0.25
	tidyLeast  = 4096
)

// tidy lays routes and outlooks side by side again, in the order in which the
// phases read them, without those that no vehicle will look at any more: routes
// up to where their vehicles are, and what lay ahead there. Numbers of outlooks
// change, nothing else does.
func (e *Engine) tidy() {
	if len(e.pathSeg) < e.paths.full {
		return
	}
	e.tidyPaths()
	e.looks.tidy(e.pathLook, e.queue.ready)
	e.eachVeh(func(v *veh) { v.look = e.pathLook[v.path] })
}

// eachVeh visits all vehicles, those in the air too.
func (e *Engine) eachVeh(visit func(v *veh)) {
	for t := range e.road {
		for i := range e.road[t] {
			visit(&e.road[t][i])
		}
	}
	for i := range e.air {
		visit(&e.air[i])
	}
}

// tidyPaths moves the routes of the demand whole, and of a vehicle's own what
// lies ahead of it: its path then begins before the cells it has, as positions
// on it count from its first segment.
func (e *Engine) tidyPaths() {
	segs, looks := e.pathSeg, e.pathLook
	e.pathSeg, e.pathLook = nil, nil
	move := func(from, to int32) int32 {
		e.pathSeg, e.pathLook = append(e.pathSeg, segs[from:to]...), append(e.pathLook, looks[from:to]...)
		return int32(len(e.pathSeg)) - (to - from)
	}
	moved := map[int32]int32{}
	for _, row := range e.sharedRows() {
		begin := move(row.path.begin, row.path.begin+row.path.count)
		moved[row.path.begin] = begin
		e.paths.shared[[2]uint32{row.route, row.kind}] = span{begin, row.path.count}
	}
	e.eachVeh(func(v *veh) {
		c := &e.cars[v.id]
		if p := &c.path; c.own {
			p.begin = move(p.begin+c.at, p.begin+p.count) - c.at
		} else {
			p.begin = moved[p.begin]
		}
		v.path = c.path.begin + c.at
	})
	e.limitPaths()
}

// limitPaths makes the arena as large as it may grow before it is tidied again.
func (e *Engine) limitPaths() {
	more := max(tidyLeast, int(tidyGrowth*float64(len(e.pathSeg))))
	e.paths.full = len(e.pathSeg) + more
	e.pathSeg, e.pathLook = withRoom(e.pathSeg, more), withRoom(e.pathLook, more)
}

// withRoom returns a list with room for so many more and nothing beyond.
func withRoom[T any](list []T, more int) []T {
	return append(make([]T, 0, len(list)+more), list...)
}

// tidy keeps the outlooks of the paths and of those who are about to depart, in
// order of the segments, and writes their new numbers there.
func (o *outlooks) tidy(paths []lookID, ready map[int32]*readyWay) {
	number := make([]lookID, len(o.lanes))
	each := func(visit func(id *lookID)) {
		for i := range paths {
			visit(&paths[i])
		}
		for _, w := range ready {
			for i := range w.looks {
				visit(&w.looks[i])
			}
		}
	}
	each(func(id *lookID) { number[*id] = 1 })
	was := *o
	*o = *newOutlooks(o.net)
	moved := make([]uint32, len(was.onward)) // new places; nowhere stays where it is
	for _, id := range was.byLane(number) {
		o.work = append(o.work[:0], was.of(id)...)
		for i := range o.work {
			at := &o.work[i].onward
			if moved[*at] == nowhere && *at != nowhere {
				moved[*at] = o.place(was.onward[*at])
			}
			*at = moved[*at]
		}
		number[id] = o.intern(was.first[id])
	}
	each(func(id *lookID) { *id = number[*id] })
}

// byLane lists the outlooks that are in use in order of their segments' lanes.
func (o *outlooks) byLane(used []lookID) []lookID {
	end := make([]int32, o.net.lanes+1)
	each := func(visit func(id lookID)) {
		for id := lookID(0); int(id) < len(o.lanes); id += lookID(o.lanes[id].count) {
			if used[id] != 0 {
				visit(id)
			}
		}
	}
	each(func(id lookID) { end[o.first[id]+1]++ })
	for t := range o.net.lanes {
		end[t+1] += end[t]
	}
	list := make([]lookID, end[o.net.lanes])
	each(func(id lookID) {
		list[end[o.first[id]]] = id
		end[o.first[id]]++
	})
	return list
}
