// Package store keeps readings on disk: sealed history in Parquet files behind
// a manifest with checksums, the checkpoint of the recent window, and the
// folder that says which format it holds.
//
// It stands below the feed (package live), which decides what to seal and when;
// nothing here knows of logs, quality or clocks. The files are plain Parquet:
// other tools may read them, none may change them.
package store
