package citycli

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/alecthomas/kong"
	"github.com/paulmach/orb"

	"tideway/geo"
	"tideway/geo/gmns"
	"tideway/geo/sumo"
	"tideway/sim/demand"
	"tideway/sim/demand/csv"
	demandsumo "tideway/sim/demand/sumo"
)

// ImportCmd is the command `tideway import`.
type ImportCmd struct {
	SUMO    SUMOCmd    `cmd:"" name:"sumo" help:"Network, additional files and demand of SUMO."`
	GMNS    GMNSCmd    `cmd:"" name:"gmns" help:"A folder of GMNS tables."`
	Zones   ZonesCmd   `cmd:"" help:"Areas: GeoJSON, or a table with GeoJSON in a column."`
	Sensors SensorsCmd `cmd:"" help:"Sensors: a table or GeoJSON points; traffic sensors are matched to segments."`
	UTDF    UTDFCmd    `cmd:"" name:"utdf" help:"Combined file of Synchro UTDF 8."`
	OSM     LaterCmd   `cmd:"" name:"osm" help:"OpenStreetMap (not built yet)."`
	TNTP    LaterCmd   `cmd:"" name:"tntp" help:"TNTP test networks (not built yet)."`
}

// LaterCmd is a command whose format is not supported yet.
type LaterCmd struct {
	Args []string `arg:"" optional:"" passthrough:"all"`
}

// Run answers "not built yet"; the exit status is 2.
func (LaterCmd) Run(k *kong.Context) error {
	return usageError{fmt.Errorf("%s: not built yet", k.Selected().FullPath())}
}

// usageError makes the program exit with status 2.
type usageError struct{ error }

// ExitCode is the exit status for wrong usage.
func (usageError) ExitCode() int { return 2 }

// SUMOCmd is the command `tideway import sumo`.
type SUMOCmd struct {
	Net      string   `arg:"" type:"existingfile" help:"Network (.net.xml or .net.xml.gz)."`
	More     []string `arg:"" optional:"" type:"existingfile" help:"Additional files, vehicle types and routes, in any order; a later signal program replaces an earlier one."`
	Out      string   `required:"" placeholder:"DIR" help:"Folder to write the city to."`
	TimeZone string   `name:"timezone" required:"" placeholder:"ZONE" help:"IANA time zone, such as Europe/Rome."`
	Name     string   `help:"Name of the city; the network's file name when left out."`
	Origin   LonLat   `placeholder:"LON,LAT" help:"Where the network's (0, 0) lies, for networks without a projection."`
	Seed     uint64   `default:"1" help:"Seed by which vehicles draw types and routes from distributions."`
	JSON     bool     `name:"json" help:"Print one JSON object."`
}

// LonLat is a place given as "lon,lat".
type LonLat struct{ At *orb.Point }

// UnmarshalText reads the place.
func (l *LonLat) UnmarshalText(text []byte) error {
	lon, lat, two := strings.Cut(string(text), ",")
	x, err1 := strconv.ParseFloat(strings.TrimSpace(lon), 64)
	y, err2 := strconv.ParseFloat(strings.TrimSpace(lat), 64)
	if !two || err1 != nil || err2 != nil || !(x >= -180 && x <= 180 && y >= -89 && y <= 89) {
		return fmt.Errorf("%q is not a place, expected LON,LAT in degrees", text)
	}
	l.At = &orb.Point{x, y}
	return nil
}

// Run imports, writes the city and prints the audit.
func (c *SUMOCmd) Run(k *kong.Context) error {
	city, report, err := c.network()
	if err != nil {
		return err
	}
	a := answer{Audit: report.Audit}
	d, err := c.demand(city, report.Demand, &a)
	if err != nil {
		return err
	}
	if err := gmns.WriteDir(c.Out, city); err != nil {
		return err
	}
	if d != nil {
		if err := csv.WriteDir(c.Out, city, d); err != nil {
			return err
		}
	}
	return a.print(k.Stdout, city, c.JSON)
}

func (c *SUMOCmd) network() (city *geo.City, report *sumo.Report, err error) {
	var in inputs
	defer func() { err = errors.Join(err, in.close()) }()
	net, err := in.open(c.Net)
	if err != nil {
		return nil, nil, err
	}
	var more []sumo.File
	for _, path := range c.More {
		r, err := in.open(path)
		if err != nil {
			return nil, nil, err
		}
		more = append(more, sumo.File{Name: path, Reader: r})
	}
	return sumo.Read(sumo.File{Name: c.Net, Reader: net}, more, sumo.Options{Name: c.Name, TimeZone: c.TimeZone, Origin: c.Origin.At})
}

// demand reads the inputs that hold vehicle types or routes; nil when none has.
func (c *SUMOCmd) demand(city *geo.City, names []string, a *answer) (d *demand.Demand, err error) {
	if len(names) == 0 {
		return nil, nil
	}
	var in inputs
	defer func() { err = errors.Join(err, in.close()) }()
	var files []demandsumo.File
	for _, path := range names {
		r, err := in.open(path)
		if err != nil {
			return nil, err
		}
		files = append(files, demandsumo.File{Name: path, Reader: r})
	}
	d, dropped, err := demandsumo.ReadAudit(city, c.Seed, files...)
	if err != nil {
		return nil, err
	}
	a.Dropped = append(a.Dropped, dropped...)
	a.Demand = &demandCounts{Types: len(d.Types), Routes: len(d.Routes), Trips: len(d.Trips)}
	return d, nil
}

// GMNSCmd is the command `tideway import gmns`.
type GMNSCmd struct {
	Dir      string `arg:"" type:"existingdir" help:"Folder with node.csv and link.csv."`
	Out      string `required:"" placeholder:"DIR" help:"Folder to write the city to."`
	TimeZone string `name:"timezone" placeholder:"ZONE" help:"IANA time zone; needed unless the folder is a city with city.json."`
	Name     string `help:"Name of the city."`
	Origin   LonLat `placeholder:"LON,LAT" help:"Where the middle of the network lies, for coordinates that are not understood."`
	JSON     bool   `name:"json" help:"Print one JSON object."`
}

// Run imports, writes the city and prints the audit.
func (c *GMNSCmd) Run(k *kong.Context) error {
	city, audit, err := gmns.ImportDir(c.Dir, gmns.Options{Name: c.Name, TimeZone: c.TimeZone, Origin: c.Origin.At})
	if err != nil {
		return err
	}
	if err := gmns.WriteDir(c.Out, city); err != nil {
		return err
	}
	a := answer{Audit: *audit}
	return a.print(k.Stdout, city, c.JSON)
}
