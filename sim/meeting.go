package sim

import (
	"math"

	"tideway/geo"
)

// addMeetings lists for every inner track the tracks that it meets: those of
// the movements in conflict, and those that leave the same lane.
func (n *network) addMeetings() {
	lines := make([]line, len(n.tracks))
	for t := n.lanes; t < len(n.tracks); t++ {
		lines[t] = n.innerLine(trackID(t))
	}
	for m := range n.ways {
		way := n.ways[m]
		for _, t := range []trackID{way.first, way.second} {
			if t == noTrack {
				continue
			}
			end := &n.links[n.tracks[t].out]
			end.radiusM = n.radius(geo.MovementID(m))
			end.meets = int32(len(n.meets))
			for _, x := range n.city.Conflicts(geo.MovementID(m)) {
				begin := len(n.meets)
				n.meetFoe(geo.MovementID(m), t, x, lines)
				for i := begin; i < len(n.meets); i++ {
					n.meets[i].ownFirst = n.yieldsTo(x.Foe, geo.MovementID(m))
				}
			}
			n.meetSiblings(geo.MovementID(m), t, lines)
			end.meetsEnd = int32(len(n.meets))
		}
	}
}

// yieldsTo reports whether movement m gives way to another.
func (n *network) yieldsTo(m, foe geo.MovementID) bool {
	for _, x := range n.city.Conflicts(m) {
		if x.Foe == foe {
			return x.Yield
		}
	}
	return false
}

// radius is that of a turn to the left or back, from the length of its path and
// the angle between the lanes; 0 for others.
func (n *network) radius(m geo.MovementID) float64 {
	mv := n.city.Movements.At(m)
	in, out := n.city.Lanes.At(mv.From).Shape, n.city.Lanes.At(mv.To).Shape
	if mv.Turn == geo.Straight || mv.Turn == geo.Right || len(in) < 2 || len(out) < 2 {
		return 0
	}
	begin, end := in[len(in)-2:], out[:2]
	angle := math.Remainder(math.Atan2(end[1][1]-end[0][1], end[1][0]-end[0][0])-math.Atan2(begin[1][1]-begin[0][1], begin[1][0]-begin[0][0]), 2*math.Pi)
	if angle == 0 {
		return 0
	}
	return float64(mv.Length) / math.Abs(angle)
}

// meetFoe adds the meetings of track t of movement m with the tracks of a
// movement it conflicts with. The foe's way up to its waiting point counts only
// for those who give way to it.
func (n *network) meetFoe(m geo.MovementID, t trackID, x geo.Conflict, lines []line) {
	foe := n.ways[x.Foe]
	own := n.ways[m]
	if foe.second == noTrack {
		return
	}
	if x.Kind == geo.Merging {
		if t == own.second {
			n.addMerge(t, foe.second, x.Yield, lines)
		} else {
			n.addCrossing(t, foe.second, x.Yield, lines)
		}
	} else {
		n.addCrossing(t, foe.second, x.Yield, lines)
	}
	if foe.first != noTrack && (x.Yield || t == own.first) {
		crossed := n.addCrossing(t, foe.first, x.Yield, lines)
		if !crossed && x.Kind == geo.Merging && t == own.second {
			n.addWaiting(t, foe.first, x.Yield)
		}
	}
	if len(lines[t].shape) == 0 || len(lines[foe.second].shape) == 0 {
		n.addGiven(m, t, x, lines)
	}
}

// addGiven uses the conflict's own distances where shapes are missing.
func (n *network) addGiven(m geo.MovementID, t trackID, x geo.Conflict, lines []line) {
	own, foe := n.ways[m], n.ways[x.Foe]
	if t != own.second || x.Kind == geo.Merging {
		return
	}
	total := float64(n.city.Movements.At(m).Length)
	foeTotal := float64(n.city.Movements.At(x.Foe).Length)
	width, foeWidth := n.width(t), n.width(foe.second)
	before := total - float64(x.At) + foeWidth/2
	foeBefore := foeTotal - float64(x.FoeAt) + width/2
	n.meets = append(n.meets, meeting{foe: foe.second, foeLink: n.tracks[foe.second].out, beforeEndM: before, foeBeforeM: foeBefore,
		sizeM: foeWidth, foeSizeM: width, foeFirst: x.Yield})
}

