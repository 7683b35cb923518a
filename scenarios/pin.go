package scenarios

import (
	"encoding/json"
	"fmt"
	"slices"

	"tideway/internal/fault"
)

// Pinned is what the base was like when a document was pinned: per target and
// field, the value.
type Pinned map[string]map[string]json.RawMessage

// pinFields are what Pin records.
func pinFields(on kind) []string {
	switch on {
	case onSignals:
		return []string{"plan", "cycle_s", "offset_s", "stages"}
	case onSegments:
		return []string{"speed_kmh", "lanes", "open"}
	case onLanes, onTurns:
		return []string{"allow"}
	}
	return nil
}

// Pin returns the document tied to a base: its version, selectors resolved to
// ids, and what every target was like. It fails when the document does not
// apply. Rebase compares a pinned document with another base.
func Pin(d *Document, base Base) (*Document, error) {
	if _, err := Apply(d, base); err != nil {
		return nil, err
	}
	out := *d
	out.Base, out.Changes = base.City.Version, slices.Clone(d.Changes)
	b := newBuilder(base)
	for i := range out.Changes {
		b.pin(&out.Changes[i])
	}
	return &out, nil
}

func (b *builder) pin(c *Change) {
	spec, _ := specOf(c.Op)
	targets := b.targets(spec, &c.Select)
	if len(targets) == 0 {
		return
	}
	c.Pinned = Pinned{}
	var ids []string
	for _, t := range targets {
		ids = append(ids, t.name)
		values := map[string]json.RawMessage{}
		for _, name := range pinFields(t.on) {
			if v, ok := b.base.field(t, name); ok {
				values[name] = json.RawMessage(jsonText(v))
			}
		}
		c.Pinned[t.name] = values
	}
	if spec.on != onTurns {
		slices.Sort(ids)
		c.Select = Selector{ID: ids}
	}
}

// Rebase carries a pinned document over to another base: it returns the
// document pinned there and every conflict, in order: targets that are gone
// and values that are no longer what they were. Whether to go on in spite of
// conflicts is for the caller; targets that are gone make it an error.
func Rebase(d *Document, base Base) (*Document, []fault.Problem, error) {
	var conflicts []fault.Problem
	b := newBuilder(base)
	loose := *d
	loose.Base, loose.Changes = "", slices.Clone(d.Changes)
	for i := range loose.Changes {
		conflicts = append(conflicts, b.conflicts(i, &loose.Changes[i])...)
		loose.Changes[i].Pinned = nil
	}
	out, err := Pin(&loose, base)
	return out, conflicts, err
}

func (b *builder) conflicts(i int, c *Change) (out []fault.Problem) {
	spec, _ := specOf(c.Op)
	found := map[string]target{}
	for _, t := range b.targets(spec, &c.Select) {
		found[t.name] = t
	}
	for _, name := range sortedKeys(c.Pinned) {
		t, ok := found[name]
		if !ok {
			out = append(out, fault.Problem{Where: place(i, c), ID: name, Text: "is gone from the base"})
			continue
		}
		for _, field := range sortedKeys(c.Pinned[name]) {
			if text := b.base.mismatch(t, Expect{Field: field, Value: c.Pinned[name][field]}); text != "" {
				out = append(out, fault.Problem{Where: place(i, c), ID: name, Text: text})
			}
		}
	}
	return out
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// Diff tells in words how b differs from a: what was said about them, changes
// added, removed, moved or altered. Equal documents give nothing.
func Diff(a, b *Document) (out []string) {
	for _, f := range []struct{ name, from, to string }{{"name", a.Name, b.Name}, {"about", a.About, b.About}, {"base", a.Base, b.Base},
		{"tags", jsonText(a.Tags), jsonText(b.Tags)}, {"extends", jsonText(a.Extends), jsonText(b.Extends)}} {
		if f.from != f.to {
			out = append(out, fmt.Sprintf("%s: %q becomes %q", f.name, f.from, f.to))
		}
	}
	for _, c := range a.Changes {
		if find(b.Changes, c.ID) < 0 {
			out = append(out, fmt.Sprintf("removed %s: %s", c.ID, jsonText(c)))
		}
	}
	order := -1
	for _, c := range b.Changes {
		at := find(a.Changes, c.ID)
		switch {
		case at < 0:
			out = append(out, fmt.Sprintf("added %s: %s", c.ID, jsonText(c)))
			continue
		case jsonText(a.Changes[at]) != jsonText(c):
			out = append(out, fmt.Sprintf("altered %s: %s becomes %s", c.ID, jsonText(a.Changes[at]), jsonText(c)))
		}
		if at < order {
			out = append(out, fmt.Sprintf("moved %s: earlier than before", c.ID))
		}
		order = max(order, at)
	}
	return out
}

func find(changes []Change, id string) int {
	return slices.IndexFunc(changes, func(c Change) bool { return c.ID == id })
}
