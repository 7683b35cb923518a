package sim

import "math"

// What a vehicle that must change lanes does about it besides waiting for a
// gap: it leaves room at the end of its lane, adapts its speed to the gap it
// aims at, and asks the vehicles beside it to help.

// advise lowers the speed of a vehicle in the next step to v, unless braking for
// it would be more than comfortable.
func (d *decision) advise(f *veh, k *kind, speed float64) {
	if speed >= max(0, f.speedMPS-k.stepBrake)-epsMPS && float32(speed) < f.advice {
		f.advice = float32(max(0, speed))
	}
}

// plea is what a vehicle asks of one of another segment.
type plea struct {
	track trackID
	id    carID
	state lcState
	mps   float64
}

// ask tells a vehicle what is wanted of it, and advises a speed. One of another segment is
// told when all have decided.
func (d *decision) ask(n *near, state lcState, mps float64) {
	if !n.local {
		d.pleas = append(d.pleas, plea{n.track, n.id, state, mps})
		return
	}
	f := &d.e.road[n.at.track][n.at.index]
	f.lc |= state
	d.advise(f, n.k, mps)
}

// deliver tells vehicles of other segments what is asked of them, unless they have
// changed lanes. The order does not matter.
func (d *decision) deliver() {
	for _, p := range d.pleas {
		vs := d.e.road[p.track]
		for i := range vs {
			if f := &vs[i]; f.id == p.id {
				f.lc |= p.state
				d.advise(f, &d.e.kinds[f.kind], p.mps)
				break
			}
		}
	}
	d.pleas = d.pleas[:0]
}

// slowForBlocked lets somebody in who waits before the vehicle to get onto its
// lane, when traffic is slow.
func (d *decision) slowForBlocked(r ref) {
	e, v, k := d.e, d.v, d.k
	if r.index < 0 || r == d.me {
		return
	}
	f := &e.road[r.track][r.index]
	fk := &e.kinds[f.kind]
	gap := f.posM - fk.lengthM - v.posM - k.gapM
	if gap <= marginM || v.speedMPS >= k.decel {
		return
	}
	d.advise(v, k, k.follow(v.speedMPS, gap-marginM, f.speedMPS, k.behind(fk, f.speedMPS), k.topMPS(v.speedMPS)))
}

// urgent prepares a change that the route needs soon.
func (d *decision) urgent(wish lcState) {
	e, v := d.e, d.v
	v.leftM = float32(d.currM - v.posM)
	if d.toBest && (d.off > 1 || d.off < -1) {
		room := float32(20)
		if d.dir > 0 {
			room = 40
		}
		v.leaveM = max(v.leaveM, room)
	}
	if d.lead.ok {
		d.reserve(&d.lead, wish)
	}
	if first := d.lanes[d.l].first; first.index >= 0 && first != d.me && !(d.lead.local && first == d.lead.at) {
		f := &e.road[first.track][first.index]
		var n near
		d.local(&n, first, f, &e.kinds[f.kind], 0)
		d.reserve(&n, wish)
	}
	lanes := max(1, math.Abs(float64(d.off)))
	remaining := max(e.dt, float64(v.leftM)/max(float64(v.aheadV), epsMPS)/lanes/urgencyFactor)
	if planned := d.informLeader(remaining); planned >= 0 {
		d.informFollower(remaining, planned)
	}
}

// reserve leaves room at the end of the lane for somebody who wants to come
// over from the other one, or asks him to leave it.
func (d *decision) reserve(n *near, wish lcState) {
	e, v, k := d.e, d.v, d.k
	counter := lcLeft
	if wish == lcLeft {
		counter = lcRight
	}
	if n.lc&counter == 0 {
		return
	}
	if n.k.fullM <= float64(v.leftM)-k.brakeM(v.speedMPS) {
		v.leaveM = max(v.leaveM, float32(n.k.fullM))
	} else if n.local {
		f := &e.road[n.at.track][n.at.index]
		if float64(f.leftM)-n.k.brakeM(f.speedMPS) >= k.fullM || f.leftM > v.leftM {
			f.leaveM = max(f.leaveM, float32(k.fullM))
		}
	}
}

