package utdf

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/paulmach/orb"
	"github.com/paulmach/orb/planar"

	"tideway/geo"
	"tideway/unit"
)

// maker writes a file of a city that came from elsewhere.
type maker struct {
	city     *geo.City
	id       []string // INTID by node
	heading  []string // by segment, for its approach; "" when the node has too many
	dropped  []geo.Dropped
	sections []Section
}

// makeFile writes lengths in feet and speeds in miles per hour, as most files
// are.
func makeFile(c *geo.City) (*File, []geo.Dropped) {
	m := &maker{city: c}
	m.number()
	m.head()
	m.network()
	m.nodes()
	m.links()
	m.lanes()
	m.timings()
	return &File{Name: c.Name, Sections: m.sections}, m.dropped
}

func (m *maker) drop(kind, id, why string) {
	m.dropped = append(m.dropped, geo.Dropped{Kind: kind, ID: id, Why: why})
}

// number gives every node an INTID: its own id where all are whole numbers.
func (m *maker) number() {
	own := true
	for _, n := range m.city.Nodes.All() {
		v, err := strconv.Atoi(n.ID)
		own = own && err == nil && v > 0 && strconv.Itoa(v) == n.ID
	}
	for i, n := range m.city.Nodes.All() {
		id := strconv.Itoa(int(i) + 1)
		if own {
			id = n.ID
		}
		m.id = append(m.id, id)
	}
}

// head names the approach of every segment by its direction of travel.
func (m *maker) head() {
	m.heading = make([]string, m.city.Segments.Len())
	for n := range m.city.Nodes.Len() {
		type option struct {
			s   geo.SegmentID
			k   int
			off float64
		}
		var options []option
		for _, s := range m.city.In(geo.NodeID(n)) {
			from, to := m.city.Nodes.At(m.city.Segments.At(s).From).XY, m.city.Nodes.At(geo.NodeID(n)).XY
			_, angle := geo.PointAt(orb.LineString{from, to}, 1)
			for k := range headings {
				off := math.Mod(math.Abs(angle.Deg()-float64(45*k)), 360)
				options = append(options, option{s, k, math.Min(off, 360-off)})
			}
		}
		slices.SortStableFunc(options, func(a, b option) int { return cmp.Compare(a.off, b.off) })
		taken := [8]bool{}
		for _, o := range options {
			if !taken[o.k] && m.heading[o.s] == "" {
				taken[o.k], m.heading[o.s] = true, headings[o.k]
			}
		}
		for _, s := range m.city.In(geo.NodeID(n)) {
			if m.heading[s] == "" {
				m.drop("link", m.city.Segments.At(s).ID, "its node has more than eight approaches")
			}
		}
	}
}

func (m *maker) network() {
	rows := [][2]string{{"UTDFVERSION", "8"}, {"Metric", "0"}, {"DefWidth", "12"}, {"DefFlow", "1900"}, {"vehLength", "25"}}
	s := Section{Name: networkSection, Title: "Network Settings", Columns: []string{"RECORDNAME", "DATA"}}
	for _, r := range rows {
		s.Records = append(s.Records, Record{Fields: []string{r[0], r[1]}})
	}
	m.sections = append(m.sections, s)
}

func inFeet(l unit.Length) float64 { return math.Round(float64(l)/feet*100) / 100 }

func (m *maker) nodes() {
	s := Section{Name: nodeSection, Title: "Node Data", Columns: []string{"INTID", "TYPE", "X", "Y", "Z", "DESCRIPTION"}}
	for i, n := range m.city.Nodes.All() {
		name := n.Name
		if m.id[i] != n.ID {
			name = strings.TrimSpace(n.ID + " " + n.Name)
		}
		s.Records = append(s.Records, Record{Fields: []string{m.id[i], strconv.Itoa(m.kind(geo.NodeID(i))), figure(inFeet(unit.Length(n.XY[0]))),
			figure(inFeet(unit.Length(n.XY[1]))), "0", name}})
	}
	m.sections = append(m.sections, s)
}

