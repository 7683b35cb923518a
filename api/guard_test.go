package api

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tideway/api/client"
	"tideway/api/wire"
	"tideway/live"
)

// keyed starts a service with one key per given set of scopes.
func keyed(t *testing.T, twin *fakeTwin, scopes ...string) (base, file string, secrets []string) {
	t.Helper()
	file = filepath.Join(t.TempDir(), "keys.json")
	for _, s := range scopes {
		secret, _, err := AddKey(file, s, strings.Split(s, ","), noon, nil)
		if err != nil {
			t.Fatal(err)
		}
		secrets = append(secrets, secret)
	}
	_, base = serve(t, Options{Twin: twin, KeysFile: file})
	return base, file, secrets
}

func TestScopesAreHeld(t *testing.T) {
	twin := newFakeTwin(t, 4)
	base, file, secrets := keyed(t, twin, "read", "ingest", "plan,read")
	tr := transport(t)
	reader, sender, planner := client.New(base, secrets[0], tr), client.New(base, secrets[1], tr), client.New(base, secrets[2], tr)
	wait(t, reader)
	ctx := t.Context()
	doc := closure("x", twin.city.Segments.At(0).ID)
	for _, c := range []struct {
		who  string
		err  error
		want int
	}{
		{"nobody reads", second(client.New(base, "", tr).City(ctx)), 401},
		{"a stranger reads", second(client.New(base, secrets[0]+"x", tr).City(ctx)), 401},
		{"the reader reads", second(reader.City(ctx)), 0},
		{"the reader sends", second(reader.PutReadings(ctx, "", nil)), 403},
		{"the sender sends", second(sender.PutReadings(ctx, "a", nil)), 0},
		{"the sender reads", second(sender.City(ctx)), 403},
		{"the sender plans", second(sender.AddScenario(ctx, doc)), 403},
		{"the planner plans", second(planner.AddScenario(ctx, doc)), 0},
		{"the planner adds sensors", second(planner.AddSensors(ctx, nil)), 403},
	} {
		if got := status(c.err); got != c.want {
			t.Errorf("%s: status %d, want %d (%v)", c.who, got, c.want, c.err)
		}
	}
	keys, _ := LoadKeys(file)
	if got, want := twin.batches[0].Client, keys[1].ID+"/a"; got != want {
		t.Errorf("batch is named %q, want %q: clients must not meet", got, want)
	}
	for name, value := range map[string]string{"X-API-Key": secrets[0], "Cookie": keyCookie + "=" + secrets[0]} {
		req, _ := http.NewRequest(get, base+wire.PathCity, nil)
		req.Header.Set(name, value)
		if code, _ := fetch(t, tr, req); code != 200 {
			t.Errorf("a key in %s: status %d", name, code)
		}
	}
	if raw, _ := os.ReadFile(file); bytes.Contains(raw, []byte(secrets[0])) {
		t.Error("the keys file holds a secret")
	}
}

func second[T any](_ T, err error) error { return err }

func fetch(t *testing.T, tr http.RoundTripper, req *http.Request) (int, []byte) {
	t.Helper()
	resp, err := (&http.Client{Transport: tr}).Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, raw
}

func TestAKeyExpiresAndIsRevoked(t *testing.T) {
	file := filepath.Join(t.TempDir(), "keys.json")
	soon := noon.Add(time.Hour)
	secret, k, err := AddKey(file, "temp", []string{"read"}, noon, &soon)
	if err != nil {
		t.Fatal(err)
	}
	keys, err := LoadKeys(file)
	if err != nil || len(keys) != 1 || keys[0].ID != k.ID {
		t.Fatalf("%+v, %v", keys, err)
	}
	ring := newKeyRing(keys)
	if _, ok := ring.find([]byte(secret), noon); !ok {
		t.Error("a fresh key is not known")
	}
	if _, ok := ring.find([]byte(secret), soon.Add(time.Second)); ok {
		t.Error("an expired key is taken")
	}
	s, err := New(Options{Twin: newFakeTwin(t, 4), KeysFile: file})
	if err != nil {
		t.Fatal(err)
	}
	if err := RevokeKey(file, k.ID); err != nil {
		t.Fatal(err)
	}
	if err := s.loadKeys(); err != nil || s.ring.Load() == nil || len(s.ring.Load().grants) != 0 {
		t.Error("revoking the last key must shut everybody out, not let everybody in")
	}
	if err := RevokeKey(file, k.ID); err == nil {
		t.Error("revoked twice")
	}
	if _, _, err := AddKey(file, "x", []string{"reed"}, noon, nil); err == nil || !strings.Contains(err.Error(), `"reed"`) {
		t.Errorf("an unknown scope: %v", err)
	}
	if err := os.WriteFile(file, []byte(`{"keys":[{"id":"a","sha256":"12","scopes":[]}]}`), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := LoadKeys(file); err == nil || !strings.Contains(err.Error(), "2 problems") {
		t.Errorf("a broken file: %v", err)
	}
}

func TestItRefusesToListenBeyondLoopbackWithoutKeys(t *testing.T) {
	s, err := New(Options{Twin: newFakeTwin(t, 4), Serving: func(a net.Addr) { t.Errorf("announced on %s", a) }})
	if err != nil {
		t.Fatal(err)
	}
	ln, err := net.Listen("tcp", "0.0.0.0:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Serve(ln); err == nil || !strings.Contains(err.Error(), "API keys are required") {
		t.Errorf("served: %v", err)
	}
	if _, err := ln.Accept(); err == nil {
		t.Error("the listener is still open")
	}
}

func TestWithoutKeysOtherOriginsAreShutOut(t *testing.T) {
	_, base := serve(t, Options{Twin: newFakeTwin(t, 4)})
	tr := transport(t)
	for _, c := range []struct {
		host, origin, forwarded string
		want                    int
	}{{"", "", "", 200}, {"localhost:80", "", "", 200}, {"", base, "", 200}, {"evil.example", "", "", 403}, {"evil.example", "", "localhost", 403}, {"", "http://evil.example", "", 403}} {
		req, _ := http.NewRequest(get, base+wire.PathCity, nil)
		if req.Host = c.host; c.origin != "" {
			req.Header.Set("Origin", c.origin)
		}
		if c.forwarded != "" {
			req.Header.Set("X-Forwarded-Host", c.forwarded)
		}
		if code, _ := fetch(t, tr, req); code != c.want {
			t.Errorf("%+v: status %d", c, code)
		}
	}
}

// zeros is an endless body of n bytes.
func zeros(n int64) io.Reader { return io.LimitReader(zeroReader{}, n) }

type zeroReader struct{}

func (zeroReader) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = ' '
	}
	return len(p), nil
}

