package sim

import (
	"math"

	"tideway/geo"
)

// decision is one vehicle's choice of lane.
type decision struct {
	e         *Engine
	lanes     []laneCursor // of the bundle in hand
	looks     []laneLook   // what they lead the vehicle to
	inside    []laneLook   // the same inside a junction
	v         *veh
	k         *kind
	l         int
	w         *laneCursor // its lane
	me        ref
	state     lcState
	waits     [3]bool // by direction + 1: it urgently wants there
	vMax      float64 // desired speed on its lane
	leader    near
	hasLeader bool // leader is worked out

	leaderHalts bool // the vehicle right before it stands at a stop
	pleas       []plea

	roomMPS, atRoomM float64 // what roomM returned last

	// of the direction considered
	dir           int
	side          *laneCursor // the other lane
	curr, neigh   *laneLook   // what this and the other lane lead to
	urgentNow     bool        // the route needs the change soon
	lead, follow  near
	blocked       lcState
	currM, neighM float64 // drivable from the begin of the segment, on this lane and the other
	off           int     // lanes to change
	toBest        bool
	lookM         float64 // a change is urgent when less is left
	behindMPS     float64 // speed so as not to pass, on the right, who is to the left; infinite: nobody
	dodges        bool    // goes left rather than brake for him
}

// letIn makes room for those who wait before the vehicle to get onto its lane.
func (d *decision) letIn() {
	d.slowForBlocked(d.w.last)
	if d.w.first != d.w.last {
		d.slowForBlocked(d.w.first)
	}
}

// prepare clears what is worked out when it matters.
func (d *decision) prepare() {
	d.state, d.waits, d.hasLeader, d.roomMPS = 0, [3]bool{}, false, -1
	d.curr = &d.looks[d.l]
	d.vMax = d.k.desiredMPS(d.w.tr.limitMPS, d.v.factor)
}

