package scenarios

import (
	"math"

	"tideway/geo"
	"tideway/unit"
)

// classes returns the set of the named classes; unknown names are problems.
func (b *builder) classes(names []string) (set geo.ClassSet) {
	for _, n := range names {
		c, err := geo.ParseClass(n)
		if err != nil {
			b.problem(n, "%v", err)
			continue
		}
		set |= geo.Classes(c)
	}
	return set
}

// CloseSegment closes all lanes of the selected segments.
type CloseSegment struct {
	Except []string `json:"except,omitempty" doc:"Classes that may still pass, such as bus, emergency."`
}

func (a *CloseSegment) apply(b *builder, c *Change) {
	keep := b.classes(a.Except)
	for _, s := range b.segments(&c.Select) {
		first, n := b.city.LanesOf(s)
		for l := first; l < first+geo.LaneID(n); l++ {
			b.patch.SetAllow(l, b.city.Lanes.At(l).Allow&keep)
		}
		b.say("segment %s is closed%s", b.city.Segments.At(s).ID, exceptText(keep))
	}
}

func exceptText(keep geo.ClassSet) string {
	if keep == 0 {
		return ""
	}
	return " except to " + jsonText(classNames(keep))
}

// CloseLane closes the selected lanes.
type CloseLane struct {
	Except []string `json:"except,omitempty" doc:"Classes that may still pass."`
}

func (a *CloseLane) apply(b *builder, c *Change) {
	keep := b.classes(a.Except)
	for _, l := range b.lanes(&c.Select) {
		b.patch.SetAllow(l, b.city.Lanes.At(l).Allow&keep)
		b.say("lane %s is closed%s", b.city.LaneName(l), exceptText(keep))
	}
}

// SetSpeed sets or scales the limit of the selected segments.
type SetSpeed struct {
	SpeedKMH *float64 `json:"speed_kmh,omitempty" doc:"New limit, 1 to 200."`
	Factor   *float64 `json:"factor,omitempty" doc:"Or: times the limit of the base, 0.1 to 3."`
}

func (a *SetSpeed) apply(b *builder, c *Change) {
	if (a.SpeedKMH == nil) == (a.Factor == nil) {
		b.problem("", "expected exactly one of speed_kmh and factor")
		return
	}
	if a.SpeedKMH != nil && !(*a.SpeedKMH >= 1 && *a.SpeedKMH <= 200) {
		b.problem("", "speed_kmh is %v, expected 1 to 200", *a.SpeedKMH)
		return
	}
	if a.Factor != nil && !(*a.Factor >= 0.1 && *a.Factor <= 3) {
		b.problem("", "factor is %v, expected 0.1 to 3", *a.Factor)
		return
	}
	for _, s := range b.segments(&c.Select) {
		was := b.city.Segments.At(s).Limit
		limit := was
		if a.SpeedKMH != nil {
			limit = unit.Speed(*a.SpeedKMH) * unit.KMH
		} else {
			limit *= unit.Speed(*a.Factor)
		}
		b.patch.SetLimit(s, limit)
		b.say("segment %s: limit %.0f -> %.0f km/h", b.city.Segments.At(s).ID, math.Round(was.KMH()), math.Round(limit.KMH()))
	}
}

// BanTurn forbids the selected turns.
type BanTurn struct {
	Except []string `json:"except,omitempty" doc:"Classes that may still turn."`
}

func (a *BanTurn) apply(b *builder, c *Change) {
	keep := b.classes(a.Except)
	for _, m := range b.turns(&c.Select) {
		b.patch.SetTurn(m, b.city.Movements.At(m).Allow&keep)
		b.say("turn %s is forbidden%s", b.city.MovementName(m), exceptText(keep))
	}
}

// AllowTurn permits classes on turns that exist.
type AllowTurn struct {
	Classes []string `json:"classes,omitempty" doc:"Who may turn besides those who may already; motor vehicles when left out."`
}

func (a *AllowTurn) apply(b *builder, c *Change) {
	more := b.classes(a.Classes)
	if len(a.Classes) == 0 {
		more = geo.MotorClasses
	}
	for _, m := range b.turns(&c.Select) {
		b.patch.SetTurn(m, b.city.Movements.At(m).Allow|more)
		b.say("turn %s is permitted to %s", b.city.MovementName(m), jsonText(classNames(more)))
	}
}
