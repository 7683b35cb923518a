package sim

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"tideway/geo"
	"tideway/internal/netdraw"
	"tideway/sim/demand"
	"tideway/unit"
)

// drawing is a random grid of streets with one to three lanes, some junctions
// with signals.
func drawing(t *rapid.T) string {
	cols, rows := rapid.IntRange(2, 3).Draw(t, "cols"), rapid.IntRange(1, 3).Draw(t, "rows")
	gap := rapid.IntRange(2, 7).Draw(t, "gap")
	name := 0
	var lines []string
	for r := range rows {
		line := ""
		for c := range cols {
			letter := string("abcdefgijklmnopqrstu"[name])
			if rapid.Bool().Draw(t, "signal") {
				letter = strings.ToUpper(letter)
			}
			name++
			line += letter
			if c < cols-1 {
				line += strings.Repeat(rapid.SampledFrom([]string{"-", "=", "#"}).Draw(t, "street"), gap)
			}
		}
		lines = append(lines, line)
		if r < rows-1 {
			kinds := ""
			for c := range cols {
				kinds += rapid.SampledFrom([]string{"|", "H"}).Draw(t, "street")
				if c < cols-1 {
					kinds += strings.Repeat(" ", gap)
				}
			}
			for range gap {
				lines = append(lines, kinds)
			}
		}
	}
	return strings.Join(lines, "\n")
}

// crowd is random demand: trips between any two streets, some with a stop on
// their last one.
func crowd(t *rapid.T, c *geo.City, trips int) *demand.Demand {
	d := &demand.Demand{Types: []demand.VehicleType{demand.NewType("car", geo.Car), demand.NewType("truck", geo.Truck), demand.NewType("bus", geo.Bus)}}
	n := c.Segments.Len()
	for i := range trips {
		d.Trips = append(d.Trips, demand.Trip{ID: fmt.Sprint(i), Type: demand.TypeID(rapid.IntRange(0, 2).Draw(t, "type")),
			Depart: time.Duration(rapid.IntRange(0, 200).Draw(t, "depart")) * time.Second, Route: demand.NoRoute, ArriveAt: -1,
			From: geo.SegmentID(rapid.IntRange(0, n-1).Draw(t, "from")), To: geo.SegmentID(rapid.IntRange(0, n-1).Draw(t, "to")),
			Lane:  rapid.SampledFrom([]demand.DepartLane{demand.LaneFirst, demand.LaneBest, demand.LaneRandom, demand.LaneFree}).Draw(t, "lane"),
			Pos:   rapid.SampledFrom([]demand.DepartPos{demand.PosBase, demand.PosRandom, demand.PosFree, demand.PosLast, demand.PosRandomFree}).Draw(t, "pos"),
			Speed: rapid.SampledFrom([]demand.DepartSpeed{demand.SpeedGiven, demand.SpeedMax, demand.SpeedRandom}).Draw(t, "speed")})
		if i%3 == 0 {
			first, lanes := c.LanesOf(d.Trips[i].To)
			end := c.Segments.At(d.Trips[i].To).Length * unit.Length(rapid.Float64Range(0.3, 1).Draw(t, "stop at"))
			d.Trips[i].Stops = []demand.Halt{{Lane: first + geo.LaneID(rapid.IntRange(0, lanes-1).Draw(t, "stop lane")), Begin: end / 2, End: end, Duration: 10 * time.Second}}
		}
	}
	return d
}

// problem returns what is wrong with the engine's state, or "".
func problem(e *Engine) string {
	onRoad := len(e.air)
	for t := range e.road {
		vs, tr := e.road[t], &e.net.tracks[t]
		onRoad += len(vs)
		for i := range vs {
			v := &vs[i]
			k := &e.kinds[v.kind]
			switch {
			case v.speedMPS < 0 || v.speedMPS > k.maxMPS+epsM:
				return fmt.Sprintf("track %d: speed %v", t, v.speedMPS)
			case v.posM < 0 || v.posM > tr.lengthM+epsM:
				return fmt.Sprintf("track %d: position %v of %v", t, v.posM, tr.lengthM)
			case i > 0 && vs[i-1].posM-e.kinds[vs[i-1].kind].lengthM < v.posM-epsM:
				return fmt.Sprintf("track %d: trips %d and %d overlap: tail at %v, front at %v", t, e.cars[vs[i-1].id].trip, e.cars[v.id].trip,
					vs[i-1].posM-e.kinds[vs[i-1].kind].lengthM, v.posM)
			}
		}
		if len(vs) > 0 {
			if f, back := e.tail(trackID(t), 0); f != nil && back < vs[0].posM-epsM {
				return fmt.Sprintf("track %d: tail of trip %d at %v, front of trip %d at %v", t, e.cars[f.id].trip, back, e.cars[vs[0].id].trip, vs[0].posM)
			}
		}
	}
	c := &e.totals
	if onRoad != c.onRoad || c.inserted != c.onRoad+c.completed || c.scheduled != c.inserted+e.queue.waiting+c.noRoute {
		return fmt.Sprintf("%d on the road, counted %+v, %d waiting", onRoad, *c, e.queue.waiting)
	}
	return ""
}

