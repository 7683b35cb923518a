package emission

import (
	"cmp"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"

	"tideway/internal/fault"
	"tideway/unit"
)

// Row is one row of a table with the columns of the EMEP/EEA hot table: a
// function, the speed at which it is checked and the guidebook's own value
// there (NaN where the table gives none).
type Row struct {
	Line       int
	Name       string // category, fuel, segment, Euro standard, technology, pollutant, mode, slope, load
	Function   Function
	CheckSpeed unit.Speed
	Check      float64 // g/km or MJ/km
}

var nameColumns = []string{"Category", "Fuel", "Segment", "EuroStandard", "Technology", "Pollutant", "Mode", "RoadSlope", "Load"}

var numberColumns = []string{"MinSpeed_kmh", "MaxSpeed_kmh", "Alpha", "Beta", "Gamma", "Delta", "Epsilon", "Zita", "Hta", "ReductionFactor_perc", "CheckSpeed_kmh"}

const checkColumn = "CheckEF_gkm_or_MJkm"

// ReadRows reads a CSV table with the columns of the EMEP/EEA hot table; where
// names the input in problems. Every problem is reported, with its line. Extra
// columns are ignored; the check column may be absent or empty.
func ReadRows(r io.Reader, where string) ([]Row, error) {
	c := csv.NewReader(r)
	c.ReuseRecord = true
	head, err := c.Read()
	if err != nil {
		return nil, fmt.Errorf("reading %s: no header line: %w", where, err)
	}
	at, err := columns(slices.Clone(head), where)
	if err != nil {
		return nil, err
	}
	var rows []Row
	var bad fault.List
	for {
		rec, err := c.Read()
		if err == io.EOF {
			return rows, bad.Err("reading " + where)
		}
		if err != nil {
			bad.Add(where, err) // the csv error names the line
			if !errors.Is(err, csv.ErrFieldCount) {
				return rows, bad.Err("reading " + where)
			}
			continue
		}
		line, _ := c.FieldPos(0)
		rows = append(rows, row(rec, at, line, where, &bad))
	}
}

func columns(head []string, where string) (map[string]int, error) {
	at := map[string]int{}
	for i, h := range head {
		at[h] = i
	}
	var bad fault.List
	for _, n := range numberColumns {
		if _, ok := at[n]; !ok {
			bad.Addf(where+":1", n, "column is missing")
		}
	}
	return at, bad.Err("reading " + where)
}

func row(rec []string, at map[string]int, line int, where string, bad *fault.List) Row {
	num := func(name string) float64 {
		v, err := strconv.ParseFloat(rec[at[name]], 64)
		if err != nil {
			bad.Addf(fmt.Sprintf("%s:%d", where, line), name, "found %q, expected a number", rec[at[name]])
		}
		return v
	}
	out := Row{Line: line, Check: math.NaN(), CheckSpeed: unit.Speed(num("CheckSpeed_kmh")) * unit.KMH}
	out.Function = Function{
		VMin: unit.Speed(num("MinSpeed_kmh")) * unit.KMH, VMax: unit.Speed(num("MaxSpeed_kmh")) * unit.KMH,
		Alpha: num("Alpha"), Beta: num("Beta"), Gamma: num("Gamma"), Delta: num("Delta"),
		Epsilon: num("Epsilon"), Zeta: num("Zita"), Eta: num("Hta"), Reduction: unit.Share(num("ReductionFactor_perc")),
	}
	if i, ok := at[checkColumn]; ok && rec[i] != "" {
		out.Check = num(checkColumn)
	}
	for _, n := range nameColumns {
		if i, ok := at[n]; ok && rec[i] != "" {
			out.Name += rec[i] + "|"
		}
	}
	return out
}

// Checked is how a table's functions compare with its own check values.
type Checked struct {
	Values    []float64 // the factor of every row at its check speed, g/km or MJ/km
	Checked   int       // rows that carry a check value
	Undefined []int     // rows whose function is 0/0 and is taken as zero
	Worst     []Deviation
	MaxRelDev float64 // largest relative deviation over the checked rows
}

// Deviation is a row whose value differs from its check value.
type Deviation struct {
	Row    int     `json:"row"`
	Line   int     `json:"line"`
	Name   string  `json:"name"`
	Value  float64 `json:"value"`
	Check  float64 `json:"check"`
	RelDev float64 `json:"rel_dev"`
}

// worstShown bounds Checked.Worst.
const worstShown = 10

// Check evaluates every row at its check speed and compares with its check
// value. A deviation from a check value of zero counts in full (relative
// deviation 1) unless the value is zero too.
func Check(rows []Row) Checked {
	out := Checked{Values: make([]float64, len(rows)), Worst: []Deviation{}}
	var devs []Deviation
	for i, r := range rows {
		v, defined := r.Function.At(r.CheckSpeed)
		out.Values[i] = v
		if !defined {
			out.Undefined = append(out.Undefined, i)
		}
		if math.IsNaN(r.Check) {
			continue
		}
		out.Checked++
		if d := relDev(v, r.Check); d > 0 {
			devs = append(devs, Deviation{i, r.Line, r.Name, v, r.Check, d})
		}
	}
	slices.SortStableFunc(devs, func(a, b Deviation) int { return cmp.Compare(b.RelDev, a.RelDev) })
	if len(devs) > 0 {
		out.MaxRelDev = devs[0].RelDev
		out.Worst = devs[:min(len(devs), worstShown)]
	}
	return out
}

func relDev(v, want float64) float64 {
	if v == want {
		return 0
	}
	if want == 0 {
		return 1
	}
	return math.Abs(v-want) / math.Abs(want)
}
