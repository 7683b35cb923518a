package wire

import "time"

// Forecasts is the newest forecast of every segment as columns: what the map's
// time slider shows. Position i is segment i of GET /v1/segments.
type Forecasts struct {
	CityVersion string           `json:"city_version"`
	Seq         uint64           `json:"seq"`
	IssuedAt    time.Time        `json:"issued_at"`
	Model       string           `json:"model" doc:"Names of the models behind the segments."`
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

	Weather string `json:"weather,omitempty" enum:"given" doc:"given: the weather of the hours until then, as POST /v1/weather told it, was made use of. Absent: no weather ahead was."`
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

// Skill is how well issued forecasts did over the last days.
type Skill struct {
	Until  *time.Time `json:"until" doc:"End of the newest interval scored; null when nothing was yet."`
	Days   int        `json:"days" doc:"Days covered, at most."`
	Scores []Score    `json:"scores"`
}

// Score is the skill at one horizon within a scope. Errors are in the
// quantity's canonical unit, null when nothing was scored.
type Score struct {
	Model               string   `json:"model"`
	Quantity            string   `json:"quantity"`
	Unit                string   `json:"unit"`
	IntervalS           float64  `json:"interval_s"`
	Minutes             float64  `json:"minutes" doc:"Horizon."`
	Scope               string   `json:"scope" enum:"all,sensor,zone,hour"`
	ID                  string   `json:"id" doc:"Sensor, zone or hour of the local day (00 to 23); empty for all."`
	Count               int      `json:"count" doc:"Values scored."`
	MAE                 *float64 `json:"mae"`
	RMSE                *float64 `json:"rmse"`
	Bias                *float64 `json:"bias" doc:"Mean of forecast minus measurement."`
	MAELast             *float64 `json:"mae_last" doc:"Error of repeating the last value, on the same values."`
	MAETypical          *float64 `json:"mae_typical" doc:"Error of the usual course of the day, on the same values."`
	Coverage50          *float64 `json:"coverage50" doc:"Share of measurements inside the 50 % interval."`
	Coverage90          *float64 `json:"coverage90"`
	Width90             *float64 `json:"width90" doc:"Mean width of the 90 % interval."`
	CountCongested      int      `json:"count_congested" doc:"Values where congestion was predicted."`
	Coverage90Congested *float64 `json:"coverage90_congested" doc:"Coverage among those."`
	Brier               *float64 `json:"brier" doc:"Mean squared error of the congestion probability."`
	OnsetRecall         *float64 `json:"onset_recall"`
	OnsetPrecision      *float64 `json:"onset_precision"`
	Drift               *float64 `json:"drift" doc:"Mean signed error of the last day over MAE."`
	Alarm               bool     `json:"alarm" doc:"The drift is beyond a half."`
}

// Model is the card of a forecasting model and its part.
type Model struct {
	Name      string       `json:"name"`
	Version   string       `json:"version" doc:"Hash of its parameters."`
	Role      string       `json:"role" enum:"serving,baseline,previous,candidate" doc:"previous: served before, newest first; candidate: the newest that did not win."`
	Quantity  string       `json:"quantity"`
	IntervalS float64      `json:"interval_s"`
	Series    int          `json:"series" doc:"Series it was fitted for."`
	From      *time.Time   `json:"data_from" doc:"Begin of the data it was fitted on."`
	To        *time.Time   `json:"data_until"`
	TrainedAt *time.Time   `json:"trained_at" doc:"Null for the built-in model, which is fitted anew every night."`
	Features  []string     `json:"features"`
	Scores    []ModelScore `json:"scores" doc:"On days it had not seen."`
	Notes     []string     `json:"notes"`
	Why       string       `json:"why,omitempty" doc:"Why a candidate does not serve."`
}

// ModelScore is a model's mean absolute error at one horizon on unseen days.
type ModelScore struct {
	Minutes  float64  `json:"minutes"`
	MAE      *float64 `json:"mae"`
	Baseline *float64 `json:"baseline_mae" doc:"Of the built-in model on the same values."`
}

// ModelRollback names the models of a quantity and interval.
type ModelRollback struct {
	Quantity  string  `json:"quantity" doc:"As GET /v1/models names it."`
	IntervalS float64 `json:"interval_s" exclusiveMinimum:"0"`
}

// ModelList is the answer of GET /v1/models.
type ModelList struct {
	Models   []Model   `json:"models"`
	Training *Training `json:"training" doc:"Null when nothing is being trained."`
}

// Training is how far a training has come.
type Training struct {
	What string  `json:"what" doc:"Learner, quantity and interval."`
	Done float64 `json:"done" doc:"0 to 1; a draft is trained first, and the whole only when the draft wins."`
}
