package utdf

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/paulmach/orb/planar"

	"tideway/geo"
	"tideway/internal/fault"
)

// Export returns the city as a combined file. kept is the file it was imported
// from: everything the city has not changed stands as it was written there, and
// what it cannot tell (volumes, detectors) comes from it. With kept nil the
// file is made of the city alone. What the format cannot hold is returned too.
func Export(c *geo.City, kept *File) (*File, []geo.Dropped, error) {
	if kept == nil {
		f, dropped := makeFile(c)
		return f, dropped, nil
	}
	base, _, err := kept.Import(Options{TimeZone: "UTC"})
	if err != nil {
		return nil, nil, err
	}
	var bad fault.List
	f := kept.Clone()
	x := &overlay{network: f.network(&bad), city: c, base: base}
	x.places()
	x.streets()
	for i, s := range c.Signals.All() {
		x.signal(geo.SignalID(i), s)
	}
	return f, x.dropped, bad.Err("exporting UTDF")
}

// overlay writes the differences between a city and the one its file gives.
type overlay struct {
	*network
	city, base *geo.City
	dropped    []geo.Dropped
}

func (x *overlay) drop(kind, id, why string) {
	x.dropped = append(x.dropped, geo.Dropped{Kind: kind, ID: id, Why: why})
}

// set writes a number where it is not the one that stands there.
func (t *table) set(b *block, record string, k int, v float64) {
	if old, given := t.number(b, record, k); given && math.Abs(old-v) < 1e-6 || !b.has(record) {
		return
	}
	t.put(b, record, k, figure(v))
}

// put writes a field.
func (t *table) put(b *block, record string, k int, text string) {
	r := b.record[strings.ToLower(record)]
	if r == nil {
		return
	}
	for len(r.Fields) <= t.first+k {
		r.Fields = append(r.Fields, "")
	}
	r.Fields[t.first+k] = text
}

// figure writes a number with as many digits as it needs, at most six.
func figure(v float64) string {
	s := strconv.FormatFloat(v, 'f', 6, 64)
	return strings.TrimSuffix(strings.TrimRight(s, "0"), ".")
}

func seconds(d time.Duration) float64 { return d.Seconds() }

// places tells of nodes that were moved: their coordinates are the file's own.
func (x *overlay) places() {
	for _, n := range x.city.Nodes.All() {
		i, ok := x.base.Nodes.Find(n.ID)
		if !ok {
			x.drop("node", n.ID, "it is not in the kept file")
		} else if planar.Distance(x.base.Nodes.At(i).XY, n.XY) > 0.05 {
			x.drop("node", n.ID, "it was moved; the kept file's place stands")
		}
	}
}

// streets writes changed limits and tells of what the format cannot hold.
func (x *overlay) streets() {
	t := x.file.tableOf(linkSection, true, x.bad)
	for i, s := range x.city.Segments.All() {
		k, ok := x.base.Segments.Find(s.ID)
		if !ok {
			x.drop("link", s.ID, "it is not in the kept file")
			continue
		}
		if l := x.links[x.link[linkOf(s.ID)]]; math.Abs(s.Limit.KMH()-x.base.Segments.At(k).Limit.KMH()) > 0.01 {
			t.set(t.blocks[l.at], "Speed", slices.Index(t.names, l.heading), math.Round(float64(s.Limit/x.speedUnit())*10)/10)
		}
		first, lanes := x.city.LanesOf(geo.SegmentID(i))
		was, before := x.base.LanesOf(k)
		if lanes != before {
			x.drop("link", s.ID, fmt.Sprintf("it has %d lanes; the kept file's %d stand", lanes, before))
			continue
		}
		for l := range lanes {
			if x.city.Lanes.At(first+geo.LaneID(l)).Allow != x.base.Lanes.At(was+geo.LaneID(l)).Allow {
				x.drop("lane", x.city.LaneName(first+geo.LaneID(l)), "who may use it has changed, which the format cannot say")
			}
		}
	}
}

func (x *overlay) signal(id geo.SignalID, s geo.Signal) {
	k, ok := x.base.Signals.Find(s.ID)
	if !ok || s.Plan == geo.NoPlan {
		x.drop("signal", s.ID, "it has no timings in the kept file, or no plan in force")
		return
	}
	now, was := x.city.Plans.At(s.Plan), x.base.Plans.At(x.base.Signals.At(k).Plan)
	if now.Kind != geo.RingBarrier {
		x.drop("plan", x.city.PlanName(s.Plan), "its stages replace the rings of the kept file, whose timings stand")
		return
	}
	if len(x.city.PlansOf(id)) > 1 {
		x.drop("signal", s.ID, "only the plan in force is written")
	}
	if !samePlan(now, was) {
		x.plan(s.ID, now, was)
	}
}

func samePlan(a, b geo.Plan) bool {
	return a.Cycle == b.Cycle && a.Offset == b.Offset && a.Anchor == b.Anchor && slices.EqualFunc(a.Phases, b.Phases, samePhase)
}

