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
		return c.printSummaries(k.Stdout, runs)
	}
	return json.NewEncoder(k.Stdout).Encode(c.summaryJSON(runs))
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

// answer is a run as --json prints it: a run that did not clear has no means.
type answer struct {
	sim.Summary
	Cleared             bool     `json:"cleared"` // every vehicle that has a way arrived
	MeanTravelTimeS     *float64 `json:"mean_travel_time_s"`
	P95TravelTimeS      *float64 `json:"p95_travel_time_s"`
	MeanTimeLossS       *float64 `json:"mean_time_loss_s"`
	MeanWaitingTimeS    *float64 `json:"mean_waiting_time_s"`
	MeanStops           *float64 `json:"mean_stops"`
	MeanDepartureDelayS *float64 `json:"mean_departure_delay_s"`
	MeanDelayS          *float64 `json:"mean_delay_s"`
}

func cleared(s *sim.Summary) bool {
	return !s.Gridlocked && s.Unfinished == 0 && s.NeverInserted <= s.NoRoute
}

// answer leaves the means out where the run was to clear and did not: they
// would be those of the vehicles that got away.
func (c *SimulateCmd) answer(r *sim.Result) answer {
	s := &r.Summary
	out := answer{Summary: *s, Cleared: cleared(s)}
	if s.Gridlocked || c.Clear && !out.Cleared {
		return out
	}
	out.MeanTravelTimeS, out.P95TravelTimeS, out.MeanTimeLossS, out.MeanWaitingTimeS = &s.MeanTravelTimeS, &s.P95TravelTimeS, &s.MeanTimeLossS, &s.MeanWaitingTimeS
	out.MeanStops, out.MeanDepartureDelayS, out.MeanDelayS = &s.MeanStops, &s.MeanDepartureDelayS, &s.MeanDelayS
	return out
}

// summaryJSON is the summary of one run, or those of several with their mean.
func (c *SimulateCmd) summaryJSON(runs []*sim.Result) any {
	all := make([]answer, len(runs))
	for i, r := range runs {
		all[i] = c.answer(r)
	}
	if len(all) == 1 {
		return all[0]
	}
	return map[string]any{"runs": all, "mean": meanOf(all)}
}

// meanOf returns the mean of every number of the answers by its JSON name, null
// where a run has none.
func meanOf(all []answer) map[string]*float64 {
	out := map[string]*float64{}
	add := func(name string, v float64) {
		if out[name] == nil {
			out[name] = new(float64)
		}
		*out[name] += v / float64(len(all))
	}
	for i := range all {
		eachNumber(reflect.ValueOf(all[i].Summary), add)
	}
	for i := range all {
		t := reflect.TypeFor[answer]()
		for f := range t.NumField() {
			if v := reflect.ValueOf(all[i]).Field(f); v.Kind() == reflect.Pointer && v.IsNil() {
				out[t.Field(f).Tag.Get("json")] = nil
			}
		}
	}
	return out
}

// eachNumber visits the numbers of a summary but its seed.
func eachNumber(s reflect.Value, visit func(name string, v float64)) {
	for i := range s.NumField() {
		name := s.Type().Field(i).Tag.Get("json")
		switch v := s.Field(i); {
		case name == "seed":
		case v.CanInt():
			visit(name, float64(v.Int()))
		case v.CanFloat():
			visit(name, v.Float())
		}
	}
}

func (c *SimulateCmd) printSummaries(out io.Writer, runs []*sim.Result) error {
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
		switch {
		case s.Gridlocked:
			fmt.Fprintln(out, "  GRIDLOCKED: means of this run must not be compared")
		case c.Clear && !cleared(s):
			fmt.Fprintln(out, "  DID NOT CLEAR: means of this run must not be compared")
		}
	}
	return nil
}
