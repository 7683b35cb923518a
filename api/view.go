package api

import (
	"encoding/json"
	"math"
	"strings"
	"time"

	"tideway/api/wire"
	"tideway/forecast"
	"tideway/forecast/air/field"
	"tideway/geo"
)

// view is everything that is served of one forecast. The columns are encoded
// when it is made, the rest when it is first asked for; the next forecast drops
// the whole.
type view struct {
	forecast *forecast.Forecast
	places   *places

	state, geoJSON, forecasts *encoded
	congestion, zones         *encoded
}

func newView(f *forecast.Forecast, p *places) *view {
	v := &view{forecast: f, places: p}
	v.state = newEncoded("application/json", v.encodeState)
	v.geoJSON = newEncoded(wire.TypeGeoJSON, v.encodeGeoJSON)
	v.forecasts = newEncoded("application/json", v.encodeForecasts)
	v.congestion = newEncoded("application/json", v.encodeCongestion)
	v.zones = jsonOnce(func() any { return v.zoneCongestion() })
	return v
}

// renew takes over what the twin has published since, and tells the stream.
func (s *Server) renew() {
	if c := s.opt.Twin.City(); s.places.Load().city.Version != c.Version {
		s.places.Store(newPlaces(c))
	}
	if f := s.opt.Twin.Forecast(); f != nil {
		v := s.view()
		if v == nil || v.forecast != f {
			v = s.encodeView(f)
		}
		s.publish(v, s.opt.Twin.Air())
	}
	s.changed.wake()
}

// encodeView makes the view of a forecast with its hottest answer encoded.
func (s *Server) encodeView(f *forecast.Forecast) *view {
	p := s.places.Load()
	if p.city.Version != f.City.Version { // the city was replaced, the next forecast will speak of it
		p = newPlaces(f.City)
	}
	v := newView(f, p)
	begin := time.Now()
	v.state.bytes()
	s.metrics.encode.Observe(time.Since(begin).Seconds())
	v.state.zstdBytes()
	return v
}

// publish serves a view and the field of the air, which may be nil, and tells
// the stream what is new of the two.
func (s *Server) publish(v *view, f *field.Field) {
	if f != nil && f.Forecast.City.Version != v.forecast.City.Version {
		f = nil
	}
	old := s.newest.Load()
	if old != nil && old.view == v && old.field == f {
		return
	}
	was := s.view()
	s.newest.Store(newAirView(v, f, s.opt.Twin))
	if was != v {
		s.hub.publish(string(wire.EventSnapshot), marshal(delta(was, v)))
		s.hub.publish(string(wire.EventForecast), marshal(issued(v.forecast)))
	}
	if f != nil && (old == nil || old.field != f) {
		s.hub.publish(string(wire.EventAir), marshal(issued(f.Forecast)))
	}
}

func issued(f *forecast.Forecast) wire.ForecastIssued {
	return wire.ForecastIssued{Seq: f.Seq, IssuedAt: f.IssuedAt.UTC()}
}

// marshal returns the JSON form of a wire type, which always has one.
func marshal(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic("api: a wire type has no JSON form: " + err.Error())
	}
	return b
}

func (v *view) now(i int) *forecast.RoadNow { return &v.forecast.Roads.Now[i] }

func (v *view) segments() int { return len(v.forecast.Roads.Now) }

// sourceNumber is the position of a source in wire.Sources, which has the order
// of forecast's.
func sourceNumber(s forecast.Source) int { return int(s) }

func letter(l forecast.LOS) byte {
	if l == 0 {
		return '-'
	}
	return byte(l)
}

