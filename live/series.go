package live

import (
	"slices"

	"tideway/geo"
	"tideway/live/store"
)

// series is what the feed holds in memory of one sensor's quantity: the recent
// window in a ring of fixed slots (4 bytes a value), values off the slots, and
// values older than the window that are not yet sealed to files.
type series struct {
	key    store.Key
	sensor geo.SensorID // NoSensor when the city no longer has it

	intervalMS int64 // spacing of slots; 0 until known
	phaseMS    int64 // ends of slots are phaseMS + k*intervalMS
	ring       []store.Code
	head       int64 // newest slot number that the ring covers
	loose      []store.Point
	old        []oldPoint

	lastEndMS int64      // newest end ever accepted
	last      store.Code // its value; 0 when there is none
}

// oldPoint is a value older than the window, kept until its message is sealed.
type oldPoint struct {
	store.Point
	seq uint64
}

// maxSlots bounds a ring: a day of 1-second values and its margin.
const maxSlots = 100_000

// slot returns the ring slot of end, if the value lies on the series' grid.
func (s *series) slot(endMS int64) (k int64, ok bool) {
	if s.ring == nil {
		return 0, false
	}
	k = floorDiv(endMS-s.phaseMS, s.intervalMS)
	return k, s.phaseMS+k*s.intervalMS == endMS
}

func (s *series) covered(k int64) bool { return k <= s.head && k > s.head-int64(len(s.ring)) }

func (s *series) at(k int64) *store.Code {
	n := int64(len(s.ring))
	p := k % n
	if p < 0 {
		p += n
	}
	return &s.ring[p]
}

// get returns the value whose interval ends at endMS, 0 when there is none in
// the window.
func (s *series) get(endMS int64) store.Code {
	if k, ok := s.slot(endMS); ok && s.covered(k) {
		if c := *s.at(k); c != 0 {
			return c
		}
	}
	if len(s.loose) == 0 {
		return 0
	}
	if i, ok := searchEnd(s.loose, endMS); ok {
		return s.loose[i].Code
	}
	return 0
}

// set stores a value of the window. Values before startMS may be forgotten.
func (s *series) set(p store.Point, startMS, windowMS int64) {
	s.shape(p, windowMS)
	s.remember(p)
	k, onGrid := s.slot(p.EndMS)
	if onGrid && (p.IntervalS == 0 || int64(p.IntervalS)*1000 == s.intervalMS) {
		if k > s.head {
			s.advance(k, startMS)
		}
		if s.covered(k) {
			*s.at(k) = p.Code
			s.unloose(p.EndMS)
			return
		}
	} else if onGrid && s.covered(k) {
		*s.at(k) = 0 // the same key with another interval moves off the grid
	}
	s.loose = insert(s.loose, p)
}

// shape lays out the ring at the first value that tells the spacing.
func (s *series) shape(p store.Point, windowMS int64) {
	if s.ring != nil {
		return
	}
	if s.intervalMS == 0 {
		s.intervalMS = int64(p.IntervalS) * 1000
	}
	if s.intervalMS == 0 {
		return
	}
	s.layout(floorMod(p.EndMS, s.intervalMS), windowMS)
	s.head = floorDiv(p.EndMS-s.phaseMS, s.intervalMS)
}

func (s *series) layout(phaseMS, windowMS int64) {
	s.phaseMS = phaseMS
	s.ring = make([]store.Code, min(maxSlots, (windowMS+futureTolerance.Milliseconds())/s.intervalMS+2))
}

// advance moves the ring's newest slot to k. Slots that fall out but still
// belong to the window (it is held back until sealed) move off the grid.
func (s *series) advance(k, startMS int64) {
	n := int64(len(s.ring))
	for j := max(s.head+1, k-n+1); j <= k; j++ {
		c := s.at(j)
		if *c != 0 {
			was := s.head - floorMod(s.head-j, n) // the slot that this place of the ring held so far
			if end := s.phaseMS + was*s.intervalMS; end >= startMS {
				s.loose = insert(s.loose, store.Point{EndMS: end, IntervalS: uint32(s.intervalMS / 1000), Code: *c})
			}
			*c = 0
		}
	}
	s.head = k
}

func (s *series) remember(p store.Point) {
	if s.last == 0 || p.EndMS >= s.lastEndMS {
		s.lastEndMS, s.last = p.EndMS, p.Code
	}
}

