package sim

import "math"

// keepClear takes back requests for junctions that could not be left again for
// want of space behind them.
func (p *planner) keepClear() {
	e := p.e
	if !p.items[0].request || p.n < 2 && e.net.tracks[p.t].inner() {
		return
	}
	if p.freeAhead() || !p.measureSpace() {
		return
	}
	full := p.k.fullM
	for i := range p.n {
		it := &p.items[i]
		if it.link == noLink {
			continue
		}
		l := &e.net.links[it.link]
		if it.spaceM-full < 0 && l.hasFoes && l.clear {
			p.withdraw(i)
			return
		}
	}
}

// freeAhead reports whether nobody on the way ahead stands or cannot go on, and
// nobody need give way beyond the next link: what most find, told without measuring.
func (p *planner) freeAhead() bool {
	e := p.e
	items := p.items[:p.n]
	for i := range items {
		it, goesOn := &items[i], i+1 < len(items)
		if it.link == noLink {
			break
		}
		l := &e.net.links[it.link]
		switch inner := e.net.tracks[l.to].inner(); {
		case inner && goesOn && items[i+1].link != noLink && !items[i+1].request,
			!(inner && l.hasFoes && l.clear) && e.mayStand(l.to),
			!inner && e.endsBlocked(l.to),
			i > 0 && goesOn && isMinor(e.state(l)):
			return false
		}
	}
	return true
}

// mayStand reports whether somebody may stand on a track: in traffic, or because
// something else than his own driving has brought him there.
func (e *Engine) mayStand(t trackID) bool {
	return e.tally.queue[t] > 0 || e.stood[t] >= int32(e.tick)-1
}

// noteStanding notes for mayStand who does not stand in traffic on track t.
func (e *Engine) noteStanding(v *veh, t trackID) {
	if v.speedMPS < haltMPS || v.flags&stopped != 0 {
		e.stood[t] = int32(e.tick)
	}
}

// endsBlocked reports whether the last vehicle on a street cannot go on, or the tail
// of one beyond may reach back onto it.
func (e *Engine) endsBlocked(t trackID) bool {
	if vs := e.road[t]; len(vs) > 0 {
		return vs[len(vs)-1].flags&(mustWait|stopped) != 0
	}
	return e.hangs(t)
}

// measureSpace sums up for every item the free road behind its link until the
// first vehicle that cannot go on. It reports whether there is such a vehicle.
func (p *planner) measureSpace() bool {
	e := p.e
	space, blocked := -p.lengthsAhead(), false
	had := uint32(0) // items before which the road is blocked, a bit each
	items := p.items[:p.n]
	for i := range items {
		it := &items[i]
		if it.link == noLink || blocked {
			if blocked {
				it.spaceM = space
			} else {
				it.spaceM += space
			}
			continue
		}
		l := &e.net.links[it.link]
		to := &e.net.tracks[l.to]
		if to.inner() {
			if l.hasFoes && l.clear {
				space -= e.fill[l.to]
			} else {
				free, stop := e.freeUntilStanding(l.to, p.v)
				space += free
				blocked = stop
			}
			it.spaceM = space
			continue
		} else if last, _ := e.last(l.to); last == nil || last == p.v {
			if to.lengthM > p.k.lengthM || l.hasFoes && l.clear {
				space += to.lengthM
			}
		} else {
			free, stop := e.freeUntilStanding(l.to, p.v)
			space += free
			blocked = stop || last.flags&(mustWait|stopped) != 0
		}
		if it.spaceM = space; blocked {
			had |= 1 << i
		}
	}
	return p.passBack(had) || blocked
}

// lengthsAhead is the room taken by the vehicles before it on its own track,
// which will go first.
func (p *planner) lengthsAhead() float64 {
	sum := 0.0
	for j := range p.e.road[p.t] {
		f := &p.e.road[p.t][j]
		if f == p.v {
			break
		}
		sum += p.e.kinds[f.kind].fullM
	}
	return sum
}

// freeUntilStanding returns the free length of a track from its begin to the
// first vehicle, from the rear, that stands; and whether there is one.
func (e *Engine) freeUntilStanding(t trackID, ego *veh) (float64, bool) {
	vs := e.road[t]
	length := e.net.tracks[t].lengthM
	taken := 0.0
	for j := len(vs) - 1; j >= 0; j-- {
		f := &vs[j]
		if f == ego {
			continue
		}
		k := &e.kinds[f.kind]
		if f.speedMPS < haltMPS || f.flags&stopped != 0 {
			return f.posM - k.lengthM - taken, true
		}
		taken += k.fullM
	}
	return length - taken, false
}

// passBack lets an item count on the space behind the next one where the
// vehicle will be able to go on from there.
func (p *planner) passBack(had uint32) bool {
	e := p.e
	blocked := false
	for i := p.n - 1; i > 0; i-- {
		it, next := &p.items[i-1], &p.items[i]
		if it.link == noLink {
			continue
		}
		l := &e.net.links[it.link]
		leaves := !e.net.tracks[l.to].inner() || next.link == noLink || next.request
		open := leaves && (!isMinor(e.state(l)) || i == 1 || p.openBefore(it, l))
		carry := (l.waits || open) && had&(1<<(i-1)) == 0
		if !open {
			blocked = true
			if i > 1 && p.items[i-2].link != noLink && e.net.links[p.items[i-2].link].waits {
				carry = true
			}
		}
		if carry {
			it.spaceM = next.spaceM
		}
	}
	return blocked
}

