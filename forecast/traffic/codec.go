package traffic

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"math"
	"slices"

	"tideway/forecast"
)

// A model file: magic, length and JSON of the head, all numbers as 32-bit
// words, CRC-32 of all before. Little endian.
const magic = "tideway traffic model 1\n"

// modelHead is the part of a model file that people may read; it gives the
// sizes of the rest.
type modelHead struct {
	Card  forecast.Card `json:"card"`
	Shape shape         `json:"shape"`
	Nets  int           `json:"networks"`
	Merge int           `json:"intervals_per_lag"`
	Links [2]int        `json:"links"` // up, down; each sensor's to itself included
}

// most bounds the sizes a head may ask for.
const most = 1 << 24

// WriteTo writes the model; the same model gives the same bytes, and reading
// them back gives a model that forecasts the same bits.
func (m *Model) WriteTo(w io.Writer) (int64, error) {
	head, err := json.Marshal(modelHead{Card: m.card, Shape: m.nets[0].shape, Nets: len(m.nets), Merge: m.x.merge, Links: [2]int{len(m.x.up.row), len(m.x.down.row)}})
	if err != nil {
		return 0, fmt.Errorf("writing traffic model: %w", err)
	}
	b := binary.LittleEndian.AppendUint32([]byte(magic), uint32(len(head)))
	b = append(b, head...)
	near := m.nearColumns()
	for _, col := range append(m.integers(), near.row) {
		for _, v := range col {
			b = binary.LittleEndian.AppendUint32(b, uint32(v))
		}
	}
	for _, col := range append(m.floats(), near.weight) {
		for _, v := range col {
			b = binary.LittleEndian.AppendUint32(b, math.Float32bits(v))
		}
	}
	b = binary.LittleEndian.AppendUint32(b, crc32.ChecksumIEEE(b))
	n, err := w.Write(b)
	return int64(n), err
}

// integers and floats list what a file holds, in its order.
func (m *Model) integers() [][]int32 {
	return [][]int32{m.x.up.begin, m.x.up.row, m.x.down.begin, m.x.down.row}
}

func (m *Model) floats() [][]float32 {
	out := [][]float32{m.x.level, m.x.scale, m.x.fade, m.x.up.weight, m.x.down.weight, m.heads.params}
	for _, n := range m.nets {
		out = append(out, n.params)
	}
	return out
}

// nearTable is the list of neighbours as columns.
type nearTable struct {
	row    []int32
	weight []float32
}

func (m *Model) nearColumns() (t nearTable) {
	for _, all := range m.x.near {
		for _, nb := range all {
			t.row, t.weight = append(t.row, nb.row), append(t.weight, nb.weight)
		}
	}
	return t
}

// ReadModel reads what WriteTo wrote. A damaged or foreign file is an error.
func ReadModel(r io.Reader) (*Model, error) {
	all, err := io.ReadAll(r)
	if err != nil {
		return nil, fmt.Errorf("reading traffic model: %w", err)
	}
	m, err := decode(all)
	if err != nil {
		return nil, fmt.Errorf("reading traffic model: %w", err)
	}
	return m, nil
}

func decode(all []byte) (*Model, error) {
	if !bytes.HasPrefix(all, []byte(magic)) || len(all) < len(magic)+8 {
		return nil, fmt.Errorf("it does not begin with %q", magic)
	}
	body := all[:len(all)-4]
	if want, got := binary.LittleEndian.Uint32(all[len(body):]), crc32.ChecksumIEEE(body); want != got {
		return nil, fmt.Errorf("checksum %08x, expected %08x", got, want)
	}
	n, rest := uint64(binary.LittleEndian.Uint32(body[len(magic):])), body[len(magic)+4:]
	if n > uint64(len(rest)) {
		return nil, errors.New("the file ends within its head")
	}
	var h modelHead
	if err := json.Unmarshal(rest[:n], &h); err != nil {
		return nil, err
	}
	if err := h.check(len(rest) - int(n)); err != nil {
		return nil, err
	}
	m := h.empty()
	near := nearTable{row: make([]int32, h.Shape.Sensors*nearCount), weight: make([]float32, h.Shape.Sensors*nearCount)}
	rest = rest[n:]
	for _, col := range append(m.integers(), near.row) {
		for i := range col {
			col[i], rest = int32(binary.LittleEndian.Uint32(rest)), rest[4:]
		}
	}
	for _, col := range append(m.floats(), near.weight) {
		for i := range col {
			col[i], rest = math.Float32frombits(binary.LittleEndian.Uint32(rest)), rest[4:]
		}
	}
	m.setNear(near)
	return m, m.checkLinks()
}

