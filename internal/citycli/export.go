package citycli

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/alecthomas/kong"

	"tideway/geo"
	"tideway/geo/geojson"
	"tideway/geo/gmns"
	"tideway/geo/sumo"
	"tideway/scenarios"
	"tideway/sim/demand"
)

// ExportCmd is the command `tideway export`.
type ExportCmd struct {
	GMNS    ExportGMNSCmd    `cmd:"" name:"gmns" help:"The city as a folder of GMNS tables."`
	SUMO    ExportSUMOCmd    `cmd:"" name:"sumo" help:"The signal plans in force as a SUMO additional file."`
	GeoJSON ExportGeoJSONCmd `cmd:"" name:"geojson" help:"The city as one GeoJSON feature collection."`
	UTDF    ExportUTDFCmd    `cmd:"" name:"utdf" help:"The city as a combined file of Synchro UTDF 8."`
}

// Source is where an export comes from.
type Source struct {
	City string `required:"" type:"existingdir" placeholder:"DIR" help:"City folder."`
	Plan string `type:"existingfile" placeholder:"FILE" help:"Scenario whose changes are applied first, such as optimise writes."`
}

func (s *Source) load() (*geo.City, error) {
	_, c, err := s.both()
	return c, err
}

// both returns the city of the folder and what is exported.
func (s *Source) both() (base, city *geo.City, err error) {
	if base, _, err = gmns.ReadDir(s.City); err != nil {
		return nil, nil, err
	}
	city, err = s.changed(base)
	return base, city, err
}

// changed lays the plan file over a city.
func (s *Source) changed(city *geo.City) (*geo.City, error) {
	if s.Plan == "" {
		return city, nil
	}
	data, err := os.ReadFile(s.Plan)
	if err != nil {
		return nil, err
	}
	doc, err := scenarios.Parse(data)
	if err != nil {
		return nil, fmt.Errorf("reading plan %s: %w", s.Plan, err)
	}
	c, err := scenarios.Apply(doc, scenarios.Base{City: city, Demand: &demand.Demand{}})
	if err != nil {
		return nil, err
	}
	return c.City, nil
}

// ExportGMNSCmd is the command `tideway export gmns`.
type ExportGMNSCmd struct {
	Source
	Out string `required:"" placeholder:"DIR" help:"Folder to write to."`
}

// Run writes the tables.
func (c *ExportGMNSCmd) Run() error {
	city, err := c.load()
	if err != nil {
		return err
	}
	return gmns.WriteDir(c.Out, city)
}

// ExportSUMOCmd is the command `tideway export sumo`.
type ExportSUMOCmd struct {
	Source
	Out string `required:"" placeholder:"FILE" help:"File to write; - for standard output."`
}

// Run writes the plans in force. What the format cannot hold is refused where
// the plan file asks for it, and else goes to standard error.
func (c *ExportSUMOCmd) Run(k *kong.Context) error {
	base, city, err := c.both()
	if err != nil {
		return err
	}
	var b bytes.Buffer
	dropped, err := sumo.WritePlans(&b, city)
	if err == nil {
		err = sumo.Lost(base, city, dropped)
	}
	if err != nil {
		return err
	}
	tellDropped(k, dropped)
	return writeTo(k, c.Out, func(w io.Writer) error {
		_, err := w.Write(b.Bytes())
		return err
	})
}

// ExportGeoJSONCmd is the command `tideway export geojson`.
type ExportGeoJSONCmd struct {
	Source
	Out string `required:"" placeholder:"FILE" help:"File to write; - for standard output."`
}

// Run writes the features.
func (c *ExportGeoJSONCmd) Run(k *kong.Context) error {
	city, err := c.load()
	if err != nil {
		return err
	}
	return writeTo(k, c.Out, func(w io.Writer) error { return geojson.WriteCity(w, city) })
}

func writeTo(k *kong.Context, path string, write func(io.Writer) error) error {
	if path == "-" {
		return write(k.Stdout)
	}
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	w := bufio.NewWriter(f)
	return errors.Join(write(w), w.Flush(), f.Close())
}
