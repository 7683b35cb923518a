// Command edges compares the engine with SUMO street by street over the period
// of a case's departures: the vehicle-weighted absolute error of travel times
// (WAPE), the time-weighted root mean square error of speeds, and those streets
// whose vehicle-seconds differ most. Time inside a junction counts to the street
// one comes from. The same for two SUMO runs with different seeds shows what is
// noise.
package main

import (
	"cmp"
	"context"
	"encoding/xml"
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

// street is what runs saw on a street and in the junction behind it: vehicles,
// their time and the distance they drove in it. Of SUMO's values only its travel
// time counts fronts; its seconds count a vehicle on two streets while it
// crosses between them. Streets are therefore compared by the time a whole
// passage takes at the mean pace.
type street struct{ entered, vehS, distM float64 }

func (s street) pace() float64 { return s.vehS / max(s.distM, 1) }

// per is the length of a passage.
func (s street) per() float64 { return s.distM / max(s.entered, 1) }

func main() {
	names := flag.String("cases", "cologne1,ingolstadt1,grid4x4,cologne3,cologne8,bologna", "cases")
	seeds := flag.Int("seeds", 3, "seeds of each")
	plan := flag.Int("plan", 0, "random plan of bench/sim/ranking; 0: the given one")
	worst := flag.Int("worst", 5, "streets to list")
	flag.Parse()
	fmt.Println("case         streets  travel time WAPE %       speed RMSE m/s          time of all")
	fmt.Println("                      engine  SUMO other seeds  engine  SUMO other seeds  engine / SUMO")
	for _, name := range strings.Split(*names, ",") {
		if err := compare(name, *seeds, *plan, *worst); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
	}
}

func compare(name string, seeds, plan, worst int) error {
	c, city, d, err := bench.Open(name)
	if err != nil {
		return err
	}
	city = bench.Vary(city, plan)
	dir, err := os.MkdirTemp("", "edges")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	net, err := readNet(bench.Path(c.Net))
	if err != nil {
		return err
	}
	var ours, theirs, others map[string]street
	for s := range seeds {
		if ours, err = engine(ours, c, city, d, s+1); err != nil {
			return err
		}
		if theirs, err = sumo(theirs, c, city, dir, s+1, net); err != nil {
			return err
		}
		if others, err = sumo(others, c, city, dir, s+1001, net); err != nil {
			return err
		}
	}
	wape, rmse, ratio, n := errors(ours, theirs, 20*float64(seeds))
	noiseW, noiseR, _, _ := errors(others, theirs, 20*float64(seeds))
	fmt.Printf("%-12s %7d %7.1f %17.1f %7.2f %17.2f %14.3f\n", name, n, wape, noiseW, rmse, noiseR, ratio)
	list(ours, theirs, worst, float64(seeds))
	return nil
}

// errors compares streets that at least few vehicles entered.
func errors(a, b map[string]street, few float64) (wape, rmse, ratio float64, n int) {
	var off, all, ours, square float64
	for id, y := range b {
		x := a[id]
		if y.entered < few || x.entered == 0 {
			continue
		}
		n++
		off += math.Abs(x.pace()-y.pace()) * y.distM
		ours += x.pace() * y.distM
		all += y.vehS
		dv := 1/x.pace() - 1/y.pace()
		square += dv * dv * y.vehS
	}
	return off / all * 100, math.Sqrt(square / all), ours / all, n
}

func list(a, b map[string]street, n int, seeds float64) {
	ids := make([]string, 0, len(b))
	for id := range b {
		ids = append(ids, id)
	}
	off := func(id string) float64 { return math.Abs(a[id].pace()-b[id].pace()) * b[id].distM }
	slices.SortFunc(ids, func(x, y string) int { return cmp.Or(cmp.Compare(off(y), off(x)), cmp.Compare(x, y)) })
	for _, id := range ids[:min(n, len(ids))] {
		x, y := a[id], b[id]
		fmt.Printf("    %-28s %6.0f m, entered %6.0f SUMO %6.0f, a passage %6.1f s SUMO %6.1f s\n", id, y.per(), x.entered/seeds, y.entered/seeds,
			x.pace()*y.per(), y.pace()*y.per())
	}
}

func engine(into map[string]street, c bench.Case, city *geo.City, d *demand.Demand, seed int) (map[string]street, error) {
	r, err := sim.Run(context.Background(), sim.Input{City: city, Demand: d, Begin: c.Begin, End: c.End, StuckAfter: 300 * time.Second, Seed: uint64(seed), Threads: 1}, nil)
	if err != nil {
		return nil, err
	}
	if into == nil {
		into = map[string]street{}
	}
	g := &r.Segments
	for i, seg := range city.Segments.All() {
		x := into[seg.ID]
		s := float64(g.VehicleS[i])
		x.entered, x.vehS, x.distM = x.entered+float64(g.Entered[i]), x.vehS+s, x.distM+s*float64(g.SpeedKMH[i])/3.6
		into[seg.ID] = x
	}
	return into, nil
}

func sumo(into map[string]street, c bench.Case, city *geo.City, dir string, seed int, net streets) (map[string]street, error) {
	out, add := filepath.Join(dir, "edges.xml"), filepath.Join(dir, "edges.add.xml")
	text := fmt.Sprintf(`<additional><edgeData id="e" file="%s" withInternal="true" excludeEmpty="true"/></additional>`, out)
	if err := os.WriteFile(add, []byte(text), 0o600); err != nil {
		return nil, err
	}
	end := fmt.Sprint(c.End.Seconds())
	if err := c.SUMO(city, dir, seed, "-e", end, "--additional-files", strings.Join([]string{c.Additional(dir), add}, ",")); err != nil {
		return nil, err
	}
	b, err := os.ReadFile(out)
	if err != nil {
		return nil, err
	}
	var data struct {
		Edges []struct {
			ID       string  `xml:"id,attr"`
			Seconds  float64 `xml:"traveltime,attr"`
			Entered  float64 `xml:"entered,attr"`
			Departed float64 `xml:"departed,attr"`
		} `xml:"interval>edge"`
	}
	if err := xml.Unmarshal(b, &data); err != nil {
		return nil, err
	}
	if into == nil {
		into = map[string]street{}
	}
	for _, e := range data.Edges {
		id, n := e.ID, e.Entered+e.Departed
		if strings.HasPrefix(id, ":") {
			if id = net.inside[id]; id == "" {
				continue
			}
		}
		x := into[id]
		if id == e.ID {
			x.entered += n
		}
		x.vehS, x.distM = x.vehS+e.Seconds*n, x.distM+net.lengthM[e.ID]*n
		into[id] = x
	}
	return into, nil
}

// streets is what must be known of a network: lengths, and for every edge inside
// a junction from which street one comes onto it.
type streets struct {
	lengthM map[string]float64
	inside  map[string]string
}

func readNet(file string) (streets, error) {
	s := streets{map[string]float64{}, map[string]string{}}
	b, err := os.ReadFile(file)
	if err != nil {
		return s, err
	}
	var net struct {
		Edges []struct {
			ID    string `xml:"id,attr"`
			Lanes []struct {
				LengthM float64 `xml:"length,attr"`
			} `xml:"lane"`
		} `xml:"edge"`
		Connections []struct {
			From string `xml:"from,attr"`
			Via  string `xml:"via,attr"`
		} `xml:"connection"`
	}
	if err := xml.Unmarshal(b, &net); err != nil {
		return s, err
	}
	for _, e := range net.Edges {
		if len(e.Lanes) > 0 {
			s.lengthM[e.ID] = e.Lanes[0].LengthM
		}
	}
	for range 3 { // from the street inwards: chains have few parts
		for _, c := range net.Connections {
			from := c.From
			if strings.HasPrefix(from, ":") {
				from = s.inside[from]
			}
			if i := strings.LastIndexByte(c.Via, '_'); i > 0 && from != "" {
				s.inside[c.Via[:i]] = from
			}
		}
	}
	return s, nil
}
