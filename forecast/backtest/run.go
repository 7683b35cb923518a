package backtest

import (
	"context"
	"fmt"
	"math"
	"slices"
	"time"

	"tideway/forecast"
	"tideway/geo"
	"tideway/internal/fault"
	"tideway/unit"
)

// Config says what to run.
type Config struct {
	Table     *Table
	Zone      *time.Location // nil: UTC
	Holidays  forecast.Holidays
	Relation  Relation
	Unit      Unit
	TrainRows int
	Steps     int      // ahead; 0: 12
	Protocol  Protocol // "": Steps
	// CongestedBelow is in the table's unit; 0: 60 % of each sensor's free flow.
	CongestedBelow float64
	Hide           Hide
	Learners       []forecast.Learner
	Threads        int
	// Frozen keeps the profile of the training rows; otherwise it is fitted
	// anew every local midnight on what has been seen, as the service does.
	Frozen bool
	// RelearnEvery repeats the learning on what has been seen; 0: never.
	RelearnEvery time.Duration
	CPU          func() time.Duration              // processor time used so far; nil: not measured
	Progress     func(what string, done float64)   // may be nil
	Predictions  func(row Prediction) error        // receives every prediction of the serving model; may be nil
	Verdicts     func(verdicts []forecast.Verdict) // told what came of learning; may be nil
}

// Hide removes sensors, to see how well others tell their values.
type Hide struct {
	Share   float64
	Seed    uint64
	History bool // the sensors fall silent after the training rows; otherwise they never were
}

// Protocol is how errors are averaged over steps.
type Protocol string

// Protocols: the error at each step, or the mean from the first step to each.
const (
	Steps      Protocol = "steps"
	Cumulative Protocol = "cumulative"
)

// Prediction is one value predicted, in the table's unit.
type Prediction struct {
	Model                             string
	Origin                            int // row of the file seen last
	Sensor                            string
	Step                              int
	Predicted, Lo90, Hi90, PCongested float32
}

// Result is what came out; its keys are stable.
type Result struct {
	TrainRows int         `json:"train_rows"`
	Origins   int         `json:"origins"`
	Models    []ModelPart `json:"models"`
	Hidden    *Hidden     `json:"hidden,omitempty"`
}

// ModelPart is one model's result.
type ModelPart struct {
	Name      string        `json:"name"`
	Role      string        `json:"role"`
	TrainCPUS float64       `json:"train_cpu_s"`
	InferMS   float64       `json:"infer_ms"` // per origin: the whole tick, processor time
	Horizons  []HorizonPart `json:"horizons"`
	Note      string        `json:"note,omitempty"`
}

// HorizonPart is the error of a model at one horizon, in the table's unit;
// null where the model says nothing of it.
type HorizonPart struct {
	Minutes   float64  `json:"minutes"`
	MAE       *float64 `json:"mae"`
	RMSE      *float64 `json:"rmse"`
	MAPE      *float64 `json:"mape"` // per cent, over truths that are not zero
	WAPE      *float64 `json:"wape"` // per cent
	Cover     *float64 `json:"coverage90"`
	Range90   *float64 `json:"width90"`
	CoverJam  *float64 `json:"coverage90_congested"`
	CoverP10  *float64 `json:"coverage90_sensor_p10"`
	Recall    *float64 `json:"onset_recall"`
	Precision *float64 `json:"onset_precision"`
}

// Hidden is how well hidden sensors were told from the others.
type Hidden struct {
	Mode  string   `json:"mode"` // "never_sensed" or "outage"
	Share float64  `json:"share"`
	Seed  uint64   `json:"seed"`
	MAE   *float64 `json:"mae"`
	RMSE  *float64 `json:"rmse"`
}