// place is how far a vehicle has come, and how often it was released.
type place struct {
	atM      float64
	released int32
}

// where returns the places of the vehicles on the road, by trip.
func where(e *Engine) map[int32]place {
	p := map[int32]place{}
	for t := range e.road {
		for i := range e.road[t] {
			v := &e.road[t][i]
			c := &e.cars[v.id]
			p[c.trip] = place{c.drivenM + v.posM, c.released}
		}
	}
	return p
}

// jump returns who moved backwards or farther than a step's drive, or "". A
// vehicle released in between is moved on purpose. What a trip's status says of
// releases is written only when the trip ends; the count on the road is the
// vehicle's own.
func jump(last, now map[int32]place) string {
	for trip, at := range now {
		if was, ok := last[trip]; ok && at.released == was.released && (at.atM < was.atM-0.01 || at.atM > was.atM+60) {
			return fmt.Sprintf("trip %d went from %v to %v", trip, was, at)
		}
	}
	return ""
}

func TestInvariantsOnRandomCities(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := netdraw.City(drawing(t))
		d := crowd(t, c, rapid.IntRange(1, 120).Draw(t, "trips"))
		e, err := New(Input{City: c, Demand: d, End: 300 * time.Second, Seed: rapid.Uint64().Draw(t, "seed"), Threads: 1, StuckAfter: 120 * time.Second})
		if err != nil {
			t.Fatal(err)
		}
		last := where(e)
		for range 400 {
			e.Step()
			now := where(e)
			if p := problem(e) + jump(last, now); p != "" {
				t.Fatalf("at %v: %s", e.Time(), p)
			}
			last = now
		}
	})
}

func TestResultDependsNeitherOnThreadsNorOnTheOrderOfTrips(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := netdraw.City(drawing(t))
		d := crowd(t, c, 80)
		shuffled := d.Clone()
		shuffled.Trips = rapid.Permutation(d.Trips).Draw(t, "order")
		run := func(d *demand.Demand, threads, shard int) string {
			e, err := New(Input{City: c, Demand: d, End: 300 * time.Second, Seed: 7, Threads: threads})
			if err != nil {
				t.Fatal(err)
			}
			e.shard = shard
			for !e.Done() {
				e.Step()
			}
			return e.Result().Summary.StateHash
		}
		want := run(d, 1, 512)
		if got := run(d, 2, 3); got != want {
			t.Fatalf("two threads on shards of 3 tracks give %s, one gives %s", got, want)
		}
		if got := run(shuffled, 1, 512); got != want {
			t.Fatalf("shuffled trips give %s, in order %s", got, want)
		}
	})
}

func TestResumedRunIsTheUninterruptedOne(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := netdraw.City(drawing(t))
		d := crowd(t, c, 60)
		in := Input{City: c, Demand: d, End: 300 * time.Second, Seed: 3, Threads: 1, Interval: 60 * time.Second, StuckAfter: 90 * time.Second,
			Detectors: []Detector{{ID: "loop", Segment: 0, Lane: geo.NoLane, At: 10}, {ID: "area", Kind: LaneArea, Segment: 0, Lane: geo.NoLane, Length: 20}}}
		whole, err := New(in)
		if err != nil {
			t.Fatal(err)
		}
		stop := rapid.IntRange(0, 250).Draw(t, "stop")
		for range stop {
			whole.Step()
		}
		again, err := Resume(in, whole.Save())
		if err != nil {
			t.Fatal(err)
		}
		for !whole.Done() {
			whole.Step()
			again.Step()
		}
		a, b := whole.Result(), again.Result()
		if a.Summary != b.Summary || fmt.Sprint(a.Detectors) != fmt.Sprint(b.Detectors) || fmt.Sprint(a.Movements) != fmt.Sprint(b.Movements) {
			t.Fatalf("uninterrupted %+v\nresumed       %+v", a.Summary, b.Summary)
		}
	})
}

func TestDamagedStatesAreRefused(t *testing.T) {
	c := netdraw.City("a--b--c")
	in := Input{City: c, Demand: &demand.Demand{}, End: time.Minute}
	e, err := New(in)
	if err != nil {
		t.Fatal(err)
	}
	e.Step()
	state := e.Save()
	for cut := 0; cut < len(state); cut += 7 {
		if _, err := Resume(in, state[:cut]); err == nil {
			t.Fatalf("a state cut to %d of %d bytes was taken", cut, len(state))
		}
	}
	in.City = netdraw.City("a---b--c")
	if _, err := Resume(in, state); err == nil {
		t.Fatal("a state of another city was taken")
	}
}
