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
	for _, doc := range d.scenarios() {
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

// scenarios are those that are ready to run: a signal whose longest stage
// takes five seconds from the next longest, and a tenth more traffic.
func (d *demo) scenarios() []*scenarios.Document {
	docs := []*scenarios.Document{document(`{"name":"A tenth more traffic","about":"all trips, all day","changes":[{"op":"demand.scale","factor":1.1}]}`)}
	if signal, more, less, ok := d.busiest(); ok {
		docs = append(docs, document(fmt.Sprintf(`{"name":"Longer green at %[1]s","about":"five seconds from stage %[3]d to stage %[2]d",
			"changes":[{"op":"signal.adjust","select":{"id":[%[1]q]},"split":[{"stage":%[2]d,"add_s":5},{"stage":%[3]d,"add_s":-5}]}]}`, signal, more, less)))
	}
	return docs
}

// busiest returns the signal with most groups and the stages, from 1, of its
// longest and next longest green.
func (d *demo) busiest() (id string, more, less int, ok bool) {
	most := 0
	for _, s := range d.city.Signals.All() {
		if s.Plan == geo.NoPlan || s.Groups <= most {
			continue
		}
		first, second := -1, -1
		stages := d.city.Plans.At(s.Plan).Stages
		for i, st := range stages {
			switch {
			case first < 0 || st.Duration > stages[first].Duration:
				first, second = i, first
			case second < 0 || st.Duration > stages[second].Duration:
				second = i
			}
		}
		if second >= 0 && stages[second].Duration >= 15*time.Second {
			most, id, more, less, ok = s.Groups, s.ID, first+1, second+1, true
		}
	}
	return id, more, less, ok
}

// document parses a document of this file's own.
func document(text string) *scenarios.Document {
	d, err := scenarios.Parse([]byte(text))
	if err != nil {
		panic("demo: a ready scenario is wrong: " + err.Error())
	}
	return d
}