func (m *maker) kind(n geo.NodeID) int {
	others := map[geo.NodeID]bool{}
	for _, s := range m.city.In(n) {
		others[m.city.Segments.At(s).From] = true
	}
	for _, s := range m.city.Out(n) {
		others[m.city.Segments.At(s).To] = true
	}
	switch {
	case m.signalAt(n) != geo.NoSignal:
		return signalNode
	case len(others) < 2:
		return externalNode
	case len(others) == 2:
		return bendNode
	}
	return plainNode
}

// signalAt returns the signal of a node's movements; the first when several.
func (m *maker) signalAt(n geo.NodeID) geo.SignalID {
	for _, k := range m.city.MovementsAt(n) {
		if s := m.city.Movements.At(k).Signal; s != geo.NoSignal {
			return s
		}
	}
	return geo.NoSignal
}

// grid collects records by name and intersection.
type grid struct {
	names []string // value columns
	rows  []Record
}

func (g *grid) row(record, id string, values map[string]string) {
	f := []string{record, id}
	for _, n := range g.names {
		f = append(f, values[n])
	}
	g.rows = append(g.rows, Record{Fields: f})
}

func (m *maker) add(name, title string, g *grid) {
	m.sections = append(m.sections, Section{Name: name, Title: title, Columns: append([]string{"RECORDNAME", "INTID"}, g.names...), Records: g.rows})
}

func (m *maker) links() {
	g := &grid{names: []string{"NB", "SB", "EB", "WB", "NE", "NW", "SE", "SW"}}
	for n := range m.city.Nodes.Len() {
		by := map[string]map[string]string{}
		put := func(record, heading, v string) {
			if by[record] == nil {
				by[record] = map[string]string{}
			}
			by[record][heading] = v
		}
		for _, k := range m.city.In(geo.NodeID(n)) {
			s, h := m.city.Segments.At(k), m.heading[k]
			if h == "" {
				continue
			}
			_, lanes := m.city.LanesOf(k)
			put("Up ID", h, m.id[s.From])
			put("Lanes", h, strconv.Itoa(lanes))
			put("Name", h, s.Name)
			put("Distance", h, figure(inFeet(unit.Length(planar.Distance(m.city.Nodes.At(s.From).XY, m.city.Nodes.At(s.To).XY)))))
			put("Speed", h, figure(math.Round(s.Limit.MPH()*100)/100))
			if lineLength := planar.Length(s.Shape); lineLength > 1.005*planar.Distance(s.Shape[0], s.Shape[len(s.Shape)-1]) {
				m.drop("link", s.ID, "its bends are drawn straight")
			}
		}
		for _, record := range []string{"Up ID", "Lanes", "Name", "Distance", "Speed"} {
			if by[record] != nil {
				g.row(record, m.id[n], by[record])
			}
		}
	}
	m.add(linkSection, "Link Data", g)
}

// turning is one lane group under construction.
type turning struct {
	name      string
	dest      geo.NodeID
	turn      int
	movements []geo.MovementID
	angle     float64
	lanes     map[int]bool // from the left
}

// turningsOf names the turns of an approach by their angles.
func (m *maker) turningsOf(s geo.SegmentID) []turning {
	_, in := geo.PointAt(m.city.Segments.At(s).Shape, 1)
	first, lanes := m.city.LanesOf(s)
	var out []turning
	for l := range lanes {
		for _, k := range m.city.MovementsFrom(first + geo.LaneID(l)) {
			mv := m.city.Movements.At(k)
			to := m.city.Lanes.At(mv.To).Segment
			dest := m.city.Segments.At(to).To
			i := slices.IndexFunc(out, func(t turning) bool { return t.dest == dest })
			if i < 0 {
				_, away := geo.PointAt(m.city.Segments.At(to).Shape, 0)
				angle := math.Mod(away.Deg()-in.Deg()+540, 360) - 180
				i, out = len(out), append(out, turning{dest: dest, angle: angle, lanes: map[int]bool{}})
			}
			out[i].movements = append(out[i].movements, k)
			out[i].lanes[lanes-1-l] = true
		}
	}
	slices.SortStableFunc(out, func(a, b turning) int { return cmp.Compare(a.angle, b.angle) })
	return m.nameTurns(s, out)
}

