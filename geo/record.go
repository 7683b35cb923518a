package geo

import (
	"time"

	"github.com/paulmach/orb"

	"tideway/unit"
)

// Node is a place where segments meet, or an end of the network.
type Node struct {
	ID      string
	Name    string
	XY      orb.Point // metres in the city's Frame
	Control Control
	Zone    string // outside id of the zone it belongs to; "" when none
}

// Control is how a node's traffic is ruled when no signal shows otherwise.
type Control uint8

// Kinds of control.
const (
	ControlPriority        Control = iota // major and minor approaches
	ControlSignal                         // a signal; right of way as Priority when it is off
	ControlRightBeforeLeft                // no signs
	ControlAllWayStop
	ControlNone // dead ends, plain joints
)

var controlNames = []string{"priority", "signal", "right_before_left", "all_way_stop", "none"}

// RoadClass is the functional class of a segment, as in OpenStreetMap's
// highway values and GMNS facility types.
type RoadClass uint8

// Road classes, from the largest to the smallest.
const (
	Motorway RoadClass = iota
	Trunk
	Primary
	Secondary
	Tertiary
	Residential
	Service
	OtherRoad
)

var roadClassNames = []string{"motorway", "trunk", "primary", "secondary", "tertiary", "residential", "service", "other"}

// Segment is one direction of a road between two nodes.
type Segment struct {
	ID       string
	Name     string // street name; "" when unknown
	From, To NodeID
	Class    RoadClass
	Length   unit.Length // driven length, may differ from the shape's
	Limit    unit.Speed  // highest limit of its lanes, taken as free-flow speed until observed
	Capacity unit.Flow   // all lanes, undisturbed; 0 when unknown
	Priority int         // higher goes first where no other rule applies
	Shape    orb.LineString
	Tags     []string // free labels for selectors

	firstLane LaneID
	lanes     int
}

// Lane is one lane of a segment. Index 0 is nearest the kerb.
type Lane struct {
	Segment SegmentID
	Index   int
	Length  unit.Length
	Width   unit.Length
	Limit   unit.Speed
	Allow   ClassSet
	Shape   orb.LineString // metres
}

// Class is a kind of road user that permissions speak of.
type Class uint8

// Classes of road users.
const (
	Car Class = iota
	Taxi
	Van
	Truck
	Bus
	Motorcycle
	Emergency
	Bicycle
	Pedestrian
	Tram
	Rail
	numClasses
)

var classNames = []string{"car", "taxi", "van", "truck", "bus", "motorcycle", "emergency", "bicycle", "pedestrian", "tram", "rail"}

// ClassSet is a set of classes. The zero value is empty: nobody may use it.
type ClassSet uint32

// AllClasses holds every class; MotorClasses those that drive on a road.
const (
	AllClasses   ClassSet = 1<<numClasses - 1
	MotorClasses          = ClassSet(1<<Car | 1<<Taxi | 1<<Van | 1<<Truck | 1<<Bus | 1<<Motorcycle | 1<<Emergency)
)

// Classes returns the set of the given classes.
func Classes(cs ...Class) (s ClassSet) {
	for _, c := range cs {
		s |= 1 << c
	}
	return s
}

// Has reports whether c is in the set.
func (s ClassSet) Has(c Class) bool { return s>>c&1 != 0 }

// Turn is the direction of a movement.
type Turn uint8

// Turns.
const (
	Straight Turn = iota
	Right
	SlightRight
	Left
	SlightLeft
	UTurn
)

var turnNames = []string{"straight", "right", "slight_right", "left", "slight_left", "uturn"}

// RightOfWay is what a movement owes others when no signal shows.
type RightOfWay uint8

// Rights of way.
const (
	Major      RightOfWay = iota // yields only where a Conflict says so
	GiveWay                      // approach prepared to stop
	Stop                         // stop first
	AllWayStop                   // first come, first served
	EqualRight                   // right before left
)

var rightOfWayNames = []string{"major", "give_way", "stop", "all_way_stop", "right_before_left"}

