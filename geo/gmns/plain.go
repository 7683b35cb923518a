package gmns

import (
	"fmt"
	"io/fs"
	"os"
	"path"
	"strings"

	"github.com/paulmach/orb"

	"tideway/geo"
	"tideway/geo/sketch"
	"tideway/internal/fault"
)

// Options tell what plain GMNS does not hold.
type Options struct {
	Name     string     // of the city; "" takes config.csv's dataset_name
	TimeZone string     // IANA name, required for plain GMNS
	Origin   *orb.Point // lon/lat of the network's middle, for coordinate systems that are not understood
}

// ImportDir is Import of a folder on disk.
func ImportDir(dir string, opt Options) (*geo.City, *geo.Audit, error) {
	if opt.Name == "" {
		opt.Name = path.Base(strings.ReplaceAll(dir, `\`, "/"))
	}
	return Import(os.DirFS(dir), opt)
}

// Import reads plain GMNS: nodes and links, with what config, geometry,
// movement, zone and signal tables add. Lanes, movements, conflicts, and signals
// without timings are drawn from them by geo/sketch; every value that was not
// given is among the assumptions. A folder with city.json is read as the city it is.
func Import(fsys fs.FS, opt Options) (*geo.City, *geo.Audit, error) {
	if _, err := fs.Stat(fsys, "city.json"); err == nil {
		return Read(fsys)
	}
	var bad fault.List
	p := &plain{fsys: fsys, opt: opt, bad: &bad, node: map[string]int{}, link: map[string]int{}, shapes: map[string]orb.LineString{}, uses: map[string]geo.ClassSet{}}
	p.config()
	p.geometries()
	p.useGroups()
	p.nodes()
	p.links()
	p.settle()
	if bad.Len() == 0 {
		p.build()
	}
	if err := bad.Err("importing GMNS"); err != nil {
		return nil, nil, err
	}
	c, err := p.draft.Build()
	if err != nil {
		return nil, nil, err
	}
	audit := geo.NewAudit(c, p.dropped)
	return c, &audit, nil
}

// plain holds the tables of plain GMNS until the units are settled.
type plain struct {
	fsys fs.FS
	opt  Options
	bad  *fault.List

	name             string
	crs              string
	shortUnit        string
	longUnit, speeds string
	shapes           map[string]orb.LineString
	uses             map[string]geo.ClassSet
	raw              []plainNode
	rawLinks         []plainLink
	node, link       map[string]int
	byID             map[string]int // links by segment id, made when first asked

	place   func(orb.Point) orb.Point // source coordinates to metres
	frame   geo.Frame
	origin  orb.Point
	sketch  sketch.Sketch
	draft   *geo.Draft
	assumed []geo.Assumption
	dropped []geo.Dropped
}

type plainNode struct {
	id, name, zone string
	at             orb.Point // as in the source
	signal         bool
}

type plainLink struct {
	id, name, kind string
	from, to       int
	shape          orb.LineString // as in the source, from its begin
	length         float64        // as in the source; 0 when not given
	speed          float64        // as in the source; 0 when not given
	capacity       float64        // veh/h and lane; 0 when not given
	lanes          int            // 0 when not given
	both           bool           // undirected
	allow          geo.ClassSet
}

func (p *plain) assume(kind, id, field, value, why string) {
	p.assumed = append(p.assumed, geo.Assumption{Kind: kind, ID: id, Field: field, Value: value, Why: why})
}

func (p *plain) drop(kind, id, why string) {
	p.dropped = append(p.dropped, geo.Dropped{Kind: kind, ID: id, Why: why})
}

func (p *plain) config() {
	t := openTable(p.fsys, "config.csv", p.bad)
	if t == nil || !t.next() {
		p.assume("city", "", "units", "", "there is no config.csv; units and coordinates are judged from the values")
		return
	}
	p.name, p.crs, p.shortUnit, p.longUnit, p.speeds = t.word("dataset_name"), t.word("crs"), t.word("short_length"), t.word("long_length"), t.word("speed")
}

func (p *plain) geometries() {
	for t := openTable(p.fsys, "geometry.csv", p.bad, "geometry_id", "geometry"); t.next(); {
		line, err := ParseLine(t.text("geometry"))
		if err != nil {
			t.wrong(t.text("geometry_id"), "%v", err)
		}
		p.shapes[t.text("geometry_id")] = line
	}
}

// useGroups learns the words of allowed_uses that the folder defines.
func (p *plain) useGroups() {
	for t := openTable(p.fsys, "use_group.csv", p.bad, "use_group", "uses"); t.next(); {
		if set, err := parseUses(t.text("uses"), 0); err == nil {
			p.uses[strings.ToLower(t.word("use_group"))] = set
		}
	}
}

// allowed reads allowed_uses; words nobody defined count as everybody.
func (p *plain) allowed(t *rows, id string) geo.ClassSet {
	text := strings.ToLower(t.word("allowed_uses"))
	if set, ok := p.uses[text]; ok {
		return set
	}
	set, err := parseUses(text, geo.AllClasses)
	if err != nil {
		p.assume("link", id, "allowed_uses", "all", fmt.Sprintf("%q: %v", text, err))
		return geo.AllClasses
	}
	return set
}

func (p *plain) nodes() {
	t := openTable(p.fsys, "node.csv", p.bad, "node_id", "x_coord", "y_coord")
	if t == nil {
		p.bad.Addf("node.csv", "", "is missing")
	}
	for t.next() {
		n := plainNode{id: t.word("node_id"), name: t.word("name"), zone: t.word("zone_id"), at: orb.Point{t.number("x_coord", 0), t.number("y_coord", 0)},
			signal: isSignal(t.word("ctrl_type") + t.word("control_type"))}
		if _, twice := p.node[n.id]; twice || n.id == "" {
			t.wrong(n.id, "node_id is empty or was used before")
		}
		p.node[n.id] = len(p.raw)
		p.raw = append(p.raw, n)
	}
	for t := openTable(p.fsys, "movement.csv", p.bad, "node_id"); t.next(); {
		if i, ok := p.node[t.word("node_id")]; ok && isSignal(t.word("ctrl_type")) {
			p.raw[i].signal = true
		}
	}
}

func isSignal(control string) bool { return strings.Contains(strings.ToLower(control), "signal") }

func (p *plain) links() {
	t := openTable(p.fsys, "link.csv", p.bad, "link_id", "from_node_id", "to_node_id")
	if t == nil {
		p.bad.Addf("link.csv", "", "is missing")
	}
	for t.next() {
		l := plainLink{id: t.word("link_id"), name: t.word("name"), kind: strings.ToLower(t.word("facility_type")), length: t.number("length", 0),
			speed: t.number("free_speed", 0), capacity: t.number("capacity", 0), lanes: t.whole("lanes", 0)}
		from, ok1 := p.node[t.word("from_node_id")]
		to, ok2 := p.node[t.word("to_node_id")]
		if !ok1 || !ok2 {
			t.wrong(l.id, "goes from node %q to %q, expected two nodes of node.csv", t.word("from_node_id"), t.word("to_node_id"))
			continue
		}
		if _, twice := p.link[l.id]; twice || l.id == "" {
			t.wrong(l.id, "link_id is empty or was used before")
		}
		if l.length < 0 || l.speed < 0 || l.capacity < 0 || l.lanes < 0 || l.lanes > 20 {
			t.wrong(l.id, "length %v, free_speed %v, capacity %v and lanes %d must not be negative, and lanes at most 20", l.length, l.speed, l.capacity, l.lanes)
		}
		l.from, l.to, l.shape, l.allow = from, to, p.shapeOf(t, l.id), p.allowed(t, l.id)
		l.both = t.has("directed") && t.word("directed") != "" && !t.truth("directed")
		p.link[l.id] = len(p.rawLinks)
		if p.usable(l) {
			p.rawLinks = append(p.rawLinks, l)
		}
	}
}

// usable drops what no motor vehicle can drive on.
func (p *plain) usable(l plainLink) bool {
	switch {
	case l.from == l.to:
		p.drop("link", l.id, "it ends where it begins")
	case l.allow&geo.MotorClasses == 0:
		p.drop("link", l.id, "no motor vehicles are allowed on it")
	default:
		return true
	}
	return false
}

func (p *plain) shapeOf(t *rows, id string) orb.LineString {
	line, err := ParseLine(t.text("geometry"))
	if err != nil {
		t.wrong(id, "%v", err)
	}
	if g := t.word("geometry_id"); len(line) == 0 && g != "" {
		line = append(orb.LineString(nil), p.shapes[g]...)
	}
	if t.word("dir_flag") == "-1" {
		line.Reverse()
	}
	return line
}
