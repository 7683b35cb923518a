// Package sim holds the comparisons of the simulation engine with SUMO: cases,
// commands, tables. The data sets are found by internal/testdata; SUMO is run
// where it is installed.
package sim

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/paulmach/orb"

	"tideway/geo"
	netfile "tideway/geo/sumo"
	"tideway/internal/testdata"
	"tideway/sim/demand"
	routefile "tideway/sim/demand/sumo"
)

// Case is one network with its demand.
type Case struct {
	Name       string
	Net        string
	Add        []string
	Routes     []string
	Begin, End time.Duration
}

// Cases are those whose SUMO figures are at hand.
var Cases = []Case{
	{"cologne1", "sumo/cologne1/cologne1.net.xml", nil, []string{"sumo/cologne1/cologne1.fixed.rou.xml"}, 25200 * time.Second, 28800 * time.Second},
	{"cologne3", "sumo/cologne3/cologne3.net.xml", nil, []string{"sumo/cologne3/cologne3.rou.xml"}, 25200 * time.Second, 28800 * time.Second},
	{"cologne8", "sumo/cologne8/cologne8.net.xml", nil, []string{"sumo/cologne8/cologne8.fixed.rou.xml"}, 25200 * time.Second, 28800 * time.Second},
	{"ingolstadt1", "sumo/ingolstadt1/ingolstadt1.net.xml", nil, []string{"sumo/ingolstadt1/ingolstadt1.fixed.rou.xml"}, 57600 * time.Second, 61200 * time.Second},
	{"grid4x4", "sumo/grid4x4/grid4x4.net.xml", nil, []string{"sumo/grid4x4/grid4x4_1.rou.xml"}, 0, 3600 * time.Second},
	{"bologna", "bologna/network/joined.net.xml", []string{"bologna/network/joined_tls.add.xml", "bologna/network/joined_bus_stops.add.xml", "bologna/network/joined_vtypes.add.xml"},
		[]string{"bologna/network/joined_vtypes.add.xml", "bologna/network/joined.rou.xml", "bologna/network/joined_busses.rou.xml"}, 0, 3600 * time.Second},
	{"bologna-cars", "bologna/network/joined.net.xml", []string{"bologna/network/joined_tls.add.xml", "bologna/network/joined_vtypes.add.xml"},
		[]string{"bologna/network/joined_vtypes.add.xml", "bologna/network/joined.rou.xml"}, 0, 3600 * time.Second},
}

// Find returns the case with the given name.
func Find(name string) (Case, error) {
	for _, c := range Cases {
		if c.Name == name {
			return c, nil
		}
	}
	return Case{}, fmt.Errorf("no case %q", name)
}

// Open finds a case and reads its city and demand.
func Open(name string) (Case, *geo.City, *demand.Demand, error) {
	c, err := Find(name)
	if err != nil {
		return c, nil, nil, err
	}
	city, d, err := c.Load(1)
	return c, city, d, err
}

// Path returns where a file lies: below the data sets, unless the path is
// absolute.
func Path(file string) string {
	if filepath.IsAbs(file) {
		return file
	}
	return filepath.Join(testdata.Base(), filepath.FromSlash(file))
}

// Load reads the case's city and demand. seed settles types drawn from
// distributions.
func (c Case) Load(seed uint64) (*geo.City, *demand.Demand, error) {
	net, err := open(c.Net)
	if err != nil {
		return nil, nil, err
	}
	var add []netfile.File
	for _, f := range c.Add {
		b, err := open(f)
		if err != nil {
			return nil, nil, err
		}
		add = append(add, netfile.File{Name: f, Reader: b})
	}
	city, _, err := netfile.Read(netfile.File{Name: c.Net, Reader: net}, add, netfile.Options{TimeZone: "Europe/Rome", Origin: &orb.Point{11.33, 44.5}})
	if err != nil {
		return nil, nil, err
	}
	var routes []routefile.File
	for _, f := range c.Routes {
		b, err := open(f)
		if err != nil {
			return nil, nil, err
		}
		routes = append(routes, routefile.File{Name: f, Reader: b})
	}
	d, err := routefile.Read(city, seed, routes...)
	return city, d, err
}

func open(file string) (*bytes.Reader, error) {
	b, err := os.ReadFile(Path(file))
	return bytes.NewReader(b), err
}
