package gmns

import (
	"cmp"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/paulmach/orb"
	"github.com/paulmach/orb/planar"

	"tideway/geo"
	"tideway/geo/sketch"
	"tideway/unit"
)

// build draws the network and lays what the tables give over it.
func (p *plain) build() {
	p.sketch = sketch.Sketch{Name: cmp.Or(p.opt.Name, p.name, "city"), TimeZone: p.opt.TimeZone, Origin: p.origin}
	for _, n := range p.raw {
		p.sketch.Nodes = append(p.sketch.Nodes, sketch.Node{ID: n.id, Name: n.name, XY: p.place(n.at), Signal: n.signal, Zone: n.zone})
	}
	p.roads()
	if len(p.sketch.Roads) == 0 {
		p.bad.Addf("link.csv", "", "has no link that motor vehicles can use")
		return
	}
	p.draft = p.sketch.Draft()
	p.values()
	p.turns()
	p.signals()
	p.zones()
	p.leftOut()
	p.assume("lane", "", "geometry", "", "lanes, paths across nodes, conflicts, right of way, and signal plans without timings, are drawn from the links by angle and class")
	p.draft.Assumed = p.assumed
}

// roads makes one road of two links that run along each other in opposite
// directions.
func (p *plain) roads() {
	partner := map[[2]int][]int{}
	for i, l := range p.rawLinks {
		partner[[2]int{l.from, l.to}] = append(partner[[2]int{l.from, l.to}], i)
	}
	done := make([]bool, len(p.rawLinks))
	for i, l := range p.rawLinks {
		axis := p.axis(l)
		if done[i] {
			continue
		}
		done[i] = true
		if planar.Length(axis) < 1 {
			p.drop("link", l.id, "its ends are less than 1 m apart")
			continue
		}
		r := sketch.Road{ID: l.id, Name: l.name, From: l.from, To: l.to, Via: axis[1 : len(axis)-1], Class: p.class(l), Limit: p.limit(l, false), Forward: p.lanes(l)}
		if l.both {
			r.Backward = r.Forward
		}
		for _, k := range partner[[2]int{l.to, l.from}] {
			if !done[k] && !l.both && along(axis, p.axis(p.rawLinks[k])) {
				done[k] = true
				r.BackID, r.Backward = p.rawLinks[k].id, p.lanes(p.rawLinks[k])
				break
			}
		}
		p.sketch.Roads = append(p.sketch.Roads, r)
	}
}

// along reports whether two lines in opposite directions draw the same street.
func along(a, b orb.LineString) bool {
	p, _ := geo.PointAt(a, 0.5)
	q, _ := geo.PointAt(b, 0.5)
	return planar.Distance(p, q) < 25
}

func (p *plain) class(l plainLink) geo.RoadClass {
	c, known := classNamed(l.kind)
	if !known {
		p.assume("link", l.id, "facility_type", c.String(), fmt.Sprintf("facility type %q is not known", l.kind))
	}
	return c
}

// limit notes a missing speed once, when it is told to.
func (p *plain) limit(l plainLink, note bool) unit.Speed {
	if l.speed > 0 {
		return unit.Speed(l.speed)
	}
	c, _ := classNamed(l.kind)
	if !note {
		return usualSpeed[c]
	}
	p.assume("link", l.id, "free_speed", fmt.Sprintf("%.0f km/h", usualSpeed[c].KMH()), "not given; usual for its class")
	return usualSpeed[c]
}

func (p *plain) lanes(l plainLink) int {
	if l.lanes > 0 {
		return l.lanes
	}
	p.assume("link", l.id, "lanes", "1", "not given")
	return 1
}

// values puts given lengths, capacities and permissions on the segments.
func (p *plain) values() {
	d := p.draft
	first := 0
	for i := range d.Segments {
		s := &d.Segments[i]
		n := 0
		for first+n < len(d.Lanes) && d.Lanes[first+n].Segment == geo.SegmentID(i) {
			n++
		}
		if k, ok := p.indexOf(s.ID); ok {
			p.valuesOf(s, d.Lanes[first:first+n], p.rawLinks[k])
		}
		first += n
	}
}

// indexOf finds the link of a segment: the way back of an undirected link is
// "-" and its id.
func (p *plain) indexOf(id string) (int, bool) {
	if p.byID == nil {
		p.byID = map[string]int{}
		for i, l := range p.rawLinks {
			p.byID[l.id] = i
			if l.both {
				p.byID["-"+l.id] = i
			}
		}
	}
	i, ok := p.byID[id]
	return i, ok
}

