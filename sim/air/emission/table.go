package emission

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	_ "embed"
	"encoding/csv"
	"encoding/hex"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"sync"

	"tideway/internal/fault"
	"tideway/unit"
)

// emep2019 is made from the full table by bench/air/emeptable.
//
//go:embed emep2019.csv.gz
var emep2019 []byte

// Source names where the shipped coefficients come from.
const Source = "EMEP/EEA air pollutant emission inventory guidebook 2019, 1.A.3.b road transport, tier-3 hot emission functions (c) EEA, re-used with attribution"

// Pollutant names a function of a class in the table.
type Pollutant uint8

// The pollutants with functions of their own. PM is exhaust particles, which
// are PM2.5 to 98 % and counted as such; EC is energy.
const (
	NOx Pollutant = iota
	CO
	PM
	EC
	pollutants
)

var pollutantNames = [pollutants]string{"NOx", "CO", "PM", "EC"}

// String returns the guidebook's name: NOx, CO, PM, EC.
func (p Pollutant) String() string { return pollutantNames[p] }

// ParsePollutant returns the pollutant of that name, or an error listing the names.
func ParsePollutant(name string) (Pollutant, error) {
	for i, n := range pollutantNames {
		if strings.EqualFold(n, name) {
			return Pollutant(i), nil
		}
	}
	return 0, fmt.Errorf("pollutant %q is not known, expected one of %s", name, strings.Join(pollutantNames[:], ", "))
}

// Class is one vehicle class: its functions over slope and load, and what
// follows from its name (category, fuel, Euro standard).
type Class struct {
	ID       string // PC_D_IV, HGV_AT34-40_VI D/E, ...: the guidebook's vocabulary
	Category Category
	Fuel     Fuel
	Euro     Euro
	hot      [pollutants]surface
	no2      float64 // primary NO2 share of NOx by mass as NO2
}

// surface holds the functions of one pollutant over slope (rows) and load
// (columns); cars, vans and two-wheelers have one slope and one load.
type surface struct {
	slopes, loads []float64
	f             []Function   // slope-major
	at            [][2]float64 // slope and load of each function, while reading
}

// Table is a set of vehicle classes by id. It is immutable.
type Table struct {
	classes []Class
	byID    map[string]int
}

// Default returns the table that ships with the program.
func Default() *Table { return shipped() }

var shipped = sync.OnceValue(func() *Table {
	t, err := readShipped()
	if err != nil {
		panic("emission: the embedded table is damaged: " + err.Error())
	}
	return t
})

// Version names the coefficients of Default: others have another version.
func Version() string {
	sum := sha256.Sum256(emep2019)
	return "emep2019-" + hex.EncodeToString(sum[:4])
}

func readShipped() (*Table, error) {
	z, err := gzip.NewReader(bytes.NewReader(emep2019))
	if err != nil {
		return nil, err
	}
	return ReadTable(z, "emep2019.csv")
}

// ReadTable reads a compact table: class, pollutant, slope, load, speed range,
// coefficients, reduction. Rows of a class must form a full grid of slopes and
// loads. Every problem is reported with its line.
func ReadTable(r io.Reader, where string) (*Table, error) {
	c := csv.NewReader(r)
	c.ReuseRecord = true
	c.FieldsPerRecord = 14
	if _, err := c.Read(); err != nil {
		return nil, fmt.Errorf("reading %s: no header line of 14 columns: %w", where, err)
	}
	b := builder{t: &Table{byID: map[string]int{}}, where: where}
	for {
		rec, err := c.Read()
		if err == io.EOF {
			return b.finish()
		}
		if err != nil {
			return nil, fmt.Errorf("reading %s: %w", where, err)
		}
		line, _ := c.FieldPos(0)
		b.add(rec, line)
	}
}

type builder struct {
	t     *Table
	where string
	bad   fault.List
}

func (b *builder) add(rec []string, line int) {
	where := fmt.Sprintf("%s:%d", b.where, line)
	p, err := ParsePollutant(rec[1])
	if err != nil {
		b.bad.Addf(where, rec[0], "%v", err)
		return
	}
	var x [12]float64
	for i := range x {
		if x[i], err = strconv.ParseFloat(rec[i+2], 64); err != nil {
			b.bad.Addf(where, rec[0], "column %d is %q, expected a number", i+3, rec[i+2])
			return
		}
	}
	i, err := b.class(rec[0])
	if err != nil {
		b.bad.Addf(where, rec[0], "%v", err)
		return
	}
	b.t.classes[i].hot[p].add(x[0], x[1], Function{
		VMin: unit.Speed(x[2]) * unit.KMH, VMax: unit.Speed(x[3]) * unit.KMH,
		Alpha: x[4], Beta: x[5], Gamma: x[6], Delta: x[7], Epsilon: x[8], Zeta: x[9], Eta: x[10], Reduction: unit.Share(x[11]),
	})
}

func (b *builder) class(id string) (int, error) {
	if i, ok := b.t.byID[id]; ok {
		return i, nil
	}
	c, err := newClass(id)
	if err != nil {
		return 0, err
	}
	b.t.byID[c.ID] = len(b.t.classes)
	b.t.classes = append(b.t.classes, c)
	return len(b.t.classes) - 1, nil
}

func (s *surface) add(slope, load float64, f Function) {
	if !slices.Contains(s.slopes, slope) {
		s.slopes = append(s.slopes, slope)
	}
	if !slices.Contains(s.loads, load) {
		s.loads = append(s.loads, load)
	}
	s.f = append(s.f, f)
	s.at = append(s.at, [2]float64{slope, load})
}

func (b *builder) finish() (*Table, error) {
	for i := range b.t.classes {
		c := &b.t.classes[i]
		for p := range c.hot {
			if !c.hot[p].order() {
				b.bad.Addf(b.where, c.ID, "%s: the rows are no full grid of slopes and loads", Pollutant(p))
			}
		}
	}
	return b.t, b.bad.Err("reading " + b.where)
}
