// Package match puts sensors on the segments whose traffic they see. It stands
// on geo alone: it takes sensors with a place, and perhaps a direction and a
// street name, and returns them with segment, position, confidence and a review
// list for the doubtful ones.
//
// A candidate's cost is the sum of squared deviations: distance to the nearest
// lane over its usual error, difference of direction over its usual error, and
// a penalty for a different street name. The confidence is the candidate's
// share of the likelihood exp(-cost/2) among all candidates and "none of them".
//
// Networks are often drawn a few metres off: with enough sensors the common
// shift is estimated from the sideways distances of all matches (iteratively
// reweighted least squares with Cauchy weights) and taken out first. Then no
// more sensors may share a spot of a segment than it has lanes, and those that
// share one see a lane each.
package match
