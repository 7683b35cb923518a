// Package report writes what a comparison found for people: one HTML page that
// needs nothing else and prints well, and CSV.
//
// It stands on scenarios and takes its results as they are: the change in
// words, the indicators with their intervals, a map of the differences. Record
// simulates one replication of a side once more and keeps what diagrams are
// drawn of: trajectories along a corridor, what its signals showed, queues by
// interval. The package does no I/O; writers are passed in, and equal inputs
// give equal bytes.
package report
