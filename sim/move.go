package sim

import "math"

// crossing vehicles leave their track in a step; they are handed over when all
// have moved.
type handover struct {
	to     trackID
	came   linkID            // by which it was on the track it left
	passed [maxPasses]linkID // in order
	count  int
	v      veh
}

const maxPasses = 8

// mover drives the vehicles of a shard of tracks.
type mover struct {
	e    *Engine
	out  []handover
	gone []arrival // vehicles that reached their destination
	left []spot    // of vehicles that left a planned stop
}

// spot is a vehicle and the track it is on.
type spot struct {
	track trackID
	id    carID
}

type arrival struct {
	track  trackID
	passed [maxPasses]linkID
	count  int
	v      veh
}

// track moves the vehicles of a track by their planned speeds. Those that pass
// its end go to out; the others stay in order.
func (m *mover) track(t trackID) {
	e := m.e
	vs, kinds := e.road[t], e.kinds
	lengthM, limitMPS := e.net.tracks[t].lengthM, e.net.tracks[t].limitMPS
	sum := laneSums{}
	left := 0
	tail := math.Inf(1) // of the vehicle before, along this track
	for i := range vs {
		v := &vs[i]
		k := &kinds[v.kind]
		if v.remains() {
			v.stand(float32(e.dt))
		} else {
			m.drive(v, k, t)
		}
		if v.posM > tail {
			e.slide(v, t, tail) // the one before braked harder than one could know
		}
		tail = v.posM - k.lengthM
		if (v.posM >= lengthM || v.flags&lastRoad != 0 && (v.posM > lengthM-marginM || v.flags&endsShort != 0) && e.arrived(v, &e.net.tracks[t])) && m.leave(t, v, k) {
			left++
			continue
		}
		e.account(v, k, limitMPS, &sum)
		if left > 0 {
			vs[i-left] = *v
		}
	}
	if vs = vs[:len(vs)-left]; len(vs) > 0 {
		b := &vs[len(vs)-1]
		if back := b.posM - e.kinds[b.kind].lengthM; back < 0 {
			e.markTail(b.came, back)
		}
	}
	e.road[t] = vs
	e.fill[t] = sum.fillM
	e.tally.addLane(e, t, &sum)
}

// giveUp ends the claims of a vehicle that does not ask to go on inside a junction, so
// that others may go.
func (v *veh) giveUp() {
	if v.flags&yielded != 0 {
		v.claims, v.crosses = never, never
	}
}

// remains reports whether a vehicle that stands in traffic stays where it is.
func (v *veh) remains() bool {
	return v.nextMPS == 0 && v.speedMPS == 0 && v.plan&(standing|stopped|hasHalt) == standing
}

// stand is what drive comes to for a vehicle that remains.
func (v *veh) stand(dt float32) {
	v.accel = 0
	v.waitS += dt
	v.stoodS += dt
	v.flags, v.asks = v.plan&^newStop, v.askPlan
	v.giveUp()
	v.lc &= lcKeepStrategic(v.lc)
	v.leaveM, v.leftM, v.advice = 0, 0, adviceNone
}

// drive applies the planned speed.
func (m *mover) drive(v *veh, k *kind, t trackID) {
	e := m.e
	next := v.nextMPS
	slow := next <= haltMPS
	gentle := next-v.speedMPS <= 0.5*k.accel*e.dt
	v.accel = float32((next - v.speedMPS) / e.dt)
	v.speedMPS = next
	v.posM += next * e.dt
	f := v.plan
	if slow && f&stopped == 0 {
		if gentle {
			v.waitS += float32(e.dt)
		}
		v.stoodS += float32(e.dt)
		if f&standing == 0 {
			c := &e.cars[v.id]
			c.stops++
			if c.haltedS < 0 {
				c.haltedS = e.nowS
			}
			f |= standing | newStop
		} else {
			f &^= newStop
		}
	} else {
		v.waitS = 0
		f &^= standing | newStop
	}
	v.flags, v.asks = f, v.askPlan
	v.giveUp()
	v.lc &= lcKeepStrategic(v.lc)
	v.leaveM, v.leftM, v.advice = 0, 0, adviceNone
	if f&(stopped|hasHalt) != 0 {
		if e.serve(v, t) {
			m.left = append(m.left, spot{t, v.id})
		}
		e.noteStanding(v, t)
	}
}

