// Package livecli is the body of `tideway ingest`: it reads CSV tables of
// readings as a mapping file describes them (package live/ingest) and gives them to
// a running service or straight to a data folder that no service holds.
package livecli

import (
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/alecthomas/kong"

	"tideway/geo"
	"tideway/geo/gmns"
	"tideway/live"
	"tideway/live/ingest"
)

// IngestCmd is the command `tideway ingest`.
type IngestCmd struct {
	Files   []string `arg:"" type:"existingfile" help:"CSV tables, plain or .gz."`
	Mapping string   `type:"existingfile" help:"How the tables hold readings (YAML or JSON). Needed unless they have columns sensor, quantity, at, value."`
	To      string   `help:"Address of a running service, http://host:8080."`
	Key     string   `help:"Its API key."`
	Data    string   `env:"TIDEWAY_DATA_DIR" help:"Or: data folder of a service that is not running."`
	City    string   `help:"City folder; needed with --data."`
	Batch   int      `default:"10000" help:"Readings sent together."`
	JSON    bool     `name:"json" help:"Print one JSON object."`
}

// Result is what became of all readings: the object that --json prints.
type Result struct {
	Accepted   int            `json:"accepted"`
	Rejected   int            `json:"rejected"`
	Duplicates int            `json:"duplicates"`
	Revisions  int            `json:"revisions"`
	ByReason   map[string]int `json:"by_reason"`
	WallS      float64        `json:"wall_s"`
}

// target takes batches and answers when they are durable. Unstated batches hold
// values in their sensors' own units.
type target interface {
	put(ctx context.Context, b *live.Batch, unstated bool) (live.Answer, error)
	Close() error
}

// Run ingests the files one after another and prints what became of them.
func (c *IngestCmd) Run(k *kong.Context) error {
	ctx := context.Background()
	mapping, raw, err := c.mapping()
	if err != nil {
		return err
	}
	city, err := c.city()
	if err != nil {
		return err
	}
	to, err := c.target(ctx, city)
	if err != nil {
		return err
	}
	begin := time.Now()
	total := Result{ByReason: map[string]int{}}
	show := newProgress(k.Stderr, len(c.Files))
	for _, file := range c.Files {
		if err = c.file(ctx, file, mapping, raw, city, to, &total, show); err != nil {
			break
		}
	}
	show.end()
	if err = errors.Join(err, to.Close()); err != nil {
		return err
	}
	total.WallS = time.Since(begin).Seconds()
	return c.print(k.Stdout, total)
}

// plainMapping is that of a table with one reading a row.
const plainMapping = `{"time": {"column": "at"}, "sensor": "{sensor}", "values": [{"column": "value", "quantity_column": "quantity"}]}`

func (c *IngestCmd) mapping() (*ingest.Mapping, []byte, error) {
	raw, name := []byte(plainMapping), "of plain tables"
	if c.Mapping != "" {
		var err error
		if raw, err = os.ReadFile(c.Mapping); err != nil {
			return nil, nil, err
		}
		name = c.Mapping
	}
	m, err := ingest.ParseMapping(name, raw)
	return m, raw, err
}

// Validate reports flags that do not go together, before anything is read: the
// exit status is that of wrong usage.
func (c *IngestCmd) Validate() error {
	switch {
	case (c.To == "") == (c.Data == ""):
		return errors.New("one of --to and --data must be given")
	case c.Data != "" && c.City == "":
		return errors.New("--data needs --city: the sensors tell units and intervals")
	}
	return nil
}

func (c *IngestCmd) city() (*geo.City, error) {
	if c.City == "" {
		return nil, nil
	}
	city, _, err := gmns.ReadDir(c.City)
	return city, err
}

func (c *IngestCmd) target(ctx context.Context, city *geo.City) (target, error) {
	if c.To != "" {
		return newRemote(c.To, c.Key), nil
	}
	return openFolder(ctx, c.Data, city)
}

func (c *IngestCmd) file(ctx context.Context, name string, m *ingest.Mapping, raw []byte, city *geo.City, to target, total *Result, show *progress) error {
	in, key, err := open(name, raw)
	if err != nil {
		return err
	}
	defer in.Close()
	table, err := ingest.NewTable(city, m, tableName(name), key, c.Batch, in)
	if err != nil {
		return err
	}
	show.file(name)
	for {
		b, err := table.Next()
		if errors.Is(err, io.EOF) {
			show.problems(table.Problems())
			return nil
		}
		if err != nil {
			return err
		}
		a, err := to.put(ctx, b, table.Unstated())
		if err != nil {
			return fmt.Errorf("ingesting %s: %w", name, err)
		}
		total.add(a)
		show.step(*total)
	}
}

// tableName is the file's name without what says that it is packed.
func tableName(file string) string { return strings.TrimSuffix(filepath.ToSlash(file), ".gz") }

// open opens a table and names its content together with the mapping: the
// same file is the same batches, a corrected one is not.
func open(name string, mapping []byte) (io.ReadCloser, string, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, "", err
	}
	h := sha256.New()
	h.Write(mapping)
	if _, err := io.Copy(h, f); err != nil {
		f.Close()
		return nil, "", err
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		f.Close()
		return nil, "", err
	}
	key := hex.EncodeToString(h.Sum(nil))[:24]
	if !strings.HasSuffix(name, ".gz") {
		return f, key, nil
	}
	z, err := gzip.NewReader(f)
	if err != nil {
		f.Close()
		return nil, "", fmt.Errorf("unpacking %s: %w", name, err)
	}
	return packed{z, f}, key, nil
}

// packed closes the file below a gzip reader.
type packed struct {
	*gzip.Reader
	file *os.File
}

// Close closes the file.
func (p packed) Close() error { return p.file.Close() }

func (r *Result) add(a live.Answer) {
	r.Accepted += a.Accepted
	r.Rejected += a.Rejected
	r.Duplicates += a.Duplicates
	r.Revisions += a.Revisions
	for why, n := range a.ByReason {
		r.ByReason[string(why)] += n
	}
}

func (c *IngestCmd) print(out io.Writer, r Result) error {
	if c.JSON {
		return json.NewEncoder(out).Encode(r)
	}
	fmt.Fprintf(out, "accepted %d (of them revisions %d), rejected %d, duplicates %d in %.1f s\n", r.Accepted, r.Revisions, r.Rejected, r.Duplicates, r.WallS)
	reasons := make([]string, 0, len(r.ByReason))
	for why := range r.ByReason {
		reasons = append(reasons, why)
	}
	slices.Sort(reasons)
	for _, why := range reasons {
		fmt.Fprintf(out, "  %-16s %d\n", why, r.ByReason[why])
	}
	return nil
}
