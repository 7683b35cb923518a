package twin

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"sort"
	"strings"
	"sync"
	"time"

	"tideway/forecast"
	"tideway/forecast/air/field"
	"tideway/geo"
	"tideway/internal/bus"
	"tideway/unit"
)

// Where weather that was given is kept: every word under a key of its own, in
// the order in which it was given.
const (
	weatherBucket = "weather"
	weatherKey    = "given."
	// weatherRemembered is how long: as far back as models learn.
	weatherRemembered = 400 * 24 * time.Hour
)

// word is what was given of the weather at one time.
type word struct {
	Given time.Time    `json:"given_at"`
	Hours []storedHour `json:"hours"`
}

// storedHour is an hour of weather as JSON keeps it: null for unknown.
type storedHour struct {
	At           time.Time `json:"at"`
	WindMS       float64   `json:"wind_ms"`
	FromDeg      float64   `json:"wind_from_deg"`
	TemperatureK *float64  `json:"temperature_k"`
	Cloud        *float64  `json:"cloud"`
	SolarWm2     *float64  `json:"solar_wm2"`
}

func stored(s field.Sky) (out []storedHour) {
	known := func(v float64) *float64 {
		if math.IsNaN(v) {
			return nil
		}
		return &v
	}
	for _, w := range s {
		out = append(out, storedHour{w.At, w.Wind.MPS(), w.From.Deg(), known(w.Temperature.K()), known(float64(w.Cloud)), known(w.SolarWm2)})
	}
	return out
}

func restored(hours []storedHour) (out field.Sky) {
	value := func(v *float64) float64 {
		if v == nil {
			return math.NaN()
		}
		return *v
	}
	for _, h := range hours {
		out = append(out, field.Weather{At: h.At, Wind: unit.Speed(h.WindMS), From: unit.Angle(h.FromDeg), Temperature: unit.Temperature(value(h.TemperatureK)),
			Cloud: unit.Share(value(h.Cloud)), SolarWm2: value(h.SolarWm2)})
	}
	return out
}

// weatherRecord remembers what was given of every hour, and when: a forecast
// may be judged only by the weather that was given before it was made. It is
// safe for concurrent use.
type weatherRecord struct {
	mu    sync.RWMutex
	words int
	of    map[int64][]givenHour // by the begin of the hour, Unix time; in the order given
}

type givenHour struct {
	given time.Time
	field.Weather
}

func (r *weatherRecord) add(given time.Time, hours field.Sky) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.of == nil {
		r.of = map[int64][]givenHour{}
	}
	r.words++
	for _, w := range hours {
		key := w.At.Unix()
		r.of[key] = append(r.of[key], givenHour{given, w})
	}
}

// by returns the newest word of the hour that begins at an instant, among those
// given until another.
func (r *weatherRecord) by(begin, until time.Time) (field.Weather, bool) {
	list := r.of[begin.Unix()]
	n := sort.Search(len(list), func(i int) bool { return list[i].given.After(until) })
	if n == 0 {
		return field.Weather{}, false
	}
	return list[n-1].Weather, true
}

// keep stores a word durably and then remembers it.
func (r *weatherRecord) keep(ctx context.Context, b *bus.Bucket, given time.Time, hours field.Sky) error {
	text, err := json.Marshal(word{given, stored(hours)})
	if err != nil {
		return err
	}
	r.mu.RLock()
	key := fmt.Sprintf("%s%013d.%06d", weatherKey, given.UnixMilli(), r.words)
	r.mu.RUnlock()
	if _, err := b.Create(ctx, key, text); err != nil {
		return fmt.Errorf("keeping %d hours of weather: %w", len(hours), err)
	}
	r.add(given, hours)
	return nil
}

// recallWeather reads what was given before and drops what is too old to learn
// from. It returns the record and the newest word of every hour from an instant on.
func recallWeather(ctx context.Context, b *bus.Bus, now, from time.Time) (*weatherRecord, field.Sky, error) {
	bucket, err := b.Bucket(ctx, weatherBucket)
	if err != nil {
		return nil, nil, err
	}
	entries, err := bucket.List(ctx)
	if err != nil {
		return nil, nil, fmt.Errorf("reading the weather given before: %w", err)
	}
	record, sky := &weatherRecord{}, field.Sky(nil)
	for _, e := range entries {
		var w word
		if !strings.HasPrefix(e.Key, weatherKey) {
			continue
		}
		if err := json.Unmarshal(e.Value, &w); err != nil {
			return nil, nil, fmt.Errorf("reading the weather given before, %s: %w", e.Key, err)
		}
		if now.Sub(w.Given) > weatherRemembered {
			if err := bucket.Delete(ctx, e.Key); err != nil {
				return nil, nil, err
			}
			continue
		}
		hours := restored(w.Hours)
		record.add(w.Given, hours)
		sky = sky.Merge(hours, from)
	}
	return record, sky, nil
}

