package air

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
)

// A model file: magic, length and JSON of what is not a tree, each step's anchor
// weight and forests (members, low, high), CRC-32 of all before. Little endian.
const magic = "tideway air model 1\n"

// modelHead is the part of a model file that people may read.
type modelHead struct {
	Target   string    `json:"target"`
	Steps    []int     `json:"steps_ahead_h"`
	Ahead    bool      `json:"weather_ahead"`
	Seed     uint64    `json:"seed"`
	Stations []string  `json:"stations"`
	Features []string  `json:"features"`
	Usual    []*uint32 `json:"usual_bits"`  // float32 bits; null: unknown
	Hourly   []*uint32 `json:"hourly_bits"` // likewise
	Rows     int       `json:"training_rows"`
	Members  int       `json:"members"`
}

// WriteTo writes the model; the same model gives the same bytes, and reading
// them back gives a model that forecasts the same bits.
func (m *Model) WriteTo(w io.Writer) (int64, error) {
	var b bytes.Buffer
	b.WriteString(magic)
	head, err := json.Marshal(modelHead{
		Target: m.cfg.Target.String(), Steps: m.cfg.Steps, Ahead: m.cfg.Ahead, Seed: m.cfg.Seed, Stations: m.stations,
		Features: m.enc.names, Usual: bitsOf(m.enc.usual), Hourly: bitsOf(m.enc.hourly), Rows: m.rows, Members: members,
	})
	if err != nil {
		return 0, fmt.Errorf("writing air model: %w", err)
	}
	put32(&b, uint32(len(head)))
	b.Write(head)
	for _, h := range m.heads {
		put32(&b, math.Float32bits(h.weight))
		for _, f := range append(slices.Clone(h.members), h.low, h.high) {
			f.write(&b)
		}
	}
	put32(&b, crc32.ChecksumIEEE(b.Bytes()))
	n, err := w.Write(b.Bytes())
	return int64(n), err
}

func put32(b *bytes.Buffer, v uint32) { b.Write(binary.LittleEndian.AppendUint32(nil, v)) }

func bitsOf(v []float32) []*uint32 {
	out := make([]*uint32, len(v))
	for i, x := range v {
		if x == x {
			bits := math.Float32bits(x)
			out[i] = &bits
		}
	}
	return out
}

func floatsOf(v []*uint32) []float32 {
	out := make([]float32, len(v))
	for i, x := range v {
		out[i] = missing
		if x != nil {
			out[i] = math.Float32frombits(*x)
		}
	}
	return out
}

func (f *forest) write(b *bytes.Buffer) {
	put32(b, math.Float32bits(f.base))
	put32(b, uint32(len(f.trees)))
	for _, t := range f.trees {
		put32(b, uint32(len(t)))
		for _, n := range t {
			miss := uint32(0)
			if n.missLeft {
				miss = 1
			}
			for _, v := range [6]uint32{uint32(n.feature), uint32(n.left), uint32(n.right), math.Float32bits(n.threshold), math.Float32bits(n.value), miss} {
				put32(b, v)
			}
		}
	}
}

// errShort says that a model file ends too early.
var errShort = errors.New("the file ends too early")

// ReadModel reads what WriteTo wrote. A damaged or foreign file is an error.
func ReadModel(r io.Reader) (*Model, error) {
	all, err := io.ReadAll(r)
	if err != nil {
		return nil, fmt.Errorf("reading air model: %w", err)
	}
	m, err := decode(all)
	if err != nil {
		return nil, fmt.Errorf("reading air model: %w", err)
	}
	return m, nil
}

func decode(all []byte) (*Model, error) {
	body, err := framed(all, magic)
	if err != nil {
		return nil, err
	}
	in := &source{b: body}
	m, err := in.head()
	if err != nil {
		return nil, err
	}
	for i := range m.heads {
		weight, err := in.u32()
		if err != nil {
			return nil, err
		}
		all := make([]*forest, members+2)
		for k := range all {
			if all[k], err = in.forest(m.enc.columns + 1); err != nil {
				return nil, err
			}
		}
		m.heads[i] = head{weight: math.Float32frombits(weight), members: all[:members], low: all[members], high: all[members+1]}
	}
	if len(in.b) > 0 {
		return nil, fmt.Errorf("%d bytes follow the last tree", len(in.b))
	}
	return m, nil
}

// source is the rest of a file.
type source struct{ b []byte }

func (s *source) u32() (uint32, error) {
	if len(s.b) < 4 {
		return 0, errShort
	}
	v := binary.LittleEndian.Uint32(s.b)
	s.b = s.b[4:]
	return v, nil
}

// head reads the readable part and checks that it describes a model of this
// build.
func (s *source) head() (*Model, error) {
	n, err := s.u32()
	if err != nil || int64(n) > int64(len(s.b)) {
		return nil, errShort
	}
	var h modelHead
	if err := json.Unmarshal(s.b[:n], &h); err != nil {
		return nil, err
	}
	s.b = s.b[n:]
	target, err := ParsePollutant(h.Target)
	if err != nil {
		return nil, err
	}
	cfg := Config{Target: target, Steps: h.Steps, Ahead: h.Ahead, Seed: h.Seed}
	if err := cfg.check(&Data{Hours: 1}, 1); err != nil {
		return nil, err
	}
	names := featureNames(target, h.Ahead)
	if !slices.Equal(names, h.Features) || h.Members != members {
		return nil, errors.New("it was written by a build with other features or members")
	}
	if len(h.Stations) == 0 || len(h.Usual) != len(h.Stations) || len(h.Hourly) != 24*len(h.Stations) {
		return nil, fmt.Errorf("%d stations with %d means and %d hourly means", len(h.Stations), len(h.Usual), len(h.Hourly))
	}
	enc := &encoder{target: target, ahead: h.Ahead, usual: floatsOf(h.Usual), hourly: floatsOf(h.Hourly), names: names}
	enc.place()
	return &Model{cfg: cfg, stations: h.Stations, enc: enc, heads: make([]head, len(h.Steps)), rows: h.Rows}, nil
}

// forest reads trees whose nodes only lead onwards, so that every walk ends.
func (s *source) forest(columns int) (*forest, error) {
	base, err := s.u32()
	if err != nil {
		return nil, err
	}
	trees, err := s.u32()
	if err != nil {
		return nil, err
	}
	f := &forest{base: math.Float32frombits(base)}
	for range trees {
		n, err := s.u32()
		if err != nil || n == 0 || int64(n)*24 > int64(len(s.b)) {
			return nil, errShort
		}
		t := make([]node, n)
		for i := range t {
			if t[i], err = s.node(i, int(n), columns); err != nil {
				return nil, err
			}
		}
		f.trees = append(f.trees, t)
	}
	return f, nil
}

func (s *source) node(at, size, columns int) (node, error) {
	var v [6]uint32
	for k := range v {
		x, err := s.u32()
		if err != nil {
			return node{}, err
		}
		v[k] = x
	}
	n := node{feature: int32(v[0]), left: int32(v[1]), right: int32(v[2]), threshold: math.Float32frombits(v[3]), value: math.Float32frombits(v[4]), missLeft: v[5] == 1}
	if n.feature >= int32(columns) || n.feature >= 0 && (int(n.left) <= at || int(n.right) <= at || int(n.left) >= size || int(n.right) >= size) {
		return node{}, fmt.Errorf("node %d of a tree of %d leads from feature %d of %d to %d and %d", at, size, n.feature, columns, n.left, n.right)
	}
	return n, nil
}
