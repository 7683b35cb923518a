package twin_test

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"tideway/internal/bus"
	"tideway/internal/twin"
	"tideway/scenarios"
)

// kills is how many workers die; the full count is 200.
var kills = flag.Int("kills", 3, "workers to kill in TestRunsOutliveTheirWorkers")

// workerOf names, in the environment, the server that this binary works for
// when a test starts it as a worker.
const workerOf = "TIDEWAY_TEST_WORKER_OF"

// patience of these tests' workers: a dead one is missed after so long.
const patience = 3 * time.Second

// beWorker works on runs until it is killed.
func beWorker(url string) {
	report := func(err error) { fmt.Fprintln(os.Stderr, "worker:", err) }
	if err := twin.Work(context.Background(), twin.WorkerOptions{NATS: url, Synced: true, Threads: 1, Patience: patience, Report: report}); err != nil {
		report(err)
		os.Exit(1)
	}
}

// TestRunsOutliveTheirWorkers kills working processes at random moments: every
// run ends done, with one result.
func TestRunsOutliveTheirWorkers(t *testing.T) {
	n := *kills
	if testing.Short() {
		n = 1
	}
	srv, err := server.NewServer(&server.Options{Host: "127.0.0.1", Port: -1, NoLog: true, NoSigs: true, JetStream: true, StoreDir: t.TempDir(), SyncAlways: true})
	if err != nil {
		t.Fatal(err)
	}
	srv.Start()
	defer srv.WaitForShutdown()
	defer srv.Shutdown()
	if !srv.ReadyForConnections(time.Minute) {
		t.Fatal("no server")
	}
	city := smallCity(t)
	tw, err := twin.Start(t.Context(), twin.Options{City: city, Dir: t.TempDir(), Demand: trips(city), Period: twin.Period{End: 5 * time.Minute}, NATS: srv.ClientURL(), Synced: true,
		Workers: -1, Now: func() time.Time { return noon }, Tick: time.Hour, Report: func(err error) { t.Log(err) }})
	if err != nil {
		t.Fatal(err)
	}
	defer stop(t, tw)
	ids := submit(t, tw, n+2)
	killed := killWorkers(t, tw, srv.ClientURL(), ids, n)
	again := 0
	for _, id := range ids {
		run, err := tw.Run(t.Context(), id)
		if err != nil || run.State != scenarios.Done {
			t.Errorf("run %s: %+v, %v", id, run, err)
		}
		if _, err := tw.Comparison(t.Context(), id); err != nil {
			t.Errorf("run %s: %v", id, err)
		}
		if run.Attempts > 1 {
			again++
		}
	}
	t.Logf("%d workers killed, %d of %d runs taken up again", killed, again, len(ids))
	oneResultEach(t, srv.ClientURL(), ids)
}

func submit(t *testing.T, tw *twin.Twin, n int) (ids []string) {
	t.Helper()
	d, err := scenarios.Parse([]byte(`{"name":"slower","changes":[{"op":"segment.setSpeed","select":{"all":true},"factor":0.8}]}`))
	if err != nil {
		t.Fatal(err)
	}
	id, err := tw.AddScenario(t.Context(), d)
	if err != nil {
		t.Fatal(err)
	}
	for seed := range n {
		run, err := tw.Submit(t.Context(), scenarios.Request{Scenarios: []string{id}, Replications: 6, Seed: uint64(1000 * seed)})
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, run.ID)
	}
	return ids
}

// killWorkers keeps two workers alive, kills one after the other at random
// moments, and lets the last ones finish. It returns how many it killed.
func killWorkers(t *testing.T, tw *twin.Twin, url string, ids []string, n int) (killed int) {
	t.Helper()
	dice := rand.New(rand.NewPCG(7, 11))
	var alive [2]*exec.Cmd
	for i := range alive {
		alive[i] = startWorker(t, url)
	}
	defer func() {
		for _, w := range alive {
			_ = w.Process.Kill()
			_ = w.Wait()
		}
	}()
	for !allEnded(t, tw, ids) {
		<-time.After(time.Duration(100+dice.IntN(600)) * time.Millisecond)
		if killed < n {
			i := dice.IntN(len(alive))
			if err := alive[i].Process.Kill(); err != nil {
				t.Fatal(err)
			}
			_ = alive[i].Wait() // killed: that is its status
			killed++
			alive[i] = startWorker(t, url)
		}
	}
	return killed
}

func startWorker(t *testing.T, url string) *exec.Cmd {
	t.Helper()
	w := exec.Command(os.Args[0], "-test.run=^$")
	w.Env = append(os.Environ(), workerOf+"="+url)
	w.Stderr = os.Stderr
	if err := w.Start(); err != nil {
		t.Fatal(err)
	}
	return w
}

func allEnded(t *testing.T, tw *twin.Twin, ids []string) bool {
	t.Helper()
	for _, id := range ids {
		if run, err := tw.Run(t.Context(), id); err != nil || !run.State.Ended() {
			return false
		}
	}
	return true
}

// oneResultEach counts the results in the store.
func oneResultEach(t *testing.T, url string, ids []string) {
	t.Helper()
	b, err := bus.Start(bus.Options{URL: url, AssumeSync: true})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Stop()
	results, err := b.Bucket(t.Context(), "results")
	if err != nil {
		t.Fatal(err)
	}
	keys, err := results.Keys(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	count := map[string]int{}
	for _, key := range keys {
		if !strings.Contains(key, ".map.") {
			id, _, _ := strings.Cut(key, ".")
			count[id]++
		}
	}
	for _, id := range ids {
		if count[id] != 1 {
			t.Errorf("run %s has %d results", id, count[id])
		}
	}
}
