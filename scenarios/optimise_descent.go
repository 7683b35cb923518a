package scenarios

import (
	"slices"
	"time"

	"tideway/geo"
)

// descend improves a genome in the profile model, signal by signal: offsets
// and splits, in steps from large to small, until a pass gains nothing or the
// passes are used up. A change is judged at the signal's lanes and those they
// feed.
func (p *profile) descend(g genome, passes int) float64 {
	p.cost(g)
	for range passes {
		gained := false
		for i := range g {
			gained = p.improve(g, i) || gained
		}
		if !gained {
			break
		}
	}
	return p.cost(g)
}

var offsetSteps = []time.Duration{-30, 30, -15, 15, -8, 8, -4, 4, -2, 2, -1, 1}
var splitSteps = []time.Duration{8, 4, 2, 1}

func (p *profile) improve(g genome, i int) bool {
	p.hold(i)
	best := p.around(g, i)
	gained := false
	try := func(q geo.Plan) bool {
		was := g[i]
		g[i] = q
		if c := p.around(g, i); c < best-1e-6 {
			best, gained = c, true
			return true
		}
		g[i] = was
		return false
	}
	if len(g) > 1 {
		for _, d := range offsetSteps {
			for {
				q := clonePlan(g[i])
				q.Offset = ((q.Offset+d*time.Second)%q.Cycle + q.Cycle) % q.Cycle
				if !try(q) {
					break
				}
			}
		}
	}
	at := greens(g[i])
	for _, d := range splitSteps {
		for _, from := range at {
			for _, to := range at {
				for from != to && g[i].Stages[from].Duration-d*time.Second >= p.x.shortest(i, g[i].Stages[from]) {
					q := clonePlan(g[i])
					setDuration(&q.Stages[from], q.Stages[from].Duration-d*time.Second)
					setDuration(&q.Stages[to], q.Stages[to].Duration+d*time.Second)
					if !try(q) {
						break
					}
				}
			}
		}
	}
	p.around(g, i) // profiles as of the plan that stayed
	return gained
}

// hold renews the arrivals of a signal's lanes, which its own plan does not
// change, and what the lanes that it feeds get from others.
func (p *profile) hold(i int) {
	for _, l := range p.of[i] {
		p.arrivals(l, -1)
	}
	for _, l := range p.feeds[i] {
		if p.lanes[l].signal != i {
			p.arrivals(l, i)
		}
	}
}

// around evaluates a signal and the lanes that it feeds, after hold.
func (p *profile) around(g genome, i int) float64 {
	var sum float64
	show := p.shown(g[i], i)
	for _, l := range p.of[i] {
		lane := &p.lanes[l]
		lane.costS = lane.run(show, lane.in, lane.out)
		sum += lane.costS
	}
	for _, l := range p.feeds[i] {
		lane := &p.lanes[l]
		if lane.signal == i {
			continue
		}
		p.in = append(p.in[:0], lane.in...)
		p.out = slices.Grow(p.out[:0], len(lane.in))[:len(lane.in)]
		for _, f := range lane.from {
			if p.lanes[f.lane].signal == i {
				p.arrive(p.in, f)
			}
		}
		sum += lane.run(p.shown(g[lane.signal], lane.signal), p.in, p.out)
	}
	return sum
}
