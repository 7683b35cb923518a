// Package sumo reads SUMO networks (.net.xml) and additional files (signal
// programs, detectors, bus stops, districts) into a geo.City, and writes signal
// plans back as an additional file.
//
// It stands at the edge: it knows the file formats and geo, nothing of demand.
// Route files and vehicle types belong to package sim/demand/sumo; inputs that
// hold such elements are named in the report and otherwise left alone.
//
// Every connection between two streets becomes one movement: the chain of
// internal lanes that it runs over is one path, with the waiting point of an
// internal junction as a distance along it. Conflicts come from the request
// matrix of the junction (who meets whom, who gives way) and from the geometry
// of the two paths (where).
package sumo
