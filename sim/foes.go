package sim

import (
	"math"

	"tideway/geo"
)

// Vehicles that are inside a junction already. Whoever entered first goes
// first; the other treats it as a leader projected through the meeting point,
// or stops before it.

// foe is one vehicle on a track that meets the own one.
type foe struct {
	v        *veh // nil while lanes are changed
	k        *kind
	backM    float64 // tail along the foe's track
	front    bool    // its front is on that track
	halts    bool    // it stands at a stop
	asks     bool    // it has asked to pass the end of that track
	gap      float64
	untilM   float64 // to the begin of the shared area; below 0: follow, do not drive up to it
	inTheWay bool
}

// mindFoes adapts the walk's speed to the vehicles on tracks that meet the inner
// track which link l ends.
func (p *planner) mindFoes(w *walk, l *link, request *bool) {
	e := p.e
	meets, since := e.net.meets[l.meets:l.meetsEnd], int32(e.tick)-1
	for i := range meets {
		x := &meets[i]
		until := w.seen - x.beforeEndM
		if until+x.sizeM < 0 && !x.merge {
			continue
		}
		vs := e.road[x.foe]
		for j := range vs {
			f := &vs[j]
			k := &e.kinds[f.kind]
			p.mindFoe(w, l, x, until, foe{v: f, k: k, backM: f.posM - k.lengthM, front: true, halts: f.flags&stopped != 0, asks: f.asks&1 != 0}, request)
		}
		if e.reached[x.foeLink] >= since {
			if f, back := e.tail(x.foe, 0); f != nil {
				p.mindFoe(w, l, x, until, foe{v: f, k: &e.kinds[f.kind], backM: back, halts: f.flags&stopped != 0}, request)
			}
		}
	}
}

// mindFoe decides whether one vehicle must be minded and how.
func (p *planner) mindFoe(w *walk, l *link, x *meeting, until float64, f foe, request *bool) {
	if f.v == p.v || !p.e.concerns(l, x, until, marginM, p.k, &f) {
		return
	}
	if !f.inTheWay && (x.part && w.last == nil && f.backM+f.k.lengthM < p.v.posM-p.k.lengthM || !p.goesFirst(l, x, until, &f)) {
		return
	}
	p.adapt(w, x, &f)
	if w.last != nil {
		w.v = larger(w.v, p.waitMPS(w.last))
	}
	if w.v < haltMPS && (x.part || f.halts || float64(f.v.waitS) > blockedS) {
		*request = false
		if w.last != nil && x.part {
			w.last.request = false
		}
	}
}

// concerns reports whether the foe is in conflict with the way of a vehicle of kind k
// that is until before the begin of the shared area, or by no more than slackM past it,
// and works out the gap to the foe.
func (e *Engine) concerns(l *link, x *meeting, until, slackM float64, k *kind, f *foe) bool {
	foeUntil := e.net.tracks[x.foe].lengthM - x.foeBeforeM
	backUntil := foeUntil - f.backM
	past := backUntil+x.foeSizeM+l.bowM(k) < 0
	entered := backUntil < f.k.lengthM
	waits := x.foeWaits && l.role != waitLink && e.net.ways[l.movement].wait == noLink
	bound := waits || x.merge || x.part
	f.inTheWay = (!past && until > 0 || x.merge && until > backUntil-f.k.lengthM) && entered && !x.foeWaits
	if !f.inTheWay {
		if waits && e.bothGreen(l, x) || until < -slackM {
			return false
		}
		if (!bound || f.halts || x.merge) && f.front && !f.asks {
			return false
		}
	}
	if waits && !x.part {
		f.gap = math.Inf(-1)
	} else {
		if past && !x.merge {
			return false
		}
		if x.merge && backUntil < 0 {
			backUntil += larger(0, x.foeBeforeM-x.beforeEndM)
		}
		f.gap = until - k.gapM - backUntil - x.foeSizeM
	}
	f.untilM = until
	if f.front && bound || !f.front && (x.merge || x.part) {
		f.untilM = -1
	}
	return true
}

// bowM is by how much the middle of a vehicle of kind k cuts the bend of a turn
// to the left on the inner track that the link ends, with 2 m more for bends that
// meet: so much farther must a foe's tail be. Infinite where the bend is too narrow
// for the vehicle.
func (l *link) bowM(k *kind) float64 {
	if l.radiusM == 0 {
		return 0
	}
	half := 0.5 * (k.lengthM + 2)
	if l.radiusM < half {
		return math.Inf(1)
	}
	return l.radiusM - math.Sqrt(l.radiusM*l.radiusM-half*half)
}

// bothGreen reports whether the foe waits inside the junction under a green of
// its own, coming from another lane: then it is not yet a hindrance.
func (e *Engine) bothGreen(l *link, x *meeting) bool {
	n := e.net
	own, other := &n.links[l.entry], &n.links[n.links[x.foeLink].entry]
	if own.group < 0 || other.group < 0 || own.from == other.from {
		return false
	}
	return isGreen(e.lights[own.group]) && isGreen(e.lights[other.group])
}

func isRed(s byte) bool { return s == 'r' || s == 'u' }

func isGreen(s byte) bool { return s == 'G' || s == 'g' }

