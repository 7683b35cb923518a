package bus

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/nats-io/nats-server/v2/server"

	"tideway/internal/leak"
)

func TestMain(m *testing.M) { leak.Main(m) }

func start(t testing.TB, dir string) *Bus {
	t.Helper()
	b, err := Start(Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Stop)
	return b
}

func TestLogKeepsOrderOverRestart(t *testing.T) {
	dir, ctx := t.TempDir(), context.Background()
	b := start(t, dir)
	l := must(b.Log(ctx, "READINGS"))(t)
	for i := range 300 {
		if seq := must(l.Append(ctx, []byte(fmt.Sprint(i))))(t); seq != uint64(i+1) {
			t.Fatalf("append %d got number %d", i, seq)
		}
	}
	b.Stop()
	b = start(t, dir)
	l = must(b.Log(ctx, "READINGS"))(t)
	if got := collect(t, l, 101, 0); len(got) != 200 || got[0] != "101:100" || got[199] != "300:299" {
		t.Fatalf("replay from 101 gave %d messages: %v ...", len(got), got[:min(3, len(got))])
	}
	if err := l.Trim(ctx, 250); err != nil {
		t.Fatal(err)
	}
	first, last, err := l.Bounds(ctx)
	if first != 251 || last != 300 || err != nil {
		t.Fatalf("bounds after trimming: %d %d %v", first, last, err)
	}
	if got := collect(t, l, 1, 260); len(got) != 10 || got[0] != "251:250" {
		t.Fatalf("replay of a trimmed log: %v", got)
	}
	if err := l.Trim(ctx, 300); err != nil {
		t.Fatal(err)
	}
	if first, last, _ := l.Bounds(ctx); first != 301 || last != 300 {
		t.Fatalf("bounds of an emptied log: %d %d", first, last)
	}
	if got := collect(t, l, 1, 0); got != nil {
		t.Fatalf("replay of an emptied log: %v", got)
	}
}

func TestAppendAfterRefusesASecondWriter(t *testing.T) {
	ctx := context.Background()
	l := must(start(t, t.TempDir()).Log(ctx, "READINGS"))(t)
	seq := must(l.AppendAfter(ctx, 0, []byte("a")))(t)
	if _, err := l.AppendAfter(ctx, 0, []byte("b")); !errors.Is(err, ErrConflict) {
		t.Fatalf("want ErrConflict, got %v", err)
	}
	must(l.AppendAfter(ctx, seq, []byte("b")))(t)
}

func TestFolderIsLocked(t *testing.T) {
	dir := t.TempDir()
	start(t, dir)
	if b, err := Start(Options{Dir: dir}); err == nil {
		b.Stop()
		t.Fatal("a second bus opened the same folder")
	}
}

func TestStartRefusesAServerThatDoesNotSync(t *testing.T) {
	srv := must(server.NewServer(&server.Options{DontListen: true, NoLog: true, NoSigs: true, JetStream: true, StoreDir: t.TempDir()}))(t)
	srv.Start()
	defer srv.WaitForShutdown()
	defer srv.Shutdown()
	if err := checkSync(srv); !errors.Is(err, ErrNoSync) {
		t.Fatalf("want ErrNoSync, got %v", err)
	}
	if err := parseVarzSync([]byte(`{"data":{"jetstream":{"config":{"sync_always":true}}}}`)); err != nil {
		t.Fatal(err)
	}
	for _, bad := range []string{`{"data":{}}`, `{`, `{"data":{"jetstream":{"config":{"sync_always":false}}}}`} {
		if err := parseVarzSync([]byte(bad)); !errors.Is(err, ErrNoSync) {
			t.Errorf("%s: want ErrNoSync, got %v", bad, err)
		}
	}
}

func TestExternalServerRunsTheSameCode(t *testing.T) {
	srv := must(server.NewServer(&server.Options{Host: "127.0.0.1", Port: -1, NoLog: true, NoSigs: true, JetStream: true, StoreDir: t.TempDir(), SyncAlways: true}))(t)
	srv.Start()
	defer srv.WaitForShutdown()
	defer srv.Shutdown()
	if !srv.ReadyForConnections(startTimeout) {
		t.Fatal("no server")
	}
	if _, err := Start(Options{URL: srv.ClientURL()}); !errors.Is(err, ErrNoSync) {
		t.Fatalf("a server that does not tell must be vouched for: %v", err)
	}
	b := must(Start(Options{URL: srv.ClientURL(), AssumeSync: true}))(t)
	defer b.Stop()
	l := must(b.Log(context.Background(), "READINGS"))(t)
	must(l.Append(context.Background(), []byte("x")))(t)
	if got := collect(t, l, 1, 0); len(got) != 1 || b.Healthy() != nil {
		t.Fatal(got, b.Healthy())
	}
}