func TestALargeBodyIsAnsweredNotReset(t *testing.T) {
	_, base := serve(t, Options{Twin: newFakeTwin(t, 4), MaxReadings: 1 << 20})
	tr := transport(t)
	for _, chunked := range []bool{false, true} {
		for _, path := range []string{wire.PathReadings, wire.PathScenarios, wire.PathRuns} {
			const size = 100 << 20
			req, _ := http.NewRequest(post, base+path, zeros(size))
			if req.ContentLength = size; chunked {
				req.ContentLength = -1
			}
			req.Header.Set("Content-Type", "application/json")
			if code, raw := fetch(t, tr, req); code != http.StatusRequestEntityTooLarge || !strings.Contains(string(raw), "larger than") {
				t.Errorf("100 MB to %s (chunked %v): status %d %s", path, chunked, code, raw)
			}
		}
	}
	c := client.New(base, "", tr)
	if _, err := c.PutReadings(t.Context(), "", nil); err != nil {
		t.Errorf("afterwards the service must go on: %v", err)
	}
}

func TestABodyThatBreaksOffHarmsNobody(t *testing.T) {
	twin := newFakeTwin(t, 4)
	_, base := serve(t, Options{Twin: twin})
	conn, err := net.Dial("tcp", strings.TrimPrefix(base, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprintf(conn, "POST /v1/readings HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{\"readings\":[")
	conn.(*net.TCPConn).CloseWrite()
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err == nil {
		if resp.StatusCode < 400 {
			t.Errorf("status %d", resp.StatusCode)
		}
		resp.Body.Close()
	}
	conn.Close()
	if len(twin.batches) != 0 {
		t.Error("half a body was taken")
	}
}

func TestReadingsInEveryForm(t *testing.T) {
	twin := newFakeTwin(t, 20)
	_, base := serve(t, Options{Twin: twin})
	c := client.New(base, "", transport(t))
	b := &live.Batch{Client: "n", Sensors: []string{"loop 0"}}
	b.Add(0, 0, noon, time.Minute, 40)
	for kind, body := range map[string][]byte{
		wire.TypeNDJSON:  []byte(`{"sensor":"loop 0","quantity":"speed","at":"2026-03-20T12:00:00Z","value":40}` + "\n"),
		wire.TypeColumns: []byte(`{"sensors":["loop 0"],"quantities":["speed"],"sensor":[0],"quantity":0,"end_ms":1774008000000,"value":[40]}`),
		wire.TypeBinary:  b.AppendBinary(nil),
	} {
		if got, err := c.PutBody(t.Context(), "", kind, body); err != nil || got.Accepted != 1 {
			t.Errorf("%s: %+v, %v", kind, got, err)
		}
	}
	for _, taken := range twin.batches {
		if taken.Value[0] != 40 || taken.EndMS[0] != noon.UnixMilli() {
			t.Errorf("taken as %+v", taken)
		}
	}
}

func TestWhatCannotBeStoredIsNotAcknowledged(t *testing.T) {
	twin := newFakeTwin(t, 4)
	twin.putErr = fmt.Errorf("disk full: %w", live.ErrUnavailable)
	_, base := serve(t, Options{Twin: twin})
	_, err := client.New(base, "", transport(t)).PutReadings(t.Context(), "", nil)
	if status(err) != http.StatusServiceUnavailable || !strings.Contains(err.Error(), "disk full") {
		t.Errorf("got %v", err)
	}
}

func TestLoadIsShed(t *testing.T) {
	twin := newFakeTwin(t, 4)
	twin.enter, twin.hold = make(chan struct{}), make(chan struct{})
	_, base := serve(t, Options{Twin: twin, MaxInFlight: 2})
	tr := transport(t)
	c := client.New(base, "", tr)
	wait(t, c)
	done := make(chan error, 2)
	for range 2 {
		go func() { _, err := c.Skill(context.Background(), "all"); done <- err }()
		<-twin.enter
	}
	resp, err := (&http.Client{Transport: tr}).Get(base + wire.PathCity)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusServiceUnavailable || resp.Header.Get("Retry-After") != "1" {
		t.Errorf("a third request: %s, Retry-After %q", resp.Status, resp.Header.Get("Retry-After"))
	}
	if err := c.Ready(t.Context()); err != nil {
		t.Errorf("probes are always answered: %v", err)
	}
	close(twin.hold)
	for range 2 {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	if _, err := c.City(t.Context()); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}

func TestAPanicIsAnsweredAndTheServiceGoesOn(t *testing.T) {
	twin := newFakeTwin(t, 4)
	var log bytes.Buffer
	_, base := serve(t, Options{Twin: twin, Log: slog.New(slog.NewTextHandler(&log, nil))})
	c := client.New(base, "", transport(t))
	wait(t, c)
	twin.with(func() { twin.thrown = "out of cheese" })
	if _, err := c.Skill(t.Context(), "all"); status(err) != http.StatusInternalServerError || strings.Contains(err.Error(), "cheese") {
		t.Errorf("got %v", err)
	}
	if !strings.Contains(log.String(), "out of cheese") {
		t.Error("the log does not say why")
	}
	twin.with(func() { twin.thrown = nil })
	if _, err := c.Skill(t.Context(), "all"); err != nil {
		t.Error(err)
	}
}

func TestNotReadyBeforeTheFirstForecast(t *testing.T) {
	twin := newFakeTwin(t, 4)
	twin.forecast = nil
	_, base := serve(t, Options{Twin: twin})
	c := client.New(base, "", transport(t))
	if err := c.Ready(t.Context()); status(err) != http.StatusServiceUnavailable {
		t.Errorf("ready: %v", err)
	}
	if _, err := c.State(t.Context()); status(err) != http.StatusServiceUnavailable {
		t.Errorf("state: %v", err)
	}
	twin.publish(3)
	wait(t, c)
	if s, err := c.State(t.Context()); err != nil || s.Seq != 3 {
		t.Errorf("state %+v, %v", s.Seq, err)
	}
}

func TestTheCityIsServedBeforeAnythingWasPublished(t *testing.T) {
	s, err := New(Options{Twin: newFakeTwin(t, 4)}) // never told to watch the twin
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{wire.PathCity, wire.PathSegments, wire.PathSensors} {
		req := httptest.NewRequest(get, path, nil)
		req.Host = "localhost"
		resp, err := s.app.Test(req, -1)
		if err != nil {
			t.Fatal(err)
		}
		if resp.Body.Close(); resp.StatusCode != http.StatusOK {
			t.Errorf("%s: status %d", path, resp.StatusCode)
		}
	}
}

func TestIdsKeptAfterARequestAreNotOverwritten(t *testing.T) {
	// fiber reuses a request's memory; with Immutable what a handler keeps stays.
	twin := newFakeTwin(t, 4)
	_, base := serve(t, Options{Twin: twin})
	c := client.New(base, "", transport(t))
	for i := range 50 {
		if _, err := c.PutReadings(t.Context(), fmt.Sprintf("batch-%02d", i), nil); err != nil {
			t.Fatal(err)
		}
	}
	for i, b := range twin.batches {
		if want := fmt.Sprintf("/batch-%02d", i); b.Client != want {
			t.Fatalf("batch %d is now named %q", i, b.Client)
		}
	}
}

func TestUnknownPathsAndMethodsAreProblems(t *testing.T) {
	_, base := serve(t, Options{Twin: newFakeTwin(t, 4)})
	tr := transport(t)
	for _, c := range []struct {
		method, path string
		want         int
	}{{get, "/v1/nothing", 404}, {http.MethodDelete, wire.PathCity, 405}, {get, "/v1/segments/%zz", 400}, {get, "/v1/skill?colour=red", 422}} {
		req, _ := http.NewRequest(c.method, base, nil)
		req.URL.Opaque = strings.TrimPrefix(base, "http:") + c.path
		code, raw := fetch(t, tr, req)
		if code != c.want || !bytes.Contains(raw, []byte(`"status":`)) {
			t.Errorf("%s %s: status %d %s, want %d", c.method, c.path, code, raw, c.want)
		}
	}
}
