package report

import (
	"cmp"
	"fmt"
	"html/template"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/paulmach/orb"

	"tideway/geo"
	"tideway/scenarios"
)

// diffMap is one map of differences: a value per segment, NaN where nothing is
// to be said.
type diffMap struct {
	city   *geo.City
	value  []float64
	unit   string
	title  string
	marks  []orb.Point     // where the scenario acts
	top    []geo.SegmentID // numbered
	window orb.Bound       // what is shown, metres
	limits [3]float64      // magnitudes from which a segment is drawn weak, clear, strong
}

// Sizes of maps in pixels; strokes by class of magnitude.
const (
	mapWidth   = 720.0
	mapLow     = 240.0
	mapHigh    = 420.0
	numbered   = 5
	shownShare = 0.97 // of all change lies in the window
)

var strokes = [4]float64{1.1, 2.2, 3.6, 5.2}

// absolute returns the change of time lost per segment in vehicle-minutes.
func absolute(d *scenarios.SegmentDiff) []float64 {
	out := make([]float64, len(d.AltDelayS))
	for s := range out {
		out[s] = float64(d.AltDelayS[s]-d.BaseDelayS[s]) / 60
	}
	return out
}

// leastBaseS is the time lost below which a relative change says nothing.
const leastBaseS = 120

// relative returns the change of time lost per vehicle in per cent of the base.
func relative(d *scenarios.SegmentDiff) []float64 {
	out := make([]float64, len(d.AltDelayS))
	for s := range out {
		out[s] = math.NaN()
		if d.BaseDelayS[s] >= leastBaseS && d.BaseFlowVPH[s] > 0 && d.AltFlowVPH[s] > 0 {
			base, alt := d.BaseDelayS[s]/d.BaseFlowVPH[s], d.AltDelayS[s]/d.AltFlowVPH[s]
			out[s] = 100 * float64(alt/base-1)
		}
	}
	return out
}

// largest returns the segments of the largest magnitudes, largest first.
func largest(value []float64, n int) []geo.SegmentID {
	var all []geo.SegmentID
	for s, v := range value {
		if math.Abs(v) > 0 {
			all = append(all, geo.SegmentID(s))
		}
	}
	slices.SortStableFunc(all, func(a, b geo.SegmentID) int { return cmp.Compare(math.Abs(value[b]), math.Abs(value[a])) })
	return all[:min(n, len(all))]
}

// focus returns the part of the city where nearly all of the change is, with
// some ground around it.
func focus(c *geo.City, value []float64, marks []orb.Point) orb.Bound {
	sum := 0.0
	for _, v := range value {
		if !math.IsNaN(v) {
			sum += math.Abs(v)
		}
	}
	var points orb.MultiPoint
	seen := 0.0
	for _, s := range largest(value, len(value)) {
		if seen > shownShare*sum {
			break
		}
		seen += math.Abs(value[s])
		points = append(points, c.Midpoint(s))
	}
	points = append(points, marks...)
	if len(points) == 0 {
		return c.Bound()
	}
	b := points.Bound()
	b = b.Pad(math.Max(60, 0.08*math.Max(b.Max[0]-b.Min[0], b.Max[1]-b.Min[1])))
	all := c.Bound().Pad(60)
	b = orb.Bound{Min: orb.Point{math.Max(b.Min[0], all.Min[0]), math.Max(b.Min[1], all.Min[1])}, Max: orb.Point{math.Min(b.Max[0], all.Max[0]), math.Min(b.Max[1], all.Max[1])}}
	if w, h := b.Max[0]-b.Min[0], b.Max[1]-b.Min[1]; h < w*mapLow/mapWidth { // room above and below rather than a strip
		grow := (w*mapLow/mapWidth - h) / 2
		b.Min[1], b.Max[1] = b.Min[1]-grow, b.Max[1]+grow
	} else if h > w*mapHigh/mapWidth {
		grow := (h*mapWidth/mapHigh - w) / 2
		b.Min[0], b.Max[0] = b.Min[0]-grow, b.Max[0]+grow
	}
	return b
}

// classes returns round magnitudes that part the values into weak, clear and
// strong: strong is about the tenth part of the segments that change most.
func classes(value []float64) (out [3]float64) {
	var all []float64
	for _, v := range value {
		if math.Abs(v) > 0 {
			all = append(all, math.Abs(v))
		}
	}
	if len(all) == 0 {
		return [3]float64{1, 2, 5}
	}
	slices.Sort(all)
	top := nice(all[len(all)-1-len(all)/50] / 4)
	return [3]float64{top / 10, top / 2.5, top}
}

