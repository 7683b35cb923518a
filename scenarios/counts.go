package scenarios

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"math"
	"slices"
	"time"

	"tideway/geo"
	"tideway/internal/fault"
	"tideway/sim"
)

// Count is the flow that was counted on a segment during an interval of a day.
type Count struct {
	Segment geo.SegmentID
	Day     string        // any label; counts of one day share it
	Begin   time.Duration // on the demand's clock
	FlowVPH float64
}

// Counts are counts in intervals of one length.
type Counts struct {
	Interval time.Duration
	Rows     []Count
	Unplaced int // counts of sensors that stand on no segment
}

// Calibration tells how well simulated flows fit counted ones.
type Calibration struct {
	IntervalS    float64    `json:"interval_s"`
	BeginS       float64    `json:"begin_s"` // of the counted part of the period
	EndS         float64    `json:"end_s"`
	Replications int        `json:"replications"`
	Places       []PlaceFit `json:"places"`
	GEHBelow5    float64    `json:"geh_below_5"`   // share of places
	GEHMet       bool       `json:"geh_met"`       // at least 85 %
	Judged       int        `json:"fhwa_judged"`   // places with three counted days or more
	Replicated   int        `json:"fhwa_accepted"` // of those, how many fulfil all four criteria
	Outside      int        `json:"outside"`       // counts outside of the period, not used
	Unplaced     int        `json:"unplaced"`      // of sensors that stand on no segment, not used
}

// PlaceFit is the fit at one segment.
type PlaceFit struct {
	Segment      string  `json:"segment"`
	Days         int     `json:"days"`
	Intervals    int     `json:"intervals"`
	CountedVPH   float64 `json:"counted_vph"` // of the representative day, mean over the intervals
	SimulatedVPH float64 `json:"simulated_vph"`
	GEH          float64 `json:"geh"`
	Day          string  `json:"representative_day"` // the day nearest to the mean of all
	Fit          *Fit    `json:"fhwa,omitempty"`     // the four criteria; needs three days
}

// gehShareWanted is the usual demand: GEH below 5 at 85 % of the places.
const gehShareWanted = 0.85

// Check returns every reason why the counts do not fit the period.
func (c *Counts) Check(period sim.Input) error {
	var bad fault.List
	if c.Interval < time.Minute || c.Interval > 24*time.Hour {
		bad.Addf("counts", "", "interval is %v, expected 1 min to 24 h", c.Interval)
		return bad.Err("calibrating")
	}
	used := 0
	for _, r := range c.Rows {
		if c.inside(r, period) {
			used++
			if (r.Begin-period.Begin)%c.Interval != 0 {
				bad.Addf("counts", "", "an interval begins at %v, the period at %v: expected a multiple of %v between them", r.Begin, period.Begin, c.Interval)
			}
		}
	}
	if used == 0 {
		bad.Addf("counts", "", "none of %d counts lies within the period from %v to %v", len(c.Rows), period.Begin, period.End)
	}
	return bad.Err("calibrating")
}

func (c *Counts) inside(r Count, period sim.Input) bool {
	return r.Begin >= period.Begin && r.Begin+c.Interval <= period.End
}

// Calibrate simulates replications of a case, the seeds following that of the
// period, and judges them by the counts.
func (c *Counts) Calibrate(ctx context.Context, side *Case, period sim.Input, replications int) (*Calibration, error) {
	if err := c.Check(period); err != nil {
		return nil, err
	}
	var runs []*sim.Result
	for r := range replications {
		in := period
		in.City, in.Demand, in.Seed, in.Interval, in.Log = side.City, side.Demand, period.Seed+uint64(r), c.Interval, false
		res, err := sim.Run(ctx, in, nil)
		if err != nil {
			return nil, err
		}
		runs = append(runs, res)
	}
	return c.Judge(side.City, period, runs), nil
}

