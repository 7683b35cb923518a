package scenarios

import (
	"context"
	"math"
	"slices"
	"time"

	"tideway/geo"
	"tideway/internal/parallel"
	"tideway/internal/rng"
	"tideway/sim"
)

// genome is one plan per signal of the study.
type genome []geo.Plan

// score is what one simulation tells about a genome.
type score struct {
	delayS float64     // mean over scheduled trips
	local  []float64   // per signal of the study: vehicle-seconds lost on its approaches
	stage  [][]float64 // per signal and stage: the same, of movements that are green in it
	flows  []float64   // vehicles per movement
}

// search is a study under way.
type search struct {
	*Study
	city        *geo.City
	signals     []geo.SignalID
	inForce     []geo.PlanID
	neighbours  [][]int // per signal: positions of signals next to it
	cycleGroup  []int   // per signal
	groups      int
	dice        rng.Stream
	evaluations int
	begun       time.Duration // CPU time when the search began

	seeds   []uint64 // training replications in use
	parent  evaluated
	archive []evaluated // best plans by what they reached, best last
	baseS   float64
	flows   []float64 // vehicles per movement in the base
	fails   int
	stepS   float64 // typical size of a change in seconds
}

// evaluated is a genome with its scores on the training seeds.
type evaluated struct {
	g      genome
	scores []score
	meanS  float64
}

func (s *Study) search(ctx context.Context) (*search, error) {
	x := &search{Study: s, city: s.Base.City, dice: rng.New(s.Seed, 0, rng.Signals), stepS: 6}
	if s.Simulate == nil {
		study := *s
		study.Simulate = sim.Run
		x.Study = &study
	}
	if x.Spent != nil {
		x.begun = x.Spent()
	}
	x.pick()
	if len(x.signals) == 0 {
		return nil, errNothingToOptimise
	}
	x.relate()
	x.seeds = []uint64{x.Seed + 1}
	if err := x.start(ctx); err != nil {
		return nil, err
	}
	for !x.spent() {
		if err := x.generation(ctx); err != nil {
			return nil, err
		}
	}
	return x, nil
}

// pick chooses the signals whose plan in force can be optimised.
func (x *search) pick() {
	wanted := x.Signals
	if wanted == nil {
		for i := range x.city.Signals.All() {
			wanted = append(wanted, i)
		}
	}
	b := newBuilder(Base{City: x.city, Demand: x.Base.Demand})
	for _, s := range wanted {
		at := b.inForceAt(s, x.Period.Begin)
		if at == geo.NoPlan {
			continue
		}
		if p := x.city.Plans.At(at); p.Kind == geo.FixedTime && len(greens(p)) > 1 {
			x.signals, x.inForce = append(x.signals, s), append(x.inForce, at)
		}
	}
}

// greens returns the positions of the plan's green stages.
func greens(p geo.Plan) (at []int) {
	for i, s := range p.Stages {
		if IsGreenStage(s) {
			at = append(at, i)
		}
	}
	return at
}

func (x *search) genomeOfBase() genome {
	g := make(genome, len(x.signals))
	for i, at := range x.inForce {
		g[i] = clonePlan(x.city.Plans.At(at))
	}
	return g
}

func clonePlan(p geo.Plan) geo.Plan {
	p.Stages = slices.Clone(p.Stages)
	return p
}

func (g genome) clone() genome {
	out := make(genome, len(g))
	for i := range g {
		out[i] = clonePlan(g[i])
	}
	return out
}

// cityOf lays a genome over the base.
func (x *search) cityOf(g genome) *geo.City {
	p := x.city.Patch()
	for i, plan := range g {
		if !samePlan(plan, x.city.Plans.At(x.inForce[i])) {
			p.SetPlan(plan)
		}
	}
	return p.City()
}

func (x *search) simulate(ctx context.Context, city *geo.City, seed uint64) (score, error) {
	in := x.Period
	in.City, in.Demand, in.Seed, in.Threads, in.Log = city, x.Base.Demand, seed, 1, false
	res, err := x.Simulate(ctx, in, nil)
	if err != nil {
		return score{}, err
	}
	return x.read(res), nil
}

// read finds out where the time was lost.
func (x *search) read(res *sim.Result) score {
	sc := score{delayS: res.Summary.MeanDelayS, local: make([]float64, len(x.signals)), stage: make([][]float64, len(x.signals))}
	t := &res.Movements
	sc.flows = flowsOf(t, x.city.Movements.Len())
	for i, s := range x.signals {
		stages := x.city.Plans.At(x.inForce[i]).Stages
		sc.stage[i] = make([]float64, len(stages))
		for _, m := range x.city.MovementsOf(s) {
			lost := 0.0
			for k := range t.Intervals {
				row := t.Row(k, m)
				if passed := float64(t.Passed[row]); passed > 0 {
					lost += passed * float64(t.DelayS[row])
				}
			}
			sc.local[i] += lost
			for k, st := range stages {
				if st.States[x.city.Movements.At(m).Group].IsGreen() {
					sc.stage[i][k] += lost
				}
			}
		}
	}
	return sc
}

