package main

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"tideway/api"
	"tideway/api/client"
	"tideway/internal/twin"
)

// tideway carries out a command line and returns what it printed and its exit
// status. Standard output is the process's: such tests do not run in parallel.
func tideway(t testing.TB, args ...string) (stdout, stderr string, status int) {
	t.Helper()
	out, notes := scratch(t), scratch(t)
	before, beforeNotes := os.Stdout, os.Stderr
	os.Stdout, os.Stderr = out, notes
	defer func() { os.Stdout, os.Stderr = before, beforeNotes }()
	status = run(args)
	return text(t, out), text(t, notes), status
}

func scratch(t testing.TB) *os.File {
	t.Helper()
	f, err := os.Create(filepath.Join(t.TempDir(), "out"))
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func text(t testing.TB, f *os.File) string {
	t.Helper()
	raw, err := os.ReadFile(f.Name())
	if err != nil {
		t.Fatal(err)
	}
	f.Close()
	return string(raw)
}

// object carries out a command line with --json and returns its object.
func object[T any](t testing.TB, args ...string) (out T) {
	t.Helper()
	stdout, stderr, status := tideway(t, append(args, "--json")...)
	if status != 0 {
		t.Fatalf("%v: status %d: %s", args, status, stderr)
	}
	if err := json.Unmarshal([]byte(stdout), &out); err != nil {
		t.Fatalf("%v: %v in %s", args, err, stdout)
	}
	return out
}

// service runs a twin and its API on loopback until stop is called or the test
// ends, and returns a client and its address.
func service(t *testing.T, o twin.Options) (c *client.Client, base string, stop func()) {
	t.Helper()
	o.Report = func(err error) { t.Log(err) }
	tw, err := twin.Start(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	server, err := api.New(api.Options{Twin: tw, Now: o.Now, Grace: time.Minute, Log: slog.New(slog.NewTextHandler(io.Discard, nil))})
	if err != nil {
		t.Fatal(err)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve(ln) }()
	transport := &http.Transport{}
	stopped := false
	stop = func() {
		if stopped {
			return
		}
		stopped = true
		transport.CloseIdleConnections()
		if err := server.Shutdown(); err != nil {
			t.Error(err)
		}
		if err := <-served; err != nil {
			t.Error(err)
		}
		if err := tw.Stop(); err != nil {
			t.Error(err)
		}
	}
	t.Cleanup(stop)
	base = "http://" + ln.Addr().String()
	c = client.New(base, "", transport)
	until(t, "the service is ready", func() bool { return c.Ready(t.Context()) == nil })
	return c, base, stop
}

// until asks again and again, for some minutes at most.
func until(t *testing.T, what string, holds func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	every := time.NewTicker(50 * time.Millisecond)
	defer every.Stop()
	for !holds() {
		select {
		case <-ctx.Done():
			t.Fatalf("waited in vain until %s", what)
		case <-every.C:
		}
	}
}
