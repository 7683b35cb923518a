package sketch

import (
	"cmp"
	"math"
	"slices"

	"github.com/paulmach/orb"

	"tideway/geo"
	"tideway/unit"
)

// exit is one way out of a junction from a given arm.
type exit struct {
	arm   int
	angle float64 // of the turn in degrees, positive to the right
	turn  geo.Turn
}

// path is a movement under construction with what its right of way depends on.
type path struct {
	m       geo.MovementID
	from    int // arm
	to      int
	lane    int // of the approach
	turn    geo.Turn
	rank    int
	heading orb.Point // of the approach
}

// junction adds the movements of a node with their conflicts and signal.
func (b *builder) junction(n int) {
	arms := b.arms[n]
	var paths []path
	major := b.majorArms(n)
	for k, a := range arms {
		if a.in > 0 {
			paths = append(paths, b.turns(n, k, major)...)
		}
	}
	b.addConflicts(paths)
	if b.signalled(n) {
		b.addSignal(n, paths, major)
	}
	b.findWaitingPoints(paths)
}

// turnOf names a turn by its angle.
func turnOf(angle float64) geo.Turn {
	switch size := math.Abs(angle); {
	case size > 160:
		return geo.UTurn
	case size < 30:
		return geo.Straight
	case angle > 60:
		return geo.Right
	case angle > 0:
		return geo.SlightRight
	case angle < -60:
		return geo.Left
	}
	return geo.SlightLeft
}

func isRight(t geo.Turn) bool { return t == geo.Right || t == geo.SlightRight }
func isLeft(t geo.Turn) bool  { return t == geo.Left || t == geo.SlightLeft || t == geo.UTurn }

// exits lists where traffic of arm k may go, from right to left. Turning back
// is for dead ends.
func (b *builder) exits(n, k int) (out []exit) {
	arms := b.arms[n]
	heading := orb.Point{-arms[k].away[0], -arms[k].away[1]}
	for j, to := range arms {
		if to.out == 0 || j == k && len(arms) > 1 || j != k && b.barred(n, k, j) {
			continue
		}
		angle := math.Atan2(-cross(heading, to.away), dot(heading, to.away)) * 180 / math.Pi
		e := exit{arm: j, angle: angle, turn: turnOf(angle)}
		if len(arms) > 1 && e.turn == geo.UTurn {
			e.turn = geo.Left
			if angle > 0 {
				e.turn = geo.Right
			}
		}
		out = append(out, e)
	}
	slices.SortFunc(out, func(x, y exit) int { return cmp.Compare(y.angle, x.angle) })
	return out
}

// barred reports whether a median keeps traffic from turning from arm k to j.
func (b *builder) barred(n, k, j int) bool {
	arms := b.arms[n]
	if b.signalled(n) || len(arms) < 3 {
		return false
	}
	from, to := arms[k], arms[j]
	angle := math.Atan2(cross(from.away, to.away), -dot(from.away, to.away)) * 180 / math.Pi
	right := angle > 30
	switch {
	case from.median && to.median:
		return false
	case from.median || to.median:
		return !right
	}
	return slices.ContainsFunc(arms, func(a arm) bool { return a.median }) && !right
}

// turns adds the movements of one approach and returns their paths.
func (b *builder) turns(n, k int, major [2]int) (out []path) {
	exits := b.exits(n, k)
	approach := b.arms[n][k]
	for lane := range approach.in {
		for _, e := range exits {
			target, ok := b.target(n, k, lane, e, exits)
			if !ok {
				continue
			}
			p := path{m: geo.MovementID(len(b.d.Movements)), from: k, to: e.arm, lane: lane, turn: e.turn, heading: orb.Point{-approach.away[0], -approach.away[1]}}
			isMajor := k == major[0] || k == major[1]
			p.rank = rankOf(isMajor, e.turn)
			right := geo.Major
			if !isMajor && len(b.arms[n]) > 2 {
				right = geo.GiveWay
			}
			b.addMovement(n, approach, lane, b.arms[n][e.arm], target, e.turn, right)
			out = append(out, p)
		}
	}
	return out
}

