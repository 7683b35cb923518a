package fusion_test

import (
	"math"
	"testing"

	"pgregory.net/rapid"

	"tideway/forecast/air/fusion"
)

// exact is hours that follow from factors without noise: six stations that see
// two groups in different proportions.
func exact(factor []float64, background float64, n int) []fusion.Hour {
	added := []float64{12, 1, 8, 4, 3, 9, 1, 15, .5, .5, 6, 6}
	h := fusion.Hour{BackgroundUGM3: background, AddedUGM3: added}
	for s := range 6 {
		h.ObservedUGM3 = append(h.ObservedUGM3, background+factor[0]*added[2*s]+factor[1]*added[2*s+1])
	}
	out := make([]fusion.Hour, n)
	for i := range out {
		out[i] = h
	}
	return out
}

func TestTheFilterFindsTheFactors(t *testing.T) {
	want := []float64{1.8, .6}
	f := fusion.NewFilter(2, fusion.Config{})
	var e fusion.Estimate
	for _, h := range exact(want, 15, 200) {
		e = f.Update(h)
	}
	for g := range want {
		if math.Abs(e.Factor[g]/want[g]-1) > .08 {
			t.Errorf("group %d: factor %.3f, truth %.3f", g, e.Factor[g], want[g])
		}
	}
	if math.Abs(e.BackgroundUGM3-15) > 1 {
		t.Errorf("background %.2f, truth 15", e.BackgroundUGM3)
	}
	hidden := exact(want, 15, 1)[0]
	hidden.BackgroundUGM3 = math.NaN()
	if e := f.Update(hidden); math.Abs(e.BackgroundUGM3-15) > 2 {
		t.Errorf("background found from the stations: %.2f, truth 15", e.BackgroundUGM3)
	}
}

func TestWithoutMeasurementsTheFirstGuessStays(t *testing.T) {
	f := fusion.NewFilter(2, fusion.Config{})
	h := exact([]float64{1, 1}, 10, 1)[0]
	for i := range h.ObservedUGM3 {
		h.ObservedUGM3[i] = math.NaN()
	}
	e := f.Update(h)
	if e.Factor[0] != 1 || e.Factor[1] != 1 || e.BackgroundUGM3 != 10 || e.StationUGM3[0] != 23 {
		t.Errorf("%+v", e)
	}
	for _, h := range exact([]float64{2, 2}, 10, 50) {
		f.Update(h)
	}
	before := f.Update(h).Factor[0]
	for range 2000 {
		e = f.Update(h)
	}
	if !(before > 1.5) || math.Abs(e.Factor[0]-1) > .05 {
		t.Errorf("a factor of %.2f went to %.2f, expected back to 1", before, e.Factor[0])
	}
}

// Whatever is measured, nothing becomes negative or unknown.
func TestFactorsStayPositive(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		groups, stations := rapid.IntRange(1, 4).Draw(t, "groups"), rapid.IntRange(0, 6).Draw(t, "stations")
		f := fusion.NewFilter(groups, fusion.Config{})
		value := rapid.OneOf(rapid.Float64Range(0, 500), rapid.Just(0.), rapid.Just(math.NaN()))
		for range rapid.IntRange(1, 6).Draw(t, "hours") {
			h := fusion.Hour{BackgroundUGM3: value.Draw(t, "background"), AddedUGM3: make([]float64, stations*groups)}
			for i := range h.AddedUGM3 {
				h.AddedUGM3[i] = rapid.Float64Range(0, 200).Draw(t, "added")
			}
			for range stations {
				h.ObservedUGM3 = append(h.ObservedUGM3, value.Draw(t, "observed"))
			}
			e := f.Update(h)
			for _, v := range append(append([]float64{}, e.Factor...), e.StationUGM3...) {
				if !(v >= 0) || math.IsInf(v, 0) {
					t.Fatalf("%+v", e)
				}
			}
		}
	})
}

