package wire

import "time"

// LonLat is a point as [longitude, latitude] in degrees (WGS 84).
type LonLat [2]float64

// Ring is a closed line: the outline of an area or of a hole in it.
type Ring []LonLat

// City describes the city that the service twins.
type City struct {
	Name     string     `json:"name"`
	Version  string     `json:"version" doc:"Hash of the city's content; positions in columns and tile feature ids hold for one version."`
	TimeZone string     `json:"time_zone" doc:"IANA name" example:"Europe/Rome"`
	Bounds   [4]float64 `json:"bounds" doc:"West, south, east, north in degrees."`
	Center   LonLat     `json:"center" doc:"Longitude, latitude in degrees."`
	Counts   CityCounts `json:"counts"`
	Tiles    string     `json:"tiles" doc:"URL template of the vector tiles."`
	MinZoom  int        `json:"min_zoom"`
	MaxZoom  int        `json:"max_zoom"`
}

// CityCounts tells how many records of each kind the city has.
type CityCounts struct {
	Nodes     int `json:"nodes"`
	Segments  int `json:"segments"`
	Lanes     int `json:"lanes"`
	Movements int `json:"movements"`
	Signals   int `json:"signals"`
	Plans     int `json:"plans"`
	Zones     int `json:"zones"`
	Sensors   int `json:"sensors"`
}

// Segment is one direction of a road between two nodes.
type Segment struct {
	ID          string   `json:"id"`
	Name        string   `json:"name" doc:"Street name, empty when unknown."`
	From        string   `json:"from" doc:"Node it leaves."`
	To          string   `json:"to" doc:"Node it leads to."`
	Class       string   `json:"class" enum:"motorway,trunk,primary,secondary,tertiary,residential,service,other"`
	LengthM     float64  `json:"length_m"`
	LimitKMH    float64  `json:"limit_kmh"`
	CapacityVPH *float64 `json:"capacity_vph" doc:"All lanes; null when unknown."`
	Lanes       int      `json:"lanes"`
	Heading     float64  `json:"heading_deg"`
	Shape       []LonLat `json:"shape"`
	Tags        []string `json:"tags"`
	Sensors     []string `json:"sensors" doc:"Sensors matched to the segment."`
}

// SegmentList is the city's segments in the order that columns and tile feature
// ids refer to.
type SegmentList struct {
	CityVersion string    `json:"city_version"`
	Segments    []Segment `json:"segments"`
}

// Zone is an area of the city.
type Zone struct {
	ID         string   `json:"id"`
	Name       string   `json:"name"`
	Kind       string   `json:"kind" doc:"As the source says: statistical, restricted, ..."`
	Population *float64 `json:"population" doc:"Persons; null when unknown."`
	Segments   int      `json:"segments" doc:"Segments whose midpoint lies inside."`
	Area       [][]Ring `json:"area" doc:"GeoJSON MultiPolygon coordinates."`
}

// ZoneList is the city's zones, in the order that tile feature ids refer to.
type ZoneList struct {
	CityVersion string `json:"city_version"`
	Zones       []Zone `json:"zones"`
}

// Measure is one quantity a sensor reports.
type Measure struct {
	Quantity  string  `json:"quantity" enum:"speed,flow,occupancy,no2,o3,co,pm10,pm25,temperature,wind_speed,wind_direction,humidity,pressure,radiation,precipitation"`
	Unit      string  `json:"unit,omitempty" doc:"Of the values it sends; empty is the quantity's canonical unit."`
	IntervalS float64 `json:"interval_s,omitempty" minimum:"0" doc:"Nominal spacing; 0 when unknown."`
}

// NewSensor describes a device to be added.
type NewSensor struct {
	ID       string    `json:"id" minLength:"1" maxLength:"200"`
	Lon      float64   `json:"lon" minimum:"-180" maximum:"180"`
	Lat      float64   `json:"lat" minimum:"-90" maximum:"90"`
	Heading  *float64  `json:"heading_deg,omitempty" minimum:"0" maximum:"360" doc:"Direction of the traffic it sees."`
	Road     string    `json:"road,omitempty" doc:"Street name, helps to find the segment."`
	Measures []Measure `json:"measures" minItems:"1"`
}

