package sim

import (
	"math"
	"math/bits"
	"slices"

	"tideway/geo"
	"tideway/internal/rng"
	"tideway/sim/demand"
)

// insert lets vehicles depart. On every lane they go in order of departure; one
// that finds no room makes those behind it wait.
func (e *Engine) insert() {
	q := &e.queue
	now := e.Time() - e.step // departures of the step that ends now
	for q.next < len(e.trips) && e.trips[q.next].Depart <= now {
		s := e.origin(&e.trips[q.next].Trip)
		if len(q.due[s]) == 0 {
			q.active = append(q.active, s)
		}
		q.due[s] = append(q.due[s], int32(q.next))
		q.next++
	}
	e.findWays()
	kept := q.active[:0]
	for _, s := range q.active {
		q.full = 0
		if q.due[s] = slices.DeleteFunc(q.due[s], func(i int32) bool { return e.departFrom(s, i) }); len(q.due[s]) > 0 {
			kept = append(kept, s)
		}
	}
	q.active = kept
}

// departFrom is depart for a trip that is due on segment s, unless its lane is
// known to be full in this step.
func (e *Engine) departFrom(s geo.SegmentID, i int32) bool {
	first, lanes := e.net.city.LanesOf(s)
	if e.tick == 1 { // a run that begins with traffic: nobody waits for somebody elsewhere
		e.queue.full = 0
	}
	switch {
	case e.queue.full == 0:
	case bits.OnesCount64(e.queue.full) == lanes: // the trip need not be read
		return false
	case e.queue.isFull(e.soleLane(&e.trips[i].Trip, trackID(first), lanes)):
		return false
	}
	return e.depart(i)
}

// soleLane returns the lane on which a trip departs whatever its route and the
// traffic; -1: that depends.
func (e *Engine) soleLane(t *demand.Trip, first trackID, lanes int) int {
	switch t.Lane {
	case demand.LaneIndex:
		return t.LaneAt
	case demand.LaneFirst:
		for i := range lanes {
			if e.net.tracks[first+trackID(i)].open(&e.kinds[t.Type]) {
				return i
			}
		}
	}
	return -1
}

// isFull reports whether a vehicle has found no room on a lane in this step.
func (q *insertion) isFull(lane int) bool { return lane >= 0 && q.full>>lane&1 != 0 }

// depart tries to put a trip's vehicle on the road and reports whether it need
// not wait: it departed, or it never can.
func (e *Engine) depart(i int32) bool {
	t := &e.trips[i].Trip
	if e.status[i].state == Impossible {
		return true
	}
	if e.shutIn(i) || e.laneFull(t) {
		return false
	}
	id := e.newCar()
	c := &e.cars[id]
	c.trip = i
	if !e.routeTrip(id, t) {
		e.status[i].state = Impossible
		e.totals.noRoute++
		e.queue.waiting--
		e.freeCar(id)
		return true
	}
	v := e.newVeh(id, t)
	track, ok := e.place(&v, t, c)
	if !ok {
		if track != noTrack {
			e.queue.full |= 1 << e.net.tracks[track].lane
		}
		e.dropPath(id)
		e.freeCar(id)
		return false
	}
	e.enterRoad(track, v, i)
	return true
}

// shutIn reports whether a trip finds no room behind the vehicles at the begin
// of its segment, wherever its way leads: its lanes are full then, and no way
// need be looked for. That there is none is found out when there is room.
func (e *Engine) shutIn(i int32) bool {
	t := &e.trips[i].Trip
	if t.Pos != demand.PosBase {
		return false
	}
	k, full := &e.kinds[t.Type], uint64(0)
	first, lanes := e.net.city.LanesOf(e.origin(t))
	for l := trackID(first); l < trackID(first)+trackID(lanes); l++ {
		tr := &e.net.tracks[l]
		if !tr.open(k) {
			continue
		}
		if e.spaceBehind(l, min(k.lengthM+marginM, tr.lengthM)) >= k.gapM {
			return false
		}
		full |= 1 << tr.lane
	}
	e.queue.full |= full
	return full != 0
}

// laneFull reports whether a trip on a route that others took before would depart on
// a lane on which somebody has found no room in this step.
func (e *Engine) laneFull(t *demand.Trip) bool {
	if e.queue.full == 0 || t.Route == demand.NoRoute || len(t.Stops) > 0 {
		return false
	}
	s, ok := e.paths.shared[[2]uint32{uint32(t.Route), uint32(t.Type)}]
	return ok && e.queue.isFull(e.departLane(t, e.pathLook[s.begin]))
}

