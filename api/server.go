package api

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/gofiber/fiber/v2"

	"tideway/geo"
)

// Options configure a Server. Twin is required; the zero value of every other
// field means its default.
type Options struct {
	Twin        Twin
	KeysFile    string           // API keys; "" or a file without keys: only loopback, everything allowed
	Serving     func(net.Addr)   // told the address once it may be served; nil: nobody is told
	Page        fs.FS            // files of the page at /; nil: none
	Version     string           // of the program
	Log         *slog.Logger     // slog.Default
	MaxBody     int64            // of a JSON body, 4 MiB
	MaxReadings int64            // of a body of readings, 32 MiB
	MaxHeld     int64            // of all bodies being read, 256 MiB
	MaxInFlight int              // requests answered at a time, 512
	MaxStreams  int              // open event streams, 4096
	Timeout     time.Duration    // of one request, 30 s
	ReadTimeout time.Duration    // for a request to arrive, 60 s
	Heartbeat   time.Duration    // on event streams, 10 s
	Grace       time.Duration    // for requests under way at shutdown, 1500 ms
	Now         func() time.Time // the twin's clock, time.Now
}

func (o Options) withDefaults() Options {
	orInt := func(v *int, d int) {
		if *v <= 0 {
			*v = d
		}
	}
	orSize := func(v *int64, d int64) {
		if *v <= 0 {
			*v = d
		}
	}
	orTime := func(v *time.Duration, d time.Duration) {
		if *v <= 0 {
			*v = d
		}
	}
	if o.Log == nil {
		o.Log = slog.Default()
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	orSize(&o.MaxBody, 4<<20)
	orSize(&o.MaxReadings, 32<<20)
	orSize(&o.MaxHeld, 256<<20)
	orInt(&o.MaxInFlight, 512)
	orInt(&o.MaxStreams, 4096)
	orTime(&o.Timeout, 30*time.Second)
	orTime(&o.ReadTimeout, 60*time.Second)
	orTime(&o.Heartbeat, 10*time.Second)
	orTime(&o.Grace, 1500*time.Millisecond)
	return o
}

// Server answers HTTP requests about one twin. Make it with New, run it with
// Serve, end it with Shutdown.
type Server struct {
	opt     Options
	app     *fiber.App
	huma    huma.API
	metrics *metrics
	hub     *hub
	tiles   *tileCache
	reports reportCache

	ring    atomic.Pointer[keyRing] // nil: no keys, everything allowed on loopback
	newest  atomic.Pointer[airView] // of traffic and air, stored together; nil until the first forecast
	places  atomic.Pointer[places]  // what depends on the city alone
	busy    atomic.Int64
	held    atomic.Int64
	streams atomic.Int64

	changed  broadcast // the twin has something new
	stopping chan struct{}
	stop     sync.Once
	watching sync.WaitGroup
	cancel   func()
}

// New makes a server. It reads the keys file; Serve starts answering.
func New(o Options) (*Server, error) {
	s := &Server{opt: o.withDefaults(), metrics: newMetrics(), tiles: newTileCache(), stopping: make(chan struct{})}
	s.hub = newHub(uint64(time.Now().UnixMilli()))
	s.places.Store(newPlaces(s.opt.Twin.City()))
	if err := s.loadKeys(); err != nil {
		return nil, err
	}
	s.app = fiber.New(fiber.Config{
		AppName: "tideway", Immutable: true, DisableStartupMessage: true, StrictRouting: true, CaseSensitive: true,
		EnableTrustedProxyCheck: true, StreamRequestBody: true, DisablePreParseMultipartForm: true, BodyLimit: 64 << 10, ReadBufferSize: 16 << 10,
		ReadTimeout: s.opt.ReadTimeout, WriteTimeout: s.opt.ReadTimeout, IdleTimeout: 2 * s.opt.ReadTimeout,
		ErrorHandler: sendProblem,
	})
	s.app.Use(s.observe, s.admit)
	s.routes()
	s.gauges()
	return s, nil
}

// Serve answers requests on ln until Shutdown. It refuses to listen beyond
// loopback without any key.
func (s *Server) Serve(ln net.Listener) error {
	if err := s.checkExposure(ln.Addr()); err != nil {
		return errors.Join(err, ln.Close())
	}
	s.watch()
	if s.opt.Serving != nil {
		s.opt.Serving(ln.Addr())
	}
	return s.app.Listener(ln)
}

// Shutdown ends open streams, lets requests under way finish within the grace
// time, closes the rest, and returns when nothing of the server runs any more.
func (s *Server) Shutdown() error {
	s.stop.Do(func() {
		close(s.stopping)
		s.hub.close()
		if s.cancel != nil {
			s.cancel()
		}
	})
	err := s.app.ShutdownWithTimeout(s.opt.Grace)
	s.watching.Wait()
	if errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("shutting down: some requests took longer than %v and were cut off", s.opt.Grace)
	}
	return err
}

