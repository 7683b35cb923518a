package api

import (
	"bytes"
	"fmt"
	"maps"
	"net/http"
	"reflect"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/gofiber/fiber/v2"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/valyala/fasthttp/fasthttpadaptor"

	"tideway/api/wire"
)

const get, post = http.MethodGet, http.MethodPost

// routes lists the whole API.
func (s *Server) routes() {
	s.huma = newHuma(s.app, s.opt.Version)
	s.cityRoutes()
	s.stateRoutes()
	s.readingRoutes()
	s.seriesRoutes()
	s.scenarioRoutes()
	s.runRoutes()
	s.serviceRoutes()
	s.pageRoutes()
}

func (s *Server) cityRoutes() {
	s.cached(op("getCity", get, wire.PathCity, "City", "The city"), "application/json", wire.City{}, s.ofCity(func(p *places) *encoded { return p.about }))
	s.cached(op("listSegments", get, wire.PathSegments, "City", "All segments, in the order of the columns"), "application/json", wire.SegmentList{},
		s.ofCity(func(p *places) *encoded { return p.segments }))
	s.cached(op("listZones", get, wire.PathZones, "City", "All zones"), "application/json", wire.ZoneList{}, s.ofCity(func(p *places) *encoded { return p.zones }))
	s.cached(op("listSignals", get, wire.PathSignals, "City", "All signals with their plans"), "application/json", wire.SignalList{},
		s.ofCity(func(p *places) *encoded { return p.signals }))
	s.cached(op("listSensors", get, wire.PathSensors, "City", "All sensors and how they were matched"), "application/json", wire.SensorList{},
		s.ofCity(func(p *places) *encoded { return p.sensors }))
	add(s, op("getSegment", get, wire.PathSegment, "City", "One segment", 404), s.getSegment)
	add(s, op("getZone", get, wire.PathZone, "City", "One zone", 404), s.getZone)
	add(s, op("getSignal", get, wire.PathSignal, "City", "One signal with its plans", 404), s.getSignal)
	add(s, op("getSensor", get, wire.PathSensor, "City", "One sensor with its newest values", 404), s.getSensor)
	add(s, op("addSensors", post, wire.PathSensors, "City", "Add sensors; they are matched to segments", 400, 422), s.addSensors)
	tile := op("getTile", get, wire.PathTile, "City", "A vector tile with the layers segments, zones, sensors and stations", 404)
	tile.Parameters = []*huma.Param{pathInt("z"), pathInt("x"), pathInt("y"),
		{Name: "v", In: "query", Description: "City version: with the right one the answer may be cached for good.", Schema: &huma.Schema{Type: huma.TypeString}}}
	s.addRaw(tile, wire.TypeTile, nil, s.handleTile)
}

func pathInt(name string) *huma.Param {
	return &huma.Param{Name: name, In: "path", Required: true, Schema: &huma.Schema{Type: huma.TypeInteger}}
}

func (s *Server) stateRoutes() {
	s.cached(op("getState", get, wire.PathState, "State", "State of every segment as columns"), "application/json", wire.State{}, s.ofView(func(v *view) *encoded { return v.state }))
	s.cached(op("getStateGeoJSON", get, wire.PathStateGeoJSON, "State", "State of every segment as GeoJSON"), wire.TypeGeoJSON, wire.FeatureCollection{},
		s.ofView(func(v *view) *encoded { return v.geoJSON }))
	s.cached(op("getForecasts", get, wire.PathForecasts, "State", "Newest forecast of every segment as columns"), "application/json", wire.Forecasts{},
		s.ofView(func(v *view) *encoded { return v.forecasts }))
	congestion := op("listCongestion", get, wire.PathCongestion, "State", "Congestion now and expected, by segment", 404)
	congestion.Parameters = []*huma.Param{
		{Name: "segment", In: "query", Description: "Only these, comma-separated.", Schema: &huma.Schema{Type: huma.TypeString}},
		{Name: "zone", In: "query", Description: "Only segments in this zone.", Schema: &huma.Schema{Type: huma.TypeString}},
	}
	s.addRaw(congestion, "application/json", wire.CongestionList{}, s.handleCongestion)
	add(s, op("getCongestion", get, wire.PathCongestionOf, "State", "Congestion of one segment", 404), s.getCongestion)
	s.cached(op("listZoneCongestion", get, wire.PathCongestionZones, "State", "Congestion by zone"), "application/json", wire.ZoneCongestionList{},
		s.ofView(func(v *view) *encoded { return v.zones }))
	add(s, op("getZoneCongestion", get, wire.PathCongestionZone, "State", "Congestion of one zone", 404), s.getZoneCongestion)
	s.cached(op("listAir", get, wire.PathAir, "State", "Air now and expected, by station"), "application/json", wire.AirStationList{},
		s.ofAir(func(a *airView) *encoded { return a.stations }))
	add(s, op("getAir", get, wire.PathAirStation, "State", "Air at one station", 404), s.getAir)
	s.cached(op("listZoneAir", get, wire.PathAirZones, "State", "Air by zone"), "application/json", wire.AirZoneList{},
		s.ofAir(func(a *airView) *encoded { return a.zoned }))
	add(s, op("getZoneAir", get, wire.PathAirZone, "State", "Air of one zone", 404), s.getZoneAir)
	s.airFieldRoutes()
	stream := op("stream", get, wire.PathStream, "State", "Server-sent events: snapshot, forecast; resumes after Last-Event-ID", 400)
	stream.Parameters = []*huma.Param{{Name: "Last-Event-ID", In: "header", Schema: &huma.Schema{Type: huma.TypeString}}}
	s.addRaw(stream, wire.TypeSSE, nil, s.handleStream)
}

