package api

import (
	"context"
	"errors"
	"io/fs"
	"math"
	"net/http"
	"time"

	"tideway/api/wire"
	"tideway/forecast"
	"tideway/geo"
	"tideway/internal/fault"
	"tideway/live"
)

// seriesQuery asks for a part of a history.
type seriesQuery struct {
	ID       string    `path:"id" doc:"Percent-encoded id."`
	Quantity string    `query:"quantity" default:"speed" doc:"speed, flow, occupancy, no2, o3, co, pm10, pm25, temperature, ..."`
	From     time.Time `query:"from" doc:"24 h before to when left out."`
	To       time.Time `query:"to" doc:"The newest forecast's origin when left out."`
	Points   int       `query:"points" default:"500" minimum:"2" maximum:"10000" doc:"Longer histories are thinned to this number."`
}

// maxValues bounds what one request reads from history: 400 days of 1-min values.
const maxValues = 600_000

// span is a checked time range on the grid of an interval.
type span struct {
	quantity geo.Quantity
	from, to time.Time
}

func (q *seriesQuery) span(now time.Time) (span, error) {
	var bad fault.List
	quantity, err := geo.ParseQuantity(q.Quantity)
	bad.Add("query.quantity", err)
	out := span{quantity: quantity, from: q.From, to: q.To}
	if out.to.IsZero() {
		out.to = now
	}
	if out.from.IsZero() {
		out.from = out.to.Add(-24 * time.Hour)
	}
	if !out.from.Before(out.to) {
		bad.Addf("query.from", "", "%s is not before to, which is %s", out.from.Format(time.RFC3339), out.to.Format(time.RFC3339))
	}
	return out, bad.Err("reading the request")
}

func (s *Server) now() time.Time {
	if v := s.view(); v != nil {
		return v.forecast.IssuedAt
	}
	return s.opt.Now()
}

func (s *Server) getSensorSeries(ctx context.Context, in *seriesQuery) (*answer[wire.Series], error) {
	c := s.city()
	i, err := find(c.Sensors, "sensor", in.ID)
	if err != nil {
		return nil, err
	}
	at, err := in.span(s.now())
	if err != nil {
		return nil, err
	}
	sensor := c.Sensors.At(i)
	interval, ok := intervalOf(sensor, at.quantity)
	if !ok {
		return nil, newProblem(http.StatusNotFound, "sensor %q does not measure %s", sensor.ID, at.quantity)
	}
	values, at, err := s.values(ctx, sensor.ID, interval, at)
	if err != nil {
		return nil, err
	}
	out := wireSeries(values, interval, at, in.Points)
	out.Sensor = sensor.ID
	if v := s.view(); v != nil {
		v.expectSensor(&out, i, live.Series{Sensor: i, Quantity: at.quantity, Interval: interval})
	}
	return reply(out), nil
}

// expectSensor adds the outlook of a sensor's series.
func (v *view) expectSensor(out *wire.Series, i geo.SensorID, key live.Series) {
	for k := range v.forecast.Groups {
		g := &v.forecast.Groups[k]
		if row := g.Row(i); g.Quantity == key.Quantity && row >= 0 {
			issued := v.forecast.IssuedAt.UTC()
			out.Forecast, out.Model, out.IssuedAt = outlook(g, row), g.Model, &issued
			return
		}
	}
}

// defaultInterval stands in where a sensor does not state its own.
const defaultInterval = 5 * time.Minute

// intervalOf returns the spacing of a sensor's values of a quantity.
func intervalOf(s geo.Sensor, q geo.Quantity) (time.Duration, bool) {
	for _, m := range s.Measures {
		if m.Quantity == q {
			if m.Interval > 0 {
				return m.Interval, true
			}
			return defaultInterval, true
		}
	}
	return 0, false
}

// values reads a history on the interval's grid.
func (s *Server) values(ctx context.Context, sensor string, interval time.Duration, at span) ([]float32, span, error) {
	at.from, at.to = at.from.UTC().Truncate(interval), at.to.UTC().Truncate(interval)
	if n := at.to.Sub(at.from) / interval; n > maxValues {
		return nil, at, newProblem(http.StatusUnprocessableEntity, "%d values lie between from and to, at most %d can be asked for", n, maxValues)
	}
	values, err := s.opt.Twin.Values(ctx, sensor, at.quantity, interval, at.from, at.to)
	return values, at, err
}

