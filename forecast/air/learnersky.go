package air

import "tideway/forecast"

// skyNames are the columns of a forecast.SkyHour, in order.
var skyNames = [forecast.SkyColumns]string{"wind", "wind east", "wind north", "temperature", "cloud", "solar"}

// skyWriter writes the weather between a window's origin and a target.
type skyWriter struct {
	w   *forecast.Window
	now int // position of the origin's hour
	s   [forecast.SkyColumns]series
}

func newSkyWriter(w *forecast.Window) *skyWriter {
	p := &skyWriter{w: w, now: w.Sky.Index(w.Origin)}
	for c := range p.s {
		column := make([]float32, len(w.Sky.Hours))
		for i := range column {
			column[i] = w.Sky.Hours[i][c]
		}
		p.s[c] = newSeries(column)
	}
	return p
}

// write adds the features of a step: the same ones that the models of `tideway
// air backtest --future-weather` see, of what a city is usually told.
func (p *skyWriter) write(out *writer, step int) {
	to := p.w.Sky.Index(p.w.Target(step))
	for c := range p.s {
		s, name := &p.s[c], skyNames[c]
		out.addOf(s.at(p.now), name, "now")
		out.addOf(s.at(to), name, "then")
		for k, span := range spans {
			out.addOf(s.mean(to-span+1, to), name, spanNames[k])
		}
		out.addOf(s.mean(p.now+1, to), name, "mean until then")
		out.addOf(s.at(to)-s.at(to-24), name, "change 24 h then")
	}
	low, high := p.s[forecast.SkyWind].span(p.now+1, to)
	out.add(low, "weakest wind until then")
	out.add(high, "strongest wind until then")
}
