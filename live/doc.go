// Package live takes in readings: the way from a device to the state of the
// city. Feed.Put matches each reading to its sensor, checks its quality,
// appends the batch to the durable log, acknowledges, and folds it into the
// columns of the recent window; at every tick an immutable Snapshot is
// published by atomic pointer.
//
// It stands on geo; forecast reads its snapshots and history. Sub-packages:
// ingest (decoders), store (log, Parquet history, restart), replay.
package live
