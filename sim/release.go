package sim

// release moves on vehicles that have stood at the head of their lane longer
// than Input.StuckAfter: to the next segment of their route that has room, or
// off the road when none is left. It is counted, never silent. Who came to the
// head in this very step, because the one before him left, has not had his
// chance to drive yet.
func (e *Engine) release() {
	e.countIdle()
	if e.in.StuckAfter == 0 {
		return
	}
	limit := float32(e.in.StuckAfter.Seconds())
	e.jumpers = e.jumpers[:0]
	for _, t := range e.active.tracks {
		vs := e.road[t]
		if len(vs) == 0 || vs[0].waitS <= limit || vs[0].flags&(stopped|foremost) != foremost {
			continue
		}
		e.jumpers = append(e.jumpers, vs[0])
		copy(vs, vs[1:])
		e.road[t] = vs[:len(vs)-1]
		e.fill[t] -= e.kinds[e.jumpers[len(e.jumpers)-1].kind].fullM
		c := &e.cars[e.jumpers[len(e.jumpers)-1].id]
		c.drivenM += e.net.tracks[t].lengthM
		c.released++
		e.totals.released++
		e.tally.left[e.net.tracks[t].seg]++
	}
	e.air = append(e.air, e.jumpers...)
	e.land()
}

// land tries to put the vehicles in the air back onto their routes. A vehicle
// in the air moves along its route at the speed of the street and tries every
// segment on the way.
func (e *Engine) land() {
	kept := e.air[:0]
	for i := range e.air {
		v := e.air[i]
		c := &e.cars[v.id]
		if c.airTick > e.tick {
			kept = append(kept, v)
			continue
		}
		switch e.tryLand(&v, c) {
		case landed:
		case waits:
			kept = append(kept, v)
		case over:
			e.bookTrip(&v, c, Arrived)
			e.status[c.trip].outS = e.nowS - e.dt
			e.totals.completed++
			e.totals.onRoad--
			e.dropPath(v.id)
			e.freeCar(v.id)
		}
	}
	e.air = kept
}

type landing uint8

const (
	landed landing = iota
	waits
	over
)

// tryLand puts the vehicle onto its next segment if there is room; otherwise it
// goes on to the one behind it after the time the drive there takes.
func (e *Engine) tryLand(v *veh, c *car) landing {
	if c.at+1 >= c.path.count {
		return over
	}
	c.at++
	e.lookUp(v, c)
	for c.halt < int32(len(e.halts[v.id])) && e.halts[v.id][c.halt].at < c.at {
		c.halt++
	}
	e.lookUp(v, c)
	k := &e.kinds[v.kind]
	lanes, first := e.looks.of(v.look), e.looks.first[v.look]
	lane := e.roomiest(first, len(lanes), func(i int) bool { return lanes[i].off == 0 && e.net.tracks[first+trackID(i)].open(k) })
	if lane < 0 {
		return e.flyOn(v, c)
	}
	t := first + trackID(lane)
	v.posM, v.speedMPS, v.waitS, v.came = min(k.lengthM+marginM, e.net.tracks[t].lengthM), 0, 0, noLink
	v.asks = 0
	v.flags &^= mustWait | standing
	v.lc, v.advice, v.leaveM, v.leftM = 0, adviceNone, 0, 0
	if !e.fits(v, k, t, false) {
		return e.flyOn(v, c)
	}
	c.enteredS, c.haltedS = e.nowS, -1
	c.drivenM -= v.posM
	e.tally.entered[e.net.tracks[t].seg]++
	e.insertOrdered(t, *v)
	return landed
}

func (e *Engine) flyOn(v *veh, c *car) landing {
	seg := e.pathSeg[c.path.begin+c.at]
	free := e.net.city.FreeFlowTime(seg)
	c.airTick = e.tick + max(1, int64(free/e.step))
	c.drivenM += float64(e.net.city.Segments.At(seg).Length)
	return waits
}

// countIdle counts steps in which vehicles were on the road and none moved.
func (e *Engine) countIdle() {
	if e.totals.onRoad == 0 || len(e.air) > 0 {
		e.idle = 0
		return
	}
	for _, t := range e.active.tracks {
		for i := range e.road[t] {
			if v := &e.road[t][i]; v.speedMPS > haltMPS || v.flags&stopped != 0 {
				e.idle = 0
				return
			}
		}
	}
	e.idle++
}
