package sim

import "math"

// decision is one vehicle's choice of lane.
type decision struct {
	*changer
	v        *veh
	k        *kind
	l        int
	me       ref
	leader   near
	state    lcState
	waits    [3]bool // by direction + 1: it urgently wants there
	accepted bool

	vMax, laneM float64

	// of the direction considered
	dir             int
	lead, follow    near
	blocked         lcState
	currM, neighM   float64 // drivable from the begin of the segment, on this lane and the other
	off             int     // lanes to change
	toBest          bool
	usableM, placeM float64
	lookM           float64
}

// prepare lets the speed that decides how far it looks ahead decay slowly.
func (d *decision) prepare() {
	v := d.v
	if speed := float32(v.speedMPS); speed > v.aheadV {
		v.aheadV = speed
	} else {
		memory := float32(1 - (1-aheadMemory)*d.e.dt)
		v.aheadV = memory*v.aheadV + (1-memory)*speed
	}
	tr := &d.e.net.tracks[d.me.track]
	d.vMax, d.laneM = min(tr.limitMPS*float64(v.factor), d.k.maxMPS), tr.lengthM
	if w := &d.lanes[d.l]; w.last.index >= 0 {
		d.slowForBlocked(w.last)
		if w.first != w.last {
			d.slowForBlocked(w.first)
		}
	}
	v.gain = trim(v.gain)
	v.keep = trim(v.keep)
}

// trim rounds inclinations up to five digits.
func trim(x float32) float32 { return float32(math.Ceil(float64(x)*1e5) * 1e-5) }

// consider works out whether to change one lane in a direction. Most vehicles
// have no choice: what tells that is looked at first, the neighbours only when
// it matters.
func (d *decision) consider(dir int) {
	d.dir = dir
	m := d.l + dir
	d.measure(m)
	urgent := d.toBest && d.off == int(d.looks[d.l].off) && d.usableM < d.lookM*abs(float64(d.off))
	if !urgent && !d.leader.stopped && d.v.flags&hasHalt == 0 && d.mustStay() {
		d.state |= lcStay | lcStrategic
		return
	}
	d.lead, d.follow = d.aheadOn(m, d.v, d.k), d.behindOn(m, d.v, d.k)
	d.reactToStopped(dir)
	d.block()
	state := d.wants(m)
	wish := lcLeft
	if dir < 0 {
		wish = lcRight
	}
	if state&lcUrgent != 0 && state&wish != 0 {
		d.waits[dir+1] = true
	}
	d.state |= state
	if state&wish == 0 || state&lcStay != 0 {
		return
	}
	d.state |= d.blocked
	d.accepted = d.blocked == 0 && !d.hanging(m)
}

func abs(x float64) float64 { return math.Abs(x) }

// reactToStopped shortens the distance at which a change is urgent to what is
// needed to pass somebody who stands at a stop.
func (d *decision) reactToStopped(dir int) {
	switch {
	case d.off == 0 && d.leader.ok && d.leader.stopped && d.leader.gap < d.currM-d.v.posM:
		d.lookM = 0.5 * (d.k.fullM + d.leader.k.fullM + d.leader.gap)
	case d.off == dir && d.lead.ok && d.lead.stopped && d.lead.gap < d.currM-d.v.posM:
		d.lookM = d.k.fullM + d.lead.k.fullM + d.lead.gap
	}
}

// hanging reports whether the vehicle's tail still lies on the tracks before
// its lane, from where none leads to the other lane.
func (d *decision) hanging(m int) bool {
	if d.v.posM >= d.k.lengthM || d.v.came == noLink {
		return false
	}
	q := d.e.parallelLink(d.v.came, d.lanes[m].t)
	return d.e.net.links[q].lane != d.lanes[m].t
}

// wait notes that the vehicle, which stays where it is, urgently wants onto the
// lane in direction dir.
func (d *decision) wait(dir int) {
	if !d.waits[dir+1] {
		return
	}
	w := &d.lanes[d.l+dir]
	w.last = d.me
	if w.first.index < 0 {
		w.first = d.me
	}
}

