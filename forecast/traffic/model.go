package traffic

import (
	"fmt"
	"hash/fnv"
	"math"

	"tideway/forecast"
	"tideway/internal/parallel"
)

// Model is a fitted forecasting model: some networks whose outputs are
// averaged, heads for the intervals, and what it knows of the sensors.
type Model struct {
	card  forecast.Card
	x     *extractor
	nets  []*net
	heads *heads
}

// farShare is what is believed of the networks' correction at the farthest
// horizon; at the nearest it is believed in full. Blending towards the fading
// residual takes 1 to 2 % off the error an hour ahead.
const farShare = .75

func (m *Model) share(step int) float32 {
	return 1 - (1-farShare)*float32(step)/float32(max(1, len(m.x.steps)-1))
}

// Card describes the model.
func (m *Model) Card() forecast.Card { return m.card }

// medians loads rows into every network in turn, the first one last, and
// writes the mean of their outputs, blended. p then holds the activations of
// the first network.
func (m *Model) medians(p *pass, features []float32, sensors []int32, out []float32) {
	steps := len(m.x.steps)
	wide := padded(steps)
	clear(out[:len(sensors)*wide])
	by := 1 / float32(len(m.nets))
	for k := len(m.nets) - 1; k >= 0; k-- {
		m.nets[k].load(p, features, sensors)
		m.nets[k].forward(p, false)
		for i := range sensors {
			for s := range steps {
				out[i*wide+s] += by * m.share(s) * p.out[i*wide+s]
			}
		}
	}
}

// Predict fills the window's rows. It costs about 15 µs a row on gonum, 6 with
// the AVX2 kernel.
func (m *Model) Predict(w *forecast.Window, threads int, out *forecast.Rows) {
	features := make([]float32, m.x.sensors*m.x.width)
	m.x.fill(w, m.x.newScratch(), features)
	parallel.ForShards(threads, m.x.sensors, 4*serving, func(s parallel.Shard) {
		o := m.newOutput()
		for begin := s.Begin; begin < s.End; begin += serving {
			m.rows(o, w, features, begin, min(begin+serving, s.End), out)
		}
	})
}

// serving is the number of rows that are forecast at a time: more than are
// trained on, as kernels put the weights in order anew for every product.
const serving = 4 * chunk

// output is the scratch of one worker.
type output struct {
	pass           *pass
	sensors        []int32
	median, bounds []float32
}

func (m *Model) newOutput() *output {
	return &output{
		pass: m.nets[0].newPass(serving), sensors: make([]int32, serving),
		median: make([]float32, serving*padded(len(m.x.steps))), bounds: make([]float32, serving*padded(m.heads.outputs)),
	}
}

// rows fills the rows [begin, end), at most serving of them.
func (m *Model) rows(o *output, w *forecast.Window, features []float32, begin, end int, out *forecast.Rows) {
	n, steps := end-begin, len(m.x.steps)
	for i := range n {
		o.sensors[i] = int32(begin + i)
	}
	feature := features[begin*m.x.width : end*m.x.width]
	m.medians(o.pass, feature, o.sensors[:n], o.median)
	m.heads.forward(n, o.pass.act[m.nets[0].Blocks][:n*m.nets[0].Width], o.bounds)
	wide, boundsWide := padded(steps), padded(m.heads.outputs)
	for i := range n {
		row := begin + i
		unit := m.x.scale[row]
		for s := range steps {
			k := row*steps + s
			out.Value[k] = w.Ahead[k] + unit*(o.median[i*wide+s]+m.x.skip(feature[i*m.x.width:], s))
			b := o.bounds[i*boundsWide+s:]
			out.Lo90[k], out.Lo50[k], out.Hi50[k], out.Hi90[k] = unit*b[0], unit*b[steps], unit*b[2*steps], unit*b[3*steps]
		}
	}
}

// version is the hash of all parameters.
func (m *Model) version() string {
	h := fnv.New64a()
	sum := func(v []float32) {
		b := make([]byte, 4*len(v))
		for i, f := range v {
			u := math.Float32bits(f)
			b[4*i], b[4*i+1], b[4*i+2], b[4*i+3] = byte(u), byte(u>>8), byte(u>>16), byte(u>>24)
		}
		h.Write(b)
	}
	for _, n := range m.nets {
		sum(n.params)
	}
	sum(m.heads.params)
	return fmt.Sprintf("%016x", h.Sum64())
}
