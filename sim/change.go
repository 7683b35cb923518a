package sim

import (
	"math"
	"sync/atomic"

	"tideway/internal/parallel"
)

// Lane changing after Erdmann (Lane-changing model in SUMO, SUMO 2014): first
// the lanes the route needs, then making room for others, then speed, then the
// obligation to keep right. Vehicles of a segment decide one after the other
// from the front, and see those before them where they have gone; of other
// segments they see the state before any change of this step.

// lcState is what a vehicle wants of its lanes and what others want of it.
type lcState uint16

const (
	lcLeft lcState = 1 << iota
	lcRight
	lcStrategic // its route needs the change
	lcUrgent
	lcHelps // makes room for somebody
	lcGain  // for speed
	lcKeep  // keeps right
	lcBlockedLead
	lcBlockedFollow
	lcAmLeader   // it is in the way of somebody behind it
	lcAmFollower // somebody before it wants to its lane
	lcAskedLeft  // ... and moves left
	lcAskedRight
	lcStay

	lcWants   = lcLeft | lcRight
	lcBlocked = lcBlockedLead | lcBlockedFollow
	lcReasons = lcStrategic | lcHelps | lcGain | lcKeep
)

// lcKeepStrategic returns what a vehicle remembers of the last step.
func lcKeepStrategic(s lcState) lcState {
	if s&lcStrategic != 0 {
		return lcWants | lcReasons | lcUrgent
	}
	return 0
}

const (
	lookForwardS   = 10.0 // a change is urgent when this far ahead
	lookLeftFactor = 2.0  // farther to the left
	aheadMemory    = 0.9
	helpMPS        = 10 / 3.6
	fallBehind     = 7 / 3.6
	urgencyFactor  = 2.0
	gainLeft       = 0.2 // inclination at which a change for speed is made
	gainRight      = 2.0
	keepRightS     = 5.0
	keepAcceptS    = 7.0
	gainNormMPS    = 10.0
	turnLaneM      = 200.0
	stoppedSightM  = 100.0
	minGainS       = 20.0 // the other lane must be usable this long
)

// ref is a vehicle of the segment in hand.
type ref struct {
	track trackID
	index int32
}

// near is a vehicle around the one that decides.
type near struct {
	ok, local  bool // local: on the same segment, so that it can be asked for something
	stopped    bool
	lc         lcState
	at         ref     // if local
	track      trackID // if not
	id         carID
	k          *kind
	speed, gap float64
	accel      float64
	factor     float32 // its desired speed over the limit
}

// laneCursor walks through one lane of the segment in hand.
type laneCursor struct {
	t           trackID
	tr          *track
	at          int32   // first vehicle that has not decided
	vs          []veh   // all of them
	headM       float64 // where the first that has not decided is
	aheadM      float64 // length taken by those that have decided
	first, last ref     // first and last vehicle that urgently wants onto this lane
}

// pass leaves a vehicle that has decided behind on the lane it is on now.
func (w *laneCursor) pass(k *kind) {
	w.at++
	w.aheadM += k.fullM
}

// head looks where the first vehicle that has not decided is.
func (w *laneCursor) head() {
	w.headM = math.Inf(-1)
	if int(w.at) < len(w.vs) {
		w.headM = w.vs[w.at].posM
	}
}

// changer decides the lane changes of a range of segments.
type changer struct {
	decision
	fresh []trackID // lanes that were empty before
}

// trackEnds is the first and last vehicle of a track, frozen while lanes are
// changed.
type trackEnds struct {
	at                    trackID
	any                   bool
	frontM, frontMPS      float64
	frontKind             kindID
	frontLink             linkID
	backM, backMPS        float64
	backKind              kindID
	came                  linkID
	frontID, backID       carID
	frontHalts, backHalts bool // they stand at a stop
	frontAsks, backAsks   bool // they have asked to pass the end of the track
	frontAccel, backAccel float32
	frontFactor           float32
	backLC                lcState
	backFactor            float32
}

