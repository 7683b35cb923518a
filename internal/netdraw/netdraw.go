// Package netdraw makes small cities for tests out of drawn characters:
//
//	  c
//	  |
//	a-B=d
//	  ^
//	  e
//
// A letter or digit is a node, a capital one has a signal. Between two nodes in
// a row or column, '-' and '|' draw a street with one lane in each direction,
// '=' and 'H' one with two lanes, '#' one with three; one '>', '<', '^' or 'v'
// in the line makes it one-way, with the lanes its other characters say. So the
// letter v cannot be a node. Every character is 20 m wide and high. Streets are
// named by their ends: segment "aB" leads from a to B.
//
// It stands on geo and is for tests alone.
package netdraw

import (
	"fmt"
	"strings"
	"unicode"

	"github.com/paulmach/orb"

	"tideway/geo"
	"tideway/geo/sketch"
	"tideway/unit"
)

// CellM is the width and height of a character in metres.
const CellM = 20

// lanes per direction of the characters that draw streets.
var lanesOf = map[rune]int{'-': 1, '|': 1, '=': 2, 'H': 2, '#': 3}

// classes by lanes per direction.
var classOf = map[int]geo.RoadClass{1: geo.Residential, 2: geo.Secondary, 3: geo.Primary}

// Parse returns the drawn network with a limit of 50 km/h.
func Parse(drawing string) (*sketch.Sketch, error) {
	p := &parser{node: map[[2]int]int{}, out: &sketch.Sketch{Name: "drawing", TimeZone: "UTC", Origin: orb.Point{11, 44}}}
	for _, line := range strings.Split(strings.Trim(drawing, "\n"), "\n") {
		p.grid = append(p.grid, []rune(strings.TrimRight(line, " \t\r")))
	}
	p.nodes()
	for y, row := range p.grid {
		for x := range row {
			if _, ok := p.node[[2]int{x, y}]; ok {
				if err := p.streets(x, y); err != nil {
					return nil, err
				}
			}
		}
	}
	return p.out, nil
}

// City returns the drawn network as a city. It panics on a wrong drawing, which
// is a bug of the test.
func City(drawing string) *geo.City {
	s, err := Parse(drawing)
	if err != nil {
		panic(err)
	}
	c, err := s.Draft().Build()
	if err != nil {
		panic(err)
	}
	return c
}

type parser struct {
	grid [][]rune
	node map[[2]int]int
	out  *sketch.Sketch
}

func (p *parser) at(x, y int) rune {
	if y < len(p.grid) && x < len(p.grid[y]) {
		return p.grid[y][x]
	}
	return ' '
}

func (p *parser) nodes() {
	for y, row := range p.grid {
		for x, c := range row {
			if !unicode.IsLetter(c) && !unicode.IsDigit(c) || c == 'v' || c == 'H' {
				continue
			}
			p.node[[2]int{x, y}] = len(p.out.Nodes)
			p.out.Nodes = append(p.out.Nodes, sketch.Node{ID: string(c), XY: orb.Point{float64(x) * CellM, -float64(y) * CellM}, Signal: unicode.IsUpper(c)})
		}
	}
}

// streets adds those that leave a node to the right and downwards.
func (p *parser) streets(x, y int) error {
	if err := p.street(x, y, 1, 0, "-=#", '>', '<'); err != nil {
		return err
	}
	return p.street(x, y, 0, 1, "|H#", 'v', '^')
}

func (p *parser) street(x, y, dx, dy int, draws string, ahead, back rune) error {
	from := p.node[[2]int{x, y}]
	lanes, forward, backward := 0, true, true
	steps := 1
	for ; ; steps++ {
		c := p.at(x+steps*dx, y+steps*dy)
		if c == ahead {
			backward = false
		} else if c == back {
			forward = false
		} else if strings.ContainsRune(draws, c) {
			lanes = max(lanes, lanesOf[c])
		} else {
			break
		}
	}
	if steps == 1 {
		return nil
	}
	to, ok := p.node[[2]int{x + steps*dx, y + steps*dy}]
	if !ok || !forward && !backward {
		return fmt.Errorf("the street from %s ends nowhere or has two directions", p.out.Nodes[from].ID)
	}
	lanes = max(lanes, 1)
	r := sketch.Road{ID: p.out.Nodes[from].ID + p.out.Nodes[to].ID, From: from, To: to, Class: classOf[lanes], Limit: 50 * unit.KMH}
	if forward {
		r.Forward = lanes
	}
	if backward {
		r.Backward = lanes
	}
	if !forward { // drawn against its direction
		r.ID, r.From, r.To, r.Forward, r.Backward = p.out.Nodes[to].ID+p.out.Nodes[from].ID, to, from, lanes, 0
	}
	p.out.Roads = append(p.out.Roads, r)
	return nil
}