// samePhase compares timings; groups are the signal's and do not change.
func samePhase(a, b geo.RingPhase) bool {
	a.Groups, a.Permissive, b.Groups, b.Permissive = nil, nil, nil, nil
	return fmt.Sprint(a) == fmt.Sprint(b)
}

// plan writes a changed plan over the kept timings.
func (x *overlay) plan(id string, now, was geo.Plan) {
	t, b := x.plans, x.plans.blocks[id]
	reference := referencePhases(t.whole(b, "Reference Phase", 0, 0, 9999, 0))
	event := t.whole(b, "Referenced To", 0, refGreen, ref170, refGreen)
	offset := fileOffset(now, reference, event)
	t.set(b, "Cycle Length", 0, seconds(now.Cycle))
	t.set(b, "Offset", 0, seconds(offset))
	begin := begins(now)
	zero := offset
	if _, at, ok := events(now, reference, event); ok {
		zero = offset - at
	}
	for i, ph := range now.Phases {
		k := slices.Index(x.phases.names, fmt.Sprintf("D%d", ph.Phase))
		old := slices.IndexFunc(was.Phases, func(p geo.RingPhase) bool { return p.Phase == ph.Phase })
		if k < 0 || old < 0 {
			x.drop("ring_phase", fmt.Sprintf("%s %d", id, ph.Phase), "the kept file has no such phase")
			continue
		}
		if was := was.Phases[old]; ph.MaxGreen == was.MaxGreen && ph.Split != was.Split {
			ph.MaxGreen = ph.Split - ph.Yellow - ph.AllRed
		}
		x.phases.phase(x.phases.blocks[id], k, ph)
		x.phases.times(x.phases.blocks[id], k, ph, zero+begin[i], offset, now.Cycle)
	}
}

// fileOffset converts a plan's offset to the event that the file refers to.
func fileOffset(p geo.Plan, phases []int, event int) time.Duration {
	anchor := refGreen
	switch p.Anchor {
	case geo.AnchorYellow:
		anchor = refYellow
	case geo.AnchorFirstStage:
		_, at, _ := events(p, phases, event)
		return wrap(p.Offset+at, p.Cycle)
	}
	if anchor == event {
		return wrap(p.Offset, p.Cycle)
	}
	_, from, _ := events(p, phases, anchor)
	_, to, _ := events(p, phases, event)
	return wrap(p.Offset-from+to, p.Cycle)
}

// phase writes the settings of a phase.
func (t *table) phase(b *block, k int, ph geo.RingPhase) {
	t.set(b, "BRP", k, float64(100*ph.Barrier+10*ph.Ring+ph.Position))
	for _, f := range []struct {
		record string
		v      time.Duration
	}{{"MinGreen", ph.MinGreen}, {"MaxGreen", ph.MaxGreen}, {"VehExt", ph.Passage}, {"Yellow", ph.Yellow}, {"AllRed", ph.AllRed}} {
		t.set(b, f.record, k, seconds(f.v))
	}
	if ph.Walk > 0 || ph.PedClear > 0 || t.text(b, "Walk", k) != "" {
		t.set(b, "Walk", k, seconds(ph.Walk))
		t.set(b, "DontWalk", k, seconds(ph.PedClear))
	}
	if code := recallCode(ph.Recall); t.text(b, "Recall", k) != "4" || code != 2 {
		t.set(b, "Recall", k, float64(code))
	}
}

func recallCode(r geo.Recall) int {
	switch r {
	case geo.MinRecall:
		return 1
	case geo.PedRecall:
		return 2
	case geo.MaxRecall:
		return 3
	}
	return 0
}

// timeOf is a record whose value follows from splits and offset.
type timeOf struct {
	record string
	v      time.Duration
}

// times works out what the format repeats of a phase that begins at start.
// Yield170 is the begin of flashing don't walk where the walk rests in green.
func times(ph geo.RingPhase, start, offset, cycle time.Duration) []timeOf {
	yield := start + ph.Split - ph.Yellow - ph.AllRed
	walk := yield
	if ph.Recall == geo.MaxRecall {
		walk -= ph.PedClear
	}
	out := []timeOf{{"Start", start}, {"End", start + ph.Split}, {"Yield", yield}, {"Yield170", walk},
		{"LocalStart", start - offset}, {"LocalYield", yield - offset}, {"LocalYield170", walk - offset}}
	for i := range out {
		out[i].v = wrap(out[i].v, cycle)
	}
	return out
}

// times writes them: Synchro takes offsets from the starts. ActGreen was worked
// out for other splits and is left empty.
func (t *table) times(b *block, k int, ph geo.RingPhase, start, offset, cycle time.Duration) {
	for _, f := range times(ph, start, offset, cycle) {
		t.set(b, f.record, k, seconds(f.v))
	}
	t.put(b, "ActGreen", k, "")
}