func (v *view) encodeState() []byte {
	n := v.segments()
	b := make([]byte, 0, 512+n*40)
	b = v.head(append(b, '{'))
	b = append(b, `,"sources":["observed","derived","imputed","profile","prior"],"segments":{`...)
	b = append(appendColumn(b, "speed_kmh", n, 1, func(i int) float32 { return v.now(i).SpeedKMH }), ',')
	b = append(appendColumn(b, "free_flow_kmh", n, 1, func(i int) float32 { return v.now(i).FreeFlowKMH }), ',')
	b = append(appendColumn(b, "flow_vph", n, 0, func(i int) float32 { return v.now(i).FlowVPH }), ',')
	b = append(b, `"los":"`...)
	for i := range n {
		b = append(b, letter(v.now(i).LOS))
	}
	b = append(b, `",`...)
	b = append(appendColumn(b, "source", n, 0, func(i int) float32 { return float32(sourceNumber(v.now(i).Source)) }), ',')
	b = append(appendColumn(b, "age_s", n, 0, func(i int) float64 { return ageS(v.now(i)) }), ',')
	b = append(appendColumn(b, "typical_speed_kmh", n, 1, func(i int) float32 { return v.now(i).TypicalKMH }), ',')
	return append(v.appendIncidents(b), "}}"...)
}

func (v *view) appendIncidents(b []byte) []byte {
	b = append(b, `"incident":[`...)
	first := true
	for i := range v.segments() {
		if v.now(i).Incident {
			if !first {
				b = append(b, ',')
			}
			b, first = appendNum(b, float64(i), 0), false
		}
	}
	return append(b, ']')
}

// head appends the fields that every answer about a forecast begins with.
func (v *view) head(b []byte) []byte {
	b = appendString(append(b, `"city_version":`...), v.forecast.City.Version)
	b = appendNum(append(b, `,"seq":`...), float64(v.forecast.Seq), 0)
	return appendTime(append(b, `,"at":`...), v.forecast.IssuedAt)
}

func ageS(r *forecast.RoadNow) float64 {
	if r.At.IsZero() {
		return math.NaN()
	}
	return r.Age.Seconds()
}

func (v *view) encodeGeoJSON() []byte {
	n := v.segments()
	b := make([]byte, 0, 64+n*360)
	b = append(b, `{"type":"FeatureCollection","features":[`...)
	for i := range n {
		if i > 0 {
			b = append(b, ',')
		}
		b = v.appendFeature(b, i)
	}
	return append(b, "]}"...)
}

func (v *view) appendFeature(b []byte, i int) []byte {
	r := v.now(i)
	b = appendNum(append(b, `{"type":"Feature","id":`...), float64(i), 0)
	b = append(b, `,"geometry":{"type":"LineString","coordinates":[`...)
	for k, q := range v.places.lines[i] {
		if k > 0 {
			b = append(b, ',')
		}
		b = append(appendDegrees(append(appendDegrees(append(b, '['), q[0]), ','), q[1]), ']')
	}
	b = append(append(b, `]},"properties":{"segment":`...), v.places.ids[i]...)
	b = append(append(b, `,"name":`...), v.places.names[i]...)
	b = v.appendNow(b, r)
	b = append(append(append(b, `,"los":"`...), letter(r.LOS)), '"')
	return append(b, "}}"...)
}

// appendNow appends the fields that a segment's state has in every form.
func (v *view) appendNow(b []byte, r *forecast.RoadNow) []byte {
	b = appendTime(append(b, `,"observed_at":`...), r.At)
	b = appendNum(append(b, `,"age_s":`...), ageS(r), 0)
	b = append(append(append(b, `,"source":"`...), r.Source.String()...), '"')
	b = appendNum(append(b, `,"speed_kmh":`...), float64(r.SpeedKMH), 1)
	b = appendNum(append(b, `,"free_flow_kmh":`...), float64(r.FreeFlowKMH), 1)
	return appendNum(append(b, `,"flow_vph":`...), float64(r.FlowVPH), 0)
}