// goesFirst reports whether the foe has the junction before the own vehicle: who has
// claimed it earlier goes first, after SUMO's rules (MSVehicle::isLeader). Who gives way to the
// other has a claim only when past his waiting point; of two who would give way to each
// other, both; of equal claims the faster one's counts.
func (p *planner) goesFirst(l *link, x *meeting, until float64, f *foe) bool {
	n, v := p.e.net, p.v
	if !n.inside(p.t, l.movement) || !n.inside(f.on(n, x), n.links[x.foeLink].movement) {
		return true // the foe is leaving the junction, or the own one not yet on it
	}
	own, other := &n.links[l.entry], &n.links[n.links[x.foeLink].entry]
	ownTick, foeTick := v.crosses, f.v.claims
	if n.tracks[own.from].seg == n.tracks[other.from].seg {
		ownTick, foeTick = v.entered, f.v.entered
	} else if yields, foeYields := p.giveWay(own, other, x, f); !yields {
		ownTick, foeTick = v.claims, f.v.crosses
	} else if foeYields {
		foeTick = f.v.crosses
	}
	switch {
	case ownTick != foeTick:
		return ownTick > foeTick
	case v.speedMPS != f.v.speedMPS:
		return v.speedMPS < f.v.speedMPS
	}
	return p.isBlockedBy(x, until, f)
}

// inside reports whether a track is one of a movement's.
func (n *network) inside(t trackID, m geo.MovementID) bool {
	tr := &n.tracks[t]
	return tr.inner() && n.links[tr.entry].movement == m
}

// on returns the track that the foe's front is on.
func (f *foe) on(n *network, x *meeting) trackID {
	if f.front {
		return x.foe
	}
	return n.links[f.v.came].to
}

// isBlockedBy tells who goes first of two who have given up their claims, and drive alike or
// stand: the one who is in the other's way, where SUMO lets their names decide and may
// have both wait for good.
func (p *planner) isBlockedBy(x *meeting, until float64, f *foe) bool {
	n, v := p.e.net, p.v
	if x.merge {
		if ownM, foeM := n.exitM(p.t, v.posM), n.exitM(f.on(n, x), f.v.posM); ownM != foeM {
			return foeM < ownM
		}
	} else if inside := !f.front || n.tracks[x.foe].lengthM-x.foeBeforeM < f.v.posM; inside != (until < 0) {
		return inside
	}
	return v.id < f.v.id
}

// exitM returns how far it is to the end of the junction from posM on an inner track.
func (n *network) exitM(t trackID, posM float64) float64 {
	return n.tracks[t].lengthM - posM + n.links[n.tracks[t].out].lengthM
}

// giveWay reports whether the own vehicle gives way to a foe inside the junction, by
// what their entries show now and else by the rules there, and the foe to it.
func (p *planner) giveWay(own, other *link, x *meeting, f *foe) (yields, foeYields bool) {
	e, k := p.e, f.k
	mine, its := e.state(own), e.state(other)
	switch red, foeRed := isRed(mine), isRed(its); {
	case (red || foeRed) && !foeRed && f.v.speedMPS > haltMPS && f.gap < 0:
		next := f.v.speedMPS + k.accel*e.dt
		yields = -f.gap-k.lengthM-2*p.k.gapM < k.brakeM(next)+next*k.tauS // it could not stop
		return yields, !yields
	case red || foeRed:
		return foeRed, red
	case isMinor(mine) != isMinor(its):
		return isMinor(mine), isMinor(its)
	case mine == 'y' && its == 'y':
		return f.v.speedMPS >= p.v.speedMPS, p.v.speedMPS >= f.v.speedMPS
	}
	return x.foeFirst, x.ownFirst
}

// adapt follows the foe's projection, or drives up to the shared area so as not
// to be there before the foe has left it.
func (p *planner) adapt(w *walk, x *meeting, f *foe) {
	e, v, k := p.e, p.v, p.k
	safe := 0.0
	if f.gap >= 0 {
		safe = k.follow(v.speedMPS, f.gap, f.v.speedMPS, k.behind(f.k, f.v.speedMPS), k.topMPS(v.speedMPS))
	} else {
		safe = k.stopWithin(v.speedMPS, w.seen-w.tr.lengthM-marginM, k.topMPS(v.speedMPS))
	}
	if f.untilM >= 0 {
		stop := k.stopWithin(v.speedMPS, f.untilM-k.gapM, k.topMPS(v.speedMPS))
		if math.IsInf(f.gap, -1) {
			safe = larger(safe, stop)
		} else {
			gone := (f.untilM - f.gap) / larger(f.v.speedMPS, haltMPS)
			final := larger(v.speedMPS, 2*(f.untilM-k.gapM)/gone-v.speedMPS)
			safe = larger(safe, smaller(v.speedMPS+e.dt*(final-v.speedMPS)/gone, stop))
		}
	}
	if w.last != nil {
		w.last.slowTo(safe)
	}
	w.v = smaller(w.v, safe)
	w.cap = smaller(w.cap, safe)
}

// stuckInRing reports whether the vehicle stands at a junction of equal rights
// where everybody waits for somebody else: following the nearest approaching
// foe of each link leads back here. One in four straight movers and three in
// four others then hold back in this step.
func (p *planner) stuckInRing(q linkID) bool {
	n := p.e.net
	at := q
	for range 16 {
		foe := linkID(noLink)
		nearest := math.Inf(1)
		var who carID
		l := &n.links[at]
		p.ask(l)
		for i := l.yields; i < l.yieldsEnd; i++ {
			y := n.yields[i]
			if n.links[y].from == n.links[q].from {
				return p.holdBack(q)
			}
			for ref := p.e.before.first(y); ref != 0; {
				a := p.e.before.at(ref)
				ref = a.next
				d := float64(a.distM)
				if d < nearest || d == nearest && (foe == noLink || a.id < who) {
					foe, nearest, who = y, d, a.id
				}
			}
		}
		if foe == noLink {
			return false
		}
		if at = foe; at == q {
			return p.holdBack(q)
		}
	}
	return false
}

func (p *planner) holdBack(q linkID) bool {
	share := 0.75
	if p.e.net.links[q].turn == 0 {
		share = 0.25
	}
	return p.e.chance(p.v.id, purposeJunction) < share
}
