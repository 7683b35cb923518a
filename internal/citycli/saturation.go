package citycli

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"tideway/geo/utdf"
	"tideway/sim/signal"
)

// saturation compares the saturation flows of a file with those that follow
// from its geometry.
type saturation struct {
	Groups   int              `json:"groups"`   // lane groups with lanes
	Compared int              `json:"compared"` // of those, how many can be worked out
	Half     int              `json:"within_half_percent"`
	Two      int              `json:"within_2_percent"`
	Worst    []saturationFlow `json:"worst"` // farthest off, at most ten
}

type saturationFlow struct {
	Where  string  `json:"where"`
	Group  string  `json:"group"`
	File   float64 `json:"file_vph"`
	Ours   float64 `json:"ours_vph"`
	DevPct float64 `json:"deviation_percent"`
}

// checkSaturation works out the protected saturation flow of every lane group
// after HCM 2000. Left turns that share a lane with others are left out: theirs
// depends on the opposing flow.
func checkSaturation(groups []utdf.LaneGroup) *saturation {
	out := &saturation{Worst: []saturationFlow{}}
	for _, g := range groups {
		if g.Lanes == 0 {
			continue
		}
		out.Groups++
		in, ok := saturationInput(g, groups)
		if !ok || g.Saturation <= 0 {
			continue
		}
		ours, file := in.Saturation2000().VPH(), g.Saturation.VPH()
		f := saturationFlow{Where: g.Where, Group: g.Node + " " + g.Name, File: file, Ours: math.Round(ours*10) / 10, DevPct: 100 * (ours/file - 1)}
		out.Compared++
		off := math.Abs(f.DevPct)
		if off <= 0.5 {
			out.Half++
		}
		if off <= 2 {
			out.Two++
		} else {
			out.Worst = append(out.Worst, f)
		}
	}
	slices.SortStableFunc(out.Worst, func(a, b saturationFlow) int { return cmp.Compare(math.Abs(b.DevPct), math.Abs(a.DevPct)) })
	out.Worst = out.Worst[:min(len(out.Worst), 10)]
	return out
}

func saturationInput(g utdf.LaneGroup, all []utdf.LaneGroup) (signal.SaturationInput, bool) {
	in := signal.SaturationInput{Base: g.Ideal, Lanes: g.Lanes, Width: g.Width, Heavy: g.Heavy, Grade: g.Grade, BusStops: g.Buses, Central: g.CBD, Right: g.TurnShare}
	switch {
	case g.Left:
		return in, false
	case strings.HasPrefix(g.Turn, "T") && g.Right:
		in.Turn = signal.SharedRightGroup
		in.SingleLane = g.Lanes == 1 && !slices.ContainsFunc(all, func(h utdf.LaneGroup) bool { return h.From == g.From && h.Name != g.Name && h.Lanes > 0 })
	case g.Turn == "T":
		in.Turn = signal.ThroughGroup
	case strings.HasPrefix(g.Turn, "L") && !g.Right:
		in.Turn = signal.ProtectedLeft
	case strings.HasPrefix(g.Turn, "R"):
		in.Turn = signal.ExclusiveRight
	default:
		return in, false
	}
	return in, true
}

func (s *saturation) write(b *strings.Builder) {
	if s == nil {
		return
	}
	fmt.Fprintf(b, "  saturation flows of %d lane groups, %d worked out from geometry after HCM 2000: %d within 0.5 %% of the file's, %d within 2 %%\n",
		s.Groups, s.Compared, s.Half, s.Two)
	for _, w := range s.Worst[:min(len(s.Worst), shown)] {
		fmt.Fprintf(b, "    %s: %s: %.0f veh/h in the file, %.0f by geometry\n", w.Where, w.Group, w.File, w.Ours)
	}
}
