package traffic

import (
	"testing"
	"time"

	"tideway/forecast"
	"tideway/geo"
)

func TestLeadersAreThoseThatResidualsComeFrom(t *testing.T) {
	const sensors = 12
	in := town(sensors, 20, 15*time.Minute, 9) // residuals move up a road, a sensor a step
	right := 0
	for row, near := range neighboursOf(&in)[3 : sensors-3] {
		row += 3
		if near[0].row != int32(row+1) || near[1].row != int32(row-1) {
			t.Errorf("beside sensor %d lie %d and %d", row, near[0].row, near[1].row)
		}
		if near[2].row == int32(row+2) {
			right++
		}
	}
	if right < sensors-6 {
		t.Errorf("of %d sensors %d are led by the next but one downstream", sensors-6, right)
	}
}

func TestNeighboursAreOthersWhereLinksRunBothWays(t *testing.T) {
	in := town(8, 4, 15*time.Minute, 2)
	var arcs []forecast.Arc
	at := make([]geo.SegmentID, 8)
	for s := range at {
		at[s] = geo.SegmentID(s)
		if s > 0 {
			arcs = append(arcs, forecast.Arc{From: at[s-1], To: at[s], Distance: 300}, forecast.Arc{From: at[s], To: at[s-1], Distance: 300})
		}
	}
	g, err := forecast.NewGraph(len(at), arcs, 800)
	if err != nil {
		t.Fatal(err)
	}
	in.Links = forecast.NewLinks(g, at)
	for row, near := range neighboursOf(&in) {
		seen := map[int32]bool{int32(row): true}
		for _, nb := range near {
			if nb.row >= 0 && seen[nb.row] {
				t.Errorf("sensor %d looks at %v", row, near)
			}
			seen[nb.row] = true
		}
		if near[0].row < 0 || near[1].row < 0 {
			t.Errorf("sensor %d looks at %v", row, near)
		}
	}
}
