package ingest

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"time"

	"tideway/geo"
	"tideway/live"
)

// JSON reads {"readings": [...]} or a bare list of readings, each
//
//	{"sensor": "a", "quantity": "speed", "at": "2024-03-20T12:00:00Z", "value": 53.2, "interval_s": 60, "unit": "km/h"}
//
// where interval_s and unit may be left out; other members are ignored.
// "backfill": true beside the list lifts the limit on age. A
// reading of the wrong shape is refused on its own. Where the text itself
// breaks off, what came before it counts and one malformed reading follows.
// Cost: 0.5 µs a reading.
func JSON(city *geo.City, data []byte) (*live.Batch, error) {
	b, s := newBuilder(city), &scanner{data: data}
	if err := b.document(s); err != nil {
		b.problem("", "", "%v", err)
		b.malformed()
	}
	return b.finish("reading JSON readings")
}

// NDJSON reads one reading a line, as in JSON; blank lines do not count.
func NDJSON(city *geo.City, data []byte) (*live.Batch, error) {
	b := newBuilder(city)
	for line := 1; len(data) > 0; line++ {
		text, rest, _ := bytes.Cut(data, []byte{'\n'})
		data = rest
		s := &scanner{data: text}
		if s.peek() == 0 && s.pos == len(text) {
			continue
		}
		if err := b.line(s); err != nil {
			b.problem(fmt.Sprintf("line %d", line), "", "%v", err)
		}
	}
	return b.finish("reading NDJSON readings")
}

// line adds the one reading of a line; a line that is not one is malformed.
func (b *builder) line(s *scanner) error {
	before := b.decoded
	if err := b.reading(s); err != nil {
		b.malformed()
		return err
	}
	if err := s.end(); err != nil {
		b.decoded = before
		b.batch.Refuse(live.Malformed)
		return err
	}
	return nil
}

// malformed adds a reading that could not be read at all.
func (b *builder) malformed() {
	b.add(reading{sensor: b.sensor(nil), quantity: noQuantity, value: math.NaN(), refuse: live.Malformed})
}

func (b *builder) document(s *scanner) error {
	switch c := s.peek(); c {
	case '[':
		if err := b.list(s); err != nil {
			return err
		}
	case '{':
		if err := b.object(s); err != nil {
			return err
		}
	default:
		return s.fail("%s found where a list of readings was expected", show(c))
	}
	return s.end()
}

func (b *builder) object(s *scanner) error {
	s.pos++
	for first := true; ; first = false {
		more, err := s.next(first, '}')
		if err != nil || !more {
			return err
		}
		key, err := s.key()
		if err != nil {
			return err
		}
		switch {
		case string(key) == "readings" && s.peek() == '[':
			err = b.list(s)
		case string(key) == "backfill":
			b.batch.Backfill, err = s.boolean()
		default:
			err = s.skip(0)
		}
		if err != nil {
			return err
		}
	}
}

func (b *builder) list(s *scanner) error {
	s.pos++
	for first := true; ; first = false {
		more, err := s.next(first, ']')
		if err != nil || !more {
			b.listed = err == nil
			return err
		}
		if err := b.reading(s); err != nil {
			return err
		}
	}
}

// jsonReading gathers the members of one reading, which come in any order.
type jsonReading struct {
	id, quantityName, at, unit []byte
	value, interval            float64
	badInterval, badValue      bool
}

// reading reads one reading; an error is one of syntax.
func (b *builder) reading(s *scanner) error {
	if c := s.peek(); c != '{' {
		begin := s.pos
		if err := s.skip(0); err != nil {
			return err
		}
		b.problem(b.here(), "", "%.40q found where an object was expected", s.data[begin:s.pos])
		b.malformed()
		return nil
	}
	s.pos++
	r := jsonReading{value: math.NaN(), badValue: true}
	for first := true; ; first = false {
		more, err := s.next(first, '}')
		if err != nil {
			return err
		}
		if !more {
			break
		}
		key, err := s.key()
		if err != nil {
			return err
		}
		if err := r.member(s, key); err != nil {
			return err
		}
	}
	b.addJSON(&r)
	return nil
}

