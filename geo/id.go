package geo

import "iter"

// Dense ids. Each is the position of a record in its table, so a column indexed
// by one needs no map; ids of different kinds do not mix. They are valid for
// one city and all patches of it, and never leave the process: files and the
// API speak outside ids (strings).
type (
	NodeID     uint32
	SegmentID  uint32
	LaneID     uint32
	MovementID uint32
	SignalID   uint32
	PlanID     uint32
	ZoneID     uint32
	SensorID   uint32
	StopID     uint32
)

// Absent values of the optional references.
const (
	NoNode     = ^NodeID(0)
	NoSegment  = ^SegmentID(0)
	NoLane     = ^LaneID(0)
	NoMovement = ^MovementID(0)
	NoSignal   = ^SignalID(0)
	NoPlan     = ^PlanID(0)
	NoZone     = ^ZoneID(0)
	NoSensor   = ^SensorID(0)
)

// Table is an immutable list of records with their outside ids. Copies share
// the records.
type Table[I ~uint32, T any] struct {
	rows []T
	ids  map[string]I
}

func newTable[I ~uint32, T any](rows []T, key func(T) string) Table[I, T] {
	t := Table[I, T]{rows: rows, ids: make(map[string]I, len(rows))}
	for i, r := range rows {
		t.ids[key(r)] = I(i)
	}
	return t
}

// Len returns the number of records; valid ids are 0 to Len-1.
func (t Table[I, T]) Len() int { return len(t.rows) }

// At returns the record with id i. It panics when i is out of range, which is
// a bug of the caller. Slices inside a record are shared: do not write to them.
func (t Table[I, T]) At(i I) T { return t.rows[i] }

// Find returns the id of the record with the given outside id.
func (t Table[I, T]) Find(outside string) (I, bool) {
	i, ok := t.ids[outside]
	return i, ok
}

// All ranges over the records in id order.
func (t Table[I, T]) All() iter.Seq2[I, T] {
	return func(yield func(I, T) bool) {
		for i, r := range t.rows {
			if !yield(I(i), r) {
				return
			}
		}
	}
}

// adjacency is a compressed sparse row list: items of key k are
// items[start[k]:start[k+1]], in the order they were added.
type adjacency[K ~uint32, V any] struct {
	start []uint32
	items []V
}

func group[K ~uint32, V any](keys int, n int, at func(i int) (K, V)) adjacency[K, V] {
	a := adjacency[K, V]{start: make([]uint32, keys+1), items: make([]V, n)}
	for i := range n {
		k, _ := at(i)
		a.start[k+1]++
	}
	for k := range keys {
		a.start[k+1] += a.start[k]
	}
	next := append([]uint32(nil), a.start[:keys]...)
	for i := range n {
		k, v := at(i)
		a.items[next[k]] = v
		next[k]++
	}
	return a
}

func (a adjacency[K, V]) of(k K) []V {
	lo, hi := a.start[k], a.start[k+1]
	return a.items[lo:hi:hi]
}
