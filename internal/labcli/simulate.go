package labcli

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/signal"
	"reflect"
	"time"

	"github.com/alecthomas/kong"

	"tideway/internal/usage"
	"tideway/scenarios"
	"tideway/sim"
)

// SimulateCmd is the command `tideway simulate`.
type SimulateCmd struct {
	Input
	Scenario     string        `placeholder:"FILE" help:"Scenario document to simulate instead of the base."`
	Replications int           `default:"1" help:"Runs with the seeds that follow --seed."`
	Interval     time.Duration `default:"15m" help:"Interval of the tables that --out writes."`
	Out          string        `placeholder:"DIR" help:"Folder for trips.csv, segments.csv and movements.csv of the first run."`
	JSON         bool          `name:"json" help:"Print one JSON object."`
}

// Run simulates and prints the summary.
func (c *SimulateCmd) Run(k *kong.Context) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	progress := newBar(os.Stderr)
	side, runs, err := c.simulate(ctx, progress)
	progress.end()
	if err != nil {
		return err
	}
	if c.Out != "" {
		if err := writeTables(c.Out, side, runs[0]); err != nil {
			return err
		}
	}
	if !c.JSON {
		return printSummaries(k.Stdout, runs)
	}
	return json.NewEncoder(k.Stdout).Encode(summaryJSON(runs))
}

// simulate runs the replications one after another; each uses c.Threads cores.
func (c *SimulateCmd) simulate(ctx context.Context, progress bar) (*scenarios.Case, []*sim.Result, error) {
	base, err := c.base()
	if err != nil {
		return nil, nil, err
	}
	side := scenarios.BaseCase(base)
	if c.Scenario != "" {
		cases, err := documents(base, []string{c.Scenario})
		if err != nil {
			return nil, nil, err
		}
		side = cases[0]
	}
	in, err := c.period(base.Demand)
	if err != nil {
		return nil, nil, err
	}
	in.City, in.Demand, in.Threads, in.Interval, in.Log = side.City, side.Demand, c.Threads, c.Interval, c.Out != ""
	loaded := usage.CPU()
	var runs []*sim.Result
	for r := range max(1, c.Replications) {
		in.Seed = c.Seed + uint64(r)
		begin := usage.CPU()
		res, err := sim.Run(ctx, in, func(p sim.Progress) { progress.at(int(100*p.Share), 100, "per cent") })
		if err != nil {
			return nil, nil, err
		}
		s := &res.Summary
		s.LoadCPUS, s.RunCPUS, s.PeakRSSMB = loaded.Seconds(), (usage.CPU() - begin).Seconds(), usage.PeakMB()
		if s.RunCPUS > 0 {
			s.VehSPerCPUS = s.VehicleSeconds / s.RunCPUS
		}
		runs = append(runs, res)
	}
	return side, runs, nil
}

// summaryJSON is the summary of one run, or those of several with their mean.
func summaryJSON(runs []*sim.Result) any {
	if len(runs) == 1 {
		return runs[0].Summary
	}
	all := make([]sim.Summary, len(runs))
	for i, r := range runs {
		all[i] = r.Summary
	}
	return map[string]any{"runs": all, "mean": meanOf(all)}
}

// meanOf returns the mean of every number of the summaries by its JSON name.
func meanOf(all []sim.Summary) map[string]float64 {
	out := map[string]float64{}
	t := reflect.TypeFor[sim.Summary]()
	for i := range t.NumField() {
		name := t.Field(i).Tag.Get("json")
		for k := range all {
			switch v := reflect.ValueOf(&all[k]).Elem().Field(i); {
			case name == "seed":
			case v.CanInt():
				out[name] += float64(v.Int()) / float64(len(all))
			case v.CanFloat():
				out[name] += v.Float() / float64(len(all))
			}
		}
	}
	return out
}

func printSummaries(out io.Writer, runs []*sim.Result) error {
	for _, r := range runs {
		s := &r.Summary
		_, err := fmt.Fprintf(out, `seed %d
  %d scheduled, %d inserted, %d completed, %d on the road, %d never inserted, %d released by the stuck rule
  travel time %.1f s (95 %%: %.1f s), time loss %.1f s, waiting %.1f s, %.2f stops, departure delay %.1f s
  delay %.1f s over all scheduled
  %.0f vehicle-seconds in %.2f CPU s: %.2f million a CPU-second; state %s
`, s.Seed, s.Scheduled, s.Inserted, s.Completed, s.Unfinished, s.NeverInserted, s.Released, s.MeanTravelTimeS, s.P95TravelTimeS,
			s.MeanTimeLossS, s.MeanWaitingTimeS, s.MeanStops, s.MeanDepartureDelayS, s.MeanDelayS, s.VehicleSeconds, s.RunCPUS, s.VehSPerCPUS/1e6, s.StateHash)
		if err != nil {
			return err
		}
		if s.Gridlocked {
			fmt.Fprintln(out, "  GRIDLOCKED: means of this run must not be compared")
		}
	}
	return nil
}