// Run executes a backtest.
func Run(ctx context.Context, cfg Config) (*Result, error) {
	e, err := newExperiment(cfg)
	if err != nil {
		return nil, err
	}
	out := &Result{TrainRows: cfg.TrainRows}
	if err := e.serve(ctx, out); err != nil {
		return nil, err
	}
	if cfg.Hide.Share > 0 {
		if out.Hidden, err = e.hidden(ctx); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// experiment is a checked configuration.
type experiment struct {
	Config
	quantity  geo.Quantity
	factor    float64
	train     int // steps
	last      int // last origin (step seen last)
	graph     *forecast.Graph
	threshold []float32 // table unit, per sensor; nil for counts
}

func newExperiment(cfg Config) (*experiment, error) {
	if cfg.Zone == nil {
		cfg.Zone = time.UTC
	}
	if cfg.Steps == 0 {
		cfg.Steps = 12
	}
	if cfg.Protocol == "" {
		cfg.Protocol = Steps
	}
	var bad fault.List
	e := &experiment{Config: cfg}
	var err error
	if e.quantity, e.factor, err = cfg.Unit.quantity(cfg.Table.Interval); err != nil {
		bad.Add("unit", err)
	}
	e.train = slices.IndexFunc(cfg.Table.RowOf, func(row int) bool { return row >= cfg.TrainRows })
	rows := 1 + slices.Max(cfg.Table.RowOf)
	if cfg.TrainRows < 2 || e.train < 0 || e.train+cfg.Steps > cfg.Table.Steps() {
		bad.Addf("train-rows", "", "%d of %d rows, expected at least 2 and %d fewer than the table has", cfg.TrainRows, rows, cfg.Steps)
	}
	if cfg.Steps < 1 || cfg.Steps > 288 {
		bad.Addf("steps", "", "%d, expected 1 to 288", cfg.Steps)
	}
	if cfg.Protocol != Steps && cfg.Protocol != Cumulative {
		bad.Addf("protocol", "", "%q, expected steps or cumulative", cfg.Protocol)
	}
	if cfg.Hide.Share < 0 || cfg.Hide.Share >= 1 {
		bad.Addf("hide-fraction", "", "%v, expected 0 to below 1", cfg.Hide.Share)
	}
	if cfg.Hide.Share > 0 && cfg.Unit == Veh {
		bad.Addf("hide-fraction", "", "only speeds are told from other sensors; the unit is veh")
	}
	if err := bad.Err("backtest"); err != nil {
		return nil, err
	}
	e.last = cfg.Table.Steps() - 1 - cfg.Steps
	if e.graph, err = cfg.Relation.graph(len(cfg.Table.Sensors)); err != nil {
		return nil, err
	}
	e.thresholds()
	return e, nil
}

// jamShare is the share of free flow below which a sensor counts as congested
// when no speed is given: that of motorways (forecast.CongestedShare).
const jamShare = .6

func (e *experiment) thresholds() {
	if e.quantity != geo.Speed {
		return
	}
	e.threshold = make([]float32, len(e.Table.Sensors))
	for i := range e.threshold {
		e.threshold[i] = float32(e.CongestedBelow)
		if e.CongestedBelow == 0 {
			e.threshold[i] = jamShare * e.percentile(i, .85)
		}
	}
}

// percentile of a sensor's training values.
func (e *experiment) percentile(sensor int, q float64) float32 {
	var v []float32
	for step := range e.train {
		if x := e.Table.Values[step*len(e.Table.Sensors)+sensor]; x == x {
			v = append(v, x)
		}
	}
	if len(v) == 0 {
		return 0
	}
	slices.Sort(v)
	return v[int(q*float64(len(v)-1))]
}

// truth returns a value of the table.
func (e *experiment) truth(step, sensor int) float32 {
	return e.Table.Values[step*len(e.Table.Sensors)+sensor]
}

// service is a runner set up on the table.
type service struct {
	runner *forecast.Runner
	city   *geo.City
	past   *past
	midday int // local day of the last refresh
	next   time.Time
	spent  time.Duration // processor time of ticks
}

// start returns a service over the table with the given sensors absent.
func (e *experiment) start(absent, silent []bool, learners []forecast.Learner, trial bool) (*service, error) {
	limit := 100 * unit.KMH
	if e.quantity == geo.Speed {
		var all []float32
		for i := range e.Table.Sensors {
			if !absent[i] {
				all = append(all, e.percentile(i, .85))
			}
		}
		slices.Sort(all)
		limit = unit.Speed(math.Max(5, float64(all[len(all)/2])*e.factor)) * unit.KMH
	}
	city, err := cityOf(e.Table, e.Zone, e.quantity, limit, absent)
	if err != nil {
		return nil, err
	}
	s := &service{city: city, past: newPast(e.Table, e.factor, silent, e.train)}
	s.runner, err = forecast.New(forecast.Options{
		City: city, History: s.past, Holidays: e.Holidays, Learners: learners, Graph: e.graph, Threads: e.Threads,
		CongestedBelow: unit.Speed(e.CongestedBelow*e.factor) * unit.KMH, EveryStep: e.Steps, Trial: trial, Progress: e.Progress,
	})
	return s, err
}

// learn fits on the training rows.
func (e *experiment) learn(ctx context.Context, s *service, known int) ([]forecast.Verdict, error) {
	s.midday = e.localDay(known)
	s.next = e.Table.Ends[known-1].Add(e.RelearnEvery)
	return s.runner.Learn(ctx, s.past.snapshot(s.city, e.quantity, known))
}

func (e *experiment) localDay(known int) int {
	return e.Table.Ends[known-1].In(e.Zone).YearDay()
}

// at issues the forecast at an origin, after what the service does at night.
func (e *experiment) at(ctx context.Context, s *service, origin int) (*forecast.Forecast, error) {
	known := origin + 1
	switch {
	case e.RelearnEvery > 0 && !e.Table.Ends[known-1].Before(s.next):
		if _, err := e.learn(ctx, s, known); err != nil {
			return nil, err
		}
	case !e.Frozen && e.localDay(known) != s.midday:
		s.midday = e.localDay(known)
		if err := s.runner.Refresh(ctx, s.past.snapshot(s.city, e.quantity, known)); err != nil {
			return nil, err
		}
	}
	before := e.cpu()
	f, err := s.runner.Tick(ctx, s.past.snapshot(s.city, e.quantity, known))
	s.spent += e.cpu() - before
	return f, err
}

// report tells progress.
func (e *experiment) report(what string, done float64) {
	if e.Progress != nil {
		e.Progress(what, done)
	}
}

func (e *experiment) cpu() time.Duration {
	if e.CPU == nil {
		return 0
	}
	return e.CPU()
}

// servedBy returns the model that serves and what was said of candidates.
func servedBy(s *service) forecast.Card {
	for _, m := range s.runner.Models() {
		if m.Role == forecast.Serving {
			return m.Card
		}
	}
	return forecast.Card{Name: "prior"}
}

// serve runs the service with its learners, and the baseline where one of them
// serves; a candidate that lost is run as if it had won.
func (e *experiment) serve(ctx context.Context, out *Result) error {
	first, err := e.pass(ctx, asServed)
	if err != nil {
		return err
	}
	out.Origins = first.origins
	out.Models = append(out.Models, first.part("serving"))
	if first.name != baselineName || first.tried {
		kind, role := withoutLearners, "baseline"
		if first.name == baselineName {
			kind, role = onTrial, "candidate"
		}
		second, err := e.pass(ctx, kind)
		if err != nil {
			return err
		}
		out.Models = append(out.Models, second.part(role))
	}
	out.Models = append(out.Models, first.typical.part("baseline"), first.repeated.part("baseline"))
	return nil
}

const baselineName = "profile_residual"

// pass is one run of a service over all origins and what it said.
type pass struct {
	*tallies
	typical, repeated *tallies // baselines that need no model
	tried             bool     // a learner was fitted
}

// passKind is what becomes of learners in a pass.
type passKind int

const (
	asServed passKind = iota
	withoutLearners
	onTrial // they serve even when they lose
)

func (e *experiment) pass(ctx context.Context, kind passKind) (*pass, error) {
	none, learners := make([]bool, len(e.Table.Sensors)), e.Learners
	if kind == withoutLearners {
		learners = nil
	}
	s, err := e.start(none, none, learners, kind == onTrial)
	if err != nil {
		return nil, err
	}
	before := e.cpu()
	verdicts, err := e.learn(ctx, s, e.train)
	if err != nil {
		return nil, err
	}
	if e.Verdicts != nil && kind == asServed {
		e.Verdicts(verdicts)
	}
	p := &pass{tallies: newTallies(e, servedBy(s).Name), typical: newTallies(e, "historical_average"), repeated: newTallies(e, "last_value")}
	p.tried = slices.ContainsFunc(verdicts, func(v forecast.Verdict) bool { return v.Card.Name != "" })
	p.trainCPU = e.cpu() - before
	for origin := e.train - 1; origin <= e.last; origin++ {
		f, err := e.at(ctx, s, origin)
		if err != nil {
			return nil, err
		}
		if err := e.collect(p, f, origin, kind == asServed); err != nil {
			return nil, err
		}
		e.report("backtest "+p.name, float64(origin-e.train+2)/float64(e.last-e.train+2))
	}
	p.inferCPU = s.spent
	return p, nil
}

// collect compares a forecast with what came.
func (e *experiment) collect(p *pass, f *forecast.Forecast, origin int, serving bool) error {
	g := f.Find(e.quantity, e.Table.Interval)
	if g == nil || len(g.Horizons) != e.Steps {
		return fmt.Errorf("backtest: no forecast of %s at step %d", e.quantity, origin)
	}
	p.origins++
	down := float32(1 / e.factor)
	for row := range g.Series {
		last := e.newest(origin, row)
		for h := range e.Steps {
			c, y := g.Bands.At(row, h), e.truth(origin+h+1, row)
			c.Value, c.Lo90, c.Hi90 = c.Value*down, c.Lo90*down, c.Hi90*down
			p.add(h, row, c, y, last)
			p.typical.addPoint(h, row, g.Typical[row*e.Steps+h]*down, y, last)
			p.repeated.addPoint(h, row, last, y, last)
			if serving && e.Predictions != nil {
				err := e.Predictions(Prediction{Model: p.name, Origin: e.Table.RowOf[origin], Sensor: e.Table.Sensors[row], Step: h + 1,
					Predicted: c.Value, Lo90: c.Lo90, Hi90: c.Hi90, PCongested: c.PCongested})
				if err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// newest returns the last value of a sensor up to a step, NaN when none.
func (e *experiment) newest(step, sensor int) float32 {
	for ; step >= 0; step-- {
		if v := e.truth(step, sensor); v == v {
			return v
		}
	}
	return float32(math.NaN())
}

// hidden runs the service without some sensors and compares what it says of
// their roads now with what they measured.
func (e *experiment) hidden(ctx context.Context) (*Hidden, error) {
	away := hide(len(e.Table.Sensors), e.Hide.Share, e.Hide.Seed)
	none := make([]bool, len(away))
	absent, silent, mode := away, none, "never_sensed"
	if e.Hide.History {
		absent, silent, mode = none, away, "outage"
	}
	s, err := e.start(absent, silent, nil, false)
	if err != nil {
		return nil, err
	}
	if _, err := e.learn(ctx, s, e.train); err != nil {
		return nil, err
	}
	var n, abs, square float64
	for origin := e.train; origin < e.Table.Steps(); origin++ {
		f, err := e.at(ctx, s, origin)
		if err != nil {
			return nil, err
		}
		for i := range away {
			d := float64(f.Roads.Now[i].SpeedKMH)/e.factor - float64(e.truth(origin, i))
			if away[i] && !math.IsNaN(d) {
				n, abs, square = n+1, abs+math.Abs(d), square+d*d
			}
		}
	}
	return &Hidden{Mode: mode, Share: e.Hide.Share, Seed: e.Hide.Seed, MAE: number(abs / n), RMSE: number(math.Sqrt(square / n))}, nil
}

// number returns nil for what JSON cannot say.
func number(v float64) *float64 {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return nil
	}
	return &v
}
