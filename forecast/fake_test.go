package forecast

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/paulmach/orb"

	"tideway/geo"
	"tideway/live"
	"tideway/unit"
)

// memory is a history held in a map, by sensor and quantity.
type memory struct {
	first    time.Time // end of the first interval
	interval time.Duration
	values   map[string][]float32
}

func (m *memory) Values(_ context.Context, sensor string, q geo.Quantity, interval time.Duration, from, to time.Time) ([]float32, error) {
	out := make([]float32, int(to.Sub(from)/interval))
	col := m.values[sensor+"/"+q.String()]
	for i := range out {
		out[i] = missing
		k := int(from.Add(time.Duration(i+1)*interval).Sub(m.first) / m.interval)
		if interval == m.interval && k >= 0 && k < len(col) {
			out[i] = col[k]
		}
	}
	return out, nil
}

// chain draws a city: n segments one behind the other, a speed sensor on each
// of the first sensed ones.
func chain(t testing.TB, n, sensed int, interval time.Duration) *geo.City {
	t.Helper()
	d := geo.Draft{Name: "chain", TimeZone: "Europe/Rome", Frame: geo.UTM(32, true, 0, 0)}
	at := func(i int) orb.Point { return orb.Point{680000 + float64(i%100)*200, 4.93e6 + float64(i/100)*200} }
	for i := range n + 1 {
		d.Nodes = append(d.Nodes, geo.Node{ID: fmt.Sprint("n", i), XY: at(i)})
	}
	for i := range n {
		d.Segments = append(d.Segments, geo.Segment{ID: fmt.Sprint("s", i), From: geo.NodeID(i), To: geo.NodeID(i + 1), Class: geo.Primary,
			Length: 200, Limit: 50 * unit.KMH, Shape: orb.LineString{at(i), at(i + 1)}})
		d.Lanes = append(d.Lanes, geo.Lane{Segment: geo.SegmentID(i), Length: 200, Width: 3, Limit: 50 * unit.KMH, Allow: geo.MotorClasses, Shape: orb.LineString{at(i), at(i + 1)}})
		if i > 0 {
			d.Movements = append(d.Movements, geo.Movement{From: geo.LaneID(i - 1), To: geo.LaneID(i), Node: geo.NodeID(i), Signal: geo.NoSignal, Limit: 50 * unit.KMH,
				Allow: geo.MotorClasses, Shape: orb.LineString{at(i), at(i)}})
		}
		if i < sensed {
			d.Sensors = append(d.Sensors, geo.Sensor{ID: fmt.Sprint("v", i), LonLat: d.Frame.LonLat(at(i)), Segment: geo.SegmentID(i), Lane: geo.NoLane, Heading: -1,
				Measures: []geo.Measure{{Quantity: geo.Speed, Interval: interval}}})
		}
	}
	c, err := d.Build()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// commute is a plausible speed in km/h: slow at 8 and 18 o'clock on working
// days, with a residual that lasts about an hour.
func commute(rng *rand.Rand, cal Calendar, first time.Time, interval time.Duration, steps int) []float32 {
	out, residual := make([]float32, steps), 0.0
	phi := math.Exp(-interval.Hours())
	for i := range out {
		m := cal.At(first.Add(time.Duration(i)*interval), interval)
		hour := float64(m.Slot) * interval.Hours()
		dip := 0.0
		if m.Class.kind() == kindWorking {
			dip = 20*math.Exp(-(hour-8)*(hour-8)) + 15*math.Exp(-(hour-18)*(hour-18)/2)
		}
		residual = phi*residual + math.Sqrt(1-phi*phi)*4*rng.NormFloat64()
		out[i] = float32(math.Max(3, 48-dip+residual+rng.NormFloat64()))
	}
	return out
}

// snapshotAt is a snapshot in which every sensor reported the interval before.
func snapshotAt(c *geo.City, at time.Time, seq uint64) *live.Snapshot {
	s := &live.Snapshot{City: c, At: at, Seq: seq, Roads: make([]live.RoadState, c.Segments.Len())}
	for id, sensor := range c.Sensors.All() {
		for _, m := range sensor.Measures {
			s.Series = append(s.Series, live.SeriesState{Series: live.Series{Sensor: id, Quantity: m.Quantity, Interval: m.Interval}, End: at.Truncate(m.Interval)})
		}
	}
	return s
}

// world is a chain city with days of history before start.
func world(t testing.TB, n, sensed, days int, interval time.Duration) (*geo.City, *memory, time.Time) {
	c := chain(t, n, sensed, interval)
	start := time.Date(2024, 3, 4, 0, 0, 0, 0, time.UTC)
	m := &memory{first: start.Add(interval), interval: interval, values: map[string][]float32{}}
	cal := NewCalendar(c.TimeZone, nil)
	for i := range sensed {
		m.values[fmt.Sprintf("v%d/speed", i)] = commute(rand.New(rand.NewPCG(uint64(i), 1)), cal, m.first, interval, (days+2)*Slots(interval))
	}
	return c, m, start.Add(time.Duration(days) * 24 * time.Hour)
}
