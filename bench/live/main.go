// Command live measures the way of readings into a feed: rate of durable
// acknowledgement, backfill, memory and restoring of the recent window.
//
//	go run ./bench/live [-hours 24] [-sensors 10000] [-dir FOLDER] [case ...]
//
// Each case runs in a process of its own, client and server together, so that
// its memory is its own. Figures go to standard output; results.txt holds those
// of the reference machine.
package main

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/paulmach/orb"

	"tideway/geo"
	"tideway/internal/bus"
	"tideway/live"
	"tideway/live/ingest"
	"tideway/unit"
)

var (
	hours       = flag.Int("hours", 24, "length of the window to fill")
	sensors     = flag.Int("sensors", 10_000, "number of sensors")
	connections = flag.Int("connections", 4, "clients at once")
	dir         = flag.String("dir", "", "data folder; a temporary one when empty")
	child       = flag.Bool("child", false, "run the case in this process")
)

// cases in the order in which they run; restore needs the folder that fill left.
var cases = []struct {
	name string
	run  func(*bench) error
}{
	{"fill", (*bench).fill}, {"restore", (*bench).restore},
	{"fill3", (*bench).fill3}, {"restore3", (*bench).restore3},
	{"columns", (*bench).columns}, {"json", (*bench).json}, {"backfill", (*bench).backfill},
}

func main() {
	flag.Parse()
	if err := run(flag.Args()); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(names []string) error {
	if *child {
		return runCase(names[0])
	}
	if *dir == "" {
		tmp, err := os.MkdirTemp("", "bench-live")
		if err != nil {
			return err
		}
		defer os.RemoveAll(tmp)
		*dir = tmp
	}
	fmt.Printf("%s %s, %d cores, %d sensors, %d connections\n", runtime.Version(), cpuName(), runtime.NumCPU(), *sensors, *connections)
	for _, c := range cases {
		if len(names) > 0 && !slices.Contains(names, c.name) {
			continue
		}
		cmd := exec.Command(os.Args[0], "-child", "-dir", *dir, "-hours", strconv.Itoa(*hours), "-sensors", strconv.Itoa(*sensors), "-connections", strconv.Itoa(*connections), c.name)
		cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
		if err := cmd.Run(); err != nil {
			return fmt.Errorf("%s: %w", c.name, err)
		}
	}
	return nil
}

func runCase(name string) error {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(50) // as tideway serve does
	}
	for _, c := range cases {
		if c.name == name {
			b := &bench{name: name, now: time.Now().UTC().Truncate(time.Hour)}
			return c.run(b)
		}
	}
	return fmt.Errorf("there is no case %q", name)
}

// bench is one case under way.
type bench struct {
	name string
	now  time.Time
	bus  *bus.Bus
	feed *live.Feed
	city *geo.City
	used time.Duration // CPU before the readings were sent
}

func (b *bench) open(folder string, measures ...geo.Quantity) (err error) {
	b.city = town(*sensors, measures)
	at := filepath.Join(*dir, folder)
	if b.bus, err = bus.Start(bus.Options{Dir: filepath.Join(at, "bus")}); err != nil {
		return err
	}
	log, err := b.bus.Log(context.Background(), live.LogName)
	if err != nil {
		return err
	}
	// The clock stands still over the cases that share a folder.
	clock := filepath.Join(at, "now")
	if text, err := os.ReadFile(clock); err == nil {
		b.now, _ = time.Parse(time.RFC3339, string(text))
	} else if err := os.WriteFile(clock, []byte(b.now.Format(time.RFC3339)), 0o644); err != nil {
		return err
	}
	b.feed, err = live.Open(context.Background(), live.Options{City: b.city, Dir: filepath.Join(at, "readings"), Log: log,
		Now: func() time.Time { return b.now }, MaxMessage: b.bus.MaxMessage(), Report: func(err error) { fmt.Fprintln(os.Stderr, err) }})
	return err
}

func (b *bench) close() error {
	err := b.feed.Close()
	b.bus.Stop()
	return err
}

// town is a city of sensors, all on one street.
func town(n int, measures []geo.Quantity) *geo.City {
	line := orb.LineString{{0, 0}, {100, 0}}
	d := geo.Draft{Name: "bench", TimeZone: "UTC", Frame: geo.LocalFrame(orb.Point{11.3, 44.5}),
		Nodes:    []geo.Node{{ID: "a"}, {ID: "b", XY: orb.Point{100, 0}}},
		Segments: []geo.Segment{{ID: "ab", From: 0, To: 1, Length: 100, Limit: 50 * unit.KMH, Shape: line}},
		Lanes:    []geo.Lane{{Segment: 0, Length: 100, Width: 3, Limit: 50 * unit.KMH, Allow: geo.AllClasses, Shape: line}}}
	for i := range n {
		s := geo.Sensor{ID: sensorID(i), LonLat: orb.Point{11.3, 44.5}, Segment: 0, Lane: 0}
		for _, q := range measures {
			s.Measures = append(s.Measures, geo.Measure{Quantity: q, Interval: time.Minute})
		}
		d.Sensors = append(d.Sensors, s)
	}
	c, err := d.Build()
	if err != nil {
		panic(err)
	}
	return c
}