func (b *builder) here() string { return fmt.Sprintf("readings[%d]", b.batch.Len()) }

func (r *jsonReading) member(s *scanner, key []byte) (err error) {
	switch string(key) {
	case "sensor":
		r.id, err = s.textOrSkip()
	case "quantity":
		r.quantityName, err = s.textOrSkip()
	case "unit":
		r.unit, err = s.textOrSkip()
	case "at":
		r.at, err = s.textOrSkip()
	case "interval_s":
		r.interval, err = s.number()
		r.badInterval = err != nil || r.interval < 0 || r.interval > math.MaxUint32
	case "value":
		r.value, err = s.number()
		if r.badValue = err != nil; r.badValue {
			r.value = math.NaN()
		}
	default:
		err = s.skip(0)
	}
	if errors.Is(err, errNotNumber) {
		return nil
	}
	return err
}

// textOrSkip reads a string; another value is passed over and gives nil.
func (s *scanner) textOrSkip() ([]byte, error) {
	if s.peek() != '"' {
		return nil, s.skip(0)
	}
	return s.text()
}

// addJSON makes sense of a reading whose text was in order.
func (b *builder) addJSON(r *jsonReading) {
	out := reading{sensor: b.sensor(r.id), quantity: quantityOf(r.quantityName), value: r.value, intervalS: uint32(r.interval)}
	ms, timeOK := parseInstant(r.at)
	out.endMS = ms
	if len(r.unit) > 0 {
		out.unit = b.unitName(r.unit)
	}
	switch {
	case r.id == nil:
		out.refuse = live.UnknownSensor
		b.problem(b.here(), "", "has no sensor, expected its id as a string")
	case !timeOK:
		out.refuse = live.BadTime
		b.problem(b.here(), string(r.id), "at is %.40q, expected a time like 2024-03-20T12:00:00Z", r.at)
	case r.badInterval:
		out.refuse, out.intervalS = live.BadTime, 0
		b.problem(b.here(), string(r.id), "interval_s is not a number of seconds")
	case r.badValue:
		out.refuse = live.NotANumber
		b.problem(b.here(), string(r.id), "value is not a number")
	}
	b.add(out)
}

// quantityNames finds quantities without allocating.
var quantityNames = func() map[string]geo.Quantity {
	m := map[string]geo.Quantity{}
	for _, q := range geo.Quantities() {
		m[q.String()] = q
	}
	return m
}()

func quantityOf(name []byte) geo.Quantity {
	if q, ok := quantityNames[string(name)]; ok {
		return q
	}
	return noQuantity
}

// parseInstant reads an RFC 3339 time.
func parseInstant(t []byte) (ms int64, ok bool) {
	if len(t) == 20 && t[19] == 'Z' && t[4] == '-' && t[7] == '-' && t[10] == 'T' && t[13] == ':' && t[16] == ':' {
		y, ok1 := digits(t[0:4])
		mo, ok2 := digits(t[5:7])
		d, ok3 := digits(t[8:10])
		h, ok4 := digits(t[11:13])
		mi, ok5 := digits(t[14:16])
		s, ok6 := digits(t[17:19])
		if ok1 && ok2 && ok3 && ok4 && ok5 && ok6 && mo >= 1 && mo <= 12 && d >= 1 && d <= 28 && h < 24 && mi < 60 && s < 60 {
			return (daysFromCivil(y, mo, d)*86400 + int64(h*3600+mi*60+s)) * 1000, true
		}
	}
	at, err := time.Parse(time.RFC3339Nano, string(t))
	if err != nil {
		return 0, false
	}
	return at.UnixMilli(), true
}

func digits(t []byte) (n int, ok bool) {
	for _, c := range t {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + int(c-'0')
	}
	return n, true
}

// daysFromCivil counts days since 1970-01-01 (Hinnant, chrono-compatible
// low-level date algorithms).
func daysFromCivil(y, m, d int) int64 {
	if m <= 2 {
		y--
	}
	era := y / 400
	yoe := y - era*400
	doy := (153*((m+9)%12)+2)/5 + d - 1
	doe := yoe*365 + yoe/4 - yoe/100 + doy
	return int64(era*146097 + doe - 719468)
}
