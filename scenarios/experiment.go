package scenarios

import (
	"context"
	"fmt"
	"math"

	"gonum.org/v1/gonum/stat"

	"tideway/geo"
	"tideway/internal/parallel"
	"tideway/sim"
	"tideway/unit"
)

// Experiment is a base and its alternatives, to be simulated with the same
// random streams.
type Experiment struct {
	Base         *Case
	Alternatives []*Case
	Period       sim.Input // template: City, Demand, Seed, Threads and Log are set per run

	Seed         uint64 // replication r uses Seed + r, for base and alternatives alike
	Replications int    // at least; 0: 5
	Most         int    // above Replications: more are added until every alternative's interval of the delay difference is small enough
	Tolerance    unit.Share
	Poisson      bool // draw departures per replication (DrawDepartures) instead of the demand's own
	Threads      int  // 0: all cores; the result does not depend on it
	Engine       string
	Map          bool        // keep the differences per segment
	Enough       func() bool // asked after every replication of all sides from the second on: true ends the experiment; nil: never
	Tick         func()      // called about once per simulated minute of every simulation, from any goroutine; nil: nobody wants to know

	Air *Air // nil: no indicators of the air

	Simulate Simulate // nil: sim.Run
}

// Simulate runs one simulation, as sim.Run does.
type Simulate func(context.Context, sim.Input, func(sim.Progress)) (*sim.Result, error)

// DefaultReplications is the least number of replications for a verdict.
const DefaultReplications = 5

// defaultTolerance is the half-width of the delay difference that is small
// enough, as a share of the base's delay.
const defaultTolerance = 2 * unit.Percent

// Steps tells how many simulations have finished out of those planned so far.
type Steps struct{ Done, Total int }

// Compare runs the experiment and returns the differences with their
// intervals. progress, when not nil, is called after every simulation, from
// one goroutine at a time. It stops with ctx's error when ctx ends.
func (e *Experiment) Compare(ctx context.Context, progress func(Steps)) (*Comparison, error) {
	x := *e
	if x.Replications == 0 {
		x.Replications = DefaultReplications
	}
	if x.Tolerance == 0 {
		x.Tolerance = defaultTolerance
	}
	if x.Simulate == nil {
		x.Simulate = sim.Run
	}
	t := &trial{Experiment: &x, measures: measures(x.Base), progress: progress}
	t.sides, t.places = make([][]outcome, 1+len(x.Alternatives)), placesOf(x.Base, x.Alternatives)
	if err := t.openAir(); err != nil {
		return nil, err
	}
	if x.Enough != nil {
		return t.untilEnough(ctx)
	}
	for want := x.Replications; ; {
		if err := t.extend(ctx, want); err != nil {
			return nil, err
		}
		more := t.needed()
		if more <= want {
			return t.comparison(), nil
		}
		want = more
	}
}

// untilEnough simulates replication by replication.
func (t *trial) untilEnough(ctx context.Context) (*Comparison, error) {
	for want := 2; ; want++ {
		if err := t.extend(ctx, want); err != nil {
			return nil, err
		}
		if want >= max(t.Replications, t.Most) || t.Enough() {
			return t.comparison(), nil
		}
	}
}

// outcome is what is kept of one simulation.
type outcome struct {
	values     []float64 // by measure
	local      []float64 // by place and its measures
	gridlocked bool
	unfinished float64
	released   float64
	hash       string
	speed      []float32
	delay      []float32
	flow       []float32
	no2, pm25  []unit.Concentration // by zone
}

// trial is an experiment under way. sides[0] is the base; sides[i][r] is
// replication r.
type trial struct {
	*Experiment
	measures []measure
	places   []site
	sides    [][]outcome
	progress func(Steps)
	air      *airTrial // nil: the air is not asked for
}

type job struct{ side, replication int }

// extend simulates what is missing up to n replications of every side.
func (t *trial) extend(ctx context.Context, n int) error {
	var jobs []job
	for r := len(t.sides[0]); r < n; r++ {
		for s := range t.sides {
			jobs = append(jobs, job{s, r})
		}
	}
	done := make(chan struct{}, len(jobs))
	counted := make(chan struct{})
	go t.count(done, counted, n)
	results, err := parallel.MapErr(ctx, t.Threads, jobs, func(ctx context.Context, j job) (outcome, error) {
		o, err := t.run(ctx, j)
		if err == nil {
			done <- struct{}{}
		}
		return o, err
	})
	close(done)
	<-counted
	if err != nil {
		return err
	}
	for i, j := range jobs {
		t.sides[j.side] = append(t.sides[j.side], results[i])
	}
	return nil
}

