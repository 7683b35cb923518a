package report

import (
	"fmt"
	"html"
	"html/template"
	"math"
	"strconv"
	"strings"
)

// Colours: blue is better, orange worse (told apart by colour-blind readers,
// and by lightness in grey print).
const (
	ink       = "#1d2733"
	muted     = "#66717f"
	hairline  = "#dfe4ea"
	roadColor = "#cfd6de"
	betterInk = "#1767a8"
	worseInk  = "#c2500f"
	baseInk   = "#7a8592"
	altInk    = "#5b3a9b"
	greenInk  = "#2e9e5b"
	yellowInk = "#e0a100"
	redInk    = "#cf3a34"
)

// canvas collects one drawing.
type canvas struct {
	b             strings.Builder
	width, height float64
	title         string
}

func newCanvas(width, height float64, title string) *canvas {
	return &canvas{width: width, height: height, title: title}
}

// html returns the drawing. Its title is read out by screen readers.
func (c *canvas) html() template.HTML {
	return template.HTML(fmt.Sprintf(`<svg viewBox="0 0 %s %s" role="img" aria-label="%s">%s</svg>`, num(c.width), num(c.height), html.EscapeString(c.title), c.b.String()))
}

// num writes a coordinate in tenths.
func num(v float64) string {
	v = math.Round(v*10) / 10
	if v == 0 {
		return "0"
	}
	return strconv.FormatFloat(v, 'f', -1, 64)
}

func (c *canvas) line(x1, y1, x2, y2 float64, color string, width float64) {
	fmt.Fprintf(&c.b, `<path d="M%s %sL%s %s" stroke="%s" stroke-width="%s" fill="none"/>`, num(x1), num(y1), num(x2), num(y2), color, num(width))
}

func (c *canvas) rect(x, y, w, h float64, color string) {
	fmt.Fprintf(&c.b, `<rect x="%s" y="%s" width="%s" height="%s" fill="%s"/>`, num(x), num(y), num(w), num(h), color)
}

func (c *canvas) circle(x, y, r float64, style string) {
	fmt.Fprintf(&c.b, `<circle cx="%s" cy="%s" r="%s" %s/>`, num(x), num(y), num(r), style)
}

// path draws lines given as SVG path data.
func (c *canvas) path(d, color string, width float64, more string) {
	if d != "" {
		fmt.Fprintf(&c.b, `<path d="%s" stroke="%s" stroke-width="%s" fill="none" %s/>`, d, color, num(width), more)
	}
}

// Alignments of text.
const (
	left   = "start"
	middle = "middle"
	right  = "end"
)

func (c *canvas) text(x, y float64, align, color string, size float64, s string) {
	fmt.Fprintf(&c.b, `<text x="%s" y="%s" text-anchor="%s" fill="%s" font-size="%s">%s</text>`, num(x), num(y), align, color, num(size), html.EscapeString(s))
}

// axis maps values to a stretch of pixels.
type axis struct{ lo, hi, from, to float64 }

func (a axis) at(v float64) float64 {
	if a.hi == a.lo {
		return a.from
	}
	return a.from + (v-a.lo)/(a.hi-a.lo)*(a.to-a.from)
}

// ticks returns about n round values within the axis.
func (a axis) ticks(n int) (out []float64) {
	step := nice((a.hi - a.lo) / float64(max(1, n)))
	if step <= 0 {
		return nil
	}
	for v := math.Ceil(a.lo/step-1e-9) * step; v <= a.hi+1e-9*step; v += step {
		out = append(out, math.Round(v/step)*step)
	}
	return out
}

// nice returns the smallest of 1, 2, 5 times a power of ten that is not below v.
func nice(v float64) float64 {
	if !(v > 0) || math.IsInf(v, 0) {
		return 0
	}
	p := math.Pow(10, math.Floor(math.Log10(v)))
	for _, f := range []float64{1, 2, 5, 10} {
		if f*p >= v*(1-1e-9) {
			return f * p
		}
	}
	return 10 * p
}

// frame draws the axes of a chart with their grid and names.
func (c *canvas) frame(x, y axis, xTicks, yTicks int, xLabel, yLabel string, xName func(float64) string) {
	for _, v := range y.ticks(yTicks) {
		c.line(x.from, y.at(v), x.to, y.at(v), hairline, 0.7)
		c.text(x.from-5, y.at(v)+3, right, muted, 9, short(v))
	}
	for _, v := range x.ticks(xTicks) {
		c.line(x.at(v), y.from, x.at(v), y.from+3, muted, 0.7)
		c.text(x.at(v), y.from+13, middle, muted, 9, xName(v))
	}
	c.line(x.from, y.from, x.to, y.from, muted, 0.7)
	c.text(x.to, y.from+24, right, muted, 9, xLabel)
	c.text(x.from, y.to-7, left, muted, 9, yLabel)
}

// short writes a tick.
func short(v float64) string {
	if v == 0 { // also its negative
		return "0"
	}
	return strings.ReplaceAll(strconv.FormatFloat(v, 'g', 6, 64), "-", "−")
}
