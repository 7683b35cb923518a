package forecast

import (
	"cmp"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"tideway/geo"
	"tideway/live"
	"tideway/unit"
)

// Options are what a Runner works with. City and History are required.
type Options struct {
	City     *geo.City
	History  History
	Holidays Holidays  // nil: none are known
	Archive  Archive   // nil: issued forecasts are kept in memory until scored
	Learners []Learner // models that compete with the baseline in Learn
	Skies    Skies     // weather for learned models of pollutants; nil: none is known
	Shelf    Shelf     // where learned models outlive the process; nil: nowhere
	Graph    *Graph    // driving distances between segments; nil: CityGraph
	Threads  int       // 0: all cores
	// LearnThreads bounds the cores that learners train on beside the service;
	// 0: Threads.
	LearnThreads int
	// Trial lets candidates serve whether or not they win: to look closely at
	// one that lost. Not for a service.
	Trial  bool
	Memory time.Duration
	// CongestedBelow is the speed below which a road counts as congested; 0: a
	// share of its free-flow speed by road class (CongestedShare).
	CongestedBelow unit.Speed
	// EveryStep publishes each of the first so many steps instead of the usual
	// horizons: what a backtest compares.
	EveryStep int
	// Progress is told what is being fitted and the share done; may be nil.
	Progress func(what string, done float64)
	// Report is told what went wrong with kept models while the service went on;
	// nil drops it.
	Report func(error)
}

// defaultMemory is how much history a fit reads: eight weeks, beyond which a
// profile's days weigh less than a sixteenth.
const defaultMemory = 56 * 24 * time.Hour

// Runner turns snapshots into forecasts: it owns the fitted models, the
// calibration of their intervals and the scores. Tick, Refresh and Learn may
// run at the same time; the readers (Latest, Skill, Models) never wait for
// them.
type Runner struct {
	opt      Options
	calendar Calendar
	graph    *Graph
	zones    []zonePlaces
	latest   atomic.Pointer[Forecast]
	skill    atomic.Pointer[Skill]

	fitting sync.Mutex // held by Refresh and Learn
	noting  sync.Mutex // held while a ledger is written
	mu      sync.Mutex // guards what follows; held by Tick
	groups  []*group   // by (quantity, interval)
	roads   *roadPlan  // nil: to be rebuilt
}

// New returns a Runner that has fitted nothing yet: it forecasts from the
// snapshot alone, with wide intervals, until Refresh or Learn was called.
func New(opt Options) (*Runner, error) {
	if opt.City == nil || opt.History == nil {
		return nil, errors.New("forecast: a runner needs a city and a history")
	}
	if opt.Memory == 0 {
		opt.Memory = defaultMemory
	}
	if opt.Report == nil {
		opt.Report = func(error) {}
	}
	r := &Runner{opt: opt, calendar: NewCalendar(opt.City.TimeZone, opt.Holidays), graph: opt.Graph}
	if r.graph == nil {
		r.graph = CityGraph(opt.City)
	}
	if r.graph.Places() != opt.City.Segments.Len() {
		return nil, errors.New("forecast: the graph has other places than the city has segments")
	}
	r.zones = placesOf(opt.City)
	return r, nil
}

// Latest returns the newest forecast, nil before the first Tick.
func (r *Runner) Latest() *Forecast { return r.latest.Load() }

// Skill returns how good forecasts were, as of the last Tick that scored any;
// nil before.
func (r *Runner) Skill() *Skill { return r.skill.Load() }

// groupKey identifies a group.
type groupKey struct {
	quantity geo.Quantity
	interval time.Duration
}

func (a groupKey) compare(b groupKey) int {
	return cmp.Or(cmp.Compare(a.quantity, b.quantity), cmp.Compare(a.interval, b.interval))
}

// group is everything the runner knows of one (quantity, interval).
type group struct {
	groupKey
	steps []int          // ahead, in intervals
	rows  []geo.SensorID // ascending
	index map[geo.SensorID]int

	fit     *fitted // nil before the first Refresh
	floor   float32 // of the quantity
	ceil    float32
	pending []pendingGroup
	score   *scoreboard
	window  *Window
	raw     *Rows
	second  *Rows // what the baseline says beside a learned model
	origin  time.Time
	doubt   map[int]live.Reason // of rows whose newest values the feed mistrusts
	told    map[int]told        // of silent rows, by others
	ages    []int               // of the newest value of each row, in intervals
	lasts   []float32           // the newest values
}

// fitted is what a fit made of a group; models inside are immutable, the
// conformal layer belongs to Tick.
type fitted struct {
	profile   *Profile
	profileOf []int32 // row of the profile for each row of the group
	decay     *Decay
	model     Model      // serving
	key       string     // of the serving model on the shelf
	conformal *Conformal // of the serving model
	own       *Conformal // of the baseline
	former    []served   // that served before, newest first, for Rollback
	recalled  bool       // the shelf was asked
	lesson    lesson
	freeFlow  []float32 // per row, km/h; speed groups only
	threshold []float32 // per row, km/h: congested below; speed groups only
	links     *Links
	relatives *relatives // nil: nobody speaks for silent rows
	until     time.Time
	notes     []string
}

// pastOf is how much past a window shows: two hours, in at least 12 and at
// most 120 intervals.
func pastOf(interval time.Duration) int {
	return min(120, max(12, int(2*time.Hour/interval)))
}

