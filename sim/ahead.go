package sim

// link takes one more link of the way into account and reports whether to go on
// looking.
func (p *planner) link(w *walk) bool {
	e, v, k := p.e, p.v, p.k
	if w.last != nil {
		p.followOnto(w)
		w.last.waitMPS = smaller(w.last.waitMPS, w.v)
	}
	if v.flags&toHalt != 0 && !w.tr.inner() {
		if stop, done := p.haltAhead(w); done {
			p.add(noLink, w.v, stop)
			return false
		}
	}
	q := p.choose(w)
	if w.beyond && !w.tr.inner() && w.seen > w.dist+farSightM && p.shares.streetM > p.clearM() && !e.awaited(q) {
		p.outOfSight(w, q)
		return false
	}
	if q == noLink {
		p.endOfWay(w)
		return false
	}
	l := &e.net.links[q]
	p.mustLeave = p.mustLeave || l.hasFoes && l.clear
	state := e.state(l)
	red := isClosed(state)
	minor := isMinor(state)
	if state == zipperRight && w.last == nil {
		p.zip(w, l)
	}
	brakeNow := p.brakeM
	decel := k.decel
	if red && yellowDecel > decel {
		decel = min(yellowDecel, k.emergency)
		brakeNow = brakeM(v.speedMPS, decel, e.dt)
	}
	stopM := p.stopBefore(w, red, minor, brakeNow)
	request := (w.v > epsMPS && !(w.slow && l.role == entryLink)) || (w.last == nil && w.tr.inner())
	want := w.v
	if w.tr.inner() {
		p.mindFoes(w, l, &request)
	}
	it := p.add(q, w.v, w.seen)
	it.wantMPS, it.stopM, it.stops = want, stopM, true
	if red && w.seen >= brakeNow {
		return false
	}
	if w.last != nil {
		w.last.slowTo(w.limit)
	}
	it.request = request
	return p.enter(w, it, l, minor, brakeNow)
}

// enter completes the item of a link that is not closed by a signal and moves on to
// the track behind it.
func (p *planner) enter(w *walk, it *item, l *link, minor bool, brakeNow float64) bool {
	e, v, k := p.e, p.v, p.k
	arrive := maxMPS
	couldBrake := minor && brakeNow < w.seen && !(l.role == waitLink && p.entryMajor(l))
	if couldBrake && w.seen > nearM {
		arrive = k.slowMPS
		w.slow = true
	} else if l.right == '=' && l.group < 0 && v.waitS > 0 && p.stuckInRing(it.link) {
		it.request = false
	}
	if l.watched || minor {
		it.timed = true
		it.fromMPS = smaller(arrive, w.pass(k))
		it.arriveS = e.nowS - e.dt + k.arriveS(w.seen, w.v, it.fromMPS)
		if w.seen < k.brakeM(w.v)+w.v*k.tauS {
			it.brake = smaller(k.brakingArrivalMPS(w.seen, w.v), it.fromMPS)
		}
		it.leave = smaller(p.linkMaxMPS(l), k.afterM(l.lengthM, it.fromMPS))
	}
	if l.role == exitLink || l.lengthM == 0 {
		w.beyond = true
	}
	if p.n == maxItems || (!it.request || w.v <= 0 || w.seen > w.dist) && w.beyond && p.shares.streetM > p.clearM() {
		return false
	}
	p.advance(w, it, l)
	return true
}

// advance moves the walk onto the track behind link l, whose item is it.
func (p *planner) advance(w *walk, it *item, l *link) {
	e, v, k := p.e, p.v, p.k
	if l.to < trackID(e.net.lanes) {
		w.view++
		w.look = e.pathLook[v.path+w.view]
	}
	w.track, w.tr, w.last = l.to, &e.net.tracks[l.to], it
	w.limit = k.desiredMPS(w.tr.limitMPS, v.factor)
	if w.limit < w.v {
		w.v = smaller(w.v, larger(k.freeMPS(w.seen, w.limit), k.floorMPS(v.speedMPS)))
	}
	if w.tr.inner() {
		p.shares.innerM += w.tr.lengthM
	} else {
		p.shares.streetM += w.tr.lengthM
	}
	w.seen += w.tr.lengthM
	w.fromM, w.fromMPS, w.cap = w.tr.lengthM, w.v, w.limit
}

// awaited reports whether somebody may give way to those who come to a link.
func (e *Engine) awaited(q linkID) bool {
	if q == noLink || !e.net.links[q].watched {
		return false
	}
	return !isClosed(e.state(&e.net.links[q]))
}

// farSightM is how far beyond its braking distance a vehicle still minds the
// link at the end of the street behind a junction.
const farSightM = 30.0

const maxMPS = 1e6 // faster than anybody

// clearM is how much street must lie behind a junction for its looking ahead to
// end.
func (p *planner) clearM() float64 {
	return larger(p.k.lengthM*clearLengths, p.k.lengthM+p.shares.innerM)
}

// add appends an item at which one waits as fast as one passes.
func (p *planner) add(q linkID, passMPS, seenM float64) *item {
	it := &p.items[p.n]
	p.n++
	*it = item{}
	it.link, it.passMPS, it.waitMPS, it.seenM = q, passMPS, passMPS, seenM
	return it
}

