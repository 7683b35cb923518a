// Command tideway is the digital twin of a city's traffic and air: the service,
// and the tools that prepare, simulate, compare and forecast. Flags and
// configuration live here; what a verb does is in the packages below internal
// whose names end in cli.
package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	_ "time/tzdata" // time zones on machines that have none

	"github.com/alecthomas/kong"

	"tideway/internal/aircli"
	"tideway/internal/citycli"
	"tideway/internal/forecastcli"
	"tideway/internal/gencli"
	"tideway/internal/hcmcli"
	"tideway/internal/labcli"
	"tideway/internal/livecli"
)

// Exit statuses.
const (
	exitFailed = 1
	exitUsage  = 2
)

type commands struct {
	Demo   demoCmd   `cmd:"" help:"A synthetic city with a live feed, forecasts and the page, on loopback; nothing to prepare."`
	Serve  serveCmd  `cmd:"" help:"Serve a city: readings, forecasts, scenarios, the page."`
	Worker workerCmd `cmd:"" help:"Carry out scenario runs of a service on another machine."`
	Keys   keysCmd   `cmd:"" help:"API keys of a service."`

	Import citycli.ImportCmd `cmd:"" help:"Make a city folder of a network, or add zones and sensors."`
	Export citycli.ExportCmd `cmd:"" help:"Write a city for other programs."`

	Ingest livecli.IngestCmd `cmd:"" help:"Backfill readings from tables."`

	Forecast forecastCmd `cmd:"" help:"Forecast a past period over again, as the service would have, and score it."`

	Gen      gencli.Cmd              `cmd:"" help:"Make synthetic inputs."`
	Simulate labcli.SimulateCmd      `cmd:"" help:"Simulate demand on a city."`
	Compare  labcli.CompareCmd       `cmd:"" help:"Simulate scenarios against the base and compare."`
	Optimise labcli.OptimiseCmd      `cmd:"" help:"Search better fixed-time signal plans; never worse than the base."`
	Backtest forecastcli.BacktestCmd `cmd:"" help:"Forecast past windows of a table and score them."`
	Air      aircli.Air              `cmd:"" help:"Emissions and dispersion."`
	HCM      hcmcli.Cmd              `cmd:"" name:"hcm" help:"Delay of lane groups after the Highway Capacity Manual."`

	Assign citycli.LaterCmd `cmd:"" help:"Assign a matrix to a network (not built yet)."`

	Doctor  doctorCmd  `cmd:"" help:"Try what a service needs of this machine."`
	Version versionCmd `cmd:"" help:"Version of the program."`
}

func main() {
	os.Exit(run(os.Args[1:]))
}

// run parses and carries out one command line and returns the exit status.
func run(args []string) int {
	var c commands
	parser, err := kong.New(&c, kong.Name("tideway"), kong.UsageOnError(), kong.DefaultEnvars("TIDEWAY"), kong.BindTo(os.Stdout, (*io.Writer)(nil)),
		kong.Description("A digital twin of a city's traffic and air."), kong.ConfigureHelp(kong.HelpOptions{Compact: true}))
	if err != nil {
		fmt.Fprintln(os.Stderr, "tideway:", err)
		return exitUsage
	}
	if len(args) == 0 {
		args = []string{"--help"}
	}
	ctx, err := parser.Parse(args)
	if err != nil {
		fmt.Fprintln(os.Stderr, "tideway:", err)
		return exitUsage
	}
	if err := ctx.Run(); err != nil {
		fmt.Fprintln(os.Stderr, "tideway:", err)
		return status(err)
	}
	return 0
}

// status is the exit status that err asks for, else exitFailed.
func status(err error) int {
	var coded interface{ ExitCode() int }
	if errors.As(err, &coded) {
		return coded.ExitCode()
	}
	return exitFailed
}

type versionCmd struct{}

// Run prints module version and revision as far as the build knows them.
func (versionCmd) Run(k *kong.Context) error {
	_, err := fmt.Fprintln(k.Stdout, version())
	return err
}

func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "tideway (unknown build)"
	}
	text := "tideway " + info.Main.Version
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			text += " " + s.Value
		}
	}
	return text + " " + info.GoVersion
}