// openBefore asks with the approaches of the step before, and for the next step.
func (p *planner) openBefore(it *item, l *link) bool {
	p.ask(l)
	return p.open(it, l, p.e.before, p.impatience())
}

// withdraw takes back the request of item i and all behind it, unless the
// vehicle is too fast or on its way out of a junction that it asked to enter.
func (p *planner) withdraw(i int) {
	e := p.e
	if i == 0 && e.net.tracks[p.t].inner() {
		return
	}
	brake := p.brakeM
	for ; i < p.n; i++ {
		it := &p.items[i]
		it.passMPS = p.waitMPS(it)
		if it.link == noLink || it.seenM < brake+marginM {
			continue
		}
		if e.net.links[it.link].role != exitLink || i == 0 || !p.items[i-1].request {
			it.request = false
		}
	}
}

// decide walks through the items and returns the safe speed, and the speed that
// is needed to be across a link at which it gives way. Without final it stops
// with ok false where the approaches of others must be known.
func (p *planner) decide(final bool) (safe, least float64, ok bool) {
	e, v, k := p.e, p.v, p.k
	least, p.relied = 0, false
	brake := p.brakeM
	leastM, canStop := 0.0, false
	items := p.items[:p.n]
	for i := range items {
		it := &items[i]
		if it.open {
			safe = it.passMPS
			if it.yields {
				v.plan |= mustWait
			}
			break
		}
		if it.link == noLink || !it.request {
			safe = p.waitMPS(it)
			if safe < v.speedMPS || safe < haltMPS {
				v.plan |= mustWait
			}
			if i == 0 && it.link != noLink && e.net.links[it.link].role != entryLink {
				v.plan |= yielded
			}
			break
		}
		l := &e.net.links[it.link]
		state := e.state(l)
		canBrake := it.seenM > brake || v.speedMPS < k.stepBrake
		yellow := state == 'y' || state == 'u'
		if yellow && canBrake {
			safe = p.waitMPS(it)
			v.plan |= mustWait
			break
		}
		minor := isMinor(state) && !(l.role == waitLink && p.entryMajor(l))
		far := it.seenM > nearM
		if minor && !l.waits && !yellow && state != 'r' && !(far && canBrake) && !final && l.yields < l.yieldsEnd {
			return 0, 0, false
		}
		open := yellow || p.opened(it, l, state, minor, canBrake, far)
		if open && minor && !l.waits {
			if far && (canBrake || !yellow) {
				safe = p.waitMPS(it)
				v.plan |= mustWait
				break
			}
			leastM, canStop = it.seenM, canBrake
			least = smaller(smaller((it.seenM+marginM)/e.dt, it.passMPS), v.speedMPS+k.accel*e.dt)
			v.plan |= minorPass
		}
		if open {
			safe = it.passMPS
			if safe < k.decel && safe < k.topMPS(v.speedMPS) && safe <= p.waitMPS(it) {
				v.plan |= mustWait
			}
			continue
		}
		if !canBrake && l.group < 0 && it.seenM < brakeM(v.speedMPS, k.emergency, e.dt) {
			safe = it.passMPS // too fast to stop
			continue
		}
		safe = p.waitMPS(it)
		v.plan |= mustWait
		break
	}
	if safe+epsM < least {
		if canStop && safe < v.speedMPS {
			safe = smaller(safe, max(k.floorMPS(v.speedMPS), k.stopWithin(v.speedMPS, leastM, k.topMPS(v.speedMPS))))
			least = 0
			v.plan |= mustWait
		} else {
			least = safe
		}
	}
	return safe, least, true
}

// opened reports whether the link may be passed, as far as signals and others
// are concerned.
func (p *planner) opened(it *item, l *link, state byte, minor, canBrake, far bool) bool {
	switch {
	case state == 'r':
		return false
	case l.waits:
		return true
	case !minor:
		return true
	case far && canBrake:
		return true // it slows down until it sees the others
	}
	impatience := 1.0
	if canBrake {
		impatience = p.impatience()
	}
	if !p.open(it, l, p.e.now, impatience) {
		return false
	}
	p.relied = true
	return true
}

const impatienceS = 180 // waiting that makes a driver force his way

func (p *planner) impatience() float64 {
	return max(0, min(1, p.k.impatience+float64(p.v.waitS)/impatienceS))
}

