package scenarios

import (
	"cmp"
	"math"
	"reflect"
	"slices"
	"time"

	"tideway/geo"
	"tideway/sim/signal"
)

// PlaceKPI is the difference of one indicator at a place: a zone, a street with
// signals, or a turn at a signal whose plan is changed. Its verdict is that of
// its own interval; places are many, so read single ones as hints.
type PlaceKPI struct {
	Kind    string  `json:"kind"` // zone, street, turn
	ID      string  `json:"id"`   // of the zone, name of the street, "segment > segment"
	Signal  string  `json:"signal,omitempty"`
	KPI     string  `json:"kpi"`
	Unit    string  `json:"unit"`
	Lower   bool    `json:"lower_is_better"`
	Base    Number  `json:"base"`
	Alt     Number  `json:"alt"`
	Diff    Number  `json:"diff"`
	Lo95    Number  `json:"lo95"`
	Hi95    Number  `json:"hi95"`
	Better  Verdict `json:"better"`
	BaseLOS string  `json:"base_los,omitempty"` // of a turn, by its delay
	AltLOS  string  `json:"alt_los,omitempty"`
}

// placeMeasure is an indicator of a place, from the rows of its segments or of
// its movements.
type placeMeasure struct {
	name, unit string
	higher     bool
	whole      bool // also meaningful for a run that stood still
	of         func(*reading, *site) float64
}

// Indicators of zones and streets, and of turns.
var (
	areaMeasures = []placeMeasure{
		{"time_lost", "h", false, true, func(r *reading, p *site) float64 { return p.sum(r, r.res.Segments.TimeLossS) / 3600 }},
		{"waiting", "h", false, true, func(r *reading, p *site) float64 { return p.sum(r, r.res.Segments.WaitingS) / 3600 }},
		{"speed", "km/h", true, false, (*reading).speedIn},
		{"queue_back", "m", false, true, (*reading).queueIn},
	}
	turnMeasures = []placeMeasure{
		{turnDelay, "s", false, false, func(r *reading, p *site) float64 { return p.mean(r, r.res.Movements.DelayS) }},
		{"saturation", "share", false, false, func(r *reading, p *site) float64 { return p.mean(r, r.res.Movements.Saturation) }},
		{"arrivals_on_green", "share", true, false, func(r *reading, p *site) float64 { return p.mean(r, r.res.Movements.ArrivalsOnGreen) }},
	}
)

// turnDelay is the indicator that gives a turn its level of service.
const turnDelay = "delay"

// site is where indicators are read.
type site struct {
	kind, id, signal string
	measures         []placeMeasure
	segments         []geo.SegmentID
	movements        []geo.MovementID
}

// placesOf returns the zones and signalised streets of the base, and the turns
// of the signals that one of the alternatives changes.
func placesOf(base *Case, alternatives []*Case) []site {
	out := append(zonePlaces(base.City), streetPlaces(base.City)...)
	for s := range base.City.Signals.All() {
		if slices.ContainsFunc(alternatives, func(c *Case) bool { return otherPlan(base.City, c.City, s) }) {
			out = append(out, turnPlaces(base.City, s)...)
		}
	}
	return out
}

// otherPlan reports whether a signal has another plan in force or another
// schedule.
func otherPlan(base, c *geo.City, s geo.SignalID) bool {
	if base == c {
		return false
	}
	was, now := base.Signals.At(s).Plan, c.Signals.At(s).Plan
	if was == geo.NoPlan || now == geo.NoPlan {
		return was != now
	}
	return !reflect.DeepEqual(base.Plans.At(was), c.Plans.At(now)) || len(base.Schedule) != len(c.Schedule)
}

func zonePlaces(c *geo.City) []site {
	out := make([]site, c.Zones.Len())
	for z, zone := range c.Zones.All() {
		out[z] = site{kind: "zone", id: zone.ID, measures: areaMeasures, segments: c.InPolygon(zone.Area)}
	}
	return slices.DeleteFunc(out, func(p site) bool { return len(p.segments) == 0 })
}

// streetPlaces are the named streets of two segments or more that end at a
// signal: corridors.
func streetPlaces(c *geo.City) (out []site) {
	at, ends := map[string]int{}, map[string]int{}
	for s, seg := range c.Segments.All() {
		if seg.Name == "" {
			continue
		}
		if signalised(c, s) {
			ends[seg.Name]++
		}
		if _, known := at[seg.Name]; !known {
			at[seg.Name] = len(out)
			out = append(out, site{kind: "street", id: seg.Name, measures: areaMeasures})
		}
		p := &out[at[seg.Name]]
		p.segments = append(p.segments, s)
	}
	return slices.DeleteFunc(out, func(p site) bool { return ends[p.id] < 2 })
}