// airFieldRoutes are those of the air between the stations.
func (s *Server) airFieldRoutes() {
	grid := op("getAirGrid", get, wire.PathAirGrid, "State", "Concentrations between the stations as squares, now or ahead", 422)
	grid.Parameters = []*huma.Param{
		{Name: "pollutant", In: "query", Description: "no2 (default), o3, pm25 or pm10.", Schema: &huma.Schema{Type: huma.TypeString}},
		{Name: "at", In: "query", Description: "The nearest time that there is; now when left out.", Schema: &huma.Schema{Type: huma.TypeString, Format: "date-time"}},
	}
	s.addRaw(grid, "application/json", wire.AirGrid{}, s.handleAirGrid)
	s.huma.OpenAPI().Paths[grid.Path].Get.Responses["304"] = &huma.Response{Description: "The client has this version (If-None-Match)."}
	add(s, op("getAirReceptor", get, wire.PathAirReceptor, "State", "Air at any place, now and ahead", 422), s.getAirReceptor)
	add(s, op("getAirLimits", get, wire.PathAirLimits, "Series", "Limit values and how often stations exceeded them in a year", 422), s.getAirLimits)
	add(s, op("getWeather", get, wire.PathWeather, "State", "The hours of weather that were given and are not over"), s.getWeather)
	add(s, op("addWeather", post, wire.PathWeather, "Readings", "Give hours of weather, measured or forecast", 400, 413, 422), s.addWeather)
}

// body describes a request body that huma does not decode.
func (s *Server) body(types map[string]any) *huma.RequestBody {
	b := &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{}}
	for contentType, of := range types {
		media := &huma.MediaType{Schema: &huma.Schema{Type: huma.TypeString}}
		if of != nil {
			media.Schema = s.huma.OpenAPI().Components.Schemas.Schema(reflect.TypeOf(of), true, "")
		}
		b.Content[contentType] = media
	}
	return b
}

func (s *Server) readingRoutes() {
	o := op("putReadings", post, wire.PathReadings, "Readings", "Send readings; answered when they are durable", 400, 413, 415)
	o.Description = "Every reading is judged for itself: those refused are listed with the reason, the others are taken. The batch as a whole is refused (400) only when nothing in it can be decoded."
	o.Parameters = []*huma.Param{{Name: wire.HeaderIdempotency, In: "header", Schema: &huma.Schema{Type: huma.TypeString},
		Description: "Name of the batch, unique to the client: repeating it returns the first answer, also after a restart of the service."}}
	o.RequestBody = s.body(readingTypes())
	s.addRaw(o, "application/json", wire.Ingested{}, s.handleReadings)
}

func (s *Server) seriesRoutes() {
	add(s, op("getSegmentSeries", get, wire.PathSegmentSeries, "Series", "History and forecast of a segment", 404, 422), s.getSegmentSeries)
	add(s, op("getSegmentTypical", get, wire.PathSegmentTypical, "Series", "A typical day of a segment", 404, 422), s.getSegmentTypical)
	add(s, op("getSensorSeries", get, wire.PathSensorSeries, "Series", "History and forecast of a sensor", 404, 422), s.getSensorSeries)
	add(s, op("getSkill", get, wire.PathSkill, "Series", "How good issued forecasts were"), s.getSkill)
	add(s, op("listModels", get, wire.PathModels, "Series", "The forecasting models in use"), s.listModels)
	add(s, op("rollbackModel", post, wire.PathModelRollback, "Series", "Let the model serve that served before", 400, 404, 422), s.rollbackModel)
}