// skies tells forecasts of air the weather: what the city's sensors measured
// and what was given.
type skies struct {
	city    *geo.City
	history forecast.BulkHistory
	record  *weatherRecord
}

// Given returns the hours as the newest word of each had them by an instant.
func (s skies) Given(from, to, until time.Time) (out []forecast.SkyHour) {
	s.record.mu.RLock()
	defer s.record.mu.RUnlock()
	for begin := from; begin.Before(to); begin = begin.Add(time.Hour) {
		h := forecast.UnknownSky
		if w, ok := s.record.by(begin, until); ok {
			sin, cos := math.Sincos(w.From.Deg() * math.Pi / 180)
			h = forecast.SkyHour{float32(w.Wind.MPS()), float32(w.Wind.MPS() * sin), float32(w.Wind.MPS() * cos), float32(w.Temperature.C()), float32(w.Cloud), float32(w.SolarWm2)}
		}
		out = append(out, h)
	}
	return out
}

// Measured returns the hourly means over the city's weather sensors.
func (s skies) Measured(ctx context.Context, from, to time.Time) ([]forecast.SkyHour, error) {
	out := make([]forecast.SkyHour, max(0, int(to.Sub(from)/time.Hour)))
	for i := range out {
		out[i] = forecast.UnknownSky
	}
	for _, c := range []struct {
		quantity geo.Quantity
		column   int
		of       func(v float64) float64
	}{
		{geo.WindSpeed, forecast.SkyWind, nil}, {geo.Temperature, forecast.SkyTemperature, nil}, {geo.Radiation, forecast.SkySolar, nil},
		{geo.WindDirection, forecast.SkyEast, func(deg float64) float64 { return math.Sin(deg * math.Pi / 180) }},
		{geo.WindDirection, forecast.SkyNorth, func(deg float64) float64 { return math.Cos(deg * math.Pi / 180) }},
	} {
		mean, err := s.hourly(ctx, c.quantity, from, to, c.of)
		if err != nil {
			return nil, err
		}
		for i := range out {
			if out[i][c.column] = mean[i]; c.of != nil {
				out[i][c.column] *= out[i][forecast.SkyWind]
			}
		}
	}
	return out, nil
}

// hourly returns the hourly means of a quantity, or of a function of it, over
// the sensors that measure it every hour or more often; NaN without any.
func (s skies) hourly(ctx context.Context, q geo.Quantity, from, to time.Time, of func(float64) float64) ([]float32, error) {
	hours := max(0, int(to.Sub(from)/time.Hour))
	sum, n := make([]float64, hours), make([]float64, hours)
	for _, g := range s.sensors(q) {
		columns, err := s.history.Columns(ctx, g.ids, q, g.interval, from, to)
		if err != nil {
			return nil, err
		}
		for _, values := range columns {
			for i, v := range values {
				if hour := int((time.Duration(i+1)*g.interval - 1) / time.Hour); v == v {
					x := float64(v)
					if of != nil {
						x = of(x)
					}
					sum[hour], n[hour] = sum[hour]+x, n[hour]+1
				}
			}
		}
	}
	out := make([]float32, len(sum))
	for i := range out {
		out[i] = float32(sum[i] / n[i])
	}
	return out, nil
}

// equals are sensors of one interval.
type equals struct {
	interval time.Duration
	ids      []string
}

// sensors lists who measures a quantity every hour or more often.
func (s skies) sensors(q geo.Quantity) (out []equals) {
	for _, sensor := range s.city.Sensors.All() {
		for _, m := range sensor.Measures {
			if m.Quantity != q || m.Interval <= 0 || time.Hour%m.Interval != 0 {
				continue
			}
			at := slices.IndexFunc(out, func(e equals) bool { return e.interval == m.Interval })
			if at < 0 {
				at, out = len(out), append(out, equals{interval: m.Interval})
			}
			out[at].ids = append(out[at].ids, sensor.ID)
		}
	}
	return out
}
