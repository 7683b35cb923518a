// Package gmns keeps a city as a folder of CSV tables: the General Modeling
// Network Specification (GMNS) for nodes, links, lanes, movements, zones and
// controllers, extra tables for what GMNS has no place for (conflicts, plans,
// stages, sensors, assumptions ...), and city.json with format version, time
// zone and frame. docs/format.md describes every table.
//
// Write and Read are the city's native format: what was read and written again
// is the same file by file, and the city keeps its version. Files of the folder
// that are not named there (demand, for one) are left alone. Import takes plain
// GMNS made by others and says what it had to assume.
package gmns
