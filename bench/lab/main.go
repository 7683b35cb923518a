// Command lab measures the scenario lab: the optimiser judged by SUMO, the
// guarded controllers, what common random numbers gain, and how long
// comparisons take. results.txt holds what it printed.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"strings"
	"time"

	"tideway/bench/sim"
)

// options are what the command line sets.
type options struct {
	budget   time.Duration
	seeds    int // SUMO runs per plan
	seed     uint64
	searches int // optimisations per case
	plans    int
	runs     int
	jobs     int
}

var studies = map[string]func(context.Context, sim.Case, options) error{
	"optimise": optimise,
	"control":  control,
	"variance": variance,
	"timing":   timing,
}

func main() {
	what := flag.String("what", "optimise", "optimise, control, variance or timing")
	cases := flag.String("cases", "cologne1,cologne8,ingolstadt1,grid4x4", "cases of bench/sim")
	var o options
	flag.DurationVar(&o.budget, "budget", 20*time.Second, "CPU time of one optimisation")
	flag.IntVar(&o.seeds, "seeds", 10, "SUMO runs per plan")
	flag.Uint64Var(&o.seed, "seed", 1, "first seed")
	flag.IntVar(&o.searches, "searches", 1, "optimisations per case, with seeds that follow")
	flag.IntVar(&o.plans, "plans", 20, "changes to compare")
	flag.IntVar(&o.runs, "runs", 20, "replications")
	flag.IntVar(&o.jobs, "jobs", 2, "threads, or SUMO processes at a time")
	flag.Parse()
	study, known := studies[*what]
	if !known {
		fmt.Fprintf(os.Stderr, "no study %q\n", *what)
		os.Exit(2)
	}
	for _, name := range strings.Split(*cases, ",") {
		c, err := sim.Find(name)
		if err == nil {
			err = study(context.Background(), c, o)
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, name, err)
			os.Exit(1)
		}
	}
}
