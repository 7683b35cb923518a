package report

import (
	"cmp"
	"slices"

	"tideway/scenarios"
)

type placeRow struct {
	Place, Name, Unit, Base, Alt, Diff, Interval, Verdict string
}

// mostPlaceRows bounds the table of places.
const mostPlaceRows = 24

// placeRows returns the places whose interval leaves out 0, those first whose
// difference is the most half-widths from it, and how many are left out.
func placeRows(all []scenarios.PlaceKPI) (rows []placeRow, more int) {
	clear := slices.DeleteFunc(slices.Clone(all), func(p scenarios.PlaceKPI) bool { return p.Better == scenarios.Unclear })
	slices.SortStableFunc(clear, func(a, b scenarios.PlaceKPI) int { return cmp.Compare(clarity(b), clarity(a)) })
	for _, p := range clear[:min(len(clear), mostPlaceRows)] {
		rows = append(rows, placeRowOf(p))
	}
	return rows, len(clear) - len(rows)
}

// clarity is the difference in half-widths of its interval.
func clarity(p scenarios.PlaceKPI) float64 {
	d := float64(p.Diff)
	if d < 0 {
		d = -d
	}
	return d / (float64(p.Hi95-p.Lo95) / 2)
}

func placeRowOf(p scenarios.PlaceKPI) placeRow {
	r := placeRow{Place: p.Kind + " " + p.ID, Name: label(p.KPI), Unit: p.Unit, Base: number(p.Base), Alt: number(p.Alt), Diff: signed(float64(p.Diff)),
		Interval: signed(float64(p.Lo95)) + " to " + signed(float64(p.Hi95)), Verdict: verdictWord(p.Better)}
	if p.Signal != "" {
		r.Place = "signal " + p.Signal + ", " + p.ID
	}
	if p.BaseLOS != "" && p.AltLOS != "" {
		r.Base, r.Alt = r.Base+" "+p.BaseLOS, r.Alt+" "+p.AltLOS
	}
	return r
}
