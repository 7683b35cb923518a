package report

import (
	"fmt"
	"html/template"
	"math"
	"strconv"
	"strings"
	"time"

	"tideway/geo"
	"tideway/scenarios"
	"tideway/sim"
)

const chartWidth = 720.0

// forest draws the relative differences with their intervals.
func forest(a *scenarios.Alternative) template.HTML {
	type row struct {
		name       string
		d, lo, hi  float64
		color, end string
	}
	var rows []row
	span := 5.0
	for _, k := range a.KPIs {
		base := math.Abs(float64(k.Base))
		if !k.Diff.Known() || !k.Lo95.Known() || !(base > 0) {
			continue
		}
		r := row{label(k.KPI), 100 * float64(k.Diff) / base, 100 * float64(k.Lo95) / base, 100 * float64(k.Hi95) / base, muted, ""}
		switch k.Better {
		case scenarios.Better:
			r.color = betterInk
		case scenarios.Worse:
			r.color = worseInk
		}
		span = math.Max(span, math.Min(60, math.Max(math.Abs(r.lo), math.Abs(r.hi))))
		rows = append(rows, r)
	}
	if len(rows) == 0 {
		return ""
	}
	span = math.Min(60, span*1.05)
	const rowHeight = 17.0
	height := rowHeight*float64(len(rows)) + 44
	c := newCanvas(chartWidth, height, "Differences in per cent of the base with 95 % intervals")
	x := axis{-span, span, 250, chartWidth - 60}
	for _, v := range x.ticks(6) {
		c.line(x.at(v), 14, x.at(v), height-30, hairline, 0.7)
		c.text(x.at(v), height-17, middle, muted, 9, signed(v)+" %")
	}
	c.line(x.at(0), 8, x.at(0), height-28, ink, 0.9)
	c.text(x.to, height-3, right, muted, 9, "difference in per cent of the base")
	for i, r := range rows {
		y := 20 + rowHeight*float64(i)
		c.text(240, y+3.5, right, ink, 10.5, r.name)
		c.line(x.at(math.Max(r.lo, -span)), y, x.at(math.Min(r.hi, span)), y, r.color, 2)
		if d := r.d; math.Abs(d) <= span {
			c.circle(x.at(d), y, 3.6, `fill="`+r.color+`"`)
		}
		c.text(chartWidth-52, y+3.5, left, r.color, 9.5, signed(math.Round(r.d*10)/10)+" %")
	}
	return c.html()
}

// timeSpace draws trajectories and signals along the corridor.
func timeSpace(city *geo.City, r *Recording, name string) template.HTML {
	const height = 400.0
	c := newCanvas(chartWidth, height, "Time-space diagram, "+name)
	x := axis{r.From.Seconds(), r.To.Seconds(), 60, chartWidth - 96}
	y := axis{0, math.Max(1, r.EndM), height - 34, 22}
	minute := axis{x.lo / 60, x.hi / 60, x.from, x.to}
	c.frame(axis{minute.lo, minute.hi, x.from, x.to}, y, 10, 6, "time of the demand's clock", "metres along the corridor",
		func(v float64) string { return clock(r.Begin + time.Duration(v*float64(time.Minute))) })
	fmt.Fprintf(&c.b, `<g stroke="%s" stroke-width="0.6" fill="none" stroke-opacity="0.65">`, ink)
	for _, t := range r.Tracks {
		if len(t.AtS) > 1 {
			fmt.Fprintf(&c.b, `<path d="%s"/>`, trackPath(t, x, y))
		}
	}
	c.b.WriteString("</g>")
	for _, s := range r.Signals {
		at := y.at(r.StopAtM[s.Position])
		c.lights(r, s, x, at)
		c.text(x.to+6, at+3, left, ink, 9, "signal "+city.Signals.At(s.Signal).ID)
	}
	return c.html()
}

// trackPath leaves out points in the middle of straight stretches.
func trackPath(t Track, x, y axis) string {
	var b strings.Builder
	n := len(t.AtS)
	for i := range n {
		if i > 0 && i < n-1 {
			before, after := t.PosM[i]-t.PosM[i-1], t.PosM[i+1]-t.PosM[i]
			if d := before - after; d < 0.15 && d > -0.15 {
				continue
			}
		}
		if i == 0 {
			b.WriteByte('M')
		} else {
			b.WriteByte('L')
		}
		b.WriteString(num(x.at(float64(t.AtS[i]))) + " " + num(y.at(float64(t.PosM[i]))))
	}
	return b.String()
}

// lights draws what a signal showed as a bar.
func (c *canvas) lights(r *Recording, s Signal, x axis, at float64) {
	step := r.Step.Seconds()
	for k := 0; k < len(s.States); {
		end := k
		for end < len(s.States) && colorOf(s.States[end]) == colorOf(s.States[k]) {
			end++
		}
		from, to := math.Max(x.lo, float64(k)*step), math.Min(x.hi, float64(end)*step)
		if to > from {
			h := 3.6
			if s.States[k].IsGreen() {
				h = 2.2
			}
			c.rect(x.at(from), at-h/2, x.at(to)-x.at(from), h, colorOf(s.States[k]))
		}
		k = end
	}
}

