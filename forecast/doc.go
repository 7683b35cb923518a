// Package forecast says what is expected of every series and every segment of
// the city, with calibrated intervals, and how good such statements have been.
//
// It stands on live: a Runner takes each Snapshot and a window of History,
// lets one Model per group of series fill its rows in parallel shards, widens
// or narrows the intervals by what past errors taught (conformal), spreads the
// result to segments without sensors, and publishes an immutable Forecast by
// pointer. When the time a forecast spoke about has passed it is scored; the
// scores adapt the intervals and are published as Skill.
//
// The package holds the models that always ship: the local-clock profile and
// the profile with a decaying residual. The learned model is forecast/traffic;
// forecast/backtest drives the same Runner over past windows. Nothing here
// does I/O, reads a clock or owns a random seed.
package forecast
