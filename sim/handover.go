package sim

// handOver puts the vehicles that left their tracks onto the next ones and
// takes away those that arrived, shard by shard.
func (e *Engine) handOver() {
	for s := range e.movers {
		m := &e.movers[s]
		for i := range m.out {
			e.receive(&m.out[i])
		}
		for i := range m.gone {
			e.arrive(&m.gone[i])
		}
		m.out, m.gone = m.out[:0], m.gone[:0]
	}
}

// receive books the links passed and inserts the vehicle.
func (e *Engine) receive(h *handover) {
	v := &h.v
	for _, q := range h.passed[:h.count] {
		e.bookPass(q, v)
	}
	e.tally.addOne(e, h.to, v, &e.kinds[v.kind])
	e.insertOrdered(h.to, *v)
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
	e.status[c.trip].outS = e.nowS
	e.totals.completed++
	e.totals.onRoad--
	e.dropPath(v.id)
	e.freeCar(v.id)
}

// bookTrip writes what a vehicle has gathered to its trip.
func (e *Engine) bookTrip(v *veh, c *car, state TripState) {
	st := &e.status[c.trip]
	st.state, st.lossS, st.waitS, st.stoppedS, st.stops = state, v.lossS, c.waitS, c.stoppedS, c.stops
	st.drivenM, st.released, st.rerouted = c.drivenM-c.startM, uint16(c.released), c.rerouted
}
