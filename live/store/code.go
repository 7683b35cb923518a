package store

import (
	"math"

	"tideway/geo"
)

// Code is a value as the window and the history hold it: fixed point with
// three decimals (six for shares), and whether it is doubtful, in 32 bits.
// Values with no more decimals than that come back bit for bit. The zero Code
// is the absence of a value.
type Code uint32

// Doubt says why an accepted value is doubtful.
type Doubt uint8

// Doubts.
const (
	Good   Doubt = iota
	Stuck        // the sensor repeats itself
	Jumped       // changed faster than the quantity can
)

const (
	doubtShift = 30
	valueMask  = 1<<doubtShift - 1
	zero       = 1 << 28 // the code of value 0, so that negative values fit
)

// Decimals returns the number of decimals kept of q.
func Decimals(q geo.Quantity) int {
	if q == geo.Occupancy {
		return 6
	}
	return 3
}

// MaxValue is the largest magnitude that a Code of q can hold.
func MaxValue(q geo.Quantity) float64 { return (zero - 2) / scale(q) }

func scale(q geo.Quantity) float64 {
	if q == geo.Occupancy {
		return 1e6
	}
	return 1e3
}

// Encode returns v as a Code, rounded to the quantity's decimals. v must be
// finite and within MaxValue.
func Encode(q geo.Quantity, v float64, d Doubt) Code {
	return Fixed(int64(math.Round(v*scale(q))), d)
}

// Fixed returns the Code of a value given as a whole number of its last decimal.
func Fixed(n int64, d Doubt) Code { return Code(n+zero) | Code(d)<<doubtShift }

// Fixed returns the value as a whole number of its last decimal.
func (c Code) Fixed() int64 { return int64(c&valueMask) - zero }

// Value returns the value in the quantity's canonical unit.
func (c Code) Value(q geo.Quantity) float64 { return float64(c.Fixed()) / scale(q) }

// Doubt returns whether the value is doubtful.
func (c Code) Doubt() Doubt { return Doubt(c >> doubtShift) }

// With returns the same value with the given doubt.
func (c Code) With(d Doubt) Code { return c&valueMask | Code(d)<<doubtShift }

// SameValue reports whether two codes hold the same value, doubt aside.
func (c Code) SameValue(d Code) bool { return (c^d)&valueMask == 0 }

// Point is one value of a series.
type Point struct {
	EndMS     int64 // end of its interval, ms since 1970 UTC
	IntervalS uint32
	Code      Code
}

// Key names a series by its sensor's outside id.
type Key struct {
	Sensor   string
	Quantity geo.Quantity
}

// Compare orders keys by sensor, then quantity: the order inside files.
func (k Key) Compare(o Key) int {
	switch {
	case k.Sensor != o.Sensor && k.Sensor < o.Sensor:
		return -1
	case k.Sensor != o.Sensor:
		return 1
	}
	return int(k.Quantity) - int(o.Quantity)
}
