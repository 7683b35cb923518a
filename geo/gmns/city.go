package gmns

import (
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"tideway/geo"
	"tideway/internal/fault"
)

// Format is the version of the folder's layout that this package writes.
const Format = 1

// cityFile is what the tables have no row for.
type cityFile struct {
	Format   int       `json:"format"`
	Name     string    `json:"name"`
	TimeZone string    `json:"time_zone"`
	Frame    frameFile `json:"frame"`
}

// frameFile is geo.Frame with units in its names.
type frameFile struct {
	Meridian float64 `json:"meridian_deg"`
	Scale    float64 `json:"scale"`
	East     float64 `json:"east_m"`
	North    float64 `json:"north_m"`
}

// WriteDir writes the city into a folder, which is made when it is missing.
// Each file replaces its predecessor at once; other files of the folder stay.
func WriteDir(dir string, c *geo.City) error {
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return fmt.Errorf("writing city %q: %w", c.Name, err)
	}
	return Write(func(name string) (io.WriteCloser, error) { return newReplacement(filepath.Join(dir, name)) }, c)
}

// replacement is a file that takes its final name when it is closed.
type replacement struct {
	*os.File
	final string
}

func newReplacement(final string) (*replacement, error) {
	f, err := os.Create(final + ".new")
	return &replacement{File: f, final: final}, err
}

// Close puts the file in its place.
func (r *replacement) Close() error {
	if err := r.File.Close(); err != nil {
		return err
	}
	return os.Rename(r.Name(), r.final)
}

// Write writes the city's files, each through a writer that create opens.
func Write(create Create, c *geo.City) error {
	w := &writer{create: create, city: c, speed: newScale(5, 18)}
	for _, part := range []func() error{w.cityFile, w.config, w.uses, w.nodes, w.links, w.lanes, w.movements, w.conflicts,
		w.controllers, w.plans, w.stages, w.ringPhases, w.schedule, w.zones, w.sensors, w.measures, w.stops, w.assumptions} {
		if err := part(); err != nil {
			return fmt.Errorf("writing city %q: %w", c.Name, err)
		}
	}
	return nil
}

func (w *writer) cityFile() error {
	f := w.city.Frame
	data, err := json.MarshalIndent(cityFile{Format: Format, Name: w.city.Name, TimeZone: w.city.TimeZone.String(),
		Frame: frameFile{Meridian: f.Meridian, Scale: f.Scale, East: f.East, North: f.North}}, "", "  ")
	if err != nil {
		return err
	}
	file, err := w.create("city.json")
	if err != nil {
		return err
	}
	if _, err := file.Write(append(data, '\n')); err != nil {
		file.Close()
		return err
	}
	return file.Close()
}

// ReadDir is Read of a folder on disk.
func ReadDir(dir string) (*geo.City, *geo.Audit, error) { return Read(os.DirFS(dir)) }

// Read reads a city that Write wrote, or that was edited since. The error lists
// every problem with file and line.
func Read(fsys fs.FS) (*geo.City, *geo.Audit, error) {
	var bad fault.List
	r := &reader{fsys: fsys, bad: &bad, speed: newScale(5, 18)}
	r.cityFile()
	if bad.Len() == 0 {
		r.tables()
	}
	if err := bad.Err("reading city " + r.draft.Name); err != nil {
		return nil, nil, err
	}
	c, err := r.draft.Build()
	if err != nil {
		return nil, nil, err
	}
	audit := geo.NewAudit(c, nil)
	return c, &audit, nil
}

func (r *reader) cityFile() {
	const name = "city.json"
	data, err := fs.ReadFile(r.fsys, name)
	if err != nil {
		r.bad.Addf(name, "", "cannot be read (%v); a folder of plain GMNS becomes a city with: tideway import gmns", err)
		return
	}
	var f cityFile
	if err := json.Unmarshal(data, &f); err != nil {
		r.bad.Addf(name, "", "is not a city file: %v", err)
		return
	}
	if f.Format != Format {
		r.bad.Addf(name, "", "has format %d, expected %d: it was written by another version of tideway", f.Format, Format)
	}
	if !(f.Frame.Scale > 0) {
		r.bad.Addf(name, "", "frame has scale %v, expected more than 0", f.Frame.Scale)
	}
	r.draft.Name, r.draft.TimeZone = f.Name, f.TimeZone
	r.draft.Frame = geo.Frame{Meridian: f.Frame.Meridian, Scale: f.Frame.Scale, East: f.Frame.East, North: f.Frame.North}
}
