// Command city measures the engine on a city folder with its demand: vehicle-
// seconds per second of one core, of the run without load, with the number of
// vehicles on the road and what each takes of the heap. tideway gen city makes
// folders. With -fill the run is measured from the step on at which that many
// vehicles are on the road; -state keeps that moment for further runs.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"runtime"
	"runtime/pprof"
	"syscall"
	"time"

	"tideway/geo/gmns"
	"tideway/sim"
	"tideway/sim/demand/csv"
)

// options are the flags.
type options struct {
	dir, state, profile string
	begin, end, measure time.Duration
	fill, threads       int
}

func main() {
	var o options
	flag.StringVar(&o.dir, "dir", "", "city folder with demand tables")
	flag.DurationVar(&o.begin, "begin", 7*time.Hour, "begin")
	flag.DurationVar(&o.end, "end", 8*time.Hour, "end of departures and of the run")
	flag.IntVar(&o.fill, "fill", 0, "measure from the step on at which so many vehicles are on the road")
	flag.DurationVar(&o.measure, "measure", 0, "how long to measure; 0: to the end")
	flag.StringVar(&o.state, "state", "", "file with a state to begin at; when it is missing it is written when -fill is reached")
	flag.IntVar(&o.threads, "threads", 1, "threads")
	flag.StringVar(&o.profile, "profile", "", "file for a CPU profile")
	flag.Parse()
	if err := run(o); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
}

func run(o options) error {
	city, _, err := gmns.ReadDir(o.dir)
	if err != nil {
		return err
	}
	d, err := csv.ReadDir(o.dir, city)
	if err != nil {
		return err
	}
	in := sim.Input{City: city, Demand: d, Begin: o.begin, End: o.end, StuckAfter: 5 * time.Minute, Seed: 1, Threads: o.threads}
	e, err := sim.New(in)
	if err != nil {
		return err
	}
	empty := heapMB()
	if e, err = filled(o, in, e); err != nil {
		return err
	}
	stop, err := profiling(o.profile)
	if err != nil {
		return err
	}
	defer stop()
	report(o, e, empty)
	return nil
}

// filled returns the engine when it holds o.fill vehicles, begun at the state
// in the file if there is one.
func filled(o options, in sim.Input, e *sim.Engine) (*sim.Engine, error) {
	state, err := os.ReadFile(o.state)
	switch {
	case err == nil:
		if e, err = sim.Resume(in, state); err != nil {
			return nil, err
		}
	case o.state != "" && !errors.Is(err, fs.ErrNotExist):
		return nil, err
	}
	for used := cpuS(); e.Progress().OnRoad < o.fill && !e.Done(); {
		e.Step()
		tell(e, 5*time.Minute, used)
	}
	if o.state == "" || state != nil {
		return e, nil
	}
	return e, os.WriteFile(o.state, e.Save(), 0o644)
}

// report steps to the end of what is measured and prints the line.
func report(o options, e *sim.Engine, empty float64) {
	before, until := e.Result().Summary, e.Time()+o.measure
	least, most := e.Progress().OnRoad, 0
	wall, used := time.Now(), cpuS()
	for !e.Done() && (o.measure == 0 || e.Time() < until) {
		e.Step()
		least, most = min(least, e.Progress().OnRoad), max(most, e.Progress().OnRoad)
		tell(e, 10*time.Minute, used)
	}
	cpu, passed := cpuS()-used, time.Since(wall).Seconds()
	s, full := e.Result().Summary, heapMB()
	driven := s.VehicleSeconds - before.VehicleSeconds
	fmt.Printf("%d threads, to %v: inserted %d, %d to %d on the road, completed %d, released %d, %.0f vehicle-seconds, %.2f s of CPU, %.2f s wall: %.2f M/CPU-s, %.2f M/s; heap %.0f MB empty, %.0f B a vehicle on the road at the end; state %s\n",
		o.threads, e.Time(), s.Inserted-before.Inserted, least, most, s.Completed-before.Completed, s.Released-before.Released, driven, cpu, passed,
		driven/cpu/1e6, driven/passed/1e6, empty, (full-empty)*1e6/float64(e.Progress().OnRoad), s.StateHash)
}

// tell prints how far the engine is, every so often.
func tell(e *sim.Engine, every time.Duration, used float64) {
	if e.Time()%every == 0 {
		fmt.Printf("%v: %d on the road, %d arrived, %.1f s of CPU\n", e.Time(), e.Progress().OnRoad, e.Progress().Completed, cpuS()-used)
	}
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
