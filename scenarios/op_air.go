package scenarios

import (
	"fmt"
	"slices"
	"strings"

	"tideway/geo"
	"tideway/sim/air/emission"
	"tideway/unit"
)

// LowEmission keeps vehicles out of an area: by kind of vehicle, which changes
// the traffic, or by what they release, which changes the fleet.
type LowEmission struct {
	Ban      []string `json:"ban,omitempty" doc:"Classes that may not enter, such as truck, van."`
	Petrol   *int     `json:"petrol_euro,omitempty" doc:"Lowest Euro standard, 0 to 6, that petrol and gas vehicles must keep; those below are replaced by the rest of their category."`
	Diesel   *int     `json:"diesel_euro,omitempty" doc:"The same for diesel."`
	Electric *float64 `json:"electric_share,omitempty" doc:"Share of the kilometres of every category that is driven electrically, 0 to 1, at least."`
}

func (a *LowEmission) apply(b *builder, c *Change) {
	ban := b.classes(a.Ban)
	rule := a.rule(b)
	if len(a.Ban) == 0 && a.Petrol == nil && a.Diesel == nil && a.Electric == nil {
		b.problem("", "expected at least one of ban, petrol_euro, diesel_euro and electric_share")
	}
	segments := b.segments(&c.Select)
	if len(a.Ban) > 0 {
		for _, s := range segments {
			first, n := b.city.LanesOf(s)
			for l := first; l < first+geo.LaneID(n); l++ {
				b.patch.SetAllow(l, b.city.Lanes.At(l).Allow&^ban)
			}
		}
		b.say("%d segments are closed to %s", len(segments), jsonText(classNames(ban)))
	}
	if a.Petrol != nil || a.Diesel != nil || a.Electric != nil {
		rule.Segments = slices.Sorted(slices.Values(segments))
		b.fleets = append(b.fleets, rule)
		b.say("on %d segments %s", len(segments), a.text())
	}
}

// rule reads the standards; what is out of range is a problem.
func (a *LowEmission) rule(b *builder) (r FleetRule) {
	for _, one := range []struct {
		name string
		from *int
		to   *emission.Euro
	}{{"petrol_euro", a.Petrol, &r.Petrol}, {"diesel_euro", a.Diesel, &r.Diesel}} {
		switch {
		case one.from == nil:
		case *one.from < 0 || *one.from > 6:
			b.problem("", "%s is %d, expected 0 to 6", one.name, *one.from)
		default:
			*one.to = emission.Euro(*one.from)
		}
	}
	if a.Electric != nil {
		if !(*a.Electric >= 0 && *a.Electric <= 1) {
			b.problem("", "electric_share is %v, expected 0 to 1", *a.Electric)
		}
		r.Electric = unit.Share(*a.Electric)
	}
	return r
}

func (a *LowEmission) text() string {
	var parts []string
	if a.Petrol != nil {
		parts = append(parts, fmt.Sprintf("petrol keeps Euro %d", *a.Petrol))
	}
	if a.Diesel != nil {
		parts = append(parts, fmt.Sprintf("diesel keeps Euro %d", *a.Diesel))
	}
	if a.Electric != nil {
		parts = append(parts, fmt.Sprintf("%.0f %% of the kilometres are electric", 100**a.Electric))
	}
	return strings.Join(parts, ", ")
}

func (r *FleetRule) holds(s geo.SegmentID) bool {
	_, ok := slices.BinarySearch(r.Segments, s)
	return ok
}

// on returns the fleet that keeps the rule.
func (r *FleetRule) on(f emission.Fleet) emission.Fleet {
	f = f.Keep(emission.Default(), emission.AtLeast(r.Petrol, r.Diesel))
	for c := range emission.Categories {
		if electric(f, c) < r.Electric {
			f = f.WithElectric(c, r.Electric)
		}
	}
	return f
}

// electric is the share of a category that burns nothing.
func electric(f emission.Fleet, c emission.Category) (share unit.Share) {
	for _, m := range f.Mix(c) {
		if class, err := emission.Default().Class(m.Class); err == nil && class.Fuel == emission.Electric {
			share += m.Share
		}
	}
	return share
}