func colorOf(s geo.SignalState) string {
	switch {
	case s.IsGreen():
		return greenInk
	case s == geo.Yellow || s == geo.RedYellow:
		return yellowInk
	case s == geo.Red:
		return redInk
	}
	return muted
}

// cycles returns when the signal turned red: the begins of cycles as the Purdue
// coordination diagram counts them. Repeated greens within a plan's cycle count
// as cycles of their own.
func cycles(s *Signal, step time.Duration) (begins []float64) {
	for k := 1; k < len(s.States); k++ {
		if !open(s.States[k]) && open(s.States[k-1]) {
			begins = append(begins, float64(k)*step.Seconds())
		}
	}
	return begins
}

func open(s geo.SignalState) bool { return s.IsGreen() || s == geo.Yellow }

// purdue draws the coordination diagram of one stop line: a dot per arrival at
// its time in the cycle, with the begin of green and of yellow.
func purdue(city *geo.City, r *Recording, s *Signal, name string) template.HTML {
	const height = 215.0
	begins := cycles(s, r.Step)
	if len(begins) < 3 {
		return ""
	}
	longest := 0.0
	for i := 1; i < len(begins); i++ {
		longest = math.Max(longest, begins[i]-begins[i-1])
	}
	c := newCanvas(chartWidth, height, "Coordination diagram, "+name)
	x := axis{begins[0], begins[len(begins)-1], 46, chartWidth - 14}
	y := axis{0, longest * 1.02, height - 36, 20}
	c.frame(axis{x.lo / 60, x.hi / 60, x.from, x.to}, y, 10, 5, "time of the demand's clock", "seconds since the begin of red",
		func(v float64) string { return clock(r.Begin + time.Duration(v*float64(time.Minute))) })
	var green, yellow, end strings.Builder
	for i := 1; i < len(begins); i++ {
		from, to := begins[i-1], begins[i]
		x0, x1 := x.at(from), x.at(to)
		for _, mark := range []struct {
			b  *strings.Builder
			at float64
		}{{&green, first(s, r.Step, from, to, geo.SignalState.IsGreen)}, {&yellow, first(s, r.Step, from, to, func(v geo.SignalState) bool { return v == geo.Yellow })}, {&end, to}} {
			if !math.IsNaN(mark.at) {
				fmt.Fprintf(mark.b, "M%s %sH%s", num(x0), num(y.at(mark.at-from)), num(x1))
			}
		}
	}
	c.dots(s, r.Step, begins, x, y)
	c.path(green.String(), greenInk, 1.8, "")
	c.path(yellow.String(), yellowInk, 1.8, "")
	c.path(end.String(), redInk, 1.8, "")
	return c.html()
}

// first returns the first time in [from, to) at which the signal shows what is
// asked for, NaN when it does not.
func first(s *Signal, step time.Duration, from, to float64, is func(geo.SignalState) bool) float64 {
	for k := int(from / step.Seconds()); float64(k)*step.Seconds() < to && k < len(s.States); k++ {
		if is(s.States[k]) {
			return float64(k) * step.Seconds()
		}
	}
	return math.NaN()
}

func (c *canvas) dots(s *Signal, step time.Duration, begins []float64, x, y axis) {
	var onGreen, others strings.Builder
	for _, a := range s.Arrivals {
		at := float64(a)
		for i := 1; i < len(begins); i++ {
			if at < begins[i-1] || at >= begins[i] {
				continue
			}
			b := &others
			if k := int(at / step.Seconds()); k < len(s.States) && s.States[k].IsGreen() {
				b = &onGreen
			}
			fmt.Fprintf(b, "M%s %sh0", num(x.at(at)), num(y.at(at-begins[i-1])))
		}
	}
	c.path(others.String(), muted, 2.6, `stroke-linecap="round"`)
	c.path(onGreen.String(), ink, 2.6, `stroke-linecap="round"`)
}

// series draws a quantity of a segment by interval for the base and one
// alternative.
func series(title, unit string, base, alt *Recording, s geo.SegmentID, value func(*sim.SegmentTable, int) float64) template.HTML {
	const width, height = 350.0, 190.0
	c := newCanvas(width, height, title)
	top := 0.0
	n := base.whole()
	for _, t := range []*sim.SegmentTable{&base.Segments, &alt.Segments} {
		for k := range n {
			top = math.Max(top, value(t, t.Row(k, s)))
		}
	}
	x := axis{0, base.Segments.Interval.Minutes() * float64(n), 44, width - 10}
	y := axis{0, math.Max(top*1.08, 1), height - 36, 34}
	c.text(0, 11, left, ink, 10.5, title)
	c.frame(x, y, 4, 4, "", unit, func(v float64) string { return clock(base.Begin + time.Duration(v*float64(time.Minute))) })
	for i, t := range []*sim.SegmentTable{&base.Segments, &alt.Segments} {
		color, dash := baseInk, `stroke-dasharray="4 2.5"`
		if i == 1 {
			color, dash = altInk, ""
		}
		c.path(steps(t, n, s, x, y, value), color, 1.8, dash)
	}
	c.key(width-150, height-6, baseInk, `stroke-dasharray="4 2.5"`, "base")
	c.key(width-80, height-6, altInk, "", "scenario")
	return c.html()
}

