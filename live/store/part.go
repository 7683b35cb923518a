package store

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"slices"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/compress/zstd"

	"tideway/geo"
)

// A part is one Parquet file of a UTC day's readings, sorted by series, then
// end. Its rows are
//
//	sensor, quantity  strings, dictionary encoded
//	end               timestamp, ms
//	interval_s        length of the interval
//	value, decimals   the value is value / 10^decimals, in the quantity's canonical unit
//	doubt             0 good, 1 stuck, 2 rate of change
//
// so that any Parquet reader can use it. The footer's key "tideway.series"
// lists where each series begins, which spares our own reader the search.
type row struct {
	Sensor    string `parquet:"sensor,dict,zstd"`
	Quantity  string `parquet:"quantity,dict,zstd"`
	EndMS     int64  `parquet:"end,timestamp(millisecond),delta,zstd"`
	IntervalS int32  `parquet:"interval_s,delta,zstd"`
	Value     int32  `parquet:"value,delta,zstd"`
	Decimals  int32  `parquet:"decimals,delta,zstd"`
	Doubt     int32  `parquet:"doubt,delta,zstd"`
}

// Columns of row by position.
const (
	colEnd = 2 + iota
	colInterval
	colValue
	colDecimals
	colDoubt
)

const (
	seriesKey    = "tideway.series"
	pageBytes    = 32 << 10 // a page of 4096 ends: reading one series decodes little more than itself
	groupRows    = 1 << 20  // rows buffered before they are written
	wholeGroup   = 8        // a row group is read whole when more than 1/8 of it is wanted
	writeAtATime = 4096
)

var codec = &zstd.Codec{Level: zstd.SpeedDefault}

// SeriesPoints are values of one series, in order of their end.
type SeriesPoints struct {
	Key    Key
	Points []Point
}

// span is where a series lies in a part.
type span struct {
	key        Key
	row, count int64
}

// partWriter writes a part; series come in key order.
type partWriter struct {
	w        *parquet.GenericWriter[row]
	spans    []span
	rows     int64
	buffered int64
	batch    []row

	firstMS, lastMS int64 // oldest and newest end
}

func newPartWriter(out io.Writer) *partWriter {
	return &partWriter{w: parquet.NewGenericWriter[row](out, parquet.PageBufferSize(pageBytes), parquet.Compression(codec),
		parquet.CreatedBy("tideway", "1", "")), firstMS: math.MaxInt64, lastMS: math.MinInt64}
}

func (p *partWriter) add(s SeriesPoints) error {
	if len(s.Points) == 0 {
		return nil
	}
	p.spans = append(p.spans, span{s.Key, p.rows, int64(len(s.Points))})
	p.rows += int64(len(s.Points))
	p.firstMS, p.lastMS = min(p.firstMS, s.Points[0].EndMS), max(p.lastMS, s.Points[len(s.Points)-1].EndMS)
	drop, decimals := spareDecimals(s)
	quantity := s.Key.Quantity.String()
	for _, v := range s.Points {
		p.batch = append(p.batch, row{s.Key.Sensor, quantity, v.EndMS, int32(v.IntervalS),
			int32(v.Code.Fixed() / drop), int32(decimals), int32(v.Code.Doubt())})
		if len(p.batch) == writeAtATime {
			if err := p.write(); err != nil {
				return err
			}
		}
	}
	if p.buffered += int64(len(s.Points)); p.buffered >= groupRows {
		p.buffered = 0
		return errors.Join(p.write(), p.w.Flush())
	}
	return nil
}

// spareDecimals finds how many of the last decimals are zero in every value:
// counts and whole numbers pack into fewer bits.
func spareDecimals(s SeriesPoints) (drop int64, decimals int) {
	drop, decimals = 1, Decimals(s.Key.Quantity)
	for decimals > 0 {
		for _, v := range s.Points {
			if v.Code.Fixed()%(drop*10) != 0 {
				return drop, decimals
			}
		}
		drop, decimals = drop*10, decimals-1
	}
	return drop, decimals
}

func (p *partWriter) write() error {
	_, err := p.w.Write(p.batch)
	p.batch = p.batch[:0]
	return err
}

func (p *partWriter) close() error {
	if err := p.write(); err != nil {
		return err
	}
	p.w.SetKeyValueMetadata(seriesKey, base64.StdEncoding.EncodeToString(encodeSpans(p.spans)))
	return p.w.Close()
}

// encodeSpans writes the list of series: front-coded id, quantity, rows.
func encodeSpans(spans []span) []byte {
	var out []byte
	last := ""
	for _, s := range spans {
		k := 0
		for k < len(last) && k < len(s.key.Sensor) && last[k] == s.key.Sensor[k] {
			k++
		}
		out = binary.AppendUvarint(out, uint64(k))
		out = binary.AppendUvarint(out, uint64(len(s.key.Sensor)-k))
		out = append(out, s.key.Sensor[k:]...)
		out = append(out, byte(s.key.Quantity))
		out = binary.AppendUvarint(out, uint64(s.count))
		last = s.key.Sensor
	}
	return out
}

func decodeSpans(data []byte) (out []span, err error) {
	r, last, row := bytes.NewReader(data), "", int64(0)
	for r.Len() > 0 {
		keep, e1 := binary.ReadUvarint(r)
		more, e2 := binary.ReadUvarint(r)
		if e1 != nil || e2 != nil || keep > uint64(len(last)) || more > uint64(r.Len()) {
			return nil, errors.New("its list of series is damaged")
		}
		tail := make([]byte, more)
		_, _ = r.Read(tail)
		q, e3 := r.ReadByte()
		count, e4 := binary.ReadUvarint(r)
		if e3 != nil || e4 != nil || count > 1<<40 {
			return nil, errors.New("its list of series is damaged")
		}
		last = last[:keep] + string(tail)
		out = append(out, span{Key{last, geo.Quantity(q)}, row, int64(count)})
		row += int64(count)
	}
	return out, nil
}

