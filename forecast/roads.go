package forecast

import (
	"math"
	"time"

	"tideway/geo"
	"tideway/internal/parallel"
	"tideway/live"
	"tideway/unit"
)

// roadPlan tells for every segment where its outlook comes from. It is rebuilt
// when groups or fits change.
type roadPlan struct {
	speed, flow rowsOf
	freeFlow    []float32 // km/h
	capacity    []float32 // veh/h, all lanes
	lanes       []int
	source      []bool   // segments others learn from
	kin         *kinship // sources of segments without sensors
	base        int      // finest traffic group, -1 when none
}

// rowsOf lists the group rows that stand on each segment.
type rowsOf struct {
	begin []int32
	refs  []rowRef
}

type rowRef struct {
	group int // position in Runner.groups, -1 when none
	row   int32
	lane  bool // it covers one lane, not the segment
}

func (r rowsOf) at(s int) []rowRef { return r.refs[r.begin[s]:r.begin[s+1]] }

// plan builds the road plan.
func (r *Runner) plan() *roadPlan {
	n := r.opt.City.Segments.Len()
	p := &roadPlan{freeFlow: make([]float32, n), capacity: make([]float32, n), lanes: make([]int, n), base: -1}
	p.speed, p.flow = r.rowsOn(geo.Speed), r.rowsOn(geo.Flow)
	for i, g := range r.groups {
		if p.base < 0 && (g.quantity == geo.Speed || g.quantity == geo.Flow) && len(g.rows) > 0 {
			p.base = i
		}
	}
	for id, s := range r.opt.City.Segments.All() {
		_, p.lanes[id] = r.opt.City.LanesOf(id)
		p.freeFlow[id] = r.segmentFreeFlow(p.speed.at(int(id)), s)
		p.capacity[id] = float32(s.Capacity.VPH())
		if s.Capacity <= 0 {
			p.capacity[id] = float32(laneCapacity(s.Class).VPH()) * float32(max(1, p.lanes[id]))
		}
	}
	p.source = p.sources()
	p.kin = newKinship(r.graph, p.source)
	return p
}

// rowsOn lists the rows of a quantity by segment, those of the finest interval
// first: groups are in that order.
func (r *Runner) rowsOn(q geo.Quantity) rowsOf {
	lists := make([][]rowRef, r.opt.City.Segments.Len())
	for i, g := range r.groups {
		if g.quantity != q {
			continue
		}
		for row, id := range g.rows {
			s := r.opt.City.Sensors.At(id)
			if s.Segment == geo.NoSegment {
				continue
			}
			lists[s.Segment] = append(lists[s.Segment], rowRef{group: i, row: int32(row), lane: s.Lane != geo.NoLane})
		}
	}
	out := rowsOf{begin: make([]int32, len(lists)+1)}
	for i, l := range lists {
		out.refs = append(out.refs, l...)
		out.begin[i+1] = int32(len(out.refs))
	}
	return out
}

// speaking returns the rows of one group: of the finest that was ever heard of
// here, else of the finest. Devices that are listed and silent stand in nobody's
// way.
func (f *Forecast) speaking(refs []rowRef) (of []rowRef, heard bool) {
	for rest := refs; len(rest) > 0; rest = rest[len(of):] {
		of = firstGroup(rest)
		for _, ref := range of {
			if f.Groups[ref.group].Series[ref.row].Source != Prior {
				return of, true
			}
		}
	}
	return firstGroup(refs), false
}

// firstGroup returns the leading rows that are of one group.
func firstGroup(refs []rowRef) []rowRef {
	n := 0
	for n < len(refs) && refs[n].group == refs[0].group {
		n++
	}
	return refs[:n]
}

// segmentFreeFlow is the mean of what its sensors saw at free flow, else the
// speed limit.
func (r *Runner) segmentFreeFlow(refs []rowRef, s geo.Segment) float32 {
	sum, n := float32(0), float32(0)
	for _, ref := range refs {
		if f := r.groups[ref.group].fit; f != nil && f.freeFlow != nil && !isMissing(f.freeFlow[ref.row]) {
			sum, n = sum+f.freeFlow[ref.row], n+1
		}
	}
	if n == 0 {
		return float32(s.Limit.KMH())
	}
	return sum / n
}

