package labcli

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"time"

	"github.com/alecthomas/kong"

	"tideway/internal/usage"
	"tideway/scenarios"
	"tideway/scenarios/report"
	"tideway/sim"
	"tideway/sim/air/emission"
	"tideway/unit"
)

// CompareCmd is the command `tideway compare`.
type CompareCmd struct {
	Input
	Counting
	Scenario     []string `required:"" placeholder:"FILE" help:"Scenario documents, JSON or YAML."`
	Replications int      `default:"5" help:"Replications at least."`
	Most         int      `placeholder:"N" help:"Go on, at most to N replications, until the intervals are small enough."`
	Tolerance    float64  `default:"0.02" help:"Small enough: half-width of the delay difference as a share of the base's delay."`
	Fleet        string   `placeholder:"FILE" help:"Vehicle fleet for emissions (JSON); default: a European urban fleet of 2025."`
	Poisson      bool     `help:"Draw departures per replication (Poisson per relation) instead of those of the files."`
	Map          bool     `help:"Add differences per segment to the JSON."`
	Report       string   `placeholder:"FILE" help:"Write a report (HTML, one file) with maps and diagrams; one replication of every side is simulated once more for them."`
	CSV          string   `name:"csv" placeholder:"FILE" help:"Write the table of indicators."`
	JSON         bool     `name:"json" help:"Print one JSON object."`
}

// Run reads the inputs, simulates, compares and prints.
func (c *CompareCmd) Run(k *kong.Context) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	progress := newBar(os.Stderr)
	result, err := c.compare(ctx, progress)
	progress.end()
	if err != nil {
		return err
	}
	if c.JSON {
		return json.NewEncoder(k.Stdout).Encode(result)
	}
	return printComparison(k.Stdout, result)
}

func (c *CompareCmd) compare(ctx context.Context, progress bar) (*scenarios.Comparison, error) {
	begin, cpu := time.Now(), usage.CPU()
	base, err := c.base()
	if err != nil {
		return nil, err
	}
	cases, err := documents(base, c.Scenario)
	if err != nil {
		return nil, err
	}
	period, err := c.period(base.Demand)
	if err != nil {
		return nil, err
	}
	counts, err := c.Counting.read(base.City, period)
	if err != nil {
		return nil, err
	}
	air, err := airOf(c.Fleet)
	if err != nil {
		return nil, err
	}
	e := scenarios.Experiment{Air: air, Base: scenarios.BaseCase(base), Alternatives: cases, Period: period, Seed: c.Seed, Replications: c.Replications,
		Most: c.Most, Tolerance: unit.Share(c.Tolerance), Poisson: c.Poisson, Threads: c.Threads, Engine: sim.Version, Map: c.Map || c.Report != ""}
	result, err := e.Compare(ctx, func(s scenarios.Steps) { progress.at(s.Done, s.Total, "simulations") })
	if err != nil {
		return nil, err
	}
	result.WallS, result.CPUS = time.Since(begin).Seconds(), (usage.CPU() - cpu).Seconds()
	if counts != nil {
		judged := period
		judged.Seed, judged.Threads = c.Seed, c.Threads
		if result.Calibration, err = counts.Calibrate(ctx, scenarios.BaseCase(base), judged, result.Replications); err != nil {
			return nil, err
		}
	}
	if err := c.write(ctx, base, cases, result, period); err != nil {
		return nil, err
	}
	for i := range result.Alternatives {
		if !c.Map {
			result.Alternatives[i].Segments = nil
		}
	}
	return result, nil
}

// write writes the files that were asked for.
func (c *CompareCmd) write(ctx context.Context, base scenarios.Base, cases []*scenarios.Case, result *scenarios.Comparison, period sim.Input) error {
	if c.CSV != "" {
		if err := writeFile(c.CSV, func(w io.Writer) error { return report.WriteCSV(w, result) }); err != nil {
			return err
		}
	}
	if c.Report == "" {
		return nil
	}
	period.Threads = c.Threads
	recordings, err := report.RecordAll(ctx, base, cases, result, period, c.Poisson)
	if err != nil {
		return err
	}
	in := report.Input{Comparison: result, City: base.City, Cases: cases, Recordings: recordings, Period: period, Created: time.Now()}
	return writeFile(c.Report, func(w io.Writer) error { return report.Write(w, in) })
}

func writeFile(path string, write func(io.Writer) error) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	w := bufio.NewWriter(f)
	return errors.Join(write(w), w.Flush(), f.Close())
}

// airOf returns the reference of the air, with the fleet of a file if one is named.
func airOf(fleet string) (*scenarios.Air, error) {
	air, err := scenarios.DefaultAir()
	if err != nil || fleet == "" {
		return air, err
	}
	f, err := os.Open(fleet)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	air.Fleet, err = emission.ReadFleet(f, emission.Default(), fleet)
	return air, err
}

func printComparison(out io.Writer, c *scenarios.Comparison) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%d replications from seed %d, %.1f s wall, %.1f s CPU\n", c.Replications, c.Seed, c.WallS, c.CPUS)
	for _, a := range c.Alternatives {
		fmt.Fprintf(&b, "\n%s (%s)\n", a.Name, a.Scenario)
		for _, line := range a.Changes {
			fmt.Fprintf(&b, "  - %s\n", line)
		}
		for _, line := range a.Warnings {
			fmt.Fprintf(&b, "  ! %s\n", line)
		}
		if a.GridlockShare+c.Base.GridlockShare > 0 {
			fmt.Fprintf(&b, "  ! stood still: %.0f %% of the base's replications, %.0f %% of these\n", 100*c.Base.GridlockShare, 100*a.GridlockShare)
		}
		if a.Identical {
			fmt.Fprintf(&b, "  every replication ends in the base's bits\n")
		}
		fmt.Fprintf(&b, "  %-18s %10s %10s %10s %23s %8s %6s  better\n", "", "base", "alt", "diff", "95 % interval", "p Holm", "VR")
		for _, k := range a.KPIs {
			printKPI(&b, k)
		}
	}
	printCalibration(&b, c.Calibration)
	_, err := io.WriteString(out, b.String())
	return err
}

func printKPI(b *strings.Builder, k scenarios.KPI) {
	if !k.Base.Known() && !k.Alt.Known() {
		return
	}
	note := ""
	if k.Bimodal {
		note = fmt.Sprintf("  two groups of replications: medians %s and %s", figure(k.BaseMedian), figure(k.AltMedian))
	}
	fmt.Fprintf(b, "  %-18s %10s %10s %10s %11s %11s %8s %6s  %s%s\n", k.KPI+", "+k.Unit, figure(k.Base), figure(k.Alt), figure(k.Diff),
		figure(k.Lo95), figure(k.Hi95), figure(k.PHolm), figure(k.VarianceRatio), k.Better, note)
}

// figure writes a number in four digits or so.
func figure(n scenarios.Number) string {
	v := float64(n)
	switch {
	case !n.Known():
		return "-"
	case v > 999 || v < -999:
		return fmt.Sprintf("%.0f", v)
	case v > 9.99 || v < -9.99:
		return fmt.Sprintf("%.1f", v)
	}
	return fmt.Sprintf("%.3f", v)
}