// block finds out whether the gaps before and behind are safe.
func (d *decision) block() {
	e := d.e
	d.blocked = 0
	if d.follow.ok && d.follow.gap < e.secureM(d.follow.k, d.follow.speed, d.v.speedMPS, d.k.decel) {
		d.blocked |= lcBlockedFollow
	}
	if d.lead.ok && d.lead.gap < e.secureM(d.k, d.v.speedMPS, d.lead.speed, d.lead.k.decel) {
		d.blocked |= lcBlockedLead
	}
}

// measure works out the distances that decide about urgency.
func (d *decision) measure(m int) {
	e, v := d.e, d.v
	curr, neigh := &d.looks[d.l], &d.looks[m]
	d.currM, d.neighM = float64(curr.usableM), float64(neigh.usableM)
	d.off = int(curr.off)
	if d.off == 0 && neigh.off == 0 {
		d.off = d.dir
	}
	d.toBest = d.off*d.dir > 0
	d.lookM = float64(v.aheadV) * lookForwardS
	if d.dir > 0 {
		d.lookM *= lookLeftFactor
	}
	d.lookM += 2 * d.k.fullM
	drive := math.Inf(-1)
	if v.flags&hasHalt != 0 {
		if h := e.nextHalt(&e.cars[v.id]); h != nil {
			d.currM, d.neighM = max(d.currM, h.endM), max(d.neighM, h.endM)
			drive = h.endM - v.posM
		}
	}
	best := d.l + d.off
	d.usableM = max(d.currM-v.posM-d.occupied(best), drive)
	d.placeM = max(0, d.neighM-v.posM-max(d.occupied(m), d.occupied(d.l)))
}

// occupied is the length taken by vehicles on lane m and the lane it leads to.
func (d *decision) occupied(m int) float64 {
	if m < 0 || m >= len(d.lanes) {
		return 0
	}
	sum := d.e.fill[d.lanes[m].t]
	if q := d.looks[m].link; q != noLink {
		sum += d.e.fill[d.e.net.links[q].lane]
	}
	return sum
}

// wants returns what the vehicle would like to do about the lane in the
// direction in hand.
func (d *decision) wants(m int) lcState {
	v := d.v
	right := d.dir < 0
	wish, asked := lcLeft, lcAskedLeft
	if right {
		wish, asked = lcRight, lcAskedRight
	}
	if d.toBest && d.off == int(d.looks[d.l].off) && d.usableM < d.lookM*abs(float64(d.off)) {
		d.urgent(wish)
		return wish | lcStrategic | lcUrgent
	}
	if d.pastStopped(right) {
		d.currM = v.posM + d.leader.gap
		d.urgent(wish)
		return wish | lcStrategic | lcUrgent
	}
	if d.mustStay() {
		return lcStay | lcStrategic
	}
	accelerating := d.lead.ok && d.lead.accel > 0 || d.leader.ok && d.leader.accel > 0
	other := min(d.vMaxOn(m), d.expect(&d.lead, d.neighM-v.posM, d.vMaxOn(m), accelerating))
	here := min(d.vMax, d.expect(&d.leader, d.currM-v.posM, d.vMax, accelerating))
	if d.helps(asked, other, here) {
		return wish | lcHelps | lcUrgent
	}
	gain := (other - here) / max(other, gainNormMPS)
	if right && d.off == 0 && d.e.net.tracks[d.me.track].limitMPS > 80/3.6 && v.aheadV > haltMPS {
		return lcStay | lcStrategic
	}
	if s := d.forSpeed(right, other, here, gain); s != 0 {
		return s
	}
	if d.toBest && d.off == int(d.looks[d.l].off) && gain >= 0 && (right && v.gain < 0 || !right && v.gain > 0) {
		return wish | lcStrategic
	}
	return 0
}

func (d *decision) vMaxOn(m int) float64 {
	return min(d.e.net.tracks[d.lanes[m].t].limitMPS*float64(d.v.factor), d.k.maxMPS)
}