// wireSeries thins values to the given number of points: each is the mean of
// equally many values with their range.
func wireSeries(values []float32, interval time.Duration, at span, points int) wire.Series {
	out := wire.Series{Quantity: at.quantity.String(), Unit: at.quantity.Unit(), IntervalS: interval.Seconds(), From: at.from, To: at.to,
		Points: []wire.SeriesPoint{}, Forecast: []wire.Expected{}}
	each := max(1, (len(values)+points-1)/max(points, 1))
	for begin := 0; begin < len(values); begin += each {
		end := min(begin+each, len(values))
		p := wire.SeriesPoint{At: at.from.Add(time.Duration(end) * interval)}
		mean, lo, hi := summarise(values[begin:end])
		if p.Value = wire.Num(round(mean, 3)); each > 1 {
			p.Min, p.Max = wire.Num(round(lo, 3)), wire.Num(round(hi, 3))
		}
		out.Points = append(out.Points, p)
	}
	return out
}

// summarise returns mean and range of the known values, NaN when there is none.
func summarise(values []float32) (mean, lo, hi float64) {
	sum, n := 0.0, 0
	lo, hi = math.Inf(1), math.Inf(-1)
	for _, v := range values {
		if x := float64(v); !math.IsNaN(x) {
			sum, n, lo, hi = sum+x, n+1, min(lo, x), max(hi, x)
		}
	}
	return sum / float64(n), lo, hi
}

func (s *Server) getSegmentSeries(ctx context.Context, in *seriesQuery) (*answer[wire.Series], error) {
	p := s.places.Load()
	i, err := find(p.city.Segments, "segment", in.ID)
	if err != nil {
		return nil, err
	}
	at, err := in.span(s.now())
	if err != nil {
		return nil, err
	}
	values, interval, at, err := s.segmentValues(p, i, at, func(sensor geo.SensorID, interval time.Duration) ([]float32, error) {
		values, _, err := s.values(ctx, p.city.Sensors.At(sensor).ID, interval, at)
		return values, err
	})
	if err != nil {
		return nil, err
	}
	out := wireSeries(values, interval, at, in.Points)
	out.Segment = p.city.Segments.At(i).ID
	if v := s.view(); v != nil && v.places.city == p.city {
		v.expectSegment(&out, i, at.quantity)
	}
	return reply(out), nil
}

// segmentValues joins what the sensors of a segment say, interval by interval:
// the mean, and of flows of single lanes the sum over lanes. Sensors with
// another interval than the first are left out.
func (s *Server) segmentValues(p *places, i geo.SegmentID, at span, read func(geo.SensorID, time.Duration) ([]float32, error)) ([]float32, time.Duration, span, error) {
	var interval time.Duration
	var join joiner
	for _, k := range p.sensorsOn[i] {
		sensor := p.city.Sensors.At(k)
		every, ok := intervalOf(sensor, at.quantity)
		if !ok || (interval != 0 && every != interval) {
			continue
		}
		interval = every
		values, err := read(k, every)
		if err != nil {
			return nil, 0, at, err
		}
		join.add(sensor.Lane, values)
	}
	if interval == 0 {
		interval = defaultInterval
	}
	at.from, at.to = at.from.UTC().Truncate(interval), at.to.UTC().Truncate(interval)
	return join.result(at.quantity == geo.Flow), interval, at, nil
}

// joiner collects the values of a segment's sensors by lane.
type joiner struct {
	lanes []geo.LaneID
	sums  [][]float64 // per lane, over its sensors
	seen  [][]int
}

