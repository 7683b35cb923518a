package labcli

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/signal"
	"reflect"
	"strings"
	"time"

	"github.com/alecthomas/kong"

	"tideway/internal/usage"
	"tideway/scenarios"
	"tideway/sim"
)

// SimulateCmd is the command `tideway simulate`.
type SimulateCmd struct {
	Input
	Counting
	Scenario     string        `placeholder:"FILE" help:"Scenario document to simulate instead of the base."`
	Replications int           `default:"1" help:"Runs with the seeds that follow --seed."`
	Interval     time.Duration `default:"15m" help:"Interval of the tables that --out writes; with --counts theirs."`
	Out          string        `placeholder:"DIR" help:"Folder for trips.csv, segments.csv and movements.csv of the first run."`
	JSON         bool          `name:"json" help:"Print one JSON object."`
}

// Run simulates and prints the summary.
func (c *SimulateCmd) Run(k *kong.Context) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	progress := newBar(os.Stderr)
	found, err := c.simulate(ctx, progress)
	progress.end()
	if err != nil {
		return err
	}
	if c.Out != "" {
		if err := writeTables(c.Out, found.side, found.runs[0]); err != nil {
			return err
		}
	}
	if !c.JSON {
		return c.print(k.Stdout, found)
	}
	return json.NewEncoder(k.Stdout).Encode(c.summaryJSON(found))
}

// simulated is what a case's replications gave.
type simulated struct {
	side        *scenarios.Case
	runs        []*sim.Result
	warmUp      []*float64             // of every run, in seconds; nil where the series is too short to tell
	calibration *scenarios.Calibration // nil without counts
}

// simulate runs the replications one after another; each uses c.Threads cores.
func (c *SimulateCmd) simulate(ctx context.Context, progress bar) (*simulated, error) {
	base, err := c.base()
	if err != nil {
		return nil, err
	}
	found := &simulated{side: scenarios.BaseCase(base)}
	if c.Scenario != "" {
		cases, err := documents(base, []string{c.Scenario})
		if err != nil {
			return nil, err
		}
		found.side = cases[0]
	}
	in, err := c.period(base.Demand)
	if err != nil {
		return nil, err
	}
	counts, err := c.Counting.read(base.City, in)
	if err != nil {
		return nil, err
	}
	in.City, in.Demand, in.Threads, in.Interval, in.Log = found.side.City, found.side.Demand, c.Threads, c.Interval, c.Out != ""
	if counts != nil {
		in.Interval = counts.Interval
	}
	loaded := usage.CPU()
	for r := range max(1, c.Replications) {
		in.Seed = c.Seed + uint64(r)
		if err := found.add(ctx, in, loaded, progress); err != nil {
			return nil, err
		}
	}
	if counts != nil {
		found.calibration = counts.Judge(found.side.City, in, found.runs)
	}
	return found, nil
}

// add runs one replication.
func (f *simulated) add(ctx context.Context, in sim.Input, loaded time.Duration, progress bar) error {
	begin := usage.CPU()
	var onRoad []float64 // once a minute
	res, err := sim.Run(ctx, in, func(p sim.Progress) {
		progress.at(int(100*p.Share), 100, "per cent")
		if p.Share < 1 {
			onRoad = append(onRoad, float64(p.OnRoad))
		}
	})
	if err != nil {
		return err
	}
	s := &res.Summary
	s.LoadCPUS, s.RunCPUS, s.PeakRSSMB = loaded.Seconds(), (usage.CPU() - begin).Seconds(), usage.PeakMB()
	if s.RunCPUS > 0 {
		s.VehSPerCPUS = s.VehicleSeconds / s.RunCPUS
	}
	f.runs, f.warmUp = append(f.runs, res), append(f.warmUp, warmUp(onRoad))
	return nil
}

// warmUp returns the seconds until the number of vehicles on the road, taken
// once a minute, has settled (MSER-5).
func warmUp(onRoad []float64) *float64 {
	cut, ok := scenarios.MSER5(onRoad)
	if !ok {
		return nil
	}
	s := time.Minute.Seconds() * float64(cut)
	return &s
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
	WarmUpS             *float64 `json:"warm_up_s"` // by MSER-5 on the vehicles on the road; null when the period is too short to tell

	Calibration *scenarios.Calibration `json:"calibration,omitempty"` // of a single run
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
func (c *SimulateCmd) summaryJSON(f *simulated) any {
	all := make([]answer, len(f.runs))
	for i, r := range f.runs {
		all[i] = c.answer(r)
		all[i].WarmUpS = f.warmUp[i]
	}
	if len(all) == 1 {
		all[0].Calibration = f.calibration
		return all[0]
	}
	out := map[string]any{"runs": all, "mean": meanOf(all)}
	if f.calibration != nil {
		out["calibration"] = f.calibration
	}
	return out
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
			name := t.Field(f).Tag.Get("json")
			if v := reflect.ValueOf(all[i]).Field(f); v.Type() == reflect.TypeFor[*float64]() && v.IsNil() && name != "warm_up_s" {
				out[name] = nil
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

func (c *SimulateCmd) print(out io.Writer, f *simulated) error {
	var b strings.Builder
	for i, r := range f.runs {
		s := &r.Summary
		fmt.Fprintf(&b, `seed %d
  %d scheduled, %d inserted, %d completed, %d on the road, %d never inserted, %d released by the stuck rule
  travel time %.1f s (95 %%: %.1f s), time loss %.1f s, waiting %.1f s, %.2f stops, departure delay %.1f s
  delay %.1f s over all scheduled
  %.0f vehicle-seconds in %.2f CPU s: %.2f million a CPU-second; state %s
`, s.Seed, s.Scheduled, s.Inserted, s.Completed, s.Unfinished, s.NeverInserted, s.Released, s.MeanTravelTimeS, s.P95TravelTimeS,
			s.MeanTimeLossS, s.MeanWaitingTimeS, s.MeanStops, s.MeanDepartureDelayS, s.MeanDelayS, s.VehicleSeconds, s.RunCPUS, s.VehSPerCPUS/1e6, s.StateHash)
		if w := f.warmUp[i]; w != nil && *w > 0 {
			fmt.Fprintf(&b, "  the network fills for %.0f s (MSER-5)\n", *w)
		}
		switch {
		case s.Gridlocked:
			b.WriteString("  GRIDLOCKED: means of this run must not be compared\n")
		case c.Clear && !cleared(s):
			b.WriteString("  DID NOT CLEAR: means of this run must not be compared\n")
		}
	}
	printCalibration(&b, f.calibration)
	_, err := io.WriteString(out, b.String())
	return err
}