// laneCapacity is the flow that a lane carries at most where the city does not
// say: base values of the Highway Capacity Manual for uninterrupted roads,
// and a saturation flow of 1800 veh/h with 50 to 30 % of green on streets.
func laneCapacity(c geo.RoadClass) unit.Flow {
	return [...]unit.Flow{
		geo.Motorway: 2200 * unit.VPH, geo.Trunk: 1900 * unit.VPH, geo.Primary: 900 * unit.VPH, geo.Secondary: 800 * unit.VPH,
		geo.Tertiary: 700 * unit.VPH, geo.Residential: 550 * unit.VPH, geo.Service: 400 * unit.VPH, geo.OtherRoad: 500 * unit.VPH,
	}[min(c, geo.OtherRoad)]
}

// sources lists the segments that others learn from: those with speeds, else
// those with counts.
func (p *roadPlan) sources() []bool {
	out, any := make([]bool, len(p.freeFlow)), false
	for s := range out {
		out[s] = len(p.speed.at(s)) > 0
		any = any || out[s]
	}
	for s := range out {
		out[s] = out[s] || !any && len(p.flow.at(s)) > 0
	}
	return out
}

// spread fills the outlook of roads and zones from the groups.
func (r *Runner) spread(f *Forecast, snap *live.Snapshot) {
	if r.roads == nil {
		r.roads = r.plan()
	}
	n := r.opt.City.Segments.Len()
	f.Roads = Roads{Models: []string{priorName}, ModelOf: make([]uint8, n), Now: make([]RoadNow, n)}
	for i := range f.Groups {
		f.Roads.Models = append(f.Roads.Models, f.Groups[i].Model)
	}
	r.horizons(f)
	h := len(f.Roads.Horizons)
	f.Roads.Speed, f.Roads.FlowVPH, f.Roads.LOS = NewBands(n, h), make([]float32, n*h), make([]LOS, n*h)
	each := func(do func(s int)) {
		parallel.ForShards(r.opt.Threads, n, 1024, func(sh parallel.Shard) {
			for s := sh.Begin; s < sh.End; s++ {
				do(s)
			}
		})
	}
	each(func(s int) { r.sensed(f, snap, s) })
	city := r.meanOutlook(f)
	each(func(s int) {
		if f.Roads.Now[s].Source == unset {
			r.unsensed(f, s, &city)
		}
	})
	each(func(s int) { r.judge(f, s) })
	r.incidents(f)
	r.zoneOutlooks(f)
}

// unset marks segments that no sensor spoke of yet; it is never published.
const unset Source = 255

// base returns the group that sets the horizons: the finest of traffic that was
// ever heard of, else the finest, -1 when there is none.
func (r *Runner) base(f *Forecast) int {
	for i := range f.Groups {
		g := &f.Groups[i]
		if g.Quantity != geo.Speed && g.Quantity != geo.Flow {
			continue
		}
		for _, row := range g.Series {
			if row.Source != Prior {
				return i
			}
		}
	}
	return r.roads.base
}

// horizons sets the instants the road outlook speaks of: those of the finest
// traffic group whose intervals lie ahead of the tick.
func (r *Runner) horizons(f *Forecast) {
	base := r.base(f)
	if base < 0 {
		for k := 1; k <= 4; k++ {
			f.Roads.Horizons = append(f.Roads.Horizons, time.Duration(k)*15*time.Minute)
		}
		return
	}
	g := &f.Groups[base]
	coarse := g.Interval > 15*time.Minute && r.opt.EveryStep == 0
	for _, h := range g.Horizons {
		ahead := g.Origin.Add(h).Sub(f.IssuedAt)
		if !coarse || ahead >= g.Interval/2 && len(f.Roads.Horizons) < 3 {
			f.Roads.Horizons = append(f.Roads.Horizons, ahead)
		}
	}
}

// column returns the horizon of a group whose interval contains an instant,
// the last one when it lies beyond.
func (g *Group) column(at time.Time) int {
	for i, h := range g.Horizons {
		if !g.Origin.Add(h).Before(at) {
			return i
		}
	}
	return len(g.Horizons) - 1
}

// sensed fills a segment that has sensors of its own.
func (r *Runner) sensed(f *Forecast, snap *live.Snapshot, s int) {
	now := &f.Roads.Now[s]
	*now = RoadNow{Source: unset, FreeFlowKMH: r.roads.freeFlow[s], SpeedKMH: missing, TypicalKMH: missing, FlowVPH: missing, Onset: -1, Clear50: -1, Clear90: -1}
	flows := r.flows(f, s)
	refs, heard := f.speaking(r.roads.speed.at(s))
	switch counted := len(flows) > 0 && !isMissing(now.FlowVPH); {
	case heard || len(refs) > 0 && !counted:
		r.speeds(f, snap, s, refs)
		return
	case counted:
		r.derive(f, s, flows)
		return
	}
	if r.roads.source[s] {
		f.prior(s)
	}
}

