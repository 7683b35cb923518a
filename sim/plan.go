package sim

import "sync/atomic"

const (
	maxItems     = 20
	stopLineM    = 1.0 // a vehicle halts this far before a red signal
	nearM        = 4.5 // from here on one sees who comes on the streets one gives way to
	marginM      = 0.1
	clearLengths = 5 // junctions are kept clear looking this many vehicle lengths beyond
	yellowDecel  = 3.0
	blockedS     = 5.0 // a vehicle that stands this long inside a junction blocks it
)

// item is one link, or the end of the way, on a vehicle's path of the next
// seconds: how fast it may drive if it passes, and if it has to wait before it.
type item struct {
	link    linkID // noLink: the way ends here
	request bool
	timed   bool // the fields from arriveS to leave are set
	open    bool // the way goes on, out of sight
	yields  bool // to a link at which one gives way
	stops   bool // whoever waits stops at stopM: not worked out yet
	passMPS float64
	waitMPS float64 // at most; planner.waitMPS tells
	wantMPS float64 // what it would drive
	stopM   float64 // where it would stop
	seenM   float64 // from the front bumper to the link
	arriveS float64
	fromMPS float64 // speed of arrival
	brake   float64 // speed of arrival when braking from now on
	leave   float64 // speed when leaving the inner track
	spaceM  float64 // free road behind it
}

// planner works out the next speed of vehicles, one after the other.
type planner struct {
	e     *Engine
	shard int
	items [maxItems]item
	n     int
	late  []pending // vehicles whose way depends on others' approaches
	kept  []item
	far   []distant // vehicles that are announced only where somebody asks

	// of the vehicle in hand
	v      *veh
	k      *kind
	t      trackID
	shares roadShares
	brakeM float64 // to stop from its present speed

	relied    bool // the last decision relied on nobody's coming
	afar      bool // the vehicles in hand are distant ones
	mustLeave bool // a link ahead leads into a junction that must not be entered unless it can be left
}

// pending is a vehicle that must see others' approaches before it decides.
type pending struct {
	track trackID
	index int32
	n     int32
	first int32 // of its items in planner.kept
}

// roadShares is the way ahead in terms of streets and junctions.
type roadShares struct{ streetM, innerM float64 }

// track plans all vehicles of a track, front to back.
func (p *planner) track(t trackID) {
	e := p.e
	vs, kinds := e.road[t], e.kinds
	tr := &e.net.tracks[t]
	p.t = t
	var lead *veh
	var leadKind *kind
	for i := range vs {
		v := &vs[i]
		k := &kinds[v.kind]
		v.plan = v.flags &^ (mustWait | minorPass | fresh | foremost)
		v.askPlan = 0
		if i == 0 {
			v.plan |= foremost
		}
		if lead != nil && v.speedMPS == 0 && lead.speedMPS == 0 && lead.posM-leadKind.lengthM-v.posM-k.gapM < standM {
			v.nextMPS = 0
			lead, leadKind = v, k
			continue
		}
		p.v, p.k = v, k
		top := v.speedMPS + k.accel*k.dt
		if top > k.maxMPS {
			top = k.maxMPS
		}
		limit := tr.limitMPS * float64(v.factor)
		if limit > k.maxMPS {
			limit = k.maxMPS
		}
		if floor := v.speedMPS - k.stepBrake; limit < floor {
			limit = floor
		}
		speed := top
		if limit < speed {
			speed = limit
		}
		highest := limit // speed at the end of the track
		if lead != nil {
			gap, leadM := lead.posM-leadKind.lengthM-v.posM-k.gapM, k.behind(leadKind, lead.speedMPS)
			if gap+leadM <= speed*k.tauS+k.brakeM(speed)+epsM || gap < 0 {
				speed = k.closeUp(v.speedMPS, gap, lead.speedMPS, leadM, speed)
			}
			highest = speed
		}
		lead, leadKind = v, k
		seen := tr.lengthM - v.posM
		if v.flags&stopped != 0 {
			v.nextMPS = 0
			continue
		}
		if v.speedMPS == 0 && p.waitsAtRed(seen) {
			continue
		}
		far, nearBy := k.farFrom(speed, seen), seen < k.sightM(speed)+e.longestM
		if i == 0 && (nearBy || v.flags&(nextWatched|thenWatched) != 0) {
			if f, back := e.tail(t, 0); f != nil { // a vehicle beyond reaches back
				fk := &e.kinds[f.kind]
				speed = k.follow(v.speedMPS, back-v.posM-k.gapM, f.speedMPS, k.behind(fk, f.speedMPS), speed)
				highest = speed
			}
		}
		// Who has no link in sight drives freely. Inside a junction the end is not all
		// there is to mind: others' tracks meet the own one before it.
		if v.flags&hasHalt == 0 && (far && !tr.inner() || v.flags&lastRoad != 0) {
			e.finalize(v, k, speed, 0)
			if v.next != noLink && v.flags&lastRoad == 0 {
				p.fromAfar(int32(i), seen, speed, limit, highest, top)
			}
			continue
		}
		p.ahead(int32(i), seen, speed, limit, highest, top)
	}
}

