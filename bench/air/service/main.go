// Command service prints how the service's own forecasts of stations do with and
// without a weather forecast: the runner that serves, on twelve stations of
// Beijing, learns once from the hours before 1 March 2015, renews its profile
// every week and forecasts NO2 from every third later hour, 24 hours ahead. The
// weather given is that which was measured later: a forecast without error. Run
// from the repository root with the data sets at hand:
//
//	go run ./bench/air/service
package main

import (
	"compress/gzip"
	"context"
	"fmt"
	"log"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"github.com/paulmach/orb"

	"tideway/forecast"
	"tideway/forecast/air"
	"tideway/geo"
	"tideway/internal/testdata"
	"tideway/live"
	"tideway/unit"
)

const (
	ahead = 24
	every = 3
	week  = 7
)

func main() {
	log.SetFlags(0)
	files, err := filepath.Glob(filepath.Join(testdata.Base(), "air", "beijing_hourly", "*.csv.gz"))
	if err != nil || len(files) == 0 {
		fmt.Println("data set \"air/beijing_hourly\" is not at hand (set TIDEWAY_DATA)")
		return
	}
	p := past{Data: read(files)}
	city, err := cityOf(p.Data)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("command: go run ./bench/air/service\nmachine: %d cores, %s; %d stations\n\nNO2, %d hours ahead\n weather given    serving        mae  climate   of it\n", runtime.NumCPU(), runtime.Version(), len(files), ahead)
	for _, given := range []bool{false, true} {
		p.given = given
		if err := p.score(city); err != nil {
			log.Fatal(err)
		}
	}
}

func read(files []string) *air.Data {
	var stations []air.Station
	for _, name := range files {
		f, err := os.Open(name)
		if err != nil {
			log.Fatal(err)
		}
		defer f.Close()
		z, err := gzip.NewReader(f)
		if err != nil {
			log.Fatal(err)
		}
		s, err := air.ReadCSV(z, name)
		if err != nil {
			log.Fatal(err)
		}
		stations = append(stations, s)
	}
	d, err := air.Join(stations)
	if err != nil {
		log.Fatal(err)
	}
	return d
}

// cityOf is a street with the stations beside it.
func cityOf(d *air.Data) (*geo.City, error) {
	line := orb.LineString{{0, 0}, {100, 0}}
	c := geo.Draft{Name: "Beijing", TimeZone: "UTC", Frame: geo.LocalFrame(orb.Point{116.4, 39.9}),
		Nodes:    []geo.Node{{ID: "a"}, {ID: "b", XY: orb.Point{100, 0}}},
		Segments: []geo.Segment{{ID: "ab", From: 0, To: 1, Length: 100, Limit: 50 * unit.KMH, Shape: line}},
		Lanes:    []geo.Lane{{Segment: 0, Length: 100, Width: 3, Limit: 50 * unit.KMH, Allow: geo.AllClasses, Shape: line}}}
	for _, s := range d.Stations {
		c.Sensors = append(c.Sensors, geo.Sensor{ID: s.ID, LonLat: orb.Point{116.4, 39.9}, Heading: -1, Segment: geo.NoSegment, Lane: geo.NoLane,
			Measures: []geo.Measure{{Quantity: geo.NO2, Interval: time.Hour}}})
	}
	return c.Build()
}

// past is the table as history and as weather.
type past struct {
	*air.Data
	given bool
}

func (p past) end(i int) time.Time { return p.First.Add(time.Duration(i+1) * time.Hour) }

func (p past) index(end time.Time) int { return int(end.Sub(p.First)/time.Hour) - 1 }

func (p past) Values(_ context.Context, sensor string, _ geo.Quantity, _ time.Duration, from, to time.Time) ([]float32, error) {
	out := make([]float32, int(to.Sub(from)/time.Hour))
	for s := range p.Stations {
		for k := range out {
			if i := p.index(from) + 1 + k; p.Stations[s].ID == sensor {
				out[k] = p.at(s, air.NO2, i)
			}
		}
	}
	return out, nil
}

func (p past) at(s int, c air.Column, i int) float32 {
	if i < 0 || i >= p.Hours {
		return float32(math.NaN())
	}
	return p.Stations[s].Columns[c][i]
}

// Measured returns the means of all stations.
func (p past) Measured(_ context.Context, from, to time.Time) (out []forecast.SkyHour, _ error) {
	for end := from.Add(time.Hour); !end.After(to); end = end.Add(time.Hour) {
		i, h := p.index(end), forecast.UnknownSky
		h[forecast.SkyWind], h[forecast.SkyTemperature] = p.mean(i, air.WindSpeed, false), p.mean(i, air.Temperature, false)
		h[forecast.SkyEast], h[forecast.SkyNorth] = -p.mean(i, air.WindX, true), -p.mean(i, air.WindY, true)
		out = append(out, h)
	}
	return out, nil
}

// mean of a column over the stations, times their wind speeds if asked for.
func (p past) mean(i int, c air.Column, wind bool) float32 {
	sum, n := 0., 0.
	for s := range p.Stations {
		v := p.at(s, c, i)
		if wind {
			v *= p.at(s, air.WindSpeed, i)
		}
		if v == v {
			sum, n = sum+float64(v), n+1
		}
	}
	return float32(sum / n)
}

// Given returns what will be measured, or nothing.
func (p past) Given(from, to, _ time.Time) (out []forecast.SkyHour) {
	if p.given {
		out, _ = p.Measured(context.Background(), from, to)
		return out
	}
	for range int(to.Sub(from) / time.Hour) {
		out = append(out, forecast.UnknownSky)
	}
	return out
}

func (p past) snapshot(c *geo.City, at time.Time, seq int) *live.Snapshot {
	s := &live.Snapshot{City: c, At: at, Seq: uint64(seq), Roads: make([]live.RoadState, c.Segments.Len())}
	for id := range c.Sensors.All() {
		s.Series = append(s.Series, live.SeriesState{Series: live.Series{Sensor: id, Quantity: geo.NO2, Interval: time.Hour}, End: at})
	}
	return s
}

func (p past) score(c *geo.City) error {
	train := p.index(time.Date(2015, 3, 1, 0, 0, 0, 0, time.UTC)) + 1
	r, err := forecast.New(forecast.Options{City: c, History: p, Skies: p, Learners: []forecast.Learner{air.Learner{Seed: 1}}})
	if err != nil {
		return err
	}
	if _, err := r.Learn(context.Background(), p.snapshot(c, p.end(train-1), 0)); err != nil {
		return err
	}
	climate := air.Climate(p.Data, air.NO2, train)
	var model, usual, n float64
	for i := train; i+ahead < p.Hours; i += every {
		if (i-train)%(week*24) == 0 {
			if err := r.Refresh(context.Background(), p.snapshot(c, p.end(i), i)); err != nil {
				return err
			}
		}
		f, err := r.Tick(context.Background(), p.snapshot(c, p.end(i), i))
		if err != nil {
			return err
		}
		g := &f.Groups[0]
		for h, d := range g.Horizons {
			for row := range p.Stations {
				y, u := p.at(row, air.NO2, i+ahead), climate.At(row, p.At(i+ahead))
				if v := g.Bands.At(row, h).Value; d == ahead*time.Hour && y == y && u == u && v == v {
					model, usual, n = model+math.Abs(float64(y-v)), usual+math.Abs(float64(y-u)), n+1
				}
			}
		}
	}
	fmt.Printf(" %-13v  %-12s %6.2f  %7.2f  %6.3f\n", p.given, r.Models()[0].Card.Name, model/n, usual/n, model/usual)
	return nil
}
