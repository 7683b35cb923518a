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

	seeds    []uint64 // training replications in use
	nextSeed uint64
	width    int // how many at a time
	parent   evaluated
	archive  []genome // the last plans that were the best, newest last
	baseS    float64
	flows    []float64 // vehicles per movement in the base
	model    *profile
	fails    int
	stepS    float64 // typical size of a change in seconds
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
	x.width = 1
	x.freshSeeds()
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

func (x *search) simulate(ctx context.Context, g genome, city *geo.City, seed uint64) (score, error) {
	in := x.Period
	in.City, in.Demand, in.Seed, in.Threads, in.Log = city, x.Base.Demand, seed, 1, false
	res, err := x.Simulate(ctx, in, nil)
	if err != nil {
		return score{}, err
	}
	return x.read(res, g), nil
}

// read finds out where the time was lost.
func (x *search) read(res *sim.Result, g genome) score {
	sc := score{delayS: res.Summary.MeanDelayS, local: make([]float64, len(x.signals)), stage: make([][]float64, len(x.signals))}
	t := &res.Movements
	sc.flows = flowsOf(t, x.city.Movements.Len())
	for i, s := range x.signals {
		stages := g[i].Stages
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
			sc, err := x.simulate(ctx, g, city, seed)
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
		n = defaultValidation
	}
	return x.cpu() / time.Duration(x.evaluations) * time.Duration(2*n+selection*finalists)
}

// start evaluates the base and the other beginnings and takes the best.
func (x *search) start(ctx context.Context) error {
	base := x.genomeOfBase()
	first, err := x.evaluate(ctx, []genome{base}, nil)
	if err != nil {
		return err
	}
	x.parent, x.baseS, x.flows = first[0], first[0].meanS, first[0].scores[0].flows
	x.model = x.newProfile((x.Period.End - x.Period.Begin).Seconds())
	tried, err := x.evaluate(ctx, x.starts(), nil)
	if err != nil {
		return err
	}
	x.remember()
	if best := least(x.parent, tried); best.meanS < x.parent.meanS {
		return x.confirm(ctx, best)
	}
	return nil
}

// remember keeps the parent among the finalists.
func (x *search) remember() {
	x.archive = append(x.archive, x.parent.g)
	if len(x.archive) > finalists {
		x.archive = x.archive[1:]
	}
	if x.Progress != nil {
		p := SearchProgress{Best: x.document(x.parent.g), Evaluations: x.evaluations, BaseDelayS: x.baseS, BestDelayS: x.parent.meanS}
		if x.Spent != nil {
			p.Spent = x.cpu()
		}
		x.Progress(p)
	}
}

// children is how many variations of the parent a generation tries at once: a
// constant, so that the answer does not depend on the number of cores.
const children = 4

// patience is how many generations in a row may fail before the search looks
// closer: smaller changes, judged on one more replication.
const patience = 3

const maxSeeds = 4

// generation tries variations of the parent, each changing several signals far
// from each other, then joins what each signal gained into one. The best must
// beat the parent again on replications that did not choose it; those become
// the next generation's. So luck is not inherited.
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
	best := least(x.parent, tried)
	if joined := x.join(tried, changed); len(joined) > 0 {
		more, err := x.evaluate(ctx, joined, &best)
		if err != nil {
			return err
		}
		best = least(best, more)
	}
	if best.meanS < x.parent.meanS {
		return x.confirm(ctx, best)
	}
	return x.failed(ctx)
}

func least(best evaluated, list []evaluated) evaluated {
	for _, e := range list {
		if e.meanS < best.meanS {
			best = e
		}
	}
	return best
}

// confirm lets a challenger meet the parent on fresh replications.
func (x *search) confirm(ctx context.Context, best evaluated) error {
	x.freshSeeds()
	pair, err := x.evaluate(ctx, []genome{x.parent.g, best.g}, nil)
	if err != nil {
		return err
	}
	x.parent = pair[0]
	if pair[1].meanS < pair[0].meanS {
		x.parent, x.fails = pair[1], 0
		x.remember()
		return nil
	}
	x.fails++
	return nil
}

// failed moves on to fresh replications; after several failures it makes
// changes smaller and judges on one more.
func (x *search) failed(ctx context.Context) error {
	if x.fails++; x.fails >= patience {
		x.fails = 0
		x.stepS = math.Max(1.5, x.stepS*0.75)
		x.width = min(maxSeeds, x.width+1)
	}
	x.freshSeeds()
	again, err := x.evaluate(ctx, []genome{x.parent.g}, nil)
	if err == nil {
		x.parent = again[0]
	}
	return err
}

// freshSeeds moves on to replications that the search has not used.
func (x *search) freshSeeds() {
	x.seeds = nil
	for range x.width {
		x.nextSeed++
		x.seeds = append(x.seeds, x.Seed+x.nextSeed)
	}
}
