// Package sim is the microscopic traffic engine: every vehicle of a Demand
// drives through a City, step by step, and leaves results per segment,
// movement, signal, detector and trip.
//
// It stands on geo (the city, with its signals and plans as data), sim/demand
// (who travels) and sim/signal (how plans behave); scenarios, the live twin and
// the command line call Run, or New and Step. The package is pure: it reads no
// clock and no file and holds no globals. Equal inputs give equal bits on any
// number of threads.
//
// Vehicles lie in driving order in the contiguous record block of their lane,
// so a leader is the neighbour in memory. A step is: signals; plan every
// vehicle's speed from the old state; decide who may enter junctions; move;
// hand over between lanes; change lanes; insert. Random numbers come from one
// counter-based stream per (seed, entity, purpose). docs/models/driving.md,
// junctions.md and signals.md give the equations and their sources.
package sim