// informLeader decides whether to fall behind the leader on the other lane or
// to pass it, and returns the speed planned; below 0 when it passes.
func (d *decision) informLeader(remaining float64) float64 {
	e, v, k := d.e, d.v, d.k
	left := float64(v.leftM - v.leaveM)
	planned := min(v.speedMPS, k.stopWithin(v.speedMPS, left, k.topMPS(v.speedMPS)))
	if v.advice != adviceNone {
		planned = min(planned, float64(v.advice))
	}
	if !d.lead.ok {
		return planned
	}
	n := &d.lead
	nextMPS := n.speed - max(1, -n.accel)*e.dt
	nextGap := n.gap + e.dt*(nextMPS-planned)
	nextMPS = max(0, nextMPS)
	target := max(k.floorMPS(v.speedMPS), k.follow(v.speedMPS, nextGap, nextMPS, k.behind(n.k, nextMPS), k.topMPS(v.speedMPS)))

	if d.blocked&lcBlockedLead == 0 {
		d.advise(v, k, target)
		return min(target, planned)
	}
	if d.canPass(planned, left, remaining) {
		d.ask(n, lcAmLeader, n.speed)
		return -1
	}
	d.ask(n, lcAmLeader, math.MaxFloat64)
	if target < v.speedMPS {
		decel := min(k.decel, max(fallBehind, (v.speedMPS-target)/remaining))
		next := min(planned, max(0, v.speedMPS-decel*e.dt))
		d.advise(v, k, next)
		return next
	}
	d.advise(v, k, target)
	return planned
}

// canPass reports whether there are road and time to pass the leader on the
// other lane before the lane ends.
func (d *decision) canPass(planned, left, remaining float64) bool {
	v, k := d.v, d.k
	n := &d.lead
	if n.stopped {
		return true
	}
	dv := planned - n.speed
	if dv <= 0 {
		return false
	}
	dist := max(0, n.gap+n.k.fullM+k.lengthM+n.k.secureM(n.speed, k, v.speedMPS))
	if left-k.brakeM(v.speedMPS)-v.speedMPS*k.tauS < dist {
		return false
	}
	return remaining >= dist/dv
}

// informFollower asks the follower on the other lane to let the vehicle in, or
// slows down so that it passes.
func (d *decision) informFollower(remaining, planned float64) {
	e, k := d.e, d.k
	n := &d.follow
	if !n.ok {
		return
	}
	asked := lcAmFollower | lcAskedLeft
	if d.dir < 0 {
		asked = lcAmFollower | lcAskedRight
	}
	brake := func(mps float64) float64 { return n.k.behind(k, mps) }
	if d.blocked&lcBlockedFollow == 0 {
		if d.blocked&lcBlockedLead != 0 {
			safe := n.k.follow(n.speed, n.gap+planned*e.dt, planned, brake(planned), n.k.topMPS(n.speed))
			safe = n.k.follow(n.speed, n.gap+(planned-safe)*e.dt, planned, brake(planned), n.k.topMPS(n.speed))
			d.ask(n, 0, safe)
		}
		return
	}
	if planned-n.speed >= helpMPS {
		need := n.k.secureM(n.speed, k, planned)
		if (need-n.gap)/remaining < planned-n.speed {
			d.ask(n, asked, planned-helpMPS)
			return
		}
	}
	soon := max(0, n.speed-n.k.decel*e.dt)
	later := max(0, n.speed-n.k.decel)
	dv := planned - later
	gap := n.gap + dv
	need := n.k.secureM(later, k, planned)
	switch {
	case gap > 0 && gap >= need:
		safe := max(soon, n.k.follow(n.speed, n.gap+planned*e.dt, planned, brake(planned), n.k.topMPS(n.speed)))
		safe = max(soon, n.k.follow(n.speed, n.gap+(planned-safe)*e.dt, planned, brake(planned), n.k.topMPS(n.speed)))
		d.ask(n, asked, safe)
	case dv > 0 && dv*remaining > need-gap+marginM:
		d.ask(n, asked, soon)
	default:
		d.letPass(n, remaining, planned, soon, asked)
	}
}

// letPass lets the follower on the other lane go first.
func (d *decision) letPass(n *near, remaining, planned, soon float64, asked lcState) {
	v, k := d.v, d.k
	help := max(n.speed, v.speedMPS+helpMPS)
	if n.speed > v.speedMPS && (d.dir < 0 || planned > 27 || d.w.tr.lengthM > turnLaneM) {
		help = max(soon, v.speedMPS+helpMPS)
		if (n.speed-v.speedMPS)/n.k.decel < remaining {
			d.ask(n, asked, help)
			return
		}
	}
	d.ask(n, asked, help)
	dist := max(0, n.gap+k.fullM+n.k.lengthM+k.secureM(planned, n.k, help))
	d.advise(v, k, max(help-dist/remaining, v.speedMPS-k.stepBrake))
}
