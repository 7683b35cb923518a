package report

import (
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"html/template"
	"io"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/paulmach/orb"

	"tideway/geo"
	"tideway/scenarios"
	"tideway/sim"
)

// Input is what a report is made of. Comparison and City are needed; without
// Cases there are no timings, without Recordings no diagrams over time, and
// without differences per segment no maps.
type Input struct {
	Comparison *scenarios.Comparison
	City       *geo.City
	Cases      []*scenarios.Case // alternatives in the comparison's order
	Recordings []*Recording      // base, then alternatives: one replication of each
	Period     sim.Input         // what the runs had in common
	Program    string            // version of the program; "" is left out
	Created    time.Time         // zero is left out
	Remarks    []string          // further words on how it was found
}

// Notes on what is shown at most.
const (
	mostSegments = 10
	mostPlans    = 6
	mostCharts   = 2 // segments with charts of queue and delay
	mostPurdue   = 2
	leastPurdue  = 0.005 // change of the share of arrivals on green
	mostAssumed  = 12
)

//go:embed page.html
var pageText string

var page = template.Must(template.New("report").Parse(pageText))

// Write writes the report as one HTML page that asks for nothing else.
func Write(out io.Writer, in Input) error {
	if err := in.check(); err != nil {
		return err
	}
	p := in.page()
	if err := page.Execute(out, p); err != nil {
		return fmt.Errorf("writing the report: %w", err)
	}
	return nil
}

func (in *Input) check() error {
	c := in.Comparison
	switch n := len(c.Alternatives); {
	case in.Cases != nil && len(in.Cases) != n:
		return fmt.Errorf("writing the report: %d cases for %d alternatives", len(in.Cases), n)
	case in.Recordings != nil && len(in.Recordings) != n+1:
		return fmt.Errorf("writing the report: %d recordings for a base and %d alternatives", len(in.Recordings), n)
	}
	return nil
}

// view is what the page's template shows.
type view struct {
	Title, City, Created string
	Alternatives         []alternative
	Several              bool
	Facts                [][2]string
	Assumed              []string
	Notes                []string
	Fit                  *fit
}

type alternative struct {
	Name, Headline, Tally string
	Changes, Warnings     []string
	Rows                  []row
	Forest                template.HTML
	Figures               []figureOf
	Segments              []segmentRow
	Places                []placeRow
	MorePlaces            int
}

// figureOf is a drawing with its heading and caption. Break begins a new page
// in print.
type figureOf struct {
	Heading, Caption string
	Drawings         []template.HTML
	Pair             bool
}

type row struct {
	Name, Unit, Base, Alt, Diff, Percent, Interval, P, Ratio, Verdict, Note string
}

type segmentRow struct {
	Number                                int
	Street, ID, Base, Alt, Diff, Relative string
}

func (in *Input) page() view {
	c := in.Comparison
	names := make([]string, len(c.Alternatives))
	v := view{City: in.City.Name, Several: len(c.Alternatives) > 1}
	for i := range c.Alternatives {
		names[i] = c.Alternatives[i].Name
		v.Alternatives = append(v.Alternatives, in.alternative(i))
	}
	v.Title = strings.Join(names, " · ")
	if !in.Created.IsZero() {
		v.Created = in.Created.Format("2 January 2006, 15:04 MST")
	}
	v.Facts, v.Assumed, v.Notes = in.facts(), in.assumed(), in.notes()
	v.Fit = fitOf(in.Comparison.Calibration)
	return v
}

func (in *Input) alternative(i int) alternative {
	a := &in.Comparison.Alternatives[i]
	out := alternative{Name: a.Name, Headline: headline(in.Comparison, a), Changes: arrows(a.Changes), Warnings: slices.Clone(a.Warnings), Forest: forest(a)}
	if !a.Identical {
		out.Tally = tally(a)
	}
	if a.GridlockShare+in.Comparison.Base.GridlockShare > 0 {
		out.Warnings = append(out.Warnings, fmt.Sprintf("Traffic stood still in %.0f %% of the base's replications and %.0f %% of these: read medians and trips not finished, not means.",
			100*in.Comparison.Base.GridlockShare, 100*a.GridlockShare))
	}
	for _, k := range a.KPIs {
		if k.Base.Known() || k.Alt.Known() {
			out.Rows = append(out.Rows, rowOf(k))
		}
	}
	out.Places, out.MorePlaces = placeRows(a.Places)
	if in.Cases != nil {
		out.Figures = append(out.Figures, in.timings(i)...)
	}
	if d := a.Segments; d != nil && len(d.AltDelayS) == in.City.Segments.Len() && !a.Identical {
		out.Figures = append(out.Figures, in.maps(i)...)
		out.Segments = in.segments(d)
	}
	if in.Recordings != nil && !a.Identical {
		out.Figures = append(out.Figures, in.diagrams(i)...)
	}
	return out
}

