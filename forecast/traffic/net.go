package traffic

import (
	"math"
	"math/rand/v2"
)

// shape is the form of a network: inputs and a vector per sensor go through a
// layer of width units, then through blocks that add to what they get, then to
// the outputs. All activations are rectifiers.
type shape struct {
	Inputs, Sensors, Embed, Width, Blocks, Outputs int
}

// net is a network: its shape and its parameters in one slice, so that
// optimiser, file and hash see one vector. Parts are views of it.
type net struct {
	shape
	params []float32
	views
}

// views are the parts of a parameter vector. Matrices are input-major: rows
// are inputs, so that a layer is the product of activations and matrix.
type views struct {
	embed  []float32 // (Sensors+1) × Embed; the last row is the unknown sensor
	weight [][]float32
	bias   [][]float32
}

// padded rounds up to what matrix kernels like.
func padded(n int) int { return (n + 15) / 16 * 16 }

// layers returns inputs and outputs of each layer.
func (s shape) layers() (sizes [][2]int) {
	sizes = append(sizes, [2]int{s.Inputs + s.Embed, s.Width})
	for range s.Blocks {
		sizes = append(sizes, [2]int{s.Width, s.Width})
	}
	return append(sizes, [2]int{s.Width, padded(s.Outputs)})
}

func (s shape) size() int {
	n := (s.Sensors + 1) * s.Embed
	for _, l := range s.layers() {
		n += l[0]*l[1] + l[1]
	}
	return n
}

// view cuts a parameter vector into parts.
func (s shape) view(p []float32) (v views) {
	take := func(n int) []float32 {
		part := p[:n:n]
		p = p[n:]
		return part
	}
	v.embed = take((s.Sensors + 1) * s.Embed)
	for _, l := range s.layers() {
		v.weight, v.bias = append(v.weight, take(l[0]*l[1])), append(v.bias, take(l[1]))
	}
	return v
}

// newNet returns a network with random weights (He et al. 2015), small ones in
// the last layer so that it begins by forecasting nearly nothing.
func newNet(s shape, rng *rand.Rand) *net {
	n := &net{shape: s, params: make([]float32, s.size())}
	n.views = s.view(n.params)
	for i := range n.embed[:s.Sensors*s.Embed] {
		n.embed[i] = float32(.1 * rng.NormFloat64())
	}
	for l, size := range s.layers() {
		scale := math.Sqrt(2 / float64(size[0]))
		if l > 0 {
			scale *= .5
		}
		if l == len(n.weight)-1 {
			scale = .1 / math.Sqrt(float64(size[0]))
		}
		for i := range n.weight[l] {
			n.weight[l][i] = float32(scale * rng.NormFloat64())
		}
	}
	return n
}

// pass is the scratch of one worker: activations of some rows and, where it
// trains, gradients with respect to them.
type pass struct {
	rows    int
	input   []float32   // rows × (Inputs+Embed)
	act     [][]float32 // per hidden layer: rows × Width, after dropout
	pre     [][]float32 // per hidden layer: output of the rectifier, before the sum of a block
	out     []float32   // rows × padded outputs
	keep    [][]float32 // dropout factors per hidden layer; nil when not training
	dOut    []float32
	dAct    []float32
	dPre    []float32
	dInput  []float32
	sensors []int32 // row of the embedding per row
}

// newPass returns scratch for forecasts of up to rows rows, which keeps no more
// of the layers than the next one reads.
func (s shape) newPass(rows int) *pass {
	buf := func(n int) []float32 { return make([]float32, rows*n) }
	p := &pass{input: buf(s.Inputs + s.Embed), out: buf(padded(s.Outputs)), sensors: make([]int32, rows)}
	pre, turns := buf(s.Width), [2][]float32{buf(s.Width), buf(s.Width)}
	for l := range s.Blocks + 1 {
		p.act, p.pre = append(p.act, turns[l%2]), append(p.pre, pre)
	}
	return p
}

// newTrainingPass returns scratch for up to chunk rows that keeps what backward
// needs.
func (s shape) newTrainingPass() *pass {
	p, buf := s.newPass(chunk), func(n int) []float32 { return make([]float32, chunk*n) }
	p.dInput, p.dOut = buf(padded(s.Inputs+s.Embed)), buf(padded(s.Outputs))
	p.dAct, p.dPre = buf(s.Width), buf(s.Width)
	for l := range p.act {
		p.act[l], p.pre[l], p.keep = buf(s.Width), buf(s.Width), append(p.keep, buf(s.Width))
	}
	return p
}

