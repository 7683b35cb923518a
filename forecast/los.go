package forecast

import (
	"math"
	"time"

	"tideway/geo"
	"tideway/unit"
)

// LOS is a level of service, 'A' (free) to 'F' (breakdown); 0 when unknown.
type LOS byte

// String returns the letter, "" when unknown.
func (l LOS) String() string {
	if l == 0 {
		return ""
	}
	return string(rune(l))
}

// MarshalText gives the letter, so that JSON reads it.
func (l LOS) MarshalText() ([]byte, error) { return []byte(l.String()), nil }

// speedShare holds the shares of free-flow speed that must be exceeded for
// LOS A to E on urban streets (Highway Capacity Manual, 6th edition, exhibit
// 18-1, the rule behind its rounded table).
var speedShare = [5]float64{.80, .67, .50, .40, .30}

// loadShare holds the flow over capacity not exceeded at LOS A to E: the
// densities 11/18/26/35/45 pc/mi/ln of HCM exhibit 12-15 times the speed at
// that density for a free-flow speed of 55 mi/h, over 2250 pc/h/ln.
var loadShare = [5]float64{.27, .44, .63, .82, 1.00}

// SpeedLOS returns the level of service of an urban street from its speed and
// free-flow speed; 0 when either is unknown.
func SpeedLOS(speed, freeFlow unit.Speed) LOS {
	ratio := float64(speed / freeFlow)
	if math.IsNaN(ratio) || freeFlow <= 0 {
		return 0
	}
	for i, above := range speedShare {
		if ratio > above {
			return LOS('A' + i)
		}
	}
	return 'F'
}

// FlowLOS returns a level of service derived from flow over capacity, for
// roads where only vehicles are counted; 0 when either is unknown. Counts
// cannot tell a jam from light traffic: a low flow reads as A.
func FlowLOS(flow, capacity unit.Flow) LOS {
	load := float64(flow / capacity)
	if math.IsNaN(load) || capacity <= 0 {
		return 0
	}
	for i, upTo := range loadShare {
		if load <= upTo {
			return LOS('A' + i)
		}
	}
	return 'F'
}

// CongestedShare returns the share of free-flow speed below which a road of
// the class counts as congested: 60 % on motorways and trunk roads (the
// threshold of the US federal peak-hour excessive delay, 23 CFR 490.705), and
// where signals stop traffic anyway half (LOS C/D) on main streets and 40 %
// (LOS D/E) on small ones.
func CongestedShare(c geo.RoadClass) unit.Share {
	switch c {
	case geo.Motorway, geo.Trunk:
		return .60
	case geo.Primary, geo.Secondary:
		return .50
	}
	return .40
}

func secondsOrNaN(d time.Duration) float64 {
	if d < 0 {
		return math.NaN()
	}
	return d.Seconds()
}
