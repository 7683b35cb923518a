package live

import "tideway/live/store"

// verdict is what became of one reading, as the log holds it: the position of
// its reason in reasonCodes, and whether it replaced a value.
type verdict uint8

const verdictRevision verdict = 0x80

// reasonCodes gives reasons their numbers in the log. New ones go to the end.
var reasonCodes = []Reason{"", UnknownSensor, UnknownQuantity, OutOfRange, NotANumber, TooLate, InTheFuture,
	Duplicate, RateOfChange, Stuck, BadTime, BadUnit, Malformed}

var codeOfReason = func() map[Reason]verdict {
	m := map[Reason]verdict{}
	for i, r := range reasonCodes {
		m[r] = verdict(i)
	}
	return m
}()

// Verdicts the judge gives.
var (
	verdictOK        = codeOfReason[""]
	verdictSensor    = codeOfReason[UnknownSensor]
	verdictQuantity  = codeOfReason[UnknownQuantity]
	verdictRange     = codeOfReason[OutOfRange]
	verdictNaN       = codeOfReason[NotANumber]
	verdictLate      = codeOfReason[TooLate]
	verdictFuture    = codeOfReason[InTheFuture]
	verdictDuplicate = codeOfReason[Duplicate]
	verdictJumped    = codeOfReason[RateOfChange]
	verdictStuck     = codeOfReason[Stuck]
	verdictMalformed = codeOfReason[Malformed]
)

func (v verdict) revision() bool { return v&verdictRevision != 0 }

func (v verdict) reason() Reason {
	if i := int(v &^ verdictRevision); i < len(reasonCodes) {
		return reasonCodes[i]
	}
	return Malformed
}

func (v verdict) accepted() bool {
	c := v &^ verdictRevision
	return c == verdictOK || c == verdictJumped || c == verdictStuck
}

func (v verdict) duplicate() bool { return v == verdictDuplicate }

func (v verdict) doubt() store.Doubt {
	switch v &^ verdictRevision {
	case verdictStuck:
		return store.Stuck
	case verdictJumped:
		return store.Jumped
	}
	return store.Good
}

// reasonOfDoubt is the reason that snapshots and history show for a doubt.
func reasonOfDoubt(d store.Doubt) Reason {
	switch d {
	case store.Stuck:
		return Stuck
	case store.Jumped:
		return RateOfChange
	}
	return ""
}

// maxReasons bounds Answer.Reasons.
const maxReasons = 100

// count adds the verdicts on the readings of b to the answer; their positions
// in the client's batch start at first.
func (a *Answer) count(b *Batch, verdicts []verdict, first int) {
	for i, v := range verdicts {
		if v == verdictOK {
			a.Accepted++
			continue
		}
		a.countFlagged(b, v, i, first)
	}
}

func (a *Answer) countFlagged(b *Batch, v verdict, i, first int) {
	switch {
	case v.accepted():
		a.Accepted++
	case v.duplicate():
		a.Duplicates++
	default:
		a.Rejected++
	}
	if v.revision() {
		a.Revisions++
	}
	why := v.reason()
	if why == "" {
		return
	}
	if a.ByReason == nil {
		a.ByReason = map[Reason]int{}
	}
	a.ByReason[why]++
	if !v.accepted() && len(a.Reasons) < maxReasons {
		a.Reasons = append(a.Reasons, ReasonAt{Index: first + i, Sensor: b.Sensors[b.Sensor[i]], Reason: why})
	}
}

// Merge adds the counts of another answer of the same client batch.
func (a *Answer) Merge(o Answer) {
	a.Accepted += o.Accepted
	a.Rejected += o.Rejected
	a.Duplicates += o.Duplicates
	a.Revisions += o.Revisions
	a.Reasons = append(a.Reasons, o.Reasons[:min(len(o.Reasons), max(0, maxReasons-len(a.Reasons)))]...)
	for r, n := range o.ByReason {
		if a.ByReason == nil {
			a.ByReason = map[Reason]int{}
		}
		a.ByReason[r] += n
	}
}
