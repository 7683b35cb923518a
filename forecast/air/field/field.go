package field

import (
	"context"
	"math"
	"slices"
	"sync"
	"time"

	"github.com/paulmach/orb"

	"tideway/forecast"
	"tideway/forecast/air/fusion"
	"tideway/geo"
	"tideway/live"
	"tideway/sim/air"
	"tideway/sim/air/chemistry"
	"tideway/sim/air/emission"
	"tideway/unit"
)

// Field is the air of the city as one forecast cycle sees it. It is immutable.
type Field struct {
	Forecast *forecast.Forecast
	Scene    *air.Scene
	Stations []geo.SensorID // in the order of the scene's
	Times    []Instant      // now, then the horizons of the roads
	Left     LeftOut
}

// LeftOut tells how NO2 was found over the past week at stations that were left
// out in turn, with what the others teach and without. Count is 0 where there
// are fewer than three.
type LeftOut struct {
	Stations, Count        int
	RMSE, Without, Measure unit.Concentration // root mean square errors, mean of what was measured
}

// Instant is the air at one time: at every receptor of the scene.
type Instant struct {
	At         time.Time
	Conditions Conditions
	Background air.Hour
	Measured   bool // the background follows from stations; false: assumed
	Factor     [air.SourceGroups]float64
	FlowKnown  unit.Share       // of the segments
	Released   emission.Amounts // by all streets in the hour
	Air        air.Breathed     // corrected
	emissions  []emission.Emission
}

// Options say what a runner works with. City is required.
type Options struct {
	City    *geo.City
	Mix     [emission.Categories]float64 // of the vehicles; all 0: air.UrbanMix
	Year    int                          // of the fleet; 0: 2025
	Squares int                          // of the grid at most; 0: 8000
	Threads int
}

// Runner makes fields, one after each forecast. It is safe for concurrent use;
// ticks come one at a time.
type Runner struct {
	o        Options
	scene    *air.Scene
	stations []geo.SensorID
	places   []fusion.Place

	mu     sync.Mutex
	filter *fusion.Filter
	jury   *fusion.Jury
	heard  time.Time // when the filter last took measurements in: once an hour
	factor [air.SourceGroups]float64
	plumes []held // least recently used first
}

// held is the matrix of a kind of weather.
type held struct {
	class  air.WeatherClass
	plumes *air.Plumes
}

// heldMost bounds the matrices kept: some 20 MB each for a city of thousands of
// streets, 100 MB for tens of thousands.
const heldMost = 4

// New lays the city out. Its cost is that of the grid: about a second for ten
// thousand streets.
func New(o Options) (*Runner, error) {
	if o.Year == 0 {
		o.Year = 2025
	}
	if o.Squares == 0 {
		o.Squares = 8000
	}
	fleet, err := emission.DefaultFleet(emission.Default(), o.Year)
	if err != nil {
		return nil, err
	}
	r := &Runner{o: o, filter: fusion.NewFilter(int(air.SourceGroups), fusion.Config{})}
	var at []orb.Point
	for i, s := range o.City.Sensors.All() {
		if measuresAir(s) {
			xy := o.City.Frame.XY(s.LonLat)
			r.stations, at, r.places = append(r.stations, i), append(at, xy), append(r.places, fusion.Place{XM: xy[0], YM: xy[1]})
		}
	}
	r.jury = fusion.NewJury(r.places, int(air.SourceGroups), fusion.Config{}, fusion.Field{})
	for g := range r.factor {
		r.factor[g] = 1
	}
	r.scene, err = air.NewScene(o.City, air.SceneOptions{Fleet: fleet, Road: emission.Road{Load: .5}, Mix: o.Mix, Stations: at, Squares: o.Squares})
	return r, err
}

func measuresAir(s geo.Sensor) bool {
	for _, m := range s.Measures {
		if m.Quantity.IsPollutant() {
			return true
		}
	}
	return false
}

// Tick makes the field of a forecast under the weather given, else measured (now
// is the snapshot that the forecast was made from, or a later one; nil: none),
// else assumed. Between two of its times it stops with ctx's error.
func (r *Runner) Tick(ctx context.Context, f *forecast.Forecast, now *live.Snapshot, given Sky) (*Field, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	out := &Field{Forecast: f, Scene: r.scene, Stations: r.stations}
	for k := range 1 + len(f.Roads.Horizons) {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		at, err := r.instant(f, now, given, k)
		if err != nil {
			return nil, err
		}
		out.Times = append(out.Times, at)
	}
	with, without := r.jury.Scores()
	out.Left = LeftOut{Stations: len(r.stations), Count: with.N, RMSE: unit.Concentration(with.RMSEUGM3) * unit.UGM3,
		Without: unit.Concentration(without.RMSEUGM3) * unit.UGM3, Measure: unit.Concentration(with.MeanUGM3) * unit.UGM3}
	return out, nil
}