func (j *joiner) add(lane geo.LaneID, values []float32) {
	k := 0
	for ; k < len(j.lanes) && j.lanes[k] != lane; k++ {
	}
	if k == len(j.lanes) {
		j.lanes, j.sums, j.seen = append(j.lanes, lane), append(j.sums, make([]float64, len(values))), append(j.seen, make([]int, len(values)))
	}
	for t, v := range values {
		if v == v && t < len(j.sums[k]) {
			j.sums[k][t] += float64(v)
			j.seen[k][t]++
		}
	}
}

// result is per interval the mean over lanes, or the sum of single lanes; a
// sum with a lane missing is unknown, not low.
func (j *joiner) result(sum bool) []float32 {
	if len(j.lanes) == 0 {
		return nil
	}
	out := make([]float32, len(j.sums[0]))
	for t := range out {
		total, n := 0.0, 0
		for k := range j.lanes {
			if j.seen[k][t] > 0 {
				total, n = total+j.sums[k][t]/float64(j.seen[k][t]), n+1
			}
		}
		switch single := len(j.lanes) > 1; {
		case n == 0 || (sum && single && n < len(j.lanes)):
			out[t] = float32(math.NaN())
		case sum && single:
			out[t] = float32(total)
		default:
			out[t] = float32(total / float64(n))
		}
	}
	return out
}

// expectSegment adds the outlook of a segment: speeds with intervals, flows as
// the expected value alone.
func (v *view) expectSegment(out *wire.Series, i geo.SegmentID, q geo.Quantity) {
	f := v.forecast
	issued := f.IssuedAt.UTC()
	switch q {
	case geo.Speed:
		out.Forecast = expected(&f.Roads.Speed, int(i), f.Roads.Horizons, f.IssuedAt)
	case geo.Flow:
		for h, ahead := range f.Roads.Horizons {
			out.Forecast = append(out.Forecast, wire.Expected{At: f.IssuedAt.Add(ahead).UTC(), Value: num32(f.Roads.FlowVPH[int(i)*len(f.Roads.Horizons)+h], 0)})
		}
	default:
		return
	}
	out.Model, out.IssuedAt = f.Roads.Models[f.Roads.ModelOf[i]], &issued
}

// typicalQuery asks for a typical day.
type typicalQuery struct {
	ID       string `path:"id" doc:"Percent-encoded id."`
	Quantity string `query:"quantity" default:"speed"`
	Date     string `query:"date" format:"date" doc:"Local day, today when left out."`
}

func (s *Server) getSegmentTypical(ctx context.Context, in *typicalQuery) (*answer[wire.Typical], error) {
	p := s.places.Load()
	i, err := find(p.city.Segments, "segment", in.ID)
	if err != nil {
		return nil, err
	}
	at, day, err := in.day(s.now().In(p.city.TimeZone))
	if err != nil {
		return nil, err
	}
	values, interval, at, err := s.segmentValues(p, i, at, func(k geo.SensorID, interval time.Duration) ([]float32, error) {
		return s.opt.Twin.Typical(ctx, live.Series{Sensor: k, Quantity: at.quantity, Interval: interval}, at.from.UTC().Truncate(interval), at.to.UTC().Truncate(interval))
	})
	if err != nil {
		return nil, err
	}
	out := wire.Typical{Segment: p.city.Segments.At(i).ID, Quantity: at.quantity.String(), Unit: at.quantity.Unit(), Date: day, Points: []wire.TypicalPoint{}}
	for t, v := range values {
		out.Points = append(out.Points, wire.TypicalPoint{At: at.from.Add(time.Duration(t+1) * interval), Value: num32(v, 2)})
	}
	return reply(out), nil
}

// day is the span from local midnight to the next one: 23 to 25 hours.
func (q *typicalQuery) day(now time.Time) (at span, day string, err error) {
	var bad fault.List
	at.quantity, err = geo.ParseQuantity(q.Quantity)
	bad.Add("query.quantity", err)
	if q.Date != "" {
		if now, err = time.ParseInLocation(time.DateOnly, q.Date, now.Location()); err != nil {
			bad.Addf("query.date", q.Date, "is not a date such as 2026-03-20")
		}
	}
	y, m, d := now.Date()
	at.from, at.to = time.Date(y, m, d, 0, 0, 0, 0, now.Location()), time.Date(y, m, d+1, 0, 0, 0, 0, now.Location())
	return at, at.from.Format(time.DateOnly), bad.Err("reading the request")
}

