package citycli

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/alecthomas/kong"

	"tideway/geo"
	"tideway/geo/gmns"
	"tideway/geo/utdf"
)

// keptFile is where an import leaves the UTDF tables in the city's folder: they
// hold volumes, saturation flows and detectors, which a city does not.
const keptFile = "utdf.csv"

// UTDFCmd is the command `tideway import utdf`.
type UTDFCmd struct {
	File     string `arg:"" type:"existingfile" help:"Combined file of Synchro UTDF 8 (.csv or .csv.gz)."`
	Out      string `required:"" placeholder:"DIR" help:"Folder to write the city to; the file is kept there as utdf.csv."`
	TimeZone string `name:"timezone" required:"" placeholder:"ZONE" help:"IANA time zone, such as America/Phoenix."`
	Name     string `help:"Name of the city; the file's name when left out."`
	Origin   LonLat `placeholder:"LON,LAT" help:"Where the middle of the network lies: the file does not say."`
	JSON     bool   `name:"json" help:"Print one JSON object."`
}

// Run imports, writes the city, keeps the file and prints the audit.
func (c *UTDFCmd) Run(k *kong.Context) error {
	f, err := c.read()
	if err != nil {
		return err
	}
	if c.Name == "" {
		c.Name, _, _ = strings.Cut(filepath.Base(c.File), ".")
	}
	city, audit, err := f.Import(utdf.Options{Name: c.Name, TimeZone: c.TimeZone, Origin: c.Origin.At})
	if err != nil {
		return err
	}
	groups, err := f.LaneGroups()
	if err != nil {
		return err
	}
	if err := gmns.WriteDir(c.Out, city); err != nil {
		return err
	}
	if err := writeTo(k, filepath.Join(c.Out, keptFile), f.Write); err != nil {
		return err
	}
	a := answer{Audit: *audit, Saturation: checkSaturation(groups)}
	return a.print(k.Stdout, city, c.JSON)
}

func (c *UTDFCmd) read() (f *utdf.File, err error) {
	var in inputs
	defer func() { err = errors.Join(err, in.close()) }()
	r, err := in.open(c.File)
	if err != nil {
		return nil, err
	}
	return utdf.Read(filepath.Base(c.File), r)
}

// ExportUTDFCmd is the command `tideway export utdf`.
type ExportUTDFCmd struct {
	Source
	Out string `required:"" placeholder:"FILE" help:"File to write; - for standard output."`
}

// Run writes the combined file: over the one the city was imported from, where
// its folder has it. What the format cannot hold goes to standard error.
func (c *ExportUTDFCmd) Run(k *kong.Context) error {
	city, err := c.load()
	if err != nil {
		return err
	}
	kept, err := readKept(c.City)
	if err != nil {
		return err
	}
	f, dropped, err := utdf.Export(city, kept)
	if err != nil {
		return err
	}
	tellDropped(k, dropped)
	return writeTo(k, c.Out, f.Write)
}

// readKept returns the file kept in a city's folder, nil when there is none.
func readKept(dir string) (*utdf.File, error) {
	data, err := os.ReadFile(filepath.Join(dir, keptFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return utdf.Read(keptFile, bytes.NewReader(data))
}

func tellDropped(k *kong.Context, dropped []geo.Dropped) {
	for _, d := range dropped {
		fmt.Fprintf(k.Stderr, "left out %s %s: %s\n", d.Kind, d.ID, d.Why)
	}
}