// appendDegrees appends with 7 decimals: a centimetre.
func appendDegrees(b []byte, deg float64) []byte {
	whole := math.Trunc(deg)
	if deg < 0 && whole == 0 {
		b = append(b, '-')
	}
	b = appendNum(b, whole, 0)
	rest := int64(math.Round(math.Abs(deg-whole) * 1e7))
	if rest == 0 {
		return b
	}
	b = append(b, '.')
	for unit := int64(1e6); rest > 0; unit /= 10 {
		b = append(b, byte('0'+rest/unit))
		rest %= unit
	}
	return b
}

func (v *view) encodeForecasts() []byte {
	f, n := v.forecast, v.segments()
	b := make([]byte, 0, 512+n*30*len(f.Roads.Horizons))
	b = appendString(append(b, `{"city_version":`...), f.City.Version)
	b = appendNum(append(b, `,"seq":`...), float64(f.Seq), 0)
	b = appendTime(append(b, `,"issued_at":`...), f.IssuedAt)
	b = appendString(append(b, `,"model":`...), strings.Join(f.Roads.Models, ", "))
	b = append(b, `,"horizons":[`...)
	for h := range f.Roads.Horizons {
		if h > 0 {
			b = append(b, ',')
		}
		b = v.appendHorizon(b, h)
	}
	return append(b, "]}"...)
}

func (v *view) appendHorizon(b []byte, h int) []byte {
	f, n := v.forecast, v.segments()
	steps, ahead := len(f.Roads.Horizons), f.Roads.Horizons[h]
	column := func(name string, decimals int, of []float32) {
		b = append(appendColumn(b, name, n, decimals, func(i int) float32 { return of[i*steps+h] }), ',')
	}
	b = appendNum(append(b, `{"minutes":`...), ahead.Minutes(), 2)
	b = append(appendTime(append(b, `,"at":`...), f.IssuedAt.Add(ahead)), ',')
	column("speed_kmh", 1, f.Roads.Speed.Value)
	column("lo90_kmh", 1, f.Roads.Speed.Lo90)
	column("hi90_kmh", 1, f.Roads.Speed.Hi90)
	column("p_congested", 3, f.Roads.Speed.PCongested)
	b = append(b, `"los":"`...)
	for i := range n {
		b = append(b, letter(f.Roads.LOS[i*steps+h]))
	}
	return append(b, `"}`...)
}

// maxDelta is the number of changed segments above which getting the state anew
// costs a client less than the event.
const maxDelta = 4000

// delta tells what changed from one view to the next, at the precision that is
// served.
func delta(old, v *view) wire.StateDelta {
	d := wire.StateDelta{CityVersion: v.forecast.City.Version, Seq: v.forecast.Seq, At: v.forecast.IssuedAt.UTC(),
		Segments: []int{}, SpeedKMH: []*float64{}, FlowVPH: []*float64{}, Source: []int{}}
	if d.Reload = old == nil || old.forecast.City.Version != d.CityVersion; d.Reload {
		return d
	}
	var los []byte
	for i := range v.segments() {
		was, is := old.now(i), v.now(i)
		if same(was.SpeedKMH, is.SpeedKMH, 10) && same(was.FlowVPH, is.FlowVPH, 1) && was.LOS == is.LOS && was.Source == is.Source {
			continue
		}
		d.Segments = append(d.Segments, i)
		d.SpeedKMH = append(d.SpeedKMH, wire.Num(round(float64(is.SpeedKMH), 1)))
		d.FlowVPH = append(d.FlowVPH, wire.Num(round(float64(is.FlowVPH), 0)))
		d.Source = append(d.Source, sourceNumber(is.Source))
		los = append(los, letter(is.LOS))
	}
	if d.LOS = string(los); len(d.Segments) > maxDelta {
		return wire.StateDelta{CityVersion: d.CityVersion, Seq: d.Seq, At: d.At, Reload: true,
			Segments: []int{}, SpeedKMH: []*float64{}, FlowVPH: []*float64{}, Source: []int{}}
	}
	return d
}

