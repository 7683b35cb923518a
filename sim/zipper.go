package sim

// zips makes zippers of the entry links that merge without any order: each
// gives way to the other, and to nobody else. Drivers then let each other in
// from where they see the place instead of stopping at it.
func (n *network) zips() {
	for m := range n.ways {
		if l := &n.links[n.ways[m].entry]; l.right == '=' && l.yields < l.yieldsEnd && n.mutual(n.ways[m].entry) {
			l.right = zipperRight
		}
	}
}

const zipperRight = 'Z'

// mutual reports whether all to whom link q gives way merge with it and give
// way to it as well.
func (n *network) mutual(q linkID) bool {
	l := &n.links[q]
	for i := l.yields; i < l.yieldsEnd; i++ {
		y := &n.links[n.yields[i]]
		if y.role == waitLink {
			continue // of a movement whose entry is in the list
		}
		back := false
		for j := y.yields; j < y.yieldsEnd; j++ {
			back = back || n.yields[j] == q
		}
		if !back || y.lane != l.lane {
			return false
		}
	}
	return true
}

// zip lets those go first who are nearer to a zipper than the walk's vehicle.
func (p *planner) zip(w *walk, l *link) {
	n := p.e.net
	for i := l.yields; i < l.yieldsEnd; i++ {
		if q := n.yields[i]; n.links[q].role == entryLink {
			p.letIn(w, q)
		}
	}
}

// letIn adapts the walk's speed to the last of those on the lane of link q who
// are nearer to the place where both merge: when that one is there, its length and
// the own gap must still lie before the vehicle. It brakes no harder than comfort
// allows.
func (p *planner) letIn(w *walk, q linkID) {
	e, v, k := p.e, p.v, p.k
	from := e.net.links[q].from
	length := e.net.tracks[from].lengthM
	vs := e.road[from]
	for i := len(vs) - 1; i >= 0; i-- {
		f := &vs[i]
		awayM := length - f.posM
		if f.next != q || awayM > w.seen || awayM == w.seen && f.id > v.id {
			continue
		}
		fk := &e.kinds[f.kind]
		room := w.seen - fk.lengthM - k.gapM
		safe := k.follow(v.speedMPS, room-awayM, f.speedMPS, k.behind(fk, f.speedMPS), w.v)
		if awayM > 0 && f.speedMPS > 0 {
			safe = larger(safe, room/awayM*f.speedMPS)
		}
		safe = larger(safe, k.floorMPS(v.speedMPS))
		w.v, w.cap = min(w.v, safe), min(w.cap, safe)
		return
	}
}
