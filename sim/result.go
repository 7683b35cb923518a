package sim

import (
	"time"

	"tideway/geo"
	"tideway/sim/demand"
)

// Result is what a run leaves.
type Result struct {
	Summary   Summary
	Segments  SegmentTable
	Movements MovementTable
	Trips     []TripRow // in order of departure as scheduled, when Input.Log
	Detectors []DetectorReading
	Samples   []Sample
}

// Summary is the run in numbers. Means are over completed trips, with the
// definitions of SUMO's tripinfo output, except MeanDelayS. A run that did not
// clear although it should (Gridlocked) has no meaningful means: they are kept
// for diagnosis and must not be compared.
type Summary struct {
	Scheduled           int     `json:"scheduled"`            // departures within [begin, end)
	DroppedBeforeBegin  int     `json:"dropped_before_begin"` // departures before begin
	Inserted            int     `json:"inserted"`
	Completed           int     `json:"completed"`
	Unfinished          int     `json:"unfinished"`     // on the road when the run ended
	NeverInserted       int     `json:"never_inserted"` // still waiting to depart when the run ended
	Released            int     `json:"released"`       // moved on by the stuck rule
	Rerouted            int     `json:"rerouted"`       // way changed because it was closed
	NoRoute             int     `json:"no_route"`       // of NeverInserted: no open way exists
	MeanTravelTimeS     float64 `json:"mean_travel_time_s"`
	P95TravelTimeS      float64 `json:"p95_travel_time_s"`
	MeanTimeLossS       float64 `json:"mean_time_loss_s"`       // against the vehicle's own desired speed, stops excluded
	MeanWaitingTimeS    float64 `json:"mean_waiting_time_s"`    // below 0.1 m/s, planned stops excluded
	MeanStops           float64 `json:"mean_stops"`             // times speed fell below 0.1 m/s
	MeanDepartureDelayS float64 `json:"mean_departure_delay_s"` // over inserted vehicles
	MeanDelayS          float64 `json:"mean_delay_s"`           // time loss + departure delay over all scheduled vehicles
	VehicleSeconds      float64 `json:"vehicle_seconds"`
	StepS               float64 `json:"step_s"`
	Steps               int     `json:"steps"`
	LoadCPUS            float64 `json:"load_cpu_s"` // this and the next three are filled by the caller, who has a clock
	RunCPUS             float64 `json:"run_cpu_s"`
	VehSPerCPUS         float64 `json:"vehicle_seconds_per_cpu_s"`
	PeakRSSMB           float64 `json:"peak_rss_mb"`
	Gridlocked          bool    `json:"gridlocked"` // nobody moved for a long time although vehicles were on the road
	Seed                uint64  `json:"seed"`
	StateHash           string  `json:"state_hash"` // of every result and the final state: equal bits, equal hash
}

// SegmentTable holds results per segment and interval as columns. The row of
// segment s in interval k is Row(k, s). Times and counts of vehicles inside a
// junction belong to the segment they came from.
type SegmentTable struct {
	Begin     time.Duration // of the first interval
	Interval  time.Duration
	Intervals int // the last one may be cut short by the end of the run
	Segments  int

	Entered      []uint32
	Left         []uint32
	VehicleS     []float32 // vehicle-seconds on the segment
	SpeedKMH     []float32 // space mean; the limit when nobody was there
	DensityVPKM  []float32 // all lanes together
	Occupancy    []float32 // share of the lanes' length covered by vehicles
	TimeLossS    []float32 // summed over vehicles
	WaitingS     []float32 // summed over vehicles
	Stops        []uint32
	QueueMeanVeh []float32 // standing vehicles, mean over the interval
	QueueMaxVeh  []float32 // standing vehicles, all lanes, highest at any step
	QueueBackM   []float32 // farthest tail of a standing vehicle from the stop line
}

// Row returns the position of segment s, interval k in the columns.
func (t *SegmentTable) Row(k int, s geo.SegmentID) int { return k*t.Segments + int(s) }

// MovementTable holds results per movement and interval as columns. Saturation
// and ArrivalsOnGreen are NaN where no signal stands or nobody arrived.
type MovementTable struct {
	Begin     time.Duration
	Interval  time.Duration
	Intervals int
	Movements int

	Passed          []uint32  // vehicles that entered the movement
	DelayS          []float32 // mean time loss of those vehicles on the approach and inside the junction
	GreenS          []float32 // time the signal showed green
	Saturation      []float32 // share of the green during which the lane discharged or was held by a queue
	ArrivalsOnGreen []float32 // share of vehicles that met green at the time they would have reached the stop line undisturbed
	SplitFailures   []uint32  // greens that ended with a vehicle still waiting since their begin
}

// Row returns the position of movement m, interval k in the columns.
func (t *MovementTable) Row(k int, m geo.MovementID) int { return k*t.Movements + int(m) }

// TripState is how far a trip got.
type TripState uint8

// States of a trip.
const (
	Waiting TripState = iota // not yet departed
	Driving
	Arrived
	Impossible // no open way from origin to destination
)

// TripRow is the outcome of one trip.
type TripRow struct {
	Trip       int // position in Demand.Trips
	Type       demand.TypeID
	State      TripState
	DepartS    float64 // as scheduled
	InsertedS  float64 // NaN when never inserted
	ArrivedS   float64 // NaN when not arrived
	TimeLossS  float64
	WaitingS   float64
	StoppedS   float64 // at planned stops
	DistanceM  float64
	Stops      int
	Released   int
	Rerouted   bool
	FromFirstM float64 // position on the first segment at insertion
}

// DetectorReading is what a detector saw in one of its intervals.
type DetectorReading struct {
	Detector  int           // position in Input.Detectors
	Begin     time.Duration // of the interval
	Interval  time.Duration
	Count     int     // loop: vehicles whose front passed; lane area: vehicles that entered
	SpeedKMH  float64 // mean of vehicles seen; NaN when none was
	Occupancy float64 // loop: share of time covered; lane area: share of length covered
	QueueVeh  float64 // lane area: standing vehicles, mean
}

// Sample is one point of a trajectory.
type Sample struct {
	At       time.Duration
	Trip     int
	Segment  geo.SegmentID
	Lane     geo.LaneID
	Movement geo.MovementID // geo.NoMovement on a segment; inside a junction Segment and Lane are those it came from
	PosM     float64        // front bumper along the lane or the movement's path
	SpeedMPS float64
}
