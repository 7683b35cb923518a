package scenarios

import (
	"math"
	"testing"
)

func TestReplicatesByFourCriteria(t *testing.T) {
	days := [][]float64{make([]float64, 24), make([]float64, 24), make([]float64, 24)}
	for h := range 24 {
		for d := range days {
			days[d][h] = 100 + 10*float64(d) // 100, 110, 120: sigma 10, bound 10
		}
	}
	profile := func(by func(int) float64) []float64 {
		p := make([]float64, 24)
		for h := range p {
			p[h] = 110 + by(h)
		}
		return p
	}
	for _, x := range []struct {
		name string
		by   func(int) float64
		ok   bool
	}{
		{"the day itself", func(int) float64 { return 0 }, true},
		{"noise around it", func(h int) float64 { return 9 * math.Pow(-1, float64(h)) }, true},
		{"always a little above", func(int) float64 { return 4 }, false}, // more than a third of the bound
		{"one interval far off", func(h int) float64 { return share(h == 3, 1) * 30 }, true},
		{"two intervals far off", func(h int) float64 { return share(h == 3 || h == 4, 1) * 30 }, false}, // 2 of 24 outside
		{"the critical one missed", func(h int) float64 { return share(h == 8, 1) * 15 }, false},
		{"half of them beyond sigma", func(h int) float64 { return 12 * math.Pow(-1, float64(h)) * share(h%4 < 2, 1) }, false},
	} {
		f, err := Replicates(profile(x.by), days, 1, []int{8})
		if err != nil || f.Acceptable != x.ok {
			t.Errorf("%s: %+v, %v", x.name, f, err)
		}
		near(t, "bound", f.AbsErrorBound, 10, 1e-9)
	}
	for _, bad := range [][]int{{24}, {-1}} {
		if _, err := Replicates(profile(func(int) float64 { return 0 }), days, 1, bad); err == nil {
			t.Errorf("critical interval %v was taken", bad)
		}
	}
	if _, err := Replicates([]float64{1}, days, 1, nil); err == nil {
		t.Error("profiles of different length were taken")
	}
	if got := GEHShare([]float64{100, 200, 300, 1000}, []float64{100, 210, 310, 500}); got != 0.75 {
		t.Errorf("share %v", got)
	}
}
