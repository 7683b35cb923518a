// Package labcli holds the bodies of `tideway simulate`, `compare` and `optimise`:
// they read a city, its demand and scenarios from files, call package
// scenarios, and print what it found.
package labcli

import (
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"tideway/geo"
	"tideway/geo/gmns"
	"tideway/internal/fault"
	"tideway/scenarios"
	"tideway/sim"
	"tideway/sim/demand"
	"tideway/sim/demand/csv"
	"tideway/sim/demand/sumo"
)

// Input is what every command of the lab reads.
type Input struct {
	City    string   `required:"" placeholder:"DIR" help:"City folder." type:"existingdir"`
	Demand  []string `required:"" placeholder:"FILE" help:"Demand: SUMO route and type files (.xml), or a folder with tables."`
	Begin   Moment   `placeholder:"T" help:"Begin of departures: seconds, a duration (1h30m) or HH:MM[:SS]; the first departure when left out."`
	End     Moment   `placeholder:"T" help:"End of departures; the last departure when left out."`
	Day     Weekday  `default:"mon" placeholder:"DAY" help:"Day of the begin, mon to sun or a date (2026-03-17): signal plans by time of day are in force on their days; default mon."`
	Clear   bool     `name:"until-clear" help:"Simulate on after the end until the last vehicle has left."`
	Step    Moment   `default:"1s" help:"Length of a step."`
	Stuck   string   `name:"stuck-after" default:"never" help:"Release a vehicle that waits this long at the head of its lane, or never."`
	Seed    uint64   `default:"1" help:"Seed of the first replication."`
	Threads int      `placeholder:"N" help:"Cores to use; all when left out. The result does not depend on it."`
}

// Moment is a time on the demand's clock, or a length of time, given as seconds,
// a duration or HH:MM[:SS].
type Moment struct {
	At    time.Duration
	Given bool
}

// UnmarshalText reads a moment.
func (m *Moment) UnmarshalText(text []byte) error {
	s := string(text)
	m.Given = true
	if v, err := strconv.ParseFloat(s, 64); err == nil && v >= 0 && v < 1e8 {
		m.At = time.Duration(v * float64(time.Second))
		return nil
	}
	if d, err := time.ParseDuration(s); err == nil && d >= 0 {
		m.At = d
		return nil
	}
	c, err := scenarios.ParseClock(s)
	if err != nil {
		return fmt.Errorf("%q is neither seconds (3600), a duration (1h30m) nor a time of day (07:30, 07:30:00)", s)
	}
	m.At = c.Duration()
	return nil
}

// Weekday is a day of the week, given by the first three letters of its name or
// by a date: the variable of --day is that of `tideway gen city --day`, too.
type Weekday struct{ time.Weekday }

// UnmarshalText reads a day.
func (d *Weekday) UnmarshalText(text []byte) error {
	for day := time.Sunday; day <= time.Saturday; day++ {
		if strings.EqualFold(day.String()[:3], string(text)) {
			d.Weekday = day
			return nil
		}
	}
	date, err := time.Parse(time.DateOnly, string(text))
	if err != nil {
		return fmt.Errorf("%q is no day, expected mon, tue, wed, thu, fri, sat, sun or a date such as 2026-03-17", text)
	}
	d.Weekday = date.Weekday()
	return nil
}

// base reads city and demand.
func (in *Input) base() (scenarios.Base, error) {
	collectSeldom()
	city, _, err := gmns.ReadDir(in.City)
	if err != nil {
		return scenarios.Base{}, err
	}
	d, err := readDemand(city, in.Seed, in.Demand)
	return scenarios.Base{City: city, Demand: d}, err
}

// collectSeldom lets the heap grow to five times what is in use before it is
// collected, unless the environment says otherwise. Reading files makes most of the
// garbage; a run of the engine makes little, and a small one takes less time than
// the collections of its inputs did.
func collectSeldom() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(400)
	}
}

// readDemand reads SUMO files together, or one folder of tables.
func readDemand(city *geo.City, seed uint64, paths []string) (*demand.Demand, error) {
	var files []sumo.File
	for _, path := range paths {
		info, err := os.Stat(path)
		if err != nil {
			return nil, fmt.Errorf("--demand: %w", err)
		}
		if info.IsDir() {
			if len(paths) > 1 {
				return nil, errors.New("a folder of demand tables stands alone, but several inputs were given")
			}
			return csv.ReadDir(path, city)
		}
		f, err := os.Open(path)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		files = append(files, sumo.File{Name: path, Reader: f})
	}
	return sumo.Read(city, seed, files...)
}

// period returns the template of all runs.
func (in *Input) period(d *demand.Demand) (sim.Input, error) {
	p := sim.Input{Begin: in.Begin.At, End: in.End.At, Day: in.Day.Weekday, UntilClear: in.Clear, Step: in.Step.At}
	if len(d.Trips) > 0 && !in.Begin.Given {
		p.Begin = d.Trips[0].Depart.Truncate(time.Second)
	}
	if len(d.Trips) > 0 && !in.End.Given {
		p.End = d.Trips[len(d.Trips)-1].Depart.Truncate(time.Second) + time.Second
	}
	if in.Stuck != "never" {
		var limit Moment
		if err := limit.UnmarshalText([]byte(in.Stuck)); err != nil || limit.At <= 0 {
			return p, fmt.Errorf("--stuck-after is %q, expected a duration such as 300s, or never", in.Stuck)
		}
		p.StuckAfter = limit.At
	}
	return p, nil
}

// documents reads scenarios; the problems of all of them come together.
func documents(base scenarios.Base, paths []string) ([]*scenarios.Case, error) {
	var bad fault.List
	known := map[string]*scenarios.Document{}
	var read []*scenarios.Document
	var files []string
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		d, err := scenarios.Parse(text)
		bad.AddIn(path, err)
		if err == nil {
			known[d.ID()] = d
			read, files = append(read, d), append(files, path)
		}
	}
	var cases []*scenarios.Case
	for i, d := range read {
		c, err := resolved(base, d, known)
		bad.AddIn(files[i], err)
		cases = append(cases, c)
	}
	return cases, bad.Err("reading scenarios")
}

// resolved applies a document, which may extend others given with it.
func resolved(base scenarios.Base, d *scenarios.Document, known map[string]*scenarios.Document) (*scenarios.Case, error) {
	flat, err := scenarios.Flatten(d, func(id string) (*scenarios.Document, error) {
		if under, ok := known[id]; ok {
			return under, nil
		}
		return nil, errors.New("is not among the scenarios given")
	})
	if err != nil {
		return nil, err
	}
	c, err := scenarios.Apply(flat, base)
	if err == nil {
		c.ID = d.ID()
	}
	return c, err
}

// bar draws progress on a terminal and says nothing elsewhere.
type bar struct {
	out io.Writer
	on  bool
}

func newBar(f *os.File) bar {
	info, err := f.Stat()
	return bar{f, err == nil && info.Mode()&os.ModeCharDevice != 0}
}

func (b bar) at(done, total int, what string) {
	if b.on {
		fmt.Fprintf(b.out, "\r%d of %d %s ", done, total, what)
	}
}

func (b bar) end() {
	if b.on {
		fmt.Fprint(b.out, "\r\033[K")
	}
}
