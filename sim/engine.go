package sim

import (
	"context"
	"math"
	"time"

	"tideway/geo"
	"tideway/internal/parallel"
)

// Engine is a run that is stepped by hand. It is not safe for concurrent use;
// inside a step it uses Input.Threads cores.
type Engine struct {
	in                  Input
	net                 *network
	kinds               []kind
	looks               *outlooks
	step                time.Duration
	dt                  float64 // step in seconds
	tick                int64   // steps done
	nowS                float64 // time since Input.Begin
	longestM            float64 // longest vehicle
	reachM              float64 // farther than any vehicle drives in a step, and the longest
	halfLife, slowDecay float64 // of inclinations in a step: half and four fifths a second
	memory              float32 // share of veh.aheadV that a step leaves

	road    [][]veh   // by track, front first
	reached []int32   // by link: tick at which a vehicle last lay over it
	hung    []int32   // by track: the latest of those of the links that leave it
	fill    []float64 // by track: length taken by its vehicles with their gaps, as of the last step
	stood   []int32   // by track: tick at which somebody came to stand on it other than by driving
	cars    []car
	free    []carID
	halts   [][]haltPlan // by car

	trips    []scheduled
	status   []tripStatus
	pathSeg  []geo.SegmentID
	pathLook []lookID
	paths    pathStore
	queue    insertion

	lights  []byte // state of every signal group
	greens  []greenTimes
	signals []signalHead

	now, before                                       *approaches // of this step and the one before
	asked                                             []int32     // by link: tick at which somebody last asked who comes to it
	active                                            activity
	shard                                             int // tracks of a shard
	plan, late, far, rest, move, frozen, change, seek phase
	threads                                           int
	planners                                          []planner
	movers                                            []mover
	changers                                          []changer
	ends                                              []trackEnds

	intervalTicks int64
	tally         tally
	totals        totals
	detectors     []detector
	readings      []DetectorReading
	samples       []Sample
	guide         guide
	openRoutes    map[[2]uint32]bool
	jumpers, air  []veh // released: just now, and looking for a place on their route
	idle          int64 // steps in a row in which vehicles were on the road and none moved
}

// New compiles the city and its demand into an engine that stands at
// Input.Begin. It returns every problem of the input.
func New(in Input) (*Engine, error) {
	if err := in.Check(); err != nil {
		return nil, err
	}
	if in.Step == 0 {
		in.Step = defaultStep
	}
	e := &Engine{in: in, net: compile(in.City), step: in.Step, dt: in.Step.Seconds(), threads: parallel.Threads(in.Threads), shard: shardTracks}
	e.halfLife, e.slowDecay = math.Pow(0.5, e.dt), math.Pow(0.8, e.dt)
	e.memory = float32(1 - (1-aheadMemory)*e.dt)
	e.intervalTicks = int64(in.Interval / in.Step)
	e.road = make([][]veh, len(e.net.tracks))
	e.fill, e.stood = make([]float64, len(e.net.tracks)), make([]int32, len(e.net.tracks))
	e.reached, e.hung = make([]int32, len(e.net.links)), make([]int32, len(e.net.tracks))
	for q := range e.reached {
		e.reached[q] = -2
	}
	e.gatherHung()
	e.now, e.before = newApproaches(len(e.net.links), e.threads > 1), newApproaches(len(e.net.links), e.threads > 1)
	e.asked = make([]int32, len(e.net.links))
	e.ends = make([]trackEnds, len(e.net.tracks))
	e.active.listed = make([]bool, len(e.net.tracks))
	e.plan, e.late, e.far, e.rest = e.planShard, e.lateShard, e.farShard, e.restShard
	e.move, e.frozen, e.change, e.seek = e.moveShard, e.freezeShard, e.changeShard, e.findShard
	e.looks = newOutlooks(e.net)
	e.paths.shared = map[[2]uint32]span{}
	e.tally = newTally(e.net)
	e.addKinds()
	e.addDetectors()
	e.startSignals()
	if err := e.addTrips(in.Demand.Trips); err != nil {
		return nil, err
	}
	return e, nil
}

func (e *Engine) addKinds() {
	for _, t := range e.in.Demand.Types {
		k := newKind(t, e.step)
		e.kinds = append(e.kinds, k)
		e.longestM = max(e.longestM, k.lengthM)
		e.reachM = max(e.reachM, k.maxMPS*e.dt+e.longestM)
	}
}

// Step advances by one step: signals; every vehicle's plan from the old state;
// the decisions that depend on others' approaches; movement; handing over;
// lane changes; insertion.
func (e *Engine) Step() {
	e.tick++
	e.nowS = float64(e.tick) * e.dt
	e.stepSignals()
	e.now, e.before = e.before, e.now
	e.now.reset(e.tick)
	e.tidy()
	e.pack()
	e.admit()
	e.each(e.plan)
	e.each(e.late)
	e.each(e.far)
	e.each(e.rest)
	e.each(e.move)
	e.renew()
	e.tally.queues(e)
	e.handOver()
	e.release()
	e.changeLanes()
	e.insert()
	e.observe()
	e.tally.endStep(e)
}

func (e *Engine) planShard(s parallel.Shard) {
	p := &e.planners[s.Index]
	for _, t := range e.active.tracks[s.Begin:s.End] {
		p.track(t)
	}
}

func (e *Engine) farShard(s parallel.Shard) { e.planners[s.Index].announceFar() }

func (e *Engine) lateShard(s parallel.Shard) { e.planners[s.Index].decideLate() }

func (e *Engine) restShard(s parallel.Shard) { e.planners[s.Index].decideRest() }

func (e *Engine) moveShard(s parallel.Shard) {
	m := &e.movers[s.Index]
	for _, t := range e.active.tracks[s.Begin:s.End] {
		m.track(t)
	}
}

// Time returns the time the engine has reached.
func (e *Engine) Time() time.Duration { return e.in.Begin + time.Duration(e.tick)*e.step }

// Done reports whether the run has reached its end as Input defines it. With
// UntilClear that is the time when nobody is on the road or waits to depart, or
// nobody has moved for gridlockAfter.
func (e *Engine) Done() bool {
	if e.in.End == 0 || e.Time() < e.in.End {
		return false
	}
	return !e.in.UntilClear || e.totals.onRoad == 0 && e.queue.waiting == 0 || e.gridlocked()
}

// gridlockAfter is how long nobody must have moved to call it a gridlock.
const gridlockAfter = 30 * time.Minute

func (e *Engine) gridlocked() bool { return time.Duration(e.idle)*e.step >= gridlockAfter }

// Progress tells how far a run is.
type Progress struct {
	Time      time.Duration
	Share     float64 // of the period [Begin, End); 1 while clearing
	OnRoad    int
	Completed int
}

// Progress returns how far the engine is.
func (e *Engine) Progress() Progress {
	p := Progress{Time: e.Time(), OnRoad: e.totals.onRoad, Completed: e.totals.completed}
	if e.in.End > e.in.Begin {
		p.Share = min(1, float64(e.Time()-e.in.Begin)/float64(e.in.End-e.in.Begin))
	}
	return p
}

// Run simulates Input to its end. It calls progress, when not nil, about once
// per simulated minute, and stops with ctx's error when ctx ends.
func Run(ctx context.Context, in Input, progress func(Progress)) (*Result, error) {
	e, err := New(in)
	if err != nil {
		return nil, err
	}
	every := max(1, int64(time.Minute/e.step))
	for !e.Done() {
		e.Step()
		if e.tick%every != 0 {
			continue
		}
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if progress != nil {
			progress(e.Progress())
		}
	}
	return e.Result(), ctx.Err()
}