// target returns the lane of the exit that a lane of the approach leads to, and
// whether it does. Right turns leave from and reach the kerb, left turns the
// inside; an approach of three lanes or more has one for left turns alone, one
// of two shares it with traffic going straight.
func (b *builder) target(n, k, lane int, e exit, exits []exit) (int, bool) {
	in, out := b.arms[n][k].in, b.arms[n][e.arm].out
	if b.s.Leads != nil {
		from, to := b.d.Segments[b.arms[n][k].inSegment].ID, b.d.Segments[b.arms[n][e.arm].outSegment].ID
		if target, leads, known := b.s.Leads(from, to, lane); known {
			return min(max(target, 0), out-1), leads
		}
	}
	if len(exits) == 1 {
		return min(lane, out-1), lane < out || lane == in-1 && in > out
	}
	has := func(want func(geo.Turn) bool) bool {
		return slices.ContainsFunc(exits, func(x exit) bool { return want(x.turn) })
	}
	straight := func(t geo.Turn) bool { return t == geo.Straight }
	fromInside, least := in-1-lane, 0
	switch {
	case isRight(e.turn):
		share := 1
		if !has(straight) {
			share = max(1, in/2)
		}
		return min(lane, out-1), lane < min(share, out)
	case isLeft(e.turn):
		share := 1
		if !has(straight) && in > 1 {
			share = in - max(1, in/2)
			if !has(isRight) {
				share = in
			}
		}
		return out - 1 - fromInside, fromInside < min(share, out)
	case in >= 3 && has(isLeft):
		least = 1
	}
	// Straight: from the kerb on; lanes too many for the exit end.
	return lane, fromInside >= least && lane < out
}

// rankOf orders movements where no signal shows: major street before its left
// turns, then the minor street's right turns, straight traffic and left turns
// (HCM 2010, priority ranks at two-way stop controlled junctions).
func rankOf(major bool, t geo.Turn) int {
	switch {
	case major && !isLeft(t):
		return 0
	case major:
		return 1
	case isRight(t):
		return 2
	case isLeft(t):
		return 4
	}
	return 3
}

// majorArms returns the two arms of the street with priority: of all pairs the
// one of the highest class and rank, then the straightest.
func (b *builder) majorArms(n int) (best [2]int) {
	arms := b.arms[n]
	score := math.Inf(-1)
	for i := range arms {
		for j := range i {
			s := -10*float64(arms[i].class+arms[j].class) + float64(arms[i].rank+arms[j].rank)/100 - dot(arms[i].away, arms[j].away)
			if s > score {
				score, best = s, [2]int{j, i}
			}
		}
	}
	return best
}

// lateralMPS2 is the sideways acceleration that drivers accept in a turn; the
// speed in a curve follows from its radius (AASHTO, low-speed urban streets,
// use 0.2 to 0.3 g).
const lateralMPS2 = 2.5

func (b *builder) addMovement(n int, from arm, lane int, to arm, target int, turn geo.Turn, right geo.RightOfWay) {
	a, z := b.lane(from.inSegment, lane), b.lane(to.outSegment, target)
	start, end := b.d.Lanes[a].Shape, b.d.Lanes[z].Shape
	s, e := start[len(start)-1], end[0]
	shape := curve(s, unitOf(sub(s, start[len(start)-2])), e, unitOf(sub(end[1], e)))
	length := lineLength(shape)
	limit := math.Min(b.d.Lanes[a].Limit.MPS(), b.d.Lanes[z].Limit.MPS())
	if angle := turnAngle(shape); angle > 0.1 {
		limit = math.Min(limit, math.Max(3, math.Sqrt(lateralMPS2*length/angle)))
	}
	b.d.Movements = append(b.d.Movements, geo.Movement{From: a, To: z, Node: geo.NodeID(n), Turn: turn, Length: unit.Length(length),
		Limit: unit.Speed(limit), Right: right, Signal: geo.NoSignal, Allow: geo.MotorClasses, Clear: len(b.arms[n]) > 2, Shape: shape})
	b.d.Conflicts = append(b.d.Conflicts, nil)
}

func (b *builder) lane(s geo.SegmentID, index int) geo.LaneID {
	first, _ := slices.BinarySearchFunc(b.d.Lanes, s, func(l geo.Lane, s geo.SegmentID) int { return cmp.Compare(l.Segment, s) })
	return geo.LaneID(first + index)
}

// turnAngle is the angle in radians between the begin and the end of a path.
func turnAngle(l orb.LineString) float64 {
	a, b := unitOf(sub(l[1], l[0])), unitOf(sub(l[len(l)-1], l[len(l)-2]))
	return math.Abs(math.Atan2(cross(a, b), dot(a, b)))
}