// changeLanes freezes what segments see of each other and lets all vehicles
// decide.
func (e *Engine) changeLanes() {
	e.collect()
	e.collectWide()
	if len(e.active.wide) == 0 {
		return
	}
	e.each(e.frozen)
	e.eachWide(e.change)
	for i := range e.changers {
		e.changers[i].deliver()
	}
}

func (e *Engine) freezeShard(s parallel.Shard) {
	for _, t := range e.active.tracks[s.Begin:s.End] {
		if e.net.nearWide[t] {
			e.freeze(t)
		}
	}
}

func (e *Engine) changeShard(s parallel.Shard) {
	c := &e.changers[s.Index]
	for _, b := range e.active.wide[s.Begin:s.End] {
		c.bundle(e.net.bundles[b])
	}
}

// freeze notes the ends of a track and the length its vehicles take.
func (e *Engine) freeze(t trackID) {
	vs, x := e.road[t], &e.ends[t]
	f, b := &vs[0], &vs[len(vs)-1]
	bk := &e.kinds[b.kind]
	x.any, x.frontM, x.frontMPS, x.frontKind = true, f.posM, f.speedMPS, f.kind
	x.backM, x.backMPS, x.backKind, x.came, x.backHalts, x.backLC = b.posM-bk.lengthM, b.speedMPS, b.kind, b.came, b.flags&stopped != 0, b.lc
	x.frontLink, x.frontFactor, x.backFactor, x.frontAccel, x.backAccel = f.next, f.factor, b.factor, f.accel, b.accel
	x.at, x.frontID, x.backID = t, f.id, b.id
	x.frontHalts, x.frontAsks, x.backAsks = f.flags&stopped != 0, f.asks&1 != 0, b.asks&1 != 0
}

// bundle lets the vehicles of a bundle decide, from the front.
func (c *changer) bundle(b bundle) {
	e := c.e
	none := ref{index: -1}
	if int(b.count) > cap(c.lanes) {
		c.lanes, c.inside = make([]laneCursor, b.count), make([]laneLook, b.count)
	}
	c.lanes = c.lanes[:b.count]
	cursors, total := c.lanes, 0
	for l := range cursors {
		w, t := &cursors[l], b.first+trackID(l)
		w.t, w.tr, w.vs, w.at, w.aheadM, w.first, w.last = t, &e.net.tracks[t], e.road[t], 0, 0, none, none
		w.head()
		total += len(w.vs)
	}
	for range total {
		best, bestM := 0, cursors[0].headM
		for l := 1; l < len(cursors); l++ {
			if at := cursors[l].headM; at > bestM {
				best, bestM = l, at
			}
		}
		w := &cursors[best]
		c.vehicle(w, best)
		w.head()
	}
}

// vehicle lets the first undecided vehicle of lane l, which w walks through,
// decide.
func (c *changer) vehicle(w *laneCursor, l int) {
	v := &w.vs[w.at]
	v.flags &^= changed
	k := &c.e.kinds[v.kind]
	if v.flags&stopped != 0 {
		w.pass(k)
		return
	}
	c.v, c.k, c.w, c.l, c.me = v, k, w, l, ref{w.t, w.at}
	if w.last.index >= 0 {
		c.letIn()
	}
	c.leaderHalts = c.leaderStopped()
	if v.flags&(laneFixed|hasHalt) == laneFixed && !c.leaderHalts {
		c.rest()
		return
	}
	if c.looks = c.e.looks.lanes[v.look : int(v.look)+len(c.lanes)]; w.tr.inner() {
		c.lookBehind()
	}
	if v.speedMPS < haltMPS && c.hemmed() {
		c.rest()
		return
	}
	c.prepare()
	switch {
	case c.isOpen(l-1) && c.consider(-1):
		c.move(l, l-1)
	case c.isOpen(l+1) && c.consider(1):
		c.move(l, l+1)
	default:
		c.stay()
		w.pass(k)
	}
}

// lookBehind finds what the tracks of a bundle inside a junction lead the vehicle to:
// to what the lanes behind it do, counted from the begin of those.
func (c *changer) lookBehind() {
	c.looks = c.inside[:len(c.lanes)]
	next := c.e.pathLook[c.v.path+1]
	for i := range c.looks {
		out := c.lanes[i].tr.out
		c.looks[i] = c.e.looks.lanes[next+lookID(c.e.net.tracks[c.e.net.links[out].to].lane)]
		c.looks[i].link = out
	}
}

