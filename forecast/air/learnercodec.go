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

	"tideway/forecast"
)

// A pooled model's text: magic, length and JSON of the card, one or two sets of
// trees, CRC-32 of all before. A set is the weight of each step (32 bits), the two
// medians and the scale as trees; the second one, which knows the weather ahead,
// is there when the card's features are its.
const pooledMagic = "tideway air_boost model 1\n"

// WriteTo writes the model; the same model gives the same bytes, and reading
// them back gives a model that forecasts the same bits.
func (m *pooled) WriteTo(w io.Writer) (int64, error) {
	card, err := json.Marshal(m.card)
	if err != nil {
		return 0, fmt.Errorf("writing %s model: %w", LearnerName, err)
	}
	var b bytes.Buffer
	b.WriteString(pooledMagic)
	put32(&b, uint32(len(card)))
	b.Write(card)
	m.blind.encode(&b)
	if m.told != nil {
		m.told.encode(&b)
	}
	put32(&b, crc32.ChecksumIEEE(b.Bytes()))
	n, err := w.Write(b.Bytes())
	return int64(n), err
}

// Read reads a model that was written with WriteTo.
func (Learner) Read(in io.Reader) (forecast.Model, error) {
	all, err := io.ReadAll(in)
	if err != nil {
		return nil, fmt.Errorf("reading %s model: %w", LearnerName, err)
	}
	m, err := decodePooled(all)
	if err != nil {
		return nil, fmt.Errorf("reading %s model: %w", LearnerName, err)
	}
	return m, nil
}

func decodePooled(all []byte) (*pooled, error) {
	body, err := framed(all, pooledMagic)
	if err != nil {
		return nil, err
	}
	in := &source{b: body}
	n, err := in.u32()
	if err != nil || int64(n) > int64(len(in.b)) {
		return nil, errShort
	}
	m := &pooled{}
	if err := json.Unmarshal(in.b[:n], &m.card); err != nil {
		return nil, err
	}
	in.b = in.b[n:]
	told := len(m.card.Features) == toldColumns
	if !told && len(m.card.Features) != pooledColumns {
		return nil, errors.New("it was written by a build with other features")
	}
	if m.blind, err = in.trees(len(m.card.Steps), pooledColumns); err == nil && told {
		m.told, err = in.trees(len(m.card.Steps), toldColumns)
	}
	if err != nil {
		return nil, err
	}
	if len(in.b) > 0 {
		return nil, fmt.Errorf("%d bytes follow the last tree", len(in.b))
	}
	return m, nil
}

func (m *trees) encode(b *bytes.Buffer) {
	for _, v := range m.weights {
		put32(b, math.Float32bits(v))
	}
	m.write(b)
}

// trees reads a set for a number of steps and of features.
func (in *source) trees(steps, columns int) (*trees, error) {
	m := &trees{}
	for range steps {
		bits, err := in.u32()
		if err != nil {
			return nil, err
		}
		m.weights = append(m.weights, math.Float32frombits(bits))
	}
	for _, f := range []**forest{&m.members[0], &m.members[1], &m.scale} {
		var err error
		if *f, err = in.forest(columns); err != nil {
			return nil, err
		}
	}
	return m, nil
}

// framed checks magic and checksum and returns what lies between.
func framed(all []byte, magic string) ([]byte, error) {
	if len(all) < len(magic)+8 || string(all[:len(magic)]) != magic {
		return nil, fmt.Errorf("it does not begin with %q", magic)
	}
	body := all[:len(all)-4]
	if want, got := binary.LittleEndian.Uint32(all[len(body):]), crc32.ChecksumIEEE(body); want != got {
		return nil, fmt.Errorf("checksum %08x, expected %08x", got, want)
	}
	return body[len(magic):], nil
}