// waitsAtRed settles the vehicle in hand, seenM before the end of its track, if it
// stands at a closed signal already: it stays, and asks for nothing.
func (p *planner) waitsAtRed(seenM float64) bool {
	v := p.v
	if seenM >= stopLineM+epsM+epsMPS || v.next == noLink || v.flags&(hasHalt|toHalt|lastRoad) != 0 {
		return false
	}
	if l := &p.e.net.links[v.next]; l.role != entryLink || !isClosed(p.e.state(l)) {
		return false
	}
	v.nextMPS = 0
	v.plan |= mustWait
	return true
}

const (
	standM = 0.02 // a vehicle this close behind another that stands, stands too
	epsMPS = 0.001
)

// linkFrom returns the link that a vehicle with an outlook takes at the end of a
// track.
func (e *Engine) linkFrom(look lookID, tr *track) linkID {
	if tr.inner() {
		return tr.out
	}
	return e.looks.lanes[look+lookID(tr.lane)].link
}

// announce registers an item with its link l, to which somebody gives way.
func (p *planner) announce(it *item, l *link) {
	a := p.e.now.add(p.shard, it.link)
	a.id, a.waitS, a.arriveS = p.v.id, p.v.waitS, it.arriveS
	a.leaveS = it.arriveS + (l.lengthM+p.k.lengthM)/larger(0.5*(it.fromMPS+it.leave), epsMPS)
	a.leaveMPS, a.brakeMPS, a.speedMPS = float32(it.leave), float32(it.brake), float32(p.v.speedMPS)
	a.decel, a.distM = float32(p.k.decel), float32(it.seenM)
}

func (p *planner) linkMaxMPS(l *link) float64 {
	return p.k.desiredMPS(p.e.net.tracks[l.to].limitMPS, p.v.factor)
}

// ahead plans a vehicle that must mind the links before it.
func (p *planner) ahead(index int32, seenM, mps, limitMPS, capMPS, topMPS float64) {
	p.look(seenM, mps, limitMPS, capMPS, topMPS)
	p.tell()
	if safe, least, ok := p.decide(false); ok {
		p.e.finalize(p.v, p.k, safe, least)
		return
	}
	p.keep(index)
}

// look walks along the way of the vehicle in hand, collecting items, until it has
// seen enough, and takes back requests for what could not be left again. It begins
// with the distance to the end of the track, the safe speed so far, the desired one,
// the highest at the end of the track besides what acceleration allows, and the
// highest after the step.
func (p *planner) look(seenM, mps, limitMPS, capMPS, topMPS float64) {
	e, v, k := p.e, p.v, p.k
	p.n, p.shares, p.mustLeave, p.brakeM = 0, roadShares{}, false, k.brakeM(v.speedMPS)
	tr := &e.net.tracks[p.t]
	if tr.inner() {
		p.shares.innerM = seenM
	}
	w := walk{track: p.t, tr: tr, seen: seenM, v: mps, limit: limitMPS,
		fromM: seenM, fromMPS: mps, cap: capMPS, dist: topMPS*e.dt + k.brakeM(topMPS), look: v.look}
	for p.link(&w) {
	}
	if p.mustLeave {
		p.keepClear()
	}
}

