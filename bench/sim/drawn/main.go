// Command drawn compares the engine with SUMO on networks that nobody has seen:
// SUMO's netgenerate draws them, one for every kind of right of way, trips are
// drawn between random streets and routed by duarouter, and both engines drive
// the same routes until the last vehicle has left. Another -seed draws others.
package main

import (
	"bytes"
	"context"
	"encoding/xml"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	bench "tideway/bench/sim"
	"tideway/geo"
	"tideway/sim"
	"tideway/sim/demand"
)

// sample is a kind of network with a demand that it can carry: one trip every
// periodS seconds for half an hour.
type sample struct {
	name    string
	periodS float64
	options string
}

var samples = []sample{
	{"signals, random", 2.2, "--rand --rand.iterations 60 --random-lanenumber -L 2 -j traffic_light --rand.max-distance 300 --rand.min-distance 120"},
	{"signals, turn lanes", 0.7, "--grid --grid.x-number 4 --grid.y-number 3 --grid.length 300 -L 2 --turn-lanes 1 -j traffic_light --grid.attach-length 300"},
	{"signals, right on red", 0.8, "--grid --grid.number 4 --grid.length 250 -L 3 --random-lanenumber -j traffic_light_right_on_red --grid.attach-length 250"},
	{"priority, random", 1.7, "--rand --rand.iterations 60 --random-lanenumber -L 2 -j priority --random-priority --rand.max-distance 300 --rand.min-distance 120"},
	{"priority, rings", 0.8, "--spider --spider.arm-number 6 --spider.circle-number 4 --spider.space-radius 150 -L 2 -j priority"},
	{"stop signs, light", 2.5, "--grid --grid.number 4 --grid.length 250 -L 1 -j priority_stop --random-priority --grid.attach-length 250"},
	{"stop signs, dense", 1.5, "--grid --grid.number 4 --grid.length 250 -L 1 -j priority_stop --random-priority --grid.attach-length 250"},
	{"all-way stop", 2.0, "--grid --grid.number 4 --grid.length 200 -L 1 -j allway_stop --grid.attach-length 200"},
	{"right before left, light", 2.0, "--rand --rand.iterations 60 -L 1 -j right_before_left --rand.max-distance 250 --rand.min-distance 120"},
	{"right before left, dense", 1.5, "--rand --rand.iterations 60 -L 1 -j right_before_left --rand.max-distance 250 --rand.min-distance 120"},
	{"signals, green for left", 0.8, "--grid --grid.number 4 --grid.length 250 -L 2 --turn-lanes 1 -j traffic_light --tls.left-green.time 12 --grid.attach-length 250"},
	{"signals, boxes not clear", 0.8, "--grid --grid.number 4 --grid.length 200 -L 2 -j traffic_light --default.junctions.keep-clear false --grid.attach-length 250"},
	{"signals, three lanes", 0.5, "--grid --grid.x-number 4 --grid.y-number 3 --grid.length 300 -L 3 --turn-lanes 2 --turn-lanes.length 60 -j traffic_light --grid.attach-length 300"},
	{"signals, 20 cm pockets", 0.6, "--grid --grid.x-number 4 --grid.y-number 3 --grid.length 300 -L 3 --turn-lanes 2 -j traffic_light --grid.attach-length 300"},
	{"signals, pavements", 0.8, "--grid --grid.number 4 --grid.length 250 -L 2 --default.sidewalk-width 2 -j traffic_light --grid.attach-length 250"},
	{"roundabout", 1.2, "--spider --spider.omit-center --spider.arm-number 6 --spider.circle-number 3 --spider.space-radius 120 -L 1 -j priority --roundabouts.guess"},
}

const period = 30 * time.Minute

func main() {
	seed := flag.Int("seed", 7, "seed of networks and trips")
	runs := flag.Int("runs", 3, "runs of each engine")
	only := flag.String("only", "", "samples whose name contains this")
	flag.Parse()
	if _, err := exec.LookPath("netgenerate"); err != nil {
		fmt.Println("skipped: SUMO is not installed")
		return
	}
	fmt.Println("                            vehicles   travel time s          time loss s            departure delay s  released")
	fmt.Println("                                       engine   SUMO          engine   SUMO          engine  SUMO       engine SUMO")
	for _, s := range samples {
		if !strings.Contains(s.name, *only) {
			continue
		}
		if err := compare(s, *seed, *runs); err != nil {
			fmt.Println(s.name+":", err)
			os.Exit(1)
		}
	}
}

// means are those of completed trips.
type means struct{ trips, travelS, lossS, delayS, released float64 }

func (m *means) add(x means, share float64) {
	m.trips, m.travelS, m.lossS = m.trips+x.trips*share, m.travelS+x.travelS*share, m.lossS+x.lossS*share
	m.delayS, m.released = m.delayS+x.delayS*share, m.released+x.released*share
}

