// Package fault collects input problems, so that a user sees all of them at
// once instead of one per attempt. It may be imported from anywhere.
//
// A problem says what was being read or done, to which id, what was found and
// what was expected. Nil-safe and cheap when nothing is wrong.
package fault

import (
	"errors"
	"fmt"
	"strings"
)

// Problem is one thing wrong with an input.
type Problem struct {
	Where string `json:"where"` // file and line, operation index, or field path
	ID    string `json:"id,omitempty"`
	Text  string `json:"text"` // what was found and what was expected
}

// Error returns the problem as one line.
func (p Problem) Error() string {
	switch {
	case p.Where != "" && p.ID != "":
		return fmt.Sprintf("%s: %s: %s", p.Where, p.ID, p.Text)
	case p.Where != "":
		return p.Where + ": " + p.Text
	case p.ID != "":
		return p.ID + ": " + p.Text
	}
	return p.Text
}

// List is an ordered set of problems. The zero value is empty and ready; its
// methods are not safe for concurrent use.
type List struct{ problems []Problem }

// Addf records a problem with id at where; the text is formatted.
func (l *List) Addf(where, id, format string, args ...any) {
	l.problems = append(l.problems, Problem{Where: where, ID: id, Text: fmt.Sprintf(format, args...)})
}

// Add records err. A *Error contributes its problems one by one; nil adds nothing.
func (l *List) Add(where string, err error) {
	if err == nil {
		return
	}
	if many := (*Error)(nil); errors.As(err, &many) {
		for _, p := range many.Problems {
			if p.Where == "" {
				p.Where = where
			}
			l.problems = append(l.problems, p)
		}
		return
	}
	l.problems = append(l.problems, Problem{Where: where, Text: err.Error()})
}

// AddIn is Add for what is wrong in a file: every place is within it.
func (l *List) AddIn(file string, err error) {
	from := len(l.problems)
	l.Add("", err)
	for i := range l.problems[from:] {
		p := &l.problems[from+i]
		p.Where = strings.TrimSuffix(file+": "+p.Where, ": ")
	}
}

// Len returns the number of problems recorded.
func (l *List) Len() int { return len(l.problems) }

// Err returns nil when nothing was recorded, else an *Error whose message
// starts with doing ("reading city bologna").
func (l *List) Err(doing string) error {
	if len(l.problems) == 0 {
		return nil
	}
	return &Error{Doing: doing, Problems: l.problems}
}

// Error is every problem of one input. Match it with errors.As to answer 422
// with a list.
type Error struct {
	Doing    string
	Problems []Problem
}

// maxShown bounds the text of Error; Problems always holds all of them.
const maxShown = 20

// Error returns the problems one per line, the first 20 in full.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.Doing)
	if len(e.Problems) == 1 {
		return b.String() + ": " + e.Problems[0].Error()
	}
	fmt.Fprintf(&b, ": %d problems", len(e.Problems))
	for i, p := range e.Problems {
		if i == maxShown {
			fmt.Fprintf(&b, "\n  ... and %d more", len(e.Problems)-maxShown)
			break
		}
		b.WriteString("\n  " + p.Error())
	}
	return b.String()
}
