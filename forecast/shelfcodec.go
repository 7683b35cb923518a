package forecast

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

// A kept model: magic, length and JSON of the head, the intervals, what the
// model wrote of itself, CRC-32 of all before. Little endian. The intervals are
// for each cell the level (64 bits), the number of scores and the scores, then
// the widths of the series (all 32 bits).
const keptMagic = "tideway kept model 1\n"

// keptHead says what a model was made for.
type keptHead struct {
	TimeZone string   `json:"time_zone"`
	Series   []string `json:"series"` // sensor@segment, in the order of the rows
	Steps    []int    `json:"steps_ahead"`
	Card     Card     `json:"card"`
}

// headOf describes what a model of g is made for today.
func (r *Runner) headOf(g *group) keptHead {
	h := keptHead{TimeZone: r.opt.City.TimeZone.String(), Steps: g.steps, Series: make([]string, len(g.rows))}
	for i, at := range r.placesOfRows(g.rows) {
		h.Series[i] = r.opt.City.Sensors.At(g.rows[i]).ID + "@"
		if int(at) < r.opt.City.Segments.Len() {
			h.Series[i] += r.opt.City.Segments.At(at).ID
		}
	}
	return h
}

// fits reports why a model made for have cannot serve want.
func (h *keptHead) fits(want keptHead) error {
	switch {
	case h.TimeZone != want.TimeZone:
		return fmt.Errorf("it was made for the time zone %s, expected %s", h.TimeZone, want.TimeZone)
	case len(h.Series) != len(want.Series):
		return fmt.Errorf("it was made for %d series, expected %d", len(h.Series), len(want.Series))
	case !slices.Equal(h.Steps, want.Steps):
		return fmt.Errorf("it was made for the steps %v, expected %v", h.Steps, want.Steps)
	}
	for i, s := range h.Series {
		if s != want.Series[i] {
			return fmt.Errorf("its series %d is %s, expected %s", i, s, want.Series[i])
		}
	}
	return nil
}

func (r *Runner) encode(g *group, card Card, intervals *Conformal, model io.WriterTo) ([]byte, error) {
	h := r.headOf(g)
	h.Card = card
	head, err := json.Marshal(h)
	if err != nil {
		return nil, err
	}
	b := binary.LittleEndian.AppendUint32([]byte(keptMagic), uint32(len(head)))
	b = intervals.append(append(b, head...))
	out := bytes.NewBuffer(b)
	if _, err := model.WriteTo(out); err != nil {
		return nil, err
	}
	return binary.LittleEndian.AppendUint32(out.Bytes(), crc32.ChecksumIEEE(out.Bytes())), nil
}

// decode reads a model that was kept for the series of g.
func (r *Runner) decode(g *group, data []byte) (served, error) {
	h, rest, err := decodeHead(data)
	if err == nil {
		err = h.fits(r.headOf(g))
	}
	if err != nil {
		return served{}, err
	}
	intervals := newConformal(len(g.rows), len(g.steps), DefaultConformal())
	if rest, err = intervals.read(rest); err != nil {
		return served{}, err
	}
	at := slices.IndexFunc(r.opt.Learners, func(l Learner) bool { return l.Name() == h.Card.Name })
	if at < 0 {
		return served{}, fmt.Errorf("no learner is named %q", h.Card.Name)
	}
	l, ok := r.opt.Learners[at].(Reader)
	if !ok {
		return served{}, fmt.Errorf("the learner %q does not read models", h.Card.Name)
	}
	m, err := l.Read(bytes.NewReader(rest))
	if err != nil {
		return served{}, err
	}
	if c := m.Card(); c.Version != h.Card.Version || c.Series != len(g.rows) || !slices.Equal(c.Steps, g.steps) || c.Interval != g.interval {
		return served{}, fmt.Errorf("the model is %s for %d series every %v, its head says %s for %d every %v", c.Version, c.Series, c.Interval, h.Card.Version, len(g.rows), g.interval)
	}
	return served{model: carded{m, h.Card}, intervals: intervals}, nil
}

// decodeHead checks a kept model's frame and returns what follows the head.
func decodeHead(data []byte) (h keptHead, rest []byte, err error) {
	if !bytes.HasPrefix(data, []byte(keptMagic)) || len(data) < len(keptMagic)+8 {
		return h, nil, fmt.Errorf("it does not begin with %q", keptMagic)
	}
	body := data[:len(data)-4]
	if want, got := binary.LittleEndian.Uint32(data[len(body):]), crc32.ChecksumIEEE(body); want != got {
		return h, nil, fmt.Errorf("checksum %08x, expected %08x", got, want)
	}
	n, rest := uint64(binary.LittleEndian.Uint32(body[len(keptMagic):])), body[len(keptMagic)+4:]
	if n > uint64(len(rest)) {
		return h, nil, errShort
	}
	return h, rest[n:], json.Unmarshal(rest[:n], &h)
}

var errShort = errors.New("it ends too early")

// append writes the intervals behind b.
func (c *Conformal) append(b []byte) []byte {
	for k, scores := range c.scores {
		b = binary.LittleEndian.AppendUint64(b, math.Float64bits(c.level[k]))
		b = appendFloats(binary.LittleEndian.AppendUint32(b, uint32(len(scores))), scores)
	}
	return appendFloats(b, c.width)
}

func appendFloats(b []byte, col []float32) []byte {
	for _, v := range col {
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(v))
	}
	return b
}

// read fills c, which has the right size, with what append wrote, and returns
// what follows.
func (c *Conformal) read(b []byte) ([]byte, error) {
	for k := range c.scores {
		if len(b) < 12 {
			return nil, errShort
		}
		c.level[k] = math.Float64frombits(binary.LittleEndian.Uint64(b))
		n := uint64(binary.LittleEndian.Uint32(b[8:]))
		if b = b[12:]; 4*n > uint64(len(b)) {
			return nil, errShort
		}
		c.scores[k] = make([]float32, n)
		b = readFloats(b, c.scores[k])
	}
	if 4*len(c.width) > len(b) {
		return nil, errShort
	}
	b = readFloats(b, c.width)
	c.refreshAll()
	return b, nil
}

func readFloats(b []byte, col []float32) []byte {
	for i := range col {
		col[i], b = math.Float32frombits(binary.LittleEndian.Uint32(b)), b[4:]
	}
	return b
}
