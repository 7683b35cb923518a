package live

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"math"

	"tideway/geo"
)

// A batch in bytes, all numbers little-endian, no padding:
//
//	"TWB1"  u32 readings  u32 sensors  u16 flags  u16 length of client
//	client  then each sensor's id as u16 length and bytes
//	columns sensor u32, quantity u8, end i64 (ms), interval u32 (s), value f64,
//	        with flag 2 verdict u8
//	u32 CRC-32C of everything before
//
// Each column starts with one byte: 0 for one number per reading, 1 for one
// number that all readings share. The sensor and value columns are never shared, so
// that a few bytes cannot ask for much memory. docs/readings.md tells clients.
const batchMagic = "TWB1"

const (
	flagBackfill = 1 << iota
	flagVerdicts // of the log: what became of each reading
	flagFirst    // of the log: begins its client's batch
	flagLast     // of the log: ends it
)

const (
	columnPlain = iota
	columnShared
)

// MaxBatch is the largest number of readings in one encoded batch.
const MaxBatch = 1 << 22

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

var errShort = errors.New("ends too early")

// AppendBinary appends the batch in its columnar binary form to dst, as a
// client sends it. The batch must be consistent (Check).
func (b *Batch) AppendBinary(dst []byte) []byte {
	var flags uint16
	if b.Backfill {
		flags |= flagBackfill
	}
	return b.appendBinary(dst, flags, nil)
}

func (b *Batch) appendBinary(dst []byte, flags uint16, verdicts []verdict) []byte {
	begin, le, n := len(dst), binary.LittleEndian, b.Len()
	dst = append(dst, batchMagic...)
	dst = le.AppendUint32(dst, uint32(n))
	dst = le.AppendUint32(dst, uint32(len(b.Sensors)))
	dst = le.AppendUint16(dst, flags)
	dst = le.AppendUint16(dst, uint16(len(b.Client)))
	dst = append(dst, b.Client...)
	for _, s := range b.Sensors {
		dst = le.AppendUint16(dst, uint16(len(s)))
		dst = append(dst, s...)
	}
	dst = append(dst, columnPlain)
	for _, v := range b.Sensor {
		dst = le.AppendUint32(dst, v)
	}
	dst = appendColumn(dst, b.Quantity, func(d []byte, v geo.Quantity) []byte { return append(d, byte(v)) })
	dst = appendColumn(dst, b.EndMS, func(d []byte, v int64) []byte { return le.AppendUint64(d, uint64(v)) })
	dst = appendColumn(dst, b.Interval, le.AppendUint32)
	dst = append(dst, columnPlain)
	for _, v := range b.Value {
		dst = le.AppendUint64(dst, math.Float64bits(v))
	}
	if flags&flagVerdicts != 0 {
		dst = appendColumn(dst, verdicts, func(d []byte, v verdict) []byte { return append(d, byte(v)) })
	}
	return le.AppendUint32(dst, crc32.Checksum(dst[begin:], castagnoli))
}

func appendColumn[T comparable](dst []byte, col []T, put func([]byte, T) []byte) []byte {
	if len(col) > 0 && allEqual(col) {
		return put(append(dst, columnShared), col[0])
	}
	dst = append(dst, columnPlain)
	for _, v := range col {
		dst = put(dst, v)
	}
	return dst
}

func allEqual[T comparable](col []T) bool {
	for _, v := range col {
		if v != col[0] {
			return false
		}
	}
	return true
}

// DecodeBinary reads a batch in its columnar binary form. It fails on a wrong
// checksum, a length that does not fit and positions outside the sensor list;
// whether the readings make sense is for Feed.Put to judge.
func DecodeBinary(data []byte) (*Batch, error) {
	b, _, _, err := decodeBinary(data)
	return b, err
}

func decodeBinary(data []byte) (b *Batch, flags uint16, verdicts []verdict, err error) {
	r, err := openFrame(data, batchMagic)
	if err != nil {
		return nil, 0, nil, fmt.Errorf("reading a batch: %w", err)
	}
	n, sensors := int(r.u32()), int(r.u32())
	flags = r.u16()
	b = &Batch{Backfill: flags&flagBackfill != 0}
	b.Client = string(r.take(int(r.u16())))
	if n > MaxBatch || n*12 > len(r.data) || sensors*2 > len(r.data) {
		return nil, 0, nil, fmt.Errorf("reading a batch: %d readings of %d sensors do not fit in %d bytes", n, sensors, len(data))
	}
	b.Sensors = r.strings(sensors)
	b.Sensor = readColumn(r, n, 4, false, binary.LittleEndian.Uint32)
	b.Quantity = readColumn(r, n, 1, true, func(d []byte) geo.Quantity { return geo.Quantity(d[0]) })
	b.EndMS = readColumn(r, n, 8, true, func(d []byte) int64 { return int64(binary.LittleEndian.Uint64(d)) })
	b.Interval = readColumn(r, n, 4, true, binary.LittleEndian.Uint32)
	b.Value = readColumn(r, n, 8, false, func(d []byte) float64 { return math.Float64frombits(binary.LittleEndian.Uint64(d)) })
	if flags&flagVerdicts != 0 {
		verdicts = readColumn(r, n, 1, true, func(d []byte) verdict { return verdict(d[0]) })
	}
	if r.err == nil && len(r.data) != 0 {
		r.err = fmt.Errorf("%d bytes follow its end", len(r.data))
	}
	if r.err == nil {
		r.err = b.Check()
	}
	if r.err != nil {
		return nil, 0, nil, fmt.Errorf("reading a batch: %w", r.err)
	}
	return b, flags, verdicts, nil
}