func (s *Server) scenarioRoutes() {
	add(s, op("listScenarios", get, wire.PathScenarios, "Scenarios", "All scenarios, newest first"), s.listScenarios)
	add(s, op("getScenario", get, wire.PathScenario, "Scenarios", "One scenario with its document", 404), s.getScenario)
	add(s, op("diffScenarios", get, wire.PathScenarioDiff, "Scenarios", "How a scenario differs from another", 404), s.diffScenarios)
	check := op("checkScenario", post, wire.PathScenarioCheck, "Scenarios", "Check a scenario without storing it", 400, 413, 422)
	check.RequestBody = s.body(map[string]any{"application/json": scenarioDocument{}, "application/yaml": nil})
	s.addRaw(check, "application/json", wire.ScenarioCheck{}, s.checkScenario)
	create := op("addScenario", post, wire.PathScenarios, "Scenarios", "Check and store a scenario", 400, 413, 422)
	create.RequestBody = check.RequestBody
	s.addRaw(create, "application/json", wire.Scenario{}, s.addScenario)
	created := s.huma.OpenAPI().Paths[create.Path].Post.Responses
	created["201"] = &huma.Response{Description: "Stored", Content: created["200"].Content}
	delete(created, "200")
}

func (s *Server) runRoutes() {
	add(s, op("listRuns", get, wire.PathRuns, "Runs", "All runs, newest first"), s.listRuns)
	start := op("startRun", post, wire.PathRuns, "Runs", "Simulate scenarios against the base", 400, 404, 413, 422)
	start.DefaultStatus = http.StatusAccepted
	add(s, start, s.startRun)
	add(s, op("getRun", get, wire.PathRun, "Runs", "One run", 404), s.getRun)
	add(s, op("cancelRun", http.MethodDelete, wire.PathRun, "Runs", "Cancel a run", 404), s.cancelRun)
	s.addRaw(op("followRun", get, wire.PathRunEvents, "Runs", "Server-sent events: the run whenever it changes, until it has ended", 404), wire.TypeSSE, nil, s.handleRunEvents)
	add(s, op("listComparisons", get, wire.PathComparisons, "Runs", "What finished runs found, newest first"), s.listComparisons)
	add(s, op("getComparison", get, wire.PathComparison, "Runs", "What a run found", 404), s.getComparison)
	s.addRaw(op("getComparisonMap", get, wire.PathComparisonMap, "Runs", "What a run found, per segment", 404), "application/json", wire.ComparisonMap{}, s.getComparisonMap)
	s.reportRoutes()
	s.planRoutes()
}

func (s *Server) serviceRoutes() {
	s.addRaw(op("getHealth", get, wire.PathHealth, "Service", "Whether the process answers"), "application/json", wire.Health{}, func(c *fiber.Ctx) error {
		return c.JSON(wire.Health{Status: "ok"})
	})
	s.addRaw(op("getReady", get, wire.PathReady, "Service", "Whether the service can do its work"), "application/json", wire.Health{}, s.handleReady)
	exposition := fasthttpadaptor.NewFastHTTPHandler(promhttp.HandlerFor(s.metrics.registry, promhttp.HandlerOpts{}))
	s.addRaw(op("getMetrics", get, wire.PathMetrics, "Service", "Metrics in Prometheus' text format"), "text/plain", nil, func(c *fiber.Ctx) error {
		exposition(c.Context())
		return nil
	})
	document := newEncoded("application/yaml", func() []byte {
		var b bytes.Buffer
		if err := s.OpenAPI(&b); err != nil {
			panic(fmt.Sprintf("api: the OpenAPI document cannot be written: %v", err))
		}
		return b.Bytes()
	})
	s.cached(op("getOpenAPI", get, wire.PathOpenAPI, "Service", "This document"), "application/yaml", nil, func() (*encoded, error) { return document, nil })
}

// handleReady answers 200 when the twin works and the first forecast is there.
func (s *Server) handleReady(c *fiber.Ctx) error {
	select {
	case <-s.stopping:
		return newProblem(http.StatusServiceUnavailable, "the service is stopping")
	default:
	}
	if err := s.opt.Twin.Ready(); err != nil {
		return newProblem(http.StatusServiceUnavailable, "%s", err)
	}
	if _, err := s.current(); err != nil {
		return err
	}
	return c.JSON(wire.Health{Status: "ok"})
}

// pathsOf lists the API in the document's own words.
func pathsOf(h huma.API) string {
	var b strings.Builder
	for _, path := range slices.Sorted(maps.Keys(h.OpenAPI().Paths)) {
		item := h.OpenAPI().Paths[path]
		for _, m := range []struct {
			name string
			op   *huma.Operation
		}{{"GET", item.Get}, {"POST", item.Post}, {"DELETE", item.Delete}} {
			if m.op != nil {
				fmt.Fprintf(&b, "%-6s %-36s %s\n", m.name, path, m.op.Summary)
			}
		}
	}
	return b.String()
}