func (s *series) unloose(endMS int64) {
	if len(s.loose) == 0 {
		return
	}
	if i, ok := searchEnd(s.loose, endMS); ok {
		s.loose = slices.Delete(s.loose, i, i+1)
	}
}

// forget drops values off the grid that left the window; the ring forgets by
// being overwritten.
func (s *series) forget(startMS int64) {
	if len(s.loose) == 0 || s.loose[0].EndMS >= startMS {
		return
	}
	i, _ := searchEnd(s.loose, startMS)
	s.loose = append(s.loose[:0:0], s.loose[i:]...)
}

// setOld stores a value older than the window until message seq is sealed.
func (s *series) setOld(p store.Point, seq uint64) {
	s.remember(p)
	n := len(s.old)
	if n == 0 || s.old[n-1].EndMS < p.EndMS {
		s.old = append(s.old, oldPoint{p, seq})
		return
	}
	i, found := s.searchOld(p.EndMS)
	if found {
		s.old[i] = oldPoint{p, seq}
		return
	}
	s.old = slices.Insert(s.old, i, oldPoint{p, seq})
}

func (s *series) searchOld(endMS int64) (int, bool) {
	return slices.BinarySearchFunc(s.old, endMS, func(p oldPoint, e int64) int { return compareInt(p.EndMS, e) })
}

// sealed drops the old values of messages up to seq; files hold them now. It
// returns how many it dropped.
func (s *series) sealed(seq uint64) int {
	before := len(s.old)
	s.old = slices.DeleteFunc(s.old, func(p oldPoint) bool { return p.seq <= seq })
	if len(s.old) == 0 {
		s.old = nil
	}
	return before - len(s.old)
}

// window appends the values of the window with from <= end < to, in order.
func (s *series) window(dst []store.Point, fromMS, toMS int64) []store.Point {
	begin := len(dst)
	if s.ring != nil {
		first := max(ceilDiv(fromMS-s.phaseMS, s.intervalMS), s.head-int64(len(s.ring))+1)
		for k := first; k <= s.head; k++ {
			end := s.phaseMS + k*s.intervalMS
			if end >= toMS {
				break
			}
			if c := *s.at(k); c != 0 {
				dst = append(dst, store.Point{EndMS: end, IntervalS: uint32(s.intervalMS / 1000), Code: c})
			}
		}
	}
	onGrid := len(dst)
	for _, p := range s.loose {
		if p.EndMS >= fromMS && p.EndMS < toMS {
			dst = append(dst, p)
		}
	}
	if onGrid > begin && len(dst) > onGrid {
		slices.SortFunc(dst[begin:], func(a, b store.Point) int { return compareInt(a.EndMS, b.EndMS) })
	}
	return dst
}

// before calls f with the values that precede endMS, newest first, until f
// returns false: those on the grid for a value on the grid, else those beside
// it. It stops at a gap of three slots.
func (s *series) before(endMS int64, old bool, f func(endMS int64, c store.Code) bool) {
	if old {
		i, _ := s.searchOld(endMS)
		for i--; i >= 0 && f(s.old[i].EndMS, s.old[i].Code); i-- {
		}
		return
	}
	if k, ok := s.slot(endMS); ok {
		gap := 0
		for k = min(k-1, s.head); s.covered(k) && gap < 3; k-- {
			gap++
			if c := *s.at(k); c != 0 {
				if gap = 0; !f(s.phaseMS+k*s.intervalMS, c) {
					return
				}
			}
		}
		return
	}
	i, _ := searchEnd(s.loose, endMS)
	for i--; i >= 0 && f(s.loose[i].EndMS, s.loose[i].Code); i-- {
	}
}

func insert(ps []store.Point, p store.Point) []store.Point {
	if n := len(ps); n == 0 || ps[n-1].EndMS < p.EndMS {
		return append(ps, p)
	}
	i, found := searchEnd(ps, p.EndMS)
	if found {
		ps[i] = p
		return ps
	}
	return slices.Insert(ps, i, p)
}

func searchEnd(ps []store.Point, endMS int64) (int, bool) {
	return slices.BinarySearchFunc(ps, endMS, func(p store.Point, e int64) int { return compareInt(p.EndMS, e) })
}

func compareInt(a, b int64) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b != 0 && (a < 0) != (b < 0) {
		q--
	}
	return q
}

func floorMod(a, b int64) int64 { return a - floorDiv(a, b)*b }

func ceilDiv(a, b int64) int64 { return -floorDiv(-a, b) }