// open reports whether no approaching vehicle that goes first is in the way.
func (p *planner) open(it *item, l *link, seen *approaches, impatience float64) bool {
	n := p.e.net
	state := p.e.state(l)
	if state == 'r' {
		return false
	}
	if !isMinor(state) || l.role == waitLink && p.entryMajor(l) {
		return true
	}
	if (state == 's' || state == 'w') && p.v.waitS == 0 {
		return false
	}
	leave := it.arriveS + (l.lengthM+p.k.lengthM)/larger(0.5*(it.fromMPS+it.leave), epsMPS)
	red := l.role == waitLink && p.e.state(&n.links[l.entry]) == 'r'
	for i := l.yields; i < l.yieldsEnd; i++ {
		y := n.yields[i]
		same := n.links[y].lane == l.lane
		for ref := seen.first(y); ref != 0; {
			a := seen.at(ref)
			ref = a.next
			if a.id == p.v.id || red && a.speedMPS <= haltMPS {
				continue
			}
			if p.inTheWayOf(it, a, state, leave, same, impatience) {
				return false
			}
		}
	}
	return true
}

const lookAheadS = 1.0 // time that must lie between the passages of two vehicles

// inTheWayOf reports whether the approaching vehicle keeps the own one from
// passing: their times at the conflict overlap, or they would merge unsafely.
func (p *planner) inTheWayOf(it *item, a *approach, state byte, leave float64, same bool, impatience float64) bool {
	if state == 'w' {
		// Whoever has waited longer goes, then whoever is nearer; of equals one.
		if p.v.waitS > a.waitS || p.v.waitS == a.waitS && (it.arriveS < a.arriveS || it.arriveS == a.arriveS && p.v.id < a.id) {
			return false
		}
	}
	foeArrive, foeBrake := a.arriveS, float64(a.brakeMPS)
	if impatience > 0 && it.arriveS < a.arriveS {
		braking := p.brakingArrival(it.arriveS, a, impatience, &foeBrake)
		foeArrive = (1-impatience)*a.arriveS + impatience*braking
	}
	switch {
	case a.leaveS < it.arriveS:
		return same && (it.arriveS-a.leaveS < lookAheadS || unsafeMerge(float64(a.leaveMPS), it.fromMPS, float64(a.decel), p.k.decel))
	case foeArrive > leave+lookAheadS:
		return same && unsafeMerge(it.leave, foeBrake, p.k.decel, float64(a.decel))
	}
	return true
}

// unsafeMerge reports whether a follower could not stop behind a leader that
// brakes as soon as both are on the same lane, in continuous time.
func unsafeMerge(leader, follower, leaderDecel, followerDecel float64) bool {
	return leader*leader/leaderDecel <= follower*follower/followerDecel
}

// brakingArrival is the time at which the foe arrives if it brakes for an
// impatient driver, by the share of its deceleration that he expects of it.
func (p *planner) brakingArrival(arrive float64, a *approach, impatience float64, brakeMPS *float64) float64 {
	e := p.e
	if math.Floor(arrive/e.dt) == math.Floor(a.arriveS/e.dt) {
		return a.arriveS
	}
	m := float64(a.decel) * impatience
	dt := a.arriveS - arrive
	d := dt * m
	dist := float64(a.distM)
	v := dist / max(a.arriveS-e.nowS+e.dt, e.dt)
	left := dist - v*(arrive-e.nowS)
	if 0.5*v*v/m <= left {
		*brakeMPS = 0
		return a.arriveS + 30
	}
	root := 4*(v-d)*(v-d) - 8*m*dt*d/2
	if root < 0 {
		*brakeMPS = 0
		return a.arriveS + 30
	}
	x := (math.Sqrt(root)*-0.5 - d + v) / m
	*brakeMPS = v - (dt+x)*m
	return a.arriveS + x
}

// keep stores the vehicle in hand until the approaches of all but the distant are known.
func (p *planner) keep(index int32) {
	p.late = append(p.late, pending{track: p.t, index: index, n: int32(p.n), first: int32(len(p.kept))})
	p.kept = append(p.kept, p.items[:p.n]...)
}

// resume takes a vehicle that was kept in hand again.
func (p *planner) resume(w *pending) {
	p.t, p.n = w.track, int(w.n)
	p.v = &p.e.road[w.track][w.index]
	p.k = &p.e.kinds[p.v.kind]
	p.brakeM = p.k.brakeM(p.v.speedMPS)
	copy(p.items[:p.n], p.kept[w.first:w.first+w.n])
	p.v.plan &^= mustWait | minorPass
}

// decideLate decides for the vehicles that were kept. Those who would go ask for the
// distant first and stay; decideRest decides for them.
func (p *planner) decideLate() {
	stay := p.late[:0]
	for i := range p.late {
		w := p.late[i]
		p.resume(&w)
		safe, least, _ := p.decide(true)
		if !p.relied {
			p.e.finalize(p.v, p.k, safe, least)
			continue
		}
		stay = append(stay, w)
		for j := range p.items[:p.n] {
			if q := p.items[j].link; q != noLink {
				p.ask(&p.e.net.links[q])
			}
		}
	}
	p.late = stay
}

// decideRest decides for those who are left, now that all approaches are known.
func (p *planner) decideRest() {
	for i := range p.late {
		p.resume(&p.late[i])
		safe, least, _ := p.decide(true)
		p.e.finalize(p.v, p.k, safe, least)
	}
	p.late, p.kept = p.late[:0], p.kept[:0]
}
