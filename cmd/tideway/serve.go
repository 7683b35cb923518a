package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"runtime/debug"
	"syscall"
	"time"

	"tideway/api"
	"tideway/api/ui"
	"tideway/forecast"
	"tideway/geo"
	"tideway/geo/gmns"
	"tideway/internal/forecastcli"
	"tideway/internal/twin"
	"tideway/sim/demand/csv"
)

// listenFlags are what every verb that serves has.
type listenFlags struct {
	Listen string `default:"127.0.0.1:8080" help:"Address to listen on. Beyond loopback an API key must exist (tideway keys add)."`
	Keys   string `help:"File of API keys; default keys.json in the data folder."`
}

type serveCmd struct {
	listenFlags
	City    string        `required:"" type:"existingdir" help:"City folder, as import writes it."`
	Data    string        `required:"" env:"TIDEWAY_DATA_DIR" help:"Data folder: readings, history, scenarios, results. Made when absent."`
	NATS    string        `name:"nats" help:"URL of an external NATS server with JetStream; default: embedded."`
	Synced  bool          `name:"nats-synced" help:"Vouch that the external server has sync_interval: always, where it does not tell."`
	Retain  time.Duration `default:"9600h" help:"History kept (400 days)."`
	Tick    time.Duration `default:"1m" help:"Time between snapshots and forecasts."`
	Begin   time.Duration `default:"0s" help:"Begin of the demand's period that scenario runs simulate."`
	End     time.Duration `default:"1h" help:"End of departures of that period."`
	Workers int           `default:"1" help:"Scenario runs worked on at a time here; -1: none."`
	Threads int           `help:"Cores used by forecasts and runs; default all."`
	At      string        `placeholder:"TIME" help:"Serve as if it were this moment of the past, by the city's clock (2024-03-20T08:00): the clock runs on from there, and later readings are refused."`
}

// Run serves the city until interrupted.
func (c *serveCmd) Run() error {
	city, _, err := gmns.ReadDir(c.City)
	if err != nil {
		return err
	}
	trips, err := csv.ReadDir(c.City, city)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	o := twin.Options{City: city, Dir: c.Data, Demand: trips, Period: twin.Period{Begin: c.Begin, End: c.End}, NATS: c.NATS, Synced: c.Synced,
		Retain: c.Retain, Tick: c.Tick, Workers: c.Workers, Threads: c.Threads, Holidays: forecast.HolidaysOfZone(city.TimeZone.String()), Report: report,
		Learners: forecastcli.Learners(), Learned: learned,
		SaveCity: func(next *geo.City) error { return gmns.WriteDir(c.City, next) }}
	if c.At != "" {
		if o.Now, err = clockFrom(city, c.At); err != nil {
			return fmt.Errorf("--at: %w", err)
		}
	}
	if c.Keys == "" {
		c.Keys = filepath.Join(c.Data, "keys.json")
	}
	return serve(o, c.listenFlags, nil)
}

// clockFrom is a clock that shows the given local time now.
func clockFrom(city *geo.City, text string) (func() time.Time, error) {
	start, err := localTime(city, text)
	began := time.Now()
	return func() time.Time { return start.Add(time.Since(began)) }, err
}

// learned logs what became of a candidate that was tried.
func learned(v forecast.Verdict) {
	if v.Card.Name == "" {
		return // not made for such data, or too little of it
	}
	slog.Info("training", "candidate", v.Candidate, "quantity", v.Quantity.String(), "every", v.Interval, "serves", v.Serves, "why", v.Why)
}

func report(err error) { slog.Warn(err.Error()) }

// collectOften lets the heap grow by half before it is collected, unless the
// environment says otherwise. Most of it is the recent window, which holds no
// pointers and costs the collector nothing to look at: 24 h of 30 000 series
// take 260 MB instead of up to 466 (bench/live).
func collectOften() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(50)
	}
}

// serve runs a twin and its API until SIGINT or SIGTERM. feed, when not nil,
// runs beside it as long: the demo's hidden world.
func serve(o twin.Options, l listenFlags, feed func(context.Context, *twin.Twin) error) error {
	collectOften()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	ln, err := net.Listen("tcp", l.Listen)
	if err != nil {
		return fmt.Errorf("--listen is %s: %w; expected a free address of this machine, such as 127.0.0.1:8081", l.Listen, err)
	}
	t, err := twin.Start(ctx, o)
	if err != nil {
		return errors.Join(err, ln.Close())
	}
	announce := func(a net.Addr) { fmt.Fprintf(os.Stderr, "%s on http://%s\n", o.City.Name, a) }
	server, err := api.New(api.Options{Twin: t, KeysFile: l.Keys, Page: ui.Files(), Version: version(), Now: o.Now, Serving: announce})
	if err != nil {
		return errors.Join(err, ln.Close(), t.Stop())
	}
	feeding := make(chan error, 1)
	fed, endFeed := context.WithCancel(ctx)
	go func() {
		if feed == nil {
			feeding <- nil
			return
		}
		feeding <- feed(fed, t)
	}()
	served := make(chan error, 1)
	go func() { served <- server.Serve(ln) }()
	select {
	case err = <-served:
	case <-ctx.Done():
		err = server.Shutdown()
		<-served
	}
	endFeed()
	return errors.Join(err, <-feeding, t.Stop())
}
