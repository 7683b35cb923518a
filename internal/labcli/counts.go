package labcli

import (
	"cmp"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"tideway/geo"
	"tideway/internal/fault"
	"tideway/scenarios"
	"tideway/sim"
)

// Counting names counts to judge a simulation by.
type Counting struct {
	Counts         string `placeholder:"FILE" help:"Counted flows (CSV: segment_id or sensor_id, begin, flow_vph, day): judge by GEH and FHWA's criteria of 2019."`
	CountsInterval Moment `name:"counts-interval" placeholder:"T" help:"Length of the counts' intervals; the least time between two begins when left out."`
}

// countColumns are the columns of a table of counts. One of segment_id and
// sensor_id is needed; without day all counts are of one day.
var countColumns = []string{"segment_id", "sensor_id", "day", "begin", "flow_vph"}

// readCounts reads a table of counts (docs/guide-engineer.md) of intervals of
// the given length; 0: the least time between two begins. Every problem is
// returned at once, with its line.
func readCounts(r io.Reader, file string, interval time.Duration, city *geo.City) (*scenarios.Counts, error) {
	rows := csv.NewReader(r)
	head, err := rows.Read()
	if err != nil {
		return nil, fmt.Errorf("reading counts: %s: %w", file, err)
	}
	var bad fault.List
	t := countTable{city: city, at: map[string]int{}, file: file, bad: &bad}
	t.header(head)
	out := &scenarios.Counts{Interval: interval}
	for {
		row, err := rows.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			bad.Add(file, err)
			break
		}
		t.line, _ = rows.FieldPos(0)
		switch c, ok := t.row(row); {
		case ok && c.Segment == geo.NoSegment:
			out.Unplaced++
		case ok:
			out.Rows = append(out.Rows, c)
		}
	}
	if interval == 0 {
		out.Interval = spacing(out.Rows)
	}
	if bad.Len() == 0 && out.Interval == 0 && len(out.Rows) > 0 {
		bad.Addf(file, "begin", "the counts name no two times, whose distance would be the interval: name it with --counts-interval")
	}
	return out, bad.Err("reading counts")
}

// countTable reads rows by the names in the header.
type countTable struct {
	city *geo.City
	at   map[string]int
	file string
	line int
	bad  *fault.List
}

func (t *countTable) header(names []string) {
	for i, n := range names {
		n = strings.TrimPrefix(strings.TrimSpace(n), "\ufeff")
		if !slices.Contains(countColumns, n) {
			t.bad.Addf(t.file+":1", n, "is no column of counts, expected %s", strings.Join(countColumns, ", "))
		}
		t.at[n] = i
	}
	_, segment := t.at["segment_id"]
	_, sensor := t.at["sensor_id"]
	if segment == sensor {
		t.bad.Addf(t.file+":1", "", "expected exactly one of the columns segment_id and sensor_id")
	}
	for _, n := range []string{"begin", "flow_vph"} {
		if _, ok := t.at[n]; !ok {
			t.bad.Addf(t.file+":1", n, "the column is missing")
		}
	}
}

func (t *countTable) field(row []string, name string) string {
	if i, ok := t.at[name]; ok && i < len(row) {
		return strings.TrimSpace(row[i])
	}
	return ""
}

func (t *countTable) problem(id, format string, args ...any) {
	t.bad.Addf(fmt.Sprintf("%s:%d", t.file, t.line), id, format, args...)
}

// row reads one count; an empty flow is none.
func (t *countTable) row(row []string) (c scenarios.Count, ok bool) {
	if t.field(row, "flow_vph") == "" {
		return c, false
	}
	before := t.bad.Len()
	var err error
	if c.FlowVPH, err = strconv.ParseFloat(t.field(row, "flow_vph"), 64); err != nil || !(c.FlowVPH >= 0) || math.IsInf(c.FlowVPH, 0) {
		t.problem("flow_vph", "is %q, expected a number of 0 or more", t.field(row, "flow_vph"))
	}
	var m Moment
	if err := m.UnmarshalText([]byte(t.field(row, "begin"))); err != nil {
		t.problem("begin", "%v", err)
	}
	c.Begin, c.Day, c.Segment = m.At, t.field(row, "day"), t.segment(row)
	return c, t.bad.Len() == before
}

// segment finds the place of a count; NoSegment for a sensor beside the network.
func (t *countTable) segment(row []string) geo.SegmentID {
	if id := t.field(row, "segment_id"); id != "" {
		s, ok := t.city.Segments.Find(id)
		if !ok {
			t.problem(id, "is not a segment of the city")
		}
		return s
	}
	id := t.field(row, "sensor_id")
	s, ok := t.city.Sensors.Find(id)
	if !ok {
		t.problem(id, "is not a sensor of the city")
		return geo.NoSegment
	}
	return t.city.Sensors.At(s).Segment
}

// spacing returns the least time between two begins, 0 when there is one only.
func spacing(rows []scenarios.Count) (least time.Duration) {
	var at []time.Duration
	for _, r := range rows {
		at = append(at, r.Begin)
	}
	slices.Sort(at)
	at = slices.Compact(at)
	for i := 1; i < len(at); i++ {
		if d := at[i] - at[i-1]; least == 0 || d < least {
			least = d
		}
	}
	return least
}

// read reads the counts, nil when no file is named, and checks that they fit
// the period.
func (c *Counting) read(city *geo.City, period sim.Input) (*scenarios.Counts, error) {
	if c.Counts == "" {
		return nil, nil
	}
	f, err := os.Open(c.Counts)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	counts, err := readCounts(f, c.Counts, c.CountsInterval.At, city)
	if err != nil {
		return nil, err
	}
	return counts, counts.Check(period)
}

// printCalibration writes the fit, the worst places first.
func printCalibration(b *strings.Builder, c *scenarios.Calibration) {
	if c == nil {
		return
	}
	fmt.Fprintf(b, "\ncalibration, %d replications, %s\n", c.Replications, c)
	fmt.Fprintf(b, "  %-20s %5s %9s %9s %6s  %s\n", "segment", "days", "counted", "simulated", "GEH", "FHWA 2019: within 1.96σ, 1σ, critical, errors (bounds)")
	places := slices.Clone(c.Places)
	slices.SortStableFunc(places, func(x, y scenarios.PlaceFit) int { return cmp.Compare(y.GEH, x.GEH) })
	for _, p := range places {
		fmt.Fprintf(b, "  %-20s %5d %9.0f %9.0f %6.1f  %s\n", p.Segment, p.Days, p.CountedVPH, p.SimulatedVPH, p.GEH, fitText(p.Fit))
	}
	if c.Outside > 0 {
		fmt.Fprintf(b, "  %d counts lie outside of the period\n", c.Outside)
	}
	if c.Unplaced > 0 {
		fmt.Fprintf(b, "  %d counts are of sensors that stand on no segment\n", c.Unplaced)
	}
}

func fitText(f *scenarios.Fit) string {
	if f == nil {
		return "-"
	}
	verdict := "not met"
	if f.Acceptable {
		verdict = "met"
	}
	return fmt.Sprintf("%s: %.0f %%, %.0f %%, %v, %.0f (%.0f) and %+.0f (±%.0f)", verdict, 100*f.Within2Sigma, 100*f.Within1Sigma, f.Critical, f.AbsError, f.AbsErrorBound, f.MeanError, f.AbsErrorBound/3)
}
