package sim

import "sync/atomic"

// approach is what a vehicle announces about a link it asks to pass: those
// who give way to the link read it. Times are seconds since the engine's zero.
type approach struct {
	next     uint64 // the next approach to the same link
	arriveS  float64
	leaveS   float64
	leaveMPS float32
	brakeMPS float32 // speed of arrival if it braked from now on
	speedMPS float32
	decel    float32
	distM    float32
	waitS    float32
	id       carID
	link     linkID
}

// approaches holds those of one step. Every shard of tracks appends to its own
// list; the lists of a link run through all of them. Their order depends on
// timing, therefore only questions are asked of them whose answer does not
// depend on it.
type approaches struct {
	tag    uint64   // of the step, in the upper 16 bits
	head   []uint64 // by link: tag, and reference of the newest approach
	shards [][]approach
	shared bool // several threads add at a time
}

const (
	refBits  = 48
	refMask  = 1<<refBits - 1
	idxBits  = 36
	tagCycle = 1<<15 - 1
)

func newApproaches(links int, shared bool) *approaches {
	return &approaches{head: make([]uint64, links), shared: shared}
}

// grow adds a shard.
func (a *approaches) grow() { a.shards = append(a.shards, nil) }

// reset empties the lists for a step. Tags repeat after tagCycle steps, when
// everything is cleared.
func (a *approaches) reset(tick int64) {
	tag := uint64(tick%tagCycle) + 1
	if tag == 1 {
		clear(a.head)
	}
	a.tag = tag << refBits
	for s := range a.shards {
		a.shards[s] = a.shards[s][:0]
	}
}

// add lists an approach to link q and returns its place, to be filled in before
// the phase of the step ends: nobody reads it earlier.
func (a *approaches) add(shard int, q linkID) *approach {
	list := &a.shards[shard]
	*list = append(*list, approach{})
	n := len(*list)
	x, head := &(*list)[n-1], &a.head[q]
	x.link = q
	ref := a.tag | uint64(shard)<<idxBits | uint64(n)
	if !a.shared {
		x.next = a.after(*head)
		*head = ref
		return x
	}
	for {
		old := atomic.LoadUint64(head)
		if x.next = a.after(old); atomic.CompareAndSwapUint64(head, old, ref) {
			return x
		}
	}
}

// after returns the reference in a head, if it is of this step.
func (a *approaches) after(head uint64) uint64 {
	if head&^refMask == a.tag {
		return head & refMask
	}
	return 0
}

// first and at walk the approaches to a link: for ref := first(k); ref != 0;
// ref = x.next { x := at(ref) }.
func (a *approaches) first(k linkID) uint64 { return a.after(a.head[k]) }

func (a *approaches) at(ref uint64) *approach {
	return &a.shards[ref>>idxBits][ref&(1<<idxBits-1)-1]
}
