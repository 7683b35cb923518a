package labcli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"time"

	"github.com/alecthomas/kong"

	"tideway/geo"
	"tideway/internal/fault"
	"tideway/internal/usage"
	"tideway/scenarios"
)

// OptimiseCmd is the command `tideway optimise`.
type OptimiseCmd struct {
	Input
	Signals     []string      `default:"all" placeholder:"ID" help:"Signals to change, or all."`
	Budget      Moment        `default:"30s" placeholder:"CPU" help:"CPU time of search and validation, summed over threads."`
	Evaluations int           `placeholder:"N" help:"Simulations of the search at most: the same answer on every machine, when the budget allows it."`
	MinGreen    time.Duration `default:"5s" help:"Shortest green; a stage that is shorter may stay so."`
	MinCycle    time.Duration `default:"30s" help:"Shortest cycle."`
	MaxCycle    time.Duration `default:"120s" help:"Longest cycle."`
	KeepCycles  bool          `help:"Change splits and offsets only."`
	FreeCycles  bool          `help:"Signals with equal cycles need not keep them equal."`
	Validation  int           `default:"10" help:"Replications for the verdict, none of which the search has seen."`
	From        string        `placeholder:"FILE" type:"existingfile" help:"Go on from a plan that was found before."`
	Out         string        `placeholder:"PLAN" help:"Scenario document with the plans found; without changes when nothing better was found."`
	JSON        bool          `name:"json" help:"Print one JSON object."`
}

// optimised is the command's answer.
type optimised struct {
	*scenarios.Optimisation
	PlanFile string `json:"plan_file"`
}

// Run searches, judges, writes the plan and prints.
func (c *OptimiseCmd) Run(k *kong.Context) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	begin, cpu := time.Now(), usage.CPU()
	progress := newBar(os.Stderr)
	var best *scenarios.Document
	found, err := c.optimise(ctx, func(p scenarios.SearchProgress) {
		best = p.Best
		progress.at(int(p.Spent.Seconds()), int(c.Budget.At.Seconds()), fmt.Sprintf("CPU seconds, delay %.1f s, base %.1f s", p.BestDelayS, p.BaseDelayS))
	})
	progress.end()
	if errors.Is(err, context.Canceled) && best != nil && c.Out != "" {
		return c.interrupted(best)
	}
	if err != nil {
		return err
	}
	if err := c.write(c.Out, found.Document); err != nil {
		return err
	}
	found.WallS, found.CPUS = time.Since(begin).Seconds(), (usage.CPU() - cpu).Seconds()
	if c.JSON {
		found.Document = nil // it is in the file
		return json.NewEncoder(k.Stdout).Encode(optimised{found, c.Out})
	}
	return printOptimisation(k.Stdout, found)
}

// interrupted keeps what a search had found beside the plan file, which holds
// nothing that was not judged.
func (c *OptimiseCmd) interrupted(best *scenarios.Document) error {
	file := c.Out + ".unfinished"
	if err := c.write(file, best); err != nil {
		return err
	}
	return fmt.Errorf("interrupted: the best plans so far, judged by nobody, are in %s; --from %s goes on with them", file, file)
}

func (c *OptimiseCmd) optimise(ctx context.Context, progress func(scenarios.SearchProgress)) (*scenarios.Optimisation, error) {
	base, err := c.base()
	if err != nil {
		return nil, err
	}
	period, err := c.period(base.Demand)
	if err != nil {
		return nil, err
	}
	study := scenarios.Study{Base: scenarios.BaseCase(base), Period: period, Seed: c.Seed, Budget: c.Budget.At, Spent: usage.CPU,
		Evaluations: c.Evaluations, Validation: c.Validation, Threads: c.Threads,
		Limits:   scenarios.Limits{MinGreen: c.MinGreen, MinCycle: c.MinCycle, MaxCycle: c.MaxCycle, KeepCycles: c.KeepCycles, FreeCycles: c.FreeCycles},
		Progress: progress}
	if study.Signals, err = pickSignals(base.City, c.Signals); err != nil {
		return nil, err
	}
	if c.From != "" {
		cases, err := documents(base, []string{c.From})
		if err != nil {
			return nil, err
		}
		study.Starts = [][]geo.Plan{scenarios.PlansInForce(cases[0].City)}
	}
	return study.Optimise(ctx)
}

// pickSignals returns nil for all.
func pickSignals(city *geo.City, ids []string) ([]geo.SignalID, error) {
	if slices.Equal(ids, []string{"all"}) {
		return nil, nil
	}
	var bad fault.List
	var out []geo.SignalID
	for _, id := range ids {
		s, ok := city.Signals.Find(id)
		if !ok {
			bad.Addf("--signals", id, "is not a signal of city %s", city.Name)
		}
		out = append(out, s)
	}
	return out, bad.Err("choosing signals")
}

func (c *OptimiseCmd) write(file string, d *scenarios.Document) error {
	if file == "" {
		return nil
	}
	text, err := json.MarshalIndent(d, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(file, append(text, '\n'), 0o666)
}

func printOptimisation(out io.Writer, o *scenarios.Optimisation) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: delay %.1f s in the base, %.1f s with the plan; difference of the best plan found %s s [%s, %s] over %d replications it was not trained on\n",
		strings.ReplaceAll(o.Verdict, "_", " "), o.BaseDelayS, o.PlanDelayS, figure(o.Diff.Mean), figure(o.Diff.Lo95), figure(o.Diff.Hi95), len(o.Seeds))
	fmt.Fprintf(&b, "%d simulations, %.1f s CPU, %.1f s wall\n", o.Evaluations, o.CPUS, o.WallS)
	for _, line := range o.Changes {
		fmt.Fprintf(&b, "  - %s\n", line)
	}
	_, err := io.WriteString(out, b.String())
	return err
}
