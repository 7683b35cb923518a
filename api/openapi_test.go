package api

import (
	"bytes"
	"context"
	"flag"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/gorillamux"

	"tideway/api/client"
	"tideway/api/wire"
	"tideway/scenarios"
)

var update = flag.Bool("update", false, "write openapi.yaml anew")

// document returns the OpenAPI document that the code generates.
func document(t testing.TB) []byte {
	t.Helper()
	s, err := New(Options{Twin: newFakeTwin(t, 4), Version: "v1"})
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := s.OpenAPI(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestTheCommittedDocumentIsTheCode(t *testing.T) {
	got := document(t)
	if *update {
		if err := os.WriteFile("openapi.yaml", got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile("openapi.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Error("openapi.yaml is not what the code generates; run go test ./api -run Document -update and review the difference")
	}
}

// checker sends requests and holds every answer against the document.
type checker struct {
	t      *testing.T
	router routers.Router
	base   string
	http   *http.Client
	seen   map[string]bool
}

func newChecker(t *testing.T, base string) *checker {
	doc, err := openapi3.NewLoader().LoadFromData(document(t))
	if err != nil {
		t.Fatal(err)
	}
	if err := doc.Validate(context.Background()); err != nil {
		t.Fatalf("the document is not valid OpenAPI 3.1: %v", err)
	}
	r, err := gorillamux.NewRouter(doc)
	if err != nil {
		t.Fatal(err)
	}
	openapi3filter.RegisterBodyDecoder(wire.TypeHTML, openapi3filter.FileBodyDecoder)
	openapi3filter.RegisterBodyDecoder(wire.TypeXML, openapi3filter.FileBodyDecoder)
	openapi3filter.RegisterBodyDecoder(wire.TypeTile, openapi3filter.FileBodyDecoder)
	openapi3filter.RegisterBodyDecoder(wire.TypeSSE, openapi3filter.FileBodyDecoder)
	openapi3filter.RegisterBodyDecoder(wire.TypeGeoJSON, openapi3filter.JSONBodyDecoder)
	return &checker{t: t, router: r, base: base, http: &http.Client{Transport: transport(t)}, seen: map[string]bool{}}
}

// do sends a request, checks status and answer, and returns the answer.
func (k *checker) do(method, path, contentType, body string, status int) []byte {
	k.t.Helper()
	req, _ := http.NewRequest(method, k.base+path, strings.NewReader(body))
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	resp, err := k.http.Do(req)
	if err != nil {
		k.t.Fatal(err)
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		k.t.Fatal(err)
	}
	if resp.StatusCode != status {
		k.t.Errorf("%s %s: status %d, want %d: %s", method, path, resp.StatusCode, status, raw)
		return raw
	}
	route, params, err := k.router.FindRoute(req)
	if err != nil {
		k.t.Errorf("%s %s is not in the document: %v", method, path, err)
		return raw
	}
	k.seen[route.Operation.OperationID] = true
	in := &openapi3filter.ResponseValidationInput{Status: status, Header: resp.Header,
		RequestValidationInput: &openapi3filter.RequestValidationInput{Request: req, PathParams: params, Route: route},
		Options:                &openapi3filter.Options{IncludeResponseStatus: true, SchemaValidationOptions: []openapi3.SchemaValidationOption{openapi3.EnableJSONSchema2020()}}}
	in.SetBodyBytes(raw)
	if err := openapi3filter.ValidateResponse(context.Background(), in); err != nil {
		first, _, _ := strings.Cut(err.Error(), "Schema:")
		k.t.Errorf("%s %s: the answer does not follow the document: %s", method, path, first)
	}
	return raw
}

func TestEveryAnswerFollowsTheDocument(t *testing.T) {
	twin := newFakeTwin(t, 20)
	twin.makeAir(t)
	_, base := serve(t, Options{Twin: twin})
	c := client.New(base, "", transport(t))
	wait(t, c)
	k := newChecker(t, base)
	const json = "application/json"
	segment := url.PathEscape(twin.city.Segments.At(0).ID)
	for _, path := range []string{
		wire.PathCity, wire.PathSegments, "/v1/segments/" + segment, "/v1/segments/" + segment + "/series", "/v1/segments/" + segment + "/series?quantity=flow",
		"/v1/segments/" + segment + "/typical", wire.PathZones, "/v1/zones/west", wire.PathSignals, "/v1/signals/s1", wire.PathSensors, "/v1/sensors/loop%200",
		"/v1/sensors/air%201/series?quantity=no2", wire.PathState, wire.PathStateGeoJSON, wire.PathForecasts, wire.PathCongestion, "/v1/congestion?zone=west",
		"/v1/congestion/segments/" + segment, wire.PathCongestionZones, "/v1/congestion/zones/east%2F1", wire.PathAir, "/v1/air/stations/air%202", wire.PathAirZones,
		"/v1/air/zones/west", wire.PathAirGrid, wire.PathAirGrid + "?pollutant=pm25&at=2026-03-20T13:00:00Z", wire.PathAirReceptor + "?lon=11.341&lat=44.491",
		wire.PathAirLimits, wire.PathWeather, wire.PathSkill, wire.PathModels, wire.PathScenarios, wire.PathRuns, wire.PathComparisons, wire.PathHealth, wire.PathReady,
		wire.PathMetrics, wire.PathOpenAPI, "/v1/tiles/14/8708/5906.mvt",
	} {
		k.do(get, path, "", "", http.StatusOK)
	}
	k.do(get, "/v1/segments/x", "", "", http.StatusNotFound)
	k.do(get, "/v1/skill?scope=mood", "", "", http.StatusUnprocessableEntity)
	k.do(get, "/v1/tiles/3/0/0.mvt", "", "", http.StatusNotFound)
	k.do(post, wire.PathReadings, json, `{"readings":[{"sensor":"ghost","quantity":"speed","at":"2026-03-20T12:00:00Z","value":1}]}`, http.StatusOK)
	k.do(post, wire.PathReadings, json, `{`, http.StatusBadRequest)
	k.do(post, wire.PathReadings, "text/plain", `x`, http.StatusUnsupportedMediaType)
	k.do(post, wire.PathWeather, json, `{"hours":[{"at":"2026-03-20T12:00:00Z","wind_ms":3,"wind_from_deg":270,"temperature_c":14}]}`, http.StatusOK)
	k.do(post, wire.PathSensors, json, `{"sensors":[{"id":"n","lon":11.34,"lat":44.49,"measures":[{"quantity":"speed"}]}]}`, http.StatusOK)
	k.do(post, wire.PathSensors, json, "{\n \"sensors\": oops", http.StatusBadRequest)
	k.do(post, wire.PathModelRollback, json, `{"quantity":"speed","interval_s":60}`, http.StatusOK)
	k.do(post, wire.PathModelRollback, json, `{"quantity":"speed","interval_s":7}`, http.StatusNotFound)
	k.do(post, wire.PathScenarioCheck, json, string(closure("a", twin.city.Segments.At(1).ID)), http.StatusOK)
	k.do(post, wire.PathScenarios, json, `{"name":"x","changes":[{"op":"no"}]}`, http.StatusUnprocessableEntity)
	k.do(post, wire.PathScenarios, json, string(closure("a", twin.city.Segments.At(1).ID)), http.StatusCreated)
	k.do(post, wire.PathScenarios, json, string(closure("b", twin.city.Segments.At(1).ID)), http.StatusCreated)
	k.do(get, "/v1/scenarios/"+twin.order[0], "", "", http.StatusOK)
	k.do(get, "/v1/scenarios/"+twin.order[0]+"/diff/"+twin.order[1], "", "", http.StatusOK)
	k.do(post, wire.PathRuns, json, `{"scenarios":["`+twin.order[0]+`"]}`, http.StatusAccepted)
	k.do(post, wire.PathRuns, json, `{"scenarios":[]}`, http.StatusUnprocessableEntity)
	runs, _ := twin.Runs(context.Background())
	id := runs[0].ID
	k.do(get, "/v1/runs/"+id, "", "", http.StatusOK)
	twin.set(id, scenarios.Done, 4)
	k.do(get, "/v1/runs/"+id+"/events", "", "", http.StatusOK)
	for _, path := range []string{wire.PathRuns, wire.PathComparisons, "/v1/comparisons/" + id, "/v1/comparisons/" + id + "/segments",
		"/v1/comparisons/" + id + "/report", "/v1/comparisons/" + id + "/report.csv"} {
		k.do(get, path, "", "", http.StatusOK)
	}
	for path, body := range map[string]string{"/fork": `{"name":"and more","changes":[]}`, "/rebase": ""} {
		k.do(post, "/v1/scenarios/"+twin.order[0]+path, json, body, http.StatusOK)
	}
	k.do(post, "/v1/scenarios/absent/fork", json, `{"name":"x"}`, http.StatusNotFound)
	k.do(get, "/v1/scenarios/"+twin.order[0]+"/plans.add.xml", "", "", http.StatusOK)
	k.do(post, "/v1/signals/s1/evaluate", json, `{}`, http.StatusOK)
	k.do(post, "/v1/signals/s1/evaluate", json, `{"split":[{"stage":77,"duration_s":5}]}`, http.StatusUnprocessableEntity)
	k.do(post, "/v1/signals/absent/evaluate", json, `{}`, http.StatusNotFound)
	k.do(post, wire.PathOptimisations, json, `{"evaluations":50,"signals":["s1"]}`, http.StatusAccepted)
	k.do(post, wire.PathOptimisations, json, `{"evaluations":-1}`, http.StatusUnprocessableEntity)
	k.do(get, "/v1/optimisations/"+id, "", "", http.StatusOK)
	k.do(get, "/v1/optimisations/absent", "", "", http.StatusNotFound)
	k.do(post, wire.PathRecommendations, json, `{"scenarios":["`+twin.order[0]+`"],"deadline_s":5}`, http.StatusAccepted)
	k.do(get, "/v1/recommendations/"+id, "", "", http.StatusNotFound) // a comparison
	hint, _ := twin.Recommend(context.Background(), twin.order[:1], 5*time.Second, 3)
	twin.set(hint.ID, scenarios.Done, 4)
	if answer := k.do(get, "/v1/recommendations/"+hint.ID, "", "", http.StatusOK); !strings.Contains(string(answer), `"recommended":"`+twin.order[0]) {
		t.Errorf("%s", answer)
	}
	k.do(http.MethodDelete, "/v1/runs/"+id, "", "", http.StatusOK)
	k.complete()
}

// complete reports the operations that no request has met.
func (k *checker) complete() {
	doc, err := openapi3.NewLoader().LoadFromData(document(k.t))
	if err != nil {
		k.t.Fatal(err)
	}
	k.seen["stream"] = true // has no end: TestTheStream...
	for path, item := range doc.Paths.Map() {
		for method, op := range item.Operations() {
			if !k.seen[op.OperationID] {
				k.t.Errorf("%s %s was not tried", method, path)
			}
		}
	}
}
