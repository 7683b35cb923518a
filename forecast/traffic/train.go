package traffic

import (
	"context"
	"math"
	"math/rand/v2"

	"tideway/forecast"
	"tideway/internal/parallel"
)

// Config says how networks are built and trained.
type Config struct {
	Seed    uint64
	Nets    int     // networks averaged
	Width   int     // units per layer
	Blocks  int     // layers that add to what they get
	Embed   int     // numbers per sensor
	Passes  int     // over the data
	Batch   int     // rows per step, at most
	Rate    float64 // highest learning rate of the cycle
	Decay   float64 // of weights, per unit of learning rate
	Dropout float64 // share of units left out
	Noise   float64 // standard deviation added to features
	Stale   float64 // share of origins of which the newest values are withheld
	Average float64 // share of the last steps whose weights are averaged
	MaxRows int     // rows of a pass; longer histories are sampled
}

// DefaultConfig returns what did best on days of loop detectors left out one
// at a time. Two passes are few: windows a few minutes apart are nearly the
// same, and a network that sees them a dozen times learns the days by heart
// (60 minutes ahead 10 % worse). Small batches take eight times as many steps
// in them as batches of 4096, at an error 1 to 4 % less, on counts as well.
func DefaultConfig() Config {
	return Config{
		Seed: 1, Nets: 2, Width: 128, Blocks: 2, Embed: 8, Passes: 2, Batch: 512, Rate: 2e-3, Decay: .01,
		Dropout: .1, Noise: .03, Stale: .05, Average: .25, MaxRows: 1 << 20,
	}
}

// blockRows is the number of rows whose features are held at a time.
const blockRows = 1 << 15

// gradShards is the fixed number of parts of a batch, each with a gradient of
// its own: sums do not depend on the number of cores.
const gradShards = 8

// leastSteps is the number of steps per pass that small data is cut into.
const leastSteps = 64

// trainer fits one network.
type trainer struct {
	Config
	in        *material
	x         *extractor
	net       *net
	rng       *rand.Rand
	opt       adamW
	step      int
	total     int // steps to come
	averaged  []float32
	averages  int
	rowWeight []float32 // per sensor

	features, target []float32 // of the block
	sensors          []int32
	part             [gradShards]gradPart
}

// gradPart is one part's share of the work on a batch.
type gradPart struct {
	pass  *pass
	grad  []float32
	views views
	count float64 // targets that were there
}

// train fits a network.
func train(ctx context.Context, cfg Config, in *material, x *extractor, seed uint64, progress func(float64)) (*net, error) {
	t := &trainer{Config: cfg, in: in, x: x, rng: rand.New(rand.NewPCG(seed, 0x7261696e))}
	t.net = newNet(shape{Inputs: x.width, Sensors: x.sensors, Embed: cfg.Embed, Width: cfg.Width, Blocks: cfg.Blocks, Outputs: len(in.Steps)}, t.rng)
	t.opt, t.averaged = newAdamW(len(t.net.params)), make([]float32, len(t.net.params))
	t.weighRows()
	for i := range t.part {
		g := make([]float32, len(t.net.params))
		t.part[i] = gradPart{pass: t.net.newTrainingPass(), grad: g, views: t.net.view(g)}
	}
	plan := planOf(cfg, in, x)
	t.Batch = plan.batch
	t.total = cfg.Passes * plan.blocks * max(1, plan.rows/plan.blocks/plan.batch)
	for p := range cfg.Passes {
		picked := t.rng.Perm(plan.origins)
		for b := range plan.blocks {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			t.load(picked[b*plan.perPass/plan.blocks : (b+1)*plan.perPass/plan.blocks])
			t.block()
			progress(float64(p*plan.blocks+b+1) / float64(cfg.Passes*plan.blocks))
		}
	}
	if t.averages > 0 {
		copy(t.net.params, t.averaged)
	}
	return t.net, nil
}

// schedule is how a pass over the data is cut.
type schedule struct {
	origins, perPass int // that exist, that a pass uses
	rows             int // of a pass
	blocks           int
	batch            int
}

// firstOrigin is the first step of a panel with a full past.
func firstOrigin(x *extractor) int { return lags*x.merge - 1 }

