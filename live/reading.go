package live

import (
	"time"

	"tideway/geo"
)

// Batch is readings as columns: one message of the log, one body of the
// columnar input. All columns have the same length; Sensor holds positions in
// Sensors. Values are in the quantity's canonical unit (geo.Quantity.Unit).
type Batch struct {
	Client   string // idempotency key; "" when the client gave none
	Backfill bool   // history on purpose: no reading is too late
	Sensors  []string
	Sensor   []uint32
	Quantity []geo.Quantity
	EndMS    []int64  // end of the interval the value speaks of, ms since 1970 UTC
	Interval []uint32 // length of that interval in seconds; 0: the sensor's nominal one
	Value    []float64
	Refused  []Refusal // by index, of readings that the decoder could not make sense of
}

// Refusal is a decoder's verdict on one reading: it keeps its place in the
// batch, so that indices in the answer are those of the client.
type Refusal struct {
	Index  int
	Reason Reason
}

// Refuse marks the reading added last as not understood.
func (b *Batch) Refuse(why Reason) { b.Refused = append(b.Refused, Refusal{b.Len() - 1, why}) }

// Len returns the number of readings.
func (b *Batch) Len() int { return len(b.Value) }

// Add appends one reading of a sensor already in Sensors.
func (b *Batch) Add(sensor uint32, q geo.Quantity, end time.Time, interval time.Duration, value float64) {
	b.Sensor = append(b.Sensor, sensor)
	b.Quantity = append(b.Quantity, q)
	b.EndMS = append(b.EndMS, end.UnixMilli())
	b.Interval = append(b.Interval, uint32(interval/time.Second))
	b.Value = append(b.Value, value)
}

// Answer tells what became of a batch. Accepted + Rejected + Duplicates is the
// number of readings; Revisions counts those of Accepted that replaced a value.
type Answer struct {
	Accepted   int            `json:"accepted"`
	Rejected   int            `json:"rejected"`
	Duplicates int            `json:"duplicates"`
	Revisions  int            `json:"revisions"`
	Reasons    []ReasonAt     `json:"reasons"`             // of the first 100 rejected or duplicate
	ByReason   map[Reason]int `json:"by_reason,omitempty"` // rejected, duplicate and doubtful readings
}

// ReasonAt is why one reading of a batch was rejected or flagged.
type ReasonAt struct {
	Index  int    `json:"index"`
	Sensor string `json:"sensor"`
	Reason Reason `json:"reason"`
}

// Reason is why a reading was refused or is doubtful.
type Reason string

// Reasons. Refused readings are counted and kept for 7 days; Stuck and
// RateOfChange mark an accepted reading as doubtful.
const (
	UnknownSensor   Reason = "unknown_sensor"
	UnknownQuantity Reason = "unknown_quantity"
	OutOfRange      Reason = "range"
	NotANumber      Reason = "not_a_number"
	BadTime         Reason = "time"
	BadUnit         Reason = "unit"
	Malformed       Reason = "malformed"
	TooLate         Reason = "late"
	InTheFuture     Reason = "future"
	Duplicate       Reason = "duplicate"
	RateOfChange    Reason = "rate_of_change"
	Stuck           Reason = "stuck"
)

// Series identifies what one sensor measures: the unit of history and forecast.
type Series struct {
	Sensor   geo.SensorID
	Quantity geo.Quantity
	Interval time.Duration // spacing of its values
}

// Snapshot is the state of the city at a tick: immutable, published by pointer.
type Snapshot struct {
	City   *geo.City
	At     time.Time
	Seq    uint64        // rises by one with every snapshot
	Series []SeriesState // one per series, in (sensor, quantity) order
	Roads  []RoadState   // one per segment, by geo.SegmentID
}

// SeriesState is the newest value of a series.
type SeriesState struct {
	Series
	End   time.Time // zero when it never reported
	Value float64   // canonical unit
	Doubt Reason    // "" when good
}

// RoadState is what sensors say of a segment now. Values are NaN when nothing
// was observed.
type RoadState struct {
	At        time.Time // end of the newest interval used; zero when none
	SpeedKMH  float64
	FlowVPH   float64 // all lanes
	Occupancy float64 // share of time, mean over lanes
	Sensors   int     // number of sensors behind it
}