// Movement is a path across a node from one lane to another.
type Movement struct {
	From, To LaneID
	Node     NodeID
	Turn     Turn
	Length   unit.Length // of the path inside the junction; may be 0
	Limit    unit.Speed
	Right    RightOfWay
	Signal   SignalID    // NoSignal when uncontrolled
	Group    int         // position in the states of the signal's stages
	WaitAt   unit.Length // where inside the junction it may wait for a gap; 0: at the stop line
	Allow    ClassSet
	Clear    bool           // must not enter unless it can leave the junction
	Shape    orb.LineString // metres
}

// ConflictKind tells how two paths meet.
type ConflictKind uint8

// Kinds of conflict.
const (
	Crossing ConflictKind = iota // paths cross at one point
	Merging                      // both lead into the same lane
	Beside                       // paths that do not touch: only the right of way counts; At and FoeAt are where they come nearest
)

var conflictKindNames = []string{"crossing", "merging", "beside"}

// Conflict says that a movement's path meets that of Foe.
type Conflict struct {
	Foe   MovementID
	Kind  ConflictKind
	At    unit.Length // along this movement's path
	FoeAt unit.Length // along the foe's path
	Yield bool        // this movement gives way to Foe
}

// Zone is an area of the city: a statistical area, a restricted zone.
type Zone struct {
	ID         string
	Name       string
	Kind       string           // "statistical", "restricted", ... as the source says
	Population float64          // persons; negative when unknown
	Area       orb.MultiPolygon // lon/lat
}

// BusStop is a stretch of a lane where buses halt.
type BusStop struct {
	ID         string
	Name       string
	Lane       LaneID
	Begin, End unit.Length // along the lane
}

// Assumption records a value that the source did not give.
type Assumption struct {
	Kind  string `json:"kind"` // table
	ID    string `json:"id"`
	Field string `json:"field"`
	Value string `json:"value"`
	Why   string `json:"why"`
}

// Dropped records something of the source that the city does not hold.
type Dropped struct {
	Kind string `json:"kind"`
	ID   string `json:"id"`
	Why  string `json:"why"`
}

// Quantity is what a reading measures. Values of a quantity are always in its
// canonical unit (Unit).
type Quantity uint8

// Quantities.
const (
	Speed Quantity = iota
	Flow
	Occupancy
	NO2
	O3
	CO
	PM10
	PM25
	Temperature
	WindSpeed
	WindDirection
	Humidity
	Pressure
	Radiation
	Precipitation
	numQuantities
)

var quantityNames = []string{"speed", "flow", "occupancy", "no2", "o3", "co", "pm10", "pm25",
	"temperature", "wind_speed", "wind_direction", "humidity", "pressure", "radiation", "precipitation"}

var quantityUnits = []string{"km/h", "veh/h", "share", "ug/m3", "ug/m3", "mg/m3", "ug/m3", "ug/m3",
	"C", "m/s", "deg", "percent", "hPa", "W/m2", "mm"}

// Unit returns the canonical unit in which values of q are stored and served.
func (q Quantity) Unit() string { return quantityUnits[q] }

// IsTraffic reports whether q is measured on a road; IsPollutant whether in the air.
func (q Quantity) IsTraffic() bool { return q <= Occupancy }

// IsPollutant reports whether q is a concentration.
func (q Quantity) IsPollutant() bool { return q >= NO2 && q <= PM25 }

// Quantities returns every quantity in order.
func Quantities() []Quantity {
	out := make([]Quantity, numQuantities)
	for i := range out {
		out[i] = Quantity(i)
	}
	return out
}

// Sensor is a device, or one of its channels, at a place.
type Sensor struct {
	ID       string
	LonLat   orb.Point
	Heading  unit.Angle // direction of the traffic it sees; negative when unknown
	Road     string     // street name in the source; "" when unknown
	Measures []Measure
	Segment  SegmentID   // NoSegment for stations beside the road and unmatched sensors
	Lane     LaneID      // NoLane when it covers the segment
	At       unit.Length // along the segment
	Match    Match
}

// Measure is one quantity a sensor reports.
type Measure struct {
	Quantity Quantity
	Unit     string        // of the raw values; "" means the canonical unit
	Interval time.Duration // nominal spacing; 0 when unknown
}

// Match is how a sensor came to its segment.
type Match struct {
	Confidence unit.Share // 1: given by the source
	Review     bool       // a person should look
	Why        string
}
