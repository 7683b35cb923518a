package sim

import (
	"math"
	"math/bits"
	"slices"

	"tideway/geo"
)

// lookID names what lies ahead of a segment on a route: for each of its lanes
// the link to take, how far the lane can be used before a change is needed,
// and in which direction the lanes lie that lead farther. Routes that look
// alike for the next lookAheadM metres share one. It is the place of the first
// lane in outlooks.lanes.
type lookID uint32

const noLook = ^lookID(0)

const lookAheadM = 1500

// laneLook is one lane's part of it: 16 bytes, so that a segment's usually lie in
// one line of the cache.
type laneLook struct {
	link    linkID  // to take at the end of the lane; noLink: the route does not go on here
	usableM float32 // from the begin of the lane, along the lanes it leads onto
	onward  uint32  // the lanes it leads onto, in outlooks.onward
	off     int8    // lanes to change, positive to the left; 0: among the best
	follow  int8    // index in its segment of the lane that link leads to; -1: none
	fixed   bool    // it is among the best, and its neighbours lead elsewhere soon
	count   uint8   // lanes of the segment, from here on
}

// onward lists the lanes on which a route goes on behind a lane, nearest first;
// noTrack behind the last.
type onward [lanesAhead]trackID

// lanesAhead is how many segments beyond their own drivers look for queues when
// they judge how soon to change lanes.
const lanesAhead = 8

// outlooks holds them; equal content is stored once.
type outlooks struct {
	net    *network
	lanes  []laneLook
	first  []trackID // by the same index: the segment's lane 0
	index  []lookID  // hash table of 1 + id, 0: free; at most half full
	used   int       // of index
	work   []laneLook
	onward []onward
	places []uint32     // hash table of 1 + place in onward, 0: free; at most half full
	recent []recentLook // found lately, by a hash of what was asked; a power of two
}

// lookQuestion is what an outlook is asked for, without a planned stop.
type lookQuestion struct {
	seg, next geo.SegmentID
	ahead     lookID
	class     geo.Class
	ignore    bool
}

type recentLook struct {
	lookQuestion
	id lookID // 1 + the answer; 0: none yet
}

// recentLooks is how many answers there is room for, by segment.
const recentLooks = 4

func newOutlooks(n *network) *outlooks {
	o := &outlooks{net: n, index: make([]lookID, 64), places: make([]uint32, 64),
		recent: make([]recentLook, 1<<bits.Len(uint(recentLooks*n.city.Segments.Len())))}
	var none onward
	for i := range none {
		none[i] = noTrack
	}
	o.place(none)
	return o
}

// nowhere is the place of the onward without lanes.
const nowhere = 0

// place returns where in onward way stands.
func (o *outlooks) place(way onward) uint32 {
	at := o.placeSlot(&way)
	if p := o.places[at]; p != 0 {
		return p - 1
	}
	o.onward = append(o.onward, way)
	n := uint32(len(o.onward))
	if o.places[at] = n; 2*int(n) > len(o.places) {
		o.places = make([]uint32, 2*len(o.places))
		for i := range o.onward {
			o.places[o.placeSlot(&o.onward[i])] = uint32(i) + 1
		}
	}
	return n - 1
}

// placeSlot is where places has, or would get, a way.
func (o *outlooks) placeSlot(way *onward) int {
	h := uint64(0)
	for _, t := range way {
		h = (h ^ uint64(uint32(t))) * 0x9e3779b97f4a7c15
		h ^= h >> 29
	}
	mask := len(o.places) - 1
	for at := int(h^h>>32) & mask; ; at = (at + 1) & mask {
		if p := o.places[at]; p == 0 || o.onward[p-1] == *way {
			return at
		}
	}
}

// of returns the lanes of an outlook.
func (o *outlooks) of(id lookID) []laneLook {
	return o.lanes[id : id+lookID(o.lanes[id].count)]
}

// haltAt is a planned stop that shapes an outlook: the vehicle must be on lane
// until stopM. lane -1: none.
type haltAt struct {
	lane  int
	stopM float64
}

// look returns the outlook of seg for a vehicle of kind k that goes on to next
// (geo.NoSegment at the route's end), whose outlook is ahead.
func (o *outlooks) look(seg, next geo.SegmentID, ahead lookID, k *kind, halt haltAt) lookID {
	if halt.lane >= 0 {
		return o.build(seg, next, ahead, k, halt)
	}
	q := lookQuestion{seg, next, ahead, k.class, k.ignore}
	r := &o.recent[q.hash()&uint64(len(o.recent)-1)]
	if r.id == 0 || r.lookQuestion != q {
		r.lookQuestion, r.id = q, 1+o.build(seg, next, ahead, k, halt)
	}
	return r.id - 1
}

func (q *lookQuestion) hash() uint64 {
	h := (uint64(q.seg)<<32 ^ uint64(q.next)<<16 ^ uint64(q.ahead) ^ uint64(q.class)<<56) * 0x9e3779b97f4a7c15
	return h >> 32
}

