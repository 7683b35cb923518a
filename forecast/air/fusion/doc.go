// Package fusion corrects what a dispersion model says by what monitors measure:
// the background from the stations themselves, the strength of groups of sources
// hour by hour, and what is left by distance.
//
// It stands between sim/air, which says what each group of streets adds at each
// station, and whoever needs the corrected field: the running twin, or a study.
// Filter scales groups in log space, so that no source becomes negative
// (extended Kalman filter, iterated; a random walk from hour to hour), Field
// spreads residuals (optimal interpolation), LeaveOneOut and Jury score
// both on stations that were not used. docs/models/fusion.md gives the equations.
package fusion
