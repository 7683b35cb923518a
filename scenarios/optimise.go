package scenarios

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"tideway/geo"
	"tideway/internal/parallel"
	"tideway/sim"
)

// Study is a search for better fixed-time plans: splits, offsets and cycles,
// found by simulation and accepted only when they hold on replications that the
// search never saw.
type Study struct {
	Base    *Case
	Period  sim.Input      // template: City, Demand, Seed and Threads are set per run
	Signals []geo.SignalID // to be changed; nil: all whose plan in force is fixed-time
	Limits  Limits
	Starts  [][]geo.Plan // plans to begin from besides the base and the analytic start: an earlier answer, to go on with it

	Seed        uint64
	Evaluations int                  // the search ends with the generation in which it has simulated so often; 0: until Budget is spent
	Budget      time.Duration        // CPU time of search and validation, summed over threads; 0: until Evaluations
	Spent       func() time.Duration // CPU time of the process; needed for Budget
	Validation  int                  // replications for the verdict; 0: 10
	Threads     int                  // 0: all cores; the result does not depend on it unless Budget ends the search
	Simulate    Simulate             // nil: sim.Run
	Progress    func(SearchProgress) // nil: nobody wants to know
}

// Limits bound what a plan may become. Zero values mean the defaults.
type Limits struct {
	MinGreen   time.Duration // of every green stage; 5 s. A stage that is shorter may stay so
	MinCycle   time.Duration // 30 s, or the base's when that is shorter
	MaxCycle   time.Duration // 120 s, or the base's when that is longer
	FreeCycles bool          // signals with equal cycles need not keep them equal
	KeepCycles bool          // cycles stay as they are
}

// SearchProgress tells how far a search is.
type SearchProgress struct {
	Evaluations int
	Spent       time.Duration
	BaseDelayS  float64 // on the training replications
	BestDelayS  float64 // of the plans around the best one
	Validating  bool
	Best        *Document // plans that are best so far, judged by nobody
}

// Outcome of an optimisation.
const (
	Improved = "improved"
	NoChange = "no_change"
)

// Optimisation is what a study found.
type Optimisation struct {
	Verdict     string         `json:"verdict"`
	BaseDelayS  float64        `json:"base_delay_s"` // on the validation replications
	PlanDelayS  float64        `json:"plan_delay_s"` // of the plan found; of the base with no_change
	Diff        SecondsBetween `json:"diff_s"`       // plan minus base, of the best plan found even when it was not good enough
	Seeds       []uint64       `json:"validation_seeds"`
	Evaluations int            `json:"evaluations"`
	CPUS        float64        `json:"cpu_s"`  // filled by the caller
	WallS       float64        `json:"wall_s"` // same
	Changes     []string       `json:"changes"`
	Plans       []geo.Plan     `json:"-"` // changed plans; none with no_change
	Document    *Document      `json:"scenario,omitempty"`
}

// SecondsBetween is a difference with its 95 % interval.
type SecondsBetween struct {
	Mean Number `json:"mean"`
	Lo95 Number `json:"lo95"`
	Hi95 Number `json:"hi95"`
}

// Optimise carries the study out. It never returns plans whose improvement is
// not certain at 95 % on the validation replications: then the verdict is
// no_change. When ctx ends during the search, the best plan so far is
// validated by nobody and ctx's error is returned.
func (s *Study) Optimise(ctx context.Context) (*Optimisation, error) {
	x, err := s.search(ctx)
	if err != nil {
		return nil, err
	}
	return x.validate(ctx)
}

// defaultValidation is the number of replications for the verdict.
const defaultValidation = 10

// validationSeed keeps replications of the verdict apart from those of the
// search, whatever the study's seed.
const validationSeed = 1 << 40

// finalists is how many plans of the search are compared, on selection
// replications each, for the one that meets the validation.
const (
	finalists = 3
	selection = 4
)

