// Package gencli is the body of `tideway gen`: it makes synthetic inputs. It
// joins geo/synth, the demand of sim/demand/day and the city folder of geo/gmns.
package gencli

import (
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/alecthomas/kong"

	"tideway/geo"
	"tideway/geo/gmns"
	"tideway/geo/synth"
	"tideway/sim/demand/csv"
	"tideway/sim/demand/day"
	"tideway/unit"
)

// Cmd is the command `tideway gen`.
type Cmd struct {
	City CityCmd `cmd:"" help:"Make a synthetic city of a given size."`
}

// CityCmd is the command `tideway gen city`.
type CityCmd struct {
	Size int     `default:"600" help:"About so many directed segments, 60 to 100000."`
	Seed uint64  `default:"1" help:"Equal seeds give equal cities."`
	Out  string  `required:"" type:"path" help:"Folder to write the city to."`
	Day  string  `default:"2026-03-03" placeholder:"YYYY-MM-DD" help:"Write the demand of this day, a Tuesday by default, too; none: no demand."`
	Load float64 `default:"0.45" help:"How full the busiest arterials are in the morning peak of that day, 0 to 2."`
	JSON bool    `name:"json" help:"Print one JSON object."`
}

// noDay asks for a city without demand.
const noDay = "none"

// Answer is what the command prints with --json.
type Answer struct {
	CityVersion string     `json:"city_version"`
	Counts      geo.Counts `json:"counts"`
	LargestSCC  unit.Share `json:"largest_scc_share"`
	Trips       int        `json:"trips,omitempty"`
}

// Run makes the city and prints what it is.
func (c *CityCmd) Run(k *kong.Context) error {
	answer, err := c.make()
	if err != nil {
		return err
	}
	if c.JSON {
		return json.NewEncoder(k.Stdout).Encode(answer)
	}
	return report(k.Stdout, c.Out, answer)
}

func (c *CityCmd) make() (Answer, error) {
	date, err := c.date()
	if err != nil {
		return Answer{}, err
	}
	city, err := synth.City(synth.Options{Segments: c.Size, Seed: c.Seed})
	if err != nil {
		return Answer{}, err
	}
	if err := gmns.WriteDir(c.Out, city); err != nil {
		return Answer{}, err
	}
	audit := geo.NewAudit(city, nil)
	answer := Answer{CityVersion: city.Version, Counts: audit.Counts, LargestSCC: audit.LargestSCC}
	if c.Day != noDay {
		answer.Trips, err = c.writeDay(city, date)
	}
	return answer, err
}

func (c *CityCmd) date() (time.Time, error) {
	if c.Day == noDay {
		return time.Time{}, nil
	}
	date, err := time.Parse(time.DateOnly, c.Day)
	if err != nil {
		return date, fmt.Errorf("--day is %q, expected YYYY-MM-DD or none", c.Day)
	}
	if !(c.Load > 0 && c.Load <= 2) {
		return date, fmt.Errorf("--load is %g, expected more than 0, at most 2", c.Load)
	}
	return date, nil
}

func (c *CityCmd) writeDay(city *geo.City, date time.Time) (trips int, err error) {
	m, err := day.New(city, day.Options{Seed: c.Seed, Load: unit.Share(c.Load)})
	if err != nil {
		return 0, err
	}
	d := m.Day(date)
	return len(d.Trips), csv.WriteDir(c.Out, city, d)
}

func report(out io.Writer, dir string, a Answer) error {
	_, err := fmt.Fprintf(out, "city %s in %s: %d segments, %d lanes, %d movements, %d signals with %d programs, %d sensors, %d zones\n",
		a.CityVersion, dir, a.Counts.Segments, a.Counts.Lanes, a.Counts.Movements, a.Counts.Signals, a.Counts.Programs, a.Counts.Sensors, a.Counts.Zones)
	if err == nil && a.Trips > 0 {
		_, err = fmt.Fprintf(out, "%d trips of the day\n", a.Trips)
	}
	return err
}
