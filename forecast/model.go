package forecast

import (
	"context"
	"time"
)

// Model forecasts all series of one group. It is immutable after its fit and
// safe for concurrent use.
type Model interface {
	// Card describes the model.
	Card() Card
	// Predict fills out for every row and step of the window: the median, and
	// the distances from it to the ends of the central 50 % and 90 %, which
	// the caller calibrates. It uses at most threads cores and gives the same
	// bits for any number of them. Rows may be NaN where it cannot tell.
	Predict(w *Window, threads int, out *Rows)
}

// Card is a model card: what a model is, what it learned from, how it did.
type Card struct {
	Name     string        `json:"name"`    // kind of model
	Version  string        `json:"version"` // hash of its parameters
	From     time.Time     `json:"data_from"`
	Until    time.Time     `json:"data_until"`
	Trained  time.Time     `json:"trained_at"` // by the city's clock; zero: fitted anew with every profile
	Series   int           `json:"series"`
	Steps    []int         `json:"steps_ahead"` // in intervals
	Interval time.Duration `json:"interval_ns"`
	Features []string      `json:"features,omitempty"`
	Scores   []CardScore   `json:"scores,omitempty"` // on days the candidate had not seen
	Notes    []string      `json:"notes,omitempty"`
}

// CardScore is the mean absolute error of a model at one step on unseen days.
type CardScore struct {
	Step     int     `json:"step"`
	MAE      float64 `json:"mae"` // canonical unit
	Baseline float64 `json:"baseline_mae"`
}

// Learner fits a model that competes with the built-in ones.
type Learner interface {
	// Name is the Card.Name of its models.
	Name() string
	// Takes reports whether the learner is made for such a panel, and why not.
	Takes(p *Panel) (bool, string)
	// Fit learns from a training set. It stops with ctx's error when cancelled.
	Fit(ctx context.Context, in Training) (Model, error)
}

// Training is what a Learner gets.
type Training struct {
	Panel   *Panel
	Usual   []float32 // leave-one-day-out profile, laid out as Panel.Values
	Profile *Profile  // as of the panel's end; gives the spread
	Steps   []int     // steps ahead to forecast, ascending
	Links   *Links    // which series feed which
	Draft   bool      // a cheap fit, to judge and calibrate with
	Threads int
	// Progress is told the share done, 0 to 1; may be nil.
	Progress func(done float64)

	Calendar Calendar // of the city
	Sky      Sky      // of the panel's hours, as measured or given; empty: nobody tells it
}

// Window fills w with what was known at a step of the panel, with
// leave-one-out profiles. It is safe for concurrent use with different windows.
func (in *Training) Window(w *Window, origin int) {
	p := prepared{panel: in.Panel, loo: in.Usual, fit: &fitted{profile: in.Profile}, sky: in.Sky}
	p.window(w, origin, in.Calendar)
}

// Truth returns the value of a row a number of steps after an origin, NaN when
// it is missing or beyond the panel.
func (in *Training) Truth(row, origin, step int) float32 {
	if t := origin + step; t < in.Panel.Steps() {
		return in.Panel.Values[row*in.Panel.Steps()+t]
	}
	return missing
}

// Window is the past that a forecast rests on and the clock of its future.
// Slices are shared; models do not write to them.
type Window struct {
	Origin   time.Time // end of the newest interval
	Interval time.Duration
	Rows     int
	Past     int   // intervals in the window
	Steps    []int // steps ahead to fill, ascending

	Values  []float32 // Rows × Past, oldest first; NaN when missing
	Usual   []float32 // Rows × Past: profile at the same intervals
	Ahead   []float32 // Rows × Steps: profile at the targets
	DayAgo  []float32 // Rows × Steps: value 24 hours before the targets; NaN when missing
	Spread  []float32 // Rows × Steps: mean absolute deviation from it; NaN when unknown
	Moments []Moment  // of the past intervals
	Targets []Moment  // of the steps
	// DayAgoFree tells of each step whether the day before its target was free.
	DayAgoFree []bool
	// Sky is the weather around the origin, as measured until then and given
	// for later; empty where nobody tells it.
	Sky Sky
}

// Rows are raw predictive distributions, Rows × Steps row-major: the median
// and the distances below and above it to the ends of the central 50 % and
// 90 %, all in the quantity's canonical unit.
type Rows struct {
	Steps                         int
	Value, Lo90, Lo50, Hi50, Hi90 []float32
	// UsesSky tells of each step whether the weather ahead was made use of.
	UsesSky []bool
}

// NewRows returns rows of the given size, all zero.
func NewRows(rows, steps int) *Rows {
	n := rows * steps
	col := make([]float32, 5*n)
	cut := func(i int) []float32 { return col[i*n : (i+1)*n : (i+1)*n] }
	return &Rows{Steps: steps, UsesSky: make([]bool, steps), Value: cut(0), Lo90: cut(1), Lo50: cut(2), Hi50: cut(3), Hi90: cut(4)}
}

// point returns a cell as it stands, uncalibrated.
func (r *Rows) point(i int) Point {
	v := r.Value[i]
	return Point{Value: v, Lo50: v - r.Lo50[i], Hi50: v + r.Hi50[i], Lo90: v - r.Lo90[i], Hi90: v + r.Hi90[i], PCongested: missing}
}

// NewWindow returns an empty window of the given size.
func NewWindow(rows, past int, steps []int) *Window {
	return &Window{
		Rows: rows, Past: past, Steps: steps,
		Values: make([]float32, rows*past), Usual: make([]float32, rows*past),
		Ahead: make([]float32, rows*len(steps)), Spread: make([]float32, rows*len(steps)), DayAgo: make([]float32, rows*len(steps)),
		Moments: make([]Moment, past), Targets: make([]Moment, len(steps)), DayAgoFree: make([]bool, len(steps)),
	}
}

// clock sets the window's origin and the moments of its past and future.
func (w *Window) clock(c Calendar, origin time.Time, interval time.Duration) {
	w.Origin, w.Interval = origin, interval
	for i := range w.Moments {
		w.Moments[i] = c.At(origin.Add(time.Duration(i-w.Past+1)*interval), interval)
	}
	for i, s := range w.Steps {
		target := origin.Add(time.Duration(s) * interval)
		w.Targets[i] = c.At(target, interval)
		w.DayAgoFree[i] = c.At(target.Add(-24*time.Hour), interval).Class.Free()
	}
}

// lookup fills a row's profile values.
func (w *Window) lookup(row int, p *Profile, profileRow int) {
	for i, m := range w.Moments {
		w.Usual[row*w.Past+i] = p.At(profileRow, m)
	}
	for i, m := range w.Targets {
		w.Ahead[row*len(w.Steps)+i] = p.At(profileRow, m)
		w.Spread[row*len(w.Steps)+i] = p.Spread(profileRow, m)
	}
}

// age returns how many intervals before the origin the newest value of a row
// lies and that value; Past and NaN when there is none.
func (w *Window) age(row int) (int, float32) {
	v := w.Values[row*w.Past : (row+1)*w.Past]
	for a := range v {
		if x := v[w.Past-1-a]; !isMissing(x) {
			return a, x
		}
	}
	return w.Past, missing
}