// prior fills a segment of which nothing is known.
func (f *Forecast) prior(s int) {
	now := &f.Roads.Now[s]
	now.Source, now.SpeedKMH = Prior, now.FreeFlowKMH
	for i := range f.Roads.Horizons {
		f.Roads.Speed.Set(s, i, priorSpeed(now.FreeFlowKMH))
	}
}

// flows fills the measured and expected flow of all lanes: the mean of sensors
// that cover the segment, else the mean of lane sensors times the lanes. It
// returns the rows used.
func (r *Runner) flows(f *Forecast, s int) []rowRef {
	h := len(f.Roads.Horizons)
	fill(f.Roads.FlowVPH[s*h:(s+1)*h], missing)
	refs, _ := f.speaking(r.roads.flow.at(s))
	if len(refs) == 0 {
		return nil
	}
	g := &f.Groups[refs[0].group]
	f.Roads.Now[s].FlowVPH = r.lanesMean(refs, s, func(row int32) float32 {
		if v := g.Series[row].Last; g.Series[row].Age <= 2*g.Interval && !isMissing(v) {
			return v
		}
		return g.Bands.Value[int(row)*g.Bands.Horizons]
	})
	for i, ahead := range f.Roads.Horizons {
		c := g.column(f.IssuedAt.Add(ahead))
		f.Roads.FlowVPH[s*h+i] = r.lanesMean(refs, s, func(row int32) float32 { return g.Bands.Value[int(row)*g.Bands.Horizons+c] })
	}
	return refs
}

func (r *Runner) lanesMean(refs []rowRef, s int, value func(row int32) float32) float32 {
	var sum, n [2]float32
	for _, ref := range refs {
		if v := value(ref.row); !isMissing(v) {
			k := int(one(ref.lane))
			sum[k], n[k] = sum[k]+v, n[k]+1
		}
	}
	if n[0] > 0 {
		return sum[0] / n[0]
	}
	return sum[1] / n[1] * float32(max(1, r.roads.lanes[s]))
}

// speeds fills a segment from its speed sensors: the mean of their
// distributions.
func (r *Runner) speeds(f *Forecast, snap *live.Snapshot, s int, refs []rowRef) {
	g := &f.Groups[refs[0].group]
	now := &f.Roads.Now[s]
	now.Source, now.Age = Prior, math.MaxInt64
	f.Roads.ModelOf[s] = uint8(1 + refs[0].group)
	last, typical := mean{}, mean{}
	for _, ref := range refs {
		row := g.Series[ref.row]
		if row.Source < now.Source || row.Source == now.Source && row.Age < now.Age {
			now.Source, now.Age = row.Source, row.Age
		}
		switch row.Source {
		case Observed:
			last.add(row.Last)
		case Imputed:
			last.add(r.groups[ref.group].estimate(int(ref.row)))
		}
		typical.add(g.Typical[int(ref.row)*g.Bands.Horizons])
	}
	for i, ahead := range f.Roads.Horizons {
		f.Roads.Speed.Set(s, i, meanPoint(g, refs, g.column(f.IssuedAt.Add(ahead))))
	}
	now.SpeedKMH, now.TypicalKMH = last.value(), typical.value()
	switch {
	case now.Source == Observed:
		now.At = g.Origin.Add(-now.Age)
	case now.Source == Imputed:
		now.At, now.Age = lastSeen(snap, s)
	case now.Source == Typical:
		now.SpeedKMH = now.TypicalKMH
		now.At, now.Age = lastSeen(snap, s)
	default:
		now.SpeedKMH = now.FreeFlowKMH
		now.At, now.Age = time.Time{}, 0
	}
	if !now.At.IsZero() {
		now.Age = f.IssuedAt.Sub(now.At)
	}
}

func lastSeen(snap *live.Snapshot, s int) (time.Time, time.Duration) {
	if s < len(snap.Roads) && !snap.Roads[s].At.IsZero() {
		return snap.Roads[s].At, snap.At.Sub(snap.Roads[s].At)
	}
	return time.Time{}, 0
}

type mean struct{ sum, n float32 }

func (m *mean) add(v float32) {
	if !isMissing(v) {
		m.sum, m.n = m.sum+v, m.n+1
	}
}

func (m *mean) value() float32 { return m.sum / m.n }

