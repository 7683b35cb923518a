// Command ingest measures how fast a service acknowledges readings over HTTP:
// a synthetic city of 10 000 segments, `tideway serve` with its durable log as a
// process of its own, and this process as the client on the same cores.
//
//	go build -o tideway ./cmd/tideway && go run ./bench/ingest -tideway ./tideway
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"tideway/api/client"
	"tideway/api/wire"
	"tideway/geo"
	"tideway/live"
)

const (
	readings    = 10_000 // a batch
	connections = 4
)

func main() {
	program := flag.String("tideway", "tideway", "the program")
	seconds := flag.Duration("for", 10*time.Second, "length of each case")
	flag.Parse()
	if err := measure(*program, *seconds); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func measure(program string, length time.Duration) (err error) {
	dir, err := os.MkdirTemp("", "tideway-bench-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	city := filepath.Join(dir, "city")
	if out, err := exec.Command(program, "gen", "city", "--size", "10000", "--seed", "1", "--out", city).CombinedOutput(); err != nil {
		return fmt.Errorf("making the city: %w\n%s", err, out)
	}
	c, stop, err := serve(program, city, filepath.Join(dir, "data"))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, stop()) }()
	sensors, err := speeds(c)
	if err != nil {
		return err
	}
	fmt.Printf("%s, %d cores, %d sensors, %d connections, batches of %d, client on the same cores\n\n", runtime.Version(), runtime.GOMAXPROCS(0), len(sensors), connections, readings)
	for i, form := range forms {
		first := time.Now().AddDate(0, -2*i, 0).Truncate(time.Minute)
		if err := run(c, form, sensors, first, length); err != nil {
			return err
		}
	}
	return nil
}

// serve starts the service and returns when it is ready.
func serve(program, city, data string) (c *client.Client, stop func() error, err error) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, nil, err
	}
	address := ln.Addr().String()
	if err := ln.Close(); err != nil {
		return nil, nil, err
	}
	service := exec.Command(program, "serve", "--city", city, "--data", data, "--listen", address)
	service.Stderr = os.Stderr
	if err := service.Start(); err != nil {
		return nil, nil, err
	}
	c = client.New("http://"+address, "", nil)
	for deadline := time.Now().Add(time.Minute); c.Ready(context.Background()) != nil; {
		if time.Now().After(deadline) {
			return nil, nil, errors.Join(errors.New("the service was not ready within a minute"), service.Process.Kill())
		}
	}
	return c, func() error { return errors.Join(service.Process.Signal(os.Interrupt), service.Wait()) }, nil
}

// speeds returns the sensors that measure speed.
func speeds(c *client.Client) (ids []string, err error) {
	list, err := c.Sensors(context.Background())
	for _, s := range list.Sensors {
		if slices.ContainsFunc(s.Measures, func(m wire.Measure) bool { return m.Quantity == geo.Speed.String() }) {
			ids = append(ids, s.ID)
		}
	}
	return ids, err
}

// form is a way to write a batch.
type form struct {
	name, contentType string
	encode            func(*live.Batch) []byte
}

var forms = []form{
	{"binary columns", "application/vnd.tideway.columns", func(b *live.Batch) []byte { return b.AppendBinary(nil) }},
	{"JSON columns", "application/vnd.tideway.columns+json", columns},
	{"JSON, an object a reading", "application/json", objects},
}

// run sends batches over all connections for a time, encoding included. They go
// back in time from first, so that every reading is new.
func run(c *client.Client, f form, sensors []string, first time.Time, length time.Duration) error {
	var sent, accepted atomic.Int64
	var mu sync.Mutex
	var waits []time.Duration
	var failed error
	begin := time.Now()
	var all sync.WaitGroup
	for range connections {
		all.Go(func() {
			for time.Since(begin) < length {
				n := sent.Add(1)
				b := batch(sensors, first, n)
				asked := time.Now()
				a, err := c.PutBody(context.Background(), fmt.Sprintf("%s-%d", f.name, n), f.contentType, f.encode(b))
				accepted.Add(int64(a.Accepted))
				mu.Lock()
				waits, failed = append(waits, time.Since(asked)), errors.Join(failed, err)
				mu.Unlock()
				if err != nil {
					return
				}
			}
		})
	}
	all.Wait()
	wall := time.Since(begin)
	if want := sent.Load() * readings; failed == nil && accepted.Load() != want {
		failed = fmt.Errorf("%s: %d readings accepted, %d sent", f.name, accepted.Load(), want)
	}
	slices.Sort(waits)
	fmt.Printf("%-26s %5.0f k readings/s, an answer takes p50 %v p99 %v\n", f.name, float64(accepted.Load())/wall.Seconds()/1e3,
		waits[len(waits)/2].Round(time.Millisecond), waits[len(waits)*99/100].Round(time.Millisecond))
	return failed
}

// batch is the nth stretch of minutes of all sensors.
func batch(sensors []string, first time.Time, n int64) *live.Batch {
	b := &live.Batch{Sensors: sensors, Backfill: true}
	minutes := (readings + len(sensors) - 1) / len(sensors)
	for i := range readings {
		end := first.Add(-time.Duration(int(n)*minutes+i/len(sensors)) * time.Minute)
		b.Add(uint32(i%len(sensors)), geo.Speed, end, time.Minute, 20+float64((int(n)*7+i)%400)/10)
	}
	return b
}

func columns(b *live.Batch) []byte {
	w := wire.Columns{Sensors: b.Sensors, Quantities: []string{geo.Speed.String()}, Sensor: b.Sensor, Quantity: make([]uint32, b.Len()),
		EndMS: b.EndMS, IntervalS: b.Interval, Value: b.Value, Backfill: b.Backfill}
	return encoded(w)
}

func objects(b *live.Batch) []byte {
	w := wire.Readings{Backfill: b.Backfill}
	for i := range b.Value {
		w.Readings = append(w.Readings, wire.Reading{Sensor: b.Sensors[b.Sensor[i]], Quantity: b.Quantity[i].String(),
			At: time.UnixMilli(b.EndMS[i]).UTC(), IntervalS: float64(b.Interval[i]), Value: &b.Value[i]})
	}
	return encoded(w)
}

// encoded is the JSON of a plain wire type, which always has one.
func encoded(w any) []byte {
	b, err := json.Marshal(w)
	if err != nil {
		panic("bench: a wire type has no JSON form: " + err.Error())
	}
	return b
}
