package signal

import (
	"math"

	"tideway/unit"
)

// TurnKind is what a lane group's vehicles do, for its saturation flow.
type TurnKind uint8

// Kinds of lane group.
const (
	ThroughGroup     TurnKind = iota // through, with a share of right turns in SharedRight
	ProtectedLeft                    // exclusive left-turn lanes on a protected phase
	ExclusiveRight                   // exclusive right-turn lanes
	SharedRightGroup                 // one lane or more shared by through and right turns
)

// SaturationInput describes a lane group's geometry and mix. Zero values of
// the factors with a neutral default mean that default.
type SaturationInput struct {
	Base         unit.Flow   // ideal, per lane; 0 means 1900 pc/h (1750 below 250 000 inhabitants)
	Lanes        int         // 0 means 1
	Width        unit.Length // of a lane; 0 means 12 ft
	Heavy        unit.Share
	HeavyEquiv   float64    // passenger cars per heavy vehicle E_T (2000 set); 0 means 2
	Grade        unit.Share // rising positive: 0.02 is 2 %
	Parking      bool       // parking beside the group
	ParkingMoves float64    // manoeuvres per hour
	BusStops     float64    // buses stopping per hour
	Central      bool       // central business district
	Turn         TurnKind
	Right        unit.Share // of right turns in a SharedRightGroup
	LaneUse      unit.Share // lane utilisation f_LU; 0 means the manual's table
	PedLeft      unit.Share // f_Lpb; 0 means 1
	PedRight     unit.Share // f_Rpb; 0 means 1
	EvenlyUsed   bool       // all lanes take equal shares: f_LU is 1
	LeftTurn     unit.Share // f_LT; 0 means 0.95 for ProtectedLeft, 1 otherwise
	SingleLane   bool       // a SharedRightGroup that is the only lane of its approach
}

// Saturation2000 returns the saturation flow of all lanes of the group after
// HCM 2000, equation 16-4, the set that Synchro's UTDF carries.
func (s SaturationInput) Saturation2000() unit.Flow {
	width := s.width() / unit.Foot
	et := s.HeavyEquiv
	if et == 0 {
		et = 2
	}
	fw := 1 + (float64(width)-12)/30
	fhv := 1 / (1 + float64(s.Heavy)*(et-1))
	fg := 1 - s.Grade.Percent()/200
	return s.times(fw * fhv * fg)
}

// Saturation returns the saturation flow of all lanes of the group after the
// 6th and 7th edition, equation 19-8: width in three classes, heavy vehicles
// and grade in one factor.
func (s SaturationInput) Saturation() unit.Flow {
	fw := 1.0
	switch width := s.width(); {
	case width < 10*unit.Foot:
		fw = 0.96
	case width > 12.9*unit.Foot:
		fw = 1.04
	}
	p, g := s.Heavy.Percent(), s.Grade.Percent()
	fhvg := (100 - 0.78*p - 0.31*g*g) / 100
	if g < 0 {
		fhvg = (100 - 0.79*p - 2.07*g) / 100
	}
	return s.times(fw * fhvg)
}

func (s SaturationInput) width() unit.Length {
	if s.Width == 0 {
		return 12 * unit.Foot
	}
	return s.Width
}

// times applies the factors that all editions share.
func (s SaturationInput) times(f float64) unit.Flow {
	base, n := s.Base, float64(max(1, s.Lanes))
	if base == 0 {
		base = 1900 * unit.VPH
	}
	if s.Parking {
		f *= math.Max(0.05, (n-0.1-18*s.ParkingMoves/3600)/n)
	}
	f *= math.Max(0.05, (n-14.4*s.BusStops/3600)/n)
	if s.Central {
		f *= 0.90
	}
	f *= s.laneUse() * s.turnFactor() * orOne(s.PedLeft) * orOne(s.PedRight)
	return base * unit.Flow(n*f)
}

func (s SaturationInput) laneUse() float64 {
	through, left, right := [...]float64{1, 0.95, 0.91, 0.86}, [...]float64{1, 0.97, 0.94}, [...]float64{1, 0.885}
	i := max(1, s.Lanes) - 1
	switch {
	case s.EvenlyUsed:
		return 1
	case s.LaneUse > 0:
		return float64(s.LaneUse)
	case s.Turn == ProtectedLeft:
		return left[min(i, len(left)-1)]
	case s.Turn == ExclusiveRight:
		return right[min(i, len(right)-1)]
	}
	return through[min(i, len(through)-1)]
}

func (s SaturationInput) turnFactor() float64 {
	right := 1.0
	switch {
	case s.Turn == ExclusiveRight:
		right = 0.85
	case s.Turn == SharedRightGroup && s.SingleLane:
		right = 1 - 0.135*float64(s.Right)
	case s.Turn == SharedRightGroup:
		right = 1 - 0.15*float64(s.Right)
	}
	if s.LeftTurn > 0 {
		return right * float64(s.LeftTurn)
	}
	if s.Turn == ProtectedLeft {
		return right * 0.95
	}
	return right
}

func orOne(f unit.Share) float64 {
	if f == 0 {
		return 1
	}
	return float64(f)
}
