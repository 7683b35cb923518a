package traffic

import (
	"math"
	"math/rand/v2"
	"testing"
)

// loss is half the sum of squared outputs times given factors, whose
// derivative is smooth, so that finite differences apply.
func (n *net) testLoss(p *pass, features []float32, sensors []int32, factor []float32, drop bool) float64 {
	n.load(p, features, sensors)
	n.forward(p, drop)
	sum, wide := 0.0, padded(n.Outputs)
	for r := range sensors {
		for h := range n.Outputs {
			v := float64(p.out[r*wide+h])
			sum += .5 * float64(factor[r*n.Outputs+h]) * v * v
		}
	}
	return sum
}

func TestGradientsAgreeWithFiniteDifferences(t *testing.T) {
	for _, drop := range []bool{false, true} {
		rng := rand.New(rand.NewPCG(4, 2))
		s := shape{Inputs: 7, Sensors: 5, Embed: 3, Width: 16, Blocks: 2, Outputs: 4}
		n := newNet(s, rng)
		for i := range n.params {
			n.params[i] = float32(.5 * rng.NormFloat64())
		}
		const rows = 9
		features, factor, sensors := noise(rows*s.Inputs), noise(rows*s.Outputs), []int32{0, 1, 2, 3, 4, -1, 0, 77, 2}
		p := s.newTrainingPass()
		for _, k := range p.keep {
			for i := range k {
				k[i] = float32(rng.IntN(2)) * 2
			}
		}
		n.testLoss(p, features, sensors, factor, drop)
		wide := padded(s.Outputs)
		clear(p.dOut)
		for r := range rows {
			for h := range s.Outputs {
				p.dOut[r*wide+h] = factor[r*s.Outputs+h] * p.out[r*wide+h]
			}
		}
		grad := make([]float32, s.size())
		n.backward(p, s.view(grad), n.transpose(), drop)
		checkDifferences(t, n, grad, func() float64 { return n.testLoss(p, features, sensors, factor, drop) })
	}
}

// checkDifferences compares every gradient with a central difference. Where a
// rectifier changes sides within the step the two may part: a few in a
// thousand.
func checkDifferences(t *testing.T, n *net, grad []float32, loss func() float64) {
	t.Helper()
	wrong := 0
	for i := range n.params {
		const step = 1e-2
		keep := n.params[i]
		n.params[i] = keep + step
		up := loss()
		n.params[i] = keep - step
		down := loss()
		n.params[i] = keep
		want := (up - down) / (2 * step)
		if math.Abs(float64(grad[i])-want) > 2e-2*math.Max(1, math.Abs(want)) {
			wrong++
			if wrong < 5 {
				t.Logf("parameter %d: gradient %v, difference %v", i, grad[i], want)
			}
		}
	}
	if wrong > len(n.params)/100 {
		t.Fatalf("%d of %d gradients differ", wrong, len(n.params))
	}
}