// NewSensors is the body of POST /v1/sensors.
type NewSensors struct {
	Sensors []NewSensor `json:"sensors" minItems:"1" maxItems:"20000"`
}

// Sensor is a device and how it was matched to a segment.
type Sensor struct {
	ID         string    `json:"id"`
	Lon        float64   `json:"lon"`
	Lat        float64   `json:"lat"`
	Heading    *float64  `json:"heading_deg" doc:"Null when unknown."`
	Road       string    `json:"road"`
	Segment    string    `json:"segment" doc:"Empty for stations beside the road and unmatched sensors."`
	Lane       *int      `json:"lane" doc:"Lane index from the kerb; null when it covers the segment."`
	Confidence float64   `json:"confidence" doc:"Of the match, 0 to 1."`
	Review     bool      `json:"review" doc:"A person should look at the match."`
	Why        string    `json:"why"`
	Station    bool      `json:"station" doc:"Measures air."`
	Measures   []Measure `json:"measures"`
	Latest     []Latest  `json:"latest,omitempty" doc:"Newest values; only where one sensor is asked for."`
}

// Latest is the newest value of a series.
type Latest struct {
	Quantity string    `json:"quantity"`
	Unit     string    `json:"unit"`
	At       time.Time `json:"at" doc:"End of the interval it speaks of."`
	Value    *float64  `json:"value"`
	Doubt    string    `json:"doubt,omitempty" doc:"Why the value is doubtful; absent when good."`
}

// SensorList is the city's sensors, in the order that tile feature ids refer to.
type SensorList struct {
	CityVersion string   `json:"city_version"`
	Sensors     []Sensor `json:"sensors"`
}

// Signal is a controller with its plans.
type Signal struct {
	ID       string   `json:"id"`
	Lon      float64  `json:"lon"`
	Lat      float64  `json:"lat"`
	Groups   int      `json:"groups" doc:"What shows one state; states of a stage are in this order."`
	Plan     string   `json:"plan" doc:"In force when no schedule says otherwise; empty when none."`
	Segments []string `json:"segments" doc:"Approaches it controls."`
	Plans    []Plan   `json:"plans"`
}

// SignalList is the city's signals.
type SignalList struct {
	CityVersion string   `json:"city_version"`
	Signals     []Signal `json:"signals"`
}

// Plan is a signal program.
type Plan struct {
	ID      string      `json:"id"`
	Kind    string      `json:"kind" enum:"fixed,actuated,ring_barrier,max_pressure"`
	CycleS  float64     `json:"cycle_s"`
	OffsetS float64     `json:"offset_s"`
	Anchor  string      `json:"anchor" enum:"first_stage,green,yellow" doc:"What the offset times."`
	Stages  []Stage     `json:"stages"`
	Phases  []RingPhase `json:"phases"`
}

// Stage is an interval during which no group changes.
type Stage struct {
	Name      string  `json:"name"`
	DurationS float64 `json:"duration_s"`
	MinS      float64 `json:"min_s"`
	MaxS      float64 `json:"max_s"`
	States    string  `json:"states" doc:"One letter a group: r red, u red-yellow, y yellow, g green that gives way, G green, s stop then go, o blinking, O dark."`
}

// RingPhase is one NEMA phase of a ring-barrier plan.
type RingPhase struct {
	Phase       int     `json:"phase"`
	Ring        int     `json:"ring"`
	Barrier     int     `json:"barrier"`
	Position    int     `json:"position"`
	Groups      []int   `json:"groups"`
	SplitS      float64 `json:"split_s"`
	MinGreenS   float64 `json:"min_green_s"`
	MaxGreenS   float64 `json:"max_green_s"`
	YellowS     float64 `json:"yellow_s"`
	AllRedS     float64 `json:"all_red_s"`
	Coordinated bool    `json:"coordinated"`
}
