package report

import (
	"cmp"
	"fmt"
	"slices"

	"tideway/scenarios"
)

// fit is how the base fits counts, the worst places first.
type fit struct {
	Verdict, Note string
	Rows          []fitRow
}

type fitRow struct {
	Segment, Counted, Simulated, GEH, Within2, Within1, Critical, Error, Verdict string
	Days                                                                         int
}

// mostPlaces bounds the table.
const mostPlaces = 30

// fitOf returns the table of a calibration, nil without one.
func fitOf(c *scenarios.Calibration) *fit {
	if c == nil {
		return nil
	}
	out := &fit{Verdict: c.String(), Note: fmt.Sprintf("Flows that leave a segment, mean of %d replications, against the counted day nearest to the mean of all, in intervals of %.0f min.", c.Replications, c.IntervalS/60)}
	places := slices.Clone(c.Places)
	slices.SortStableFunc(places, func(a, b scenarios.PlaceFit) int { return cmp.Compare(b.GEH, a.GEH) })
	for _, p := range places[:min(len(places), mostPlaces)] {
		out.Rows = append(out.Rows, fitRowOf(p))
	}
	if more := len(places) - mostPlaces; more > 0 {
		out.Note += fmt.Sprintf(" %d places with a better GEH are left out.", more)
	}
	return out
}

func fitRowOf(p scenarios.PlaceFit) fitRow {
	r := fitRow{Segment: p.Segment, Days: p.Days, Counted: figure(p.CountedVPH), Simulated: figure(p.SimulatedVPH), GEH: figure(p.GEH),
		Within2: "–", Within1: "–", Critical: "–", Error: "–", Verdict: "–"}
	if f := p.Fit; f != nil {
		r.Within2, r.Within1 = fmt.Sprintf("%.0f %%", 100*f.Within2Sigma), fmt.Sprintf("%.0f %%", 100*f.Within1Sigma)
		r.Critical, r.Verdict = choose(f.Critical, "hit", "missed"), choose(f.Acceptable, "met", "not met")
		r.Error = fmt.Sprintf("%+.0f (±%.0f)", f.MeanError, f.AbsErrorBound/3)
	}
	return r
}

func choose(yes bool, a, b string) string {
	if yes {
		return a
	}
	return b
}
