package backtest

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/paulmach/orb"
	orbgeo "github.com/paulmach/orb/geo"

	"tideway/forecast"
	"tideway/geo"
	"tideway/live"
	"tideway/unit"
)

// Unit is what the values of a table are.
type Unit string

// Units: miles or kilometres per hour, vehicles counted in the interval.
const (
	MPH Unit = "mph"
	KMH Unit = "kmh"
	Veh Unit = "veh"
)

// quantity returns what a unit measures and the factor to its canonical unit.
func (u Unit) quantity(interval time.Duration) (geo.Quantity, float64, error) {
	switch u {
	case MPH:
		return geo.Speed, unit.MPH.KMH(), nil
	case KMH:
		return geo.Speed, 1, nil
	case Veh:
		return geo.Flow, 1 / interval.Hours(), nil
	}
	return 0, 0, fmt.Errorf("unit %q is unknown, expected mph, kmh or veh", u)
}

// Relation tells how the sensors lie to each other: at most one of the fields
// is set.
type Relation struct {
	Weights   []Weight    // exp(-(d/scale)²) of the driving distance d, as DCRNN's adjacency
	Locations []orb.Point // lon/lat by sensor; direction unknown, so both ways
}

// Weight is one entry of an adjacency matrix.
type Weight struct {
	From, To int
	Weight   float64 // (0, 1]
}

// locationLinks is how many neighbours a sensor gets when only places are known.
const locationLinks = 8

// graph returns the places as the runner needs them. Distances derived from
// weights are in multiples of the weight's scale.
func (rel Relation) graph(n int) (*forecast.Graph, error) {
	var arcs []forecast.Arc
	for _, w := range rel.Weights {
		if w.From != w.To && w.Weight > 0 {
			d := math.Sqrt(math.Max(0, -math.Log(w.Weight)))
			arcs = append(arcs, forecast.Arc{From: geo.SegmentID(w.From), To: geo.SegmentID(w.To), Distance: unit.Length(d)})
		}
	}
	if len(rel.Locations) == 0 {
		return forecast.NewGraph(n, arcs, 1)
	}
	var scale []float64
	for i, p := range rel.Locations {
		near := nearest(rel.Locations, i, locationLinks)
		for _, j := range near {
			arcs = append(arcs, forecast.Arc{From: geo.SegmentID(i), To: geo.SegmentID(j), Distance: unit.Length(orbgeo.Distance(p, rel.Locations[j]))})
		}
		if len(near) > 0 {
			scale = append(scale, orbgeo.Distance(p, rel.Locations[near[len(near)/2]]))
		}
	}
	slices.Sort(scale)
	if len(scale) == 0 {
		return forecast.NewGraph(n, nil, 1)
	}
	return forecast.NewGraph(n, arcs, unit.Length(math.Max(1, scale[len(scale)/2])))
}

func nearest(at []orb.Point, i, most int) []int {
	order := make([]int, 0, len(at)-1)
	for j := range at {
		if j != i {
			order = append(order, j)
		}
	}
	slices.SortFunc(order, func(a, b int) int {
		return cmp.Or(cmp.Compare(orbgeo.Distance(at[i], at[a]), orbgeo.Distance(at[i], at[b])), cmp.Compare(a, b))
	})
	return order[:min(most, len(order))]
}

// cityOf returns a city with one segment per sensor and a sensor on each that
// is not hidden. All roads are motorways with the same limit: a table says
// nothing of them.
func cityOf(t *Table, zone *time.Location, q geo.Quantity, limit unit.Speed, hidden []bool) (*geo.City, error) {
	d := geo.Draft{Name: "backtest", TimeZone: zone.String(), Frame: geo.UTM(32, true, 0, 0)}
	for i, id := range t.Sensors {
		a := orb.Point{500000 + float64(i%100)*1000, 5e6 + float64(i/100)*1000}
		b := orb.Point{a[0] + 500, a[1]}
		d.Nodes = append(d.Nodes, geo.Node{ID: id + "/from", XY: a}, geo.Node{ID: id + "/to", XY: b})
		line := orb.LineString{a, b}
		d.Segments = append(d.Segments, geo.Segment{ID: id, From: geo.NodeID(2 * i), To: geo.NodeID(2*i + 1), Class: geo.Motorway, Length: 500, Limit: limit, Shape: line})
		d.Lanes = append(d.Lanes, geo.Lane{Segment: geo.SegmentID(i), Length: 500, Width: 3.5, Limit: limit, Allow: geo.MotorClasses, Shape: line})
		if !hidden[i] {
			d.Sensors = append(d.Sensors, geo.Sensor{ID: id, LonLat: d.Frame.LonLat(a), Heading: -1, Segment: geo.SegmentID(i), Lane: geo.NoLane,
				Measures: []geo.Measure{{Quantity: q, Interval: t.Interval}}, Match: geo.Match{Confidence: 1}})
		}
	}
	return d.Build()
}

// past is the table as the runner's history. Nothing after until is ever
// handed out.
type past struct {
	t      *Table
	factor float32
	column map[string]int
	silent []bool // sensors that say nothing after the training rows
	train  int
	until  int // steps known
}

func newPast(t *Table, factor float64, silent []bool, train int) *past {
	p := &past{t: t, factor: float32(factor), column: map[string]int{}, silent: silent, train: train}
	for i, id := range t.Sensors {
		p.column[id] = i
	}
	return p
}

// Values implements forecast.History.
func (p *past) Values(_ context.Context, sensor string, _ geo.Quantity, interval time.Duration, from, to time.Time) ([]float32, error) {
	c, ok := p.column[sensor]
	if !ok {
		return nil, fmt.Errorf("sensor %s is not in the table", sensor)
	}
	out := make([]float32, int(to.Sub(from)/interval))
	first := int(from.Sub(p.t.Ends[0])/interval) + 1
	for i := range out {
		if k := first + i; k >= 0 && k < p.until && !(p.silent[c] && k >= p.train) {
			out[i] = p.t.Values[k*len(p.t.Sensors)+c] * p.factor
		} else {
			out[i] = float32(math.NaN())
		}
	}
	return out, nil
}

// snapshot is the city's state after the first known steps.
func (p *past) snapshot(c *geo.City, q geo.Quantity, known int) *live.Snapshot {
	p.until = known
	at := p.t.Ends[known-1]
	s := &live.Snapshot{City: c, At: at, Seq: uint64(known), Roads: make([]live.RoadState, c.Segments.Len())}
	for id := range c.Sensors.All() {
		s.Series = append(s.Series, live.SeriesState{Series: live.Series{Sensor: id, Quantity: q, Interval: p.t.Interval}, End: at})
	}
	return s
}

// hide draws the sensors to hide: share of n, the same for the same seed.
func hide(n int, share float64, seed uint64) []bool {
	out := make([]bool, n)
	for _, i := range rand.New(rand.NewPCG(seed, 0)).Perm(n)[:int(share*float64(n))] {
		out[i] = true
	}
	return out
}
