package scenarios

import (
	"math"
	"slices"
	"time"

	"tideway/geo"
	"tideway/sim"
)

// Beginnings of a search: the base's splits and equally saturated ones, both at
// several cycles, and earlier answers.

// starts returns the beginnings besides the base.
func (x *search) starts() []genome {
	var list []genome
	base := x.parent.g
	for _, plans := range x.Starts {
		g := base.clone()
		for _, p := range plans {
			if i := slices.Index(x.signals, p.Signal); i >= 0 && p.Kind == geo.FixedTime && sameGreens(p, g[i]) {
				p.ID = g[i].ID
				g[i] = clonePlan(p)
			}
		}
		list = append(list, g)
	}
	return append(list, x.modelled(x.equallySaturated(base))...)
}

// sameGreens reports whether two plans show the same greens in whatever order.
func sameGreens(a, b geo.Plan) bool {
	has := func(list []geo.Stage, s geo.Stage) bool {
		return slices.ContainsFunc(list, func(o geo.Stage) bool { return slices.Equal(o.States, s.States) })
	}
	of, to := greenStages(a), greenStages(b)
	return len(of) == len(to) && !slices.ContainsFunc(of, func(s geo.Stage) bool { return !has(to, s) })
}

// modelled returns equally saturated splits at several cycles, as they are and
// as the profile model improves them.
func (x *search) modelled(equal genome) (list []genome) {
	factors := []float64{0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1, 1.15, 1.3}
	if x.Limits.KeepCycles {
		factors = []float64{1}
	}
	for _, factor := range factors {
		g := x.atCycle(equal, factor)
		if len(list) > 0 && sameGenome(list[len(list)-2], g) {
			continue
		}
		better := g.clone()
		x.model.descend(better, modelPasses)
		list = append(list, g, better)
	}
	return list
}

func sameGenome(a, b genome) bool { return slices.EqualFunc(a, b, samePlan) }

// modelPasses bounds the descent in the model, which takes most of its gain in
// the first two.
const modelPasses = 3

// atCycle returns the genome with every cycle multiplied, within limits.
func (x *search) atCycle(g genome, factor float64) genome {
	out := g.clone()
	for i := range out {
		lo, hi := x.cycleLimits(i)
		cycle := time.Duration(math.Round(out[i].Cycle.Seconds()*factor)) * time.Second
		x.setCycle(&out[i], i, min(hi, max(lo, cycle)))
	}
	return out
}

// flowsOf returns the vehicles per lane that entered movements, by movement.
func flowsOf(t *sim.MovementTable, movements int) []float64 {
	out := make([]float64, movements)
	for k := range t.Intervals {
		for m := range out {
			out[m] += float64(t.Passed[t.Row(k, geo.MovementID(m))])
		}
	}
	return out
}

// equallySaturated returns splits that bring the highest degree of saturation
// down: starting from minimum greens, every second goes to a stage that serves
// the lane which is then the most saturated. Webster's rule (equal degrees of
// saturation on critical lanes), for stages that share lanes. A permissive
// green counts half: it waits for gaps.
func (x *search) equallySaturated(base genome) genome {
	out := base.clone()
	for i := range out {
		x.saturateEqually(&out[i], i)
	}
	return out
}

// served is one lane's traffic and how much of each green stage serves it.
type served struct {
	flow  float64
	share []float64 // by green stage
}

func (x *search) saturateEqually(p *geo.Plan, i int) {
	at := greens(*p)
	lanes := x.servedLanes(*p, i, at)
	if len(lanes) == 0 {
		return
	}
	green := make([]float64, len(at))
	left := 0.0
	for k, stage := range at {
		green[k] = x.shortest(i, p.Stages[stage]).Seconds()
		left += p.Stages[stage].Duration.Seconds() - green[k]
	}
	for ; left >= 1; left-- {
		green[mostWanted(lanes, green)]++
	}
	green[mostWanted(lanes, green)] += left
	for k, stage := range at {
		setDuration(&p.Stages[stage], time.Duration(math.Round(green[k]*1000))*time.Millisecond)
	}
}

// mostWanted returns the stage that relieves the most saturated lane; among
// several the one that relieves the others most.
func mostWanted(lanes []served, green []float64) int {
	saturation := func(l *served) float64 {
		var g float64
		for k, s := range l.share {
			g += s * green[k]
		}
		return l.flow / math.Max(g, 0.1)
	}
	worst := 0
	for l := range lanes {
		if saturation(&lanes[l]) > saturation(&lanes[worst]) {
			worst = l
		}
	}
	best, most := 0, -1.0
	for k, share := range lanes[worst].share {
		if share == 0 {
			continue
		}
		var relief float64
		for l := range lanes {
			relief += lanes[l].share[k] * saturation(&lanes[l])
		}
		if relief*share > most {
			best, most = k, relief*share
		}
	}
	return best
}

func (x *search) servedLanes(p geo.Plan, i int, at []int) (out []served) {
	byLane := map[geo.LaneID]int{}
	for _, m := range x.city.MovementsOf(x.signals[i]) {
		flow, mv := x.flows[m], x.city.Movements.At(m)
		if flow == 0 {
			continue
		}
		l, known := byLane[mv.From]
		if !known {
			l = len(out)
			byLane[mv.From] = l
			out = append(out, served{share: make([]float64, len(at))})
		}
		was := out[l].flow
		out[l].flow += flow
		for k, stage := range at {
			share := 0.0
			switch p.Stages[stage].States[mv.Group] {
			case geo.Protected:
				share = 1
			case geo.Permissive:
				share = 0.5
			}
			out[l].share[k] = (out[l].share[k]*was + share*flow) / out[l].flow
		}
	}
	return slices.DeleteFunc(out, func(l served) bool { return slices.Max(l.share) == 0 })
}
