// Package demand describes who travels: vehicle types, routes, trips, flows and
// matrices, with readers for the files others write. It stands on geo; sim
// turns a Demand into vehicles. Times are durations since the demand's own
// midnight or zero, whichever the source uses.
package demand

import (
	"time"

	"tideway/geo"
	"tideway/unit"
)

// Ids of records of one Demand: positions in its lists.
type (
	TypeID  uint32
	RouteID uint32
)

// NoRoute marks a trip that is routed by the simulation.
const NoRoute = ^RouteID(0)

// Demand is everything that wants to move, resolved against one city (or a
// patch of it). Immutable once built; scenarios derive changed copies.
type Demand struct {
	Types  []VehicleType
	Routes []Route
	Trips  []Trip // by departure, equal departures in order of the source
}

// VehicleType is how a kind of vehicle looks and drives. Defaults are SUMO's
// (NewType), so that runs can be compared.
type VehicleType struct {
	ID              string
	Class           geo.Class
	IgnoreAllow     bool // may use any lane (SUMO class "ignoring")
	Length, MinGap  unit.Length
	MaxSpeed        unit.Speed
	Accel, Decel    unit.Acceleration
	EmergencyDecel  unit.Acceleration
	Sigma           float64       // driver imperfection of the Krauss model, 0 to 1
	Tau             time.Duration // desired headway
	SpeedFactor     float64       // mean of desired speed over limit
	SpeedDev        float64       // its standard deviation (truncated normal, Min to Max)
	SpeedMin        float64
	SpeedMax        float64
	Impatience      float64
	ActionStep      time.Duration // 0: every step
	Emission        string        // fleet class for emissions; "" derives it from Class
	PassengerWeight float64       // persons on board, for person-delay figures
}

// Route is a fixed chain of segments.
type Route struct {
	ID       string
	Segments []geo.SegmentID
}

// Trip is one vehicle's journey.
type Trip struct {
	ID       string
	Type     TypeID
	Depart   time.Duration
	Route    RouteID // NoRoute: from From to To over Via, routed
	From, To geo.SegmentID
	Via      []geo.SegmentID
	Lane     DepartLane
	LaneAt   int // lane index for LaneIndex
	Pos      DepartPos
	PosAt    unit.Length // for PosGiven: front bumper from the begin of the lane
	Speed    DepartSpeed
	SpeedAt  unit.Speed  // for SpeedGiven
	ArriveAt unit.Length // along the last segment; negative: its end
	Stops    []Halt
	Key      uint64 // names its random streams; equal in base and alternative
}

// Halt is a planned stop.
type Halt struct {
	Lane     geo.LaneID
	Begin    unit.Length
	End      unit.Length // vehicle stops with its front here
	Duration time.Duration
	Until    time.Duration // do not leave before; 0: none
	Stop     string        // outside id of the bus stop; "" when free
}

// DepartLane is the rule that picks the lane of departure.
type DepartLane uint8

// Departure lane rules, with SUMO's meanings.
const (
	LaneFirst   DepartLane = iota // first allowed, from the kerb
	LaneBest                      // fewest changes needed, then most room at its begin
	LaneFree                      // most room at its begin
	LaneAllowed                   // as LaneFree
	LaneRandom
	LaneIndex
)

// DepartPos is the rule that picks the position of departure.
type DepartPos uint8

// Departure position rules.
const (
	PosBase DepartPos = iota // tail at the begin of the lane
	PosGiven
	PosFree
	PosRandom
	PosLast
	PosRandomFree
)

// DepartSpeed is the rule that picks the speed of departure.
type DepartSpeed uint8

// Departure speed rules.
const (
	SpeedGiven DepartSpeed = iota
	SpeedMax               // as fast as allowed and safe
	SpeedDesired
	SpeedLimit
	SpeedRandom
	SpeedLast
	SpeedAvg
)

// Clone returns a demand that shares types and routes with d and has its own
// list of trips.
func (d *Demand) Clone() *Demand {
	c := *d
	c.Trips = append([]Trip(nil), d.Trips...)
	return &c
}