// load puts rows of features and their sensors' vectors into the input.
func (n *net) load(p *pass, features []float32, sensors []int32) {
	p.rows = len(sensors)
	in := n.Inputs + n.Embed
	copy(p.sensors, sensors)
	for r, s := range sensors {
		if s < 0 || int(s) >= n.Sensors {
			p.sensors[r] = int32(n.Sensors)
		}
		copy(p.input[r*in:], features[r*n.Inputs:(r+1)*n.Inputs])
		copy(p.input[r*in+n.Inputs:(r+1)*in], n.embed[int(p.sensors[r])*n.Embed:])
	}
}

// forward computes the outputs of the loaded rows; drop applies the dropout
// factors in p.keep.
func (n *net) forward(p *pass, drop bool) {
	x, width := p.input, n.Inputs+n.Embed
	for l := range n.Blocks + 1 {
		h := p.pre[l][:p.rows*n.Width]
		spread(h, n.bias[l])
		mulAdd(p.rows, n.Width, width, x, n.weight[l], h)
		rectify(h)
		a := p.act[l][:p.rows*n.Width]
		copy(a, h)
		if drop {
			times(a, p.keep[l])
		}
		if l > 0 {
			plus(a, x)
		}
		x, width = a, n.Width
	}
	last := len(n.weight) - 1
	spread(p.out[:p.rows*padded(n.Outputs)], n.bias[last])
	mulAdd(p.rows, padded(n.Outputs), n.Width, x, n.weight[last], p.out)
}

// transpose prepares the transposed weights that backward uses; it must be
// called after every change of the parameters.
func (n *net) transpose() (out [][]float32) {
	for l, s := range n.layers() {
		rows, cols := s[0], s[1]
		w := padded(rows)
		t := make([]float32, cols*w)
		for i := range rows {
			for j := range cols {
				t[j*w+i] = n.weight[l][i*cols+j]
			}
		}
		out = append(out, t)
	}
	return out
}

// backward adds to grad the gradient of the loss, given its derivative by the
// outputs in p.dOut.
func (n *net) backward(p *pass, grad views, trans [][]float32, drop bool) {
	last, rows := len(n.weight)-1, p.rows
	d := p.dOut[:rows*padded(n.Outputs)]
	below := p.act[last-1][:rows*n.Width]
	mulTransAdd(n.Width, padded(n.Outputs), rows, below, d, grad.weight[last])
	sumRows(d, grad.bias[last])
	dAct := p.dAct[:rows*n.Width]
	clear(dAct)
	mulAdd(rows, n.Width, padded(n.Outputs), d, trans[last], dAct)
	for l := n.Blocks; l >= 0; l-- {
		dPre := p.dPre[:rows*n.Width]
		copy(dPre, dAct)
		if drop {
			times(dPre, p.keep[l])
		}
		gate(dPre, p.pre[l])
		sumRows(dPre, grad.bias[l])
		if l == 0 {
			n.backwardInput(p, dPre, grad, trans[0])
			return
		}
		mulTransAdd(n.Width, n.Width, rows, p.act[l-1][:rows*n.Width], dPre, grad.weight[l])
		mulAdd(rows, n.Width, n.Width, dPre, trans[l], dAct)
	}
}

func (n *net) backwardInput(p *pass, dPre []float32, grad views, trans []float32) {
	in := n.Inputs + n.Embed
	mulTransAdd(in, n.Width, p.rows, p.input[:p.rows*in], dPre, grad.weight[0])
	w := padded(in)
	d := p.dInput[:p.rows*w]
	clear(d)
	mulAdd(p.rows, w, n.Width, dPre, trans, d)
	for r, s := range p.sensors[:p.rows] {
		plus(grad.embed[int(s)*n.Embed:(int(s)+1)*n.Embed], d[r*w+n.Inputs:r*w+in])
	}
}

// spread writes the bias into every row.
func spread(rows, bias []float32) {
	for i := 0; i < len(rows); i += len(bias) {
		copy(rows[i:], bias)
	}
}

func sumRows(rows, sum []float32) {
	for i := 0; i < len(rows); i += len(sum) {
		plus(sum, rows[i:i+len(sum)])
	}
}
