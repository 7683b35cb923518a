package ingest

import (
	"errors"
	"fmt"
	"math"

	"tideway/geo"
	"tideway/internal/fault"
	"tideway/live"
)

// Columns reads the columnar JSON form: readings as lists of one length, where
// sensor and quantity hold positions in sensors and quantities,
//
//	{"sensors": ["a"], "quantities": ["speed"], "sensor": [0], "quantity": [0], "end_ms": [1710936000000], "value": [53.2]}
//
// and interval_s may be left out; "backfill": true lifts the limit on age.
// Instead of a list, quantity, end_ms and
// interval_s may be one number that holds for all. Values are in the
// quantities' canonical units. A value of null is a reading that is not a
// number; lists that contradict each other are an error. Cost: 0.15 µs a reading.
func Columns(_ *geo.City, data []byte) (*live.Batch, error) {
	c := &columnsBody{s: scanner{data: data}}
	var bad fault.List
	if err := c.read(); err != nil {
		bad.Addf("", "", "%v", err)
		return nil, bad.Err("reading columns of readings")
	}
	b := c.batch(&bad)
	if err := bad.Err("reading columns of readings"); err != nil {
		return nil, err
	}
	return b, nil
}

type columnsBody struct {
	s                                        scanner
	sensors, quantities                      []string
	sensor, quantity, endMS, interval, value column
	backfill                                 bool
}

// column is a list of numbers, or one number for all readings.
type column struct {
	values []float64
	shared bool
	given  bool
}

func (c *columnsBody) read() error {
	if err := c.s.expect('{'); err != nil {
		return err
	}
	for first := true; ; first = false {
		more, err := c.s.next(first, '}')
		if err != nil {
			return err
		}
		if !more {
			return c.s.end()
		}
		key, err := c.s.key()
		if err != nil {
			return err
		}
		if err := c.member(string(key)); err != nil {
			return err
		}
	}
}

func (c *columnsBody) member(key string) (err error) {
	switch key {
	case "sensors":
		c.sensors, err = c.s.texts()
	case "quantities":
		c.quantities, err = c.s.texts()
	case "sensor":
		err = c.sensor.read(&c.s)
	case "quantity":
		err = c.quantity.read(&c.s)
	case "end_ms":
		err = c.endMS.read(&c.s)
	case "interval_s":
		err = c.interval.read(&c.s)
	case "value":
		err = c.value.read(&c.s)
	case "backfill":
		c.backfill, err = c.s.boolean()
	default:
		err = c.s.skip(0)
	}
	return err
}

func (s *scanner) texts() (out []string, err error) {
	if err := s.expect('['); err != nil {
		return nil, err
	}
	for first := true; ; first = false {
		more, err := s.next(first, ']')
		if err != nil || !more {
			return out, err
		}
		t, err := s.text()
		if err != nil {
			return nil, err
		}
		out = append(out, string(t))
	}
}

func (c *column) read(s *scanner) error {
	c.given = true
	if s.peek() != '[' {
		v, err := s.number()
		if errors.Is(err, errNotNumber) {
			return s.fail("a list of numbers or one number was expected")
		}
		c.values, c.shared = []float64{v}, true
		return err
	}
	s.pos++
	for first := true; ; first = false {
		more, err := s.next(first, ']')
		if err != nil || !more {
			return err
		}
		v, err := s.number()
		if errors.Is(err, errNotNumber) {
			v = math.NaN()
		} else if err != nil {
			return err
		}
		c.values = append(c.values, v)
	}
}

// batch puts the lists together.
func (c *columnsBody) batch(bad *fault.List) *live.Batch {
	n := len(c.value.values)
	c.value.check(bad, "value", n, false)
	c.sensor.check(bad, "sensor", n, false)
	c.quantity.check(bad, "quantity", n, true)
	c.endMS.check(bad, "end_ms", n, true)
	if c.interval.given {
		c.interval.check(bad, "interval_s", n, true)
	} else {
		c.interval = column{values: []float64{0}, shared: true}
	}
	if bad.Len() > 0 {
		return nil
	}
	b := &live.Batch{Sensors: c.sensors, Backfill: c.backfill, Value: c.value.values, Quantity: make([]geo.Quantity, n),
		Sensor: whole[uint32](c.sensor, n, float64(len(c.sensors)), "sensor", bad),
		EndMS:  whole[int64](c.endMS, n, math.MaxInt64, "end_ms", bad), Interval: whole[uint32](c.interval, n, math.MaxUint32, "interval_s", bad)}
	names := make([]geo.Quantity, len(c.quantities))
	for i, q := range c.quantities {
		names[i] = quantityOf([]byte(q))
	}
	for i, k := range whole[uint32](c.quantity, n, float64(len(names)), "quantity", bad) {
		if int(k) < len(names) {
			b.Quantity[i] = names[k]
		}
	}
	return b
}

func (c *column) check(bad *fault.List, name string, n int, mayShare bool) {
	switch {
	case !c.given:
		bad.Addf(name, "", "is missing")
	case c.shared && !mayShare:
		bad.Addf(name, "", "is one number, expected a list")
	case !c.shared && len(c.values) != n:
		bad.Addf(name, "", "has %d elements, value has %d", len(c.values), n)
	}
}

// whole returns the column as whole numbers from 0 to below limit (times may
// be before 1970), recording those that are not.
func whole[T uint32 | int64](c column, n int, limit float64, name string, bad *fault.List) []T {
	out := make([]T, n)
	_, signed := any(T(0)).(int64)
	for i, v := range c.values {
		if v != math.Trunc(v) || v >= limit || v < 0 && !signed || v < -limit {
			if bad.Len() < maxProblems {
				bad.Addf(fmt.Sprintf("%s[%d]", name, i), "", "is %v, expected a whole number below %v", v, limit)
			}
			continue
		}
		if !c.shared {
			out[i] = T(v)
		}
	}
	if c.shared && len(c.values) == 1 {
		for i := range out {
			out[i] = T(c.values[0])
		}
	}
	return out
}
