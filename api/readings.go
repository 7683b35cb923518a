package api

import (
	"errors"
	"maps"
	"mime"
	"net/http"
	"slices"
	"strings"

	"github.com/gofiber/fiber/v2"

	"tideway/api/wire"
	"tideway/internal/fault"
	"tideway/live"
	"tideway/live/ingest"
)

// readingTypes are the content types of POST /v1/readings with the Go type that
// describes each; nil where it is text or binary.
func readingTypes() map[string]any {
	return map[string]any{ingest.TypeJSON: wire.Readings{}, ingest.TypeNDJSON: nil, ingest.TypeColumns: wire.Columns{}, ingest.TypeBinary: nil}
}

// handleReadings serves POST /v1/readings. The client's batch name is joined
// with its key's id, so that two clients cannot meet.
func (s *Server) handleReadings(c *fiber.Ctx) error {
	kind, _, err := mime.ParseMediaType(c.Get(fiber.HeaderContentType))
	if _, ok := readingTypes()[kind]; err != nil || !ok {
		return newProblem(http.StatusUnsupportedMediaType, "content type %q, expected %s",
			echo(c.Get(fiber.HeaderContentType)), strings.Join(slices.Sorted(maps.Keys(readingTypes())), ", "))
	}
	batch, err := ingest.Decode(s.opt.Twin.City(), kind, bodyOf(c))
	if err != nil {
		return undecodable(err)
	}
	if name := c.Get(wire.HeaderIdempotency); name != "" {
		batch.Client = name
	}
	if len(batch.Client) > maxEcho {
		return newProblem(http.StatusBadRequest, "%s has %d characters, at most %d are taken", wire.HeaderIdempotency, len(batch.Client), maxEcho)
	}
	if batch.Client != "" {
		batch.Client = keyID(c) + "/" + batch.Client
	}
	ctx, cancel := s.timed(c)
	defer cancel()
	a, err := s.opt.Twin.Put(ctx, batch)
	if errors.Is(err, live.ErrUnavailable) || errors.Is(err, live.ErrClosed) || (err != nil && ctx.Err() != nil) {
		return newProblem(http.StatusServiceUnavailable, "%s; nothing of the batch was acknowledged, send it again under the same %s", err, wire.HeaderIdempotency)
	}
	if err != nil {
		return err
	}
	s.count(a)
	return c.JSON(wireAnswer(a))
}

// undecodable answers 400 with every place that could not be read.
func undecodable(err error) error {
	var bad *fault.Error
	if errors.As(err, &bad) {
		return fromFault(http.StatusBadRequest, bad)
	}
	return newProblem(http.StatusBadRequest, "nothing of the body could be read: %s", err)
}

func (s *Server) count(a live.Answer) {
	add := func(outcome string, n int) { s.metrics.readings.WithLabelValues(outcome).Add(float64(n)) }
	add("accepted", a.Accepted)
	add("rejected", a.Rejected)
	add("duplicate", a.Duplicates)
	add("revision", a.Revisions)
	for why, n := range a.ByReason { // counters commute: the order does not show
		s.metrics.rejected.WithLabelValues(string(why)).Add(float64(n))
	}
}

func wireAnswer(a live.Answer) wire.Ingested {
	out := wire.Ingested{Accepted: a.Accepted, Rejected: a.Rejected, Duplicates: a.Duplicates, Revisions: a.Revisions, Reasons: []wire.IngestReason{}}
	for _, r := range a.Reasons {
		out.Reasons = append(out.Reasons, wire.IngestReason{Index: r.Index, Sensor: r.Sensor, Reason: string(r.Reason)})
	}
	if len(a.ByReason) > 0 {
		out.ByReason = map[string]int{}
		for why, n := range a.ByReason {
			out.ByReason[string(why)] = n
		}
	}
	return out
}
