package gmns

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/paulmach/orb"
	"github.com/paulmach/orb/planar"

	"tideway/geo"
	"tideway/unit"
)

// lengthUnits in metres, by the words that config.csv uses.
var lengthUnits = map[string]float64{"m": 1, "meter": 1, "metre": 1, "meters": 1, "metres": 1, "km": 1000, "kilometer": 1000, "kilometre": 1000, "kilometers": 1000,
	"foot": 0.3048, "feet": 0.3048, "ft": 0.3048, "mile": 1609.344, "miles": 1609.344, "mi": 1609.344}

// settle finds out where on earth the coordinates are and what the lengths and
// speeds mean.
func (p *plain) settle() {
	if len(p.raw) == 0 {
		p.bad.Addf("node.csv", "", "has no nodes")
		return
	}
	p.settlePlace()
	p.settleLengths()
	p.settleSpeeds()
}

func (p *plain) settlePlace() {
	box := orb.MultiPoint{}
	for _, n := range p.raw {
		box = append(box, n.at)
	}
	bound := box.Bound()
	code, _ := strconv.Atoi(strings.TrimPrefix(strings.ToUpper(p.crs), "EPSG:"))
	degrees := math.Abs(bound.Min[0]) <= 180 && math.Abs(bound.Max[0]) <= 180 && math.Abs(bound.Min[1]) <= 85 && math.Abs(bound.Max[1]) <= 85
	switch zone := code % 100; {
	case degrees && (code == 4326 || code == 4269 || code == 0):
		p.onEarth(bound.Center(), func(q orb.Point) orb.Point { return q })
		if code != 4326 {
			p.assume("city", "", "crs", "EPSG:4326", fmt.Sprintf("coordinate system %q is taken as lon/lat", p.crs))
		}
	case (code/100 == 326 || code/100 == 327) && zone >= 1 && zone <= 60:
		utm := geo.UTM(zone, code/100 == 326, 0, 0)
		p.onEarth(utm.LonLat(bound.Center()), utm.LonLat)
	default:
		p.onPlane(bound.Center())
	}
}

// onEarth places coordinates that lonLat understands.
func (p *plain) onEarth(middle orb.Point, lonLat func(orb.Point) orb.Point) {
	if math.Abs(middle[1]) > 85 {
		p.bad.Addf("node.csv", "", "the network lies at %v, expected a place on earth", middle)
		return
	}
	p.origin, p.frame = middle, geo.LocalFrame(middle)
	p.place = func(q orb.Point) orb.Point { return p.frame.XY(lonLat(q)) }
}

// onPlane keeps the shape of a network whose coordinate system is not
// understood and puts its middle where asked.
func (p *plain) onPlane(middle orb.Point) {
	metres, known := lengthUnits[strings.ToLower(p.shortUnit)]
	if !known {
		metres = 1
	}
	if p.opt.Origin != nil {
		p.origin = *p.opt.Origin
	}
	p.frame = geo.LocalFrame(p.origin)
	p.place = func(q orb.Point) orb.Point {
		return orb.Point{(q[0] - middle[0]) * metres, (q[1] - middle[1]) * metres}
	}
	p.assume("city", "", "crs", fmt.Sprintf("%v,%v", p.origin[0], p.origin[1]),
		fmt.Sprintf("coordinate system %q is not supported; the network keeps its shape, one unit is %v m, and its middle is placed there", p.crs, metres))
}

// axis is a link's line in metres from node to node.
func (p *plain) axis(l plainLink) orb.LineString {
	line := orb.LineString{p.place(p.raw[l.from].at)}
	for i, q := range l.shape {
		if i > 0 && i < len(l.shape)-1 {
			line = append(line, p.place(q))
		}
	}
	return append(line, p.place(p.raw[l.to].at))
}

// settleLengths compares given lengths with drawn ones: config.csv often names
// another unit than the table uses.
func (p *plain) settleLengths() {
	if p.bad.Len() > 0 {
		return
	}
	var ratios []float64 // metres per unit
	for _, l := range p.rawLinks {
		if drawn := planar.Length(p.axis(l)); l.length > 0 && drawn > 1 {
			ratios = append(ratios, drawn/l.length)
		}
	}
	if len(ratios) == 0 {
		return
	}
	slices.Sort(ratios)
	median := ratios[len(ratios)/2]
	named, known := lengthUnits[strings.ToLower(p.longUnit)]
	off := func(metres float64) float64 { return math.Abs(math.Log(median / metres)) }
	metres, word := named, p.longUnit
	if !known || off(named) > math.Log(1.5) {
		metres, word = 1, "meter"
		for _, u := range []string{"foot", "kilometer", "mile"} {
			if off(lengthUnits[u]) < off(metres) {
				metres, word = lengthUnits[u], u
			}
		}
		p.assume("link", "", "length", word, fmt.Sprintf("config.csv names %q; half of the links are drawn longer than %.3g m per unit", p.longUnit, median))
	}
	for i := range p.rawLinks {
		p.rawLinks[i].length *= metres
	}
	p.longUnit = word
}

func (p *plain) settleSpeeds() {
	factor, word := 1/3.6, "km/h"
	switch s := strings.ToLower(p.speeds); {
	case strings.Contains(s, "mph"), strings.Contains(s, "mi"), s == "" && (p.longUnit == "mile" || p.longUnit == "foot"):
		factor, word = 0.44704, "mph"
	case s == "mps", s == "m/s":
		factor, word = 1, "m/s"
	}
	if p.speeds == "" {
		p.assume("link", "", "free_speed", word, "no unit is given; taken to go with the unit of length")
	}
	for i := range p.rawLinks {
		p.rawLinks[i].speed *= factor
	}
}

// classNamed reads facility types as they come.
func classNamed(kind string) (geo.RoadClass, bool) {
	if c, err := geo.ParseRoadClass(kind); err == nil {
		return c, true
	}
	for _, x := range []struct {
		word  string
		class geo.RoadClass
	}{{"freeway", geo.Motorway}, {"motorway", geo.Motorway}, {"expressway", geo.Trunk}, {"highway", geo.Trunk}, {"ramp", geo.Primary}, {"major", geo.Primary}, {"principal", geo.Primary},
		{"minor", geo.Secondary}, {"arterial", geo.Primary}, {"collector", geo.Tertiary}, {"local", geo.Residential}, {"residential", geo.Residential},
		{"connector", geo.Service}, {"primary", geo.Primary}, {"secondary", geo.Secondary}, {"tertiary", geo.Tertiary}, {"unclassified", geo.Tertiary}, {"service", geo.Service}} {
		if strings.Contains(kind, x.word) {
			return x.class, true
		}
	}
	return geo.OtherRoad, false
}

// usual speeds of road classes, for links that give none: common urban limits.
var usualSpeed = map[geo.RoadClass]unit.Speed{geo.Motorway: 100 * unit.KMH, geo.Trunk: 80 * unit.KMH, geo.Primary: 50 * unit.KMH, geo.Secondary: 50 * unit.KMH,
	geo.Tertiary: 50 * unit.KMH, geo.Residential: 30 * unit.KMH, geo.Service: 20 * unit.KMH, geo.OtherRoad: 50 * unit.KMH}