func (n *network) width(t trackID) float64 {
	w := float64(n.city.Lanes.At(geo.LaneID(n.links[n.tracks[t].entry].from)).Width)
	if w <= 0 {
		return 3.2
	}
	return w
}

// addWaiting adds that those on track t mind who is still on the way to his
// waiting point, apart from t, before he merges with them.
func (n *network) addWaiting(t, foe trackID, yield bool) {
	n.meets = append(n.meets, meeting{foe: foe, foeLink: n.tracks[foe].out, merge: true, foeFirst: yield, foeWaits: true})
}

// addCrossing adds the point where two tracks cross, and reports whether they
// do.
func (n *network) addCrossing(t, foe trackID, yield bool, lines []line) bool {
	a, b := lines[t], lines[foe]
	x, ok := lastCrossing(a.shape, b.shape)
	if !ok {
		return false
	}
	size, foeSize := min(n.width(foe), a.lengthM), min(n.width(t), b.lengthM)
	before := a.lengthM - max(0, x.a-size/2)*a.scale
	if end := &n.links[n.tracks[t].out]; end.role == exitLink && n.ways[end.movement].first != noTrack {
		before = a.lengthM // who may wait inside does so at his waiting point, no nearer to the crossing
	}
	n.meets = append(n.meets, meeting{foe: foe, foeLink: n.tracks[foe].out,
		beforeEndM: before, foeBeforeM: b.lengthM - max(0, x.b-foeSize/2)*b.scale,
		sizeM: size, foeSizeM: foeSize, foeFirst: yield, foeWaits: n.links[n.tracks[foe].out].role == waitLink})
	return true
}

func (n *network) addMerge(t, foe trackID, yield bool, lines []line) {
	a, b := lines[t], lines[foe]
	x := meeting{foe: foe, foeLink: n.tracks[foe].out, merge: true, foeFirst: yield}
	if len(a.shape) > 1 && len(b.shape) > 1 {
		near := shared(a.reversed(), b.reversed())
		x.beforeEndM, x.foeBeforeM = near*a.scale, near*b.scale
	}
	n.meets = append(n.meets, x)
}

// meetSiblings adds the tracks of other movements from the same lane: until
// the paths have parted, their vehicles follow each other.
func (n *network) meetSiblings(m geo.MovementID, t trackID, lines []line) {
	way := n.ways[m]
	if first := firstTrack(way); t != first {
		return
	}
	for _, other := range n.city.MovementsFrom(geo.LaneID(n.links[way.entry].from)) {
		sibling := firstTrack(n.ways[other])
		if other == m || sibling == noTrack {
			continue
		}
		a, b := lines[t], lines[sibling]
		x := meeting{foe: sibling, foeLink: n.tracks[sibling].out, part: true, beforeEndM: a.lengthM, foeBeforeM: b.lengthM,
			foeWaits: n.links[n.tracks[sibling].out].role == waitLink}
		if len(a.shape) > 1 && len(b.shape) > 1 {
			if near := shared(a, b); a.lengthM == b.lengthM && n.sameStreets(m, other) {
				x.beforeEndM, x.foeBeforeM = a.lengthM-near, a.lengthM-near // who follows keeps the gap, however the two are drawn
			} else {
				x.beforeEndM, x.foeBeforeM = max(0, a.lengthM-near*a.scale), max(0, b.lengthM-near*b.scale)
			}
		}
		n.meets = append(n.meets, x)
	}
}

// sameStreets reports whether two movements lead to lanes of the same street.
func (n *network) sameStreets(a, b geo.MovementID) bool {
	lanes := &n.city.Lanes
	return lanes.At(n.city.Movements.At(a).To).Segment == lanes.At(n.city.Movements.At(b).To).Segment
}

func firstTrack(w linkWay) trackID {
	if w.first != noTrack {
		return w.first
	}
	return w.second
}