// evaluate simulates genomes on the training seeds. A genome that is worse
// than what it must beat on the first seeds is not tried on the rest: its
// scores end there and its mean is infinite.
func (x *search) evaluate(ctx context.Context, list []genome, beat *evaluated) ([]evaluated, error) {
	type answer struct {
		evaluated
		runs int
	}
	answers, err := parallel.MapErr(ctx, x.Threads, list, func(ctx context.Context, g genome) (answer, error) {
		a := answer{evaluated: evaluated{g: g}}
		city := x.cityOf(g)
		var sum, must float64
		for i, seed := range x.seeds {
			sc, err := x.simulate(ctx, city, seed)
			if err != nil {
				return a, err
			}
			a.runs++
			a.scores = append(a.scores, sc)
			sum += sc.delayS
			if beat == nil {
				continue
			}
			if must += beat.scores[i].delayS; sum > must*(1+raceSlack) {
				a.meanS = math.Inf(1)
				return a, nil
			}
		}
		a.meanS = sum / float64(len(x.seeds))
		return a, nil
	})
	out := make([]evaluated, len(answers))
	for i, a := range answers {
		out[i] = a.evaluated
		x.evaluations += a.runs
	}
	return out, err
}

// raceSlack is by how much a genome may be behind on some seeds and still be
// tried on the next.
const raceSlack = 0.005

func (x *search) spent() bool {
	if x.Evaluations > 0 && x.evaluations >= x.Evaluations {
		return true
	}
	return x.Budget > 0 && x.Spent != nil && x.cpu() >= x.Budget-x.reserve()
}

func (x *search) cpu() time.Duration { return x.Spent() - x.begun }

// reserve is the CPU time that validation will take, by what simulations took.
func (x *search) reserve() time.Duration {
	if x.evaluations == 0 {
		return 0
	}
	n := x.Validation
	if n == 0 {
		n = 10
	}
	return x.cpu() / time.Duration(x.evaluations) * time.Duration(n*(1+finalists))
}

// start evaluates the base and the other beginnings and takes the best.
func (x *search) start(ctx context.Context) error {
	base := x.genomeOfBase()
	first, err := x.evaluate(ctx, []genome{base}, nil)
	if err != nil {
		return err
	}
	x.parent, x.baseS, x.flows = first[0], first[0].meanS, first[0].scores[0].flows
	list := x.starts()
	if len(list) > 0 {
		more, err := x.evaluate(ctx, list, nil)
		if err != nil {
			return err
		}
		for _, e := range more {
			if e.meanS < x.parent.meanS {
				x.parent = e
			}
		}
	}
	x.remember()
	return nil
}

// remember keeps the parent among the finalists.
func (x *search) remember() {
	x.archive = append(x.archive, x.parent)
	if len(x.archive) > finalists {
		x.archive = x.archive[len(x.archive)-finalists:]
	}
	if x.Progress != nil {
		p := SearchProgress{Evaluations: x.evaluations, BaseDelayS: x.baseS, BestDelayS: x.parent.meanS}
		if x.Spent != nil {
			p.Spent = x.cpu()
		}
		x.Progress(p)
	}
}

func (x *search) finalists() (out []genome) {
	for i := len(x.archive) - 1; i >= 0; i-- {
		out = append(out, x.archive[i].g)
	}
	return out
}

// children is how many variations of the parent a generation tries at once: a
// constant, so that the answer does not depend on the number of cores.
const children = 4

// patience is how many generations in a row may fail before the search looks
// closer: smaller changes, judged on one more replication.
const patience = 3

const maxSeeds = 4

// generation tries variations of the parent, each changing several signals far
// from each other, then joins what each signal gained into one.
func (x *search) generation(ctx context.Context) error {
	var list []genome
	var changed [][]int
	for range children {
		g, at := x.vary()
		list, changed = append(list, g), append(changed, at)
	}
	tried, err := x.evaluate(ctx, list, nil)
	if err != nil {
		return err
	}
	best := x.parent
	for _, e := range tried {
		if e.meanS < best.meanS {
			best = e
		}
	}
	joined := x.join(tried, changed)
	if len(joined) > 0 {
		more, err := x.evaluate(ctx, joined, &best)
		if err != nil {
			return err
		}
		for _, e := range more {
			if e.meanS < best.meanS {
				best = e
			}
		}
	}
	if best.meanS < x.parent.meanS {
		x.parent, x.fails = best, 0
		x.remember()
		return nil
	}
	if x.fails++; x.fails >= patience {
		return x.closer(ctx)
	}
	return nil
}

// closer makes changes smaller and judges on one more replication.
func (x *search) closer(ctx context.Context) error {
	x.fails = 0
	x.stepS = math.Max(1.5, x.stepS*0.75)
	if len(x.seeds) == maxSeeds {
		return nil
	}
	x.seeds = append(x.seeds, x.Seed+1+uint64(len(x.seeds)))
	again, err := x.evaluate(ctx, []genome{x.parent.g, x.genomeOfBase()}, nil)
	if err != nil {
		return err
	}
	x.parent, x.baseS = again[0], again[1].meanS
	return nil
}
