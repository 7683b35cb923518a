package sim

import "sync/atomic"

// Vehicles beyond the sight of their next link drive as if there were none, but
// those who give way to it, or to the one at the end of the street behind the
// junction, must know of them. Looking along the way is most of what a vehicle costs
// and few are asked about, so the distant are announced only at links about which
// somebody asks: after all others have looked ahead, before those who ask decide.

// distant is a vehicle beyond the sight of its next link, to which or to the one
// after that somebody gives way, and where its look ahead begins.
type distant struct {
	track                                trackID
	index                                int32
	seenM, mps, limitMPS, capMPS, topMPS float64
}

// fromAfar notes of the vehicle in hand, a distant one, what others see of it.
func (p *planner) fromAfar(index int32, seenM, mps, limitMPS, capMPS, topMPS float64) {
	s := p.e.state(&p.e.net.links[p.v.next])
	if p.holdsBack(s, mps, topMPS) {
		p.v.plan |= mustWait
	}
	if p.v.flags&(nextWatched|thenWatched) == 0 || mps <= epsMPS || isClosed(s) {
		return // nobody minds it, or it asks for nothing
	}
	// Field by field: a literal is copied, and the copy waits for its stores.
	p.far = append(p.far, distant{})
	f := &p.far[len(p.far)-1]
	f.track, f.index = p.t, index
	f.seenM, f.mps, f.limitMPS, f.capMPS, f.topMPS = seenM, mps, limitMPS, capMPS, topMPS
}

// holdsBack reports whether the vehicle in hand, driving mps next, cannot expect to
// pass its next link, which is in state s.
func (p *planner) holdsBack(s byte, mps, topMPS float64) bool {
	switch {
	case isClosed(s):
		return mps < p.v.speedMPS || mps < haltMPS
	case isMinor(s):
		return true
	}
	return mps < p.k.decel && mps < topMPS
}

// announceFar announces the distant vehicles at the links about which somebody asks
// in this step.
func (p *planner) announceFar() {
	e := p.e
	p.afar = true
	for i := range p.far {
		f := &p.far[i]
		v := &e.road[f.track][f.index]
		if v.flags&nextWatched != 0 && e.isAsked(v.next) || v.flags&thenWatched != 0 && e.isAsked(e.afterNext(v)) {
			p.t, p.v, p.k = f.track, v, &e.kinds[v.kind]
			p.look(f.seenM, f.mps, f.limitMPS, f.capMPS, f.topMPS)
			p.tell()
		}
	}
	p.far, p.afar = p.far[:0], false
}

// ask notes that somebody wants to know who comes to the links that link l gives way
// to: in this step, or in the next one where approaches of the step before count.
// The distant ask nobody. Vehicles of several shards may ask at a time.
func (p *planner) ask(l *link) {
	if p.afar {
		return
	}
	for _, q := range p.e.net.yields[l.yields:l.yieldsEnd] {
		atomic.StoreInt32(&p.e.asked[q], int32(p.e.tick))
	}
}

func (e *Engine) isAsked(q linkID) bool { return q != noLink && e.asked[q] == int32(e.tick) }