// spaceBehind is the distance from a place on a track to the tail of the
// vehicle before it.
func (e *Engine) spaceBehind(t trackID, posM float64) float64 {
	vs := e.road[t]
	for i := len(vs) - 1; i >= 0; i-- {
		if f := &vs[i]; f.posM >= posM {
			return f.posM - e.kinds[f.kind].lengthM - posM
		}
	}
	return math.Inf(1)
}

func (e *Engine) newCar() carID {
	if n := len(e.free); n > 0 {
		id := e.free[n-1]
		e.free = e.free[:n-1]
		e.cars[id] = car{haltedS: -1, live: true}
		return id
	}
	e.cars, e.halts = append(e.cars, car{haltedS: -1, live: true}), append(e.halts, nil)
	return carID(len(e.cars) - 1)
}

func (e *Engine) freeCar(id carID) {
	e.cars[id], e.halts[id] = car{}, nil
	e.free = append(e.free, id)
}

// routeTrip gives a car its route and stops, and reports whether it has one.
func (e *Engine) routeTrip(id carID, t *demand.Trip) bool {
	c := &e.cars[id]
	open := e.openRoute(t)
	if open && len(t.Stops) == 0 {
		c.path = e.sharedPath(t.Route, kindID(t.Type))
		return true
	}
	w := e.ready(c.trip, open)
	if e.find(w, open); w.segs == nil {
		delete(e.queue.ready, c.trip)
		return false
	}
	e.ownPath(id, w.segs)
	c.rerouted = t.Route != demand.NoRoute && !open
	e.halts[id] = e.planHalts(t, w.segs, 0)
	if looks := e.pathLook[c.path.begin : c.path.begin+c.path.count]; len(w.looks) > 0 {
		copy(looks, w.looks)
	} else {
		e.lookAlong(c.path, 0, &e.kinds[t.Type], e.halts[id])
		w.looks = slices.Clone(looks)
	}
	return true
}

func (e *Engine) newVeh(id carID, t *demand.Trip) veh {
	k := &e.kinds[t.Type]
	return veh{id: id, kind: kindID(t.Type), came: noLink, advice: adviceNone, luck: e.luckOf(t, rng.Imperfection),
		factor: float32(k.speedFactor(rng.New(e.in.Seed, t.Key, rng.SpeedFactor))), aheadV: 0}
}

// place chooses lane, position and speed after the trip's rules and reports
// whether there is room.
func (e *Engine) place(v *veh, t *demand.Trip, c *car) (trackID, bool) {
	e.lookUp(v, c)
	lane := e.departLane(t, v.look)
	if lane < 0 || e.queue.isFull(lane) {
		return noTrack, false
	}
	track := e.looks.first[v.look] + trackID(lane)
	k := &e.kinds[v.kind]
	length := e.net.tracks[track].lengthM
	base := min(k.lengthM+marginM, length)
	draw := rng.New(e.in.Seed, t.Key, rng.Departure)
	v.speedMPS = e.departSpeed(v, t, track, &draw)
	most := t.Speed != demand.SpeedGiven
	v.posM = base
	switch t.Pos {
	case demand.PosGiven:
		if v.posM = float64(t.PosAt); v.posM < 0 {
			v.posM += length
		}
		v.posM = min(max(0, v.posM), length)
	case demand.PosRandom:
		v.posM = min(base, length) + draw.Float64()*max(0, length-base)
	case demand.PosRandomFree, demand.PosFree:
		return track, e.placeFree(v, k, track, &draw, most, t.Pos == demand.PosRandomFree)
	case demand.PosLast:
		if vs := e.road[track]; len(vs) > 0 {
			f := &vs[len(vs)-1]
			v.posM = min(length, f.posM-e.kinds[f.kind].lengthM-k.gapM)
		} else {
			v.posM = length
		}
		if v.posM < base {
			return track, false
		}
	}
	return track, e.fits(v, k, track, most)
}

// placeFree looks for room anywhere on the lane: at random places first, then
// behind every vehicle from the front.
func (e *Engine) placeFree(v *veh, k *kind, track trackID, draw *rng.Stream, most, random bool) bool {
	length := e.net.tracks[track].lengthM
	base := min(k.lengthM+marginM, length)
	want := v.speedMPS
	try := func(pos float64) bool {
		v.posM, v.speedMPS = pos, want
		return pos >= base && e.fits(v, k, track, most)
	}
	if random {
		for range 10 {
			if try(base + draw.Float64()*(length-base)) {
				return true
			}
		}
	}
	if try(base) {
		return true
	}
	for i := range e.road[track] {
		f := &e.road[track][i]
		if try(f.posM - e.kinds[f.kind].lengthM - k.gapM) {
			return true
		}
	}
	return false
}

