package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"testing"
	"time"

	"pgregory.net/rapid"

	"tideway/api/client"
	"tideway/api/wire"
)

var errEnough = errors.New("enough")

func TestTheStreamTellsEveryChangeInOrder(t *testing.T) {
	twin := newFakeTwin(t, 20)
	_, base := serve(t, Options{Twin: twin, Heartbeat: time.Millisecond})
	c := client.New(base, "", transport(t))
	wait(t, c)
	state, err := c.State(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	next, last := uint64(2), uint64(0)
	twin.publish(next)
	err = c.Stream(t.Context(), first(t, c), func(e wire.Event) error {
		if last != 0 && e.Seq != last+1 {
			t.Errorf("event %d follows %d", e.Seq, last)
		}
		if last = e.Seq; e.Type != wire.EventSnapshot {
			return nil
		}
		apply(t, &state, e)
		if next++; next > 6 {
			return errEnough
		}
		twin.publish(next)
		return nil
	})
	if !errors.Is(err, errEnough) {
		t.Fatal(err)
	}
	now, err := c.State(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for i := range now.Segments.SpeedKMH {
		a, b := wire.Value(now.Segments.SpeedKMH[i]), wire.Value(state.Segments.SpeedKMH[i])
		if a != b && !(math.IsNaN(a) && math.IsNaN(b)) {
			t.Errorf("segment %d: %v by the state, %v by adding up the stream", i, a, b)
		}
	}
}

// first returns the number before the oldest event that is held.
func first(t *testing.T, c *client.Client) (seq uint64) {
	t.Helper()
	err := c.Stream(t.Context(), 1, func(e wire.Event) error {
		var r wire.Reset
		if e.Type != wire.EventReset || json.Unmarshal(e.Data, &r) != nil {
			t.Errorf("an old number is answered with %+v", e)
		}
		seq = r.Oldest + 1 // behind the snapshot and forecast of the start
		return errEnough
	})
	if !errors.Is(err, errEnough) {
		t.Fatal(err)
	}
	return seq
}

func apply(t *testing.T, s *wire.State, e wire.Event) {
	t.Helper()
	var d wire.StateDelta
	if err := json.Unmarshal(e.Data, &d); err != nil {
		t.Fatal(err)
	}
	if d.Reload || len(d.Segments) == 0 || len(d.Segments) != len(d.SpeedKMH) || len(d.Segments) != len(d.LOS) {
		t.Errorf("delta %+v", d)
	}
	for k, i := range d.Segments {
		s.Segments.SpeedKMH[i] = d.SpeedKMH[k]
	}
}

func TestAStreamResumesWhereItBroke(t *testing.T) {
	twin := newFakeTwin(t, 4)
	_, base := serve(t, Options{Twin: twin})
	c := client.New(base, "", transport(t))
	wait(t, c)
	var seen []uint64
	read := func(after uint64, n int) {
		err := c.Stream(t.Context(), after, func(e wire.Event) error {
			seen = append(seen, e.Seq)
			if n--; n == 0 {
				return errEnough
			}
			return nil
		})
		if !errors.Is(err, errEnough) {
			t.Fatal(err)
		}
	}
	begin := first(t, c)
	for seq := range uint64(6) {
		twin.publish(seq + 2)
		read(begin, 1)
		begin = seen[len(seen)-1]
		read(begin, 1)
		begin = seen[len(seen)-1]
	}
	for i := 1; i < len(seen); i++ {
		if seen[i] != seen[i-1]+1 {
			t.Fatalf("seen %v", seen)
		}
	}
	req, _ := http.NewRequest(get, base+wire.PathStream, nil)
	req.Header.Set("Last-Event-ID", "yesterday")
	if code, _ := fetch(t, transport(t), req); code != http.StatusBadRequest {
		t.Errorf("a number that is none: status %d", code)
	}
}

// A shutdown ends open streams itself: it waits neither for their next sign of
// life nor until they are cut off.
func TestShutdownEndsOpenStreams(t *testing.T) {
	twin := newFakeTwin(t, 4)
	s, err := New(Options{Twin: twin, Heartbeat: time.Hour, Grace: 2 * time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	ln := listen(t)
	done := make(chan error, 1)
	go func() { done <- s.Serve(ln) }()
	c := client.New("http://"+ln.Addr().String(), "", transport(t))
	wait(t, c)
	stored, err := c.AddScenario(t.Context(), closure("x", twin.city.Segments.At(0).ID))
	if err != nil {
		t.Fatal(err)
	}
	run, err := c.StartRun(t.Context(), wire.RunRequest{Scenarios: []string{stored.ID}})
	if err != nil {
		t.Fatal(err)
	}
	ends, open := make(chan error, 20), make(chan bool, 20)
	from := first(t, c) - 1
	for i := range 20 {
		go func() {
			if i%2 == 0 {
				ends <- c.Stream(context.Background(), from, func(wire.Event) error { offer(open); return nil })
				return
			}
			_, err := c.FollowRun(context.Background(), run.ID, func(wire.Run) { offer(open) })
			ends <- err
		}()
	}
	for range 20 {
		<-open
	}
	if err := s.Shutdown(); err != nil {
		t.Error(err)
	}
	for range 20 {
		if err := <-ends; err != io.EOF {
			t.Errorf("a stream ended with %v, want its end", err)
		}
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// offer tells once that something arrived.
func offer(c chan bool) {
	select {
	case c <- true:
	default:
	}
}

func TestAClientThatLeavesIsNoticed(t *testing.T) {
	s, base := serve(t, Options{Twin: newFakeTwin(t, 4), Heartbeat: 5 * time.Millisecond, MaxStreams: 3})
	c := client.New(base, "", transport(t))
	wait(t, c)
	for range 20 { // more than may be open: each must go before long
		for ctx := t.Context(); ; {
			err := c.Stream(ctx, 1, func(wire.Event) error { return errEnough })
			if errors.Is(err, errEnough) {
				break
			}
			if status(err) != http.StatusServiceUnavailable {
				t.Fatal(err)
			}
		}
	}
	if n := s.streams.Load(); n > 3 {
		t.Errorf("%d streams are open", n)
	}
}

func TestTheHubHoldsWhatItSaysItHolds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		start := rapid.Uint64Range(1, 1e6).Draw(t, "start")
		h := newHub(start)
		n := rapid.IntRange(0, 3*maxHeldEvents).Draw(t, "events")
		for i := range n {
			h.publish("x", fmt.Appendf(nil, `%d`, i))
		}
		cursor := rapid.Uint64Range(0, start+uint64(n)+5).Draw(t, "cursor")
		events, last, ok := h.after(cursor)
		if last != start+uint64(n) || h.newest() != last {
			t.Fatalf("newest is %d after %d events from %d", last, n, start)
		}
		if held := cursor+1 >= h.oldest() && cursor <= last; ok != held {
			t.Fatalf("cursor %d of %d..%d: ok %v", cursor, h.oldest(), last, ok)
		}
		if ok && uint64(len(events)) != last-cursor {
			t.Fatalf("%d events after %d of %d", len(events), cursor, last)
		}
		for i, e := range events {
			if want := formatEvent(cursor+1+uint64(i), "x", fmt.Appendf(nil, "%d", cursor-start+uint64(i))); string(e) != string(want) {
				t.Fatalf("event %d is %q, want %q", i, e, want)
			}
		}
	})
}
