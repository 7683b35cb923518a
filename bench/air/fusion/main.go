// Command fusion prints the twin experiment of data assimilation: on the network
// of Bologna, with the traffic of its simulated rush hour over a week of
// synthetic weather, the emissions of every kind of road are wrong by a factor
// of 0.5 to 2. Eight virtual monitors with 10 % noise; each is left out in turn
// and predicted from the others. Run from the repository root:
//
//	go run ./bench/air/fusion > bench/air/fusion/results.txt
package main

import (
	"context"
	"fmt"
	"log"
	"math"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/paulmach/orb"

	cases "tideway/bench/sim"
	"tideway/forecast/air/fusion"
	"tideway/geo"
	"tideway/sim"
	"tideway/sim/air"
	"tideway/sim/air/chemistry"
	"tideway/sim/air/dispersion"
	"tideway/sim/air/emission"
	"tideway/unit"
)

const (
	monitors = 8
	hours    = 7 * 24
	draws    = 20
)

func main() {
	log.SetFlags(0)
	fmt.Println("command: go run ./bench/air/fusion")
	fmt.Printf("Bologna, %d monitors, %d hours, %d draws of factors 0.5 to 2 per kind of road (primary, secondary, tertiary), 10 %% noise; RMSE in µg/m³ of NO2 at the monitor left out\n", monitors, hours, draws)
	w, err := newWorld()
	if err != nil {
		log.Fatal(err)
	}
	for _, e := range []experiment{
		{name: "factors constant over the week"},
		{name: "factors wander by day and night (5 % an hour)", wander: .05},
		{name: "and every street errs by a factor of 1.3 of its own", wander: .05, street: math.Log(1.3)},
		{name: "and the background is not measured but found from the monitors", wander: .05, street: math.Log(1.3), hidden: true},
	} {
		w.print(e)
	}
}

// experiment is one kind of ignorance.
type experiment struct {
	name           string
	wander, street float64
	hidden         bool // the background
}

// world is the network with its traffic and weather; only the emissions differ
// between truth and model.
type world struct {
	scene    *air.Scene
	released []emission.Emission // of the rush hour
	places   []fusion.Place
	sky      []sky
}

// sky is an hour of the week.
type sky struct {
	met        dispersion.Met
	hour       air.Hour
	traffic    float64 // share of the rush hour's
	background float64 // NO2, µg/m³
	plumes     *air.Plumes
}

func newWorld() (*world, error) {
	c, err := cases.Find("bologna")
	if err != nil {
		return nil, err
	}
	city, trips, err := c.Load(1)
	if err != nil {
		return nil, err
	}
	result, err := sim.Run(context.Background(), sim.Input{City: city, Demand: trips, End: time.Hour, Seed: 1, Threads: 1}, nil)
	if err != nil {
		return nil, err
	}
	w := &world{}
	rng := rand.New(rand.NewPCG(11, 4))
	stations := beside(city, rng)
	for _, p := range stations {
		w.places = append(w.places, fusion.Place{XM: p[0], YM: p[1]})
	}
	fleet, err := emission.DefaultFleet(emission.Default(), 2025)
	if err != nil {
		return nil, err
	}
	if w.scene, err = air.NewScene(city, air.SceneOptions{Fleet: fleet, Stations: stations, Squares: -1}); err != nil {
		return nil, err
	}
	n := city.Segments.Len()
	flow, speed := make([]float32, n), make([]float32, n)
	for i := range n {
		row := result.Segments.Row(0, geo.SegmentID(i))
		flow[i], speed[i] = float32(result.Segments.Entered[row]), result.Segments.SpeedKMH[row]
	}
	w.released = w.scene.Released(flow, speed)
	return w, w.weather(rng)
}

// beside puts monitors 4 to 80 m beside streets that lie apart.
func beside(city *geo.City, rng *rand.Rand) []orb.Point {
	var out []orb.Point
	for len(out) < monitors {
		s := geo.SegmentID(rng.IntN(city.Segments.Len()))
		a, b := city.Segments.At(s).Shape[0], city.Midpoint(s)
		along := orb.Point{b[0] - a[0], b[1] - a[1]}
		length := math.Hypot(along[0], along[1])
		off := 4 + 76*rng.Float64()*rng.Float64()
		if length < 10 {
			continue
		}
		p := orb.Point{b[0] + off*along[1]/length, b[1] - off*along[0]/length}
		if !slices.ContainsFunc(out, func(q orb.Point) bool { return math.Hypot(p[0]-q[0], p[1]-q[1]) < 250 }) {
			out = append(out, p)
		}
	}
	return out
}

