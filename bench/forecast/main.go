// Command forecast prints the tables of traffic forecasts: a week of loop
// detectors in Los Angeles, three weeks of signal counts in Melbourne, eighteen
// months of hourly counts in Berlin with its public holidays, and sensors hidden
// from the service. Every case goes through forecast/backtest, which drives the
// runner that serves. Run from the repository root with the data sets at hand:
//
//	go run ./bench/forecast los reference scats berlin hidden > bench/forecast/results.txt
package main

import (
	"context"
	"fmt"
	"log"
	"os"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"tideway/forecast"
	"tideway/forecast/backtest"
	"tideway/internal/forecastcli"
	"tideway/internal/usage"
)

// tasks are the tables that can be asked for.
var tasks = map[string]func() error{"los": losTable, "scats": scatsTable, "berlin": berlinTable, "hidden": hiddenTable, "reference": referenceTable}

func main() {
	log.SetFlags(0)
	which := os.Args[1:]
	if len(which) == 0 {
		which = []string{"los", "reference", "scats", "berlin", "hidden"}
	}
	fmt.Printf("command: go run ./bench/forecast %s\nmachine: %d cores, %s %s%s; one thread\n", strings.Join(which, " "), runtime.NumCPU(), runtime.Version(), runtime.GOARCH, experiment())
	for _, name := range which {
		task := tasks[name]
		if task == nil {
			log.Fatalf("no table %q, expected los, reference, scats, berlin or hidden", name)
		}
		if err := task(); err != nil {
			fmt.Printf("\n%s: skipped, %v\n", name, err)
		}
	}
}

// experiment names the compiler experiments of this build.
func experiment() string {
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			if s.Key == "GOEXPERIMENT" {
				return " GOEXPERIMENT=" + s.Value
			}
		}
	}
	return ""
}

// run carries out a backtest and prints the horizons asked for.
func run(title string, cfg backtest.Config, minutes ...int) error {
	cfg.Threads, cfg.CPU = 1, usage.CPU
	cfg.Learners = forecastcli.Learners()
	r, err := backtest.Run(context.Background(), cfg)
	if err != nil {
		return err
	}
	fmt.Printf("\n%s: %d sensors, %d rows to learn from, %d origins\n", title, len(cfg.Table.Sensors), r.TrainRows, r.Origins)
	for _, m := range r.Models {
		fmt.Printf("%s (%s)", m.Name, m.Role)
		if m.TrainCPUS > 0 {
			fmt.Printf(", training %.0f CPU-s with the draft it is judged by, %.1f ms an origin", m.TrainCPUS, m.InferMS)
		}
		fmt.Printf("\n%8s %8s %8s %8s %8s %8s %8s %8s %8s %8s\n", "minutes", "mae", "rmse", "wape", "cover90", "width90", "jam90", "p10", "recall", "precis.")
		for _, h := range m.Horizons {
			if slices.Contains(minutes, int(h.Minutes)) {
				fmt.Printf("%8.0f %8s %8s %8s %8s %8s %8s %8s %8s %8s\n", h.Minutes, num(h.MAE), num(h.RMSE), num(h.WAPE), num(h.Cover), num(h.Range90), num(h.CoverJam), num(h.CoverP10), num(h.Recall), num(h.Precision))
			}
		}
	}
	return nil
}

func num(v *float64) string {
	if v == nil {
		return "-"
	}
	return fmt.Sprintf("%.3f", *v)
}

// losConfig is the week of loop detectors.
func losConfig(train int) (cfg backtest.Config, err error) {
	cfg = backtest.Config{Unit: backtest.MPH, TrainRows: train, CongestedBelow: 40}
	if cfg.Zone, err = time.LoadLocation("America/Los_Angeles"); err != nil {
		return cfg, err
	}
	begin := time.Date(2012, 3, 1, 0, 0, 0, 0, cfg.Zone)
	if cfg.Table, err = readTable("los_loop/speed_mph_5min_rows1-1612.csv.gz", backtest.TableConfig{Start: begin, Interval: 5 * time.Minute, Zone: cfg.Zone}); err != nil {
		return cfg, err
	}
	cfg.Relation, err = readAdjacency("los_loop/adjacency.csv.gz", cfg.Table.Sensors)
	return cfg, err
}

// losRows splits the week as the published tables do, four to one.
const losRows = 1290

func losTable() error {
	cfg, err := losConfig(losRows)
	if err != nil {
		return err
	}
	return run("los_loop, mph", cfg, 15, 30, 60)
}

func scatsTable() error {
	zone, err := time.LoadLocation("Australia/Melbourne")
	if err != nil {
		return err
	}
	table, err := readScats(zone)
	if err != nil {
		return err
	}
	holidays, err := forecast.HolidaysIn("AU-VIC")
	if err != nil {
		return err
	}
	return run("scats_boroondara, vehicles in 15 minutes", backtest.Config{Table: table, Zone: zone, Holidays: holidays, Unit: backtest.Veh, TrainRows: 16 * 96, Steps: 4}, 15, 30, 45, 60)
}

func berlinTable() error {
	zone, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		return err
	}
	holidays, err := forecast.HolidaysIn("DE-BE")
	if err != nil {
		return err
	}
	table, train, err := readBerlin(zone, time.Date(2024, 1, 1, 0, 0, 0, 0, zone))
	if err != nil {
		return err
	}
	days := newByDay(table, zone, holidays)
	cfg := backtest.Config{Table: table, Zone: zone, Holidays: holidays, Unit: backtest.Veh, TrainRows: train, Steps: 3, Predictions: days.add}
	if err := run("berlin_hourly, vehicles in an hour", cfg, 60, 120, 180); err != nil {
		return err
	}
	days.print()
	return nil
}

// hiddenTable hides sensors, four draws each, from the service that learned
// from seven tenths of the week.
func hiddenTable() error {
	fmt.Printf("\nlos_loop with sensors hidden, mph\n%10s %8s %8s %8s\n", "share", "history", "mae", "rmse")
	for _, history := range []bool{false, true} {
		for _, share := range []float64{.2, .5} {
			var mae, rmse float64
			const draws = 4
			for seed := range uint64(draws) {
				cfg, err := losConfig(1129)
				if err != nil {
					return err
				}
				cfg.Threads, cfg.Hide, cfg.Steps = 1, backtest.Hide{Share: share, Seed: seed + 1, History: history}, 1
				r, err := backtest.Run(context.Background(), cfg)
				if err != nil {
					return err
				}
				mae, rmse = mae+*r.Hidden.MAE/draws, rmse+*r.Hidden.RMSE/draws
			}
			fmt.Printf("%10.1f %8v %8.3f %8.3f\n", share, history, mae, rmse)
		}
	}
	return nil
}
