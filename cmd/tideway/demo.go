package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"tideway/forecast"
	"tideway/geo"
	"tideway/internal/twin"
	"tideway/internal/world"
	"tideway/scenarios"
)

type demoCmd struct {
	Listen     string  `default:"127.0.0.1:8080" help:"Address to listen on; loopback only, as the demo has no keys."`
	SpeedRatio float64 `name:"speed" default:"60" help:"City seconds per second."`
	Size       int     `default:"600" help:"About so many street segments; other sizes than 600 begin without history."`
	Threads    int     `help:"Cores used by forecasts and runs; default all."`
}

const (
	demoTick = 5 * time.Minute // of the city's clock: how often its devices report
	lookAt   = time.Second     // of the machine's: how often the hidden world is asked
)

// Run serves a synthetic city until interrupted: a hidden simulation plays the
// real world and is seen by imperfect devices only.
func (c *demoCmd) Run() error {
	if c.SpeedRatio <= 0 {
		return fmt.Errorf("--speed is %v, expected more than 0", c.SpeedRatio)
	}
	city, err := world.City(c.Size)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "tideway-demo-")
	if err != nil {
		return err
	}
	began := time.Now()
	start := world.DemoStart(began, city.TimeZone)
	clock := func() time.Time { return start.Add(time.Duration(float64(time.Since(began)) * c.SpeedRatio)) }
	w, err := world.New(city, world.Options{Start: start, Threads: 1})
	if err != nil {
		return err
	}
	d := demo{city: city, world: w, start: start, clock: clock, history: c.Size == world.DefaultSegments}
	o := twin.Options{City: city, Dir: dir, Now: clock, Pace: c.SpeedRatio, Tick: demoTick, Threads: c.Threads, Report: report,
		Demand: w.Demand(start), Period: twin.Period{Begin: 7*time.Hour + 30*time.Minute, End: 8 * time.Hour},
		Holidays: forecast.HolidaysOfZone(city.TimeZone.String())}
	err = serve(o, listenFlags{Listen: c.Listen}, d.play)
	return errors.Join(err, os.RemoveAll(dir))
}

// demo is the world's side of the demo.
type demo struct {
	city    *geo.City
	world   *world.World
	start   time.Time
	clock   func() time.Time
	history bool
}

// play gives the twin its history and scenarios and then plays the world until
// ctx ends.
func (d *demo) play(ctx context.Context, t *twin.Twin) error {
	if err := d.prepare(ctx, t); err != nil {
		return ignoreEnd(ctx, err)
	}
	ticker := time.NewTicker(lookAt)
	defer ticker.Stop()
	for {
		batch, err := d.world.Advance(d.clock())
		if err == nil && batch.Len() > 0 {
			_, err = t.Put(ctx, batch)
		}
		if err != nil {
			return ignoreEnd(ctx, err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
	}
}

func (d *demo) prepare(ctx context.Context, t *twin.Twin) error {
	for _, doc := range readyScenarios() {
		if _, err := t.AddScenario(ctx, doc); err != nil {
			return err
		}
	}
	if !d.history {
		return nil
	}
	batches, err := world.Recorded(d.city.TimeZone, d.start)
	if err != nil {
		return err
	}
	for _, b := range batches {
		if _, err := t.Put(ctx, b); err != nil {
			return err
		}
	}
	t.Refit()
	return nil
}

func ignoreEnd(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// readyScenarios are those that are ready to run: more traffic, and signals that
// take most of the delay away (139 to 84 s in the half hour of runs), so that
// both can be seen in every comparison.
func readyScenarios() []*scenarios.Document {
	return []*scenarios.Document{
		document(`{"name":"A tenth more traffic","about":"all trips, all day","changes":[{"op":"demand.scale","factor":1.1}]}`),
		document(`{"name":"Signals that follow the traffic","about":"max-pressure control at all signals",
			"changes":[{"op":"signal.setControl","select":{"all":true},"control":"max_pressure"}]}`),
	}
}

// document parses a document of this file's own.
func document(text string) *scenarios.Document {
	d, err := scenarios.Parse([]byte(text))
	if err != nil {
		panic("demo: a ready scenario is wrong: " + err.Error())
	}
	return d
}
