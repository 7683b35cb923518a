package air

import (
	"fmt"
	"math"
	"slices"
)

// encoder turns (station, origin, steps ahead) into a row of features. All it
// reads lies at or before the origin, except weather up to the target hour
// when weather ahead is given.
type encoder struct {
	target  Column
	ahead   bool      // the weather of the hours ahead is known
	usual   []float32 // mean of the target by station, from the training rows
	hourly  []float32 // by station and hour of the day
	names   []string
	columns int
	now     int // column of the target's value at the origin
	norm    int // column of what is usual at the target hour
}

// newEncoder learns the stations' means from the hours before end.
func newEncoder(v *view, end int, ahead bool) *encoder {
	e := &encoder{target: v.target, ahead: ahead}
	for _, p := range v.places {
		s := p[v.target]
		e.usual = append(e.usual, s.mean(0, end-1))
		var sum, n [24]float64
		for i := range end {
			if x := s.v[i]; x == x {
				h := v.data.At(i).Hour()
				sum[h], n[h] = sum[h]+float64(x), n[h]+1
			}
		}
		for h := range sum {
			e.hourly = append(e.hourly, float32(sum[h]/n[h]))
		}
	}
	e.names = featureNames(e.target, ahead)
	e.place()
	return e
}

// place finds the columns that anchor short forecasts.
func (e *encoder) place() {
	e.columns = len(e.names)
	e.now, e.norm = slices.Index(e.names, "own, hours ago 0"), slices.Index(e.names, "usual at hour")
}

// anchor returns what a forecast starts from: the value at the origin and what
// is usual at the target hour, the former with weight; 0 where neither is known.
func (e *encoder) anchor(row []float32, weight float32) float32 {
	now, norm := row[e.now], row[e.norm]
	if weight == 0 || norm != norm {
		return 0
	}
	if now != now {
		return norm
	}
	return norm + weight*(now-norm)
}

// featureNames returns the names of the features, in order.
func featureNames(target Column, ahead bool) []string {
	var empty Station
	for c := range empty.Columns {
		empty.Columns[c] = []float32{missing}
	}
	v := newView(&Data{Stations: []Station{empty}, Hours: 1}, target)
	e := &encoder{target: target, ahead: ahead, usual: make([]float32, 1), hourly: make([]float32, 24)}
	w := &writer{named: true}
	e.write(w, v, 0, 0, 1)
	return w.names
}

// writer collects features and, on demand, their names.
type writer struct {
	out   []float32
	names []string
	named bool
}

func (w *writer) add(v float32, name string) {
	w.out = append(w.out, v)
	if w.named {
		w.names = append(w.names, name)
	}
}

// addOf adds a feature named "what name"; the name is made on demand only.
func (w *writer) addOf(v float32, what, name string) {
	w.out = append(w.out, v)
	if w.named {
		w.names = append(w.names, what+" "+name)
	}
}

// addIn adds a feature named "name n".
func (w *writer) addIn(v float32, name string, n int) {
	w.out = append(w.out, v)
	if w.named {
		w.names = append(w.names, fmt.Sprint(name, " ", n))
	}
}

// fill writes the features of a row into out, whose length is columns.
func (e *encoder) fill(out []float32, v *view, station, origin, step int) {
	w := writer{out: out[:0]}
	e.write(&w, v, station, origin, step)
}

func (e *encoder) write(w *writer, v *view, station, origin, step int) {
	e.clock(w, v, station, origin, step)
	e.own(w, v.places[station], origin, step)
	e.others(w, v, station, origin)
	past(w, v.places[station], v.region, origin)
	if e.ahead {
		future(w, v.places[station], v.region, origin, step)
	}
}

// clock writes the calendar of the target and what is usual then.
func (e *encoder) clock(w *writer, v *view, station, origin, step int) {
	at := v.data.At(origin + step)
	year := 2 * math.Pi * float64(at.YearDay()) / 365.25
	w.add(float32(at.Hour()), "hour")
	w.add(float32(at.Weekday()), "weekday")
	w.add(float32(math.Cos(year)), "season cos")
	w.add(float32(math.Sin(year)), "season sin")
	w.add(e.usual[station], "station mean")
	w.add(e.hourly[station*24+at.Hour()], "usual at hour")
}