// tell registers the vehicle with the links ahead that it asks to pass.
func (p *planner) tell() {
	items := p.items[:p.n]
	for i := range items {
		it := &items[i]
		if !it.request {
			continue
		}
		p.v.askPlan |= 1 << i // none beyond the eighth
		if l := &p.e.net.links[it.link]; l.watched {
			p.announce(it, l)
		}
	}
}

// walk is a vehicle's look along its way.
type walk struct {
	track          trackID
	tr             *track
	seen           float64 // to the end of track
	v              float64 // safe speed so far
	fromM, fromMPS float64 // the part of the track before it, and its speed at the begin of that
	cap            float64 // highest speed at the end of track, besides what acceleration allows
	limit          float64 // its desired speed on track
	dist           float64 // it must see this far to stop
	last           *item   // of the link by which track is reached; nil: it is there
	slow           bool    // already slowed down for a link at which it gives way
	beyond         bool    // has seen a street behind a junction
	view           int32
	look           lookID
}

// pass returns the highest speed at the end of the walk's track.
func (w *walk) pass(k *kind) float64 { return smaller(k.afterM(w.fromM, w.fromMPS), w.cap) }

// tail returns the vehicle whose front has left track t but whose tail has
// not, and where on t the tail is; nil when there is none. Tracks and links over
// which a vehicle reached when lanes were last changed are marked, so that most
// answers cost one comparison.
func (e *Engine) tail(t trackID, depth int) (*veh, float64) {
	if !e.hangs(t) {
		return nil, 0
	}
	tr := &e.net.tracks[t]
	var best *veh
	bestM := tr.lengthM
	for q := tr.out; q < tr.outEnd; q++ {
		if e.reached[q] < int32(e.tick)-1 {
			continue
		}
		to := e.net.links[q].to
		f, back := e.lyingOver(q)
		if f == nil && len(e.road[to]) == 0 && depth < 4 {
			f, back = e.tail(to, depth+1)
		}
		if f != nil && back < 0 && tr.lengthM+back < bestM {
			best, bestM = f, tr.lengthM+back
		}
	}
	return best, bestM
}

// lyingOver returns the vehicle that came by link q whose tail is farthest back, and
// where on the track behind the link that is; nil when there is none. It may have
// changed lanes since, and left its tail on a way that does not lead to its lane.
func (e *Engine) lyingOver(q linkID) (f *veh, backM float64) {
	first, last := e.net.beside(e.net.links[q].to)
	for t := first; t <= last; t++ {
		vs := e.road[t]
		if len(vs) == 0 || vs[len(vs)-1].came != q {
			continue
		}
		v := &vs[len(vs)-1]
		if back := v.posM - e.kinds[v.kind].lengthM; f == nil || back < backM {
			f, backM = v, back
		}
	}
	return f, backM
}

// markTail marks the links that a vehicle on track t lies over, and the tracks
// before them. Vehicles of several shards may lie over the end of one track.
func (e *Engine) markTail(came linkID, backM float64) {
	for came != noLink && backM < 0 {
		e.reached[came] = int32(e.tick)
		from := e.net.links[came].from
		atomic.StoreInt32(&e.hung[from], int32(e.tick))
		tr := &e.net.tracks[from]
		backM += tr.lengthM
		came = noLink
		if tr.inner() {
			came = e.net.intoLinks[e.net.into[from]]
		} else if e.net.intoEnd[from]-e.net.into[from] == 1 {
			came = e.net.intoLinks[e.net.into[from]]
		}
	}
}

// hangs reports whether somebody's tail may lie on track t.
func (e *Engine) hangs(t trackID) bool { return e.hung[t] >= int32(e.tick)-1 }

// gatherHung works out hung from reached.
func (e *Engine) gatherHung() {
	for t := range e.hung {
		e.hung[t] = -2
	}
	for q, tick := range e.reached {
		from := e.net.links[q].from
		e.hung[from] = max(e.hung[from], tick)
	}
}

// last returns the rearmost vehicle on track t and where its tail is: one that
// is on t, else one whose tail reaches back onto it.
func (e *Engine) last(t trackID) (*veh, float64) {
	if vs := e.road[t]; len(vs) > 0 {
		f := &vs[len(vs)-1]
		return f, f.posM - e.kinds[f.kind].lengthM
	}
	if !e.hangs(t) {
		return nil, 0 // as tail would find, without the call
	}
	return e.tail(t, 0)
}
