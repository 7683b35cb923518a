package signal

import (
	"time"

	"tideway/unit"
)

// Change and clearance intervals of the Institute of Transportation Engineers,
// with the constants as published in US units (1.47 ft/s per mph, 10 ft/s²).

// YellowTime returns the yellow that lets a driver approaching at speed v on a
// grade (rising positive) stop or pass: t + 1.47·V/(2a + 64.4·G) with t = 1 s and
// a = 10 ft/s².
func YellowTime(v unit.Speed, grade unit.Share) time.Duration {
	return seconds(1 + 1.47*v.MPH()/(20+64.4*float64(grade)))
}

// AllRedTime returns the time a 20 ft vehicle needs to leave a junction of the
// given width: (W+20)/(1.47·V).
func AllRedTime(width unit.Length, v unit.Speed) time.Duration {
	return seconds((float64(width/unit.Foot) + 20) / (1.47 * v.MPH()))
}

// PedestrianClearance returns the time to walk a crossing at 3.5 ft/s.
func PedestrianClearance(crossing unit.Length) time.Duration {
	return seconds(float64(crossing/unit.Foot) / 3.5)
}

// MinWalk is the shortest walk interval commonly accepted; UsualWalk what is
// recommended where pedestrians are regular.
const (
	MinWalk   = 4 * time.Second
	UsualWalk = 7 * time.Second
)