// own writes the target's past at the station, then its other pollutants'.
func (e *encoder) own(w *writer, p *place, t, step int) {
	s := &p[e.target]
	for _, lag := range []int{0, 1, 2, 3, 6, 12, 18} {
		w.addIn(s.at(t-lag), "own, hours ago", lag)
	}
	same := (step + 23) / 24 * 24
	for k := range 3 {
		w.addIn(s.at(t+step-same-24*k), "own at hour, days before", k)
	}
	for _, span := range []int{3, 6, 12, 24, 72, 168} {
		w.addIn(s.mean(t-span+1, t), "own mean of hours", span)
	}
	low, high := s.span(t-23, t)
	w.add(low, "own min 24 h")
	w.add(high, "own max 24 h")
	w.add(s.mean(t-5, t)-s.mean(t-11, t-6), "own change 6 h")
	for c := range numPollutants {
		if Column(c) != e.target {
			w.addOf(p[c].at(t), columnNames[c], "now")
			w.addOf(p[c].at(t+step-same), columnNames[c], "at hour")
			w.addOf(p[c].mean(t-5, t), columnNames[c], "mean 6 h")
			w.addOf(p[c].mean(t-23, t), columnNames[c], "mean 24 h")
		}
	}
}

// others writes the state of all stations together.
func (e *encoder) others(w *writer, v *view, station, t int) {
	s := &v.region[e.target]
	for _, lag := range []int{0, 1, 3} {
		w.addIn(s.at(t-lag), "all, hours ago", lag)
	}
	for _, span := range []int{6, 24, 72} {
		w.addIn(s.mean(t-span+1, t), "all mean of hours", span)
	}
	w.add(s.mean(t-2, t)-s.mean(t-5, t-3), "all change 3 h")
	w.add(s.mean(t-11, t)-s.mean(t-23, t-12), "all change 12 h")
	w.add(v.low.at(t), "lowest")
	w.add(v.high.at(t), "highest")
	w.add(v.region[PM10].at(t)-v.region[PM25].at(t), "coarse dust")
}

// weather lists the series of weather that make features.
var weather = []struct {
	at   int
	name string
}{
	{int(Temperature), "temperature"}, {int(Pressure), "pressure"}, {int(DewPoint), "dew point"}, {humid, "humidity"},
	{int(WindSpeed), "wind"}, {flowX, "wind east"}, {flowY, "wind north"}, {int(Rain), "rain"},
}

// past writes the weather up to the origin.
func past(w *writer, p, region *place, t int) {
	for _, c := range weather {
		s := &region[c.at]
		w.addOf(s.at(t), c.name, "now")
		w.addOf(s.mean(t-5, t), c.name, "mean 6 h")
		w.addOf(s.mean(t-23, t), c.name, "mean 24 h")
	}
	for _, c := range weather[:3] {
		w.addOf(region[c.at].at(t)-region[c.at].at(t-24), c.name, "change 24 h")
	}
	w.add(region[Pressure].at(t)-region[Pressure].at(t-3), "pressure change 3 h")
}

// spans are the hours before the target over which weather is averaged.
var (
	spans     = [4]int{3, 6, 12, 24}
	spanNames = [4]string{"mean 3 h before then", "mean 6 h before then", "mean 12 h before then", "mean 24 h before then"}
)

// future writes the weather between the origin and the target.
func future(w *writer, p, region *place, t, step int) {
	to := t + step
	for _, c := range weather {
		s := &region[c.at]
		w.addOf(p[c.at].at(to), c.name, "then, own")
		w.addOf(s.at(to), c.name, "then")
		for k, span := range spans {
			w.addOf(s.mean(to-span+1, to), c.name, spanNames[k])
		}
		w.addOf(s.mean(t+1, to), c.name, "mean until then")
		w.addOf(s.at(to)-s.at(to-24), c.name, "change 24 h then")
		if step > 12 {
			w.addOf(s.mean(t+1, t+step/2), c.name, "mean first half")
		} else {
			w.addOf(missing, c.name, "mean first half")
		}
	}
	_, high := region[WindSpeed].span(t+1, to)
	w.add(high, "strongest wind until then")
	low, warm := region[Temperature].span(to-23, to)
	w.add(warm-low, "range of temperature 24 h before then")
	w.add(since(&region[WindSpeed], t, to, 3), "hours since wind above 3 m/s")
	w.add(since(&region[WindSpeed], t, to, 1.5), "hours since wind above 1.5 m/s")
}

// since returns the hours from the last hour above a limit to to, looking back
// a day before t.
func since(s *series, t, to int, limit float32) float32 {
	for i := to; i > t-24; i-- {
		if s.at(i) > limit {
			return float32(to - i)
		}
	}
	return float32(to - t + 24)
}
