// Command compare runs the cases of bench/sim over some seeds and prints them
// beside SUMO's figures.
package main

import (
	"flag"
	"fmt"
	"os"
	"runtime/pprof"
	"strings"
	"syscall"
	"time"

	bench "tideway/bench/sim"
	"tideway/sim"
)

func main() {
	names := flag.String("cases", "cologne1,ingolstadt1,grid4x4,cologne3,cologne8,bologna", "cases to run")
	seeds := flag.Int("seeds", 1, "seeds per case")
	threads := flag.Int("threads", 1, "threads")
	profile := flag.String("profile", "", "file for a CPU profile")
	dump := flag.String("dump", "", "file for per-segment sums of the last run")
	stuck := flag.Duration("stuck-after", 300*time.Second, "release rule")
	flag.Parse()
	if *profile != "" {
		f, err := os.Create(*profile)
		if err != nil {
			panic(err)
		}
		if err := pprof.StartCPUProfile(f); err != nil {
			panic(err)
		}
		defer pprof.StopCPUProfile()
	}
	for _, name := range strings.Split(*names, ",") {
		c, err := bench.Find(name)
		if err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		run(c, *seeds, *threads, *stuck, *dump)
	}
}

func run(c bench.Case, seeds, threads int, stuck time.Duration, dump string) {
	city, d, err := c.Load(1)
	if err != nil {
		fmt.Println(err)
		return
	}
	for seed := 1; seed <= seeds; seed++ {
		begin := cpu()
		e, err := sim.New(sim.Input{City: city, Demand: d, Begin: c.Begin, End: c.End, UntilClear: true,
			StuckAfter: stuck, Seed: uint64(seed), Threads: threads})
		if err != nil {
			fmt.Println(err)
			return
		}
		load := cpu() - begin
		begin = cpu()
		for !e.Done() {
			e.Step()
		}
		ran := cpu() - begin
		r := e.Result()
		if dump != "" {
			f, _ := os.Create(dump)
			g := &r.Segments
			for i, seg := range city.Segments.All() {
				fmt.Fprintf(f, "%s,%d,%d,%.1f,%.1f,%.1f\n", seg.ID, g.Entered[i], g.Left[i], g.VehicleS[i], g.TimeLossS[i], g.WaitingS[i])
			}
			f.Close()
		}
		used, s := ran, r.Summary
		fmt.Printf("%-12s seed %d sched %d done %d never %d rel %d tt %.1f p95 %.0f loss %.1f wait %.1f stops %.2f ddelay %.2f vehs %.0f steps %d load %.3f cpu %.3f  %.2fM/s %s grid %v\n", c.Name, seed, s.Scheduled, s.Completed,
			s.NeverInserted, s.Released, s.MeanTravelTimeS, s.P95TravelTimeS, s.MeanTimeLossS, s.MeanWaitingTimeS, s.MeanStops, s.MeanDepartureDelayS, s.VehicleSeconds, s.Steps, load, used, s.VehicleSeconds/used/1e6, s.StateHash, s.Gridlocked)
	}
}

func cpu() float64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return float64(u.Utime.Sec+u.Stime.Sec) + float64(u.Utime.Usec+u.Stime.Usec)/1e6
}