// nameTurns gives T to the straightest turn within 45 degrees, L and R to its
// neighbours, L2 and R2 to those beyond.
func (m *maker) nameTurns(s geo.SegmentID, list []turning) (out []turning) {
	through := -1
	for i, t := range list {
		if math.Abs(t.angle) <= 45 && (through < 0 || math.Abs(t.angle) < math.Abs(list[through].angle)) {
			through = i
		}
	}
	lefts := through
	if through < 0 {
		lefts = slices.IndexFunc(list, func(t turning) bool { return t.angle > 0 })
		if lefts < 0 {
			lefts = len(list)
		}
	}
	for i, t := range list {
		switch {
		case i == through:
			t.turn = throughTurn
		case i < lefts:
			t.turn = leftTurn - (lefts - 1 - i)
		case through >= 0:
			t.turn = rightTurn + i - through - 1
		default:
			t.turn = rightTurn + i - lefts
		}
		if t.turn < 1 || t.turn >= len(turns) || t.dest == m.city.Segments.At(s).From {
			m.drop("movement", m.city.MovementName(t.movements[0]), "the format has no column for this turn")
			continue
		}
		t.name = m.heading[s] + turns[t.turn]
		out = append(out, t)
	}
	return out
}

// cells are the lane groups of one intersection: values by record and column.
type cells map[string]map[string]string

func (c cells) put(record, column, v string) {
	if c[record] == nil {
		c[record] = map[string]string{}
	}
	c[record][column] = v
}

func (m *maker) lanes() {
	all := make([]cells, m.city.Nodes.Len())
	used := map[string]bool{}
	for n := range m.city.Nodes.Len() {
		if k := m.kind(geo.NodeID(n)); k == externalNode || k == bendNode {
			continue
		}
		all[n] = cells{}
		for _, s := range m.city.In(geo.NodeID(n)) {
			if m.heading[s] != "" {
				m.approach(s, all[n], used)
			}
		}
	}
	g := &grid{}
	for _, h := range headings {
		for _, t := range turns {
			if used[h+t] {
				g.names = append(g.names, h+t)
			}
		}
	}
	for n, c := range all {
		for _, record := range []string{"Up Node", "Dest Node", "Lanes", "Shared", "Width", "Speed", "Phase1", "Phase2", "Phase3", "Phase4",
			"PermPhase1", "PermPhase2", "PermPhase3", "PermPhase4", "IdealFlow", "Alignment"} {
			if c[record] != nil {
				g.row(record, m.id[n], c[record])
			}
		}
	}
	m.add(laneSection, "Lane Group Data", g)
}

// approach writes the lane groups of one approach. A lane belongs to the
// straight traffic that uses it, else to the left, else to the right.
func (m *maker) approach(s geo.SegmentID, c cells, used map[string]bool) {
	list := m.turningsOf(s)
	segment := m.city.Segments.At(s)
	_, lanes := m.city.LanesOf(s)
	owner := make([]int, lanes)
	for l := range owner {
		owner[l] = -1
		for i, t := range list {
			if t.lanes[l] && (owner[l] < 0 || t.turn == throughTurn) {
				owner[l] = i
			}
		}
	}
	first, _ := m.city.LanesOf(s)
	coded := codes(list, owner)
	for i, t := range list {
		count, width := coded[i].lanes, unit.Length(0)
		for l, o := range owner {
			if o == i {
				width += m.city.Lanes.At(first + geo.LaneID(lanes-1-l)).Width
			}
		}
		used[t.name] = true
		c.put("Up Node", t.name, m.id[segment.From])
		c.put("Dest Node", t.name, m.id[t.dest])
		c.put("Lanes", t.name, strconv.Itoa(count))
		c.put("Shared", t.name, strconv.Itoa(coded[i].shared))
		if count > 0 && width > 0 {
			c.put("Width", t.name, figure(math.Round(inFeet(width/unit.Length(count))*10)/10))
		}
		if t.turn == throughTurn {
			c.put("Speed", t.name, figure(math.Round(segment.Limit.MPH()*100)/100))
		}
		c.put("IdealFlow", t.name, "1900")
		c.put("Alignment", t.name, m.alignment(t))
		m.phasesOf(t, c)
	}
	m.tellLost(s, list, owner)
}