// weather draws a week: wind that turns and freshens by day, light by the sun,
// traffic by the clock, a background that builds up and blows away.
func (w *world) weather(rng *rand.Rand) error {
	from, log := 200.0, 0.0
	for h := range hours {
		clock := float64(h % 24)
		day := math.Max(0, math.Sin((clock-6)/12*math.Pi))
		from += 25 * rng.NormFloat64()
		log = .9*log + .2*rng.NormFloat64()
		stability := dispersion.ClassF
		if day > 0 {
			stability = dispersion.ClassC
		}
		wind := (1 + 2*day) * math.Exp(log)
		if wind > 3 {
			stability = dispersion.ClassD
		}
		met, err := observed(wind, from, stability)
		if err != nil {
			return err
		}
		k := sky{traffic: .08 + .92*math.Exp(-.5*math.Pow((clock-8)/2, 2)) + .7*math.Exp(-.5*math.Pow((clock-18)/2.5, 2)), background: 14 * math.Exp(-.8*log)}
		k.traffic = math.Min(1, k.traffic)
		if k.met, err = air.ClassOf(met).Met(); err != nil {
			return err
		}
		k.hour = air.Hour{Light: chemistry.Weather{Temperature: unit.Celsius(10 + 6*day), SolarWm2: 600 * day},
			Background: chemistry.Background{NO: 2 * unit.UGM3, NO2: unit.Concentration(k.background) * unit.UGM3, O3: unit.Concentration(30+40*day) * unit.UGM3}}
		if k.plumes, err = w.scene.Under(k.met, w.released, 1); err != nil {
			return err
		}
		w.sky = append(w.sky, k)
	}
	return nil
}

func observed(wind, from float64, stability dispersion.Stability) (dispersion.Met, error) {
	nan := math.NaN()
	o := dispersion.Observation{Wind: unit.Speed(wind), From: unit.Angle(from), Class: stability, Cloud: unit.Share(nan), SolarWm2: nan, Sun: unit.Angle(nan)}
	met, _, err := o.Met(dispersion.Site{Roughness: .5})
	return met, err
}

// print runs an experiment and prints its line.
func (w *world) print(e experiment) {
	var none, with, scaled, measured, noneMeasured fusion.Scores
	var ratio []float64
	for draw := range draws {
		s := w.run(e, uint64(draw))
		add(&none, s.none)
		add(&with, s.with)
		add(&scaled, s.scaled)
		add(&measured, s.withMeasured)
		add(&noneMeasured, s.noneMeasured)
		ratio = append(ratio, s.with.RMSEUGM3/s.none.RMSEUGM3)
	}
	slices.Sort(ratio)
	root := func(s fusion.Scores) float64 { return math.Sqrt(s.RMSEUGM3 / float64(s.N)) }
	fmt.Printf("\n%s\n", e.name)
	fmt.Printf("  against the truth:        none %.2f  factors %.2f  factors and residuals %.2f  ratio %.2f (median of draws %.2f, worst %.2f)\n", root(none), root(scaled), root(with), root(with)/root(none),
		ratio[len(ratio)/2], ratio[len(ratio)-1])
	fmt.Printf("  against the measurements: none %.2f  factors and residuals %.2f  ratio %.2f; mean of the measurements %.1f\n", root(noneMeasured), root(measured), root(measured)/root(noneMeasured),
		measured.MeanUGM3/draws)
}

// add sums squares.
func add(to *fusion.Scores, s fusion.Scores) {
	to.N += s.N
	to.RMSEUGM3 += s.RMSEUGM3 * s.RMSEUGM3 * float64(s.N)
	to.MeanUGM3 += s.MeanUGM3
}

type result struct{ none, scaled, with, noneMeasured, withMeasured fusion.Scores }