// skillQuery narrows the table of scores.
type skillQuery struct {
	Scope string `query:"scope" default:"all" enum:"all,sensor,zone,hour" doc:"What a row is a mean over."`
}

func (s *Server) getSkill(_ context.Context, in *skillQuery) (*answer[wire.Skill], error) {
	sk := s.opt.Twin.Skill()
	out := wire.Skill{Days: sk.Days, Scores: []wire.Score{}}
	if !sk.Until.IsZero() {
		until := sk.Until.UTC()
		out.Until = &until
	}
	for i := range sk.Rows {
		if string(sk.Rows[i].Scope) == in.Scope {
			out.Scores = append(out.Scores, wireScore(&sk.Rows[i]))
		}
	}
	return reply(out), nil
}

func wireScore(r *forecast.SkillRow) wire.Score {
	return wire.Score{
		Model: r.Model, Quantity: r.Quantity.String(), Unit: r.Quantity.Unit(), IntervalS: r.Interval.Seconds(), Minutes: r.Horizon.Minutes(),
		Scope: string(r.Scope), ID: r.ID, Count: r.N, MAE: wire.Num(r.MAE), RMSE: wire.Num(r.RMSE), Bias: wire.Num(r.Bias),
		MAELast: wire.Num(r.MAELast), MAETypical: wire.Num(r.MAETypical), Coverage50: wire.Num(r.Coverage50), Coverage90: wire.Num(r.Coverage90),
		Width90: wire.Num(r.Span90), CountCongested: r.NCongested, Coverage90Congested: wire.Num(r.Coverage90Congested), Brier: wire.Num(r.Brier),
		OnsetRecall: wire.Num(r.OnsetRecall), OnsetPrecision: wire.Num(r.OnsetPrecision), Drift: wire.Num(r.Drift), Alarm: r.Alarm,
	}
}

func (s *Server) listModels(context.Context, *none) (*answer[wire.ModelList], error) {
	out := wire.ModelList{Models: []wire.Model{}}
	for _, m := range s.opt.Twin.Models() {
		out.Models = append(out.Models, wireModel(m))
	}
	if t := s.opt.Twin.Training(); t != nil {
		out.Training = &wire.Training{What: t.What, Done: round(t.Done, 3)}
	}
	return reply(out), nil
}

type rollbackInput struct{ Body wire.ModelRollback }

func (s *Server) rollbackModel(ctx context.Context, in *rollbackInput) (*answer[wire.ModelList], error) {
	q, err := geo.ParseQuantity(in.Body.Quantity)
	if err != nil {
		var bad fault.List
		bad.Add("body.quantity", err)
		return nil, bad.Err("reading the request")
	}
	err = s.opt.Twin.Rollback(ctx, q, time.Duration(in.Body.IntervalS*float64(time.Second)))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, newProblem(http.StatusNotFound, "no model of %s every %v s served before the one that does", q, in.Body.IntervalS)
	}
	if err != nil {
		return nil, err
	}
	return s.listModels(ctx, nil)
}

func wireModel(m forecast.ModelInfo) wire.Model {
	instant := func(t time.Time) *time.Time {
		if t.IsZero() {
			return nil
		}
		t = t.UTC()
		return &t
	}
	c := m.Card
	out := wire.Model{Name: c.Name, Version: c.Version, Role: string(m.Role), Quantity: m.Quantity.String(), IntervalS: c.Interval.Seconds(), Series: c.Series,
		From: instant(c.From), To: instant(c.Until), TrainedAt: instant(c.Trained), Features: append([]string{}, c.Features...), Notes: append([]string{}, c.Notes...), Why: m.Why, Scores: []wire.ModelScore{}}
	for _, k := range c.Scores {
		out.Scores = append(out.Scores, wire.ModelScore{Minutes: (time.Duration(k.Step) * c.Interval).Minutes(), MAE: wire.Num(k.MAE), Baseline: wire.Num(k.Baseline)})
	}
	return out
}
