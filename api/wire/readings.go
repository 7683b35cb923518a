package wire

import "time"

// Reading is one value of a sensor: an element of the JSON body, a line of the
// NDJSON body of POST /v1/readings.
type Reading struct {
	Sensor    string    `json:"sensor"`
	Quantity  string    `json:"quantity" enum:"speed,flow,occupancy,no2,o3,co,pm10,pm25,temperature,wind_speed,wind_direction,humidity,pressure,radiation,precipitation"`
	At        time.Time `json:"at" doc:"End of the interval the value speaks of."`
	IntervalS float64   `json:"interval_s,omitempty" doc:"Length of that interval; 0 is the sensor's nominal one."`
	Value     *float64  `json:"value" doc:"In the quantity's canonical unit, or in unit."`
	Unit      string    `json:"unit,omitempty"`
}

// Readings is the JSON body of POST /v1/readings.
type Readings struct {
	Readings []Reading `json:"readings"`
	Backfill bool      `json:"backfill,omitempty" doc:"History on purpose: no reading is too late."`
}

// Columns is the columnar body of POST /v1/readings (TypeColumns): readings as
// arrays of one length. Sensor and Quantity hold positions in Sensors and
// Quantities.
type Columns struct {
	Sensors    []string  `json:"sensors"`
	Quantities []string  `json:"quantities"`
	Sensor     []uint32  `json:"sensor"`
	Quantity   []uint32  `json:"quantity"`
	EndMS      []int64   `json:"end_ms" doc:"End of the interval, milliseconds since 1970 UTC."`
	IntervalS  []uint32  `json:"interval_s,omitempty" doc:"May be left out: the sensors' nominal intervals."`
	Value      []float64 `json:"value" doc:"In the quantity's canonical unit."`
	Backfill   bool      `json:"backfill,omitempty" doc:"History on purpose: no reading is too late."`
}

// Ingested tells what became of a batch of readings: accepted + rejected +
// duplicates is their number.
type Ingested struct {
	Accepted   int            `json:"accepted"`
	Rejected   int            `json:"rejected"`
	Duplicates int            `json:"duplicates"`
	Revisions  int            `json:"revisions" doc:"Of the accepted: those that replaced an earlier value."`
	Reasons    []IngestReason `json:"reasons" doc:"Of the first 100 rejected."`
	ByReason   map[string]int `json:"by_reason,omitempty"`
}

// IngestReason is why one reading was rejected or is doubtful.
type IngestReason struct {
	Index  int    `json:"index" doc:"Position in the body, from 0."`
	Sensor string `json:"sensor"`
	Reason string `json:"reason" example:"unknown_sensor"`
}
