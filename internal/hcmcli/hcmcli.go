// Package hcmcli is the body of `tideway hcm`: it reads lane groups from a CSV
// table, one a row, and answers with their delays after the Highway Capacity
// Manual (package sim/signal).
package hcmcli

import (
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/alecthomas/kong"

	"tideway/internal/fault"
	"tideway/sim/signal"
	"tideway/unit"
)

// Cmd is the command `tideway hcm`.
type Cmd struct {
	In   string `required:"" help:"CSV with columns C, g_eff, capacity, X (s, s, veh/h, share); optional v, T_h, k, I, arrival_type, P, Qb."`
	JSON bool   `name:"json" help:"Print one JSON object."`
}

// Row is the answer to one row, in the order of the file.
type Row struct {
	D1      float64 `json:"d1_s"`
	D2      float64 `json:"d2_s"`
	D3      float64 `json:"d3_s"`
	DelayS  float64 `json:"delay_s"`
	X       float64 `json:"x"`
	LOS     string  `json:"los"`
	QueueAt float64 `json:"queue_end_veh"`
}

// Run reads the file and prints the answers.
func (c *Cmd) Run(k *kong.Context) error {
	f, err := os.Open(c.In)
	if err != nil {
		return err
	}
	defer f.Close()
	rows, err := Solve(f, c.In)
	if err != nil {
		return err
	}
	if c.JSON {
		return json.NewEncoder(k.Stdout).Encode(map[string][]Row{"rows": rows})
	}
	return table(k.Stdout, rows)
}

func table(out io.Writer, rows []Row) error {
	fmt.Fprintf(out, "%8s %8s %8s %8s %6s  LOS\n", "d1_s", "d2_s", "d3_s", "delay_s", "x")
	for _, r := range rows {
		if _, err := fmt.Fprintf(out, "%8.2f %8.2f %8.2f %8.2f %6.3f  %s\n", r.D1, r.D2, r.D3, r.DelayS, r.X, r.LOS); err != nil {
			return err
		}
	}
	return nil
}

// required and optional columns; others are ignored.
var required = []string{"C", "g_eff", "capacity", "X"}

// Solve reads lane groups from CSV and returns their delays in order. All
// problems are returned together, as file:line with the column and the value.
func Solve(r io.Reader, file string) ([]Row, error) {
	in := csv.NewReader(r)
	header, err := in.Read()
	if err != nil {
		return nil, fmt.Errorf("%s:1: reading the header: %w", file, err)
	}
	var bad fault.List
	columns := index(header, file, &bad)
	if err := bad.Err("reading lane groups"); err != nil {
		return nil, err
	}
	var rows []Row
	for {
		record, err := in.Read()
		if errors.Is(err, io.EOF) {
			return rows, bad.Err("reading lane groups")
		}
		if err != nil {
			bad.Add(file, err)
			return nil, bad.Err("reading lane groups")
		}
		line, _ := in.FieldPos(0)
		rows = append(rows, row{columns, record, fmt.Sprintf("%s:%d", file, line), &bad}.answer())
	}
}

func index(header []string, file string, bad *fault.List) map[string]int {
	columns := map[string]int{}
	for i, h := range header {
		columns[strings.TrimPrefix(strings.TrimSpace(h), "\ufeff")] = i
	}
	for _, name := range required {
		if _, ok := columns[name]; !ok && !(name == "X" && slices.Contains(header, "v")) {
			bad.Addf(file+":1", name, "column is missing, expected %s", strings.Join(required, ", "))
		}
	}
	return columns
}

// row reads the cells of one line by column name.
type row struct {
	columns map[string]int
	record  []string
	where   string
	bad     *fault.List
}

func (r row) has(name string) bool {
	i, ok := r.columns[name]
	return ok && strings.TrimSpace(r.record[i]) != ""
}

func (r row) number(name string) float64 {
	if !r.has(name) {
		if slices.Contains(required, name) {
			r.bad.Addf(r.where, name, "is empty, expected a number")
		}
		return 0
	}
	v, err := strconv.ParseFloat(strings.TrimSpace(r.record[r.columns[name]]), 64)
	if err != nil || math.IsNaN(v) || math.Abs(v) > 1e9 {
		r.bad.Addf(r.where, name, "is %q, expected a number up to 1e9", r.record[r.columns[name]])
		return 0
	}
	return v
}

// answer returns the delay of the line's lane group; when a cell was unusable
// that has been recorded and the group is not judged too.
func (r row) answer() Row {
	before := r.bad.Len()
	g := r.group()
	if r.bad.Len() > before {
		return Row{}
	}
	d, err := g.Delay()
	r.bad.Add(r.where, err)
	return Row{D1: d.Uniform.Seconds(), D2: d.Incremental.Seconds(), D3: d.Initial.Seconds(),
		DelayS: d.Control.Seconds(), X: d.X, LOS: d.LOS.String(), QueueAt: d.QueueEnd}
}

func (r row) group() signal.LaneGroup {
	s := func(v float64) time.Duration { return time.Duration(math.Round(v * float64(time.Second))) }
	g := signal.LaneGroup{
		Cycle: s(r.number("C")), Green: s(r.number("g_eff")), Capacity: unit.Flow(r.number("capacity")) * unit.VPH,
		Period: s(3600 * r.number("T_h")), K: r.number("k"), I: r.number("I"), Queue: r.number("Qb"),
		Counted: r.has("P"), OnGreen: unit.Share(r.number("P")), Arrival: signal.ArrivalType(math.Max(0, math.Min(255, r.number("arrival_type")))),
	}
	if r.has("v") {
		g.Volume = unit.Flow(r.number("v")) * unit.VPH
	} else {
		g.Volume = g.Capacity * unit.Flow(r.number("X"))
	}
	return g
}
