package sim

import (
	"cmp"
	"math"
	"slices"

	"tideway/geo"
)

// The road as the kernel sees it. A track is a strip on which vehicles follow
// each other: a lane of a segment, or a movement's path inside a junction (two
// tracks when the movement may wait inside). A link leads from the end of one
// track to the begin of the next. Tracks 0 to lanes-1 are the city's lanes.
type (
	trackID int32
	linkID  int32
)

const (
	noTrack = trackID(-1)
	noLink  = linkID(-1)
)

type track struct {
	lengthM, limitMPS float64
	seg               geo.SegmentID // of an inner track: the segment it comes from
	allow             geo.ClassSet
	out, outEnd       linkID // links that leave it
	lane              int16  // index in its segment; -1 inside a junction
	entry             linkID // inner tracks: the link from the street into the junction
}

func (t *track) inner() bool { return t.lane < 0 }

// linkRole tells where on its way across a junction a link lies.
type linkRole uint8

const (
	entryLink linkRole = iota // from a lane into the junction, or straight to the next lane
	waitLink                  // between the two inner tracks of a movement that may wait inside
	exitLink                  // from the junction onto a lane
)

type link struct {
	from, to trackID
	lane     trackID // the lane it finally leads to
	role     linkRole
	right    byte // right of way when no signal shows: M m s w =
	clear    bool // the junction must not be entered unless it can be left
	hasFoes  bool
	watched  bool // somebody gives way to it: approaches must be registered
	waits    bool // entry link of a movement with a waiting point inside
	turn     geo.Turn
	group    int32 // position in the kernel's signal states; -1: none
	movement geo.MovementID
	entry    linkID // entry link of the same movement
	allow    geo.ClassSet
	lengthM  float64 // of the inner track it leads onto; 0 onto a lane

	radiusM float64 // of the turn to the left that ends with it; 0: it is none

	yields, yieldsEnd int32 // links it gives way to, in network.yields
	meets, meetsEnd   int32 // tracks that meet the inner track it ends, in network.meets
}

// meeting is where an inner track meets another one.
type meeting struct {
	foe        trackID
	foeLink    linkID  // link at the end of foe
	beforeEndM float64 // from the begin of the shared area to the end of the own track
	foeBeforeM float64 // the same along foe
	sizeM      float64 // length of the shared area; 0 for merging and parting
	foeSizeM   float64
	merge      bool // both lead onto the same lane
	part       bool // both come from the same lane
	foeWaits   bool // foe ends at a waiting point
	foeFirst   bool // own movement gives way to foe's
	ownFirst   bool // foe's movement gives way to the own
}

type network struct {
	city   *geo.City
	lanes  int // number of lanes
	tracks []track
	links  []link
	yields []linkID
	meets  []meeting
	ways   []linkWay // of movements, by geo.MovementID

	into, intoEnd []int32            // links that end at a track, by track, in intoLinks
	intoLinks     []linkID           //
	groups        []int32            // first signal state of a signal, by geo.SignalID
	states        int                // number of signal states
	movesOf       [][]geo.MovementID // by signal state
	nearWide      []bool             // tracks whose vehicles somebody who changes lanes may see
	bundles       []bundle           // those of segments come first, by geo.SegmentID
	bundleOf      []int32            // of tracks
}

// bundle is tracks side by side, neighbours among the tracks, among which vehicles
// change: the lanes of a segment, or inside a junction the ways of neighbouring lanes to
// neighbouring lanes of one segment.
type bundle struct {
	first trackID
	count int32
}

func (b bundle) wide() bool { return b.count > 1 }

// beside returns the first and the last of the tracks among which a vehicle on
// track t can change.
func (n *network) beside(t trackID) (first, last trackID) {
	b := n.bundles[n.bundleOf[t]]
	return b.first, b.first + trackID(b.count) - 1
}

// linkWay names the links and tracks of one movement; noLink and noTrack where
// it has none.
type linkWay struct {
	entry, wait, exit linkID
	first, second     trackID
}

const minInnerM = 0.1 // shorter paths across a node are driven as if they had no length

func compile(c *geo.City) *network {
	n := &network{city: c, lanes: c.Lanes.Len()}
	n.addLanes()
	for s := range c.Segments.Len() {
		first, lanes := c.LanesOf(geo.SegmentID(s))
		n.bundles = append(n.bundles, bundle{trackID(first), int32(lanes)})
	}
	n.groupSignals()
	n.addLinks()
	n.movesOf = make([][]geo.MovementID, n.states)
	for m := range n.ways {
		if g := n.links[n.ways[m].entry].group; g >= 0 {
			n.movesOf[g] = append(n.movesOf[g], geo.MovementID(m))
		}
	}
	n.addYields()
	n.addMeetings()
	n.indexInto()
	n.bundleInner()
	n.markWide()
	return n
}

