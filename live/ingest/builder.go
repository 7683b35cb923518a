package ingest

import (
	"math"
	"slices"
	"time"

	"tideway/geo"
	"tideway/internal/fault"
	"tideway/live"
)

// builder makes a batch of readings that arrive one by one.
type builder struct {
	city     *geo.City
	batch    live.Batch
	at       map[string]uint32
	sensors  []knownSensor
	units    map[string]string // names of units met, so that each is allocated once
	known    map[unitKey]known
	bad      fault.List // why readings were not understood, at most maxProblems
	decoded  int        // readings whose shape was right
	unstated bool       // a value came in its sensor\'s unit, which no city at hand tells
	listed   bool       // a list of readings was read to its end
}

// knownSensor is what the city says that a sensor measures.
type knownSensor []geo.Measure

// maxProblems bounds the explanations kept; the reasons in the batch are complete.
const maxProblems = 20

func newBuilder(city *geo.City) *builder {
	return &builder{city: city, at: map[string]uint32{}, units: map[string]string{}, known: map[unitKey]known{}}
}

// sensor returns the position of a sensor in the batch.
func (b *builder) sensor(id []byte) uint32 {
	if i, ok := b.at[string(id)]; ok { // no allocation
		return i
	}
	return b.newSensor(string(id))
}

func (b *builder) unitName(name []byte) string {
	if s, ok := b.units[string(name)]; ok {
		return s
	}
	s := string(name)
	b.units[s] = s
	return s
}

func (b *builder) newSensor(id string) uint32 {
	i := uint32(len(b.batch.Sensors))
	b.at[id] = i
	b.batch.Sensors = append(b.batch.Sensors, id)
	var s geo.Sensor
	if b.city != nil {
		if k, known := b.city.Sensors.Find(id); known {
			s = b.city.Sensors.At(k)
		}
	}
	b.sensors = append(b.sensors, knownSensor(s.Measures))
	return i
}

func (s knownSensor) measure(q geo.Quantity) geo.Measure {
	for _, m := range s {
		if m.Quantity == q {
			return m
		}
	}
	return geo.Measure{}
}

// noQuantity marks a reading whose quantity has no known name.
const noQuantity = geo.Quantity(math.MaxUint8)

// reading is one reading as a decoder found it. Nothing of it is kept.
type reading struct {
	sensor    uint32
	quantity  geo.Quantity
	endMS     int64
	intervalS uint32
	value     float64
	unit      string      // "" is the sensor's
	refuse    live.Reason // "" when understood
}

// add appends a reading, converting its value.
func (b *builder) add(r reading) {
	if r.refuse == "" {
		r.value, r.refuse = b.convert(r)
	}
	if r.refuse != live.Malformed {
		b.decoded++
	}
	c := &b.batch
	c.Sensor = append(c.Sensor, r.sensor)
	c.Quantity = append(c.Quantity, r.quantity)
	c.EndMS = append(c.EndMS, r.endMS)
	c.Interval = append(c.Interval, r.intervalS)
	c.Value = append(c.Value, r.value)
	if r.refuse != "" {
		c.Refuse(r.refuse)
	}
}

// convert returns the value in the canonical unit: from the unit that the
// reading states, else from the sensor's.
func (b *builder) convert(r reading) (float64, live.Reason) {
	if r.quantity == noQuantity {
		return r.value, "" // the feed will say so
	}
	m := b.sensors[r.sensor].measure(r.quantity)
	if r.unit == "" {
		r.unit = m.Unit
		b.unstated = b.unstated || b.city == nil
	}
	if r.unit != "" {
		c, ok := b.conversion(r.quantity, r.unit)
		if !ok {
			return r.value, live.BadUnit
		}
		every := r.intervalS
		if every == 0 {
			every = uint32(m.Interval / time.Second)
		}
		if r.value, ok = c.apply(r.value, every); !ok {
			return r.value, live.BadUnit
		}
	}
	if r.quantity == geo.WindDirection && r.value < 0 && r.value >= -180 {
		r.value += 360
	}
	return r.value, ""
}

// unitKey names a conversion; known holds those that were looked up.
type (
	unitKey struct {
		q    geo.Quantity
		unit string
	}
	known struct {
		conversion
		ok bool
	}
)

func (b *builder) conversion(q geo.Quantity, unit string) (conversion, bool) {
	k, met := b.known[unitKey{q, unit}]
	if !met {
		k.conversion, k.ok = convert(q, unit)
		b.known[unitKey{q, unit}] = k
	}
	return k.conversion, k.ok
}

// problem notes why a reading was not understood.
func (b *builder) problem(where, id, format string, args ...any) {
	if b.bad.Len() < maxProblems {
		b.bad.Addf(where, id, format, args...)
	}
}

// finish returns the batch, or every problem when nothing was understood.
func (b *builder) finish(doing string) (*live.Batch, error) {
	if b.decoded == 0 && !(b.listed && b.batch.Len() == 0) {
		if b.bad.Len() == 0 {
			b.bad.Addf("", "", "there are no readings in it")
		}
		return nil, b.bad.Err(doing)
	}
	return &b.batch, nil
}

func sorted(s []string) []string { slices.Sort(s); return s }
