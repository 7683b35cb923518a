package synth

import (
	"math"
	"math/rand/v2"
	"strconv"

	"github.com/paulmach/orb"

	"tideway/geo"
	"tideway/geo/sketch"
	"tideway/internal/rng"
	"tideway/unit"
)

// grid is the city as lines: crossing (i, j) is where column i meets row j.
// Every linesPerBlock-th line is an arterial, the outermost ones the ring.
type grid struct {
	seed   uint64
	nx, ny int // lines
	edges  []edge
	node   []int // by crossing: position in the sketch's nodes; -1: none
	gates  []gate
	names  []string // of columns, then of rows
}

// edge is a street from crossing a to the next one, b.
type edge struct {
	a, b   int
	across bool // along a row
	line   int  // of the column or row
	class  geo.RoadClass
	gone   bool
}

// gate is a road out of the city.
type gate struct {
	crossing int
	outward  orb.Point // unit direction
	across   bool
	line     int
	class    geo.RoadClass
}

func (g *grid) stream(i, j int) rng.Stream {
	return rng.New(g.seed, uint64(i)<<32|uint64(j), rng.Layout)
}

// newGrid chooses the smallest grid from which streets can be taken until the
// wanted size is left.
func newGrid(opt Options) *grid {
	g := &grid{seed: opt.Seed}
	best := math.MaxInt
	for a := 1; a <= 120; a++ {
		for b := (a + 1) / 2; b <= a; b++ {
			nx, ny := a*linesPerBlock+1, b*linesPerBlock+1
			full := 2*(nx*(ny-1)+ny*(nx-1)) + 2*gateCount(a, b)
			if full >= opt.Segments*108/100 && full < best {
				best, g.nx, g.ny = full, nx, ny
			}
		}
	}
	g.addEdges()
	g.addGates()
	g.nameLines()
	return g
}

// gateCount is the number of roads out: every arterial inside the ring leaves
// it at both ends, but for the shore.
func gateCount(a, b int) int { return (a - 1) + 2*(b-1) }

func (g *grid) addEdges() {
	for j := range g.ny {
		for i := range g.nx {
			if i+1 < g.nx {
				g.edges = append(g.edges, edge{a: g.at(i, j), b: g.at(i+1, j), across: true, line: j, class: g.classOf(j, g.ny)})
			}
			if j+1 < g.ny {
				g.edges = append(g.edges, edge{a: g.at(i, j), b: g.at(i, j+1), line: i, class: g.classOf(i, g.nx)})
			}
		}
	}
}

func (g *grid) at(i, j int) int { return j*g.nx + i }

func (g *grid) addGates() {
	for i := linesPerBlock; i < g.nx-1; i += linesPerBlock {
		g.gates = append(g.gates, gate{g.at(i, g.ny-1), orb.Point{0, 1}, false, i, g.classOf(i, g.nx)})
	}
	for j := linesPerBlock; j < g.ny-1; j += linesPerBlock {
		g.gates = append(g.gates, gate{g.at(0, j), orb.Point{-1, 0}, true, j, g.classOf(j, g.ny)})
		g.gates = append(g.gates, gate{g.at(g.nx-1, j), orb.Point{1, 0}, true, j, g.classOf(j, g.ny)})
	}
}

// thin takes quiet streets away, at random, until the wanted number of segments
// is left: first such that every crossing stays joined, then dead ends.
func (g *grid) thin(segments int) {
	excess := len(g.edges) + len(g.gates) - segments/2
	order := make([]int, len(g.edges))
	for i := range order {
		order[i] = i
	}
	s := rng.New(g.seed, 0, rng.Layout)
	rand.New(&s).Shuffle(len(order), func(a, b int) { order[a], order[b] = order[b], order[a] })
	joined := newSets(g.nx * g.ny)
	for _, e := range g.edges {
		if e.class != geo.Residential {
			joined.join(e.a, e.b)
		}
	}
	var spare []int
	for _, k := range order {
		if e := g.edges[k]; e.class == geo.Residential && !joined.join(e.a, e.b) {
			spare = append(spare, k)
		}
	}
	for _, k := range spare[:max(0, min(excess, len(spare)))] {
		g.edges[k].gone = true
		excess--
	}
	for excess > 0 && g.trimEnd(order) {
		excess--
	}
}

