package traffic

import (
	"context"
	"math"
	"math/rand/v2"
)

// heads tell how far the truth may lie from the median: the distances to the
// ends of the central 50 % and 90 %, read off the last layer of the first
// network. They are trained after it, for the pinball loss of their quantiles
// (Koenker and Bassett 1978), and do not disturb the median.
type heads struct {
	width   int
	outputs int // 4 × steps: by bound, then step
	params  []float32
}

// bounds of a head, in the order of outputs, with the share of truths beyond.
var beyond = [4]float32{.05, .25, .25, .05} // Lo90, Lo50, Hi50, Hi90

func newHeads(width, steps int) *heads {
	h := &heads{width: width, outputs: 4 * steps}
	h.params = make([]float32, (width+1)*padded(h.outputs))
	for i := range h.bias() {
		h.bias()[i] = -.5
	}
	return h
}

func (h *heads) weight() []float32 { return h.params[:h.width*padded(h.outputs)] }
func (h *heads) bias() []float32   { return h.params[h.width*padded(h.outputs):] }

// forward writes the distances of rows of activations into out.
func (h *heads) forward(rows int, act, out []float32) {
	wide := padded(h.outputs)
	spread(out[:rows*wide], h.bias())
	mulAdd(rows, wide, h.width, act, h.weight(), out)
	for i, v := range out[:rows*wide] {
		out[i] = squareplus(v)
	}
}

// squareplus is a smooth rectifier without an exponential (Barron 2021); its
// derivative is 4y²/(4y²+1) of its result y.
func squareplus(x float32) float32 {
	return (x + float32(math.Sqrt(float64(x*x+1)))) / 2
}

// headSteps is the number of optimiser steps that the heads get at most, and
// headBatch the rows of one, at most: tails need many rows.
const (
	headSteps = 120
	headBatch = 4096
)

// trainHeads fits the heads to the errors of the averaged networks.
func trainHeads(ctx context.Context, cfg Config, in *material, m *Model) error {
	t := &trainer{Config: cfg, in: in, x: m.x, rng: rand.New(rand.NewPCG(cfg.Seed, 0x68656164)), net: m.nets[0]}
	t.weighRows()
	cfg.Batch = headBatch
	plan := planOf(cfg, in, m.x)
	h := &headTrainer{trainer: t, m: m, opt: newAdamW(len(m.heads.params)), grad: make([]float32, len(m.heads.params))}
	h.pass, h.median = m.nets[0].newPass(chunk), make([]float32, chunk*padded(t.net.Outputs))
	h.out, h.d = make([]float32, chunk*padded(m.heads.outputs)), make([]float32, chunk*padded(m.heads.outputs))
	picked := t.rng.Perm(plan.origins)[:plan.perPass]
	steps := min(headSteps, plan.blocks*max(1, plan.rows/plan.blocks/plan.batch))
	perBlock := max(1, plan.perPass/plan.blocks)
	for step := 0; step < steps; {
		if err := ctx.Err(); err != nil {
			return err
		}
		t.load(picked[:min(perBlock, len(picked))])
		picked = append(picked[min(perBlock, len(picked)):], picked[:min(perBlock, len(picked))]...)
		order := t.rng.Perm(len(t.sensors))
		for ; len(order) >= plan.batch && step < steps; step++ {
			h.batch(order[:plan.batch], float64(step)/float64(steps))
			order = order[plan.batch:]
		}
		if len(t.sensors) < plan.batch {
			break
		}
	}
	return nil
}

type headTrainer struct {
	*trainer
	m              *Model
	opt            adamW
	grad           []float32
	pass           *pass
	median, out, d []float32
}

// batch takes one step.
func (h *headTrainer) batch(rows []int, done float64) {
	clear(h.grad)
	wide := padded(h.m.heads.outputs)
	feature, sensors := make([]float32, chunk*h.x.width), make([]int32, chunk)
	for begin := 0; begin < len(rows); begin += chunk {
		part := rows[begin:min(begin+chunk, len(rows))]
		for i, r := range part {
			copy(feature[i*h.x.width:], h.features[r*h.x.width:(r+1)*h.x.width])
			sensors[i] = h.sensors[r]
		}
		h.m.medians(h.pass, feature, sensors[:len(part)], h.median)
		act := h.pass.act[h.net.Blocks][:len(part)*h.net.Width]
		h.m.heads.forward(len(part), act, h.out)
		h.pinball(part)
		mulTransAdd(h.net.Width, wide, len(part), act, h.d[:len(part)*wide], h.grad[:h.net.Width*wide])
		sumRows(h.d[:len(part)*wide], h.grad[h.net.Width*wide:])
	}
	by := 1 / float32(len(rows))
	for i := range h.grad {
		h.grad[i] *= by
	}
	h.opt.step(h.m.heads.params, h.grad, 5e-3*(1+math.Cos(math.Pi*done))/2+1e-4, 0)
}

// pinball sets the derivative of the loss by the outputs before the rectifier.
func (h *headTrainer) pinball(rows []int) {
	steps, wide := h.net.Outputs, padded(h.m.heads.outputs)
	clear(h.d[:len(rows)*wide])
	for i, r := range rows {
		for s := range steps {
			e := h.target[r*steps+s] - h.median[i*padded(steps)+s]
			if e != e {
				continue
			}
			for b, share := range beyond {
				over := e
				if b < 2 {
					over = -e // lower bounds look down
				}
				k := i*wide + b*steps + s
				slope := share
				if over > h.out[k] {
					slope = share - 1
				}
				y := 4 * h.out[k] * h.out[k]
				h.d[k] = slope * y / (y + 1)
			}
		}
	}
}