// maxID is the longest sensor id and client key in bytes.
const maxID = 1024

// Check reports columns of different lengths, sensor positions outside the
// list and ids longer than 1024 bytes; everything else about a batch is judged reading by reading.
func (b *Batch) Check() error {
	n := b.Len()
	if len(b.Sensor) != n || len(b.Quantity) != n || len(b.EndMS) != n || len(b.Interval) != n {
		return fmt.Errorf("columns differ in length: %d sensors, %d quantities, %d ends, %d intervals, %d values",
			len(b.Sensor), len(b.Quantity), len(b.EndMS), len(b.Interval), n)
	}
	if len(b.Client) > maxID {
		return fmt.Errorf("the client's key has %d bytes, expected at most %d", len(b.Client), maxID)
	}
	for i, s := range b.Sensors {
		if len(s) > maxID {
			return fmt.Errorf("the id of sensor %d has %d bytes, expected at most %d", i, len(s), maxID)
		}
	}
	for i, s := range b.Sensor {
		if int(s) >= len(b.Sensors) {
			return fmt.Errorf("reading %d names sensor %d of a list of %d", i, s, len(b.Sensors))
		}
	}
	return nil
}

// frame reads little-endian fields and remembers the first failure.
type frame struct {
	data []byte
	err  error
}

// openFrame checks magic and checksum and returns what lies between.
func openFrame(data []byte, magic string) (*frame, error) {
	if len(data) < len(magic)+4 || string(data[:len(magic)]) != magic {
		return nil, fmt.Errorf("starts with %q, expected %q", data[:min(len(data), len(magic))], magic)
	}
	body, sum := data[:len(data)-4], binary.LittleEndian.Uint32(data[len(data)-4:])
	if got := crc32.Checksum(body, castagnoli); got != sum {
		return nil, fmt.Errorf("checksum is %08x, expected %08x: the data is damaged", got, sum)
	}
	return &frame{data: body[len(magic):]}, nil
}

func (r *frame) take(n int) []byte {
	if r.err == nil && (n < 0 || n > len(r.data)) {
		r.err = errShort
	}
	if r.err != nil {
		return nil
	}
	out := r.data[:n:n]
	r.data = r.data[n:]
	return out
}

func (r *frame) u16() uint16 { return binary.LittleEndian.Uint16(r.fixed(2)) }
func (r *frame) u32() uint32 { return binary.LittleEndian.Uint32(r.fixed(4)) }
func (r *frame) u64() uint64 { return binary.LittleEndian.Uint64(r.fixed(8)) }

// fixed is take that gives zeros after a failure.
func (r *frame) fixed(n int) []byte {
	if b := r.take(n); b != nil {
		return b
	}
	return make([]byte, n)
}

// strings reads n strings with one allocation for all their bytes.
func (r *frame) strings(n int) []string {
	probe, total := *r, 0
	for range n {
		k := int(probe.u16())
		probe.take(k)
		total += 2 + k
	}
	if r.err = probe.err; r.err != nil {
		return nil
	}
	all, out := string(r.data[:total]), make([]string, n)
	for i := range out {
		k := int(r.u16())
		out[i] = all[2 : 2+k]
		all = all[2+k:]
		r.take(k)
	}
	return out
}

func readColumn[T any](r *frame, n, width int, mayShare bool, get func([]byte) T) []T {
	form := r.fixed(1)[0]
	switch {
	case r.err != nil:
		return nil
	case form == columnShared && mayShare:
		raw := r.take(width)
		if r.err != nil {
			return nil
		}
		out, v := make([]T, n), get(raw)
		for i := range out {
			out[i] = v
		}
		return out
	case form != columnPlain:
		r.err = fmt.Errorf("column form is %d, expected 0 or, where numbers may be shared, 1", form)
		return nil
	}
	raw := r.take(n * width)
	if r.err != nil {
		return nil
	}
	out := make([]T, n)
	for i := range out {
		out[i] = get(raw[i*width:])
	}
	return out
}