func rowOf(k scenarios.KPI) row {
	r := row{Name: label(k.KPI), Unit: k.Unit, Base: number(k.Base), Alt: number(k.Alt), Diff: signed(float64(k.Diff)), Percent: percent(float64(k.Diff), float64(k.Base)),
		P: number(k.PHolm), Ratio: number(k.VarianceRatio), Verdict: verdictWord(k.Better)}
	if k.Lo95.Known() {
		r.Interval = signed(float64(k.Lo95)) + " to " + signed(float64(k.Hi95))
	}
	if float64(k.PHolm) < 0.001 {
		r.P = "< 0.001"
	}
	if k.Bimodal {
		r.Note = fmt.Sprintf("two groups of replications: medians %s and %s", number(k.BaseMedian), number(k.AltMedian))
	}
	return r
}

// timings draws the plans that the scenario changes.
func (in *Input) timings(i int) (out []figureOf) {
	changed := changedSignals(in.City, in.Cases[i:i+1])
	f := figureOf{Heading: "Signal timings", Caption: "Green, yellow and all red over one cycle, seconds of green written inside."}
	for k, s := range changed {
		if k == mostPlans {
			f.Caption += fmt.Sprintf(" %d further signals are changed.", len(changed)-mostPlans)
			break
		}
		was, now := in.City.Signals.At(s).Plan, in.Cases[i].City.Signals.At(s).Plan
		if was == geo.NoPlan || now == geo.NoPlan {
			continue
		}
		f.Drawings = append(f.Drawings, template.HTML("<h4>Signal "+template.HTMLEscapeString(in.City.Signals.At(s).ID)+"</h4>"),
			stageBars(in.City.Plans.At(was), in.Cases[i].City.Plans.At(now)))
	}
	if f.Drawings == nil {
		return nil
	}
	return []figureOf{f}
}

// maps draws where time lost changes, in vehicle-minutes and in per cent.
func (in *Input) maps(i int) []figureOf {
	d := in.Comparison.Alternatives[i].Segments
	value := absolute(d)
	marks := in.marks(i)
	window := focus(in.City, value, marks)
	whole := diffMap{city: in.City, value: value, unit: "veh-min", title: "Change of time lost, " + in.Comparison.Alternatives[i].Name, marks: marks, window: window,
		top: largest(value, numbered), limits: classes(value)}
	share := relative(d)
	ratio := diffMap{city: in.City, value: share, unit: "%", title: "Relative change of time lost, " + in.Comparison.Alternatives[i].Name, marks: marks, window: window,
		limits: [3]float64{5, 15, 40}}
	return []figureOf{
		{Heading: "Where time is lost and won", Drawings: []template.HTML{whole.draw()},
			Caption: "Change of the time lost per segment, vehicle-minutes over the run, mean of the replications: blue less, orange more. Circles mark where the scenario acts, numbers the rows below."},
		{Heading: "The same per vehicle, relative to the base", Drawings: []template.HTML{ratio.draw()},
			Caption: fmt.Sprintf("Change of the time lost per vehicle in per cent of the base. Segments where less than %.0f vehicle-minutes are lost in the base are left grey.", leastBaseS/60.0)},
	}
}

// marks returns the places of changed signals and of closed or altered
// segments.
func (in *Input) marks(i int) (out []orb.Point) {
	if in.Cases == nil {
		return nil
	}
	for _, s := range changedSignals(in.City, in.Cases[i:i+1]) {
		if m := in.City.MovementsOf(s); len(m) > 0 {
			out = append(out, in.City.Nodes.At(in.City.Movements.At(m[0]).Node).XY)
		}
	}
	for k, s := range in.City.Segments.All() {
		first, n := in.City.LanesOf(k)
		now := in.Cases[i].City
		altered := now.Segments.At(k).Limit != s.Limit
		for l := range n {
			altered = altered || now.Lanes.At(first+geo.LaneID(l)).Allow != in.City.Lanes.At(first+geo.LaneID(l)).Allow
		}
		if altered {
			out = append(out, in.City.Midpoint(k))
		}
	}
	if len(out) > 200 { // a zone: its outline says more than its streets
		return nil
	}
	return out
}

