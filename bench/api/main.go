// Command api measures the service's hot paths with wrk: a synthetic city, a
// forecast of every segment, one API key per request, metrics counted. It
// prints a table; results.txt keeps runs.
//
//	go run ./bench/api [-segments 10000] [-seconds 10]
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"time"

	"tideway/api"
	"tideway/api/client"
	"tideway/forecast"
	"tideway/forecast/air/field"
	"tideway/geo"
	"tideway/geo/synth"
	"tideway/unit"
)

func main() {
	segments := flag.Int("segments", 10_000, "size of the city")
	seconds := flag.Int("seconds", 10, "length of each case")
	serve := flag.Bool("serve", false, "only serve, until standard input ends")
	flag.Parse()
	run := measure
	if *serve {
		run = hold
	}
	if err := run(*segments, *seconds); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// hold is the server's process: it prints address and key, and serves until its
// standard input ends.
func hold(segments, _ int) error {
	dir, err := os.MkdirTemp("", "tideway-bench")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	keys := filepath.Join(dir, "keys.json")
	secret, _, err := api.AddKey(keys, "bench", []string{"read"}, time.Now(), nil)
	if err != nil {
		return err
	}
	city, err := synth.City(synth.Options{Segments: segments, Seed: 1})
	if err != nil {
		return err
	}
	s, err := api.New(api.Options{Twin: &stub{city: city, forecast: plausible(city)}, KeysFile: keys})
	if err != nil {
		return err
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	served := make(chan error, 1)
	go func() { served <- s.Serve(ln) }()
	fmt.Printf("http://%s %s %d\n", ln.Addr(), secret, city.Segments.Len())
	os.Stdin.Read(make([]byte, 1))
	return s.Shutdown()
}

// measure starts the server as its own process and runs every case.
func measure(segments, seconds int) error {
	wrk, err := exec.LookPath("wrk")
	if err != nil {
		return fmt.Errorf("wrk is not installed, nothing was measured: %w", err)
	}
	server := exec.Command(os.Args[0], "-serve", "-segments", fmt.Sprint(segments))
	in, err := server.StdinPipe()
	if err != nil {
		return err
	}
	out, err := server.StdoutPipe()
	if err != nil {
		return err
	}
	server.Stderr = os.Stderr
	if err := server.Start(); err != nil {
		return err
	}
	defer server.Wait()
	defer in.Close()
	var base, secret string
	var n int
	if _, err := fmt.Fscan(out, &base, &secret, &n); err != nil {
		return fmt.Errorf("starting the server: %w", err)
	}
	c := client.New(base, secret, nil)
	for deadline := time.Now().Add(time.Minute); c.Ready(context.Background()) != nil; {
		if time.Now().After(deadline) {
			return errors.Join(errors.New("the server was not ready within a minute"), server.Process.Kill())
		}
	}
	fmt.Printf("%d segments, wrk 16 connections, 1 thread, %d s a case, %s, GOMAXPROCS %d\n\n", n, seconds, runtime.Version(), runtime.GOMAXPROCS(0))
	fmt.Printf("%-44s %10s %9s %9s %11s %12s\n", "case", "req/s", "p50", "p99", "bytes", "CPU us/req")
	for _, k := range cases() {
		if err := k.run(wrk, base, secret, seconds, server.Process.Pid); err != nil {
			return err
		}
	}
	return nil
}

// benchCase is one path with the headers of its requests.
type benchCase struct {
	name, path string
	header     []string
	match      bool // send the current ETag
}

func cases() []benchCase {
	return []benchCase{
		{"columnar state, matching ETag: 304", "/v1/state", nil, true},
		{"columnar state, zstd", "/v1/state", []string{"Accept-Encoding: zstd"}, false},
		{"columnar state, gzip", "/v1/state", []string{"Accept-Encoding: gzip"}, false},
		{"columnar state, identity", "/v1/state", nil, false},
		{"forecasts, zstd", "/v1/forecasts", []string{"Accept-Encoding: zstd"}, false},
		{"congestion of all segments, zstd", "/v1/congestion", []string{"Accept-Encoding: zstd"}, false},
		{"congestion by zone", "/v1/congestion/zones", nil, false},
		{"readiness, no key", "/readyz", nil, false},
	}
}

func (k benchCase) run(wrk, base, secret string, seconds, pid int) error {
	headers := append([]string{"Authorization: Bearer " + secret}, k.header...)
	tag, size, err := probe(base+k.path, headers)
	if err != nil {
		return err
	}
	if k.match {
		headers, size = append(headers, "If-None-Match: "+tag), 0
	}
	args := []string{"-t1", "-c16", fmt.Sprintf("-d%ds", seconds), "--latency"}
	for _, h := range headers {
		args = append(args, "-H", h)
	}
	before := cpuS(pid)
	text, err := exec.Command(wrk, append(args, base+k.path)...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("wrk: %w\n%s", err, text)
	}
	if bad := regexp.MustCompile(`Non-2xx or 3xx responses: \d+|Socket errors:.*`).Find(text); bad != nil {
		return fmt.Errorf("%s: %s", k.name, bad)
	}
	rate := captured(text, `Requests/sec:\s+([\d.]+)`)
	var perS, requests float64
	fmt.Sscan(rate, &perS)
	fmt.Sscan(captured(text, `(\d+) requests in`), &requests)
	fmt.Printf("%-44s %10.0f %9s %9s %11d %12.1f\n", k.name, perS, captured(text, `(?m)^ +50% +(\S+)`), captured(text, `(?m)^ +99% +(\S+)`), size, (cpuS(pid)-before)/requests*1e6)
	return nil
}

func captured(text []byte, pattern string) string {
	if m := regexp.MustCompile(pattern).FindSubmatch(text); m != nil {
		return string(m[1])
	}
	return "?"
}

// probe asks once, so that every form is made, and returns tag and size.
func probe(url string, headers []string) (tag string, size int, err error) {
	args := []string{"-s", "-o", os.DevNull, "-w", "%{http_code} %{size_download} %header{etag}"}
	for _, h := range headers {
		args = append(args, "-H", h)
	}
	text, err := exec.Command("curl", append(args, url)...).Output()
	var code int
	if _, e := fmt.Sscan(string(text), &code, &size); err != nil || e != nil || code != 200 {
		return "", 0, fmt.Errorf("curl %s: %w: %s", url, err, text)
	}
	if parts := strings.Fields(string(text)); len(parts) > 2 {
		tag = parts[2]
	}
	return tag, size, nil
}

// cpuS is the processor time of a process by Linux's accounting, in seconds.
func cpuS(pid int) float64 {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return math.NaN()
	}
	f := strings.Fields(string(raw[strings.LastIndexByte(string(raw), ')')+1:]))
	var user, system float64
	fmt.Sscan(f[11], &user)
	fmt.Sscan(f[12], &system)
	return (user + system) / 100
}

// stub is a twin that stands still. Methods that the cases do not reach are
// those of the nil interface.
type stub struct {
	api.Twin
	city     *geo.City
	forecast *forecast.Forecast
}

// City returns the city.
func (s *stub) City() *geo.City { return s.city }

// Ready returns nil.
func (s *stub) Ready() error { return nil }

// Forecast returns the one forecast.
func (s *stub) Forecast() *forecast.Forecast { return s.forecast }

// Air returns nil: there is no model of the air here.
func (s *stub) Air() *field.Field { return nil }

// Subscribe never calls notify.
func (s *stub) Subscribe(func()) (cancel func()) { return func() {} }

// plausible makes a forecast with speeds and flows that vary from segment to
// segment as measured ones do, so that compression finds what it would find.
func plausible(c *geo.City) *forecast.Forecast {
	n, horizons := c.Segments.Len(), []time.Duration{15 * time.Minute, 30 * time.Minute, 45 * time.Minute, time.Hour}
	f := &forecast.Forecast{City: c, Seq: 1, IssuedAt: time.Now()}
	f.Roads = forecast.Roads{Horizons: horizons, Now: make([]forecast.RoadNow, n), Speed: forecast.NewBands(n, 4), FlowVPH: make([]float32, 4*n), LOS: make([]forecast.LOS, 4*n),
		ModelOf: make([]uint8, n), Models: []string{"profile + AR(1)"}}
	for i := range n {
		free := float32(c.Segments.At(geo.SegmentID(i)).Limit.KMH())
		speed := free * (.55 + .4*float32(math.Sin(float64(i)*12.9898)))
		f.Roads.Now[i] = forecast.RoadNow{At: f.IssuedAt.Add(-time.Duration(i%120) * time.Second), Age: time.Duration(i%120) * time.Second, Source: forecast.Source(i % 5), SpeedKMH: speed, FreeFlowKMH: free,
			TypicalKMH: speed * 1.05, FlowVPH: 300 + 250*float32(math.Cos(float64(i)*78.233)), LOS: forecast.SpeedLOS(unit.Speed(speed), unit.Speed(free)), Confidence: .8, Onset: -1, Clear50: -1, Clear90: -1}
		for h := range horizons {
			f.Roads.Speed.Set(i, h, forecast.Point{Value: speed, Lo50: speed - 2, Hi50: speed + 2, Lo90: speed - 7, Hi90: speed + 7, PCongested: .2})
			f.Roads.FlowVPH[i*4+h], f.Roads.LOS[i*4+h] = 300, f.Roads.Now[i].LOS
		}
	}
	for z := range c.Zones.All() {
		f.Zones = append(f.Zones, forecast.ZoneOutlook{Zone: z, SpeedRatio: make([]float32, 5), PCongested: make([]float32, 5)})
	}
	return f
}
