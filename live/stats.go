package live

import (
	"maps"
	"time"
)

// Stats are the feed's counters, since the data folder was made where they
// count readings, and its present state.
type Stats struct {
	Accepted   uint64
	Rejected   uint64
	Duplicates uint64
	Revisions  uint64
	ByReason   map[Reason]uint64 // rejected, duplicate and doubtful readings
	Batches    uint64            // taken, in pieces of at most 65536 readings
	Repeated   uint64            // batches answered from memory because their key was known; since start
	Messages   uint64            // of the log
	LogGaps    uint64            // messages found missing or damaged in the log

	WindowStart   time.Time // older readings come from files
	Unsealed      int       // readings older than the window that no file holds yet
	LogFirst      uint64    // number of the oldest message not yet sealed
	LogLast       uint64    // number of the newest message
	SealedRows    uint64    // readings in files
	SealedBytes   uint64    // size of those files
	Files         int       // their number
	LastSeal      time.Time // by the clock; the time of Open before the first
	LastSealError string    // "" when the last sealing went well
	RestoreTime   time.Duration
	SnapshotSeq   uint64
}

// counters are the part of Stats that the log determines.
type counters struct {
	Accepted, Rejected, Duplicates, Revisions, Batches, Messages, Gaps uint64

	byReason map[Reason]uint64
}

func (c *counters) add(r record) {
	var a Answer
	a.Reasons = make([]ReasonAt, 0, maxReasons)
	a.count(r.b, r.verdicts, 0)
	c.Batches++
	c.Accepted += uint64(a.Accepted)
	c.Rejected += uint64(a.Rejected)
	c.Duplicates += uint64(a.Duplicates)
	c.Revisions += uint64(a.Revisions)
	for why, n := range a.ByReason {
		c.byReason[why] += uint64(n)
	}
}

func (c *counters) fill(s *Stats) {
	s.Accepted, s.Rejected, s.Duplicates, s.Revisions = c.Accepted, c.Rejected, c.Duplicates, c.Revisions
	s.Batches, s.Messages, s.LogGaps = c.Batches, c.Messages, c.Gaps
	s.ByReason = maps.Clone(c.byReason)
}