// codes counts the lanes of each turn and says with whom it shares them.
func codes(list []turning, owner []int) []group {
	groups := make([]group, len(list))
	for i, t := range list {
		groups[i] = group{turn: t.turn}
		for l, o := range owner {
			if o != i {
				continue
			}
			groups[i].lanes++
			for k, other := range list {
				if k != i && other.lanes[l] {
					groups[i].shared |= 1 << min(1, max(0, k-i))
				}
			}
		}
	}
	return groups
}

// alignment is 1 for turns that keep right on the exit.
func (m *maker) alignment(t turning) string {
	for _, k := range t.movements {
		to := m.city.Movements.At(k).To
		_, lanes := m.city.LanesOf(m.city.Lanes.At(to).Segment)
		if t.turn == throughTurn && m.city.Lanes.At(to).Index == lanes-1 {
			return "0"
		}
	}
	if t.turn <= leftTurn {
		return "0"
	}
	return "1"
}

// tellLost reports lanes whose use the sharing codes cannot say.
func (m *maker) tellLost(s geo.SegmentID, list []turning, owner []int) {
	said := laneUse(codes(list, owner))
	at := 0
	for l, o := range owner {
		if o < 0 {
			m.drop("lane", fmt.Sprintf("%s_%d", m.city.Segments.At(s).ID, len(owner)-1-l), "it leads nowhere at its end and is not in a lane group")
			continue
		}
		for i, t := range list {
			if at < len(said) && t.lanes[l] != slices.Contains(said[at], i) {
				m.drop("lane", fmt.Sprintf("%s_%d", m.city.Segments.At(s).ID, len(owner)-1-l), "the codes for shared lanes cannot say exactly where it leads")
				break
			}
		}
		at++
	}
}

// phasesOf writes the phases in which a turn is green.
func (m *maker) phasesOf(t turning, c cells) {
	var main, perm []int
	free := true
	for _, k := range t.movements {
		mv := m.city.Movements.At(k)
		if mv.Signal == geo.NoSignal {
			continue
		}
		free = false
		phases, _, _ := m.ringsOf(mv.Signal)
		for _, ph := range phases {
			if slices.Contains(ph.Groups, mv.Group) && !slices.Contains(main, ph.Phase) {
				main = append(main, ph.Phase)
			} else if slices.Contains(ph.Permissive, mv.Group) && !slices.Contains(perm, ph.Phase) {
				perm = append(perm, ph.Phase)
			}
		}
	}
	if free && m.signalAt(m.city.Movements.At(t.movements[0]).Node) != geo.NoSignal {
		main = []int{-1}
	}
	write := func(record string, list []int) {
		slices.Sort(list)
		for i, p := range list {
			if i < 4 {
				c.put(record+strconv.Itoa(i+1), t.name, strconv.Itoa(p))
			}
		}
		if len(list) > 4 {
			m.drop("movement", m.city.MovementName(t.movements[0]), "it is green in more than four phases")
		}
	}
	write("Phase", main)
	write("PermPhase", perm)
}

// ringsOf returns a signal's plan in force as phases: its own, or one ring made
// of its stages. why tells what stands in the way.
func (m *maker) ringsOf(s geo.SignalID) (phases []geo.RingPhase, offset time.Duration, why string) {
	signal := m.city.Signals.At(s)
	if signal.Plan == geo.NoPlan {
		return nil, 0, "it has no plan in force"
	}
	p := m.city.Plans.At(signal.Plan)
	if p.Kind == geo.RingBarrier {
		return p.Phases, fileOffset(p, referenceOf(p.Phases), refGreen), ""
	}
	return oneRing(p)
}

// referenceOf returns the coordinated phases, the first phase when none is.
func referenceOf(phases []geo.RingPhase) (out []int) {
	for _, ph := range phases {
		if ph.Coordinated && len(out) < 2 {
			out = append(out, ph.Phase)
		}
	}
	if out == nil && len(phases) > 0 {
		out = []int{phases[0].Phase}
	}
	slices.Sort(out)
	return out
}
