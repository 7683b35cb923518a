// Package air forecasts what monitoring stations will measure, 1 to 72 hours
// ahead: medians and central 90 % intervals of a pollutant from the station's
// own past, that of the stations around it, the calendar, past weather and,
// where it is given, the weather of the hours ahead.
//
// Data is the hourly table of all stations, ReadCSV its decoder, Fit learns a
// Model from the rows before an instant, Model.Predict answers at an origin,
// Backtest replays a past period. Learner offers the same boosted trees to the
// forecast runner, which knows one quantity at a time and the weather that the
// city measures or is given. Nothing here does I/O, reads a clock or owns a random seed.
package air