// steps draws intervals as steps.
func steps(t *sim.SegmentTable, n int, s geo.SegmentID, x, y axis, value func(*sim.SegmentTable, int) float64) string {
	var b strings.Builder
	for k := range n {
		v := y.at(value(t, t.Row(k, s)))
		from, to := x.at(float64(k)*t.Interval.Minutes()), x.at(float64(k+1)*t.Interval.Minutes())
		if k == 0 {
			b.WriteString("M" + num(from) + " " + num(v))
		} else {
			b.WriteString("V" + num(v))
		}
		b.WriteString("H" + num(math.Min(to, x.to)))
	}
	return b.String()
}

func (c *canvas) key(x, y float64, color, dash, name string) {
	c.path(fmt.Sprintf("M%s %sh20", num(x), num(y-3)), color, 1.8, dash)
	c.text(x+25, y, left, muted, 9, name)
}

// stageBars draws a plan before and after: stages of fixed plans, phases by
// ring of others.
func stageBars(base, alt geo.Plan) template.HTML {
	rowsOf := func(p geo.Plan) (rows [][]bar) {
		if p.Kind != geo.RingBarrier {
			return [][]bar{stagesOf(p)}
		}
		return ringsOf(p)
	}
	before, after := rowsOf(base), rowsOf(alt)
	const rowHeight = 26.0
	height := rowHeight*float64(len(before)+len(after)) + 22
	c := newCanvas(chartWidth, height, "Timings before and after")
	x := axis{0, math.Max(base.Cycle.Seconds(), alt.Cycle.Seconds()), 110, chartWidth - 10}
	y := 2.0
	for i, side := range []struct {
		name string
		p    geo.Plan
		rows [][]bar
	}{{"base", base, before}, {"scenario", alt, after}} {
		c.text(0, y+11, left, []string{baseInk, altInk}[i], 10.5, side.name)
		c.text(0, y+22, left, muted, 8.5, fmt.Sprintf("%s s, offset %s s", figure(side.p.Cycle.Seconds()), figure(side.p.Offset.Seconds())))
		for _, row := range side.rows {
			for _, b := range row {
				c.rect(x.at(b.from), y, math.Max(0.5, x.at(b.to)-x.at(b.from)-0.6), rowHeight-6, b.color)
				if w := x.at(b.to) - x.at(b.from); w > 16 {
					c.text(x.at(b.from)+w/2, y+13.5, middle, "#fff", 9.5, b.name)
				}
			}
			y += rowHeight
		}
	}
	for _, v := range x.ticks(8) {
		c.text(x.at(v), height-6, middle, muted, 9, short(v)+" s")
	}
	return c.html()
}

// bar is one interval of a plan.
type bar struct {
	from, to    float64
	color, name string
}

func stagesOf(p geo.Plan) (out []bar) {
	at := 0.0
	for _, s := range p.Stages {
		b := bar{from: at, to: at + s.Duration.Seconds(), color: yellowInk}
		switch {
		case scenarios.IsGreenStage(s):
			b.color, b.name = greenInk, figure(s.Duration.Seconds())
		case !hasState(s, geo.Yellow):
			b.color = redInk
		}
		out = append(out, b)
		at = b.to
	}
	return out
}

func hasState(s geo.Stage, want geo.SignalState) bool {
	for _, v := range s.States {
		if v == want {
			return true
		}
	}
	return false
}

func ringsOf(p geo.Plan) (rows [][]bar) {
	for ring := 1; ring <= 4; ring++ {
		var row []bar
		at := 0.0
		for barrier := 1; barrier <= 9; barrier++ {
			for position := 1; position <= 9; position++ {
				for _, ph := range p.Phases {
					if ph.Ring != ring || ph.Barrier != barrier || ph.Position != position {
						continue
					}
					green := (ph.Split - ph.Yellow - ph.AllRed).Seconds()
					row = append(row, bar{at, at + green, greenInk, "φ" + strconv.Itoa(ph.Phase) + " " + figure(green)},
						bar{at + green, at + green + ph.Yellow.Seconds(), yellowInk, ""}, bar{at + green + ph.Yellow.Seconds(), at + ph.Split.Seconds(), redInk, ""})
					at += ph.Split.Seconds()
				}
			}
		}
		if row != nil {
			rows = append(rows, row)
		}
	}
	return rows
}