// Judge compares the flows that leave segments, mean over runs whose tables
// have the counts' interval, with counts that pass Check.
func (c *Counts) Judge(city *geo.City, period sim.Input, runs []*sim.Result) *Calibration {
	out := &Calibration{IntervalS: c.Interval.Seconds(), Replications: len(runs), Unplaced: c.Unplaced, Places: []PlaceFit{}}
	begin, end := time.Duration(math.MaxInt64), time.Duration(0)
	var places []geo.SegmentID
	for _, r := range c.Rows {
		if !c.inside(r, period) {
			out.Outside++
			continue
		}
		places = append(places, r.Segment)
		begin, end = min(begin, r.Begin), max(end, r.Begin+c.Interval)
	}
	slices.Sort(places)
	for _, s := range slices.Compact(places) {
		out.add(c.place(city, s, period, runs))
	}
	out.BeginS, out.EndS = begin.Seconds(), end.Seconds()
	out.GEHBelow5 /= float64(len(out.Places))
	out.GEHMet = out.GEHBelow5 >= gehShareWanted
	return out
}

func (c *Calibration) add(p PlaceFit) {
	c.Places = append(c.Places, p)
	c.GEHBelow5 += share(p.GEH < 5, 1)
	if p.Fit != nil {
		c.Judged++
		if p.Fit.Acceptable {
			c.Replicated++
		}
	}
}

// place judges one segment over the intervals that its days have.
func (c *Counts) place(city *geo.City, s geo.SegmentID, period sim.Input, runs []*sim.Result) PlaceFit {
	days, names, at := c.daysOf(s, period)
	simulated := make([]float64, len(at))
	for i, begin := range at {
		for _, r := range runs {
			k := int((begin - period.Begin) / c.Interval)
			simulated[i] += float64(r.Segments.Left[r.Segments.Row(k, s)]) / c.Interval.Hours() / float64(len(runs))
		}
	}
	day := representative(days)
	p := PlaceFit{Segment: city.Segments.At(s).ID, Days: len(days), Intervals: len(at), Day: names[day], CountedVPH: mean(days[day]), SimulatedVPH: mean(simulated)}
	p.GEH = GEH(p.SimulatedVPH, p.CountedVPH)
	if fit, err := Replicates(simulated, days, day, criticalOf(days[day])); err == nil {
		p.Fit = &fit
	}
	return p
}

// daysOf returns the counted days of a segment, their names and the begins of
// the intervals: those of the fullest day. A day that lacks one of them is left
// out.
func (c *Counts) daysOf(s geo.SegmentID, period sim.Input) (days [][]float64, names []string, at []time.Duration) {
	flow := map[string]map[time.Duration]float64{}
	for _, r := range c.Rows {
		if r.Segment != s || !c.inside(r, period) {
			continue
		}
		if flow[r.Day] == nil {
			flow[r.Day] = map[time.Duration]float64{}
		}
		flow[r.Day][r.Begin] += r.FlowVPH // sensors of several lanes add up
	}
	all := slices.Sorted(maps.Keys(flow))
	fullest := slices.MaxFunc(all, func(a, b string) int { return len(flow[a]) - len(flow[b]) })
	at = slices.Sorted(maps.Keys(flow[fullest]))
	for _, d := range all {
		row := make([]float64, len(at))
		whole := true
		for i, b := range at {
			v, has := flow[d][b]
			row[i], whole = v, whole && has
		}
		if whole {
			days, names = append(days, row), append(names, d)
		}
	}
	return days, names, at
}

// representative returns the day nearest to the mean of all, by squared
// distance over the intervals.
func representative(days [][]float64) (best int) {
	least := math.Inf(1)
	for d := range days {
		var far float64
		for t := range days[d] {
			var centre float64
			for _, other := range days {
				centre += other[t] / float64(len(days))
			}
			far += (days[d][t] - centre) * (days[d][t] - centre)
		}
		if far < least {
			best, least = d, far
		}
	}
	return best
}

// criticalOf returns the two intervals that matter most and do not follow one
// another: those with most traffic.
func criticalOf(day []float64) (out []int) {
	order := make([]int, len(day))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(day[b], day[a]) })
	for _, t := range order {
		if len(out) == 0 || len(out) == 1 && (t-out[0] > 1 || out[0]-t > 1) {
			out = append(out, t)
		}
	}
	return out
}

func mean(v []float64) (m float64) {
	for _, x := range v {
		m += x / float64(len(v))
	}
	return m
}

// String returns the verdict in a line.
func (c *Calibration) String() string {
	return fmt.Sprintf("GEH below 5 at %.0f %% of %d places (85 %% wanted); FHWA's four criteria of 2019 hold at %d of %d places with three counted days or more",
		100*c.GEHBelow5, len(c.Places), c.Replicated, c.Judged)
}
