package store

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
)

// FormatVersion is the format of the data folder that this build reads and
// writes. An older one is upgraded, a newer one refused.
const FormatVersion = 1

// Names inside the data folder.
const (
	formatFile     = "format.json"
	manifestFile   = "manifest.json"
	checkpointFile = "checkpoint"
	historyDir     = "history"
	rejectedDir    = "rejected"
)

// ErrNewerFormat means that a newer build wrote the data folder.
var ErrNewerFormat = errors.New("the data folder was written by a newer version")

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// File is a sealed file as the manifest lists it.
type File struct {
	Name    string `json:"name"`
	Rows    int64  `json:"rows"`
	Series  int    `json:"series,omitempty"`
	Bytes   int64  `json:"bytes"`
	CRC32C  uint32 `json:"crc32c"`
	Day     int64  `json:"day,omitempty"` // days since 1970 UTC
	FirstMS int64  `json:"first_ms"`      // oldest end (history), time of receipt (rejected)
	LastMS  int64  `json:"last_ms"`
}

// manifest is the list of sealed files; of files of one day a later one wins.
type manifest struct {
	Version   int      `json:"version"`
	SealedSeq uint64   `json:"sealed_seq"` // newest message of the log whose readings are in files
	FeedSeq   uint64   `json:"feed_seq"`   // its own sequence
	Next      int      `json:"next"`       // number of the next file
	Parts     []File   `json:"parts"`
	Rejected  []File   `json:"rejected"`
	Sensors   []string `json:"sensors"` // outside ids of every sensor with sealed history, sorted
}

// CheckFormat makes the data folder when absent and verifies that this build
// can work on it; ErrNewerFormat otherwise.
func CheckFormat(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	path := filepath.Join(dir, formatFile)
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return writeSynced(path, func(w io.Writer) error {
			return json.NewEncoder(w).Encode(map[string]any{"format": "tideway readings", "version": FormatVersion})
		})
	}
	if err != nil {
		return err
	}
	var f struct {
		Format  string `json:"format"`
		Version int    `json:"version"`
	}
	if err := json.Unmarshal(data, &f); err != nil || f.Version < 1 {
		return fmt.Errorf("%s does not state a format version", path)
	}
	if f.Version > FormatVersion {
		return fmt.Errorf("%w: %s says format %d, this build reads up to %d", ErrNewerFormat, path, f.Version, FormatVersion)
	}
	return nil
}

func readManifest(dir string) (manifest, error) {
	m := manifest{Version: FormatVersion, Next: 1}
	data, err := os.ReadFile(filepath.Join(dir, manifestFile))
	if errors.Is(err, fs.ErrNotExist) {
		return m, nil
	}
	if err != nil {
		return m, err
	}
	if err := json.Unmarshal(data, &m); err != nil {
		return m, fmt.Errorf("reading %s: %w", filepath.Join(dir, manifestFile), err)
	}
	return m, nil
}

func (m manifest) write(dir string) error {
	return writeSynced(filepath.Join(dir, manifestFile), func(w io.Writer) error {
		e := json.NewEncoder(w)
		e.SetIndent("", " ")
		return e.Encode(m)
	})
}

// clone copies the lists, so that published manifests never change.
func (m manifest) clone() manifest {
	m.Parts, m.Rejected, m.Sensors = slices.Clone(m.Parts), slices.Clone(m.Rejected), slices.Clone(m.Sensors)
	return m
}

// written tells of a finished file.
type written struct {
	bytes int64
	crc   uint32
}

// writeFile writes path by way of a temporary file, synced and renamed into
// place, so that after a crash it is there whole or not at all. It is sure to
// be there once its folder was synced too.
func writeFile(path string, body func(io.Writer) error) (written, error) {
	tmp := path + ".tmp"
	f, err := os.Create(tmp)
	if err != nil {
		return written{}, err
	}
	sum := &summer{w: f}
	buf := bufio.NewWriterSize(sum, 1<<20)
	err = body(buf)
	err = errors.Join(err, buf.Flush(), f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(tmp, path)
	}
	if err != nil {
		os.Remove(tmp)
		return written{}, fmt.Errorf("writing %s: %w", path, err)
	}
	return sum.written, nil
}

// writeSynced is writeFile that syncs the folder.
func writeSynced(path string, body func(io.Writer) error) error {
	_, err := writeFile(path, body)
	return errors.Join(err, syncDir(filepath.Dir(path)))
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}

// summer counts and checksums what is written.
type summer struct {
	w io.Writer
	written
}

// Write passes p on.
func (s *summer) Write(p []byte) (int, error) {
	n, err := s.w.Write(p)
	s.bytes += int64(n)
	s.crc = crc32.Update(s.crc, castagnoli, p[:n])
	return n, err
}

// verify reads the file back and compares it with what the manifest says.
func (f File) verify(dir string) error {
	in, err := os.Open(filepath.Join(dir, filepath.FromSlash(f.Name)))
	if err != nil {
		return err
	}
	defer in.Close()
	sum := &summer{w: io.Discard}
	if _, err := io.Copy(sum, in); err != nil {
		return err
	}
	if sum.bytes != f.Bytes || sum.crc != f.CRC32C {
		return fmt.Errorf("%s has %d bytes and checksum %08x, the manifest says %d and %08x: the file is damaged", f.Name, sum.bytes, sum.crc, f.Bytes, f.CRC32C)
	}
	return nil
}