// pastStopped reports whether the vehicle should pass a leader that stands at a
// stop.
func (d *decision) pastStopped(right bool) bool {
	if !d.leader.ok || !d.leader.stopped || d.leader.gap >= stoppedSightM {
		return false
	}
	need := d.leader.gap + d.k.lengthM + d.leader.k.fullM
	return min(d.neighM, d.currM)-d.v.posM > need && (!d.lead.ok || !d.lead.stopped || d.lead.gap > need)
}

// mustStay reports whether the other lane leads away from the route too soon to
// come back.
func (d *decision) mustStay() bool {
	switch {
	case !d.toBest && d.placeM/(abs(float64(d.off))+2) < d.lookM:
		return true
	case d.off == 0 && d.placeM*2 < d.lookM:
		return true
	case d.off == 0 && !(d.leader.ok && d.leader.stopped) && d.neighM < turnLaneM:
		return true
	}
	return false
}

// expect is the speed the vehicle can hope for behind a leader, or up to the
// place where the lane ends for it.
func (d *decision) expect(lead *near, distM, vMax float64, accelerating bool) float64 {
	e, k := d.e, d.k
	var v float64
	if !lead.ok {
		v = e.stopMPS(distM, k.decel, k.tauS)
	} else if lead.gap < 0 {
		v = max(0, d.v.speedMPS-k.emergency*e.dt)
	} else {
		v = e.stopMPS(lead.gap+e.brakeM(lead.speed, max(k.decel, lead.k.decel)), k.decel, k.tauS)
	}
	if accelerating {
		v = min(v, d.v.speedMPS+k.accel)
	}
	return min(vMax, v)
}

// helps reports whether the vehicle leaves its lane because somebody before it
// wants to get there.
func (d *decision) helps(asked lcState, other, here float64) bool {
	v := d.v
	if v.lc&lcAmFollower == 0 || v.lc&asked == 0 || d.k.cooperative <= 0 {
		return false
	}
	against := -float64(v.gain) / gainLeft
	if d.dir < 0 {
		against = float64(v.gain) / gainRight
	}
	if min(1, max(here/max(other, epsMPS)-1, against)) > d.k.cooperative {
		return false
	}
	return d.toBest || d.neighM > (abs(float64(d.off))+1)*d.lookM
}

// forSpeed updates the inclinations and returns the change they lead to.
func (d *decision) forSpeed(right bool, other, here, gain float64) lcState {
	v, dt := d.v, d.e.dt
	long := d.neighM/max(0.1, v.speedMPS) > minGainS
	if right {
		if here-5/3.6 > other {
			if v.gain < 0 {
				v.gain *= float32(math.Pow(0.5, dt))
			}
		} else {
			if v.gain < 0 || gain > 0 {
				v.gain -= float32(dt * gain)
			}
			if d.keepRight() {
				return lcRight | lcKeep
			}
		}
		if v.gain < -gainRight && long {
			return lcRight | lcGain
		}
		return 0
	}
	switch {
	case here > other:
		if v.gain > 0 {
			v.gain *= float32(math.Pow(0.5, dt))
		}
	case here == other:
		if v.gain > 0 {
			v.gain *= float32(math.Pow(0.8, dt))
		}
	default:
		v.gain += float32(dt * gain)
	}
	if v.gain > gainLeft && gain > epsMPS && long {
		return lcLeft | lcGain
	}
	return 0
}

// keepRight raises the wish to go back to the right when one could drive there
// at full speed for a while.
func (d *decision) keepRight() bool {
	e, v, k := d.e, d.v, d.k
	factor := d.vMax / e.net.tracks[d.me.track].limitMPS
	accept := keepAcceptS * factor * max(1, v.speedMPS)
	gap := max(0, d.neighM-e.brakeOwnM(k, d.vMax)-d.vMax*k.tauS)
	seconds := min(accept, gap/d.vMax)
	if d.lead.ok && d.lead.speed < d.vMax {
		gap = max(0, min(gap, d.lead.gap-e.secureM(k, d.vMax, d.lead.speed, d.lead.k.decel)))
		seconds = min(seconds, gap/(d.vMax-d.lead.speed))
	}
	v.keep -= float32(e.dt * gainRight * (seconds / accept) / keepRightS)
	return v.keep < -gainRight
}
