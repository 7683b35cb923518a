// Package signal is the behaviour of signals: controllers that carry out a
// geo.Plan second by second (fixed time, actuated, ring-barrier), the validation
// that reports every problem of a plan at once, and the calculators of signal
// engineering: delay, capacity and level of service after the Highway Capacity
// Manual, Webster's cycle and splits, clearance times, platoon dispersion and
// bandwidth.
//
// It stands on geo, whose plans are the only plan type; sim runs the
// controllers, scenarios starts its optimiser from the calculators.
// docs/models/signals.md gives equations, sources and what is not claimed.
package signal