// stay settles what a vehicle that keeps its lane still wants.
func (d *decision) stay() {
	v := d.v
	v.lc = v.lc&(lcAmLeader|lcAmFollower|lcAskedLeft|lcAskedRight) | d.state&^lcStay
	v.flags &^= laneBlock
	if d.state&lcUrgent == 0 {
		return
	}
	d.wait(-1)
	d.wait(1)
	if d.state&lcStrategic != 0 {
		v.flags |= laneBlock
	}
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

// consider reports whether the vehicle changes one lane in a direction. Most
// vehicles have no choice: what tells that is looked at first, the neighbours
// only when they matter.
func (d *decision) consider(dir int) bool {
	m := d.l + dir
	d.v.recall(d.e.memory)
	d.dir, d.side, d.neigh = dir, &d.lanes[m], &d.looks[m]
	if d.behindMPS, d.dodges = math.Inf(1), false; dir > 0 && d.keepsRight() {
		d.stayBehind(m)
	}
	if d.curr.off == 0 {
		if d.v.speedMPS < haltMPS && d.shutOut(dir) {
			return false
		}
		if d.turnsOff() {
			d.state |= lcStay | lcStrategic
			return false
		}
	}
	d.measure()
	if d.urgentNow = d.isUrgent(); !d.urgentNow {
		if !d.leaderHalts && d.v.flags&hasHalt == 0 && d.mustStay(m) {
			d.state |= lcStay | lcStrategic
			return false
		}
		if dir > 0 && d.atEase() {
			return false
		}
	}
	d.aheadOn(m, d.v, d.k, &d.lead)
	if d.minds(dir) {
		d.urgentNow = d.isUrgent()
	}
	d.follow.k = nil
	state := d.wants(m)
	wish := lcLeft
	if dir < 0 {
		wish = lcRight
	}
	d.state |= state
	if state&wish == 0 || state&lcStay != 0 {
		return false
	}
	d.waits[dir+1] = state&lcUrgent != 0
	d.block(m)
	var n near
	if d.blocked == 0 && d.lead.local && d.beyond(m, d.v, d.k, &n, true) {
		d.blocked |= lcBlockedLead // a leader on the lane hides nobody beyond it
	}
	d.state |= d.blocked
	return d.blocked == 0 && d.v.posM <= d.side.tr.lengthM && !d.besideTail()
}

// isUrgent reports whether the route needs a change in the direction in hand
// soon.
func (d *decision) isUrgent() bool {
	return d.toBest && d.off == int(d.curr.off) && d.runsOut()
}

// runsOut reports whether less is left of what can be driven, after the
// vehicles there, than one looks ahead.
func (d *decision) runsOut() bool {
	need := d.lookM * math.Abs(float64(d.off))
	if d.v.flags&hasHalt != 0 {
		if h := d.e.nextHalt(d.v.id); h != nil && h.endM-d.v.posM >= need {
			return false
		}
	}
	return d.occupies(d.l+d.off, d.currM-d.v.posM-need)
}

// leaderStopped reports whether the vehicle right before it stands at a stop.
func (d *decision) leaderStopped() bool {
	if w := d.w; w.at > 0 {
		return w.vs[w.at-1].flags&stopped != 0
	}
	if d.v.next == noLink {
		return false
	}
	x := &d.e.ends[d.e.net.links[d.v.next].lane]
	return x.any && x.backHalts
}

// keepsRight reports whether the vehicle may not pass others on their right: above 60
// km/h on lanes that allow more, where traffic is not congested.
func (d *decision) keepsRight() bool {
	return d.v.speedMPS >= 60/3.6 && d.w.tr.limitMPS >= 60.1/3.6 && d.k.class != geo.Emergency
}

// stayBehind slows the vehicle so as not to pass a slower one on lane m, to its left, and
// inclines it to that lane shortly before it must brake for that.
func (d *decision) stayBehind(m int) {
	v, k, n := d.v, d.k, &d.lead
	d.measure()
	d.aheadOn(m, v, k, n)
	if !n.ok || d.isUrgent() {
		return
	}
	slower := larger(d.vMax-n.k.desiredMPS(d.side.tr.limitMPS, n.factor), v.speedMPS-n.speed)
	if slower <= 0 {
		return
	}
	followMPS := func(gapM float64) float64 {
		return k.follow(v.speedMPS, gapM, n.speed, k.behind(n.k, n.speed), k.topMPS(v.speedMPS))
	}
	safe := followMPS(n.gap)
	if least := k.floorMPS(v.speedMPS); safe < least {
		safe = larger(least, n.speed-helpMPS)
	}
	if v.gain < gainLeft {
		safe = larger(safe, n.speed)
	}
	d.behindMPS = safe
	d.advise(v, k, safe)
	if followMPS(n.gap-8*slower) < safe {
		v.gain += float32(d.e.dt * slower / larger(d.vMax, gainNormMPS))
		d.dodges = true
	}
}

// mindLeader works out the vehicle's leader, once.
func (d *decision) mindLeader() {
	if !d.hasLeader {
		d.aheadOn(d.l, d.v, d.k, &d.leader)
		d.hasLeader = true
	}
}

// atEase reports whether a vehicle considering the left has nothing to gain
// there: nobody asked it to go, and nobody before it slows it down.
func (d *decision) atEase() bool {
	v := d.v
	if v.gain != 0 || d.behindMPS < d.vMax || v.lc&lcAmFollower != 0 || d.toBest && d.off == int(d.curr.off) {
		return false
	}
	d.mindLeader()
	if !d.leader.ok {
		return d.vMax <= v.speedMPS && d.currM-v.posM > d.roomM(d.vMax)
	}
	return d.leader.accel <= 0 && d.leader.gap+d.k.behind(d.leader.k, d.leader.speed) > d.roomM(d.vMax)
}

// roomM returns the gap, with the braking distance of the leader, beyond which
// one drives at mps. It is mostly asked for the same speed again.
func (d *decision) roomM(mps float64) float64 {
	if mps != d.roomMPS {
		d.roomMPS, d.atRoomM = mps, mps*d.k.tauS+d.k.brakeM(mps)+epsM
	}
	return d.atRoomM
}

// isOpen reports whether there is a lane m that the vehicle may use.
func (d *decision) isOpen(m int) bool {
	return uint(m) < uint(len(d.lanes)) && d.lanes[m].tr.open(d.k)
}

// hemmed reports whether a vehicle that stands on one of the best lanes has others
// before it wherever it could go, and decides nothing until they have gone on.
func (d *decision) hemmed() bool {
	return d.looks[d.l].off == 0 && (!d.isOpen(d.l-1) || d.shutOut(-1)) && (!d.isOpen(d.l+1) || d.shutOut(1))
}

// shutOut reports whether a standing vehicle that its route does not send to the lane in
// direction dir need not think about it: it is not inclined to go, nobody asks it to, and
// a vehicle before it lies beside it there, so that nothing is to be gained.
func (d *decision) shutOut(dir int) bool {
	v, w := d.v, &d.lanes[d.l+dir]
	if w.at == 0 || d.leaderHalts || v.lc&lcAmFollower != 0 || float32(dir)*v.gain > 0 {
		return false
	}
	f := &w.vs[w.at-1]
	return f.posM-d.e.kinds[f.kind].lengthM < v.posM+d.k.gapM
}

// turnsOff is what mustStay comes to on one of the best lanes beside one that
// leads elsewhere soon.
func (d *decision) turnsOff() bool {
	return d.neigh.off != 0 && d.neigh.usableM < turnLaneM && d.v.flags&hasHalt == 0 && !d.leaderHalts
}

// minds works out the leader, and shortens the distance at which a change is
// urgent to what is needed to pass somebody who stands at a stop; it reports
// whether it did.
func (d *decision) minds(dir int) bool {
	d.mindLeader()
	switch {
	case d.off == 0 && d.leader.ok && d.leader.stopped && d.leader.gap < d.currM-d.v.posM:
		d.lookM = 0.5 * (d.k.fullM + d.leader.k.fullM + d.leader.gap)
	case d.off == dir && d.lead.ok && d.lead.stopped && d.lead.gap < d.currM-d.v.posM:
		d.lookM = d.k.fullM + d.lead.k.fullM + d.lead.gap
	default:
		return false
	}
	return true
}

// besideTail reports whether the tail of a vehicle beyond the end of the
// segment could come to lie where the vehicle would drive on the other lane: that one
// may change lanes in the same step, and takes its tail along. It goes first.
func (d *decision) besideTail() bool {
	beyond := d.side.tr.lengthM - d.v.posM
	return beyond < d.e.longestM && d.e.tailReaches(d.side.t, beyond, 0)
}

// tailReaches reports whether a vehicle on a segment with several lanes that
// track t leads to, farM beyond, lies so far back over the begin of its lane
// that it would reach there from that track as well.
func (e *Engine) tailReaches(t trackID, farM float64, depth int) bool {
	tr := &e.net.tracks[t]
	for q := tr.out; q < tr.outEnd; q++ {
		to := e.net.links[q].to
		if b := e.net.bundles[e.net.bundleOf[to]]; b.wide() {
			for l := range b.count {
				if x := &e.ends[b.first+trackID(l)]; x.any && x.backM < -farM+epsM {
					return true
				}
			}
		}
		if far := farM + e.net.tracks[to].lengthM; far < e.longestM && depth < 4 && e.tailReaches(to, far, depth+1) {
			return true
		}
	}
	return false
}

// block finds the follower on lane m and whether the gaps before and behind
// are safe; once per direction.
func (d *decision) block(m int) {
	if d.follow.k != nil {
		return
	}
	d.blocked = 0
	d.follow.k = d.k
	d.behindOn(m, d.v, d.k, &d.follow)
	if d.follow.ok && d.follow.gap < d.follow.k.secureM(d.follow.speed, d.k, d.v.speedMPS) {
		d.blocked |= lcBlockedFollow
	}
	if d.lead.ok && d.tooNear(&d.lead) {
		d.blocked |= lcBlockedLead
	}
}

// measure works out the distances that decide about urgency.
func (d *decision) measure() {
	v, curr, neigh := d.v, d.curr, d.neigh
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
	if v.flags&hasHalt != 0 {
		if h := d.e.nextHalt(v.id); h != nil {
			d.currM, d.neighM = max(d.currM, h.endM), max(d.neighM, h.endM)
		}
	}
}

// occupies reports whether the vehicles before the own one on lane m, and all on the
// lanes it leads onto, take more than roomM.
func (d *decision) occupies(m int, roomM float64) bool {
	if uint(m) >= uint(len(d.lanes)) {
		return roomM < 0
	}
	sum, fill := d.lanes[m].aheadM, d.e.fill
	if sum > roomM {
		return true
	}
	for _, t := range &d.e.looks.onward[d.looks[m].onward] { // a copy without the &
		if t == noTrack {
			return false
		}
		if sum += fill[t]; sum > roomM {
			return true
		}
	}
	return false
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
	if d.urgentNow {
		d.block(m)
		d.urgent(wish)
		return wish | lcStrategic | lcUrgent
	}
	if d.pastStopped() {
		d.currM = v.posM + d.leader.gap
		d.block(m)
		d.urgent(wish)
		return wish | lcStrategic | lcUrgent
	}
	if (d.leaderHalts || v.flags&hasHalt != 0) && d.mustStay(m) {
		return lcStay | lcStrategic
	}
	accelerating := d.lead.ok && d.lead.accel > 0 || d.leader.ok && d.leader.accel > 0
	vOther := d.vMax
	if d.side.tr.limitMPS != d.w.tr.limitMPS {
		vOther = d.k.desiredMPS(d.side.tr.limitMPS, v.factor)
	}
	other := d.expect(&d.lead, d.neighM-v.posM, vOther, accelerating)
	here := smaller(d.behindMPS, d.expect(&d.leader, d.currM-v.posM, d.vMax, accelerating))
	if v.lc&lcAmFollower != 0 && v.lc&asked != 0 && d.helps(other, here) {
		return wish | lcHelps | lcUrgent
	}
	gain := (other - here) / larger(other, gainNormMPS)
	if right && d.off == 0 && d.w.tr.limitMPS > 80/3.6 && v.aheadV > haltMPS {
		return lcStay | lcStrategic
	}
	if s := d.forSpeed(right, other, here, gain); s != 0 {
		return s
	}
	if d.toBest && d.off == int(d.curr.off) && gain >= 0 && (right && v.gain < 0 || !right && v.gain > 0) {
		return wish | lcStrategic
	}
	return 0
}

// pastStopped reports whether the vehicle should pass a leader that stands at a
// stop.
func (d *decision) pastStopped() bool {
	if !d.leader.ok || !d.leader.stopped || d.leader.gap >= stoppedSightM || d.dir < 0 && d.keepsRight() {
		return false
	}
	need := d.leader.gap + d.k.lengthM + d.leader.k.fullM
	return smaller(d.neighM, d.currM)-d.v.posM > need && (!d.lead.ok || !d.lead.stopped || d.lead.gap > need)
}

// mustStay reports whether lane m leads away from the route too soon to come
// back.
func (d *decision) mustStay(m int) bool {
	if d.off == 0 && d.neighM < turnLaneM && !d.leaderHalts {
		return true
	}
	if d.toBest {
		return false
	}
	roomM := d.neighM - d.v.posM - d.lookM*(math.Abs(float64(d.off))+2)
	return roomM < 0 || d.occupies(m, roomM) || d.occupies(d.l, roomM)
}

// expect is the speed the vehicle can hope for behind a leader, or up to the
// place where the lane ends for it, at most vMax.
func (d *decision) expect(lead *near, distM, vMax float64, accelerating bool) float64 {
	k := d.k
	if accelerating {
		vMax = smaller(vMax, d.v.speedMPS+k.accel)
	}
	gap := distM
	if lead.ok {
		if lead.gap < 0 {
			return smaller(vMax, k.hardMPS(d.v.speedMPS))
		}
		gap = lead.gap + k.behind(lead.k, lead.speed)
	}
	if gap > d.roomM(vMax) {
		return vMax
	}
	return smaller(vMax, k.holdMPS(gap, k.tauS))
}

// helps reports whether the vehicle, asked by somebody before it who wants to
// its lane, leaves that.
func (d *decision) helps(other, here float64) bool {
	v := d.v
	if d.k.cooperative <= 0 {
		return false
	}
	against := -float64(v.gain) / gainLeft
	if d.dir < 0 {
		against = float64(v.gain) / gainRight
	}
	if min(1, max(here/max(other, epsMPS)-1, against)) > d.k.cooperative {
		return false
	}
	return d.toBest || d.neighM > (math.Abs(float64(d.off))+1)*d.lookM
}

// forSpeed updates the inclinations and returns the change they lead to.
func (d *decision) forSpeed(right bool, other, here, gain float64) lcState {
	v, dt := d.v, d.e.dt
	long := d.neighM > minGainS*larger(0.1, v.speedMPS)
	if right {
		if here-5/3.6 > other {
			if v.gain < 0 {
				v.gain *= float32(d.e.halfLife)
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
			v.gain = trim(v.gain * float32(d.e.halfLife))
		}
	case here == other:
		if v.gain > 0 {
			v.gain = trim(v.gain * float32(d.e.slowDecay))
		}
	default:
		v.gain += float32(dt * gain)
	}
	if v.gain > gainLeft && (gain > epsMPS || d.dodges) && long {
		return lcLeft | lcGain
	}
	return 0
}

// trim cuts small inclinations to nothing.
func trim(x float32) float32 {
	if x < 1e-3 {
		return 0
	}
	return x
}

// keepRight raises the wish to go back to the right when one could drive there
// at full speed for a while.
func (d *decision) keepRight() bool {
	v, k := d.v, d.k
	factor := d.vMax / d.w.tr.limitMPS
	accept := keepAcceptS * factor * larger(1, v.speedMPS)
	gap := larger(0, d.neighM-k.brakeM(d.vMax)-d.vMax*k.tauS)
	seconds := smaller(accept, gap/d.vMax)
	if d.lead.ok && d.lead.speed < d.vMax {
		gap = larger(0, smaller(gap, d.lead.gap-k.secureM(d.vMax, d.lead.k, d.lead.speed)))
		seconds = smaller(seconds, gap/(d.vMax-d.lead.speed))
	}
	v.keep -= float32(d.e.dt * gainRight * (seconds / accept) / keepRightS)
	return v.keep < -gainRight
}