// recall lets the speed that decides how far a vehicle looks ahead for lanes decay
// slowly, once for each lane beside it: as in SUMO, every look aside is one.
func (v *veh) recall(memory float32) {
	if speed := float32(v.speedMPS); speed > v.aheadV {
		v.aheadV = speed
	} else {
		v.aheadV = memory*v.aheadV + (1-memory)*speed
	}
}

// rest settles a vehicle that has nothing to decide.
func (c *changer) rest() {
	v := c.v
	for _, m := range [2]int{c.l - 1, c.l + 1} {
		if c.isOpen(m) {
			v.recall(c.e.memory)
		}
	}
	v.lc &= lcAmLeader | lcAmFollower | lcAskedLeft | lcAskedRight
	v.flags &^= laneBlock
	c.w.pass(c.k)
}

// move puts the vehicle onto the neighbouring lane.
func (c *changer) move(l, m int) {
	e := c.e
	from, to := &c.lanes[l], &c.lanes[m]
	v := from.vs[from.at]
	v.lc, v.gain, v.keep, v.aheadV, v.advice, v.leaveM, v.leftM = 0, 0, 0, 0, adviceNone, 0, 0
	v.flags = v.flags&^laneBlock | changed
	v.came = e.parallelLink(v.came, to.t)
	e.settle(&v, &e.net.tracks[to.t])
	e.markTail(v.came, v.posM-e.kinds[v.kind].lengthM)
	copy(from.vs[from.at:], from.vs[from.at+1:])
	from.vs = from.vs[:len(from.vs)-1]
	to.vs = append(to.vs, veh{})
	copy(to.vs[to.at+1:], to.vs[to.at:])
	to.vs[to.at] = v
	e.road[from.t], e.road[to.t] = from.vs, to.vs
	if !e.active.listed[to.t] {
		e.active.listed[to.t] = true
		c.fresh = append(c.fresh, to.t)
	}
	e.noteStanding(&v, to.t)
	to.pass(&e.kinds[v.kind])
}

// parallelLink returns the link onto lane t that runs beside link q, from the
// same segment; q itself when there is none.
func (e *Engine) parallelLink(q linkID, t trackID) linkID {
	if q == noLink {
		return q
	}
	n := e.net
	seg := n.tracks[n.links[q].from].seg
	for i := n.into[t]; i < n.intoEnd[t]; i++ {
		if p := n.intoLinks[i]; n.tracks[n.links[p].from].seg == seg {
			return p
		}
	}
	return q
}

// aheadOn finds the leader the vehicle has, or would have on lane l: the last
// of those that have decided, else the tail of one beyond, else the last
// vehicle on the way ahead.
func (d *decision) aheadOn(l int, v *veh, k *kind, out *near) {
	e := d.e
	w := &d.lanes[l]
	if w.at > 0 {
		f := &w.vs[w.at-1]
		fk := &e.kinds[f.kind]
		d.local(out, ref{w.t, w.at - 1}, f, fk, f.posM-fk.lengthM-v.posM-k.gapM)
		return
	}
	out.ok, out.stopped, out.lc, out.accel, out.gap = false, false, 0, 0, math.Inf(1)
	if !w.tr.inner() && w.tr.lengthM-v.posM > k.brakeM(v.speedMPS)+v.speedMPS*(k.tauS+e.dt)+k.gapM+e.longestM {
		return
	}
	if x, back := e.frozenTail(w.t, 0); x != nil {
		d.frozenBack(out, x, back-v.posM-k.gapM)
		return
	}
	d.beyond(l, v, k, out, false)
}

