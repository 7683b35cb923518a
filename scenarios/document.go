package scenarios

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/goccy/go-yaml"

	"tideway/internal/fault"
)

// Document is a scenario: operations in order, never absolute states, so that
// it can be replayed on a base that has moved.
type Document struct {
	Name    string   `json:"name" doc:"What people call it."`
	About   string   `json:"about,omitempty" doc:"Why it is tried."`
	Tags    []string `json:"tags,omitempty" doc:"Free labels."`
	Base    string   `json:"base,omitempty" doc:"Version of the city it was pinned to; another base needs a rebase. Empty: any."`
	Extends []string `json:"extends,omitempty" doc:"Ids of scenarios whose changes come first, in this order."`
	Changes []Change `json:"changes" doc:"Operations, carried out in order."`
}

// Change is one operation.
type Change struct {
	ID     string   `json:"id,omitempty" doc:"Unique in the document; c1, c2, ... when left out."`
	Op     Op       `json:"op" doc:"What is done."`
	Why    string   `json:"why,omitempty" doc:"Reason, for people."`
	Select Selector `json:"select,omitzero" doc:"What it is done to."`
	Expect []Expect `json:"expect,omitempty" doc:"What the base must be like."`
	Window *Window  `json:"window,omitempty" doc:"When; the whole run when left out."`
	Pinned Pinned   `json:"pinned,omitempty" doc:"What the targets were like when the document was pinned; written by the service."`
	Args   Args     `json:"-"`
}

// Args are the arguments of an operation: one struct type per Op, whose JSON
// fields stand beside those of Change.
type Args interface {
	// apply carries the change out on b, recording problems and words.
	apply(b *builder, c *Change)
}

// Selector says what a change is done to: exactly one of its fields is set,
// except that Direction narrows Street and Lanes narrows whole segments.
type Selector struct {
	ID        []string     `json:"id,omitempty" doc:"Outside ids of signals, segments or lanes, whichever the operation works on."`
	Street    *Street      `json:"street,omitempty" doc:"A street between two cross streets."`
	Polygon   [][2]float64 `json:"polygon,omitempty" doc:"Ring of lon, lat: what has its middle inside."`
	Zone      string       `json:"zone,omitempty" doc:"Id of a zone: what has its middle inside."`
	Tag       string       `json:"tag,omitempty" doc:"Label of segments."`
	All       bool         `json:"all,omitempty" doc:"Everything the operation can work on."`
	From      []string     `json:"from,omitempty" doc:"Turns: segments they come from."`
	To        []string     `json:"to,omitempty" doc:"Turns: segments they lead to."`
	LaneIndex []int        `json:"lanes,omitempty" doc:"Lanes of the selected segments by index, 0 nearest the kerb."`
}

// Street is a street by name, between two cross streets.
type Street struct {
	Name string `json:"name" doc:"Street name."`
	From string `json:"from,omitempty" doc:"Name of the cross street where it begins; the whole street when both are left out."`
	To   string `json:"to,omitempty" doc:"Name of the cross street where it ends."`
	Way  string `json:"way,omitempty" enum:"both,forward,backward" doc:"Both directions (default), from From to To, or back."`
}

// Expect is a value the base must have for the change to make sense: the third
// side of a three-way check when the base has moved.
type Expect struct {
	Field string          `json:"field" doc:"plan, cycle_s, offset_s, stages; speed_kmh, lanes, length_m, open, name; allow."`
	Value json.RawMessage `json:"value" doc:"What it must be."`
	Else  string          `json:"else,omitempty" enum:"error,warn,skip" doc:"Refuse the scenario (default), say so, or leave the change out."`
}

// Window is a part of the day: from From until before To.
type Window struct {
	From Clock `json:"from" doc:"HH:MM or HH:MM:SS on the demand's clock."`
	To   Clock `json:"to"`
}

// Parse reads a document in JSON or YAML and returns it in normal form (ids
// given, lists of ids sorted), or every problem as a *fault.Error.
func Parse(data []byte) (*Document, error) {
	var bad fault.List
	raw := bytes.TrimSpace(data)
	if len(raw) == 0 || raw[0] != '{' {
		converted, err := yaml.YAMLToJSON(data)
		if err != nil {
			bad.Addf("document", "", "is neither JSON nor YAML: %v", err)
			return nil, bad.Err("reading the scenario")
		}
		raw = converted
	}
	var d Document
	decodeStrict(raw, &d, "", &bad)
	d.normalise(&bad)
	if err := bad.Err("reading the scenario"); err != nil {
		return nil, err
	}
	return &d, nil
}

// normalise gives ids to changes and sorts what has no order.
func (d *Document) normalise(bad *fault.List) {
	if d.Name == "" {
		bad.Addf("name", "", "is empty, expected what people call the scenario")
	}
	if d.Changes == nil {
		d.Changes = []Change{}
	}
	seen := map[string]bool{}
	for i := range d.Changes {
		c := &d.Changes[i]
		if c.ID == "" {
			c.ID = fmt.Sprintf("c%d", i+1)
		}
		if seen[c.ID] {
			bad.Addf(fmt.Sprintf("changes[%d].id", i), c.ID, "appears twice, expected ids to be unique")
		}
		seen[c.ID] = true
		for _, set := range []*[]string{&c.Select.ID, &c.Select.From, &c.Select.To} {
			slices.Sort(*set)
			*set = slices.Compact(*set)
		}
	}
}

// Canonical returns the document's canonical form: JSON with fields in fixed
// order and nothing that was left out. Equal meaning as written gives equal
// bytes, whatever the order of keys, spacing or syntax of the source.
func (d *Document) Canonical() []byte {
	b, err := json.Marshal(d)
	if err != nil {
		panic(fmt.Sprintf("scenarios: a parsed document cannot be written: %v", err)) // only finite numbers and strings
	}
	return b
}

// ID returns the document's identity: the hash of its canonical form.
func (d *Document) ID() string { return hashID(d.Canonical()) }

func hashID(parts ...[]byte) string {
	h := sha256.New()
	for _, p := range parts {
		fmt.Fprintf(h, "%d:", len(p))
		h.Write(p)
	}
	return hex.EncodeToString(h.Sum(nil))[:16]
}

// MarshalJSON writes the arguments beside the common fields.
func (c Change) MarshalJSON() ([]byte, error) {
	type plain Change
	head, err := json.Marshal(plain(c))
	if err != nil || c.Args == nil {
		return head, err
	}
	args, err := json.Marshal(c.Args)
	if err != nil || len(args) <= 2 {
		return head, err
	}
	return append(append(head[:len(head)-1], ','), args[1:]...), nil
}

// UnmarshalJSON reads a change; a document is better read with Parse, which
// names every problem.
func (c *Change) UnmarshalJSON(b []byte) error {
	var bad fault.List
	decodeChange(b, c, "", &bad)
	return bad.Err("reading a change")
}
