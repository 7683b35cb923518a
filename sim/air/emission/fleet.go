package emission

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"

	"tideway/internal/fault"
	"tideway/unit"
)

// Fleet says which classes the vehicles of each category are. It is a value:
// the methods return changed copies, which is how a low-emission zone or an
// electrification scenario is written.
type Fleet struct {
	Name   string
	Source string
	mix    [Categories][]Weighted
}

// Weighted is a class and its share of the kilometres of its category.
type Weighted struct {
	Class string
	Share unit.Share
}

// fleetJSON is the file form: shares by class id within each category.
type fleetJSON struct {
	Name       string                        `json:"name"`
	Source     string                        `json:"source"`
	Categories map[string]map[string]float64 `json:"categories"`
}

// ReadFleet reads a fleet from JSON:
//
//	{"name": "...", "source": "...", "categories": {"car": {"PC_G_V": 0.4, "PC_BEV": 0.6}, ...}}
//
// Shares are weights and are scaled to sum to one in each category. Unknown
// categories and classes, negative shares and empty categories are all reported.
func ReadFleet(r io.Reader, t *Table, where string) (Fleet, error) {
	var in fleetJSON
	d := json.NewDecoder(r)
	d.DisallowUnknownFields()
	if err := d.Decode(&in); err != nil {
		return Fleet{}, fmt.Errorf("reading fleet %s: %w", where, err)
	}
	f := Fleet{Name: in.Name, Source: in.Source}
	var bad fault.List
	for _, name := range sortedKeys(in.Categories) {
		cat, err := ParseCategory(name)
		if err != nil {
			bad.Addf(where, name, "%v", err)
			continue
		}
		for _, id := range sortedKeys(in.Categories[name]) {
			f.mix[cat] = append(f.mix[cat], Weighted{id, unit.Share(in.Categories[name][id])})
		}
	}
	f.check(t, where, &bad)
	if err := bad.Err("reading fleet"); err != nil {
		return Fleet{}, err
	}
	return f.scaled(), nil
}

// Write writes the fleet as JSON in the form ReadFleet reads.
func (f Fleet) Write(w io.Writer) error {
	out := fleetJSON{f.Name, f.Source, map[string]map[string]float64{}}
	for cat, mix := range f.mix {
		shares := map[string]float64{}
		for _, m := range mix {
			shares[m.Class] = float64(m.Share)
		}
		out.Categories[Category(cat).String()] = shares
	}
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(out)
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

func (f Fleet) check(t *Table, where string, bad *fault.List) {
	for cat, mix := range f.mix {
		sum := 0.0
		for _, m := range mix {
			c, err := t.Class(m.Class)
			switch {
			case err != nil:
				bad.Addf(where, Category(cat).String(), "%v", err)
			case c.Category != Category(cat):
				bad.Addf(where, m.Class, "is a %s, listed as %s", c.Category, Category(cat))
			}
			if !(m.Share >= 0) || math.IsInf(float64(m.Share), 0) {
				bad.Addf(where, m.Class, "share is %g, expected 0 or more", float64(m.Share))
			}
			sum += float64(m.Share)
		}
		if !(sum > 0) {
			bad.Addf(where, Category(cat).String(), "has no share above 0")
		}
	}
}

// scaled returns the fleet with shares summing to one and zero shares left out.
func (f Fleet) scaled() Fleet {
	for cat := range f.mix {
		sum := unit.Share(0)
		for _, m := range f.mix[cat] {
			sum += m.Share
		}
		kept := make([]Weighted, 0, len(f.mix[cat]))
		for _, m := range f.mix[cat] {
			if m.Share > 0 {
				kept = append(kept, Weighted{m.Class, m.Share / sum})
			}
		}
		slices.SortFunc(kept, func(a, b Weighted) int { return strings.Compare(a.Class, b.Class) })
		f.mix[cat] = kept
	}
	return f
}

// Mix returns the classes of a category with their shares, sorted by class.
func (f Fleet) Mix(c Category) []Weighted { return slices.Clone(f.mix[c]) }

// WithElectric returns the fleet with the battery share of category c set to
// share; all other classes keep their proportions.
func (f Fleet) WithElectric(c Category, share unit.Share) Fleet {
	share = max(0, min(1, share))
	burning := unit.Share(0)
	for _, m := range f.mix[c] {
		if m.Class != electricClass[c] {
			burning += m.Share
		}
	}
	mix := []Weighted{{electricClass[c], share}}
	for _, m := range f.mix[c] {
		if m.Class != electricClass[c] {
			mix = append(mix, Weighted{m.Class, m.Share / burning * (1 - share)})
		}
	}
	f.mix[c] = mix
	return f.scaled()
}

// Keep returns the fleet without the classes that allowed refuses; their
// kilometres go to the other classes of the category in proportion. A
// low-emission zone is such a fleet inside a polygon. A category of which
// nothing is left becomes electric.
func (f Fleet) Keep(t *Table, allowed func(*Class) bool) Fleet {
	for cat := range f.mix {
		var kept []Weighted
		for _, m := range f.mix[cat] {
			if c, err := t.Class(m.Class); err == nil && allowed(c) {
				kept = append(kept, m)
			}
		}
		if len(kept) == 0 {
			kept = []Weighted{{electricClass[cat], 1}}
		}
		f.mix[cat] = kept
	}
	return f.scaled()
}

// AtLeast returns a rule for Keep: petrol and gas from Euro standard petrol on
// and diesel from standard diesel on may drive, electric always.
func AtLeast(petrol, diesel Euro) func(*Class) bool {
	return func(c *Class) bool {
		switch c.Fuel {
		case Electric:
			return true
		case Diesel:
			return c.Euro >= diesel
		}
		return c.Euro >= petrol
	}
}
