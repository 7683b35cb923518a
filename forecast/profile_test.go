package forecast

import (
	"math"
	"slices"
	"testing"
	"time"

	"tideway/geo"
	"tideway/live"
)

// levelDays is a panel of one series that stands still on each of the days from a
// Monday on, an hour a step.
func levelDays(levels ...float32) *Panel {
	p := &Panel{Quantity: geo.Speed, Interval: time.Hour, First: time.Date(2024, 3, 4, 1, 0, 0, 0, time.UTC), Series: make([]live.Series, 1)}
	p.Moments = NewCalendar(nil, nil).Grid(p.First, p.Interval, 24*len(levels))
	for _, v := range levels {
		p.Values = append(p.Values, slices.Repeat([]float32{v}, 24)...)
	}
	return p
}

// Over the draws each day is told from every pair of the three others.
func TestLeaveTwoOutLeavesOutAnotherDayInEachDraw(t *testing.T) {
	levels := []float32{10, 20, 40, 80}
	p := levelDays(levels...)
	prof, loo := FitProfile(p, ProfileConfig{HalfLife: 50000 * 24 * time.Hour, Memory: 50000 * 24 * time.Hour, Shrink: 2, Causal: 6}, 1, 0)
	draws, err := prof.LeaveTwoOut(t.Context(), p, 1, 3)
	if err != nil {
		t.Fatal(err)
	}
	for d := range levels {
		others := slices.Delete(slices.Clone(levels), d, d+1)
		want := []float32{(others[0] + others[1]) / 2, (others[0] + others[2]) / 2, (others[1] + others[2]) / 2}
		var got []float32
		for _, values := range draws {
			got = append(got, values[24*d+7])
		}
		slices.Sort(got)
		for i, w := range want {
			if math.Abs(float64(got[i]-w)) > .01 {
				t.Errorf("day %d: %v, want %v; leave-one-out says %v", d, got, want, loo[24*d+7])
				break
			}
		}
	}
}

func TestLeaveTwoOutKeepsTheLastDayThereIs(t *testing.T) {
	p := levelDays(10, 30)
	prof, loo := FitProfile(p, DefaultProfile(p.Interval), 1, 0)
	if draws, err := prof.LeaveTwoOut(t.Context(), p, 1, 2); err != nil || !slices.Equal(draws[0], loo) || !slices.Equal(draws[1], loo) {
		t.Errorf("draws %v, %v, want %v", draws, err, loo)
	}
}
