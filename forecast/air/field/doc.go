// Package field makes the city's air out of a forecast cycle: the traffic of now
// and of the hours ahead becomes emissions, these are carried to stations, zones
// and a grid under the weather of the hour, and the result is corrected by what
// stations measure.
//
// It stands on forecast (traffic, stations), sim/air (emission, dispersion,
// chemistry) and forecast/air/fusion; the running twin calls Tick after every
// forecast and publishes the Field. Nothing here does I/O or reads a clock.
package field
