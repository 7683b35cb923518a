package api

import (
	"bufio"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/gofiber/fiber/v2"

	"tideway/api/wire"
	"tideway/scenarios"
)

// eventWriter writes server-sent events to one client. Each flush gets its own
// deadline: the server's write timeout would end the stream, and without any a
// client that stopped reading would keep its goroutine forever.
type eventWriter struct {
	w        *bufio.Writer
	deadline func(time.Time) error
	patience time.Duration
}

func (e *eventWriter) send(events ...[]byte) error {
	for _, b := range events {
		if _, err := e.w.Write(b); err != nil {
			return err
		}
	}
	return errors.Join(e.deadline(time.Now().Add(e.patience)), e.w.Flush())
}

// heartbeat is a comment: proxies keep the connection, and a client that has
// gone is noticed, since fasthttp sees that only when it writes.
var heartbeat = []byte(": \n\n")

// stream answers with an endless body that feed writes until it returns. It
// must be the last thing a handler does.
func (s *Server) stream(c *fiber.Ctx, feed func(w *eventWriter) error) error {
	if s.streams.Add(1) > int64(s.opt.MaxStreams) {
		s.streams.Add(-1)
		s.metrics.refused.WithLabelValues("streams").Inc()
		return newProblem(http.StatusServiceUnavailable, "%d streams are open already", s.opt.MaxStreams)
	}
	c.Set(fiber.HeaderContentType, wire.TypeSSE)
	c.Set(fiber.HeaderCacheControl, "no-store")
	c.Set("X-Accel-Buffering", "no") // proxies must pass events on at once
	conn := c.Context().Conn()
	s.metrics.streams.Inc()
	c.Context().SetBodyStreamWriter(func(w *bufio.Writer) {
		defer func() {
			s.metrics.streams.Dec()
			s.streams.Add(-1)
		}()
		_ = feed(&eventWriter{w, conn.SetWriteDeadline, 2*s.opt.Heartbeat + 5*time.Second}) // an error is the client's leaving
	})
	return nil
}

// handleStream serves GET /v1/stream: from Last-Event-ID on where that is
// still held, else what comes next.
func (s *Server) handleStream(c *fiber.Ctx) error {
	cursor, resume := s.hub.newest(), false
	if id := c.Get("Last-Event-ID"); id != "" {
		n, err := strconv.ParseUint(id, 10, 64)
		if err != nil {
			return newProblem(http.StatusBadRequest, "Last-Event-ID %q is not the number of an event", echo(id))
		}
		cursor, resume = n, true
	}
	return s.stream(c, func(w *eventWriter) error { return s.follow(w, cursor, resume) })
}

func (s *Server) follow(w *eventWriter, cursor uint64, resume bool) error {
	beat := time.NewTicker(s.opt.Heartbeat)
	defer beat.Stop()
	if !resume { // headers reach the client before the first event
		if err := w.send(heartbeat); err != nil {
			return err
		}
	}
	for {
		woken := s.hub.wake.wait() // before looking: an event in between closes it
		events, last, ok := s.hub.after(cursor)
		if !ok {
			data, _ := json.Marshal(wire.Reset{Oldest: s.hub.oldest(), Newest: last})
			events = [][]byte{formatEvent(last, string(wire.EventReset), data)}
		}
		if cursor = last; len(events) > 0 {
			if err := w.send(events...); err != nil {
				return err
			}
		}
		if s.hub.isClosed() {
			return nil
		}
		select {
		case <-woken:
		case <-beat.C:
			if err := w.send(heartbeat); err != nil {
				return err
			}
		}
	}
}

// handleRunEvents serves GET /v1/runs/{id}/events: the run whenever it changed,
// until it has ended.
func (s *Server) handleRunEvents(c *fiber.Ctx) error {
	id, err := pathID(c.Params("id"))
	if err != nil {
		return err
	}
	run, err := s.opt.Twin.Run(c.UserContext(), id)
	if err != nil {
		return lost(err, "run", id)
	}
	ctx := c.UserContext()
	return s.stream(c, func(w *eventWriter) error {
		return s.followRun(w, run, func() (scenarios.Run, error) { return s.opt.Twin.Run(ctx, id) })
	})
}

func (s *Server) followRun(w *eventWriter, run scenarios.Run, get func() (scenarios.Run, error)) error {
	beat := time.NewTicker(s.opt.Heartbeat)
	defer beat.Stop()
	var sent []byte
	for n := uint64(1); ; {
		woken := s.changed.wait()
		if now, err := get(); err == nil {
			run = now
		}
		if data, _ := json.Marshal(wireRun(run)); string(data) != string(sent) {
			sent = data
			if err := w.send(formatEvent(n, string(wire.EventRun), data)); err != nil {
				return err
			}
			n++
		}
		if run.State.Ended() {
			return nil
		}
		select {
		case <-s.stopping:
			return nil
		case <-woken:
		case <-beat.C:
			if err := w.send(heartbeat); err != nil {
				return err
			}
		}
	}
}