// checkExposure refuses an address that other machines can reach when there is
// no key.
func (s *Server) checkExposure(a net.Addr) error {
	if tcp, ok := a.(*net.TCPAddr); s.ring.Load() != nil || (ok && tcp.IP.IsLoopback()) {
		return nil
	}
	return fmt.Errorf("listening on %s: other machines can reach this address, so API keys are required; make one with `tideway keys add` or listen on 127.0.0.1", a)
}

// localHost reports whether a Host header names this machine's loopback.
func localHost(host string) bool {
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	ip := net.ParseIP(strings.Trim(host, "[]"))
	return host == "localhost" || (ip != nil && ip.IsLoopback())
}

func (s *Server) loadKeys() error {
	if s.opt.KeysFile == "" {
		return nil
	}
	keys, err := LoadKeys(s.opt.KeysFile)
	if err != nil {
		return err
	}
	if len(keys) > 0 || s.ring.Load() != nil { // the last key revoked: nobody, not everybody
		s.ring.Store(newKeyRing(keys))
	}
	return nil
}

// watch starts the goroutine that renews what the server holds of the twin, and
// of the keys file every few seconds.
func (s *Server) watch() {
	wake := make(chan struct{}, 1)
	s.cancel = s.opt.Twin.Subscribe(func() {
		select {
		case wake <- struct{}{}:
		default: // it will wake for the earlier one and see both
		}
	})
	s.watching.Go(func() {
		s.renew()
		keys, mod := time.NewTicker(2*time.Second), s.keysChangedAt()
		defer keys.Stop()
		for {
			select {
			case <-s.stopping:
				return
			case <-wake:
				s.renew()
			case <-keys.C:
				if now := s.keysChangedAt(); !now.Equal(mod) {
					mod = now
					if err := s.loadKeys(); err != nil {
						s.opt.Log.Error("keys file is not valid, the old keys stay in force", "error", err)
					}
				}
			}
		}
	})
}

func (s *Server) keysChangedAt() time.Time {
	if info, err := os.Stat(s.opt.KeysFile); err == nil {
		return info.ModTime()
	}
	return time.Time{}
}

// gauges adds what is read from the twin when metrics are asked for.
func (s *Server) gauges() {
	age := func(at func(*view) time.Time) func() float64 {
		return func() float64 {
			if v := s.view(); v != nil {
				return s.opt.Now().Sub(at(v)).Seconds()
			}
			return -1
		}
	}
	s.metrics.gauge("tideway_forecast_age_seconds", "Since the newest forecast was issued, on the machine's clock; -1 before the first.", age(func(v *view) time.Time { return v.forecast.IssuedAt }))
	s.metrics.gauge("tideway_snapshot_seq", "Number of the newest snapshot served.", func() float64 {
		if v := s.view(); v != nil {
			return float64(v.forecast.Seq)
		}
		return 0
	})
	s.metrics.registry.MustRegister(newFeedMeters(s.opt.Twin.Stats))
	s.metrics.gauge("tideway_http_in_flight", "Requests being answered.", func() float64 { return float64(s.busy.Load()) })
	s.metrics.gauge("tideway_events_seq", "Number of the newest event.", func() float64 { return float64(s.hub.newest()) })
}

// view returns what is served of the newest forecast, nil before the first.
func (s *Server) view() *view {
	if a := s.newest.Load(); a != nil {
		return a.view
	}
	return nil
}

// city returns the city in force.
func (s *Server) city() *geo.City { return s.places.Load().city }

// broadcast wakes everybody who waits.
type broadcast struct {
	mu sync.Mutex
	ch chan struct{}
}

// wait returns a channel that is closed at the next wake.
func (b *broadcast) wait() <-chan struct{} {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.ch == nil {
		b.ch = make(chan struct{})
	}
	return b.ch
}

func (b *broadcast) wake() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.ch != nil {
		close(b.ch)
		b.ch = nil
	}
}