func sensorID(i int) string { return fmt.Sprintf("urn:det:%06d", i) }

// minute is the readings of all sensors at one minute: values that wander as
// measured ones do, so that nothing is stuck.
func minute(end time.Time, q geo.Quantity, random *rand.Rand) *live.Batch {
	b := &live.Batch{Sensors: make([]string, *sensors)}
	for i := range b.Sensors {
		b.Sensors[i] = sensorID(i)
		v := 20 + 60*random.Float64()
		switch q {
		case geo.Flow:
			v = 60 * float64(random.IntN(40))
		case geo.Occupancy:
			v = float64(random.IntN(400)) / 1000
		}
		b.Add(uint32(i), q, end, time.Minute, float64(int(v*1000))/1000)
	}
	return b
}

// drive puts batch i of n, made by make, on all connections; it returns the
// wall time and the time of each put. decode is what the service does to a body.
func (b *bench) drive(n int, encode func(i int, random *rand.Rand) []byte, decode func([]byte) (*live.Batch, error)) (time.Duration, []time.Duration, error) {
	var next, readings atomic.Int64
	var wg sync.WaitGroup
	acks := make([]time.Duration, n)
	errs := make([]error, *connections)
	begin := time.Now()
	b.used = cpu()
	for c := range *connections {
		wg.Go(func() {
			random := rand.New(rand.NewPCG(1, uint64(c)))
			for {
				i := int(next.Add(1)) - 1
				if i >= n || errs[c] != nil {
					return
				}
				body := encode(i, random)
				sent := time.Now()
				batch, err := decode(body)
				if err == nil {
					batch.Client = fmt.Sprintf("%s-%d", b.name, i)
					var a live.Answer
					if a, err = b.feed.Put(context.Background(), batch); err == nil && a.Accepted != batch.Len() {
						err = fmt.Errorf("answer %+v", a)
					}
					readings.Add(int64(a.Accepted))
				}
				acks[i], errs[c] = time.Since(sent), err
			}
		})
	}
	wg.Wait()
	return time.Since(begin), acks, errors.Join(errs...)
}

func (b *bench) report(readings int, wall time.Duration, acks []time.Duration) {
	slices.Sort(acks)
	fmt.Printf("%-9s %9d readings: %s readings/s wall, %s per CPU second; an answer takes p50 %.1f ms p99 %.1f ms; peak RSS %d MB\n",
		b.name, readings, rate(readings, wall), rate(readings, cpu()-b.used), ms(acks[len(acks)/2]), ms(acks[len(acks)*99/100]), rss("VmHWM"))
}

func ms(d time.Duration) float64 { return float64(d) / 1e6 }

func rate(n int, d time.Duration) string {
	return fmt.Sprintf("%.0f k", float64(n)/d.Seconds()/1000)
}

func (b *bench) fill() error  { return b.fillWith("window", geo.Speed) }
func (b *bench) fill3() error { return b.fillWith("window3", geo.Speed, geo.Flow, geo.Occupancy) }

// fillWith fills the window: every sensor and minute, in columnar batches of one
// quantity and minute, as a gateway would send them; the clock stands at the
// end, snapshots are taken meanwhile. An hour before the end it seals, and
// then leaves without closing: restore finds a checkpoint and an hour of log.
func (b *bench) fillWith(folder string, qs ...geo.Quantity) error {
	if err := b.open(folder, qs...); err != nil {
		return err
	}
	start := b.now.Add(-time.Duration(*hours) * time.Hour)
	stop, ticks := b.tickMeanwhile()
	fill := func(from, to int) error { // minutes
		n := (to - from) * len(qs)
		wall, acks, err := b.drive(n, func(i int, r *rand.Rand) []byte {
			end := start.Add(time.Duration(from+i/len(qs)+1) * time.Minute)
			return minute(end, qs[i%len(qs)], r).AppendBinary(nil)
		}, live.DecodeBinary)
		b.report(n**sensors, wall, acks)
		return err
	}
	if err := fill(0, (*hours-1)*60); err != nil {
		return err
	}
	close(stop)
	t := <-ticks
	fmt.Printf("%-9s snapshots taken meanwhile: %d, p50 %.1f ms p99 %.1f ms\n", b.name, len(t), ms(t[len(t)/2]), ms(t[len(t)*99/100]))
	begin := time.Now()
	if err := b.feed.Seal(context.Background()); err != nil {
		return err
	}
	s := b.feed.Stats()
	fmt.Printf("%-9s sealing all of it at once %.1f s; %d files, %.2f bytes a reading; peak RSS %d MB\n", b.name, time.Since(begin).Seconds(), s.Files, float64(s.SealedBytes)/float64(s.SealedRows), rss("VmHWM"))
	b.name += "+1h"
	return fill((*hours-1)*60, *hours*60)
}