// build works out an outlook.
func (o *outlooks) build(seg, next geo.SegmentID, ahead lookID, k *kind, halt haltAt) lookID {
	first, count := o.net.city.LanesOf(seg)
	o.work = o.work[:0]
	for l := range count {
		o.work = append(o.work, o.lane(trackID(first)+trackID(l), next, ahead, k))
	}
	if halt.lane >= 0 {
		for l := range o.work {
			if l != halt.lane {
				o.work[l].usableM = float32(min(float64(o.work[l].usableM), halt.stopM))
			}
		}
	}
	o.direct(trackID(first), k, halt)
	o.fix(trackID(first), k)
	return o.intern(trackID(first))
}

// lane finds the best link of a lane: onto the lane of next from which one gets
// farthest, then the one nearest to the lanes wanted there.
func (o *outlooks) lane(t trackID, next geo.SegmentID, ahead lookID, k *kind) laneLook {
	tr := &o.net.tracks[t]
	out := laneLook{link: noLink, usableM: float32(tr.lengthM), follow: -1, onward: nowhere}
	if !tr.open(k) {
		out.usableM = 0
		return out
	}
	if next == geo.NoSegment {
		return out
	}
	lanes := o.of(ahead)
	best := -1
	for q := tr.out; q < tr.outEnd; q++ {
		link := &o.net.links[q]
		to := &o.net.tracks[link.lane]
		if to.seg != next || !link.admits(k.class, k.ignore) {
			continue
		}
		l := int(to.lane)
		if best < 0 || lanes[l].usableM > lanes[best].usableM ||
			lanes[l].usableM == lanes[best].usableM && abs8(lanes[l].off) < abs8(lanes[best].off) {
			best, out.link = l, q
		}
	}
	if best >= 0 {
		way := onward{o.net.links[out.link].lane}
		copy(way[1:], o.onward[lanes[best].onward][:])
		out.follow, out.onward = int8(best), o.place(way)
		out.usableM = float32(min(tr.lengthM+float64(lanes[best].usableM), lookAheadM))
	}
	return out
}

func (t *track) open(k *kind) bool { return k.ignore && t.allow != 0 || t.allow.Has(k.class) }

func abs8(v int8) int {
	if v < 0 {
		return int(-v)
	}
	return int(v)
}

// direct sets for every lane how many changes lead to the nearest best lane.
func (o *outlooks) direct(first trackID, k *kind, halt haltAt) {
	most := float32(-1)
	for l := range o.work {
		if o.work[l].usableM > most && (halt.lane < 0 || l == halt.lane) {
			most = o.work[l].usableM
		}
	}
	isBest := func(l int) bool {
		return l >= 0 && l < len(o.work) && o.work[l].usableM >= most-1e-3 && (halt.lane < 0 || l == halt.lane)
	}
	for l := range o.work {
		for d := 0; d <= len(o.work); d++ {
			if isBest(l + d) {
				o.work[l].off = int8(d)
				break
			}
			if isBest(l - d) {
				o.work[l].off = int8(-d)
				break
			}
		}
	}
}

// fix marks the lanes on which there is nothing to choose.
func (o *outlooks) fix(first trackID, k *kind) {
	elsewhere := func(l int) bool {
		return l < 0 || l >= len(o.work) || o.work[l].off != 0 && o.work[l].usableM < turnLaneM || !o.net.tracks[int(first)+l].open(k)
	}
	for l := range o.work {
		o.work[l].fixed = o.work[l].off == 0 && elsewhere(l-1) && elsewhere(l+1)
	}
}

// intern stores the lanes in work, those of the segment that begins with lane
// first, or finds them stored.
func (o *outlooks) intern(first trackID) lookID {
	for i := range o.work {
		o.work[i].count = uint8(len(o.work) - i)
	}
	at := o.slot(first, o.work)
	if id := o.index[at]; id != 0 {
		return id - 1
	}
	id := lookID(len(o.lanes))
	o.lanes = append(o.lanes, o.work...)
	for range o.work {
		o.first = append(o.first, first)
	}
	o.index[at] = id + 1
	if o.used++; 2*o.used > len(o.index) {
		o.widen()
	}
	return id
}

// slot is where the index has, or would get, the number of an outlook.
func (o *outlooks) slot(first trackID, lanes []laneLook) int {
	h := uint64(first)*0x9e3779b97f4a7c15 + uint64(len(lanes))
	for i := range lanes {
		w := &lanes[i]
		h = (h ^ uint64(uint32(w.link))<<32 ^ uint64(math.Float32bits(w.usableM))) * 0xff51afd7ed558ccd
		h = (h ^ h>>29) + uint64(w.onward)<<16 + uint64(uint8(w.off))<<8 + uint64(uint8(w.follow))
	}
	mask := len(o.index) - 1
	for at := int(h^h>>32) & mask; ; at = (at + 1) & mask {
		id := o.index[at]
		if id == 0 || o.first[id-1] == first && slices.Equal(o.of(id-1), lanes) {
			return at
		}
	}
}

// widen doubles the index.
func (o *outlooks) widen() {
	o.index = make([]lookID, 2*len(o.index))
	for id := 0; id < len(o.lanes); id += int(o.lanes[id].count) {
		o.index[o.slot(o.first[id], o.of(lookID(id)))] = lookID(id) + 1
	}
}