// meanPoint averages the distributions of rows quantile by quantile.
func meanPoint(g *Group, refs []rowRef, c int) Point {
	var m [6]mean
	for _, ref := range refs {
		p := g.Bands.At(int(ref.row), c)
		for i, v := range [6]float32{p.Value, p.Lo50, p.Hi50, p.Lo90, p.Hi90, p.PCongested} {
			m[i].add(v)
		}
	}
	return Point{m[0].value(), m[1].value(), m[2].value(), m[3].value(), m[4].value(), m[5].value()}
}

// derive estimates speeds from flow over capacity where only vehicles are
// counted: the delay function of the US Bureau of Public Roads (1964), travel
// time = free-flow time × (1 + 0.15 (q/c)^4). It cannot see a jam, whose flow
// is low: hence an interval that reaches far down.
func (r *Runner) derive(f *Forecast, s int, refs []rowRef) {
	g := &f.Groups[refs[0].group]
	now, free := &f.Roads.Now[s], r.roads.freeFlow[s]
	at := func(flow float32) float32 {
		x := float64(flow / r.roads.capacity[s])
		return free / float32(1+.15*x*x*x*x)
	}
	now.Source, now.SpeedKMH, now.LOSDerived = Derived, at(now.FlowVPH), true
	now.At = g.Origin.Add(-g.Series[refs[0].row].Age)
	now.Age = f.IssuedAt.Sub(now.At)
	if g.Series[refs[0].row].Source != Observed {
		now.Source = g.Series[refs[0].row].Source
	}
	f.Roads.ModelOf[s] = uint8(1 + refs[0].group)
	now.TypicalKMH = missing
	for i := range f.Roads.Horizons {
		v := at(f.Roads.FlowVPH[s*len(f.Roads.Horizons)+i])
		f.Roads.Speed.Set(s, i, Point{Value: v, Lo50: .8 * v, Hi50: min(free, 1.1*v), Lo90: .4 * v, Hi90: 1.15 * free, PCongested: missing})
	}
}

// judge fills what follows from the speeds: level of service, probability of
// congestion where missing, confidence, onset and time to clear.
func (r *Runner) judge(f *Forecast, s int) {
	now, h := &f.Roads.Now[s], len(f.Roads.Horizons)
	seg := r.opt.City.Segments.At(geo.SegmentID(s))
	threshold := r.segmentThreshold(s, seg.Class)
	free := unit.Speed(now.FreeFlowKMH) * unit.KMH
	level := func(speed, flow float32) LOS {
		if now.LOSDerived {
			return FlowLOS(unit.Flow(flow)*unit.VPH, unit.Flow(r.roads.capacity[s])*unit.VPH)
		}
		return SpeedLOS(unit.Speed(speed)*unit.KMH, free)
	}
	now.LOS = level(now.SpeedKMH, now.FlowVPH)
	for i := range h {
		p := f.Roads.Speed.At(s, i)
		if isMissing(p.PCongested) {
			p.PCongested = p.below(threshold)
			f.Roads.Speed.Set(s, i, p)
		}
		f.Roads.LOS[s*h+i] = level(p.Value, f.Roads.FlowVPH[s*h+i])
	}
	if h > 0 {
		p := f.Roads.Speed.At(s, 0)
		now.Confidence = max(0, min(1, 1-(p.Hi50-p.Lo50)/now.FreeFlowKMH))
	}
	r.turns(f, s, now.SpeedKMH < threshold)
}

func (r *Runner) segmentThreshold(s int, class geo.RoadClass) float32 {
	if v := r.opt.CongestedBelow; v > 0 {
		return float32(v.KMH())
	}
	return float32(CongestedShare(class)) * r.roads.freeFlow[s]
}

// turns fills when congestion is expected to begin or to end: where the
// probability crosses its level, linear between the horizons.
func (r *Runner) turns(f *Forecast, s int, jam bool) {
	now := &f.Roads.Now[s]
	now.Onset, now.Clear50, now.Clear90 = -1, -1, -1
	if jam {
		now.Clear50, now.Clear90 = r.crossing(f, s, 1, .5, false), r.crossing(f, s, 1, .1, false)
		return
	}
	now.Onset = r.crossing(f, s, 0, onsetLevel, true)
}

func (r *Runner) crossing(f *Forecast, s int, from, level float32, up bool) time.Duration {
	before := time.Duration(0)
	for i, ahead := range f.Roads.Horizons {
		p := f.Roads.Speed.PCongested[s*len(f.Roads.Horizons)+i]
		if up && p >= level || !up && p <= level {
			share := (level - from) / (p - from)
			return max(0, before+time.Duration(float64(share)*float64(ahead-before)))
		}
		before, from = ahead, p
	}
	return -1
}
