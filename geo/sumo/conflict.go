package sumo

import (
	"tideway/geo"
	"tideway/unit"
)

// addConflicts turns the request matrices of the junctions into conflicts
// between movements.
func (im *importer) addConflicts() {
	if im.bad.Len() > 0 {
		return // the movements are incomplete: every index would be off
	}
	lists := make([][]geo.Conflict, len(im.draft.Movements))
	last, from := im.movementsByLane()
	for i := range im.junctions {
		j := &im.junctions[i]
		if j.kind == "internal" || len(j.requests) == 0 {
			continue
		}
		im.conflictsAt(j, im.requestOrder(j, last, from), lists)
	}
	for i := range im.junctions {
		if j := &im.junctions[i]; j.kind == "internal" && len(j.incoming) > 1 {
			im.yieldsInside(j, last, from, lists)
		}
	}
	im.draft.Conflicts = lists
}

// yieldsInside tells whom a movement gives way to at its waiting point inside
// the junction, which is where it gives way. An internal junction bears the name
// of the lane behind it; its other incoming lanes are those of the movements that
// go first, over its internal lanes. The matrix says something else: it lacks
// those who turn right out of oncoming traffic, and has those who turn left out
// of it, whose way is clear of the waiting point.
func (im *importer) yieldsInside(j *rawJunction, last map[string]geo.MovementID, from map[string][]geo.MovementID, lists [][]geo.Conflict) {
	m, ok := last[j.id]
	if !ok {
		return
	}
	over := map[string]bool{}
	for _, lane := range j.internal {
		over[lane] = true
	}
	for i := range lists[m] {
		lists[m][i].Yield = false
	}
	for _, lane := range j.incoming[1:] {
		for _, foe := range from[lane] {
			if foe != m && over[im.via[foe]] {
				lists[m] = im.meeting(lists[m], m, foe, true)
				lists[foe] = im.meeting(lists[foe], foe, m, false)
			}
		}
	}
}

// meeting makes sure that m's list has its conflict with foe, and that m gives
// way there if it must.
func (im *importer) meeting(list []geo.Conflict, m, foe geo.MovementID, yield bool) []geo.Conflict {
	for i := range list {
		if list[i].Foe == foe {
			list[i].Yield = list[i].Yield || yield
			return list
		}
	}
	if c, ok := im.conflict(m, foe, yield); ok {
		list = append(list, c)
	}
	return list
}

// movementsByLane finds movements by the last internal lane of their chain and
// by the street lane they leave.
func (im *importer) movementsByLane() (last map[string]geo.MovementID, from map[string][]geo.MovementID) {
	last, from = map[string]geo.MovementID{}, map[string][]geo.MovementID{}
	next := geo.MovementID(0)
	for i := range im.links {
		l := &im.links[i]
		if l.to[0] == ':' {
			continue
		}
		if chain := im.chain(l); len(chain) > 0 {
			last[chain[len(chain)-1].id] = next
		}
		lane := laneID(l.from, l.fromLane)
		from[lane] = append(from[lane], next)
		im.via = append(im.via, l.via)
		next++
	}
	return last, from
}

// requestOrder returns the movement of each row of the junction's matrix. A
// row is named by the junction's internal lanes; networks without them number
// their connections along the incoming lanes.
func (im *importer) requestOrder(j *rawJunction, last map[string]geo.MovementID, from map[string][]geo.MovementID) []geo.MovementID {
	var out []geo.MovementID
	for _, lane := range j.internal {
		m, ok := last[lane]
		if !ok {
			m = geo.NoMovement // a crossing of pedestrians
		}
		out = append(out, m)
	}
	if len(j.internal) == 0 {
		for _, lane := range j.incoming {
			out = append(out, from[lane]...)
		}
	}
	if len(out) < len(j.requests) {
		im.bad.Addf(j.where, j.id, "<junction> has %d requests for %d connections", len(j.requests), len(out))
	}
	return out
}

func (im *importer) conflictsAt(j *rawJunction, order []geo.MovementID, lists [][]geo.Conflict) {
	rows := make([]rawRequest, len(order))
	for _, r := range j.requests {
		if r.index < len(rows) {
			rows[r.index] = r
		}
	}
	for i, m := range order {
		for k, foe := range order {
			if m == geo.NoMovement || foe == geo.NoMovement || i == k {
				continue
			}
			// Who meets whom is symmetric; a row that lacks its partner's bit
			// still meets it.
			if yield := bit(rows[i].response, k); yield || bit(rows[i].foes, k) || bit(rows[k].foes, i) || bit(rows[k].response, i) {
				if c, ok := im.conflict(m, foe, yield); ok {
					lists[m] = append(lists[m], c)
				}
			}
		}
	}
}

// bit reads a matrix row: the rightmost character is column 0.
func bit(row string, column int) bool {
	return column < len(row) && row[len(row)-1-column] == '1'
}

// conflict says where two movements meet. Those from one lane follow each
// other and do not.
func (im *importer) conflict(m, foe geo.MovementID, yield bool) (geo.Conflict, bool) {
	a, b := &im.draft.Movements[m], &im.draft.Movements[foe]
	if a.From == b.From {
		return geo.Conflict{}, false
	}
	c := geo.Conflict{Foe: foe, Kind: geo.Merging, At: a.Length, FoeAt: b.Length, Yield: yield}
	if a.To != b.To {
		var apart unit.Length
		if m < foe { // paths that cut twice must meet at the same point from both sides
			c.At, c.FoeAt, apart = meet(im.paths[m], im.paths[foe])
		} else {
			c.FoeAt, c.At, apart = meet(im.paths[foe], im.paths[m])
		}
		if c.Kind = geo.Crossing; apart > touching {
			c.Kind = geo.Beside
		}
	}
	return c, true
}

// touching is how near the middle lines of two paths that do not cut each
// other must come for vehicles on them to touch: less than a car's width.
const touching unit.Length = 1.5
