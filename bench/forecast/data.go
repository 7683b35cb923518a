package main

import (
	"compress/gzip"
	"encoding/csv"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"tideway/forecast"
	"tideway/forecast/backtest"
	"tideway/internal/testdata"
)

// open calls read with the text of a compressed file of the traffic data.
func open(name string, read func(io.Reader) error) error {
	f, err := os.Open(filepath.Join(testdata.Base(), "traffic", filepath.FromSlash(name)))
	if err != nil {
		return fmt.Errorf("data set %q is not at hand (set TIDEWAY_DATA)", name)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		return err
	}
	return read(z)
}

func readTable(name string, cfg backtest.TableConfig) (t *backtest.Table, err error) {
	return t, open(name, func(r io.Reader) error {
		t, err = backtest.ReadTable(r, name, cfg)
		return err
	})
}

func readAdjacency(name string, sensors []string) (rel backtest.Relation, err error) {
	return rel, open(name, func(r io.Reader) error {
		rel, err = backtest.ReadAdjacency(r, name, sensors)
		return err
	})
}

// grid collects values by sensor and instant and lays them on a regular grid.
type grid struct {
	interval time.Duration
	values   map[string]map[int64]float32 // by sensor, by end in Unix seconds
}

func (g *grid) set(sensor string, end time.Time, v float32) {
	if g.values[sensor] == nil {
		g.values[sensor] = map[int64]float32{}
	}
	if _, twice := g.values[sensor][end.Unix()]; !twice { // the hour that winter time repeats counts once
		g.values[sensor][end.Unix()] = v
	}
}

// table keeps the sensors that pass.
func (g *grid) table(first, last time.Time, keep func(values map[int64]float32) bool) *backtest.Table {
	t := &backtest.Table{Interval: g.interval}
	for id, v := range g.values {
		if keep(v) {
			t.Sensors = append(t.Sensors, id)
		}
	}
	slices.Sort(t.Sensors)
	for end := first; !end.After(last); end = end.Add(g.interval) {
		t.RowOf, t.Ends = append(t.RowOf, len(t.Ends)), append(t.Ends, end.UTC())
		for _, id := range t.Sensors {
			v, ok := g.values[id][end.Unix()]
			if !ok {
				v = float32(math.NaN())
			}
			t.Values = append(t.Values, v)
		}
	}
	return t
}

// readScats reads counts of signal approaches; approaches with less than nine
// tenths of the three weeks are left out.
func readScats(zone *time.Location) (*backtest.Table, error) {
	g := &grid{interval: 15 * time.Minute, values: map[string]map[int64]float32{}}
	err := open("scats_boroondara/volumes_15min_2006_10_01-21.csv.gz", func(r io.Reader) error {
		in := csv.NewReader(r)
		in.FieldsPerRecord = -1
		rows, err := in.ReadAll()
		if err != nil {
			return err
		}
		for _, row := range rows[1:] {
			day, err := time.ParseInLocation("2/1/2006", row[9], zone)
			if err != nil {
				return err
			}
			for k := range 96 {
				end := time.Date(day.Year(), day.Month(), day.Day(), 0, 15*(k+1), 0, 0, zone)
				if v, err := strconv.ParseFloat(row[10+k], 32); err == nil {
					g.set(row[0]+" "+row[1], end, float32(v))
				}
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	first := time.Date(2006, 10, 1, 0, 15, 0, 0, zone)
	last := time.Date(2006, 10, 22, 0, 0, 0, 0, zone)
	return g.table(first, last, func(v map[int64]float32) bool { return len(v) > 9*21*96/10 }), nil
}

// readBerlin reads hourly flows of all months; cross-sections with less than
// four fifths of the hours before split are left out. It returns the rows
// before split.
func readBerlin(zone *time.Location, split time.Time) (*backtest.Table, int, error) {
	g := &grid{interval: time.Hour, values: map[string]map[int64]float32{}}
	first, last := time.Date(2023, 1, 1, 1, 0, 0, 0, zone), time.Time{}
	for month := first; ; month = month.AddDate(0, 1, 0) {
		name := "berlin_hourly/" + month.Format("mq_hr_2006_01.csv.gz")
		if _, err := os.Stat(filepath.Join(testdata.Base(), "traffic", name)); err != nil && !last.IsZero() {
			break
		}
		if err := open(name, func(r io.Reader) error { return readMonth(r, zone, g, &last) }); err != nil {
			return nil, 0, err
		}
	}
	hours := int(split.Sub(first)/time.Hour) + 1
	t := g.table(first, last, func(v map[int64]float32) bool {
		n := 0
		for end := range v {
			if end <= split.Unix() {
				n++
			}
		}
		return n > 4*hours/5
	})
	return t, hours, nil
}

func readMonth(r io.Reader, zone *time.Location, g *grid, last *time.Time) error {
	in := csv.NewReader(r)
	in.Comma, in.FieldsPerRecord = ';', -1
	rows, err := in.ReadAll()
	if err != nil {
		return err
	}
	for _, row := range rows[1:] {
		day, err := time.ParseInLocation("02.01.2006", row[1], zone)
		if err != nil {
			return err
		}
		hour, err := strconv.Atoi(row[2])
		if err != nil {
			return err
		}
		v, err := strconv.ParseFloat(strings.TrimSpace(row[4]), 32)
		if err != nil || v < 0 {
			continue
		}
		end := time.Date(day.Year(), day.Month(), day.Day(), hour, 0, 0, 0, zone).Add(time.Hour)
		g.set(row[0], end, float32(v))
		if end.After(*last) {
			*last = end
		}
	}
	return nil
}

// byDay splits errors by whether the target lies on a public holiday.
type byDay struct {
	t       *backtest.Table
	sensor  map[string]int
	holiday []bool // of each step
	abs     [2][3]float64
	truth   [2][3]float64
}

func newByDay(t *backtest.Table, zone *time.Location, h forecast.Holidays) *byDay {
	b := &byDay{t: t, sensor: map[string]int{}}
	for i, id := range t.Sensors {
		b.sensor[id] = i
	}
	for _, end := range t.Ends {
		y, m, d := end.Add(-t.Interval).In(zone).Date()
		b.holiday = append(b.holiday, h(y, m, d) == forecast.DayOff)
	}
	return b
}

func (b *byDay) add(p backtest.Prediction) error {
	at, k := p.Origin+p.Step, 0 // the table has a row for every step
	if b.holiday[at] {
		k = 1
	}
	y := b.t.Values[at*len(b.t.Sensors)+b.sensor[p.Sensor]]
	if e := math.Abs(float64(p.Predicted - y)); e == e {
		b.abs[k][p.Step-1] += e
		b.truth[k][p.Step-1] += float64(y)
	}
	return nil
}

func (b *byDay) print() {
	for k, what := range []string{"other days", "public holidays"} {
		fmt.Printf("serving model, %s: wape at 1, 2, 3 h", what)
		for s := range b.abs[k] {
			fmt.Printf(" %.2f %%", 100*b.abs[k][s]/b.truth[k][s])
		}
		fmt.Println()
	}
}
