package sumo

import (
	"bufio"
	"encoding/xml"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"tideway/geo"
	"tideway/internal/fault"
)

// WritePlans writes the plans in force as an additional file that SUMO loads
// over the network the city was imported from. It returns what the format
// cannot hold: ring-barrier plans and max-pressure control have no fixed stages.
func WritePlans(out io.Writer, c *geo.City) (dropped []geo.Dropped, err error) {
	w := bufio.NewWriter(out)
	fmt.Fprintf(w, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<!-- signal plans of %s, version %s -->\n<additional>\n", comment(c.Name), comment(c.Version))
	for _, s := range c.Signals.All() {
		if s.Plan == geo.NoPlan {
			dropped = append(dropped, geo.Dropped{Kind: "signal", ID: s.ID, Why: "it has no plan in force"})
			continue
		}
		p := c.Plans.At(s.Plan)
		if p.Kind == geo.RingBarrier {
			dropped = append(dropped, geo.Dropped{Kind: "plan", ID: c.PlanName(s.Plan), Why: "a ring-barrier plan has no fixed stages"})
			continue
		}
		if p.Kind == geo.MaxPressure {
			dropped = append(dropped, geo.Dropped{Kind: "plan", ID: c.PlanName(s.Plan), Why: "max-pressure control has no sequence of stages"})
			continue
		}
		if p.Bus > 0 || p.Preempt {
			dropped = append(dropped, geo.Dropped{Kind: "plan", ID: c.PlanName(s.Plan), Why: "its stages are written, bus priority and pre-emption have no equivalent"})
		}
		writePlan(w, s.ID, p)
	}
	fmt.Fprint(w, "</additional>\n")
	if err := w.Flush(); err != nil {
		return dropped, fmt.Errorf("writing SUMO plans: %w", err)
	}
	return dropped, nil
}

// Lost returns an error that names everything of the signals that a scenario
// changed from base to c and that a file of WritePlans does not hold: over the
// network it was made for, SUMO would run what is left of it without a word.
func Lost(base, c *geo.City, dropped []geo.Dropped) error {
	var bad fault.List
	for _, d := range dropped {
		if d.Kind == "plan" && !wasInForce(base, c, d.ID) {
			bad.Addf("plan", d.ID, "has no equivalent in SUMO: %s", d.Why)
		}
	}
	for i, s := range c.Signals.All() {
		if !slices.Equal(switches(base, i), switches(c, i)) {
			bad.Addf("signal", s.ID, "changes plans during the day, and the file holds one of each signal")
		}
	}
	return bad.Err("writing SUMO plans")
}

// wasInForce reports whether a plan of c, by its outside id, is in force in
// base, too, and the same.
func wasInForce(base, c *geo.City, id string) bool {
	now, _ := c.Plans.Find(id)
	was, ok := base.Plans.Find(id)
	return ok && base.Signals.At(base.Plans.At(was).Signal).Plan == was && reflect.DeepEqual(base.Plans.At(was), c.Plans.At(now))
}

// switches returns the schedule of a signal by the names of its plans.
func switches(c *geo.City, s geo.SignalID) (out []string) {
	for _, w := range c.Schedule {
		if w.Signal == s {
			out = append(out, fmt.Sprint(w.Days, w.At, c.PlanName(w.Plan)))
		}
	}
	return out
}

// comment makes a text safe inside an XML comment.
func comment(s string) string { return strings.ReplaceAll(s, "--", "- -") }

// programPrefix keeps exported programs apart from those of the network file:
// SUMO refuses to load a second one of the same name, and puts the last in force. Reading takes it off again.
const programPrefix = "tideway-"

func writePlan(w *bufio.Writer, signal string, p geo.Plan) {
	kind := "static"
	if p.Kind == geo.Actuated {
		kind = "actuated"
	}
	fmt.Fprintf(w, "    <tlLogic id=%s type=%s programID=%s offset=%s>\n", quoted(signal), quoted(kind), quoted(programPrefix+p.ID), quoted(seconds(p.Offset)))
	for _, s := range p.Stages {
		fmt.Fprintf(w, "        <phase duration=%s state=%s", quoted(seconds(s.Duration)), quoted(states(s.States)))
		if s.Min != s.Duration || s.Max != s.Duration {
			fmt.Fprintf(w, " minDur=%s maxDur=%s", quoted(seconds(s.Min)), quoted(seconds(s.Max)))
		}
		if s.Name != "" {
			fmt.Fprintf(w, " name=%s", quoted(s.Name))
		}
		if len(s.Next) > 0 {
			next := make([]string, len(s.Next))
			for i, n := range s.Next {
				next[i] = strconv.Itoa(n)
			}
			fmt.Fprintf(w, " next=%s", quoted(strings.Join(next, " ")))
		}
		fmt.Fprint(w, "/>\n")
	}
	fmt.Fprint(w, "    </tlLogic>\n")
}

func quoted(s string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(s)) // a Builder does not fail
	return `"` + b.String() + `"`
}

func seconds(d time.Duration) string { return strconv.FormatFloat(d.Seconds(), 'f', -1, 64) }

func states(list []geo.SignalState) string {
	b := make([]byte, len(list))
	for i, s := range list {
		b[i] = byte(s)
	}
	return string(b)
}