func (p *plain) valuesOf(s *geo.Segment, lanes []geo.Lane, l plainLink) {
	if drawn := planar.Length(p.axis(l)); l.length > 0 {
		if ratio := l.length / drawn; ratio > 0.5 && ratio < 2 {
			s.Length *= unit.Length(ratio)
		} else {
			p.assume("link", l.id, "length", fmt.Sprintf("%.1f m", s.Length.M()), fmt.Sprintf("%.1f m are given; taken as drawn", l.length))
		}
	}
	s.Limit = p.limit(l, true)
	if l.capacity > 0 {
		s.Capacity = unit.Flow(l.capacity*float64(len(lanes))) * unit.VPH
	} else {
		p.assume("link", l.id, "capacity", fmt.Sprintf("%.0f", s.Capacity.VPH()/float64(len(lanes))), "not given; usual for its class")
	}
	for i := range lanes {
		lanes[i].Length, lanes[i].Limit = s.Length, s.Limit
		lanes[i].Allow &= l.allow
	}
}

// turns takes out movements that movement.csv, at nodes it speaks of, does not
// list. Which lanes a turn uses stays as drawn.
func (p *plain) turns() {
	listed, nodes := map[[2]string]bool{}, map[string]bool{}
	for t := openTable(p.fsys, "movement.csv", p.bad, "node_id", "ib_link_id", "ob_link_id"); t.next(); {
		listed[[2]string{t.word("ib_link_id"), t.word("ob_link_id")}] = true
		nodes[t.word("node_id")] = true
	}
	if len(nodes) == 0 {
		p.assume("movement", "", "type", "", "there is no movement.csv; all turns but those back are taken as allowed")
		return
	}
	d := p.draft
	keep := make([]bool, len(d.Movements))
	for i, m := range d.Movements {
		from, to := d.Segments[d.Lanes[m.From].Segment].ID, d.Segments[d.Lanes[m.To].Segment].ID
		keep[i] = !nodes[d.Nodes[m.Node].ID] || listed[[2]string{from, to}]
	}
	keepMovements(d, keep)
}

// keepMovements removes the others and renumbers the conflicts.
func keepMovements(d *geo.Draft, keep []bool) {
	renumbered := make([]geo.MovementID, len(keep))
	var movements []geo.Movement
	var conflicts [][]geo.Conflict
	for i, m := range d.Movements {
		renumbered[i] = geo.NoMovement
		if keep[i] {
			renumbered[i] = geo.MovementID(len(movements))
			movements = append(movements, m)
			conflicts = append(conflicts, d.Conflicts[i])
		}
	}
	for i := range conflicts {
		conflicts[i] = slices.DeleteFunc(conflicts[i], func(c geo.Conflict) bool { return !keep[c.Foe] })
		for k := range conflicts[i] {
			conflicts[i][k].Foe = renumbered[conflicts[i][k].Foe]
		}
	}
	d.Movements, d.Conflicts = movements, conflicts
}

func (p *plain) zones() {
	for t := openTable(p.fsys, "zone.csv", p.bad, "zone_id"); t.next(); {
		z := geo.Zone{ID: t.word("zone_id"), Name: t.word("name"), Kind: t.word("kind"), Population: t.number("population", -1)}
		area, err := ParseArea(t.text("boundary"))
		if err != nil {
			t.wrong(z.ID, "boundary: %v", err)
			continue
		}
		if len(area) == 0 || slices.ContainsFunc(p.draft.Zones, func(x geo.Zone) bool { return x.ID == z.ID }) {
			p.drop("zone", z.ID, t.where()+": it has no boundary, or its id was used before (spreadsheets cut long numbers)")
			continue
		}
		for _, polygon := range area {
			for _, ring := range polygon {
				for i := range ring {
					ring[i] = geo.RoundLonLat(p.frame.LonLat(p.place(ring[i])))
				}
			}
		}
		z.Area = area
		p.draft.Zones = append(p.draft.Zones, z)
	}
}

// leftOut names the tables that are there and were not read.
func (p *plain) leftOut() {
	for _, x := range []struct{ table, why string }{
		{"segment.csv", "parts of links with other lanes are not read; a link has its lanes over its whole length"},
		{"segment_lane.csv", "turn pockets are not read"}, {"lane.csv", "single lanes are not read; links give their number"},
		{"location.csv", "locations are not read"},
		{"link_tod.csv", "values by time of day are not read"}, {"movement_tod.csv", "values by time of day are not read"}} {
		data, err := fs.ReadFile(p.fsys, x.table)
		if n := strings.Count(strings.TrimSpace(string(data)), "\n"); err == nil && n > 0 {
			p.drop(x.table, "", fmt.Sprintf("%d rows: %s", n, x.why))
		}
	}
}
