// Command yielding compares the engine with SUMO turn by turn where drivers give
// way: on permissive green, at signs. For every such turn it counts who leaves
// its lane per signal cycle (from the begin of one of its greens to the next; per
// minute where no signal stops it), in cycles in which a queue stood in the lane
// all the while it was green: there was always somebody on it who had stood on
// it. Both engines' trajectories, second by second, are counted by the same code.
package main

import (
	"cmp"
	"flag"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	bench "tideway/bench/sim"
	"tideway/geo"
	"tideway/sim"
	"tideway/sim/demand"
)

func main() {
	names := flag.String("cases", "cologne1,ingolstadt1,cologne8", "cases")
	seeds := flag.Int("seeds", 5, "seeds of each")
	few := flag.Int("few", 20, "cycles that both must have seen of a turn to list it, if anybody takes it")
	flag.Parse()
	fmt.Println("                                                     cycles         served in a cycle, standard error")
	fmt.Println("case         turn                                    engine SUMO    engine         SUMO")
	for _, name := range strings.Split(*names, ",") {
		if err := compare(name, *seeds, *few); err != nil {
			fmt.Println(name+":", err)
			os.Exit(1)
		}
	}
}

func compare(name string, seeds, few int) error {
	c, city, d, err := bench.Open(name)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "yielding")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	ours, theirs := map[turn]counts{}, map[turn]counts{}
	for s := range seeds {
		if err := engine(c, newMeter(city, d, ours), d, s+1); err != nil {
			return err
		}
		if err := sumo(c, newMeter(city, d, theirs), d, dir, s+1); err != nil {
			return err
		}
	}
	list(name, city, ours, theirs, few)
	return nil
}

// list prints the turns that both saw often enough, and all of them together:
// each weighs by the number of its cycles.
func list(name string, city *geo.City, ours, theirs map[turn]counts, few int) {
	var turns []turn
	for t := range theirs {
		if min(len(ours[t]), len(theirs[t])) >= few && theirs[t].mean() > 0 {
			turns = append(turns, t)
		}
	}
	slices.SortFunc(turns, func(a, b turn) int { return cmp.Or(cmp.Compare(a.from, b.from), cmp.Compare(a.to, b.to)) })
	var a, b, off, weight float64
	for _, t := range turns {
		x, y := ours[t], theirs[t]
		fmt.Printf("%-12s %-39s %6d %4d %6.2f +- %4.2f %6.2f +- %4.2f %+6.1f %%\n", name, city.LaneName(t.from)+" to "+city.Segments.At(t.to).ID,
			len(x), len(y), x.mean(), x.stdErr(), y.mean(), y.stdErr(), 100*(x.mean()/y.mean()-1))
		w := float64(min(len(x), len(y)))
		a, b, off, weight = a+w*x.mean(), b+w*y.mean(), off+w*math.Abs(x.mean()-y.mean()), weight+w
	}
	fmt.Printf("%-12s all %d, weighed by cycles %35.2f %14.2f %+14.1f %%, mean deviation %.1f %%\n", name, len(turns), a/weight, b/weight, 100*(a/b-1), 100*off/b)
}

func engine(c bench.Case, m *meter, d *demand.Demand, seed int) error {
	e, err := sim.New(sim.Input{City: m.city, Demand: d, Begin: c.Begin, End: c.End, StuckAfter: 300 * time.Second, Seed: uint64(seed), Threads: 1})
	if err != nil {
		return err
	}
	var road []onRoad
	for !e.Done() {
		e.Step()
		road = road[:0]
		e.Vehicles(func(s sim.Sample) {
			if s.Movement == geo.NoMovement {
				road = append(road, onRoad{s.Trip, s.Lane, s.SpeedMPS})
			}
		})
		m.second(e.Time(), road)
	}
	return nil
}

func sumo(c bench.Case, m *meter, d *demand.Demand, dir string, seed int) error {
	out := filepath.Join(dir, "fcd.xml")
	if err := c.SUMO(m.city, dir, seed, "-e", fmt.Sprint(c.End.Seconds()), "--fcd-output", out); err != nil {
		return err
	}
	trips, lanes := map[string]int{}, map[string]geo.LaneID{}
	for i, t := range d.Trips {
		trips[t.ID] = i
	}
	for l := range m.city.Lanes.All() {
		lanes[m.city.LaneName(l)] = l
	}
	return bench.Trajectories(out, func(s bench.Second) {
		var road []onRoad
		for _, v := range s.Vehicles {
			if lane, ok := lanes[v.Lane]; ok {
				road = append(road, onRoad{trips[v.ID], lane, v.SpeedMPS})
			}
		}
		m.second(time.Duration(s.TimeS*float64(time.Second)), road)
	})
}