// waitMPS returns the speed of the vehicle in hand if it has to wait before an item.
// Most pass: it is worked out when it matters.
func (p *planner) waitMPS(it *item) float64 {
	if it.stops {
		it.waitMPS = smaller(it.waitMPS, p.k.stopWithin(p.v.speedMPS, it.stopM, it.wantMPS))
		it.stops = false
	}
	return it.waitMPS
}

// slowTo lowers the speed at which the item's inner track is left.
func (it *item) slowTo(v float64) {
	it.leave = smaller(it.leave, v)
}

// stopBefore returns how far away the vehicle may come to stand before the
// link: close to it where it gives way, a metre before it at a red signal.
func (p *planner) stopBefore(w *walk, red, minor bool, brakeNow float64) float64 {
	offset := stopLineM
	if minor && !red {
		offset = 0
	}
	if w.seen >= brakeNow {
		offset = smaller(offset, w.seen-brakeNow)
	}
	return larger(0, w.seen-larger(marginM, offset))
}

// followOnto minds the last vehicle on the track that the walk has reached.
func (p *planner) followOnto(w *walk) {
	e, v, k := p.e, p.v, p.k
	f, back := e.last(w.track)
	if f == nil || f == v {
		return
	}
	fk := &e.kinds[f.kind]
	last := w.last
	gap := back + w.seen - w.tr.lengthM - k.gapM
	brake := k.behind(fk, f.speedMPS)
	var safe float64
	if gap < 0 && back < 0 && f.came != last.link {
		// Its tail stands on another way onto this track: stay off the track.
		stop := w.seen - w.tr.lengthM - marginM
		if l := &e.net.links[last.link]; l.role != entryLink {
			stop -= e.net.tracks[l.from].lengthM
		}
		safe = k.stopWithin(v.speedMPS, stop, k.topMPS(v.speedMPS))
	} else {
		safe = k.follow(v.speedMPS, gap, f.speedMPS, brake, k.topMPS(v.speedMPS))
	}
	if last.timed {
		last.slowTo(k.follow(last.leave, gap, f.speedMPS, brake, k.maxMPS))
	}
	w.v = smaller(w.v, safe)
	w.cap = smaller(w.cap, safe)
}

// haltAhead minds the vehicle's next planned stop if it lies on the walk's
// track, and reports how far away it is and that the way ends there.
func (p *planner) haltAhead(w *walk) (stopM float64, done bool) {
	e, v := p.e, p.v
	c := &e.cars[v.id]
	h := e.nextHalt(v.id)
	if h == nil || h.at != c.at+w.view {
		return 0, false
	}
	stopM = h.endM - (w.tr.lengthM - w.seen)
	w.v = smaller(w.v, larger(p.k.stopWithin(v.speedMPS, stopM+epsM, w.v), p.k.floorMPS(v.speedMPS)))
	if w.last != nil {
		w.last.slowTo(p.k.holdMPS(h.endM, e.dt))
	}
	return stopM, true
}

// choose returns the link the vehicle takes at the end of the walk's track, or
// noLink where its way ends: for good, or because the lane does not lead on.
func (p *planner) choose(w *walk) linkID {
	if w.tr.inner() {
		return w.tr.out
	}
	if w.last == nil {
		return p.v.next
	}
	return p.e.looks.lanes[w.look+lookID(w.tr.lane)].link
}

// outOfSight adds the last item of a way that goes on farther than one looks: one
// expects to pass the next link, to wait at it where one gives way, and where the
// route ends or a signal stops it if one has to slow down already.
func (p *planner) outOfSight(w *walk, q linkID) {
	it := p.add(noLink, w.v, w.seen)
	if q == noLink {
		return
	}
	s := p.e.state(&p.e.net.links[q])
	it.open = !isClosed(s)
	it.yields = it.open && isMinor(s)
}

// endOfWay adds the last item: nothing to mind at the end of the route, a
// standing obstacle at the end of a lane that leads elsewhere.
func (p *planner) endOfWay(w *walk) {
	e, v := p.e, p.v
	c := &e.cars[v.id]
	if c.at+w.view < c.path.count-1 {
		stop := p.k.stopWithin(v.speedMPS, w.seen, w.v)
		if w.last != nil {
			w.last.slowTo(stop)
		}
		w.v = smaller(w.v, stop)
		p.add(noLink, w.v, w.seen)
		return
	}
	beyond := 0.0
	if w.tr.out == w.tr.outEnd {
		beyond = 1000 // the end of the network: there is always room
	}
	p.add(noLink, w.v, w.seen).spaceM = beyond
}

// state returns what governs a link now: what its signal shows, else its sign.
func (e *Engine) state(l *link) byte {
	if l.group < 0 {
		return l.right
	}
	switch s := e.lights[l.group]; s {
	case 'O', 'o':
		if s == 'o' && l.right == 'M' && l.yields < l.yieldsEnd {
			return 'm'
		}
		return l.right
	default:
		return s
	}
}

// isClosed reports whether a signal in this state lets nobody start.
func isClosed(state byte) bool { return state == 'r' || state == 'y' || state == 'u' }

// isMinor reports whether a link in this state gives way.
func isMinor(state byte) bool { return state != 'G' && state != 'M' && state != zipperRight }

// entryMajor reports whether the entry by which one comes to wait inside a
// junction has right of way or shows yellow: then nobody it would give way to has
// green.
func (p *planner) entryMajor(l *link) bool {
	s := p.e.state(&p.e.net.links[l.entry])
	return s == 'G' || s == 'y'
}