func (in *Input) segments(d *scenarios.SegmentDiff) (out []segmentRow) {
	value := absolute(d)
	for k, s := range largest(value, mostSegments) {
		seg := in.City.Segments.At(s)
		out = append(out, segmentRow{k + 1, seg.Name, seg.ID, figure(float64(d.BaseDelayS[s]) / 60), figure(float64(d.AltDelayS[s]) / 60), signed(value[s]),
			percent(value[s], float64(d.BaseDelayS[s])/60)})
	}
	return out
}

// diagrams draws what happens over time in one replication.
func (in *Input) diagrams(i int) (out []figureOf) {
	base, alt := in.Recordings[0], in.Recordings[i+1]
	if len(alt.Corridor) > 0 {
		f := figureOf{Heading: "Time and space along the corridor", Caption: fmt.Sprintf("%s. Every line is a vehicle; bars show green, yellow and red for those who go on along the corridor. One replication, seed %d, %s to %s.",
			in.street(alt.Corridor), in.Comparison.Seed, clock(alt.Begin+alt.From), clock(alt.Begin+alt.To))}
		for k, r := range []*Recording{base, alt} {
			f.Drawings = append(f.Drawings, template.HTML("<h4>"+[]string{"Base", "Scenario"}[k]+"</h4>"), timeSpace(in.City, r, []string{"base", "scenario"}[k]))
		}
		out = append(out, f)
	}
	out = append(out, in.purdue(base, alt)...)
	return append(out, in.charts(i, base, alt)...)
}

// street names the corridor.
func (in *Input) street(corridor []geo.SegmentID) string {
	var names []string
	for _, s := range corridor {
		if n := in.City.Segments.At(s).Name; n != "" && !slices.Contains(names, n) {
			names = append(names, n)
		}
	}
	first, last := in.City.Segments.At(corridor[0]).ID, in.City.Segments.At(corridor[len(corridor)-1]).ID
	text := fmt.Sprintf("Segments %s to %s", first, last)
	if len(corridor) == 1 {
		text = "Segment " + first
	}
	if len(names) > 0 {
		text = strings.Join(names[:min(len(names), 3)], ", ") + " (" + strings.ToLower(text[:1]) + text[1:] + ")"
	}
	return text
}

// purdue draws the stop lines of the corridor with the largest change of
// arrivals on green.
func (in *Input) purdue(base, alt *Recording) (out []figureOf) {
	type choice struct {
		k      int
		change float64
	}
	var list []choice
	for k := range alt.Signals {
		was, _, n := base.Signals[k].OnGreen(base.Step)
		now, _, m := alt.Signals[k].OnGreen(alt.Step)
		if n >= 20 && m >= 20 {
			list = append(list, choice{k, math.Abs(float64(now - was))})
		}
	}
	slices.SortStableFunc(list, func(a, b choice) int {
		if a.change > b.change {
			return -1
		}
		return 1
	})
	for i, x := range list[:min(len(list), mostPurdue)] {
		if i > 0 && x.change < leastPurdue {
			break
		}
		seg := in.City.Segments.At(alt.Corridor[alt.Signals[x.k].Position])
		f := figureOf{Heading: fmt.Sprintf("Arrivals at signal %s, segment %s", in.City.Signals.At(alt.Signals[x.k].Signal).ID, seg.ID),
			Caption: "Every dot is a vehicle at the time it would reach the stop line undisturbed, seen up to 100 m before it; dark dots met green. Lines: begin of green, begin of yellow, begin of the next red. One replication."}
		for k, r := range []*Recording{base, alt} {
			s := &r.Signals[x.k]
			arrivals, green, n := s.OnGreen(r.Step)
			ratio := "–"
			if green > 0 {
				ratio = figure(float64(arrivals / green))
			}
			d := purdue(in.City, r, s, []string{"base", "scenario"}[k])
			if d == "" {
				continue
			}
			f.Drawings = append(f.Drawings, template.HTML(fmt.Sprintf("<h4>%s: %.0f %% of %d arrivals on green, green %.0f %% of the time, platoon ratio %s</h4>",
				[]string{"Base", "Scenario"}[k], arrivals.Percent(), n, green.Percent(), ratio)), d)
		}
		if f.Drawings != nil {
			out = append(out, f)
		}
	}
	return out
}

