package main

import (
	"fmt"
	"math"
	"slices"

	"tideway/forecast/backtest"
)

// referenceTable prints the yardstick of published recipes on the same rows,
// computed here from the table alone: the median by slot for working days and
// weekends, smoothed, and one AR(1) factor per sensor on what is left of it.
func referenceTable() error {
	cfg, err := losConfig(losRows)
	if err != nil {
		return err
	}
	t, day := cfg.Table, 288
	var abs [12]float64
	n := 0.0
	for s := range t.Sensors {
		usual := slotMedians(t, s, losRows, day)
		left := func(i int) float64 { return value(t, i, s) - usual(i) }
		xy, xx := 0.0, 0.0
		for i := 1; i < losRows; i++ {
			xy, xx = xy+left(i)*left(i-1), xx+left(i-1)*left(i-1)
		}
		for origin := losRows - 1; origin+12 < t.Steps(); origin++ {
			r := left(origin)
			for h := range abs {
				r *= xy / xx
				abs[h] += math.Abs(usual(origin+h+1) + r - value(t, origin+h+1, s))
			}
			n++
		}
	}
	fmt.Printf("\nlos_loop, median profile and AR(1), computed apart: mae at 15, 30, 60 minutes %.3f %.3f %.3f\n", abs[2]/n, abs[5]/n, abs[11]/n)
	return nil
}

func value(t *backtest.Table, step, sensor int) float64 {
	return float64(t.Values[step*len(t.Sensors)+sensor])
}

// slotMedians returns the smoothed median of a sensor by slot and kind of day;
// the week begins on a Thursday.
func slotMedians(t *backtest.Table, sensor, rows, day int) func(step int) float64 {
	kind := func(step int) int {
		if d := step / day; d == 2 || d == 3 {
			return 1
		}
		return 0
	}
	var raw, smooth [2][]float64
	for k := range raw {
		raw[k], smooth[k] = make([]float64, day), make([]float64, day)
		for slot := range day {
			var v []float64
			for i := slot; i < rows; i += day {
				if kind(i) == k {
					v = append(v, value(t, i, sensor))
				}
			}
			slices.Sort(v)
			raw[k][slot] = (v[len(v)/2] + v[(len(v)-1)/2]) / 2
		}
		for slot := range day {
			sum, weight := 0.0, 0.0
			for o := -3; o <= 3; o++ {
				w := math.Exp(-float64(o*o) / 8)
				sum, weight = sum+w*raw[k][(slot+o+day)%day], weight+w
			}
			smooth[k][slot] = sum / weight
		}
	}
	return func(step int) float64 { return smooth[kind(step)][step%day] }
}