// instant is the air now (k = 0) or at a horizon.
func (r *Runner) instant(f *forecast.Forecast, now *live.Snapshot, given Sky, k int) (Instant, error) {
	out := Instant{At: f.IssuedAt}
	if k > 0 {
		out.At = f.IssuedAt.Add(f.Roads.Horizons[k-1])
	}
	var err error
	if out.Conditions, err = conditions(f, now, given, out.At); err != nil {
		return out, err
	}
	flow, speed := traffic(f, k)
	flow, out.FlowKnown = r.scene.FillFlows(flow)
	out.emissions = r.scene.Released(flow, speed)
	for i := range out.emissions {
		out.Released = out.Released.Plus(1, out.emissions[i].Total())
	}
	p, err := r.under(out.Conditions.Class, out.emissions)
	if err != nil {
		return out, err
	}
	if k == 0 {
		if err := r.hear(f, p, &out); err != nil {
			return out, err
		}
	}
	out.Factor = r.factor
	return out, r.fill(f, p, &out)
}

// traffic returns flow and speed of all segments now or at a horizon.
func traffic(f *forecast.Forecast, k int) (flow, speed []float32) {
	n, h := len(f.Roads.Now), len(f.Roads.Horizons)
	flow, speed = make([]float32, n), make([]float32, n)
	for i := range n {
		if k == 0 {
			flow[i], speed[i] = f.Roads.Now[i].FlowVPH, f.Roads.Now[i].SpeedKMH
		} else {
			flow[i], speed[i] = f.Roads.FlowVPH[i*h+k-1], f.Roads.Speed.Value[i*h+k-1]
		}
		if !(speed[i] > 0) {
			speed[i] = f.Roads.Now[i].FreeFlowKMH
		}
	}
	return flow, speed
}

// under returns the matrix of a weather, made when it was not there.
func (r *Runner) under(c air.WeatherClass, released []emission.Emission) (*air.Plumes, error) {
	for i, h := range r.plumes {
		if h.class == c {
			r.plumes = append(append(r.plumes[:i:i], r.plumes[i+1:]...), h)
			return h.plumes, nil
		}
	}
	met, err := c.Met()
	if err != nil {
		return nil, err
	}
	p, err := r.scene.Under(met, released, r.o.Threads)
	if err != nil {
		return nil, err
	}
	if len(r.plumes) == heldMost {
		r.plumes = r.plumes[1:]
	}
	r.plumes = append(r.plumes, held{c, p})
	return p, nil
}

// hear lets the filter learn from what stations measure of NO2, once an hour.
func (r *Runner) hear(f *forecast.Forecast, p *air.Plumes, at *Instant) error {
	observed := r.column(values(f, geo.NO2, f.IssuedAt))
	if f.IssuedAt.Sub(r.heard) < time.Hour || !slices.ContainsFunc(observed, func(v float64) bool { return v >= 0 }) {
		return nil
	}
	r.heard = f.IssuedAt
	added, err := r.byGroup(p, at, observed)
	if err != nil {
		return err
	}
	hour := fusion.Hour{ObservedUGM3: observed, BackgroundUGM3: math.NaN(), AddedUGM3: added}
	r.jury.Hear(hour)
	e := r.filter.Update(hour)
	copy(r.factor[:], e.Factor)
	return nil
}

// column puts values of sensors in the order of the stations, NaN for none.
func (r *Runner) column(values map[geo.SensorID]float64, _ []geo.SensorID) []float64 {
	out := make([]float64, len(r.stations))
	for i, s := range r.stations {
		v, ok := values[s]
		if !ok {
			v = math.NaN()
		}
		out[i] = v
	}
	return out
}

