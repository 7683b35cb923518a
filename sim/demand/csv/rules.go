package csv

import (
	"strconv"

	"tideway/sim/demand"
	"tideway/unit"
)

// Words of the departure rules; a number stands for the rule that is given one.
var (
	laneWords  = []string{demand.LaneFirst: "first", demand.LaneBest: "best", demand.LaneFree: "free", demand.LaneAllowed: "allowed", demand.LaneRandom: "random"}
	posWords   = []string{demand.PosBase: "base", demand.PosFree: "free", demand.PosRandom: "random", demand.PosLast: "last", demand.PosRandomFree: "random_free"}
	speedWords = []string{demand.SpeedMax: "max", demand.SpeedDesired: "desired", demand.SpeedLimit: "limit", demand.SpeedRandom: "random", demand.SpeedLast: "last", demand.SpeedAvg: "avg"}
)

func laneRule(t demand.Trip) string {
	if t.Lane == demand.LaneIndex {
		return strconv.Itoa(t.LaneAt)
	}
	return laneWords[t.Lane]
}

func posRule(t demand.Trip) string {
	if t.Pos == demand.PosGiven {
		return float(t.PosAt)
	}
	return posWords[t.Pos]
}

func speedRule(t demand.Trip) string {
	if t.Speed == demand.SpeedGiven {
		return float(t.SpeedAt)
	}
	return speedWords[t.Speed]
}

// readRules reads the three departure columns into the trip.
func (t *table) readRules(trip *demand.Trip) {
	if n, isWord := t.word(trip.ID, "depart_lane", laneWords); isWord {
		trip.Lane = demand.DepartLane(n)
	} else {
		trip.Lane, trip.LaneAt = demand.LaneIndex, int(t.number(trip.ID, "depart_lane", 0, 0, 99))
	}
	if n, isWord := t.word(trip.ID, "depart_pos_m", posWords); isWord {
		trip.Pos = demand.DepartPos(n)
	} else {
		trip.Pos, trip.PosAt = demand.PosGiven, unit.Length(t.number(trip.ID, "depart_pos_m", 0, 0, 1e6))
	}
	if n, isWord := t.word(trip.ID, "depart_speed_mps", speedWords); isWord && n > 0 {
		trip.Speed = demand.DepartSpeed(n)
	} else {
		trip.Speed, trip.SpeedAt = demand.SpeedGiven, unit.Speed(t.number(trip.ID, "depart_speed_mps", 0, 0, 1e3))
	}
}

// word returns the position of the field among the words: 0, the default, when
// it is empty; false when it must be a number.
func (t *table) word(id, column string, words []string) (int, bool) {
	text := t.text(column)
	if text == "" {
		return 0, true
	}
	for i, w := range words {
		if w == text {
			return i, true
		}
	}
	if _, err := strconv.ParseFloat(text, 64); err != nil {
		t.addf(id, "%s is %q, expected a number or one of %v", column, clip(text), words)
		return 0, true
	}
	return 0, false
}