func compare(s sample, seed, runs int) error {
	dir, err := os.MkdirTemp("", "drawn")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	c, err := draw(s, dir, seed)
	if err != nil {
		return err
	}
	city, d, err := c.Load(1)
	if err != nil {
		return err
	}
	var ours, theirs means
	for run := 1; run <= runs; run++ {
		a, err := engine(c, city, d, run)
		if err != nil {
			return err
		}
		b, err := sumo(c, dir, run)
		if err != nil {
			return err
		}
		ours.add(a, 1/float64(runs))
		theirs.add(b, 1/float64(runs))
	}
	off := func(a, b float64) float64 { return 100 * (a/b - 1) }
	fmt.Printf("%-26s %5.0f of %5.0f  %6.1f %6.1f %+5.1f %%  %7.1f %6.1f %+5.1f %%  %7.1f %5.1f  %9.1f %4.1f\n", s.name, ours.trips, theirs.trips,
		ours.travelS, theirs.travelS, off(ours.travelS, theirs.travelS), ours.lossS, theirs.lossS, off(ours.lossS, theirs.lossS),
		ours.delayS, theirs.delayS, ours.released, theirs.released)
	return nil
}

// draw makes the network and the routes of a sample.
func draw(s sample, dir string, seed int) (bench.Case, error) {
	c := bench.Case{Name: s.name, Net: filepath.Join(dir, "net.xml"), Routes: []string{filepath.Join(dir, "routes.xml")}, End: period}
	err := call("netgenerate", append(strings.Fields(s.options), "--seed", fmt.Sprint(seed), "-o", c.Net)...)
	if err != nil {
		return c, err
	}
	trips := filepath.Join(dir, "trips.xml")
	if err := drawTrips(c.Net, trips, s.periodS, seed); err != nil {
		return c, err
	}
	return c, call("duarouter", "-n", c.Net, "-r", trips, "-o", c.Routes[0], "--ignore-errors", "--no-warnings", "--seed", fmt.Sprint(seed))
}

// drawTrips draws trips between random streets; those at the fringe are five
// times as likely.
func drawTrips(net, file string, periodS float64, seed int) error {
	raw, err := os.ReadFile(net)
	if err != nil {
		return err
	}
	var n struct {
		Edges []struct {
			ID       string `xml:"id,attr"`
			Function string `xml:"function,attr"`
			From     string `xml:"from,attr"`
			To       string `xml:"to,attr"`
		} `xml:"edge"`
	}
	if err := xml.Unmarshal(raw, &n); err != nil {
		return err
	}
	into := map[string]int{}
	for _, e := range n.Edges {
		into[e.To]++
	}
	var from, to []string
	for _, e := range n.Edges {
		if e.Function == "internal" {
			continue
		}
		for range 1 + 4*b2i(into[e.From] == 1) {
			from = append(from, e.ID)
		}
		for range 1 + 4*b2i(into[e.To] == 1) {
			to = append(to, e.ID)
		}
	}
	r := rand.New(rand.NewPCG(uint64(seed), 3))
	var out bytes.Buffer
	out.WriteString("<trips>\n")
	for k, at := 0, 0.0; at < period.Seconds(); k, at = k+1, at+periodS {
		a, b := from[r.IntN(len(from))], to[r.IntN(len(to))]
		if a != b {
			fmt.Fprintf(&out, "<trip id=\"%d\" depart=\"%.2f\" from=\"%s\" to=\"%s\"/>\n", k, at, a, b)
		}
	}
	out.WriteString("</trips>\n")
	return os.WriteFile(file, out.Bytes(), 0o600)
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}

func engine(c bench.Case, city *geo.City, d *demand.Demand, seed int) (means, error) {
	r, err := sim.Run(context.Background(), sim.Input{City: city, Demand: d, Begin: c.Begin, End: c.End, UntilClear: true,
		StuckAfter: 5 * time.Minute, Seed: uint64(seed), Threads: 1}, nil)
	if err != nil {
		return means{}, err
	}
	s := r.Summary
	return means{float64(s.Completed), s.MeanTravelTimeS, s.MeanTimeLossS, s.MeanDepartureDelayS, float64(s.Released)}, nil
}

func sumo(c bench.Case, dir string, seed int) (means, error) {
	trips, summary := filepath.Join(dir, "tripinfo.xml"), filepath.Join(dir, "summary.xml")
	if err := call("sumo", "-n", c.Net, "-r", c.Routes[0], "--no-step-log", "--no-warnings", "-X", "never", "--seed", fmt.Sprint(seed),
		"--time-to-teleport", "300", "--end", "14400", "--tripinfo-output", trips, "--statistic-output", summary); err != nil {
		return means{}, err
	}
	var t struct {
		Trips []struct {
			DurationS float64 `xml:"duration,attr"`
			LossS     float64 `xml:"timeLoss,attr"`
			DelayS    float64 `xml:"departDelay,attr"`
		} `xml:"tripinfo"`
	}
	var s struct {
		Teleports struct {
			Total float64 `xml:"total,attr"`
		} `xml:"teleports"`
	}
	for file, into := range map[string]any{trips: &t, summary: &s} {
		raw, err := os.ReadFile(file)
		if err == nil {
			err = xml.Unmarshal(raw, into)
		}
		if err != nil {
			return means{}, err
		}
	}
	m, share := means{}, 1/float64(len(t.Trips))
	for _, trip := range t.Trips {
		m.add(means{1 / share, trip.DurationS, trip.LossS, trip.DelayS, s.Teleports.Total}, share)
	}
	return m, nil
}

func call(name string, args ...string) error {
	if text, err := exec.Command(name, args...).CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w: %s", name, err, text)
	}
	return nil
}