// byGroup is what each kind of road adds to NO2 at each station: what all add
// by the chemistry of the hour, shared by their NOx.
func (r *Runner) byGroup(p *air.Plumes, at *Instant, observed []float64) ([]float64, error) {
	n := int(air.SourceGroups)
	out, total := make([]float64, len(r.stations)*n), make([]float64, len(r.stations))
	var ones [air.SourceGroups]float64
	for g := range ones {
		ones[g] = 1
		var one [air.SourceGroups]float64
		one[g] = 1
		a, err := p.Add(at.emissions, one, r.o.Threads)
		if err != nil {
			return nil, err
		}
		for i, c := range r.scene.StationRows(a.NOx) {
			out[i*n+g] = c.UGM3()
			total[i] += c.UGM3()
		}
	}
	all, err := p.Add(at.emissions, ones, r.o.Threads)
	if err != nil {
		return nil, err
	}
	h := air.Hour{Light: at.Conditions.Light, Background: guess(observed)}
	for i, c := range r.scene.StationRows(p.React(all, h).NO2) {
		for g := range n {
			if total[i] > 0 {
				out[i*n+g] *= (c - h.Background.NO2).UGM3() / total[i]
			}
		}
	}
	return out, nil
}

// Backgrounds of which nothing is measured, µg/m³.
const (
	usualNO   = 2
	usualNO2  = 15
	usualO3   = 50
	usualPM25 = 10
	usualPM10 = 18
)

// guess is a background for the chemistry of a first look: the lowest of the
// stations.
func guess(observed []float64) chemistry.Background {
	low := math.Inf(1)
	for _, o := range observed {
		if o >= 0 {
			low = math.Min(low, o)
		}
	}
	if math.IsInf(low, 1) {
		low = usualNO2
	}
	return chemistry.Background{NO: usualNO * unit.UGM3, NO2: unit.Concentration(low) * unit.UGM3, O3: usualO3 * unit.UGM3}
}

// fill finds the background of an instant and mixes in what streets add, then
// corrects NO2 by what is left at the stations.
func (r *Runner) fill(f *forecast.Forecast, p *air.Plumes, at *Instant) error {
	a, err := p.Add(at.emissions, at.Factor, r.o.Threads)
	if err != nil {
		return err
	}
	no2 := r.column(values(f, geo.NO2, at.At))
	at.Background = air.Hour{Light: at.Conditions.Light, Background: guess(no2)}
	at.Background.Background.O3 = highest(r.column(values(f, geo.O3, at.At)))
	rows := r.scene.StationRows
	first := rows(p.React(a, at.Background).NO2)
	added := make([]unit.Concentration, len(first))
	for i := range first {
		added[i] = first[i] - at.Background.Background.NO2
	}
	b, measured := r.background(no2, added, usualNO2)
	at.Measured, at.Background.Background.NO2 = measured, b
	at.Background.PM25, _ = r.background(r.column(values(f, geo.PM25, at.At)), rows(a.PM25), usualPM25)
	at.Background.PM10, _ = r.background(r.column(values(f, geo.PM10, at.At)), rows(a.PM10), usualPM10)
	at.Air = p.React(a, at.Background)
	r.correct(at.Air.NO2, no2)
	return nil
}

// background is what stations measure above what streets add there.
func (r *Runner) background(observed []float64, added []unit.Concentration, otherwise float64) (unit.Concentration, bool) {
	column := make([]float64, len(added))
	for i, c := range added {
		column[i] = c.UGM3()
	}
	b := fusion.Background(observed, column, fusion.Config{})
	if math.IsNaN(b) {
		return unit.Concentration(otherwise) * unit.UGM3, false
	}
	return unit.Concentration(b) * unit.UGM3, true
}

// highest is the ozone of the air before streets use it up.
func highest(observed []float64) unit.Concentration {
	high := math.Inf(-1)
	for _, o := range observed {
		if o >= 0 {
			high = math.Max(high, o)
		}
	}
	if math.IsInf(high, -1) {
		high = usualO3
	}
	return unit.Concentration(high) * unit.UGM3
}

// correct multiplies a column by what stations say is missing.
func (r *Runner) correct(c []unit.Concentration, observed []float64) {
	rec := r.scene.Receptors
	model := make([]float64, len(r.stations))
	for i, v := range r.scene.StationRows(c) {
		model[i] = v.UGM3()
	}
	places := make([]fusion.Place, len(c))
	for i := range c {
		places[i] = fusion.Place{XM: rec.XM[i], YM: rec.YM[i]}
	}
	for i, by := range (fusion.Field{}).Correct(r.places, observed, model, 1, places) {
		c[i] *= unit.Concentration(by)
	}
}

// At returns the air at any place (lon, lat) at one of the field's times,
// summed over all streets, without the correction by residuals.
func (f *Field) At(place orb.Point, k int) (air.Breathed, error) {
	xy := f.Scene.City.Frame.XY(place)
	t := &f.Times[k]
	met, err := t.Conditions.Class.Met()
	if err != nil {
		return air.Breathed{}, err
	}
	return f.Scene.At(xy[0], xy[1], t.emissions, t.Factor, met, t.Background)
}
