// Package synth makes plausible cities of any size: a ring road, a grid of
// arterials with coordinated signals, quiet streets between them that give way,
// gates to the world outside, zones with people, bus stops, loop detectors and
// air stations. Equal options give equal cities, bit by bit.
//
// It draws with geo/sketch; sim/demand makes such a city's day. The place on the
// map is open sea off a coast: nobody lives there.
package synth

import (
	"fmt"
	"math"

	"github.com/paulmach/orb"

	"tideway/geo"
	"tideway/internal/fault"
)

// Options choose a city.
type Options struct {
	Segments int // about so many directed segments, MinSegments to MaxSegments
	Seed     uint64
}

// Bounds of Options.Segments.
const (
	MinSegments = 60
	MaxSegments = 100_000
)

// Name is the name of every synthetic city; TimeZone its clock.
const (
	Name     = "Tidehaven 潮港"
	TimeZone = "Asia/Shanghai"
)

// origin is the lon/lat of the city's centre.
var origin = orb.Point{123.5, 30.5}

// Zone kinds that this package makes.
const (
	Residential = "residential"
	Centre      = "centre"
	Industrial  = "industrial"
	External    = "external"   // a gate: traffic from and to elsewhere
	Restricted  = "restricted" // the low-emission zone around the centre
)

// City returns the city of the options.
func City(opt Options) (*geo.City, error) {
	d, err := Draft(opt)
	if err != nil {
		return nil, err
	}
	return d.Build()
}

// Draft returns the city of the options as a draft, for those who want to vary it.
func Draft(opt Options) (*geo.Draft, error) {
	if opt.Segments < MinSegments || opt.Segments > MaxSegments {
		var bad fault.List
		bad.Addf("size", "", "is %d segments, expected %d to %d", opt.Segments, MinSegments, MaxSegments)
		return nil, bad.Err("making a synthetic city")
	}
	g := newGrid(opt)
	g.thin(opt.Segments)
	s := g.sketch()
	d := s.Draft()
	p := &places{g: g, d: d, frame: d.Frame}
	p.findSegments()
	p.coordinate()
	p.addZones()
	p.addSensors()
	p.addStops()
	assume(d)
	return d, nil
}

// assume records that the city is invented.
func assume(d *geo.Draft) {
	d.Assumed = append(d.Assumed, geo.Assumption{Kind: "city", ID: d.Name, Field: "all", Value: fmt.Sprint(len(d.Segments)) + " segments", Why: "a synthetic city: nothing of it exists"})
}

// Dimensions of the grid.
const (
	linesPerBlock = 3     // streets between two arterials, plus one
	spacingM      = 140.0 // between lines
	rounding      = 0.55  // how far the square's corners are drawn in, 0 to 1
	gateM         = 260.0 // length of the roads that lead out
)

// classOf is the class of a line of the grid: the ring and every third
// arterial are primary.
func (g *grid) classOf(line, lines int) geo.RoadClass {
	arterial := line / linesPerBlock
	blocks := (lines - 1) / linesPerBlock
	switch {
	case line%linesPerBlock != 0:
		return geo.Residential
	case line == 0 || line == lines-1 || arterial == (blocks+1)/2 || blocks > 6 && arterial%3 == 0:
		return geo.Primary
	}
	return geo.Secondary
}

// xy is where crossing (i, j) lies: the square is bent into a rounded one, the
// south is a shore that swings, and nothing is quite straight.
func (g *grid) xy(i, j int) orb.Point {
	u, v := 2*float64(i)/float64(g.nx-1)-1, 2*float64(j)/float64(g.ny-1)-1
	w, h := spacingM*float64(g.nx-1)/2, spacingM*float64(g.ny-1)/2
	round := rounding
	if v < 0 {
		round = 0.15
	}
	x, y := w*u*math.Sqrt(1-round*v*v/2), h*v*math.Sqrt(1-round*u*u/2)
	if v < 0 {
		y += 60 * v * v * math.Sin(2.5*u+float64(g.seed%7))
	}
	shake := 10.0
	if i%linesPerBlock == 0 || j%linesPerBlock == 0 {
		shake = 5
	}
	r := g.stream(i, j)
	return orb.Point{x + r.Between(-shake, shake), y + r.Between(-shake, shake)}
}
