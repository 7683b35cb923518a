package air

import (
	"math"

	"github.com/paulmach/orb"
	"github.com/paulmach/orb/planar"

	"tideway/sim/air/dispersion"
	"tideway/unit"
)

// Grading says how finely Graded covers an area.
type Grading struct {
	Finest, Coarsest unit.Length // sides of the squares at roads and far from them; 0: 5 m and 200 m
	Height           unit.Length // of the receptors; 0: 1.5 m
}

const breathing = 1.5 * unit.Metre

func (g Grading) orDefault() Grading {
	if g.Finest <= 0 {
		g.Finest = 5
	}
	if g.Coarsest <= 0 {
		g.Coarsest = 200
	}
	if g.Height <= 0 {
		g.Height = breathing
	}
	return g
}

// Graded covers an area (metres) with squares that grow with the distance from
// the nearest road, and returns their centres as receptors and their sides: the
// grid behind contours. Squares at the upper edges may reach over them.
func Graded(roads dispersion.Links, area orb.Bound, g Grading) (dispersion.Receptors, []unit.Length) {
	g = g.orDefault()
	side := g.Finest.M()
	for side < math.Max(area.Max[0]-area.Min[0], area.Max[1]-area.Min[1]) {
		side *= 2
	}
	c := cover{roads: roads, area: area, g: g}
	all := make([]int32, roads.Len())
	for i := range all {
		all[i] = int32(i)
	}
	c.square(area.Min[0]+side/2, area.Min[1]+side/2, side, all)
	return c.rec, c.sides
}

type cover struct {
	roads dispersion.Links
	area  orb.Bound
	g     Grading
	rec   dispersion.Receptors
	sides []unit.Length
}

// square divides itself while it is larger than the coarsest side or closer to
// a road than it is wide. near are the roads that can matter to it.
func (c *cover) square(x, y, side float64, near []int32) {
	if x-side/2 >= c.area.Max[0] || y-side/2 >= c.area.Max[1] {
		return
	}
	// A square inside this one divides only for roads within this square's side
	// of its own edge.
	reach := side * (1 + math.Sqrt2/2)
	var kept []int32
	nearest := math.Inf(1)
	for _, i := range near {
		d := c.distance(int(i), x, y)
		nearest = math.Min(nearest, d)
		if d <= reach {
			kept = append(kept, i)
		}
	}
	if side > c.g.Finest.M() && (side > c.g.Coarsest.M() || nearest < side) {
		h := side / 4
		for _, q := range [4][2]float64{{-h, -h}, {h, -h}, {-h, h}, {h, h}} {
			c.square(x+q[0], y+q[1], side/2, kept)
		}
		return
	}
	c.rec.XM, c.rec.YM, c.rec.ZM = append(c.rec.XM, x), append(c.rec.YM, y), append(c.rec.ZM, c.g.Height.M())
	c.sides = append(c.sides, unit.Length(side))
}

// distance is that of a point from road i.
func (c *cover) distance(i int, x, y float64) float64 {
	l := &c.roads
	return planar.DistanceFromSegment(orb.Point{l.X0M[i], l.Y0M[i]}, orb.Point{l.X1M[i], l.Y1M[i]}, orb.Point{x, y})
}

// ZonePoints are receptors in zones: those of zone i are First[i] to First[i+1].
type ZonePoints struct {
	Receptors dispersion.Receptors
	First     []int32
	AreaM2    []float64 // of each zone
}

// InZones places receptors on a square grid of the given spacing inside every
// zone (polygons in metres), at breathing height; a zone too small for the grid
// gets its centroid.
func InZones(zones []orb.MultiPolygon, spacing unit.Length) ZonePoints {
	out := ZonePoints{First: []int32{0}}
	for _, z := range zones {
		n := len(out.Receptors.XM)
		out.fill(z, spacing.M())
		center, _ := planar.CentroidArea(z)
		if len(out.Receptors.XM) == n && len(z) > 0 {
			out.add(center[0], center[1])
		}
		out.AreaM2 = append(out.AreaM2, areaOf(z))
		out.First = append(out.First, int32(len(out.Receptors.XM)))
	}
	return out
}

func (z *ZonePoints) fill(area orb.MultiPolygon, step float64) {
	b := area.Bound()
	if !(step > 0) || b.IsEmpty() {
		return
	}
	for x := math.Ceil(b.Min[0]/step) * step; x <= b.Max[0]; x += step {
		for y := math.Ceil(b.Min[1]/step) * step; y <= b.Max[1]; y += step {
			if planar.MultiPolygonContains(area, orb.Point{x, y}) {
				z.add(x, y)
			}
		}
	}
}

func (z *ZonePoints) add(x, y float64) {
	r := &z.Receptors
	r.XM, r.YM, r.ZM = append(r.XM, x), append(r.YM, y), append(r.ZM, breathing.M())
}

// Means returns the mean of the receptors' concentrations in every zone; a zone
// without receptors has NaN.
func (z ZonePoints) Means(c []unit.Concentration) []unit.Concentration {
	out := make([]unit.Concentration, len(z.First)-1)
	for i := range out {
		sum := unit.Concentration(0)
		for _, v := range c[z.First[i]:z.First[i+1]] {
			sum += v
		}
		out[i] = sum / unit.Concentration(z.First[i+1]-z.First[i])
	}
	return out
}

func areaOf(z orb.MultiPolygon) float64 {
	_, area := planar.CentroidArea(z)
	return math.Abs(area)
}
