// Command city measures the engine on a city folder with its demand: vehicle-
// seconds per second of one core, of the run without load, with the number of
// vehicles on the road. tideway gen city makes folders.
package main

import (
	"flag"
	"fmt"
	"os"
	"runtime"
	"runtime/pprof"
	"syscall"
	"time"

	"tideway/geo/gmns"
	"tideway/sim"
	"tideway/sim/demand/csv"
)

func main() {
	dir := flag.String("dir", "", "city folder with demand tables")
	begin, end := flag.Duration("begin", 7*time.Hour, "begin"), flag.Duration("end", 8*time.Hour, "end")
	threads := flag.Int("threads", 1, "threads")
	profile := flag.String("profile", "", "file for a CPU profile")
	flag.Parse()
	if err := run(*dir, *begin, *end, *threads, *profile); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
}

func run(dir string, begin, end time.Duration, threads int, profile string) error {
	city, _, err := gmns.ReadDir(dir)
	if err != nil {
		return err
	}
	d, err := csv.ReadDir(dir, city)
	if err != nil {
		return err
	}
	before := heapMB()
	e, err := sim.New(sim.Input{City: city, Demand: d, Begin: begin, End: end, StuckAfter: 5 * time.Minute, Seed: 1, Threads: threads})
	if err != nil {
		return err
	}
	loaded := heapMB()
	stop, err := profiling(profile)
	if err != nil {
		return err
	}
	defer stop()
	most := 0
	wall, used := time.Now(), cpuS()
	for !e.Done() {
		e.Step()
		most = max(most, e.Progress().OnRoad)
		if e.Time()%(10*time.Minute) == 0 {
			fmt.Printf("%v: %d on the road, %.1f s of CPU\n", e.Time(), e.Progress().OnRoad, cpuS()-used)
		}
	}
	used = cpuS() - used
	s := e.Result().Summary
	fmt.Printf("%d segments, %d threads: inserted %d, at most %d on the road, released %d, %.0f vehicle-seconds, %.2f s of CPU, %.2f s wall: %.2f M/CPU-s, %.2f M/s; heap %.0f MB city and demand, %.0f MB with the engine, %.0f MB now; state %s\n",
		city.Segments.Len(), threads, s.Inserted, most, s.Released, s.VehicleSeconds, used, time.Since(wall).Seconds(), s.VehicleSeconds/used/1e6,
		s.VehicleSeconds/time.Since(wall).Seconds()/1e6, before, loaded, heapMB(), s.StateHash)
	return nil
}

func profiling(file string) (stop func(), err error) {
	if file == "" {
		return func() {}, nil
	}
	f, err := os.Create(file)
	if err != nil {
		return nil, err
	}
	return pprof.StopCPUProfile, pprof.StartCPUProfile(f)
}

func heapMB() float64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return float64(m.HeapAlloc) / 1e6
}

func cpuS() float64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return float64(u.Utime.Sec+u.Stime.Sec) + float64(u.Utime.Usec+u.Stime.Usec)/1e6
}