func (m *diffMap) class(v float64) int {
	n := 0
	for _, l := range m.limits {
		if math.Abs(v) >= l {
			n++
		}
	}
	return n
}

// draw returns the map.
func (m *diffMap) draw() template.HTML {
	w, h := m.window.Max[0]-m.window.Min[0], m.window.Max[1]-m.window.Min[1]
	scale := mapWidth / math.Max(w, 1)
	height := math.Max(60, h*scale)
	c := newCanvas(mapWidth, height+34, m.title)
	place := func(p orb.Point) (x, y float64) {
		return (p[0] - m.window.Min[0]) * scale, (m.window.Max[1] - p[1]) * scale
	}
	var paths [4][2]strings.Builder // by class and direction
	for s, seg := range m.city.Segments.All() {
		if !seg.Shape.Bound().Intersects(m.window) {
			continue
		}
		k, worse := 0, 0
		if v := m.value[s]; !math.IsNaN(v) {
			k = m.class(v)
			if v > 0 {
				worse = 1
			}
		}
		paths[k][worse].WriteString(shape(seg.Shape, place))
	}
	fmt.Fprintf(&c.b, `<clipPath id="c%s"><rect width="%s" height="%s"/></clipPath><g clip-path="url(#c%[1]s)" stroke-linejoin="round">`, m.id(), num(mapWidth), num(height))
	c.rect(0, 0, mapWidth, height, "#f6f8fa")
	for k := range paths {
		for worse, color := range []string{betterInk, worseInk} {
			if k == 0 {
				color = roadColor
			}
			c.path(paths[k][worse].String(), color, strokes[k], fmt.Sprintf(`stroke-opacity="%s"`, []string{"1", "0.55", "0.8", "1"}[k]))
		}
	}
	for _, p := range m.marks {
		x, y := place(p)
		c.circle(x, y, 9, `fill="none" stroke="`+ink+`" stroke-width="1.6"`)
	}
	for i, s := range m.top {
		x, y := place(m.city.Midpoint(s))
		c.circle(x, y, 7, `fill="#fff" stroke="`+ink+`" stroke-width="0.8"`)
		c.text(x, y+3.2, middle, ink, 9, strconv.Itoa(i+1))
	}
	c.b.WriteString("</g>")
	m.legend(c, height, scale)
	return c.html()
}

// id keeps clip paths of one page apart.
func (m *diffMap) id() string {
	h := uint32(2166136261)
	for _, r := range m.title {
		h = (h ^ uint32(r)) * 16777619
	}
	return strconv.FormatUint(uint64(h), 36)
}

// shape returns a line as path data without points that fall together.
func shape(line orb.LineString, place func(orb.Point) (float64, float64)) string {
	var b strings.Builder
	px, py := math.Inf(1), 0.0
	for i, p := range line {
		x, y := place(p)
		if i > 0 && i < len(line)-1 && math.Hypot(x-px, y-py) < 1 {
			continue
		}
		if i == 0 {
			b.WriteByte('M')
		} else {
			b.WriteByte('L')
		}
		b.WriteString(num(x) + " " + num(y))
		px, py = x, y
	}
	return b.String()
}

func (m *diffMap) legend(c *canvas, top, scale float64) {
	y, x := top+20, 2.0
	for k := 3; k >= 1; k-- {
		x = m.key(c, x, y, betterInk, k, "−")
	}
	x += 8
	for k := 1; k <= 3; k++ {
		x = m.key(c, x, y, worseInk, k, "+")
	}
	bar := nice(90 / scale / 2)
	c.line(mapWidth-8-bar*scale, y, mapWidth-8, y, ink, 2)
	c.text(mapWidth-12-bar*scale, y+3, right, muted, 9, figure(bar)+" m")
}

// key draws one entry and returns where the next begins.
func (m *diffMap) key(c *canvas, x, y float64, color string, k int, sign string) float64 {
	c.path(fmt.Sprintf("M%s %sh18", num(x), num(y)), color, strokes[k], fmt.Sprintf(`stroke-opacity="%s"`, []string{"1", "0.55", "0.8", "1"}[k]))
	text := sign + figure(m.limits[k-1])
	if k == 3 {
		text += " " + m.unit + " and more"
	}
	c.text(x+22, y+3, left, muted, 9, text)
	return x + 34 + 5.2*float64(len([]rune(text)))
}