func turnPlaces(c *geo.City, s geo.SignalID) (out []site) {
	for _, m := range c.MovementsOf(s) {
		mv := c.Movements.At(m)
		id := c.Segments.At(c.Lanes.At(mv.From).Segment).ID + " > " + c.Segments.At(c.Lanes.At(mv.To).Segment).ID
		i := slices.IndexFunc(out, func(p site) bool { return p.id == id })
		if i < 0 {
			i = len(out)
			out = append(out, site{kind: "turn", id: id, signal: c.Signals.At(s).ID, measures: turnMeasures})
		}
		out[i].movements = append(out[i].movements, m)
	}
	return out
}

// sum adds a column of the segment table up over a place and the run.
func (p *site) sum(r *reading, column []float32) (sum float64) {
	t := &r.res.Segments
	for k := range t.Intervals {
		for _, s := range p.segments {
			sum += float64(column[t.Row(k, s)])
		}
	}
	return sum
}

// speedIn is the space mean over a place; NaN when nobody was there.
func (r *reading) speedIn(p *site) float64 {
	t := &r.res.Segments
	var distance float64
	for k := range t.Intervals {
		for _, s := range p.segments {
			distance += float64(t.VehicleS[t.Row(k, s)] * t.SpeedKMH[t.Row(k, s)])
		}
	}
	return distance / p.sum(r, t.VehicleS)
}

// queueIn is the farthest tail of a standing vehicle from its stop line.
func (r *reading) queueIn(p *site) (far float64) {
	t := &r.res.Segments
	for k := range t.Intervals {
		for _, s := range p.segments {
			far = math.Max(far, float64(t.QueueBackM[t.Row(k, s)]))
		}
	}
	return far
}

// mean weights a column of the movement table by the vehicles that passed; NaN
// when nobody did.
func (p *site) mean(r *reading, column []float32) float64 {
	t := &r.res.Movements
	var sum, weight float64
	for k := range t.Intervals {
		for _, m := range p.movements {
			i := t.Row(k, m)
			if v, n := float64(column[i]), float64(t.Passed[i]); n > 0 && !math.IsNaN(v) {
				sum, weight = sum+n*v, weight+n
			}
		}
	}
	return sum / weight
}

// readPlaces returns the values of all places, one after another.
func (t *trial) readPlaces(r *reading, gridlocked bool) (out []float64) {
	known := r.res.Segments.Segments == r.in.City.Segments.Len() && r.res.Movements.Movements == r.in.City.Movements.Len()
	for i := range t.places {
		for _, m := range t.places[i].measures {
			v := math.NaN()
			if known && (m.whole || !gridlocked) {
				v = m.of(r, &t.places[i])
			}
			out = append(out, v)
		}
	}
	return out
}

// mostStreets bounds the streets of an alternative: those whose lost time
// changes most.
const mostStreets = 30

// placeKPIs compares an alternative's places with the base's, with the same
// pairs.
func (t *trial) placeKPIs(side int) (out []PlaceKPI) {
	at := 0
	kept := map[string]float64{} // change of lost time, by street
	for i := range t.places {
		p := &t.places[i]
		for _, m := range p.measures {
			k := t.placeKPI(side, at, p, m)
			if p.kind == "street" && m.name == areaMeasures[0].name {
				kept[p.id] = math.Abs(float64(k.Diff))
			}
			out = append(out, k)
			at++
		}
	}
	names := make([]string, 0, len(kept))
	for n := range kept {
		names = append(names, n)
	}
	slices.SortFunc(names, func(a, b string) int { return cmp.Or(cmp.Compare(kept[b], kept[a]), cmp.Compare(a, b)) })
	names = names[:min(len(names), mostStreets)]
	return slices.DeleteFunc(out, func(k PlaceKPI) bool { return k.Kind == "street" && !slices.Contains(names, k.ID) })
}

func (t *trial) placeKPI(side, at int, p *site, m placeMeasure) PlaceKPI {
	values := func(side int) []float64 {
		out := make([]float64, len(t.sides[side]))
		for r, o := range t.sides[side] {
			out[r] = o.local[at]
		}
		return out
	}
	d := Pair(values(0), values(side))
	out := PlaceKPI{Kind: p.kind, ID: p.id, Signal: p.signal, KPI: m.name, Unit: m.unit, Lower: !m.higher, Base: Number(d.Base), Alt: Number(d.Alt), Diff: Number(d.Diff),
		Lo95: Number(d.Lo), Hi95: Number(d.Hi), Better: verdict(d, m.higher)}
	if p.kind == "turn" && m.name == turnDelay {
		out.BaseLOS, out.AltLOS = losOf(out.Base), losOf(out.Alt)
	}
	return out
}

// losOf is the level of service of a mean delay in seconds, "" when unknown.
func losOf(delay Number) string {
	if !delay.Known() {
		return ""
	}
	return signal.LevelOfService(time.Duration(float64(delay)*float64(time.Second)), 0, signal.HCM7).String()
}
