package forecast

import (
	"cmp"
	"math"
	"slices"
	"time"

	"github.com/paulmach/orb"
	"github.com/paulmach/orb/geo"
	"github.com/paulmach/orb/planar"

	city "tideway/geo"
	"tideway/live"
)

// zonePlaces are the segments and sensors inside a zone.
type zonePlaces struct {
	zone     city.ZoneID
	centre   orb.Point // lon/lat
	segments []city.SegmentID
	sensors  map[city.SensorID]bool
}

// placesOf lists what stands in each zone of a city.
func placesOf(c *city.City) []zonePlaces {
	out := make([]zonePlaces, 0, c.Zones.Len())
	for id, z := range c.Zones.All() {
		p := zonePlaces{zone: id, segments: c.InPolygon(z.Area), sensors: map[city.SensorID]bool{}}
		p.centre, _ = planar.CentroidArea(z.Area)
		box := z.Area.Bound()
		for s, sensor := range c.Sensors.All() {
			if box.Contains(sensor.LonLat) && planar.MultiPolygonContains(z.Area, sensor.LonLat) {
				p.sensors[s] = true
			}
		}
		out = append(out, p)
	}
	return out
}

// zoneOutlooks fills the zones from roads and stations.
func (r *Runner) zoneOutlooks(f *Forecast) {
	f.Zones = make([]ZoneOutlook, len(r.zones))
	for i := range r.zones {
		f.Zones[i] = r.zoneOutlook(f, &r.zones[i])
	}
}

func (r *Runner) zoneOutlook(f *Forecast, z *zonePlaces) ZoneOutlook {
	h := len(f.Roads.Horizons)
	out := ZoneOutlook{Zone: z.zone, Segments: len(z.segments), SpeedRatio: make([]float32, 1+h), PCongested: make([]float32, 1+h)}
	for i := range 1 + h {
		out.SpeedRatio[i], out.PCongested[i] = r.zoneAt(f, z, i)
	}
	for g := range f.Groups {
		if q := f.Groups[g].Quantity; q.IsPollutant() && (g == 0 || f.Groups[g-1].Quantity != q) {
			out.Air = append(out.Air, r.zoneAir(&f.Groups[g], z))
		}
	}
	return out
}

// zoneAt returns the length-weighted means of a zone now (0) or at a horizon.
func (r *Runner) zoneAt(f *Forecast, z *zonePlaces, i int) (speedRatio, congested float32) {
	var length, sum, jam float64
	for _, s := range z.segments {
		now, l := &f.Roads.Now[s], r.opt.City.Segments.At(s).Length.M()
		speed, p := now.SpeedKMH, one(now.SpeedKMH < r.segmentThreshold(int(s), r.opt.City.Segments.At(s).Class))
		if i > 0 {
			k := int(s)*len(f.Roads.Horizons) + i - 1
			speed, p = f.Roads.Speed.Value[k], f.Roads.Speed.PCongested[k]
		}
		if x := float64(speed / now.FreeFlowKMH); !math.IsNaN(x) && !isMissing(p) {
			length, sum, jam = length+l, sum+l*x, jam+l*float64(p)
		}
	}
	return float32(sum / length), float32(jam / length)
}

// airStations is how many stations speak for a zone that has none.
const airStations = 3

// zoneAir is a pollutant over a zone.
func (r *Runner) zoneAir(g *Group, z *zonePlaces) ZoneAir {
	out := ZoneAir{Quantity: g.Quantity, Source: Observed, Horizons: g.Horizons, Bands: NewBands(1, len(g.Horizons))}
	rows, weights := r.stationsOf(g, z)
	if len(rows) > 0 && !z.sensors[g.Series[rows[0]].Sensor] {
		out.Source = Imputed
	}
	blend := func(value func(row int) float32) float32 {
		var sum, w float32
		for i, row := range rows {
			if v := value(row); !isMissing(v) {
				sum, w = sum+weights[i]*v, w+weights[i]
			}
		}
		return sum / w
	}
	out.Now = blend(func(row int) float32 { return g.Series[row].Last })
	for h := range g.Horizons {
		cell := func(col []float32) float32 {
			return blend(func(row int) float32 { return col[row*g.Bands.Horizons+h] })
		}
		b := &g.Bands
		out.Bands.Set(0, h, Point{cell(b.Value), cell(b.Lo50), cell(b.Hi50), cell(b.Lo90), cell(b.Hi90), missing})
	}
	return out
}