// frozenTail is tail, as of before the lane changes of this step.
func (e *Engine) frozenTail(t trackID, depth int) (best *trackEnds, bestM float64) {
	tr := &e.net.tracks[t]
	bestM = tr.lengthM
	if atomic.LoadInt32(&e.hung[t]) < int32(e.tick)-1 {
		return nil, bestM // others may mark it now, for whoever has just changed: not frozen
	}
	for q := tr.out; q < tr.outEnd; q++ {
		to := e.net.links[q].to
		x, back := e.frozenOver(q)
		if x == nil && !e.ends[to].any && depth < 4 && e.net.tracks[to].lengthM < e.longestM && e.net.intoEnd[to]-e.net.into[to] == 1 {
			x, back = e.frozenTail(to, depth+1)
		}
		if x != nil && back < 0 && tr.lengthM+back < bestM {
			best, bestM = x, tr.lengthM+back
		}
	}
	return best, bestM
}

// frozenOver is lyingOver, as of before the lane changes of this step.
func (e *Engine) frozenOver(q linkID) (f *trackEnds, backM float64) {
	first, last := e.net.beside(e.net.links[q].to)
	for t := first; t <= last; t++ {
		if x := &e.ends[t]; x.any && x.came == q && (f == nil || x.backM < backM) {
			f, backM = x, x.backM
		}
	}
	return f, backM
}

// beyond looks for a leader on the tracks behind the end of lane l, as far as
// the vehicle's braking distance, over junctions that begin within it, and no
// farther than a closed link or the first lane that leads elsewhere. If critical, only
// who is too near counts.
func (d *decision) beyond(l int, v *veh, k *kind, out *near, critical bool) bool {
	e := d.e
	q := d.looks[l].link
	seen := d.lanes[l].tr.lengthM - v.posM
	sight := k.brakeM(v.speedMPS) + v.speedMPS*k.tauS + k.gapM + v.speedMPS*e.dt
	inner, streets := d.lanes[l].tr.inner(), int32(0)
	for q != noLink && (inner || seen <= sight) {
		link := &e.net.links[q]
		if link.role == entryLink && isClosed(e.state(link)) {
			break
		}
		if inner && d.crosser(link, seen, k, out) && (!critical || d.tooNear(out)) {
			return true
		}
		if x, back := e.frozenLast(link.to); x != nil {
			if d.frozenBack(out, x, seen+back-k.gapM); !critical || d.tooNear(out) {
				return true
			}
		}
		tr := &e.net.tracks[link.to]
		seen += tr.lengthM
		if inner = tr.inner(); inner {
			q = tr.out
			continue
		}
		streets++
		q = e.linkAfter(v, streets, tr)
	}
	return false
}

// tooNear reports whether the vehicle could not follow a leader safely.
func (d *decision) tooNear(n *near) bool {
	return n.gap < d.k.secureM(d.v.speedMPS, n.k, n.speed)
}

// crosser finds the vehicle that comes next, his braking distance counted, of those on
// tracks that meet the inner track which link l ends, seen ahead. Of a track the first
// and the last are looked at, and a tail over it.
func (d *decision) crosser(l *link, seen float64, k *kind, out *near) bool {
	e, found := d.e, false
	nearest := math.Inf(1)
	take := func(x *meeting, f foe, mps float64, accel, factor float32, lc lcState, at trackID, id carID) {
		if !e.concerns(l, x, seen-x.beforeEndM, math.Inf(1), k, &f) {
			return
		}
		if gap := f.gap + f.k.brakeM(mps); gap < nearest || !found {
			nearest, found = gap, true
			out.ok, out.local, out.stopped, out.lc = true, false, f.halts, lc
			out.k, out.speed, out.gap, out.accel, out.factor = f.k, mps, f.gap, float64(accel), factor
			out.track, out.id = at, id
		}
	}
	for i := l.meets; i < l.meetsEnd; i++ {
		x := &e.net.meets[i]
		if seen-x.beforeEndM+x.sizeM+k.lengthM < 0 && !x.merge {
			continue
		}
		if t := &e.ends[x.foe]; t.any {
			fk, bk := &e.kinds[t.frontKind], &e.kinds[t.backKind]
			take(x, foe{k: bk, backM: t.backM, front: true, halts: t.backHalts, asks: t.backAsks}, t.backMPS, t.backAccel, t.backFactor, t.backLC, t.at, t.backID)
			if t.frontM-fk.lengthM != t.backM {
				take(x, foe{k: fk, backM: t.frontM - fk.lengthM, front: true, halts: t.frontHalts, asks: t.frontAsks}, t.frontMPS, t.frontAccel, t.frontFactor, 0, t.at, t.frontID)
			}
		}
		if t, backM := e.frozenTail(x.foe, 0); t != nil {
			take(x, foe{k: &e.kinds[t.backKind], backM: backM, halts: t.backHalts}, t.backMPS, t.backAccel, t.backFactor, t.backLC, t.at, t.backID)
		}
	}
	return found
}