func (n *network) addLanes() {
	for _, l := range n.city.Lanes.All() {
		n.tracks = append(n.tracks, track{lengthM: float64(l.Length), limitMPS: float64(l.Limit), seg: l.Segment,
			allow: l.Allow, lane: int16(l.Index), entry: noLink})
	}
}

func (n *network) groupSignals() {
	n.groups = make([]int32, n.city.Signals.Len())
	for i, s := range n.city.Signals.All() {
		n.groups[i] = int32(n.states)
		n.states += s.Groups
	}
}

// addLinks makes entry links first, lane by lane, so that the links that leave
// a lane are neighbours; then those inside junctions.
func (n *network) addLinks() {
	n.ways = make([]linkWay, n.city.Movements.Len())
	for i := range n.ways {
		n.ways[i] = linkWay{noLink, noLink, noLink, noTrack, noTrack}
	}
	for l := range n.lanes {
		t := &n.tracks[l]
		t.out = linkID(len(n.links))
		for _, m := range n.city.MovementsFrom(geo.LaneID(l)) {
			n.ways[m].entry = linkID(len(n.links))
			n.links = append(n.links, n.entryOf(m))
		}
		t.outEnd = linkID(len(n.links))
	}
	for _, m := range n.sideBySide() {
		n.addInner(m)
	}
}

// sideBySide returns the movements ordered by the segments that they join, and by lane
// among those.
func (n *network) sideBySide() []geo.MovementID {
	list := make([]geo.MovementID, len(n.ways))
	for m := range list {
		list[m] = geo.MovementID(m)
	}
	slices.SortStableFunc(list, func(a, b geo.MovementID) int {
		x, y := n.city.Movements.At(a), n.city.Movements.At(b)
		return cmp.Or(cmp.Compare(n.tracks[x.From].seg, n.tracks[y.From].seg), cmp.Compare(n.tracks[x.To].seg, n.tracks[y.To].seg),
			cmp.Compare(x.From, y.From), cmp.Compare(x.To, y.To))
	})
	return list
}

// bundleInner bundles the tracks inside junctions and notes the bundle of every track.
// Tracks before and behind a waiting point stay alone.
func (n *network) bundleInner() {
	for t := trackID(n.lanes); t < trackID(len(n.tracks)); t++ {
		if last := &n.bundles[len(n.bundles)-1]; t > trackID(n.lanes) && n.parallel(t-1, t) {
			last.count++
		} else {
			n.bundles = append(n.bundles, bundle{t, 1})
		}
	}
	n.bundleOf = make([]int32, len(n.tracks))
	for b := range n.bundles {
		for i := range n.bundles[b].count {
			n.bundleOf[n.bundles[b].first+trackID(i)] = int32(b)
		}
	}
}

// parallel reports whether two inner tracks of one length lead from neighbouring lanes of
// one segment to neighbouring lanes of another, neither of which gives way without a signal.
func (n *network) parallel(right, left trackID) bool {
	a, b := &n.links[n.tracks[right].entry], &n.links[n.tracks[left].entry]
	return !a.waits && !b.waits && n.tracks[a.from].seg == n.tracks[b.from].seg && n.tracks[a.lane].seg == n.tracks[b.lane].seg &&
		a.from+1 == b.from && a.lane+1 == b.lane && math.Abs(n.tracks[right].lengthM-n.tracks[left].lengthM) < sameM && n.leads(a) && n.leads(b)
}

const sameM = 0.005 // lengths are given in centimetres

// leads reports whether an entry link has a signal or the right of way.
func (n *network) leads(q *link) bool {
	return q.group >= 0 || n.city.Movements.At(q.movement).Right == geo.Major
}

var rightLetter = map[geo.RightOfWay]byte{geo.Major: 'M', geo.GiveWay: 'm', geo.Stop: 's', geo.AllWayStop: 'w', geo.EqualRight: '='}

func (n *network) entryOf(m geo.MovementID) link {
	mv := n.city.Movements.At(m)
	k := link{from: trackID(mv.From), to: trackID(mv.To), lane: trackID(mv.To), role: entryLink, right: rightLetter[mv.Right],
		clear: mv.Clear, turn: mv.Turn, group: -1, movement: m, entry: linkID(len(n.links)),
		allow: mv.Allow & n.tracks[mv.From].allow & n.tracks[mv.To].allow}
	if mv.Signal != geo.NoSignal {
		k.group = n.groups[mv.Signal] + int32(mv.Group)
	}
	if k.right == 'M' && mv.Signal == geo.NoSignal {
		for _, x := range n.city.Conflicts(m) {
			if x.Yield {
				k.right = 'm'
			}
		}
	}
	return k
}