// check refuses heads of other builds and sizes that the file does not hold.
func (h *modelHead) check(bytesLeft int) error {
	s, steps := h.Shape, h.Card.Steps
	for _, v := range []int{s.Inputs, s.Sensors, s.Embed, s.Width, s.Blocks, s.Outputs, h.Nets, h.Merge, h.Links[0], h.Links[1]} {
		if v < 0 || v > most {
			return fmt.Errorf("a size of %d", v)
		}
	}
	if s.Width > 1<<12 || s.Embed > 1<<12 || h.Nets > 1<<8 {
		return fmt.Errorf("%d networks of shape %+v", h.Nets, s)
	}
	names := (&extractor{}).names()
	if !slices.Equal(names, h.Card.Features) || s.Inputs != len(names) {
		return errors.New("it was written by a build with other features")
	}
	if h.Nets == 0 || h.Merge == 0 || s.Sensors == 0 || s.Sensors != h.Card.Series || s.Width == 0 || s.Width%16 != 0 || s.Blocks > 64 || s.Outputs == 0 || s.Outputs != len(steps) ||
		!slices.IsSorted(steps) || steps[0] < 1 {
		return fmt.Errorf("%d networks of shape %+v for %d series and steps %v", h.Nets, s, h.Card.Series, steps)
	}
	words := 2*(s.Sensors+1) + 2*s.Sensors + len(steps) + 2*h.Links[0] + 2*h.Links[1] + 2*nearCount*s.Sensors + h.Nets*s.size() + (s.Width+1)*padded(4*s.Outputs)
	if 4*words != bytesLeft {
		return fmt.Errorf("%d bytes of numbers, expected %d", bytesLeft, 4*words)
	}
	return nil
}

// empty returns a model of the head's sizes.
func (h *modelHead) empty() *Model {
	n := h.Shape.Sensors
	x := &extractor{sensors: n, steps: h.Card.Steps, merge: h.Merge, level: make([]float32, n), scale: make([]float32, n),
		fade: make([]float32, len(h.Card.Steps)), width: h.Shape.Inputs, near: make([][nearCount]neighbour, n)}
	for k, m := range []*mixing{&x.up, &x.down} {
		*m = mixing{begin: make([]int32, n+1), row: make([]int32, h.Links[k]), weight: make([]float32, h.Links[k])}
	}
	m := &Model{card: h.Card, x: x, heads: newHeads(h.Shape.Width, h.Shape.Outputs)}
	for range h.Nets {
		k := &net{shape: h.Shape, params: make([]float32, h.Shape.size())}
		k.views = k.view(k.params)
		m.nets = append(m.nets, k)
	}
	return m
}

func (m *Model) setNear(t nearTable) {
	for row := range m.x.near {
		for k := range nearCount {
			m.x.near[row][k] = neighbour{t.row[row*nearCount+k], t.weight[row*nearCount+k]}
		}
	}
}

// checkLinks makes sure that no link leads nowhere.
func (m *Model) checkLinks() error {
	n := int32(m.x.sensors)
	for _, l := range []*mixing{&m.x.up, &m.x.down} {
		if l.begin[0] != 0 || !slices.IsSorted(l.begin) || int(l.begin[n]) != len(l.row) {
			return errors.New("links are not in order")
		}
		for _, r := range l.row {
			if r < 0 || r >= n {
				return fmt.Errorf("a link to sensor %d of %d", r, n)
			}
		}
	}
	for _, all := range m.x.near {
		for _, nb := range all {
			if nb.row < -1 || nb.row >= n {
				return fmt.Errorf("a neighbour %d of %d", nb.row, n)
			}
		}
	}
	return nil
}
