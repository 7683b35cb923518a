package sketch

import (
	"math"

	"tideway/geo"
	"tideway/unit"
)

// addConflicts finds every pair of paths that meet: two that lead into one lane
// merge, others cross where their shapes do. Paths from one lane part and are
// no conflict.
func (b *builder) addConflicts(paths []path) {
	for i, p := range paths {
		for _, q := range paths[:i] {
			mp, mq := b.d.Movements[p.m], b.d.Movements[q.m]
			if mp.From == mq.From {
				continue
			}
			kind, atP, atQ := geo.Merging, mp.Length.M(), mq.Length.M()
			if mp.To != mq.To {
				var ok bool
				if atP, atQ, ok = meet(mp.Shape, mq.Shape); !ok {
					continue
				}
				kind = geo.Crossing
			}
			yield := gives(p, q)
			b.addConflict(p.m, geo.Conflict{Foe: q.m, Kind: kind, At: unit.Length(atP), FoeAt: unit.Length(atQ), Yield: yield})
			b.addConflict(q.m, geo.Conflict{Foe: p.m, Kind: kind, At: unit.Length(atQ), FoeAt: unit.Length(atP), Yield: !yield})
		}
	}
}

func (b *builder) addConflict(m geo.MovementID, c geo.Conflict) {
	b.d.Conflicts[m] = append(b.d.Conflicts[m], c)
}

// gives reports whether p gives way to q; exactly one of two does. Equal ranks:
// to the right, as drivers do; from one approach the kerb lane gives way.
func gives(p, q path) bool {
	switch turn := cross(p.heading, q.heading); {
	case p.rank != q.rank:
		return p.rank > q.rank
	case p.from == q.from:
		return p.lane < q.lane
	case math.Abs(turn) > 0.1:
		return turn > 0
	}
	return p.from > q.from
}

// Left turns at signals wait inside the junction, a little before the path they
// must let pass, when there is room for a car to stand there.
const (
	waitBeforeM = 2.5
	leastWaitM  = 5.0
)

func (b *builder) findWaitingPoints(paths []path) {
	for _, p := range paths {
		m := &b.d.Movements[p.m]
		if m.Signal == geo.NoSignal || !isLeft(p.turn) {
			continue
		}
		first := math.Inf(1)
		for _, c := range b.d.Conflicts[p.m] {
			foe := b.d.Movements[c.Foe]
			if c.Yield && c.Kind == geo.Crossing && b.together(*m, foe) {
				first = math.Min(first, c.At.M())
			}
		}
		if wait := first - waitBeforeM; !math.IsInf(first, 1) && wait >= leastWaitM {
			m.WaitAt = unit.Length(wait)
		}
	}
}

// together reports whether two movements of one signal are green at once in
// some stage.
func (b *builder) together(m, foe geo.Movement) bool {
	for _, st := range b.d.Plans[b.d.Signals[m.Signal].Plan].Stages {
		if st.States[m.Group].IsGreen() && st.States[foe.Group].IsGreen() {
			return true
		}
	}
	return false
}
