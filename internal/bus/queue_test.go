package bus

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// queue is so patient that no job changes hands because a worker is slow.
func queue(t *testing.T, b *Bus) *Queue {
	return must(b.Queue(context.Background(), QueueOptions{Name: "RUNS", AckWait: time.Hour, Heartbeat: 10 * time.Millisecond, MaxDeliver: 2}))(t)
}

func TestQueueRunsEachJobOnce(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	q := queue(t, start(t, t.TempDir()))
	for _, id := range []string{"a", "b", "a", "c"} {
		known := must(q.Publish(ctx, id, []byte("job "+id)))(t)
		if known != (id == "a" && must(q.Waiting(ctx))(t) > 1) {
			t.Fatalf("%s known: %v", id, known)
		}
	}
	var mu sync.Mutex
	seen := map[string]int{}
	err := q.Consume(ctx, 2, func(_ context.Context, j Job) error {
		mu.Lock()
		defer mu.Unlock()
		if seen[j.ID]++; len(seen) == 3 {
			cancel()
		}
		return nil
	})
	if err != nil || seen["a"] != 1 || seen["b"] != 1 || seen["c"] != 1 {
		t.Fatal(seen, err)
	}
}

func TestQueueLaysAFailingJobAside(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	b := start(t, t.TempDir())
	q := queue(t, b)
	must(q.Publish(ctx, "bad", []byte("x")))(t)
	must(q.Publish(ctx, "good", []byte("y")))(t)
	buried := make(chan struct{})
	unsubscribe := must(b.Subscribe("dead.RUNS", func([]byte) { close(buried); cancel() }))(t)
	defer unsubscribe()
	var attempts atomic.Int32
	_ = q.Consume(ctx, 1, func(_ context.Context, j Job) error {
		if j.ID == "good" {
			return nil
		}
		attempts.Add(1)
		return errors.New("cannot")
	})
	<-buried
	if attempts.Load() != 2 {
		t.Fatalf("%d attempts", attempts.Load())
	}
	dead := must(q.Dead(context.Background()))(t)
	if len(dead) != 1 || dead[0].ID != "bad" || dead[0].Reason != "cannot" {
		t.Fatalf("%+v", dead)
	}
}

func TestQueueKeepsALongJobAndRecoversALostOne(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	b := start(t, t.TempDir())
	q := queue(t, b)
	must(q.Publish(ctx, "long", nil))(t)
	first, stop := context.WithCancel(ctx)
	_ = q.Consume(first, 1, func(ctx context.Context, j Job) error { // a worker that dies
		stop()
		<-ctx.Done()
		return ctx.Err()
	})
	signs := make(chan struct{}, 1)
	unsubscribe := must(b.Subscribe("$JS.ACK.>", func(d []byte) {
		if string(d) == "+WPI" { // work in progress: the server waits for another AckWait
			select {
			case signs <- struct{}{}:
			default:
			}
		}
	}))(t)
	defer unsubscribe()
	var ran atomic.Int32
	_ = q.Consume(ctx, 2, func(ctx context.Context, j Job) error {
		ran.Add(1)
		for range 3 {
			<-signs
		}
		defer cancel()
		if j.Attempt != 2 {
			t.Errorf("attempt %d", j.Attempt)
		}
		return nil
	})
	if ran.Load() != 1 {
		t.Fatalf("ran %d times", ran.Load())
	}
}