func (w *world) run(e experiment, seed uint64) result {
	rng := rand.New(rand.NewPCG(seed, 77))
	truth, measured, first := columns(), columns(), columns()
	var factor [air.SourceGroups]float64
	var start [air.SourceGroups]float64
	for g := range factor {
		start[g] = math.Ln2 * (2*rng.Float64() - 1)
		factor[g] = start[g]
	}
	street := make([]float64, len(w.released))
	for i := range street {
		street[i] = math.Exp(e.street * rng.NormFloat64())
	}
	known := make([]fusion.Hour, hours)
	for h := range w.sky {
		for g := range factor {
			factor[g] = start[g] + .97*(factor[g]-start[g]) + e.wander*rng.NormFloat64()
			factor[g] = math.Max(-math.Ln2, math.Min(math.Ln2, factor[g]))
		}
		t := w.no2(h, factor, street)
		guess := w.no2(h, [air.SourceGroups]float64{}, nil)
		background := w.sky[h].background * math.Exp(.1*rng.NormFloat64())
		known[h] = fusion.Hour{ObservedUGM3: make([]float64, monitors), BackgroundUGM3: background, AddedUGM3: w.byGroup(h, guess)}
		if e.hidden {
			known[h].BackgroundUGM3 = math.NaN()
		}
		for s := range monitors {
			truth[s][h] = t[s]
			measured[s][h] = math.Max(0, t[s]*(1+.1*rng.NormFloat64()))
			known[h].ObservedUGM3[s] = measured[s][h]
			first[s][h] = guess[s] - w.sky[h].background + background
		}
	}
	c := fusion.Config{}
	said := fusion.LeaveOneOut(w.places, known, int(air.SourceGroups), c, fusion.Field{})
	plain := fusion.LeaveOneOut(w.places, known, int(air.SourceGroups), c, fusion.Field{Sigma: 1e-9})
	return result{none: fusion.Score(first, truth), scaled: fusion.Score(plain, truth), with: fusion.Score(said, truth),
		noneMeasured: fusion.Score(first, measured), withMeasured: fusion.Score(said, measured)}
}

func columns() [][]float64 {
	out := make([][]float64, monitors)
	for i := range out {
		out[i] = make([]float64, hours)
	}
	return out
}

// no2 is the air at the monitors, with logarithms of factors by kind of road and
// factors by street.
func (w *world) no2(h int, factor [air.SourceGroups]float64, street []float64) []float64 {
	k := &w.sky[h]
	for g := range factor {
		factor[g] = k.traffic * math.Exp(factor[g])
	}
	released := w.released
	if street != nil {
		released = slices.Clone(released)
		for i := range released {
			released[i].Run = emission.Amounts{}.Plus(street[i], released[i].Run)
			released[i].Standing = emission.Amounts{}.Plus(street[i], released[i].Standing)
		}
	}
	return w.breathed(k, released, factor)
}

func (w *world) breathed(k *sky, released []emission.Emission, factor [air.SourceGroups]float64) []float64 {
	a, err := k.plumes.Add(released, factor, 1)
	if err != nil {
		log.Fatal(err)
	}
	out := make([]float64, monitors)
	for i, c := range w.scene.StationRows(k.plumes.React(a, k.hour).NO2) {
		out[i] = c.UGM3()
	}
	return out
}

// byGroup shares what the model's streets add among the kinds of road, by NOx.
func (w *world) byGroup(h int, guess []float64) []float64 {
	k := &w.sky[h]
	out := make([]float64, monitors*int(air.SourceGroups))
	total := make([]float64, monitors)
	for g := range int(air.SourceGroups) {
		var one [air.SourceGroups]float64
		one[g] = k.traffic
		a, err := k.plumes.Add(w.released, one, 1)
		if err != nil {
			log.Fatal(err)
		}
		for i, c := range w.scene.StationRows(a.NOx) {
			out[i*int(air.SourceGroups)+g] = c.UGM3()
			total[i] += c.UGM3()
		}
	}
	for i := range monitors {
		for g := range int(air.SourceGroups) {
			if total[i] > 0 {
				out[i*int(air.SourceGroups)+g] *= (guess[i] - k.background) / total[i]
			}
		}
	}
	return out
}
