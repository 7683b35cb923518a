// Package geo holds the city as an immutable value: nodes, segments, lanes,
// movements with their conflicts, signals and plans as data, zones, sensors and
// bus stops, with an index to find them by place.
//
// It stands above unit and below everything else: sim compiles a city into its
// own columns, live matches readings to its sensors, scenarios patch it. A
// reader package (geo/sumo, geo/gmns, geo/synth ...) fills a Draft; Draft.Build
// checks it and derives a City. A Patch overlays changes on a City without
// touching it. The root package does no I/O and knows nothing of demand.
//
// Records are values in tables with dense typed ids; relations are compressed
// sparse rows. Geometry is in metres in the city's Frame; zones and sensor
// places stay in lon/lat.
package geo
