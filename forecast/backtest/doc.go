// Package backtest runs the forecasting service over past windows and says how
// good it would have been: the numbers of the literature's protocols, from the
// same Runner that serves.
//
// A wide table of values becomes a city of sensors, a history that ends where
// the training rows end, and one snapshot per origin; the Runner fits, ticks
// and never sees a value after the origin it stands at.
package backtest