// stationsOf returns the rows inside a zone with equal weights, else the
// nearest with the inverse squared distance to its centre.
func (r *Runner) stationsOf(g *Group, z *zonePlaces) (rows []int, weights []float32) {
	type near struct {
		row  int
		away float64
	}
	var all []near
	for row := range g.Series {
		s := g.Series[row].Sensor
		if z.sensors[s] {
			rows, weights = append(rows, row), append(weights, 1)
		}
		all = append(all, near{row, geo.Distance(z.centre, r.opt.City.Sensors.At(s).LonLat)})
	}
	if len(rows) > 0 {
		return rows, weights
	}
	slices.SortFunc(all, func(a, b near) int { return cmp.Or(cmp.Compare(a.away, b.away), cmp.Compare(a.row, b.row)) })
	for _, n := range all[:min(airStations, len(all))] {
		rows, weights = append(rows, n.row), append(weights, float32(1/(1+n.away*n.away)))
	}
	return rows, weights
}

// incidentSpread is how many mean absolute deviations (1.25 to a standard
// deviation) below the usual a speed must be: three standard deviations.
const incidentSpread = 3.75

// incidents marks segments far below the usual speed where a sensor up- or
// downstream says the same: one alone may be a faulty sensor.
func (r *Runner) incidents(f *Forecast) {
	for i, g := range r.groups {
		if g.quantity != city.Speed || g.fit == nil || g.fit.links == nil {
			continue
		}
		low := make([]bool, len(g.rows))
		for row := range low {
			last := f.Groups[i].Series[row]
			usual, spread := g.window.Usual[(row+1)*g.window.Past-1], g.window.Spread[row*len(g.steps)]
			low[row] = last.Age <= staleAfter*g.interval && last.Last < usual-incidentSpread*spread && last.Last < g.fit.threshold[row]
		}
		for row := range low {
			s := r.opt.City.Sensors.At(g.rows[row]).Segment
			if low[row] && s != city.NoSegment && (anyLinked(&g.fit.links.Up, row, low) || anyLinked(&g.fit.links.Down, row, low)) {
				f.Roads.Now[s].Incident = true
			}
		}
	}
}

func anyLinked(a *Arcs, row int, flags []bool) bool {
	for _, o := range a.Row[a.Begin[row]:a.Begin[row+1]] {
		if flags[o] {
			return true
		}
	}
	return false
}

// Typical returns the usual course of a series: one value per interval that
// ends in (from, to], NaN where unknown.
func (r *Runner) Typical(s live.Series, from, to time.Time) []float32 {
	out := make([]float32, max(0, int(to.Sub(from)/max(1, s.Interval))))
	fill(out, missing)
	p, row := r.profileRow(s)
	if p == nil {
		return out
	}
	for i := range out {
		out[i] = p.At(row, r.calendar.At(from.Add(time.Duration(i+1)*s.Interval), s.Interval))
	}
	return out
}

// profileRow finds the profile of a series, nil when there is none.
func (r *Runner) profileRow(s live.Series) (*Profile, int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	g := r.group(groupKey{s.Quantity, s.Interval})
	if g == nil || g.fit == nil {
		return nil, 0
	}
	row, ok := g.index[s.Sensor]
	if !ok || g.fit.profileOf[row] < 0 {
		return nil, 0
	}
	return g.fit.profile, int(g.fit.profileOf[row])
}
