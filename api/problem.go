package api

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/gofiber/fiber/v2"

	"tideway/api/wire"
	"tideway/internal/fault"
)

// maxProblems bounds the errors of one problem document, maxEcho the characters
// of a value that it repeats.
const (
	maxProblems = 1000
	maxEcho     = 200
)

func newProblem(status int, format string, args ...any) *wire.Problem {
	return &wire.Problem{Title: http.StatusText(status), Status: status, Detail: fmt.Sprintf(format, args...)}
}

// humaProblem is how huma makes its errors.
func humaProblem(status int, text string, errs ...error) huma.StatusError {
	p := newProblem(status, "%s", text)
	for _, err := range errs {
		if d, ok := err.(huma.ErrorDetailer); ok {
			e := d.ErrorDetail()
			p.Errors = append(p.Errors, wire.ProblemDetail{Message: inWords.Replace(e.Message), Location: e.Location, Value: echo(e.Value)})
		} else if err != nil {
			p.Errors = append(p.Errors, wire.ProblemDetail{Message: err.Error()})
		}
	}
	if len(p.Errors) == 1 && p.Errors[0].Location != "" {
		p.Detail += ": " + p.Errors[0].Location + ": " + p.Errors[0].Message
	}
	return p
}

const aTime = "expected a time like 2026-03-20T08:00:00Z"

// inWords says what huma says in Go's layout of a time.
var inWords = strings.NewReplacer("invalid date/time for format "+time.RFC3339Nano, aTime)

// asProblem turns any error into a problem: a *fault.Error is the client's
// input with every problem in it, the rest as the caller declared it, and what
// nobody expected is 500.
func asProblem(err error) *wire.Problem {
	var p *wire.Problem
	var bad *fault.Error
	var fe *fiber.Error
	switch {
	case errors.As(err, &p):
		return p
	case errors.As(err, &bad):
		return fromFault(http.StatusUnprocessableEntity, bad)
	case errors.As(err, &fe):
		return newProblem(fe.Code, "%s", fe.Message)
	}
	return newProblem(http.StatusInternalServerError, "%s", err)
}

func fromFault(status int, bad *fault.Error) *wire.Problem {
	p := newProblem(status, "%s: %d problems", bad.Doing, len(bad.Problems))
	if len(bad.Problems) == 1 {
		p.Detail = bad.Doing + ": " + bad.Problems[0].Error()
	}
	for _, one := range bad.Problems[:min(len(bad.Problems), maxProblems)] {
		d := wire.ProblemDetail{Location: one.Where, Message: one.Text}
		if one.ID != "" {
			d.Value = one.ID
		}
		p.Errors = append(p.Errors, d)
	}
	return p
}

// echo shortens a value that an answer repeats: of a body that is not JSON it
// would send back the whole.
func echo(v any) any {
	if s, ok := v.(string); ok {
		if len(s) > maxEcho {
			s = strings.ToValidUTF8(s[:maxEcho], "") + "..."
		}
		return s
	}
	raw, err := json.Marshal(v)
	if err != nil || len(raw) > maxEcho {
		return nil
	}
	return v
}

// sendProblem answers a fiber request with a problem.
func sendProblem(c *fiber.Ctx, err error) error {
	p := asProblem(err)
	if p.Status == http.StatusServiceUnavailable {
		c.Set(fiber.HeaderRetryAfter, "1")
	}
	if p.Status == http.StatusUnauthorized {
		c.Set(fiber.HeaderWWWAuthenticate, "Bearer")
	}
	c.Status(p.Status)
	raw, _ := json.Marshal(p)
	c.Set(fiber.HeaderContentType, wire.TypeProblem)
	return c.Send(raw)
}

// notFound says that there is no such record.
func notFound(kind, id string) error {
	return newProblem(http.StatusNotFound, "no %s has the id %q", kind, id)
}