func TestFieldFallsWithDistance(t *testing.T) {
	stations := []fusion.Place{{0, 0}, {4000, 0}, {0, 9000}}
	observed, model := []float64{40, 20, math.NaN()}, []float64{20, 20, 20}
	by := fusion.Field{Noise: 1e-6}.Correct(stations, observed, model, 0, []fusion.Place{{0, 0}, {500, 0}, {1500, 0}, {4000, 0}, {0, 30000}})
	if math.Abs(by[0]-2) > 1e-6 || math.Abs(by[3]-1) > 1e-6 {
		t.Errorf("without noise the field does not meet the stations: %v", by)
	}
	if !(by[0] > by[1] && by[1] > by[2] && by[2] > 1) || math.Abs(by[4]-1) > 1e-6 {
		t.Errorf("%v, expected a fall to 1", by)
	}
	if by := (fusion.Field{}).Correct(nil, nil, nil, 1, stations); by[0] != 1 {
		t.Errorf("without stations %v", by)
	}
}

// What a station measured does not reach its own prediction.
func TestLeaveOneOutLeavesOut(t *testing.T) {
	places := []fusion.Place{{0, 0}, {500, 0}, {1000, 0}, {0, 800}, {900, 900}, {300, 300}}
	hours := exact([]float64{1.5, .7}, 12, 30)
	said := fusion.LeaveOneOut(places, hours, 2, fusion.Config{}, fusion.Field{})
	for k := range hours {
		hours[k].ObservedUGM3 = append([]float64{}, hours[k].ObservedUGM3...)
		hours[k].ObservedUGM3[3] *= 7
	}
	again := fusion.LeaveOneOut(places, hours, 2, fusion.Config{}, fusion.Field{})
	for k := range hours {
		if said[3][k] != again[3][k] || k > 0 && said[0][k] == again[0][k] {
			t.Fatalf("hour %d: %g, %g; others %g, %g", k, said[3][k], again[3][k], said[0][k], again[0][k])
		}
	}
	truth := make([][]float64, len(places))
	for s := range truth {
		for range said[s] {
			truth[s] = append(truth[s], exact([]float64{1.5, .7}, 12, 1)[0].ObservedUGM3[s])
		}
	}
	if s := fusion.Score(said, truth); s.N != 180 || s.RMSEUGM3 > 2 {
		t.Errorf("%+v", s)
	}
}

// The jury's verdict is that of LeaveOneOut over the same hours.
func TestTheJuryAgreesWithLeaveOneOut(t *testing.T) {
	places := []fusion.Place{{XM: 0}, {XM: 500}, {XM: 1000}, {YM: 800}, {XM: 900, YM: 900}, {XM: 300, YM: 300}}
	hours := exact([]float64{1.7, .6}, 12, 60)
	jury := fusion.NewJury(places, 2, fusion.Config{}, fusion.Field{})
	if with, _ := jury.Scores(); with.N != 0 {
		t.Errorf("%+v before the first hour", with)
	}
	truth := make([][]float64, len(places))
	for _, h := range hours {
		jury.Hear(h)
		for s, o := range h.ObservedUGM3 {
			truth[s] = append(truth[s], o)
		}
	}
	want := fusion.Score(fusion.LeaveOneOut(places, hours, 2, fusion.Config{}, fusion.Field{}), truth)
	with, without := jury.Scores()
	if with.N != want.N || math.Abs(with.RMSEUGM3-want.RMSEUGM3) > 1e-9 || !(with.RMSEUGM3 < .5*without.RMSEUGM3) {
		t.Errorf("with %+v, expected %+v; without %+v", with, want, without)
	}
	few := fusion.NewJury(places[:2], 2, fusion.Config{}, fusion.Field{})
	h := hours[0]
	h.ObservedUGM3, h.AddedUGM3 = h.ObservedUGM3[:2], h.AddedUGM3[:4]
	few.Hear(h)
	if with, _ := few.Scores(); with.N != 0 {
		t.Error("two stations judge each other")
	}
}