// trimEnd takes one dead end away; false when there is none.
func (g *grid) trimEnd(order []int) bool {
	degree := g.degrees()
	for _, k := range order {
		e := &g.edges[k]
		if !e.gone && e.class == geo.Residential && (degree[e.a] == 1 || degree[e.b] == 1) {
			e.gone = true
			return true
		}
	}
	return false
}

func (g *grid) degrees() []int {
	degree := make([]int, g.nx*g.ny)
	for _, e := range g.edges {
		if !e.gone {
			degree[e.a]++
			degree[e.b]++
		}
	}
	return degree
}

// sets is a forest of disjoint sets.
type sets []int

func newSets(n int) sets {
	s := make(sets, n)
	for i := range s {
		s[i] = i
	}
	return s
}

func (s sets) find(i int) int {
	for s[i] != i {
		s[i] = s[s[i]]
		i = s[i]
	}
	return i
}

// join unites two sets; false when they were one already.
func (s sets) join(a, b int) bool {
	a, b = s.find(a), s.find(b)
	s[a] = b
	return a != b
}

// Lanes per direction and limits by class.
var (
	lanesOf  = map[geo.RoadClass]int{geo.Primary: 3, geo.Secondary: 2, geo.Residential: 1}
	limitsOf = map[geo.RoadClass]unit.Speed{geo.Primary: 60 * unit.KMH, geo.Secondary: 50 * unit.KMH, geo.Residential: 30 * unit.KMH}
)

// sketch draws the grid.
func (g *grid) sketch() *sketch.Sketch {
	s := &sketch.Sketch{Name: Name, TimeZone: TimeZone, Origin: origin}
	g.node = make([]int, g.nx*g.ny)
	for c, degree := range g.degrees() {
		g.node[c] = -1
		if degree > 0 {
			g.node[c] = len(s.Nodes)
			s.Nodes = append(s.Nodes, g.sketchNode(c))
		}
	}
	for _, e := range g.edges {
		if !e.gone {
			s.Roads = append(s.Roads, g.road(s, g.node[e.a], g.node[e.b], e.class, e.across, e.line))
		}
	}
	for _, gt := range g.gates {
		from := s.Nodes[g.node[gt.crossing]]
		out := len(s.Nodes)
		s.Nodes = append(s.Nodes, sketch.Node{ID: "gate-" + from.ID, Name: "Gate " + g.lineName(gt.across, gt.line),
			XY: orb.Point{from.XY[0] + gt.outward[0]*gateM, from.XY[1] + gt.outward[1]*gateM}, Zone: "gate-" + from.ID})
		s.Roads = append(s.Roads, g.road(s, g.node[gt.crossing], out, gt.class, gt.across, gt.line))
	}
	return s
}

func (g *grid) sketchNode(c int) sketch.Node {
	i, j := c%g.nx, c/g.nx
	arterials := i%linesPerBlock == 0 && j%linesPerBlock == 0
	return sketch.Node{ID: columnLetters(i) + strconv.Itoa(j+1), Name: g.lineName(false, i) + " / " + g.lineName(true, j), XY: g.xy(i, j), Signal: arterials}
}

func (g *grid) road(s *sketch.Sketch, from, to int, class geo.RoadClass, across bool, line int) sketch.Road {
	rank := 0
	if across { // rows go first where quiet streets cross
		rank = 1
	}
	a, b := s.Nodes[from].ID, s.Nodes[to].ID
	return sketch.Road{ID: a + "-" + b, BackID: b + "-" + a, Name: g.lineName(across, line), From: from, To: to, Class: class,
		Limit: limitsOf[class], Forward: lanesOf[class], Backward: lanesOf[class], Rank: rank, Median: class == geo.Primary}
}

// columnLetters numbers columns as spreadsheets do: A to Z, AA, AB ...
func columnLetters(i int) string {
	if i < 26 {
		return string(rune('A' + i))
	}
	return columnLetters(i/26-1) + string(rune('A'+i%26))
}