func same(a, b float32, scale float64) bool {
	return math.Round(float64(a)*scale) == math.Round(float64(b)*scale) || (a != a && b != b)
}

// congestionOf returns the record of one segment.
func (v *view) congestionOf(s geo.SegmentID) wire.Congestion {
	var c wire.Congestion
	if err := json.Unmarshal(v.appendCongestion(nil, s), &c); err != nil {
		panic("api: the encoder of congestion records wrote no JSON: " + err.Error())
	}
	return c
}

func (v *view) encodeCongestion() []byte {
	n := v.segments()
	b := make([]byte, 0, 512+n*(400+140*len(v.forecast.Roads.Horizons)))
	b = v.congestionHead(b)
	for i := range n {
		if i > 0 {
			b = append(b, ',')
		}
		b = v.appendCongestion(b, geo.SegmentID(i))
	}
	return append(b, "]}"...)
}

func (v *view) congestionHead(b []byte) []byte {
	b = appendString(append(b, `{"city_version":`...), v.forecast.City.Version)
	b = appendTime(append(b, `,"at":`...), v.forecast.IssuedAt)
	return append(b, `,"segments":[`...)
}

func (v *view) appendCongestion(b []byte, s geo.SegmentID) []byte {
	f, r := v.forecast, v.now(int(s))
	num := func(name string, value float64, decimals int) {
		b = appendNum(append(append(append(b, `,"`...), name...), `":`...), value, decimals)
	}
	b = append(append(b, `{"segment":`...), v.places.ids[s]...)
	b = v.appendNow(b, r)
	b = append(append(append(b, `,"los":"`...), letter(r.LOS)), '"')
	b = append(b, `,"forecast":[`...)
	for h := range f.Roads.Horizons {
		if h > 0 {
			b = append(b, ',')
		}
		b = v.appendCongestionAt(b, int(s), h)
	}
	b = appendString(append(b, `],"model":`...), f.Roads.Models[f.Roads.ModelOf[s]])
	b = appendTime(append(b, `,"issued_at":`...), f.IssuedAt)
	b = appendBool(append(b, `,"los_derived":`...), r.LOSDerived)
	num("typical_speed_kmh", float64(r.TypicalKMH), 1)
	num("confidence", float64(r.Confidence), 2)
	b = appendBool(append(b, `,"incident":`...), r.Incident)
	num("onset_s", orNaN(r.Onset), 0)
	num("clear_50_s", orNaN(r.Clear50), 0)
	num("clear_90_s", orNaN(r.Clear90), 0)
	return append(b, '}')
}

func (v *view) appendCongestionAt(b []byte, s, h int) []byte {
	f := v.forecast
	p, i := f.Roads.Speed.At(s, h), s*len(f.Roads.Horizons)+h
	b = appendTime(append(b, `{"at":`...), f.IssuedAt.Add(f.Roads.Horizons[h]))
	b = appendNum(append(b, `,"speed_kmh":`...), float64(p.Value), 1)
	b = appendNum(append(b, `,"lo90_kmh":`...), float64(p.Lo90), 1)
	b = appendNum(append(b, `,"hi90_kmh":`...), float64(p.Hi90), 1)
	b = appendNum(append(b, `,"p_congested":`...), float64(p.PCongested), 3)
	b = append(append(append(b, `,"los":"`...), letter(f.Roads.LOS[i])), '"')
	b = appendNum(append(b, `,"lo50_kmh":`...), float64(p.Lo50), 1)
	b = appendNum(append(b, `,"hi50_kmh":`...), float64(p.Hi50), 1)
	b = appendNum(append(b, `,"flow_vph":`...), float64(f.Roads.FlowVPH[i]), 0)
	return append(b, '}')
}

func appendBool(b []byte, v bool) []byte {
	if v {
		return append(b, "true"...)
	}
	return append(b, "false"...)
}

func orNaN(d time.Duration) float64 {
	if d < 0 {
		return math.NaN()
	}
	return d.Seconds()
}
