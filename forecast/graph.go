package forecast

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"tideway/geo"
	"tideway/unit"
)

// Graph is a directed graph of places with driving distances: an arc leads
// from a place to one downstream of it. Places are the segments of a city, by
// geo.SegmentID. It is immutable.
type Graph struct {
	begin []int32
	to    []int32
	distM []float32
	scale unit.Length
}

// Arc is a directed connection of two places.
type Arc struct {
	From, To geo.SegmentID
	Distance unit.Length
}

// NewGraph returns the graph of n places with the given arcs, which may come
// in any order. scale is the distance over which traffic states resemble each
// other; 0 takes the standard deviation of the distances, as DCRNN (Li et al.
// 2018) does.
func NewGraph(n int, arcs []Arc, scale unit.Length) (*Graph, error) {
	for _, a := range arcs {
		if int(a.From) >= n || int(a.To) >= n || !(a.Distance >= 0) {
			return nil, fmt.Errorf("arc %d -> %d of %v m, expected places below %d and a distance that is not negative", a.From, a.To, a.Distance.M(), n)
		}
	}
	arcs = slices.Clone(arcs)
	slices.SortFunc(arcs, func(a, b Arc) int {
		return cmp.Or(cmp.Compare(a.From, b.From), cmp.Compare(a.To, b.To), cmp.Compare(a.Distance, b.Distance))
	})
	g := &Graph{begin: make([]int32, n+1), scale: scale}
	for _, a := range arcs {
		g.begin[a.From+1]++
		g.to, g.distM = append(g.to, int32(a.To)), append(g.distM, float32(a.Distance))
	}
	for i := range n {
		g.begin[i+1] += g.begin[i]
	}
	if g.scale == 0 {
		g.scale = deviationOf(arcs)
	}
	return g, nil
}

func deviationOf(arcs []Arc) unit.Length {
	var sum, square float64
	for _, a := range arcs {
		sum, square = sum+a.Distance.M(), square+a.Distance.M()*a.Distance.M()
	}
	n := math.Max(1, float64(len(arcs)))
	return unit.Length(math.Max(1e-3, math.Sqrt(math.Max(0, square/n-sum*sum/n/n))))
}

// CityScale is the distance over which speeds on city streets resemble each
// other: the scale of CityGraph.
const CityScale = 800 * unit.Metre

// CityGraph returns the segments of a city joined by their movements. The
// distance between two is that of their midpoints along the road.
func CityGraph(c *geo.City) *Graph {
	arcs := make([]Arc, 0, c.Movements.Len())
	for _, m := range c.Movements.All() {
		a, b := c.Lanes.At(m.From).Segment, c.Lanes.At(m.To).Segment
		if a != b {
			arcs = append(arcs, Arc{From: a, To: b, Distance: m.Length + (c.Segments.At(a).Length+c.Segments.At(b).Length)/2})
		}
	}
	g, err := NewGraph(c.Segments.Len(), arcs, CityScale)
	if err != nil {
		panic(err) // a built city has no such arcs
	}
	return g
}

// Places returns the number of places.
func (g *Graph) Places() int { return len(g.begin) - 1 }

// reverse returns the graph with every arc turned round.
func (g *Graph) reverse() *Graph {
	arcs := make([]Arc, 0, len(g.to))
	for from := range g.Places() {
		for k := g.begin[from]; k < g.begin[from+1]; k++ {
			arcs = append(arcs, Arc{From: geo.SegmentID(g.to[k]), To: geo.SegmentID(from), Distance: unit.Length(g.distM[k])})
		}
	}
	r, err := NewGraph(g.Places(), arcs, g.scale)
	if err != nil {
		panic(err) // the arcs come from a graph
	}
	return r
}

// place is a node of a search front and what it found.
type place struct {
	id    int32
	distM float32
}

// search finds the places nearest to a start along arcs (Dijkstra). It is
// scratch, not safe for concurrent use.
type search struct {
	g     *Graph
	distM []float32
	seen  []int32 // places with a finite distance, to be reset
	heap  []place
}