// addInner makes the inner tracks of a movement and the links at their ends.
func (n *network) addInner(m geo.MovementID) {
	mv, way := n.city.Movements.At(m), &n.ways[m]
	length, wait := float64(mv.Length), float64(mv.WaitAt)
	if length < minInnerM {
		return
	}
	if wait < minInnerM || wait > length-minInnerM {
		wait = 0
	}
	entry := &n.links[way.entry]
	inner := track{limitMPS: float64(mv.Limit), seg: n.tracks[mv.From].seg, allow: n.links[way.entry].allow, lane: -1, entry: way.entry}
	next := *entry
	next.right, next.group, next.waits, next.clear, next.lengthM = 'M', -1, false, entry.clear, 0
	if wait > 0 {
		inner.lengthM = wait
		way.first = n.addTrack(inner, linkID(len(n.links)))
		entry.to, entry.lengthM, entry.waits = way.first, wait, true
		way.wait = linkID(len(n.links))
		inside := next
		inside.from, inside.role, inside.right, inside.lengthM = way.first, waitLink, 'm', length-wait
		n.links = append(n.links, inside)
		entry = &n.links[way.entry]
	}
	inner.lengthM = length - wait
	way.second = n.addTrack(inner, linkID(len(n.links)))
	if wait > 0 {
		n.links[way.wait].to = way.second
	} else {
		entry.to, entry.lengthM = way.second, length
	}
	way.exit = linkID(len(n.links))
	next.from, next.role = way.second, exitLink
	n.links = append(n.links, next)
}

func (n *network) addTrack(t track, out linkID) trackID {
	t.out, t.outEnd = out, out+1
	n.tracks = append(n.tracks, t)
	return trackID(len(n.tracks) - 1)
}

// addYields lists for every link whom it gives way to: the entry links of the
// movements that go first, and the links at which those wait inside. A movement
// that waits inside does its giving way there.
func (n *network) addYields() {
	for m := range n.ways {
		way := n.ways[m]
		conflicts := n.city.Conflicts(geo.MovementID(m))
		begin := int32(len(n.yields))
		for _, x := range conflicts {
			if !x.Yield {
				continue
			}
			foe := n.ways[x.Foe]
			n.yields = append(n.yields, foe.entry)
			n.links[foe.entry].watched = true
			if foe.wait != noLink {
				n.yields = append(n.yields, foe.wait)
				n.links[foe.wait].watched = true
			}
		}
		end := int32(len(n.yields))
		for _, k := range []linkID{way.entry, way.wait} {
			if k != noLink {
				n.links[k].yields, n.links[k].yieldsEnd = begin, end
			}
		}
		for _, k := range []linkID{way.entry, way.wait, way.exit} {
			if k != noLink {
				n.links[k].hasFoes = len(conflicts) > 0
			}
		}
	}
	n.spreadFoes()
	n.zips()
}

// spreadFoes marks every link of a junction that has any conflict: keeping it
// clear concerns all who cross it.
func (n *network) spreadFoes() {
	has := make([]bool, n.city.Nodes.Len())
	for m, mv := range n.city.Movements.All() {
		if len(n.city.Conflicts(m)) > 0 {
			has[mv.Node] = true
		}
	}
	for k := range n.links {
		n.links[k].hasFoes = has[n.city.Movements.At(n.links[k].movement).Node]
	}
}

// markWide marks the tracks within six links of a bundle of several tracks, and those
// that they meet.
func (n *network) markWide() {
	n.nearWide = make([]bool, len(n.tracks))
	for t := range n.tracks {
		n.nearWide[t] = n.bundles[n.bundleOf[t]].wide()
	}
	for range 6 {
		was := append([]bool(nil), n.nearWide...)
		for q := range n.links {
			l := &n.links[q]
			if was[l.from] || was[l.to] {
				n.nearWide[l.from], n.nearWide[l.to] = true, true
			}
		}
	}
	for q := range n.links {
		if l := &n.links[q]; n.nearWide[l.from] {
			for _, x := range n.meets[l.meets:l.meetsEnd] {
				n.nearWide[x.foe] = true
			}
		}
	}
}

func (n *network) indexInto() {
	count := make([]int32, len(n.tracks)+1)
	for _, k := range n.links {
		count[k.to+1]++
	}
	for t := range n.tracks {
		count[t+1] += count[t]
	}
	n.into, n.intoEnd = count[:len(n.tracks)], append([]int32(nil), count[1:]...)
	next := append([]int32(nil), n.into...)
	n.intoLinks = make([]linkID, len(n.links))
	for k := range n.links {
		to := n.links[k].to
		n.intoLinks[next[to]] = linkID(k)
		next[to]++
	}
}

// class reports whether a vehicle of class c may take link k.
func (k *link) admits(c geo.Class, ignore bool) bool { return ignore && k.allow != 0 || k.allow.Has(c) }
