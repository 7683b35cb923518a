package wire

import (
	"fmt"
	"strings"
)

// Problem is an RFC 9457 problem document: how every error is answered.
type Problem struct {
	Type     string          `json:"type,omitempty"`
	Title    string          `json:"title"`
	Status   int             `json:"status"`
	Detail   string          `json:"detail"`
	Instance string          `json:"instance,omitempty"`
	Errors   []ProblemDetail `json:"errors,omitempty"`
}

// ProblemDetail is one of several things wrong with a request.
type ProblemDetail struct {
	Message  string `json:"message"`
	Location string `json:"location,omitempty" doc:"Where: a field path, an operation, a line."`
	Value    any    `json:"value,omitempty" doc:"The value or id at fault."`
}

// Error returns the problem in words, with every detail.
func (p *Problem) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d %s: %s", p.Status, p.Title, p.Detail)
	for _, e := range p.Errors {
		b.WriteString("\n  ")
		if e.Location != "" {
			b.WriteString(e.Location + ": ")
		}
		b.WriteString(e.Message)
		if e.Value != nil {
			fmt.Fprintf(&b, " (%v)", e.Value)
		}
	}
	return b.String()
}

// GetStatus returns the HTTP status.
func (p *Problem) GetStatus() int { return p.Status }

// ContentType returns the media type of problem documents, whatever was asked
// for.
func (p *Problem) ContentType(string) string { return TypeProblem }

// Health is the answer of /healthz and /readyz.
type Health struct {
	Status string            `json:"status" enum:"ok,starting,stopping"`
	Checks map[string]string `json:"checks,omitempty"`
}