func (e *Engine) departLane(t *demand.Trip, look lookID) int {
	k := &e.kinds[t.Type]
	lanes, first := e.looks.of(look), e.looks.first[look]
	open := func(i int) bool { return e.net.tracks[first+trackID(i)].open(k) }
	allowed := func(i int) bool { return open(i) }
	best := func(i int) bool { return open(i) && lanes[i].off == 0 }
	switch t.Lane {
	case demand.LaneIndex:
		if t.LaneAt < len(lanes) && open(t.LaneAt) {
			return t.LaneAt
		}
		return -1
	case demand.LaneBest:
		return e.roomiest(first, len(lanes), best)
	case demand.LaneFree, demand.LaneAllowed:
		return e.roomiest(first, len(lanes), allowed)
	case demand.LaneRandom:
		s := rng.New(e.in.Seed, t.Key, rng.RouteChoice)
		var can []int
		for i := range lanes {
			if open(i) {
				can = append(can, i)
			}
		}
		if len(can) == 0 {
			return -1
		}
		return can[s.IntN(len(can))]
	}
	for i := range lanes {
		if open(i) {
			return i
		}
	}
	return -1
}

// roomiest returns the lane among those that ok accepts whose last vehicle is
// farthest from its begin, the first of equals.
func (e *Engine) roomiest(first trackID, lanes int, ok func(int) bool) int {
	at, most := -1, -1.0
	for i := range lanes {
		if !ok(i) {
			continue
		}
		t := first + trackID(i)
		room := e.net.tracks[t].lengthM
		if vs := e.road[t]; len(vs) > 0 {
			room = vs[len(vs)-1].posM
		}
		if room > most {
			at, most = i, room
		}
	}
	return at
}

func (e *Engine) departSpeed(v *veh, t *demand.Trip, track trackID, draw *rng.Stream) float64 {
	k, tr := &e.kinds[v.kind], &e.net.tracks[track]
	desired := k.desiredMPS(tr.limitMPS, v.factor)
	switch t.Speed {
	case demand.SpeedMax, demand.SpeedDesired:
		return desired
	case demand.SpeedLimit:
		return min(tr.limitMPS, k.maxMPS)
	case demand.SpeedRandom:
		return desired * draw.Float64()
	case demand.SpeedLast:
		if vs := e.road[track]; len(vs) > 0 {
			return min(desired, vs[len(vs)-1].speedMPS)
		}
		return desired
	case demand.SpeedAvg:
		sum, n := 0.0, 0
		for i := range e.road[track] {
			sum, n = sum+e.road[track][i].speedMPS, n+1
		}
		if n > 0 {
			return min(desired, sum/float64(n))
		}
		return desired
	}
	return min(float64(t.SpeedAt), desired)
}

// fits reports whether a vehicle may appear at its place: safe behind its
// leader, before a closed link and before its follower. With adapt its speed is
// lowered as far as needed.
func (e *Engine) fits(v *veh, k *kind, track trackID, adapt bool) bool {
	vs := e.road[track]
	at := 0
	for at < len(vs) && vs[at].posM >= v.posM {
		at++
	}
	lower := func(safe float64) bool {
		if safe < 0 || safe < v.speedMPS && !adapt {
			return false
		}
		v.speedMPS = min(v.speedMPS, safe)
		return true
	}
	if at > 0 {
		if !lower(e.behindLeader(v, k, &vs[at-1], vs[at-1].posM-e.kinds[vs[at-1].kind].lengthM)) {
			return false
		}
	} else if !e.fitsAhead(v, k, track, lower) {
		return false
	}
	if at < len(vs) {
		return e.spares(&vs[at], vs[at].posM, v, k)
	}
	return e.sparesUpstream(v, k, track)
}

// behindLeader returns the speed that is safe behind f, or less than 0 when
// there is not even the minimum gap.
func (e *Engine) behindLeader(v *veh, k *kind, f *veh, backM float64) float64 {
	fk := &e.kinds[f.kind]
	gap := backM - v.posM - k.gapM
	if gap < 0 {
		return -1
	}
	return k.holdMPS(gap+k.behind(fk, f.speedMPS), k.tauS)
}