// frozenLast is last, as of before the lane changes of this step.
func (e *Engine) frozenLast(t trackID) (*trackEnds, float64) {
	if x := &e.ends[t]; x.any {
		return x, x.backM
	}
	return e.frozenTail(t, 0)
}

// linkAfter returns the link that a vehicle takes at the end of a lane so many
// streets ahead on its route, noLink where its way ends.
func (e *Engine) linkAfter(v *veh, streets int32, lane *track) linkID {
	if c := &e.cars[v.id]; c.at+streets >= c.path.count-1 {
		return noLink
	}
	return e.looks.lanes[e.pathLook[v.path+streets]+lookID(lane.lane)].link
}

// frozenBack and local set their fields one by one: a literal is built elsewhere
// and copied, and the copy waits for the stores.
func (d *decision) frozenBack(out *near, x *trackEnds, gap float64) {
	out.ok, out.local, out.stopped, out.lc = true, false, x.backHalts, x.backLC
	out.k, out.speed, out.gap, out.accel, out.factor = &d.e.kinds[x.backKind], x.backMPS, gap, float64(x.backAccel), x.backFactor
	out.track, out.id = x.at, x.backID
}

func (d *decision) local(out *near, at ref, f *veh, fk *kind, gap float64) {
	out.ok, out.local, out.stopped, out.lc = true, true, f.flags&stopped != 0, f.lc
	out.at, out.k, out.speed, out.gap, out.accel, out.factor = at, fk, f.speedMPS, gap, float64(f.accel), f.factor
}

// behindOn finds the follower the vehicle would have on lane m.
func (d *decision) behindOn(m int, v *veh, k *kind, out *near) {
	w := &d.lanes[m]
	if int(w.at) < len(w.vs) {
		f := &w.vs[w.at]
		fk := &d.e.kinds[f.kind]
		d.local(out, ref{w.t, w.at}, f, fk, v.posM-k.lengthM-f.posM-fk.gapM)
		return
	}
	out.ok, out.gap = false, math.Inf(1)
	d.upstream(w.t, v.posM-k.lengthM, 0, v, out)
}

// upstream looks for the follower that lacks most of its safe gap on the tracks
// that lead to t. Who stands at a red light there is none, unless the vehicle's tail, distM
// from the begin of t, would lie before it.
func (d *decision) upstream(t trackID, distM float64, depth int, v *veh, out *near) {
	e, n := d.e, d.e.net
	for i := n.into[t]; i < n.intoEnd[t]; i++ {
		q := n.intoLinks[i]
		from := n.links[q].from
		if distM >= 0 && n.links[q].role == entryLink && e.state(&n.links[q]) == 'r' {
			continue
		}
		x := &e.ends[from]
		if x.any {
			fk := &e.kinds[x.frontKind]
			gap := distM + n.tracks[from].lengthM - x.frontM - fk.gapM
			need := fk.secureM(x.frontMPS, &e.kinds[v.kind], v.speedMPS)
			if (x.frontLink == q || distM < 0) && (!out.ok || gap-need < out.gap-out.k.secureM(out.speed, &e.kinds[v.kind], v.speedMPS)) {
				*out = near{ok: true, k: fk, speed: x.frontMPS, gap: gap, track: from, id: x.frontID}
			}
		} else if far := distM + n.tracks[from].lengthM; far < upstreamM && depth < 4 {
			d.upstream(from, far, depth+1, v, out)
		}
	}
}
