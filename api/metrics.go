package api

import (
	"strconv"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"tideway/live"
)

// metrics is what /metrics shows. docs/operations.md says what each means.
type metrics struct {
	registry *prometheus.Registry
	requests *prometheus.CounterVec
	seconds  *prometheus.HistogramVec
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
		refused:  prometheus.NewCounterVec(prometheus.CounterOpts{Name: "tideway_http_refused_total", Help: "Requests refused before any work, by reason."}, []string{"reason"}),
		streams:  prometheus.NewGauge(prometheus.GaugeOpts{Name: "tideway_streams", Help: "Open event streams."}),
		readings: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "tideway_readings_total", Help: "Readings received over HTTP, by outcome; revisions are counted among the accepted too."}, []string{"outcome"}),
		rejected: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "tideway_readings_rejected_total", Help: "Readings rejected or marked doubtful, by reason."}, []string{"reason"}),
		encode: prometheus.NewHistogram(prometheus.HistogramOpts{Name: "tideway_state_encode_seconds", Help: "Time to encode the columnar state once per version.",
			Buckets: prometheus.ExponentialBuckets(.0005, 2, 10)}),
	}
	m.registry.MustRegister(m.requests, m.seconds, m.refused, m.streams, m.readings, m.rejected, m.encode,
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

// feedMeters shows the feed's counters, read once per scrape.
type feedMeters struct {
	stats func() live.Stats
	descs []*prometheus.Desc
}

// feedValues lists what is shown of the feed.
func feedValues() []feedValue {
	return []feedValue{
		{"tideway_feed_accepted_total", "Readings accepted since the data folder was made.", true, func(s *live.Stats) float64 { return float64(s.Accepted) }},
		{"tideway_feed_rejected_total", "Readings rejected since the data folder was made.", true, func(s *live.Stats) float64 { return float64(s.Rejected) }},
		{"tideway_feed_duplicates_total", "Readings that were there already.", true, func(s *live.Stats) float64 { return float64(s.Duplicates) }},
		{"tideway_feed_revisions_total", "Readings that replaced a value.", true, func(s *live.Stats) float64 { return float64(s.Revisions) }},
		{"tideway_feed_repeated_batches_total", "Batches answered from memory because their key was known, since the start.", true, func(s *live.Stats) float64 { return float64(s.Repeated) }},
		{"tideway_log_gaps_total", "Messages found missing or damaged in the log.", true, func(s *live.Stats) float64 { return float64(s.LogGaps) }},
		{"tideway_log_last", "Number of the newest message of the log.", false, func(s *live.Stats) float64 { return float64(s.LogLast) }},
		{"tideway_log_unsealed", "Messages of the log that no file holds yet.", false, func(s *live.Stats) float64 { return float64(s.LogLast) - float64(s.LogFirst) + 1 }},
		{"tideway_history_bytes", "Size of the sealed history.", false, func(s *live.Stats) float64 { return float64(s.SealedBytes) }},
		{"tideway_history_files", "Files of the sealed history.", false, func(s *live.Stats) float64 { return float64(s.Files) }},
		{"tideway_history_rows", "Readings in the sealed history.", false, func(s *live.Stats) float64 { return float64(s.SealedRows) }},
		{"tideway_seal_failed", "1 when the newest sealing of history failed.", false, func(s *live.Stats) float64 {
			if s.LastSealError != "" {
				return 1
			}
			return 0
		}},
		{"tideway_restore_seconds", "Time the feed took to restore its state at the start.", false, func(s *live.Stats) float64 { return s.RestoreTime.Seconds() }},
	}
}

type feedValue struct {
	name, help string
	counter    bool
	of         func(*live.Stats) float64
}

func newFeedMeters(stats func() live.Stats) *feedMeters {
	m := &feedMeters{stats: stats}
	for _, v := range feedValues() {
		m.descs = append(m.descs, prometheus.NewDesc(v.name, v.help, nil, nil))
	}
	return m
}

// Describe sends what is shown; it makes feedMeters a prometheus.Collector.
func (m *feedMeters) Describe(c chan<- *prometheus.Desc) {
	for _, d := range m.descs {
		c <- d
	}
}

// Collect sends the present values.
func (m *feedMeters) Collect(c chan<- prometheus.Metric) {
	s := m.stats()
	for i, v := range feedValues() {
		kind := prometheus.GaugeValue
		if v.counter {
			kind = prometheus.CounterValue
		}
		c <- prometheus.MustNewConstMetric(m.descs[i], kind, v.of(&s))
	}
}