func TestOptionsMustNameOnePlace(t *testing.T) {
	for _, o := range []Options{{}, {Dir: "a", URL: "b"}, {URL: "nats://127.0.0.1:1"}} {
		if _, err := Start(o); err == nil {
			t.Errorf("%+v started", o)
		}
	}
}

func TestBucket(t *testing.T) {
	ctx := context.Background()
	k := must(start(t, t.TempDir()).Bucket(ctx, "scenarios"))(t)
	if _, err := k.Get(ctx, "a"); !errors.Is(err, ErrNotFound) {
		t.Fatal(err)
	}
	rev := must(k.Create(ctx, "b", []byte("1")))(t)
	if _, err := k.Create(ctx, "b", []byte("2")); !errors.Is(err, ErrExists) {
		t.Fatal(err)
	}
	must(k.Update(ctx, "b", []byte("2"), rev))(t)
	if _, err := k.Update(ctx, "b", []byte("3"), rev); !errors.Is(err, ErrStale) {
		t.Fatal(err)
	}
	must(k.Put(ctx, "a", []byte("x")))(t)
	if l := must(k.List(ctx))(t); len(l) != 2 || l[0].Key != "a" || string(l[1].Value) != "2" {
		t.Fatalf("%+v", l)
	}
	if err := k.Delete(ctx, "a"); err != nil {
		t.Fatal(err)
	}
	if l := must(k.List(ctx))(t); len(l) != 1 {
		t.Fatalf("%+v", l)
	}
	must(k.Create(ctx, "a", nil))(t)
}

func TestWatchSeesPresentAndLater(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	k := must(start(t, t.TempDir()).Bucket(ctx, "results"))(t)
	must(k.Put(ctx, "a", []byte("1")))(t)
	seen := make(chan Entry, 8)
	var wg sync.WaitGroup
	wg.Go(func() { _ = k.Watch(ctx, func(e Entry) { seen <- e }) })
	if e := <-seen; e.Key != "a" || e.Deleted {
		t.Fatal(e)
	}
	must(k.Put(ctx, "b", []byte("2")))(t)
	if e := <-seen; e.Key != "b" {
		t.Fatal(e)
	}
	if err := k.Delete(ctx, "b"); err != nil {
		t.Fatal(err)
	}
	if e := <-seen; !e.Deleted {
		t.Fatal(e)
	}
	cancel()
	wg.Wait()
}

func TestSubscribe(t *testing.T) {
	b := start(t, t.TempDir())
	got := make(chan []byte, 1)
	cancel := must(b.Subscribe("live.snapshot", func(d []byte) { got <- bytes.Clone(d) }))(t)
	defer cancel()
	if err := b.Publish("live.snapshot", []byte("hello")); err != nil {
		t.Fatal(err)
	}
	if string(<-got) != "hello" {
		t.Fatal("wrong message")
	}
}

func BenchmarkStart(b *testing.B) {
	for b.Loop() {
		bus, err := Start(Options{Dir: b.TempDir()})
		if err != nil {
			b.Fatal(err)
		}
		b.StopTimer()
		bus.Stop()
		b.StartTimer()
	}
}

func BenchmarkAppend200kB(b *testing.B) {
	l := must(start(b, b.TempDir()).Log(context.Background(), "READINGS"))(b)
	data := make([]byte, 200<<10)
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		if _, err := l.Append(context.Background(), data); err != nil {
			b.Fatal(err)
		}
	}
}

func collect(t *testing.T, l *Log, from, to uint64) (out []string) {
	t.Helper()
	err := l.Replay(context.Background(), from, to, func(seq uint64, data []byte) error {
		out = append(out, fmt.Sprintf("%d:%s", seq, data))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func must[T any](v T, err error) func(testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}
