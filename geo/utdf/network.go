package utdf

import (
	"cmp"
	"math"
	"strconv"
	"strings"

	"github.com/paulmach/orb"

	"tideway/internal/fault"
	"tideway/unit"
)

// Kinds of node, as TYPE says.
const (
	signalNode   = 0
	externalNode = 1
	bendNode     = 2
	plainNode    = 3
	roundabout   = 4
)

// network is the typed view of a file that import and lane groups share.
type network struct {
	file   *File
	bad    *fault.List
	metric bool
	ideal  unit.Flow // DefFlow
	nodes  []node
	node   map[string]int
	links  []link
	link   map[[2]string]int // by upstream and own node
	lanes  *table
	plans  *table
	phases *table
}

type node struct {
	id, name string
	kind     int
	at       orb.Point // in the file's unit
	line     int
}

// link is the approach of a node from another one.
type link struct {
	up, at   string // nodes
	heading  string // column: NB, SB, ...
	name     string
	lanes    int
	distance float64 // in the file's unit; 0 when not given
	speed    unit.Speed
	grade    unit.Share
	curve    *orb.Point // control point near the upstream end
	line     int
}

const feet = 0.3048

func (n *network) lengthUnit() unit.Length {
	if n.metric {
		return 1
	}
	return feet
}

func (n *network) speedUnit() unit.Speed {
	if n.metric {
		return unit.KMH
	}
	return unit.MPH
}

// network reads settings, nodes and links, and indexes the other sections.
func (f *File) network(bad *fault.List) *network {
	n := &network{file: f, bad: bad, ideal: 1900 * unit.VPH, node: map[string]int{}, link: map[[2]string]int{}}
	n.settings()
	n.readNodes()
	n.readLinks()
	n.lanes = f.tableOf(laneSection, true, bad)
	n.plans = f.tableOf(planSection, false, bad)
	n.phases = f.tableOf(phaseSection, false, bad)
	return n
}

func (n *network) settings() {
	s := n.file.section(networkSection)
	if s == nil {
		n.bad.Addf(n.file.Name, "", "has no section [%s]", networkSection)
		return
	}
	version := ""
	for _, r := range s.Records {
		value := ""
		if len(r.Fields) > 1 {
			value = strings.TrimSpace(r.Fields[1])
		}
		switch strings.ToLower(strings.TrimSpace(r.Fields[0])) {
		case "utdfversion":
			version = value
		case "metric":
			n.metric = value == "1"
		case "defflow":
			if v, err := strconv.ParseFloat(value, 64); err == nil && v > 0 && v < 1e4 {
				n.ideal = unit.Flow(v) * unit.VPH
			}
		}
	}
	if !strings.HasPrefix(version, "8") {
		n.bad.Addf(n.file.Name, "UTDFVERSION", "is %q, expected 8", version)
	}
}

// column finds columns of a section that is not made of records.
func column(s *Section, name string) int {
	for i, c := range s.Columns {
		if strings.EqualFold(strings.TrimSpace(c), name) {
			return i
		}
	}
	return -1
}

func (n *network) readNodes() {
	s := n.file.section(nodeSection)
	if s == nil {
		n.bad.Addf(n.file.Name, "", "has no section [%s]", nodeSection)
		return
	}
	id, kind, x, y, name := column(s, "INTID"), column(s, "TYPE"), column(s, "X"), column(s, "Y"), column(s, "DESCRIPTION")
	if id < 0 || x < 0 || y < 0 {
		n.bad.Addf(n.file.Name, "", "the header of [%s] is %q, expected INTID, X and Y", nodeSection, strings.Join(s.Columns, ","))
		return
	}
	for _, r := range s.Records {
		get := func(i int) string {
			if i < 0 || i >= len(r.Fields) {
				return ""
			}
			return strings.TrimSpace(r.Fields[i])
		}
		coordinate := func(i int) float64 {
			v, err := strconv.ParseFloat(get(i), 64)
			if err != nil || math.IsNaN(v) || math.Abs(v) > 1e8 {
				n.bad.Addf(n.file.at(r.Line), get(id), "%s is %q, expected a coordinate", s.Columns[i], get(i))
				return 0
			}
			return v
		}
		one := node{id: get(id), name: get(name), at: orb.Point{coordinate(x), coordinate(y)}, line: r.Line, kind: plainNode}
		if k, err := strconv.Atoi(cmp.Or(get(kind), "3")); err == nil && k >= 0 {
			one.kind = k
		} else {
			n.bad.Addf(n.file.at(r.Line), one.id, "TYPE is %q, expected 0 to 4", get(kind))
		}
		if at, twice := n.node[one.id]; twice || one.id == "" {
			n.bad.Addf(n.file.at(r.Line), one.id, "INTID is empty or was used before (line %d)", n.lineOf(at, twice))
			continue
		}
		n.node[one.id] = len(n.nodes)
		n.nodes = append(n.nodes, one)
	}
}

func (n *network) lineOf(i int, known bool) int {
	if !known {
		return 0
	}
	return n.nodes[i].line
}

func (n *network) readLinks() {
	t := n.file.tableOf(linkSection, true, n.bad)
	for _, b := range t.order {
		if _, ok := n.node[b.id]; !ok {
			n.bad.Addf(n.file.at(b.line), b.id, "INTID is not among the nodes")
			continue
		}
		for k, heading := range t.names {
			if up := t.text(b, "Up ID", k); up != "" {
				n.addLink(t, b, k, up, heading)
			}
		}
	}
}

func (n *network) addLink(t *table, b *block, k int, up, heading string) {
	l := link{up: up, at: b.id, heading: heading, name: t.text(b, "Name", k), lanes: t.whole(b, "Lanes", k, 0, 20, 0), line: b.record["up id"].Line}
	_, known := n.node[up]
	if !known || up == b.id {
		n.bad.Addf(n.file.at(l.line), b.id, "Up ID %s is %q, expected another node", heading, up)
		return
	}
	if old, twice := n.link[[2]string{up, b.id}]; twice {
		n.bad.Addf(n.file.at(l.line), b.id, "the link from %s is given twice, as %s and %s", up, n.links[old].heading, heading)
		return
	}
	l.distance, _ = t.within(b, "Distance", k, 0, 1e6)
	speed, _ := t.within(b, "Speed", k, 0, 200)
	l.speed = unit.Speed(speed) * n.speedUnit()
	grade, _ := t.within(b, "Grade", k, -50, 50)
	l.grade = unit.Share(grade) * unit.Percent
	x, ok1 := t.number(b, "Curve Pt X", k)
	y, ok2 := t.number(b, "Curve Pt Y", k)
	if ok1 && ok2 {
		l.curve = &orb.Point{x, y}
	}
	n.link[[2]string{up, b.id}] = len(n.links)
	n.links = append(n.links, l)
}
