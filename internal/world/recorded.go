package world

import (
	"bytes"
	_ "embed" // the recorded history
	"errors"
	"fmt"
	"io"
	"sort"
	"time"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/compress/zstd"

	"tideway/geo"
	"tideway/live"
)

//go:generate go run ./record -out recorded.parquet

//go:embed recorded.parquet
var recorded []byte

// The recorded history: two weeks, and the night before the third Monday, so
// that a demo can begin in the morning.
const (
	RecordedDays = 14
	RecordedTail = 3 * time.Hour // after the turn of the last day
)

// RecordedFrom is the begin of the recorded history in the city's clock, a
// Monday.
func RecordedFrom(zone *time.Location) time.Time {
	return time.Date(2025, 3, 3, 3, 0, 0, 0, zone)
}

// RecordedTo is its end: six in the morning of a Monday.
func RecordedTo(zone *time.Location) time.Time {
	return RecordedFrom(zone).AddDate(0, 0, RecordedDays).Add(RecordedTail)
}

// DemoStart returns the instant a demo begins: six in the morning of the last
// Monday up to now, in the city's clock.
func DemoStart(now time.Time, zone *time.Location) time.Time {
	m := midnight(now.In(zone))
	return m.AddDate(0, 0, -int(m.Weekday()+6)%7).Add(turnOver + RecordedTail)
}

// row is one reading of the file. Rows are sorted by sensor, quantity and end.
type row struct {
	Sensor    string `parquet:"sensor,dict,zstd"`
	Quantity  string `parquet:"quantity,dict,zstd"`
	EndMS     int64  `parquet:"end,timestamp(millisecond),delta,zstd"`
	IntervalS int32  `parquet:"interval_s,delta,zstd"`
	Steps     int32  `parquet:"steps,delta,zstd"` // of the quantity: speed 0.5 km/h, flow 1 veh/h, occupancy 0.001 ...
}

// Write writes readings as the recorded history's file.
func Write(out io.Writer, batches []*live.Batch) error {
	var rows []row
	for _, b := range batches {
		for i := range b.Len() {
			q := b.Quantity[i]
			rows = append(rows, row{b.Sensors[b.Sensor[i]], q.String(), b.EndMS[i], int32(b.Interval[i]), encode(b.Value[i], q)})
		}
	}
	sort.Slice(rows, func(i, j int) bool {
		a, b := &rows[i], &rows[j]
		switch {
		case a.Sensor != b.Sensor:
			return a.Sensor < b.Sensor
		case a.Quantity != b.Quantity:
			return a.Quantity < b.Quantity
		}
		return a.EndMS < b.EndMS
	})
	w := parquet.NewGenericWriter[row](out, parquet.Compression(&zstd.Codec{Level: zstd.SpeedBestCompression}), parquet.CreatedBy("tideway", "1", ""))
	_, err := w.Write(rows)
	return errors.Join(err, w.Close())
}

// Recorded returns the recorded history of the default city, moved by whole
// weeks so that it ends at the given instant, one batch a day in order of time.
func Recorded(zone *time.Location, end time.Time) ([]*live.Batch, error) {
	shift := end.Sub(RecordedTo(zone))
	if shift%(7*24*time.Hour) != 0 {
		return nil, fmt.Errorf("recorded history ends on a Monday at %v, it cannot end at %v", RecordedTo(zone).Format(time.TimeOnly), end.In(zone))
	}
	return Read(recorded, RecordedFrom(zone), shift)
}

// Read decodes a file that Write made into one batch a day, counted from a begin.
func Read(data []byte, from time.Time, shift time.Duration) ([]*live.Batch, error) {
	file, err := parquet.OpenFile(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return nil, fmt.Errorf("reading recorded history: %w", err)
	}
	r := parquet.NewGenericReader[row](file)
	defer r.Close()
	s := sorter{from: from, shift: shift, sensors: map[string]uint32{}, quantities: map[string]geo.Quantity{}}
	rows := make([]row, 4096)
	for {
		n, err := r.Read(rows)
		for i := range rows[:n] {
			if e := s.add(&rows[i]); e != nil {
				return nil, e
			}
		}
		if errors.Is(err, io.EOF) {
			return s.batches(), nil
		}
		if err != nil {
			return nil, fmt.Errorf("reading recorded history: %w", err)
		}
	}
}

// sorter puts readings that come by series into order of time: a slot of five
// minutes takes those that end in it.
type sorter struct {
	from       time.Time
	shift      time.Duration
	slots      [][]reading
	names      []string
	sensors    map[string]uint32
	quantities map[string]geo.Quantity
}

type reading struct {
	endMS    int64
	value    float64
	sensor   uint32
	interval uint32
	quantity geo.Quantity
}

const slot = 5 * time.Minute

func (s *sorter) add(r *row) error {
	q, ok := s.quantities[r.Quantity]
	if !ok {
		var err error
		if q, err = geo.ParseQuantity(r.Quantity); err != nil {
			return fmt.Errorf("reading recorded history: %w", err)
		}
		s.quantities[r.Quantity] = q
	}
	sensor, ok := s.sensors[r.Sensor]
	if !ok {
		sensor = uint32(len(s.names))
		s.sensors[r.Sensor] = sensor
		s.names = append(s.names, r.Sensor)
	}
	at := int((r.EndMS - s.from.UnixMilli() - 1) / slot.Milliseconds())
	if at < 0 || at > 400*24*12 {
		return fmt.Errorf("reading recorded history: %s ends at %v, outside the record", r.Sensor, time.UnixMilli(r.EndMS))
	}
	for len(s.slots) <= at {
		s.slots = append(s.slots, nil)
	}
	s.slots[at] = append(s.slots[at], reading{r.EndMS + s.shift.Milliseconds(), decode(r.Steps, q), sensor, uint32(r.IntervalS), q})
	return nil
}

// batches joins the slots of every day.
func (s *sorter) batches() (out []*live.Batch) {
	const perDay = int(24 * time.Hour / slot)
	for at := 0; at < len(s.slots); at += perDay {
		b := &live.Batch{Backfill: true, Sensors: s.names}
		for _, list := range s.slots[at:min(at+perDay, len(s.slots))] {
			for _, r := range list {
				b.Add(r.sensor, r.quantity, time.UnixMilli(r.endMS), time.Duration(r.interval)*time.Second, r.value)
			}
		}
		b.Client = fmt.Sprintf("recorded-%d-%d", at/perDay, s.shift/time.Hour)
		out = append(out, b)
	}
	return out
}

// Record simulates a stretch of the default world anew: [from, to) of a day
// that begins at turnOver.
func Record(city *geo.City, from, to time.Time, threads int) (*live.Batch, error) {
	w, err := New(city, Options{Seed: DefaultSeed, Start: from, Threads: threads})
	if err != nil {
		return nil, err
	}
	return w.Advance(to)
}
