package csv

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"tideway/geo"
	"tideway/sim/demand"
)

// WriteDir writes the demand into a folder that exists. Each file replaces its
// predecessor at once; other files of the folder stay.
func WriteDir(dir string, city *geo.City, d *demand.Demand) error {
	return Write(intoDir(dir), city, d)
}

// WriteMatrixDir is WriteMatrix into a folder.
func WriteMatrixDir(dir string, city *geo.City, m *demand.Matrix) error {
	return WriteMatrix(intoDir(dir), city, m)
}

// ReadDir is Read from a folder.
func ReadDir(dir string, city *geo.City) (*demand.Demand, error) {
	return Read(os.DirFS(dir), city)
}

// replacement is a file that takes its final name when it is closed, so that a
// reader never sees half a table.
type replacement struct {
	*os.File
	final string
}

func intoDir(dir string) Create {
	return func(name string) (io.WriteCloser, error) {
		final := filepath.Join(dir, name)
		f, err := os.Create(final + ".new")
		if err != nil {
			return nil, fmt.Errorf("creating %s: %w", name, err)
		}
		return &replacement{File: f, final: final}, nil
	}
}

// Close puts the file in its place.
func (r *replacement) Close() error {
	if err := r.File.Close(); err != nil {
		return errors.Join(err, os.Remove(r.Name()))
	}
	return os.Rename(r.Name(), r.final)
}
