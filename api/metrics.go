package api

import (
	"strconv"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
)

// metrics is what /metrics shows. docs/operations.md says what each means.
type metrics struct {
	registry *prometheus.Registry
	requests *prometheus.CounterVec
	seconds  *prometheus.HistogramVec
	inFlight prometheus.Gauge
	refused  *prometheus.CounterVec
	streams  prometheus.Gauge
	readings *prometheus.CounterVec
	rejected *prometheus.CounterVec
	encode   prometheus.Histogram

	mu     sync.RWMutex
	routes map[routeKey]routeMeters // resolved once: looking labels up costs more than a request
}

type routeKey struct {
	method, route string
	status        int
}

type routeMeters struct {
	count   prometheus.Counter
	seconds prometheus.Observer
}

func newMetrics() *metrics {
	m := &metrics{
		registry: prometheus.NewRegistry(),
		routes:   map[routeKey]routeMeters{},
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "tideway_http_requests_total", Help: "Requests answered, by route, method and status."}, []string{"route", "method", "code"}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "tideway_http_request_seconds", Help: "Time from the request's arrival to its answer, streams excluded.",
			Buckets: []float64{.0001, .001, .01, .05, .1, .25, 1, 2.5, 10}}, []string{"route"}),
		inFlight: prometheus.NewGauge(prometheus.GaugeOpts{Name: "tideway_http_in_flight", Help: "Requests being answered."}),
		refused:  prometheus.NewCounterVec(prometheus.CounterOpts{Name: "tideway_http_refused_total", Help: "Requests refused before any work, by reason."}, []string{"reason"}),
		streams:  prometheus.NewGauge(prometheus.GaugeOpts{Name: "tideway_streams", Help: "Open event streams."}),
		readings: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "tideway_readings_total", Help: "Readings received over HTTP, by outcome; revisions are counted among the accepted too."}, []string{"outcome"}),
		rejected: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "tideway_readings_rejected_total", Help: "Readings rejected or marked doubtful, by reason."}, []string{"reason"}),
		encode: prometheus.NewHistogram(prometheus.HistogramOpts{Name: "tideway_state_encode_seconds", Help: "Time to encode the columnar state once per version.",
			Buckets: prometheus.ExponentialBuckets(.0005, 2, 10)}),
	}
	m.registry.MustRegister(m.requests, m.seconds, m.inFlight, m.refused, m.streams, m.readings, m.rejected, m.encode,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// gauge adds a value that is read when metrics are asked for.
func (m *metrics) gauge(name, help string, value func() float64) {
	m.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, value))
}

func (m *metrics) observe(method, route string, status int, took time.Duration) {
	key := routeKey{method, route, status}
	m.mu.RLock()
	r, ok := m.routes[key]
	m.mu.RUnlock()
	if !ok {
		r = routeMeters{m.requests.WithLabelValues(route, method, strconv.Itoa(status)), m.seconds.WithLabelValues(route)}
		m.mu.Lock()
		m.routes[key] = r
		m.mu.Unlock()
	}
	r.count.Inc()
	r.seconds.Observe(took.Seconds())
}
