package ingest

import (
	"encoding/json"
	"math"
	"strconv"
	"time"

	"tideway/geo"
	"tideway/live"
)

// AppendColumns appends the batch in the columnar JSON form that Columns reads.
// The batch's Client and Refused do not travel in it.
func AppendColumns(dst []byte, b *live.Batch) []byte {
	dst = append(dst, `{"backfill":`...)
	dst = strconv.AppendBool(dst, b.Backfill)
	dst = append(dst, `,"sensors":[`...)
	for i, s := range b.Sensors {
		dst = appendText(comma(dst, i), s)
	}
	dst = append(dst, `],"quantities":[`...)
	names, at := quantitiesOf(b)
	for i, q := range names {
		dst = appendText(comma(dst, i), q.String())
	}
	dst = append(dst, `],"sensor":[`...)
	for i, s := range b.Sensor {
		dst = strconv.AppendUint(comma(dst, i), uint64(s), 10)
	}
	dst = append(dst, `],"quantity":[`...)
	for i, q := range b.Quantity {
		dst = strconv.AppendInt(comma(dst, i), int64(at[q]), 10)
	}
	dst = append(dst, `],"end_ms":[`...)
	for i, t := range b.EndMS {
		dst = strconv.AppendInt(comma(dst, i), t, 10)
	}
	dst = append(dst, `],"interval_s":[`...)
	for i, s := range b.Interval {
		dst = strconv.AppendUint(comma(dst, i), uint64(s), 10)
	}
	dst = append(dst, `],"value":[`...)
	for i, v := range b.Value {
		dst = appendNumber(comma(dst, i), v)
	}
	return append(dst, `]}`...)
}

func comma(dst []byte, i int) []byte {
	if i > 0 {
		return append(dst, ',')
	}
	return dst
}

// appendText appends a JSON string.
func appendText(dst []byte, s string) []byte {
	quoted, err := json.Marshal(s)
	if err != nil { // strings cannot fail
		return append(dst, `""`...)
	}
	return append(dst, quoted...)
}

func appendNumber(dst []byte, v float64) []byte {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return append(dst, "null"...)
	}
	return strconv.AppendFloat(dst, v, 'g', -1, 64)
}

// quantitiesOf lists the quantities of a batch in order of first use.
func quantitiesOf(b *live.Batch) (names []geo.Quantity, at [256]int) {
	seen := [256]bool{}
	for _, q := range b.Quantity {
		if !seen[q] {
			seen[q] = true
			at[q] = len(names)
			names = append(names, q)
		}
	}
	return names, at
}

// AppendJSON appends the batch in the form that JSON reads, values without a
// unit: they are then in their sensors' units.
func AppendJSON(dst []byte, b *live.Batch) []byte {
	dst = append(dst, `{"backfill":`...)
	dst = strconv.AppendBool(dst, b.Backfill)
	dst = append(dst, `,"readings":[`...)
	for i, v := range b.Value {
		dst = append(comma(dst, i), `{"sensor":`...)
		dst = appendText(dst, b.Sensors[b.Sensor[i]])
		dst = append(dst, `,"quantity":"`...)
		dst = append(dst, b.Quantity[i].String()...)
		dst = append(dst, `","at":"`...)
		dst = time.UnixMilli(b.EndMS[i]).UTC().AppendFormat(dst, time.RFC3339Nano)
		dst = append(dst, `","interval_s":`...)
		dst = strconv.AppendUint(dst, uint64(b.Interval[i]), 10)
		dst = append(dst, `,"value":`...)
		dst = append(appendNumber(dst, v), '}')
	}
	return append(dst, `]}`...)
}