// partReader reads an open part.
type partReader struct {
	file   *os.File
	pq     *parquet.File
	spans  []span
	begins []int64 // first row of each row group, and the end
}

func openPart(path string) (*partReader, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	p := &partReader{file: f}
	if err := p.open(); err != nil {
		f.Close()
		return nil, fmt.Errorf("reading %s: %w", path, err)
	}
	return p, nil
}

func (p *partReader) open() error {
	info, err := p.file.Stat()
	if err != nil {
		return err
	}
	if p.pq, err = parquet.OpenFile(p.file, info.Size(), parquet.SkipBloomFilters(true), parquet.SkipPageIndex(true)); err != nil {
		return err
	}
	text, _ := p.pq.Lookup(seriesKey)
	raw, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return err
	}
	if p.spans, err = decodeSpans(raw); err != nil {
		return err
	}
	p.begins = []int64{0}
	for i, g := range p.pq.RowGroups() {
		p.begins = append(p.begins, p.begins[i]+g.NumRows())
	}
	if n := len(p.spans); n > 0 && p.spans[n-1].row+p.spans[n-1].count != p.pq.NumRows() {
		return fmt.Errorf("its list of series tells of %d rows, the file has %d", p.spans[n-1].row+p.spans[n-1].count, p.pq.NumRows())
	}
	return nil
}

func (p *partReader) close() { p.file.Close() }

// find returns the place of a series, if the part has it.
func (p *partReader) find(k Key) (span, bool) {
	i, ok := slices.BinarySearchFunc(p.spans, k, func(s span, k Key) int { return s.key.Compare(k) })
	if !ok {
		return span{}, false
	}
	return p.spans[i], true
}

// read calls f with the values of each wanted series, in the order of spans,
// which must be that of the file. The slices are valid until f returns.
func (p *partReader) read(spans []span, f func(i int, points []Point)) error {
	for g := range p.pq.RowGroups() {
		lo, hi := p.begins[g], p.begins[g+1]
		first := 0
		for first < len(spans) && spans[first].row < lo {
			first++
		}
		last, wanted := first, int64(0)
		for last < len(spans) && spans[last].row < hi {
			wanted += spans[last].count
			last++
		}
		if err := p.readGroup(g, spans[first:last], wanted, func(i int, ps []Point) { f(first+i, ps) }); err != nil {
			return err
		}
	}
	return nil
}

func (p *partReader) readGroup(g int, spans []span, wanted int64, f func(int, []Point)) error {
	if len(spans) == 0 {
		return nil
	}
	base, rows := p.begins[g], p.begins[g+1]-p.begins[g]
	if wanted*wholeGroup < rows {
		for i, s := range spans {
			cols, err := p.columns(g, s.row-base, s.count)
			if err != nil {
				return err
			}
			f(i, cols.points(0, s))
		}
		return nil
	}
	cols, err := p.columns(g, 0, rows)
	if err != nil {
		return err
	}
	for i, s := range spans {
		f(i, cols.points(s.row-base, s))
	}
	return nil
}

// columns of a range of rows, without the strings.
type columns struct {
	end                              []int64
	interval, value, decimals, doubt []int32
}

func (p *partReader) columns(g int, row, count int64) (c columns, err error) {
	c = columns{make([]int64, count), make([]int32, count), make([]int32, count), make([]int32, count), make([]int32, count)}
	chunks := p.pq.RowGroups()[g].ColumnChunks()
	err = errors.Join(
		readColumn(chunks[colEnd], row, c.end, func(r parquet.ValueReader, dst []int64) (int, error) {
			return r.(parquet.Int64Reader).ReadInt64s(dst)
		}),
		readInts(chunks[colInterval], row, c.interval), readInts(chunks[colValue], row, c.value),
		readInts(chunks[colDecimals], row, c.decimals), readInts(chunks[colDoubt], row, c.doubt))
	return c, err
}

func readInts(chunk parquet.ColumnChunk, row int64, dst []int32) error {
	return readColumn(chunk, row, dst, func(r parquet.ValueReader, dst []int32) (int, error) {
		return r.(parquet.Int32Reader).ReadInt32s(dst)
	})
}

func readColumn[T any](chunk parquet.ColumnChunk, row int64, dst []T, read func(parquet.ValueReader, []T) (int, error)) error {
	pages := chunk.Pages()
	defer pages.Close()
	if row > 0 {
		if err := pages.SeekToRow(row); err != nil {
			return err
		}
	}
	for len(dst) > 0 {
		page, err := pages.ReadPage()
		if err != nil {
			return fmt.Errorf("%d rows are missing: %w", len(dst), err)
		}
		n, err := read(page.Values(), dst)
		parquet.Release(page)
		if err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		dst = dst[n:]
	}
	return nil
}

// points assembles the rows of a series that begins at row.
func (c columns) points(row int64, s span) []Point {
	out := make([]Point, s.count)
	full := Decimals(s.key.Quantity)
	for i := range out {
		k := row + int64(i)
		n := int64(c.value[k])
		for d := int(c.decimals[k]); d < full; d++ {
			n *= 10
		}
		out[i] = Point{c.end[k], uint32(c.interval[k]), Fixed(n, Doubt(c.doubt[k]))}
	}
	return out
}
