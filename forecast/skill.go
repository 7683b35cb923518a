package forecast

import (
	"time"

	"tideway/geo"
)

// Skill is how good issued forecasts were over the last days.
type Skill struct {
	At    time.Time // when it was computed
	Until time.Time // end of the newest interval scored
	Days  int       // days covered, at most
	Rows  []SkillRow
}

// SkillScope tells what a row of Skill is a mean over.
type SkillScope string

// Scopes: all series of a group, one sensor, the sensors in one zone, one hour
// of the local day.
const (
	ByAll    SkillScope = "all"
	BySensor SkillScope = "sensor"
	ByZone   SkillScope = "zone"
	ByHour   SkillScope = "hour"
)

// SkillRow is the skill of one group and horizon within a scope. Errors are in
// the quantity's canonical unit and NaN when nothing was scored.
type SkillRow struct {
	Model    string
	Quantity geo.Quantity
	Interval time.Duration
	Horizon  time.Duration
	Scope    SkillScope
	ID       string // sensor or zone id, hour "00" to "23"; "" for all
	N        int    // values scored

	MAE, RMSE, Bias     float64
	MAELast, MAETypical float64 // the baselines on the same values: last value repeated, profile
	Coverage50          float64 // share of truths inside the 50 % interval
	Coverage90          float64
	Span90              float64 // mean width of the 90 % interval, canonical unit
	NCongested          int     // values where congestion was predicted
	Coverage90Congested float64 // coverage among those
	Brier               float64 // mean squared error of the congestion probability
	OnsetRecall         float64 // share of onsets (free at origin, congested at target) predicted
	OnsetPrecision      float64 // share of predicted onsets that came true
	Drift               float64 // mean signed error of the last day over MAE; beyond ±0.5 and chance raises Alarm
	Alarm               bool
}
