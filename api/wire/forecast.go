package wire

import "time"

// Forecasts is the newest forecast of every segment as columns: what the map's
// time slider shows. Position i is segment i of GET /v1/segments.
type Forecasts struct {
	CityVersion string           `json:"city_version"`
	Seq         uint64           `json:"seq"`
	IssuedAt    time.Time        `json:"issued_at"`
	Model       string           `json:"model"`
	Horizons    []HorizonColumns `json:"horizons"`
}

// HorizonColumns holds one value per segment in every column, for one instant.
type HorizonColumns struct {
	Minutes    float64    `json:"minutes" doc:"After issued_at."`
	At         time.Time  `json:"at"`
	SpeedKMH   []*float64 `json:"speed_kmh"`
	Lo90KMH    []*float64 `json:"lo90_kmh"`
	Hi90KMH    []*float64 `json:"hi90_kmh"`
	PCongested []*float64 `json:"p_congested"`
	LOS        string     `json:"los" doc:"One letter a segment, A to F; - where unknown."`
}

// Expected is the forecast of one value at one instant.
type Expected struct {
	At    time.Time `json:"at"`
	Value *float64  `json:"value"`
	Lo50  *float64  `json:"lo50"`
	Hi50  *float64  `json:"hi50"`
	Lo90  *float64  `json:"lo90"`
	Hi90  *float64  `json:"hi90"`
}

// SeriesPoint is one value of a history, or the mean of several when the history
// was thinned for a chart.
type SeriesPoint struct {
	At    time.Time `json:"at" doc:"End of the interval."`
	Value *float64  `json:"value" doc:"Null in a gap."`
	Min   *float64  `json:"min,omitempty" doc:"Lowest of the values averaged; absent when not thinned."`
	Max   *float64  `json:"max,omitempty"`
}

// Series is the history of one quantity with what is expected next.
type Series struct {
	Segment   string        `json:"segment,omitempty"`
	Sensor    string        `json:"sensor,omitempty"`
	Quantity  string        `json:"quantity"`
	Unit      string        `json:"unit"`
	IntervalS float64       `json:"interval_s"`
	From      time.Time     `json:"from"`
	To        time.Time     `json:"to"`
	Points    []SeriesPoint `json:"points"`
	Forecast  []Expected    `json:"forecast"`
	Model     string        `json:"model"`
	IssuedAt  *time.Time    `json:"issued_at"`
}

// Typical is a typical day of one quantity, in local clock time.
type Typical struct {
	Segment  string         `json:"segment"`
	Quantity string         `json:"quantity"`
	Unit     string         `json:"unit"`
	Date     string         `json:"date" format:"date" doc:"The local day it was made for."`
	Points   []TypicalPoint `json:"points"`
}

// TypicalPoint is a typical value.
type TypicalPoint struct {
	At    time.Time `json:"at"`
	Value *float64  `json:"value"`
}

// Skill is how well issued forecasts did, per quantity, horizon and model.
type Skill struct {
	Since  *time.Time `json:"since" doc:"First forecast scored; null when none was yet."`
	Scores []Score    `json:"scores"`
}

// Score is the skill of one model at one horizon. Errors are in the quantity's
// canonical unit.
type Score struct {
	Model      string   `json:"model"`
	Quantity   string   `json:"quantity"`
	Unit       string   `json:"unit"`
	Minutes    float64  `json:"minutes" doc:"Horizon."`
	Count      int      `json:"count" doc:"Forecasts scored."`
	MAE        *float64 `json:"mae"`
	RMSE       *float64 `json:"rmse"`
	Bias       *float64 `json:"bias" doc:"Mean of forecast minus observation."`
	Coverage90 *float64 `json:"coverage90" doc:"Share of observations inside the 90 % interval."`
	Coverage50 *float64 `json:"coverage50"`
	Width90    *float64 `json:"width90" doc:"Mean width of the 90 % interval."`
}

// Model is a forecasting model and its part.
type Model struct {
	Name      string     `json:"name"`
	Role      string     `json:"role" enum:"serving,candidate,baseline"`
	Series    int        `json:"series" doc:"Series it serves now."`
	TrainedAt *time.Time `json:"trained_at"`
	From      *time.Time `json:"from" doc:"Begin of the data it was fitted on."`
	To        *time.Time `json:"to"`
	About     string     `json:"about"`
}

// ModelList is the answer of GET /v1/models.
type ModelList struct {
	Models []Model `json:"models"`
}