func (b *bench) tickMeanwhile() (stop chan struct{}, took chan []time.Duration) {
	stop, took = make(chan struct{}), make(chan []time.Duration, 1)
	go func() {
		var all []time.Duration
		tick := time.NewTicker(50 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-stop:
				slices.Sort(all)
				took <- all
				return
			case <-tick.C:
				begin := time.Now()
				b.feed.Tick(b.now)
				all = append(all, time.Since(begin))
			}
		}
	}()
	return stop, took
}

func (b *bench) restore() error { return b.restoreWith("window", geo.Speed) }
func (b *bench) restore3() error {
	return b.restoreWith("window3", geo.Speed, geo.Flow, geo.Occupancy)
}

// restoreWith opens the window that fill left: its checkpoint and an hour of
// readings in the log.
func (b *bench) restoreWith(folder string, qs ...geo.Quantity) error {
	if err := b.open(folder, qs...); err != nil {
		return err
	}
	defer b.close()
	points, err := b.feed.Histories(context.Background(), []live.Key{{Sensor: sensorID(7), Quantity: qs[0]}}, b.now.Add(-24*time.Hour), b.now)
	if err != nil {
		return err
	}
	fmt.Printf("%-9s %.2f s, %d values in the window of each of %d series; RSS %d MB, peak %d MB\n", b.name, b.feed.Stats().RestoreTime.Seconds(), len(points[0]), *sensors*len(qs), rss("VmRSS"), rss("VmHWM"))
	return nil
}

func (b *bench) columns() error {
	return b.wire(100, ingest.TypeColumns, ingest.AppendColumns)
}

func (b *bench) json() error { return b.wire(50, ingest.TypeJSON, ingest.AppendJSON) }

// wire takes in bodies as they come over HTTP.
func (b *bench) wire(n int, kind string, encode func([]byte, *live.Batch) []byte) error {
	if err := b.open(b.name, geo.Speed); err != nil {
		return err
	}
	start := b.now.Add(-time.Duration(n) * time.Minute)
	wall, acks, err := b.drive(n, func(i int, r *rand.Rand) []byte {
		return encode(nil, minute(start.Add(time.Duration(i+1)*time.Minute), geo.Speed, r))
	}, func(body []byte) (*live.Batch, error) { return ingest.Decode(b.city, kind, body) })
	if err != nil {
		return err
	}
	b.report(n**sensors, wall, acks)
	return b.close()
}

// backfill takes in 250 000 hourly readings of long ago: 100 sensors over 104 days.
func (b *bench) backfill() error {
	if err := b.open(b.name, geo.Flow); err != nil {
		return err
	}
	start := b.now.AddDate(-1, 0, 0)
	wall, acks, err := b.drive(25, func(i int, r *rand.Rand) []byte {
		batch := &live.Batch{Backfill: true}
		for s := range 100 {
			batch.Sensors = append(batch.Sensors, sensorID(s))
			for h := range 100 {
				batch.Add(uint32(s), geo.Flow, start.Add(time.Duration(i*100+h)*time.Hour), time.Hour, float64(r.IntN(1500)))
			}
		}
		return batch.AppendBinary(nil)
	}, live.DecodeBinary)
	if err != nil {
		return err
	}
	b.report(250_000, wall, acks)
	begin := time.Now()
	err = b.close()
	fmt.Printf("%-9s sealing into %d files afterwards %.2f s\n", b.name, b.feed.Stats().Files, time.Since(begin).Seconds())
	return err
}

func cpu() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// rss returns a line of /proc/self/status in MB.
func rss(line string) int {
	f, err := os.Open("/proc/self/status")
	if err != nil {
		return 0
	}
	defer f.Close()
	for s := bufio.NewScanner(f); s.Scan(); {
		if rest, ok := strings.CutPrefix(s.Text(), line+":"); ok {
			kb, _ := strconv.Atoi(strings.Fields(rest)[0])
			return kb / 1024
		}
	}
	return 0
}

func cpuName() string {
	data, _ := os.ReadFile("/proc/cpuinfo")
	for _, line := range strings.Split(string(data), "\n") {
		if name, ok := strings.CutPrefix(line, "model name\t: "); ok {
			return name
		}
	}
	return runtime.GOARCH
}