func planOf(cfg Config, in *material, x *extractor) (s schedule) {
	s.origins = max(0, in.Panel.Steps()-in.Steps[0]-firstOrigin(x))
	s.perPass = min(s.origins, max(1, cfg.MaxRows/x.sensors))
	s.rows = s.perPass * x.sensors
	s.blocks = max(1, (s.rows+blockRows-1)/blockRows)
	s.batch = min(cfg.Batch, max(chunk, s.rows/leastSteps))
	return s
}

// weighRows makes errors count in the quantity's own unit: a sensor whose
// unit is large weighs more.
func (t *trainer) weighRows() {
	t.rowWeight = make([]float32, t.x.sensors)
	avg := mean(t.x.scale)
	for i, s := range t.x.scale {
		t.rowWeight[i] = s / avg
	}
}

// load computes the features and targets of a block of origins.
func (t *trainer) load(picked []int) {
	n, out := t.x.sensors, t.net.Outputs
	rows := len(picked) * n
	t.features, t.target = grow(t.features, rows*t.x.width), grow(t.target, rows*out)
	t.sensors = growInts(t.sensors, rows)
	seed := t.rng.Uint64()
	parallel.ForShards(t.in.Threads, len(picked), 8, func(s parallel.Shard) {
		w, scr := forecast.NewWindow(n, lags*t.x.merge, t.in.Steps), t.x.newScratch()
		rng := rand.New(rand.NewPCG(seed, uint64(s.Index)))
		for i := s.Begin; i < s.End; i++ {
			origin := firstOrigin(t.x) + picked[i]
			t.in.window(w, origin, rng)
			if rng.Float64() < t.Stale {
				withhold(w, 1+rng.IntN(6), rng)
			}
			t.x.fill(w, scr, t.features[i*n*t.x.width:(i+1)*n*t.x.width])
			t.aim(w, origin, i)
		}
	})
}

// withhold removes the newest values of half the sensors.
func withhold(w *forecast.Window, newest int, rng *rand.Rand) {
	nan := float32(math.NaN())
	for row := range w.Rows {
		if rng.IntN(2) == 0 {
			for i := range min(newest, w.Past) {
				w.Values[(row+1)*w.Past-1-i] = nan
			}
		}
	}
}

// aim sets the targets of an origin: what will differ from the profile and
// the fading residual.
func (t *trainer) aim(w *forecast.Window, origin, i int) {
	n, out := t.x.sensors, t.net.Outputs
	for row := range n {
		t.sensors[i*n+row] = int32(row)
		for k, step := range t.in.Steps {
			left := (t.in.Truth(row, origin, step) - w.Ahead[row*out+k]) / t.x.scale[row]
			t.target[(i*n+row)*out+k] = left - t.x.skip(t.features[(i*n+row)*t.x.width:], k)
		}
	}
}

// block takes the optimiser's steps over the loaded rows, in random order.
func (t *trainer) block() {
	order := t.rng.Perm(len(t.sensors))
	batches := max(1, len(order)/t.Batch)
	for b := range batches {
		rows := order[b*len(order)/batches : (b+1)*len(order)/batches]
		trans, seed := t.net.transpose(), t.rng.Uint64()
		parallel.ForShards(t.in.Threads, gradShards, 1, func(s parallel.Shard) {
			k := s.Index
			t.shard(&t.part[k], rows[k*len(rows)/gradShards:(k+1)*len(rows)/gradShards], trans, rand.New(rand.NewPCG(seed, uint64(k))))
		})
		t.update()
	}
}

// shard adds up the gradient of some rows.
func (t *trainer) shard(g *gradPart, rows []int, trans [][]float32, rng *rand.Rand) {
	clear(g.grad)
	g.count = 0
	feature, sensors := make([]float32, chunk*t.x.width), make([]int32, chunk)
	for begin := 0; begin < len(rows); begin += chunk {
		part := rows[begin:min(begin+chunk, len(rows))]
		for i, r := range part {
			copy(feature[i*t.x.width:], t.features[r*t.x.width:(r+1)*t.x.width])
			sensors[i] = t.sensors[r]
			if rng.IntN(unknownEvery) == 0 {
				sensors[i] = -1
			}
		}
		t.blur(feature[:len(part)*t.x.width], rng)
		t.net.load(g.pass, feature, sensors[:len(part)])
		t.drop(g.pass, rng)
		t.net.forward(g.pass, t.Dropout > 0)
		t.loss(g, part)
		t.net.backward(g.pass, g.views, trans, t.Dropout > 0)
	}
}

// unknownEvery is how often a row forgets its sensor, so that the vector of
// unknown sensors is learned too.
const unknownEvery = 50