func newSearch(g *Graph) *search {
	s := &search{g: g, distM: make([]float32, g.Places())}
	fill(s.distM, float32(math.Inf(1)))
	return s
}

// from visits places in order of distance from start, start first, until visit
// returns false or the reach is exhausted.
func (s *search) from(start int32, reach unit.Length, visit func(place) bool) {
	s.push(place{start, 0})
	for len(s.heap) > 0 {
		p := s.pop()
		if p.distM > s.distM[p.id] {
			continue
		}
		if !visit(p) {
			break
		}
		for k := s.g.begin[p.id]; k < s.g.begin[p.id+1]; k++ {
			if d := p.distM + s.g.distM[k]; d <= float32(reach) && d < s.distM[s.g.to[k]] {
				s.push(place{s.g.to[k], d})
			}
		}
	}
	for _, id := range s.seen {
		s.distM[id] = float32(math.Inf(1))
	}
	s.seen, s.heap = s.seen[:0], s.heap[:0]
}

func (s *search) push(p place) {
	s.distM[p.id] = p.distM
	s.seen = append(s.seen, p.id)
	s.heap = append(s.heap, p)
	for i := len(s.heap) - 1; i > 0; {
		up := (i - 1) / 2
		if !nearer(s.heap[i], s.heap[up]) {
			break
		}
		s.heap[i], s.heap[up] = s.heap[up], s.heap[i]
		i = up
	}
}

func (s *search) pop() place {
	top, last := s.heap[0], len(s.heap)-1
	s.heap[0] = s.heap[last]
	s.heap = s.heap[:last]
	for i := 0; ; {
		child := 2*i + 1
		if child >= last {
			break
		}
		if child+1 < last && nearer(s.heap[child+1], s.heap[child]) {
			child++
		}
		if !nearer(s.heap[child], s.heap[i]) {
			break
		}
		s.heap[i], s.heap[child] = s.heap[child], s.heap[i]
		i = child
	}
	return top
}

// nearer orders by distance, ties by id, so that results do not depend on the
// order of arcs.
func nearer(a, b place) bool {
	return a.distM < b.distM || a.distM == b.distM && a.id < b.id
}

// Links tell which series feed which: for every row those upstream or
// downstream of it with the weight exp(-(d/scale)²) of their driving distance
// d, as compressed rows without the row itself.
type Links struct {
	Up, Down Arcs
}

// Arcs are weighted connections of rows in compressed form: row i leads to
// Row[Begin[i]:Begin[i+1]], nearest first.
type Arcs struct {
	Begin  []int32
	Row    []int32
	Weight []float32
	DistM  []float32
}

// maxLinks bounds the neighbours per row and direction.
const maxLinks = 16

// NewLinks connects the rows that stand at the given places (geo.NoSegment:
// nowhere): up to 16 per direction within 1.6 scales (weight 0.08).
func NewLinks(g *Graph, at []geo.SegmentID) *Links {
	rows := rowsAt(g.Places(), at)
	reach := 1.6 * g.scale
	return &Links{Down: linksAlong(g, at, rows, reach), Up: linksAlong(g.reverse(), at, rows, reach)}
}

func rowsAt(places int, at []geo.SegmentID) [][]int32 {
	rows := make([][]int32, places)
	for row, p := range at {
		if p != geo.NoSegment {
			rows[p] = append(rows[p], int32(row))
		}
	}
	return rows
}

func linksAlong(g *Graph, at []geo.SegmentID, rows [][]int32, reach unit.Length) Arcs {
	out := Arcs{Begin: make([]int32, len(at)+1)}
	s := newSearch(g)
	for row, p := range at {
		if p != geo.NoSegment {
			n := 0
			s.from(int32(p), reach, func(found place) bool {
				for _, r := range rows[found.id] {
					if int(r) != row && n < maxLinks {
						x := float64(found.distM) / g.scale.M()
						out.Row, out.DistM = append(out.Row, r), append(out.DistM, found.distM)
						out.Weight = append(out.Weight, float32(math.Exp(-x*x)))
						n++
					}
				}
				return n < maxLinks
			})
		}
		out.Begin[row+1] = int32(len(out.Row))
	}
	return out
}