// leave takes a vehicle that has passed the end of its track over as many
// links as its way of this step covers, and reports whether it left. A vehicle
// whose way ends stays at the end of its track.
func (m *mover) leave(t trackID, v *veh, k *kind) bool {
	e := m.e
	h := handover{to: t, came: v.came, v: *v}
	w := &h.v
	for {
		tr := &e.net.tracks[h.to]
		if w.flags&lastRoad != 0 && !tr.inner() && e.arrived(w, tr) {
			e.cars[w.id].drivenM += e.arriveAt(w, tr)
			m.gone = append(m.gone, arrival{track: h.to, passed: h.passed, count: h.count, v: *w})
			return true
		}
		if w.posM <= tr.lengthM {
			break
		}
		q := e.linkFrom(w.look, tr)
		if q == noLink || !e.mayPass(q, k) || h.count == maxPasses {
			w.posM, w.speedMPS = tr.lengthM, 0
			break
		}
		e.pass(w, q, tr)
		h.passed[h.count], h.to = q, e.net.links[q].to
		h.count++
	}
	if h.count == 0 {
		*v = *w
		return false
	}
	m.out = append(m.out, h)
	return true
}

// mayPass is the last safety: nobody drives over a link that is closed to him.
func (e *Engine) mayPass(q linkID, k *kind) bool { return e.net.links[q].admits(k.class, k.ignore) }

// pass moves a vehicle over one link: positions, route and results.
func (e *Engine) pass(w *veh, q linkID, tr *track) {
	l := &e.net.links[q]
	c := &e.cars[w.id]
	c.drivenM += tr.lengthM
	w.posM -= tr.lengthM
	w.came = q
	w.asks >>= 1
	w.flags &^= minorPass | changed
	switch tick := int32(e.tick); {
	case l.role == waitLink:
		w.claims, w.crosses = w.entered, tick
	case l.role == entryLink && l.lengthM > 0:
		if w.entered, w.claims, w.crosses = tick, tick, tick; l.waits {
			w.crosses = never
		}
	}
	if l.to >= trackID(e.net.lanes) {
		return
	}
	c.at++
	e.lookUp(w, c)
}

// lookUp renews what a vehicle knows of its segment after it has entered it.
func (e *Engine) lookUp(w *veh, c *car) {
	w.path = c.path.begin + c.at
	w.look = e.pathLook[w.path]
	w.flags &^= lastRoad | endsShort | hasHalt | toHalt
	if c.at == c.path.count-1 {
		w.flags |= lastRoad
		if e.trips[c.trip].ArriveAt >= 0 {
			w.flags |= endsShort
		}
	}
	if h := e.nextHalt(w.id); h != nil {
		w.flags |= toHalt
		if h.at == c.at {
			w.flags |= hasHalt
		}
	}
}

// settle renews what a vehicle knows of the track it is on.
func (e *Engine) settle(v *veh, tr *track) {
	v.flags &^= laneFixed | nextWatched | thenWatched
	if tr.inner() {
		v.next = tr.out
	} else {
		look := &e.looks.lanes[v.look+lookID(tr.lane)]
		if v.next = look.link; look.fixed {
			v.flags |= laneFixed
		}
	}
	if v.next != noLink && e.net.links[v.next].watched {
		v.flags |= nextWatched
	}
	if q := e.afterNext(v); q != noLink && e.net.links[q].watched {
		v.flags |= thenWatched
	}
}

// afterNext returns the link that a vehicle on a street takes at the end of the
// next one, noLink where its way has ended by then.
func (e *Engine) afterNext(v *veh) linkID {
	if v.next == noLink || v.flags&lastRoad != 0 {
		return noLink
	}
	lane := &e.net.tracks[e.net.links[v.next].lane]
	return e.looks.lanes[e.pathLook[v.path+1]+lookID(lane.lane)].link
}

// arrived reports whether a vehicle on the last segment of its route has reached
// the end of it, up to the margin with which vehicles stop. Before a planned stop
// there nothing is granted.
func (e *Engine) arrived(v *veh, tr *track) bool {
	at := e.arriveAt(v, tr)
	return v.posM >= at || v.flags&hasHalt == 0 && v.posM > at-marginM
}

// arriveAt is where a vehicle's route ends on its last segment.
func (e *Engine) arriveAt(v *veh, tr *track) float64 {
	if at := float64(e.trips[e.cars[v.id].trip].ArriveAt); at >= 0 && at < tr.lengthM {
		return at
	}
	return tr.lengthM
}

// insertOrdered puts a vehicle where its position belongs. Equal positions are
// ordered by trip, so that the order of arrival does not matter.
func (e *Engine) insertOrdered(t trackID, v veh) int {
	e.settle(&v, &e.net.tracks[t])
	if back := v.posM - e.kinds[v.kind].lengthM; back < 0 {
		e.markTail(v.came, back)
	}
	e.occupy(t)
	vs := append(e.road[t], veh{})
	i := len(vs) - 1
	for i > 0 && e.behind(&vs[i-1], &v) {
		vs[i] = vs[i-1]
		i--
	}
	vs[i] = v
	e.road[t] = vs
	e.fill[t] += e.kinds[v.kind].fullM
	e.noteStanding(&v, t)
	return i
}

func (e *Engine) behind(a, b *veh) bool {
	return a.posM < b.posM || a.posM == b.posM && e.cars[a.id].trip > e.cars[b.id].trip
}