// airHours are the hours ahead that are published of air and weather where they
// are measured every ten minutes to every hour: the next four, then up to three
// days.
var airHours = [...]int{1, 2, 3, 4, 6, 9, 12, 18, 24, 36, 48, 72}

// horizonSteps returns the steps ahead that are published for a group: 15, 30,
// 45 and 60 minutes where the data is at least that fine, else the next four
// intervals (four, so that three lie wholly after the tick); airHours of air
// and weather.
func (r *Runner) horizonSteps(key groupKey) []int {
	interval := key.interval
	var steps []int
	if n := r.opt.EveryStep; n > 0 {
		for s := 1; s <= n; s++ {
			steps = append(steps, s)
		}
		return steps
	}
	if perHour := int(time.Hour / interval); !key.quantity.IsTraffic() && perHour >= 1 && perHour <= 6 {
		for _, h := range airHours {
			steps = append(steps, h*perHour)
		}
		return steps
	}
	unit := max(1, int(15*time.Minute/interval))
	for k := 1; k <= 4; k++ {
		steps = append(steps, k*unit)
	}
	return steps
}

// newGroup returns a group without a fit.
func (r *Runner) newGroup(key groupKey, rows []geo.SensorID) *group {
	g := &group{groupKey: key, steps: r.horizonSteps(key), rows: rows, index: make(map[geo.SensorID]int, len(rows)), doubt: map[int]live.Reason{},
		told: map[int]told{}, ages: make([]int, len(rows)), lasts: make([]float32, len(rows))}
	for i, s := range rows {
		g.index[s] = i
	}
	g.floor, g.ceil = bounds(key.quantity)
	g.window = NewWindow(len(rows), pastOf(key.interval), g.steps)
	g.raw, g.second = NewRows(len(rows), len(g.steps)), NewRows(len(rows), len(g.steps))
	g.score = newScoreboard(r, g)
	return g
}

// bounds returns the range of a quantity in its canonical unit.
func bounds(q geo.Quantity) (floor, ceil float32) {
	const unbounded = 3e38
	switch {
	case q == geo.Occupancy:
		return 0, 1
	case q == geo.Humidity:
		return 0, 100
	case q == geo.Temperature:
		return -unbounded, unbounded
	}
	return 0, unbounded
}

// seriesByGroup splits a snapshot's series into groups, in order. Series whose
// interval is unknown cannot be forecast; a wind direction has no median.
func seriesByGroup(snap *live.Snapshot) ([]groupKey, map[groupKey][]geo.SensorID) {
	rows := map[groupKey][]geo.SensorID{}
	var keys []groupKey
	for _, s := range snap.Series {
		if s.Interval <= 0 || s.Quantity == geo.WindDirection || s.Sensor == geo.NoSensor {
			continue
		}
		k := groupKey{s.Quantity, s.Interval}
		if rows[k] == nil {
			keys = append(keys, k)
		}
		rows[k] = append(rows[k], s.Sensor)
	}
	slices.SortFunc(keys, groupKey.compare)
	for _, k := range keys {
		slices.Sort(rows[k])
	}
	return keys, rows
}

// align makes the runner's groups those of the snapshot; a group whose series
// are unchanged is kept with all it learned. The caller holds mu.
func (r *Runner) align(snap *live.Snapshot) {
	keys, rows := seriesByGroup(snap)
	out := make([]*group, 0, len(keys))
	for _, k := range keys {
		old := r.group(k)
		if old != nil && slices.Equal(old.rows, rows[k]) {
			out = append(out, old)
			continue
		}
		g := r.newGroup(k, rows[k])
		if old != nil && old.fit != nil {
			g.fit = old.fit.remap(old, g)
		}
		out, r.roads = append(out, g), nil
	}
	if len(out) != len(r.groups) {
		r.roads = nil
	}
	r.groups = out
}

func (r *Runner) group(k groupKey) *group {
	for _, g := range r.groups {
		if g.groupKey == k {
			return g
		}
	}
	return nil
}

// remap carries a fit over to changed rows: the profile is found by sensor,
// the serving model falls back to the baseline, which is fitted again at the
// next Refresh.
func (f *fitted) remap(old, g *group) *fitted {
	n := *f
	n.profileOf = make([]int32, len(g.rows))
	n.freeFlow, n.threshold = remapColumn(f.freeFlow, old, g), remapColumn(f.threshold, old, g)
	for i, s := range g.rows {
		n.profileOf[i] = -1
		if o, ok := old.index[s]; ok {
			n.profileOf[i] = f.profileOf[o]
		}
	}
	n.decay = &Decay{card: f.decay.card}
	n.model, n.key, n.former, n.links, n.relatives = n.decay, "", nil, nil, nil
	n.recalled, n.lesson = false, lesson{}
	n.conformal = newConformal(len(g.rows), len(g.steps), DefaultConformal())
	n.conformal.scores, n.conformal.level, n.conformal.factor = f.conformal.scores, f.conformal.level, f.conformal.factor
	n.own = n.conformal
	n.notes = []string{"sensors changed since the fit"}
	return &n
}

func remapColumn(col []float32, old, g *group) []float32 {
	if col == nil {
		return nil
	}
	out := make([]float32, len(g.rows))
	for i, s := range g.rows {
		out[i] = missing
		if o, ok := old.index[s]; ok {
			out[i] = col[o]
		}
	}
	return out
}