// charts draws queue and delay over time where delay changes most.
func (in *Input) charts(i int, base, alt *Recording) []figureOf {
	var segments []geo.SegmentID
	if d := in.Comparison.Alternatives[i].Segments; d != nil && len(d.AltDelayS) == in.City.Segments.Len() {
		segments = largest(absolute(d), mostCharts)
	}
	f := figureOf{Heading: "Queue and delay over time", Pair: true,
		Caption: fmt.Sprintf("The segments where time lost changes most, by intervals of %.0f min. One replication, seed %d.", base.Segments.Interval.Minutes(), in.Comparison.Seed)}
	for _, s := range segments {
		id := in.City.Segments.At(s).ID
		f.Drawings = append(f.Drawings,
			series("Back of queue, segment "+id, "metres from the stop line", base, alt, s, func(t *sim.SegmentTable, row int) float64 { return float64(t.QueueBackM[row]) }),
			series("Time lost, segment "+id, "seconds per vehicle", base, alt, s, func(t *sim.SegmentTable, row int) float64 {
				return float64(t.TimeLossS[row]) / math.Max(1, float64(t.Left[row]))
			}))
	}
	if f.Drawings == nil {
		return nil
	}
	return []figureOf{f}
}

// facts lists how the answer came about, for whoever wants to repeat it.
func (in *Input) facts() [][2]string {
	c := in.Comparison
	out := [][2]string{
		{"Replications", fmt.Sprintf("%d of every side, seeds %d to %d; base and scenarios share the random numbers of every vehicle", c.Replications, c.Seed, c.Seed+uint64(c.Replications)-1)},
		{"City", in.City.Name + ", version " + c.City},
		{"Engine", c.Engine},
	}
	if in.Period.End > 0 {
		clear := "; what is under way then counts as not finished"
		if in.Period.UntilClear {
			clear = "; simulated on until the last vehicle has left"
		}
		out = append(out, [2]string{"Departures", clock(in.Period.Begin) + " to " + clock(in.Period.End) + clear})
	}
	if in.Period.StuckAfter > 0 {
		out = append(out, [2]string{"Stuck vehicles", fmt.Sprintf("moved on after %.0f s at the head of a lane: %.1f a replication in the base", in.Period.StuckAfter.Seconds(), c.Base.Released)})
	}
	if c.WallS > 0 {
		out = append(out, [2]string{"Computing time", fmt.Sprintf("%.1f s, %.1f s of CPU", c.WallS, c.CPUS)})
	}
	if in.Program != "" {
		out = append(out, [2]string{"Program", in.Program})
	}
	out = append(out, [2]string{"State of the base", c.Base.StateHash})
	for _, a := range c.Alternatives {
		out = append(out, [2]string{"Scenario " + a.Scenario, a.Name + ", state " + a.StateHash})
	}
	return append(out, [2]string{"Hash of the results", Hash(c)})
}

// Hash returns the identity of what a comparison found, whatever time it took:
// equal bits of all results, equal hash.
func Hash(c *scenarios.Comparison) string {
	same := *c
	same.CPUS, same.WallS = 0, 0
	text, err := json.Marshal(&same)
	if err != nil {
		panic(err) // strings and numbers
	}
	h := sha256.Sum256(text)
	return hex.EncodeToString(h[:8])
}

// assumed tells what the city's import had to assume, grouped.
func (in *Input) assumed() (out []string) {
	n := map[string]int{}
	for _, x := range in.City.Assumed {
		text := strings.TrimSpace(x.Kind + " " + x.Field)
		if _, why, ok := strings.Cut(x.Why, ": "); ok && strings.Contains(strings.SplitN(x.Why, ": ", 2)[0], ":") {
			text += ": " + why
		} else {
			text += ": " + x.Why
		}
		if n[text]++; n[text] == 1 {
			out = append(out, text)
		}
	}
	for i, text := range out {
		if n[text] > 1 {
			out[i] = fmt.Sprintf("%s (%d times)", text, n[text])
		}
	}
	if len(out) > mostAssumed {
		more := len(out) - mostAssumed
		out = append(out[:mostAssumed], fmt.Sprintf("and %d more; assumption.csv in the city's folder has all of them", more))
	}
	return out
}

// notes explain how to read the numbers.
func (in *Input) notes() []string {
	return append(slices.Clone(in.Remarks),
		"Differences are scenario minus base, replication by replication; intervals are 95 % of the mean difference (paired t; Wilcoxon's rank test where differences are skewed). \"Better\" and \"worse\" need an interval on one side of zero and a corrected p of at most 5 %.",
		"p is corrected for the number of indicators and scenarios looked at (Holm 1979). The variance ratio (VR) says by how much common random numbers narrow the difference.",
		"Delay counts every scheduled trip: time lost on the road and the wait to enter the network, those not finished included.",
		"A simulation is no promise: it knows the demand and the drivers it was given. Compare its base with counts before you rely on it.",
	)
}