// validate chooses among the finalists and then judges the one plan chosen on
// replications that neither search nor choice has seen.
func (x *search) validate(ctx context.Context) (*Optimisation, error) {
	g, err := x.choose(ctx)
	if err != nil {
		return nil, err
	}
	n := x.Validation
	if n == 0 {
		n = defaultValidation
	}
	out := &Optimisation{Verdict: NoChange, Evaluations: x.evaluations}
	for i := range n {
		out.Seeds = append(out.Seeds, x.Seed+validationSeed+uint64(i))
	}
	base, err := x.delays(ctx, x.genomeOfBase(), out.Seeds)
	if err != nil {
		return nil, err
	}
	plan, err := x.delays(ctx, g, out.Seeds)
	if err != nil {
		return nil, err
	}
	p := Pair(base, plan)
	out.BaseDelayS, out.PlanDelayS = p.Base, p.Base
	out.Diff = SecondsBetween{Number(p.Diff), Number(p.Lo), Number(p.Hi)}
	if p.Hi < 0 {
		out.Verdict, out.PlanDelayS = Improved, p.Alt
	} else {
		g = x.genomeOfBase()
	}
	x.fill(out, g)
	return out, nil
}

// choose returns the finalist with the least delay on fresh replications. One
// that breaks a rule of scenarios, which the moves do not know of, is no finalist.
func (x *search) choose(ctx context.Context) (genome, error) {
	x.width = selection
	x.freshSeeds()
	usable := []genome{}
	for _, g := range x.archive {
		if _, err := Apply(x.document(g), Base{City: x.city, Demand: x.Base.Demand}); err == nil {
			usable = append(usable, g)
		}
	}
	if len(usable) == 0 {
		return x.genomeOfBase(), nil
	}
	list, err := x.evaluate(ctx, usable)
	if err != nil {
		return nil, err
	}
	return least(list[0], list).g, nil
}

// document returns the plans of a genome as a scenario.
func (x *search) document(g genome) *Document {
	out := &Optimisation{}
	x.fill(out, g)
	return out.Document
}

// fill adds the plans that differ from the base's and what they change; none
// of them gives a document without changes.
func (x *search) fill(out *Optimisation, g genome) {
	d := &Document{Name: "optimised signal plans", Changes: []Change{}}
	for i, plan := range g {
		was := x.city.Plans.At(x.inForce[i])
		if samePlan(was, plan) {
			continue
		}
		plan.ID = was.ID + "-opt"
		plan = limitsOf(plan, was)
		id := x.city.Signals.At(plan.Signal).ID
		out.Plans = append(out.Plans, plan)
		out.Changes = append(out.Changes, fmt.Sprintf("signal %s: %s", id, planText(plan)))
		d.Changes = append(d.Changes, Change{ID: fmt.Sprintf("c%d", len(d.Changes)+1), Op: OpSetPlan, Select: Selector{ID: []string{id}},
			Args: &SetPlan{Plan: DocumentPlan(plan)}})
	}
	out.Document = d
}

// limitsOf gives a plan whose base has stages of fixed length such stages too.
func limitsOf(plan, was geo.Plan) geo.Plan {
	for _, s := range was.Stages {
		if s.Min != s.Duration || s.Max != s.Duration {
			return plan
		}
	}
	plan = clonePlan(plan)
	for k := range plan.Stages {
		s := &plan.Stages[k]
		s.Min, s.Max = s.Duration, s.Duration
	}
	return plan
}

// planText says what a fixed-time plan does.
func planText(p geo.Plan) string {
	text := fmt.Sprintf("cycle %v, offset %v, greens", p.Cycle, p.Offset)
	for _, k := range greens(p) {
		text += " " + p.Stages[k].Duration.String()
	}
	return text
}

func samePlan(a, b geo.Plan) bool {
	return a.Cycle == b.Cycle && a.Offset == b.Offset && slices.EqualFunc(a.Stages, b.Stages, func(x, y geo.Stage) bool {
		return x.Duration == y.Duration && slices.Equal(x.States, y.States)
	})
}

// delays simulates a genome on seeds and returns the mean delays in seconds.
func (x *search) delays(ctx context.Context, g genome, seeds []uint64) ([]float64, error) {
	city := x.cityOf(g)
	return parallel.MapErr(ctx, x.Threads, seeds, func(ctx context.Context, seed uint64) (float64, error) {
		score, err := x.simulate(ctx, city, seed)
		return score.delayS, err
	})
}

var errNothingToOptimise = errors.New("no signal among those given has a fixed-time plan with two green stages to optimise")
