// Package utdf reads and writes Synchro's Universal Traffic Data Format,
// version 8, as one combined CSV file with the sections Network, Nodes, Links,
// Lanes, Timeplans and Phases.
//
// It stands at the edge: it knows the format, geo and geo/sketch, nothing of
// demand. A File holds the tables as they are written, so that what was read
// and written again is the same. Import makes a city of it: nodes and links
// drawn, lanes leading where the lane groups say, ring-barrier plans with their
// offsets. What a city has no place for (volumes, saturation flows, detectors)
// stays in the File, which the importer keeps beside the city; LaneGroups gives
// it in units. Export lays a city's plans over the kept File, or writes a city
// that came from elsewhere.
//
// The format is not published; what its fields and codes mean here was checked
// against files from practice. docs/format.md lists what is read.
package utdf
