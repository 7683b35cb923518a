package sim

import (
	"slices"

	"tideway/internal/parallel"
)

// shardTracks is the number of occupied tracks one thread works on at a time, and
// wideShare times the number of bundles whose lane changes it decides at a time.
// Results do not depend on them.
const (
	shardTracks = 128
	wideShare   = 4
)

// minShards is how many shards make it worth waking other threads: below, a
// phase takes some tens of microseconds, as long as the waking.
const minShards = 8

// activity lists where something happens.
type activity struct {
	tracks []trackID // with vehicles, in order
	wide   []int32   // bundles with vehicles and several tracks, in order
	listed []bool    // by track: in tracks or fresh
	fresh  []trackID // got their first vehicle since tracks was collected
	spare  []trackID
}

// phase is a part of the step that runs over shards of the occupied tracks.
type phase func(parallel.Shard)

// occupy notes that a track has a vehicle.
func (e *Engine) occupy(t trackID) {
	if a := &e.active; !a.listed[t] {
		a.listed[t] = true
		a.fresh = append(a.fresh, t)
	}
}

// collect lists the occupied tracks: those of before that still are, merged
// with the fresh ones.
func (e *Engine) collect() {
	a := &e.active
	for i := range e.changers {
		a.fresh = append(a.fresh, e.changers[i].fresh...)
		e.changers[i].fresh = e.changers[i].fresh[:0]
	}
	slices.Sort(a.fresh)
	out, fresh, road := a.spare[:0], a.fresh, e.road
	for _, t := range a.tracks {
		for len(fresh) > 0 && fresh[0] < t {
			out, fresh = append(out, fresh[0]), fresh[1:]
		}
		if len(road[t]) > 0 {
			out = append(out, t)
		} else {
			a.listed[t], e.ends[t].any = false, false
		}
	}
	out = append(out, fresh...)
	a.tracks, a.spare, a.fresh = out, a.tracks, a.fresh[:0]
	e.growWorkers()
}

// admit adds the tracks that got a vehicle to the occupied ones, which are few.
func (e *Engine) admit() {
	a := &e.active
	for i := range e.changers {
		a.fresh = append(a.fresh, e.changers[i].fresh...)
		e.changers[i].fresh = e.changers[i].fresh[:0]
	}
	for _, t := range a.fresh {
		at, _ := slices.BinarySearch(a.tracks, t)
		a.tracks = slices.Insert(a.tracks, at, t)
	}
	a.fresh = a.fresh[:0]
	e.growWorkers()
}

// packEvery is after how many steps vehicles are laid in order again.
const packEvery = 256

// pack lays the vehicles of all tracks side by side, in order of the tracks:
// tracks whose vehicles outgrow their place move elsewhere in memory, and the
// phases, which go through the tracks in order, would wait for each of them.
func (e *Engine) pack() {
	if e.tick%packEvery != 1 {
		return
	}
	total := 0
	for t := range e.road {
		total += roomy(e.road[t])
	}
	all := make([]veh, total)
	for t, vs := range e.road {
		room := roomy(vs)
		e.road[t] = all[:len(vs):room]
		copy(all, vs)
		all = all[room:]
	}
}

// roomy is the number of vehicles for which a track gets room: some more than
// it has, if it has any. Most tracks, those in junctions, are empty.
func roomy(vs []veh) int {
	if len(vs) == 0 {
		return 0
	}
	return len(vs) + 1 + len(vs)/4
}

// growWorkers makes a worker for every shard.
func (e *Engine) growWorkers() {
	need := (len(e.active.tracks) + e.shard - 1) / e.shard
	for len(e.planners) < need {
		e.planners = append(e.planners, planner{e: e, shard: len(e.planners)})
		e.movers = append(e.movers, mover{e: e})
		e.now.grow()
		e.before.grow()
	}
}

// collectWide lists the bundles on which lanes can be changed.
func (e *Engine) collectWide() {
	a, n := &e.active, e.net
	wide, last := a.wide[:0], int32(-1)
	for _, t := range a.tracks {
		if b := n.bundleOf[t]; b != last {
			if last = b; n.bundles[b].wide() {
				wide = append(wide, b)
			}
		}
	}
	a.wide = wide
}

// each runs a phase over the occupied tracks.
func (e *Engine) each(f phase) { e.over(len(e.active.tracks), e.shard, f) }

// eachWide runs a phase over the bundles on which lanes can be changed.
func (e *Engine) eachWide(f phase) {
	n, size := len(e.active.wide), max(1, e.shard/wideShare)
	for len(e.changers) < (n+size-1)/size {
		e.changers = append(e.changers, changer{decision: decision{e: e}})
	}
	e.over(n, size, f)
}

// over runs a phase over n items in shards.
func (e *Engine) over(n, size int, f phase) {
	if e.threads > 1 && n > minShards*size {
		parallel.ForShards(e.threads, n, size, f)
		return
	}
	for begin, i := 0, 0; begin < n; begin, i = begin+size, i+1 {
		f(parallel.Shard{Index: i, Begin: begin, End: min(begin+size, n)})
	}
}