// fitsAhead checks what lies beyond the end of the lane within braking
// distance.
func (e *Engine) fitsAhead(v *veh, k *kind, track trackID, lower func(float64) bool) bool {
	if f, back := e.tail(track, 0); f != nil && !lower(e.behindLeader(v, k, f, back)) {
		return false
	}
	tr := &e.net.tracks[track]
	seen := tr.lengthM - v.posM
	c := &e.cars[v.id]
	look := v.look
	for view := int32(0); seen < k.brakeM(v.speedMPS)+k.gapM+v.speedMPS*e.dt; {
		q := tr.out
		if !tr.inner() {
			if q = e.linkFrom(look, tr); q == noLink {
				if c.at+view >= c.path.count-1 {
					return true
				}
				return lower(k.holdMPS(seen, e.dt))
			}
		}
		l := &e.net.links[q]
		if s := e.state(l); isMinor(s) && s != 'g' {
			return lower(k.holdMPS(seen, e.dt))
		}
		if f, back := e.last(l.to); f != nil && !lower(e.behindLeader(v, k, f, back+v.posM+seen)) {
			return false
		}
		tr = &e.net.tracks[l.to]
		if !lower(k.freeMPS(seen, k.desiredMPS(tr.limitMPS, v.factor))) {
			return false
		}
		seen += tr.lengthM
		if !tr.inner() {
			if view++; c.at+view >= c.path.count {
				return true
			}
			look = e.pathLook[c.path.begin+c.at+view]
		}
	}
	return true
}

// spares reports whether follower f, at posM on the same line, is not forced to
// brake hard by the new vehicle.
func (e *Engine) spares(f *veh, posM float64, v *veh, k *kind) bool {
	fk := &e.kinds[f.kind]
	gap := v.posM - k.lengthM - posM - fk.gapM
	return gap >= 0 && gap >= fk.secureM(f.speedMPS, k, v.speedMPS)
}

// sparesUpstream checks the followers that come from the tracks before the
// lane.
func (e *Engine) sparesUpstream(v *veh, k *kind, track trackID) bool {
	return e.eachUpstream(track, v.posM-k.lengthM, 0, func(f *veh, distM float64) bool {
		fk := &e.kinds[f.kind]
		gap := distM - fk.gapM
		return gap >= 0 && gap >= fk.secureM(f.speedMPS, k, v.speedMPS) || f.speedMPS < haltMPS && gap >= 0
	})
}

const upstreamM = 100.0

// eachUpstream calls ok for the first vehicle on every track from which a way
// leads to the begin of a track, wherever it goes itself and whoever is before it,
// with the distance from its front to the point distM behind that begin, and
// reports whether ok always held.
func (e *Engine) eachUpstream(track trackID, distM float64, depth int, ok func(f *veh, distM float64) bool) bool {
	if distM > upstreamM || depth > 4 {
		return true
	}
	n := e.net
	for i := n.into[track]; i < n.intoEnd[track]; i++ {
		q := n.intoLinks[i]
		from := n.links[q].from
		if n.links[q].role == entryLink {
			if s := e.state(&n.links[q]); s == 'r' {
				continue
			}
		}
		if vs := e.road[from]; len(vs) > 0 {
			if f := &vs[0]; !ok(f, distM+n.tracks[from].lengthM-f.posM) {
				return false
			}
		}
		if !e.eachUpstream(from, distM+n.tracks[from].lengthM, depth+1, ok) {
			return false
		}
	}
	return true
}

// enterRoad puts a vehicle on its lane and books the departure.
func (e *Engine) enterRoad(track trackID, v veh, trip int32) {
	c := &e.cars[v.id]
	delete(e.queue.ready, trip)
	c.depart, c.startM = e.tick, v.posM
	c.enteredS = e.nowS
	c.freeS = (e.net.tracks[track].lengthM - v.posM) / max(e.net.tracks[track].limitMPS*float64(v.factor), 0.1)
	st := &e.status[trip]
	st.state, st.inS, st.startM, st.rerouted = Driving, e.nowS-e.dt, v.posM, c.rerouted
	if c.rerouted {
		e.totals.rerouted++
	}
	e.totals.inserted++
	e.totals.onRoad++
	e.queue.waiting--
	e.tally.entered[e.net.tracks[track].seg]++
	e.insertOrdered(track, v)
}
