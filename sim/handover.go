package sim

// handOver puts the vehicles that left their tracks onto the next ones and
// takes away those that arrived, shard by shard. Where two came onto the same
// lane at once, or somebody braked harder than the one behind him could know,
// they are kept apart before anything is booked.
func (e *Engine) handOver() {
	for s := range e.movers {
		for i := range e.movers[s].out {
			h := &e.movers[s].out[i]
			h.v.flags |= fresh
			e.insertOrdered(h.to, h.v)
		}
	}
	e.keepApart()
	for s := range e.movers {
		m := &e.movers[s]
		for i := range m.out {
			e.book(&m.out[i])
		}
		for i := range m.gone {
			e.arrive(&m.gone[i])
		}
		m.out, m.gone = m.out[:0], m.gone[:0]
	}
}

// keepApart sends vehicles back to where they came from whose place is taken.
// That may crowd others, so it goes on until everybody has room; every vehicle
// can go back at most as far as where it was before the step.
func (e *Engine) keepApart() {
	for again := true; again; {
		again = false
		for s := range e.movers {
			for i := range e.movers[s].out {
				if h := &e.movers[s].out[i]; h.count > 0 && e.crowded(h) {
					again = true
				}
			}
		}
	}
	for _, t := range e.active.tracks {
		if e.hangs(t) {
			e.clampFirst(t)
		}
	}
}

// crowded moves the vehicle of a handover back if it overlaps with one ahead on
// its track, or with one that was there before it, and reports whether its
// track has changed.
func (e *Engine) crowded(h *handover) bool {
	vs := e.road[h.to]
	i := indexOf(vs, h.v.id)
	v := &vs[i]
	if i > 0 {
		if back := vs[i-1].posM - e.kinds[vs[i-1].kind].lengthM; back < v.posM {
			if back >= 0 {
				e.slide(v, h.to, back)
			} else {
				e.sendBack(h, i)
				return true
			}
		}
	}
	if i+1 < len(vs) && vs[i+1].flags&fresh == 0 && v.posM-e.kinds[v.kind].lengthM < vs[i+1].posM {
		e.sendBack(h, i)
		return true
	}
	return false
}

// indexOf finds a vehicle, from the rear, where those who have just come are.
func indexOf(vs []veh, id carID) int {
	for i := len(vs) - 1; i >= 0; i-- {
		if vs[i].id == id {
			return i
		}
	}
	return -1
}

// slide puts a vehicle farther back on its track t and lowers its speed
// accordingly.
func (e *Engine) slide(v *veh, t trackID, posM float64) {
	v.speedMPS = max(0, v.speedMPS-(v.posM-posM)/e.dt)
	v.posM = posM
	e.noteStanding(v, t)
}

// sendBack undoes the last link of a handover: the vehicle stands at the end of
// the track before it, and those behind it keep their distance.
func (e *Engine) sendBack(h *handover, i int) {
	vs := e.road[h.to]
	v := vs[i]
	copy(vs[i:], vs[i+1:])
	e.road[h.to] = vs[:len(vs)-1]
	e.fill[h.to] -= e.kinds[v.kind].fullM
	h.count--
	q := h.passed[h.count]
	l := &e.net.links[q]
	from := &e.net.tracks[l.from]
	c := &e.cars[v.id]
	c.drivenM -= from.lengthM
	if l.to < trackID(e.net.lanes) {
		c.at--
		e.lookUp(&v, c)
	}
	v.speedMPS = max(0, v.speedMPS-v.posM/e.dt)
	v.posM, v.came = from.lengthM, h.before(e)
	h.to = l.from
	e.insertOrdered(h.to, v)
	e.spread(h.to)
}

// before returns the link by which the vehicle came onto the track it is on
// now.
func (h *handover) before(e *Engine) linkID {
	if h.count > 0 {
		return h.passed[h.count-1]
	}
	return h.came
}

// spread moves those on a track back who overlap with the one before them.
func (e *Engine) spread(t trackID) {
	vs := e.road[t]
	for i := 1; i < len(vs); i++ {
		if back := vs[i-1].posM - e.kinds[vs[i-1].kind].lengthM; back < vs[i].posM {
			e.slide(&vs[i], t, back)
		}
	}
}

// clampFirst keeps the first vehicle of a track off the tail of one beyond.
func (e *Engine) clampFirst(t trackID) {
	vs := e.road[t]
	if len(vs) == 0 || e.net.tracks[t].lengthM-vs[0].posM > e.longestM {
		return
	}
	if f, back := e.tail(t, 0); f != nil && back < vs[0].posM && back >= vs[0].posM-vs[0].speedMPS*e.dt {
		e.slide(&vs[0], t, back)
		e.spread(t)
	}
}

// book counts the links passed.
func (e *Engine) book(h *handover) {
	v := &e.road[h.to][indexOf(e.road[h.to], h.v.id)]
	for _, q := range h.passed[:h.count] {
		e.bookPass(q, v)
	}
	e.tally.addOne(e, h.to, v, &e.kinds[v.kind])
}

func (e *Engine) bookPass(q linkID, v *veh) {
	l := &e.net.links[q]
	if l.role == entryLink {
		e.tally.enterMovement(e, l, v)
	}
	if l.to >= trackID(e.net.lanes) {
		return
	}
	e.tally.leaveMovement(e, l, v)
	e.tally.left[e.net.tracks[e.net.ways[l.movement].fromTrack(e.net)].seg]++
	to := &e.net.tracks[l.to]
	e.tally.entered[to.seg]++
	c := &e.cars[v.id]
	c.enteredS, c.haltedS = e.nowS, -1
	c.freeS = (to.lengthM - v.posM) / max(to.limitMPS*float64(v.factor), 0.1)
}

func (w linkWay) fromTrack(n *network) trackID { return n.links[w.entry].from }

// arrive takes a vehicle off the road and books its trip.
func (e *Engine) arrive(a *arrival) {
	v := &a.v
	for _, q := range a.passed[:a.count] {
		e.bookPass(q, v)
	}
	e.tally.addOne(e, a.track, v, &e.kinds[v.kind])
	e.tally.left[e.net.tracks[a.track].seg]++
	c := &e.cars[v.id]
	e.bookTrip(v, c, Arrived)
	e.status[c.trip].outS = e.nowS - e.dt
	e.totals.completed++
	e.totals.onRoad--
	e.dropPath(v.id)
	e.freeCar(v.id)
}

// bookTrip writes what a vehicle has gathered to its trip.
func (e *Engine) bookTrip(v *veh, c *car, state TripState) {
	st := &e.status[c.trip]
	st.state, st.lossS, st.waitS, st.stoppedS, st.stops = state, v.lossS, float64(v.stoodS), c.stoppedS, c.stops
	st.drivenM, st.released, st.rerouted = c.drivenM-c.startM, uint16(c.released), c.rerouted
}