// loss sets the derivative of the absolute error, near horizons first: what
// lies far is mostly noise, which few days would be learned by heart from.
// Missing targets have no derivative.
func (t *trainer) loss(g *gradPart, rows []int) {
	out, wide, p := t.net.Outputs, padded(t.net.Outputs), g.pass
	clear(p.dOut[:len(rows)*wide])
	for i, r := range rows {
		w := t.rowWeight[t.sensors[r]]
		for h := range out {
			e := p.out[i*wide+h] - t.target[r*out+h]
			if e != e {
				continue
			}
			g.count++
			p.dOut[i*wide+h] = sign(e) * w / float32(h+1)
		}
	}
}

func sign(e float32) float32 {
	switch {
	case e > 0:
		return 1
	case e < 0:
		return -1
	}
	return 0
}

// blur adds noise of a triangular distribution, cheap and wide enough.
func (t *trainer) blur(x []float32, rng *rand.Rand) {
	scale := float32(t.Noise * math.Sqrt(6) / (1 << 16))
	for i := 0; i < len(x); i += 2 {
		u := rng.Uint64()
		x[i] += scale * (float32(u&0xffff) - float32(u>>16&0xffff))
		if i+1 < len(x) {
			x[i+1] += scale * (float32(u>>32&0xffff) - float32(u>>48))
		}
	}
}

// drop draws the units left out; those kept are raised to the same mean.
func (t *trainer) drop(p *pass, rng *rand.Rand) {
	limit, up := uint64(t.Dropout*256), float32(1/(1-math.Floor(t.Dropout*256)/256))
	for _, keep := range p.keep {
		for i := 0; i+8 <= p.rows*t.net.Width; i += 8 {
			u := rng.Uint64()
			for j := range 8 {
				keep[i+j] = up
				if u>>(8*j)&0xff < limit {
					keep[i+j] = 0
				}
			}
		}
	}
}

// update reduces the gradients in order and takes a step.
func (t *trainer) update() {
	sum, n := t.part[0].grad, t.part[0].count
	for k := 1; k < gradShards; k++ {
		plus(sum, t.part[k].grad)
		n += t.part[k].count
	}
	t.step++
	if n == 0 {
		return
	}
	by := float32(float64(t.net.Outputs) / n)
	for i := range sum {
		sum[i] *= by
	}
	t.opt.step(t.net.params, sum, t.rate(), t.Decay)
	if float64(t.step) > (1-t.Average)*float64(t.total) {
		t.averages++ // of the last weights (Izmailov et al. 2018)
		by := 1 / float32(t.averages)
		for i, p := range t.net.params {
			t.averaged[i] += (p - t.averaged[i]) * by
		}
	}
}

// rate follows one cycle (Smith 2018): up over the first three tenths, down
// to nearly nothing, both along a cosine.
func (t *trainer) rate() float64 {
	at := math.Min(1, float64(t.step)/float64(max(1, t.total)))
	const rise = .3
	if at < rise {
		return t.Rate * (.04 + .96*(1-math.Cos(math.Pi*at/rise))/2)
	}
	return t.Rate * (1e-3 + (1+math.Cos(math.Pi*(at-rise)/(1-rise)))/2)
}

// adamW is the optimiser (Loshchilov and Hutter 2019).
type adamW struct {
	first, second []float32
	steps         int
}

func newAdamW(n int) adamW { return adamW{first: make([]float32, n), second: make([]float32, n)} }

func (o *adamW) step(params, grad []float32, rate, decay float64) {
	const b1, b2, tiny = .9, .99, 1e-8
	o.steps++
	c1, c2 := 1-math.Pow(b1, float64(o.steps)), 1-math.Pow(b2, float64(o.steps))
	r, shrink := float32(rate/c1), float32(1-rate*decay)
	root := float32(1 / c2)
	for i, g := range grad {
		m := b1*o.first[i] + (1-b1)*g
		v := b2*o.second[i] + (1-b2)*g*g
		o.first[i], o.second[i] = m, v
		params[i] = params[i]*shrink - r*m/(float32(math.Sqrt(float64(v*root)))+tiny)
	}
}

func grow(s []float32, n int) []float32 {
	if cap(s) < n {
		return make([]float32, n)
	}
	return s[:n]
}

func growInts(s []int32, n int) []int32 {
	if cap(s) < n {
		return make([]int32, n)
	}
	return s[:n]
}
