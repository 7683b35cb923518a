// Command moves finds the vehicles that the engine and SUMO move differently, and
// since when: without imperfection both are exact, so every difference has a
// cause. It rewrites the routes of a case, or of a network and a route file, for
// drivers without imperfection whose speed factors are eighths, which both know
// exactly, and compares the speed of every vehicle in every second. A vehicle
// counts from its first difference; later ones have that cause, or meet it.
package main

import (
	"flag"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	bench "tideway/bench/sim"
	"tideway/geo"
	"tideway/sim"
)

func main() {
	name := flag.String("case", "cologne8", "case")
	net := flag.String("net", "", "SUMO network to compare on instead of a case")
	routes := flag.String("routes", "", "its routes, an absolute path as the network's")
	span := flag.Duration("for", 25*time.Minute, "time to compare")
	show := flag.Int("show", 5, "differences to list")
	flag.Parse()
	c, err := bench.Find(*name)
	if *net != "" {
		c, err = bench.Case{Name: *net, Net: *net, Routes: []string{*routes}, End: *span}, nil
	}
	if err == nil {
		err = compare(c, *span, *show)
	}
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
}

func compare(c bench.Case, span time.Duration, show int) error {
	dir, err := os.MkdirTemp("", "moves")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	raw, err := os.ReadFile(bench.Path(c.Routes[len(c.Routes)-1]))
	if err != nil {
		return err
	}
	c.Routes = []string{filepath.Join(dir, "exact.rou.xml")}
	if err := os.WriteFile(c.Routes[0], []byte(exact(string(raw))), 0o600); err != nil {
		return err
	}
	city, d, err := c.Load(1)
	if err != nil {
		return err
	}
	e, err := sim.New(sim.Input{City: city, Demand: d, Begin: c.Begin, End: c.End, UntilClear: true, StuckAfter: 5 * time.Minute, Seed: 1, Threads: 1})
	if err != nil {
		return err
	}
	file := filepath.Join(dir, "fcd.xml")
	if err := c.SUMO(city, dir, 1, "-e", fmt.Sprint((c.Begin + span).Seconds()), "--precision", "4", "--fcd-output", file); err != nil {
		return err
	}
	diff := difference{show: show, seen: map[string]bool{}, differ: map[string]bool{}}
	if err := bench.Trajectories(file, func(s bench.Second) {
		if !e.Done() {
			e.Step() // the engine's time is that of the end of the step
		}
		ours := map[string]state{}
		e.Vehicles(func(v sim.Sample) {
			ours[d.Trips[v.Trip].ID] = state{where(city, v), float64(v.PosM), float64(v.SpeedMPS)}
		})
		diff.second(s, ours)
	}); err != nil {
		return err
	}
	fmt.Printf("%s: %d of %d vehicles differ\n", c.Name, len(diff.differ), len(diff.seen))
	return nil
}

// state is where a vehicle is and how fast.
type state struct {
	where          string
	posM, speedMPS float64
}

func (s state) String() string { return fmt.Sprintf("%s %.2f m %.3f m/s", s.where, s.posM, s.speedMPS) }

// where names the lane of a vehicle, or the one from which it entered the
// junction it is in.
func where(city *geo.City, v sim.Sample) string {
	if v.Movement == geo.NoMovement {
		return city.LaneName(v.Lane)
	}
	return "from " + city.LaneName(v.Lane)
}

// difference collects who has moved differently.
type difference struct {
	show         int
	seen, differ map[string]bool
}

const sameMPS = 0.05

// second compares one second; both leave out who has not departed or has
// arrived.
func (d *difference) second(s bench.Second, ours map[string]state) {
	for _, v := range s.Vehicles {
		d.seen[v.ID] = true
		own, ok := ours[v.ID]
		delete(ours, v.ID)
		theirs := state{v.Lane, v.PosM, v.SpeedMPS}
		switch {
		case !ok:
			d.note(s.TimeS, v.ID, "not there", theirs.String())
		case math.Abs(own.speedMPS-v.SpeedMPS) > sameMPS:
			d.note(s.TimeS, v.ID, own.String(), theirs.String())
		}
	}
	for _, id := range slices.Sorted(maps.Keys(ours)) {
		d.seen[id] = true
		d.note(s.TimeS, id, ours[id].String(), "not there")
	}
}

func (d *difference) note(timeS float64, id, ours, theirs string) {
	if d.differ[id] {
		return
	}
	d.differ[id] = true
	if len(d.differ) <= d.show {
		fmt.Printf("%8.0f s  %s  engine %s, SUMO %s\n", timeS, id, ours, theirs)
	}
}

var (
	types    = regexp.MustCompile(`(?s)<vType\b[^>]*/>|<vType\b[^>]*>.*?</vType>`)
	carType  = regexp.MustCompile(`\s(id|sigma|speedDev|speedFactor|color)="[^"]*"`)
	vehicles = regexp.MustCompile(`<(vehicle|trip) [^>]*>`)
	ofOne    = regexp.MustCompile(`\s(id|type|arrival)="[^"]*"`)
	root     = regexp.MustCompile(`<routes[^>]*>`)
)

const factors = 9 // from 0.75 to 1.25

// exact rewrites a route file for drivers without imperfection. Vehicles are
// named in their order, which settles who goes first of those due at once.
func exact(routes string) string {
	attrs := ""
	if t := types.FindString(routes); strings.Contains(t, `vClass="passenger"`) {
		attrs = carType.ReplaceAllString(strings.TrimRight(strings.TrimPrefix(t, "<vType"), "/> "), "")
	}
	var defined strings.Builder
	for i := range factors {
		fmt.Fprintf(&defined, `<vType id="t%d" sigma="0" speedDev="0" speedFactor="%g"%s/>`, i, 0.75+0.0625*float64(i), attrs)
	}
	r, n := rand.New(rand.NewPCG(5, 1)), 0
	routes = types.ReplaceAllString(routes, "")
	routes = vehicles.ReplaceAllStringFunc(routes, func(v string) string {
		n++
		kind, rest, _ := strings.Cut(ofOne.ReplaceAllString(v, ""), " ")
		factor := min(factors-1, max(0, int(math.Round(4+1.6*r.NormFloat64()))))
		return fmt.Sprintf(`%s id="%06d" type="t%d" %s`, kind, n, factor, rest)
	})
	at := root.FindStringIndex(routes)
	return routes[:at[1]] + defined.String() + routes[at[1]:]
}
