package scenarios

import (
	"fmt"
	"strings"

	"tideway/geo"
	"tideway/internal/fault"
	"tideway/sim/demand"
)

// Base is what scenarios are laid over. It is never written to.
type Base struct {
	City   *geo.City
	Demand *demand.Demand
}

// Case is a base with a scenario's changes: one side of a comparison.
type Case struct {
	ID, Name  string
	City      *geo.City      // the base's own when nothing of it changed
	Demand    *demand.Demand // the base's own when nothing of it changed
	Changes   []string       // what was done, in words
	Warnings  []string       // expectations that failed with "warn" or "skip"
	Incidents []Incident     // whose durations are drawn per replication
	Fleets    []FleetRule    // who may drive where, in the order of the changes
}

// BaseCase returns the side without changes.
func BaseCase(b Base) *Case {
	return &Case{ID: "base", Name: "base", City: b.City, Demand: b.Demand}
}

// Apply lays the document's changes over the base, in order, each on the state
// that those before it left. It returns every problem at once as a
// *fault.Error, each naming the operation, what it was done to, the value and
// the rule. Extends must have been flattened (Flatten).
func Apply(d *Document, base Base) (*Case, error) {
	b := newBuilder(base)
	if d.Base != "" && d.Base != base.City.Version {
		b.bad.Addf("base", d.Base, "the base has moved: the city is version %s; rebase the scenario", base.City.Version)
	}
	if len(d.Extends) > 0 {
		b.bad.Addf("extends", strings.Join(d.Extends, ", "), "has not been resolved to the changes of those scenarios")
	}
	reverted := b.reverted(d.Changes)
	for i := range d.Changes {
		if !reverted[i] {
			b.change(i, &d.Changes[i])
		}
	}
	if err := b.bad.Err(fmt.Sprintf("applying scenario %q", d.Name)); err != nil {
		return nil, err
	}
	return &Case{ID: d.ID(), Name: d.Name, City: b.patch.City(), Demand: b.demand, Changes: b.words, Warnings: b.warnings, Fleets: b.fleets, Incidents: b.incidents}, nil
}

// builder is the state between two changes.
type builder struct {
	base     Base
	patch    *geo.Patch
	city     *geo.City // as patched so far
	demand   *demand.Demand
	bad      *fault.List
	where    string // of problems: the change under way
	words    []string
	warnings []string
	fleets   []FleetRule

	incidents []Incident
	ends      [][]demand.Connector // of zones; made when first asked for
}

func newBuilder(base Base) *builder {
	b := &builder{base: base, patch: base.City.Patch(), demand: base.Demand, bad: new(fault.List)}
	b.city = b.patch.View()
	return b
}

// reverted tells which changes a later revert takes back. It goes from the
// last to the first, so that a revert can itself be taken back.
func (b *builder) reverted(changes []Change) []bool {
	out := make([]bool, len(changes))
	for i := len(changes) - 1; i >= 0; i-- {
		r, ok := changes[i].Args.(*Revert)
		if !ok || out[i] {
			continue
		}
		at := -1
		for k := range i {
			if changes[k].ID == r.Change {
				at = k
			}
		}
		if at < 0 {
			b.bad.Addf(place(i, &changes[i]), r.Change, "is no change before this one")
			continue
		}
		out[at] = true
	}
	return out
}

func place(i int, c *Change) string { return fmt.Sprintf("changes[%d] %s (%s)", i, c.ID, c.Op) }

func (b *builder) change(i int, c *Change) {
	b.where = place(i, c)
	spec, ok := specOf(c.Op)
	if !ok || c.Args == nil {
		b.problem(string(c.Op), "is not an operation")
		return
	}
	if !b.fits(spec, c) || !b.expected(spec, c) {
		return
	}
	c.Args.apply(b, c)
}

// fits checks window and selector against what the operation can use.
func (b *builder) fits(spec opSpec, c *Change) bool {
	before := b.bad.Len()
	if c.Window != nil && !spec.windowed {
		b.problem("", "has a window, but holds for the whole run")
	}
	if c.Window != nil && c.Window.To <= c.Window.From {
		b.problem("", "window from %v to %v, expected from before to", c.Window.From, c.Window.To)
	}
	if n := c.Select.ways(); spec.on == onNothing && n > 0 {
		b.problem("", "has a selector, but works on the demand")
	} else if spec.on != onNothing && n != 1 {
		b.problem("", "has %d ways of selecting %s, expected exactly one of id, street, polygon, zone, tag, all, from/to", n, kindNames[spec.on])
	}
	if spec.on != onTurns && len(c.Select.From)+len(c.Select.To) > 0 {
		b.problem("", "selects by from/to, which is for turns")
	}
	if spec.on != onLanes && len(c.Select.LaneIndex) > 0 {
		b.problem("", "selects lanes, but works on %s", kindNames[spec.on])
	}
	return b.bad.Len() == before
}

func (b *builder) problem(id, format string, args ...any) {
	b.bad.Addf(b.where, id, format, args...)
}

func (b *builder) say(format string, args ...any) {
	b.words = append(b.words, fmt.Sprintf(format, args...))
}

// Revert takes back an earlier change of the document or of those it extends.
type Revert struct {
	Change string `json:"change" doc:"Id of the change."`
}

func (r *Revert) apply(b *builder, _ *Change) { b.say("change %s is taken back", r.Change) }

// Flatten returns the document with the changes of those it extends in front,
// ids prefixed by the scenario's, and no Extends. load returns a document by id.
func Flatten(d *Document, load func(id string) (*Document, error)) (*Document, error) {
	return flatten(d, load, 0)
}

// maxDepth bounds chains of extends; identities are hashes, so a circle cannot
// be written.
const maxDepth = 32

func flatten(d *Document, load func(id string) (*Document, error), depth int) (*Document, error) {
	if len(d.Extends) == 0 {
		return d, nil
	}
	if depth == maxDepth {
		return nil, fmt.Errorf("scenario %q extends others over more than %d steps", d.Name, maxDepth)
	}
	out := *d
	out.Extends, out.Changes = nil, nil
	for _, id := range d.Extends {
		under, err := load(id)
		if err != nil {
			return nil, fmt.Errorf("scenario %q extends %s: %w", d.Name, id, err)
		}
		if under, err = flatten(under, load, depth+1); err != nil {
			return nil, err
		}
		for _, c := range under.Changes {
			out.Changes = append(out.Changes, prefixed(id, c))
		}
	}
	out.Changes = append(out.Changes, d.Changes...)
	return &out, nil
}

func prefixed(id string, c Change) Change {
	c.ID = id + "/" + c.ID
	if r, ok := c.Args.(*Revert); ok {
		c.Args = &Revert{Change: id + "/" + r.Change}
	}
	return c
}
