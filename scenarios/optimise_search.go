package scenarios

import (
	"cmp"
	"context"
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
	delayS float64   // mean over scheduled trips
	local  []float64 // per signal of the study: vehicle-seconds lost on its approaches
	flows  []float64 // vehicles per movement
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
	archive  []genome // finalists: the parent before, late in and after the evolution
	baseS    float64
	flows    []float64 // vehicles per movement in the base
	model    *profile
	parts    []int // where the coordinates of each signal begin in a point
}

// evaluated is a genome with its scores on the training seeds.
type evaluated struct {
	g      genome
	scores []score
	meanS  float64
}

func (s *Study) search(ctx context.Context) (*search, error) {
	x := &search{Study: s, city: s.Base.City, dice: rng.New(s.Seed, 0, rng.Signals)}
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
	if err := x.tryOrders(ctx); err != nil {
		return nil, err
	}
	x.remember()
	if err := x.evolve(ctx, 0.7); err != nil {
		return nil, err
	}
	x.remember()
	if err := x.evolve(ctx, 1); err != nil {
		return nil, err
	}
	x.remember()
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
	t := &res.Movements
	sc := score{delayS: res.Summary.MeanDelayS, local: make([]float64, len(x.signals)), flows: flowsOf(t, x.city.Movements.Len())}
	for i, s := range x.signals {
		for _, m := range x.city.MovementsOf(s) {
			for k := range t.Intervals {
				row := t.Row(k, m)
				if passed := float64(t.Passed[row]); passed > 0 {
					sc.local[i] += passed * float64(t.DelayS[row])
				}
			}
		}
	}
	return sc
}

// evaluate simulates genomes on the training seeds.
func (x *search) evaluate(ctx context.Context, list []genome) ([]evaluated, error) {
	x.evaluations += len(list) * len(x.seeds)
	return parallel.MapErr(ctx, x.Threads, list, func(ctx context.Context, g genome) (evaluated, error) {
		e := evaluated{g: g}
		city := x.cityOf(g)
		for _, seed := range x.seeds {
			sc, err := x.simulate(ctx, city, seed)
			if err != nil {
				return e, err
			}
			e.scores = append(e.scores, sc)
			e.meanS += sc.delayS / float64(len(x.seeds))
		}
		return e, nil
	})
}

// left is how many simulations the rest of the budget is good for.
func (x *search) left() int {
	done := x.done()
	return int(float64(x.evaluations) * (1 - done) / done)
}

func (x *search) cpu() time.Duration { return x.Spent() - x.begun }

// done is the share of the budget that is spent.
func (x *search) done() (share float64) {
	if x.Evaluations > 0 {
		share = float64(x.evaluations) / float64(x.Evaluations)
	}
	if x.Budget > 0 && x.Spent != nil {
		share = max(share, float64(x.cpu())/float64(max(1, x.Budget-x.reserve())))
	}
	return min(1, share)
}

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
	first, err := x.evaluate(ctx, []genome{base})
	if err != nil {
		return err
	}
	x.parent, x.baseS, x.flows = first[0], first[0].meanS, first[0].scores[0].flows
	x.model = x.newProfile((x.Period.End - x.Period.Begin).Seconds())
	tried, err := x.evaluate(ctx, x.starts())
	if err != nil {
		return err
	}
	x.report()
	slices.SortStableFunc(tried, func(a, b evaluated) int { return cmp.Compare(a.meanS, b.meanS) })
	if x.layOut(base); x.left() > heatsAt*(x.parts[len(base)]+x.groups) {
		return x.heats(ctx, otherCycles(tried))
	}
	return x.confirm(ctx, tried[:min(len(tried), contenders)]...)
}

// Heats take place when so many simulations per coordinate are left, and take a
// share of the rest of the budget. Without them ingolstadt1 ended at a cycle of
// 60 s with 31.1 s (12 CPU-s, mean of four searches), with them at 29.8 s.
const (
	heatsAt    = 50
	heatsShare = 0.4
)

// heats lets beginnings with different cycles evolve for a while before they
// meet: the best valley is not always the one in which a search begins best.
func (x *search) heats(ctx context.Context, list []evaluated) error {
	begin, parent := x.done(), x.parent
	for k := range list {
		x.parent = list[k]
		if err := x.evolve(ctx, begin+heatsShare*(1-begin)*float64(k+1)/float64(len(list))); err != nil {
			return err
		}
		list[k] = x.parent
	}
	x.parent = parent
	return x.confirm(ctx, list...)
}

// inHeats is how many beginnings evolve.
const inHeats = 4

// otherCycles returns the first few whose cycles differ by a fifth.
func otherCycles(list []evaluated) (out []evaluated) {
	for _, e := range list {
		near := func(o evaluated) bool {
			return min(o.g[0].Cycle, e.g[0].Cycle) > max(o.g[0].Cycle, e.g[0].Cycle)*81/100
		}
		if len(out) < inHeats && !slices.ContainsFunc(out, near) {
			out = append(out, e)
		}
	}
	return out
}

// contenders is how many of the beginnings are compared again.
const contenders = 3

// confirm lets challengers meet the parent on fresh replications, which had no
// part in choosing them; the best is the parent from now on.
func (x *search) confirm(ctx context.Context, challengers ...evaluated) error {
	x.width = confirmations
	x.freshSeeds()
	list := []genome{x.parent.g}
	for _, c := range challengers {
		list = append(list, c.g)
	}
	met, err := x.evaluate(ctx, list)
	if err != nil {
		return err
	}
	x.parent = least(met[0], met[1:])
	return nil
}

// confirmations is how many replications a challenger must stand.
const confirmations = 2

func least(best evaluated, list []evaluated) evaluated {
	for _, e := range list {
		if e.meanS < best.meanS {
			best = e
		}
	}
	return best
}

// remember keeps the parent among the finalists.
func (x *search) remember() { x.archive = append(x.archive, x.parent.g) }

func (x *search) report() {
	if x.Progress == nil {
		return
	}
	p := SearchProgress{Best: x.document(x.parent.g), Evaluations: x.evaluations, BaseDelayS: x.baseS, BestDelayS: x.parent.meanS}
	if x.Spent != nil {
		p.Spent = x.cpu()
	}
	x.Progress(p)
}

// freshSeeds moves on to replications that the search has not used.
func (x *search) freshSeeds() {
	x.seeds = nil
	for range x.width {
		x.nextSeed++
		x.seeds = append(x.seeds, x.Seed+x.nextSeed)
	}
}
