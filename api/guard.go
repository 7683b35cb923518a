package api

import (
	"bytes"
	"io"
	"net/http"
	"runtime/debug"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"

	"tideway/api/wire"
)

// bodyKey and grantKey are where the guard leaves the request's body (copied)
// and grant.
type localKey int

const (
	bodyKey localKey = iota
	grantKey
)

// observe counts and times every request, sheds load, and turns whatever the
// handlers return or throw into an answer.
func (s *Server) observe(c *fiber.Ctx) error {
	begin := time.Now()
	if n := s.busy.Add(1); n > int64(s.opt.MaxInFlight) && !alwaysOpen(c.Path()) {
		s.busy.Add(-1)
		s.metrics.refused.WithLabelValues("busy").Inc()
		return sendProblem(c, newProblem(http.StatusServiceUnavailable, "%d requests are being answered, try again in a second", n-1))
	}
	if err := s.run(c); err != nil {
		_ = sendProblem(c, err)
	}
	s.busy.Add(-1)
	route := c.Route().Path
	if route == "/" && c.Path() != "/" {
		route = "other" // nothing matched: the path is the client's invention
	}
	s.metrics.observe(c.Method(), route, c.Response().StatusCode(), time.Since(begin))
	if changes(c.Method(), c.Path()) {
		s.opt.Log.Info("change", "method", c.Method(), "path", c.Path(), "status", c.Response().StatusCode(), "key", keyID(c), "from", c.IP())
	}
	return nil
}

// changes tells what the log keeps: requests that change something. Readings
// are too many; checking and working out change nothing.
func changes(method, path string) bool {
	return method != get && path != wire.PathReadings && path != wire.PathScenarioCheck && !strings.HasSuffix(path, "/evaluate")
}

// keyID names the key of a request, "" when none was needed.
func keyID(c *fiber.Ctx) string {
	id, _ := c.Locals(grantKey).(string)
	return id
}

// run calls the next handler; a panic is our fault, so it is logged and
// answered with 500 while the service goes on.
func (s *Server) run(c *fiber.Ctx) (err error) {
	defer func() {
		if thrown := recover(); thrown != nil {
			s.opt.Log.Error("handler panicked", "path", c.Path(), "panic", thrown, "stack", string(debug.Stack()))
			err = newProblem(http.StatusInternalServerError, "the service failed to answer; the failure is in its log")
		}
	}()
	return c.Next()
}

// alwaysOpen are the paths that probes use: they need no key and are not shed.
func alwaysOpen(path string) bool { return path == wire.PathHealth || path == wire.PathReady }

// scopeOf returns the scope that a request needs, "" for none. The OpenAPI
// document is generated with it.
func scopeOf(method, path string) string {
	switch {
	case path == wire.PathMetrics:
		return wire.ScopeRead
	case !strings.HasPrefix(path, "/v1/"):
		return ""
	case method == http.MethodGet || method == http.MethodHead:
		return wire.ScopeRead
	case path == wire.PathReadings, path == wire.PathWeather:
		return wire.ScopeIngest
	case path == wire.PathSensors, path == wire.PathModelRollback:
		return wire.ScopeAdmin
	}
	return wire.ScopePlan
}

// admit checks the key and reads the body within its limit.
func (s *Server) admit(c *fiber.Ctx) error {
	if err := s.authorise(c); err != nil {
		s.metrics.refused.WithLabelValues("key").Inc()
		return s.refuseBody(c, err)
	}
	if c.Method() != http.MethodPost {
		return c.Next()
	}
	limit := s.opt.MaxBody
	if c.Path() == wire.PathReadings {
		limit = s.opt.MaxReadings
	}
	size := int64(max(0, c.Request().Header.ContentLength())) // negative: chunked
	if size > limit {
		return s.tooLarge(c, limit)
	}
	if held := s.held.Add(size); held > s.opt.MaxHeld {
		s.held.Add(-size)
		s.metrics.refused.WithLabelValues("memory").Inc()
		return s.refuseBody(c, newProblem(http.StatusServiceUnavailable, "%d bytes of other bodies are being read, try again in a second", held-size))
	}
	defer s.held.Add(-size)
	body, err := readBody(c, limit)
	if err != nil {
		return newProblem(http.StatusBadRequest, "reading the body: %s", err)
	}
	if int64(len(body)) > limit {
		return s.tooLarge(c, limit)
	}
	c.Locals(bodyKey, body)
	c.Request().SetBodyStream(bytes.NewReader(body), len(body)) // where huma's adapter looks for it
	return c.Next()
}

// readBody returns a copy of the body, one byte more than limit at most.
func readBody(c *fiber.Ctx, limit int64) ([]byte, error) {
	stream := c.Request().BodyStream()
	if stream == nil {
		return bytes.Clone(c.Request().Body()), nil
	}
	b := bytes.NewBuffer(make([]byte, 0, min(limit, int64(max(512, c.Request().Header.ContentLength()+bytes.MinRead)))))
	_, err := b.ReadFrom(io.LimitReader(stream, limit+1))
	return b.Bytes(), err
}

func (s *Server) tooLarge(c *fiber.Ctx, limit int64) error {
	s.metrics.refused.WithLabelValues("body").Inc()
	return s.refuseBody(c, newProblem(http.StatusRequestEntityTooLarge, "the body is larger than %d bytes; send it in parts", limit))
}

// maxDrain is how much of a refused body is read and thrown away.
const maxDrain = 1 << 30

// refuseBody reads the rest of the body away before the problem is answered: a
// client that is still writing would otherwise see a reset connection instead
// of the answer. The server's read timeout bounds the time.
func (s *Server) refuseBody(c *fiber.Ctx, err error) error {
	if stream := c.Request().BodyStream(); stream != nil {
		_, _ = io.Copy(io.Discard, io.LimitReader(stream, maxDrain))
	}
	return err
}

// authorise finds what the request's key allows. Without keys (on loopback
// only, see Serve) everything is allowed to local programs, but not to web pages
// of other origins that a browser on this machine shows: they send their own
// Origin, or reach us under a name of theirs.
func (s *Server) authorise(c *fiber.Ctx) error {
	scope := scopeOf(c.Method(), c.Path())
	if scope == "" {
		return nil
	}
	ring := s.ring.Load()
	if ring == nil {
		if from := c.Get(fiber.HeaderOrigin); !localHost(c.Hostname()) || (from != "" && from != c.BaseURL()) {
			return newProblem(http.StatusForbidden, "the service runs without keys: it answers local requests to localhost only, not those to %q from %q", c.Hostname(), echo(from))
		}
		return nil
	}
	g, ok := ring.find(secretOf(c), time.Now())
	if !ok {
		return newProblem(http.StatusUnauthorized, "no valid API key; send it as Authorization: Bearer KEY or X-API-Key: KEY")
	}
	if !g.has(scope) {
		return newProblem(http.StatusForbidden, "key %s lacks the scope %q", g.id, scope)
	}
	c.Locals(grantKey, g.id)
	return nil
}

// keyCookie holds a key for what a browser fetches by itself: event streams and
// tiles carry no headers of the page. The page sets it with SameSite=Strict, so
// that other sites cannot use it.
const keyCookie = "tideway_key"

// secretOf returns the key that a request carries.
func secretOf(c *fiber.Ctx) []byte {
	h := &c.Request().Header
	if auth := h.Peek(fiber.HeaderAuthorization); len(auth) > 7 && strings.EqualFold(string(auth[:7]), "Bearer ") {
		return auth[7:]
	}
	if key := h.Peek("X-API-Key"); len(key) > 0 {
		return key
	}
	return h.Cookie(keyCookie)
}
