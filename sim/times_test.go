package sim

import (
	"math"
	"testing"
	"time"

	"tideway/geo"
	"tideway/internal/netdraw"
)

// TestTravelTimesForRouting: between renewals every second counts the same, one without
// vehicles as free flow; two lanes of a street are one.
func TestTravelTimesForRouting(t *testing.T) {
	e := deserted(t, "a==>==b")
	g := e.prepareGuide()
	right, left := e.lane(t, "ab", 0), e.lane(t, "ab", 1)
	s, period := e.net.tracks[right].seg, int64(guideEvery/time.Second)
	limit, freeS := e.net.tracks[right].limitMPS, g.timeS[s]
	e.active.tracks = []trackID{right, left}
	for renewal, jammed := range []int64{90, period, 0, 1} {
		for range period {
			if e.tick++; e.tick-int64(renewal)*period <= jammed { // by five minutes, jammed in the first seconds
				e.road[right], e.road[left] = []veh{{speedMPS: 2}, {speedMPS: 3}}, []veh{{speedMPS: 1}}
			} else {
				e.road[right], e.road[left] = nil, nil
			}
			e.renewGuide()
		}
		mean := (2*float64(jammed) + limit*float64(period-jammed)) / float64(period)
		if want := freeS * limit / mean; math.Abs(g.timeS[s]-want) > 1e-9 {
			t.Errorf("a street jammed in %d s of %d takes %v s, expected %v", jammed, period, g.timeS[s], want)
		}
	}
}

// TestWaysShunGivingWay: a way that gives way where no signal stands costs as much more.
func TestWaysShunGivingWay(t *testing.T) {
	n := compile(netdraw.City("w----x----------e\n     |\n     |\n     |\n     |\n     s"))
	g, minor, major := newWayGraph(n), 0, 0
	for m := range n.ways {
		mv := n.city.Movements.At(geo.MovementID(m))
		l := &n.links[n.ways[m].entry]
		for _, arc := range g.from(n.tracks[l.from].seg) {
			if arc.to != n.tracks[l.lane].seg {
				continue
			}
			want := float64(mv.Length) / float64(mv.Limit)
			if isMinor(l.right) {
				want += minorS
				minor++
			} else {
				major++
			}
			if math.Abs(arc.costS-want) > 1e-9 {
				t.Errorf("movement %d with right of way %c costs %v s, expected %v", m, l.right, arc.costS, want)
			}
		}
	}
	if minor == 0 || major == 0 {
		t.Errorf("%d movements give way and %d do not, expected some of both", minor, major)
	}
}