// count passes progress on from a single goroutine.
func (t *trial) count(done <-chan struct{}, counted chan<- struct{}, n int) {
	defer close(counted)
	steps := Steps{Done: len(t.sides[0]) * len(t.sides), Total: n * len(t.sides)}
	for range done {
		steps.Done++
		if t.progress != nil {
			t.progress(steps)
		}
	}
}

func (t *trial) side(i int) *Case {
	if i == 0 {
		return t.Base
	}
	return t.Alternatives[i-1]
}

func (t *trial) run(ctx context.Context, j job) (outcome, error) {
	c := t.side(j.side)
	in := t.Period
	in.City, in.Demand, in.Seed, in.Threads, in.Log = c.City, c.Demand, t.Seed+uint64(j.replication), 1, true
	if t.Poisson {
		in.Demand = DrawDepartures(c.Demand, in.Seed)
	}
	if len(c.Incidents) > 0 {
		in.Demand = drawIncidents(in.Demand, c.Incidents, in.Seed)
	}
	res, err := t.Simulate(ctx, in, simulated(t.Tick))
	if err != nil {
		return outcome{}, fmt.Errorf("simulating %s, replication %d: %w", c.Name, j.replication+1, err)
	}
	r := &reading{in: &in, res: res}
	if t.air != nil {
		if r.air, err = t.air.sides[j.side].breathe(&in, res); err != nil {
			return outcome{}, fmt.Errorf("air of %s, replication %d: %w", c.Name, j.replication+1, err)
		}
	}
	return t.keep(r), nil
}

func (t *trial) keep(r *reading) outcome {
	s := &r.res.Summary
	o := outcome{values: make([]float64, len(t.measures)), gridlocked: s.Gridlocked || r.in.UntilClear && s.Unfinished+s.NeverInserted > s.NoRoute,
		unfinished: unfinished(s), released: float64(s.Released), hash: s.StateHash}
	for i, m := range t.measures {
		o.values[i] = m.of(r)
		if o.gridlocked && !m.whole {
			o.values[i] = math.NaN()
		}
	}
	o.local = t.readPlaces(r, o.gridlocked)
	if r.air != nil {
		o.no2, o.pm25 = r.air.no2, r.air.pm25
	}
	if t.Map {
		o.speed, o.delay, o.flow = perSegment(r)
	}
	return o
}

// perSegment sums the intervals of a run.
func perSegment(r *reading) (speed, delay, flow []float32) {
	t := &r.res.Segments
	n := t.Segments
	speed, delay, flow = make([]float32, n), make([]float32, n), make([]float32, n)
	hours := float32(r.res.Summary.StepS * float64(r.res.Summary.Steps) / 3600)
	for s := range n {
		var seconds, distance float32
		for k := range t.Intervals {
			row := t.Row(k, geo.SegmentID(s))
			seconds += t.VehicleS[row]
			distance += t.VehicleS[row] * t.SpeedKMH[row]
			delay[s] += t.TimeLossS[row]
			flow[s] += float32(t.Entered[row])
		}
		speed[s] = float32(r.in.City.Segments.At(geo.SegmentID(s)).Limit.KMH())
		if seconds > 0 {
			speed[s] = distance / seconds
		}
		if hours > 0 {
			flow[s] /= hours
		}
	}
	return speed, delay, flow
}

// needed returns how many replications the intervals of the delay still ask
// for: at most Most, never fewer than there are.
func (t *trial) needed() int {
	have := len(t.sides[0])
	if t.Most <= have {
		return have
	}
	most := have
	for i := range t.Alternatives {
		base, alt := t.values(0, 0), t.values(i+1, 0)
		d := make([]float64, have)
		for r := range d {
			d[r] = alt[r] - base[r]
		}
		wanted := float64(t.Tolerance) * math.Abs(stat.Mean(base, nil))
		if sd := stat.StdDev(d, nil); sd > 0 && wanted > 0 {
			most = max(most, ReplicationsNeeded(sd, wanted, have, t.Most))
		}
	}
	return most
}

// values returns a measure over the replications of a side.
func (t *trial) values(side, measure int) []float64 {
	out := make([]float64, len(t.sides[side]))
	for r, o := range t.sides[side] {
		out[r] = o.values[measure]
	}
	return out
}
