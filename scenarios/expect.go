package scenarios

import (
	"encoding/json"
	"fmt"
	"math"

	"tideway/geo"
	"tideway/internal/fault"
)

// expected checks what the document expects of everything selected. It reports
// false when the change must be left out.
func (b *builder) expected(spec opSpec, c *Change) bool {
	keep := true
	for _, e := range c.Expect {
		for _, t := range b.targets(spec, &c.Select) {
			if problem := b.base.mismatch(t, e); problem != "" {
				keep = b.unexpected(t.name, problem, e.Else) && keep
			}
		}
	}
	return keep
}

func (b *builder) unexpected(name, problem, otherwise string) bool {
	switch otherwise {
	case "warn":
		b.warnings = append(b.warnings, fmt.Sprintf("%s: %s: %s", b.where, name, problem))
		return true
	case "skip":
		b.warnings = append(b.warnings, fmt.Sprintf("%s: left out: %s: %s", b.where, name, problem))
		return false
	case "", "error":
		b.problem(name, "%s: the base has moved", problem)
	default:
		b.problem(otherwise, "is no answer to a failed expectation, expected error, warn or skip")
	}
	return false
}

// mismatch tells how the base, not what earlier changes made of it, differs
// from an expectation.
func (b Base) mismatch(t target, e Expect) string {
	got, ok := b.field(t, e.Field)
	if !ok {
		return fmt.Sprintf("%q is nothing that can be expected here", e.Field)
	}
	var want any
	if err := json.Unmarshal(e.Value, &want); err != nil {
		return fmt.Sprintf("value of %q is %s, expected JSON", e.Field, e.Value)
	}
	if !sameValue(got, want) {
		return fmt.Sprintf("%s is %s, expected %s", e.Field, jsonText(got), e.Value)
	}
	return ""
}

func jsonText(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprint(v)
	}
	return string(text)
}

// sameValue compares numbers to a relative millionth, the rest exactly.
func sameValue(got, want any) bool {
	a, number := got.(float64)
	b, also := want.(float64)
	if number && also {
		return math.Abs(a-b) <= 1e-6*math.Max(1, math.Abs(a))
	}
	return jsonText(got) == jsonText(want)
}

// target is one selected thing.
type target struct {
	on   kind
	id   uint32
	name string
}

// targets returns what a selector names, without recording problems: apply
// does that.
func (b *builder) targets(spec opSpec, s *Selector) (out []target) {
	quiet := *b
	quiet.bad = new(fault.List)
	switch spec.on {
	case onSignals:
		for _, i := range quiet.signals(s) {
			out = append(out, target{onSignals, uint32(i), b.city.Signals.At(i).ID})
		}
	case onSegments:
		for _, i := range quiet.segments(s) {
			out = append(out, target{onSegments, uint32(i), b.city.Segments.At(i).ID})
		}
	case onLanes:
		for _, i := range quiet.lanes(s) {
			out = append(out, target{onLanes, uint32(i), b.city.LaneName(i)})
		}
	case onTurns:
		for _, i := range quiet.turns(s) {
			out = append(out, target{onTurns, uint32(i), b.city.MovementName(i)})
		}
	}
	return out
}

// field returns a base value by name.
func (b Base) field(t target, name string) (any, bool) {
	switch t.on {
	case onSignals:
		return b.signalField(geo.SignalID(t.id), name)
	case onSegments:
		return b.segmentField(geo.SegmentID(t.id), name)
	case onLanes:
		if name == "allow" {
			return classNames(b.City.Lanes.At(geo.LaneID(t.id)).Allow), true
		}
	case onTurns:
		if name == "allow" {
			return classNames(b.City.Movements.At(geo.MovementID(t.id)).Allow), true
		}
	}
	return nil, false
}

func (b Base) signalField(s geo.SignalID, name string) (any, bool) {
	at := b.City.Signals.At(s).Plan
	if at == geo.NoPlan {
		return nil, name == "plan"
	}
	plan := b.City.Plans.At(at)
	switch name {
	case "plan":
		return plan.ID, true
	case "cycle_s":
		return plan.Cycle.Seconds(), true
	case "offset_s":
		return plan.Offset.Seconds(), true
	case "stages":
		var durations []float64
		for _, st := range plan.Stages {
			durations = append(durations, st.Duration.Seconds())
		}
		return durations, true
	}
	return nil, false
}

func (b Base) segmentField(s geo.SegmentID, name string) (any, bool) {
	seg := b.City.Segments.At(s)
	switch name {
	case "speed_kmh":
		return math.Round(seg.Limit.KMH()*1e6) / 1e6, true
	case "lanes":
		_, n := b.City.LanesOf(s)
		return float64(n), true
	case "length_m":
		return seg.Length.M(), true
	case "name":
		return seg.Name, true
	case "open":
		return b.open(s), true
	}
	return nil, false
}

func (b Base) open(s geo.SegmentID) bool {
	first, n := b.City.LanesOf(s)
	for l := first; l < first+geo.LaneID(n); l++ {
		if b.City.Lanes.At(l).Allow&geo.MotorClasses != 0 {
			return true
		}
	}
	return false
}

func classNames(set geo.ClassSet) []string {
	names := []string{}
	for c := geo.Car; geo.AllClasses.Has(c); c++ {
		if set.Has(c) {
			names = append(names, c.String())
		}
	}
	return names
}
